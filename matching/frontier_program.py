"""The best set of so many additions at once, as one mixed-integer program over placings and additions.

Its rows are in `frontier_levels.py`. Tier by tier, each is held as the next is searched, until one is not
proven. The answer is a proposal, which `frontier.py` solves again; the bounds hold for every set of at most k
additions.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, vstack

from matching.additions import Addition, with_additions
from matching.columns import Model, choices, groups
from matching.costs import POINT
from matching.eligibility import eligible_pairs
from matching.frontier_levels import LevelBuilder, levels_of
from matching.policy import Policy
from matching.problem import Problem
from matching.program import Floats, Program, search
from matching.stop import Stop
from matching.tables import Bools, Ints, Tables
from matching.tier_search import lift, scale_of
from matching.tiers import TierCost, has_shortfall, members, tier_costs

# With more choices than this there is no program.
MOST_CHOICES = 60_000


@dataclass(frozen=True)
class Together:
    """How often each addition is made, and by tier what no set of as many is lexicographically under."""

    counts: tuple[int, ...]
    bound: dict[str, int]


def best_together(
    problem: Problem, policy: Policy, additions: Sequence[Addition], k: int, seconds: float, stop: Stop
) -> Together | None:
    """The best set of at most `k` additions, within about `seconds`; None where the program would be too
    large, nothing was found, or a rule that is set aside changes what a limit of 0 means."""
    if not policy.places:  # then a place opens an offer's weeks, which is no row
        return None
    levels = levels_of(additions, k)
    if levels is None:
        return None
    most = with_additions(problem, [a for a in additions for _ in range(min(k, a.most))])
    tables = Tables(most)
    eligible = eligible_pairs(tables, policy)
    if len(eligible.requirement) > MOST_CHOICES:
        return None
    chosen = choices(tables, policy, eligible, np.arange(len(eligible.requirement)))
    builder = LevelBuilder(tables, policy, chosen, problem, additions, levels, k)
    model = builder.build()
    return _search(builder, model, policy, seconds, stop)


# -- tier by tier ------------------------------------------------------------


def _search(
    builder: LevelBuilder, model: Model, policy: Policy, seconds: float, stop: Stop
) -> Together | None:
    """Searches the tiers in order, each held for those after it."""
    ends, n = time.monotonic() + seconds, len(model.choices)
    tables, extras = builder.tables, model.extras
    rows, most, upper = model.rows, model.most, model.upper.copy()
    whole = np.concatenate([np.ones(n, np.bool_), [e.family in ("addition", "level") for e in extras]])
    pinned = tables.pinned(policy)
    tiers = tier_costs(tables, policy, model, pinned)
    bounds, x = [0] * len(tiers), None
    for position, tier in enumerate(tiers):
        program = _of_tier(tier, rows, most, upper, whole, n, model.choices.requirement)
        found = search(program, None, stop, max(0.1, ends - time.monotonic()))
        if found.x is None or stop():
            break
        x = found.x[: model.width]
        bounds[position] = _lift(tier, found.bound)
        value = _lift(tier, float(program.cost @ found.x))
        if value != bounds[position]:
            break
        if tier.worst is not None:
            upper[:n][tier.worst > value] = 0.0
        elif tier.cost.any():
            scale = float(max(1, int(np.abs(tier.cost).max())))
            rows = vstack([rows, csr_matrix(tier.cost.astype(np.float64)[None, :] / scale)]).tocsr()
            most = np.append(most, (value - tier.constant + 0.01) / scale)
    if x is None:
        return None
    counts = [0] * len(builder.additions)
    for thing, columns in builder.columns_of.items():
        for column, level in zip(columns, builder.levels[thing], strict=True):
            for i, times in level if x[column] > 0.5 else ():
                counts[i] = max(counts[i], times)
    bound = _elsewhere(tables, policy, model, pinned)
    for tier, of_part in zip(tiers, bounds, strict=True):
        bound[tier.name] = bound.get(tier.name, 0) + of_part
    return Together(tuple(counts), bound)


def _elsewhere(tables: Tables, policy: Policy, model: Model, pinned: Ints) -> dict[str, int]:
    """What no placing of the model can change, by tier: requirements and agreements with no choice at all."""
    problem, asked = tables.problem, model.choices.requirement
    out = {
        name: len(np.setdiff1d(those, asked))
        for name, those in members(tables, np.arange(len(problem.requirements)), pinned)
    }
    if has_shortfall(tables, policy):
        open_to = {extra.at[0] for extra in model.extras if extra.family == "shortfall"}
        out["agreement_shortfall"] = sum(
            item.least for a, item in enumerate(problem.agreements) if a not in open_to
        )
    lost = {problem.requirement_index[p.requirement] for p in problem.published} - set(asked.tolist())
    for name, tier in zip(policy.tier_names, policy.tiers, strict=True):
        out[name] = POINT * tier.get("changes", 0) * len(lost)
    return out


def _of_tier(
    tier: TierCost, rows: csr_matrix, most: Floats, upper: Floats, whole: Bools, n: int, requirement: Ints
) -> Program:
    """The program of one tier. An aim that looks at the worst alone is one column more, no less than what
    each requirement has."""
    width = len(upper)
    if tier.worst is None:
        return Program(tier.cost / scale_of(tier), rows, most, upper, whole)
    worst = tier.worst / POINT
    of = groups(requirement)
    at = np.concatenate([np.append(members, width) for _, members in of])
    values = np.concatenate([np.append(worst[members], -1.0) for _, members in of])
    starts = np.concatenate([[0], np.cumsum([len(members) + 1 for _, members in of])])
    under = csr_matrix((values, at, starts), shape=(len(of), width + 1))
    grown = csr_matrix((rows.data, rows.indices, rows.indptr), shape=(rows.shape[0], width + 1))
    return Program(
        np.append(np.zeros(width), 1.0),
        vstack([grown, under]).tocsr(),
        np.append(most, np.zeros(len(of))),
        np.append(upper, float(worst.max(initial=0.0))),
        np.append(whole, False),
    )


def _lift(tier: TierCost, bound: float) -> int:
    """A cost in the units of its program as a whole value, rounded up to what can occur."""
    if tier.worst is None:
        return lift(tier, bound, np.iinfo(np.int64).max)
    levels = np.unique(np.append(tier.worst, 0))
    return int(levels[min(len(levels) - 1, int(np.searchsorted(levels, POINT * bound - 1e-3)))])
