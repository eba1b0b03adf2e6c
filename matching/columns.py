"""The columns and rows of a part: what `model.py` writes, `program.py` solves and `greedy.py` counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from matching.aims import Placings, counted_minutes
from matching.eligibility import Eligible
from matching.policy import Policy
from matching.tables import Bools, Ints, Tables


@dataclass(frozen=True, eq=False)
class Choices:
    """[choices] what each column of a part is, by position; `minutes` are those that count (never above the
    learner's limit), `cell` and `head` are those of supervision in WTE and in learners (teams.py; -1: not
    counted), `bed` marks the placings that need one."""

    requirement: Ints
    learner: Ints
    offer: Ints
    department: Ints
    site: Ints
    trust: Ints
    week_set: Ints
    variant: Ints
    weight: Ints
    cell: Ints
    head: Ints
    minutes: Ints
    bed: Bools

    def __len__(self) -> int:
        return len(self.requirement)


def choices(tables: Tables, policy: Policy, eligible: Eligible, pairs: Ints) -> Choices:
    """The columns of some pairs (positions in `Eligible`)."""
    requirement, offer = eligible.requirement[pairs], eligible.offer[pairs]
    learner, site = tables.requirement_learner[requirement], tables.offer_site[offer]
    week_set, variant = eligible.week_set[pairs], eligible.variant[pairs]
    minutes = counted_minutes(tables, policy, Placings(requirement, offer, week_set, variant))
    return Choices(
        requirement=requirement,
        learner=learner,
        offer=offer,
        department=tables.offer_department[offer],
        site=site,
        trust=tables.offer_trust[offer],
        week_set=week_set,
        variant=variant,
        weight=tables.weight[requirement],
        cell=tables.cell(tables.teams, requirement, offer),
        head=np.where(tables.weight[requirement] > 0, tables.cell(tables.heads, requirement, offer), -1),
        minutes=minutes,
        bed=tables.problem.travel_minutes[learner, site] > minutes,
    )


@dataclass(frozen=True, slots=True)
class Extra:
    """A continuous column: what it is (family and positions), its price an aim, and its most."""

    family: str
    at: tuple[int, ...]
    aim: str
    price: int
    most: float


@dataclass(frozen=True, slots=True)
class RowName:
    """What a row says: the rule, the thing limited (level and position), the weeks it is about and, of
    supervision, whether it counts "learners" (else it is WTE)."""

    rule: str
    level: str
    position: int
    weeks: tuple[int, ...] = ()
    measure: str = ""


# The greatest value in a row.
SMALL = 2**31 - 1


class Rows:
    """Rows `values . x <= most`, written one by one or many at a time."""

    def __init__(self) -> None:
        self.names: list[RowName] = []
        # Piece by piece: [rows] most and number of entries, [entries] column and value, of which a nation has
        # seventy million.
        self._most: list[Ints] = [np.zeros(0, np.int64)]
        self._size: list[Ints] = [np.zeros(0, np.int64)]
        self._columns: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
        self._values: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]

    def add(self, name: RowName, columns: Ints, values: Ints | int, most: int) -> None:
        """One row."""
        self._write([name], [most], [len(columns)], columns, values)

    def extend(self, names: list[RowName], most: Ints, row: Ints, columns: Ints, values: Ints | int) -> None:
        """Rows `names` with `most` [rows]; `row` [entries] is the position of each entry's row among them.
        Entries come in any order, and those of a row keep theirs."""
        order = np.argsort(row, kind="stable")
        held = values if isinstance(values, int) else values[order]
        self._write(names, most, np.bincount(row, minlength=len(names)), columns[order], held)

    def _write(
        self, names: list[RowName], most: ArrayLike, size: ArrayLike, columns: Ints, values: Ints | int
    ) -> None:
        self.names += names
        self._most.append(np.asarray(most, np.int64))
        self._size.append(np.asarray(size, np.int64))
        self._columns.append(columns.astype(np.int32))
        every = np.full(len(columns), values, np.int32) if isinstance(values, int) else values
        if np.abs(every).max(initial=0) > SMALL:
            raise ValueError(f"a row's values are at most {SMALL:,}, and one is {np.abs(every).max():,}")
        self._values.append(every.astype(np.int32))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def most(self) -> Ints:
        """[rows] what each holds."""
        return np.concatenate(self._most)

    def __add__(self, other: Rows) -> Rows:
        """These, then others."""
        out = Rows()
        out.names = self.names + other.names
        for name in ("_most", "_size", "_columns", "_values"):
            setattr(out, name, getattr(self, name) + getattr(other, name))
        return out

    def matrix(self, width: int) -> csr_matrix:
        """[rows, width] as a sparse matrix."""
        start = np.concatenate([[0], np.cumsum(np.concatenate(self._size))]).astype(np.int64)
        values = np.concatenate(self._values).astype(np.float64)
        return csr_matrix((values, np.concatenate(self._columns), start), shape=(len(self), width))


@dataclass(eq=False)
class Model:
    """A part's choices and further columns; every row `rows . x <= most` [rows] with what each says; and rows
    that follow from them for whole learners and no answer needs: a relaxation is nearer with them."""

    choices: Choices
    extras: list[Extra]
    names: list[RowName]
    rows: csr_matrix
    most: NDArray[np.float64]
    implied: Rows

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.choices) + len(self.extras)

    @cached_property
    def upper(self) -> NDArray[np.float64]:
        """[columns] the most of each."""
        return np.array([1.0] * len(self.choices) + [extra.most for extra in self.extras], np.float64)


def groups(label: Ints) -> list[tuple[int, Ints]]:
    """Each value of `label` in order, with the positions that hold it."""
    if not len(label):
        return []
    order = np.argsort(label, kind="stable")
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    return [(int(label[g[0]]), g) for g in np.split(order, cuts)]
