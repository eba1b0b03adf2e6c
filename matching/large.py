"""Large parts: the bound from the prices of a relaxation, the answer by fixing what came out whole.

First all tiers in one cost are relaxed over each requirement's cheapest choices, by interior points; choices
near 1 are fixed, the requirements left are searched as a mixed-integer program, and whoever still fits is
placed. An answer counts only where it is exactly better, tier by tier. Then each tier is relaxed alone, and
`lagrangian` turns its prices into a bound that holds whatever the solver's tolerances.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from matching.columns import groups
from matching.greedy import place_greedily
from matching.program import Floats, Program, lagrangian, relax, search
from matching.tables import Bools, Ints
from matching.tier_search import Search, lift, scale_of

# Choices from which a part is large: below it HiGHS ends whole programs in seconds.
LARGE = 12_000
SURE = 0.97
ROUNDS = 2
# Choices a requirement keeps in a relaxation; the bound counts the others too.
CHEAPEST = 12
# Points that one placing is worth in the first answer (the tiers are kept exactly afterwards).
UNPLACED = 3_000.0


def first_answer(found: Search, pinned: Ints) -> None:
    """An answer to all tiers at once, in about a third of the time left."""
    cost, n = _all_tiers(found), len(found.taken)
    columns = _cheapest(found, cost)
    seconds = found.left / 3
    x = None
    for _ in range(ROUNDS):
        rows, most = found.rows(found.active)
        part = Program(cost[columns], rows[:, columns], most, found.upper[columns], np.zeros(0, np.bool_))
        answer = relax(part, found.stop, seconds, interior=True)
        if answer.x is None:
            break
        x = np.zeros(len(cost))
        x[columns] = np.clip(answer.x, 0.0, None)
        broken = _broken(found, x)
        if not len(broken):
            break
        found.active = np.union1d(found.active, broken)
    if x is None or found.stop():
        return
    sure = x[:n] > SURE
    sure &= ~np.isin(np.arange(n), _overfull(found, sure))
    _round(found, cost, columns, sure, pinned, seconds / 2)


def _cheapest(found: Search, cost: Floats) -> Ints:
    """Each requirement's cheapest choices with those of the answer in hand, and every further column."""
    n = len(found.taken)
    chosen = found.model.choices
    order = np.lexsort((cost[:n], chosen.requirement))
    rank = np.arange(n) - np.repeat(
        np.searchsorted(chosen.requirement, np.unique(chosen.requirement)),
        np.unique(chosen.requirement, return_counts=True)[1],
    )
    near = np.zeros(len(cost), np.bool_)
    near[order[rank < CHEAPEST]] = True
    near[:n] |= found.taken
    near[n:] = True
    return np.flatnonzero(near)


def _overfull(found: Search, sure: Bools) -> Ints:
    """The choices in rows of the pool that those thought sure would break together."""
    n = len(sure)
    whole = found.pool[:, :n]
    over = np.flatnonzero(whole @ sure.astype(np.float64) > found.pool_most + 1e-6)
    return np.unique(whole[over].indices) if len(over) else np.zeros(0, np.int64)


def relaxed_bound(found: Search, position: int, seconds: float) -> int:
    """Bounds one tier in about `seconds`."""
    tier, n = found.tiers[position], len(found.taken)
    cost = tier.cost / scale_of(tier)
    starts = np.array([g[0] for _, g in groups(found.model.choices.requirement)] + [n], np.int64)
    columns = _columns(found, position)
    if not tier.placing:
        columns = _cheapest(found, cost)
    rows, most = found.rows(found.active)
    program = Program(cost, rows, most, found.upper, np.zeros(0, np.bool_))
    part = Program(cost[columns], rows[:, columns], most, found.upper[columns], np.zeros(0, np.bool_))
    answer = relax(part, found.stop, min(found.left, seconds), interior=True)
    price = answer.price
    price[: len(starts) - 1] = 0.0
    bound = lagrangian(program, price, starts) if answer.x is not None else -np.inf
    return lift(tier, bound, found.value[position])


def _columns(found: Search, position: int) -> Ints:
    """The columns that a tier of placing is about (others can only be in the way); all for another tier."""
    tier, n = found.tiers[position], len(found.taken)
    if not tier.placing:
        return np.arange(len(tier.cost))
    about = np.zeros(len(tier.cost), np.bool_)
    about[n:] = True
    for earlier in found.tiers[: position + 1]:
        if earlier.placing:
            about |= earlier.cost != 0
        elif earlier.cost.any():
            return np.arange(len(tier.cost))
    return np.flatnonzero(about)


def _broken(found: Search, x: Floats) -> Ints:
    over = found.pool @ x - found.pool_most
    return np.setdiff1d(np.flatnonzero(over > 1e-4), found.active)


def _round(found: Search, cost: Floats, near: Ints, sure: Bools, pinned: Ints, seconds: float) -> None:
    """Fixes the choices that are sure, searches the requirements left, places whoever still fits."""
    chosen, n = found.model.choices, len(found.taken)
    rows, most = found.rows()
    settled = np.isin(chosen.requirement, chosen.requirement[sure])
    columns = near[np.concatenate([~settled, np.ones(len(cost) - n, np.bool_)])[near]]
    left = most - rows[:, :n] @ sure.astype(np.float64)
    part = csr_matrix(rows[:, columns])
    kept = np.diff(part.indptr) > 0
    program = Program(cost[columns], part[kept], left[kept], found.upper[columns], columns < n)
    answer = search(program, None, found.stop, min(seconds, found.left), gap=1e-5)
    taken: Bools = sure.copy()
    if answer.x is not None:
        full = np.zeros(len(cost))
        full[columns] = answer.x
        taken |= full[:n] > 0.5
    points = next((t.cost[:n] for t in found.tiers if not t.placing and t.cost.any()), np.zeros(n, np.int64))
    completed = place_greedily(found.tables, found.policy, found.model, pinned, points, taken)
    found.offer(completed.astype(np.float64))


def _all_tiers(found: Search) -> Floats:
    """One cost for a first answer: the soft tiers, each before the next, and placing far above them."""
    width = len(found.tiers[0].cost)
    out = np.zeros(width)
    level = 1.0
    for tier in reversed(found.tiers):
        if tier.placing:
            out += UNPLACED * level * tier.cost
            level *= 5.0
        elif tier.name == "agreement_shortfall":
            out += 25 * UNPLACED * tier.cost
        elif tier.worst is None:
            out += tier.cost / scale_of(tier)
    return out
