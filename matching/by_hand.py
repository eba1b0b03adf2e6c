"""Moves by hand: what they break and cost with everyone else in place, and the answer after them.

Whether a move fits is read off the rows of the model, with the learner's own placings counted again as the
checker does; what it changes is counted exactly (`Standing.effect`). Both take milliseconds on a regional
year, once its `Standing` is made. Nobody else moves: for that, `alternatives(..., at=department)`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from matching.certificates import FullLimit, at_of, key_of
from matching.columns import RowName
from matching.counted import counted, status_of, tier_of
from matching.explain import Shortage, blocked, reason, refused_sites
from matching.next_best import Move, TierChange, block_of, move, tier_changes
from matching.policy import Policy
from matching.problem import Problem
from matching.recount import Recount, Stay
from matching.recount_rules import broken_together
from matching.resolve import Resolved
from matching.result import Reason, Result, Tier
from matching.standing import NOWHERE, Standing
from matching.tables import Ints
from matching.validation import ProblemError

# Ways of making several moves that are tried, where departments make several offers or blocks are free.
WAYS = 24
# Rules that a choice's rows cannot show, or show only in part; they are counted again.
OF_LEARNERS = ("one_place_a_week", "rotation", "site_repeats", "different_sites", "companions")
NO_LIMIT = ("requirement", "hei_fairness")


@dataclass(frozen=True)
class Wish:
    """Where a requirement should go: a department (in a block, where it floats and one is wanted), or None
    for no place at all."""

    requirement: str
    department: str | None
    block: str | None = None


@dataclass(frozen=True)
class Effect:
    """What moves do with everyone else in place. `broken`: the limits and rules that they break, with those
    who fill each; `tiers` are every tier before and after, none where something is broken."""

    moves: tuple[Move, ...]
    broken: tuple[FullLimit, ...]
    tiers: tuple[TierChange, ...]


def effect(standing: Standing, wishes: Sequence[Wish]) -> Effect:
    """What the moves break, or change, with everyone else in place: the best way to make them, where a
    department makes several offers or a block is free.

    Raises `ProblemError` for a requirement or department that the problem does not have.
    """
    ways = [_choices(standing, wish) for wish in wishes]
    refused = [_refused(standing, wish) for wish, way in zip(wishes, ways, strict=True) if not way]
    if refused:
        moves = tuple(_no_way(standing, wish) for wish in wishes)
        return Effect(moves, tuple(limit for limits in refused for limit in limits), ())
    at = [_position(standing, wish) for wish in wishes]
    best: tuple[tuple[object, ...], Effect] | None = None
    for number, way in enumerate(product(*ways)):
        found = _effect(standing, dict(zip(at, way, strict=True)))
        rank = (len(found.broken), [tier.after for tier in found.tiers], number)
        if best is None or rank < best[0]:
            best = rank, found
        if number == WAYS:
            break
    assert best is not None  # noqa: S101 - every wish has a way
    return best[1]


def _position(standing: Standing, wish: Wish) -> int:
    r = standing.problem.requirement_index.get(wish.requirement)
    if r is None:
        raise ProblemError("effect", "requirement", wish.requirement, "the key of a requirement")
    return r


def _choices(standing: Standing, wish: Wish) -> list[int]:
    """The choices that are what is wished."""
    r, problem = _position(standing, wish), standing.problem
    if wish.department is None:
        return [NOWHERE]
    if wish.department not in problem.department_index:
        raise ProblemError("effect", "department", wish.department, "the key of a department")
    every = np.arange(standing.start[r], standing.start[r + 1])
    every = every[standing.choices.department[every] == problem.department_index[wish.department]]
    return [k for k in every.tolist() if wish.block is None or block_of(standing, k) == wish.block]


def _no_way(standing: Standing, wish: Wish) -> Move:
    return dataclasses.replace(move(standing, _position(standing, wish), NOWHERE), block_after=wish.block)


def _refused(standing: Standing, wish: Wish) -> list[FullLimit]:
    """The rules that refuse a requirement every place of a department, of the one that comes closest."""
    count = Recount(standing.problem, standing.policy, standing.result)
    requirement = count.requirements[wish.requirement]
    stays = [
        count.stay(requirement, offer, block)
        for offer in standing.problem.offers
        if offer.department == wish.department
        for block, _ in count.spans(requirement)
        if wish.block is None or block == wish.block
    ]
    rules = min((list(count.broken(stay)) for stay in stays), key=len, default=["offer_weeks"])
    site = count.departments[str(wish.department)].site
    barred = [rule for rule in count.barred(requirement, count.sites[site]) if rule not in rules]
    return [FullLimit(rule, "requirement", wish.requirement) for rule in rules or barred]


def _effect(standing: Standing, after: dict[int, int]) -> Effect:
    moved = {r: k for r, k in after.items() if standing.held[r] != k}
    moves = tuple(move(standing, r, k) for r, k in after.items())
    broken = _broken(standing, moved)
    if not broken:
        try:
            change = standing.effect(moved)
        except AssertionError:
            broken = tuple(_supervision(standing, moved))
        else:
            tiers = tier_changes(standing, Resolved(moved, change, change), whole=False)
            return Effect(moves, (), tiers)
    return Effect(moves, broken, ())


def _broken(standing: Standing, moved: dict[int, int]) -> tuple[FullLimit, ...]:
    found: dict[RowName, list[int]] = {}
    more = np.zeros(standing.rows.shape[0])
    for r, k in moved.items():
        for choice, sign in ((int(standing.held[r]), -1.0), (k, 1.0)):
            if choice != NOWHERE:
                begin, end = standing.columns.indptr[choice : choice + 2]
                more[standing.columns.indices[begin:end]] += sign * standing.columns.data[begin:end]
    for i in np.flatnonzero(more > np.maximum(standing.room, 0.0) + 1e-9).tolist():
        name = standing.names[i]
        if name.rule not in (*OF_LEARNERS, *NO_LIMIT):
            found.setdefault(RowName(name.rule, name.level, name.position, (), name.measure), []).append(i)
    going = {standing.problem.requirements[r].key for r in moved}
    limits = []
    for name, rows in found.items():
        weeks = sorted({w for i in rows for w in standing.names[i].weeks})
        held = {int(standing.choices.requirement[k]) for i in rows for k in standing.holders(i).tolist()}
        keys = [standing.problem.requirements[q].key for q in sorted(held)]
        limits.append(
            FullLimit(
                name.rule,
                name.level,
                key_of(standing.problem, name),
                tuple(standing.problem.weeks[w] for w in weeks) if name.rule != "agreements" else (),
                at_of(standing.problem, name),
                tuple(key for key in keys if key not in going),
            )
        )
    return (*limits, *_of_learners(standing, moved))


def _of_learners(standing: Standing, moved: dict[int, int]) -> list[FullLimit]:
    """The rules over a learner's placings, and over companions, that the moves break."""
    problem, chosen = standing.problem, standing.choices
    people = {problem.requirements[r].learner for r in moved}
    near = set(people)
    for item in problem.companions:
        if people & set(item.learners):
            near |= set(item.learners)
    count = Recount(problem, standing.policy, Result("gap"))

    def stays(held: dict[int, int]) -> list[Stay]:
        out = []
        for r, k in held.items():
            if k != NOWHERE:
                offer = problem.offers[int(chosen.offer[k])]
                out.append(count.stay(problem.requirements[r], offer, block_of(standing, k)))
        return out

    who = [problem.learner_index[key] for key in near]
    theirs = np.flatnonzero(np.isin(standing.tables.requirement_learner, who)).tolist()
    now = {r: int(standing.held[r]) for r in theirs}
    before = set(broken_together(count, stays(now)))
    weeks = standing.tables.week_set_weeks[chosen.week_set]
    going = [k for k in moved.values() if k != NOWHERE]
    others = tuple(
        problem.requirements[r].key
        for r in theirs
        if r not in moved and now[r] >= 0 and bool((weeks[going] & weeks[now[r]]).any())
    )
    out: dict[tuple[str, str], FullLimit] = {}
    for wrong in broken_together(count, stays(now | moved)):
        if wrong.rule in OF_LEARNERS and wrong not in before:
            level, _, key = wrong.item.rpartition(" ")
            at_once = others if wrong.rule in ("one_place_a_week", "companions") else ()
            limit = FullLimit(wrong.rule, level or "requirement", key, held_by=at_once)
            out.setdefault((wrong.rule, key), limit)
    return list(out.values())


def _supervision(standing: Standing, moved: dict[int, int]) -> list[FullLimit]:
    """The departments that the moves lead to, where educators' time cannot be shared out any more."""
    problem = standing.problem
    there = sorted({int(standing.choices.department[k]) for k in moved.values() if k != NOWHERE})
    return [FullLimit("supervision", "department", problem.departments[d].key) for d in there]


# -- the answer after moves ------------------------------------------------------------


def with_moves(
    problem: Problem,
    policy: Policy,
    result: Result,
    moves: Iterable[Move],
    *,
    known: Result | None = None,
) -> Result:
    """The answer in hand after some moves, everyone else in place, for `verify` to check.

    `problem` may have more locks than `result` was found for. `known` (else `result`) is an answer of a
    problem whose locks are all in this one: its bounds hold here as far as the tiers before are what they
    were, since locks only take answers away; other bounds are 0. Reasons stand where the moves do not touch
    them; others are given anew. Prices are not kept: they were of the answer before.

    Raises `ResultError` where a rule refuses a placing by itself, AssertionError where there is too little
    supervision.
    """
    assignment, blocks = dict(result.assignment), dict(result.blocks)
    moved = list(moves)
    for each in moved:
        assignment.pop(each.requirement, None)
        blocks.pop(each.requirement, None)
        if each.after is not None:
            assignment[each.requirement] = each.after
        if each.block_after is not None:
            blocks[each.requirement] = each.block_after
    new = Standing(problem, policy, dataclasses.replace(result, assignment=assignment, blocks=blocks))
    pairs = new.held_pair[new.held_pair >= 0]
    whole = counted(new.tables, policy, new.eligible, pairs, new.pinned, {})
    tiers = _bounded(whole.tiers, (known or result).tiers)
    left = [r.key for r in problem.requirements if r.key not in whole.assignment]
    conflicts = result.conflicts if status_of(tiers) == "infeasible_locks" else ()
    return dataclasses.replace(
        whole,
        status=status_of(tiers),
        tiers=tiers,
        unplaced=_reasons(new, result, moved, left),
        paths=result.paths,
        conflicts=tuple(c for c in conflicts if not set(c.pinned) & set(whole.assignment)),
    )


def _bounded(tiers: Sequence[Tier], known: Sequence[Tier]) -> tuple[Tier, ...]:
    """Tiers with the bounds of another answer, as far as they hold: up to the first tier whose value is not
    that answer's, or that is not in both, as those of a repair. A tier of pinned requirements that it did not
    have is all placed, or open to be."""
    at, same, out = {tier.name: tier for tier in known}, True, []
    here = {tier.name for tier in tiers}
    strange = next((i for i, tier in enumerate(known) if tier.name not in here), len(known))
    after_strange = {tier.name for tier in known[strange:]}
    for tier in tiers:
        same = same and tier.name not in after_strange
        other = at.get(tier.name)
        if other is None:
            other = Tier(tier.name, 0, 0, 0.0) if tier.name == "unplaced_pinned" else None
        bound = min(tier.value, other.bound) if same and other is not None else 0
        out.append(tier_of(tier.name, tier.value, tier.value - bound))
        same = same and other is not None and tier.value == other.value
        if tier.name == "unplaced_pinned" and other is not None:
            # Whom a pin counts here is another there: only where all are placed do the counts agree.
            same = same and other.value == other.bound
    return tuple(out)


def _reasons(new: Standing, result: Result, moved: Sequence[Move], left: Sequence[str]) -> dict[str, Reason]:
    problem = new.problem
    offers = problem.offer_index
    touched = {
        problem.offers[offers[offer]].department
        for each in moved
        for offer in (each.before, each.after)
        if offer is not None
    }
    locked = {lock.requirement for lock in problem.locks}
    again = []
    for key in left:
        old = result.unplaced.get(key)
        if old is None or key in locked or (not old.proven and touched & set(old.departments)):
            again.append(problem.requirement_index[key])
    found = _given(new, np.array(again, np.int64))
    return {key: found[key] if key in found else result.unplaced[key] for key in left}


def _given(new: Standing, requirements: Ints) -> dict[str, Reason]:
    """New reasons for some requirements, as facts of the answer after the moves."""
    if not len(requirements):
        return {}
    rules = refused_sites(new.tables, new.policy, requirements)
    open_to = requirements[new.eligible.start[requirements] < new.eligible.start[requirements + 1]]
    full: dict[int, Shortage] = {}
    if len(open_to):
        narrow = new.narrowed(open_to, None)
        full = blocked(new.tables, new.policy, narrow.model, narrow.taken, open_to)
    return {
        new.problem.requirements[r].key: reason(rules[i], full.get(r))
        for i, r in enumerate(requirements.tolist())
    }


__all__ = ["Effect", "Wish", "effect", "with_moves"]
