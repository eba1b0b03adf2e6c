"""A part being solved: its model, the best answer so far, what is held and what is proven."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from matching.columns import Model
from matching.costs import POINT
from matching.held import Held
from matching.policy import Policy
from matching.program import Floats, Found, Program, search
from matching.stop import Stop
from matching.tables import Bools, Ints, Tables
from matching.tiers import TierCost, value_of


@dataclass(eq=False)
class Search:
    """One part being solved: its model, tiers, the best answer so far with its value and bounds, the tiers
    held."""

    tables: Tables
    policy: Policy
    model: Model
    tiers: list[TierCost]
    taken: Bools
    stop: Stop
    ends: float
    value: tuple[int, ...] = ()
    bounds: list[int] = field(default_factory=list)
    held: list[tuple[Ints, int]] = field(default_factory=list)
    upper: Floats = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        self.value = value_of(self.tables, self.policy, self.model, self.tiers, self.taken)
        self.upper = self.model.upper.copy()

    @property
    def left(self) -> float:
        """Seconds left."""
        return max(0.0, self.ends - time.monotonic())

    @property
    def unplaced(self) -> int:
        """Requirements without a place in the best answer so far."""
        return sum(v for v, tier in zip(self.value, self.tiers, strict=True) if tier.placing)

    @property
    def fewest(self) -> int:
        """The fewest requirements without a place, by the bounds so far."""
        return sum(bound for bound, tier in zip(self.bounds, self.tiers, strict=False) if tier.placing)

    def reached(self, position: int) -> str:
        """A tier with its value and bound, in words."""
        tier, value, bound = self.tiers[position], self.value[position], self.bounds[position]
        if scale_of(tier) == 1:
            return f"{tier.name}: {value:,}, at least {bound:,}"
        return f"{tier.name}: {value / POINT:,.1f} points, at least {bound / POINT:,.1f}"

    def offer(self, x: Floats | None) -> None:
        """Takes an answer that is better, tier by tier."""
        if x is None:
            return
        taken = x[: len(self.taken)] > 0.5
        if np.array_equal(taken, self.taken):
            return
        value = value_of(self.tables, self.policy, self.model, self.tiers, taken)
        if value < self.value:
            self.taken, self.value = taken, value

    def hold(self, position: int) -> None:
        """Keeps a tier at its value from here on."""
        tier, value = self.tiers[position], self.value[position]
        if tier.worst is not None:
            self.upper[: len(tier.worst)][tier.worst > value] = 0.0
        elif tier.cost.any():
            self.held.append((tier.cost, value - tier.constant))

    def program(self, cost: Ints) -> Program:
        """A cost of the columns, counted in points where it is more than a number of placings, under all rows
        and with the tiers held."""
        held = Held(self.upper, self.taken).hold(self.held)
        own = self.model.rows
        rows = vstack([hstack([own, csr_matrix((own.shape[0], len(held.further)))]), held.rows]).tocsr()
        most = np.concatenate([self.model.most, held.most])
        scale = 1 if np.abs(cost).max(initial=0) <= 1 else POINT
        whole = np.zeros(rows.shape[1], np.bool_)
        whole[: len(self.taken)] = whole[self.model.width :] = True
        no_cost = np.zeros(len(held.further))
        return Program(
            np.concatenate([cost / scale, no_cost]), rows, most, np.append(self.upper, held.further), whole
        )

    def search(self, cost: Ints, seconds: float) -> Found:
        """A cost under all rows and with the tiers held, searched from the answer in hand."""
        return search(self.program(cost), np.flatnonzero(self.taken), self.stop, seconds)

    def least_worst(self, position: int) -> int:
        """The least that the worst placing of a tier can be: halving between values that occur."""
        worst = self.tiers[position].worst
        assert worst is not None  # noqa: S101 - the caller asks of such tiers only
        levels = np.unique(np.append(worst, 0))
        low, high = 0, int(np.searchsorted(levels, self.value[position]))
        kept, n = self.upper.copy(), len(worst)
        nothing = np.zeros(self.model.width, np.int64)
        while low < high and not self.stop():
            middle = (low + high) // 2
            self.upper[:n] = np.where(worst > levels[middle], 0.0, kept[:n])
            answer = self.search(nothing, self.left / 4)
            self.offer(answer.x)
            if answer.bound == math.inf:
                low = middle + 1
            elif self.value[position] <= levels[middle]:
                high = int(np.searchsorted(levels, self.value[position]))
            else:
                break
        self.upper = kept
        return int(min(levels[low], self.value[position]))


def lift(tier: TierCost, bound: float, value: int) -> int:
    """A bound on the tier's cost in points as a whole value: no lower than 0, rounded up to the tier's grid,
    never above the value reached."""
    if not math.isfinite(bound):
        return 0
    units = bound * scale_of(tier)
    steps = math.ceil((units - 1e-4 - 1e-9 * abs(units)) / tier.grid)
    return min(value, max(0, tier.constant + steps * tier.grid))


def scale_of(tier: TierCost) -> int:
    """What one unit of a tier's program is in its own whole units: a point, or one."""
    return POINT if tier.soft else 1
