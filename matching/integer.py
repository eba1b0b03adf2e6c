"""The integer path: parts beyond a pure flow, tier by tier, each with its bound.

A small part is one mixed-integer program a tier, with the tiers before it held at their value. A large one
is relaxed, and answered class by class (`large.py`). Both start from a greedy allocation and never end worse
than it.

Between answers that are equal in every tier the seed draws, as in the flow: each choice has a price drawn by
its learner, block and offer, and the least sum of them is the last tier. It decides nothing in a part of more
than `DRAWN` choices, in one of which a tier is unproven, or where time ends before the draw does: there the
search's own order stands, which follows from the keys of the problem's parts and never from their order.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matching.columns import Model, choices
from matching.components import Part
from matching.costs import POINT, draw
from matching.eligibility import Eligible
from matching.greedy import place_greedily
from matching.large import LARGE, Large
from matching.model import Builder
from matching.policy import Policy
from matching.stop import Stop
from matching.tables import Bools, Ints, Tables
from matching.tier_search import Search, lift
from matching.tiers import TierCost, greedy_cost, tier_costs, value_of

# A stage; the part's requirements left over in the best answer so far; the fewest that must be.
Tell = Callable[[str, int, int], None]


# Choices to which a part's ties are drawn for, and the bits of a choice's draw.
DRAWN = 1_000
DRAW_BITS = 16


@dataclass(frozen=True, eq=False)
class Answer:
    """A part's model, the choices taken, and by tier how far its bound lies below its value (0: proven)."""

    model: Model
    taken: Bools
    slack: dict[str, int]


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
    model, tiers, taken = _begin(tables, policy, eligible, part, pinned)
    found = Search(tables, policy, model, tiers, taken, stop, ends)
    tell("first answer", found.unplaced, 0)
    large = None
    if len(taken) > LARGE:
        large = Large(found, pinned, lambda stage: tell(stage, found.unplaced, 0))
        large.solve()
    for position in range(len(tiers)):
        known = None if large is None else large.bound(position)
        found.bounds.append(_bound(found, position) if known is None else known)
        found.hold(position)
        tell(found.reached(position), found.unplaced, found.fewest)
    if len(taken) <= DRAWN and list(found.value) == found.bounds and not stop():
        _draw(found)
    slack = {
        tier.name: value - bound for tier, value, bound in zip(tiers, found.value, found.bounds, strict=True)
    }
    return Answer(model, found.taken, slack)


def first_answer(tables: Tables, policy: Policy, eligible: Eligible, part: Part, pinned: Ints) -> Answer:
    """What a solve stopped before its proof falls back on; nothing is proven of it."""
    model, tiers, taken = _begin(tables, policy, eligible, part, pinned)
    value = value_of(tables, policy, model, tiers, taken)
    return Answer(model, taken, {tier.name: v for tier, v in zip(tiers, value, strict=True)})


def _begin(
    tables: Tables, policy: Policy, eligible: Eligible, part: Part, pinned: Ints
) -> tuple[Model, list[TierCost], Bools]:
    """A part's model, its tiers and a greedy allocation."""
    model = Builder(tables, policy, choices(tables, policy, eligible, part.pairs)).build()
    tiers = tier_costs(tables, policy, model, pinned)
    cost = greedy_cost(tiers, len(model.choices))
    return model, tiers, place_greedily(tables, policy, model, pinned, cost)


def _bound(found: Search, position: int) -> int:
    """Solves one tier; its bound (nothing is under 0, and once stopped nothing more is known)."""
    tier, value = found.tiers[position], found.value[position]
    if tier.worst is None and (not tier.cost.any() or (tier.placing and value == 0)):
        return value
    if found.stop():
        return 0
    if tier.worst is not None:
        return found.least_worst(position)
    if len(found.taken) > LARGE:
        return 0
    share = found.left / (1 + 0.5 * (len(found.tiers) - position - 1))
    answer = found.search(tier.cost, share)
    before = found.value
    found.offer(answer.x)
    if answer.bound == math.inf:
        raise AssertionError(f"{tier.name}: the tiers before it cannot be held at {before[:position]}")
    return lift(tier, answer.bound, found.value[position])


def _draw(found: Search) -> None:
    """Takes the answer of the least draw among those of the same value, once it is proven."""
    chosen, problem = found.model.choices, found.tables.problem
    requirements, which = np.unique(chosen.variant, return_inverse=True)
    variants = found.tables.variants
    names = []
    for r, block in zip(variants.requirement[requirements], variants.block[requirements], strict=True):
        item = problem.requirements[r]
        rotation = problem.rotation_of(item)
        # Floating requirements of one rotation may take the same block: their keys tell them apart.
        when = item.block if rotation is None else f"{rotation.blocks[block]}\0{item.key}"
        names.append(f"{item.learner}\0{when}")
    offers, column = np.unique(chosen.offer, return_inverse=True)
    cost = np.zeros(found.model.width, np.int64)
    cost[: len(chosen)] = draw(
        found.policy.seed, names, [problem.offers[o].key for o in offers], which, column, DRAW_BITS
    )
    answer = found.search(cost, found.left / 4)
    if answer.x is None:
        return
    taken = answer.x[: len(chosen)] > 0.5
    drawn = int(cost[: len(chosen)][taken].sum())
    same = value_of(found.tables, found.policy, found.model, found.tiers, taken) == found.value
    if same and drawn - answer.bound * POINT < 1:
        found.taken = taken
