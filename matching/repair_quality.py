"""The policy's own aims in a repair: of all answers with the same first tiers, the best.

The model is the solver's (`model.py`), over the pairs in play and the placings that share a limit or a price
with them; what stands elsewhere is the same in every answer, so that a gap here is a gap of the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from matching.aims import Placings, values
from matching.columns import Model, choices
from matching.local import Aim, Local
from matching.model import Builder
from matching.policy import ALONE
from matching.result import Tier
from matching.rules.agreements import covers
from matching.stop import Stop
from matching.tables import Bools, Ints
from matching.tier_search import Search, lift
from matching.tiers import TierCost, shortfall, tier_costs


@dataclass(frozen=True, eq=False)
class Improved:
    """[requirements] the pair each takes (-1: none); the tiers of the policy; the model solved and which of
    its choices are taken."""

    taken: Ints
    tiers: tuple[Tier, ...]
    costs: dict[str, int]
    shares: dict[tuple[int, int, int], int]
    model: Model | None
    chosen: Bools | None


def improve(local: Local, closed: bool, wanted: bool, stop: Stop, ends: float) -> Improved:
    """The best answer under the policy's tiers with the aims that `local` holds at their values. Where not
    all that may be in a best answer is in play (`closed` False), nothing is proven of it. Not `wanted`: the
    answer as it is, without tiers."""
    limits = local.limits
    tables, policy, eligible = limits.tables, limits.policy, limits.eligible
    if not wanted:
        return _counted(local, None, local.taken, closed)
    pairs = np.union1d(np.flatnonzero(local.inside), _beside(local))
    model = Builder(tables, policy, choices(tables, policy, eligible, pairs)).build()
    chosen = local.taken[model.choices.requirement] == pairs
    soft = [t for t in tier_costs(tables, policy, model, _nobody(local)) if not t.placing]
    first = [_tier(model, pairs, aim) for aim in (_standing(local), *(aim for aim, _ in local.held))]
    found = Search(tables, policy, model, [*first, *soft], chosen, stop, ends)
    for position in range(len(first)):
        found.hold(position)
    found.bounds = list(found.value[: len(first)])
    choice = np.count_nonzero(local.inside) > np.count_nonzero(local.part & (local.taken >= 0))
    for position in range(len(first), len(first) + len(soft)):
        found.bounds.append(_bound(found, position) if choice else found.value[position])
        found.hold(position)
    taken = local.taken.copy()
    taken[local.part] = -1
    taken[model.choices.requirement[found.taken]] = pairs[found.taken]
    return _counted(local, _Solved(found, soft, len(first)), taken, closed)


@dataclass(frozen=True, eq=False)
class _Solved:
    """A search with the policy's tiers, which begin at `first`."""

    found: Search
    soft: list[TierCost]
    first: int

    def slack(self) -> dict[str, int]:
        """By tier, how far its bound lies below its value."""
        pairs = zip(self.found.value[self.first :], self.found.bounds[self.first :], strict=True)
        return {t.name: value - bound for t, (value, bound) in zip(self.soft, pairs, strict=True)}


def _counted(local: Local, solved: _Solved | None, taken: Ints, closed: bool) -> Improved:
    """The tiers of the whole: what stands elsewhere adds the same to value and bound."""
    limits = local.limits
    tables, policy, eligible = limits.tables, limits.policy, limits.eligible
    those = taken[taken >= 0]
    placings = Placings(
        eligible.requirement[those], eligible.offer[those], eligible.week_set[those], eligible.variant[those]
    )
    aims, split = values(tables, policy, placings)
    if solved is None:
        return Improved(taken, (), aims, split.shares, None, None)
    named = dict(zip(policy.tier_names, policy.tiers, strict=True))
    tiers = []
    for name, slack in solved.slack().items():
        if name in named:
            value = sum(weight * aims[aim] for aim, weight in named[name].items())
        else:
            value = shortfall(tables, list(range(len(tables.problem.agreements))), placings)
        bound = max(0, value - slack) if closed else 0
        tiers.append(Tier(name, value, bound, (value - bound) / value if value else 0.0))
    return Improved(taken, tuple(tiers), aims, split.shares, solved.found.model, solved.found.taken)


def _nobody(local: Local) -> Ints:
    return np.zeros(len(local.stands), np.int64)


def _standing(local: Local) -> Aim:
    """Those who must have a place."""
    must = (local.stands >= 0) & ~local.left
    cost = -must[local.limits.eligible.requirement].astype(np.int64)
    return Aim(cost, int(must.sum()))


def _tier(model: Model, pairs: Ints, aim: Aim) -> TierCost:
    """An aim over the columns of a model, as far as they go."""
    cost = np.zeros(model.width, np.int64)
    cost[: len(pairs)] = aim.cost[pairs]
    return TierCost("held", cost, aim.constant, placing=True)


def _bound(found: Search, position: int) -> int:
    """Solves one tier over the model; its bound there."""
    tier, value = found.tiers[position], found.value[position]
    if tier.worst is not None:
        return found.least_worst(position)
    if not tier.cost.any() or found.left <= 0 or found.stop():
        return value if not tier.cost.any() else lift(tier, -math.inf, value)
    answer = found.search(tier.cost, found.left / (1 + 0.5 * (len(found.tiers) - position - 1)))
    found.offer(answer.x)
    return lift(tier, answer.bound, found.value[position])


def _beside(local: Local) -> Ints:
    """The placings outside the program that share a limit or a price with the pairs in play: where they
    stand."""
    limits = local.limits
    tables, policy, eligible = limits.tables, limits.policy, limits.eligible
    others = local.stands[(local.stands >= 0) & ~local.part]
    if any(name in ALONE for tier in policy.tiers for name in tier):
        return others
    problem = tables.problem
    inside = np.flatnonzero(local.inside)
    covers_weeks = tables.week_set_weeks
    busy = np.zeros((len(problem.departments), limits.weeks), np.bool_)
    for d, w in zip(limits.department[inside], eligible.week_set[inside], strict=True):
        busy[d] |= covers_weeks[w]
    busy = _with_educators(local, busy)
    meets = busy[limits.department[others]] & covers_weeks[eligible.week_set[others]]
    near: Bools = np.asarray(meets.any(axis=1), np.bool_)
    near |= np.isin(limits.learner[others], _learners(local, inside))
    capped = np.array([s.places is not None or s.accommodation is not None for s in problem.sites], np.bool_)
    trust = tables.offer_trust[eligible.offer]
    limited = np.array([t.places is not None for t in problem.trusts], np.bool_)
    near |= capped[limits.site[others]] & np.isin(limits.site[others], limits.site[inside])
    near |= limited[trust[others]] & np.isin(trust[others], trust[inside])
    if policy.agreements:
        for item in problem.agreements:
            takes = np.array([covers(item, x) for x in problem.learners], np.bool_)
            at = problem.trust_index[item.trust]
            if (takes[limits.learner[inside]] & (trust[inside] == at)).any():
                near |= takes[limits.learner[others]] & (trust[others] == at)
    return others[near]


def _learners(local: Local, inside: Ints) -> Ints:
    """Learners in play and their companions."""
    problem = local.limits.tables.problem
    who = set(np.unique(local.limits.learner[inside]).tolist())
    for item in problem.companions:
        members = {problem.learner_index[key] for key in item.learners}
        if members & who:
            who |= members
    return np.array(sorted(who), np.int64)


def _with_educators(local: Local, busy: Bools) -> Bools:
    """Departments and weeks joined to some by an educator."""
    problem = local.limits.tables.problem
    shared = [[problem.department_index[key] for key in e.departments] for e in problem.educators]
    before = -1
    out = busy.copy()
    while before != int(out.sum()):
        before = int(out.sum())
        for those in shared:
            out[those] |= out[those].any(axis=0)
    return out
