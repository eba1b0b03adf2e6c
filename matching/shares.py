"""How shared educators' time is split between departments, week by week: a min-cost flow.

Given who is placed, a department's supervised weight flows to its own WTE or to the educators who serve it;
each carries it at a price that rises with its load (costs.load_cost). Capacities and breakpoints are whole
thousandths of a WTE and the matrix is a network's, so the simplex method's answer is whole (Ahuja, Magnanti
and Orlin, Network Flows, 1993, theorem 11.11).
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


def share_out(tables: Tables, policy: Policy, weight: Ints) -> Split | None:
    """The cheapest split for `weight` [departments, weeks] thousandths supervised; None where it cannot be
    supervised. Departments that no educator serves are not looked at. One linear program for all weeks."""
    served = [d for d, educators in enumerate(tables.educators_of) if educators]
    cells = [(d, w) for d in served for w in np.flatnonzero(weight[d]).tolist()]
    if not cells:
        return Split()
    whole = int(weight.sum()) + 1
    row_of = {cell: i for i, cell in enumerate(cells)}
    pools = {(e, w): 0 for d, w in cells for e in tables.educators_of[d]}
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

    for d, w in cells:
        by_week = tables.wte_by_week[d]
        wte = 0 if by_week is None else int(by_week[w])
        for width, cost in segments(policy, wte, limit(wte)):
            column(None, cost, width, [(row_of[d, w], 1)])
        for e in tables.educators_of[d]:
            column((e, d, w), 0, whole, [(row_of[d, w], 1), (pools[e, w], -1)])
    for (e, w), row in pools.items():
        wte = int(tables.educator_wte[e, w])
        for width, cost in segments(policy, wte, limit(wte)):
            column(None, cost, width, [(row, 1)])
    right = np.zeros(len(cells) + len(pools))
    for (d, w), row in row_of.items():
        right[row] = weight[d, w]
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
    shares = {name: int(y) for name, y in zip(names, amounts, strict=True) if name is not None and y}
    return Split(shares, int(amounts @ np.array(price, np.int64)))
