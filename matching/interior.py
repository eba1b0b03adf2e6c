"""Interior points of a large part's relaxation, from a point near its optimum to one so near that a corner of
the best face is a few steps away.

Primal and dual together, by Mehrotra's predictor and corrector with Gondzio's further correctors (Mehrotra
1992, Gondzio 1996): minimise c x with A x + s = b, x + w = u and x, s, w >= 0; y, z, v >= 0 are the prices
of rows and bounds. Each round the equations (`normal.py`) are factored once and solved a few times. What a
window alone says, or a relaxation of fewer choices, is a good place to begin.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from matching.normal import Normal
from matching.program import (
    AT_ZERO,
    Basis,
    Corner,
    Floats,
    Program,
    Relaxed,
    corner_beside,
    lagrangian,
)
from matching.stop import Stop
from matching.tables import Bools

# Rounds after which it has failed, and how many of them in a row may get nowhere.
ROUNDS, STUCK = 60, 3
# The relative gap from which its prices tell something.
TELLING = 0.1
# The part of a step to the border that is taken.
SHORT_OF = 0.99
# Columns of greater upper bounds are kept off their borders as one with this bound is.
SIZE = 4.0
# Correctors a round, and the shares of each that are tried.
CORRECTORS, SHARES = 2, (1.0, 0.7, 0.4, 0.2)
# How far products may lie from what is aimed at, as factors, before they are corrected.
LEAST, MOST = 0.1, 10.0
# Rows broken by more than this part of their greatest entry are not yet kept.
KEPT = 1e-5
# Rounds that make what is at its border and what is not fit together.
POLISHED = 4


# What rows and upper bounds lack, and what reduced costs lack.
_Short = tuple[Floats, Floats, Floats]


@dataclass(frozen=True, eq=False)
class Inside:
    """A point inside: x [columns] with the prices of its lower and upper bounds, price [rows] with what is
    left in them (0 where not known), what products of amounts and prices are on average."""

    x: Floats
    low: Floats
    high: Floats
    price: Floats
    left: Floats
    mean: float


@dataclass(frozen=True, eq=False)
class Near:
    """A point near the optimum; `ends`, where it came as near as it should: what is taken [columns that may
    be] and prices [rows], with everything at its border that will be there."""

    inside: Inside
    ends: tuple[Floats, Floats] | None = None


@dataclass(eq=False)
class _Point:
    """x, w [columns] and s [rows], with their prices z, v and y."""

    x: Floats
    w: Floats
    s: Floats
    z: Floats
    v: Floats
    y: Floats

    def moved(self, by: _Point, primal: float, dual: float) -> _Point:
        return _Point(
            self.x + primal * by.x,
            self.w + primal * by.w,
            self.s + primal * by.s,
            self.z + dual * by.z,
            self.v + dual * by.v,
            self.y + dual * by.y,
        )

    def reach(self, by: _Point) -> tuple[float, float]:
        """How far all stay above 0 on the way, at most 1: first amounts, then prices."""
        return (
            _reach((self.x, by.x), (self.w, by.w), (self.s, by.s)),
            _reach((self.z, by.z), (self.v, by.v), (self.y, by.y)),
        )

    @property
    def mean(self) -> float:
        """What the products of amounts and their prices are on average."""
        total = self.x @ self.z + self.w @ self.v + self.s @ self.y
        return float(total) / (2 * len(self.x) + len(self.s))


@dataclass(frozen=True, eq=False)
class _Aims:
    """What is to be added to the products of x, w and s with their prices."""

    x: Floats
    w: Floats
    s: Floats


class Interior:
    """A program whose first `n` columns are choices; `own` and `counting` [rows] as in `Normal`."""

    def __init__(self, program: Program, n: int, own: Bools, counting: Bools) -> None:
        # A column that may not be taken has no inside.
        self.width, self.open = len(program.upper), np.flatnonzero(program.upper > 0)
        n = int((self.open < n).sum())
        kept = csr_matrix(program.rows[:, self.open])
        self.by_row, self.by_column = _scales(kept, n)
        rows = csr_matrix(diags_array(self.by_row) @ kept @ diags_array(self.by_column))
        self.program = Program(
            program.cost[self.open] * self.by_column,
            rows,
            program.most * self.by_row,
            program.upper[self.open] / self.by_column,
            np.zeros(0, np.bool_),
        )
        self.normal = Normal(rows, n, own, counting)

    def near(self, begin: Inside, off: float, gap: float, stop: Stop, seconds: float) -> Near | None:
        """From a point, moved so far `off` its borders, to one within a relative gap of the optimum, or as
        near as time allows; None where that tells nothing, or numbers do not suffice."""
        ends, stuck = time.monotonic() + seconds, 0
        at = self._begin(begin, off)
        try:
            for _ in range(ROUNDS):
                if stop() or time.monotonic() > ends:
                    return Near(self._inside(at)) if self._gap(at) < TELLING else None
                self._factored(at)
                short = self._short(at)
                kept = float(np.abs(short[0]).max(initial=0.0)) < max(KEPT, 10.0 * gap)
                if kept and self._gap(at) < gap:
                    return Near(self._inside(at), self._ended(at, short))
                by, primal, dual = self._step(at, short)
                at = at.moved(by, SHORT_OF * primal, SHORT_OF * dual)
                stuck = stuck + 1 if max(primal, dual) < 1e-3 else 0
                if stuck >= STUCK or not np.isfinite(at.mean):
                    return None
        except np.linalg.LinAlgError:
            return None
        return None

    def corner(self, near: Near, stop: Stop, seconds: float) -> Relaxed | None:
        """The optimum at a corner, from near it; None where time or a stop ends it before."""
        if near.ends is None or not all(np.isfinite(each).all() for each in near.ends):
            return None
        begin = time.monotonic()
        x, price = near.ends[0] / self.by_column, near.ends[1] / self.by_row
        basis = corner_beside(self.program, x, price, stop, seconds)
        if basis is None:
            return None
        corner = Corner(self.program, stop, basis, primal=True, perturbed=False)
        if not corner.solve(seconds - (time.monotonic() - begin)):
            return None
        found = corner.found()
        at = found.basis
        if at is not None:
            columns = np.full(self.width, AT_ZERO)
            columns[self.open] = at.columns
            at = Basis(columns, at.rows)
        return Relaxed(self._spread(found.x * self.by_column), found.price * self.by_row, at)

    def _spread(self, columns: Floats) -> Floats:
        """[all columns] those that may be taken."""
        out = np.zeros(self.width)
        out[self.open] = columns
        return out

    def _begin(self, begin: Inside, off: float) -> _Point:
        """A point inside with products near the mean where amounts and prices allow it."""
        p, mean = self.program, begin.mean
        border = off * np.minimum(p.upper, SIZE)
        x = np.clip(begin.x[self.open] / self.by_column, border, p.upper - border)
        w, s = p.upper - x, np.maximum(p.most - p.rows @ x, off)
        y = np.maximum(begin.price / self.by_row, mean * np.minimum(1.0, 1.0 / s))
        reduced = p.cost + self.normal.columns @ y
        z = np.maximum(reduced, 0.0) + mean
        v = np.maximum(-reduced, 0.0) + mean * np.minimum(1.0, 1.0 / w)
        low, high = begin.low[self.open] * self.by_column, begin.high[self.open] * self.by_column
        known = low > 0
        return _Point(
            x,
            w,
            np.where(begin.left > 0, begin.left * self.by_row, s),
            np.where(known, low, z),
            np.where(known, high, v),
            y,
        )

    def _factored(self, at: _Point) -> None:
        self.share = 1.0 / (at.z / at.x + at.v / at.w)
        self.normal.factor(self.share, at.s / at.y)

    def _short(self, at: _Point) -> _Short:
        p = self.program
        reduced = p.cost + self.normal.columns @ at.y
        return p.most - p.rows @ at.x - at.s, p.upper - at.x - at.w, at.z - at.v - reduced

    def _gap(self, at: _Point) -> float:
        bound = lagrangian(self.program, at.y)
        return abs(float(self.program.cost @ at.x) - bound) / (1.0 + abs(bound))

    def _towards(self, at: _Point, aims: _Aims, short: _Short) -> _Point:
        """The step after which, were all linear, products are what `aims` adds to them and nothing is
        short."""
        rows, upper, reduced = short
        at_w = (aims.w - at.v * upper) / at.w
        ahead = reduced + aims.x / at.x - at_w
        right = self.program.rows @ (self.share * ahead) + aims.s / at.y - rows
        y = self.normal.solve(right)
        x = self.share * (ahead - self.normal.columns @ y)
        w = upper - x
        return _Point(
            x,
            w,
            (aims.s - at.s * y) / at.y,
            (aims.x - at.z * x) / at.x,
            (aims.w - at.v * w) / at.w,
            y,
        )

    def _step(self, at: _Point, short: _Short) -> tuple[_Point, float, float]:
        """A step with how far it may be gone: amounts, prices."""
        mean = at.mean
        by = self._towards(at, _products(at, None, 0.0), short)
        target = mean * (at.moved(by, *at.reach(by)).mean / mean) ** 3
        by = self._towards(at, _products(at, by, target), short)
        primal, dual = at.reach(by)
        nothing = np.zeros(len(at.s)), np.zeros(len(at.x)), np.zeros(len(at.x))
        for _ in range(CORRECTORS):
            further = self._towards(at, _corrected(at, by, primal, dual, target), nothing)
            tried = []
            for share in SHARES:
                one = by.moved(further, share, share)
                tried.append((one, *at.reach(one)))
            best = max(tried, key=lambda item: item[1] * item[2])
            gain = best[1] * best[2] / max(1e-12, primal * dual)
            if gain > 1.01:
                by, primal, dual = best
            if gain < 1.1:
                break
        return by, primal, dual

    def _ended(self, at: _Point, short: _Short) -> tuple[Floats, Floats]:
        """What is taken [columns that may be] and prices, at their borders: one full step towards them, then
        whatever is nearer to its border than its price to 0 is there, and the rest is made to fit."""
        p, zero = self.program, np.zeros(len(at.x))
        one = at.moved(self._towards(at, _products(at, None, 0.0), short), 1.0, 1.0)
        low, high, slack = one.x < one.z, one.w < one.v, one.y < one.s
        x, y = one.x, one.y
        for k in range(POLISHED):
            x = np.where(low, 0.0, np.where(high, p.upper, np.clip(x, 0.0, p.upper)))
            y = np.where(slack, 0.0, np.maximum(y, 0.0))
            if k == POLISHED - 1:
                break
            left, reduced = p.most - p.rows @ x, p.cost + self.normal.columns @ y
            rows = left - np.where(slack, np.maximum(left, 0.0), 0.0)
            lacks = np.where(low, np.maximum(reduced, 0.0), np.where(high, np.minimum(reduced, 0.0), 0.0))
            no_aims = _Aims(zero, zero, np.zeros(len(at.s)))
            by = self._towards(at, no_aims, (rows, zero, lacks - reduced))
            x, y = x + by.x, y + by.y
        return x * self.by_column, y * self.by_row

    def _inside(self, at: _Point) -> Inside:
        column, row = self.by_column, self.by_row
        return Inside(
            self._spread(at.x * column),
            self._spread(at.z / column),
            self._spread(at.v / column),
            at.y * row,
            at.s / row,
            at.mean,
        )


def _scales(rows: csr_matrix, n: int) -> tuple[Floats, Floats]:
    """[rows] and [columns] factors after which the greatest entry of a choice in a row is 1, then that of a
    further column, then that of a row without choices."""
    size = abs(rows)
    by_row = _inverse(csr_matrix(size[:, :n]).max(axis=1).toarray(), 0.0)
    by_column = _inverse(csr_matrix(diags_array(by_row) @ size).max(axis=0).toarray(), 1.0)
    by_column[:n] = 1.0
    others = _inverse(csr_matrix(size @ diags_array(by_column)).max(axis=1).toarray(), 1.0)
    return np.where(by_row > 0, by_row, others), by_column


def _inverse(greatest: Floats, otherwise: float) -> Floats:
    """1 by each, or something else where it is 0."""
    values = greatest.ravel()
    return np.where(values > 0, 1.0 / np.where(values > 0, values, 1.0), otherwise)


def _reach(*pairs: tuple[Floats, Floats]) -> float:
    return min(1.0, *(1.0 / max(1e-30, float((-by / at).max(initial=0.0))) for at, by in pairs))


def _products(at: _Point, by: _Point | None, target: float) -> _Aims:
    """What products lack of a target, with what a step `by` adds to them beyond the linear."""
    aims = _Aims(target - at.x * at.z, target - at.w * at.v, target - at.s * at.y)
    if by is None:
        return aims
    return _Aims(aims.x - by.x * by.z, aims.w - by.w * by.v, aims.s - by.s * by.y)


def _corrected(at: _Point, by: _Point, primal: float, dual: float, target: float) -> _Aims:
    """What products that a longer step would leave far from the target lack of it."""
    ahead = at.moved(by, min(1.0, 1.3 * primal + 0.1), min(1.0, 1.3 * dual + 0.1))

    def lack(amount: Floats, price: Floats) -> Floats:
        products = amount * price
        out = np.clip(products, LEAST * target, MOST * target) - products
        return np.maximum(out, -MOST * target)

    return _Aims(lack(ahead.x, ahead.z), lack(ahead.w, ahead.v), lack(ahead.s, ahead.y))
