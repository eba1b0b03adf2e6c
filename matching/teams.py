"""Who may supervise whom, as flows: learners to cells, cells to the pools that they draw on.

A cell is the learners of a department whom the same educators may supervise; most departments are one. What a
cell needs is its own to a limit, or comes from pools. Two measures flow apart, and no learner need take both
from the same educator:

- WTE, in thousandths (`by_wte`): a pool is the time of an educator. Where the educators of a department may
  not all supervise the same learners it has several cells, and its own WTE is a pool that all of them share.
- learners at once (`by_learners`): a pool is the most that an educator supervises at once. Only departments
  of an educator with a `most`, or who supervises some learners only, have cells, and only in weeks without a
  WTE of their own are these limited.

Cells begin with the departments, one each in their order, and pools of WTE with the educators, so that a
problem in which every educator may supervise anybody has no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from matching.problem import Problem

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

NO_CAP = 1 << 40
WTE, LEARNERS = "wte", "learners"


@dataclass(frozen=True, eq=False)
class Teams:
    """One measure. `department` [cells]; `cell` [departments, classes] the cell of a class of learners, or -1
    where nothing counts; `pools_of` [cells] the pools that each draws on; `own` [cells] what it has by week
    (None: no limit); `pool` [pools, weeks]; `source` [pools] whose it is: level and position."""

    measure: str
    department: Ints
    cell: Ints
    pools_of: list[list[int]]
    own: list[Ints | None]
    pool: Ints
    source: list[tuple[str, int]]

    @cached_property
    def cells_of(self) -> list[list[int]]:
        """[pools] the cells that draw on each."""
        out: list[list[int]] = [[] for _ in self.source]
        for c, pools in enumerate(self.pools_of):
            for p in pools:
                out[p].append(c)
        return out

    @cached_property
    def split(self) -> Bools:
        """[departments] whether it has more than one cell."""
        cells = np.bincount(self.department, minlength=len(self.cell))
        return np.asarray(cells > 1, np.bool_)

    def own_limit(self, load: float) -> Ints:
        """[cells, weeks] what each may supervise of its own; NO_CAP where nothing limits it."""
        if self.measure == LEARNERS:
            return self._own
        return np.where(self._own < NO_CAP, _within(self._own, load), NO_CAP)

    @cached_property
    def _own(self) -> Ints:
        out = np.full((len(self.own), self.pool.shape[1]), NO_CAP, np.int64)
        for c, own in enumerate(self.own):
            if own is not None:
                out[c] = own
        return out

    def pool_limit(self, load: float) -> Ints:
        """[pools, weeks] what each may supervise."""
        return self.pool if self.measure == LEARNERS else _within(self.pool, load)

    def room(self, load: float) -> Ints:
        """[cells, weeks] what each may supervise with all its pools counted whole; NO_CAP where nothing
        limits it."""
        own, pool = self.own_limit(load).copy(), self.pool_limit(load)
        for c, pools in enumerate(self.pools_of):
            if pools:
                own[c] += pool[pools].sum(axis=0)
        return np.minimum(own, NO_CAP)


@dataclass(frozen=True, eq=False)
class Shared:
    """A measure in force: its `family` among limits, [cells] whether each draws on pools, and what each pool
    holds [pools, weeks]."""

    family: str
    teams: Teams
    served: Bools
    pool: Ints


def _within(wte: Ints, load: float) -> Ints:
    """Thousandths of a WTE that so many may supervise under a load limit."""
    out: Ints = np.floor(wte * load + 1e-6).astype(np.int64)
    return out


def classes(problem: Problem) -> tuple[list[tuple[str, str]], Ints]:
    """The groups and stages of a problem's learners, and [learners] the position of each one's."""
    found = sorted({(x.group, x.stage) for x in problem.learners})
    index = {pair: i for i, pair in enumerate(found)}
    return found, np.array([index[x.group, x.stage] for x in problem.learners], np.int64)


def by_wte(problem: Problem, own: list[Ints | None], wte: Ints, educators_of: list[list[int]]) -> Teams:
    """The flow of WTE: `own` [departments], `wte` [educators, weeks], `educators_of` [departments]."""
    kinds = _kinds(problem, educators_of)
    n, weeks = len(problem.departments), len(problem.weeks)
    department, pools_of = list(range(n)), [list(e) for e in educators_of]
    cell = np.repeat(np.arange(n)[:, None], len(classes(problem)[0]), axis=1)
    mine: list[Ints | None] = []
    pool, source = [wte], [("educator", e) for e in range(len(problem.educators))]
    for d, kind in enumerate(kinds):
        had = own[d]
        mine.append(np.zeros(weeks, np.int64) if had is None and educators_of[d] else had)
        if kind is None:
            continue
        different = list(dict.fromkeys(kind))
        if len(different) > 1 and had is not None:
            pool.append(had[None, :])
            source.append(("department", d))
        shared = [len(source) - 1] if len(different) > 1 and had is not None else []
        for i, educators in enumerate(different):
            c = d if i == 0 else len(department)
            if i:
                department.append(d)
                pools_of.append([])
            pools_of[c] = [*educators, *shared]
            cell[d, [j for j, those in enumerate(kind) if those == educators]] = c
        if len(different) > 1:
            mine[d] = np.zeros(weeks, np.int64)
    mine += [np.zeros(weeks, np.int64)] * (len(department) - n)
    return Teams(WTE, np.array(department, np.int64), cell, pools_of, mine, np.concatenate(pool), source)


def by_learners(problem: Problem, own: list[Ints | None], educators_of: list[list[int]]) -> Teams:
    """The flow of learners at once; arguments as in `by_wte`. A cell with an educator of no `most` has no
    limit, and is left out."""
    weeks = len(problem.weeks)
    pool = np.full((len(problem.educators), weeks), NO_CAP, np.int64)
    for e, educator in enumerate(problem.educators):
        if educator.most is not None:
            pool[e] = educator.most
    cell = np.full((len(problem.departments), len(classes(problem)[0])), -1, np.int64)
    department: list[int] = []
    pools_of: list[list[int]] = []
    mine: list[Ints | None] = []
    for d, kind in enumerate(_kinds(problem, educators_of)):
        if kind is None:
            continue
        had = own[d]
        free = np.zeros(weeks, np.int64) if had is None else np.where(had > 0, NO_CAP, 0)
        for educators in dict.fromkeys(kind):
            if any(problem.educators[e].most is None for e in educators):
                continue
            cell[d, [j for j, those in enumerate(kind) if those == educators]] = len(department)
            department.append(d)
            pools_of.append(list(educators))
            mine.append(free.astype(np.int64))
    source = [("educator", e) for e in range(len(problem.educators))]
    return Teams(LEARNERS, np.array(department, np.int64), cell, pools_of, mine, pool, source)


def _kinds(problem: Problem, educators_of: list[list[int]]) -> list[list[tuple[int, ...]] | None]:
    """[departments] by class of learners, the educators there who may supervise it; None where every one of
    them may supervise anybody, however many."""
    every, _ = classes(problem)
    out: list[list[tuple[int, ...]] | None] = []
    for educators in educators_of:
        if not any(problem.educators[e].limited for e in educators):
            out.append(None)
            continue
        out.append(
            [
                tuple(e for e in educators if problem.educators[e].may_supervise(group, stage))
                for group, stage in every
            ]
        )
    return out
