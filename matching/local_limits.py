"""The limits of a problem as one long list, for a re-solve round a standing allocation: what each pair uses
of each, what is left, what a pair costs at given prices.

A limit is a family (offer, department, site, trust, bed, learner, supervision, heads: one a week; rotation,
repeats, agreement: one) and a position; its number in the list is a plain sum, so that loads and prices are
arrays. Supervision and heads are the cells of teams.py. Supervision counts thousandths of a WTE, rounded down
to the grid of the weights that may go there, heads count learners; a cell that draws on pools has its own
part here, and what the pools carry is shared out beside it.
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
from matching.rules.agreements import covers
from matching.rules.different_sites import most_repeats
from matching.tables import NO_CAP, Bools, Ints, Tables
from matching.teams import Shared

WEEKLY = ("offer", "department", "site", "trust", "bed", "learner", "supervision", "heads")


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
    def _by_cell(self) -> tuple[Ints, Ints]:
        cell = self.position("supervision")
        order = np.argsort(cell, kind="stable")
        starts = np.searchsorted(cell[order], np.arange(len(self.tables.teams.department) + 1))
        return order, starts

    def at_cell(self, c: int) -> Ints:
        """The pairs in a cell of WTE."""
        order, starts = self._by_cell
        return order[starts[c] : starts[c + 1]]

    @cached_property
    def _cells(self) -> dict[str, Ints]:
        """By measure, [pairs] the cell; of heads one past the last where it is not counted."""
        e, tables = self.eligible, self.tables
        heads = tables.cell(tables.heads, e.requirement, e.offer)
        return {
            "supervision": tables.cell(tables.teams, e.requirement, e.offer),
            "heads": np.where((heads >= 0) & (self.weight > 0), heads, len(tables.heads.department)),
        }

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
            **self._cells,
        }[family]

    # -- what there is ------------------------------------------------------------

    @cached_property
    def weeks(self) -> int:
        """Weeks of the problem."""
        return len(self.tables.problem.weeks)

    @cached_property
    def shared(self) -> dict[str, Shared]:
        """The measures of supervision by family."""
        tables, load = self.tables, self.policy.supervision
        out = {}
        for family, teams in (("supervision", tables.teams), ("heads", tables.heads)):
            served = np.array([bool(pools) and load is not None for pools in teams.pools_of], np.bool_)
            out[family] = Shared(family, teams, served, teams.pool_limit(1.0 if load is None else load))
        return out

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
            "heads": self._heads(),
            "rotation": np.full(len(p.rotations) * self.most_blocks, 1 if policy.rotation else NO_CAP),
            "repeats": self._repeats(),
            "agreement": np.array(
                [a.most if policy.agreements and a.most is not None else NO_CAP for a in p.agreements],
                np.int64,
            ),
        }
        return {name: array.reshape(-1).astype(np.int64) for name, array in out.items()}

    def _supervision(self) -> Ints:
        teams, load = self.tables.teams, self.policy.supervision
        if load is None:
            return np.full((len(teams.department), self.weeks), NO_CAP, np.int64)
        out = teams.own_limit(load)
        grid = np.zeros(len(out), np.int64)
        cells = np.unique(np.stack([self.position("supervision"), self.weight]), axis=1)
        np.gcd.at(grid, cells[0], cells[1])
        for c, pools in enumerate(teams.pools_of):
            if not pools and grid[c] and teams.own[c] is not None:
                out[c] -= out[c] % grid[c]
        return out

    def _heads(self) -> Ints:
        """One more cell than there are, without a limit, for pairs that are not counted."""
        teams, load = self.tables.heads, self.policy.supervision
        free = np.full((len(teams.department) + 1, self.weeks), NO_CAP, np.int64)
        if load is not None and len(teams.department):
            free[:-1] = teams.own_limit(load)
        return free

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
        """Which of some limits are the own supervision of cells that draw on pools."""
        out = np.zeros(len(limit), np.bool_)
        for family, shared in self.shared.items():
            first = self.begin[family]
            inside = (limit >= first) & (limit < first + len(shared.served) * self.weeks)
            out[inside] = shared.served[(limit[inside] - first) // self.weeks]
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
        """[limits] the most that is left of each beside a load. Where a cell draws on pools: with all of them
        that no cell needs which has no others to turn to."""
        out = self.cap - load
        for family, shared in self.shared.items():
            first, n = self.begin[family], len(shared.served)
            own = out[first : first + n * self.weeks].reshape(n, self.weeks)
            served = np.flatnonzero(shared.served).tolist()
            by = {c: set(shared.teams.pools_of[c]) for c in served}
            short = {c: np.maximum(0, -own[c]) for c in served}
            for c in served:
                own[c] += shared.pool[sorted(by[c])].sum(axis=0)
            for c in served:
                for other in served:
                    if other != c and by[other] <= by[c]:
                        own[c] -= short[other]
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
