"""The rows of supervision in the model of a part: what cells need is their own or from pools (teams.py).

A cell's row of a period (weeks that the same week sets cover) is both its WTE limit and the price of
its load: supervised - sum of steps <= first breakpoint, the steps as wide as the price stays the same. The
weight supervised can only be a multiple of the weights' grid, so the price is taken at grid points and joined
by straight lines between them: dearer than the formula in between, equal where it counts.

Where a department has several cells their own WTE is a pool, and a pool's row is limit and price as well. A
cell's own part is then 0, so that its row says only that the pools carry it. Learners at once have rows of
the same form, without prices; all is whole there, so that whole learners can be split where parts of them
can.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from matching.alike import Alike
from matching.columns import Choices, Extra, RowName, Rows
from matching.costs import Curve, load_cost, runs
from matching.gathered import Family, Gathered, by_period
from matching.policy import Policy
from matching.rules import supervision
from matching.shares import segments
from matching.tables import Ints, Tables
from matching.teams import LEARNERS, Teams


class SupervisedRows:
    """Gathers rows and further columns, and writes those of supervision."""

    def __init__(self, tables: Tables, policy: Policy, chosen: Choices) -> None:
        self.tables, self.policy, self.choices = tables, policy, chosen
        self.extras: list[Extra] = []
        self.core, self.pool, self.implied = Rows(), Rows(), Rows()
        self.problem = tables.problem
        # Many cells have the same WTE.
        self.segments = cache(partial(segments, policy))
        self.wte_curve = cache(partial(_load_curve, policy))

    def supervision(self) -> None:
        """WTE by period, limit and price in one row; and learners at once."""
        limited = np.array([own is not None for own in self.tables.teams.own], np.bool_)
        cell = self.choices.cell
        counted = self.periods(np.where(limited[cell], cell, -1)).only(self.choices.weight > 0)
        self.alike = self.weeks_alike(self.tables.teams, counted)
        if len(counted):
            self.cells(counted)
        self.pools()
        self.heads()

    def weeks_alike(self, teams: Teams, counted: Gathered) -> Alike:
        """The weeks that the flow of a measure need not tell apart."""
        return Alike(teams, counted)

    def cells(self, counted: Gathered) -> None:
        """The weight of each cell in each period: its own, and what comes from the pools that it draws on."""
        teams = self.tables.teams
        weight = self.choices.weight[counted.column]
        total = counted.sums(weight)
        served = np.array([bool(pools) for pools in teams.pools_of], np.bool_)[counted.label]
        grid = np.where(served, 1, np.gcd.reduceat(weight, counted.start[:-1]))
        units = weight // grid[counted.row]
        room = np.zeros(len(counted), np.int64)
        family = Family(counted, units)
        for i, (c, weeks) in enumerate(counted.about):
            if served[i]:
                room[i] = self.from_pools(family, i, c, weeks, int(total[i]))
            else:
                room[i] = self.of_its_own(family, i, c, weeks, int(total[i]), int(grid[i]))
        family.write(self.core)
        self.heavy(counted, units, room)

    def from_pools(self, family: Family, i: int, c: int, weeks: tuple[int, ...], total: int) -> int:
        """The rows of a cell that draws on pools, one for weeks that are alike; the most that the period can
        hold."""
        teams, load = self.tables.teams, self.policy.supervision
        d, own, room = int(teams.department[c]), teams.own[c], total
        for w, those in self.alike.of_cell(c, weeks):
            available = 0 if own is None else int(own[w])
            shares = [self.share(p, c, w, total) for p in teams.pools_of[c]]
            name = RowName("supervision", "department", d, those)
            most = supervision.most(available, load, total)
            curve = _times(len(those), self.segments(available, most))
            loads, first = self.priced("load", name, curve, "supervisor_load")
            family.add(name, i, [*shares, *loads], first)
            shared = sum(int(self.extras[k - len(self.choices)].most) for k in shares)
            room = min(room, most + shared)
        return room

    def of_its_own(
        self, family: Family, i: int, c: int, weeks: tuple[int, ...], total: int, grid: int
    ) -> int:
        """The row of a cell that draws on no pool; the most that the period can hold in steps of `grid`, 0
        where no row is needed."""
        own = self.tables.teams.own[c]
        wte = () if own is None else tuple(own[list(weeks)].tolist())
        most = min(total, supervision.most(min(wte), self.policy.supervision, total)) // grid
        curve = self.wte_curve(wte, grid, most)
        if most * grid == total and not any(price for _, price in curve):
            return 0
        name = RowName("supervision", "department", int(self.tables.teams.department[c]), weeks)
        family.add(name, i, *self.priced("step", name, curve, "supervisor_load"))
        return most

    def heavy(self, counted: Gathered, units: Ints, room: Ints) -> None:
        """`units` w [entries] of whole learners hold at most `room` [rows], so floor(w / h) each at most
        floor(room / h), for every weight h: a place of 1.5 takes one learner of weight 1, not one and a half
        (Chvatal 1973)."""
        span = int(units.max(initial=0)) + 1
        source, heavy = np.divmod(np.unique(counted.row * span + units), span)
        most = room[source] // heavy
        part = room[source] % heavy > 0
        source, heavy, most = source[part], heavy[part], most[part]
        row, at = counted.entries(source)
        count = units[at] // heavy[row]
        binds = np.bincount(row, count, minlength=len(source)) > most
        kept = binds[row] & (count > 0)
        department, names = self.tables.teams.department, []
        for i in source[binds].tolist():
            d = int(department[counted.label[i]])
            names.append(RowName("supervision", "department", d, counted.weeks[i]))
        number = np.cumsum(binds) - 1
        self.implied.extend(names, most[binds], number[row[kept]], counted.column[at[kept]], count[kept])

    def share(self, p: int, c: int, w: int, total: int) -> int:
        wte = int(self.tables.teams.pool[p, w])
        most = min(total, supervision.most(wte, self.policy.supervision, total))
        return self.further(Extra("share", (p, c, w), "", 0, float(most)))

    def shares(self, family: str) -> dict[tuple[int, int], list[int]]:
        """By pool and week, the columns of what is drawn from it."""
        out: dict[tuple[int, int], list[int]] = {}
        for k, extra in enumerate(self.extras):
            if extra.family == family:
                out.setdefault((extra.at[0], extra.at[2]), []).append(len(self.choices) + k)
        return out

    def pools(self) -> None:
        """What an educator, or a department of several cells, supervises in a week: limit and price."""
        teams = self.tables.teams
        for (p, w), columns in self.shares("share").items():
            here = np.array(columns, np.int64)
            most = sum(int(self.extras[k - len(self.choices)].most) for k in columns)
            those = self.alike.of_pool(p, w)
            name = RowName("supervision", *teams.source[p], those)
            available = int(teams.pool[p, w])
            whole = supervision.most(available, self.policy.supervision, most)
            curve = _times(len(those), self.segments(available, whole))
            loads, first = self.priced("load", name, curve, "supervisor_load")
            values = np.repeat([1, -1], [len(here), len(loads)])
            self.core.add(name, np.append(here, np.array(loads, np.int64)), values, first)
            self.whole(teams, p, those, columns, whole)

    # -- learners at once ------------------------------------------------------------

    def heads(self) -> None:
        """Learners where a department has no WTE of its own, each on an educator who may supervise them; and
        the most of each educator."""
        if self.policy.supervision is None:
            return
        teams, counted = self.tables.heads, self.periods(self.choices.head)
        asking = self.asking(counted).tolist()
        alike = self.weeks_alike(teams, counted)
        for (c, weeks, inside), most in zip(counted, asking, strict=True):
            for w, those in alike.of_cell(c, weeks):
                if not self.has_own(int(teams.department[c]), w):
                    self.headed(c, those, inside, most)
        for (p, w), columns in self.shares("head").items():
            most, here = int(teams.pool[p, w]), np.array(columns, np.int64)
            if sum(self.extras[k - len(self.choices)].most for k in columns) > most:
                those = alike.of_pool(p, w)
                self.core.add(RowName("supervision", *teams.source[p], those, LEARNERS), here, 1, most)
                self.whole(teams, p, those, columns, most)

    def headed(self, c: int, weeks: tuple[int, ...], inside: Ints, asking: int) -> None:
        """The learners of a cell in weeks that are alike, each on one of its educators."""
        teams = self.tables.heads
        d, w = int(teams.department[c]), weeks[0]
        columns = [
            self.further(Extra("head", (p, c, w), "", 0, float(min(asking, int(teams.pool[p, w])))))
            for p in teams.pools_of[c]
        ]
        opened = self.opened(d, w)
        there = np.array([*columns, *opened], np.int64)
        values = np.array([-1] * len(columns) + [-asking] * len(opened), np.int64)
        self.core.add(
            RowName("supervision", "department", d, weeks, LEARNERS),
            np.concatenate([inside, there]),
            np.concatenate([np.ones(len(inside), np.int64), values]),
            0,
        )

    def has_own(self, d: int, w: int) -> bool:
        """Whether a department has WTE of its own in a week: then its learners are not counted."""
        wte = self.tables.wte_by_week[d]
        return wte is not None and int(wte[w]) > 0

    def opened(self, d: int, w: int) -> list[int]:
        """Columns that would give a department WTE of its own in a week."""
        return []

    def whole(self, teams: Teams, p: int, weeks: tuple[int, ...], columns: list[int], most: int) -> None:
        """In a department of several cells an educator supervises no more than whole. The educator's own row
        says so too; for a proof that takes that one away, this one stands beside it."""
        level, _ = teams.source[p]
        of = [int(teams.department[self.extras[k - len(self.choices)].at[1]]) for k in columns]
        for d in sorted(set(of)) if level == "educator" else ():
            here = np.array([k for k, other in zip(columns, of, strict=True) if other == d], np.int64)
            if len(here) > 1 and sum(self.extras[k - len(self.choices)].most for k in here.tolist()) > most:
                measure = LEARNERS if teams.measure == LEARNERS else ""
                self.pool.add(RowName("supervision", "department", d, weeks, measure), here, 1, most)

    # -- what any rows are made of ------------------------------------------------------------

    def further(self, extra: Extra) -> int:
        self.extras.append(extra)
        return len(self.choices) + len(self.extras) - 1

    def priced(self, family: str, name: RowName, curve: Curve, aim: str) -> tuple[list[int], int]:
        """A further column for each part of a curve that has a price, and how much has none."""
        at = (name.position, *name.weeks)
        columns = [self.further(Extra(family, at, aim, price, float(n))) for n, price in curve if price]
        return columns, sum(n for n, price in curve if not price)

    def asking(self, gathered: Gathered) -> Ints:
        """[rows] how many requirements the choices of each are of."""
        return gathered.different(self.choices.requirement)

    def periods(self, label: Ints) -> Gathered:
        """Choices by `label` [choices] (negative: in none) and by weeks that the same of them cover."""
        return by_period(label, self.choices.week_set, self.tables.week_set_weeks)


def _times(weeks: int, curve: Curve) -> Curve:
    """A curve at the price of so many weeks."""
    return [(width, weeks * price) for width, price in curve]


def _load_curve(policy: Policy, wte: tuple[int, ...], grid: int, most: int) -> Curve:
    """The price of each of `most` steps of `grid` supervised in weeks that have `wte`, one a week."""
    supervised = grid * np.arange(most + 1, dtype=np.int64)
    price = np.zeros(most + 1, np.int64)
    for available in wte:
        price += load_cost(policy, available, supervised)
    return runs(np.diff(price))
