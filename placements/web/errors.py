"""One page for each way a request can end badly, in words, with the right status."""

from flask import Flask, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from placements.errors import NotAllowed, NotFound, PlacementsError, Refused, Stale

HEADINGS = {
    400: "That request could not be used",
    401: "Sign in first",
    403: "You do not have permission to do that",
    404: "Page not found",
    405: "That cannot be done here",
    409: "This could not be done",
    413: "That file is too large",
    429: "Too many tries",
    500: "Sorry, there is a problem with the service",
}
WORDS = {
    400: "Something in it was missing or not what this page sends. Go back, reload the page and try again.",
    401: "You are not signed in, or your session has ended.",
    403: "Your account may not do that.",
    404: "If you typed the address, check it is correct. What you look for may not exist,"
    " or may belong to another organisation.",
    405: "Go back and use the buttons on the page.",
    413: "What you sent is larger than this page takes. A file can have at most 5 MB:"
    " remove what is not needed from it and try again.",
    429: "There were too many tries in a short time. For safety, wait 15 minutes and then try again."
    " If you have forgotten your password, ask your network's administrator.",
    500: "What you were doing may not have been saved. Try again later; if it happens again, tell your"
    " academy lead.",
}
# The client's affair is to know these; the rest of an exception's headers would describe its own page.
KEPT_HEADERS = ("Allow", "Retry-After")
# Shown when even the error page cannot be made, such as when the database does not answer.
BARE_PAGE = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{heading} – Placements</title></head>'
    "<body><main><h1>{heading}</h1><p>{words}</p></main></body></html>"
)


def prefers_json() -> bool:
    """Whether a script asks, rather than a person's browser."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _answer(status: int, message: str, fields: dict[str, str] | None = None) -> ResponseReturnValue:
    if prefers_json():
        return jsonify({"error": message} | ({"fields": fields} if fields else {})), status
    heading = HEADINGS.get(status, "Something went wrong")
    return render_template("error.html", heading=heading, message=message), status


def init_app(app: Flask) -> None:
    statuses = {NotAllowed: 403, NotFound: 404, Stale: 409, Refused: 409}

    @app.errorhandler(PlacementsError)
    def _refusal(error: PlacementsError) -> ResponseReturnValue:
        fields = error.fields if isinstance(error, Refused) else None
        return _answer(statuses.get(type(error), 400), error.message, fields)

    @app.errorhandler(CSRFError)
    def _forged(error: CSRFError) -> ResponseReturnValue:
        return _answer(
            400, "Your page was open for too long or came from elsewhere. Go back, reload it and try again."
        )

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if 300 <= status < 400:
            return error
        response = app.make_response(_answer(status, WORDS.get(status, error.description or "")))
        for name, value in error.get_headers():
            if name in KEPT_HEADERS:
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def _unforeseen(error: Exception) -> ResponseReturnValue:
        if app.testing:
            raise error
        app.logger.exception("unforeseen error on %s %s", request.method, request.path)
        try:
            return _answer(500, WORDS[500])
        except Exception:
            app.logger.exception("the error page could not be made either")
            return BARE_PAGE.format(heading=HEADINGS[500], words=WORDS[500]), 500
