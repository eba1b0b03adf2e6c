"""Pages of private links: making one, answering by it, and what it does not open."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from placements.capacity.models import Declaration, Invitation
from placements.clock import now_utc
from placements.extensions import db
from placements.mail.models import Message
from placements.organisations.models import Department
from placements.rounds.models import Round
from tests.factories import (
    BlockFactory,
    DepartmentFactory,
    InvitationFactory,
    PersonFactory,
    RoundFactory,
    SiteFactory,
    saved,
)
from tests.web.pages import page, sign_in

SECRET = "not-a-secret-at-all"


@pytest.fixture
def department(site: Flask) -> Department:
    """A department of a site that has a link, in a round of two weeks."""
    round_ = RoundFactory(name="Spring 2027")
    BlockFactory(round=round_, weeks=2)
    row: Department = DepartmentFactory(site=SiteFactory(name="Heartlands Hospital"))
    InvitationFactory(round=round_, site=row.site, secret=SECRET)
    saved()
    return row


def round_of() -> Round:
    return db.session.scalars(select(Round)).one()


def cells(department: Department, maximum: str = "3", version: int = 0) -> dict[str, str]:
    found = {f"{department.id}.version": str(version)}
    for week in round_of().block_weeks():
        found |= {
            f"{department.id}.any.preferred.{week}": "2",
            f"{department.id}.any.maximum.{week}": maximum,
            f"{department.id}.educators.wte.{week}": "1.5",
        }
    return found


def test_a_site_fills_in_and_submits_without_an_account(client: FlaskClient, department: Department) -> None:
    address = f"/declare/{SECRET}"
    first = page(client.get(address))
    assert first.h1.endswith("Heartlands Hospital")
    assert "Not declared" in first.main
    assert "Sign out" not in first.text
    form_address = first.links()["X-ray"]
    assert page(client.get(form_address)).h1.endswith("X-ray, Heartlands Hospital")
    wrong = client.post(form_address, data=cells(department, maximum="many") | {"submit": str(department.id)})
    assert wrong.status_code == 400
    found = page(wrong)
    assert found.value(f"{department.id}.any.maximum.2027-01-04") == "many"
    assert f"{department.id}.any.maximum.2027-01-04" in found.errors
    answer = client.post(
        form_address, data=cells(department) | {"submit": str(department.id)}, follow_redirects=True
    )
    assert "submitted" in page(answer).main
    row = db.session.scalars(select(Declaration)).one()
    assert (row.state, row.changed_by_id) == ("submitted", None)
    assert "Submitted" in page(client.get(address)).main


def test_a_link_opens_no_other_page_and_its_address_stays_private(
    client: FlaskClient, department: Department
) -> None:
    other = DepartmentFactory(site=SiteFactory(trust=department.site.trust))
    saved()
    answer = client.get(f"/declare/{SECRET}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "strict-origin"
    assert "Set-Cookie" not in answer.headers or "_user_id" not in answer.headers["Set-Cookie"]
    round_id = round_of().id
    for path in (f"/rounds/{round_id}", f"/rounds/{round_id}/capacity/{department.id}", "/"):
        assert client.get(path).location.startswith("/sign-in")
    assert client.get(f"/declare/{SECRET}/{other.id}").status_code == 404
    assert client.post(f"/declare/{SECRET}/{other.id}", data=cells(department)).status_code == 404


def test_links_that_do_not_work_all_answer_alike(client: FlaskClient, department: Department) -> None:
    round_ = round_of()
    InvitationFactory(round=round_, site=department.site, secret="old", expires_utc=now_utc())
    InvitationFactory(round=round_, site=department.site, secret="ended", revoked_utc=now_utc())
    draft = RoundFactory(name="Draft", state="draft")
    InvitationFactory(round=draft, site=department.site, secret="early")
    saved()
    answers = [
        client.get(f"/declare/{secret}") for secret in ("old", "ended", "early", "unknown", "%00", "é")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(r'(nonce|content|value)="[^"]*"', "", answer.text) for answer in answers}) == 1
    assert page(answers[0]).h1 == "This link does not work"
    assert {answer.headers["Referrer-Policy"] for answer in answers} == {"strict-origin"}


def test_forms_of_a_link_are_taken_over_https_with_their_token(site: Flask, department: Department) -> None:
    """The address is kept from other sites, and the check of where a form comes from still finds enough."""
    site.config["WTF_CSRF_ENABLED"] = True
    browser = site.test_client()
    address = f"/declare/{SECRET}/{department.id}"
    told = browser.get(address, base_url="https://placements.example")
    token = re.search(r'name="csrf_token" value="([^"]+)"', told.text)
    assert token
    data = cells(department) | {"save": "save", "csrf_token": token[1]}
    answer = browser.post(
        address,
        data=data,
        base_url="https://placements.example",
        headers={"Referer": "https://placements.example/"},
    )
    assert answer.status_code == 302
    assert db.session.scalars(select(Declaration.state)).one() == "draft"


def test_guessing_is_slowed_down(sqlite_url: str, tmp_path: object, clock: None) -> None:
    from pathlib import Path

    from placements import create_app
    from placements.settings import Settings

    assert isinstance(tmp_path, Path)
    app = create_app(Settings(var=tmp_path, database_url=sqlite_url, secret_key="x"))
    app.testing = True
    with app.app_context():
        browser = app.test_client()
        statuses = [browser.get(f"/declare/guess-{number}").status_code for number in range(32)]
        db.engine.dispose()
    app.extensions["huey"].storage.close()
    assert statuses == [404] * 30 + [429] * 2


def test_an_educator_makes_a_link_sees_it_once_and_ends_it(
    client: FlaskClient, department: Department
) -> None:
    educator = PersonFactory(role="practice_educator", trust_id=department.site.trust_id, name="Priya Nair")
    sign_in(client, educator)
    address = f"/rounds/{round_of().id}/capacity/links"
    refused = client.post(address, data={"site": "", "email": "nobody", "days": "many"})
    found = page(refused)
    assert refused.status_code == 400
    assert set(found.errors) == {"site", "days"}
    assert (found.value("email"), found.value("days")) == ("nobody", "many")
    wrong = page(client.post(address, data={"site": str(department.site_id), "email": "nobody", "days": ""}))
    assert "is not an e-mail address" in wrong.errors["email"]
    made = page(
        client.post(address, data={"site": str(department.site_id), "email": "desk@nhs.uk", "days": "5"})
    )
    link = made.value("address")
    assert "/declare/" in link
    assert "It is on its way to desk@nhs.uk" in made.main
    secret = link.rpartition("/")[2]
    assert secret not in client.get(address).text
    (message,) = db.session.scalars(select(Message)).all()
    assert link in message.body
    assert client.get(f"/declare/{secret}").status_code == 200
    newest = db.session.scalars(select(Invitation).order_by(Invitation.id.desc())).first()
    assert newest is not None
    ended = client.post(f"/links/{newest.id}/end", follow_redirects=True)
    assert "The link for Heartlands Hospital is ended" in page(ended).main
    assert client.get(f"/declare/{secret}").status_code == 404
