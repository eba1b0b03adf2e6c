"""Readers of the files in which instances of the literature are published (DIMACS minimum-cost flow and
assignment, OR-Library assignment), and those instances as problems of the engine.

Formats: "The First DIMACS International Algorithm Implementation Challenge: Problem Definitions and
Specifications" (1991); J. E. Beasley, "OR-Library: distributing test problems by electronic mail", Journal of
the Operational Research Society 41 (1990), 1069-1072.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching import (
    UNREACHABLE,
    Department,
    Learner,
    Offer,
    Policy,
    Problem,
    Requirement,
    Result,
    Site,
    Trust,
)

DAY = 24 * 60  # the longest travel limit, so the highest cost of one unit
MOST_UNITS = 50_000

# Travel alone counts, a point a minute, and no limit is felt.
PLAIN = Policy(
    travel_limit={"car": DAY, "public_transport": DAY},
    travel=((0, 1),),
    preference_step=0,
    preference_unranked=0,
    above_preferred=0,
    supervisor_load=(),
    supervision=None,
    tiers=({"travel": 1},),
)


@dataclass(frozen=True)
class Arc:
    """At least `low` and at most `capacity` units from `tail` to `head`, at `cost` each."""

    tail: int
    head: int
    low: int
    capacity: int
    cost: int


@dataclass(frozen=True)
class Network:
    """A minimum-cost flow problem: the supply of each node (below 0 is demand) and the arcs."""

    supply: dict[int, int]
    arcs: tuple[Arc, ...]


@dataclass(frozen=True)
class Transportation:
    """Every unit of every row goes to one column, which takes so many. `costs` are by (row, column), a pair
    without one is not allowed; `constant` is added to what the units cost."""

    units: tuple[int, ...]
    places: tuple[int, ...]
    costs: dict[tuple[int, int], int]
    constant: int = 0


# -- readers ------------------------------------------------------------


def read_dimacs_flow(text: str) -> Network:
    """A DIMACS `p min` file. Raises ValueError naming the line and what is wrong."""
    nodes, lines = _dimacs(text, "min", {"n": 2, "a": 5})
    supply = dict.fromkeys(range(1, nodes + 1), 0)
    arcs = []
    for number, kind, values in lines:
        for node in values[: 1 if kind == "n" else 2]:
            if node not in supply:
                raise ValueError(f"line {number}: node {node} is not from 1 to {nodes}")
        if kind == "n":
            supply[values[0]] = values[1]
        else:
            arcs.append(Arc(*values))
            if not 0 <= arcs[-1].low <= arcs[-1].capacity:
                raise ValueError(f"line {number}: the flow must be from {values[2]} to {values[3]}")
    if sum(supply.values()):
        raise ValueError(f"supply exceeds demand by {sum(supply.values())}")
    return Network(supply, tuple(arcs))


def read_dimacs_assignment(text: str) -> Transportation:
    """A DIMACS `p asn` file: the nodes named are to be assigned, each to one of the others."""
    nodes, lines = _dimacs(text, "asn", {"n": 1, "a": 3})
    rows = {values[0]: i for i, (_, _, values) in enumerate(line for line in lines if line[1] == "n")}
    others = [node for node in range(1, nodes + 1) if node not in rows]
    columns = {node: j for j, node in enumerate(others)}
    costs = {}
    for number, kind, values in lines:
        if kind == "n":
            continue
        if values[0] not in rows or values[1] not in columns:
            raise ValueError(f"line {number}: no pair of a node to be assigned with another")
        costs[rows[values[0]], columns[values[1]]] = values[2]
    return Transportation((1,) * len(rows), (1,) * len(columns), costs)


def _dimacs(text: str, problem: str, fields: dict[str, int]) -> tuple[int, list[tuple[int, str, list[int]]]]:
    """The number of nodes, and the lines after the problem line: (line number, kind, its whole numbers)."""
    head: tuple[int, int] | None = None
    out = []
    for number, line in enumerate(text.splitlines(), 1):
        kind, *rest = line.split() or ["c"]
        if kind == "c":
            continue
        try:
            if kind == "p" and head is None and rest[0] == problem:
                head = int(rest[1]), int(rest[2])
                continue
            values = [int(value) for value in rest]
        except (ValueError, IndexError):
            raise ValueError(f"line {number}: {line!r} is not of this format") from None
        if head is None or len(values) != fields.get(kind):
            raise ValueError(f"line {number}: {line!r} is not of this format")
        out.append((number, kind, values))
    if head is None:
        raise ValueError(f"no line begins with p {problem}")
    arcs = sum(kind == "a" for _, kind, _ in out)
    if arcs != head[1]:
        raise ValueError(f"{arcs} arcs where {head[1]} are announced")
    return head[0], out


def read_or_library_assignment(text: str) -> Transportation:
    """An OR-Library assignment file (assign100 ...): n, then n x n costs by row, broken over lines anyhow."""
    n, *costs = (int(value) for value in text.split())
    if len(costs) != n * n:
        raise ValueError(f"{len(costs)} costs where {n} x {n} are announced")
    return assignment([costs[i * n : (i + 1) * n] for i in range(n)])


def assignment(costs: list[list[int | None]]) -> Transportation:
    """A table of costs: each row goes to a column of its own; None is not allowed."""
    known = {(i, j): c for i, row in enumerate(costs) for j, c in enumerate(row) if c is not None}
    return Transportation((1,) * len(costs), (1,) * len(costs[0]), known)


# -- into the engine ------------------------------------------------------------


def as_transportation(network: Network) -> Transportation:
    """Any minimum-cost flow as a transportation problem: H. M. Wagner, "On a class of capacitated
    transportation problems", Management Science 5 (1959), 304-318; Ahuja, Magnanti and Orlin, Network Flows,
    section 2.4.

    An arc becomes a row with a unit for each unit of its capacity. A unit goes to the arc's head at the arc's
    cost (it flows) or to its tail for nothing (it does not); a node takes the capacity that leaves it less
    its supply, which says that what flows out less what flows in is its supply. A lower bound is first sent,
    and of an arc whose cost is below 0 all is first sent, and then what does not flow costs.
    """
    supply, constant = dict(network.supply), 0
    units, costs = [], {}
    nodes = {node: j for j, node in enumerate(supply)}
    places = dict.fromkeys(supply, 0)
    for arc in network.arcs:
        constant += arc.cost * arc.low
        supply[arc.tail] -= arc.low
        supply[arc.head] += arc.low
        free = arc.capacity - arc.low
        flows, stays = arc.cost, 0
        if arc.cost < 0:
            constant += arc.cost * free
            flows, stays = 0, -arc.cost
        costs[len(units), nodes[arc.tail]] = stays
        costs[len(units), nodes[arc.head]] = flows
        units.append(free)
        places[arc.tail] += free
    taken = tuple(places[node] - supply[node] for node in supply)
    if min(taken) < 0:
        raise ValueError("a node supplies more than can leave it")
    return Transportation(tuple(units), taken, costs, constant)


def bipartite(network: Network) -> Transportation:
    """A minimum-cost flow straight from supply to demand, on arcs that hold all there is to send, as the
    transportation problem that it is. Raises ValueError where it is not."""
    sources = [node for node, supply in network.supply.items() if supply > 0]
    sinks = [node for node, supply in network.supply.items() if supply < 0]
    costs = {}
    for arc in network.arcs:
        if arc.tail not in sources or arc.head not in sinks:
            raise ValueError(f"the arc from {arc.tail} to {arc.head} does not go from supply to demand")
        if arc.low or arc.capacity < min(network.supply[arc.tail], -network.supply[arc.head]):
            raise ValueError(f"the arc from {arc.tail} to {arc.head} has a capacity of its own")
        costs[sources.index(arc.tail), sinks.index(arc.head)] = arc.cost
    units = tuple(network.supply[node] for node in sources)
    return Transportation(units, tuple(-network.supply[node] for node in sinks), costs)


def problem_of(instance: Transportation) -> Problem:
    """One learner a unit, one site of one department a column, minutes as costs. Raises ValueError for costs
    that travel minutes cannot say and for more units than are worth a learner each."""
    dear = next(((pair, c) for pair, c in instance.costs.items() if not 0 <= c <= DAY), None)
    if dear is not None:
        (row, column), cost = dear
        raise ValueError(
            f"the cost of row {row} in column {column} is {cost}; "
            f"travel minutes say whole costs from 0 to {DAY:,}"
        )
    if sum(instance.units) > MOST_UNITS:
        raise ValueError(f"{sum(instance.units):,} units, each a learner; at most {MOST_UNITS:,} are")
    minutes = np.full((len(instance.units), len(instance.places)), UNREACHABLE, np.uint16)
    for (row, column), cost in instance.costs.items():
        minutes[row, column] = cost
    rows = np.repeat(np.arange(len(instance.units)), instance.units)
    learners = [f"L{i}" for i in range(len(rows))]
    return Problem(
        weeks=("2026-09-07",),
        trusts=(Trust("T"),),
        sites=tuple(Site(f"S{j}", "T") for j in range(len(instance.places))),
        departments=tuple(Department(f"D{j}", f"S{j}", "xray") for j in range(len(instance.places))),
        offers=tuple(
            Offer(f"O{j}", f"D{j}", preferred=(n,), maximum=(n,)) for j, n in enumerate(instance.places)
        ),
        learners=tuple(Learner(key, "radiography", "1", "H") for key in learners),
        requirements=tuple(Requirement(f"R{key}", key, "B", ("xray",), (0,)) for key in learners),
        travel_minutes=minutes[rows],
    )


def cost_of(instance: Transportation, result: Result) -> float:
    """What a result costs in the units of the instance."""
    return result.costs["travel"] / 1000 + instance.constant
