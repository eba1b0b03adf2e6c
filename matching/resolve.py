"""Solving again round an answer in hand: some requirements are free, everyone else stays.

The program (`cut.py`) is solved to the proof by HiGHS: first the tiers that count requirements, in one cost
of whole numbers where a unit of an earlier one outweighs all that the later can reach, then tier by tier;
ties go to an answer that moves few. Where everyone of an independent part is free the answer is the best
there is; otherwise it is the best with the others in place. The effect on each tier is counted again exactly
(`Standing.effect`).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from matching.cut import Cut, cut
from matching.program import Floats, Found
from matching.standing import NOWHERE, Standing
from matching.stop import Stop
from matching.tables import Ints
from matching.tier_search import scale_of

# The greatest weight in one cost of counts: far within what a double holds exactly.
HEAVIEST = 1_000_000


class Infeasible(Exception):
    """No answer keeps to the limits with what is asked for."""


class OutOfTime(Exception):
    """Stopped, or out of time, before any answer was found."""


@dataclass(frozen=True, eq=False)
class Resolved:
    """What each free requirement holds (-1: nothing), the exact change of each tier and the least change that
    any answer can have with the others in place (equal: proven)."""

    after: dict[int, int]
    change: tuple[int, ...]
    least: tuple[int, ...]

    @property
    def proven(self) -> bool:
        """Whether no answer is better with the others in place."""
        return self.change == self.least


def resolve(standing: Standing, free: Ints, stop: Stop, ends: float, forced: int | None = None) -> Resolved:
    """The best placing of the free requirements, tier by tier, until the clock (`time.monotonic`) is at
    `ends`. Raises `Infeasible` where the limits leave no place for the choice that is forced, `OutOfTime`
    where nothing was found in time."""
    return _Descent(cut(standing, free, forced), stop, ends).run()


class _Descent:
    """Tier after tier of one cut; see `resolve`."""

    def __init__(self, program: Cut, stop: Stop, ends: float) -> None:
        self.cut, self.stop, self.ends = program, stop, ends
        self.x: Ints | None = None
        self.slack = [0] * len(program.standing.tiers)
        self.settled = False

    def run(self) -> Resolved:
        standing = self.cut.standing
        counting = [t for t, tier in enumerate(standing.tiers) if tier.worst is None and scale_of(tier) == 1]
        costs = [t for t in range(len(standing.tiers)) if t not in counting]
        self._counted(counting)
        for t in costs:
            last = t == len(standing.tiers) - 1
            self.slack[t] = self._worst(t) if standing.tiers[t].worst is not None else self._summed(t, last)
        if not self.settled:
            self._fewest_moves()
        after = dict.fromkeys(self.cut.free.tolist(), NOWHERE)
        for k in self.cut.choice[self._taken()].tolist():
            after[int(standing.choices.requirement[k])] = k
        change = standing.effect(after)
        least = tuple(value - slack for value, slack in zip(change, self.slack, strict=True))
        return Resolved(after, change, least)

    # -- searching ------------------------------------------------------------

    @property
    def _over(self) -> bool:
        return time.monotonic() > self.ends or self.stop()

    def _taken(self) -> Ints:
        """Columns taken in the best answer so far."""
        if self.x is None:
            self._search(np.zeros(len(self.cut.upper)))
        assert self.x is not None  # noqa: S101 - the search raises where it finds nothing
        return self.x

    def _search(self, cost: Floats) -> Found:
        if self.x is None and self._over:
            raise OutOfTime
        found = self.cut.solve(cost, self.x, self.stop, self.ends - time.monotonic())
        if found.bound == math.inf and self.x is None:
            raise Infeasible
        if found.x is not None:
            self.x = np.flatnonzero(found.x[: self.cut.n] > 0.5)
        if self.x is None:
            raise OutOfTime
        return found

    def _value(self, cost: Ints, x: Floats) -> float:
        n = self.cut.n
        return float(cost[:n] @ np.rint(x[:n]) + cost[n:] @ x[n:])

    def _widest(self, cost: Ints) -> int:
        """No two answers lie further apart."""
        return int(np.abs(cost) @ np.ceil(self.cut.upper))

    # -- tiers ------------------------------------------------------------

    def _counted(self, tiers: list[int]) -> None:
        """The tiers that count requirements: together where whole numbers allow, else one by one."""
        active = [t for t in tiers if self.cut.cost[t].any()]
        weights = [1]
        for t in reversed(active[1:]):
            weights.insert(0, weights[0] * (self._widest(self.cut.cost[t]) + 1))
        if not active:
            return
        if weights[0] > HEAVIEST:
            for t in active:
                self.slack[t] = self._summed(t)
            return
        total = np.array(weights, np.int64) @ self.cut.cost[active]
        short = self._minimise(total, 1, 1)
        for t, weight in zip(active, weights, strict=True):
            self.slack[t] = min(self._widest(self.cut.cost[t]), -(-short // weight))

    def _summed(self, t: int, last: bool = False) -> int:
        """Solves a tier and holds it; what its bound lies below its value. With the last one moves are
        counted too, all of them together for less than its grain."""
        cost = self.cut.cost[t]
        if not cost.any():
            return 0
        tier = self.cut.standing.tiers[t]
        grid = int(np.gcd.reduce(cost[cost != 0]))
        if tier.name == "hei_fairness":
            return self._minimise(cost, scale_of(tier), grid, round_up=True)
        self.settled = last
        return self._minimise(cost, scale_of(tier), grid, moves=last)

    def _minimise(
        self, cost: Ints, scale: int, grid: int, round_up: bool = False, moves: bool = False
    ) -> int:
        if self.x is not None and self._over:
            return self._widest(cost)
        tie = 0.4 * grid / (2 * len(self.cut.free) + 1) * self._moves() if moves else 0.0
        found = self._search((cost + tie) / scale)
        if found.x is None:
            return self._widest(cost)
        value = self._value(cost, found.x)
        whole = _up(value, grid) if round_up else grid * round(value / grid)
        self.cut.hold(cost, whole)
        if not math.isfinite(found.bound):
            return self._widest(cost)
        return max(0, whole - _up(found.bound * scale - (0.4 * grid if moves else 0.0), grid))

    def _worst(self, t: int) -> int:
        """The least that the worst placing can be: halving between the values that occur."""
        standing = self.cut.standing
        worst = standing.tiers[t].worst
        assert worst is not None  # noqa: S101 - the caller asks of such tiers only
        mine = worst[self.cut.choice]
        others = standing.taken.copy()
        others[standing.held[self.cut.free[standing.held[self.cut.free] >= 0]]] = False
        floor = int(worst[others].max(initial=0))
        levels = np.unique(np.append(mine[mine > floor], floor))
        reached = max(floor, int(mine[self._taken()].max(initial=0)))
        low, high = 0, int(np.searchsorted(levels, reached))
        kept = self.cut.upper.copy()
        while low < high and not self._over:
            middle = (low + high) // 2
            self.cut.upper = kept.copy()
            self.cut.upper[: self.cut.n][mine > levels[middle]] = 0.0
            left = self.ends - time.monotonic()
            found = self.cut.solve(np.zeros(len(kept)), None, self.stop, left)
            if found.x is not None:
                self.x = np.flatnonzero(found.x[: self.cut.n] > 0.5)
                reached = max(floor, int(mine[self.x].max(initial=0)))
                high = int(np.searchsorted(levels, reached))
            elif found.bound == math.inf:
                low = middle + 1
            else:
                break
        self.cut.upper = kept
        self.cut.upper[: self.cut.n][mine > reached] = 0.0
        return int(reached - levels[low])

    def _moves(self) -> Floats:
        """[columns] +1 for a placing where there was none, -1 for one that is kept."""
        held = self.cut.standing.held[self.cut.who]
        out = np.zeros(len(self.cut.upper))
        out[: self.cut.n][held == NOWHERE] = 1.0
        out[: self.cut.n][held == self.cut.choice] = -1.0
        return out

    def _fewest_moves(self) -> None:
        """Among equally good answers, one that leaves most where they are."""
        held = self.cut.standing.held[self.cut.who]
        if len(np.setdiff1d(self.cut.choice[self._taken()], held)) > 1 and not self._over:
            self._search(self._moves())


def _up(value: float, grid: int) -> int:
    """A value of a program as a whole one on its grid, rounded up but for the solver's tolerance."""
    return grid * math.ceil((value - 1e-3 - 1e-9 * abs(value)) / grid)


def soon(seconds: float) -> float:
    """When so many seconds are over, by `time.monotonic`."""
    return time.monotonic() + seconds


__all__ = ["Infeasible", "OutOfTime", "Resolved", "resolve", "soon"]
