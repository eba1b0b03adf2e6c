"""How shared educators' time is split between departments, week by week: a min-cost flow.

Given who is placed, a department's supervised weight flows to its own WTE or to the educators who serve it
and may supervise those learners (the cells and pools of teams.py); each carries it at a price that rises with
its load (costs.load_cost). Learners at once flow beside it, at no price: only whether they can is asked.
Capacities and breakpoints are whole and the matrix is a network's, so the simplex method's answer is whole
(Ahuja, Magnanti and Orlin, Network Flows, 1993, theorem 11.11).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from matching.policy import Policy
from matching.rules import supervision
from matching.tables import Ints, Tables
from matching.teams import Teams


@dataclass(frozen=True)
class Split:
    """(educator, department, week) -> thousandths of a WTE, positions; and the price of the load of these
    educators and departments."""

    shares: dict[tuple[int, int, int], int] = field(default_factory=dict)
    cost: int = 0


def segments(policy: Policy, wte: int, most: int) -> list[tuple[int, int]]:
    """(width, price a thousandth) up to `most`, the price rising at each breakpoint of the load."""
    points = sorted({min(most, wte * p // 100) for p, price in policy.supervisor_load if price} | {0, most})
    return [
        (high - low, sum(price for p, price in policy.supervisor_load if wte * p // 100 <= low))
        for low, high in pairwise(points)
    ]


def share_out(tables: Tables, policy: Policy, weight: Ints, learners: Ints) -> Split | None:
    """The cheapest split for `weight` [cells, weeks] thousandths supervised, with `learners` [cells of
    learners, weeks] there; None where they cannot be supervised. Cells that draw on no pool are not looked
    at. One linear program for all weeks."""
    if policy.supervision is not None and not _all_counted(tables.heads, policy.supervision, learners):
        return None
    teams = tables.teams
    served = [c for c, pools in enumerate(teams.pools_of) if pools]
    cells = [(c, w) for c in served for w in np.flatnonzero(weight[c]).tolist()]
    if not cells:
        return Split()
    whole = int(weight.sum()) + 1
    row_of = {cell: i for i, cell in enumerate(cells)}
    pools = {(p, w): 0 for c, w in cells for p in teams.pools_of[c]}
    for i, pool in enumerate(sorted(pools)):
        pools[pool] = len(cells) + i
    rows: list[int] = []
    columns: list[int] = []
    signs: list[int] = []
    price: list[int] = []
    most: list[int] = []
    names: list[tuple[int, int, int] | None] = []

    def column(
        name: tuple[int, int, int] | None, cost: int, width: int, entries: list[tuple[int, int]]
    ) -> None:
        for row, sign in entries:
            rows.append(row)
            columns.append(len(price))
            signs.append(sign)
        price.append(cost)
        most.append(width)
        names.append(name)

    def limit(wte: int) -> int:
        return supervision.most(wte, policy.supervision, whole)

    for c, w in cells:
        by_week = teams.own[c]
        wte = 0 if by_week is None else int(by_week[w])
        for width, cost in segments(policy, wte, limit(wte)):
            column(None, cost, width, [(row_of[c, w], 1)])
        for p in teams.pools_of[c]:
            column((p, c, w), 0, whole, [(row_of[c, w], 1), (pools[p, w], -1)])
    for (p, w), row in pools.items():
        wte = int(teams.pool[p, w])
        for width, cost in segments(policy, wte, limit(wte)):
            column(None, cost, width, [(row, 1)])
    right = np.zeros(len(cells) + len(pools))
    for (c, w), row in row_of.items():
        right[row] = weight[c, w]
    matrix = coo_matrix(
        (np.array(signs), (np.array(rows), np.array(columns))), shape=(len(right), len(price))
    ).tocsr()
    # The stubs know dense matrices only.
    found = linprog(  # type: ignore[call-overload]
        np.array(price, np.float64),
        A_eq=matrix,
        b_eq=right,
        bounds=np.column_stack([np.zeros(len(most)), np.array(most, np.float64)]),
        method="highs-ds",
    )
    if found.status != 0:
        return None
    amounts = np.rint(found.x).astype(np.int64)
    if not np.array_equal(matrix @ amounts, right.astype(np.int64)):
        raise AssertionError("the split of the educators' time is not whole")
    shares: dict[tuple[int, int, int], int] = {}
    for name, y in zip(names, amounts.tolist(), strict=True):
        if name is not None and y:
            p, c, w = name
            level, e = teams.source[p]
            if level == "educator":
                at = (e, int(teams.department[c]), w)
                shares[at] = shares.get(at, 0) + y
    return Split(shares, int(amounts @ np.array(price, np.int64)))


def _all_counted(heads: Teams, load: float, learners: Ints) -> bool:
    """Whether educators can be found for all learners who must be on one, `learners` [cells, weeks]."""
    short = np.argwhere((learners > 0) & (learners > heads.own_limit(load))).tolist()
    if not short:
        return True
    return not lacking(
        heads.pools_of, heads.pool_limit(load), [(c, w, int(learners[c, w])) for c, w in short]
    )


def lacking(
    pools_of: list[list[int]], pool: Ints, needs: list[tuple[int, int, int]]
) -> dict[tuple[int, int], int]:
    """What stays without a pool, by cell and week, where as little as can be does: `needs` are cell, week and
    amount, `pool` [pools, weeks]. Whole, as the flow is one of a network."""
    if not needs:
        return {}
    pools = sorted({(p, w) for c, w, _ in needs for p in pools_of[c]})
    row_of = {at: len(needs) + i for i, at in enumerate(pools)}
    entries: list[tuple[int, int, float]] = []
    width = len(needs)
    for i, (c, w, _) in enumerate(needs):
        entries.append((i, i, -1.0))  # what stays without
        for p in pools_of[c]:
            entries += [(i, width, -1.0), (row_of[p, w], width, 1.0)]
            width += 1
    rows, columns, values = zip(*entries, strict=True)
    matrix = coo_matrix(
        (np.array(values), (np.array(rows), np.array(columns))), shape=(len(needs) + len(pools), width)
    ).tocsr()
    right = [-float(amount) for _, _, amount in needs] + [float(pool[at]) for at in pools]
    cost = np.concatenate([np.ones(len(needs)), np.zeros(width - len(needs))])
    found = linprog(cost, A_ub=matrix, b_ub=np.array(right), method="highs-ds")  # type: ignore[call-overload]
    if found.status != 0:
        raise AssertionError("what stays unsupervised could not be counted")
    short = found.x[: len(needs)].tolist()
    return {(c, w): round(x) for (c, w, _), x in zip(needs, short, strict=True) if x > 0.5}
