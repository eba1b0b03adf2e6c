"""Instances of the literature, each with its source and known optimum, solved to proof."""

from __future__ import annotations

import dataclasses

import networkx as nx
import numpy as np
import pytest

from matching import Department, Policy, Problem, Requirement, Result, Site, Trust, solve, verify
from tests.matching.published_instances import (
    PLAIN,
    Network,
    Transportation,
    as_transportation,
    assignment,
    bipartite,
    cost_of,
    problem_of,
    read_dimacs_assignment,
    read_dimacs_flow,
    read_or_library_assignment,
)


def solved(problem: Problem, policy: Policy = PLAIN) -> Result:
    """The result, which must place everybody, be proven and pass the checker."""
    result = solve(problem, policy)
    assert result.status == "optimal"
    assert result.unplaced == {}
    assert verify(problem, policy, result) == []
    return result


def optimum(instance: Transportation) -> float:
    return cost_of(instance, solved(problem_of(instance)))


# -- assignment ------------------------------------------------------------

# Five jobs and five machines, as the lp_solve 5.5 reference guide ("DIMACS assignment problems") and the
# example file of OR-Tools give them: 22 + 20 + 21 + 24 + 31 = 118.
JOBS = """\
c five jobs, five machines
p asn 10 25
n 1
n 2
n 3
n 4
n 5
a 1 6 22
a 1 7 30
a 1 8 26
a 1 9 16
a 1 10 25
a 2 6 27
a 2 7 29
a 2 8 28
a 2 9 20
a 2 10 32
a 3 6 33
a 3 7 25
a 3 8 21
a 3 9 29
a 3 10 23
a 4 6 24
a 4 7 24
a 4 8 30
a 4 9 19
a 4 10 26
a 5 6 30
a 5 7 33
a 5 8 32
a 5 9 37
a 5 10 31
"""

# (source, costs by row, optimum)
TABLES = {
    # OR-Tools guide, "Linear Sum Assignment Solver": four workers, four tasks.
    "or-tools-4x4": ([[90, 76, 75, 70], [35, 85, 55, 65], [125, 95, 90, 105], [45, 110, 95, 115]], 265),
    # OR-Tools guide, "Solving an Assignment Problem": here a row is a task, a column one of five workers.
    "or-tools-5x4": (
        [[90, 35, 125, 45, 50], [80, 85, 95, 110, 100], [75, 55, 90, 95, 90], [70, 65, 95, 115, 100]],
        265,
    ),
    # SciPy manual, scipy.optimize.linear_sum_assignment, first example.
    "scipy-manual": ([[4, 1, 3], [2, 0, 5], [3, 2, 2]], 5),
    # B. M. Clapper's munkres package and SciPy's tests after it: square and rectangular.
    "munkres-square": ([[400, 150, 400], [400, 450, 600], [300, 225, 300]], 850),
    "munkres-rectangular": ([[400, 150, 400, 1], [400, 450, 600, 2], [300, 225, 300, 3]], 452),
    "munkres-small": ([[10, 10, 8], [9, 8, 1], [9, 7, 4]], 18),
    "munkres-small-rectangular": ([[10, 10, 8, 11], [9, 8, 1, 1], [9, 7, 4, 10]], 15),
    "munkres-disallowed": ([[10, None, None], [None, None, 1], [None, 7, None]], 18),
    # R's lpSolve package, help of lp.assign.
    "lp-assign": ([[2, 7, 7, 2], [7, 7, 3, 2], [7, 2, 8, 10], [1, 9, 8, 2]], 8),
}


@pytest.mark.parametrize("name", TABLES)
def test_published_tables_of_costs(name):
    costs, best = TABLES[name]
    assert optimum(assignment(costs)) == best


def test_the_dimacs_example_of_assignment():
    assert optimum(read_dimacs_assignment(JOBS)) == 118


@pytest.mark.parametrize("n", [1, 2, 5, 12, 37])
def test_machol_and_wien(n):
    """R. E. Machol and M. Wien, "A hard assignment problem", Operations Research 24 (1976), 190-192: cost
    i x j. By the rearrangement inequality the best is to pair i with n + 1 - i: n (n + 1) (n + 2) / 6. n = 37
    is the last whose costs fit a day."""
    text = " ".join([str(n), *(str(i * j) for i in range(1, n + 1) for j in range(1, n + 1))])
    assert optimum(read_or_library_assignment(text)) == n * (n + 1) * (n + 2) / 6


# -- transportation and minimum-cost flow ------------------------------------------------------------


def test_dantzigs_canneries():
    """G. B. Dantzig, Linear Programming and Extensions (1963), section 3.3, in the numbers of GAMS's model
    library (trnsport): two canneries of 350 and 600 cases, markets for 325, 300 and 275, distances in
    thousands of miles, 90 dollars a case and thousand miles: 153,675 dollars."""
    hundreds = {(0, 0): 25, (0, 1): 25, (1, 0): 17, (1, 1): 18, (2, 0): 18, (2, 1): 14}
    instance = Transportation((325, 300, 275), (350, 600), hundreds)
    assert optimum(instance) * 100 / 1000 * 90 == 153_675


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hoffmans_rule(seed):
    """A. J. Hoffman, "On simple linear programming problems", in Convexity (1963), 317-327: where costs are a
    Monge array, such as distances along a line, filling greedily from the first corner is best."""
    rng = np.random.default_rng(seed)
    rows, columns = np.sort(rng.integers(0, 1_000, 25)), np.sort(rng.integers(0, 1_000, 40))
    units = rng.integers(1, 20, 25)
    places = rng.multinomial(units.sum(), [1 / 40] * 40)
    along = np.abs(np.repeat(rows, units) - np.repeat(columns, places))
    costs = {(i, j): int(abs(rows[i] - columns[j])) for i in range(25) for j in range(40)}
    assert optimum(Transportation(tuple(units.tolist()), tuple(places.tolist()), costs)) == along.sum()


# (source, DIMACS file, optimum). An arc without a capacity of its own is given what there is to send.
FLOWS = {
    # S. P. Bradley, A. C. Hax and T. L. Magnanti, Applied Mathematical Programming (1977), chapter 8; also
    # the example of the OR-Tools guide, "Minimum Cost Flows".
    "bradley-hax-magnanti": (
        """p min 5 9
        n 1 20
        n 4 -5
        n 5 -15
        a 1 2 0 15 4
        a 1 3 0 8 4
        a 2 3 0 20 2
        a 2 4 0 4 2
        a 2 5 0 10 6
        a 3 4 0 15 1
        a 3 5 0 5 3
        a 4 5 0 20 2
        a 5 3 0 4 1""",
        150,
    ),
    # GLPK Graph and Network Routines (2020), section 2.1.2, sample.min: with lower bounds.
    "glpk-sample": (
        """p min 9 14
        n 1 20
        n 9 -20
        a 1 2 0 14 0
        a 1 4 0 23 0
        a 2 3 0 10 2
        a 2 4 0 9 3
        a 3 5 2 12 1
        a 3 8 0 18 0
        a 4 5 0 26 0
        a 5 2 0 11 1
        a 5 6 0 25 5
        a 5 7 0 4 7
        a 6 7 0 7 0
        a 6 8 4 8 0
        a 7 9 0 15 3
        a 8 9 0 20 9""",
        213,
    ),
    # NetworkX manual, network_simplex and min_cost_flow, first example.
    "networkx-manual": (
        """p min 4 4
        n 1 5
        n 4 -5
        a 1 2 0 4 3
        a 1 3 0 10 6
        a 2 4 0 9 1
        a 3 4 0 5 2""",
        24,
    ),
    # Princeton, COS 226 (2003), lecture "Min cost flow", slide 11: the most that flows is 32, at 193.
    "princeton": (
        """p min 8 15
        n 7 32
        n 8 -32
        a 7 1 0 12 0
        a 7 2 0 6 0
        a 7 3 0 14 0
        a 1 2 0 11 4
        a 2 3 0 9 6
        a 1 4 0 5 5
        a 1 5 0 2 12
        a 2 5 0 4 4
        a 2 6 0 2 6
        a 3 6 0 31 3
        a 4 5 0 18 4
        a 5 6 0 9 5
        a 4 8 0 3 0
        a 5 8 0 7 0
        a 6 8 0 22 0""",
        193,
    ),
    # After C. H. Papadimitriou and K. Steiglitz, Combinatorial Optimization (1982), example 7.1, in the
    # numbers of NetworkX's tests: the most that flows is 4, at 23.
    "papadimitriou-steiglitz": (
        """p min 4 6
        n 1 4
        n 4 -4
        a 1 2 0 2 4
        a 1 3 0 2 1
        a 2 3 0 5 2
        a 2 4 0 1 5
        a 3 2 0 1 3
        a 3 4 0 3 2""",
        23,
    ),
    # NetworkX's tests, test_transshipment: costs below 0, many sources and sinks.
    "networkx-transshipment": (
        """p min 9 14
        n 1 -1
        n 2 2
        n 3 2
        n 4 -3
        n 5 4
        n 6 4
        n 7 -3
        n 8 -2
        n 9 -3
        a 1 3 0 12 3
        a 9 1 0 12 2
        a 2 1 0 12 9
        a 9 3 0 12 0
        a 2 9 0 12 -6
        a 3 4 0 12 5
        a 5 9 0 12 4
        a 5 6 0 12 3
        a 8 2 0 12 4
        a 6 4 0 12 7
        a 6 8 0 12 12
        a 7 4 0 12 12
        a 6 7 0 12 -1
        a 8 7 0 12 -10""",
        41,
    ),
    # NetworkX's tests, test_zero_capacity_edges.
    "networkx-zero-capacity": (
        """p min 5 7
        n 1 1
        n 2 1
        n 4 -2
        a 1 2 0 1 1
        a 1 5 0 1 1
        a 2 3 0 0 1
        a 2 5 0 1 1
        a 5 3 0 2 1
        a 5 4 0 0 1
        a 3 4 0 2 1""",
        6,
    ),
}


@pytest.mark.parametrize("name", FLOWS)
def test_published_flows(name):
    text, best = FLOWS[name]
    assert optimum(as_transportation(read_dimacs_flow(text))) == best


def test_a_flow_from_supply_to_demand_is_the_same_either_way():
    """The SAS/OR manual's transportation problem (OPTMODEL procedure): Detroit and Pittsburgh to Boston and
    New York; 150 x 30 + 50 x 20 + 100 x 10 = 6,500."""
    text = """p min 4 4
    n 1 200
    n 2 100
    n 3 -150
    n 4 -150
    a 1 3 0 150 30
    a 1 4 0 150 20
    a 2 3 0 100 40
    a 2 4 0 100 10"""
    network = read_dimacs_flow(text)
    assert optimum(bipartite(network)) == 6_500
    assert optimum(as_transportation(network)) == 6_500


@pytest.mark.parametrize("seed", range(4))
def test_random_networks_cost_what_network_simplex_says(seed):
    """Not published, but any: lower bounds, costs below 0, parallel ways, whatever comes."""
    rng = np.random.default_rng(seed)
    tails, heads = rng.integers(0, 8, 30), rng.integers(0, 8, 30)
    low, capacity, cost = rng.integers(0, 2, 30), rng.integers(2, 7, 30), rng.integers(-20, 100, 30)
    flow = np.array([rng.integers(a, b + 1) for a, b in zip(low, capacity, strict=True)])
    graph, lines = nx.MultiDiGraph(), []
    supply = np.zeros(8, int)
    for tail, head, a, b, c, x in zip(tails, heads, low, capacity, cost, flow, strict=True):
        if tail != head:
            supply[tail] += x
            supply[head] -= x
            lines.append(f"a {tail + 1} {head + 1} {a} {b} {c}")
            graph.add_edge(int(tail), int(head), capacity=int(b - a), weight=int(c), low=int(a))
    text = "\n".join([f"p min 8 {len(lines)}", *(f"n {i + 1} {s}" for i, s in enumerate(supply)), *lines])
    for i in range(8):
        sent = sum(d["low"] for *_, d in graph.out_edges(i, data=True))
        got = sum(d["low"] for *_, d in graph.in_edges(i, data=True))
        graph.add_node(i, demand=int(sent - got - supply[i]))
    first = sum(d["low"] * d["weight"] for *_, d in graph.edges(data=True))
    assert optimum(as_transportation(read_dimacs_flow(text))) == nx.network_simplex(graph)[0] + first


# -- beyond the flow ------------------------------------------------------------


def test_teams_of_workers():
    """OR-Tools guide, "Assignment with Teams of Workers": six workers in two teams, each worker at most one
    of four tasks, each team at most two: 250. A team is a trust with two places."""
    costs = [
        [90, 76, 75, 70],
        [35, 85, 55, 65],
        [125, 95, 90, 105],
        [45, 110, 95, 115],
        [60, 105, 80, 75],
        [45, 65, 110, 95],
    ]
    problem = problem_of(assignment([list(row) for row in zip(*costs, strict=True)]))
    problem = dataclasses.replace(
        problem,
        trusts=(Trust("A", (2,)), Trust("B", (2,))),
        sites=tuple(Site(f"S{j}", "AB"[j % 2]) for j in range(6)),
    )
    assert solved(problem).costs["travel"] == 250_000


def test_task_sizes():
    """OR-Tools guide, "Assignment with Task Sizes": eight tasks of unlike size, ten workers of at most 15
    each: 326. A size is a supervising weight, a worker a department with 15 WTE."""
    costs = [
        [90, 76, 75, 70, 50, 74, 12, 68],
        [35, 85, 55, 65, 48, 101, 70, 83],
        [125, 95, 90, 105, 59, 120, 36, 73],
        [45, 110, 95, 115, 104, 83, 37, 71],
        [60, 105, 80, 75, 59, 62, 93, 88],
        [45, 65, 110, 95, 47, 31, 81, 34],
        [38, 51, 107, 41, 69, 99, 115, 48],
        [47, 85, 57, 71, 92, 77, 109, 36],
        [39, 63, 97, 49, 118, 56, 92, 61],
        [47, 101, 71, 60, 88, 109, 52, 90],
    ]
    sizes = [10, 7, 3, 12, 15, 4, 11, 5]
    by_task = {(t, w): costs[w][t] for w in range(10) for t in range(8)}
    problem = weighted(Transportation((1,) * 8, (8,) * 10, by_task), sizes, 15.0)
    assert solved(problem, PLAIN.replace(supervision=1.0)).costs["travel"] == 326_000


@pytest.mark.parametrize("bins", [3, 5])
def test_falkenauers_triplets(bins):
    """E. Falkenauer, "A hybrid grouping genetic algorithm for bin packing", Journal of Heuristics 2 (1996),
    5-30: items cut three by three from bins of 1,000, so that they fill as many bins again to the brim. Here
    a bin is a department with one WTE: everybody has a place, and nothing is left of it."""
    rng = np.random.default_rng(bins)
    sizes = []
    for _ in range(bins):
        first = int(rng.integers(380, 491))
        second = int(rng.integers(250, (1_000 - first) // 2 + 1))
        sizes += [first, second, 1_000 - first - second]
    free = {(i, j): 0 for i in range(3 * bins) for j in range(bins)}
    weights = [size / 1_000 for size in rng.permutation(sizes)]
    problem = weighted(Transportation((1,) * (3 * bins), (3,) * bins, free), weights, 1.0)
    result = solved(problem, PLAIN.replace(supervision=1.0))
    weight_of = {r.key: r.weight for r in problem.requirements}
    for j in range(bins):
        inside = sum(weight_of[r] for r, offer in result.assignment.items() if offer == f"O{j}")
        assert inside == pytest.approx(1.0)


def weighted(instance: Transportation, weights: list[float], wte: float) -> Problem:
    """The instance with a weight for each unit and so many WTE in each column."""
    problem = problem_of(instance)
    requirements: tuple[Requirement, ...] = tuple(
        dataclasses.replace(r, weight=float(w)) for r, w in zip(problem.requirements, weights, strict=True)
    )
    departments: tuple[Department, ...] = tuple(
        dataclasses.replace(d, wte=(wte,)) for d in problem.departments
    )
    return dataclasses.replace(problem, requirements=requirements, departments=departments)


# -- the readers themselves ------------------------------------------------------------


def test_a_flow_file_is_read_to_the_number():
    network = read_dimacs_flow("c two nodes\n\np min 3 2\nn 1 4\nn 3 -4\na 1 2 1 5 7\na 2 3 0 9 -2\n")
    assert network.supply == {1: 4, 2: 0, 3: -4}
    assert [dataclasses.astuple(arc) for arc in network.arcs] == [(1, 2, 1, 5, 7), (2, 3, 0, 9, -2)]
    assert as_transportation(network) == Transportation(
        (4, 9), (1, 8, 4), {(0, 0): 0, (0, 1): 7, (1, 1): 2, (1, 2): 0}, -11
    )


def test_an_assignment_file_is_read_to_the_number():
    instance = read_dimacs_assignment("p asn 5 3\nn 2\nn 4\na 2 1 7\na 4 5 0\na 4 3 9\n")
    assert instance == Transportation((1, 1), (1, 1, 1), {(0, 0): 7, (1, 2): 0, (1, 1): 9})
    assert read_or_library_assignment(" 2\n 7 0 9\n3") == assignment([[7, 0], [9, 3]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no line begins with p min"),
        ("p asn 2 1\na 1 2 3", "line 1: 'p asn 2 1' is not of this format"),
        ("n 1 1\np min 2 0", "line 1"),
        ("p min 2 1\np min 2 1", "line 2"),
        ("p min 2 1\nn 1", "line 2: 'n 1' is not of this format"),
        ("p min 2 1\nx 1 2", "line 2"),
        ("p min 2 1\na 1 2 0 1.5 3", "line 2"),
        ("p min 2 0\nn 3 1", "line 2: node 3 is not from 1 to 2"),
        ("p min 2 1\na 1 0 0 1 1", "line 2: node 0 is not from 1 to 2"),
        ("p min 2 1\na 1 2 3 2 1", "line 2: the flow must be from 3 to 2"),
        ("p min 2 2\na 1 2 0 2 1", "1 arcs where 2 are announced"),
        ("p min 2 0\nn 1 3", "supply exceeds demand by 3"),
    ],
)
def test_a_wrong_flow_file_is_refused_in_words(text, words):
    with pytest.raises(ValueError, match=words):
        read_dimacs_flow(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("p min 2 1", "line 1"),
        ("p asn 2 1\nn 1\na 2 1 5", "line 3: no pair of a node to be assigned with another"),
        ("p asn 2 2\nn 1\na 1 2 5", "1 arcs where 2 are announced"),
    ],
)
def test_a_wrong_assignment_file_is_refused_in_words(text, words):
    with pytest.raises(ValueError, match=words):
        read_dimacs_assignment(text)


def test_what_the_engine_cannot_say_is_refused_in_words():
    with pytest.raises(ValueError, match="3 costs where 2 x 2 are announced"):
        read_or_library_assignment("2 1 2 3")
    with pytest.raises(
        ValueError, match="row 0 in column 1 is 1441; travel minutes say whole costs from 0 to 1,440"
    ):
        problem_of(assignment([[1, 1_441]]))
    with pytest.raises(ValueError, match="cost of row 0 in column 0 is -1"):
        problem_of(assignment([[-1]]))
    with pytest.raises(ValueError, match="60,000 units"):
        problem_of(Transportation((60_000,), (60_000,), {(0, 0): 1}))
    with pytest.raises(ValueError, match="supplies more than can leave it"):
        as_transportation(read_dimacs_flow("p min 2 1\nn 1 3\nn 2 -3\na 1 2 0 2 1"))
    through = read_dimacs_flow(FLOWS["networkx-manual"][0])
    with pytest.raises(ValueError, match="from 1 to 2 does not go from supply to demand"):
        bipartite(through)
    narrow = Network({1: 3, 2: -3}, read_dimacs_flow("p min 2 1\na 1 2 0 2 1").arcs)
    with pytest.raises(ValueError, match="from 1 to 2 has a capacity of its own"):
        bipartite(narrow)


def test_a_department_takes_what_its_column_takes():
    problem = problem_of(Transportation((2, 1), (3, 1), {(0, 0): 5, (1, 1): 6}))
    assert [o.maximum for o in problem.offers] == [(3,), (1,)]
    assert problem.travel_minutes.tolist() == [[5, 65_535], [5, 65_535], [65_535, 6]]
