"""Pages about learners: the list, a learner's page, every change, and what is given out and erased."""

from datetime import date

import pytest
from flask.testing import FlaskClient

from placements.access import Role
from placements.audit.models import AuditEntry
from placements.clock import now_utc
from placements.cohorts.models import Learner, LearnerContact, Upload
from placements.cohorts.uploads_columns import field_of
from placements.extensions import db
from tests.factories import (
    AccessNeedFactory,
    BlockFactory,
    ModalityFactory,
    PersonFactory,
    ReturnedPlaceFactory,
    saved,
)
from tests.factories.region import SmallRound, small_round
from tests.web.pages import page, sign_in

CHANGE = {
    "postcode": "b9 5ss",
    "term_postcode": "",
    "travel_mode": "public_transport",
    "travel_limit_minutes": "45",
    "employer": "",
    "available_from": "",
    "available_until": "",
    "weekdays": ["1", "3"],
    "priority": "1",
    "priority_reason": "must qualify",
}


@pytest.fixture
def region(client: FlaskClient) -> SmallRound:
    """A round with three learners, and their HEI's officer signed in."""
    AccessNeedFactory(key="step_free", name="Step-free access")
    made = small_round(learners=3, places=(2, 2))
    sign_in(client, PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=made.hei.id, name="Olu Officer"))
    return made


def one(region: SmallRound, which: int = 0) -> Learner:
    db.session.expire_all()
    return db.session.get_one(Learner, region.learners[which].id)


def test_the_list_is_found_filtered_and_saved_as_a_file(client: FlaskClient, region: SmallRound) -> None:
    first = one(region)
    first.travel_mode = "public_transport"
    saved()
    assert "3 learners" in page(client.get(f"/rounds/{region.round.id}")).main
    address = f"/rounds/{region.round.id}/learners"
    everybody = page(client.get(address))
    assert "3 learners" in everybody.main
    assert first.reference in everybody.main
    assert "B15 3TN" not in everybody.main
    narrowed = page(client.get(f"{address}?travel=public_transport&having=odd"))
    assert "1 learner." in narrowed.main
    assert one(region, 1).reference not in narrowed.main
    assert "No learner is like that" in page(client.get(f"{address}?reference=nobody")).main
    assert client.get(f"{address}?page=9").location.endswith("page=1")
    data = client.get(f"{address}.csv?travel=public_transport").data.decode("utf-8-sig").splitlines()
    assert len(data) == 2
    assert data[1].startswith(f"{first.reference},")
    assert "B15 3TN" in data[1]
    assert client.get(f"{address}.xlsx").data.startswith(b"PK")


def test_the_academy_sees_a_learner_by_reference_and_changes_nothing(
    client: FlaskClient, region: SmallRound
) -> None:
    learner = one(region)
    learner.record.contact = LearnerContact(name="Jane Smith", email="jane@example.ac.uk")
    client.post("/sign-out")
    sign_in(client, PersonFactory(role=Role.ACADEMY_LEAD.value))
    seen = page(client.get(f"/learners/{learner.id}"))
    assert learner.reference in seen.h1
    assert "B15" in seen.main
    for hidden in ("B15 3TN", "Jane", "Open name", "Withdrawal or suspension", "/change"):
        assert hidden not in seen.main
    data = client.get(f"/rounds/{region.round.id}/learners.csv").data.decode()
    assert "B15 3TN" not in data
    assert "B15" in data


def test_a_place_given_back_at_the_freeze_is_not_said_to_be_asked_for(
    client: FlaskClient, region: SmallRound
) -> None:
    learner = one(region)
    back = ReturnedPlaceFactory(
        requirement=learner.requirements[0],
        department=region.departments[0],
        missing="DBS check",
    )
    db.session.commit()
    seen = page(client.get(f"/learners/{learner.id}"))
    assert "Given back" in seen.main
    assert "missing was DBS check" in seen.main
    back.cleared_utc = now_utc()
    db.session.commit()
    assert "Given back" not in page(client.get(f"/learners/{learner.id}")).main


def test_a_learner_is_changed_and_the_change_is_told(client: FlaskClient, region: SmallRound) -> None:
    learner = one(region)
    address = f"/learners/{learner.id}/change"
    assert "3TN" in str(page(client.get(address)).one("input", id="postcode").get("value"))
    typed = CHANGE | {"version": str(learner.version)}
    wrong = client.post(address, data=typed | {"priority_reason": "", "postcode": "nowhere"})
    assert wrong.status_code == 400
    kept = page(wrong)
    assert "Enter a full UK postcode" in kept.main
    assert "Say why this learner has a priority" in kept.main
    assert kept.one("input", id="travel_limit_minutes").get("value") == "45"
    assert client.post(address, data=typed, follow_redirects=True).status_code == 200
    told = page(client.get(f"/learners/{learner.id}")).main
    for words in ("B9 5SS", "at most 45 min", "Monday and Wednesday", "1: must qualify", "Saved a learner"):
        assert words in told
    assert "Olu Officer" in told


def test_two_people_change_a_learner_and_both_versions_are_shown(
    client: FlaskClient, region: SmallRound
) -> None:
    learner = one(region)
    version = learner.version
    address = f"/learners/{learner.id}/change"
    client.post(address, data=CHANGE | {"version": str(version), "travel_limit_minutes": "30"})
    second = client.post(address, data=CHANGE | {"version": str(version)})
    assert second.status_code == 409
    shown = page(second)
    assert "Changed by somebody else" in shown.main
    assert "30 min" in shown.main
    assert shown.one("input", id="travel_limit_minutes").get("value") == "45"
    again = shown.one("input", name="version").get("value") or ""
    assert client.post(address, data=CHANGE | {"version": again}).status_code == 302
    assert one(region).travel_limit_minutes == 45


def test_sites_are_ranked_and_moved_without_a_script(client: FlaskClient, region: SmallRound) -> None:
    learner = one(region)
    here, there = (row.site for row in region.departments)
    address = f"/learners/{learner.id}/preferences"
    typed = {"sites": [str(here.id), str(there.id), ""], "version": str(learner.version)}
    moved = client.post(address, data=typed | {"up": "1"})
    assert moved.status_code == 200
    chosen = [option.get("value") for option in page(moved).all("option", selected="")]
    assert chosen == [str(there.id), str(here.id)]
    assert not one(region).preferences
    for nonsense in ({"up": "0"}, {"down": "1"}, {"up": "x"}, {"down": "99999"}):
        assert client.post(address, data=typed | nonsense).status_code == 200
    twice = client.post(address, data=typed | {"sites": [str(here.id)] * 2})
    assert twice.status_code == 400
    assert "ranked twice" in page(twice).main
    assert client.post(address, data=typed).status_code == 302
    assert [row.site_id for row in one(region).preferences] == [here.id, there.id]
    stale = client.post(address, data=typed | {"sites": [str(there.id)]})
    assert stale.status_code == 409
    assert here.name in page(stale).main


def test_exceptions_and_a_further_place(client: FlaskClient, region: SmallRound) -> None:
    learner = one(region)
    requirement = learner.requirements[0]
    later = BlockFactory(round=region.round, name="Later", first_week=date(2027, 2, 8), weeks=2)
    ct = ModalityFactory(key="ct", name="CT")
    saved()
    address = f"/learners/{learner.id}/requirements/{requirement.id}"
    assert region.block.name in page(client.get(address)).h1
    typed = {"state": "exempt", "version": str(learner.version)}
    assert "Say why no place is needed" in page(client.post(address, data=typed)).main
    assert client.post(address, data=typed | {"reason": "prior experience"}).status_code == 302
    assert "prior experience" in page(client.get(f"/learners/{learner.id}")).main
    stale = client.post(address, data=typed | {"state": "needed"})
    assert stale.status_code == 409
    new = f"/learners/{learner.id}/requirements/new"
    assert "Later" in page(client.get(new)).main
    own = {"block": str(later.id), "modalities": [str(ct.id)], "version": str(one(region).version)}
    assert "Say why this learner needs" in page(client.post(new, data=own)).main
    assert client.post(new, data=own | {"reason": "resit"}).status_code == 302
    shown = page(client.get(f"/learners/{learner.id}")).main
    assert "beyond the plan" in shown
    assert "CT" in shown
    assert client.get(f"/learners/{learner.id}/requirements/{requirement.id + 999}").status_code == 404


def test_who_goes_together_is_said_and_ended(client: FlaskClient, region: SmallRound) -> None:
    learner, friend = one(region), one(region, 1)
    address = f"/learners/{learner.id}/companions"
    typed = {"kind": "together", "references": ["N-0", ""], "version": str(learner.version)}
    wrong = client.post(address, data=typed)
    assert "N-0 is not a learner of yours" in page(wrong).main
    assert page(wrong).one("input", id="references").get("value") == "N-0"
    assert client.post(address, data=typed | {"references": [friend.reference]}).status_code == 302
    shown = page(client.get(f"/learners/{learner.id}"))
    assert f"Goes with {friend.reference}" in shown.main
    group = one(region).companions[0]
    ended = client.post(f"/learners/{learner.id}/companions/{group.id}/end", data={"version": group.version})
    assert ended.status_code == 302
    assert not one(region).companions


def test_a_withdrawal_is_told_recorded_and_undone(client: FlaskClient, region: SmallRound) -> None:
    learner = one(region)
    address = f"/learners/{learner.id}/interruptions/new"
    typed = {"kind": "withdrawn", "first_day": "2027-01-04", "version": str(learner.version)}
    assert "Enter the first day away" in page(client.post(address, data=typed | {"first_day": ""})).main
    told = client.post(address, data=typed | {"check": "1"})
    assert "1 place is no longer asked for" in page(told).main
    assert not one(region).interruptions
    assert client.post(address, data=typed | {"record": "1"}).status_code == 302
    row = one(region).interruptions[0]
    shown = page(client.get(f"/learners/{learner.id}"))
    assert "Withdrawn from 4 January 2027" in shown.main
    ending = f"/learners/{learner.id}/interruptions/{row.id}"
    version = str(one(region).version)
    assert "Undo it" in page(client.get(ending)).main
    back = {"back_on": "2027-01-03", "version": version}
    assert "after the first day away" in page(client.post(ending, data=back | {"record": "1"})).main
    assert client.post(ending, data={"undo": "1", "version": "0"}).status_code == 409
    assert client.post(ending, data={"undo": "1", "version": version}).status_code == 302
    assert not one(region).interruptions


def test_a_hub_is_given_shown_and_leaves_and_comes_back_in_a_file(
    client: FlaskClient, region: SmallRound
) -> None:
    learner, hub = one(region), region.trusts[1]
    address = f"/learners/{learner.id}/change"
    wrong = client.post(address, data=CHANGE | {"hub": "elsewhere", "version": str(learner.version)})
    assert page(wrong).errors == {"hub": "Choose a trust from the list"}
    typed = CHANGE | {"hub": str(hub.id), "version": str(learner.version)}
    assert client.post(address, data=typed).status_code == 302
    assert f"Hub trust {hub.name}" in page(client.get(f"/learners/{learner.id}")).main
    assert page(client.get(address)).value("hub") == str(hub.id)
    heading, row, *_ = client.get(f"/rounds/{region.round.id}/learners.csv").data.decode().splitlines()
    assert dict(zip(heading.split(","), row.split(","), strict=True))["Hub trust"] == hub.ods
    assert field_of("Hub trust") == "hub"


def test_a_learner_is_added_by_hand(client: FlaskClient, region: SmallRound) -> None:
    cohort = one(region).cohort
    assert "Add a learner" in page(client.get(f"/cohorts/{cohort.id}")).main
    address = f"/cohorts/{cohort.id}/learners/new"
    assert region.block.name in page(client.get(address)).main
    typed = {"reference": "", "postcode": "B15 2GW", "travel_mode": "car"}
    assert "Enter the learner" in page(client.post(address, data=typed)).main
    added = client.post(address, data=typed | {"reference": "N-1"}, follow_redirects=True)
    assert "N-1 is added and needs 1 place" in page(added).main


def test_a_name_is_opened_with_a_trace(client: FlaskClient, region: SmallRound) -> None:
    learner = one(region)
    opened = client.post(f"/learners/{learner.id}/contact")
    assert page(opened).one("input", id="name").get("value") in (None, "")
    save = f"/learners/{learner.id}/contact/save"
    wrong = client.post(save, data={"name": "Jane Smith", "email": "jane", "version": "0"})
    assert wrong.status_code == 400
    assert page(wrong).one("input", id="name").get("value") == "Jane Smith"
    typed = {"name": "Jane Smith", "email": "jane@example.ac.uk", "version": "0"}
    assert client.post(save, data=typed).status_code == 302
    assert client.post(save, data=typed | {"name": "Jan"}).status_code == 409
    assert "Jane" not in page(client.get(f"/learners/{learner.id}")).main
    again = page(client.post(f"/learners/{learner.id}/contact"))
    assert again.one("input", id="name").get("value") == "Jane Smith"
    opened_times = db.session.query(AuditEntry).filter_by(action="open_contact", subject_id=learner.id)
    assert opened_times.count() == 3
    assert "Jane" not in str([entry.detail for entry in db.session.query(AuditEntry)])


def test_everything_is_given_out_and_erased(client: FlaskClient, region: SmallRound) -> None:
    learner = one(region)
    reference = learner.reference
    learner.record.contact = LearnerContact(name="Jane Smith", email="jane@example.ac.uk")
    saved()
    given = client.post(f"/learners/{learner.id}/everything.json")
    assert given.json is not None
    assert given.json["contact"]["name"] == "Jane Smith"
    assert given.json["rounds"][0]["postcode"] == "B15 3TN"
    assert given.json["published_places"] == []
    address = f"/learners/{learner.id}/erase"
    assert reference in page(client.get(address)).main
    assert f"Type {reference}" in page(client.post(address, data={"typed": "other"})).main
    waiting = Upload(
        round=region.round,
        hei_id=region.hei.id,
        programme=learner.cohort.programme,
        stage=learner.cohort.stage,
        intake="2026",
        filename="waits.csv",
        content_hash="0",
        received_utc=learner.joined_utc,
        parsed=reference,
    )
    db.session.add(waiting)
    saved()
    assert "waits.csv" in page(client.post(address, data={"typed": reference})).main
    waiting.state = "discarded"
    saved()
    assert client.post(address, data={"typed": reference}).status_code == 302
    shown = page(client.get(f"/learners/{learner.id}")).main
    assert f"erased-{learner.record_id}" in shown
    assert reference not in shown
    assert client.get(f"/learners/{learner.id}/change").status_code == 200
    refused = client.post(f"/learners/{learner.id}/change", data=CHANGE | {"version": "1"})
    assert refused.status_code == 409
