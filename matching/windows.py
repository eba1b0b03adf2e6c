"""A large part window by window: what every choice is worth, and what no answer can undercut.

Blocks fall into windows of the year whose weeks do not meet. What ties the windows together is what a learner
may do over the year, above all how often at one site. Each window alone is relaxed in a second or two by the
simplex method, and again in a fraction of that once its costs have changed.

At first a learner's year is shared out evenly: where they may be at a site twice and could ask for it four
times, each choice there may be half taken. That comes close to the whole. Then what ties the windows has a
price instead (Lagrange; Held and Karp 1971), which is moved towards what is broken on average; the windows'
values then bound the whole whatever the prices.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from scipy.sparse import csr_matrix

from matching.columns import Choices
from matching.portion import Portion, Whole
from matching.program import Corner, Floats
from matching.stop import Stop
from matching.tables import Bools, Ints, Tables
from matching.threads import results

OVER_THE_YEAR = ("different_sites", "agreements", "hei_fairness")
WORKERS = 2
# Moves of the prices, each aimed at so much of the cost, and the weight of the last window solutions.
MOVES = 4
AIM = 0.002
LATEST = 0.2
# Points of reduced cost up to which a choice is worth having: of the years shared out, and at later prices.
NEAR, NEARER = 6.0, 4.0

T = TypeVar("T")


def window_of(tables: Tables, chosen: Choices) -> Ints:
    """[choices] the window of the year each lies in: week sets that share weeks, directly or through others,
    are in one. O(week sets x weeks)."""
    covers = tables.week_set_weeks
    label = np.arange(len(covers))
    for w in range(covers.shape[1]):
        there = np.unique(label[covers[:, w]])
        if len(there) > 1:
            label[np.isin(label, there)] = there[0]
    _, window = np.unique(label[chosen.week_set], return_inverse=True)
    out: Ints = window.astype(np.int64)
    return out


class Windows:
    """The windows of a part at a cost, with prices on what ties them."""

    def __init__(self, whole: Whole, chosen: Choices, window: Ints, cost: Floats, stop: Stop) -> None:
        self.whole, self.chosen, self.cost, self.window = whole, chosen, cost, window
        self.stop = stop
        part = whole.of_choices
        self.spans = _distinct(part, window)
        self.floating = (self.spans > 1) & whole.rule("requirement")
        self.tying = np.flatnonzero((self.spans > 1) | whole.rule(*OVER_THE_YEAR))
        self.ties = csr_matrix(whole.rows[self.tying])
        self.limits = whole.most[self.tying]
        self.ends = math.inf
        self.reduced, self.taken = np.zeros(whole.n), np.zeros(whole.n)
        self.worth = np.zeros(whole.n, np.bool_)
        self.margin = np.zeros(int(chosen.requirement.max(initial=-1)) + 1)
        upper, left = self._shared_out()
        self.parts: list[Portion] = []
        self.corners: list[Corner] = []
        skipped = np.zeros(len(whole.most), np.bool_)
        skipped[self.tying] = True
        skipped[self.floating] = False
        for w in range(int(window.max(initial=-1)) + 1):
            free = np.flatnonzero(window == w)
            item = whole.portion(free, cost, left, without=skipped)
            limits = item.program.upper.copy()
            limits[: item.n] = upper[free]
            self.parts.append(item)
            self.corners.append(Corner(dataclasses.replace(item.program, upper=limits), stop))
        inside = np.zeros(len(cost), np.bool_)
        for item in self.parts:
            inside[item.columns] = True
        self.outside = np.flatnonzero(~inside)

    def explore(self, seconds: float) -> bool:
        """Solves the windows with years shared out and then at a few prices; `reduced` and `taken` [choices]
        and `margin` [requirements] are of the first, `worth` [choices] marks the choices that any of them
        thought worth having. The first may take all of the time, as nothing goes without it (False where it
        ended before); the prices a third."""
        begun = time.monotonic()
        self.ends = begun + seconds
        if not all(self._each(lambda w: self.corners[w].solve(self._left()))):
            return False
        self.ends = begun + seconds / 3
        for w, item in enumerate(self.parts):
            free = item.columns[: item.n]
            self.reduced[free] = self.corners[w].reduced[: item.n]
            self.taken[free] = np.clip(self.corners[w].x[: item.n], 0.0, 1.0)
        self.margin = self._margins()
        self.worth = (self.reduced < NEAR) | (self.taken > 1e-6)
        price = self._first_prices()
        self._whole_years()
        average = self.taken.copy()
        best, step = -np.inf, 1.0
        last = price
        for _ in range(MOVES):
            value, reduced, taken = self.at(last)
            if value is None:
                break
            self.worth |= reduced < NEARER
            average += LATEST * (taken - average)
            if value > best:
                best, price = value, last
            else:
                step *= 0.7
            over = np.asarray(self.ties[:, : self.whole.n] @ average, np.float64) - self.limits
            over[(price <= 0) & (over < 0)] = 0.0
            aim = AIM * float(np.abs(self.cost[: self.whole.n] @ average))
            last = np.maximum(0.0, price + step * aim / max(1e-9, float(over @ over)) * over)
        self.worth |= self._elsewhere(average)
        return True

    def at(self, price: Floats, cost: Floats | None = None) -> tuple[float | None, Floats, Floats]:
        """At prices [tying rows] and a cost: the value, which no answer undercuts (None: time ended), and
        reduced cost and share taken [choices]."""
        priced = (self.cost if cost is None else cost) + np.asarray(self.ties.T @ price, np.float64)

        def one(w: int) -> bool:
            self.corners[w].cost(priced[self.parts[w].columns])
            return self.corners[w].solve(self._left())

        solved = all(self._each(one))
        reduced, taken = np.zeros(self.whole.n), np.zeros(self.whole.n)
        for item, corner in zip(self.parts, self.corners, strict=True):
            free = item.columns[: item.n]
            reduced[free], taken[free] = corner.reduced[: item.n], corner.x[: item.n]
        outside = np.minimum(0.0, priced[self.outside]) @ self.whole.upper[self.outside]
        value = sum(corner.value for corner in self.corners) + float(outside) - float(price @ self.limits)
        return (value if solved else None), reduced, taken

    def _left(self) -> float:
        return self.ends - time.monotonic()

    def _each(self, task: Callable[[int], T]) -> list[T]:
        with ThreadPoolExecutor(WORKERS) as workers:
            return results([workers.submit(task, w) for w in range(len(self.parts))], self.stop)

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

    def _first_prices(self) -> Floats:
        """What the limits of the years shared out were worth, on average over the windows."""
        out = np.zeros(len(self.tying))
        ties = self.ties[:, : self.whole.n].tocsr()
        repeats = self.whole.rule("site_repeats")[self.tying]
        gain = np.maximum(0.0, -self.reduced)
        count = np.maximum(1, np.diff(ties.indptr))
        out[repeats] = (np.asarray(ties @ gain, np.float64) / count)[repeats]
        floating = np.zeros(len(self.whole.most))
        for item, corner in zip(self.parts, self.corners, strict=True):
            own = self.floating[item.rows]
            floating[item.rows[own]] += corner.price[own]
        spans = np.maximum(1, self.spans[self.tying])
        out[self.floating[self.tying]] = (floating[self.tying] / spans)[self.floating[self.tying]]
        return out

    def _margins(self) -> Floats:
        """[requirements] what placing each gains beyond what it costs in its best window."""
        out = np.zeros(len(self.margin))
        own = self.whole.rule("requirement")
        for item, corner in zip(self.parts, self.corners, strict=True):
            for i in np.flatnonzero(own[item.rows]).tolist():
                r = self.whole.names[item.rows[i]].position
                out[r] = max(out[r], corner.price[i])
        return out

    def _whole_years(self) -> None:
        """Lifts the limits of the years shared out; prices take their place."""
        for item, corner in zip(self.parts, self.corners, strict=True):
            corner.upper(np.ones(item.n))
            for row in np.flatnonzero(self.floating[item.rows]).tolist():
                corner.most(row, 1.0)

    def _elsewhere(self, average: Floats) -> Bools:
        """Choices of a learner at sites that they take in another window: what they may exchange."""
        site = self.chosen.learner * (int(self.chosen.site.max(initial=0)) + 1) + self.chosen.site
        out: Bools = np.isin(site, np.unique(site[average > 1e-3]))
        return out


def _distinct(rows: csr_matrix, label: Ints) -> Ints:
    """[rows] how many labels [columns] the entries of each row have. O(entries log entries)."""
    kinds = int(label.max(initial=0)) + 1
    row = np.repeat(np.arange(rows.shape[0], dtype=np.int64), np.diff(rows.indptr))
    there = np.unique(row * kinds + label[rows.indices])
    out: Ints = np.bincount(there // kinds, minlength=rows.shape[0]).astype(np.int64)
    return out
