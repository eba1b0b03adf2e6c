"""The relaxation of a large part: what each choice is worth, how much of it is taken, and what no answer can
undercut.

The soft tiers are relaxed with the tiers of placing held at what they can at best reach (elastically), by
interior points, over the choices that `windows.py` thinks worth having. What each class must leave over, as
`classes.py` proves it, is kept to: in parts of learners a relaxation leaves fewer over, and would spend the
difference on those who are dear to place. Its prices bound the whole over every choice: any prices do.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from matching.columns import Choices
from matching.portion import Whole
from matching.program import Floats, Program, relax
from matching.stop import Stop
from matching.tables import Bools, Ints

# Points at which leaving one more over is let pass in a relaxation.
ELASTIC = 1_000.0
# Points of reduced cost under which a choice was missed; of placing alone, a placing.
MISSED, SLIGHT = 1.0, 1e-6
# Relaxations of placing alone, each with what the one before has missed.
MISSING = 3


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
    whole: Whole,
    chosen: Choices,
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
    part = whole.portion(np.flatnonzero(kept), cost, whole.most)
    tiers = np.array([tier[part.columns] for tier in earlier], np.float64).reshape(-1, len(part.columns))
    count = len(earlier)
    below = _below(whole, ceilings)
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
        np.concatenate([part.program.upper, 1.0 + np.abs(tiers) @ part.program.upper]),
        np.zeros(0, np.bool_),
    )
    found = relax(program, stop, seconds, crossover=True)
    if found is None:
        return None
    price = np.zeros(len(whole.most))
    price[part.rows] = found.price[: len(part.rows)]
    tier_price = found.price[len(part.rows) : len(part.rows) + count]
    worth = found.price[len(part.rows) + count :]
    _lower(tier_price, worth, ceilings)
    priced = _priced(cost, tier_price, earlier) + worth @ below
    value, _, reduced = _bounded(whole, chosen, priced, price)
    taken = np.zeros(whole.n)
    taken[part.columns[: part.n]] = np.clip(found.x[: part.n], 0.0, 1.0)
    return Guide(whole, taken, reduced, value - float(worth @ most), tier_price, ~kept & (reduced < MISSED))


def fewest_left(
    whole: Whole,
    chosen: Choices,
    tiers: list[Ints],
    ceilings: list[Ceiling],
    kept: Bools,
    stop: Stop,
    seconds: float,
) -> float:
    """What the costs of some tiers of placing, added up, cannot undercut (-inf where time ended first): the
    relaxation of placing alone, at first over the choices `kept`, then with those that it turns out to
    miss."""
    ends = time.monotonic() + seconds
    cost: Floats = np.sum(tiers, axis=0, dtype=np.float64)
    below = _below(whole, ceilings)
    most = np.array([ceiling.most for ceiling in ceilings], np.float64)
    best = -np.inf
    for _ in range(MISSING):
        part = whole.portion(np.flatnonzero(kept), cost, whole.most, prices=False)
        program = replace(
            part.program,
            rows=vstack([part.program.rows, csr_matrix(below[:, part.columns])]).tocsr(),
            most=np.concatenate([part.program.most, most]),
        )
        found = relax(program, stop, ends - time.monotonic())
        if found is None:
            break
        price = np.zeros(len(whole.most))
        price[part.rows] = found.price[: len(part.rows)]
        worth = found.price[len(part.rows) :]
        value, reduced, _ = _bounded(whole, chosen, cost + worth @ below, price)
        best = max(best, value - float(worth @ most))
        missed = ~kept & (reduced < -SLIGHT)
        if not missed.any():
            break
        kept = kept | missed
    return best


def _below(whole: Whole, ceilings: list[Ceiling]) -> Floats:
    """[ceilings, columns] 1 where a choice counts."""
    out = np.zeros((len(ceilings), len(whole.upper)))
    for k, ceiling in enumerate(ceilings):
        out[k, ceiling.free] = 1.0
    return out


def _bounded(whole: Whole, chosen: Choices, cost: Floats, price: Floats) -> tuple[float, Floats, Floats]:
    """What no answer undercuts at a cost [columns] and prices [rows], whatever they are, with what a
    requirement's own row is worth set anew; [choices] reduced costs at these prices, and set anew: none is
    below 0."""
    reduced = cost + whole.columns.T @ price
    of = chosen.requirement
    least = np.zeros(int(of.max(initial=-1)) + 1)
    np.minimum.at(least, of, reduced[: whole.n])
    further = np.minimum(0.0, reduced[whole.n :]) @ whole.upper[whole.n :]
    value = float(least.sum() + further - price @ whole.most)
    return value, reduced[: whole.n], reduced[: whole.n] - least[of]


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
