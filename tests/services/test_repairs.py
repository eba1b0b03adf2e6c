"""A repair run moves the fewest published learners, nobody who has begun, and says what it has proven."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from placements import tasks
from placements.allocations.service import adopt_run, publish_round, start_repair
from placements.clock import now_utc, set_clock
from placements.cohorts.models import Interruption, Learner
from placements.errors import Refused
from placements.repairs import happened, service  # noqa: F401 - makes the sources known
from placements.repairs.moves import repair_of
from placements.repairs.queries import worklist_of
from placements.scenarios.describing import sentences
from placements.scenarios.frozen import policy_of_run, problem_of_run
from placements.scenarios.models import Lock, Placing, Run
from placements.scenarios.repairing import Wishes, begun_weeks
from placements.scenarios.results import certificate
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from placements.scenarios.watching import describe_progress
from tests.conftest import NOW_UTC
from tests.factories import LearnerFactory, RequirementFactory, saved
from tests.factories.region import SmallRound, small_round
from tests.services.test_late_changes import approve

BEFORE = NOW_UTC + timedelta(hours=1)
# In the first week of the block.
BEGUN = NOW_UTC.replace(year=2027, month=1, day=6)


@pytest.fixture(autouse=True)
def nobody_works(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_queue", lambda *_: None)


def published(session: Session, *, learners: int, places: tuple[int, int]) -> SmallRound:
    """A region with as many placed as there is room for, published."""
    region = small_round(learners=learners, places=places)
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    adopt_run(region.lead, run_id)
    session.expire_all()
    publish_round(region.lead, region.round.id, version=region.round.version)
    set_clock(lambda: BEFORE)
    return region


def repair(session: Session, region: SmallRound, wishes: Wishes | None = None) -> Run:
    saved()
    run_id = start_repair(region.lead, region.round.id, wishes).id
    perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert run.state == "finished", run.message
    result = matching.Result.from_json(run.result or "")
    assert matching.verify(problem_of_run(run), policy_of_run(run), result) == []
    return run


def where(session: Session, run: Run) -> dict[int, int | None]:
    rows = session.scalars(select(Placing).where(Placing.run_id == run.id))
    return {row.requirement_id: row.department_id for row in rows}


def stood(session: Session, region: SmallRound) -> dict[int, int | None]:
    """Where the first run placed them."""
    first = session.scalars(select(Run).where(Run.round_id == region.round.id).order_by(Run.id)).first()
    assert first is not None
    return where(session, first)


def need(learner: Learner) -> int:
    return learner.requirements[0].id


def withdraw(learner: Learner) -> None:
    learner.interruptions.append(
        Interruption(kind="withdrawn", first_day=date(2027, 1, 4), last_day=None, recorded_utc=now_utc())
    )


def late(region: SmallRound) -> Learner:
    first = region.learners[0]
    learner = LearnerFactory(cohort=first.cohort)
    RequirementFactory(learner=learner, plan_line=first.requirements[0].plan_line, block=region.block)
    return learner


def ban(
    session: Session, region: SmallRound, learner: Learner, department: int | None, **values: object
) -> Lock:
    row = Lock(
        round_id=region.round.id,
        requirement_id=need(learner),
        kind="ban",
        department_id=department,
        reason="Declined.",
        made_utc=now_utc(),
        **values,
    )
    session.add(row)
    session.flush()
    return row


def tiers(run: Run) -> dict[str, tuple[int, int]]:
    return {tier["name"]: (tier["value"], tier["bound"]) for tier in run.summary["tiers"]}


def moves(run: Run) -> dict[int, tuple[str, int | None, int | None]]:
    return {
        move["requirement"]: (move["kind"], move["before"], move["after"])
        for move in run.summary["repair"]["moves"]
    }


def test_after_a_withdrawal_whoever_waited_takes_the_place_and_nobody_moves(session: Session) -> None:
    region = published(session, learners=3, places=(1, 1))
    before = stood(session, region)
    gone = next(row for row in region.learners if before[need(row)])
    waited = next(row for row in region.learners if not before[need(row)])
    withdraw(gone)
    run = repair(session, region)
    after = where(session, run)
    assert need(gone) not in after
    assert after[need(waited)] == before[need(gone)]
    assert tiers(run)["moved"] == (0, 0)
    assert moves(run) == {need(waited): ("waiting", None, before[need(gone)])}
    assert run.summary["repair"]["proven"]
    assert certificate(run.summary).title == "Proven the fewest moves"


def test_places_cut_move_as_few_as_have_to(session: Session) -> None:
    region = published(session, learners=3, places=(2, 2))
    before = stood(session, region)
    full = max(region.departments, key=lambda row: list(before.values()).count(row.id))
    approve(region, full, first_week=1)
    run = repair(session, region)
    moved = {key for key, place in where(session, run).items() if place != before[key]}
    assert len(moved) == 1
    assert tiers(run)["moved"] == (1, 1)
    assert moves(run)[moved.pop()][0] == "moved"


def test_where_nothing_is_offered_any_more_everybody_there_is_in_need(session: Session) -> None:
    region = published(session, learners=2, places=(2, 2))
    before = stood(session, region)
    shut, other = region.departments
    if shut.id not in before.values():
        shut, other = other, shut
    approve(region, shut, first_week=0)
    run = repair(session, region)
    assert set(where(session, run).values()) == {other.id}
    assert {key for key, (kind, _, _) in moves(run).items() if kind == "displaced"} == {
        key for key, place in before.items() if place == shut.id
    }


def test_a_late_learner_is_in_need_and_others_make_room(session: Session) -> None:
    region = published(session, learners=2, places=(1, 2))
    late_one = late(region)
    run = repair(session, region)
    assert run.settings["in_need"] == [f"r{need(late_one)}"]
    assert where(session, run)[need(late_one)] is not None
    assert moves(run)[need(late_one)][0] == "late"
    assert run.summary["placed"] == 3


def test_a_late_learner_who_waits_makes_nobody_move(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    before = stood(session, region)
    late_one = late(region)
    saved()
    run = repair(session, region, Wishes(may_wait=[need(late_one)]))
    assert run.settings["in_need"] == []
    after = where(session, run)
    assert after.pop(need(late_one)) is None
    assert after == before


def test_a_declined_place_is_left_and_the_swap_is_proven(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    before = stood(session, region)
    first, second = region.learners
    ban(session, region, first, before[need(first)], origin="decline", origin_id=1)
    run = repair(session, region)
    assert moves(run) == {
        need(first): ("displaced", before[need(first)], before[need(second)]),
        need(second): ("moved", before[need(second)], before[need(first)]),
    }
    assert tiers(run)["moved"] == (1, 1)


def test_a_lock_set_aside_is_left_out(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    before = stood(session, region)
    lock = ban(session, region, region.learners[0], before[need(region.learners[0])])
    run = repair(session, region, Wishes(without_locks=[lock.id]))
    assert run.locks == []
    assert run.settings["without_locks"] == [lock.id]
    assert where(session, run) == before


def test_nobody_who_has_begun_moves_unless_allowed(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    before = stood(session, region)
    first, second = region.learners
    set_clock(lambda: BEGUN)
    ban(session, region, first, before[need(first)])
    run = repair(session, region)
    assert run.settings["now_week"] == 1
    assert where(session, run) == {need(first): None, need(second): before[need(second)]}
    placing = session.scalars(
        select(Placing).where(Placing.run_id == run.id, Placing.requirement_id == need(first))
    ).one()
    assert sentences(session, [placing])[placing.id]
    allowed = repair(session, region, Wishes(may_move=[need(second)]))
    assert allowed.settings["may_move"] == [f"r{need(second)}"]
    assert where(session, allowed) == {
        need(first): before[need(second)],
        need(second): before[need(first)],
    }


def test_a_repair_needs_a_publication(session: Session) -> None:
    region = small_round()
    with pytest.raises(Refused, match="nothing to repair"):
        start_repair(region.lead, region.round.id)


def test_one_that_is_performed_again_gives_the_same(session: Session) -> None:
    region = published(session, learners=3, places=(2, 2))
    approve(region, region.departments[0], first_week=1)
    one, two = repair(session, region), repair(session, region)
    assert where(session, one) == where(session, two)
    assert moves(one) == moves(two)


def test_an_unproven_repair_says_how_far_off_it_may_be() -> None:
    def said(**changed: tuple[int, int]) -> str:
        values = {"unplaced_priority_1": (2, 2), "moved": (3, 3), "waiting_priority_1": (0, 0)} | changed
        rows = [{"name": name, "value": value, "bound": bound} for name, (value, bound) in values.items()]
        return certificate({"status": "gap", "repair": {}, "tiers": rows}).title

    assert said() == "Proven the fewest moves"
    assert said(waiting_priority_1=(4, 0)) == "Proven the fewest moves"
    assert said(moved=(3, 1)).endswith("at most 2 fewer need move")
    assert said(unplaced_priority_1=(2, 1)).endswith("at most 1 more could be placed")


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("case", "Finding who has lost their place"),
        ("unplaced_priority_2", "Placing those who have lost"),
        ("moved", "Moving as few others as possible"),
        ("waiting_priority_1", "Placing those who were waiting"),
        ("cost", "Choosing the best"),
        ("reading the snapshot", "Reading the round's data"),
    ],
)
def test_progress_of_a_repair_is_told_in_words(stage: str, words: str) -> None:
    run = Run(kind="repair", state="running", progress={"stage": stage}, cancel_requested=False)
    assert describe_progress(run)["words"].startswith(words)


def test_a_week_has_begun_on_its_monday() -> None:
    weeks = ["2027-01-04", "2027-01-11"]
    begun: Callable[[int], int] = lambda day: begun_weeks(weeks, date(2027, 1, day))  # noqa: E731
    assert [begun(day) for day in (3, 4, 10, 11, 31)] == [0, 1, 1, 2, 2]


# -- what is told of the moves ------------------------------------------------------------


def told(session: Session, region: SmallRound, run: Run) -> dict[int, tuple[str, str]]:
    """By requirement, the kind of each move and why."""
    found = repair_of(session, region.lead, run)
    assert found is not None
    return {move.placing.requirement_id: (move.kind.value, move.why) for move in found.moves}


def test_each_move_says_what_it_answers_or_whom_it_makes_room_for(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    before = stood(session, region)
    first, second = region.learners
    ban(session, region, first, before[need(first)], origin="decline", origin_id=1)
    run = repair(session, region)
    found = told(session, region, run)
    assert found[need(first)][0] == "replaced"
    assert found[need(first)][1].startswith("Declined by the trust:")
    assert found[need(second)] == ("moved", f"To make room for {first.reference}")


def test_whoever_takes_a_freed_place_is_told_whose(session: Session) -> None:
    region = published(session, learners=3, places=(1, 1))
    before = stood(session, region)
    gone = next(row for row in region.learners if before[need(row)])
    waited = next(row for row in region.learners if not before[need(row)])
    withdraw(gone)
    run = repair(session, region)
    assert told(session, region, run) == {need(waited): ("found", "Takes a place that is free")}


def test_who_left_is_told_apart_from_the_moves_with_the_place_that_came_free(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    gone = region.learners[0]
    place = stood(session, region)[need(gone)]
    withdraw(gone)
    run = repair(session, region)
    found = repair_of(session, region.lead, run)
    assert found is not None
    assert [(row.line.requirement_id, row.line.department_id, row.why) for row in found.left] == [
        (need(gone), place, "withdrawn from 4 January 2027")
    ]
    assert need(gone) not in {move.placing.requirement_id for move in found.moves}


def test_who_lost_a_place_and_got_none_comes_first_with_the_reason(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    before = stood(session, region)
    shut = next(row for row in region.departments if row.id in before.values())
    approve(region, shut, first_week=0)
    run = repair(session, region)
    lost = next(key for key, place in before.items() if place == shut.id)
    found = repair_of(session, region.lead, run)
    assert found is not None
    assert [move.placing.requirement_id for move in found.lost] == [lost]
    assert found.lost[0].why.startswith(f"Places changed: {shut.name}")
    assert found.moved == []
    assert found.minutes == 0


def test_those_who_have_begun_are_counted_and_marked(session: Session) -> None:
    region = published(session, learners=3, places=(2, 2))
    before = stood(session, region)
    set_clock(lambda: BEGUN)
    ban(session, region, region.learners[0], before[need(region.learners[0])])
    found = repair_of(session, region.lead, repair(session, region))
    assert found is not None
    assert found.stay == 2
    assert [(move.kind.value, move.begun) for move in found.moves] == [("replaced", True)]


def test_one_press_repairs_all_that_is_not_set_aside(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    before = stood(session, region)
    lock = ban(session, region, region.learners[0], before[need(region.learners[0])])
    late_one = late(region)
    saved()
    session.expire_all()
    for row in worklist_of(session, region.lead, region.round.id).waiting:
        service.set_aside(region.lead, region.round.id, item=row.item.key, reason="Not now.")
    run_id = service.start_repair(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert (run.settings["without_locks"], run.settings["in_need"]) == ([lock.id], [])
    assert where(session, run) == before | {need(late_one): None}
    # Brought back, the lock still waits: this run was asked for without it.
    service.bring_back(region.lead, region.round.id, item=f"lock:{lock.id}")
    (waiting,) = worklist_of(session, region.lead, region.round.id).waiting
    assert waiting.taken_in_by is None


def test_a_lock_left_out_of_what_was_published_comes_back_to_the_list(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    before = stood(session, region)
    lock = ban(session, region, region.learners[0], before[need(region.learners[0])])
    saved()
    service.set_aside(region.lead, region.round.id, item=f"lock:{lock.id}", reason="Not now.")
    run = service.start_repair(region.lead, region.round.id)
    perform_run(run.id)
    adopt_run(region.lead, run.id)
    session.expire_all()
    publish_round(region.lead, region.round.id, version=region.round.version)
    found = worklist_of(session, region.lead, region.round.id)
    assert [row.item.key for row in found.aside] == [f"lock:{lock.id}"]


def test_only_who_has_begun_can_be_named_as_one_who_may_move(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    first = region.learners[0]
    with pytest.raises(Refused, match=first.reference):
        service.start_repair(region.lead, region.round.id, may_move=[first.reference])
    set_clock(lambda: BEGUN)
    run = service.start_repair(region.lead, region.round.id, may_move=[first.reference.lower()])
    assert run.settings["may_move"] == [f"r{need(first)}"]


def test_a_run_is_repaired_from_the_version_before_it(session: Session) -> None:
    region = published(session, learners=2, places=(1, 1))
    run = repair(session, region)
    set_clock(lambda: BEFORE + timedelta(hours=1))
    adopt_run(region.lead, run.id)
    session.expire_all()
    publish_round(region.lead, region.round.id, version=region.round.version)
    session.expire_all()
    found = repair_of(session, region.lead, session.get_one(Run, run.id))
    assert found is not None
    assert found.publication.number == 1
