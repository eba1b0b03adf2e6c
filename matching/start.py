"""Starting prices for the flow: close guesses make the mend quick, and are never needed for it to be right.

The dual of the flow lives on the few hundred columns only. Softened at a temperature T (a requirement
spreads over its columns by exp(-(cost + price) / T), a cap fills by a logistic step at each marginal cost)
it is smooth and concave, and Newton's method with a conjugate-gradient step solves demand = supply in a few
passes over the pairs; T then falls. High temperatures run on a sample of the requirements against the same
share of supply, low ones on all of them but only on the pairs within reach of the best. (Entropic smoothing
of the assignment dual; see Peyre and Cuturi, Computational Optimal Transport, 2019, chapter 4.)

Leaving a requirement unplaced stands in the guess at a few times the dearest pair, so that floating point
keeps its digits. Afterwards every column from which an unplaced requirement could be helped, by whatever
chain of moves, is raised to the true price of its tier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array

from matching.connected import sums
from matching.network import Network
from matching.tables import Bools, Ints

Floats = NDArray[np.float64]

COARSE = (30.0, 10.0)
FINE = (3.0, 1.0)
REACH = 30.0
SAMPLE = 1_000
SMALL = 64
DENSE = 64


@dataclass(frozen=True, eq=False)
class _Soft:
    """A network in points: pairs by row, and each column's marginal costs; `share` of the supply counts."""

    start: Ints
    row: Ints
    column: Ints
    cost: Floats
    step: Floats
    step_column: Ints
    columns: int
    share: float

    def at(self, price: Floats, heat: float) -> _State:
        """Demand less supply at these prices, the slope, and the value of the softened dual."""
        z = (self.cost + np.append(price, 0.0)[self.column]) / -heat
        top = np.maximum.reduceat(z, self.start)
        z -= top[self.row]
        part = np.exp(z)
        whole = np.add.reduceat(part, self.start)
        part /= whole[self.row]
        demand = sums(self.column, part, self.columns + 1)[:-1]
        x = (price[self.step_column] - self.step) / heat
        filled = self.share / (1.0 + np.exp(np.clip(-x, -60.0, 60.0)))
        supply = sums(self.step_column, filled, self.columns)
        slope = sums(self.step_column, filled * (1.0 - filled / self.share), self.columns) / heat
        value = -heat * float((np.log(whole) + top).sum() + self.share * np.logaddexp(0.0, x).sum())
        return _State(value, demand - supply, part, slope)


@dataclass(frozen=True, eq=False)
class _State:
    value: float
    error: Floats
    part: Floats
    slope: Floats


def starting_prices(network: Network) -> Ints:
    """[columns] a guess at what a learner in each column costs the others, in the network's units; zero for
    a small network, which the mend solves as quickly without. O(pairs) a pass, some twenty passes."""
    if network.rows < SMALL or not network.columns:
        return np.zeros(network.columns, np.int64)
    last = network.start[1:] - 1
    point = network.points_unit * 1000.0 / network.grain
    rank = np.rint(network.cost[last] / network.tier_unit)
    cost = network.cost / point
    cost[last] = 0.0
    dearest = 5.0 * max(float(cost.max()), 50.0)
    usual = float(np.median(cost))
    cost[last] = rank * dearest
    price = np.full(network.columns, dearest - usual)
    step = network.marginal / point
    step_column = np.repeat(np.arange(network.nodes), np.diff(network.marginal_start))
    own = step_column < network.columns
    step, step_column = step[own], step_column[own]

    def soft(pairs: Ints, share: float) -> _Soft:
        row = network.row[pairs]
        begin = np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1]]))
        row = np.repeat(np.arange(len(begin)), np.diff(np.append(begin, len(pairs))))
        return _Soft(
            begin, row, network.column[pairs], cost[pairs], step, step_column, network.columns, share
        )

    every = -(-network.rows // max(SAMPLE, 4 * network.columns))
    sample = np.flatnonzero(network.row % every == 0)
    coarse = soft(sample, len(range(0, network.rows, every)) / network.rows)
    for heat in COARSE:
        price = _settle(coarse, price, heat)
    for heat in FINE:
        reduced = cost + np.append(price, 0.0)[network.column]
        least = np.minimum.reduceat(reduced, network.start[:-1])
        price = _settle(
            soft(np.flatnonzero(reduced <= least[network.row] + 12.0 * heat + REACH), 1.0), price, heat
        )
    level = _levels(network, cost, price, rank)
    guess: Ints = np.rint((price - level * dearest) * point).astype(np.int64) + level * network.tier_unit
    return guess


def _settle(soft: _Soft, price: Floats, heat: float, passes: int = 12) -> Floats:
    """Newton's method at one temperature, each step as long as it raises the dual."""
    rows = len(soft.start)
    now = soft.at(price, heat)
    for _ in range(passes):
        if np.abs(now.error).sum() < 0.01 * rows and abs(now.error.sum()) < 0.001 * rows:
            break
        step = _newton_step(soft, now, heat)
        length = min(1.0, 10.0 * heat / max(1e-9, float(np.abs(step).max())))
        for _ in range(6):
            then = soft.at(price + length * step, heat)
            if then.value >= now.value:
                break
            length /= 3.0
        else:
            break
        price, now = price + length * step, then
    return price


def _newton_step(soft: _Soft, now: _State, heat: float) -> Floats:
    """The Newton step by conjugate gradients on slope - P'P / T, P kept where a share is at least a
    hundredth."""
    rows, columns = len(soft.start), soft.columns
    keep = np.flatnonzero((now.part > 0.01) & (soft.column < columns))
    row, column, part = soft.row[keep], soft.column[keep], now.part[keep]
    # What was dropped is spread over what was kept, or all prices together would seem stiffer than they are.
    placed = sums(soft.row, now.part * (soft.column < columns), rows)
    part = part * (placed / np.maximum(1e-12, sums(row, part, rows)))[row]
    # The last term holds back a column that is so dear or so cheap that it shows no slope at all.
    slope = sums(column, part, columns) / heat + now.slope + 1e-6 + np.abs(now.error) / (10.0 * heat)
    spread = csr_matrix((part, (row, column)), shape=(rows, columns))
    together = (spread.T @ spread) / heat
    if columns <= DENSE:
        return np.asarray(np.linalg.solve(np.diag(slope) - together.toarray(), now.error))
    matrix = diags_array(slope) - together
    return _conjugate_gradients(csr_matrix(matrix), slope, now.error)


def _conjugate_gradients(matrix: csr_matrix, diagonal: Floats, right: Floats, passes: int = 100) -> Floats:
    """Approximate solution of a symmetric positive system, preconditioned by its diagonal."""
    level = float(right.sum()) / max(1e-9, float(matrix.sum()))
    x = np.full_like(right, level)
    left = right - matrix @ x
    z = left / diagonal
    way, size = z.copy(), float(left @ z)
    goal = 1e-6 * size
    for _ in range(passes):
        if size <= goal or size <= 0.0:
            break
        ahead = matrix @ way
        length = size / float(way @ ahead)
        x += length * way
        left -= length * ahead
        z = left / diagonal
        before, size = size, float(left @ z)
        way = z + (size / before) * way
    return x


def _levels(network: Network, cost: Floats, price: Floats, rank: Floats) -> Ints:
    """[columns] the highest rank of an unplaced requirement that a place there would help, 0 for none,
    judged by each requirement's cheapest column at these prices."""
    columns = network.columns
    reduced = cost + np.append(price, 0.0)[network.column]
    least = np.minimum.reduceat(reduced, network.start[:-1])
    best = np.flatnonzero(reduced == least[network.row])
    at = np.empty(network.rows, np.int64)
    at[network.row[best]] = network.column[best]
    leads: Bools = np.zeros((columns + 1, columns + 1), np.bool_)
    leads[at[network.row], network.column] = True
    waiting = at == columns
    level = np.zeros(columns, np.int64)
    for value in np.unique(rank[waiting])[::-1]:
        front: Bools = np.zeros(columns + 1, np.bool_)
        front[network.column[(waiting & (rank == value))[network.row]]] = True
        seen = np.zeros(columns, np.bool_)
        front = front[:-1]
        while front.any():
            seen |= front
            front = leads[:-1, :-1][front].any(axis=0) & ~seen
        level[seen & (level == 0)] = int(value)
    return level
