"""Choices gathered by what they share: a family of a model's rows, worked out for all its rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matching.columns import RowName, Rows
from matching.connected import in_turn
from matching.tables import Bools, Ints

# The row of no choices.
NOTHING = -1


@dataclass(frozen=True, eq=False)
class Gathered:
    """`label` [rows] what the choices of each have in common, `weeks` [rows] the weeks that each is about, or
    one position of whatever else they have in common (as in a row's name); `column` [entries] choices by
    position, those of row i from `start[i]` to `start[i + 1]` and in order."""

    label: Ints
    weeks: list[tuple[int, ...]]
    start: Ints
    column: Ints

    def __len__(self) -> int:
        return len(self.label)

    def __iter__(self) -> Iterator[tuple[int, tuple[int, ...], Ints]]:
        """Row by row: label, weeks and choices."""
        bounds = self.start.tolist()
        for i, (label, weeks) in enumerate(self.about):
            yield label, weeks, self.column[bounds[i] : bounds[i + 1]]

    @cached_property
    def about(self) -> list[tuple[int, tuple[int, ...]]]:
        """[rows] label and weeks."""
        return list(zip(self.label.tolist(), self.weeks, strict=True))

    @cached_property
    def row(self) -> Ints:
        """[entries] the row of each."""
        return np.repeat(np.arange(len(self)), self.size)

    @cached_property
    def size(self) -> Ints:
        """[rows] how many choices each has."""
        return np.diff(self.start)

    def sums(self, values: Ints) -> Ints:
        """[rows] the sum of `values` [entries] over each."""
        up_to: Ints = np.concatenate([[0], np.cumsum(values)]).astype(np.int64)
        return up_to[self.start[1:]] - up_to[self.start[:-1]]

    def different(self, of: Ints) -> Ints:
        """[rows] how many values of `of` [choices], which is never negative, occur in each."""
        span = int(of.max(initial=0)) + 1
        keys = np.sort(self.row * span + of[self.column])
        new = np.ones(len(keys), np.bool_)
        new[1:] = keys[1:] != keys[:-1]
        return np.bincount(keys[new] // span, minlength=len(self))

    def entries(self, rows: Ints) -> tuple[Ints, Ints]:
        """The entries of some rows one after another, `NOTHING` having none: for each the position in `rows`
        and that among the entries here."""
        size, begin = np.append(self.size, 0)[rows], np.append(self.start[:-1], 0)[rows]
        row = np.repeat(np.arange(len(rows)), size)
        return row, np.repeat(begin, size) + in_turn(size)

    def where(self, rows: Bools) -> Gathered:
        """Some rows."""
        kept = np.flatnonzero(rows)
        start = np.concatenate([[0], np.cumsum(self.size[kept])])
        return Gathered(
            self.label[kept], [self.weeks[i] for i in kept.tolist()], start, self.column[rows[self.row]]
        )

    def only(self, choices: Bools) -> Gathered:
        """The rows with some `choices` [choices] alone, without those that then have none."""
        inside = choices[self.column]
        size = self.sums(inside.astype(np.int64))
        start = np.concatenate([[0], np.cumsum(size)])
        return Gathered(self.label, self.weeks, start, self.column[inside]).where(size > 0)


def together(label: Ints, by: Ints | None = None) -> Gathered:
    """A row for each value of `label` [choices] in order, a choice with a negative one being in none; with
    `by` [choices] for each pair of values of both."""
    here = np.flatnonzero(label >= 0)
    span = 1 if by is None else int(by[here].max(initial=0)) + 1
    key = label[here] * span + (0 if by is None else by[here])
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    labels, second = np.divmod(key[order][first], span)
    weeks: list[tuple[int, ...]] = [() if by is None else (other,) for other in second.tolist()]
    return Gathered(labels, weeks, np.append(first, len(order)), here[order])


def by_period(label: Ints, week_set: Ints, covers: Bools) -> Gathered:
    """For each value of `label` [choices] in order (a choice with a negative one is in none) a row for each
    of its periods: weeks that the same week sets of its choices cover, with the choices that cover them.

    `week_set` [choices] says which weeks each choice takes, `covers` [week sets, weeks] what they are. Labels
    whose choices have the same week sets have the same periods, which are worked out once.
    """
    here = np.flatnonzero(label >= 0)
    labels, group = np.unique(label[here], return_inverse=True)
    used = np.zeros((len(labels), len(covers)), np.bool_)
    used[group, week_set[here]] = True
    kinds, kind = _alike(used)
    weeks: list[list[tuple[int, ...]]] = []
    # Pairs of a week set and a period that it covers, period by period, kind by kind.
    of_set, of_period = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for k, sets in enumerate(kinds):
        found, inside = periods(np.flatnonzero(sets), covers)
        weeks.append(found)
        period, position = np.nonzero(inside)
        of_set.append(k * len(covers) + np.flatnonzero(sets)[position])
        of_period.append(period)
    order = np.argsort(np.concatenate(of_set), kind="stable")
    sets_of, periods_of = np.concatenate(of_set)[order], np.concatenate(of_period)[order]
    size = np.bincount(sets_of, minlength=len(kinds) * len(covers))
    begin = np.cumsum(size) - size
    each = np.array([len(found) for found in weeks], np.int64)[kind]
    at = kind[group] * len(covers) + week_set[here]
    times = size[at]
    row = (
        np.repeat((np.cumsum(each) - each)[group], times)
        + periods_of[np.repeat(begin[at], times) + in_turn(times)]
    )
    return Gathered(
        np.repeat(labels, each),
        [period for k in kind.tolist() for period in weeks[k]],
        np.concatenate([[0], np.cumsum(np.bincount(row, minlength=int(each.sum())))]),
        np.repeat(here, times)[np.argsort(row, kind="stable")],
    )


def periods(sets: Ints, covers: Bools) -> tuple[list[tuple[int, ...]], Bools]:
    """The periods of some week sets: the weeks of each, and [periods, sets] which cover it."""
    mine = covers[sets]
    weeks = np.flatnonzero(mine.any(axis=0))
    patterns, which = _alike(mine[:, weeks].T)
    return [tuple(weeks[which == p].tolist()) for p in range(len(patterns))], patterns


def _alike(rows: Bools) -> tuple[Bools, Ints]:
    """The different rows in order, and which of them each row is. NumPy's own `unique` of rows takes ten
    times as long with the few that a small part has."""
    keys = list(map(bytes, np.packbits(rows, axis=1)))
    first = {key: i for i, key in reversed(list(enumerate(keys)))}
    order = {key: i for i, key in enumerate(sorted(first))}
    kinds: Bools = rows[[first[key] for key in order]]
    return kinds, np.array([order[key] for key in keys], np.int64)


class Family:
    """Rows of one kind while they are decided one by one: each is a gathered row, or `NOTHING`, with further
    columns."""

    def __init__(self, gathered: Gathered, values: Ints) -> None:
        """`values` [entries] those of the choices gathered."""
        self.gathered, self.values = gathered, values
        self.names: list[RowName] = []
        self.source: list[int] = []
        self.most: list[int] = []
        # [further entries]
        self.row: list[int] = []
        self.column: list[int] = []
        self.value: list[int] = []

    def add(self, name: RowName, source: int, further: list[int], most: int, value: int = -1) -> None:
        """A row: the gathered row `source` and further columns, each with `value`."""
        self.row += [len(self.names)] * len(further)
        self.column += further
        self.value += [value] * len(further)
        self.names.append(name)
        self.source.append(source)
        self.most.append(most)

    def write(self, rows: Rows) -> None:
        """All of them, in their order."""
        row, at = self.gathered.entries(np.array(self.source, np.int64))
        further = [np.array(each, np.int64) for each in (self.row, self.column, self.value)]
        rows.extend(
            self.names,
            np.array(self.most, np.int64),
            np.concatenate([row, further[0]]),
            np.concatenate([self.gathered.column[at], further[1]]),
            np.concatenate([self.values[at], further[2]]),
        )
