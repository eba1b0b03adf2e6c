"""The aims of a policy: what each placing counts under each, and the exact value of an answer.

Everything is in whole thousandths of a point (costs.py has the formulas of the four priced aims).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matching.costs import POINT, above_preferred_costs, load_cost, pair_preferences, travel_table
from matching.policy import Policy
from matching.shares import Split, share_out
from matching.tables import Bools, Ints, Tables
from matching.teams import Teams

PRICED = ("travel", "preferences", "above_preferred", "supervisor_load")
# Aims that are a sum over placings, each on its own.
LINEAR = ("travel", "preferences", "past_travel", "continuity", "changes")


@dataclass(frozen=True, eq=False)
class Placings:
    """[placings] requirement, offer, weeks and variant (tables.py) of each, by position."""

    requirement: Ints
    offer: Ints
    week_set: Ints
    variant: Ints

    def __len__(self) -> int:
        return len(self.requirement)

    def where(self, mask: Bools) -> Placings:
        """Some of them."""
        return Placings(self.requirement[mask], self.offer[mask], self.week_set[mask], self.variant[mask])


def counted_minutes(tables: Tables, policy: Policy, placings: Placings) -> Ints:
    """[placings] minutes one way; the travel limit where a bed takes the place of the journey."""
    learner = tables.requirement_learner[placings.requirement]
    minutes = tables.problem.travel_minutes[learner, tables.offer_site[placings.offer]].astype(np.int64)
    return np.minimum(minutes, tables.travel_limits(policy)[learner])


def kept(tables: Tables, placings: Placings) -> Bools:
    """[placings] whether each is what was published for its requirement."""
    problem, variants = tables.problem, tables.variants
    offer = np.full(len(variants.requirement), -1, np.int64)
    for placing in problem.published:
        r = problem.requirement_index[placing.requirement]
        rotation = problem.rotation_of(problem.requirements[r])
        block = -1
        if rotation is not None and placing.block is not None:
            block = rotation.blocks.index(placing.block)
        there = (variants.requirement == r) & (variants.block == block)
        offer[there] = problem.offer_index[placing.offer]
    same: Bools = offer[placings.variant] == placings.offer
    return same


def linear(tables: Tables, policy: Policy, aim: str, placings: Placings) -> Ints:
    """[placings] what each counts under one of the linear aims. `changes` is written as a gain: -1 point
    where the published placing is kept (the constant is the number published)."""
    problem = tables.problem
    learner = tables.requirement_learner[placings.requirement]
    if aim == "travel":
        return travel_table(policy)[counted_minutes(tables, policy, placings)]
    if aim == "preferences":
        return pair_preferences(tables, policy, placings.requirement, placings.offer)
    if aim == "past_travel":
        past = np.array([x.past_minutes for x in problem.learners], np.int64)
        burden: Ints = POINT * counted_minutes(tables, policy, placings) * past[learner] // 60
        return burden
    if aim == "continuity":
        hub = np.array(
            [-1 if x.hub is None else problem.trust_index[x.hub] for x in problem.learners], np.int64
        )
        away = (hub[learner] >= 0) & (hub[learner] != tables.offer_trust[placings.offer])
        elsewhere: Ints = POINT * away.astype(np.int64)
        return elsewhere
    if aim == "changes":
        return -POINT * kept(tables, placings).astype(np.int64)
    raise KeyError(aim)


def points(tables: Tables, policy: Policy, tier: Mapping[str, int], placings: Placings) -> Ints:
    """[placings] the weighted sum of the linear aims of a tier."""
    total = np.zeros(len(placings), np.int64)
    for aim, weight in tier.items():
        if aim in LINEAR:
            total = total + weight * linear(tables, policy, aim, placings)
    return total


def preference_rank(tables: Tables, placings: Placings) -> Ints:
    """[placings] rank of the site on the learner's list (0 first, one past the last where it is not on it; 0
    for a learner without a list)."""
    problem = tables.problem
    rank = np.zeros((len(problem.learners), len(problem.sites)), np.int32)
    for i, learner in enumerate(problem.learners):
        rank[i] = len(learner.preferences)
        for position, key in enumerate(learner.preferences):
            rank[i, problem.site_index[key]] = position
    who = tables.requirement_learner[placings.requirement]
    return rank[who, tables.offer_site[placings.offer]].astype(np.int64)


def repeats(tables: Tables, placings: Placings) -> Ints:
    """[learners] placings at a site where the learner has been, or is placed more than once."""
    problem = tables.problem
    there = np.zeros((len(problem.learners), len(problem.sites)), np.int64)
    learner = tables.requirement_learner[placings.requirement]
    np.add.at(there, (learner, tables.offer_site[placings.offer]), 1)
    new = np.ones(there.shape, np.int64)
    for i, item in enumerate(problem.learners):
        for key in item.attended:
            new[i, problem.site_index[key]] = 0
    total: Ints = np.maximum(0, there - new).sum(axis=1)
    return total


def hei_means(tables: Tables, policy: Policy, placings: Placings) -> dict[str, int]:
    """By HEI: thousandths of counted minutes a requirement, rounded up."""
    problem = tables.problem
    heis = [problem.learners[who].hei for who in tables.requirement_learner]
    minutes = dict.fromkeys(heis, 0)
    asked = dict.fromkeys(heis, 0)
    for hei in heis:
        asked[hei] += 1
    counted = counted_minutes(tables, policy, placings)
    for r, m in zip(placings.requirement.tolist(), counted.tolist(), strict=True):
        minutes[heis[r]] += m
    return {hei: -(-POINT * minutes[hei] // asked[hei]) for hei in asked}


def supervised(tables: Tables, placings: Placings) -> Ints:
    """[departments, weeks] thousandths of a WTE supervised."""
    total = np.zeros((len(tables.problem.departments), len(tables.problem.weeks)), np.int64)
    row, week = np.nonzero(tables.week_set_weeks[placings.week_set])
    department = tables.offer_department[placings.offer]
    np.add.at(total, (department[row], week), tables.weight[placings.requirement][row])
    return total


def by_cell(tables: Tables, teams: Teams, placings: Placings) -> Ints:
    """[cells, weeks] what is supervised of a measure."""
    total = np.zeros((len(teams.department), len(tables.problem.weeks)), np.int64)
    if not len(total):
        return total
    cell = tables.cell(teams, placings.requirement, placings.offer)
    row, week = np.nonzero(tables.week_set_weeks[placings.week_set] & (cell >= 0)[:, None])
    np.add.at(total, (cell[row], week), tables.amount(teams)[placings.requirement][row])
    return total


def _above_preferred(tables: Tables, policy: Policy, placings: Placings) -> int:
    problem = tables.problem
    used = np.zeros((len(problem.offers), len(problem.weeks)), np.int64)
    row, week = np.nonzero(tables.week_set_weeks[placings.week_set])
    np.add.at(used, (placings.offer[row], week), 1)
    total = 0
    for o, w in np.argwhere(used > 0).tolist():
        item = problem.offers[o]
        if used[o, w] > item.preferred[w]:
            costs = above_preferred_costs(policy, item.preferred[w], item.maximum[w], int(used[o, w]))
            total += int(costs.sum())
    return total


def load(tables: Tables, policy: Policy, placings: Placings) -> tuple[int, Split] | None:
    """The price of supervisor load and the best split of the shared educators' time; None where the
    supervision asked for is more than there is."""
    teams = tables.teams
    weight = by_cell(tables, teams, placings)
    split = share_out(tables, policy, weight, by_cell(tables, tables.heads, placings))
    if split is None:
        return None
    own = {c: wte for c, wte in enumerate(teams.own) if wte is not None and not teams.pools_of[c]}
    if not own:
        return split.cost, split
    return split.cost + int(load_cost(policy, np.array(list(own.values())), weight[list(own)]).sum()), split


def values(
    tables: Tables, policy: Policy, placings: Placings, names: frozenset[str] | None = None
) -> tuple[dict[str, int], Split]:
    """The aims of an answer that the policy names, with the four priced ones, unweighted; and the educators'
    split. Raises AssertionError where there is too little supervision."""
    wanted = {aim for tier in policy.tiers for aim in tier} | set(PRICED)
    found = load(tables, policy, placings)
    if found is None:
        raise AssertionError("more supervision is asked for than there is")
    out = {}
    for aim in sorted(wanted if names is None else names):
        if aim in LINEAR:
            out[aim] = int(linear(tables, policy, aim, placings).sum())
            if aim == "changes":
                out[aim] += POINT * len(tables.problem.published)
        elif aim == "above_preferred":
            out[aim] = _above_preferred(tables, policy, placings)
        elif aim == "supervisor_load":
            out[aim] = found[0]
        elif aim == "worst_travel":
            out[aim] = POINT * int(counted_minutes(tables, policy, placings).max(initial=0))
        elif aim == "worst_preference":
            out[aim] = POINT * int(preference_rank(tables, placings).max(initial=0))
        elif aim == "variety":
            out[aim] = POINT * int(repeats(tables, placings).sum())
        elif aim == "hei_fairness":
            out[aim] = max(hei_means(tables, policy, placings).values(), default=0)
    return out, found[1]
