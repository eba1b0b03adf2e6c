"""The tiers of a part as costs of its columns: what is minimised first, then second, and so on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matching.aims import Placings, points, preference_rank, values
from matching.columns import Choices, Model
from matching.costs import POINT
from matching.policy import Policy
from matching.result import Tier
from matching.rules.agreements import covers
from matching.tables import Bools, Ints, Tables


@dataclass(frozen=True, eq=False)
class TierCost:
    """One tier: value = constant + cost . columns, in whole units; or, for an aim that looks at the worst
    placing alone, the greatest `worst` [choices] taken."""

    name: str
    cost: Ints
    constant: int
    worst: Ints | None = None
    placing: bool = False

    @property
    def soft(self) -> bool:
        """Whether it is one of the policy's aims, in thousandths of a point; the others count."""
        return not self.placing and self.name != "agreement_shortfall"

    @property
    def grid(self) -> int:
        """Every value is the constant plus a multiple of this."""
        return max(1, int(np.gcd.reduce(self.cost[self.cost != 0]))) if self.cost.any() else 1


def placings_of(choices: Choices, taken: Bools | None = None) -> Placings:
    """Choices (those taken) as placings."""
    all_of = Placings(choices.requirement, choices.offer, choices.week_set, choices.variant)
    return all_of if taken is None else all_of.where(taken)


def members(tables: Tables, requirements: Ints, pinned: Ints) -> list[tuple[str, Ints]]:
    """The tiers of placing, in order: name and the requirements (positions) of each that occurs."""
    every = np.unique(requirements)
    priority = np.array([tables.problem.requirements[r].priority for r in every], np.int64)
    priority[pinned[every] > 0] = 0
    return [
        ("unplaced_pinned" if p == 0 else f"unplaced_priority_{p}", every[priority == p])
        for p in np.unique(priority)
    ]


def has_shortfall(tables: Tables, policy: Policy) -> bool:
    """Whether the tier of agreements' shortfalls exists."""
    return policy.agreements and any(a.least > 0 for a in tables.problem.agreements)


def after_pins(tiers: Sequence[Tier | TierCost]) -> int:
    """Where among the tiers of placing the agreements' shortfall stands."""
    return int(bool(tiers) and tiers[0].name == "unplaced_pinned")


def _published(tables: Tables, choices: Choices) -> int:
    """How many of the requirements of these choices are published."""
    published = {tables.problem.requirement_index[p.requirement] for p in tables.problem.published}
    return len(published & set(choices.requirement.tolist()))


def greedy_cost(tiers: list[TierCost], choices: int) -> Ints:
    """[choices] what each costs in the first tier that is not about placing and tells choices apart (the
    agreements' shortfall and the load do not: they are costs of further columns)."""
    costs = (tier.cost[:choices] for tier in tiers if not tier.placing)
    return next((cost for cost in costs if cost.any()), np.zeros(choices, np.int64))


def tier_costs(tables: Tables, policy: Policy, model: Model, pinned: Ints) -> list[TierCost]:
    """Every tier of a part in order."""
    chosen, width = model.choices, model.width
    n = len(chosen)
    out = []
    for name, those in members(tables, chosen.requirement, pinned):
        cost = np.zeros(width, np.int64)
        cost[:n][np.isin(chosen.requirement, those)] = -1
        out.append(TierCost(name, cost, len(those), placing=True))
    if has_shortfall(tables, policy):
        cost = np.zeros(width, np.int64)
        cost[n:] = [extra.price if extra.aim == "agreement_shortfall" else 0 for extra in model.extras]
        out.insert(after_pins(out), TierCost("agreement_shortfall", cost, 0))
    placings = placings_of(chosen)
    published = _published(tables, chosen)
    for name, tier in zip(policy.tier_names, policy.tiers, strict=True):
        alone = next(iter(tier))
        if alone in ("worst_travel", "worst_preference"):
            worst = POINT * (chosen.minutes if alone == "worst_travel" else preference_rank(tables, placings))
            out.append(TierCost(name, np.zeros(width, np.int64), 0, worst * tier[alone]))
            continue
        cost = np.zeros(width, np.int64)
        cost[:n] = points(tables, policy, tier, placings)
        cost[n:] = [extra.price * tier.get(extra.aim, 0) for extra in model.extras]
        out.append(TierCost(name, cost, POINT * tier.get("changes", 0) * published))
    return out


def shortfall(tables: Tables, agreements: list[int], placings: Placings) -> int:
    """Placings short of the least agreed, over some agreements."""
    problem, total = tables.problem, 0
    learner = tables.requirement_learner[placings.requirement]
    trust = tables.offer_trust[placings.offer]
    for a in agreements:
        item = problem.agreements[a]
        at_trust = learner[trust == problem.trust_index[item.trust]].tolist()
        there = sum(covers(item, problem.learners[who]) for who in at_trust)
        total += max(0, item.least - there)
    return total


def value_of(
    tables: Tables, policy: Policy, model: Model, tiers: list[TierCost], taken: Bools
) -> tuple[int, ...]:
    """The exact value of an answer of a part, tier by tier."""
    placings = placings_of(model.choices, taken)
    soft = dict(zip(policy.tier_names, policy.tiers, strict=True))
    aims, _ = values(tables, policy, placings, frozenset(a for tier in policy.tiers for a in tier))
    # Published placings of other parts are neither kept nor lost here.
    if "changes" in aims:
        aims["changes"] -= POINT * (len(tables.problem.published) - _published(tables, model.choices))
    out = []
    for tier in tiers:
        if tier.placing:
            out.append(tier.constant + int(tier.cost[: len(taken)][taken].sum()))
        elif tier.name == "agreement_shortfall":
            agreed = sorted({e.at[0] for e in model.extras if e.aim == "agreement_shortfall"})
            out.append(shortfall(tables, agreed, placings))
        else:
            out.append(sum(weight * aims[aim] for aim, weight in soft[tier.name].items()))
    return tuple(out)
