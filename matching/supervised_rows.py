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

from collections.abc import Iterator

import numpy as np

from matching.columns import Choices, Extra, RowName, Rows, groups
from matching.costs import load_cost
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

    def supervision(self) -> None:
        """WTE by period, limit and price in one row; and learners at once."""
        teams = self.tables.teams
        for c, members in groups(self.choices.cell):
            own = teams.own[c]
            if own is None:
                continue
            for weeks, inside in self.periods(members):
                self.supervised(c, weeks, inside, own)
        self.pools()
        self.heads()

    def supervised(self, c: int, weeks: tuple[int, ...], inside: Ints, wte: Ints) -> None:
        """The weight of a cell in a period: its own, and what comes from the pools that it draws on."""
        teams = self.tables.teams
        d, pools = int(teams.department[c]), teams.pools_of[c]
        weight = self.choices.weight[inside]
        inside, weight = inside[weight > 0], weight[weight > 0]
        if not len(inside):
            return
        own = [int(wte[w]) for w in weeks]
        total = int(weight.sum())
        if pools:
            room = total
            for w, available in zip(weeks, own, strict=True):
                shares = np.array([self.share(p, c, w, total) for p in pools], np.int64)
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

    def share(self, p: int, c: int, w: int, total: int) -> int:
        wte = int(self.tables.teams.pool[p, w])
        most = min(total, supervision.most(wte, self.policy.supervision, total))
        return self.further(Extra("share", (p, c, w), "", 0, float(most)))

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
            name = RowName("supervision", *teams.source[p], (w,))
            self.used(name, here, np.ones(len(here), np.int64), int(teams.pool[p, w]), most)
            whole = supervision.most(int(teams.pool[p, w]), self.policy.supervision, most)
            self.whole(teams, p, w, columns, whole)

    # -- learners at once ------------------------------------------------------------

    def heads(self) -> None:
        """Learners where a department has no WTE of its own, each on an educator who may supervise them; and
        the most of each educator."""
        if self.policy.supervision is None:
            return
        teams = self.tables.heads
        counted = np.flatnonzero(self.choices.head >= 0)
        for c, members in groups(self.choices.head[counted]):
            for weeks, inside in self.periods(counted[members]):
                for w in weeks:
                    if not self.has_own(int(teams.department[c]), w):
                        self.headed(c, w, inside)
        for (p, w), columns in self.shares("head").items():
            most, here = int(teams.pool[p, w]), np.array(columns, np.int64)
            if sum(self.extras[k - len(self.choices)].most for k in columns) > most:
                self.core.add(RowName("supervision", *teams.source[p], (w,), LEARNERS), here, 1, most)
                self.whole(teams, p, w, columns, most)

    def headed(self, c: int, w: int, inside: Ints) -> None:
        """The learners of a cell in a week, each on one of its educators."""
        teams, asking = self.tables.heads, self.asking(inside)
        d = int(teams.department[c])
        columns = [
            self.further(Extra("head", (p, c, w), "", 0, float(min(asking, int(teams.pool[p, w])))))
            for p in teams.pools_of[c]
        ]
        opened = self.opened(d, w)
        there = np.array([*columns, *opened], np.int64)
        values = np.array([-1] * len(columns) + [-asking] * len(opened), np.int64)
        self.core.add(
            RowName("supervision", "department", d, (w,), LEARNERS),
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

    def whole(self, teams: Teams, p: int, w: int, columns: list[int], most: int) -> None:
        """In a department of several cells an educator supervises no more than whole. The educator's own row
        says so too; for a proof that takes that one away, this one stands beside it."""
        level, _ = teams.source[p]
        of = [int(teams.department[self.extras[k - len(self.choices)].at[1]]) for k in columns]
        for d in sorted(set(of)) if level == "educator" else ():
            here = np.array([k for k, other in zip(columns, of, strict=True) if other == d], np.int64)
            if len(here) > 1 and sum(self.extras[k - len(self.choices)].most for k in here.tolist()) > most:
                measure = LEARNERS if teams.measure == LEARNERS else ""
                self.pool.add(RowName("supervision", "department", d, (w,), measure), here, 1, most)

    # -- what any rows are made of ------------------------------------------------------------

    def further(self, extra: Extra) -> int:
        self.extras.append(extra)
        return len(self.choices) + len(self.extras) - 1

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
