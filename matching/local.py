"""A re-solve round a standing allocation, with a bound that holds for the whole problem.

The program has a column for each pair in play (`inside`) and takes what everyone else uses off the limits.
Its linear relaxation prices the limits; at those prices every pair of the problem that is not in play is
looked at, and those that would pay join in, until none does (column generation; Desaulniers, Desrosiers and
Solomon, Column Generation, 2005). With prices y >= 0 no allocation of the whole problem costs less than

    sum over requirements of (their cheapest pair at cost + y) - y . (what the limits hold)

(weak duality), which `Bound.value` counts afresh from the prices alone. Where the integer program over the
pairs in play costs more than that, further pairs can only be in a better answer if they raise the bound by
less than what is missing; they join and it is solved again.

A limit that is full of placings outside the program may have a price without any loss, as long as none of
those placings gains by leaving: a move costs one, so one is what `fences` charges. It keeps the search near.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from scipy.sparse import csr_matrix, vstack

from matching.local_covers import Cover, covers
from matching.local_limits import Limits
from matching.local_rows import Cut, cut
from matching.program import Floats, Program, relax, search
from matching.stop import Stop
from matching.tables import NO_CAP, Bools, Ints

# Eligible pairs up to which all are in play from the start.
SMALL = 3_000
ROUNDS = 25
# Pairs that join in one round, and at most for one requirement.
JOIN = 1_500
EACH = 3
# Pairs that may be in play at once.
MOST = 30_000
# Pairs in play up to which an answer is looked for before the bound.
QUICK = 2_000
# Pairs in play up to which the tiers after the moves are solved to the proof.
SETTLED = 8_000
# Parts of a move's cost that fences may charge: a pair that cannot pay under one of them is out.
FENCES = (1.0, 0.75, 0.5, 0.25, 0.0)
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Aim:
    """What is minimised: constant + cost [pairs] of the pairs taken, in whole units."""

    cost: Ints
    constant: int

    def of(self, taken: Ints) -> int:
        """Its value for [requirements] pairs taken (-1: none)."""
        return self.constant + int(self.cost[taken[taken >= 0]].sum())


# The most that an answer may be worth to count as better than one of a value.
Better: TypeAlias = Callable[[int], float]


@dataclass(frozen=True, eq=False)
class Bound:
    """`value`: no allocation costs less. `more` [pairs]: by how much the bound rises when a pair that is not
    in play is taken (negative: it falls); infinite for pairs in play or not allowed."""

    value: float
    more: Floats


@dataclass(eq=False)
class Local:
    """The pairs in play round a standing allocation.

    `stands` [requirements] is where each stands (a pair, -1: nowhere); `free` those that may take another
    pair; `left` those that may be left unplaced. `taken` [requirements] is the best answer so far.
    """

    limits: Limits
    stands: Ints
    free: Bools
    left: Bools
    taken: Ints
    stop: Stop
    ends: float
    inside: Bools = field(init=False)
    part: Bools = field(init=False)
    held: list[tuple[Aim, int]] = field(default_factory=list)
    covers: list[Cover] = field(default_factory=list)
    known: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.inside = np.zeros(len(self.limits.eligible.requirement), np.bool_)
        self.part = np.zeros(len(self.stands), np.bool_)

    @property
    def small(self) -> bool:
        """Whether everything may as well be in play."""
        return len(self.inside) <= SMALL

    @property
    def seconds(self) -> float:
        """Seconds left."""
        return max(0.0, self.ends - time.monotonic())

    @cached_property
    def load(self) -> Ints:
        """[limits] what all standing placings use."""
        return self.limits.load(self.stands[self.stands >= 0])

    # -- who is in play ------------------------------------------------------------

    @cached_property
    def bonds(self) -> dict[int, Ints]:
        """Requirements that come into play together: their rules are rows of their own, without a price for
        those outside."""
        tables = self.limits.tables
        problem, out = tables.problem, dict[int, list[int]]()
        of: list[list[int]] = [[] for _ in problem.learners]
        for r, who in enumerate(tables.requirement_learner.tolist()):
            of[who].append(r)
        for who in np.flatnonzero(self.limits.allowed_repeats < NO_CAP).tolist():
            for r in of[who]:
                out.setdefault(r, []).extend(of[who])
        if self.limits.policy.companions:
            for item in problem.companions:
                together = [r for key in item.learners for r in of[problem.learner_index[key]]]
                for r in together:
                    out.setdefault(r, []).extend(together)
        return {r: np.unique(np.array(others, np.int64)) for r, others in out.items()}

    def join(self, pairs: Ints) -> None:
        """Brings pairs into play, with where their requirements stand, and with those bound to them."""
        of = self.limits.eligible.requirement
        self.inside[pairs] = True
        waiting = [r for r in np.unique(of[pairs]).tolist() if not self.part[r]]
        self.part[waiting] = True
        while waiting:
            r = waiting.pop()
            if self.stands[r] >= 0:
                self.inside[self.stands[r]] = True
            for other in self.bonds.get(r, np.zeros(0, np.int64)).tolist():
                if not self.part[other] and self.stands[other] >= 0 and self.free[other]:
                    self.part[other] = True
                    waiting.append(other)

    def join_all(self, requirements: Ints) -> None:
        """Brings every pair of some requirements into play."""
        self.join(np.flatnonzero(np.isin(self.limits.eligible.requirement, requirements)))

    # -- the program ------------------------------------------------------------

    def _program(self, aim: Aim) -> tuple[Program, Cut]:
        """The rows of `cut`, then the aims held and the covers, then one pair a requirement, then those who
        must be placed."""
        rows = cut(self.limits, self.inside, self.part, self.stands, self.load)
        columns = np.flatnonzero(self.inside)
        width = rows.matrix.shape[1]
        of = self.limits.eligible.requirement[columns]
        outside = self.stands[(self.stands >= 0) & ~self.part]
        blocks: list[csr_matrix] = [rows.matrix]
        most = [rows.most]
        for held, value in self.held:
            row = np.zeros(width)
            row[: len(columns)] = held.cost[columns]
            blocks.append(csr_matrix(row[None, :]))
            most.append(np.array([value - held.constant - int(held.cost[outside].sum())], np.float64))
        if self.covers:
            rows_of, most_of = self._cover_rows(columns, outside, width)
            blocks.append(rows_of)
            most.append(most_of)
        who, position = np.unique(of, return_inverse=True)
        ones = np.ones(len(columns))
        one_each = csr_matrix((ones, (position, np.arange(len(columns)))), shape=(len(who), width))
        must = np.flatnonzero(~self.left[who])
        blocks += [one_each, -one_each[must]]
        most += [np.ones(len(who)), -np.ones(len(must))]
        costs = np.zeros(width)
        costs[: len(columns)] = aim.cost[columns]
        whole = np.zeros(width, np.bool_)
        whole[: len(columns)] = True
        upper = np.concatenate([ones, rows.upper])
        return Program(costs, vstack(blocks).tocsr(), np.concatenate(most), upper, whole), rows

    def _cover_rows(self, columns: Ints, outside: Ints, width: int) -> tuple[csr_matrix, Floats]:
        place = np.full(len(self.inside), -1, np.int64)
        place[columns] = np.arange(len(columns))
        taken = np.zeros(len(self.inside), np.int64)
        taken[outside] = 1
        parts = [place[cover.pairs] for cover in self.covers]
        parts = [part[part >= 0] for part in parts]
        start = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
        column = np.concatenate(parts)
        matrix = csr_matrix((np.ones(len(column)), column, start), shape=(len(parts), width))
        most = [cover.most - int(taken[cover.pairs].sum()) for cover in self.covers]
        return matrix, np.array(most, np.float64)

    def _bound(self, aim: Aim, program: Program, rows: Cut, price: Floats, fence: float = 1.0) -> Bound:
        """The bound of the whole problem at the prices of the rows of `cut`, the aims held and the covers,
        with fences at some part of what a move costs."""
        of, limits = self.limits.eligible.requirement, self.limits
        n, count = int(self.inside.sum()), len(rows.most)
        price = price[: count + len(self.held) + len(self.covers)]
        cost = aim.cost.astype(np.float64)
        value = float(aim.constant)
        further = price[count + len(self.held) :].tolist()
        for (held, most), mu in zip(
            self.held, price[count : len(price) - len(further)].tolist(), strict=True
        ):
            cost = cost + mu * held.cost
            value -= mu * (most - held.constant)
        charge = fence * self._leaving(cost)
        for cover, mu in zip(self.covers, further, strict=True):
            cost[cover.pairs] += mu
            value -= mu * cover.most
        prices = np.zeros(len(limits.cap))
        named = rows.limit >= 0
        np.add.at(prices, rows.limit[named], price[:count][named])
        value -= float(price[:count][~named] @ rows.most[~named])
        outside = (self.stands >= 0) & ~self.part
        prices += np.where(rows.used, 0.0, charge * self._full)
        some = np.flatnonzero(prices)
        value -= float(prices[some] @ limits.cap[some])
        everywhere = cost + limits.price(prices)
        reduced = program.cost + program.rows[: len(price)].T @ price
        best = np.where(self.left, 0.0, np.inf)
        np.minimum.at(best, of[self.inside], reduced[:n])
        best[outside] = everywhere[self.stands[outside]]
        more = np.full(len(of), np.inf)
        other = np.flatnonzero(~self.inside & self.free[of])
        more[other] = everywhere[other] - best[of[other]]
        least = best.copy()
        np.minimum.at(least, of[other], everywhere[other])
        value += float(least[np.isfinite(least)].sum())
        value += float((np.minimum(0.0, reduced[n:]) * program.upper[n:]).sum())
        return Bound(value, more)

    def _leaving(self, cost: Floats) -> float:
        """What a move costs those outside the program at the least."""
        leaving = -cost[self.stands[(self.stands >= 0) & ~self.part & self.free]]
        return max(0.0, float(leaving.min())) if len(leaving) else 1.0

    @cached_property
    def _full(self) -> Floats:
        """[limits] the fences round those who stand."""
        return self.limits.fences(self.stands[self.stands >= 0])

    # -- the solve ------------------------------------------------------------

    def relax(self, aim: Aim, enough: float) -> float:
        """Brings in every pair that pays at the prices of the relaxation, until the bound is above enough;
        the best bound met on the way."""
        best = -math.inf
        for _ in range(ROUNDS):
            program, rows = self._program(aim)
            found = relax(program, self.stop, self.seconds)
            if found is None or self.stop():
                break
            bound = self._bound(aim, program, rows, found.price)
            best = max(best, bound.value)
            if best > enough + TOLERANCE:
                break
            columns = np.flatnonzero(self.inside)
            outside = self.stands[(self.stands >= 0) & ~self.part]
            broken = covers(self.limits, columns, found.x[: len(columns)], outside, self.known)
            self.covers += broken
            joining = self._paying(bound.more)
            if not (len(joining) or broken) or self.inside.sum() + len(joining) > MOST or self.seconds <= 0:
                break
            self.join(joining)
        return best

    def settle(self, aim: Aim, value: int) -> bool:
        """With an aim held at a value, brings in every pair that can be part of such an answer and lets
        nobody else move; False where they are too many, or it is not known which. Where the aim is at 0,
        those whose placings it counts stay."""
        if value == 0:
            self.free &= self.stands < 0
            return True
        self.relax(aim, value - 1)
        more = self.able(aim, value, SETTLED)
        if more is None:
            return False
        self.join(more)
        self.free &= self.part
        return True

    def able(self, aim: Aim, value: float, most: int = MOST) -> Ints | None:
        """The pairs not in play that can be part of an answer of at most a value; None where they are too
        many, or it is not known which."""
        program, rows = self._program(aim)
        found = relax(program, self.stop, self.seconds)
        if found is None:
            return None
        able = self.free[self.limits.eligible.requirement] & ~self.inside
        for fence in FENCES:
            bound = self._bound(aim, program, rows, found.price, fence)
            able &= bound.value + bound.more <= value + TOLERANCE
        return None if able.sum() + self.inside.sum() > most else np.flatnonzero(able)

    def with_room(self, requirements: Ints) -> Ints:
        """The pairs of some requirements that fit beside the placings outside the program."""
        limits = self.limits
        pairs = np.flatnonzero(np.isin(limits.eligible.requirement, requirements))
        uses = limits.uses(pairs)
        spare = limits.spare(self.load - limits.load(self.stands[self.part & (self.stands >= 0)]))
        fits = np.ones(len(pairs), np.bool_)
        fits[uses.pair[uses.amount > spare[uses.limit]]] = False
        return pairs[fits]

    def _paying(self, more: Floats) -> Ints:
        """Pairs that lower the bound: those that do most, a few for each requirement."""
        those = np.flatnonzero(more < -TOLERANCE)
        of = self.limits.eligible.requirement[those]
        order = np.lexsort((more[those], of))
        those, of = those[order], of[order]
        starts = np.flatnonzero(np.concatenate([[True], of[1:] != of[:-1]])) if len(of) else order
        rank = np.arange(len(of)) - np.repeat(starts, np.diff(np.append(starts, len(of))))
        those = those[rank < EACH]
        return those[np.argsort(more[those], kind="stable")][:JOIN]

    def solve(self, aim: Aim, better: Better) -> float:
        """Takes the best answer under an aim; what no answer of the whole problem can be below, to be above
        what would count as `better` than the answer.

        A better answer can only be made of pairs in play and those that `able` names; with them in play the
        integer program has the last word.
        """
        if self.inside.sum() <= QUICK:
            self.search(aim)
        ends = self.ends
        self.ends = ends - self.seconds / 3  # kept for finding an answer
        bound = self.relax(aim, better(aim.of(self.taken)))
        self.ends = ends
        if bound <= better(aim.of(self.taken)) + TOLERANCE and not self.stop():
            lower = self.search(aim)
            most = better(aim.of(self.taken))
            if bound <= most + TOLERANCE and self.seconds > 0 and not self.stop():
                more = self.able(aim, most)
                if more is not None:
                    if len(more):
                        lower = self._try(aim, more)
                    bound = max(bound, min(lower, most + 1))
        return min(float(aim.of(self.taken)), bound)

    def _try(self, aim: Aim, more: Ints) -> float:
        """The integer program with further pairs, of which only those taken stay in play."""
        inside, part = self.inside.copy(), self.part.copy()
        self.join(more)
        lower = self.search(aim)
        now = self.taken[self.taken >= 0]
        now = now[
            ~inside[now] & self.inside[now] & (self.stands[self.limits.eligible.requirement[now]] != now)
        ]
        self.inside, self.part = inside, part
        self.join(now)
        return lower

    def search(self, aim: Aim) -> float:
        """The best answer over the pairs in play; what none of those is below."""
        program, _ = self._program(aim)
        columns = np.flatnonzero(self.inside)
        start = np.flatnonzero(self.taken[self.limits.eligible.requirement[columns]] == columns)
        found = search(program, start, self.stop, self.seconds)
        outside = self.stands[(self.stands >= 0) & ~self.part]
        constant = aim.constant + int(aim.cost[outside].sum())
        if found.x is not None:
            taken = self.taken.copy()
            taken[self.part] = -1
            chosen = columns[found.x[: len(columns)] > 0.5]
            taken[self.limits.eligible.requirement[chosen]] = chosen
            if aim.of(taken) < aim.of(self.taken):
                self.taken = taken
        return constant + found.bound
