"""A large part window by window: a first idea of what every choice is worth.

Blocks fall into windows of the year whose weeks do not meet. What ties the windows together is what a learner
may do over the year, above all how often at one site. Here that is shared out evenly: where a learner may be
at a site twice and could ask for it four times, each choice there may be half taken. The windows then fall
apart, each is relaxed in a second or two by the simplex method, and its prices come close to those of the
whole (a regional year: 0.03 % of its cost in all tiers, docs/decisions/integer.md).
"""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from matching.columns import Choices, groups
from matching.portion import Whole
from matching.program import Floats, relax
from matching.stop import Stop
from matching.tables import Bools, Ints, Tables

OVER_THE_YEAR = ("site_repeats", "different_sites", "rotation", "agreements", "hei_fairness")
WORKERS = 2


def window_of(tables: Tables, chosen: Choices) -> Ints:
    """[choices] the window of the year each lies in: week sets that share weeks, directly or through others,
    are in one. O(week sets x weeks)."""
    covers = tables.week_set_weeks
    label = np.arange(len(covers))
    for w in range(covers.shape[1]):
        there = np.flatnonzero(covers[:, w])
        for other in np.unique(label[there])[1:] if len(there) else []:
            label[label == other] = label[there].min()
    _, window = np.unique(label[chosen.week_set], return_inverse=True)
    out: Ints = window.astype(np.int64)
    return out


def spread(
    whole: Whole, chosen: Choices, window: Ints, cost: Floats, stop: Stop, seconds: float
) -> tuple[Floats, Floats]:
    """Reduced cost and share taken [choices] of the relaxation with learners' years shared out evenly. A
    choice of a window that was not relaxed in its time has reduced cost 0."""
    upper, left, skipped = _shared_out(whole, chosen, window)

    def one(w: int) -> tuple[Ints, Floats, Floats] | None:
        free = np.flatnonzero(window == w)
        part = whole.portion(free, cost, left, without=skipped)
        limits = part.program.upper.copy()
        limits[: part.n] = upper[free]
        program = dataclasses.replace(part.program, upper=limits)
        found = relax(program, stop, seconds, corner=True)
        if found is None:
            return None
        reduced = program.cost + program.rows.T @ found.price
        return free, reduced[: part.n], found.x[: part.n]

    reduced, taken = np.zeros(whole.n), np.zeros(whole.n)
    with ThreadPoolExecutor(WORKERS) as workers:
        for answer in workers.map(one, range(int(window.max(initial=-1)) + 1)):
            if answer is not None:
                free, price, x = answer
                reduced[free], taken[free] = price, np.clip(x, 0.0, 1.0)
    return reduced, taken


def _shared_out(whole: Whole, chosen: Choices, window: Ints) -> tuple[Floats, Floats, Bools]:
    """The most of each choice, what each row leaves and which rows are left out, with every learner's year
    shared out over the windows."""
    part = whole.of_choices
    upper, left = np.ones(whole.n), whole.most.copy()
    skipped = whole.rule(*OVER_THE_YEAR)
    for i in np.flatnonzero(whole.rule("site_repeats")).tolist():
        inside = part.indices[part.indptr[i] : part.indptr[i + 1]]
        asking = len(np.unique(chosen.requirement[inside]))
        upper[inside] = np.minimum(upper[inside], max(0.0, whole.most[i]) / max(1, asking))
    row = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
    pairs = np.unique(np.stack([row, window[part.indices]]), axis=1)
    windows = np.bincount(pairs[0], minlength=part.shape[0])
    several = windows > 1
    whole_year = several & whole.rule("requirement")
    left[whole_year] /= windows[whole_year]
    return upper, left, skipped | (several & ~whole_year)


def cheapest(requirement: Ints, reduced: Floats, count: int) -> Bools:
    """[choices] the `count` of least reduced cost of each requirement."""
    out = np.zeros(len(requirement), np.bool_)
    for _, members in groups(requirement):
        out[members[np.argsort(reduced[members], kind="stable")[:count]]] = True
    return out
