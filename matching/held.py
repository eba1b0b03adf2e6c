"""Tiers held at their value, as rows that a solver's tolerance cannot bend.

HiGHS lets a row be broken by a millionth, and a row is scaled by its dearest entry. So one row holds a tier
to its last unit only where no choice costs more than some hundred thousand units. A dearer tier is held in
digits, as sums are added on paper: with cost = low + base * high and value = rest + base * top, all whole,

    low . x - base * carry <= rest,    high . x + carry <= top,    carry whole

together say cost . x <= value and no more, and no entry exceeds the base; the second is split again while it
is too dear. The carry is told by how much it differs from that of an answer in hand, up and down, so that the
answer is one with every further column at 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix, hstack

from matching.program import Floats
from matching.tables import Bools, Ints

# Units up to which a row is held by HiGHS: the row may slip by a quarter of one, and the carry's own
# wholeness by another.
BASE = 250_000
# What is added to a limit, in units, for the rounding of floating point.
SLACK = 0.01


@dataclass(eq=False)
class Held:
    """Rows over the columns of a model and further ones, whole, one each way for each carry.

    `upper` [columns] of the model, `taken` [choices] an answer that keeps to every tier to be held.
    """

    upper: Floats
    taken: Bools
    most: list[float] = field(default_factory=list)
    further: list[float] = field(default_factory=list)
    _rows: list[Floats] = field(default_factory=list)
    _carried: list[tuple[int, int, float]] = field(default_factory=list)

    @property
    def rows(self) -> csr_matrix:
        """[rows, columns of the model and further ones]."""
        row, column, value = zip(*self._carried, strict=True) if self._carried else ((), (), ())
        shape = (len(self._rows), len(self.further))
        own = csr_matrix(np.array(self._rows).reshape(len(self._rows), len(self.upper)))
        return hstack([own, csr_matrix((value, (row, column)), shape=shape)]).tocsr()

    def hold(self, tiers: Iterable[tuple[Ints, int]]) -> Held:
        """Adds cost [columns] . x <= value for each. O(columns) a digit."""
        for cost, value in tiers:
            self._hold(cost, value)
        return self

    def _hold(self, cost: Ints, value: int) -> None:
        n = len(self.taken)
        grid = max(1, int(np.gcd.reduce(cost)))
        carry: tuple[int, ...] = ()
        least = most = 0
        while int(np.abs(cost[:n]).max(initial=0)) > BASE * grid:
            base = BASE * grid
            # The further columns are not whole, and stay among the low digits.
            high, low = np.zeros_like(cost), cost.copy()
            high[:n], low[:n] = np.divmod(cost[:n], base)
            top, rest = divmod(value, base)
            now = top - int(high[:n][self.taken].sum())
            worth = low * self.upper
            least = -int((rest - least - np.minimum(worth, 0.0).sum()) // base) - now
            most = -int((rest - most - np.maximum(worth, 0.0).sum()) // base) - now
            up = len(self.further)
            self.further += [float(max(0, most)), float(max(0, -least))]
            self._row(low, rest + base * now, grid, [*_both(carry, 1.0), *_both((up, up + 1), -float(base))])
            cost, value, grid, carry = high, top - now, 1, (up, up + 1)
        self._row(cost, value, grid, _both(carry, 1.0))

    def _row(self, cost: Ints, most: int, grid: int, carried: list[tuple[int, float]]) -> None:
        scale = max(1.0, float(np.abs(cost).max(initial=0)), *(abs(value) for _, value in carried))
        self._carried += [(len(self._rows), column, value / scale) for column, value in carried]
        self._rows.append(cost / scale)
        self.most.append((most + SLACK * grid) / scale)


def _both(carry: tuple[int, ...], value: float) -> list[tuple[int, float]]:
    """A carry's entries, up and down."""
    return [(carry[0], value), (carry[1], -value)] if carry else []
