"""Pages about how placements went, learners' travel, and what learners say."""

import io
import re
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from placements.allocations.models import PublicationLine
from placements.extensions import db
from placements.outcomes.models import PlacementFeedback, PlacementOutcome
from tests.conftest import NOW_UTC
from tests.factories import (
    DepartmentFactory,
    HeiFactory,
    PersonFactory,
    PublicationFactory,
    PublicationLineFactory,
    saved,
)
from tests.web.pages import page, sign_in

ENDED = date(2026, 10, 26)


@pytest.fixture
def line(site: Flask) -> PublicationLine:
    """Two placements of one HEI at one department that have ended, of which this is the first."""
    publication, hei, at = PublicationFactory(), HeiFactory(name="City University"), DepartmentFactory()
    first, _ = (
        PublicationLineFactory(
            publication=publication, of_hei=hei, at=at, first_week=ENDED, learner_reference=reference
        )
        for reference in ("DR-1", "DR-2")
    )
    saved()
    found: PublicationLine = first
    return found


def test_an_officer_records_one_and_then_the_rest(client: FlaskClient, line: PublicationLine) -> None:
    sign_in(client, PersonFactory(role="placement_officer", hei_id=line.hei_id, name="Olu Officer"))
    address = f"/rounds/{line.publication.round_id}/outcomes"
    first = page(client.get(address))
    assert "2 placements." in first.main
    assert client.post(f"{address}/complete", data={"which": "ticked"}).status_code == 400
    one = f"{address}/{line.requirement_id}"
    wrong = client.post(one, data={"outcome": "ended_early", "days_attended": "many", "version": "0"})
    assert wrong.status_code == 400
    found = page(wrong)
    assert (found.value("outcome"), found.value("days_attended")) == ("ended_early", "many")
    wrong = page(client.post(one, data={"outcome": "ended_early", "version": "0"}))
    assert set(wrong.errors) == {"last_day", "reason"}
    data = {"outcome": "ended_early", "last_day": "2026-11-06", "reason": "placement_closed", "version": "0"}
    done = page(client.post(one, data=data, follow_redirects=True))
    assert "Recorded: DR-1" in done.main
    assert "10 of 20" in done.main
    assert "Olu Officer, the HEI" in done.main
    stale = client.post(one, data={"outcome": "completed", "version": "0"})
    assert stale.status_code == 409
    assert page(stale).value("outcome") == "completed"
    assert "Recorded now: Ended early" in page(stale).main
    late = client.post(f"{address}/complete", data={"which": "all", "seen": "2"})
    assert late.status_code == 409
    rest = client.post(f"{address}/complete", data={"which": "all", "seen": "1"}, follow_redirects=True)
    assert "1 placement is recorded as completed" in page(rest).main
    only = page(client.get(f"{address}?state=completed"))
    assert "1 placement." in only.main
    assert "DR-2" in only.main
    assert "DR-1" not in only.main


def test_a_trust_uploads_the_list_filled_in(client: FlaskClient, line: PublicationLine) -> None:
    sign_in(client, PersonFactory(role="practice_educator", trust_id=line.trust_id))
    address = f"/rounds/{line.publication.round_id}/outcomes"
    empty = client.post(f"{address}/upload", data={})
    assert page(empty).errors == {"file": "Choose the file"}
    head, one, two = client.get(f"{address}.csv").get_data(as_text=True).splitlines()
    assert client.get(f"{address}.xlsx").data.startswith(b"PK")
    said = [row.removesuffix(",,,,,") + f",{words},,,," for row, words in ((one, "Completed"), (two, "Odd"))]
    text = "\n".join([head, *said])
    file = {"file": (io.BytesIO(text.encode()), "outcomes.csv")}
    answer = client.post(f"{address}/upload", data=file, content_type="multipart/form-data")
    preview = page(answer)
    assert "Record 1 outcome" in preview.main
    assert "This is no outcome." in preview.main
    assert db.session.scalars(select(PlacementOutcome)).all() == []
    kept = preview.value("rows")
    for _ in range(2):
        saved_it = client.post(f"{address}/accept", data={"rows": kept}, follow_redirects=True)
        assert saved_it.status_code == 200
    row = db.session.scalars(select(PlacementOutcome)).one()
    assert (row.requirement_id, row.outcome, row.version) == (line.requirement_id, "completed", 1)
    assert client.post(f"{address}/accept", data={"rows": "[{}]"}).status_code == 400


def test_a_trust_reads_averages_and_an_officer_comments(client: FlaskClient, line: PublicationLine) -> None:
    db.session.add(
        PlacementFeedback(
            requirement_id=line.requirement_id,
            round_id=line.publication.round_id,
            overall=2,
            comment="<b>Too little to do</b>",
            given_utc=NOW_UTC,
        )
    )
    educator = PersonFactory(role="practice_educator", trust_id=line.trust_id)
    sign_in(client, educator)
    found = page(client.get("/learning/feedback"))
    assert "Fewer than 3" in found.main
    assert "Too little" not in found.text
    assert client.get(f"/learning/feedback/{line.department_id}").status_code == 403
    client.post("/sign-out")
    sign_in(client, PersonFactory(role="placement_officer", hei_id=line.hei_id))
    found = page(client.get("/learning/feedback"))
    address = next(to for words, to in found.links().items() if words.startswith("1 comment"))
    comments = page(client.get(address))
    assert "<b>Too little to do</b>" in comments.main
    assert "DR-1" in comments.main


def test_travel_is_listed_filtered_and_downloaded(client: FlaskClient, line: PublicationLine) -> None:
    sign_in(client, PersonFactory(role="placement_officer", hei_id=line.hei_id))
    found = page(client.get("/learning/travel"))
    assert "2 learners." in found.main
    assert "The next match takes this in" in found.main
    only = page(client.get("/learning/travel?reference=dr-2&order=hours"))
    assert "1 learner." in only.main
    assert re.search(r"DR-2.*25 min", only.main)
    data = client.get("/learning/travel.csv?reference=dr-2").get_data(as_text=True)
    assert "DR-2" in data
    assert "DR-1" not in data
    assert client.get("/learning/travel.xlsx").data.startswith(b"PK")


def test_with_nothing_published_the_pages_say_so(client: FlaskClient, site: Flask) -> None:
    publication = PublicationFactory()
    sign_in(client, PersonFactory(role="academy_lead"))
    for address in (f"/rounds/{publication.round_id}/outcomes", "/learning/travel", "/learning/feedback"):
        assert "begun yet" in page(client.get(address)).main
