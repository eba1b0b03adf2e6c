"""Moves against minutes: each point is a solve, kept as it is found, taken up again where a worker died."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

import matching
from placements import tasks
from placements.access import Role
from placements.allocations.service import adopt_run, publish_round, start_repair
from placements.clock import now_utc, set_clock
from placements.errors import NotAllowed, NotFound, Refused
from placements.repairs import drawing, service
from placements.repairs.chart import chart_of, step_words
from placements.repairs.models import TradeOff
from placements.repairs.moves import repair_of
from placements.repairs.queries import points_of
from placements.repairs.trade_off import FEWEST, STEPS, Point, policy_at, worth_showing
from placements.scenarios import claims, solving
from placements.scenarios.models import Lock, Placing, Run, Scenario
from placements.states import TRADE_OFF
from tests.conftest import NOW_UTC
from tests.factories import NetworkFactory, saved, viewer_as
from tests.factories.region import SmallRound, small_round
from tests.services.test_allocations import a_run
from tests.services.test_scenarios import dead_worker

BEGUN = NOW_UTC.replace(year=2027, month=1, day=6)
Queued = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def queued(session: Session, monkeypatch: pytest.MonkeyPatch) -> Queued:
    found: Queued = []
    monkeypatch.setattr(tasks, "_queue", lambda name, arguments: found.append((name, arguments)))
    return found


@pytest.fixture
def region(session: Session, queued: Queued) -> SmallRound:
    """Two learners published at one department each, the second far away; a third nowhere; and room for all
    at either."""
    region = small_round(learners=3, places=(3, 3))
    region.departments[1].site.latitude += 0.2
    saved()
    adopt_run(region.lead, a_run(region).id)
    publish_round(region.lead, region.round.id, version=region.round.version)
    set_clock(lambda: NOW_UTC + timedelta(hours=1))
    return region


def repaired(session: Session, region: SmallRound) -> Run:
    """A finished repair, by a policy that looks at travel alone."""
    run_id = start_repair(region.lead, region.round.id).id
    policy = matching.Policy(tiers=({"travel": 1},)).to_json()
    session.execute(update(Run).where(Run.id == run_id).values(policy=policy))
    session.execute(update(Scenario).values(policy=policy))
    session.commit()
    solving.perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert run.state == "finished", run.message
    return run


def drawn(session: Session, region: SmallRound, run: Run) -> TradeOff:
    row_id = service.draw_trade_off(region.lead, run.id).id
    drawing.solve_trade_off(row_id)
    session.expire_all()
    return session.get_one(TradeOff, row_id)


def test_more_moves_save_minutes_and_each_point_is_proven(session: Session, region: SmallRound) -> None:
    row = drawn(session, region, repaired(session, region))
    assert (row.state, row.message) == ("finished", None)
    assert [point["step"] for point in row.points] == list(STEPS)
    fewest, best = points_of(row)
    assert (fewest.step, fewest.moves, fewest.placed) == (FEWEST, 0, 3)
    assert (best.moves, best.placed, best.lost) == (1, 3, 0)
    assert best.minutes < fewest.minutes
    assert best.is_proven
    assert fewest.is_proven


def test_a_point_becomes_a_run_with_the_same_answer(
    session: Session, region: SmallRound, queued: Queued
) -> None:
    repair = repaired(session, region)
    best = points_of(drawn(session, region, repair))[-1]
    run_id = service.use_point(region.lead, repair.id, best.step).id
    assert queued[-1] == ("perform_run", {"run_id": run_id})
    with pytest.raises(Refused, match="already under way"):
        service.use_point(region.lead, repair.id, best.step)
    solving.perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert (run.state, run.parent_id, run.snapshot_id) == ("finished", repair.id, repair.snapshot_id)
    placings = session.scalars(select(Placing).where(Placing.run_id == run_id)).all()
    assert sum(row.travel_minutes or 0 for row in placings) == best.minutes
    found = repair_of(session, region.lead, run)
    assert found is not None
    assert [move.kind.value for move in found.moves] == ["moved", "found"]
    assert found.moves[0].why == "Saves enough travel, or makes room for it"
    for wrong in (FEWEST, "7", ""):
        with pytest.raises(Refused, match="no such answer"):
            service.use_point(region.lead, repair.id, wrong)


def test_who_has_begun_stays_in_every_point(session: Session, region: SmallRound) -> None:
    set_clock(lambda: BEGUN)
    repair = repaired(session, region)
    row = drawn(session, region, repair)
    assert {point["moves"] for point in row.points} == {0}
    assert [point.step for point in points_of(row)] == [FEWEST]
    run = service.use_point(region.lead, repair.id, "0")
    assert {(lock["requirement"], lock["kind"]) for lock in run.locks} == {
        (f"r{learner.requirements[0].id}", "pin") for learner in region.learners[:2]
    }


def test_what_a_dead_worker_had_solved_is_not_solved_again(
    session: Session, region: SmallRound, queued: Queued, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = repaired(session, region)
    row_id = service.draw_trade_off(region.lead, run.id).id
    solve, solved = matching.solve, list[object]()

    def dies(*arguments: Any, **rest: Any) -> matching.Result:
        if len(solved) == 2:
            raise KeyboardInterrupt
        solved.append(None)
        return solve(*arguments, **rest)

    monkeypatch.setattr(matching, "solve", dies)
    with pytest.raises(KeyboardInterrupt):
        drawing.solve_trade_off(row_id)
    session.rollback()
    session.execute(update(TradeOff).values(worker=dead_worker()))
    session.commit()
    queued.clear()
    drawing.recover_trade_offs()
    assert queued == [("solve_trade_off", {"trade_off_id": row_id})]
    session.expire_all()
    assert [point["step"] for point in session.get_one(TradeOff, row_id).points] == list(STEPS[:3])

    def counts(*arguments: Any, **rest: Any) -> matching.Result:
        solved.append(None)
        return solve(*arguments, **rest)

    monkeypatch.setattr(matching, "solve", counts)
    drawing.solve_trade_off(row_id)
    session.expire_all()
    row = session.get_one(TradeOff, row_id)
    assert (row.state, [point["step"] for point in row.points]) == ("finished", list(STEPS))
    assert len(solved) == len(STEPS) - 1


def test_one_that_keeps_killing_its_worker_is_given_up_and_can_be_asked_again(
    session: Session, region: SmallRound, queued: Queued
) -> None:
    run = repaired(session, region)
    row_id = service.draw_trade_off(region.lead, run.id).id
    session.execute(
        update(TradeOff).values(state="running", worker=dead_worker(), attempts=claims.MOST_ATTEMPTS)
    )
    session.commit()
    queued.clear()
    drawing.recover_trade_offs()
    session.expire_all()
    row = session.get_one(TradeOff, row_id)
    assert (row.state, queued) == ("failed", [])
    assert "worker stopped" in (row.message or "")
    assert drawn(session, region, run).state == "finished"


def test_a_living_workers_is_left_alone_and_a_lost_job_is_queued_again(
    session: Session, region: SmallRound, queued: Queued
) -> None:
    row_id = service.draw_trade_off(region.lead, repaired(session, region).id).id
    queued.clear()
    drawing.recover_trade_offs()
    assert queued == []
    session.execute(update(TradeOff).values(requested_utc=now_utc() - timedelta(hours=1)))
    session.commit()
    drawing.recover_trade_offs()
    assert queued == [("solve_trade_off", {"trade_off_id": row_id})]
    session.execute(update(TradeOff).values(state="running", worker=claims.worker_name()))
    session.commit()
    queued.clear()
    drawing.recover_trade_offs()
    assert queued == []


def test_a_worker_that_lost_it_keeps_nothing(
    session: Session, region: SmallRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_id = service.draw_trade_off(region.lead, repaired(session, region).id).id
    solve = matching.solve

    def slow(*arguments: Any, **rest: Any) -> matching.Result:
        session.execute(update(TradeOff).values(worker="another:1:1"))
        session.commit()
        return solve(*arguments, **rest)

    monkeypatch.setattr(matching, "solve", slow)
    drawing.solve_trade_off(row_id)
    session.expire_all()
    row = session.get_one(TradeOff, row_id)
    assert (row.state, [point["step"] for point in row.points]) == ("running", [FEWEST])


def test_an_error_is_kept_in_words_with_what_was_found(
    session: Session, region: SmallRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> matching.Result:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(matching, "solve", broken)
    row = drawn(session, region, repaired(session, region))
    assert row.state == "failed"
    assert "out of luck" in (row.message or "")
    assert len(row.points) == 1


def test_only_a_finished_repair_is_drawn_and_only_once(session: Session, region: SmallRound) -> None:
    first = session.scalars(select(Run).order_by(Run.id)).first()
    assert first is not None
    with pytest.raises(Refused, match="finished repair"):
        service.draw_trade_off(region.lead, first.id)
    waiting = start_repair(region.lead, region.round.id)
    with pytest.raises(Refused, match="finished repair"):
        service.draw_trade_off(region.lead, waiting.id)
    solving.perform_run(waiting.id)
    service.draw_trade_off(region.lead, waiting.id)
    with pytest.raises(Refused, match="trade-off is queued"):
        service.draw_trade_off(region.lead, waiting.id)
    with pytest.raises(NotAllowed):
        service.draw_trade_off(viewer_as(Role.PLACEMENT_OFFICER), waiting.id)
    foreign = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Another network").id)
    for call in (service.draw_trade_off, lambda who, run: service.use_point(who, run, "0")):
        with pytest.raises(NotFound):
            call(foreign, waiting.id)


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        (state, verb)
        for verb, (sources, _) in TRADE_OFF.moves.items()
        for state in ("queued", "running", "finished", "failed")
        if state not in sources
    ],
)
def test_every_forbidden_step_of_a_trade_off_is_refused(state: str, verb: str) -> None:
    with pytest.raises(Refused):
        TRADE_OFF.move(state, verb)


# -- figures ------------------------------------------------------------

REPAIR = Point(FEWEST, 2, 1000, 50, 1, 0.0)


def test_a_point_that_another_beats_is_left_out() -> None:
    better = Point("60", 5, 860, 50, 1, 0.0)
    worse = [
        Point("30", 6, 860, 50, 1, 0.0),
        Point("15", 5, 900, 50, 1, 0.0),
        Point("5", 9, 860, 49, 1, 0.0),
        replace(better, step="0", minutes=1, begun_moved=True),
    ]
    more = Point("120", 6, 870, 51, 1, 0.0)
    assert worth_showing([REPAIR, *worse, more, better]) == [REPAIR, better, more]
    # The repair stays, though another moves as few for less.
    assert worth_showing([replace(better, moves=2), REPAIR])[0] == REPAIR


def test_each_step_is_told_in_words() -> None:
    assert step_words(None, REPAIR) == "The fewest moves"
    more = replace(REPAIR, step="60", moves=5, minutes=860)
    assert step_words(REPAIR, more) == "3 more moves save 2 h 20 min one way, all together"
    assert step_words(REPAIR, replace(more, moves=3)).startswith("1 more move saves")
    assert step_words(REPAIR, replace(more, minutes=1030, placed=52)) == (
        "3 more moves, 30 min further one way, 2 more placed"
    )


def test_the_picture_has_room_for_one_point_and_for_none() -> None:
    assert chart_of([]).dots == []
    (dot,) = chart_of([REPAIR]).dots
    assert 0 < dot.x < 640
    assert 0 < dot.y < 320
    assert len(chart_of([REPAIR, replace(REPAIR, moves=9, minutes=1)]).line.split()) == 2


def test_a_move_is_priced_in_the_tier_of_travel() -> None:
    usual = matching.Policy(tiers=({"worst_travel": 1}, {"changes": 3}, {"travel": 2, "preferences": 1}))
    assert policy_at(usual, 30).tiers == ({"worst_travel": 1}, {"travel": 2, "preferences": 1, "changes": 60})
    assert policy_at(usual, 0).tiers == ({"worst_travel": 1}, {"travel": 2, "preferences": 1})
    none = matching.Policy(tiers=({"preferences": 1},))
    assert policy_at(none, 15).tiers == ({"travel": 1, "changes": 15}, {"preferences": 1})


def test_a_lock_kept_in_the_repair_is_kept_in_its_points(session: Session, region: SmallRound) -> None:
    learner = region.learners[1]
    session.add(
        Lock(
            round_id=region.round.id,
            requirement_id=learner.requirements[0].id,
            kind="pin",
            department_id=region.departments[1].id,
            reason="Lives there.",
            made_utc=now_utc(),
        )
    )
    saved()
    row = drawn(session, region, repaired(session, region))
    assert {point["moves"] for point in row.points} <= {0, 1}
    assert all(not point["lost"] for point in row.points)
