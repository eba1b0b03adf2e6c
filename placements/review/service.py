"""What can be done by hand: move, swap, pin or ban, with a reason; and undo it."""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm.attributes import flag_modified

import matching
from placements.access import Action, Viewer
from placements.clock import now_utc
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.review.desk import Hand
from placements.review.moves import Plan, offer_department
from placements.review.queries import goes_on_in, hand_move
from placements.scenarios import queries as scenarios
from placements.scenarios.frozen import as_json
from placements.scenarios.locks import add_lock, end_lock
from placements.scenarios.marks import marks_of_round
from placements.scenarios.models import Lock, Run
from placements.scenarios.outcome import record, row_id
from placements.transaction import Transaction, transaction

MOST_LETTERS = 1_000
# The name under which this part says what it knows beside a run.
MARKS = "review"


def move_by_hand(viewer: Viewer, run_id: int, hand: Hand, plan: Plan, *, seen: str, reason: str) -> Run:
    """Make what was shown so: a new run after `run_id` with the moves made, checked like any other, and a
    pin or ban with its reason that later runs of the scenario keep to.

    Raises Stale where something else was shown, or where somebody has moved learners from this run already;
    Refused where a rule is broken or the reason is missing.
    """
    if seen != plan.seen:
        raise Stale(
            "What this would do is not what you were shown any more. Look at it again before you save."
        )
    if not plan.is_possible or not plan.locks:
        raise Refused("This breaks a rule, so nothing was moved.")
    if not reason.strip():
        words = "Give a reason: it stays in the record and is shown beside the move."
        raise Refused(words, {"reason": words})
    if len(reason.strip()) > MOST_LETTERS:
        words = f"Shorten the reason to {MOST_LETTERS:,} letters or fewer."
        raise Refused(words, {"reason": words})
    # No transaction is open while the answer is counted and checked.
    db.session.rollback()
    problem, result = _moved(hand, plan)
    with transaction(viewer, Action.MOVE_BY_HAND) as tx:
        parent = scenarios.run_by_id(tx.session, viewer, run_id)
        _hold(tx, parent)
        child = goes_on_in(tx.session, parent)
        if child is not None:
            raise Stale(
                f"Somebody has moved learners from this run already: run {child.id} goes on from it. Nothing"
                " of yours was saved. Look at that run, then move from there."
            )
        made = [_lock(tx, parent, lock, reason) for lock in plan.locks]
        now = now_utc()
        run = Run(
            scenario_id=parent.scenario_id,
            round_id=parent.round_id,
            kind="hand",
            parent_id=parent.id,
            state="finished",
            requested_utc=now,
            requested_by_id=viewer.person_id,
            started_utc=now,
            finished_utc=now,
            snapshot=parent.snapshot,
            policy=parent.policy,
            locks=as_json(problem.locks),
            settings={"hand": _said(viewer, hand, plan, reason, made)},
        )
        tx.session.add(run)
        tx.session.flush()
        record(tx.session, run, problem, hand.policy, result)
        run.summary = run.summary | {"by_hand": True}
        tx.note(run, **_facts(run, made[0], plan))
    return run


def undo_move(viewer: Viewer, run_id: int, *, reason: str = "") -> Run:
    """Go back to the run before: its locks by hand are lifted, and the record keeps both. Returns that run.

    Raises Refused where it is no run by hand, is undone already, or where something stands on it.
    """
    with transaction(viewer, Action.UNDO_MOVE) as tx:
        run = scenarios.run_by_id(tx.session, viewer, run_id)
        said = hand_move(run)
        if said is None or run.parent_id is None:
            raise Refused("Only moves by hand can be undone, and this run was not made by hand.")
        parent = scenarios.run_by_id(tx.session, viewer, run.parent_id)
        _hold(tx, parent)
        tx.session.refresh(run)
        if run.settings.get("undone"):
            raise Refused("This move has been undone already.")
        child = goes_on_in(tx.session, run)
        if child is not None:
            raise Refused(f"Run {child.id} goes on from this one. Undo that one first.")
        marked = marks_of_round(tx.session, viewer, run.round_id, without=MARKS).get(run.id, [])
        if marked:
            raise Refused(
                f"This run cannot be undone: {'; '.join(marked).lower()}. Adopt another run first, or move"
                " the learner back by hand."
            )
        for lock in tx.session.scalars(select(Lock).where(Lock.id.in_(run.settings["hand"]["locks"]))):
            if lock.lifted_utc is None:
                end_lock(tx, lock)
        run.settings = run.settings | {
            "undone": {"at_utc": now_utc().isoformat(), "by": viewer.name, "reason": reason.strip()}
        }
        flag_modified(run, "settings")
        tx.note(run, back_to_run=parent.id, reason=reason.strip() or None)
    return parent


def _moved(hand: Hand, plan: Plan) -> tuple[matching.Problem, matching.Result]:
    """The problem with the new locks and the answer after the moves, checked."""
    known = set(hand.problem.locks)
    new = tuple(lock for lock in plan.locks if lock not in known)
    problem = dataclasses.replace(hand.problem, locks=(*hand.problem.locks, *new))
    try:
        result = matching.with_moves(problem, hand.policy, hand.result, plan.moves)
    except (matching.ResultError, AssertionError):
        raise Refused("The rules do not allow this together, so nothing was moved.") from None
    wrong = matching.verify(problem, hand.policy, result)
    if wrong:
        rule = wrong[0].rule.replace("_", " ")
        raise Refused(f"The check of the whole answer refused this (rule: {rule}), so nothing was moved.")
    return problem, result


def _hold(tx: Transaction, parent: Run) -> None:
    """Whoever else moves from the same run at this moment waits here, or is told."""
    if parent.state != "finished":
        raise Refused(f"This run is {parent.state}. Only in a finished run can learners be moved.")
    # A write, and not only a row locked: SQLite lets nobody else write from here on.
    tx.session.execute(update(Run).where(Run.id == parent.id).values(parent_id=Run.parent_id))


def _lock(tx: Transaction, parent: Run, lock: matching.Lock, reason: str) -> Lock:
    return add_lock(
        tx,
        round_id=parent.round_id,
        scenario_id=parent.scenario_id,
        requirement_id=row_id(lock.requirement),
        kind="pin" if lock.kind == "pin" else "ban",
        department_id=row_id(lock.site_or_department),
        reason=reason,
    )


def _said(viewer: Viewer, hand: Hand, plan: Plan, reason: str, made: list[Lock]) -> dict[str, Any]:
    def at(offer: str | None) -> int | None:
        return None if offer is None else row_id(offer_department(hand.problem, offer))

    return {
        "kind": plan.wanted.kind,
        "requirement": plan.wanted.requirement_id,
        "department": plan.wanted.department_id or made[0].department_id,
        "other": plan.wanted.other_id,
        "reason": reason.strip(),
        "by": viewer.name,
        "locks": [lock.id for lock in made],
        "moves": [[row_id(move.requirement), at(move.before), at(move.after)] for move in plan.moves],
    }


def _facts(run: Run, lock: Lock, plan: Plan) -> dict[str, Any]:
    return {
        "from_run": run.parent_id,
        "kind": plan.wanted.kind,
        "learner": lock.requirement.learner.reference,
        "place": lock.department.name if lock.department else None,
        "moved": len(plan.moves),
        "reason": run.settings["hand"]["reason"],
    }
