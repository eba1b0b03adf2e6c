"""Every answer is safe in a browser: its headers, its cookie, and nothing fetched from elsewhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from placements import create_app
from placements.extensions import db
from placements.settings import Settings
from placements.web import NHSUK, OWN_FILES
from tests.factories import PASSWORD, PersonFactory
from tests.web.pages import page, sign_in

# A page for nobody and for somebody, a file of each kind, a redirect, and answers that are errors.
ADDRESSES = {
    "/sign-in": 200,
    "/rounds/": 200,
    "/accounts/password": 200,
    "/": 302,
    "/audit": 403,
    "/no-such-page": 404,
    "/sign-out": 405,
    "/assets/nhsuk.css": 200,
    "/assets/nhsuk.js": 200,
    "/assets/images/favicon.svg": 200,
    "/own/placements.css": 200,
    "/own/start.js": 200,
    "/own/no-such-file.js": 404,
    "/own/../settings.py": 404,
    "/health": 200,
}
ELSEWHERE = re.compile(r"""(?:https?:)?//[^\s"')]+""")


@pytest.fixture
def somebody(client: FlaskClient) -> FlaskClient:
    sign_in(client, PersonFactory())
    return client


@pytest.fixture
def behind_https(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The site as it is served behind a proxy that speaks HTTPS."""
    settings = Settings(
        var=tmp_path,
        database_url=sqlite_url,
        secret_key="for tests only",
        secure_cookies=True,
        rate_limits=False,
        trusted_proxies=1,
    )
    app = create_app(settings)
    app.testing = True
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        yield app
        db.session.rollback()
        db.engine.dispose()
    app.extensions["huey"].storage.close()


@pytest.mark.parametrize(("address", "status"), ADDRESSES.items())
def test_every_answer_has_its_headers(somebody: FlaskClient, address: str, status: int) -> None:
    client = somebody.application.test_client() if address == "/sign-in" else somebody
    response = client.get(address, buffered=True)
    assert response.status_code == status
    headers = response.headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert re.fullmatch(r"'self'( 'nonce-[\w-]{16,}')?", policy["script-src"])
    assert policy["object-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    is_file = status == 200 and address.startswith(("/assets/", "/own/"))
    assert headers["Cache-Control"] == "no-store" or (is_file and "max-age" in headers["Cache-Control"])


def test_each_page_has_a_nonce_of_its_own(client: FlaskClient) -> None:
    found = {page(client.get("/sign-in")).one("body").find("script").get("nonce") for _ in range(3)}  # type: ignore[union-attr]
    assert len(found) == 3
    assert None not in found


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(client: FlaskClient) -> None:
    cookie = session_cookie(sign_in(client, PersonFactory()))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_behind_https_the_cookie_and_the_site_stay_there(behind_https: Flask) -> None:
    person = PersonFactory()
    db.session.commit()
    client = behind_https.test_client()
    plain = client.get("/sign-in")
    assert (plain.status_code, plain.location) == (302, "https://localhost/sign-in")
    forwarded = {"X-Forwarded-Proto": "https"}
    answer = client.post("/sign-in", data={"email": person.email, "password": PASSWORD}, headers=forwarded)
    assert answer.status_code == 302
    assert "Secure" in session_cookie(answer)
    assert "max-age=" in answer.headers["Strict-Transport-Security"]


def session_cookie(response: TestResponse) -> str:
    cookies = [c for c in response.headers.getlist("Set-Cookie") if c.startswith("placements=")]
    assert len(cookies) == 1
    return cookies[0]


def test_no_page_loads_anything_from_elsewhere(somebody: FlaskClient) -> None:
    loaded = set()
    for address in ("/rounds/", "/accounts/password", "/no-such-page"):
        found = page(somebody.get(address))
        for tag, attribute in (("link", "href"), ("script", "src"), ("img", "src"), ("use", "href")):
            loaded |= {e.get(attribute) for e in found.all(tag) if e.get(attribute)}
    assert len(loaded) > 4
    for target in loaded:
        assert not urlsplit(target).netloc, f"{target} is on another host"
        assert somebody.get(target, buffered=True).status_code == 200, f"{target} is not there"


def test_no_stylesheet_loads_anything_from_elsewhere_and_all_of_it_is_there(client: FlaskClient) -> None:
    loaded = 0
    for address in ("/assets/nhsuk.css", *(f"/own/{path.name}" for path in OWN_FILES.glob("*.css"))):
        css = client.get(address, buffered=True).text
        assert css
        assert "@import" not in css
        assert "assets.nhs.uk" not in css
        for target in re.findall(r"url\(\s*[\"']?([^\"')]+)", css):
            if target.startswith("data:"):
                continue
            loaded += 1
            assert not ELSEWHERE.match(target), target
            assert client.get(target, buffered=True).status_code == 200, target
    assert "arial" in client.get("/assets/nhsuk.css", buffered=True).text
    assert "@font-face" in (NHSUK / "nhsuk-frontend.min.css").read_text(), "nothing was left out"
    assert loaded


def test_no_script_of_ours_fetches_from_elsewhere() -> None:
    scripts = list(OWN_FILES.glob("*.js"))
    assert scripts
    for path in scripts:
        code = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)
        assert not re.search(r"""["'`](?:https?:)?//""", code), path.name
        assert not re.search(r"\beval\(|new Function\(|innerHTML|document\.write", code), path.name


def test_the_font_of_the_nhs_is_asked_for_only_where_the_settings_say_so(
    sqlite_url: str, tmp_path: Path
) -> None:
    app = create_app(
        Settings(var=tmp_path, database_url=sqlite_url, secret_key="for tests only", use_frutiger=True)
    )
    response = app.test_client().get("/assets/nhsuk.css", buffered=True)
    assert "https://assets.nhs.uk" in response.text
    assert "font-src 'self' https://assets.nhs.uk" in response.headers["Content-Security-Policy"]
    app.extensions["huey"].storage.close()
