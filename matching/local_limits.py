"""The limits of a problem as one long list, for a re-solve round a standing allocation: what each pair uses
of each, what is left, what a pair costs at given prices.

A limit is a family (offer, department, site, trust, bed, learner, supervision: one a week; rotation, repeats,
agreement: one) and a position; its number in the list is a plain sum, so that loads and prices are arrays.
Supervision counts thousandths of a WTE, rounded down to the grid of the weights that may go there; in a
department that educators serve it is the department's own part, and the educators' is shared out beside it.
The rules that need further columns (different sites, companions, shares) are rows of `local.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matching.aims import Placings, counted_minutes
from matching.eligibility import Eligible
from matching.policy import Policy
from matching.program import Floats
from matching.rules import supervision
from matching.rules.agreements import covers
from matching.rules.different_sites import most_repeats
from matching.tables import NO_CAP, Bools, Ints, Tables

WEEKLY = ("offer", "department", "site", "trust", "bed", "learner", "supervision")


@dataclass(frozen=True, eq=False)
class Uses:
    """What some pairs use: `limit` by number, `pair` (position among the pairs asked about), `amount`."""

    limit: Ints
    pair: Ints
    amount: Ints


@dataclass(frozen=True, eq=False)
class Limits:
    """Every limit of a problem under a policy over its eligible pairs. O(pairs + positions x weeks)."""

    tables: Tables
    policy: Policy
    eligible: Eligible

    # -- pairs ------------------------------------------------------------

    @cached_property
    def learner(self) -> Ints:
        """[pairs] position of the learner."""
        return self.tables.requirement_learner[self.eligible.requirement]

    @cached_property
    def site(self) -> Ints:
        """[pairs] position of the site."""
        return self.tables.offer_site[self.eligible.offer]

    @cached_property
    def department(self) -> Ints:
        """[pairs] position of the department."""
        return self.tables.offer_department[self.eligible.offer]

    @cached_property
    def _by_department(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.department, kind="stable")
        starts = np.searchsorted(self.department[order], np.arange(len(self.tables.problem.departments) + 1))
        return order, starts

    def at_department(self, d: int) -> Ints:
        """The pairs at a department."""
        order, starts = self._by_department
        return order[starts[d] : starts[d + 1]]

    @cached_property
    def weight(self) -> Ints:
        """[pairs] thousandths of a WTE."""
        return self.tables.weight[self.eligible.requirement]

    @cached_property
    def bed(self) -> Bools:
        """[pairs] whether the placing takes a bed."""
        e = self.eligible
        minutes = counted_minutes(
            self.tables, self.policy, Placings(e.requirement, e.offer, e.week_set, e.variant)
        )
        out: Bools = self.tables.problem.travel_minutes[self.learner, self.site] > minutes
        return out

    @cached_property
    def rotation_block(self) -> Ints:
        """[pairs] number of the rotation's block among all, -1 where the requirement does not float."""
        problem = self.tables.problem
        index = problem.rotation_index
        of = np.array(
            [-1 if r.rotation is None else index[r.rotation] for r in problem.requirements], np.int64
        )
        rotation = of[self.eligible.requirement]
        block = self.tables.variants.block[self.eligible.variant]
        return np.where(rotation >= 0, rotation * self.most_blocks + block, -1)

    @cached_property
    def most_blocks(self) -> int:
        """The most blocks of a rotation."""
        return max((len(r.blocks) for r in self.tables.problem.rotations), default=0)

    @cached_property
    def agreed(self) -> list[tuple[int, Ints]]:
        """Agreements with a most, and the pairs that count under each."""
        problem = self.tables.problem
        out = []
        for a, item in enumerate(problem.agreements):
            if item.most is not None:
                takes = np.array([covers(item, x) for x in problem.learners], np.bool_)
                there = self.tables.offer_trust[self.eligible.offer] == problem.trust_index[item.trust]
                out.append((a, np.flatnonzero(there & takes[self.learner])))
        return out

    def position(self, family: str) -> Ints:
        """[pairs] position within a weekly family."""
        e = self.eligible
        return {
            "offer": e.offer,
            "department": self.department,
            "site": self.site,
            "trust": self.tables.offer_trust[e.offer],
            "bed": self.site,
            "learner": self.learner,
            "supervision": self.department,
        }[family]

    # -- what there is ------------------------------------------------------------

    @cached_property
    def weeks(self) -> int:
        """Weeks of the problem."""
        return len(self.tables.problem.weeks)

    @cached_property
    def served(self) -> Bools:
        """[departments] whether an educator serves it (and supervision is limited)."""
        some = np.array([bool(e) for e in self.tables.educators_of], np.bool_)
        return some if self.policy.supervision is not None else np.zeros_like(some)

    @cached_property
    def caps(self) -> dict[str, Ints]:
        """What each limit of each family holds; NO_CAP where nothing limits it."""
        p, policy = self.tables.problem, self.policy

        def places(items: list[tuple[int, ...] | None]) -> Ints:
            out = np.full((len(items), self.weeks), NO_CAP, np.int64)
            for i, by_week in enumerate(items):
                if by_week is not None and policy.places:
                    out[i] = by_week
            return out

        def beds() -> Ints:
            out = np.zeros((len(p.sites), self.weeks), np.int64)
            for i, item in enumerate(p.sites):
                if item.accommodation is not None:
                    out[i] = item.accommodation
            return out

        out = {
            "offer": places([o.maximum for o in p.offers]),
            "department": places([d.places for d in p.departments]),
            "site": places([s.places for s in p.sites]),
            "trust": places([t.places for t in p.trusts]),
            "bed": beds(),
            "learner": np.full((len(p.learners), self.weeks), 1 if policy.one_place_a_week else NO_CAP),
            "supervision": self._supervision(),
            "rotation": np.full(len(p.rotations) * self.most_blocks, 1 if policy.rotation else NO_CAP),
            "repeats": self._repeats(),
            "agreement": np.array(
                [a.most if policy.agreements and a.most is not None else NO_CAP for a in p.agreements],
                np.int64,
            ),
        }
        return {name: array.reshape(-1).astype(np.int64) for name, array in out.items()}

    def _supervision(self) -> Ints:
        tables, load = self.tables, self.policy.supervision
        out = np.full((len(tables.problem.departments), self.weeks), NO_CAP, np.int64)
        if load is None:
            return out
        grid = np.zeros(len(out), np.int64)
        cells = np.unique(np.stack([self.department, self.weight]), axis=1)
        np.gcd.at(grid, cells[0], cells[1])
        for d, wte in enumerate(tables.wte_by_week):
            if wte is not None:
                out[d] = [supervision.limit(int(x), load) for x in wte]
                if not self.served[d] and grid[d]:
                    out[d] -= out[d] % grid[d]
            elif self.served[d]:
                out[d] = 0
        return out

    def _repeats(self) -> Ints:
        problem = self.tables.problem
        out = np.full((len(problem.learners), len(problem.sites)), NO_CAP, np.int64)
        if self.policy.site_repeats:
            for i, item in enumerate(problem.learners):
                if item.site_repeats is not None:
                    out[i] = item.site_repeats
                    for key in item.attended:
                        s = problem.site_index[key]
                        out[i, s] = max(0, out[i, s] - 1)
        return out

    @cached_property
    def been(self) -> Bools:
        """[learners, sites] where each has been in earlier rounds."""
        problem = self.tables.problem
        out = np.zeros((len(problem.learners), len(problem.sites)), np.bool_)
        for i, item in enumerate(problem.learners):
            out[i, [problem.site_index[key] for key in item.attended]] = True
        return out

    @cached_property
    def allowed_repeats(self) -> Ints:
        """[learners] most placings that may repeat a site; NO_CAP where nothing limits them."""
        out = np.full(len(self.tables.problem.learners), NO_CAP, np.int64)
        if self.policy.different_sites:
            for i, item in enumerate(self.tables.problem.learners):
                asked = int(self.tables.asked[i])
                allowed = most_repeats(item, asked)
                if allowed < asked:
                    out[i] = allowed
        return out

    @cached_property
    def educator_limit(self) -> Ints:
        """[educators, weeks] thousandths that each may supervise."""
        load = self.policy.supervision
        wte = self.tables.educator_wte
        return wte if load is None else np.floor(wte * load + 1e-6).astype(np.int64)

    @cached_property
    def begin(self) -> dict[str, int]:
        """Number of each family's first limit."""
        out, at = {}, 0
        for name, cap in self.caps.items():
            out[name] = at
            at += len(cap)
        return out

    @cached_property
    def cap(self) -> Ints:
        """[limits] what each holds."""
        return np.concatenate(list(self.caps.values()))

    def is_served(self, limit: Ints) -> Bools:
        """Which of some limits are the own supervision of departments that educators serve."""
        first = self.begin["supervision"]
        inside = (limit >= first) & (limit < first + len(self.caps["supervision"]))
        out = np.zeros(len(limit), np.bool_)
        out[inside] = self.served[(limit[inside] - first) // self.weeks]
        return out

    # -- what pairs use ------------------------------------------------------------

    def uses(self, pairs: Ints) -> Uses:
        """What pairs (positions in `Eligible`) use of the limits that hold anything back."""
        row, week = np.nonzero(self.tables.week_set_weeks[self.eligible.week_set[pairs]])
        every = np.arange(len(pairs))
        limit, pair, amount = [], [], []

        def add(numbers: Ints, of: Ints, used: Ints) -> None:
            keep = (self.cap[numbers] < NO_CAP) & (used > 0)
            limit.append(numbers[keep])
            pair.append(of[keep])
            amount.append(used[keep])

        one = np.ones(len(row), np.int64)
        for family in WEEKLY:
            if not len(self.caps[family]) or (self.caps[family] >= NO_CAP).all():
                continue
            at = self.position(family)[pairs][row] * self.weeks + week
            used = one
            if family == "supervision":
                used = self.weight[pairs][row]
            elif family == "bed":
                used = self.bed[pairs][row].astype(np.int64)
            add(self.begin[family] + at, row, used)
        block = self.rotation_block[pairs]
        floats = every[block >= 0]
        add(self.begin["rotation"] + block[floats], floats, np.ones(len(floats), np.int64))
        at = self.learner[pairs] * len(self.tables.problem.sites) + self.site[pairs]
        add(self.begin["repeats"] + at, every, np.ones(len(pairs), np.int64))
        for a, those in self.agreed:
            inside = every[np.isin(pairs, those)]
            add(np.full(len(inside), self.begin["agreement"] + a), inside, np.ones(len(inside), np.int64))
        return Uses(np.concatenate(limit), np.concatenate(pair), np.concatenate(amount))

    def load(self, pairs: Ints) -> Ints:
        """[limits] what some pairs together use."""
        uses = self.uses(pairs)
        out = np.zeros(len(self.cap), np.int64)
        np.add.at(out, uses.limit, uses.amount)
        return out

    def spare(self, load: Ints) -> Ints:
        """[limits] the most that is left of each beside a load. Where educators serve a department: with all
        their time that no department needs which has no others to turn to."""
        out = self.cap - load
        first, n = self.begin["supervision"], len(self.tables.problem.departments)
        own = out[first : first + n * self.weeks].reshape(n, self.weeks)
        served = np.flatnonzero(self.served).tolist()
        by = {d: set(self.tables.educators_of[d]) for d in served}
        short = {d: np.maximum(0, -own[d]) for d in served}
        for d in served:
            own[d] += self.educator_limit[sorted(by[d])].sum(axis=0)
        for d in served:
            for other in served:
                if other != d and by[other] <= by[d]:
                    own[d] -= short[other]
        return out

    def fences(self, pairs: Ints) -> Floats:
        """[limits] one a placing (over its weight, where it is weighed) for full limits of offers and
        departments, chosen so that no placing (of these pairs) is in two of them."""
        uses = self.uses(pairs)
        load = np.zeros(len(self.cap), np.int64)
        np.add.at(load, uses.limit, uses.amount)
        first, last = self.begin["offer"], self.begin["department"]
        weighed = self.begin["supervision"]
        counts = (uses.limit >= first) & (uses.limit < last)
        counts |= (uses.limit >= weighed) & (uses.limit < weighed + len(self.caps["supervision"]))
        full = counts & (load[uses.limit] == self.cap[uses.limit]) & ~self.is_served(uses.limit)
        order = np.flatnonzero(full)[np.argsort(uses.limit[full], kind="stable")]
        number, pair, amount = uses.limit[order], uses.pair[order], uses.amount[order]
        out = np.zeros(len(self.cap))
        if not len(number):
            return out
        starts = np.flatnonzero(np.concatenate([[True], number[1:] != number[:-1]]))
        ends = np.append(starts[1:], len(number))
        covered = np.zeros(len(pairs), np.bool_)
        for i in np.argsort(starts - ends, kind="stable").tolist():
            members = pair[starts[i] : ends[i]]
            if not covered[members].any():
                covered[members] = True
                out[number[starts[i]]] = 1.0 / float(amount[starts[i] : ends[i]].max())
        return out

    def price(self, prices: Floats) -> Floats:
        """[pairs] what each pair costs at [limits] prices. O(pairs)."""
        e = self.eligible
        covers_weeks = self.tables.week_set_weeks.T.astype(np.float64)
        total = np.zeros(len(e.requirement))
        for family in WEEKLY:
            part = self._prices_of(prices, family)
            if not part.any():
                continue
            by_set = part.reshape(-1, self.weeks) @ covers_weeks
            cost = by_set[self.position(family), e.week_set]
            if family == "supervision":
                cost = cost * self.weight
            elif family == "bed":
                cost = cost * self.bed
            total += cost
        part = self._prices_of(prices, "rotation")
        if part.any():
            total += np.where(self.rotation_block >= 0, part[self.rotation_block], 0.0)
        part = self._prices_of(prices, "repeats")
        if part.any():
            total += part.reshape(-1, len(self.tables.problem.sites))[self.learner, self.site]
        part = self._prices_of(prices, "agreement")
        if part.any():
            for a, those in self.agreed:
                total[those] += part[a]
        return total

    def _prices_of(self, prices: Floats, family: str) -> Floats:
        first = self.begin[family]
        part: NDArray[np.float64] = prices[first : first + len(self.caps[family])]
        return part
