"""A small program cut out of the model of the whole: some requirements are free, everyone else stays.

What the others use is taken off every row; choices that no longer fit, rows that can no longer bind and steps
of a price that are certainly used, or certainly not, are left out. What remains has the same answers at the
same differences of cost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from matching.held import Held
from matching.portion import SLACK, tied
from matching.program import Floats, Found, Program, search
from matching.standing import NOWHERE, Standing
from matching.stop import Stop
from matching.tables import Bools, Ints


@dataclass(eq=False)
class Cut:
    """The program of some free requirements: `choice` [columns] of the model first, then further columns;
    `cost` [tiers, columns]; `rows . x <= left`; `row` [rows] are positions in the model, -1 for rows of this
    program's own; `held` the tiers held, scaled."""

    standing: Standing
    free: Ints
    choice: Ints
    cost: Ints
    upper: Floats
    rows: csr_matrix
    left: Floats
    row: Ints
    held: list[tuple[Ints, int]] = field(default_factory=list)

    @property
    def n(self) -> int:
        """How many columns are choices."""
        return len(self.choice)

    @property
    def who(self) -> Ints:
        """[choices] the requirement of each."""
        out: Ints = self.standing.choices.requirement[self.choice]
        return out

    def solve(self, cost: Floats, start: Ints | None, stop: Stop, seconds: float) -> Found:
        """One search with the tiers held; `start` are columns that are 1 in an answer known."""
        if not len(self.upper) and (self.left < 0).any():
            return Found(None, np.inf)
        taken = np.zeros(self.n, np.bool_)
        if start is not None:
            taken[start] = True
        held = Held(self.upper, taken).hold(self.held)
        width, more = len(self.upper), len(held.further)
        own = hstack([self.rows, csr_matrix((len(self.left), more))])
        whole = np.zeros(width + more, np.bool_)
        whole[: self.n] = whole[width:] = True
        program = Program(
            np.concatenate([cost, np.zeros(more)]),
            vstack([own, held.rows]).tocsr(),
            np.concatenate([self.left, held.most]),
            np.concatenate([self.upper, held.further]),
            whole,
        )
        found = search(program, start, stop, seconds)
        if found.x is None:
            return found
        x = found.x[:width]
        # A linear program has no bound of branching: it is its value.
        return Found(x, found.bound if self.n else float(cost @ x))

    def hold(self, cost: Ints, value: int) -> None:
        """Keeps a cost at a value from here on."""
        self.held.append((cost, value))


def cut(
    standing: Standing,
    free: Ints,
    forced: int | None = None,
    must: Ints | None = None,
    *,
    alone: bool = False,
    without: Bools | None = None,
) -> Cut:
    """The program of free requirements with everyone else in place, or (`alone`) nobody else there; `forced`
    is a choice that must be taken, `must` are free requirements that must be placed, `without` [rows] marks
    rows to leave out. O(entries of the rows touched)."""
    free = np.unique(free)
    chosen, n = standing.choices, len(standing.choices)
    asked = np.zeros(0, np.int64) if must is None else np.unique(must)
    mine = _columns_of(standing, free)
    if forced is not None:
        r = int(chosen.requirement[forced])
        mine = mine[(chosen.requirement[mine] != r) | (mine == forced)]
        asked = np.union1d(asked, [r])
    rows, further = tied(standing.rows, standing.columns, n, mine)
    if without is not None:
        rows = rows[~without[rows]]
    now = np.zeros(standing.model.width)
    now[standing.held[free[standing.held[free] >= 0]]] = 1.0
    inside = standing.rows[rows]
    left = standing.most[rows].copy()
    if not alone:
        left += inside @ now - standing.used[rows]
    most = np.array([standing.model.extras[k - n].most for k in further.tolist()], np.float64)
    part, steps = inside[:, mine], inside[:, further]
    mine, part = _that_fit(mine, part, left - steps.minimum(0) @ most)
    steps, most, left, kept, slope = _narrowed(
        standing, further, steps, most, left, part, chosen.requirement[mine]
    )
    cost = np.array([tier.cost[np.concatenate([mine, further[kept]])] for tier in standing.tiers], np.int64)
    for t, tier in enumerate(standing.tiers):
        if tier.worst is None:
            price = np.zeros(len(rows), np.int64)
            for i, k in slope:
                price[i] += tier.cost[k]
            if price.any():
                cost[t, : len(mine)] += np.rint(part.T @ price.astype(np.float64)).astype(np.int64)
    whole = csr_matrix(np.zeros((0, 0))) if not len(rows) else _joined(part, steps)
    upper = np.concatenate([np.ones(len(mine)), most])
    binds = whole.maximum(0) @ upper > left + SLACK
    whole, left, rows = whole[binds], left[binds], rows[binds]
    if len(asked):
        own = _placed_rows(chosen.requirement[mine], asked, len(upper))
        whole = vstack([whole, own]).tocsr()
        left = np.concatenate([left, np.full(len(asked), -1.0)])
        rows = np.concatenate([rows, np.full(len(asked), NOWHERE)])
    return Cut(standing, free, mine, cost, upper, whole, left, rows.astype(np.int64))


def _columns_of(standing: Standing, requirements: Ints) -> Ints:
    ranges = [np.arange(standing.start[r], standing.start[r + 1]) for r in requirements.tolist()]
    out: Ints = np.concatenate([np.zeros(0, np.int64), *ranges])
    return out


def _that_fit(mine: Ints, part: csr_matrix, room: Floats) -> tuple[Ints, csr_matrix]:
    """The choices that fit by themselves beside those who stay."""
    entries = part.tocsc()
    over = entries.data > np.maximum(room, 0)[entries.indices] + SLACK
    fits = np.ones(len(mine), np.bool_)
    fits[np.repeat(np.arange(len(mine)), np.diff(entries.indptr))[over]] = False
    return mine[fits], entries[:, fits].tocsr()


def _narrowed(
    standing: Standing,
    further: Ints,
    steps: csr_matrix,
    most: Floats,
    left: Floats,
    part: csr_matrix,
    who: Ints,
) -> tuple[csr_matrix, Floats, Floats, Bools, list[tuple[int, int]]]:
    """Leaves out the steps of a price that are used, or unused, in any case. Where all that can happen under
    a row is on one step, its price is returned as the row's slope and the step and its limit go too.

    In a row `values . x - sum of steps <= left` whose steps rise in price the cheapest are used first.
    """
    n = len(standing.choices)
    only = np.diff(steps.tocsc().indptr) == 1
    simple = np.array(
        [standing.model.extras[k - n].family in ("step", "load") for k in further.tolist()], np.bool_
    )
    simple &= only
    mixed = np.zeros(len(further))
    mixed[~simple] = 1.0
    plain = (abs(steps) @ mixed) == 0
    high = _most_used(part, who)
    kept, most, left = np.ones(len(further), np.bool_), most.copy(), left.copy()
    slope: list[tuple[int, int]] = []
    for i in np.flatnonzero(plain & (np.diff(steps.indptr) > 0)).tolist():
        here = np.sort(steps.indices[steps.indptr[i] : steps.indptr[i + 1]])
        low, top = -left[i], high[i] - left[i]  # what the steps must take: least and most
        begin = 0.0
        linear = False
        for j in here.tolist():
            end = begin + most[j]
            if end <= low + SLACK:
                left[i] += most[j]
                kept[j] = False
            elif begin >= top - SLACK:
                kept[j] = False
            elif begin <= low + SLACK and end >= top - SLACK:
                kept[j] = False
                slope.append((i, int(further[j])))
                linear = True
            begin = end
        if linear:
            left[i] = np.inf
    return steps[:, kept], most[kept], left, kept, slope


def _most_used(part: csr_matrix, who: Ints) -> Floats:
    """[rows] the most that the free requirements can use of each, one choice each."""
    part = part.sorted_indices()
    out = np.zeros(part.shape[0])
    if not part.nnz:
        return out
    row = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
    owner = who[part.indices]
    first = np.flatnonzero(np.diff(row, prepend=-1) | np.diff(owner, prepend=-1))
    np.add.at(out, row[first], np.maximum(0, np.maximum.reduceat(part.data, first)))
    return out


def _joined(part: csr_matrix, steps: csr_matrix) -> csr_matrix:
    width = part.shape[1] + steps.shape[1]
    left, right = part.tocoo(), steps.tocoo()
    row = np.concatenate([left.row, right.row])
    column = np.concatenate([left.col, right.col + part.shape[1]])
    data = np.concatenate([left.data, right.data])
    return csr_matrix((data, (row, column)), shape=(part.shape[0], width))


def _placed_rows(who: Ints, asked: Ints, width: int) -> csr_matrix:
    """A row for each requirement asked for: its choices are at least one."""
    columns = [np.flatnonzero(who == r) for r in asked.tolist()]
    row = np.concatenate([np.full(len(k), i) for i, k in enumerate(columns)])
    column = np.concatenate(columns)
    return csr_matrix((np.full(len(row), -1.0), (row, column)), shape=(len(asked), width))
