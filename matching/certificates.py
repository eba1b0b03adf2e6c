"""Why a requirement is left over, as a certificate: the fewest things that, together, leave it no place.

Either a rule refuses it every site; or there are limits and requirements, it among them and the others no
less important, that cannot all be placed within those limits, wherever everybody else goes. That set is
irreducible: with any one limit or any one requirement taken away the others could be placed. It is found by
growing it from those in the way until nothing fits, then taking away whatever is not needed (the deletion
filter for irreducible infeasible sets: Chinneck, Feasibility and Infeasibility in Optimization, 2008), each
step a small integer program. For a pure flow it is a Hall set, as the minimum cut gives, and the least of
those inside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np

from matching.columns import RowName
from matching.cut import Cut, cut
from matching.explain import refused_sites
from matching.policy import Policy
from matching.problem import Problem
from matching.program import Floats
from matching.resolve import OutOfTime, soon
from matching.result import Result
from matching.standing import NOWHERE, Standing
from matching.stop import Never, Stop
from matching.tables import Bools, Ints
from matching.validation import ProblemError

Item = TypeVar("Item")
# Requirements up to which a set is grown.
MOST = 300
# Rows that are no limit.
NEVER = ("requirement", "hei_fairness")
WEEKLY = ("places", "supervision", "accommodation", "one_place_a_week")


@dataclass(frozen=True)
class FullLimit:
    """A limit that keeps a requirement out: `rule` at an item (`level` and `key`), in each of `weeks` (ISO
    Mondays; none where it holds for the whole round), and the requirements that fill it in the answer in
    hand. For site_repeats `at` is the site, for rotation the block. The supervision of a department is its
    own WTE and that of each of its educators, counted whole, for the learners that each may supervise; that
    of an educator is over all departments. Where `at` is "learners" it is not WTE but learners at once."""

    rule: str
    level: str
    key: str
    weeks: tuple[str, ...] = ()
    at: str | None = None
    held_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """Why a requirement is left over.

    kind "rules": `rules` refuse it every site. kind "limits": the `competing` requirements, this one among
    them, cannot all be placed within `limits`, with `rules` refusing the other sites. kind "order": there is
    room for it, but an aim that comes first (an agreement's least) or an answer short of the best leaves it
    out. `proven` says that the set was shown to have no placing, and to be irreducible; where time ran out,
    or the set grew too large, `limits` are those full in the answer in hand.
    """

    requirement: str
    kind: str
    rules: dict[str, str] = field(default_factory=dict)
    competing: tuple[str, ...] = ()
    limits: tuple[FullLimit, ...] = ()
    proven: bool = True


def certificate(
    problem: Problem,
    policy: Policy,
    result: Result,
    requirement: str,
    *,
    seconds: float = 10.0,
    stop: Stop | None = None,
    standing: Standing | None = None,
) -> Certificate:
    """The certificate of a requirement that a result leaves over, within `seconds`.

    `standing`, made once by `Standing(problem, policy, result)`, saves preparing a large problem again.
    Raises `ProblemError` for a requirement that is unknown or placed.
    """
    hand = standing or Standing(problem, policy, result)
    r = hand.problem.requirement_index.get(requirement)
    if r is None or hand.held[r] != NOWHERE:
        raise ProblemError("certificate", "requirement", requirement, "the key of a requirement left over")
    (rules,) = refused_sites(hand.tables, hand.policy, np.array([r], np.int64))
    if hand.start[r] == hand.start[r + 1]:
        return Certificate(requirement, "rules", rules)
    return _Filter(hand, r, rules, stop or Never(), soon(seconds)).run()


class _Filter:
    """Grows a set that cannot be placed, then takes away what is not needed; see `certificate`."""

    def __init__(self, standing: Standing, r: int, rules: dict[str, str], stop: Stop, ends: float) -> None:
        self.standing, self.r, self.rules, self.stop, self.ends = standing, r, rules, stop, ends
        self.key = standing.problem.requirements[r].key

    def run(self) -> Certificate:
        grown = None
        try:
            grown = self._grown()
            if grown is None:
                return self._as_it_stands("order")
            others = fewest([q for q in grown.tolist() if q != self.r], self._cannot_place)
            members = np.array(sorted([*others, self.r]), np.int64)
            limits = self._fewest_limits(members)
        except OutOfTime:
            return self._as_it_stands("limits")
        keys = tuple(self.standing.problem.requirements[q].key for q in members.tolist())
        if not limits:
            return Certificate(self.key, "rules", self.rules, keys)
        return Certificate(self.key, "limits", self.rules, keys, tuple(self._told(x) for x in limits))

    # -- growing ------------------------------------------------------------

    def _grown(self) -> Ints | None:
        """Requirements that cannot all be placed; None where there is room for all of the same importance."""
        members = self._first()
        rank = self._rank()
        while len(members) <= MOST:
            placed = self._placed(members)
            if placed is None:
                return members
            more = self._displaced(members, placed)
            more = more[rank[more] <= rank[self.r]]
            if not len(more):
                return None
            members = np.union1d(members, more)
        raise OutOfTime

    def _first(self) -> Ints:
        """Those who compete by the reason of the result where it counts them, else the requirement alone."""
        reason = self.standing.result.unplaced.get(self.key)
        index = self.standing.problem.requirement_index
        if reason is None or reason.kind != "shortage" or not reason.proven:
            return np.array([self.r], np.int64)
        return np.unique(np.array([self.r, *(index[key] for key in reason.competing)], np.int64))

    def _rank(self) -> Ints:
        """[requirements] importance, least first: pinned, then by priority."""
        priority = np.array([r.priority for r in self.standing.problem.requirements], np.int64)
        priority[self.standing.pinned > 0] = 0
        return priority

    def _placed(self, members: Ints) -> Ints | None:
        """Choices that place all of some requirements with nobody else there, few of them in the way of
        others; None where there are none."""
        program = self._alone(members)
        crowded = np.diff(self.standing.short.indptr)[program.choice].astype(np.float64)
        cost = np.zeros(len(program.upper))
        cost[: program.n] = crowded
        found = self._search(program, cost)
        return None if found is None else program.choice[found[: program.n] > 0.5]

    def _displaced(self, members: Ints, placed: Ints) -> Ints:
        """Those who hold what the rows would then lack."""
        standing = self.standing
        x = standing.taken.astype(np.float64)
        x[standing.held[members[standing.held[members] >= 0]]] = 0.0
        before = standing.rows[:, : len(x)] @ x
        x[placed] = 1.0
        used = standing.rows[:, : len(x)] @ x
        over = np.flatnonzero((used > standing.used + standing.room + 1e-9) & (used > before))
        holders = [standing.choices.requirement[standing.holders(i)] for i in over.tolist()]
        found = np.unique(np.concatenate([np.zeros(0, np.int64), *holders]))
        found = np.setdiff1d(found, members)
        if not len(found):  # what is short is not to be seen row by row: educators' time, different sites
            found = np.setdiff1d(self._related(members, placed), members)
        return found

    def _related(self, members: Ints, placed: Ints) -> Ints:
        """Those placed who share a learner, companions, or a department's educators with some choices."""
        standing, chosen = self.standing, self.standing.choices
        near = np.isin(chosen.learner, chosen.learner[placed])
        near |= np.isin(
            standing.load_group[chosen.department], standing.load_group[chosen.department[placed]]
        )
        program = cut(standing, members, must=members)
        rows = program.row[program.row >= 0]
        near[np.unique(standing.rows[rows][:, : len(chosen)].indices)] = True
        return np.unique(chosen.requirement[near & standing.taken])

    # -- taking away ------------------------------------------------------------

    @cached_property
    def _rows_of(self) -> dict[RowName, list[int]]:
        """The rows of each limit: those of companions or of a learner's different sites make one together."""
        out: dict[RowName, list[int]] = {}
        for i, name in enumerate(self.standing.names):
            if name.rule in ("companions", "different_sites"):
                name = RowName(name.rule, name.level, name.position)
            out.setdefault(name, []).append(i)
        return out

    @cached_property
    def _limit_of(self) -> dict[int, RowName]:
        return {i: name for name, rows in self._rows_of.items() for i in rows}

    def _alone(self, members: Ints, without: Sequence[RowName] = ()) -> Cut:
        gone = np.zeros(len(self.standing.names), np.bool_)
        for name in without:
            gone[self._rows_of[name]] = True
        return cut(self.standing, members, must=members, alone=True, without=gone | self._uncounted)

    @cached_property
    def _uncounted(self) -> Bools:
        """[rows] those that are no limit but compare."""
        return np.array([name.rule == "hei_fairness" for name in self.standing.names], np.bool_)

    def _search(self, program: Cut, cost: Floats) -> Floats | None:
        left = self.ends - soon(0.0)
        if left <= 0 or self.stop():
            raise OutOfTime
        found = program.solve(cost, None, self.stop, left)
        if found.x is not None:
            return found.x
        if found.bound < math.inf:
            raise OutOfTime
        return None

    def _cannot_place(self, others: Sequence[int]) -> bool:
        program = self._alone(np.array(sorted([*others, self.r]), np.int64))
        return self._search(program, np.zeros(len(program.upper))) is None

    def _fewest_limits(self, members: Ints) -> list[RowName]:
        standing = self.standing
        mine = np.concatenate([np.arange(standing.start[q], standing.start[q + 1]) for q in members.tolist()])
        touched = np.unique(standing.columns[:, mine].indices)
        further = standing.rows[touched].indices
        tied = np.unique(standing.columns[:, further[further >= len(standing.choices)]].indices)
        limits = list(dict.fromkeys(self._limit_of[i] for i in np.union1d(touched, tied).tolist()))
        limits = [name for name in limits if name.rule not in NEVER]

        def too_little(kept: Sequence[RowName]) -> bool:
            program = self._alone(members, [name for name in limits if name not in set(kept)])
            return self._search(program, np.zeros(len(program.upper))) is None

        return fewest(limits, too_little)

    # -- in words ------------------------------------------------------------

    def _told(self, name: RowName) -> FullLimit:
        standing, problem = self.standing, self.standing.problem
        rows = self._rows_of[name]
        held = {int(standing.choices.requirement[k]) for i in rows for k in standing.holders(i).tolist()}
        return FullLimit(
            name.rule,
            name.level,
            key_of(problem, name),
            tuple(problem.weeks[w] for w in name.weeks) if name.rule in WEEKLY else (),
            at_of(problem, name),
            tuple(problem.requirements[q].key for q in sorted(held)),
        )

    def _as_it_stands(self, kind: str) -> Certificate:
        """What keeps the requirement out in the answer in hand, without a proof."""
        standing = self.standing
        short = standing.short[:, standing.start[self.r] : standing.start[self.r + 1]]
        names = list(dict.fromkeys(self._limit_of[i] for i in np.unique(short.indices).tolist()))
        limits = tuple(self._told(name) for name in names if name.rule not in NEVER)
        held = {key for limit in limits for key in limit.held_by}
        return Certificate(self.key, kind, self.rules, tuple(sorted({self.key, *held})), limits, False)


def fewest(items: Sequence[Item], fails: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """A part of `items` that still fails and of which no item can be left out; `fails` holds for all of them
    and for whatever contains a part that fails. O(k log(n / k)) questions for k of n items kept (Junker,
    QuickXplain, 2004)."""

    def among(given: list[Item], added: bool, rest: list[Item]) -> list[Item]:
        if added and fails(given):
            return []
        if len(rest) == 1:
            return rest
        half = len(rest) // 2
        left, right = rest[:half], rest[half:]
        second = among([*given, *left], True, right)
        first = among([*given, *second], bool(second), left)
        return [*first, *second]

    if not items or fails([]):
        return []
    return among([], False, list(items))


def key_of(problem: Problem, name: RowName) -> str:
    """The key of what a row limits."""
    items: dict[str, Sequence[object]] = {
        "offer": problem.offers,
        "department": problem.departments,
        "site": problem.sites,
        "trust": problem.trusts,
        "learner": problem.learners,
        "educator": problem.educators,
        "rotation": problem.rotations,
        "companions": problem.companions,
        "agreement": problem.agreements,
        "requirement": problem.requirements,
    }
    return str(getattr(items[name.level][name.position], "key"))  # noqa: B009 - every part has one


def at_of(problem: Problem, name: RowName) -> str | None:
    """The site of a learner's repeats, the block of a rotation, the measure of supervision if not WTE."""
    if name.rule == "site_repeats":
        return problem.sites[name.weeks[0]].key
    if name.rule == "rotation":
        return problem.rotations[name.position].blocks[name.weeks[0]]
    return name.measure or None
