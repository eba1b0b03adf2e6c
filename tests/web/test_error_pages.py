"""How a request that ends badly reads, to a person and to a script."""

from collections.abc import Callable

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import login_manager
from placements.web.errors import HEADINGS
from tests.factories import PersonFactory
from tests.web.pages import page, sign_in

JSON = {"Accept": "application/json"}


def raising(error: Exception) -> Callable[[], str]:
    def view() -> str:
        raise error

    return view


@pytest.fixture
def broken(site: Flask) -> FlaskClient:
    """A site with a page for each way to fail, as it answers when it is not under test."""
    site.testing = False
    site.add_url_rule("/not-allowed", "not_allowed", raising(NotAllowed("Your role does not include this.")))
    site.add_url_rule("/not-found", "not_found", raising(NotFound("There is no such round.")))
    site.add_url_rule("/stale", "stale", raising(Stale("Somebody else changed this.")))
    refused = Refused("The round is not open.", {"name": "Use a name of its own"})
    site.add_url_rule("/refused", "refused", raising(refused))
    site.add_url_rule("/unforeseen", "unforeseen", raising(ZeroDivisionError("secret detail")))
    for status in (400, 413, 429, 418):
        site.add_url_rule(f"/{status}", f"status_{status}", lambda status=status: abort(status))
    return site.test_client()


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/not-allowed", 403, "Your role does not include this."),
        ("/not-found", 404, "There is no such round."),
        ("/nowhere", 404, "check it is correct"),
        ("/sign-out", 405, "use the buttons on the page"),
        ("/stale", 409, "Somebody else changed this."),
        ("/refused", 409, "The round is not open."),
        ("/400", 400, "reload the page"),
        ("/413", 413, "at most 5 MB"),
        ("/429", 429, "wait 15 minutes"),
        ("/unforeseen", 500, "may not have been saved"),
    ],
)
def test_each_ending_is_a_page_in_words_or_json(
    broken: FlaskClient, address: str, status: int, words: str
) -> None:
    response = broken.get(address)
    assert response.status_code == status
    found = page(response)
    assert found.h1 == HEADINGS[status]
    assert found.title == f"{HEADINGS[status]} – Placements"
    assert words in found.main
    assert found.links()["Sign in"] == "/sign-in"
    answer = broken.get(address, headers=JSON)
    assert answer.status_code == status
    assert words in answer.get_json()["error"]
    for text in (response.text, answer.text):
        assert "secret detail" not in text
        assert "Traceback" not in text


def test_a_refusal_names_its_fields_to_a_script(broken: FlaskClient) -> None:
    assert broken.get("/refused", headers=JSON).get_json() == {
        "error": "The round is not open.",
        "fields": {"name": "Use a name of its own"},
    }


def test_somebody_signed_in_is_led_back_to_the_rounds(broken: FlaskClient) -> None:
    sign_in(broken, PersonFactory())
    assert page(broken.get("/nowhere")).links()["Go to your rounds"] == "/"


def test_a_browser_that_takes_anything_gets_a_page(broken: FlaskClient) -> None:
    for accept in ("*/*", "text/html,application/xhtml+xml,*/*;q=0.8", ""):
        assert broken.get("/nowhere", headers={"Accept": accept}).mimetype == "text/html"


def test_405_says_what_is_allowed(broken: FlaskClient) -> None:
    assert set(broken.get("/sign-out").headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_an_ending_without_words_of_ours_still_has_a_page(broken: FlaskClient) -> None:
    response = broken.get("/418")
    assert response.status_code == 418
    assert page(response).h1 == "Something went wrong"


def test_an_upload_over_the_limit_is_a_page_too(broken: FlaskClient, site: Flask) -> None:
    site.config["MAX_CONTENT_LENGTH"] = 1000
    response = broken.post("/sign-in", data={"email": "x" * 2000})
    assert response.status_code == 413
    assert page(response).h1 == "That file is too large"


def test_without_a_token_a_form_says_to_reload(broken: FlaskClient, site: Flask) -> None:
    site.config["WTF_CSRF_ENABLED"] = True
    response = broken.post("/sign-in", data={"email": "a@example.nhs.uk", "password": "x"})
    assert response.status_code == 400
    assert "reload it and try again" in page(response).main


def test_when_even_the_page_cannot_be_made_there_are_plain_words(
    broken: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the database does not answer: who is signed in cannot be read."""
    sign_in(broken, PersonFactory())

    def no_answer(key: str) -> None:
        raise ConnectionError("the database does not answer")

    monkeypatch.setattr(login_manager, "_user_callback", no_answer)
    response = broken.get("/rounds/")
    assert response.status_code == 500
    assert HEADINGS[500] in response.text
    assert response.mimetype == "text/html"
