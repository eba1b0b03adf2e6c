"""A part being solved: its model, the best answer so far, what is held and what is proven."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from matching.columns import Model
from matching.costs import POINT
from matching.held import Held
from matching.policy import Policy
from matching.program import Floats, Program
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
    active: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        self.value = value_of(self.tables, self.policy, self.model, self.tiers, self.taken)
        self.upper = np.concatenate(
            [np.ones(len(self.model.choices)), np.array([e.most for e in self.model.extras], np.float64)]
        )

    @cached_property
    def core(self) -> csr_matrix:
        """The rows always in the program."""
        return self.model.core.matrix(self.model.width)

    @cached_property
    def pool(self) -> csr_matrix:
        """The rows that seldom bind."""
        return self.model.pool.matrix(self.model.width)

    @cached_property
    def pool_most(self) -> Floats:
        """What those rows hold."""
        return np.array(self.model.pool.most, np.float64)

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
        own = vstack([self.core, self.pool])
        rows = vstack([hstack([own, csr_matrix((own.shape[0], len(held.further)))]), held.rows]).tocsr()
        most = np.concatenate([np.array(self.model.core.most, np.float64), self.pool_most, held.most])
        scale = 1 if np.abs(cost).max(initial=0) <= 1 else POINT
        whole = np.zeros(rows.shape[1], np.bool_)
        whole[: len(self.taken)] = whole[self.model.width :] = True
        no_cost = np.zeros(len(held.further))
        return Program(
            np.concatenate([cost / scale, no_cost]), rows, most, np.append(self.upper, held.further), whole
        )


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
    return 1 if tier.placing or tier.name == "agreement_shortfall" else POINT
