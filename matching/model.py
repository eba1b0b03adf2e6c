"""A part as rows and columns: what the integer path solves.

Columns: one a choice (a requirement at an offer in some weeks), 0 or 1; then continuous ones: load steps,
steps above preferred, educators' shares, shortfalls of agreements. Every row is `values . x <= most` with
whole numbers. Those that bind seldom come last.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from matching.columns import Extra, Model, RowName, groups
from matching.costs import POINT, Curve, above_preferred_costs, runs
from matching.gathered import NOTHING, Family, Gathered, together
from matching.policy import Policy
from matching.rules.agreements import covers
from matching.rules.different_sites import most_repeats
from matching.supervised_rows import SupervisedRows
from matching.tables import Ints, least_of


class Builder(SupervisedRows):
    """Writes the rows of a part family by family."""

    def build(self) -> Model:
        """All rows."""
        self.one_offer_each()
        self.offers()
        self.supervision()
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
        rows, width = self.core + self.pool, len(self.choices) + len(self.extras)
        most = rows.most.astype(np.float64)
        return Model(self.choices, self.extras, rows.names, rows.matrix(width), most, self.implied)

    # -- what is always there ------------------------------------------------------------

    def one_offer_each(self) -> None:
        mine = together(self.choices.requirement)
        names = [RowName("requirement", "requirement", r) for r in mine.label.tolist()]
        self.core.extend(names, np.ones(len(mine), np.int64), mine.row, mine.column, 1)

    def offers(self) -> None:
        """Places of an offer by period, with the price above preferred."""
        asked = self.periods(self.choices.offer)
        family = Family(asked, np.ones(len(asked.column), np.int64))
        curve = cache(partial(_offer_curve, self.policy))
        for i, (o, weeks, inside) in enumerate(asked):
            asking = len(inside)
            item = self.problem.offers[o]
            most = min(item.maximum[w] for w in weeks) if self.policy.places else asking
            prices = curve(tuple((item.preferred[w], item.maximum[w]) for w in weeks), min(most, asking))
            if asking > most or any(price for _, price in prices):
                name = RowName("places", "offer", o, weeks)
                family.add(name, i, *self.priced("step", name, prices, "above_preferred"))
        family.write(self.core)

    # -- what seldom binds ------------------------------------------------------------

    def at_most(self, rule: str, level: str, asked: Gathered, most: list[int]) -> None:
        """Rows to the pool: so many of the choices gathered, where more requirements ask for them."""
        binds = self.asking(asked) > np.array(most, np.int64)
        those = asked.where(binds)
        names = [RowName(rule, level, p, weeks) for p, weeks in those.about]
        self.pool.extend(names, np.array(most, np.int64)[binds], those.row, those.column, 1)

    def declared(self, level: str, of: Ints, places: list[tuple[int, ...] | None]) -> None:
        if not self.policy.places:
            return
        limited = np.array([each is not None for each in places], np.bool_)
        asked = self.periods(np.where(limited[of], of, -1))
        most = [least_of(places[p], weeks) for p, weeks in asked.about]
        self.at_most("places", level, asked, most)

    def beds(self) -> None:
        asked = self.periods(np.where(self.choices.bed, self.choices.site, -1))
        beds = [site.accommodation or (0,) * len(self.problem.weeks) for site in self.problem.sites]
        most = [least_of(beds[s], weeks) for s, weeks in asked.about]
        self.at_most("accommodation", "site", asked, most)

    def one_place_a_week(self) -> None:
        if self.policy.one_place_a_week:
            asked = self.periods(self.choices.learner)
            self.at_most("one_place_a_week", "learner", asked, [1] * len(asked))

    def rotations(self) -> None:
        """Each block of a rotation once."""
        if not self.policy.rotation or not self.problem.rotations:
            return
        index = self.problem.rotation_index
        of = np.array(
            [-1 if r.rotation is None else index[r.rotation] for r in self.problem.requirements], np.int64
        )[self.choices.requirement]
        block = self.tables.variants.block[self.choices.variant]
        asked = together(of, block)
        self.at_most("rotation", "rotation", asked, [1] * len(asked))

    def site_repeats(self) -> None:
        if not self.policy.site_repeats:
            return
        learners, sites = self.problem.learners, self.problem.sites
        limited = np.array([x.site_repeats is not None for x in learners], np.bool_)[self.choices.learner]
        asked = together(np.where(limited, self.choices.learner, -1), self.choices.site)
        most = [
            max(0, (learners[p].site_repeats or 0) - learners[p].attended.count(sites[s].key))
            for p, (s,) in asked.about
        ]
        self.at_most("site_repeats", "learner", asked, most)

    def different_sites(self) -> None:
        """Repeats by learner and site, where their number is limited or counts: repeat >= placings - 1 where
        the site is new, >= placings where the learner has been there."""
        counts = any("variety" in tier for tier in self.policy.tiers)
        if not self.policy.different_sites and not counts:
            return
        there = together(self.choices.learner, self.choices.site)
        asking = self.asking(there).tolist()
        open_to = np.unique(self.choices.requirement)
        placings = np.bincount(self.tables.requirement_learner[open_to], minlength=len(self.problem.learners))
        family = Family(there, np.ones(len(there.column), np.int64))
        for learner, rows in groups(there.label):
            item = self.problem.learners[learner]
            asked = int(self.tables.asked[learner])
            allowed = most_repeats(item, asked) if self.policy.different_sites else asked
            if not counts and placings[learner] <= allowed:
                continue
            columns: list[int] = []
            for i in rows.tolist():
                (s,) = there.weeks[i]
                new = int(self.problem.sites[s].key not in item.attended)
                if asking[i] > new:
                    repeat = Extra("repeat", (learner, s), "variety", POINT, float(asking[i]))
                    columns.append(self.further(repeat))
                    family.add(RowName("different_sites", "learner", learner, (s,)), i, columns[-1:], new)
            if allowed < asked and columns:
                name = RowName("different_sites", "learner", learner)
                family.add(name, NOTHING, columns, allowed, value=1)
        family.write(self.pool)

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
                    for left, right in self.meeting(one, two):
                        self.companion_pair(c, item.kind == "together", left, right)
                        if item.kind == "together":
                            self.in_one_place(c, left, right)

    def meeting(self, one: Ints, two: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Of two learners' choices, those of each two variants that share a week."""
        covers = self.tables.week_set_weeks
        for _, mine in groups(self.choices.variant[one]):
            for _, theirs in groups(self.choices.variant[two]):
                left, right = one[mine], two[theirs]
                if (covers[self.choices.week_set[left[0]]] & covers[self.choices.week_set[right[0]]]).any():
                    yield left, right

    def companion_pair(self, c: int, together: bool, left: Ints, right: Ints) -> None:
        """For each site: not one here and the other elsewhere (together), or not both here (apart)."""
        name = RowName("companions", "companions", c)
        for s in np.unique(self.choices.site[left]).tolist():
            here = left[self.choices.site[left] == s]
            at = self.choices.site[right] == s
            other = right[~at] if together else right[at]
            if len(other):
                self.pool.add(name, np.concatenate([here, other]), 1, 1)

    def in_one_place(self, c: int, left: Ints, right: Ints) -> None:
        """Two who stay together are at one site between them: of shares of learners, the greater of both at
        each site add up to one at most. The pairs of rows above let one be everywhere a little, and the
        other elsewhere."""
        name = RowName("companions", "companions", c)
        spread = []
        for s in np.unique(self.choices.site[np.concatenate([left, right])]).tolist():
            spread.append(self.further(Extra("together", (c, s), "", 0, 1.0)))
            for those in (left, right):
                here = those[self.choices.site[those] == s]
                if len(here):
                    values = np.append(np.ones(len(here), np.int64), -1)
                    self.implied.add(name, np.append(here, spread[-1]), values, 0)
        self.implied.add(name, np.array(spread, np.int64), 1, 1)

    def agreements(self) -> None:
        if not self.policy.agreements:
            return
        for a, item in enumerate(self.problem.agreements):
            takes = np.array([covers(item, x) for x in self.problem.learners], np.bool_)
            there = self.choices.trust == self.problem.trust_index[item.trust]
            inside = np.flatnonzero(there & takes[self.choices.learner])
            name = RowName("agreements", "agreement", a)
            if item.most is not None and item.most < len(np.unique(self.choices.requirement[inside])):
                self.pool.add(name, inside, 1, item.most)
            if item.least and len(inside):
                short = self.further(Extra("shortfall", (a,), "agreement_shortfall", 1, float(item.least)))
                self.core.add(name, np.append(inside, short), -1, -item.least)


def _offer_curve(policy: Policy, places: tuple[tuple[int, int], ...], most: int) -> Curve:
    """The price above preferred of each of `most` places in weeks with so many (preferred, most) places, one
    a week."""
    steps = np.zeros(most, np.int64)
    for preferred, maximum in places:
        steps += above_preferred_costs(policy, preferred, maximum, most)
    return runs(steps)
