"""One page for each way a request can end badly, in words, with the right status."""

from flask import Flask, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from placements.errors import NotAllowed, NotFound, PlacementsError, Refused, Stale

HEADINGS = {
    400: "That request could not be used",
    403: "You do not have permission to do that",
    404: "Page not found",
    405: "That cannot be done here",
    409: "This could not be done",
    413: "That file is too large",
    429: "Too many tries",
    500: "Sorry, there is a problem with the service",
}
WORDS = {
    404: "If you typed the address, check it is correct. What you look for may not exist,"
    " or may belong to another organisation.",
    405: "Go back and use the buttons on the page.",
    413: "The largest file that can be uploaded is 5 MB. Remove what is not needed from it and try again.",
    429: "For safety, this address has to wait a little. Try again in 15 minutes.",
    500: "Nothing was changed. Try again later; if it happens again, tell your academy lead.",
}


def _answer(status: int, message: str) -> ResponseReturnValue:
    heading = HEADINGS.get(status, "Something went wrong")
    if request.accept_mimetypes.best == "application/json":
        return jsonify(error=message), status
    return render_template("error.html", heading=heading, message=message), status


def init_app(app: Flask) -> None:
    statuses = {NotAllowed: 403, NotFound: 404, Stale: 409, Refused: 409}

    @app.errorhandler(PlacementsError)
    def _refusal(error: PlacementsError) -> ResponseReturnValue:
        return _answer(statuses.get(type(error), 400), error.message)

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
        return _answer(status, WORDS.get(status, error.description or ""))

    @app.errorhandler(Exception)
    def _unforeseen(error: Exception) -> ResponseReturnValue:
        if app.testing:
            raise error
        app.logger.exception("unforeseen error on %s %s", request.method, request.path)
        return _answer(500, WORDS[500])
