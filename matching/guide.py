"""The relaxation of a large part: what each choice is worth, how much of it is taken, and what no answer can
undercut.

The soft tiers are relaxed with the tiers of placing held at what they can at best reach (elastically), by
interior points, over the choices that `windows.py` thinks worth having. What each class must leave over, as
`classes.py` proves it, is kept to: in parts of learners a relaxation leaves fewer over, and would spend the
difference on those who are dear to place. Its prices of a learner's year, set
anew over every choice, then give a bound of the whole, window by window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from matching.portion import Whole
from matching.program import Floats, Program, relax
from matching.stop import Stop
from matching.tables import Bools, Ints
from matching.windows import Windows

OF_A_LEARNER = ("requirement", "site_repeats", "different_sites", "rotation", "one_place_a_week")
# Points at which leaving one more over is let pass in a relaxation.
ELASTIC = 1_000.0
# Points of reduced cost, and the share taken at the prices found, from which a choice was missed.
MISSED, SLIGHT = 1.0, 1e-6


@dataclass(frozen=True, eq=False)
class Ceiling:
    """What is proven of some choices: no answer takes more than `most` of `free`. It counts in the earlier
    tier at `tier`."""

    free: Ints
    most: int
    tier: int


@dataclass(frozen=True, eq=False)
class Guide:
    """`taken` and `reduced` [choices]: share and reduced cost; `value` with `price` [earlier tiers] is a
    bound of the cost (-inf: none). `missed` [choices] were not in the relaxation, and should have been."""

    whole: Whole
    taken: Floats
    reduced: Floats
    value: float
    price: Floats
    missed: Bools

    def bound(self, held: list[int]) -> float:
        """What the cost cannot undercut while the earlier tiers' costs are at most `held`; any prices do."""
        return self.value - float(self.price @ np.array(held, np.float64))


def relaxed_guide(
    windows: Windows,
    cost: Floats,
    earlier: list[Ints],
    held: list[int],
    ceilings: list[Ceiling],
    kept: Bools,
    stop: Stop,
    seconds: float,
) -> Guide | None:
    """The relaxation over the choices `kept` under `ceilings`, with each earlier tier's cost at most `held`;
    None where time ended before it did."""
    whole = windows.whole
    part = whole.portion(np.flatnonzero(kept), cost, whole.most)
    tiers = np.array([tier[part.columns] for tier in earlier], np.float64).reshape(-1, len(part.columns))
    count = len(earlier)
    below = np.zeros((len(ceilings), len(whole.upper)))
    for k, ceiling in enumerate(ceilings):
        below[k, ceiling.free] = 1.0
    rows = vstack(
        [
            hstack([part.program.rows, csr_matrix((len(part.rows), count))]),
            hstack([csr_matrix(tiers), csr_matrix(-np.eye(count))]),
            hstack([csr_matrix(below[:, part.columns]), csr_matrix((len(ceilings), count))]),
        ]
    ).tocsr()
    most = np.array([ceiling.most for ceiling in ceilings], np.float64)
    program = Program(
        np.concatenate([part.program.cost, np.full(count, ELASTIC)]),
        rows,
        np.concatenate([part.program.most, np.array(held, np.float64), most]),
        np.concatenate([part.program.upper, np.array([1.0 + np.abs(tier).sum() for tier in earlier])]),
        np.zeros(0, np.bool_),
    )
    found = relax(program, stop, seconds)
    if found is None:
        return None
    price = np.zeros(len(whole.most))
    price[part.rows] = found.price[: len(part.rows)]
    tier_price = found.price[len(part.rows) : len(part.rows) + count]
    worth = found.price[len(part.rows) + count :]
    _lower(tier_price, worth, ceilings)
    priced = _priced(cost, tier_price, earlier) + worth @ below
    price = _by_learner(whole, priced, price, stop, seconds)
    reduced = (priced + whole.columns.T @ price)[: whole.n]
    taken = np.zeros(whole.n)
    taken[part.columns[: part.n]] = np.clip(found.x[: part.n], 0.0, 1.0)
    value, seen, there = windows.at(price[windows.tying], priced)
    missed = ~kept & (reduced < MISSED)
    if value is not None:
        missed |= ~kept & (there > SLIGHT)
        reduced = np.where(kept, np.minimum(reduced, seen), reduced)
    value = -np.inf if value is None else value - float(worth @ most)
    return Guide(whole, taken, reduced, value, tier_price, missed)


def _lower(price: Floats, worth: Floats, ceilings: list[Ceiling]) -> None:
    """Takes from the price of a tier what all ceilings in it have in common: it is worth nothing at the
    fewest left over that they allow, and is not lost where an answer leaves more."""
    for k in range(len(price)):
        those = [i for i, ceiling in enumerate(ceilings) if ceiling.tier == k]
        if those:
            common = min(float(price[k]), float(worth[those].min()))
            price[k] -= common
            worth[those] -= common


def _priced(cost: Floats, price: Floats, tiers: list[Ints]) -> Floats:
    """A cost with the tiers before it at a price each."""
    return cost + sum((y * tier for y, tier in zip(price, tiers, strict=True)), np.zeros(len(cost)))


def _by_learner(whole: Whole, cost: Floats, price: Floats, stop: Stop, seconds: float) -> Floats:
    """Prices with those of learners' own rows set anew, best for the prices of what they share."""
    own = whole.rule(*OF_A_LEARNER)
    shared = np.where(own, 0.0, price)
    reduced = cost + whole.columns.T @ shared
    free = np.flatnonzero(reduced[: whole.n] < 0)
    part = whole.portion(free, reduced, whole.most, without=~own)
    found = relax(part.program, stop, seconds, corner=True)
    if found is None:
        return price
    shared[part.rows] = found.price
    return shared
