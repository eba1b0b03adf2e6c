"""Pages that a private link opens without an account."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, g, make_response, render_template, request
from flask.typing import ResponseReturnValue

from placements.errors import NotFound
from placements.extensions import limiter

Opened = TypeVar("Opened")
Page = Callable[..., ResponseReturnValue]


def by_link(find: Callable[[str], Opened | None]) -> Callable[[Page], Page]:
    """Makes a view of an address with a `secret` of a page that takes what the secret opens, found by `find`.

    Every link that does not work gets the same answer; guesses are few, and so are a link's own requests. The
    address is neither kept nor told to other sites.
    """

    def decorate(page: Page) -> Page:
        @wraps(page)
        def opened(secret: str, **values: Any) -> Response:
            # No address goes along beyond the site's own name, which the check of forms needs.
            g.referrer_policy = "strict-origin"
            found = find(secret)
            try:
                if found is None:
                    raise NotFound("no such link")
                response = make_response(page(found, secret=secret, **values))
            except NotFound:
                response = make_response(render_template("link_is_over.html"), 404)
            response.headers["Cache-Control"] = "no-store"
            response.headers["X-Robots-Tag"] = "noindex"
            return response

        for_one = limiter.limit("300 per 15 minutes", key_func=_this_link)(opened)
        limited: Page = limiter.limit("30 per 15 minutes", deduct_when=_was_no_link)(for_one)
        return limited

    return decorate


def _was_no_link(response: Response) -> bool:
    return response.status_code == 404


def _this_link() -> str:
    """A whole hospital may use one address, so a link in use is counted for itself."""
    return f"link:{(request.view_args or {}).get('secret', '')[:100]}"
