"""Exact min-cost flow of one network: guess prices, then mend the guess to a proof.

Given a price q for every node (what a learner there costs the rest), each requirement takes its cheapest
column and each cap lets through as many learners as are worth its marginal costs. Where the two disagree a
node has an excess or a lack. The mend sends learners from excess to lack along shortest paths of the
residual graph *between nodes*: the arc from column u to v is the cheapest move of any learner of u to v, so
a graph of thousands of learners and a million pairs is searched as one of a few hundred nodes, a dense
matrix. All numbers are 64-bit integers; good prices only make it quick, and the end is the proof: no
residual arc has a negative reduced cost (complementary slackness), which `certify` checks again over every
pair and every cap.

Successive shortest paths with potentials: Ahuja, Magnanti and Orlin, Network Flows (1993), section 9.7.
Each round costs O(nodes^2 x rounds of Bellman-Ford) and sends at least one learner; each learner sent
O(pairs of a column).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.network import Network
from matching.stop import Never, Stop
from matching.tables import Bools, Ints

FAR = np.int64(1) << np.int64(61)
REACHED = np.int64(1) << np.int64(60)


class Stopped(Exception):
    """The caller's stop said so before the proof."""


@dataclass(frozen=True, eq=False)
class Flow:
    """An optimal flow: the pair each row takes, the price of each node (sink 0), learners up from each
    node, and the cheapest move between nodes (`move[u, v]`, FAR where there is none)."""

    pair: Ints
    price: Ints
    through: Ints
    move: Ints


def solve_flow(network: Network, prices: Ints | None = None, stop: Stop | None = None) -> Flow:
    """Min-cost flow from any starting prices [columns] (None: zero). Raises `Stopped`, and AssertionError
    should the proof fail, which would be a fault of this module."""
    mend = _Mend(network, np.zeros(network.columns, np.int64) if prices is None else prices)
    mend.run(stop or Never())
    flow = Flow(mend.pair, mend.price, mend.through, mend.move)
    certify(network, flow)
    return flow


def certify(network: Network, flow: Flow) -> None:
    """The proof, over every pair and cap: raises AssertionError unless flow and prices are complementary."""
    net, q = network, flow.price
    if not np.array_equal(net.row[flow.pair], np.arange(net.rows)):
        raise AssertionError("a requirement has another's place")
    reduced = net.cost + q[net.column]
    if not np.array_equal(reduced[flow.pair], np.minimum.reduceat(reduced, net.start[:-1])):
        raise AssertionError("a requirement has a cheaper place than its own")
    inflow = np.bincount(net.column[flow.pair], minlength=net.nodes)
    for v in range(net.nodes - 1):
        inflow[net.parent[v]] += flow.through[v]
    if not np.array_equal(inflow[:-1], flow.through[:-1]) or inflow[-1] != net.rows:
        raise AssertionError("learners are not conserved")
    for v in range(net.nodes - 1):
        if v == net.columns:
            continue
        begin, end = net.marginal_start[v], net.marginal_start[v + 1]
        worth, used = q[v] - q[net.parent[v]], begin + flow.through[v]
        if (
            used > end
            or (used < end and net.marginal[used] < worth)
            or (used > begin and net.marginal[used - 1] > worth)
        ):
            raise AssertionError("a cap is not used as its price says")
    if q[net.columns] > q[-1] or (flow.through[net.columns] and q[net.columns] < q[-1]):
        raise AssertionError("leaving a requirement unplaced has a price")


def shortest(reduced: Ints, sources: Bools) -> tuple[Ints, Ints]:
    """Least distance [nodes] from any source over arc lengths `reduced` (none below 0; REACHED or more is
    no arc), and the node before on the way, -1 at a source. Bellman-Ford, a front at a time."""
    distance = np.where(sources, 0, FAR)
    before = np.full(len(distance), -1, np.int64)
    front = np.flatnonzero(sources)
    while len(front):
        through = distance[front, None] + reduced[front]
        pick = through.argmin(axis=0)
        found = through[pick, np.arange(len(pick))]
        better = (found < distance) & (found < REACHED)
        distance[better] = found[better]
        before[better] = front[pick[better]]
        front = np.flatnonzero(better)
    return distance, before


class _Mend:
    """The state of the mend; see the head of the module."""

    def __init__(self, network: Network, prices: Ints) -> None:
        net = self.net = network
        n = net.nodes
        self.price = np.zeros(n, np.int64)
        self.price[: net.columns] = prices
        reduced = net.cost + self.price[net.column]
        least = np.minimum.reduceat(reduced, net.start[:-1])
        best = np.flatnonzero(reduced == least[net.row])
        self.pair = np.empty(net.rows, np.int64)
        self.pair[net.row[best[::-1]]] = best[::-1]
        self.at = net.column[self.pair]
        self._start_caps()
        self._start_moves()
        order = np.argsort(net.column.astype(np.int32), kind="stable")
        self.by_column = order
        self.by_column_row = net.row[order]
        self.column_start = np.searchsorted(net.column[order], np.arange(net.columns + 2))

    def _start_caps(self) -> None:
        net = self.net
        self.through = np.zeros(net.nodes, np.int64)
        excess = np.bincount(self.at, minlength=net.nodes).astype(np.int64)
        for v in range(net.nodes - 1):
            inflow = int(excess[v])
            if v != net.columns:
                marginal = net.marginal[net.marginal_start[v] : net.marginal_start[v + 1]]
                worth = self.price[v] - self.price[net.parent[v]]
                low = int(np.searchsorted(marginal, worth, "left"))
                high = int(np.searchsorted(marginal, worth, "right"))
                self.through[v] = min(max(inflow, low), high)
            else:
                self.through[v] = inflow
            excess[v] -= self.through[v]
            excess[net.parent[v]] += self.through[v]
        excess[-1] -= net.rows
        self.excess = excess

    def _start_moves(self) -> None:
        net, n = self.net, self.net.nodes
        self.move = np.full((n, n), FAR, np.int64)
        self.mover = np.full((n, n), -1, np.int64)
        key = self.at[net.row] * n + net.column
        gain = net.cost - net.cost[self.pair][net.row]
        flat = self.move.reshape(-1)
        np.minimum.at(flat, key, gain)
        cheapest = np.flatnonzero(gain == flat[key])
        self.mover.reshape(-1)[key[cheapest]] = cheapest
        for v in range(n - 1):
            self._price_cap(v)

    def _price_cap(self, v: int) -> None:
        net, up, used = self.net, self.net.parent[v], self.through[v]
        if v == net.columns:
            self.move[v, up] = 0
            self.move[up, v] = 0 if used else FAR
            return
        begin, end = net.marginal_start[v], net.marginal_start[v + 1]
        self.move[v, up] = net.marginal[begin + used] if begin + used < end else FAR
        self.move[up, v] = -net.marginal[begin + used - 1] if used else FAR

    def run(self, stop: Stop) -> None:
        """Rounds of shortest paths until nothing is in excess."""
        while (self.excess > 0).any():
            if stop():
                raise Stopped
            self._round()

    def _round(self) -> None:
        reduced = self.move - self.price[:, None] + self.price[None, :]
        distance, before = shortest(reduced, self.excess > 0)
        ends = np.flatnonzero((self.excess < 0) & (distance < REACHED))
        ends = ends[np.argsort(distance[ends], kind="stable")]
        self.price -= np.minimum(distance, distance[ends[-1]])
        self.price -= self.price[-1]
        for end in ends:
            while self.excess[end] < 0 and self._send(int(end), before):
                pass

    def _send(self, end: int, before: Ints) -> bool:
        path, v = [], end
        while before[v] >= 0:
            u = int(before[v])
            if self.move[u, v] - self.price[u] + self.price[v] != 0:
                return False
            path.append((u, v))
            v = u
        if self.excess[v] <= 0:
            return False
        movers = [(u, w, int(self.mover[u, w])) for u, w in path]
        self.excess[v] -= 1
        self.excess[end] += 1
        for u, w, mover in movers:
            if self.net.parent[u] == w:
                self.through[u] += 1
                self._price_cap(u)
            elif self.net.parent[w] == u:
                self.through[w] -= 1
                self._price_cap(w)
            else:
                self._move(u, mover)
        return True

    def _move(self, u: int, pair: int) -> None:
        net, row = self.net, int(self.net.row[pair])
        self.pair[row], self.at[row] = pair, net.column[pair]
        begin, end = net.start[row], net.start[row + 1]
        lost = np.flatnonzero((self.mover[u] >= begin) & (self.mover[u] < end))
        for w in lost:
            slots = slice(self.column_start[w], self.column_start[w + 1])
            pairs = self.by_column[slots][self.at[self.by_column_row[slots]] == u]
            if len(pairs):
                gain = net.cost[pairs] - net.cost[self.pair[net.row[pairs]]]
                k = int(gain.argmin())
                self.move[u, w], self.mover[u, w] = gain[k], pairs[k]
            else:
                self.move[u, w], self.mover[u, w] = FAR, -1
        v = int(net.column[pair])
        columns = net.column[begin:end]
        gain = net.cost[begin:end] - net.cost[pair]
        better = np.flatnonzero(gain < self.move[v, columns])
        self.move[v, columns[better]] = gain[better]
        self.mover[v, columns[better]] = begin + better
