"""A part as rows and columns: what the integer path solves.

Columns: one a choice (a requirement at an offer in some weeks), 0 or 1; then continuous ones: load steps,
steps above preferred, educators' shares, shortfalls of agreements. Every row is `values . x <= most` with
whole numbers. Rows that bind seldom stand in a pool and join the program once a solution breaks them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from matching.columns import Extra, Model, RowName, groups
from matching.costs import POINT, above_preferred_costs
from matching.rules.agreements import covers
from matching.rules.different_sites import most_repeats
from matching.supervised_rows import SupervisedRows
from matching.tables import Ints


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
        return Model(self.choices, self.extras, self.core, self.pool, self.implied)

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
            if item.most is not None and item.most < self.asking(inside):
                self.pool.add(name, inside, 1, item.most)
            if item.least and len(inside):
                short = self.further(Extra("shortfall", (a,), "agreement_shortfall", 1, float(item.least)))
                self.core.add(name, np.append(inside, short), -1, -item.least)
