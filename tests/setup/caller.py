"""A person's requests to a running site, whose power may be cut while one is under way."""

import socket
import threading
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import html5lib

from tests.factories import PASSWORD
from tests.setup.processes import Installation, Process

_moment = threading.Event()


class Caller:
    """Signed in once; what the cookies hold outlives the site's process."""

    def __init__(self, installation: Installation, email: str) -> None:
        self._installation = installation
        self._cookies = CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self._cookies))
        fields = self.fields("/sign-in", "/sign-in") | {"email": email, "password": PASSWORD}
        self.send("/sign-in", fields)

    def fields(self, page: str, action: str) -> dict[str, str]:
        """The hidden fields of the form on a page that is sent to `action`, its query left out."""
        with self._opener.open(self._installation.address + page) as answer:
            tree = html5lib.parse(answer.read(), namespaceHTMLElements=False)
        for form in tree.iter("form"):
            if form.get("method") == "post" and (form.get("action") or page).partition("?")[0] == action:
                return {
                    field.get("name"): field.get("value", "")
                    for field in form.iter("input")
                    if field.get("type") == "hidden"
                }
        raise AssertionError(f"{page} has no form for {action}")

    def send(self, action: str, fields: dict[str, str]) -> None:
        """Send a form and follow where it leads."""
        with self._opener.open(self._request(action, fields)):
            pass

    def send_and_cut(self, action: str, fields: dict[str, str], seconds: float, site: Process) -> None:
        """Send a form, and kill every process of the site so many seconds later, whatever it is doing."""
        request = self._request(action, fields)
        self._cookies.add_cookie_header(request)
        body = request.data
        assert isinstance(body, bytes)
        head = "".join(f"{name}: {value}\r\n" for name, value in request.header_items())
        with socket.create_connection(("127.0.0.1", self._installation.port)) as line:
            line.sendall(
                f"POST {action} HTTP/1.1\r\nHost: 127.0.0.1:{self._installation.port}\r\n{head}"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            _moment.wait(seconds)
            site.cut()

    def _request(self, action: str, fields: dict[str, str]) -> Request:
        return Request(
            self._installation.address + action,
            data=urlencode(fields).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Referer": self._installation.address + action,
            },
        )
