"""Our exact flow against OR-Tools' and NetworkX's on the same arcs, in one run.

    uv run --group bench python benchmarks/flow.py [--size regional ...] [--repeat 5] [--json]

One block of a synthetic region (`matching.generate`), demand a little over supply, convex supervisor load
and above-preferred prices. The arcs are in memory as arrays before any clock starts. Ours: starting prices,
mend, and the proof checked over every arc, with the seeded draw as a further tier. OR-Tools
`SimpleMinCostFlow`: bulk `add_arcs`, solve, and the same tiers without the draw (its costs must be small).
NetworkX `network_simplex` (smallest size only): the graph is built before the clock starts. Each figure is
the median of the repeats, taken in turn. `objective` is tier x unit + thousandths of a point, a whole
number, and must be equal. `whole_s` is all of `matching.solve`: rules, parts, flow, reasons and the
independent check. `peak_mb` is the most memory the process had held once ours was done, the problem
included, before any peer was loaded; `peer_peak_mb` is a peer's own, in another process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any

import numpy as np

from benchmarks.apart import apart, peak_mb
from matching import Policy, generate, solve
from matching.components import parts
from matching.eligibility import eligible_pairs
from matching.flow import Flow, solve_flow
from matching.generate import Size
from matching.network import Network, build
from matching.start import starting_prices
from matching.tables import Tables

SIZES = ("regional", "midlands", "national")
ROW = "{:<10}{:>14}{:>10}{:>10}{:>12}{:>10}{:>8}{:>7}{:>10}{:>9}{:>9}"


def block(size: str | Size, seed: int) -> Network:
    """The network of the largest part of one block."""
    problem, policy = generate(size, seed), Policy()
    tables = Tables(problem)
    eligible = eligible_pairs(tables, policy)
    part = max(parts(tables, policy, eligible), key=lambda part: len(part.requirements))
    built = build(tables, policy, eligible, part, np.zeros(len(problem.requirements), np.int64))
    if built is None:
        raise RuntimeError("the prices of the block do not fit in a flow")
    return built[0]


class Plain:
    """The same arcs with costs = tier x unit + thousandths of a point, no draw: what the peers get.

    The unit is 32 times the dearest pair, kinder to the peers' speed than the unit that is proven to suffice
    (network.py); were it too small for the tiers the objectives would differ, and the run would fail.
    """

    def __init__(self, net: Network) -> None:
        last = np.zeros(len(net.row), np.bool_)
        last[net.start[1:] - 1] = True
        points = np.where(last, 0, net.cost // net.points_unit)
        self.marginal = net.marginal // net.points_unit
        self.unit = 32 * int(points.max())
        self.cost = np.where(last, net.cost // net.tier_unit * self.unit, points)
        up = np.repeat(np.arange(net.nodes), np.diff(net.marginal_start))
        rows, sink = net.rows, net.rows + net.nodes - 1
        self.tail = np.concatenate([net.row, rows + up, [rows + net.columns]]).astype(np.int32)
        self.head = np.concatenate([rows + net.column, rows + net.parent[up], [sink]]).astype(np.int32)
        self.capacity = np.ones(len(self.tail), np.int64)
        self.capacity[-1] = rows
        self.weight = np.concatenate([self.cost, self.marginal, [0]])
        self.supply = np.zeros(rows + net.nodes, np.int64)
        self.supply[:rows], self.supply[-1] = 1, -rows

    def total(self, net: Network, flow: Flow) -> int:
        """The objective of one of our flows in these costs."""
        total = int(self.cost[flow.pair].sum())
        for v in range(net.nodes - 1):
            if v != net.columns:
                total += int(self.marginal[net.marginal_start[v] :][: flow.through[v]].sum())
        return total


def ours(net: Network) -> tuple[float, Flow]:
    """Seconds and flow, proof included."""
    begin = time.perf_counter()
    flow = solve_flow(net, starting_prices(net))
    return time.perf_counter() - begin, flow


def ortools(plain: Plain) -> tuple[float, int]:
    """Seconds and objective of OR-Tools."""
    from ortools.graph.python import min_cost_flow

    begin = time.perf_counter()
    peer = min_cost_flow.SimpleMinCostFlow()
    peer.add_arcs_with_capacity_and_unit_cost(plain.tail, plain.head, plain.capacity, plain.weight)
    peer.set_nodes_supplies(np.arange(len(plain.supply), dtype=np.int32), plain.supply)
    status = peer.solve()
    seconds = time.perf_counter() - begin
    if status != peer.OPTIMAL:
        raise RuntimeError(f"OR-Tools: {status}")
    return seconds, peer.optimal_cost()


def networkx(plain: Plain) -> tuple[float, int]:
    """Seconds and objective of NetworkX."""
    import networkx as nx

    graph: Any = nx.MultiDiGraph()
    graph.add_nodes_from((i, {"demand": -int(s)}) for i, s in enumerate(plain.supply))
    rows = zip(
        plain.tail.tolist(), plain.head.tolist(), plain.capacity.tolist(), plain.weight.tolist(), strict=True
    )
    graph.add_edges_from((t, h, {"capacity": c, "weight": w}) for t, h, c, w in rows)
    begin = time.perf_counter()
    total, _ = nx.network_simplex(graph)
    return time.perf_counter() - begin, total


def measure(size: str, seed: int, repeat: int) -> list[dict[str, Any]]:
    """One row a peer for one size."""
    net = block(size, seed)
    plain = Plain(net)
    times = [ours(net)]
    peak = peak_mb()
    peers = [ortools(plain)]
    for _ in range(repeat - 1):
        times.append(ours(net))
        peers.append(ortools(plain))
    found = {"ortools SimpleMinCostFlow": (statistics.median(t for t, _ in peers), peers[0][1])}
    if size == SIZES[0]:
        found["networkx network_simplex"] = networkx(plain)
    seconds, objective = statistics.median(t for t, _ in times), plain.total(net, times[0][1])
    problem = generate(size, seed)
    begin = time.perf_counter()
    result = solve(problem)
    whole = time.perf_counter() - begin
    return [
        {
            "bench": "flow",
            "size": size,
            "requirements": net.rows,
            "columns": net.columns,
            "arcs": len(plain.tail),
            "ours_s": round(seconds, 5),
            "peer": peer,
            "peer_s": round(peer_s, 5),
            "ratio": round(seconds / peer_s, 4),
            "objective": objective,
            "peer_objective": peer_objective,
            "gap": (objective - peer_objective) / max(1, abs(peer_objective)),
            "peak_mb": round(peak, 1),
            "whole_s": round(whole, 3),
            "status": result.status,
        }
        for peer, (peer_s, peer_objective) in found.items()
    ]


def peer_peak(peer: str, size: str, seed: int) -> float:
    """The most memory that a process holds for one peer's answer."""
    plain = Plain(block(size, seed))
    (ortools if peer.startswith("ortools") else networkx)(plain)
    return round(peak_mb(), 1)


def measured(size: str, seed: int, repeat: int) -> list[dict[str, Any]]:
    """The rows of one size, the peers' memory among them, each from a process of its own."""
    rows: list[dict[str, Any]] = apart(measure, size, seed, repeat)
    for row in rows:
        row["peer_peak_mb"] = apart(peer_peak, row["peer"], size, seed)
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Measures each size in a process of its own and prints a table or JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=SIZES, nargs="+", default=list(SIZES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args(arguments)
    heads = (
        "size",
        "requirements",
        "sites",
        "arcs",
        "peer",
        "ours s",
        "peer s",
        "ratio",
        "gap",
        "peak MB",
        "peer MB",
    )
    if not asked.json:
        print(ROW.format(*heads))
    wrong = 0
    for size in asked.size:
        for row in measured(size, asked.seed, asked.repeat):
            wrong |= row["objective"] != row["peer_objective"]
            if asked.json:
                print(json.dumps(row), flush=True)
                continue
            figures = (
                f"{row['ours_s']:.3f}",
                f"{row['peer_s']:.3f}",
                f"{row['ratio']:.2f}",
                f"{row['gap']:g}",
            )
            name = row["peer"].split()[0]
            memory = (f"{row['peak_mb']:.0f}", f"{row['peer_peak_mb']:.0f}")
            counts = (row["requirements"], row["columns"], row["arcs"])
            print(ROW.format(size, *counts, name, *figures, *memory), flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
