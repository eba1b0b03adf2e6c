"""Large parts: the bound from the prices of a relaxation, the answer by fixing what came out whole.

First all tiers in one cost are relaxed over each requirement's cheapest choices, by interior points; choices
near 1 are fixed, the requirements left are searched as a mixed-integer program, and whoever still fits is
placed. An answer counts only where it is exactly better, tier by tier. Then each tier is relaxed alone, and
`lagrangian` turns its prices into a bound that holds whatever the solver's tolerances.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from matching.greedy import place_greedily
from matching.program import Floats, Program, Relaxed, lagrangian, relax, search
from matching.tables import Bools, Ints
from matching.tier_search import Search, lift, scale_of
from matching.tiers import greedy_cost

# Choices from which a part is large: below it HiGHS ends whole programs in seconds.
LARGE = 12_000
SURE = 0.97
ROUNDS = 2
# Choices a requirement keeps in a relaxation; the bound counts the others too.
CHEAPEST = 12
# Points that one placing is worth in the first answer (the tiers are kept exactly afterwards).
UNPLACED = 3_000.0


def round_relaxation(found: Search, pinned: Ints) -> None:
    """An answer to all tiers at once, in about a third of the time left."""
    cost, n = _all_tiers(found), len(found.taken)
    columns = _cheapest(found, cost)
    seconds = found.left / 3
    x = None
    for _ in range(ROUNDS):
        _, answer = _relaxed(found, cost, columns, seconds)
        if answer is None:
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


def _relaxed(found: Search, cost: Floats, columns: Ints, seconds: float) -> tuple[Program, Relaxed | None]:
    """The program over every column, and its relaxation over some of them."""
    rows, most = found.rows(found.active)
    nothing = np.zeros(0, np.bool_)
    part = Program(cost[columns], rows[:, columns], most, found.upper[columns], nothing)
    return Program(cost, rows, most, found.upper, nothing), relax(part, found.stop, seconds)


def _cheapest(found: Search, cost: Floats) -> Ints:
    """Each requirement's cheapest choices with those of the answer in hand, and every further column."""
    n = len(found.taken)
    requirement = found.model.choices.requirement
    order = np.lexsort((cost[:n], requirement))
    _, starts, counts = np.unique(requirement, return_index=True, return_counts=True)
    rank = np.arange(n) - np.repeat(starts, counts)
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
    columns = _about(found, position) if tier.placing else _cheapest(found, cost)
    program, answer = _relaxed(found, cost, columns, min(found.left, seconds))
    if answer is None:
        return lift(tier, -np.inf, found.value[position])
    starts = np.unique(found.model.choices.requirement, return_index=True)[1]
    answer.price[: len(starts)] = 0.0
    return lift(tier, lagrangian(program, answer.price, np.append(starts, n)), found.value[position])


def _about(found: Search, position: int) -> Ints:
    """The columns that a tier of placing is about; others can only be in the way."""
    n = len(found.taken)
    about = np.zeros(found.model.width, np.bool_)
    about[n:] = True
    for earlier in found.tiers[: position + 1]:
        if earlier.placing:
            about |= earlier.cost != 0
        elif earlier.cost.any():
            about[:] = True
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
    cheap = greedy_cost(found.tiers, n)
    completed = place_greedily(found.tables, found.policy, found.model, pinned, cheap, taken)
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
