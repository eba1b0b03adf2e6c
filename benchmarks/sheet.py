"""Columns and rows of a program over whole numbers, gathered one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.options import FREE, Bools, Ints


@dataclass(frozen=True, eq=False)
class Aim:
    """A tier to be made small: constant + values . x over some columns."""

    name: str
    columns: Ints
    values: Ints
    constant: int

    def at(self, x: Ints) -> int:
        """Its value for x [columns]."""
        return self.constant + int(x[self.columns] @ self.values)


@dataclass
class Sum:
    """An aim being gathered."""

    columns: list[Ints] = field(default_factory=list)
    values: list[Ints] = field(default_factory=list)
    constant: int = 0

    def add(self, columns: Ints | int, values: Ints | int) -> None:
        """Further columns with their values."""
        columns = np.atleast_1d(np.asarray(columns, np.int64))
        self.columns.append(columns)
        self.values.append(np.broadcast_to(np.asarray(values, np.int64), columns.shape))


class Sheet:
    """Columns low <= x <= high and rows low <= values . x <= high."""

    def __init__(self, options: int) -> None:
        self.low: list[int] = [0] * options
        self.high: list[int] = [1] * options
        self.columns: list[Ints] = []
        self.values: list[Ints] = []
        self.least: list[int] = []
        self.most: list[int] = []

    def column(self, high: int, low: int = 0) -> int:
        """A further column; its position."""
        self.low.append(low)
        self.high.append(high)
        return len(self.low) - 1

    def row(
        self, parts: Sequence[tuple[Ints | int, Ints | int]], least: int = -FREE, most: int = FREE
    ) -> None:
        """A row of several (columns, values)."""
        columns, values = [], []
        for some, value in parts:
            some = np.atleast_1d(np.asarray(some, np.int64))
            columns.append(some)
            values.append(np.broadcast_to(np.asarray(value, np.int64), some.shape))
        self.columns.append(np.concatenate(columns))
        self.values.append(np.concatenate(values))
        self.least.append(least)
        self.most.append(most)

    def matrix(self) -> csr_matrix:
        """[rows, columns] in whole numbers."""
        start = np.cumsum([0, *(len(c) for c in self.columns)])
        none = [np.zeros(0, np.int64)]
        entries = (np.concatenate([*self.values, *none]), np.concatenate([*self.columns, *none]), start)
        return csr_matrix(entries, shape=(len(self.least), len(self.low)), dtype=np.int64)


def by(label: Ints, members: Ints | None = None) -> Iterator[tuple[int, Ints]]:
    """Each label in order, with the members (default: all positions) that bear it."""
    if members is None:
        members = np.arange(len(label), dtype=np.int64)
    if len(members):
        members = members[np.argsort(label[members], kind="stable")]
        cuts = np.flatnonzero(np.diff(label[members])) + 1
        for part in np.split(members, cuts):
            yield int(label[part[0]]), part


def spells(week_set: Ints, covers: Bools, members: Ints) -> Iterator[tuple[list[int], Ints]]:
    """Weeks in which just the same of some members are there, and those members."""
    sets, which = np.unique(week_set[members], return_inverse=True)
    same: dict[bytes, list[int]] = {}
    for w in np.flatnonzero(covers[sets].any(axis=0)).tolist():
        same.setdefault(covers[sets, w].tobytes(), []).append(w)
    for weeks in same.values():
        yield weeks, members[covers[sets, weeks[0]][which]]
