"""Learners' own pages by private link, and the officer's pages that make the links."""

import csv
import io
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select

from placements import create_app
from placements.clock import now_utc, set_clock
from placements.cohorts.models import Learner, LearnerLink, LearnerPreference
from placements.extensions import db
from placements.outcomes.models import PlacementFeedback
from placements.settings import Settings
from tests.conftest import NOW_UTC
from tests.factories import (
    CohortFactory,
    DepartmentFactory,
    LearnerFactory,
    LearnerLinkFactory,
    PersonFactory,
    PublicationFactory,
    PublicationLineFactory,
    RoundFactory,
    SiteFactory,
    saved,
)
from tests.factories.region import small_round
from tests.web.pages import page, sign_in

SECRET = "a-learners-own-secret"
MY = f"/my/{SECRET}"
BEGUN = date(2026, 11, 16)


@pytest.fixture
def learner(site: Flask) -> Learner:
    """One of three learners of an open round, with a link."""
    region = small_round()
    region.departments[0].site.name = "Near Hospital"
    region.departments[1].site.name = "Far Hospital"
    region.departments[1].site.longitude = -1.82913
    row = region.learners[0]
    LearnerLinkFactory(learner=row, secret=SECRET, expires_utc=now_utc() + timedelta(days=100))
    saved()
    return row


def publish(learner: Learner, number: int = 1, **line: object) -> None:
    """The learner's line, and a line of somebody else's at another site."""
    publication = PublicationFactory(round=learner.cohort.round, number=number)
    values = {"record_id": learner.record_id, "of_hei": learner.hei, "requirement_id": 71} | line
    PublicationLineFactory(publication=publication, **values)
    other = DepartmentFactory(site=SiteFactory(name=f"Somebody Else’s Hospital {number}"))
    PublicationLineFactory(publication=publication, of_hei=learner.hei, at=other)
    learner.cohort.round.state = "published"
    saved()


def test_before_publication_a_learner_sees_what_is_needed_and_ranks_sites(
    client: FlaskClient, learner: Learner
) -> None:
    first = page(client.get(MY))
    assert first.h1.endswith("My placements")
    assert "X-ray" in first.main
    assert "Nothing is published yet" in first.main
    address = first.links()["Choose sites"]
    form = page(client.get(address))
    assert [row[0].split(" Trust")[0] for row in form.rows()] == ["Near Hospital", "Far Hospital"]
    near, far = (str(row.site_id) for row in _departments())
    version = form.value("version")
    wrong = client.post(address, data={"rank_1": far, "rank_2": far, "version": version})
    assert wrong.status_code == 400
    found = page(wrong)
    assert found.errors == {"rank_2": "Far Hospital is already ranked above: choose another site"}
    assert (found.value("rank_1"), found.value("rank_2")) == (far, far)
    answer = client.post(
        address, data={"rank_1": far, "rank_2": near, "version": version}, follow_redirects=True
    )
    assert "Your choices are saved." in page(answer).main
    assert "You said so yourself" in page(answer).main
    stale = client.post(address, data={"rank_1": near, "version": version})
    assert stale.status_code == 409
    kept = page(stale)
    assert kept.value("rank_1") == near
    assert "What is saved now: Far Hospital; Near Hospital" in kept.main


def _departments() -> list:
    from placements.organisations.models import Department

    return list(db.session.scalars(select(Department).order_by(Department.id)))


def test_after_publication_a_learner_sees_their_own_place_and_nobody_elses(
    client: FlaskClient, learner: Learner
) -> None:
    at = _departments()[0]
    publish(learner, at=at, travel_minutes=42, travel_mode="car", weekdays="135")
    learner.hei.letter_text = "Bring your badge.\nAsk for the desk."
    saved()
    found = page(client.get(MY))
    for words in (
        "Near Hospital",
        "B15 2GW",
        "4 January 2027",
        "29 January 2027",
        "Monday, Wednesday and Friday",
        "about 42 min by car (an estimate, no timetable)",
        "Bring your badge.",
    ):
        assert words in found.main
    assert "Somebody Else" not in found.text
    assert "Choose sites" not in found.links()
    letter = client.get(f"{MY}/letter.pdf")
    assert letter.data.startswith(b"%PDF")
    answer = client.get(f"{MY}/places.ics")
    (event,) = Calendar.from_ical(answer.data).walk("VEVENT")
    assert event["summary"] == "X-ray, Near Hospital"
    publish(learner, 2, at=_departments()[1])
    again = page(client.get(MY))
    assert "Changed since version 1" in again.main
    assert "You were at Near Hospital" in again.main
    (moved,) = Calendar.from_ical(client.get(f"{MY}/places.ics").data).walk("VEVENT")
    assert (moved["uid"], moved["sequence"]) == (event["uid"], 2)


def test_a_held_place_is_not_told(client: FlaskClient, learner: Learner) -> None:
    publish(learner, at=_departments()[0], state="held", not_ready="DBS missing")
    found = page(client.get(MY))
    assert "still checking" in found.main
    assert "DBS missing" in found.main
    assert "Near Hospital" not in found.text
    assert b"Near Hospital" not in client.get(f"{MY}/places.ics").data
    assert client.get(f"{MY}/letter.pdf").status_code == 409


def test_a_learner_says_how_a_placement_is_and_changes_it(client: FlaskClient, learner: Learner) -> None:
    publish(learner, at=_departments()[0], first_week=BEGUN)
    address = next(to for words, to in page(client.get(MY)).links().items() if words.startswith("Say how"))
    wrong = client.post(address, data={"overall": "", "comment": "Kind people", "version": "0"})
    assert wrong.status_code == 400
    assert page(wrong).errors == {"overall": "Choose a mark from 1 to 5"}
    assert page(wrong).value("comment") == "Kind people"
    answer = client.post(
        address,
        data={"overall": "4", "journey": "2", "comment": "Kind people", "version": "0"},
        follow_redirects=True,
    )
    assert "Your feedback is saved" in page(answer).main
    form = page(client.get(address))
    assert (form.value("overall"), form.value("supervision"), form.value("version")) == ("4", "", "1")
    stale = client.post(address, data={"overall": "1", "version": "0"})
    assert stale.status_code == 409
    assert page(stale).value("overall") == "1"
    assert "What is saved now: 4 overall" in page(stale).main
    row = db.session.scalars(select(PlacementFeedback)).one()
    assert (row.overall, row.journey, row.comment) == (4, 2, "Kind people")
    set_clock(lambda: NOW_UTC + timedelta(weeks=3 + 4))
    assert client.get(address).status_code == 409
    assert "You gave feedback" in page(client.get(MY)).main


def test_no_link_gives_feedback_on_anothers_placement(client: FlaskClient, learner: Learner) -> None:
    publish(learner, first_week=BEGUN)
    other = db.session.scalars(select(Learner).where(Learner.id != learner.id)).first()
    assert other is not None
    LearnerLinkFactory(learner=other, secret="anothers")
    saved()
    address = "/my/anothers/placements/71/feedback"
    assert client.get(address).status_code == 404
    assert client.post(address, data={"overall": "1"}).status_code == 404
    assert db.session.scalars(select(PlacementFeedback)).all() == []


def test_links_that_do_not_work_all_answer_alike_and_addresses_stay_private(
    client: FlaskClient, learner: Learner
) -> None:
    LearnerLinkFactory(learner=learner, secret="old", expires_utc=now_utc())
    LearnerLinkFactory(learner=learner, secret="ended", revoked_utc=now_utc())
    draft = LearnerFactory(cohort=CohortFactory(round=RoundFactory(state="draft")))
    LearnerLinkFactory(learner=draft, secret="early")
    saved()
    tails = ("", "/sites", "/places.ics", "/letter.pdf", "/placements/71/feedback")
    answers = [
        client.get(f"/my/{secret}{tail}")
        for secret in ("old", "ended", "early", "unknown", "%00", "é")
        for tail in tails
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(r'(nonce|content|value)="[^"]*"', "", answer.text) for answer in answers}) == 1
    works = client.get(MY)
    for answer in (works, answers[0]):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "strict-origin"
        assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "Sign out" not in works.text
    assert client.get(f"/rounds/{learner.round_id}").location.startswith("/sign-in")


def test_guessing_is_slowed_down(sqlite_url: str, tmp_path: Path, clock: None) -> None:
    app = create_app(Settings(var=tmp_path, database_url=sqlite_url, secret_key="x"))
    app.testing = True
    with app.app_context():
        browser = app.test_client()
        statuses = [browser.get(f"/my/guess-{number}").status_code for number in range(32)]
        db.engine.dispose()
    app.extensions["huey"].storage.close()
    assert statuses == [404] * 30 + [429] * 2


def test_an_officer_makes_a_cohorts_links_downloads_them_once_and_ends_one(
    client: FlaskClient, learner: Learner
) -> None:
    sign_in(client, PersonFactory(role="placement_officer", hei_id=learner.hei_id))
    address = page(client.get(f"/cohorts/{learner.cohort_id}")).links()["Learners’ links"]
    first = page(client.get(address))
    assert "2 of 3 learners have none" in first.main
    refused = client.post(address, data={"by": "file", "days": "many"})
    assert refused.status_code == 400
    assert page(refused).value("days") == "many"
    answer = client.post(address, data={"by": "file", "days": ""})
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert len(rows) == 3
    assert client.get("/my/" + rows[1][1].rsplit("/", 1)[1]).status_code == 200
    again = client.post(address, data={"by": "file"})
    assert again.status_code == 409
    assert "Every learner of this cohort has a link that works" in page(again).main
    made = page(client.post(f"/learners/{learner.id}/links", data={}))
    new = made.value("address").rsplit("/", 1)[1]
    assert client.get(f"/my/{new}").status_code == 200
    newest = db.session.scalars(select(LearnerLink.id).order_by(LearnerLink.id.desc())).first()
    ended = client.post(f"/learner-links/{newest}/end", data={"from": "learner"}, follow_redirects=True)
    assert "is ended" in page(ended).main
    assert client.get(f"/my/{new}").status_code == 404


def test_an_officer_sees_who_ranked_themselves(client: FlaskClient, learner: Learner) -> None:
    learner.preferences = [LearnerPreference(rank=1, site_id=_departments()[0].site_id)]
    learner.preferences_by = "learner"
    saved()
    sign_in(client, PersonFactory(role="placement_officer", hei_id=learner.hei_id))
    rows = page(client.get(f"/cohorts/{learner.cohort_id}/links")).rows()
    assert [row[3].removeprefix("Ranked sites ") for row in rows].count("By the learner") == 1


def test_a_learners_page_says_how_it_went_and_whether_a_link_works(
    client: FlaskClient, learner: Learner
) -> None:
    publish(learner, first_week=BEGUN)
    sign_in(client, PersonFactory(role="placement_officer", hei_id=learner.hei_id))
    found = page(client.get(f"/learners/{learner.id}"))
    assert "nothing recorded yet" in found.main
    assert "not opened yet" in found.main
    assert "Make or end links" in found.links()
