"""What happens after publication becomes one list; items are set aside with a reason and brought back."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements import tasks
from placements.access import Role
from placements.allocations.models import Publication
from placements.allocations.service import adopt_run, publish_round
from placements.clock import now_utc, set_clock
from placements.cohorts.models import Interruption
from placements.educators.models import EducatorDepartment
from placements.educators.service import NewAbsence, details_of, record_absence, save_educator
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.repairs import happened, queries, service  # noqa: F401 - makes the sources known
from placements.repairs.freezing import freeze_round
from placements.repairs.models import ReturnedPlace, SetAside
from placements.repairs.queries import Worklist, worklist_of
from placements.repairs.worklist import Item
from placements.scenarios.models import Lock, Run
from placements.scenarios.service import start_run
from tests.conftest import NOW_UTC
from tests.factories import (
    EducatorFactory,
    LearnerFactory,
    NetworkFactory,
    PersonFactory,
    RequirementFactory,
    RunFactory,
    saved,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round
from tests.services.test_allocations import a_run
from tests.services.test_late_changes import approve


@pytest.fixture
def region(session: Session, monkeypatch: pytest.MonkeyPatch) -> SmallRound:
    """Published an hour ago: the first two learners are placed, the third is not."""
    monkeypatch.setattr(tasks, "_queue", lambda *_: None)
    region = small_round(learners=3, places=(2, 2))
    adopt_run(region.lead, a_run(region).id)
    publish_round(region.lead, region.round.id, version=region.round.version)
    set_clock(lambda: NOW_UTC + timedelta(hours=1))
    return region


def work(session: Session, region: SmallRound) -> Worklist:
    saved()
    session.expire_all()
    return worklist_of(session, region.lead, region.round.id)


def only(session: Session, region: SmallRound) -> Item:
    (row,) = work(session, region).waiting
    return row.item


def withdraw(region: SmallRound, number: int = 0) -> None:
    region.learners[number].interruptions.append(
        Interruption(kind="withdrawn", first_day=date(2027, 1, 4), last_day=None, recorded_utc=now_utc())
    )


def lock(region: SmallRound, **values: object) -> Lock:
    return Lock(
        **{
            "round_id": region.round.id,
            "requirement_id": region.learners[0].requirements[0].id,
            "kind": "ban",
            "department_id": region.departments[0].id,
            "reason": "No list on Mondays.",
            "made_utc": now_utc(),
            "made_by_id": PersonFactory(name="Lea Lead").id,
        }
        | values
    )


def test_before_the_first_publication_there_is_no_list(session: Session) -> None:
    region = small_round()
    found = work(session, region)
    assert (found.publication, found.waiting, found.open_items) == (None, [], [])


def test_nothing_waits_where_nothing_happened(session: Session, region: SmallRound) -> None:
    assert work(session, region).waiting == []


def test_a_withdrawal_touches_the_published_place(session: Session, region: SmallRound) -> None:
    withdraw(region)
    item = only(session, region)
    assert (item.kind, item.at_utc) == ("Learner", NOW_UTC + timedelta(hours=1))
    assert item.touched == {region.learners[0].requirements[0].id}
    assert "withdrawn" in item.words


def test_a_late_learner_wants_a_place(session: Session, region: SmallRound) -> None:
    learner = LearnerFactory(cohort=region.learners[0].cohort)
    need = RequirementFactory(
        learner=learner, plan_line=region.learners[0].requirements[0].plan_line, block=region.block
    )
    item = only(session, region)
    assert (item.touched, item.wanted) == (frozenset(), {need.id})


def test_places_cut_touch_those_placed_there(session: Session, region: SmallRound) -> None:
    department = region.departments[0]
    approve(region, department, first_week=0)
    item = only(session, region)
    assert (item.key, item.kind) == (f"places:{department.id}", "Places changed")
    assert item.touched == {region.learners[0].requirements[0].id}
    assert "2 to 0" in item.words


def test_an_educators_leave_touches_those_placed_there_then(session: Session, region: SmallRound) -> None:
    department = region.departments[0]
    educator = EducatorFactory(trust=department.site.trust, wte=Decimal(1), changed_utc=NOW_UTC)
    educator.departments.append(EducatorDepartment(department=department, agreed_utc=NOW_UTC))
    saved()
    assert work(session, region).waiting == []
    keeper = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=department.site.trust_id)
    record_absence(keeper, educator.id, NewAbsence(date(2027, 1, 11), date(2027, 1, 15), "leave"))
    item = only(session, region)
    assert item.touched == {region.learners[0].requirements[0].id}
    assert item.words.startswith("away from 11 January 2027 to 15 January 2027")
    educator.absences[0].first_day = educator.absences[0].last_day = date(2027, 7, 1)
    assert work(session, region).waiting == [], "the round is over by then"
    details = replace(details_of(educator), wte=Decimal("0.5"))
    save_educator(keeper, educator.id, version=educator.version, details=details)
    assert only(session, region).words.startswith("time, days or departments changed")


def on(day: date) -> None:
    set_clock(lambda: datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def test_only_what_bears_on_the_weeks_ahead_is_listed(session: Session, region: SmallRound) -> None:
    department = region.departments[0]
    educator = EducatorFactory(trust=department.site.trust, wte=Decimal(1), changed_utc=NOW_UTC)
    educator.departments.append(EducatorDepartment(department=department, agreed_utc=NOW_UTC))
    saved()
    keeper = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=department.site.trust_id)
    record_absence(keeper, educator.id, NewAbsence(date(2027, 1, 11), date(2027, 1, 15), "leave"))
    approve(region, region.departments[1], first_week=1)
    session.add(lock(region))
    on(date(2027, 1, 8))
    kinds = [row.item.kind for row in work(session, region).waiting]
    assert sorted(kinds) == ["Educator", "Lock", "Places changed"]
    on(date(2027, 1, 11))
    kinds = [row.item.kind for row in work(session, region).waiting]
    assert sorted(kinds) == ["Educator", "Lock"], "the week of 4 January is over"
    on(date(2027, 1, 18))
    assert [row.item.kind for row in work(session, region).waiting] == ["Lock"]


def test_a_round_whose_blocks_have_ended_has_nothing_to_match_repair_freeze_or_publish(
    session: Session, region: SmallRound
) -> None:
    withdraw(region)
    saved()
    on(region.block.last_day)
    assert len(work(session, region).waiting) == 1
    on(region.block.last_day + timedelta(days=1))
    assert work(session, region).waiting == []
    with pytest.raises(Refused, match="blocks of this round have ended"):
        service.start_repair(region.lead, region.round.id)
    with pytest.raises(Refused, match="blocks of this round have ended"):
        start_run(region.lead, region.round.id)
    with pytest.raises(Refused, match="nothing to freeze"):
        freeze_round(region.lead, region.round.id, version=region.round.version, seen=0)
    with pytest.raises(Refused, match="blocks of this round have ended"):
        publish_round(region.lead, region.round.id, version=region.round.version)


def test_a_move_by_hand_takes_in_its_own_locks_and_nothing_else(session: Session, region: SmallRound) -> None:
    """Between the match and the move by hand a trust declines and a place is given back."""
    first, second = (row.requirements[0].id for row in region.learners[:2])
    other = lock(region, requirement_id=second, origin="decline", origin_id=7)
    own = lock(region, scenario_id=None)
    session.add_all([other, own])
    set_clock(lambda: NOW_UTC + timedelta(hours=2))
    run = RunFactory(
        round=region.round,
        kind="hand",
        parent_id=session.scalars(select(Publication.run_id)).one(),
        locks=[
            {
                "requirement": f"r{first}",
                "site_or_department": f"d{region.departments[0].id}",
                "kind": "ban",
            }
        ],
    )
    saved()
    found = work(session, region)
    assert {row.item.key: row.taken_in_by for row in found.waiting} == {
        f"lock:{own.id}": run,
        "decline:7": None,
    }
    session.scalars(select(Publication)).one().run_id = run.id
    assert only(session, region).key == "decline:7", "published, the run by hand still knows of no decline"


def test_what_a_repair_left_out_stays_on_the_list_after_a_move_by_hand(
    session: Session, region: SmallRound
) -> None:
    left_out = lock(region, made_utc=NOW_UTC - timedelta(days=1))
    session.add(left_out)
    saved()
    publication = session.scalars(select(Publication)).one()
    repair = session.get_one(Run, publication.run_id)
    repair.settings = {"without_locks": [left_out.id]}
    publication.run_id = RunFactory(round=region.round, kind="hand", parent_id=repair.id).id
    assert only(session, region).key == f"lock:{left_out.id}"


def test_a_place_given_back_before_a_move_by_hand_stays_on_the_list(
    session: Session, region: SmallRound
) -> None:
    need = region.learners[0].requirements[0]
    row = ReturnedPlace(
        round_id=region.round.id,
        requirement_id=need.id,
        department_id=region.departments[0].id,
        first_week=region.block.first_week,
        missing="DBS",
        returned_utc=now_utc(),
    )
    session.add(row)
    set_clock(lambda: NOW_UTC + timedelta(hours=2))
    publication = session.scalars(select(Publication)).one()
    publication.run_id = RunFactory(round=region.round, kind="hand", parent_id=publication.run_id).id
    assert only(session, region).key == f"returned:{row.id}"


def test_locks_are_told_by_where_they_came_from(session: Session, region: SmallRound) -> None:
    session.add(lock(region))
    session.add(lock(region, origin="decline", origin_id=7, reason="No room."))
    for site in (region.departments[0].site_id, region.departments[1].site_id):
        session.add(lock(region, origin="appeal", origin_id=3, department_id=None, site_id=site))
    session.add(lock(region, lifted_utc=now_utc(), department_id=region.departments[1].id))
    found = {row.item.key.split(":")[0]: row.item for row in work(session, region).waiting}
    assert {key: item.kind for key, item in found.items()} == {
        "lock": "Lock",
        "decline": "Declined by the trust",
        "appeal": "Appeal upheld",
    }
    assert len(found["appeal"].locks) == 2
    assert "No room." in found["decline"].words
    assert {item.by for item in found.values()} == {"Lea Lead"}
    assert all(item.touched == {region.learners[0].requirements[0].id} for item in found.values())


def test_a_place_given_back_is_told(session: Session, region: SmallRound) -> None:
    session.add(
        ReturnedPlace(
            round_id=region.round.id,
            requirement_id=region.learners[0].requirements[0].id,
            department_id=region.departments[0].id,
            first_week=region.block.first_week,
            missing="Occupational health",
            returned_utc=now_utc(),
        )
    )
    assert "not clear at the freeze (Occupational health)" in only(session, region).words


def test_an_item_is_set_aside_with_a_reason_and_comes_back(session: Session, region: SmallRound) -> None:
    withdraw(region)
    key = only(session, region).key
    with pytest.raises(Refused, match="Say why"):
        service.set_aside(region.lead, region.round.id, item=key, reason="  ")
    with pytest.raises(Refused, match="500 characters"):
        service.set_aside(region.lead, region.round.id, item=key, reason="x" * 501)
    with pytest.raises(NotFound):
        service.set_aside(region.lead, region.round.id, item="learner:999", reason="Because")
    service.set_aside(region.lead, region.round.id, item=key, reason="The place stays empty.")
    found = work(session, region)
    assert (found.waiting, [row.row.reason for row in found.aside]) == ([], ["The place stays empty."])
    with pytest.raises(Stale):
        service.set_aside(region.lead, region.round.id, item=key, reason="Again")
    service.bring_back(region.lead, region.round.id, item=key)
    service.bring_back(region.lead, region.round.id, item=key)
    assert only(session, region).key == key


def test_two_who_set_the_same_aside_at_once_make_one_row(
    session: Session, region: SmallRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    withdraw(region)
    found = work(session, region)
    key = found.waiting[0].item.key
    service.set_aside(region.lead, region.round.id, item=key, reason="First")
    # The second has looked before the first committed: only the database can tell.
    monkeypatch.setattr(queries, "worklist_of", lambda *_: found)
    with pytest.raises(Stale):
        service.set_aside(region.lead, region.round.id, item=key, reason="Second")
    assert [row.reason for row in session.scalars(select(SetAside))] == ["First"]


def test_only_an_academy_lead_of_the_network_sets_aside(session: Session, region: SmallRound) -> None:
    withdraw(region)
    key = only(session, region).key
    with pytest.raises(NotAllowed):
        service.set_aside(viewer_as(Role.PLACEMENT_OFFICER), region.round.id, item=key, reason="Because")
    foreign = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Another network").id)
    with pytest.raises(NotFound):
        service.set_aside(foreign, region.round.id, item=key, reason="Because")
    with pytest.raises(NotFound):
        service.bring_back(foreign, region.round.id, item=key)
