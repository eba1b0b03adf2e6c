"""Pages of appeals, the freeze and the waiting list, as officers, the panel and learners see them."""

import csv
import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from placements.access import Role
from placements.accounts.models import Person
from placements.appeals.models import Appeal, AppealEvidence
from placements.clock import today
from placements.extensions import db
from placements.repairs.models import ReturnedPlace
from tests.factories import (
    AppealEvidenceFactory,
    AppealFactory,
    CheckKindFactory,
    LearnerCheckFactory,
    PersonFactory,
    RoundFactory,
    saved,
)
from tests.factories.published import PublishedRound, published_round
from tests.web.pages import page, sign_in

SECRET = "a-learners-own-secret"
MY = f"/my/{SECRET}"


@pytest.fixture
def made(site: Flask) -> PublishedRound:
    return published_round(places=(2, 2), secret=SECRET)


@pytest.fixture
def lead(made: PublishedRound) -> Person:
    row: Person = PersonFactory()
    return row


@pytest.fixture
def officer(made: PublishedRound) -> Person:
    row: Person = PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=made.region.hei.id)
    return row


def lodging(made: PublishedRound) -> str:
    return f"{MY}/placements/{made.requirement().id}/appeal"


def test_a_learner_lodges_and_withdraws_by_private_link(client: FlaskClient, made: PublishedRound) -> None:
    first = page(client.get(MY))
    address = next(href for words, href in first.links().items() if words.startswith("Appeal against"))
    assert address == lodging(made)
    form = page(client.get(address))
    assert "hospitals cannot" in form.main
    wrong = client.post(address, data={"statement": "Too far.", "wants": "nearer", "wanted_minutes": "many"})
    assert wrong.status_code == 400
    found = page(wrong)
    assert set(found.errors) == {"grounds", "wanted_minutes"}
    assert (found.value("statement"), found.value("wanted_minutes")) == ("Too far.", "many")
    data = {"grounds": "caring", "statement": "Too far.", "wants": "elsewhere"}
    assert client.post(address, data=data).status_code == 302
    after = page(client.get(MY))
    assert "Your appeal is lodged." in after.text
    assert "Your appeal: waiting for a decision." in after.main
    assert not any(words.startswith("Appeal against") for words in after.links())
    again = client.post(address, data=data)
    assert again.status_code == 409
    assert "already waits" in page(again).errors[""]
    appeal = db.session.scalars(select(Appeal)).one()
    client.post(f"{MY}/appeals/{appeal.id}/withdraw", data={"version": appeal.version})
    assert "Your appeal is withdrawn." in page(client.get(MY)).text
    client.post(f"{MY}/appeals/{appeal.id}/withdraw", data={"version": appeal.version})
    assert "This appeal is withdrawn, so you cannot withdraw it" in page(client.get(MY)).text


def test_another_learners_place_and_appeal_are_not_there_for_a_private_link(
    client: FlaskClient, made: PublishedRound
) -> None:
    theirs = AppealFactory(requirement=made.requirement(1))
    saved()
    assert client.get(f"{MY}/placements/{made.requirement(1).id}/appeal").status_code == 404
    answer = client.post(f"{MY}/appeals/{theirs.id}/withdraw", data={"version": 1})
    assert answer.status_code == 404
    assert db.session.get_one(Appeal, theirs.id).state == "lodged"


def test_a_learner_is_told_when_it_is_too_late(client: FlaskClient, made: PublishedRound) -> None:
    made.region.round.appeal_by = today().replace(day=20)
    saved()
    assert not any(words.startswith("Appeal against") for words in page(client.get(MY)).links())
    late = page(client.get(lodging(made)))
    assert "The last day for appeals was 20 November 2026." in late.main
    answer = client.post(lodging(made), data={"grounds": "travel", "statement": "x", "wants": "elsewhere"})
    assert answer.status_code == 409
    assert page(answer).errors[""] == "The last day for appeals was 20 November 2026."


def test_a_file_of_another_kind_is_refused_at_its_field(client: FlaskClient, made: PublishedRound) -> None:
    data = {
        "grounds": "travel",
        "statement": "Too far.",
        "wants": "elsewhere",
        "files": [(io.BytesIO(b"%PDF-1.4"), "a.pdf"), (io.BytesIO(b"<script>"), "b.pdf")],
    }
    answer = client.post(lodging(made), data=data, content_type="multipart/form-data")
    assert answer.status_code == 400
    found = page(answer)
    assert found.errors == {"files": "b.pdf is not a PDF, a JPEG or a PNG: save it as one of these"}
    assert "Choose your files again." in found.main


def test_an_officer_finds_the_place_lodges_and_opens_the_evidence(
    client: FlaskClient, made: PublishedRound, officer: Person
) -> None:
    sign_in(client, officer)
    reference = made.region.learners[1].reference
    found = page(client.get(f"/rounds/{made.round_id}/appeals/new?reference={reference}"))
    assert [row[0] for row in found.rows()] == [reference]
    address = next(href for words, href in found.links().items() if words.startswith("Lodge an appeal"))
    data = {
        "grounds": "employment",
        "statement": "Works on Fridays.",
        "wants": "elsewhere",
        "files": [(io.BytesIO(b"\x89PNG\r\n\x1a\n..."), "contract.png")],
    }
    answer = client.post(address, data=data, content_type="multipart/form-data")
    one = page(client.get(answer.location))
    assert one.h1.endswith(f"Appeal of {reference}")
    assert "contract.png" in one.main
    assert "If it is upheld" not in one.main
    evidence = db.session.scalars(select(AppealEvidence)).one()
    given = client.post(f"/appeals/evidence/{evidence.id}")
    assert given.data.startswith(b"\x89PNG")
    assert given.mimetype == "image/png"
    assert given.headers["Content-Disposition"].startswith("attachment")
    assert given.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(f"/appeals/evidence/{evidence.id}").status_code == 405
    learner = page(client.get(f"/learners/{made.region.learners[1].id}"))
    assert "Waiting for a decision" in learner.main


def test_the_panel_filters_decides_and_downloads(
    client: FlaskClient, made: PublishedRound, lead: Person
) -> None:
    mine = AppealEvidenceFactory(appeal__requirement=made.requirement(), appeal__grounds="caring").appeal
    AppealFactory(requirement=made.requirement(1), state="withdrawn")
    saved()
    sign_in(client, lead)
    listed = page(client.get(f"/rounds/{made.round_id}/appeals"))
    assert [row[-1] for row in listed.rows()] == ["Waiting for a decision", "Withdrawn"]
    only = page(client.get(f"/rounds/{made.round_id}/appeals?state=lodged&grounds=caring"))
    assert len(only.rows()) == 1
    none = page(client.get(f"/rounds/{made.round_id}/appeals?grounds=safety"))
    assert "No appeal is like that." in none.main
    address = f"/appeals/{mine.id}/decide"
    wrong = client.post(address, data={"version": mine.version, "decision": "No bus."})
    assert wrong.status_code == 400
    found = page(wrong)
    assert set(found.errors) == {"verdict"}
    assert found.value("decision") == "No bus."
    stale = client.post(address, data={"version": 99, "verdict": "uphold", "decision": "No bus."})
    assert stale.status_code == 409
    assert page(stale).value("decision") == "No bus."
    done = client.post(address, data={"version": mine.version, "verdict": "uphold", "decision": "No bus."})
    after = page(client.get(done.location))
    assert "The appeal is upheld." in after.text
    assert "No bus." in after.main
    again = client.post(address, data={"version": 2, "verdict": "decline", "decision": "Otherwise."})
    assert again.status_code == 409
    text = client.get(f"/rounds/{made.round_id}/appeals.csv?state=upheld").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [(row["State"], row["Reasons"], row["Files"]) for row in rows] == [("Upheld", "No bus.", "1")]
    assert "home in time" not in text


def test_a_round_without_appeals_and_one_without_publication_say_so(
    client: FlaskClient, made: PublishedRound, lead: Person
) -> None:
    empty = RoundFactory()
    saved()
    sign_in(client, lead)
    assert "Nobody has appealed" in page(client.get(f"/rounds/{made.round_id}/appeals")).main
    for name in ("appeals", "freeze", "waiting"):
        assert "Nothing is published" in page(client.get(f"/rounds/{empty.id}/{name}")).main


def test_the_lead_freezes_once_and_lets_a_learner_be_placed_again(
    client: FlaskClient, made: PublishedRound, lead: Person
) -> None:
    kind = CheckKindFactory(name="Occupational health")
    LearnerCheckFactory(record=made.region.learners[1].record, kind=kind)
    AppealFactory(requirement=made.requirement(1))
    saved()
    sign_in(client, lead)
    address = f"/rounds/{made.round_id}/freeze"
    before = page(client.get(address))
    assert "1 place would be given back today" in before.main
    assert "1 appeal still waits for a decision" in before.main
    assert before.rows()[0][-1] == "Occupational health"
    data = {"version": before.value("version"), "seen": before.value("seen")}
    wrong = client.post(address, data=data | {"seen": "0"})
    assert wrong.status_code == 409
    assert client.post(address, data=data).status_code == 302
    assert "1 place was given back." in page(client.get(address)).text
    assert client.post(address, data=data).status_code == 409
    returned = db.session.scalars(select(ReturnedPlace)).one()
    clear = f"/returned-places/{returned.id}/clear"
    refused = client.post(clear)
    assert refused.status_code == 409
    assert "is not clear yet: Occupational health" in page(refused).errors[""]
    own = page(client.get(MY))
    assert "This place was given back on 24 November 2026" in own.main
    assert "Letter to print" not in own.main
    waiting = page(client.get(f"/rounds/{made.round_id}/waiting"))
    assert "1 learner gave a place back" in waiting.main
    LearnerCheckFactory(record=made.region.learners[0].record, kind=kind)
    saved()
    assert client.post(clear).status_code == 302
    assert "may be placed again" in page(client.get(address)).text
    assert "This place was given back" not in page(client.get(MY)).main


def test_the_waiting_list_tells_the_order_and_is_a_file(client: FlaskClient, site: Flask) -> None:
    made = published_round(learners=4, places=(1, 1))
    sign_in(client, PersonFactory())
    found = page(client.get(f"/rounds/{made.round_id}/waiting"))
    assert [row[0] for row in found.rows()] == ["1", "2"]
    assert all("Priority 2; waiting since version 1; drew" in row[3] for row in found.rows())
    text = client.get(f"/rounds/{made.round_id}/waiting.csv").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [row["Rank"] for row in rows] == ["1", "2"]
    assert [row["Learner reference"] for row in rows] == [row[1].split(" ")[0] for row in found.rows()]
