"""The rows of a program over some pairs of a problem, with what everyone else uses taken off each limit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix

from matching.columns import groups
from matching.local_limits import Limits
from matching.program import Floats
from matching.tables import NO_CAP, Bools, Ints
from matching.teams import Shared


@dataclass(frozen=True, eq=False)
class Cut:
    """`matrix` [rows, columns] and `most` [rows]: the pairs in play first, then further columns with their
    `upper`; `limit` [rows] is the limit's number, -1 for a row of another rule; `used` [limits] marks those
    that some pair in play uses."""

    matrix: csr_matrix
    most: Floats
    limit: Ints
    upper: Floats
    used: Bools


@dataclass
class _Rows:
    """Rows and further columns, gathered."""

    columns: int
    row: list[Ints] = field(default_factory=list)
    column: list[Ints] = field(default_factory=list)
    value: list[Ints] = field(default_factory=list)
    most: list[int] = field(default_factory=list)
    limit: list[int] = field(default_factory=list)
    upper: list[int] = field(default_factory=list)

    def further(self, most: int) -> int:
        self.upper.append(most)
        return self.columns + len(self.upper) - 1

    def add(self, column: Ints, value: Ints, most: int, limit: int = -1) -> None:
        """One row."""
        self.block(np.zeros(len(column), np.int64), column, value, [most], [limit])

    def block(self, row: Ints, column: Ints, value: Ints, most: list[int], limit: list[int]) -> None:
        """Several rows, numbered from 0."""
        self.row.append(row + len(self.most))
        self.column.append(column)
        self.value.append(value)
        self.most += most
        self.limit += limit


def cut(limits: Limits, inside: Bools, part: Bools, stands: Ints, load: Ints) -> Cut:
    """The rows over the pairs `inside`, of the requirements `part`; everyone else keeps where they stand
    (`stands` [requirements]), which with the others makes up `load` [limits]. O(pairs in play x weeks)."""
    columns = np.flatnonzero(inside)
    rows = _Rows(len(columns))
    uses = limits.uses(columns)
    theirs = stands[part & (stands >= 0)]
    outside = load - limits.load(theirs)
    used = np.zeros(len(limits.cap), np.bool_)
    used[uses.limit] = True
    cells = _limits(limits, rows, uses.limit, uses.pair, uses.amount, outside)
    for shared in limits.shared.values():
        _shares(limits, shared, rows, cells, outside)
    _different_sites(limits, rows, columns, part, stands)
    _companions(limits, rows, columns, part, stands)
    width = len(columns) + len(rows.upper)
    empty = [np.zeros(0, np.int64)]
    matrix = csr_matrix(
        (
            np.concatenate([*rows.value, *empty]).astype(np.float64),
            (np.concatenate([*rows.row, *empty]), np.concatenate([*rows.column, *empty])),
        ),
        shape=(len(rows.most), width),
    )
    return Cut(
        matrix,
        np.array(rows.most, np.float64),
        np.array(rows.limit, np.int64),
        np.array(rows.upper, np.float64),
        used,
    )


def _limits(
    limits: Limits, rows: _Rows, limit: Ints, pair: Ints, amount: Ints, outside: Ints
) -> list[tuple[int, Ints, Ints]]:
    """A row for each limit that could be passed; of those about the same columns by the same amounts, the
    tightest alone. Those of cells that draw on pools are given back: number, columns and amounts."""
    order = np.argsort(limit, kind="stable")
    limit, pair, amount = limit[order], pair[order], amount[order]
    if not len(limit):
        return []
    starts = np.flatnonzero(np.concatenate([[True], limit[1:] != limit[:-1]]))
    ends = np.append(starts[1:], len(limit))
    number = limit[starts]
    left = limits.cap[number] - outside[number]
    mark = np.random.default_rng(0).integers(1, 2**62, int(pair.max()) + 1, dtype=np.uint64)
    sign = np.add.reduceat(amount.astype(np.uint64) * mark[pair], starts)
    total = np.add.reduceat(amount, starts)
    served = limits.is_served(number)
    sign = np.where(served, ~sign, sign)  # what pools carry besides is not in `left`
    first = np.lexsort((left, sign))
    same = np.concatenate([[False], sign[first][1:] == sign[first][:-1]])
    kept = np.ones(len(number), np.bool_)
    kept[first[same]] = False
    kept = (kept | served) & (total > left)
    rest = kept & ~served
    row = np.repeat(np.where(rest, np.cumsum(rest) - 1, -1), ends - starts)
    inside = row >= 0
    rows.block(row[inside], pair[inside], amount[inside], left[rest].tolist(), number[rest].tolist())
    return [
        (int(number[i]), pair[starts[i] : ends[i]], amount[starts[i] : ends[i]])
        for i in np.flatnonzero(kept & served).tolist()
    ]


def _shares(
    limits: Limits, shared: Shared, rows: _Rows, cells: list[tuple[int, Ints, Ints]], outside: Ints
) -> None:
    """Cells that draw on pools, week by week: supervised - shares <= own; and what the pools hold. Cells tied
    to these by a pool come in with what they already need."""
    teams, weeks = shared.teams, limits.weeks
    first, last = limits.begin[shared.family], limits.begin[shared.family] + len(shared.served) * limits.weeks
    mine = {
        divmod(i - first, weeks): (members, amounts) for i, members, amounts in cells if first <= i < last
    }
    waiting, seen = sorted(mine), set(mine)
    shares: dict[tuple[int, int], list[int]] = {}
    nothing = np.zeros(0, np.int64)
    while waiting:
        c, w = waiting.pop(0)
        left = int(limits.cap[first + c * weeks + w] - outside[first + c * weeks + w])
        members, amounts = mine.get((c, w), (nothing, nothing))
        if (c, w) not in mine and left >= 0:
            continue
        here = []
        for p in teams.pools_of[c]:
            here.append(rows.further(int(shared.pool[p, w])))
            shares.setdefault((p, w), []).append(here[-1])
            for other in ((cell, w) for cell in teams.cells_of[p]):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        rows.add(
            np.concatenate([members, np.array(here, np.int64)]),
            np.concatenate([amounts, np.full(len(here), -1)]),
            left,
            first + c * weeks + w,
        )
    for (p, w), columns in sorted(shares.items()):
        ones = np.ones(len(columns), np.int64)
        rows.add(np.array(columns, np.int64), ones, int(shared.pool[p, w]))


def _different_sites(limits: Limits, rows: _Rows, columns: Ints, part: Bools, stands: Ints) -> None:
    """A learner's repeats by site, no more than allowed together; where they could be more."""
    of = np.flatnonzero(limits.allowed_repeats[limits.learner[columns]] < NO_CAP)
    if not len(of):
        return
    sites = len(limits.tables.problem.sites)
    learner = limits.learner[columns[of]]
    kept = stands[(stands >= 0) & ~part]
    kept = kept[np.isin(limits.learner[kept], learner)]
    there = learner * sites + limits.site[columns[of]]
    already = limits.learner[kept] * sites + limits.site[kept]
    keys = np.unique(np.concatenate([there, already]))
    who = keys // sites
    held = np.bincount(np.searchsorted(keys, already), minlength=len(keys))
    free = (~limits.been[who, keys % sites]).astype(np.int64) - held
    requirement = limits.eligible.requirement[columns[of]]
    asking = np.unique(there * len(part) + requirement) // len(part)
    could = np.bincount(np.searchsorted(keys, asking), minlength=len(keys)) - free
    could = np.bincount(who, np.maximum(0, could), len(limits.allowed_repeats)).astype(np.int64)
    binds = could > limits.allowed_repeats
    chosen = np.flatnonzero(binds[who])
    row_of = np.full(len(keys), -1, np.int64)
    row_of[chosen] = np.arange(len(chosen))
    repeats = np.array([rows.further(len(part)) for _ in chosen], np.int64)
    at = row_of[np.searchsorted(keys, there)]
    inside = at >= 0
    ones = np.ones(int(inside.sum()), np.int64)
    rows.block(
        np.concatenate([at[inside], np.arange(len(chosen))]),
        np.concatenate([of[inside], repeats]),
        np.concatenate([ones, np.full(len(chosen), -1)]),
        free[chosen].tolist(),
        [-1] * len(chosen),
    )
    owners, position = np.unique(who[chosen], return_inverse=True)
    rows.block(
        position,
        repeats,
        np.ones(len(repeats), np.int64),
        limits.allowed_repeats[owners].tolist(),
        [-1] * len(owners),
    )


def _companions(limits: Limits, rows: _Rows, columns: Ints, part: Bools, stands: Ints) -> None:
    """For each two variants of companions that share a week and each site: not one here and the other where
    the rule does not let it be; nor where a placing outside the program bars it."""
    tables = limits.tables
    problem = tables.problem
    if not limits.policy.companions or not problem.companions:
        return
    of = dict(groups(limits.learner[columns]))
    kept = stands[(stands >= 0) & ~part]
    for item in problem.companions:
        who = [problem.learner_index[key] for key in item.learners]
        together = item.kind == "together"
        for i, one in enumerate(who):
            if one not in of:
                continue
            for two in who[i + 1 :]:
                if two in of:
                    _pair(limits, rows, columns, together, of[one], of[two])
            others = kept[np.isin(limits.learner[kept], [x for x in who if x != one])]
            mine = columns[of[one]]
            for other in others.tolist():
                same = limits.site[mine] == limits.site[other]
                meets = _meets(limits, mine, other)
                barred = of[one][(same != together) & meets]
                if len(barred):
                    rows.add(barred, np.ones(len(barred), np.int64), 0)


def _meets(limits: Limits, pairs: Ints, other: int) -> Bools:
    covers = limits.tables.week_set_weeks
    out: Bools = (covers[limits.eligible.week_set[pairs]] & covers[limits.eligible.week_set[other]]).any(
        axis=1
    )
    return out


def _pair(limits: Limits, rows: _Rows, columns: Ints, together: bool, one: Ints, two: Ints) -> None:
    variant, site = limits.eligible.variant[columns], limits.site[columns]
    for _, mine in groups(variant[one]):
        for _, theirs in groups(variant[two]):
            left, right = one[mine], two[theirs]
            if not _meets(limits, columns[left[:1]], int(columns[right[0]]))[0]:
                continue
            for s in np.unique(site[left]).tolist():
                here = left[site[left] == s]
                at = site[right] == s
                other = right[~at] if together else right[at]
                if len(other):
                    both = np.concatenate([here, other])
                    rows.add(both, np.ones(len(both), np.int64), 1)
