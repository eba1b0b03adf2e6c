"""Independent parts of a match: requirements that can never touch the same limit are solved apart.

A part is a pure flow when its requirements all ask for the same weeks, no learner has two of them, and
every department whose WTE counts is asked for by requirements of one weight. Otherwise it goes to the
integer search, with the fact that sent it there in words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from matching.eligibility import Eligible
from matching.policy import Policy
from matching.tables import Bools, Ints, Tables


@dataclass(frozen=True, eq=False)
class Part:
    """Requirements (positions) and their pairs (positions in `Eligible`); `week_set` is the position of their
    common weeks, and `beyond_flow` is empty for a pure flow or says why it is none."""

    requirements: Ints
    pairs: Ints
    week_set: int
    beyond_flow: str


@dataclass(frozen=True, eq=False)
class Limited:
    """Which departments, sites and trusts carry a limit (or a cost) of their own."""

    supervised: Bools
    department: Bools
    site: Bools
    trust: Bools
    one_place: bool


def limited(tables: Tables, policy: Policy) -> Limited:
    """Marks the caps that bind more than one offer can see."""
    problem = tables.problem
    counts = policy.supervision is not None or any(price for _, price in policy.supervisor_load)
    supervised = np.array([counts and d.wte is not None for d in problem.departments], np.bool_)
    department = supervised | np.array(
        [policy.places and d.places is not None for d in problem.departments], np.bool_
    )
    site = np.array([policy.places and s.places is not None for s in problem.sites], np.bool_)
    trust = np.array([policy.places and t.places is not None for t in problem.trusts], np.bool_)
    return Limited(supervised, department, site, trust, policy.one_place_a_week)


def week_spans(tables: Tables) -> Ints:
    """[week sets] label of the span each belongs to: sets that share a week, directly or through others,
    share it."""
    sets = tables.week_sets
    rows = np.array([i for i, weeks in enumerate(sets) for _ in weeks], np.int64)
    columns = np.array([w for weeks in sets for w in weeks], np.int64)
    n, m = len(sets), len(tables.problem.weeks)
    return _labels(rows, columns + n, n + m)[:n]


def _labels(left: Ints, right: Ints, size: int) -> Ints:
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(size, size))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def parts(tables: Tables, policy: Policy, eligible: Eligible) -> list[Part]:
    """The independent parts of the pairs allowed, in the order of their first requirement. O(pairs)."""
    if not len(eligible.requirement):
        return []
    problem, caps = tables.problem, limited(tables, policy)
    span = week_spans(tables)[tables.requirement_week_set]
    spans = int(span.max()) + 1
    n = len(problem.requirements)
    pair_span = span[eligible.requirement]
    offer_node = n + eligible.offer * spans + pair_span
    used = np.unique(offer_node)
    offer, used_span = (used - n) // spans, (used - n) % spans
    base = n + len(problem.offers) * spans
    left, right = [eligible.requirement, np.arange(n)], [offer_node, np.arange(n)]
    for has, of_offer in (
        (caps.department, tables.offer_department),
        (caps.site, tables.offer_site),
        (caps.trust, tables.offer_trust),
    ):
        up = of_offer[offer]
        keep = has[up]
        left.append(used[keep])
        right.append(base + up[keep] * spans + used_span[keep])
        base += len(has) * spans
    left.append(np.arange(n))
    right.append(base + tables.requirement_learner * spans + span)
    base += len(problem.learners) * spans
    label = _labels(np.concatenate(left), np.concatenate(right), base)[:n]
    return _split(tables, eligible, caps, label)


def _split(tables: Tables, eligible: Eligible, caps: Limited, label: Ints) -> list[Part]:
    has_pair = np.diff(eligible.start) > 0
    requirements = np.flatnonzero(has_pair)
    order = np.argsort(label[requirements], kind="stable")
    requirements = requirements[order]
    cuts = np.flatnonzero(np.diff(label[requirements])) + 1
    pair_order = np.argsort(label[eligible.requirement], kind="stable")
    pair_cuts = np.flatnonzero(np.diff(label[eligible.requirement[pair_order]])) + 1
    out = [
        Part(
            members,
            pairs,
            int(tables.requirement_week_set[members[0]]),
            _beyond_flow(tables, eligible, caps, members, pairs),
        )
        for members, pairs in zip(np.split(requirements, cuts), np.split(pair_order, pair_cuts), strict=True)
    ]
    return sorted(out, key=lambda part: int(part.requirements[0]))


def _beyond_flow(tables: Tables, eligible: Eligible, caps: Limited, members: Ints, pairs: Ints) -> str:
    learners = tables.requirement_learner[members]
    if len(np.unique(tables.requirement_week_set[members])) > 1:
        return "blocks overlap in part"
    if caps.one_place and len(np.unique(learners)) < len(learners):
        return "a learner has two requirements in the same weeks"
    department = tables.offer_department[eligible.offer[pairs]]
    weight = tables.weight[eligible.requirement[pairs]]
    counted = caps.supervised[department]
    department, weight = department[counted], weight[counted]
    least = np.full(len(caps.supervised), np.iinfo(np.int64).max)
    most = np.full(len(caps.supervised), -1)
    np.minimum.at(least, department, weight)
    np.maximum.at(most, department, weight)
    if ((most >= 0) & (least != most)).any():
        return "learners of different supervision weights meet in a department"
    return ""
