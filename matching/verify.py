"""The independent check of a result: every rule, the aims, the tiers and every claim of a reason, from the
data types alone. Nothing here is shared with the solver."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from matching.policy import Policy
from matching.problem import Problem
from matching.recount import Recount, Stay, Violation
from matching.recount_aims import aims, costs, tiers
from matching.recount_rules import broken_together
from matching.recount_supervision import Shares, shares_given, supervision, unknown_shares
from matching.result import Result, Share
from matching.verify_reasons import Reasons

__all__ = ["Violation", "broken_rules", "verify"]


def verify(problem: Problem, policy: Policy, result: Result) -> list[Violation]:
    """Everything wrong with a result; empty when it is right.

    Checks each placing in its block against each rule in force, the limits week by week, the shares of the
    educators' time, the tiers, costs and status against a fresh count, and each reason: that the rules named
    do refuse every site, and that the requirements said to compete can go nowhere else and outnumber the
    places. That no better answer exists it takes from the solver's own proof, and that conflicting locks are
    the fewest. O(placed x weeks + unplaced x offers + competing).
    """
    count = Recount(problem, policy, result)
    unknown = [*count.unknown(), *unknown_shares(count)]
    if unknown:
        return unknown
    stays, shares = count.stays(), shares_given(count)
    return [
        *count.pairs(stays),
        *broken_together(count, stays),
        *supervision(count, stays, shares),
        *_sums(count, stays, shares),
        *_conflicts(count),
        *Reasons(count).check(),
    ]


def broken_rules(
    problem: Problem,
    policy: Policy,
    assignment: Mapping[str, str],
    blocks: Mapping[str, str],
    shares: Sequence[Share],
) -> list[Violation]:
    """The rules in force that some placings break, and the names they use that the problem does not have; no
    claim is made of those left over. O(placed x weeks)."""
    given = Result("optimal", dict(assignment), blocks=dict(blocks), shares=tuple(shares))
    count = Recount(problem, policy, given)
    unknown = [
        Violation("assignment", r, "no such requirement") for r in assignment if r not in count.requirements
    ]
    unknown += [
        Violation("assignment", r, f"no such offer as {o}")
        for r, o in assignment.items()
        if o not in count.offers
    ]
    unknown += [*count.unknown_blocks(), *unknown_shares(count)]
    if unknown:
        return unknown
    stays, parts = count.stays(), shares_given(count)
    return [
        *count.pairs(stays),
        *broken_together(count, stays),
        *supervision(count, stays, parts),
    ]


def _sums(count: Recount, stays: list[Stay], shares: Shares) -> Iterator[Violation]:
    result, counted = count.result, aims(count, stays, shares)
    priced, values = costs(count, counted), tiers(count, stays, counted)
    total = sum(values[name] for name in count.policy.tier_names)
    if result.costs != priced:
        yield Violation("costs", "result", f"says {result.costs}, counted {priced}")
    if result.objective != total:
        yield Violation("objective", "result", f"says {result.objective}, counted {total}")
    said = [(tier.name, tier.value) for tier in result.tiers]
    if said != list(values.items()):
        yield Violation("tiers", "result", f"says {said}, counted {list(values.items())}")
    for tier in result.tiers:
        gap = (tier.value - tier.bound) / tier.value if tier.value else 0.0
        if not 0 <= tier.bound <= tier.value or not abs(gap - tier.gap) <= 1e-9:
            yield Violation("tiers", tier.name, f"value {tier.value}, bound {tier.bound}, gap {tier.gap}")
    proven = all(tier.gap == 0 for tier in result.tiers)
    stuck = bool(values.get("unplaced_pinned"))
    if (result.status == "infeasible_locks") != stuck or (result.status == "optimal" and not proven):
        yield Violation("status", "result", f"{result.status} does not follow from the tiers")


def _conflicts(count: Recount) -> Iterator[Violation]:
    """Conflicts name locks and rules in force, and pinned requirements that are left over."""
    result = count.result
    if result.conflicts and result.status != "infeasible_locks":
        yield Violation("conflicts", "result", f"are given although the status is {result.status}")
    known = set(count.problem.locks)
    rules = {f.name for f in dataclasses.fields(count.policy)}
    for i, conflict in enumerate(result.conflicts):
        if not conflict.locks or not conflict.pinned:
            yield Violation("conflicts", f"conflict {i}", "has no locks or leaves nobody over")
        for lock in conflict.locks:
            if lock not in known:
                yield Violation(
                    "conflicts", lock.requirement, f"has no {lock.kind} {lock.site_or_department}"
                )
        for rule in conflict.rules:
            if rule not in rules:
                yield Violation("conflicts", f"conflict {i}", f"no such rule as {rule}")
        for key in conflict.pinned:
            if not count.pins.get(key) or key in result.assignment:
                yield Violation("conflicts", key, "is not a pinned requirement left over")
