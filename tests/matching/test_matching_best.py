"""The answer is the best there is: against every assignment on tiny problems, and NetworkX on random
networks."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import Policy, generate, solve, verify
from matching.components import parts
from matching.eligibility import eligible_pairs
from matching.flow import Flow, certify, solve_flow
from matching.network import Network, build
from matching.start import starting_prices
from matching.tables import Tables
from tests.matching.matching_oracle import best_by_trying
from tests.matching.matching_problems import problems

policies = st.builds(
    Policy,
    supervision=st.sampled_from([None, 1.0, 0.8]),
    above_preferred=st.integers(0, 9),
    preference_step=st.integers(0, 20),
    travel_limit=st.sampled_from(
        [{"car": 90, "public_transport": 60}, {"car": 45, "public_transport": 1000}]
    ),
    supervisor_load=st.sampled_from([(), ((0, 3),), ((50, 2), (75, 4), (90, 8))]),
    seed=st.integers(0, 3),
    locks=st.booleans(),
)


@given(problems(), policies)
@settings(max_examples=300, deadline=None)
def test_flow_is_the_best_of_all_assignments(problem, policy):
    result = solve(problem, policy)
    assert result.paths["integer"] == 0
    found = {tier.name: tier.value for tier in result.tiers}
    assert found == best_by_trying(problem, policy)
    assert result.status == ("infeasible_locks" if found.get("unplaced_pinned") else "optimal")
    assert verify(problem, policy, result) == []


@given(problems(flow=False, most_requirements=4), policies)
@settings(max_examples=60, deadline=None)
def test_integer_search_is_the_best_of_all_assignments(problem, policy):
    result = solve(problem, policy)
    found = {tier.name: tier.value for tier in result.tiers}
    assert found == best_by_trying(problem, policy)
    assert result.status == ("infeasible_locks" if found.get("unplaced_pinned") else "optimal")
    assert verify(problem, policy, result) == []


@st.composite
def networks(draw):
    """Random networks with a two-level tree of caps and falling or rising prices."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns, rows, groups = draw(st.integers(1, 8)), draw(st.integers(1, 30)), draw(st.integers(0, 3))
    nodes = columns + 1 + groups + 1
    parent = np.full(nodes, nodes - 1, np.int64)
    if groups:
        under = rng.integers(0, groups + 1, columns)
        parent[:columns] = np.where(under < groups, columns + 1 + under, nodes - 1)
    parent[-1] = -1
    marginals = [np.sort(rng.integers(0, 40, rng.integers(0, 7))) for _ in range(nodes)]
    marginals[columns] = marginals[-1] = np.zeros(0, np.int64)
    row, column, cost, start = [], [], [], [0]
    for r in range(rows):
        mine = np.flatnonzero(rng.random(columns) < 0.6)
        row += [r] * (len(mine) + 1)
        column += [*mine.tolist(), columns]
        cost += [*rng.integers(0, 60, len(mine)).tolist(), int(rng.choice([50, 10_000, 20_000]))]
        start.append(len(row))
    return Network(
        columns,
        parent,
        *(np.array(x, np.int64) for x in (start, row, column, cost)),
        np.cumsum([0, *map(len, marginals)]).astype(np.int64),
        np.concatenate(marginals).astype(np.int64),
        1,
        10_000,
        1,
    )


def total(network: Network, flow: Flow) -> int:
    caps = sum(
        int(network.marginal[network.marginal_start[v] :][: flow.through[v]].sum())
        for v in range(network.nodes - 1)
        if v != network.columns
    )
    return int(network.cost[flow.pair].sum()) + caps


def total_by_networkx(network: Network) -> int:
    graph = nx.MultiDiGraph()
    sink = ("node", network.nodes - 1)
    graph.add_node(sink, demand=network.rows)
    for r in range(network.rows):
        graph.add_node(("row", r), demand=-1)
    for r, c, cost in zip(network.row.tolist(), network.column.tolist(), network.cost.tolist(), strict=True):
        graph.add_edge(("row", r), ("node", c), capacity=1, weight=cost)
    for v in range(network.nodes - 1):
        up = ("node", int(network.parent[v]))
        if v == network.columns:
            graph.add_edge(("node", v), up, capacity=network.rows, weight=0)
        for marginal in network.marginal[network.marginal_start[v] : network.marginal_start[v + 1]].tolist():
            graph.add_edge(("node", v), up, capacity=1, weight=marginal)
    return nx.network_simplex(graph)[0]


@given(networks(), st.sampled_from(["zero", "start", "wild"]))
@settings(max_examples=200, deadline=None)
def test_flow_costs_what_networkx_finds_whatever_the_starting_prices(network, kind):
    prices = {
        "zero": np.zeros(network.columns, np.int64),
        "start": starting_prices(network),
        "wild": np.random.default_rng(1).integers(-20_000, 20_000, network.columns),
    }[kind]
    flow = solve_flow(network, prices)
    assert total(network, flow) == total_by_networkx(network)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_region_costs_what_networkx_finds(seed):
    problem = generate("demo", seed, blocks=1)
    policy = Policy(seed=seed)
    tables = Tables(problem)
    eligible = eligible_pairs(tables, policy)
    for part in parts(tables, policy, eligible):
        built = build(tables, policy, eligible, part, np.zeros(len(problem.requirements), np.int64))
        assert built is not None
        network, _ = built
        flow = solve_flow(network, starting_prices(network))
        assert total(network, flow) == total_by_networkx(network)


def test_the_proof_refuses_a_flow_that_is_not_the_best():
    network = _two_columns()
    flow = solve_flow(network)
    certify(network, flow)
    for pair, words in (([3, 0], "another's place"), ([1, 3], "cheaper place"), ([2, 4], "cheaper place")):
        with pytest.raises(AssertionError, match=words):
            certify(network, Flow(np.array(pair), flow.price, flow.through, flow.move))
    dear = Flow(flow.pair, flow.price, flow.through + 1, flow.move)
    with pytest.raises(AssertionError, match="conserved"):
        certify(network, dear)


def _two_columns() -> Network:
    """Two requirements, two columns of one place, each nearer its own."""
    whole = [[0, 3, 6], [0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2], [1, 5, 99, 5, 1, 99], [0, 1, 2, 2, 2], [0, 0]]
    parent = np.array([3, 3, 3, -1], np.int64)
    arrays = [np.array(x, np.int64) for x in whole]
    return Network(2, parent, *arrays[:4], arrays[4], arrays[5], 1, 99, 1)
