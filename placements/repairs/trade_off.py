"""Moves against minutes: the same data as a repair's, matched anew with a move worth more or less. Each point
is one solve; the repair itself, with the fewest moves, is the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matching
from placements.scenarios.frozen import as_json, policy_of_run, problem_of_run
from placements.scenarios.models import Run

FEWEST = "fewest"
# How many points (about minutes of travel) a move has to save, the most first; the last is free to move.
WORTH = (240, 120, 60, 30, 15, 5, 0)
STEPS = (FEWEST, *(str(worth) for worth in WORTH))
# How long each solve may take; one that is not done by then says how far off it may be.
SECONDS = 60.0
MOST_WEIGHT = 1000


@dataclass(frozen=True)
class Point:
    """One answer. `moves` are published places that are not kept, `minutes` all journeys one way together,
    `lost` published learners without a place. What is not proven: `off` is how far, in percent, the price of
    moves and journeys may lie above the least possible, `more` how many more could be placed at most.
    `begun_moved`: somebody who has begun would have to move."""

    step: str
    moves: int
    minutes: int
    placed: int
    lost: int
    off: float
    begun_moved: bool = False
    more: int = 0

    @property
    def is_proven(self) -> bool:
        return self.off == 0 and self.more == 0


def policy_at(policy: matching.Policy, worth: int) -> matching.Policy:
    """The policy with a move priced so that it has to save `worth` points, in the tier of travel."""
    tiers: list[dict[str, int]] = []
    for tier in policy.tiers:
        kept = {name: weight for name, weight in tier.items() if name != "changes"}
        if "travel" in kept and worth:
            kept["changes"] = min(MOST_WEIGHT, worth * kept["travel"])
        if kept:
            tiers.append(kept)
    if not any("travel" in tier for tier in tiers):
        tiers.insert(0, {"travel": 1} | ({"changes": worth} if worth else {}))
    return policy.replace(tiers=tuple(tiers))


def begun(problem: matching.Problem, settings: Mapping[str, Any]) -> list[matching.Placing]:
    """The published placings that have begun and may not move."""
    may = set(settings.get("may_move", ()))
    found = []
    for placing in problem.published:
        requirement = problem.requirements[problem.requirement_index[placing.requirement]]
        rotation, weeks = problem.rotation_of(requirement), requirement.weeks
        if rotation is not None and placing.block in rotation.blocks:
            weeks = rotation.weeks[rotation.blocks.index(placing.block)]
        if min(weeks, default=len(problem.weeks)) < settings["now_week"] and placing.requirement not in may:
            found.append(placing)
    return found


def pins(
    problem: matching.Problem, settings: Mapping[str, Any], result: matching.Result
) -> list[matching.Lock]:
    """Whoever has begun and stays in the repair is pinned there, beside the locks of the problem."""
    pinned = {lock.requirement for lock in problem.locks if lock.kind == "pin"}
    return [
        matching.Lock(
            placing.requirement, problem.offers[problem.offer_index[placing.offer]].department, "pin"
        )
        for placing in begun(problem, settings)
        if result.assignment.get(placing.requirement) == placing.offer and placing.requirement not in pinned
    ]


def point_of(
    step: str,
    problem: matching.Problem,
    settings: Mapping[str, Any],
    result: matching.Result,
    unproven: tuple[float, int],
) -> Point:
    """An answer counted."""
    sites = {row.key: problem.site_index[row.site] for row in problem.departments}
    minutes = sum(
        int(problem.travel_minutes[problem.learner_index[r.learner], sites[offer.department]])
        for r in problem.requirements
        if r.key in result.assignment
        for offer in (problem.offers[problem.offer_index[result.assignment[r.key]]],)
    )
    moved = [p for p in problem.published if not _is_kept(result, p)]
    held = {p.requirement for p in begun(problem, settings)}
    return Point(
        step,
        len(moved),
        minutes,
        len(result.assignment),
        sum(p.requirement not in result.assignment for p in moved),
        unproven[0],
        any(p.requirement in held for p in moved),
        unproven[1],
    )


def asked_again(run: Run, worth: int) -> tuple[str, list[dict[str, str]]]:
    """Policy and locks of the run that gives the point of a repair again."""
    problem = problem_of_run(run)
    held = pins(problem, run.settings, matching.Result.from_json(run.result or ""))
    return policy_at(policy_of_run(run), worth).to_json(), [*run.locks, *as_json(held)]


def _is_kept(result: matching.Result, placing: matching.Placing) -> bool:
    at = result.assignment.get(placing.requirement)
    return at == placing.offer and result.blocks.get(placing.requirement) == placing.block


def unproven(result: matching.Result) -> tuple[float, int]:
    """How far above the least possible, in percent, the priced aims of an answer may lie, and how many more
    could be placed at most."""
    placing = [tier for tier in result.tiers if tier.name.startswith("unplaced_")]
    priced = [tier.gap for tier in result.tiers if tier not in placing]
    return (
        round(max((100 * gap for gap in priced), default=0.0), 1),
        sum(tier.value - tier.bound for tier in placing),
    )


def worth_showing(points: Sequence[Point]) -> list[Point]:
    """Those that no other beats in moves, minutes and places at once, from the fewest moves on. The repair
    is always one; an answer that moves somebody who has begun is none, unless the repair does."""
    fewest = next((point for point in points if point.step == FEWEST), None)
    fit = [p for p in points if not p.begun_moved or (fewest is not None and fewest.begun_moved)]
    shown: list[Point] = []
    for point in sorted(fit, key=lambda p: (p.step != FEWEST, p.moves, p.minutes, -p.placed)):
        beaten = any(
            other.moves <= point.moves and other.minutes <= point.minutes and other.placed >= point.placed
            for other in shown
        )
        if point.step == FEWEST or not beaten:
            shown.append(point)
    return sorted(shown, key=lambda p: (p.moves, -p.minutes))
