"""Pages about plans: the grid, a plan to change, blocks, programmes, and several learners at once."""

from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient

from placements.accounts.models import Person
from placements.cohorts.models import Cohort
from placements.extensions import db
from placements.organisations.models import Programme
from placements.plans import queries
from placements.plans.content import PlanContent, PlannedPlace, PlannedRotation
from placements.rounds.models import Block
from tests.factories import (
    BlockFactory,
    CohortFactory,
    LearnerFactory,
    ModalityFactory,
    PersonFactory,
    ProgrammeFactory,
    RoundFactory,
    StageFactory,
    TrustFactory,
    saved,
)
from tests.web.pages import page, sign_in


@pytest.fixture
def cohort(site: object) -> Cohort:
    """A submitted cohort of two, in a round with two blocks and no plan."""
    round_ = RoundFactory(name="Spring 2027")
    for number, first_week in ((1, date(2027, 1, 4)), (2, date(2027, 2, 15))):
        BlockFactory(round=round_, name=f"Block {number}", first_week=first_week, weeks=4)
    for key in ("xray", "ct"):
        ModalityFactory(key=key)
    programme = ProgrammeFactory(name="BSc Radiography")
    stage = StageFactory(learner_group=programme.learner_group, name="Year 2")
    found: Cohort = CohortFactory(round=round_, programme=programme, stage=stage, intake="2025")
    for number in (1, 2):
        LearnerFactory(cohort=found, reference=f"L{number}")
    saved()
    return found


@pytest.fixture
def officer(cohort: Cohort, client: FlaskClient) -> Person:
    person: Person = PersonFactory(role="placement_officer", hei_id=cohort.programme.hei_id)
    sign_in(client, person)
    return person


def address(cohort: Cohort) -> str:
    return f"/rounds/{cohort.round_id}/plans/{cohort.programme_id}/{cohort.stage_id}"


def typed(block: Block, *, version: int = 0, **other: Any) -> dict[str, Any]:
    name = f"block-{block.id}"
    return {
        "version": version,
        f"{name}-modalities": ["xray"],
        f"{name}-first": "0",
        f"{name}-last": str(block.weeks - 1),
        f"{name}-weekdays": list("12345"),
    } | other


def standing(cohort: Cohort) -> PlanContent:
    db.session.expire_all()
    return queries.standing_plan(db.session, cohort.round_id, cohort.programme_id, cohort.stage_id).content


def test_a_plan_is_looked_at_before_it_is_saved(client: FlaskClient, cohort: Cohort, officer: Person) -> None:
    before = page(client.get(f"/rounds/{cohort.round_id}/plans"))
    assert "1 stage has no plan" in before.main
    assert before.rows()[0][0].startswith("Year 2")
    assert "No plan" in before.rows()[0][0]
    assert "2 stages" not in page(client.get(f"/rounds/{cohort.round_id}")).main
    first = cohort.round.blocks[0]
    answer = client.post(address(cohort), data=typed(first))
    assert answer.status_code == 200
    shown = page(answer)
    assert "2 learners get a further place: Block 1" in shown.main
    assert "Year 2, 2025 intake goes back to draft" in shown.main
    assert standing(cohort).places == 0
    assert shown.value(f"block-{first.id}-modalities") == "xray"
    told = client.post(address(cohort), data=typed(first, seen=shown.value("seen")), follow_redirects=True)
    found = page(told)
    assert "1 cohort is a draft again" in found.text
    assert found.rows()[0][1:] == ["X-ray", "–", "2", "2"]
    assert "1 stage planned, whose learners need 2 places in all." in found.main
    again = client.post(address(cohort), data=typed(first), follow_redirects=True)
    assert "nothing was changed" in again.text


def test_typing_that_changed_after_the_look_is_shown_again(
    client: FlaskClient, cohort: Cohort, officer: Person
) -> None:
    first, second = cohort.round.blocks
    seen = page(client.post(address(cohort), data=typed(first))).value("seen")
    answer = client.post(address(cohort), data=typed(first) | typed(second, seen=seen))
    assert "2 learners get a further place: Block 2" in page(answer).main
    assert standing(cohort).places == 0
    looked = page(answer).value("seen")
    again = client.post(address(cohort), data=typed(first) | typed(second, seen=looked, look="y"))
    assert "Nothing is saved yet" in page(again).main


def test_weeks_and_days_of_a_block(client: FlaskClient, cohort: Cohort, officer: Person) -> None:
    first = cohort.round.blocks[0]
    name = f"block-{first.id}"
    part = typed(first, **{f"{name}-first": "1", f"{name}-last": "2", f"{name}-weekdays": ["1", "3"]})
    wrong = client.post(address(cohort), data=part | {f"{name}-last": "0", f"{name}-weekdays": []})
    assert wrong.status_code == 400
    found = page(wrong)
    assert found.errors == {
        f"{name}-last": "The last week is before the first: choose the same week or a later one",
        f"{name}-weekdays": "Choose at least one day of the week",
    }
    assert (found.value(f"{name}-first"), found.value(f"{name}-last")) == ("1", "0")
    seen = page(client.post(address(cohort), data=part)).value("seen")
    saved_page = client.post(address(cohort), data=part | {"seen": seen}, follow_redirects=True)
    assert page(saved_page).rows()[0][1] == "X-ray, weeks 2 to 3 of 4, Monday and Wednesday"
    edit = page(client.get(address(cohort)))
    assert (edit.value(f"{name}-first"), edit.value(f"{name}-last")) == ("1", "2")
    round_page = page(client.get(f"/rounds/{cohort.round_id}"))
    assert "X-ray, 11 January 2027 to 22 January 2027 (2 weeks), Monday and Wednesday" in round_page.main


def test_a_rotation_is_added_without_losing_the_typing(
    client: FlaskClient, cohort: Cohort, officer: Person
) -> None:
    first, second = cohort.round.blocks
    room = page(client.post(address(cohort), data=typed(first, add="rotation", site_repeats="1")))
    assert room.value("site_repeats") == "1"
    assert "Any of these modalities (placement 1, rotation 1)" in room.main
    assert "<span" not in room.main
    assert room.value(f"block-{first.id}-modalities") == "xray"
    assert room.value("rotation-0-place-3-line") == ""
    data: dict[str, Any] = {
        "version": 0,
        "site_repeats": "1",
        "rotation-0-rotation": "",
        "rotation-0-name": "Tour",
        "rotation-0-blocks": [str(first.id)],
        "rotation-0-place-0-line": "",
        "rotation-0-place-0-weekdays": list("12345"),
        "rotation-0-place-1-line": "",
        "rotation-0-place-1-modalities": ["xray", "ct"],
        "rotation-0-place-1-weekdays": [],
        "rotation-0-place-2-line": "",
        "rotation-0-place-2-modalities": ["ct"],
        "rotation-0-place-2-weekdays": list("12"),
    }
    more = page(client.post(address(cohort), data=data | {"add": "0"}))
    assert more.value("rotation-0-name") == "Tour"
    assert more.value("rotation-0-place-3-line") == ""
    wrong = page(client.post(address(cohort), data=data))
    # The empty first placement is not counted, and errors stand where the typing does.
    assert set(wrong.errors) == {"rotation-0-blocks", "rotation-0-place-1-weekdays"}
    data |= {
        "rotation-0-blocks": [str(first.id), str(second.id)],
        "rotation-0-place-1-weekdays": list("12345"),
    }
    look = page(client.post(address(cohort), data=data))
    assert "2 learners get a further place: Tour, placement 1" in look.main
    done = client.post(address(cohort), data=data | {"seen": look.value("seen")}, follow_redirects=True)
    found = page(done)
    assert found.rows()[0][1:3] == ["Tour", "Tour"]
    words = "2 placements over Block 1 and Block 2 in any order: X-ray or CT; CT, Monday and Tuesday"
    assert words in found.main
    assert "At most 1 placement at one site" in found.main
    rotation = standing(cohort).rotations[0]
    assert rotation == PlannedRotation(
        "Tour",
        tuple(sorted((first.id, second.id))),
        (PlannedPlace(("ct", "xray")), PlannedPlace(("ct",), "12")),
    )
    assert "Placements in any order" in page(client.get(f"/rounds/{cohort.round_id}")).main
    edit = page(client.get(address(cohort)))
    version = edit.value("version")
    gone = data | {
        "version": version,
        "rotation-0-rotation": edit.value("rotation-0-rotation"),
        "rotation-0-remove": "y",
        "site_repeats": "",
    }
    look = page(client.post(address(cohort), data=gone))
    assert "2 learners lose a place" in look.main
    client.post(address(cohort), data=gone | {"seen": look.value("seen")})
    assert standing(cohort) == PlanContent()


def test_somebody_elses_plan_is_shown_beside_the_typing(
    client: FlaskClient, cohort: Cohort, officer: Person
) -> None:
    first, second = cohort.round.blocks
    look = page(client.post(address(cohort), data=typed(first)))
    client.post(address(cohort), data=typed(first, seen=look.value("seen")))
    answer = client.post(address(cohort), data=typed(second))
    assert answer.status_code == 409
    found = page(answer)
    assert found.rows()[:2] == [["Block 1", "X-ray", "No placement"], ["Block 2", "No placement", "X-ray"]]
    assert found.value(f"block-{second.id}-modalities") == "xray"
    version = found.value("version")
    over = typed(second, version=int(version))
    look = page(client.post(address(cohort), data=over))
    assert "2 learners lose a place: Block 1" in look.main
    client.post(address(cohort), data=over | {"seen": look.value("seen")})
    assert [block_id for block_id, _ in standing(cohort).blocks] == [second.id]


def test_a_plan_begins_as_a_copy(client: FlaskClient, cohort: Cohort, officer: Person) -> None:
    first = cohort.round.blocks[0]
    look = page(client.post(address(cohort), data=typed(first)))
    client.post(address(cohort), data=typed(first, seen=look.value("seen")))
    other = StageFactory(learner_group=cohort.programme.learner_group, name="Year 3")
    later = RoundFactory(name="Next", first_week=date(2028, 1, 3), last_week=date(2028, 3, 27))
    block = BlockFactory(round=later, name="Block 1", first_week=date(2028, 1, 3))
    saved()
    source = f"{cohort.round_id}.{cohort.programme_id}.{cohort.stage_id}"
    here = page(client.get(f"/rounds/{cohort.round_id}/plans/{cohort.programme_id}/{other.id}"))
    assert source in [option.get("value") for option in here.all("option")]
    there = f"/rounds/{later.id}/plans/{cohort.programme_id}/{cohort.stage_id}"
    assert "The same in Spring 2027" in page(client.get(there)).main
    copy = page(client.get(f"{there}?from={source}"))
    assert "This is a copy of the plan of BSc Radiography, Year 2, Spring 2027" in copy.main
    assert copy.value(f"block-{block.id}-modalities") == "xray"
    for wrong in ("nonsense", "1.2", "99999.1.1"):
        assert client.get(f"{there}?from={wrong}").status_code == 404


def test_plans_of_a_published_round(client: FlaskClient, cohort: Cohort, officer: Person) -> None:
    first = cohort.round.blocks[0]
    look = page(client.post(address(cohort), data=typed(first)))
    client.post(address(cohort), data=typed(first, seen=look.value("seen")))
    cohort.round.state = "published"
    saved()
    edit = page(client.get(address(cohort)))
    assert "this plan can only gain places" in edit.main
    gone = client.post(address(cohort), data={"version": edit.value("version")})
    assert gone.status_code == 400
    assert "Block 1 cannot be taken out" in page(gone).errors[f"block-{first.id}-modalities"]
    wrong = client.post(
        address(cohort), data=typed(first, version=int(edit.value("version")), site_repeats="many")
    )
    assert "“many” is not a number" in page(wrong).errors["site_repeats"]


def test_a_block_and_a_programme_are_added_and_changed(
    client: FlaskClient, cohort: Cohort, officer: Person
) -> None:
    plans = f"/rounds/{cohort.round_id}/plans"
    new = f"/rounds/{cohort.round_id}/blocks/new"
    assert page(client.get(new)).h1.endswith("Add a block")
    data = {"name": "Own block", "first_week": "2027-03-16", "weeks": "2"}
    wrong = page(client.post(new, data=data))
    assert "not a Monday" in wrong.errors["first_week"]
    assert wrong.value("name") == "Own block"
    done = client.post(new, data=data | {"first_week": "2027-03-15"}, follow_redirects=True)
    assert "Own block is part of the round" in done.text
    block = db.session.query(Block).filter_by(name="Own block").one()
    one = f"/rounds/{cohort.round_id}/blocks/{block.id}"
    version = page(client.get(one)).value("version")
    data = {"name": "March", "first_week": "2027-03-15", "weeks": "2", "version": version}
    assert client.post(one, data=data).location == plans
    stale = client.post(one, data=data | {"name": "Mine"})
    assert stale.status_code == 409
    assert (page(stale).value("name"), page(stale).value("version")) == ("Mine", "2")
    db.session.expire_all()
    gone = client.post(f"{one}/remove", data={"version": block.version}, follow_redirects=True)
    assert "March is no longer part of the round" in gone.text

    new = f"/rounds/{cohort.round_id}/programmes/new"
    group = str(cohort.programme.learner_group_id)
    assert page(client.post(new, data={"name": " ", "learner_group_id": group})).errors["name"]
    client.post(new, data={"name": "MSc Radiography", "learner_group_id": group})
    made = db.session.query(Programme).filter_by(name="MSc Radiography").one()
    one = f"/rounds/{cohort.round_id}/programmes/{made.id}"
    clash = page(client.post(one, data={"name": "BSc Radiography", "version": "1"}))
    assert "use another name" in clash.errors["name"]
    assert client.post(one, data={"name": "MSc (pre-registration)", "version": "1"}).location == plans
    stale = client.post(one, data={"name": "MSc", "version": "1"})
    assert (stale.status_code, page(stale).value("name")) == (409, "MSc")


def test_several_learners_are_chosen_on_a_page(client: FlaskClient, cohort: Cohort, officer: Person) -> None:
    release, days = f"/cohorts/{cohort.id}/release", f"/cohorts/{cohort.id}/weekdays"
    assert "None of this cohort's learners has an employing trust" in page(client.get(release)).main
    learner = cohort.learners[0]
    learner.employer = TrustFactory(name="Here NHS Trust")
    saved()
    shown = page(client.get(release))
    assert "Here NHS Trust" in shown.main
    version = shown.value("version")
    empty = client.post(release, data={"version": version, "released": "yes"})
    assert (empty.status_code, page(empty).errors) == (400, {"learners": "Choose at least one learner."})
    data = {"version": version, "released": "yes", "learners": learner.id}
    done = page(client.post(release, data=data, follow_redirects=True))
    assert "1 learner is to be released by their employers." in done.text
    assert "Here NHS Trust (released)" in done.main
    stale = client.post(release, data=data | {"released": "no"})
    assert stale.status_code == 409
    assert page(stale).value("learners") == str(learner.id)

    version = page(client.get(days)).value("version")
    data = {"version": version, "learners": learner.id}
    wrong = client.post(days, data=data)
    assert page(wrong).errors == {"weekdays": "Choose at least one day from Monday to Friday."}
    done = client.post(days, data=data | {"weekdays": ["1", "2", "3"]}, follow_redirects=True)
    assert "1 learner is to be placed on Monday to Wednesday." in done.text
    assert "Monday to Wednesday" in page(client.get(days)).main
    db.session.expire_all()
    planned = {"version": cohort.version, "learners": learner.id, "as": "planned"}
    assert "on the days of the plan" in client.post(days, data=planned, follow_redirects=True).text
