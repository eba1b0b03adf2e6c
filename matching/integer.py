"""The integer path: parts beyond a pure flow, tier by tier, each with its bound.

A small part is one mixed-integer program a tier, with the tiers before it held at their value. A large one
is first relaxed (`large.py`): its bound comes from the prices of the rows, its answer from fixing what came
out whole and searching the rest. Both start from a greedy allocation and never end worse than it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix, vstack

from matching.columns import Model, choices
from matching.components import Part
from matching.costs import POINT
from matching.eligibility import Eligible
from matching.greedy import place_greedily
from matching.model import Builder
from matching.policy import Policy
from matching.program import Floats, Found, Program, search
from matching.stop import Stop
from matching.tables import Bools, Ints, Tables
from matching.tiers import TierCost, tier_costs, value_of

Tell = Callable[[str, int | None, int | None], None]


@dataclass(frozen=True, eq=False)
class Answer:
    """A part's model, the choices taken, and by tier how far its bound lies below its value (0: proven)."""

    model: Model
    taken: Bools
    slack: dict[str, int]


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
        self.upper = np.concatenate(
            [np.ones(len(self.model.choices)), np.array([e.most for e in self.model.extras], np.float64)]
        )

    @property
    def left(self) -> float:
        """Seconds left."""
        return max(0.0, self.ends - time.monotonic())

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

    def rows(self, pool: Ints | None = None) -> tuple[csr_matrix, Floats]:
        """Core rows, those of the pool named (None: all), and the tiers held, scaled to points."""
        width = self.model.width
        matrix = self.model.pool.matrix(width)
        most = np.array(self.model.pool.most, np.float64)
        if pool is not None:
            matrix, most = matrix[pool], most[pool]
        blocks, limits = (
            [self.model.core.matrix(width), matrix],
            [np.array(self.model.core.most, np.float64), most],
        )
        for cost, value in self.held:
            scale = float(max(1, int(np.abs(cost).max())))
            blocks.append(csr_matrix(cost.astype(np.float64)[None, :] / scale))
            limits.append(np.array([(value + 0.01) / scale]))
        return vstack(blocks).tocsr(), np.concatenate(limits)


def solve_integer(
    tables: Tables,
    policy: Policy,
    eligible: Eligible,
    part: Part,
    pinned: Ints,
    stop: Stop,
    seconds: float,
    tell: Tell,
) -> Answer:
    """The best answer found for a part within `seconds`, with what is proven of each tier."""
    ends = time.monotonic() + seconds
    model = Builder(tables, policy, choices(tables, policy, eligible, part.pairs)).build()
    tiers = tier_costs(tables, policy, model, pinned)
    first = next((tier.cost for tier in tiers if not tier.placing and tier.cost.any()), tiers[-1].cost)
    taken = place_greedily(tables, policy, model, pinned, first[: len(model.choices)])
    found = Search(tables, policy, model, tiers, taken, stop, ends)
    unplaced = sum(v for v, tier in zip(found.value, tiers, strict=True) if tier.placing)
    tell("first answer", unplaced, None)
    for position, tier in enumerate(tiers):
        found.bounds.append(_bound(found, position))
        found.hold(position)
        tell(tier.name, found.value[position], found.bounds[position])
    slack = {
        tier.name: value - bound for tier, value, bound in zip(tiers, found.value, found.bounds, strict=True)
    }
    return Answer(model, found.taken, slack)


def _bound(found: Search, position: int) -> int:
    """Solves one tier; its bound."""
    tier, value = found.tiers[position], found.value[position]
    if tier.worst is not None:
        return _least_worst(found, position)
    if not tier.cost.any() or (tier.placing and value == 0):
        return value
    share = found.left / (1 + 0.5 * (len(found.tiers) - position - 1))
    answer = _search(found, tier.cost, share)
    before = found.value
    found.offer(answer.x)
    if answer.bound == math.inf:
        raise AssertionError(f"{tier.name}: the tiers before it cannot be held at {before[:position]}")
    return lift(tier, answer.bound, found.value[position])


def lift(tier: TierCost, bound: float, value: int) -> int:
    """A bound on the tier's cost in points as a whole value: no lower than 0, rounded up to the tier's grid,
    never above the value reached."""
    if not math.isfinite(bound):
        return 0
    units = bound * _scale(tier)
    steps = math.ceil((units - 1e-4 - 1e-9 * abs(units)) / tier.grid)
    return min(value, max(0, tier.constant + steps * tier.grid))


def _scale(tier: TierCost) -> int:
    return 1 if tier.placing or tier.name == "agreement_shortfall" else POINT


def _search(found: Search, cost: Ints, seconds: float) -> Found:
    rows, most = found.rows()
    whole = np.zeros(found.model.width, np.bool_)
    whole[: len(found.taken)] = True
    scale = 1 if np.abs(cost).max(initial=0) <= 1 else POINT
    program = Program(cost / scale, rows, most, found.upper, whole)
    return search(program, np.flatnonzero(found.taken), found.stop, seconds)


def _least_worst(found: Search, position: int) -> int:
    """The least that the worst placing can be: halving between values that occur."""
    tier = found.tiers[position]
    assert tier.worst is not None  # noqa: S101 - the caller asks of such tiers only
    levels = np.unique(np.append(tier.worst, 0))
    low, high = 0, int(np.searchsorted(levels, found.value[position]))
    kept = found.upper.copy()
    nothing = np.zeros(found.model.width, np.int64)
    while low < high:
        middle = (low + high) // 2
        found.upper[: len(tier.worst)] = np.where(tier.worst > levels[middle], 0.0, kept[: len(tier.worst)])
        answer = _search(found, nothing, found.left / 4)
        found.offer(answer.x)
        if answer.bound == math.inf:
            low = middle + 1
        elif found.value[position] <= levels[middle]:
            high = int(np.searchsorted(levels, found.value[position]))
        else:
            break
    found.upper = kept
    return int(min(levels[low], found.value[position]))
