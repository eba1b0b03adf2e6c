"""Which standing placings are in a limit that no longer holds: those among whom someone may have to leave.

A placing that a rule refuses by itself is no longer there at all; here it is about the rules over several
placings. Everybody in a broken limit is in question: all in the offer, department, site or trust in that
week, all who take a bed there, all whom the same educators could supervise in that week (cells joined by
pools, where these together are too little), a learner's placings that break a rule among
themselves, the companions, those whom an agreement counts.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from matching.columns import groups
from matching.local_limits import Limits
from matching.shares import lacking
from matching.tables import NO_CAP, Bools, Ints
from matching.teams import Shared


def in_question(limits: Limits, pairs: Ints) -> Bools:
    """[pairs given] whether each is in a limit that these placings break. O(placings x weeks), and a small
    linear program where departments rely on educators."""
    uses = limits.uses(pairs)
    load = np.zeros(len(limits.cap), np.int64)
    np.add.at(load, uses.limit, uses.amount)
    over = (load > limits.cap) & (limits.cap < NO_CAP)
    for shared in limits.shared.values():
        first = limits.begin[shared.family]
        here = slice(first, first + len(shared.served) * limits.weeks)
        served = np.repeat(shared.served, limits.weeks)
        own_over = over[here] & served
        over[here] &= ~served
        if own_over.any():
            over[here] |= _unsupervised(limits, shared, load[here].reshape(-1, limits.weeks))
    out = np.zeros(len(pairs), np.bool_)
    out[uses.pair[over[uses.limit]]] = True
    out |= _different_sites(limits, pairs)
    out |= _companions(limits, pairs)
    return out


def _unsupervised(limits: Limits, shared: Shared, load: Ints) -> Bools:
    """[cells x weeks] those whose part of a week's pools cannot supervise them together."""
    first = limits.begin[shared.family]
    own = limits.cap[first : first + load.size].reshape(load.shape)
    needs = [(c, w, int(load[c, w] - own[c, w])) for c, w in np.argwhere(load > own).tolist()]
    needs = [need for need in needs if shared.served[need[0]]]
    out = np.zeros(load.shape, np.bool_)
    joined = _joined(shared)
    for c, w in lacking(shared.teams.pools_of, shared.pool, needs):
        out[joined == joined[c], w] = True
    return out.reshape(-1)


def _joined(shared: Shared) -> Ints:
    """[cells] the same number for those joined by pools, -1 for those that draw on none."""
    label = np.where(shared.served, np.arange(len(shared.served)), -1)
    for cells in shared.teams.cells_of:
        those = np.unique(label[cells])
        if len(those):
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
