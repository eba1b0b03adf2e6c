"""A part as rows and columns: what the integer path solves.

Columns: one a choice (a requirement at an offer in some weeks), 0 or 1; then continuous ones: load steps,
steps above preferred, educators' shares, shortfalls of agreements. Every row is `values . x <= most` with
whole numbers. Rows that bind seldom stand in a pool and join the program once a solution breaks them.

A department's row of a period (weeks that the same week sets cover) is both its WTE limit and the price of
its load: supervised - sum of steps <= first breakpoint, the steps as wide as the price stays the same. The
weight supervised can only be a multiple of the weights' grid, so the price is taken at grid points and joined
by straight lines between them: dearer than the formula in between, equal where it counts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from matching.columns import Choices, Extra, Model, RowName, Rows, groups
from matching.costs import POINT, above_preferred_costs, load_cost
from matching.policy import Policy
from matching.rules import supervision
from matching.rules.agreements import covers
from matching.rules.different_sites import most_repeats
from matching.shares import segments
from matching.tables import Ints, Tables


class Builder:
    """Writes the rows of a part family by family."""

    def __init__(self, tables: Tables, policy: Policy, chosen: Choices) -> None:
        self.tables, self.policy, self.choices = tables, policy, chosen
        self.extras: list[Extra] = []
        self.core, self.pool, self.implied = Rows(), Rows(), Rows()
        self.problem = tables.problem

    def build(self) -> Model:
        """All rows."""
        self.one_offer_each()
        self.offers()
        self.departments()
        self.declared("department", self.choices.department, [d.places for d in self.problem.departments])
        self.declared("site", self.choices.site, [s.places for s in self.problem.sites])
        self.declared("trust", self.choices.trust, [t.places for t in self.problem.trusts])
        self.beds()
        self.one_place_a_week()
        self.rotations()
        self.site_repeats()
        self.different_sites()
        self.companions()
        self.agreements()
        self.fairness()
        return Model(self.choices, self.extras, self.core, self.pool, self.implied)

    def further(self, extra: Extra) -> int:
        self.extras.append(extra)
        return len(self.choices) + len(self.extras) - 1

    # -- what is always there ------------------------------------------------------------

    def one_offer_each(self) -> None:
        for r, members in groups(self.choices.requirement):
            self.core.add(RowName("requirement", "requirement", r), members, 1, 1)

    def offers(self) -> None:
        """Places of an offer by period, with the price above preferred."""
        for o, members in groups(self.choices.offer):
            item = self.problem.offers[o]
            for weeks, inside in self.periods(members):
                most = min(item.maximum[w] for w in weeks) if self.policy.places else len(inside)
                steps = np.zeros(min(most, len(inside)), np.int64)
                for w in weeks:
                    steps = steps + above_preferred_costs(
                        self.policy, item.preferred[w], item.maximum[w], len(steps)
                    )
                if len(inside) <= most and not steps.any():
                    continue
                name = RowName("places", "offer", o, weeks)
                self.stepped(name, inside, 1, steps, "above_preferred")

    def departments(self) -> None:
        """Supervision by period: limit and price in one row."""
        for d, members in groups(self.choices.department):
            wte, educators = self.tables.wte_by_week[d], self.tables.educators_of[d]
            if wte is None and not educators:
                continue
            for weeks, inside in self.periods(members):
                self.supervised(d, weeks, inside, wte, educators)
        self.educators()

    def supervised(
        self,
        d: int,
        weeks: tuple[int, ...],
        inside: Ints,
        wte: Ints | None,
        educators: list[int],
    ) -> None:
        weight = self.choices.weight[inside]
        inside, weight = inside[weight > 0], weight[weight > 0]
        if not len(inside):
            return
        own = [0 if wte is None else int(wte[w]) for w in weeks]
        total = int(weight.sum())
        if educators:
            room = total
            for w, available in zip(weeks, own, strict=True):
                shares = np.array([self.share(e, d, w, total) for e in educators], np.int64)
                name = RowName("supervision", "department", d, (w,))
                self.used(
                    name,
                    np.concatenate([inside, shares]),
                    np.concatenate([weight, np.full(len(shares), -1)]),
                    available,
                    total,
                )
                shared = sum(int(self.extras[k - len(self.choices)].most) for k in shares)
                room = min(room, supervision.most(available, self.policy.supervision, total) + shared)
            self.heavy(RowName("supervision", "department", d, weeks), inside, weight, room)
            return
        grid = int(np.gcd.reduce(weight))
        most = supervision.most(min(own), self.policy.supervision, total)
        units = min(most, total) // grid
        price = np.zeros(units + 1, np.int64)
        for available in own:
            price += load_cost(self.policy, available, grid * np.arange(units + 1, dtype=np.int64))
        steps = np.diff(price)
        if units * grid == total and not steps.any():
            return
        name = RowName("supervision", "department", d, weeks)
        self.stepped(name, inside, weight // grid, steps, "supervisor_load")
        self.heavy(name, inside, weight // grid, units)

    def heavy(self, name: RowName, inside: Ints, weight: Ints, most: int) -> None:
        """Weights w of whole learners hold at most `most`, so floor(w / h) each at most floor(most / h), for
        every weight h: a place of 1.5 takes one learner of weight 1, not one and a half (Chvatal 1973)."""
        for heavy in np.unique(weight).tolist():
            if most % heavy == 0:
                continue
            count = weight // heavy
            some = count > 0
            if int(count[some].sum()) > most // heavy:
                self.implied.add(name, inside[some], count[some], most // heavy)

    def share(self, e: int, d: int, w: int, total: int) -> int:
        wte = int(self.tables.educator_wte[e, w])
        most = min(total, supervision.most(wte, self.policy.supervision, total))
        return self.further(Extra("share", (e, d, w), "", 0, float(most)))

    def used(self, name: RowName, columns: Ints, values: Ints, available: int, total: int) -> None:
        """values . x <= used, and used up to the limit at a price that rises at each breakpoint."""
        most = supervision.most(available, self.policy.supervision, total)
        extras = []
        first = 0
        for width, price in segments(self.policy, available, most):
            if price:
                at = (name.position, *name.weeks)
                extras.append(self.further(Extra("load", at, "supervisor_load", price, float(width))))
            else:
                first += width
        self.core.add(
            name,
            np.concatenate([columns, np.array(extras, np.int64)]),
            np.concatenate([values, np.full(len(extras), -1)]),
            first,
        )

    def educators(self) -> None:
        shares: dict[tuple[int, int], list[int]] = {}
        for k, extra in enumerate(self.extras):
            if extra.family == "share":
                shares.setdefault((extra.at[0], extra.at[2]), []).append(len(self.choices) + k)
        for (e, w), columns in shares.items():
            here = np.array(columns, np.int64)
            most = sum(int(self.extras[k - len(self.choices)].most) for k in columns)
            name = RowName("supervision", "educator", e, (w,))
            self.used(name, here, np.ones(len(here), np.int64), int(self.tables.educator_wte[e, w]), most)

    def stepped(self, name: RowName, inside: Ints, values: Ints | int, steps: Ints, aim: str) -> None:
        """values . x <= len(steps) where the n-th unit costs steps[n - 1] (never falling)."""
        cuts = np.flatnonzero(np.diff(steps)) + 1
        widths = [len(g) for g in np.split(steps, cuts) if len(g)]
        prices = [int(g[0]) for g in np.split(steps, cuts) if len(g)]
        first = 0
        columns = []
        for width, price in zip(widths, prices, strict=True):
            if price == 0:
                first += width
            else:
                columns.append(
                    self.further(Extra("step", (name.position, *name.weeks), aim, price, float(width)))
                )
        there = np.array(columns, np.int64)
        self.core.add(
            name,
            np.concatenate([inside, there]),
            np.concatenate(
                [np.broadcast_to(np.asarray(values, np.int64), inside.shape), np.full(len(there), -1)]
            ),
            first,
        )

    # -- what seldom binds ------------------------------------------------------------

    def declared(self, level: str, of: Ints, places: list[tuple[int, ...] | None]) -> None:
        if not self.policy.places:
            return
        for position, members in groups(of):
            declared = places[position]
            if declared is None:
                continue
            for weeks, inside in self.periods(members):
                most = min(declared[w] for w in weeks)
                if most < self.asking(inside):
                    self.pool.add(RowName("places", level, position, weeks), inside, 1, most)

    def beds(self) -> None:
        with_bed = np.flatnonzero(self.choices.bed)
        for s, members in groups(self.choices.site[with_bed]):
            beds = self.problem.sites[s].accommodation
            for weeks, inside in self.periods(with_bed[members]):
                most = 0 if beds is None else min(beds[w] for w in weeks)
                if most < self.asking(inside):
                    self.pool.add(RowName("accommodation", "site", s, weeks), inside, 1, most)

    def one_place_a_week(self) -> None:
        if not self.policy.one_place_a_week:
            return
        for learner, members in groups(self.choices.learner):
            if self.asking(members) == 1:
                continue
            for weeks, inside in self.periods(members):
                if self.asking(inside) > 1:
                    self.pool.add(RowName("one_place_a_week", "learner", learner, weeks), inside, 1, 1)

    def rotations(self) -> None:
        """Each block of a rotation once."""
        if not self.policy.rotation or not self.problem.rotations:
            return
        index = self.problem.rotation_index
        of = np.array(
            [-1 if r.rotation is None else index[r.rotation] for r in self.problem.requirements], np.int64
        )
        floating = np.flatnonzero(of[self.choices.requirement] >= 0)
        block = self.tables.variants.block[self.choices.variant]
        for rotation, members in groups(of[self.choices.requirement[floating]]):
            members = floating[members]
            for b, same in groups(block[members]):
                inside = members[same]
                if self.asking(inside) > 1:
                    self.pool.add(RowName("rotation", "rotation", rotation, (b,)), inside, 1, 1)

    def site_repeats(self) -> None:
        if not self.policy.site_repeats:
            return
        for learner, members in groups(self.choices.learner):
            item = self.problem.learners[learner]
            if item.site_repeats is None:
                continue
            for s, same in groups(self.choices.site[members]):
                inside = members[same]
                most = max(0, item.site_repeats - item.attended.count(self.problem.sites[s].key))
                if self.asking(inside) > most:
                    self.pool.add(RowName("site_repeats", "learner", learner, (s,)), inside, 1, most)

    def different_sites(self) -> None:
        """Repeats by learner and site, where their number is limited or counts: repeat >= placings - 1 where
        the site is new, >= placings where the learner has been there."""
        counts = any("variety" in tier for tier in self.policy.tiers)
        if not self.policy.different_sites and not counts:
            return
        for learner, members in groups(self.choices.learner):
            item = self.problem.learners[learner]
            been = set(item.attended)
            asked = int(self.tables.asked[learner])
            allowed = most_repeats(item, asked) if self.policy.different_sites else asked
            if not counts and self.asking(members) <= allowed:
                continue
            columns = []
            for s, same in groups(self.choices.site[members]):
                inside = members[same]
                new = int(self.problem.sites[s].key not in been)
                most = self.asking(inside)
                if most <= new:
                    continue
                columns.append(self.further(Extra("repeat", (learner, s), "variety", POINT, float(most))))
                name = RowName("different_sites", "learner", learner, (s,))
                self.pool.add(
                    name, np.append(inside, columns[-1]), np.append(np.ones(len(inside), np.int64), -1), new
                )
            if allowed < asked and columns:
                name = RowName("different_sites", "learner", learner)
                self.pool.add(name, np.array(columns, np.int64), 1, allowed)

    def fairness(self) -> None:
        """The largest mean journey of an HEI, thousandths of a minute a requirement, above every HEI's."""
        if not any("hei_fairness" in tier for tier in self.policy.tiers):
            return
        top = self.further(Extra("fairness", (), "hei_fairness", 1, float(POINT * 24 * 60)))
        heis = sorted({x.hei for x in self.problem.learners})
        index = {hei: i for i, hei in enumerate(heis)}
        of = np.array([index[x.hei] for x in self.problem.learners], np.int64)
        asked = np.bincount(of[self.tables.requirement_learner], minlength=len(heis))
        for i, members in groups(of[self.choices.learner]):
            values = np.append(POINT * self.choices.minutes[members], -int(asked[i]))
            self.core.add(RowName("hei_fairness", "hei", i), np.append(members, top), values, 0)

    def companions(self) -> None:
        if not self.policy.companions or not self.problem.companions:
            return
        of = dict(groups(self.choices.learner))
        for c, item in enumerate(self.problem.companions):
            positions = [self.problem.learner_index[key] for key in item.learners]
            members = [of[p] for p in positions if p in of]
            for i, one in enumerate(members):
                for two in members[i + 1 :]:
                    self.companion_pair(c, item.kind == "together", one, two)

    def companion_pair(self, c: int, together: bool, one: Ints, two: Ints) -> None:
        """For each two variants that share a week and each site: not one here and the other elsewhere
        (together), or not both here (apart)."""
        name = RowName("companions", "companions", c)
        covers = self.tables.week_set_weeks
        for _, mine in groups(self.choices.variant[one]):
            for _, theirs in groups(self.choices.variant[two]):
                left, right = one[mine], two[theirs]
                if not (
                    covers[self.choices.week_set[left[0]]] & covers[self.choices.week_set[right[0]]]
                ).any():
                    continue
                for s in np.unique(self.choices.site[left]).tolist():
                    here = left[self.choices.site[left] == s]
                    at = self.choices.site[right] == s
                    other = right[~at] if together else right[at]
                    if len(other):
                        self.pool.add(name, np.concatenate([here, other]), 1, 1)

    def agreements(self) -> None:
        if not self.policy.agreements:
            return
        for a, item in enumerate(self.problem.agreements):
            takes = np.array([covers(item, x) for x in self.problem.learners], np.bool_)
            there = self.choices.trust == self.problem.trust_index[item.trust]
            inside = np.flatnonzero(there & takes[self.choices.learner])
            name = RowName("agreements", "agreement", a)
            if item.most is not None and item.most < self.asking(inside):
                self.pool.add(name, inside, 1, item.most)
            if item.least and len(inside):
                short = self.further(Extra("shortfall", (a,), "agreement_shortfall", 1, float(item.least)))
                self.core.add(name, np.append(inside, short), -1, -item.least)

    def asking(self, inside: Ints) -> int:
        """How many requirements some choices are of."""
        return len(np.unique(self.choices.requirement[inside]))

    def periods(self, members: Ints) -> Iterator[tuple[tuple[int, ...], Ints]]:
        """Weeks that the same of these choices cover, and those choices (positions of columns)."""
        used, position = np.unique(self.choices.week_set[members], return_inverse=True)
        covers = self.tables.week_set_weeks[used]
        weeks = np.flatnonzero(covers.any(axis=0))
        patterns, which = np.unique(covers[:, weeks].T, axis=0, return_inverse=True)
        which = which.reshape(-1)
        for p, pattern in enumerate(patterns):
            yield tuple(weeks[which == p].tolist()), members[pattern[position]]
