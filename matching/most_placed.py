"""How many of some requirements can be placed at most, proven, and what is full where that is not all.

Those who are not certainly placed (crowd.py) are relaxed: the bound is counted again from the prices of the
limits alone, so that no tolerance of the solver is in it. Where the relaxation comes out whole, or a search
ends in the time there is, so many can be placed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from matching.certificates import FullLimit, at_of, key_of
from matching.columns import choices
from matching.crowd import Crowd, Row, in_question
from matching.eligibility import Eligible
from matching.policy import Policy
from matching.program import Corner, Floats, Program, lagrangian, search
from matching.stop import Never
from matching.tables import Bools, Ints, Tables

# Choices of each requirement that the relaxation begins with, and takes in at a time.
FEW = 4
WHOLE = 1e-6
# What the costs of equal choices differ by in all, and what a price is beyond that: without it the simplex
# method is long about the many corners of the same value.
SPREAD, PRICED = 0.1, 1e-2
# Columns to which a program whose relaxation is not whole is searched whole, and nodes of a search beyond.
SMALL, NODES = 2_500, 200
WEEKLY = ("places", "supervision", "accommodation", "one_place_a_week")


@dataclass(frozen=True)
class MostPlaced:
    """Of so many requirements `needed`, `nowhere` have no site at all by the rules over pairs. No match
    places more than `most`; a placing of `reached` was found by the rules over pairs, places, supervision,
    beds, rotations and one place a week. `full` are the limits that prove it, where they leave some of the
    others over, and `competing` the requirements that compete for them."""

    needed: int
    nowhere: int
    most: int
    reached: int
    full: tuple[FullLimit, ...] = ()
    competing: tuple[str, ...] = ()

    @property
    def short(self) -> int:
        """The fewest that must be left over."""
        return self.needed - self.most

    @property
    def exact(self) -> bool:
        """Whether so many can be placed by those rules; where not, more may be left over."""
        return self.reached == self.most


def most_placed(
    tables: Tables, policy: Policy, eligible: Eligible, requirements: Ints, seconds: float
) -> MostPlaced:
    """The most of some requirements (positions) that could be placed were they alone, in so many seconds."""
    ends = time.monotonic() + seconds
    pairs = _pairs(eligible, requirements)
    crowd = Crowd(tables, policy, choices(tables, policy, eligible, pairs))
    alive, rows = in_question(crowd)
    somewhere = len(np.unique(crowd.chosen.requirement))
    nowhere, certain = len(requirements) - somewhere, somewhere - int(alive.sum())
    if not alive.any():
        return MostPlaced(len(requirements), nowhere, certain, certain)
    asked = _Asked(crowd, alive, rows)
    most, reached = asked.count(ends)
    full, competing = ((), ()) if most == asked.n else asked.proof()
    return MostPlaced(len(requirements), nowhere, certain + most, certain + reached, full, competing)


def _pairs(eligible: Eligible, requirements: Ints) -> Ints:
    ranges = [np.arange(eligible.start[r], eligible.start[r + 1]) for r in requirements.tolist()]
    out: Ints = np.concatenate([np.zeros(0, np.int64), *ranges])
    return out


class _Asked:
    """The program of those in question: a column a choice, one a share of a pool's time."""

    def __init__(self, crowd: Crowd, alive: Bools, rows: list[Row]) -> None:
        self.crowd, self.requirements = crowd, np.flatnonzero(alive)
        self.n = len(self.requirements)
        self.kept = np.flatnonzero(alive[crowd.chosen.requirement])
        bears = {share for row in rows for share in row.shares}
        self.rows = [*rows, *(row for row in crowd.rows if not len(row.inside) and bears & set(row.shares))]
        self.program = self._program()
        self.price = np.zeros(len(self.program.most))

    def _program(self) -> Program:
        chosen, n = self.crowd.chosen, len(self.kept)
        column = np.full(len(chosen), -1, np.int64)
        column[self.kept] = np.arange(n)
        own = np.searchsorted(self.requirements, chosen.requirement[self.kept])
        row, at, value = [own], [np.arange(n)], [np.ones(n)]
        for i, item in enumerate(self.rows, start=self.n):
            inside = column[item.inside]
            here = inside >= 0
            shares = n + np.array(item.shares, np.int64)
            row.append(np.full(int(here.sum()) + len(shares), i))
            at.append(np.concatenate([inside[here], shares]))
            sign = -1.0 if len(item.inside) else 1.0
            value.append(np.concatenate([item.values[here], np.full(len(shares), sign)]))
        shape = (self.n + len(self.rows), n + len(self.crowd.share_most))
        matrix = csr_matrix((np.concatenate(value), (np.concatenate(row), np.concatenate(at))), shape=shape)
        most = np.concatenate([np.ones(self.n), [float(item.most) for item in self.rows]])
        cost, whole = np.zeros(shape[1]), np.zeros(shape[1], np.bool_)
        cost[:n], whole[:n] = -1.0, True
        upper = np.concatenate([np.ones(n), np.array(self.crowd.share_most, np.float64)])
        return Program(cost, matrix, most, upper, whole)

    def count(self, ends: float) -> tuple[int, int]:
        """The most that can be placed, and how many were."""
        most, found = self._relaxed(ends)
        if found is None:
            return most, 0
        x = found[: len(self.kept)]
        if np.abs(x - np.rint(x)).max(initial=0.0) < WHOLE:
            return most, int(np.rint(x).sum())
        if len(self.program.cost) > SMALL:
            return most, self._whole(x, ends)
        answer = search(self.program, None, Never(), _left(ends))
        if math.isfinite(answer.bound):
            most = min(most, math.floor(-answer.bound + WHOLE))
        return most, 0 if answer.x is None else int(np.rint(answer.x[: len(self.kept)]).sum())

    def _whole(self, x: Floats, ends: float) -> int:
        """How many are placed: those whom the relaxation places whole, and as many others as still fit."""
        program, n = self.program, len(self.kept)
        fixed = x > 1 - WHOLE
        placed = np.unique(self.crowd.chosen.requirement[self.kept[fixed]])
        others = ~np.isin(self.crowd.chosen.requirement[self.kept], placed)
        at = np.append(np.flatnonzero(others), np.arange(n, len(program.cost)))
        left = program.most - np.asarray(program.rows[:, :n] @ fixed.astype(np.float64), np.float64)
        part = Program(
            program.cost[at], csr_matrix(program.rows[:, at]), left, program.upper[at], program.whole[at]
        )
        found = search(part, None, Never(), _left(ends), nodes=NODES)
        more = 0 if found.x is None else int(np.rint(found.x[: int(others.sum())]).sum())
        return len(placed) + more

    def _relaxed(self, ends: float) -> tuple[int, Floats | None]:
        """A bound and a corner of the relaxation, over a few choices of each and then those that would pay at
        its prices, until none does (None: time ended first)."""
        program, n, most, x = self.program, len(self.kept), self.n, None
        columns = program.rows.tocsc()
        inside = np.zeros(len(program.cost), np.bool_)
        inside[n:] = True
        inside[self._few(self._crowding(), FEW)] = True
        while True:
            at = np.flatnonzero(inside)
            spread = 1 + SPREAD / self.n * np.random.default_rng(0).random(len(at))
            cost, upper, whole = program.cost[at] * spread, program.upper[at], program.whole[at]
            part = Program(cost, csr_matrix(columns[:, at]), program.most, upper, whole)
            corner = Corner(part, Never())
            if not corner.solve(_left(ends)):
                return most, x
            x = np.zeros(len(inside))
            x[at] = corner.x
            self.price = corner.price
            most = min(most, math.floor(-lagrangian(program, corner.price) + WHOLE))
            if most <= math.floor(-corner.value + WHOLE):
                return most, x
            reduced = program.cost + program.rows.T @ corner.price
            paying = np.flatnonzero(~inside & (reduced < -WHOLE))
            if not len(paying) or time.monotonic() > ends:
                return most, x
            inside[paying[self._few(reduced[paying], FEW, paying)]] = True

    def _crowding(self) -> Floats:
        """[choices] how full the fullest limit of each would be if everyone came to it."""
        rows = self.program.rows[self.n :, : len(self.kept)]
        out = np.zeros(len(self.kept))
        use = np.asarray(rows.sum(axis=1)).ravel() / np.maximum(1.0, self.program.most[self.n :])
        entries = rows.tocoo()
        np.maximum.at(out, entries.col, use[entries.row])
        return out

    def _few(self, cost: Floats, few: int, choice: Ints | None = None) -> Ints:
        """The cheapest few of each requirement, among some choices or all; between equal ones a draw."""
        who = self.crowd.chosen.requirement[self.kept if choice is None else self.kept[choice]]
        drawn = np.random.default_rng(0).random(len(cost))
        order = np.lexsort((drawn, cost, who))
        start = np.flatnonzero(np.diff(who[order], prepend=-1))
        rank = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
        out: Ints = order[rank < few]
        return out

    def proof(self) -> tuple[tuple[FullLimit, ...], tuple[str, ...]]:
        """The limits with a price, and the requirements whose place is worth less than itself."""
        problem = self.crowd.problem
        dear = self.price[: self.n] < 1 - PRICED
        competing = tuple(problem.requirements[r].key for r in self.requirements[dear].tolist())
        return tuple(dict.fromkeys(self._full())), competing

    def _full(self) -> Iterator[FullLimit]:
        problem = self.crowd.problem
        for row, price in zip(self.rows, self.price[self.n :], strict=True):
            if price > PRICED:
                name = row.name
                weeks = tuple(problem.weeks[w] for w in name.weeks) if name.rule in WEEKLY else ()
                yield FullLimit(name.rule, name.level, key_of(problem, name), weeks, at_of(problem, name))


def _left(ends: float) -> float:
    return max(0.1, ends - time.monotonic())
