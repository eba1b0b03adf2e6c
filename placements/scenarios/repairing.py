"""A repair run: from where the published learners are, the fewest moves that mend what has happened since.

The snapshot holds the world as it has become. Who has lost a place is what its rules now refuse of the
places published; who is new since, or stood where nothing is offered any more, is named in need of one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import matching

# How long a repair may take; one that is not done by then says what it has proven.
SECONDS = 120.0


@dataclass(frozen=True)
class Wishes:
    """What a lead asks of a repair: who may move although they have begun, locks that are left out, and who
    of the late wait for what is free; requirements and locks by id."""

    may_move: Collection[int] = ()
    without_locks: Collection[int] = ()
    may_wait: Collection[int] = ()


def settings_of(
    problem: matching.Problem, waiting: Collection[int], wishes: Wishes, day: date
) -> dict[str, Any]:
    """What a repair asked for on a day goes by, as a run keeps it; `waiting` are the requirements that the
    newest publication names without a place."""
    known = {f"r{key}" for key in (*waiting, *wishes.may_wait)}
    known |= {placing.requirement for placing in problem.published}
    return {
        "now_week": begun_weeks(problem.weeks, day),
        "may_move": sorted(f"r{key}" for key in wishes.may_move if f"r{key}" in problem.requirement_index),
        "in_need": [r.key for r in problem.requirements if r.key not in known],
        "without_locks": sorted(wishes.without_locks),
    }


def begun_weeks(weeks: Sequence[str], day: date) -> int:
    """How many of the weeks (Mondays) have begun by a day."""
    return sum(date.fromisoformat(week) <= day for week in weeks)


def repaired(
    problem: matching.Problem,
    policy: matching.Policy,
    settings: Mapping[str, Any],
    *,
    progress: Any,
    stop: Any,
) -> tuple[matching.Result, dict[str, Any]]:
    """The repair as a result for the check to pass, and what a run's summary says of it instead: its own
    aims in order with their proof, and who moves."""
    found = matching.repair(
        problem,
        policy,
        None,
        [],
        now_week=settings["now_week"],
        may_move=settings["may_move"],
        in_need=settings["in_need"],
        seconds=SECONDS,
        progress=progress,
        stop=stop,
    )
    result = matching.with_moves(
        problem, policy, matching.Result("gap", dict(found.assignment), blocks=dict(found.blocks)), ()
    )
    status = result.status
    if status != "infeasible_locks":
        status = found.status
        if status == "cancelled" and result.status == "gap":
            result = dataclasses.replace(result, status="cancelled")
    result = dataclasses.replace(result, seconds=found.seconds)
    return result, {
        "status": status,
        "tiers": [dataclasses.asdict(tier) for tier in found.tiers],
        "repair": {"proven": found.proven, "moves": [_move(problem, move) for move in found.moves]},
    }


def _move(problem: matching.Problem, move: matching.Moved) -> dict[str, Any]:
    """A move with the database's ids."""
    return {
        "requirement": int(move.requirement[1:]),
        "kind": move.kind,
        "before": _department(problem, move.before),
        "after": _department(problem, move.after),
    }


def _department(problem: matching.Problem, placing: matching.Placing | None) -> int | None:
    if placing is None:
        return None
    return int(problem.offers[problem.offer_index[placing.offer]].department[1:])
