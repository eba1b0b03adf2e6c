"""The aims and tiers of a result, counted from the data types alone, in whole thousandths of a point."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from matching.recount import Recount, Stay
from matching.recount_rules import agreed, by_learner, repeats
from matching.recount_supervision import Shares, load_cost

POINT = 1000
# The aims of which a result always tells the cost, whatever tiers the policy has.
PRICED = ("travel", "preferences", "above_preferred", "supervisor_load")


def aims(count: Recount, stays: list[Stay], shares: Shares) -> dict[str, int]:
    """Every aim that a tier may hold, unweighted. O(placings x weeks)."""
    minutes = [(stay, counted_minutes(count, stay)) for stay in stays]
    ranks = [_rank(stay) for stay in stays if stay.learner.preferences]
    homes = [stay for stay in stays if stay.learner.hub is not None]
    return {
        "travel": sum(_travel(count, m) for _, m in minutes),
        "preferences": sum(_preference(count, stay) for stay in stays),
        "above_preferred": _above_preferred(count, stays),
        "supervisor_load": load_cost(count, stays, shares),
        "worst_travel": POINT * max((m for _, m in minutes), default=0),
        "worst_preference": POINT * max(ranks, default=0),
        "past_travel": sum(POINT * m * stay.learner.past_minutes // 60 for stay, m in minutes),
        "hei_fairness": _hei_fairness(count, minutes),
        "continuity": POINT * sum(stay.site.trust != stay.learner.hub for stay in homes),
        "variety": POINT * sum(repeats(learner, mine) for learner, mine in by_learner(stays)),
        "changes": POINT * _changes(count, stays),
    }


def costs(count: Recount, aim: dict[str, int]) -> dict[str, int]:
    """Those that a result lists: what the policy's tiers name, and the four priced ones."""
    return {name: aim[name] for name in {*PRICED, *(n for tier in count.policy.tiers for n in tier)}}


def tiers(count: Recount, stays: list[Stay], aim: dict[str, int]) -> dict[str, int]:
    """The value of each tier by its name, in order."""
    policy, placed = count.policy, {stay.requirement.key for stay in stays}
    unplaced: dict[str, int] = defaultdict(int)
    for r in count.requirements.values():
        pinned = policy.locks and bool(count.pins[r.key])
        name = "unplaced_pinned" if pinned else f"unplaced_priority_{r.priority}"
        unplaced[name] += r.key not in placed
    out = {name: unplaced.pop(name) for name in ("unplaced_pinned",) if name in unplaced}
    if policy.agreements and any(a.least > 0 for a in count.problem.agreements):
        held = agreed(count, stays)
        out["agreement_shortfall"] = sum(max(0, a.least - held[a.key]) for a in count.problem.agreements)
    out.update(sorted(unplaced.items()))
    for name, tier in zip(policy.tier_names, policy.tiers, strict=True):
        out[name] = sum(weight * aim[term] for term, weight in tier.items())
    return out


def counted_minutes(count: Recount, stay: Stay) -> int:
    """The journey one way; with a bed there is none beyond the travel limit."""
    return min(count.minutes(stay), count.limit(stay.learner))


def _travel(count: Recount, minutes: int) -> int:
    steps = [*count.policy.travel, (minutes, 0)]
    return sum(
        POINT * price * max(0, min(end, minutes) - start) for (start, price), (end, _) in pairwise(steps)
    )


def _rank(stay: Stay) -> int:
    listed = stay.learner.preferences
    return listed.index(stay.site.key) if stay.site.key in listed else len(listed)


def _preference(count: Recount, stay: Stay) -> int:
    policy, listed = count.policy, stay.learner.preferences
    if not listed:
        return 0
    if stay.site.key not in listed:
        return POINT * policy.preference_unranked
    return POINT * min(policy.preference_unranked, policy.preference_step * _rank(stay))


def _above_preferred(count: Recount, stays: list[Stay]) -> int:
    used: dict[tuple[str, int], int] = defaultdict(int)
    for stay in stays:
        for w in stay.weeks:
            used[stay.offer.key, w] += 1
    cost = 0
    for (key, w), held in used.items():
        low, high = count.offers[key].preferred[w], count.offers[key].maximum[w]
        span = max(1, high - low)
        for k in range(1, held - low + 1):
            cost += POINT * count.policy.above_preferred * min(k, span) // span
    return cost


def _hei_fairness(count: Recount, minutes: list[tuple[Stay, int]]) -> int:
    wanted: dict[str, int] = defaultdict(int)
    for r in count.problem.requirements:
        wanted[count.learners[r.learner].hei] += 1
    total: dict[str, int] = defaultdict(int)
    for stay, m in minutes:
        total[stay.learner.hei] += m
    return max((-(-POINT * total[hei] // wanted[hei]) for hei in total), default=0)


def _changes(count: Recount, stays: list[Stay]) -> int:
    now = {stay.requirement.key: (stay.offer.key, stay.block) for stay in stays}
    return sum(now.get(p.requirement) != (p.offer, p.block) for p in count.problem.published)
