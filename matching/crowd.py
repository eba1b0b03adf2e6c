"""The limits that a crowd of requirements meets, as rows over its pairs, and who need not be asked about.

These are the limits that count places and supervising time: places at every level, WTE and learners at once,
beds, one place a week and a rotation's blocks. What a learner's own year asks for, companions and agreements
are left out: they can only leave more without a place.

A row counts a requirement once, however many of its pairs are in it. A row that could hold everybody who may
be in it never binds; a requirement with a pair in no binding row can be placed there at nobody's expense, and
goes; what it might have taken elsewhere goes with it, so that more rows may fall away, until none does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from matching.columns import Choices, RowName
from matching.gathered import periods
from matching.policy import Policy
from matching.problem import Problem
from matching.tables import NO_CAP, Bools, Ints, Tables
from matching.teams import LEARNERS, Teams

# By item, what it holds by week (None: it has no limit).
Held: TypeAlias = list[tuple[int, ...] | None]


@dataclass(frozen=True, eq=False)
class Row:
    """`values` of the choices (positions `inside`), and -1 of each of the `shares` (positions of further
    columns), sum to at most `most`."""

    name: RowName
    inside: Ints
    values: Ints
    most: int
    shares: tuple[int, ...] = ()


class Crowd:
    """The rows of some choices; `share_most` [further columns] is what a pool can give a cell in a week."""

    def __init__(self, tables: Tables, policy: Policy, chosen: Choices) -> None:
        self.tables, self.policy, self.chosen = tables, policy, chosen
        self.problem: Problem = tables.problem
        self.share_most: list[int] = []
        self.drawn: dict[tuple[str, int, int], list[int]] = {}
        used, at = np.unique(chosen.week_set, return_inverse=True)
        found, covered = periods(used, tables.week_set_weeks)
        # Weeks that the same week sets cover, with the choices in them.
        self.periods: list[tuple[tuple[int, ...], Ints]] = [
            (weeks, np.flatnonzero(inside[at])) for weeks, inside in zip(found, covered, strict=True)
        ]
        self.places: list[tuple[str, Ints, Held]] = [
            ("offer", chosen.offer, [o.maximum for o in self.problem.offers]),
            ("department", chosen.department, [d.places for d in self.problem.departments]),
            ("site", chosen.site, [s.places for s in self.problem.sites]),
            ("trust", chosen.trust, [t.places for t in self.problem.trusts]),
        ]
        self.beds: Held = [s.accommodation or (0,) * len(self.problem.weeks) for s in self.problem.sites]
        self.rows = list(self._rows())

    def _rows(self) -> Iterator[Row]:
        chosen = self.chosen
        for weeks, there in self.periods:
            if self.policy.places:
                for level, of, places in self.places:
                    yield from self._places("places", level, of, places, weeks, there)
            slept = there[chosen.bed[there]]
            yield from self._places("accommodation", "site", chosen.site, self.beds, weeks, slept)
            if self.policy.one_place_a_week:
                yield from self._once("one_place_a_week", "learner", chosen.learner[there], weeks, there)
            for teams in self.tables.measures(self.policy):
                yield from self._supervised(teams, weeks, there)
        if self.policy.rotation and self.problem.rotations:
            yield from self._rotations()
        yield from self._pools()

    def _places(
        self, rule: str, level: str, of: Ints, places: Held, weeks: tuple[int, ...], there: Ints
    ) -> Iterator[Row]:
        for position, inside in _grouped(of[there], there):
            held = places[position]
            if held is not None:
                most = min(held[w] for w in weeks)
                tight = tuple(w for w in weeks if held[w] == most)
                yield Row(
                    RowName("places", level, position, tight), inside, np.ones(len(inside), np.int64), most
                )

    def _once(self, rule: str, level: str, of: Ints, weeks: tuple[int, ...], inside: Ints) -> Iterator[Row]:
        for position, those in _grouped(of, inside):
            yield Row(RowName(rule, level, position, weeks), those, np.ones(len(those), np.int64), 1)

    def _rotations(self) -> Iterator[Row]:
        index = self.problem.rotation_index
        of = np.array([-1 if r.rotation is None else index[r.rotation] for r in self.problem.requirements])
        rotation = of[self.chosen.requirement]
        block = self.tables.variants.block[self.chosen.variant]
        for b in np.unique(block[rotation >= 0]).tolist():
            inside = np.flatnonzero((rotation >= 0) & (block == b))
            yield from self._once("rotation", "rotation", rotation[inside], (b,), inside)

    def _supervised(self, teams: Teams, weeks: tuple[int, ...], there: Ints) -> Iterator[Row]:
        """What each cell holds; of one that draws on pools, what it holds with all of them whole, and week by
        week with its part of them."""
        load = self.policy.supervision or 0.0
        of = self.chosen.cell if teams is self.tables.teams else self.chosen.head
        amount = self.tables.amount(teams)[self.chosen.requirement]
        there = there[(of[there] >= 0) & (amount[there] > 0)]
        own, room, pools = teams.own_limit(load), teams.room(load), teams.pool_limit(load)
        # Weeks of a period in which every educator has the same time are one.
        supply = np.concatenate([own, pools])[:, list(weeks)]
        alike = [weeks[i] for i in np.unique(supply, axis=1, return_index=True)[1].tolist()]
        for cell, inside in _grouped(of[there], there):
            most = int(room[cell, list(weeks)].min())
            if most >= NO_CAP:
                continue
            measure = LEARNERS if teams.measure == LEARNERS else ""
            tight = tuple(w for w in weeks if room[cell, w] == most)
            name = RowName("supervision", "department", int(teams.department[cell]), tight, measure)
            values = amount[inside]
            yield Row(name, inside, values, most)
            # Weights w of whole learners hold floor(w / h) each, floor(most / h) in all (Chvatal 1973).
            for heavy in np.unique(values).tolist():
                if most % heavy:
                    counted = inside[values >= heavy]
                    yield Row(name, counted, amount[counted] // heavy, most // heavy)
            for w in alike if teams.pools_of[cell] else ():
                if own[cell, w] >= NO_CAP:
                    continue
                shares = []
                for p in teams.pools_of[cell]:
                    shares.append(len(self.share_most))
                    self.drawn.setdefault((teams.measure, p, w), []).append(shares[-1])
                    self.share_most.append(min(int(pools[p, w]), int(values.sum())))
                at = RowName("supervision", "department", name.position, (w,), measure)
                yield Row(at, inside, values, int(own[cell, w]), tuple(shares))

    def _pools(self) -> Iterator[Row]:
        """What an educator, or a department of several cells, gives in a week; the shares count here."""
        load = self.policy.supervision or 0.0
        for teams in self.tables.measures(self.policy):
            pools = teams.pool_limit(load)
            for (measure, p, w), shares in self.drawn.items():
                if measure == teams.measure and sum(self.share_most[k] for k in shares) > pools[p, w]:
                    name = RowName(
                        "supervision", *teams.source[p], (w,), LEARNERS if measure == LEARNERS else ""
                    )
                    none = np.zeros(0, np.int64)
                    yield Row(name, none, none, int(pools[p, w]), tuple(shares))


def _grouped(label: Ints, items: Ints) -> Iterator[tuple[int, Ints]]:
    """Each value of `label` with the items that bear it. O(n log n)."""
    order = np.argsort(label, kind="stable")
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    for part in np.split(order, cuts) if len(order) else ():
        yield int(label[part[0]]), np.sort(items[part])


def in_question(crowd: Crowd) -> tuple[Bools, list[Row]]:
    """[requirements of the problem] those who are not certainly placed, and the rows that may bind among
    them. O(entries of the rows x rounds)."""
    chosen, n = crowd.chosen, len(crowd.problem.requirements)
    alive = np.zeros(n, np.bool_)
    alive[chosen.requirement] = True
    rows = [row for row in crowd.rows if len(row.inside)]
    most = np.array([row.most for row in rows], np.int64)
    row = np.repeat(np.arange(len(rows)), [len(row.inside) for row in rows])
    pair = np.concatenate([np.zeros(0, np.int64), *(row.inside for row in rows)])
    value = np.concatenate([np.zeros(0, np.int64), *(row.values for row in rows)])
    # Each requirement once a row, with the most it can use there.
    order = np.lexsort((-value, chosen.requirement[pair], row))
    key = row[order] * n + chosen.requirement[pair[order]]
    first = order[np.flatnonzero(np.diff(key, prepend=-1))]
    counted_row, counted_who, counted = row[first], chosen.requirement[pair[first]], value[first]
    while True:
        used = np.bincount(counted_row, np.where(alive[counted_who], counted, 0), len(rows))
        binding = used > most
        held = np.zeros(len(chosen), np.bool_)
        held[pair[binding[row]]] = True
        free = ~held & alive[chosen.requirement]
        if not free.any():
            return alive, _undominated([rows[i] for i in np.flatnonzero(binding).tolist()])
        alive[chosen.requirement[free]] = False


def _undominated(rows: list[Row]) -> list[Row]:
    """Without the rows of an item and rule that another of it says already: the same use or more of it,
    and no more of it there."""
    of: dict[tuple[str, str, int, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (-len(row.inside), row.most)):
        name = row.name
        others = of.setdefault((name.rule, name.level, name.position, name.measure), [])
        if not any(_says(other, row) for other in others):
            others.append(row)
    return [row for those in of.values() for row in those]


def _says(one: Row, two: Row) -> bool:
    """Whether all that keep to `one` keep to `two`, which has no more choices."""
    if one.shares or two.shares or one.most > two.most:
        return False
    at = np.searchsorted(one.inside, two.inside)
    inside = at < len(one.inside)
    at = np.minimum(at, len(one.inside) - 1)
    return bool((inside & (one.inside[at] == two.inside) & (one.values[at] >= two.values)).all())
