"""The rows of `model.py` in which what is limited depends on what is added.

A thing that additions touch (an offer, a cap, a department's or an educator's WTE) stands at one of its
levels: the base, or what some of the additions make of it. With `v[l]` in {0, 1} for each level beyond the
base, its limit and its rising prices are those of the level it is at (the multiple-choice form of a
piecewise-linear cost):

    values . x - sum_l sum_i s[l,i] - sum_l (first[l] - first[0]) v[l] <= first[0]
    s[l,i] <= width[l,i] v[l];  s[0,i] <= width[0,i] (1 - sum_l v[l]);  sum_l v[l] <= 1
    sum_l count[l,a] v[l] <= z[a];  sum_a z[a] <= k
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from matching.additions import PARTS, WTE, Addition
from matching.alike import Alike, Apart
from matching.columns import Choices, Extra, Model, RowName
from matching.costs import Curve, above_preferred_costs, load_cost, runs
from matching.gathered import Gathered
from matching.model import Builder
from matching.policy import Policy
from matching.problem import Offer, Problem
from matching.rules import supervision
from matching.shares import segments
from matching.tables import Ints, Tables, thousandths
from matching.teams import Teams

# From so many levels on there is no program.
MOST_LEVELS = 2_000

Weeks = tuple[int, ...]  # weeks by position, or so much in each of them
Thing = tuple[str, str]  # kind and key of what an amount is added to
Level = tuple[tuple[int, int], ...]  # (position, how often) of the additions made that touch a thing


def levels_of(additions: Sequence[Addition], k: int) -> dict[Thing, list[Level]] | None:
    """The levels beyond the base of each thing that additions touch; None where they are too many."""
    touching: dict[Thing, list[int]] = {}
    for i, addition in enumerate(additions):
        for thing in dict.fromkeys((item.kind, item.key) for item in addition.amounts):
            touching.setdefault(thing, []).append(i)
    out: dict[Thing, list[Level]] = {}
    for thing, those in touching.items():
        levels: list[Level] = [()]
        for i in those:
            levels = [
                (*level, (i, n)) if n else level
                for level in levels
                for n in range(min(k - sum(m for _, m in level), additions[i].most) + 1)
            ]
            if len(levels) + sum(map(len, out.values())) > MOST_LEVELS:
                return None
        out[thing] = [level for level in levels if level]
    return out


class LevelBuilder(Builder):
    """A model in which the limits of some things are chosen among levels. `tables` are of the problem with
    everything added; `base` is the one with nothing added."""

    def __init__(
        self,
        tables: Tables,
        policy: Policy,
        chosen: Choices,
        base: Problem,
        additions: Sequence[Addition],
        levels: dict[Thing, list[Level]],
        k: int,
    ) -> None:
        super().__init__(tables, policy, chosen)
        self.base, self.additions, self.levels, self.k = base, additions, levels, k
        self.base_tables = Tables(base)
        self.columns_of: dict[Thing, list[int]] = {}
        self.made: list[int] = []

    def build(self) -> Model:
        """All rows, those of the levels first."""
        self.choose_levels()
        return super().build()

    def choose_levels(self) -> None:
        """The columns of levels and additions, and what binds them."""
        for i, addition in enumerate(self.additions):
            most = float(min(self.k, addition.most))
            self.made.append(self.further(Extra("addition", (i,), "", 0, most)))
        name = RowName("additions", "additions", 0)
        self.core.add(name, np.array(self.made, np.int64), 1, self.k)
        for thing, levels in self.levels.items():
            columns = [self.further(Extra("level", (n,), "", 0, 1.0)) for n in range(len(levels))]
            self.columns_of[thing] = columns
            self.core.add(name, np.array(columns, np.int64), 1, 1)
            counts: dict[int, list[tuple[int, int]]] = {}
            for column, level in zip(columns, levels, strict=True):
                for i, n in level:
                    counts.setdefault(i, []).append((column, n))
            for i, entries in counts.items():
                at = np.array([c for c, _ in entries] + [self.made[i]], np.int64)
                self.core.add(name, at, np.array([n for _, n in entries] + [-1], np.int64), 0)

    # -- what a thing holds at each level ------------------------------------------------------------

    def by_level(self, kind: str, key: str, weeks: tuple[int, ...]) -> dict[tuple[int, ...], list[int]]:
        """What is added in each of `weeks` -> the levels' columns at which that is so; the base is ()."""
        out: dict[tuple[int, ...], list[int]] = {(): []}
        thing = (kind, key)
        for column, level in zip(self.columns_of.get(thing, []), self.levels.get(thing, []), strict=True):
            added = [0] * len(weeks)
            for i, n in level:
                for item in self.additions[i].amounts:
                    if (item.kind, item.key) == thing:
                        grain = thousandths(item.amount) if kind in WTE else int(item.amount)
                        for at, w in enumerate(weeks):
                            added[at] += n * grain * (not item.weeks or w in item.weeks)
            if any(added):
                out.setdefault(tuple(added), []).append(column)
        return out

    def levelled(
        self,
        name: RowName,
        inside: Ints,
        values: Ints | int,
        levels: dict[tuple[int, ...], list[int]],
        curve: Callable[[tuple[int, ...]], Curve],
        family: str,
        aim: str,
    ) -> None:
        """values . x <= the width of the curve at the level chosen, at its prices. `curve` takes what is
        added by week."""
        zero = (0,) * len(name.weeks)
        curves = {added: curve(added or zero) for added in levels}
        total = int(np.abs(np.broadcast_to(np.asarray(values, np.int64), inside.shape)).sum())
        if all(sum(w for w, p in c if not p) >= total for c in curves.values()):
            return
        free = {added: sum(w for w, p in c if not p) for added, c in curves.items()}
        there, held = [inside], [np.broadcast_to(np.asarray(values, np.int64), inside.shape)]
        for added, c in curves.items():
            columns = levels[added]
            others = [column for other, of in levels.items() if other for column in of]
            for width, price in c:
                if not price:
                    continue
                at = (name.position, *name.weeks)
                step = self.further(Extra(family, at, aim, price, float(width)))
                there.append(np.array([step], np.int64))
                held.append(np.array([-1], np.int64))
                if added:
                    self.core.add(
                        name, np.array([step, *columns]), np.array([1, *[-width] * len(columns)]), 0
                    )
                elif others:
                    beyond = np.array([1, *[width] * len(others)])
                    self.core.add(name, np.array([step, *others]), beyond, width)
            there.append(np.array(columns, np.int64))
            held.append(np.full(len(columns), free[()] - free[added], np.int64))
        self.core.add(name, np.concatenate(there), np.concatenate(held), free[()])

    # -- the rows that depend on it ------------------------------------------------------------

    def offers(self) -> None:
        """Places of an offer by period, with the price above preferred."""
        for o, weeks, inside in self.periods(self.choices.offer):
            item = self.base.offers[self.base.offer_index[self.problem.offers[o].key]]
            levels = self.by_level("offer", item.key, weeks)
            name = RowName("places", "offer", o, weeks)
            curve = partial(self.offer_curve, item, weeks, len(inside))
            self.levelled(name, inside, 1, levels, curve, "step", "above_preferred")

    def offer_curve(self, item: Offer, weeks: Weeks, asking: int, added: Weeks) -> Curve:
        """The price above preferred of each of an offer's places in some weeks, with so many added."""
        most = min(item.maximum[w] + a for w, a in zip(weeks, added, strict=True))
        steps = np.zeros(min(most, asking), np.int64)
        for w, a in zip(weeks, added, strict=True):
            low, high = item.preferred[w] + a, item.maximum[w] + a
            steps = steps + above_preferred_costs(self.policy, low, high, len(steps))
        return runs(steps)

    def weeks_alike(self, teams: Teams, counted: Gathered) -> Alike:
        """None are: additions may be to some of the weeks alone."""
        return Apart(teams, counted)

    def cells(self, counted: Gathered) -> None:
        for c, weeks, inside in counted:
            self.supervised(c, weeks, inside)

    def supervised(self, c: int, weeks: tuple[int, ...], inside: Ints) -> None:
        """Supervision of a cell in a period: limit and price in one row, at each level of its WTE."""
        weight = self.choices.weight[inside]
        teams = self.tables.teams
        d, pools = int(teams.department[c]), teams.pools_of[c]
        key = self.problem.departments[d].key
        split = bool(teams.split[d])
        base = None if split else self.base_wte(d)
        total = int(weight.sum())
        if pools:
            for w in weeks:
                own = 0 if base is None else int(base[w])
                shares = np.array([self.share(p, c, w, total) for p in pools], np.int64)
                self.levelled(
                    RowName("supervision", "department", d, (w,)),
                    np.concatenate([inside, shares]),
                    np.concatenate([weight, np.full(len(shares), -1)]),
                    {(): []} if split else self.by_level("wte", key, (w,)),
                    partial(self.load_curve, own, total),
                    "load",
                    "supervisor_load",
                )
            return
        grid = int(np.gcd.reduce(weight))

        def curve(added: tuple[int, ...]) -> Curve:
            own = [0 if base is None else int(base[w]) + a for w, a in zip(weeks, added, strict=True)]
            units = min(supervision.most(min(own), self.policy.supervision, total), total) // grid
            price = np.zeros(units + 1, np.int64)
            for available in own:
                price += load_cost(self.policy, available, grid * np.arange(units + 1, dtype=np.int64))
            return runs(np.diff(price))

        name = RowName("supervision", "department", d, weeks)
        levels = self.by_level("wte", key, weeks)
        self.levelled(name, inside, weight // grid, levels, curve, "step", "supervisor_load")

    def load_curve(self, own: int, total: int, added: Weeks) -> Curve:
        """The price of the load of so many thousandths of WTE in a week, up to its limit."""
        available = own + added[0]
        most = supervision.most(available, self.policy.supervision, total)
        return segments(self.policy, available, most)

    def base_wte(self, d: int) -> Ints | None:
        """A department's own WTE by week with nothing added."""
        return self.base_tables.wte_by_week[self.base.department_index[self.problem.departments[d].key]]

    def has_own(self, d: int, w: int) -> bool:
        """Whether a department has WTE of its own in a week with nothing added."""
        base = self.base_wte(d)
        return base is not None and int(base[w]) > 0

    def opened(self, d: int, w: int) -> list[int]:
        """The columns of the levels that give a department WTE of its own in a week."""
        levels = self.by_level("wte", self.problem.departments[d].key, (w,))
        return [column for added, columns in levels.items() if added for column in columns]

    def pools(self) -> None:
        """An educator's time, or that of a department of several cells, at each level of it."""
        teams = self.tables.teams
        for (p, w), columns in self.shares("share").items():
            level, position = teams.source[p]
            if level == "educator":
                kind, key = "educator", self.problem.educators[position].key
                own = int(self.base_tables.educator_wte[self.base.educator_index[key], w])
            else:
                kind, key = "wte", self.problem.departments[position].key
                base = self.base_wte(position)
                own = 0 if base is None else int(base[w])
            total = sum(int(self.extras[c - len(self.choices)].most) for c in columns)
            self.levelled(
                RowName("supervision", level, position, (w,)),
                np.array(columns, np.int64),
                1,
                self.by_level(kind, key, (w,)),
                partial(self.load_curve, own, total),
                "load",
                "supervisor_load",
            )

    def declared(self, level: str, of: Ints, places: list[tuple[int, ...] | None]) -> None:
        """A cap of a department, site or trust at each of its levels."""
        part = getattr(self.base, PARTS[level][0])
        items = getattr(self.problem, PARTS[level][0])
        for position, weeks, inside in self.periods(of):
            item = part[position]
            if items[position].key != item.key:
                raise AssertionError(f"{level} {item.key} has moved")
            if item.places is not None:
                levels = self.by_level(level, item.key, weeks)
                name = RowName("places", level, position, weeks)
                self.levelled(name, inside, 1, levels, partial(_cap, item.places, weeks), "step", "")


def _cap(places: Weeks, weeks: Weeks, added: Weeks) -> Curve:
    """What a cap holds in some weeks, at no price."""
    return [(min(places[w] + a for w, a in zip(weeks, added, strict=True)), 0)]
