"""From a relaxation to whole learners, a few at a time: whoever it places almost whole is placed, and the
rest is relaxed again from where it stood.

Everyone who is not placed yet stays free to make way, so that little is lost on the way: on a regional year a
window of 1,800 requirements ends some 50 points from its relaxation, after a hundred solves of milliseconds
(diving, as in Danna, Rothberg and Le Pape 2005, but by groups).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from matching.program import Basis, Corner, Floats, Program
from matching.stop import Stop
from matching.tables import Bools, Ints

# Shares from which a choice is whole, and up to which it is not taken.
WHOLE, NONE = 1.0 - 1e-4, 1e-4
# The share from which a requirement may be placed, and the solves after which the rest is left to a search.
LIKELY, SOLVES = 0.6, 300


@dataclass(frozen=True)
class Pace:
    """`at_once`: of the requirements still shared out, how many are placed at once; `loss`: points lost by a
    step from which it is taken back and made smaller; `few`: how many shared out are left to a search, which
    twice as many are once a step is taken back."""

    at_once: float = 0.15
    loss: float = 100.0
    few: int = 100


class Dive:
    """A dive in a program whose first `n` columns are choices, of the requirements `of` [choices]; from a
    basis, where one is given."""

    def __init__(
        self, program: Program, of: Ints, stop: Stop, pace: Pace | None = None, basis: Basis | None = None
    ) -> None:
        self.corner, self.of, self.n = Corner(program, stop, basis, perturbed=basis is None), of, len(of)
        self.pace = pace or Pace()
        self.fixed: Bools = np.zeros(self.n, np.bool_)
        self.x: Floats = np.zeros(self.n)
        self.value, self.solves = np.inf, 0

    def run(self, seconds: float) -> Bools | None:
        """[choices] which are whole once few are not; None where time ended before the first solve did."""
        ends = time.monotonic() + seconds
        if not self._solve(seconds):
            return None
        while self.solves < SOLVES and time.monotonic() < ends:
            shared = ~self.fixed & (self.x > NONE) & (self.x < WHOLE)
            count = len(np.unique(self.of[shared]))
            if count <= self.pace.few:
                break
            those = self._likely(shared, max(3, int(self.pace.at_once * count)))
            dearer = self._at_once(those, ends)
            if dearer is None:
                continue
            if count <= 2 * self.pace.few:
                break
            self._divided(those, dearer, ends)
        whole: Bools = self.x >= WHOLE
        return whole

    def _likely(self, shared: Bools, most: int) -> Ints:
        """The choices nearest to whole, one a requirement."""
        those = np.flatnonzero(shared)
        order = those[np.argsort(-self.x[those], kind="stable")]
        _, first = np.unique(self.of[order], return_index=True)
        order = order[np.sort(first)]
        likely = order[self.x[order] >= LIKELY]
        return likely[:most] if len(likely) else order[:1]

    def _step(self, those: Ints, ends: float) -> None:
        """Takes as many of some choices as cost little."""
        dearer = self._at_once(those, ends)
        if dearer is not None:
            self._divided(those, dearer, ends)

    def _at_once(self, those: Ints, ends: float) -> float | None:
        """Takes some choices where that costs little; else the value at which that would be, and all is as it
        was."""
        before, x = self.value, self.x
        self.corner.between(those, 1.0, 1.0)
        if self._solve(ends - time.monotonic()) and self.value - before <= self.pace.loss:
            self.fixed[those] = True
            return None
        dearer, self.value, self.x = self.value, before, x
        self.corner.between(those, 0.0, 1.0)
        return dearer

    def _divided(self, those: Ints, dearer: float, ends: float) -> None:
        """Takes some choices that cost too much at once in smaller steps, or the only one of them where to do
        without it is dearer still."""
        before, x, left = self.value, self.x, ends - time.monotonic()
        if len(those) > 1:
            first = max(1, len(those) // 4)
            self._step(those[:first], ends)
            rest = those[first:]
            rest = rest[(self.x[rest] > 0.5) & ~self.fixed[rest]]
            if len(rest) and time.monotonic() < ends:
                self._step(rest, ends)
            return
        self.corner.between(those, 0.0, 0.0)
        if self._solve(left) and self.value <= dearer:
            return
        self.corner.between(those, 1.0, 1.0)
        self.fixed[those] = True
        if not self._solve(left):
            self.value, self.x = before, x

    def _solve(self, seconds: float) -> bool:
        self.solves += 1
        if not self.corner.solve(seconds):
            self.value = np.inf
            return False
        self.value, self.x = self.corner.value, self.corner.x[: self.n]
        return True
