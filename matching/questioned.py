"""Which standing placings are in a limit that no longer holds: those among whom someone may have to leave.

A placing that a rule refuses by itself is no longer there at all; here it is about the rules over several
placings. Everybody in a broken limit is in question: all in the offer, department, site or trust in that
week, all who take a bed there, all whom the same educators could supervise in that week (departments joined
by educators, where their time together is too little), a learner's placings that break a rule among
themselves, the companions, those whom an agreement counts.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from matching.columns import groups
from matching.local_limits import Limits
from matching.tables import NO_CAP, Bools, Ints


def in_question(limits: Limits, pairs: Ints) -> Bools:
    """[pairs given] whether each is in a limit that these placings break. O(placings x weeks), and a small
    linear program where departments rely on educators."""
    uses = limits.uses(pairs)
    load = np.zeros(len(limits.cap), np.int64)
    np.add.at(load, uses.limit, uses.amount)
    over = (load > limits.cap) & (limits.cap < NO_CAP)
    first = limits.begin["supervision"]
    here = slice(first, first + len(limits.caps["supervision"]))
    served = np.repeat(limits.served, limits.weeks)
    own_over = over[here] & served
    over[here] &= ~served
    if own_over.any():
        over[here] |= _unsupervised(limits, load[here].reshape(-1, limits.weeks))
    out = np.zeros(len(pairs), np.bool_)
    out[uses.pair[over[uses.limit]]] = True
    out |= _different_sites(limits, pairs)
    out |= _companions(limits, pairs)
    return out


def _unsupervised(limits: Limits, load: Ints) -> Bools:
    """[departments x weeks] those whose part of a week's educators cannot supervise them together."""
    tables = limits.tables
    own = limits.caps["supervision"].reshape(-1, limits.weeks)
    cells = [(d, w) for d, w in np.argwhere(load > own).tolist() if limits.served[d]]
    pools = sorted({(e, w) for d, w in cells for e in tables.educators_of[d]})
    row_of = {pool: len(cells) + i for i, pool in enumerate(pools)}
    entries = []
    n = len(cells)
    width = n
    for i, (d, w) in enumerate(cells):
        entries.append((i, i, -1.0))  # what stays unsupervised
        for e in tables.educators_of[d]:
            entries += [(i, width, -1.0), (row_of[e, w], width, 1.0)]
            width += 1
    rows, columns, values = zip(*entries, strict=True)
    matrix = coo_matrix(
        (np.array(values), (np.array(rows), np.array(columns))), shape=(n + len(pools), width)
    ).tocsr()
    right = [float(own[d, w] - load[d, w]) for d, w in cells]
    right += [float(limits.educator_limit[e, w]) for e, w in pools]
    cost = np.concatenate([np.ones(n), np.zeros(width - n)])
    found = linprog(cost, A_ub=matrix, b_ub=np.array(right), method="highs-ds")  # type: ignore[call-overload]
    if found.status != 0:
        raise AssertionError("what stays unsupervised could not be counted")
    out = np.zeros(load.shape, np.bool_)
    joined = _joined(limits)
    for (d, w), short in zip(cells, found.x[:n].tolist(), strict=True):
        if short > 0.5:
            out[joined == joined[d], w] = True
    return out.reshape(-1)


def _joined(limits: Limits) -> Ints:
    """[departments] the same number for those joined by educators, -1 for those without."""
    tables = limits.tables
    index = tables.problem.department_index
    label = np.where(limits.served, np.arange(len(limits.served)), -1)
    for educator in tables.problem.educators:
        those = np.unique(label[[index[key] for key in educator.departments]])
        label[np.isin(label, those)] = those[0]
    return label


def _different_sites(limits: Limits, pairs: Ints) -> Bools:
    out = np.zeros(len(pairs), np.bool_)
    limited = np.flatnonzero(limits.allowed_repeats[limits.learner[pairs]] < NO_CAP)
    problem = limits.tables.problem
    for who, members in groups(limits.learner[pairs[limited]]):
        sites = limits.site[pairs[limited[members]]].tolist()
        new = set(sites) - {problem.site_index[key] for key in problem.learners[who].attended}
        if len(sites) - len(new) > limits.allowed_repeats[who]:
            out[limited[members]] = True
    return out


def _companions(limits: Limits, pairs: Ints) -> Bools:
    out = np.zeros(len(pairs), np.bool_)
    problem = limits.tables.problem
    if not limits.policy.companions or not problem.companions:
        return out
    of = dict(groups(limits.learner[pairs]))
    covers = limits.tables.week_set_weeks[limits.eligible.week_set[pairs]]
    site = limits.site[pairs]
    for item in problem.companions:
        members = [of[w] for w in (problem.learner_index[key] for key in item.learners) if w in of]
        for one, two in combinations(members, 2):
            for i in one.tolist():
                wrong = (site[two] == site[i]) != (item.kind == "together")
                both = two[wrong & (covers[two] & covers[i]).any(axis=1)]
                out[both] = True
                out[i] |= bool(len(both))
    return out
