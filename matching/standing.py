"""An answer in hand, ready for questions: what would change, tier by tier, if some placings were others.

Everything is by position: a choice is a column of the model (a requirement at an offer, in some weeks), a
requirement holds one choice or none (-1). Making it costs what writing the model costs (O(pairs x weeks in
words, a few seconds with 160,000 pairs); each question afterwards only what it touches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix

from matching.aims import Placings, counted_minutes, hei_means, preference_rank, values
from matching.columns import Choices, Model, RowName, choices
from matching.components import Part, parts
from matching.connected import labels
from matching.costs import POINT
from matching.eligibility import Eligible, eligible_pairs
from matching.model import Builder
from matching.policy import ALONE, Policy
from matching.problem import Problem
from matching.program import Floats
from matching.result import Result
from matching.rules.agreements import covers
from matching.tables import Bools, Ints, Tables
from matching.tiers import TierCost, placings_of, shortfall, tier_costs
from matching.validation import ResultError

NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Standing:
    """A problem, a policy and a result that obeys them; `about` (positions of requirements) are those whose
    other choices are looked at, `among` those whose placings count at all; None is all. Raises `ResultError`
    where the result places a requirement where a rule refuses it, or names what the problem does not have.
    """

    problem: Problem
    policy: Policy
    result: Result
    about: Ints | None = None
    among: Ints | None = None

    def narrowed(self, about: Ints | None, among: Ints | None) -> Standing:
        """The same about, or among, others; pairs are not looked for again."""
        out = Standing(self.problem, self.policy, self.result, about, among)
        for name in ("tables", "eligible", "pinned", "held_pair"):
            out.__dict__[name] = getattr(self, name)
        return out

    @cached_property
    def tables(self) -> Tables:
        """The problem by position."""
        return Tables(self.problem)

    @cached_property
    def eligible(self) -> Eligible:
        """Every pair that no rule refuses."""
        return eligible_pairs(self.tables, self.policy)

    @cached_property
    def pinned(self) -> Ints:
        """[requirements] 1 for those pinned."""
        return self.tables.pinned(self.policy)

    @cached_property
    def held_pair(self) -> Ints:
        """[requirements] position in `eligible` of the pair that each holds, or -1."""
        problem, eligible = self.problem, self.eligible
        out = np.full(len(problem.requirements), NOWHERE, np.int64)
        block = self.tables.variants.block
        for key, offer in self.result.assignment.items():
            r, o = problem.requirement_index.get(key), problem.offer_index.get(offer)
            if r is None or o is None:
                raise ResultError("assignment", key, offer, "a requirement and an offer of this problem")
            pairs = np.arange(eligible.start[r], eligible.start[r + 1])
            pairs = pairs[eligible.offer[pairs] == o]
            rotation = problem.rotation_of(problem.requirements[r])
            if rotation is not None:
                named = self.result.blocks.get(key)
                wanted = rotation.blocks.index(named) if named in rotation.blocks else NOWHERE
                pairs = pairs[block[eligible.variant[pairs]] == wanted]
            if len(pairs) != 1:
                raise ResultError("assignment", key, offer, "a place that no rule refuses it")
            out[r] = pairs[0]
        return out

    @cached_property
    def pairs(self) -> Ints:
        """[choices] position of each in `eligible`: all pairs, or those of the requirements asked about and
        what the others hold."""
        if self.about is None:
            return np.arange(len(self.eligible.requirement), dtype=np.int64)
        mine = np.isin(self.eligible.requirement, self.about)
        held = self.held_pair if self.among is None else self.held_pair[self.among]
        mine[held[held >= 0]] = True
        return np.flatnonzero(mine)

    @cached_property
    def choices(self) -> Choices:
        """What each column is."""
        return choices(self.tables, self.policy, self.eligible, self.pairs)

    @cached_property
    def model(self) -> Model:
        """Rows and columns over those pairs."""
        return Builder(self.tables, self.policy, self.choices).build()

    @cached_property
    def start(self) -> Ints:
        """The choices of requirement r are `start[r]:start[r + 1]`."""
        every = np.arange(len(self.problem.requirements) + 1)
        return np.searchsorted(self.choices.requirement, every).astype(np.int64)

    @cached_property
    def held(self) -> Ints:
        """[requirements] the choice that each holds, or -1."""
        place = np.full(len(self.eligible.requirement) + 1, NOWHERE, np.int64)
        place[self.pairs] = np.arange(len(self.pairs))
        out: Ints = place[self.held_pair]
        return out

    @cached_property
    def taken(self) -> Bools:
        """[choices] those held."""
        out = np.zeros(len(self.choices), np.bool_)
        out[self.held[self.held >= 0]] = True
        return out

    @cached_property
    def tiers(self) -> list[TierCost]:
        """Every tier as costs of the columns."""
        return tier_costs(self.tables, self.policy, self.model, self.pinned)

    # -- rows ------------------------------------------------------------

    @cached_property
    def names(self) -> list[RowName]:
        """[rows] what each says."""
        return self.model.names

    @cached_property
    def rows(self) -> csr_matrix:
        """[rows, columns] every row, `rows . x <= most`."""
        return self.model.rows

    @cached_property
    def columns(self) -> csc_matrix:
        """The same by column."""
        return self.rows.tocsc()

    @cached_property
    def most(self) -> Floats:
        """[rows] what each holds."""
        return self.model.most

    @cached_property
    def used(self) -> Floats:
        """[rows] what the choices held use of each, further columns aside."""
        x = np.zeros(self.model.width)
        x[: len(self.taken)] = self.taken
        out: Floats = self.rows @ x
        return out

    @cached_property
    def room(self) -> Floats:
        """[rows] what is left under each were its further columns at their most; rows that only price or
        count are never short."""
        n = len(self.taken)
        further = self.rows[:, n:].minimum(0) @ self.model.upper[n:]
        out: Floats = self.most - self.used - further
        return out

    @cached_property
    def short(self) -> csc_matrix:
        """[rows, choices] marks the rows that keep a choice out of reach as things stand: it uses more of the
        row than is left, what its requirement holds now given back. Shared educators' time is taken as if
        all of it could go there."""
        n = len(self.choices)
        held = self.held[self.choices.requirement]
        placed = np.flatnonzero(held >= 0)
        keeps = csc_matrix((np.ones(len(placed)), (held[placed], placed)), shape=(n, n))
        more = csc_matrix(self.columns[:, :n] - self.columns[:, :n] @ keeps)
        more.data = (more.data > self.room[more.indices] + 1e-9).astype(np.float64)
        more.eliminate_zeros()
        return more

    @cached_property
    def parts(self) -> list[Part]:
        """The independent parts."""
        return parts(self.tables, self.policy, self.eligible)

    @cached_property
    def part(self) -> Ints:
        """[requirements] position of the part of each, -1 where no place is open to it."""
        out = np.full(len(self.problem.requirements), NOWHERE, np.int64)
        for i, one in enumerate(self.parts):
            out[one.requirements] = i
        return out

    # -- effects ------------------------------------------------------------

    @cached_property
    def load_group(self) -> Ints:
        """[departments] label: departments that an educator serves together share it."""
        n = len(self.problem.departments)
        index = self.problem.department_index
        left, right = [], []
        for educator in self.problem.educators:
            for key in educator.departments[1:]:
                left.append(index[educator.departments[0]])
                right.append(index[key])
        return labels(np.array(left, np.int64), np.array(right, np.int64), n)

    def effect(self, after: Mapping[int, int]) -> tuple[int, ...]:
        """By tier of `tiers`, how its exact value changes where requirements hold the choices of `after` (-1:
        none) instead of their own. Counts only the departments and learners touched; the aims that look at
        the worst of all look at all. Raises AssertionError where there is too little supervision."""
        moved = {r: k for r, k in after.items() if self.held[r] != k}
        if not moved:
            return (0,) * len(self.tiers)
        new = self.held.copy()
        new[list(moved)] = list(moved.values())
        about = [k for k in (*self.held[list(moved)].tolist(), *moved.values()) if k >= 0]
        chosen, group = self.choices, self.load_group
        near = np.isin(group[chosen.department], np.unique(group[chosen.department[about]]))
        covers = self.tables.week_set_weeks  # in other weeks nothing changes
        weeks = covers[chosen.week_set[about]].any(axis=0)
        meets: Bools = np.any(covers & weeks, axis=1)
        near &= meets[chosen.week_set]
        near |= np.isin(chosen.learner, np.unique(chosen.learner[about]))
        old_aims = self.aims(self.held, near)
        new_aims = self.aims(new, near)
        soft = dict(zip(self.policy.tier_names, self.policy.tiers, strict=True))
        out = []
        for tier in self.tiers:
            if tier.placing:
                out.append(self._placing(tier, new) - self._placing(tier, self.held))
            elif tier.name == "agreement_shortfall":
                agreed = self._agreed(about)
                out.append(self._short(agreed, new) - self._short(agreed, self.held))
            else:
                weights = soft[tier.name].items()
                out.append(sum(weight * (new_aims[aim] - old_aims[aim]) for aim, weight in weights))
        return tuple(out)

    def aims(self, held: Ints, near: Bools) -> dict[str, int]:
        """The aims of the policy where requirements hold these choices, the additive ones over the choices
        `near` alone."""
        used = held[held >= 0]
        aims = frozenset(aim for tier in self.policy.tiers for aim in tier)
        out, _ = values(self.tables, self.policy, self._placings(used[near[used]]), aims - frozenset(ALONE))
        for aim in aims & frozenset(ALONE):
            every = self._placings(used)
            if aim == "worst_travel":
                minutes = counted_minutes(self.tables, self.policy, every)
                out[aim] = POINT * int(minutes.max(initial=0))
            elif aim == "worst_preference":
                out[aim] = POINT * int(preference_rank(self.tables, every).max(initial=0))
            else:
                out[aim] = max(hei_means(self.tables, self.policy, every).values(), default=0)
        return out

    def _placings(self, used: Ints) -> Placings:
        mask = np.zeros(len(self.choices), np.bool_)
        mask[used] = True
        return placings_of(self.choices, mask)

    def _placing(self, tier: TierCost, held: Ints) -> int:
        return int(tier.cost[held[held >= 0]].sum())

    def _agreed(self, about: list[int]) -> list[int]:
        """Agreements that speak of some of these choices."""
        problem, chosen = self.problem, self.choices
        at = {(int(chosen.learner[k]), int(chosen.trust[k])) for k in about}
        return [
            a
            for a, item in enumerate(problem.agreements)
            if any(problem.trust_index[item.trust] == t and covers(item, problem.learners[x]) for x, t in at)
        ]

    def _short(self, agreed: list[int], held: Ints) -> int:
        return shortfall(self.tables, agreed, self._placings(held[held >= 0]))

    def holders(self, row: int) -> Ints:
        """The choices held that count under a row."""
        begin, end = self.rows.indptr[row], self.rows.indptr[row + 1]
        columns = self.rows.indices[begin:end][self.rows.data[begin:end] > 0]
        columns = columns[columns < len(self.taken)]
        out: Ints = columns[self.taken[columns]].astype(np.int64)
        return out
