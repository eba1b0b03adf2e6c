"""Pages about publication: what stands, publishing it, and the places as each role sees them."""

import csv
import io
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from placements.access import Role
from placements.allocations import routes, routes_published, service
from placements.allocations.models import Publication
from placements.clock import now_utc, set_clock
from placements.cohorts.models import Interruption
from placements.extensions import db
from tests.conftest import NOW_UTC
from tests.factories import (
    DepartmentFactory,
    HeiFactory,
    PersonFactory,
    PublicationFactory,
    PublicationLineFactory,
    RoundFactory,
    SiteFactory,
    TrustFactory,
    saved,
)
from tests.factories.region import SmallRound, small_round
from tests.services.test_allocations import a_run
from tests.web.pages import page, sign_in


@pytest.fixture
def region(site: object) -> SmallRound:
    return small_round(learners=3)


@pytest.fixture
def lead(client: FlaskClient) -> FlaskClient:
    sign_in(client, PersonFactory())
    return client


def signed_in(client: FlaskClient, role: Role, **organisation: int) -> FlaskClient:
    """Another browser, of a person in this role."""
    other = client.application.test_client()
    sign_in(other, PersonFactory(role=role.value, **organisation))
    return other


def published(region: SmallRound) -> Publication:
    service.adopt_run(region.lead, a_run(region).id)
    return service.publish_round(region.lead, region.round.id, version=region.round.version)


def test_a_lead_adopts_and_publishes(lead: FlaskClient, region: SmallRound) -> None:
    address = f"/rounds/{region.round.id}/publications"
    empty = page(lead.get(address))
    assert "No run has been adopted yet" in empty.main
    assert "Nothing has been published in this round yet" in empty.main
    run = a_run(region)
    run.summary = run.summary | {"requirements": 3, "placed": 2}
    saved()
    adopted = page(lead.post(f"/runs/{run.id}/adopt", follow_redirects=True))
    assert f"Run {run.id} now stands as the round's allocation. It is not published yet" in adopted.main
    assert "2 of 3 placed (66.7%)" in adopted.main
    assert "Ready to publish" in page(lead.get(f"/rounds/{region.round.id}")).main
    checked = page(lead.get(f"/rounds/{region.round.id}/publish"))
    assert "no learners have changed since the run was started" in checked.main
    sent = {"version": checked.value("version")}
    assert "This run stands" in page(lead.get(f"/runs/{run.id}")).main

    told = page(lead.post(address, data=sent, follow_redirects=True))
    assert "Published as version 1" in told.main
    assert "2 placements found, 1 not found" in told.main
    listed = page(lead.get(address))
    assert "It is published as version 1" in listed.main
    assert not [field for field in listed.all("input") if field.get("name") == "version"]
    assert "Newest" in listed.main
    assert "Version 1 published" in page(lead.get(f"/rounds/{region.round.id}")).main
    assert "Adopted. Published as version 1" in page(lead.get(f"/rounds/{region.round.id}/runs")).main

    again = lead.post(address, data=sent)
    assert again.status_code == 409
    assert "Somebody else changed this" in page(again).errors["publish"]
    assert len(db.session.scalars(select(Publication)).all()) == 1


def test_publishing_without_a_run_is_refused_in_words(lead: FlaskClient, region: SmallRound) -> None:
    refused = lead.post(f"/rounds/{region.round.id}/publications", data={"version": region.round.version})
    assert refused.status_code == 409
    assert "adopt a finished run first" in page(refused).errors["publish"]
    unversioned = lead.post(f"/rounds/{region.round.id}/publications")
    assert unversioned.status_code == 409


def test_an_officer_sees_and_downloads_the_heis_own_places(client: FlaskClient, region: SmallRound) -> None:
    publication = published(region)
    stranger = PublicationLineFactory(publication=publication, learner_reference="STRANGER")
    officer = signed_in(client, Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    listed = page(officer.get(f"/rounds/{region.round.id}/publications"))
    assert "What stands" not in listed.main
    assert listed.links()["Version 1"] == f"/publications/{publication.id}"
    found = page(officer.get(f"/publications/{publication.id}"))
    assert found.h1.startswith("Published places")
    assert "2 placements found, 1 not found" in found.main
    assert len(found.rows()) == 3
    for words in (
        f"X-ray, {region.departments[0].site.name}",
        "25 min",
        "All minutes are estimates",
        "Not placed (X-ray)",
        "4 Jan to 29 Jan 2027",
    ):
        assert words in found.main, words
    assert stranger.learner_reference not in found.main

    answer = officer.get(f"/publications/{publication.id}/places.csv")
    assert answer.mimetype == "text/csv"
    name = f"places-round-{region.round.id}-version-1.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["Learner reference"] for row in rows] == [learner.reference for learner in region.learners]
    assert [row["Result"] for row in rows] == ["placed", "placed", "not placed"]


def test_an_educator_sees_who_is_coming_and_not_how_they_travel(
    client: FlaskClient, region: SmallRound
) -> None:
    publication = published(region)
    educator = signed_in(client, Role.PRACTICE_EDUCATOR, trust_id=region.trusts[0].id)
    listed = page(educator.get(f"/rounds/{region.round.id}/publications"))
    assert "1 placement" in listed.main
    assert "Not placed" not in listed.main
    found = page(educator.get(f"/publications/{publication.id}"))
    assert found.h1.startswith("Who is coming")
    ((learner, programme, block, modality),) = found.rows()
    assert region.learners[0].reference in learner
    assert region.hei.name in programme
    assert "4 weeks" in block
    assert modality.endswith("X-ray")
    assert region.departments[0].site.name in found.main
    for view in ("learner", "block", "site"):
        assert "ravel" not in page(educator.get(f"/publications/{publication.id}?view={view}")).main
    text = educator.get(f"/publications/{publication.id}/places.csv").data.decode("utf-8-sig")
    assert "ravel" not in text
    assert text.count("\r\n") == 2


@pytest.mark.parametrize(
    ("role", "before", "nobody"),
    [
        (Role.PRACTICE_EDUCATOR, "who is coming to your trust", "No learner is placed at your trust"),
        (Role.PLACEMENT_OFFICER, "where each of your learners is placed", "None of your HEI's learners"),
        (Role.ACADEMY_LEAD, "Nothing has been published", "This version has no places"),
    ],
)
def test_empty_pages_say_what_will_be_there(
    client: FlaskClient, role: Role, before: str, nobody: str
) -> None:
    person = signed_in(client, role)
    round_, publication = RoundFactory(), PublicationFactory()
    saved()
    assert before in page(person.get(f"/rounds/{round_.id}/publications")).main
    assert nobody in page(person.get(f"/publications/{publication.id}")).main


def test_an_older_version_points_to_the_newest(lead: FlaskClient) -> None:
    old = PublicationFactory()
    new = PublicationFactory(round=old.round, number=2)
    saved()
    assert page(lead.get(f"/publications/{old.id}")).links()["See version 2"] == f"/publications/{new.id}"
    assert "not the newest" not in page(lead.get(f"/publications/{new.id}")).main


def test_published_places_are_filtered_and_paged_and_the_filters_stay(client: FlaskClient) -> None:
    publication, hei, trust = PublicationFactory(), HeiFactory(), TrustFactory()
    north, south = (
        DepartmentFactory(site=SiteFactory(name=name, trust=trust)) for name in ("North", "South")
    )
    for index in range(60):
        PublicationLineFactory(publication=publication, of_hei=hei, at=north if index % 6 else south)
    saved()
    educator = signed_in(client, Role.PRACTICE_EDUCATOR, trust_id=trust.id)
    address = f"/publications/{publication.id}"
    assert "60 placements, page 1 of 2" in page(educator.get(address)).main
    second = page(educator.get(f"{address}?page=2"))
    assert len(second.rows()) == 10
    assert "page 2 of 2" in second.title
    south_only = page(educator.get(f"{address}?site=South&block=Block+1&hei={hei.name}"))
    assert "10 placements." in south_only.main
    assert (south_only.value("site"), south_only.value("hei")) == ("South", hei.name)
    beyond = educator.get(f"{address}?page={10**30}&site=North")
    assert (beyond.status_code, beyond.location) == (302, f"{address}?site=North&view=site&page=1")
    assert "Nothing here is like that" in page(educator.get(f"{address}?reference=nobody")).main


def test_the_same_places_by_learner_by_block_and_by_site(client: FlaskClient, region: SmallRound) -> None:
    publication = published(region)
    officer = signed_in(client, Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    address = f"/publications/{publication.id}"
    by_learner = page(officer.get(f"{address}?state=placed"))
    assert "2 learners." in by_learner.main
    assert "Blocks" in by_learner.main
    for view, captions in (
        ("block", [region.block.name]),
        ("site", sorted(department.site.name for department in region.departments)),
    ):
        found = page(officer.get(by_learner.links()[f"By {view}"]))
        assert found.value("state") == "placed", "the filter stays"
        assert len(found.rows()) == 2
        for caption, words in zip(found.all("caption"), captions, strict=True):
            assert "".join(caption.itertext()).startswith(words)
    assert page(officer.get(f"{address}?view=nonsense")).links()["By site"], "as if nothing had been said"


def test_files_hold_what_the_page_shows_or_everything(client: FlaskClient, region: SmallRound) -> None:
    publication = published(region)
    officer = signed_in(client, Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    shown = page(officer.get(f"/publications/{publication.id}?state=unplaced"))
    part = officer.get(shown.links()["CSV of the learners and places shown"])
    assert len(list(csv.DictReader(io.StringIO(part.data.decode("utf-8-sig"))))) == 1
    assert part.headers["Content-Disposition"].endswith('version-1-part.csv"')
    whole = officer.get(shown.links()["CSV of all places"])
    assert len(list(csv.DictReader(io.StringIO(whole.data.decode("utf-8-sig"))))) == 3
    workbook = officer.get(shown.links()["Excel of all places"])
    assert workbook.mimetype == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    nobody = officer.get(shown.links()["letters (PDF) of the learners and places shown"])
    assert nobody.status_code == 409
    assert "nobody in this list has a place" in page(nobody).main


def test_letters_and_calendars_of_all_and_of_one(client: FlaskClient, region: SmallRound) -> None:
    publication = published(region)
    officer = signed_in(client, Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    first, second, _ = (learner.reference for learner in region.learners)
    found = page(officer.get(f"/publications/{publication.id}"))
    letters = officer.get(found.links()["letters (PDF) of all places"])
    assert letters.mimetype == "application/pdf"
    assert len(PdfReader(io.BytesIO(letters.data)).pages) == 2
    one = officer.get(found.links()[f"Letter to {second}, {region.hei.name}"])
    (only,) = PdfReader(io.BytesIO(one.data)).pages
    assert second in only.extract_text()
    calendar = officer.get(found.links()["calendar (iCalendar) of all places"])
    assert calendar.mimetype == "text/calendar"
    assert calendar.data.count(b"BEGIN:VEVENT") == 2
    of_one = officer.get(found.links()[f"Calendar of {first}, {region.hei.name}"])
    assert of_one.data.count(b"BEGIN:VEVENT") == 1
    assert first.encode() not in of_one.data

    educator = signed_in(client, Role.PRACTICE_EDUCATOR, trust_id=region.trusts[0].id)
    for_trust = educator.get(f"/publications/{publication.id}/letters.pdf").data
    (only,) = PdfReader(io.BytesIO(for_trust)).pages
    assert "ravel" not in only.extract_text()
    assert b"ravel" not in educator.get(f"/publications/{publication.id}/placements.ics").data


def test_more_letters_than_a_file_holds_are_refused_with_what_to_do(
    lead: FlaskClient, region: SmallRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes_published, "MOST_LETTERS", 1)
    refused = lead.get(f"/publications/{published(region).id}/letters.pdf")
    assert refused.status_code == 409
    assert "filter the list" in page(refused).main


def test_a_second_version_says_what_changed(lead: FlaskClient, region: SmallRound) -> None:
    first = published(region)
    first_page = page(lead.get(f"/publications/{first.id}/changes"))
    assert "first version" in first_page.main
    assert lead.get(f"/publications/{first.id}/changes.csv").status_code == 409
    second = PublicationFactory(round=region.round, number=2)
    moved, gone = first.lines[0], first.lines[1]
    PublicationLineFactory(
        publication=second,
        of_hei=region.hei,
        requirement_id=moved.requirement_id,
        learner_reference=moved.learner_reference,
        at=region.departments[1],
        travel_minutes=75,
    )
    saved()
    found = page(lead.get(f"/publications/{second.id}"))
    assert "1 moved, 2 withdrawn since version 1." in found.main
    assert f"Moved from X-ray, {region.departments[0].site.name} (25 min)" in found.main
    listed = page(lead.get(f"/rounds/{region.round.id}/publications"))
    assert "1 moved, 2 withdrawn since version 1." in listed.main
    assert listed.links()["What changed in version 2"] == f"/publications/{second.id}/changes"

    told = page(lead.get(found.links()["See what changed"]))
    assert told.h1.endswith("from version 1 to 2")
    rows = [" | ".join(row) for row in told.rows()]
    assert "25 min to 1 h 15 min" in rows[0]
    assert gone.learner_reference in rows[1]
    only = page(lead.get(f"/publications/{second.id}/changes?since=1&kind=withdrawn&reference=nobody"))
    assert "No change is like that" in only.main
    assert (only.value("kind"), only.value("reference")) == ("withdrawn", "nobody")
    file = lead.get(told.links()["CSV of the changes shown"])
    assert file.headers["Content-Disposition"].endswith('version-1-to-2.csv"')
    assert [row["What changed"] for row in csv.DictReader(io.StringIO(file.data.decode("utf-8-sig")))] == [
        "Moved",
        "Withdrawn",
        "Withdrawn",
    ]
    assert lead.get(told.links()["Excel of the changes shown"]).data.startswith(b"PK")
    assert lead.get(f"/publications/{second.id}/changes?since=2").status_code == 404
    beyond = lead.get(f"/publications/{second.id}/changes?page=99")
    assert (beyond.status_code, beyond.location) == (302, f"/publications/{second.id}/changes?since=1&page=1")


def test_places_held_back_are_shown_to_the_hei_with_what_is_missing(client: FlaskClient) -> None:
    held = PublicationLineFactory(state="held", not_ready="DBS")
    warned = PublicationLineFactory(
        publication=held.publication,
        hei_id=held.hei_id,
        hei=held.hei,
        trust_id=held.trust_id,
        not_ready="IR(ME)R",
    )
    saved()
    address = f"/publications/{held.publication_id}"
    officer = signed_in(client, Role.PLACEMENT_OFFICER, hei_id=held.hei_id)
    for view in ("learner", "block", "site"):
        found = page(officer.get(f"{address}?view={view}")).main
        assert "Held back: not ready (DBS)" in found
        assert "Not ready yet: IR(ME)R" in found
        assert "1 more held back" in found
    only = page(officer.get(f"{address}?state=held"))
    assert held.learner_reference in only.main
    assert warned.learner_reference not in only.main
    assert "and 1 held back" in page(officer.get(f"/rounds/{held.publication.round_id}/publications")).main
    educator = signed_in(client, Role.PRACTICE_EDUCATOR, trust_id=held.trust_id)
    seen = page(educator.get(address)).main
    assert held.learner_reference not in seen
    assert "eld back" not in seen
    assert "Not ready yet: IR(ME)R" in seen


def test_letters_say_what_the_hei_adds(client: FlaskClient, region: SmallRound) -> None:
    publication = published(region)
    region.hei.letter_text = "Bring your dosemeter.\n\nAsk Ms ŵ. #1"
    saved()
    officer = signed_in(client, Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    found = page(officer.get(f"/publications/{publication.id}"))
    letter = PdfReader(io.BytesIO(officer.get(found.links()["letters (PDF) of all places"]).data)).pages[0]
    for words in (f"From {region.hei.name}", "Bring your dosemeter.", "Ask Ms ŵ. #1"):
        assert words in letter.extract_text()
    assert found.links()["Change what your letters say besides the places"] == "/hei/letter"


def test_changes_of_learners_since_publication_lead_to_a_repair(
    lead: FlaskClient, region: SmallRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(region)
    set_clock(lambda: NOW_UTC + timedelta(hours=1))
    withdrawn = region.learners[0]
    withdrawn.interruptions.append(
        Interruption(kind="withdrawn", first_day=region.block.first_week, recorded_utc=now_utc())
    )
    saved()
    address = f"/rounds/{region.round.id}/publications"
    told = page(lead.get(address))
    assert "Learners changed since version 1" in told.main
    assert f"{withdrawn.reference}, {region.hei.name}: withdrawn from 4 January 2027" in told.main
    assert "1 place is given up" in told.main
    assert told.links()["See the worklist, and repair with the fewest moves"].endswith("/worklist")
    assert "Learners changed since version 1" in page(lead.get(f"/rounds/{region.round.id}")).main
    officer = signed_in(lead, Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    assert "1 place is given up" in page(officer.get(address)).main
    educator = signed_in(lead, Role.PRACTICE_EDUCATOR, trust_id=region.trusts[0].id)
    assert withdrawn.reference not in page(educator.get(address)).main
    monkeypatch.setattr(routes, "MOST_TOLD", 0)
    assert "and 1 more" in page(lead.get(address)).main


def test_a_run_that_takes_in_what_changed_is_to_be_adopted_only_once(
    lead: FlaskClient, region: SmallRound
) -> None:
    published(region)
    set_clock(lambda: NOW_UTC + timedelta(hours=1))
    region.learners[0].interruptions.append(
        Interruption(kind="withdrawn", first_day=region.block.first_week, recorded_utc=now_utc())
    )
    saved()
    set_clock(lambda: NOW_UTC + timedelta(hours=2))
    run = a_run(region)
    run.requested_utc = run.snapshot.taken_utc = now_utc()
    saved()
    address = f"/rounds/{region.round.id}/publications"
    assert f"Run {run.id} already uses this. Adopt it and publish it." in page(lead.get(address)).main
    lead.post(f"/runs/{run.id}/adopt")
    assert f"Run {run.id} already uses this. It stands already: publish it." in page(lead.get(address)).main
