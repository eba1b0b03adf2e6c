"""Moves by hand: told before they are made, checked, undone; and what is told of a requirement."""

import threading
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from placements.access import Role
from placements.allocations.service import adopt_run
from placements.audit.models import AuditEntry
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.review import desk as desks
from placements.review import queries, service
from placements.review.desk import Desk, Hand, make_ready
from placements.review.looking import look, way_there, worth
from placements.review.moves import Plan, Wanted, plan
from placements.scenarios import solving
from placements.scenarios.frozen import policy_of_run, problem_of_run
from placements.scenarios.locks import save_lock
from placements.scenarios.marks import marks_of_round
from placements.scenarios.models import Lock, Placing, Run
from placements.scenarios.service import start_run
from tests.at_once import at_once
from tests.factories import NetworkFactory, viewer_as
from tests.factories.region import SmallRound, small_round


@pytest.fixture(autouse=True)
def no_worker(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are performed by the tests; pages wait for what they ask."""
    from placements import tasks

    monkeypatch.setattr(tasks, "_queue", lambda name, arguments: None)
    monkeypatch.setattr(desks, "WAIT_SECONDS", 60.0)


def matched(
    learners: int = 2, places: tuple[int, int] = (2, 2), wte: Decimal | None = None
) -> tuple[SmallRound, Run]:
    region = small_round(learners=learners, places=places, wte=wte)
    run_id = start_run(region.lead, region.round.id).id
    solving.perform_run(run_id)
    return region, run_of(run_id)


def run_of(run_id: int) -> Run:
    db.session.expire_all()
    run = db.session.scalar(select(Run).where(Run.id == run_id))
    assert run is not None
    assert run.state == "finished", run.message
    return run


def hand_of(run: Run) -> Hand:
    return make_ready(problem_of_run(run), policy_of_run(run), run.result or "")


def placings(run_id: int) -> dict[int, int | None]:
    rows = db.session.execute(
        select(Placing.requirement_id, Placing.department_id).where(Placing.run_id == run_id)
    )
    return {requirement: department for requirement, department in rows}  # noqa: C416 - rows are no pairs to a type checker


def saved_move(region: SmallRound, run: Run, wanted: Wanted, reason: str = "Asked by the ward") -> Run:
    hand = hand_of(run)
    found = plan(hand, wanted)
    made = service.move_by_hand(region.lead, run.id, hand, found, seen=found.seen, reason=reason)
    return run_of(made.id)


def elsewhere(region: SmallRound, run: Run) -> tuple[int, int, int]:
    """A placed requirement, its department and the other one."""
    where = placings(run.id)
    requirement = min(key for key, department in where.items() if department is not None)
    here = where[requirement]
    assert here is not None
    (there,) = [department.id for department in region.departments if department.id != here]
    return requirement, here, there


def test_a_move_is_told_with_its_cost_and_saved_as_a_run_of_its_own_with_a_pin(session: Session) -> None:
    region, run = matched()
    requirement, here, there = elsewhere(region, run)
    before = placings(run.id)
    hand = hand_of(run)
    found = plan(hand, Wanted("move", requirement, there))
    assert found.is_possible
    assert not found.broken
    assert not found.others
    made = service.move_by_hand(region.lead, run.id, hand, found, seen=found.seen, reason=" Lives nearby ")
    made = run_of(made.id)
    assert (made.kind, made.parent_id, made.snapshot_id) == ("hand", run.id, run.snapshot_id)
    assert placings(made.id) == before | {requirement: there}
    assert placings(run.id) == before
    assert {tier.name: tier.after for tier in found.tiers} == {
        tier["name"]: tier["value"] for tier in made.summary["tiers"] if tier["name"] != "unplaced_pinned"
    }
    assert (
        matching.verify(
            problem_of_run(made), policy_of_run(made), matching.Result.from_json(made.result or "")
        )
        == []
    )
    (lock,) = session.scalars(select(Lock)).all()
    assert (lock.kind, lock.requirement_id, lock.department_id, lock.reason) == (
        "pin",
        requirement,
        there,
        "Lives nearby",
    )
    assert lock.scenario_id == run.scenario_id
    assert made.locks == [
        {"requirement": f"r{requirement}", "site_or_department": f"d{there}", "kind": "pin"}
    ]
    said = queries.hand_move(made)
    assert said is not None
    assert said.moves == ((requirement, here, there),)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "move_by_hand")).one()
    assert entry.detail["reason"] == "Lives nearby"
    assert marks_of_round(session, region.lead, region.round.id)[made.id] == [f"By hand from run {run.id}"]


def test_a_later_run_of_the_scenario_keeps_what_was_pinned_by_hand(session: Session) -> None:
    region, run = matched()
    requirement, _, there = elsewhere(region, run)
    saved_move(region, run, Wanted("move", requirement, there))
    again = start_run(region.lead, region.round.id, scenario_id=run.scenario_id)
    solving.perform_run(again.id)
    assert placings(run_of(again.id).id)[requirement] == there


def test_a_move_into_a_full_department_names_who_is_there_and_lets_them_make_room(session: Session) -> None:
    region, run = matched(learners=2, places=(1, 1))
    requirement, here, there = elsewhere(region, run)
    other = next(key for key, department in placings(run.id).items() if department == there)
    found = plan(hand_of(run), Wanted("move", requirement, there))
    assert {limit.rule for limit in found.broken} == {"places"}
    assert {key for limit in found.broken for key in limit.held_by} == {f"r{other}"}
    assert found.is_possible
    assert [move.requirement for move in found.others] == [f"r{other}"]
    made = saved_move(region, run, Wanted("move", requirement, there))
    assert placings(made.id) == {requirement: there, other: here}
    assert session.scalars(select(Lock.requirement_id)).all() == [requirement]


def test_two_learners_swap_and_both_are_pinned(session: Session) -> None:
    region, run = matched(learners=2, places=(1, 1))
    requirement, here, there = elsewhere(region, run)
    other = next(key for key, department in placings(run.id).items() if department == there)
    made = saved_move(region, run, Wanted("swap", requirement, other_id=other))
    assert placings(made.id) == {requirement: there, other: here}
    assert set(map(tuple, session.execute(select(Lock.requirement_id, Lock.department_id)))) == {
        (requirement, there),
        (other, here),
    }


def test_a_pin_moves_nobody_and_a_ban_moves_the_learner_to_the_next_best_place(session: Session) -> None:
    region, run = matched()
    requirement, here, there = elsewhere(region, run)
    pinned = saved_move(region, run, Wanted("pin", requirement))
    assert placings(pinned.id) == placings(run.id)
    service.undo_move(region.lead, pinned.id)
    banned = saved_move(region, run, Wanted("ban", requirement, here))
    assert placings(banned.id)[requirement] == there
    (lock,) = session.scalars(select(Lock).where(Lock.lifted_utc.is_(None))).all()
    assert (lock.kind, lock.department_id) == ("ban", here)


def test_a_ban_where_nothing_else_is_open_says_that_the_place_is_lost(session: Session) -> None:
    region, run = matched(learners=1, places=(1, 0))
    (requirement,) = placings(run.id)
    here = placings(run.id)[requirement]
    hand = hand_of(run)
    found = plan(hand, Wanted("ban", requirement, here))
    assert [(move.after) for move in found.moves] == [None]
    made = saved_move(region, run, Wanted("ban", requirement, here))
    assert placings(made.id) == {requirement: None}
    placing = session.scalars(select(Placing).where(Placing.run_id == made.id)).one()
    assert placing.reason is not None
    assert list(placing.reason["rules"]) == ["locks", "offer_weeks"] or "locks" in placing.reason["rules"]


def test_a_move_against_a_rule_is_refused_by_name_and_says_what_would_have_to_change(
    session: Session,
) -> None:
    region, run = matched(learners=1, places=(1, 0))
    requirement, _, there = elsewhere(region, run)
    hand = hand_of(run)
    found = plan(hand, Wanted("move", requirement, there))
    assert not found.is_possible
    assert "offer_weeks" in {limit.rule for limit in found.broken}
    with pytest.raises(Refused, match="breaks a rule"):
        service.move_by_hand(region.lead, run.id, hand, found, seen=found.seen, reason="Because")
    way = way_there(hand, f"r{requirement}", f"d{there}")
    assert way is not None
    assert "places" in {change.rule for change in way.changes}


def test_a_move_needs_a_reason_of_bearable_length(session: Session) -> None:
    region, run = matched()
    requirement, _, there = elsewhere(region, run)
    hand = hand_of(run)
    found = plan(hand, Wanted("move", requirement, there))
    for reason in ("", "   ", "x" * 1_001):
        with pytest.raises(Refused) as refused:
            service.move_by_hand(region.lead, run.id, hand, found, seen=found.seen, reason=reason)
        assert set(refused.value.fields) == {"reason"}
    assert session.scalars(select(Lock)).all() == []


def test_what_was_not_shown_is_not_saved(session: Session) -> None:
    region, run = matched()
    requirement, here, there = elsewhere(region, run)
    hand = hand_of(run)
    shown, other = (
        plan(hand, Wanted("move", requirement, there)),
        plan(hand, Wanted("ban", requirement, here)),
    )
    with pytest.raises(Stale, match="not what you were shown"):
        service.move_by_hand(region.lead, run.id, hand, shown, seen=other.seen, reason="Because")


def test_the_second_lead_to_move_from_a_run_is_told_of_the_first(session: Session) -> None:
    region, run = matched(learners=2, places=(2, 2))
    first, second = sorted(placings(run.id))
    where = placings(run.id)
    hand = hand_of(run)

    def move(requirement: int) -> Plan:
        (there,) = [d.id for d in region.departments if d.id != where[requirement]]
        return plan(hand, Wanted("move", requirement, there))

    one, two = move(first), move(second)
    made = service.move_by_hand(region.lead, run.id, hand, one, seen=one.seen, reason="First").id
    with pytest.raises(Stale, match=f"run {made} goes on from it"):
        service.move_by_hand(region.lead, run.id, hand, two, seen=two.seen, reason="Second")
    assert len(session.scalars(select(Run).where(Run.kind == "hand")).all()) == 1
    # From the first lead's run the second may go on.
    saved_move(region, run_of(made), two.wanted, "Second")


def test_of_two_leads_who_move_at_the_same_moment_one_is_told_of_the_other(
    app: Flask, session: Session
) -> None:
    region, run = matched()
    run_id, where, hand = run.id, placings(run.id), hand_of(run)
    other = {d.id: next(e.id for e in region.departments if e.id != d.id) for d in region.departments}
    lead = region.lead
    session.rollback()

    def move(requirement: int) -> str:
        wanted = plan(hand, Wanted("move", requirement, other[where[requirement] or 0]))
        try:
            made = service.move_by_hand(lead, run_id, hand, wanted, seen=wanted.seen, reason="At once")
        except Stale:
            return "stale"
        return f"run {made.id}"

    first, second = sorted(where)
    said = at_once(app, lambda: move(first), lambda: move(second))
    assert sorted(word.split()[0] for word in said) == ["run", "stale"]
    assert len(session.scalars(select(Run).where(Run.kind == "hand")).all()) == 1
    assert len(session.scalars(select(Lock)).all()) == 1


def test_undo_goes_back_lifts_the_lock_and_both_stay_in_the_record(session: Session) -> None:
    region, run = matched()
    requirement, _, there = elsewhere(region, run)
    made = saved_move(region, run, Wanted("move", requirement, there))
    parent = service.undo_move(region.lead, made.id)
    assert parent.id == run.id
    (lock,) = session.scalars(select(Lock)).all()
    assert lock.lifted_utc is not None
    said = queries.hand_move(run_of(made.id))
    assert said is not None
    assert said.is_undone
    assert "undone" in marks_of_round(session, region.lead, region.round.id)[made.id][0]
    assert queries.goes_on_in(session, run) is None
    actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions[-2:] == ["move_by_hand", "undo_move"]
    with pytest.raises(Refused, match="undone already"):
        service.undo_move(region.lead, made.id)
    # The way is free for another move from the same run.
    saved_move(region, run, Wanted("move", requirement, there))


def test_a_chain_is_undone_from_its_end(session: Session) -> None:
    region, run = matched(learners=2, places=(2, 2))
    first, second = sorted(placings(run.id))
    where = placings(run.id)
    other = {d.id: next(e.id for e in region.departments if e.id != d.id) for d in region.departments}
    one = saved_move(region, run, Wanted("move", first, other[where[first] or 0]))
    two = saved_move(region, one, Wanted("move", second, other[where[second] or 0]))
    assert [row.id for row in queries.chain_of(session, two)] == [two.id, one.id, run.id]
    assert {lock["requirement"] for lock in two.locks} == {f"r{first}", f"r{second}"}
    with pytest.raises(Refused, match=f"Run {two.id} goes on"):
        service.undo_move(region.lead, one.id)
    assert service.undo_move(region.lead, two.id).id == one.id
    assert service.undo_move(region.lead, one.id).id == run.id


def test_a_run_that_stands_is_not_undone_and_one_of_the_match_cannot_be(session: Session) -> None:
    region, run = matched()
    requirement, _, there = elsewhere(region, run)
    with pytest.raises(Refused, match="not made by hand"):
        service.undo_move(region.lead, run.id)
    made = saved_move(region, run, Wanted("move", requirement, there))
    adopt_run(region.lead, made.id)
    with pytest.raises(Refused, match="adopted"):
        service.undo_move(region.lead, made.id)


def test_a_lock_that_contradicts_the_move_stops_it_whole(session: Session) -> None:
    region, run = matched()
    requirement, _, there = elsewhere(region, run)
    save_lock(
        region.lead,
        round_id=region.round.id,
        scenario_id=None,
        requirement_id=requirement,
        kind="ban",
        department_id=there,
        reason="Was unhappy there",
    )
    hand = hand_of(run)
    found = plan(hand, Wanted("move", requirement, there))
    with pytest.raises(Refused, match="banned from"):
        service.move_by_hand(region.lead, run.id, hand, found, seen=found.seen, reason="Because")
    assert session.scalars(select(Run).where(Run.kind == "hand")).all() == []


@pytest.mark.parametrize(
    "role", [role for role in Role if role.has_account and role is not Role.ACADEMY_LEAD]
)
def test_nobody_else_moves_learners(session: Session, role: Role) -> None:
    region, run = matched(learners=1)
    requirement, _, there = elsewhere(region, run)
    hand = hand_of(run)
    found = plan(hand, Wanted("move", requirement, there))
    with pytest.raises(NotAllowed):
        service.move_by_hand(viewer_as(role), run.id, hand, found, seen=found.seen, reason="Because")
    with pytest.raises(NotAllowed):
        service.undo_move(viewer_as(role), run.id)


def test_the_lead_of_another_network_finds_no_such_run(session: Session) -> None:
    region, run = matched(learners=1)
    requirement, _, there = elsewhere(region, run)
    stranger = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Another network").id)
    hand = hand_of(run)
    found = plan(hand, Wanted("move", requirement, there))
    with pytest.raises(NotFound):
        service.move_by_hand(stranger, run.id, hand, found, seen=found.seen, reason="Because")


def test_a_requirement_is_told_its_other_places_and_a_left_over_one_what_keeps_it_out(
    session: Session,
) -> None:
    _, run = matched(learners=3, places=(1, 1))
    where = placings(run.id)
    hand = hand_of(run)
    (left,) = [key for key, department in where.items() if department is None]
    looked = look(hand, f"r{left}")
    assert looked.certificate is not None
    assert looked.certificate.kind == "limits"
    assert set(looked.certificate.competing) == {f"r{key}" for key in where}
    assert all(place.lose for place in looked.places)
    placed = next(key for key, department in where.items() if department is not None)
    looked = look(hand, f"r{placed}")
    assert looked.certificate is None
    assert looked.open_to == 2
    assert looked.places


def test_one_more_place_where_learners_are_left_over_is_worth_one_more_placed(session: Session) -> None:
    region, run = matched(learners=3, places=(1, 1))
    values = worth(hand_of(run), f"d{region.departments[0].id}")
    (place,) = [value for value in values if value.limit.what == "place"]
    gains = dict(place.gain)
    assert sum(gain for name, gain in gains.items() if name.startswith("unplaced")) == 1
    assert place.proven


def test_two_threads_that_ask_at_once_make_one_run_ready(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, run = matched()
    began, go_on = threading.Semaphore(0), threading.Event()
    made = []

    def slowly(problem: matching.Problem, policy: matching.Policy, result: str) -> Hand:
        made.append(threading.get_ident())
        began.release()
        assert go_on.wait(60)
        return make_ready(problem, policy, result)

    monkeypatch.setattr(desks, "make_ready", slowly)
    desk = Desk()
    first = desk.hand(session, run)
    assert began.acquire(timeout=60)
    asked: list[Hand] = []
    others = [threading.Thread(target=lambda: asked.append(first.result(60))) for _ in range(2)]
    second = desk.hand(session, run)
    answer = desk.ask(session, run, "placed", lambda ready: len(ready.result.assignment))
    again = desk.ask(session, run, "placed", lambda ready: -1)
    for other in others:
        other.start()
    assert desks.waited_for(first, 0) is None
    go_on.set()
    for other in others:
        other.join(60)
    assert second is first
    assert again is answer
    assert answer.result(60) == 2
    assert len(made) == 1
    assert asked[0] is asked[1] is first.result(60)


def test_the_least_lately_asked_run_is_given_up_and_what_failed_is_tried_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    region, run = matched()
    requirement, _, there = elsewhere(region, run)
    made = saved_move(region, run, Wanted("move", requirement, there))
    desk = Desk(most_runs=1)
    first = desk.hand(session, run)
    assert desk.hand(session, made).result(60).problem.locks
    assert desk.hand(session, run) is not first

    def broken(ready: Hand) -> int:
        raise matching.OutOfTime

    with pytest.raises(matching.OutOfTime):
        desk.ask(session, run, "question", broken).result(60)
    assert desk.ask(session, run, "question", lambda ready: 7).result(60) == 7
