"""Independent parts of a match: requirements that can never touch the same limit are solved apart.

A part is a pure flow when its requirements all ask for the same weeks, no learner has two of them, every
department whose WTE counts is asked for by requirements of one weight, and no rule or aim ties learners
together in another way. Otherwise it goes to the integer search, with the fact that sent it there in words;
so does a flow whose prices are too far apart for its whole numbers (`network.build`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.aims import LINEAR, PRICED
from matching.connected import labels
from matching.eligibility import Eligible
from matching.policy import ALONE, Policy
from matching.rules.agreements import covers
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
    shared = [bool(e) for e in tables.educators_of]
    supervised = np.array(
        [counts and (d.wte is not None or s) for d, s in zip(problem.departments, shared, strict=True)],
        np.bool_,
    )
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
    return labels(rows, columns + n, n + m)[:n]


def parts(tables: Tables, policy: Policy, eligible: Eligible) -> list[Part]:
    """The independent parts of the pairs allowed, in the order of their first requirement. O(pairs)."""
    if not len(eligible.requirement):
        return []
    problem, caps, ties = tables.problem, limited(tables, policy), bound_together(tables, policy)
    span = week_spans(tables)[tables.variants.week_set]
    spans = int(span.max()) + 1
    n = len(problem.requirements)
    offer_node = n + eligible.offer * spans + span[eligible.variant]
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
    left.append(tables.variants.requirement)
    right.append(base + tables.requirement_learner[tables.variants.requirement] * spans + span)
    base += len(problem.learners) * spans
    for group in ties.requirements:
        left.append(group)
        right.append(np.full(len(group), base))
        base += 1
    for departments in ties.departments:
        touched = used[np.isin(tables.offer_department[offer], departments)]
        left.append(touched)
        right.append(base + (touched - n) % spans)
        base += spans
    label = labels(np.concatenate(left), np.concatenate(right), base)[:n]
    return _split(tables, eligible, caps, ties, label)


@dataclass(frozen=True, eq=False)
class Ties:
    """What ties requirements together besides limits of places and WTE: `requirements`, groups that must be
    matched together, `departments`, groups that share an educator, `why` [requirements] in words or ""."""

    requirements: list[Ints]
    departments: list[Ints]
    why: list[str]
    everything: str


FLOW_AIMS = frozenset((*LINEAR, *PRICED))


def bound_together(tables: Tables, policy: Policy) -> Ties:
    """Learners' own limits, companions, agreements, rotations, shared educators and aims that look at all."""
    problem = tables.problem
    of: list[list[int]] = [[] for _ in problem.learners]
    for r, who in enumerate(tables.requirement_learner.tolist()):
        of[who].append(r)
    why = [""] * len(problem.requirements)
    groups: list[Ints] = []

    def tie(requirements: list[int], words: str) -> None:
        groups.append(np.array(requirements, np.int64))
        for r in requirements:
            why[r] = why[r] or words

    variety = any("variety" in tier for tier in policy.tiers)
    for who, learner in enumerate(problem.learners):
        mine = of[who]
        repeats = policy.site_repeats and learner.site_repeats is not None
        different = policy.different_sites and learner.different_sites is not None
        if mine and (variety or different or repeats):
            most = max((learner.attended.count(s) for s in set(learner.attended)), default=0)
            if variety or different or len(mine) > (learner.site_repeats or 0) - most:
                tie(mine, "a learner's sites are limited over several blocks")
    for r, requirement in enumerate(problem.requirements):
        if requirement.rotation is not None:
            tie(of[tables.requirement_learner[r]], "a rotation takes its blocks in any order")
    if policy.companions:
        for companions in problem.companions:
            together = [r for key in companions.learners for r in of[problem.learner_index[key]]]
            tie(together, "learners go together or apart")
    if policy.agreements:
        for item in problem.agreements:
            theirs = [r for who, x in enumerate(problem.learners) if covers(item, x) for r in of[who]]
            if theirs and (item.least or (item.most is not None and item.most < len(theirs))):
                tie(theirs, "an HEI and a trust have an agreement")
    if policy.accommodation and tables.beds.any():
        sleepers = [r for who, x in enumerate(problem.learners) if x.accommodation for r in of[who]]
        tie(sleepers, "learners may share beds at a site")
    everything = ""
    if len(policy.tiers) > 1 or not set(policy.tiers[0]) <= FLOW_AIMS:
        everything = "the policy's aims are no sum of prices"
    if any(name in ALONE for tier in policy.tiers for name in tier):
        groups.append(np.arange(len(problem.requirements)))
    index = problem.department_index
    shared = [np.array([index[key] for key in e.departments], np.int64) for e in problem.educators]
    return Ties(groups, shared, why, everything)


def _split(tables: Tables, eligible: Eligible, caps: Limited, ties: Ties, label: Ints) -> list[Part]:
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
            int(eligible.week_set[pairs[0]]),
            _beyond_flow(tables, eligible, caps, ties, members, pairs),
        )
        for members, pairs in zip(np.split(requirements, cuts), np.split(pair_order, pair_cuts), strict=True)
    ]
    return sorted(out, key=lambda part: int(part.requirements[0]))


def _beyond_flow(
    tables: Tables, eligible: Eligible, caps: Limited, ties: Ties, members: Ints, pairs: Ints
) -> str:
    words = next((ties.why[r] for r in members.tolist() if ties.why[r]), ties.everything)
    if words:
        return words
    learners = tables.requirement_learner[members]
    if len(np.unique(eligible.week_set[pairs])) > 1:
        return "blocks overlap in part"
    if caps.one_place and len(np.unique(learners)) < len(learners):
        return "a learner has two requirements in the same weeks"
    department = tables.offer_department[eligible.offer[pairs]]
    educators = {e for d in np.unique(department).tolist() for e in tables.educators_of[d]}
    if any(tables.problem.educators[e].limited for e in educators):
        return "an educator supervises some learners only, or so many at once"
    if educators:
        return "an educator is shared between departments"
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
