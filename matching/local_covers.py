"""Cover cuts on supervision: who cannot all be in a department in the same week (of those whom
the same educators may supervise).

Weights do not fill a limit exactly, and the relaxation makes use of what is left: half a learner in the
space of half a weight, a quarter of a move for the quarter that somebody's leaving would free beyond what is
needed. If the weights of C together pass the limit then sum over C of x <= |C| - 1, and whoever weighs at
least as much as the heaviest of C may be counted with them (extended covers; Wolsey, Integer Programming,
section 9.3). They hold for every allocation, whoever is in play.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matching.local_limits import Limits
from matching.program import Floats
from matching.tables import NO_CAP, Ints

# By how much a cut must be broken to be of use, and how many are added at once.
BROKEN = 0.02
AT_ONCE = 300


@dataclass(frozen=True, eq=False)
class Cover:
    """Of `pairs` at most `most` are taken."""

    pairs: Ints
    most: int


def covers(limits: Limits, pairs: Ints, x: Floats, stand: Ints, known: set[bytes]) -> list[Cover]:
    """Cuts that a solution `x` of `pairs` breaks, most broken first, with `stand` the pairs outside the
    program (all taken); those in `known` are left out and new ones added to it. Greedy: the cheapest items by
    (1 - x) / weight until the limit is passed, then without whom it still is."""
    if limits.policy.supervision is None:
        return []
    some = x > 1e-4
    every = np.concatenate([pairs[some], stand])
    value = np.concatenate([np.minimum(1.0, x[some]), np.ones(len(stand))])
    found = []
    for c, week, requirements, taken in _cells(limits, every, value):
        cap = _cap(limits, c, week)
        if cap >= NO_CAP:
            continue
        weight = limits.tables.weight[requirements]
        inside = _cover(weight, taken, cap)
        if inside is None:
            continue
        slack = float((1.0 - taken[inside]).sum())
        if slack > 1.0 - BROKEN:
            continue
        members = requirements[inside]
        mark = np.append(np.sort(members), c * limits.weeks + week).tobytes()
        if mark not in known:
            found.append((slack, c, week, members, mark))
    out = []
    for _, c, week, members, mark in sorted(found, key=lambda f: (f[0], f[4]))[:AT_ONCE]:
        known.add(mark)
        out.append(Cover(_pairs(limits, c, week, members), len(members) - 1))
    return out


def _cells(limits: Limits, every: Ints, value: Floats) -> Iterator[tuple[int, int, Ints, Floats]]:
    """Cells and weeks with somebody only partly there: who is there, and how much of each. Weeks with
    the same people are looked at once."""
    uses = limits.uses(every)
    first = limits.begin["supervision"]
    here = (uses.limit >= first) & (uses.limit < first + len(limits.caps["supervision"]))
    cell, of = uses.limit[here] - first, uses.pair[here]
    partly = np.zeros(len(limits.caps["supervision"]), np.bool_)
    partly[cell[(value[of] > 0.01) & (value[of] < 0.99)]] = True
    keep = partly[cell]
    cell, of = cell[keep], of[keep]
    if not len(cell):
        return
    n = len(limits.tables.problem.requirements)
    key, position = np.unique(cell * n + limits.eligible.requirement[every[of]], return_inverse=True)
    there = np.minimum(1.0, np.bincount(position, value[of], len(key)))
    cell, who = key // n, key % n
    starts = np.flatnonzero(np.concatenate([[True], cell[1:] != cell[:-1]]))
    seen: set[tuple[int, bytes]] = set()
    for begin, end in zip(starts.tolist(), np.append(starts[1:], len(cell)).tolist(), strict=True):
        c, week = divmod(int(cell[begin]), limits.weeks)
        mark = (c, who[begin:end].tobytes())
        if mark not in seen:
            seen.add(mark)
            yield c, week, who[begin:end], there[begin:end]


def _cap(limits: Limits, c: int, week: int) -> int:
    """What a cell can supervise in a week, with all of the pools that it draws on."""
    shared = limits.shared["supervision"]
    cap = int(limits.caps["supervision"][c * limits.weeks + week])
    if shared.served[c]:
        cap += int(sum(shared.pool[p, week] for p in shared.teams.pools_of[c]))
    return cap


def _cover(weight: Ints, taken: Floats, cap: int) -> Ints | None:
    """Positions of a minimal cover with a small sum of 1 - taken; None where all fit together."""
    order = np.lexsort((np.arange(len(weight)), (1.0 - taken) / weight))
    total = np.cumsum(weight[order])
    if total[-1] <= cap:
        return None
    inside = order[: int(np.searchsorted(total, cap, side="right")) + 1]
    over = int(weight[inside].sum()) - cap
    kept = []
    for i in inside[np.lexsort((inside, taken[inside]))].tolist():
        if weight[i] < over:
            over -= int(weight[i])
        else:
            kept.append(i)
    return np.array(kept, np.int64)


def _pairs(limits: Limits, c: int, week: int, members: Ints) -> Ints:
    """Every pair there of the members, and of all who weigh as much as the heaviest of them."""
    eligible = limits.eligible
    heaviest = int(limits.tables.weight[members].max())
    there = limits.at_cell(c)
    there = there[limits.tables.week_set_weeks[eligible.week_set[there], week]]
    counted = np.isin(eligible.requirement[there], members) | (limits.weight[there] >= heaviest)
    out: Ints = there[counted]
    return out
