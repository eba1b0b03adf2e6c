"""Placings counted into a result: every tier with what is proven of it, the aims, the educators' shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from matching.aims import Placings, values
from matching.eligibility import Eligible
from matching.policy import Policy
from matching.result import Result, Share, Tier
from matching.tables import Ints, Tables
from matching.tiers import after_pins, has_shortfall, members, shortfall


def counted(
    tables: Tables,
    policy: Policy,
    eligible: Eligible,
    pairs: Ints,
    pinned: Ints,
    slack: Mapping[str, int],
    *,
    cancelled: bool = False,
) -> Result:
    """A result of these pairs (positions in `eligible`) without reasons for those left over; `slack` is what
    each tier's bound lies below its value. Raises AssertionError where there is too little supervision."""
    problem = tables.problem
    pairs = np.sort(pairs)
    requirement, offer = eligible.requirement[pairs], eligible.offer[pairs]
    placings = Placings(requirement, offer, eligible.week_set[pairs], eligible.variant[pairs])
    aims, split = values(tables, policy, placings)
    tiers = []
    for name, those in members(tables, np.arange(len(problem.requirements)), pinned):
        tiers.append(tier_of(name, len(those) - int(np.isin(requirement, those).sum()), slack.get(name, 0)))
    if has_shortfall(tables, policy):
        name, short = "agreement_shortfall", shortfall(tables, list(range(len(problem.agreements))), placings)
        tiers.insert(after_pins(tiers), tier_of(name, short, slack.get(name, 0)))
    soft = []
    for name, tier in zip(policy.tier_names, policy.tiers, strict=True):
        value = sum(weight * aims[aim] for aim, weight in tier.items())
        soft.append(tier_of(name, value, slack.get(name, 0)))
    tiers += soft
    block = tables.variants.block[eligible.variant[pairs]]
    return Result(
        status=status_of(tiers, cancelled=cancelled),
        assignment={
            problem.requirements[r].key: problem.offers[o].key
            for r, o in zip(requirement.tolist(), offer.tolist(), strict=True)
        },
        tiers=tuple(tiers),
        objective=sum(tier.value for tier in soft),
        costs=aims,
        seed=policy.seed,
        blocks={
            problem.requirements[r].key: rotation.blocks[b]
            for r, b in zip(requirement.tolist(), block.tolist(), strict=True)
            if (rotation := problem.rotation_of(problem.requirements[r])) is not None
        },
        shares=tuple(
            Share(problem.educators[e].key, problem.departments[d].key, problem.weeks[w], y / 1000)
            for (e, d, w), y in sorted(split.shares.items())
        ),
    )


def tier_of(name: str, value: int, slack: int) -> Tier:
    """A tier whose bound lies so much below its value."""
    return Tier(name, value, value - slack, slack / value if value else 0.0)


def status_of(tiers: Sequence[Tier], *, cancelled: bool = False) -> str:
    """The status that follows from the tiers."""
    if any(tier.name == "unplaced_pinned" and tier.value for tier in tiers):
        return "infeasible_locks"
    if any(tier.gap for tier in tiers):
        return "cancelled" if cancelled else "gap"
    return "optimal"
