"""What a placing costs, in whole thousandths of a point (policy.py gives the prices).

All are convex: the n-th learner in a place never costs less than the one before.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import numpy as np

from matching.policy import Policy
from matching.tables import Ints, Tables, thousandths

POINT = 1000

# Units one after another: (how many, price of each), the price never falling.
Curve: TypeAlias = list[tuple[int, int]]


def travel_table(policy: Policy) -> Ints:
    """[65536] cost of a journey by whole minutes one way: the sum of the steps passed."""
    minutes = np.arange(65_536, dtype=np.int64)
    table = np.zeros(65_536, np.int64)
    starts = [start for start, _ in policy.travel] + [65_536]
    for (start, price), end in zip(policy.travel, starts[1:], strict=True):
        table += price * POINT * np.clip(minutes - start, 0, end - start)
    return table


def preference_cost(policy: Policy, rank: int) -> int:
    """Cost of a site at a rank (0 is first) of a learner's list."""
    return POINT * min(rank * policy.preference_step, policy.preference_unranked)


def pair_preferences(tables: Tables, policy: Policy, requirement: Ints, offer: Ints) -> Ints:
    """[pairs] cost of each pair by the learner's ranked preferences."""
    problem = tables.problem
    cost = np.zeros((len(problem.learners), len(problem.sites)), np.int32)
    for i, learner in enumerate(problem.learners):
        if learner.preferences:
            cost[i] = POINT * policy.preference_unranked
            for rank, key in enumerate(learner.preferences):
                cost[i, problem.site_index[key]] = preference_cost(policy, rank)
    return cost[tables.requirement_learner[requirement], tables.offer_site[offer]].astype(np.int64)


def above_preferred_costs(policy: Policy, preferred: int, maximum: int, most: int) -> Ints:
    """[most] cost of an offer's 1st, 2nd ... learner in one week."""
    above = np.arange(1, most + 1, dtype=np.int64) - preferred
    span = max(1, maximum - preferred)
    cost: Ints = POINT * policy.above_preferred * np.clip(above, 0, span) // span
    return cost


def load_cost(policy: Policy, wte: int | Ints, supervised: Ints) -> Ints:
    """[supervised] cost of a department-week where `wte` thousandths are available (one, or one for each), by
    thousandths supervised."""
    cost = np.zeros(supervised.shape, np.int64)
    for percent, price in policy.supervisor_load:
        cost += price * np.maximum(0, supervised - wte * percent // 100)
    return cost


def load_costs(
    policy: Policy, wte: tuple[float, ...], weeks: tuple[int, ...], weight: int, most: int
) -> Ints:
    """[most] cost of a department's 1st, 2nd ... learner of one weight over some weeks."""
    supervised = weight * np.arange(most + 1, dtype=np.int64)
    total = np.zeros(most + 1, np.int64)
    for week in weeks:
        total += load_cost(policy, thousandths(wte[week]), supervised)
    return np.diff(total)


def runs(steps: Ints) -> Curve:
    """Prices unit by unit as a curve."""
    first = np.flatnonzero(np.diff(steps, prepend=-1))
    return list(zip(np.diff(first, append=len(steps)).tolist(), steps[first].tolist(), strict=True))


def draw(seed: int, left: list[str], right: list[str], row: Ints, column: Ints, bits: int) -> Ints:
    """[pairs] the seeded draw of each pair of names: uniform in 0 .. 2^bits - 1, whatever their order.

    Each name is hashed (BLAKE2b keyed by the seed) and the two hashes are stirred together.
    """
    one = np.array([_hash(seed, "left", name) for name in left], np.uint64)
    two = np.array([_hash(seed, "right", name) for name in right], np.uint64)
    x = one[row] ^ two[column]
    with np.errstate(over="ignore"):
        for factor, shift in ((0x9E3779B97F4A7C15, 29), (0xD6E8FEB86659FD93, 32)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return (x >> np.uint64(64 - bits)).astype(np.int64)


def _hash(seed: int, side: str, name: str) -> int:
    key = seed.to_bytes(8, "little")
    return int.from_bytes(
        hashlib.blake2b(name.encode(), digest_size=8, key=key, person=side.encode()).digest(), "little"
    )
