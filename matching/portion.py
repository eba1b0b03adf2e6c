"""A large part as one sparse matrix, and the program of some of its choices beside a load of the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix

from matching.columns import Extra, RowName
from matching.program import AT_ZERO, BASIC, Basis, Floats, Program
from matching.tables import Bools, Ints

SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class Portion:
    """A program over `columns` of the whole (choices first); its rows are `rows` of the whole."""

    columns: Ints
    rows: Ints
    program: Program

    @property
    def n(self) -> int:
        """How many of the columns are choices."""
        return int(self.program.whole.sum())


@dataclass(eq=False)
class Whole:
    """Rows `rows . x <= most` [rows] named `names`, over `n` choices and the further columns `extras`, with
    the `upper` bound of every column."""

    rows: csr_matrix
    most: Floats
    upper: Floats
    names: list[RowName]
    extras: list[Extra]
    n: int

    @cached_property
    def columns(self) -> csc_matrix:
        """The same by column."""
        return self.rows.tocsc()

    @cached_property
    def grid(self) -> Floats:
        """[rows] every use by choices is a multiple of this (1 where there is none)."""
        choice = self.rows.indices < self.n
        values = np.where(choice, np.abs(self.rows.data), 0).astype(np.int64)
        out = np.ones(self.rows.shape[0])
        filled = np.flatnonzero(np.diff(self.rows.indptr))
        if len(filled):
            out[filled] = np.gcd.reduceat(values, self.rows.indptr[filled])
        return np.maximum(out, 1.0)

    @cached_property
    def _steps(self) -> tuple[Bools, Floats]:
        """[columns] the steps of load and of places above preferred; [rows] what all of them together use."""
        those = self.family("step", "load")
        mask = np.zeros(len(self.upper), np.bool_)
        mask[those] = True
        return mask, np.asarray(self.columns[:, those] @ self.upper[those], np.float64)

    def family(self, *families: str) -> Ints:
        """The further columns of some families."""
        return np.array([self.n + k for k, e in enumerate(self.extras) if e.family in families], np.int64)

    def rule(self, *rules: str) -> Bools:
        """[rows] which rows are of some rules."""
        return np.array([name.rule in rules for name in self.names], np.bool_)

    def used(self, load: Floats) -> Floats:
        """[rows] what a load [choices] uses."""
        return np.asarray(self.rows @ np.append(load, np.zeros(len(self.extras))), np.float64)

    def portion(
        self, free: Ints, cost: Floats, left: Floats, *, without: Bools | None = None, prices: bool = True
    ) -> Portion:
        """The program of the choices `free`, in ascending order, at `cost` [columns of the whole], with
        `left` [rows] for them.

        `without` [rows] leaves rows out; with `prices` off the steps of load and of places above preferred
        cost nothing, and only their room counts. Rows that cannot bind are left out; one that could not be
        kept whatever the choices is loosened to what it must take. O(entries of the rows touched).
        """
        kept = np.ones(len(self.most), np.bool_) if without is None else ~without
        folded = None
        if not prices:
            folded, room_of_steps = self._steps
            left = left - room_of_steps
        rows, further = tied(self.rows, self.columns, self.n, free, kept, folded)
        columns = np.concatenate([free, further])
        inside = csr_matrix(self.rows[rows][:, columns])
        upper = self.upper[columns]
        room = np.maximum(left[rows], inside.minimum(0) @ upper)
        binds = inside.maximum(0) @ upper > room + SLACK
        whole = np.arange(len(columns)) < len(free)
        program = Program(cost[columns], csr_matrix(inside[binds]), room[binds], upper, whole)
        return Portion(columns, rows[binds], program)


def carried(whole: Whole, before: Portion, basis: Basis, after: Portion) -> Basis:
    """A basis of a portion as one of a portion with further choices: they are not taken, and further rows do
    not bind."""
    columns = np.full(len(whole.upper), AT_ZERO)
    rows = np.full(len(whole.most), BASIC)
    columns[before.columns], rows[before.rows] = basis.columns, basis.rows
    return Basis(columns[after.columns], rows[after.rows])


def tied(
    rows: csr_matrix,
    columns: csc_matrix,
    n: int,
    choices: Ints,
    kept: Bools | None = None,
    aside: Bools | None = None,
) -> tuple[Ints, Ints]:
    """The rows (of those `kept`) that some of the `n` choices are in, with all that further columns, but
    those `aside` [columns], tie to them; and those columns. `columns` are the rows by column. O(entries
    touched)."""

    def under(those: Ints) -> Ints:
        found: Ints = np.unique(columns[:, those].indices).astype(np.int64)
        return found if kept is None else found[kept[found]]

    touched, further = under(choices), np.zeros(0, np.int64)
    while True:
        entries = rows[touched].indices
        found = np.unique(entries[entries >= n]).astype(np.int64)
        if aside is not None:
            found = found[~aside[found]]
        if len(found) == len(further):
            return touched, further
        further = found
        touched = np.union1d(touched, under(further))
