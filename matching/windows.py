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
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

from matching.columns import Choices
from matching.components import week_spans
from matching.connected import in_turn
from matching.interior import Inside
from matching.portion import Portion, Whole, carried
from matching.program import Corner, Floats
from matching.stop import Stop
from matching.tables import Bools, Ints, Tables
from matching.threads import results

OVER_THE_YEAR = ("different_sites", "agreements", "hei_fairness")
WORKERS = 2
# Points of reduced cost up to which a choice is worth having.
NEAR = 6.0
# How many choices of each requirement a window begins with; points of reduced cost up to which it is given
# further ones once some are missing, and under which one is.
CHEAPEST, MISSED, SLIGHT = 16, 1.0, 1e-6
# Entries of a matrix that are looked through at once.
AT_A_TIME = 2_000_000


def window_of(tables: Tables, chosen: Choices) -> Ints:
    """[choices] the window of the year each lies in: week sets that share weeks, directly or through others,
    are in one. O(week sets x weeks)."""
    _, window = np.unique(week_spans(tables)[chosen.week_set], return_inverse=True)
    out: Ints = window.astype(np.int64)
    return out


@dataclass(frozen=True, eq=False)
class Window:
    """A window at its optimum: over some of its choices `x` [columns of the part] and `price` [its rows],
    over all of them `reduced` [choices of the window]."""

    part: Portion
    value: float
    x: Floats
    price: Floats
    reduced: Floats


class Windows:
    """The windows of a part at a cost [columns]."""

    def __init__(self, whole: Whole, chosen: Choices, window: Ints, cost: Floats, stop: Stop) -> None:
        self.whole, self.chosen, self.window, self.cost, self.stop = whole, chosen, window, cost, stop
        self.spans = distinct(whole.rows, window)
        self.floating = (self.spans > 1) & whole.rule("requirement")
        self.skipped = ((self.spans > 1) | whole.rule(*OVER_THE_YEAR)) & ~self.floating
        self.most, self.left = self._shared_out()
        self.reduced, self.taken = np.zeros(whole.n), np.zeros(whole.n)
        self.worth = np.zeros(whole.n, np.bool_)
        self.amounts, self.prices = np.zeros(len(whole.upper)), np.zeros(len(whole.most))
        self.margin = np.zeros(int(chosen.requirement.max(initial=-1)) + 1)
        self.solved: list[Window] = []

    def explore(self, seconds: float) -> bool:
        """Solves the windows: `reduced` and `taken` [choices], `amounts` [columns] and `prices` [rows],
        `margin` [requirements] and `worth` [choices], which marks the choices worth having. False where time
        ended before."""
        ends = time.monotonic() + seconds
        with ThreadPoolExecutor(WORKERS) as workers:
            every = range(int(self.window.max(initial=-1)) + 1)
            found = results([workers.submit(self.solve, w, ends) for w in every], self.stop)
        self.solved = [each for each in found if each is not None]
        if len(self.solved) < len(found):
            return False
        for w, each in enumerate(self.solved):
            mine = self.window == w
            self.reduced[mine] = each.reduced
            self.amounts[each.part.columns] = each.x
            self.prices[each.part.rows] = np.maximum(self.prices[each.part.rows], each.price)
        self.taken = np.clip(self.amounts[: self.whole.n], 0.0, 1.0)
        self.margin = self._margins()
        self.worth = (self.reduced < NEAR) | (self.taken > 1e-6) | self._elsewhere()
        return True

    def solve(self, w: int, ends: float) -> Window | None:
        """A window at its optimum over all of its choices, by the simplex method: first over the cheapest of
        each requirement, then from there with those that turn out to be missing, until none is. None where
        time ended before."""
        mine = np.flatnonzero(self.window == w)
        kept, before = self._cheapest(mine), None
        while True:
            part = self.whole.portion(mine[kept], self.cost, self.left, without=self.skipped)
            upper = part.program.upper.copy()
            upper[: part.n] = self.most[mine[kept]]
            basis = None if before is None else carried(self.whole, before[0], before[1], part)
            program = dataclasses.replace(part.program, upper=upper)
            corner = Corner(program, self.stop, basis, primal=basis is not None, perturbed=basis is None)
            if not corner.solve(ends - time.monotonic()):
                return None
            found = corner.found()
            price = np.zeros(len(self.whole.most))
            price[part.rows] = found.price
            reduced = self.cost[mine] + (self.whole.columns.T @ price)[mine]
            missed = ~kept & (reduced < MISSED)
            if found.basis is None or not (missed & (reduced < -SLIGHT)).any():
                return Window(part, corner.value, found.x, found.price, reduced)
            kept, before = kept | missed, (part, found.basis)

    def _cheapest(self, mine: Ints) -> Bools:
        """[choices of a window] whether each is among the cheapest of its requirement."""
        of = self.chosen.requirement[mine]
        order = np.lexsort((self.cost[mine], of))
        size = np.bincount(of)
        nth = np.empty(len(mine), np.int64)
        nth[order] = in_turn(size)
        out: Bools = nth < CHEAPEST
        return out

    def inside(self, mean: float) -> Inside:
        """Where the whole may begin to be relaxed."""
        none, nothing = np.zeros(len(self.amounts)), np.zeros(len(self.prices))
        return Inside(self.amounts, none, none, self.prices, nothing, mean)

    def _shared_out(self) -> tuple[Floats, Floats]:
        """The most of each choice and what each row leaves, with every learner's year shared out."""
        whole, upper, left = self.whole, np.ones(self.whole.n), self.whole.most.copy()
        repeats = np.flatnonzero(whole.rule("site_repeats"))
        part = csr_matrix(whole.rows[repeats])
        asking = np.maximum(1, distinct(part, self.chosen.requirement))
        each = np.maximum(0.0, whole.most[repeats]) / asking
        np.minimum.at(upper, part.indices, np.repeat(each, np.diff(part.indptr)))
        left[self.floating] /= self.spans[self.floating]
        return upper, left

    def _margins(self) -> Floats:
        """[requirements] what placing each gains beyond what it costs in its best window."""
        out = np.zeros(len(self.margin))
        own = self.whole.rule("requirement")
        for each in self.solved:
            mine = np.flatnonzero(own[each.part.rows])
            r = np.array([self.whole.names[i].position for i in each.part.rows[mine].tolist()], np.int64)
            np.maximum.at(out, r, each.price[mine])
        return out

    def _elsewhere(self) -> Bools:
        """Choices of a learner at sites that they take in another window: what they may exchange."""
        site = self.chosen.learner * (int(self.chosen.site.max(initial=0)) + 1) + self.chosen.site
        out: Bools = np.isin(site, np.unique(site[self.taken > 1e-3]))
        return out


def distinct(rows: csr_matrix, label: Ints) -> Ints:
    """[rows] how many labels [choices] the entries of each row have, in further columns none. So many entries
    at a time that little is held. O(entries log entries)."""
    kinds = int(label.max(initial=0)) + 1
    out = np.zeros(rows.shape[0], np.int64)
    cuts = np.searchsorted(rows.indptr, np.arange(0, rows.nnz, AT_A_TIME))
    for begin, end in pairwise(np.unique([0, *cuts.tolist(), rows.shape[0]]).tolist()):
        column = rows.indices[rows.indptr[begin] : rows.indptr[end]]
        row = np.repeat(np.arange(end - begin, dtype=np.int64), np.diff(rows.indptr[begin : end + 1]))
        choice = column < len(label)
        there = np.unique(row[choice] * kinds + label[column[choice]])
        out[begin:end] = np.bincount(there // kinds, minlength=end - begin)
    return out
