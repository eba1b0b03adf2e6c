"""The relaxation of a large part: what each choice is worth, how much of it is taken, and what no answer can
undercut.

The soft tiers are relaxed with the tiers of placing held at what they can at best reach (elastically), by
interior points (`interior.py`; HiGHS's where those fail), over the choices that `windows.py` thinks worth
having; then by the simplex method with those that it turns out to have missed, until none is. What each class
must leave over, as `classes.py` proves it, is kept to: in parts of learners a relaxation leaves fewer over,
and would spend the difference on those who are dear to place. Its prices bound the whole over every choice:
any prices do.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from matching.columns import Choices
from matching.interior import Inside, Interior
from matching.portion import Whole, carried
from matching.program import Basis, Corner, Floats, Program, Relaxed, relax
from matching.stop import Stop
from matching.tables import Bools, Ints

# Points at which leaving one more over is let pass in a relaxation.
ELASTIC = 1_000.0
# Points of reduced cost under which a choice was missed; of placing alone, a placing.
MISSED, SLIGHT = 5.0, 1e-6
# Relaxations with what the one before has missed.
MISSING = 3
# The relative gap from which a corner is looked for.
CLOSE = 1e-5
# How far off its borders a relaxation begins that goes on from another.
CLOSE_BY = 0.002
# What all choices of a requirement share where each has as much of it.
EVEN = 0.98
# Rules of a learner's own rows; rules of rows that count who is where.
OWN = ("requirement", "one_place_a_week", "rotation", "site_repeats", "different_sites", "companions")
COUNTING = ("places", "supervision")


@dataclass(frozen=True, eq=False)
class Ceiling:
    """What is proven of some choices: no answer takes more than `most` of `free`. It counts in the earlier
    tier at `tier`."""

    free: Ints
    most: int
    tier: int


@dataclass(frozen=True, eq=False)
class Begin:
    """Where a relaxation begins: a point inside of the whole [columns, rows], prices of the tiers [earlier];
    how far `off` all borders; `even`, how much of each choice is that of an even share among those of its
    requirement."""

    inside: Inside
    tiers: Floats
    off: float
    even: float = 0.0


@dataclass(frozen=True, eq=False)
class Guide:
    """`taken` and `reduced` [choices]: share and reduced cost; `value` with `price` [earlier tiers] is a
    bound of the cost (-inf: none). `worth` [choices] were in the relaxation, or should have been; `corner` is
    where that ended; where that was inside, another may `begin` there."""

    whole: Whole
    taken: Floats
    reduced: Floats
    value: float
    price: Floats
    worth: Bools
    corner: Solved | None = None
    begin: Begin | None = None

    def bound(self, held: list[int]) -> float:
        """What the cost cannot undercut while the earlier tiers' costs are at most `held`; any prices do."""
        return self.value - float(self.price @ np.array(held, np.float64))


@dataclass(frozen=True, eq=False)
class Solved:
    """A relaxation and the corner at which it ended."""

    relaxation: Relaxation
    found: Relaxed
    basis: Basis

    def reaching(self, held: list[int], stop: Stop, seconds: float) -> Guide | None:
        """The same with each earlier tier's cost at most `held`, by the simplex method from this corner; None
        where time ended before it did."""
        corner = Corner(self.relaxation.holding(held), stop, self.basis, perturbed=False)
        return self.relaxation.guide(corner.found()) if corner.solve(seconds) else None

    def widened(self, kept: Bools, stop: Stop, seconds: float) -> Guide | None:
        """The same over more choices, from this corner: it is one of theirs, where only costs may be bettered
        (primal simplex). None where time ended before it did."""
        before, basis = self.relaxation, self.basis
        after, n, m = before.over(kept), len(before.part.columns), len(before.part.rows)
        inside = carried(before.whole, before.part, Basis(basis.columns[:n], basis.rows[:m]), after.part)
        begin = Basis(
            np.concatenate([inside.columns, basis.columns[n:]]),
            np.concatenate([inside.rows, basis.rows[m:]]),
        )
        corner = Corner(after.program, stop, begin, primal=True, perturbed=False)
        return after.guide(corner.found()) if corner.solve(seconds) else None


class Relaxation:
    """The soft tiers relaxed over some choices, with the tiers before them held elastically: the choices
    `free` are the first columns of its `program`."""

    def __init__(
        self,
        whole: Whole,
        chosen: Choices,
        cost: Floats,
        earlier: list[Ints],
        held: list[int],
        ceilings: list[Ceiling],
        kept: Bools,
    ) -> None:
        """Over the choices `kept` under `ceilings`, with each earlier tier's cost at most `held`."""
        self.whole, self.chosen, self.cost, self.kept = whole, chosen, cost, kept
        self.earlier, self.held, self.ceilings = earlier, held, ceilings
        self.below = _below(whole, ceilings)
        part = whole.portion(np.flatnonzero(kept), cost, whole.most)
        tiers = np.array([tier[part.columns] for tier in earlier], np.float64).reshape(-1, len(part.columns))
        count = len(earlier)
        rows = vstack(
            [
                hstack([part.program.rows, csr_matrix((len(part.rows), count))]),
                hstack([csr_matrix(tiers), csr_matrix(-np.eye(count))]),
                hstack([csr_matrix(self.below[:, part.columns]), csr_matrix((len(ceilings), count))]),
            ]
        ).tocsr()
        self.most = np.array([ceiling.most for ceiling in ceilings], np.float64)
        self.part, self.free = part, part.columns[: part.n]
        self.program = Program(
            np.concatenate([part.program.cost, np.full(count, ELASTIC)]),
            rows,
            np.concatenate([part.program.most, np.array(held, np.float64), self.most]),
            np.concatenate([part.program.upper, 1.0 + np.abs(tiers) @ part.program.upper]),
            np.zeros(0, np.bool_),
        )

    def inside(self) -> Interior:
        """The same for interior points of our own. Raises ValueError where its rows are not as they need to
        be."""
        own, counting = np.zeros((2, len(self.program.most)), np.bool_)
        for rule, marked in ((OWN, own), (COUNTING, counting)):
            marked[: len(self.part.rows)] = self.whole.rule(*rule)[self.part.rows]
        return Interior(self.program, len(self.free), own, counting)

    def within(self, at: Begin) -> Inside:
        """A point inside of the program; what the tiers before are let pass is what they lack."""
        m, count = len(self.part.rows), len(self.earlier)
        requirement, inside = self.chosen.requirement[self.free], at.inside
        x, low, high = np.zeros((3, len(self.program.upper)))
        price, left = np.zeros((2, len(self.program.most)))
        for there, here in ((inside.x, x), (inside.low, low), (inside.high, high)):
            here[: len(self.part.columns)] = there[self.part.columns]
        price[:m], left[:m] = inside.price[self.part.rows], inside.left[self.part.rows]
        share = EVEN / np.bincount(requirement)[requirement]
        x[: len(self.free)] = (1.0 - at.even) * x[: len(self.free)] + at.even * share
        tiers = slice(m, m + count)
        lacks = self.program.rows[tiers] @ x - self.program.most[tiers]
        price[tiers] = np.where(lacks > 0, at.tiers, 0.0)
        x[len(self.part.columns) :] = np.maximum(0.0, lacks)
        return Inside(x, low, high, price, left, inside.mean)

    def without(self, at: Inside) -> Begin:
        """A point inside of the program as one of the whole, for another relaxation to begin at."""
        m, n, whole = len(self.part.rows), len(self.part.columns), self.whole
        x, low, high = np.zeros((3, len(whole.upper)))
        price, left = np.zeros((2, len(whole.most)))
        for there, here in ((x, at.x), (low, at.low), (high, at.high)):
            there[self.part.columns] = here[:n]
        price[self.part.rows], left[self.part.rows] = at.price[:m], at.left[:m]
        inside = Inside(x, low, high, price, left, at.mean)
        return Begin(inside, at.price[m : m + len(self.earlier)], CLOSE_BY)

    def over(self, kept: Bools) -> Relaxation:
        """The same over other choices."""
        return Relaxation(self.whole, self.chosen, self.cost, self.earlier, self.held, self.ceilings, kept)

    def holding(self, held: list[int]) -> Program:
        """The program with each earlier tier's cost at most `held`."""
        most, first = self.program.most.copy(), len(self.part.rows)
        most[first : first + len(held)] = held
        return replace(self.program, most=most)

    def guide(self, found: Relaxed, begin: Begin | None = None) -> Guide:
        """What a solution of it says of every choice, in it or not; another relaxation may `begin` there."""
        rows, count = self.part.rows, len(self.earlier)
        price = np.zeros(len(self.whole.most))
        price[rows] = found.price[: len(rows)]
        tier_price = found.price[len(rows) : len(rows) + count].copy()
        ceiled = found.price[len(rows) + count :].copy()
        _lower(tier_price, ceiled, self.ceilings)
        priced = _priced(self.cost, tier_price, self.earlier) + ceiled @ self.below
        value, _, reduced = _bounded(self.whole, self.chosen, priced, price)
        taken = np.zeros(self.whole.n)
        taken[self.free] = np.clip(found.x[: len(self.free)], 0.0, 1.0)
        worth = self.kept | (reduced < MISSED)
        bound = value - float(ceiled @ self.most)
        corner = None if found.basis is None else Solved(self, found, found.basis)
        return Guide(self.whole, taken, reduced, bound, tier_price, worth, corner, begin)


def relaxed_guide(
    relaxation: Relaxation, begin: Begin, stop: Stop, seconds: float, *, gap: float | None = None
) -> Guide | None:
    """A relaxation solved by interior points, up to a relative `gap`, or to a corner and from there with the
    choices that it turns out to have missed; where time ends before, as far as that. None where that tells
    nothing."""
    ends = time.monotonic() + seconds
    guide = _inside(relaxation, begin, stop, ends, gap)
    if guide is None:
        left = ends - time.monotonic()
        found = relax(relaxation.program, stop, left, crossover=gap is None, gap=gap)
        if found is None:
            return None
        guide = relaxation.guide(found)
    for _ in range(MISSING):
        corner = guide.corner
        if corner is None or not (guide.worth & ~corner.relaxation.kept).any():
            break
        wider = corner.widened(guide.worth, stop, ends - time.monotonic())
        if wider is None:
            break
        guide = wider
    return guide


def _inside(relaxation: Relaxation, begin: Begin, stop: Stop, ends: float, gap: float | None) -> Guide | None:
    """By interior points of our own; None where they do not get there."""
    try:
        inside = relaxation.inside()
    except ValueError:
        return None
    within = relaxation.within(begin)
    near = inside.near(within, begin.off, gap or CLOSE, stop, ends - time.monotonic())
    if near is None:
        return None
    corner = None if gap is not None else inside.corner(near, stop, ends - time.monotonic())
    if corner is not None:
        return relaxation.guide(corner)
    found = Relaxed(near.inside.x, near.inside.price)
    return relaxation.guide(found, relaxation.without(near.inside))


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
