"""A large part window by window: what every choice is worth, roughly.

Blocks fall into windows of the year whose weeks do not meet. What ties the windows together is what a learner
may do over the year, above all how often at one site. Each window alone is relaxed in a second or two by the
simplex method, with a learner's year shared out evenly: where they may be at a site twice and could ask for
it four times, each choice there may be half taken. That comes close to the whole.
"""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import csr_matrix

from matching.columns import Choices
from matching.components import week_spans
from matching.interior import Inside
from matching.portion import Portion, Whole
from matching.program import Corner, Floats
from matching.stop import Stop
from matching.tables import Bools, Ints, Tables
from matching.threads import results

OVER_THE_YEAR = ("different_sites", "agreements", "hei_fairness")
WORKERS = 2
# Points of reduced cost up to which a choice is worth having.
NEAR = 6.0


def window_of(tables: Tables, chosen: Choices) -> Ints:
    """[choices] the window of the year each lies in: week sets that share weeks, directly or through others,
    are in one. O(week sets x weeks)."""
    _, window = np.unique(week_spans(tables)[chosen.week_set], return_inverse=True)
    out: Ints = window.astype(np.int64)
    return out


class Windows:
    """The windows of a part at a cost [columns]."""

    def __init__(self, whole: Whole, chosen: Choices, window: Ints, cost: Floats, stop: Stop) -> None:
        self.whole, self.chosen, self.stop = whole, chosen, stop
        part = whole.of_choices
        self.spans = _distinct(part, window)
        self.floating = (self.spans > 1) & whole.rule("requirement")
        self.reduced, self.taken = np.zeros(whole.n), np.zeros(whole.n)
        self.worth = np.zeros(whole.n, np.bool_)
        self.amounts, self.prices = np.zeros(len(whole.upper)), np.zeros(len(whole.most))
        self.margin = np.zeros(int(chosen.requirement.max(initial=-1)) + 1)
        self.most, left = self._shared_out()
        self.parts: list[Portion] = []
        self.corners: list[Corner] = []
        skipped = ((self.spans > 1) | whole.rule(*OVER_THE_YEAR)) & ~self.floating
        for w in range(int(window.max(initial=-1)) + 1):
            free = np.flatnonzero(window == w)
            item = whole.portion(free, cost, left, without=skipped)
            limits = item.program.upper.copy()
            limits[: item.n] = self.most[free]
            self.parts.append(item)
            self.corners.append(Corner(dataclasses.replace(item.program, upper=limits), stop))

    def explore(self, seconds: float) -> bool:
        """Solves the windows: `reduced` and `taken` [choices], `amounts` [columns] and `prices` [rows],
        `margin` [requirements] and `worth` [choices], which marks the choices worth having. False where time
        ended before."""
        ends = time.monotonic() + seconds
        with ThreadPoolExecutor(WORKERS) as workers:
            begun = [workers.submit(_solve_by, ends, each) for each in self.corners]
            solved: list[bool] = results(begun, self.stop)
            if not all(solved):
                return False
        for item, corner in zip(self.parts, self.corners, strict=True):
            free = item.columns[: item.n]
            self.reduced[free] = corner.reduced[: item.n]
            self.taken[free] = np.clip(corner.x[: item.n], 0.0, 1.0)
            self.amounts[item.columns] = corner.x
            self.prices[item.rows] = np.maximum(self.prices[item.rows], corner.price)
        self.margin = self._margins()
        self.worth = (self.reduced < NEAR) | (self.taken > 1e-6) | self._elsewhere()
        return True

    def inside(self, mean: float) -> Inside:
        """Where the whole may begin to be relaxed."""
        none, nothing = np.zeros(len(self.amounts)), np.zeros(len(self.prices))
        return Inside(self.amounts, none, none, self.prices, nothing, mean)

    def _shared_out(self) -> tuple[Floats, Floats]:
        """The most of each choice and what each row leaves, with every learner's year shared out."""
        whole, part = self.whole, self.whole.of_choices
        upper, left = np.ones(whole.n), whole.most.copy()
        repeats = np.flatnonzero(whole.rule("site_repeats"))
        part = csr_matrix(part[repeats])
        asking = np.maximum(1, _distinct(part, self.chosen.requirement))
        each = np.maximum(0.0, whole.most[repeats]) / asking
        np.minimum.at(upper, part.indices, np.repeat(each, np.diff(part.indptr)))
        left[self.floating] /= self.spans[self.floating]
        return upper, left

    def _margins(self) -> Floats:
        """[requirements] what placing each gains beyond what it costs in its best window."""
        out = np.zeros(len(self.margin))
        own = self.whole.rule("requirement")
        for item, corner in zip(self.parts, self.corners, strict=True):
            for i in np.flatnonzero(own[item.rows]).tolist():
                r = self.whole.names[item.rows[i]].position
                out[r] = max(out[r], corner.price[i])
        return out

    def _elsewhere(self) -> Bools:
        """Choices of a learner at sites that they take in another window: what they may exchange."""
        site = self.chosen.learner * (int(self.chosen.site.max(initial=0)) + 1) + self.chosen.site
        out: Bools = np.isin(site, np.unique(site[self.taken > 1e-3]))
        return out


def _solve_by(ends: float, corner: Corner) -> bool:
    """A window solved in what is left once its turn has come."""
    return corner.solve(ends - time.monotonic())


def _distinct(rows: csr_matrix, label: Ints) -> Ints:
    """[rows] how many labels [columns] the entries of each row have. O(entries log entries)."""
    kinds = int(label.max(initial=0)) + 1
    row = np.repeat(np.arange(rows.shape[0], dtype=np.int64), np.diff(rows.indptr))
    there = np.unique(row * kinds + label[rows.indices])
    out: Ints = np.bincount(there // kinds, minlength=rows.shape[0]).astype(np.int64)
    return out
