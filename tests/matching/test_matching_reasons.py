"""Why a requirement is left over: the rule for each site, or a shortage that counting proves."""

import dataclasses

import networkx as nx
import pytest
from hypothesis import given, settings

from matching import RULES, Lock, Offer, Policy, Requirement, Result, generate, solve
from matching.recount import Recount
from tests.matching.matching_problems import one_site, problems
from tests.matching.test_matching_verify import BREACHES, first


@pytest.mark.parametrize("rule", BREACHES)
def test_each_rule_is_named_where_it_removes_a_site(rule):
    problem, policy = BREACHES[rule]
    result = solve(problem, policy)
    assert result.unplaced["R0"].kind == "rules"
    assert result.unplaced["R0"].rules == {"S0": rule}


def test_every_rule_has_words_and_a_switch():
    assert all(len(words) > 20 for words in RULES.values())
    assert all(hasattr(Policy(), name) for name in RULES)


def test_a_site_is_put_down_to_the_rule_of_the_offer_that_came_closest():
    problem = one_site(learners=1, minutes=120)
    offers = (*problem.offers, Offer("other", "D0", groups=("x",), preferred=(1,) * 4, maximum=(1,) * 4))
    result = solve(dataclasses.replace(problem, offers=offers))
    assert result.unplaced["R0"].rules == {"S0": "travel_limit"}


def test_a_department_that_offers_nothing_is_named():
    problem = one_site(learners=1)
    result = solve(dataclasses.replace(problem, offers=()))
    assert result.unplaced["R0"].rules == {"S0": "offer_weeks"}


def test_a_shortage_names_the_full_department_and_all_who_compete():
    result = solve(one_site(places=2, learners=3))
    (reason,) = result.unplaced.values()
    assert reason.kind == "shortage"
    assert reason.proven
    assert reason.departments == ("D0",)
    assert reason.competing == ("R0", "R1", "R2")
    assert [(cap.level, cap.key, cap.places) for cap in reason.caps] == [("offer", "O0", 2)]


def test_a_shortage_reaches_those_who_could_free_a_place_and_no_further():
    # L0 can go to S0 only; L1 to S0 or S1; S2 is a free place that neither can reach.
    problem = one_site(places=1, learners=3, sites=3)
    minutes = problem.travel_minutes.copy()
    minutes[0] = [10, 100, 100]
    minutes[1] = [10, 10, 100]
    minutes[2] = [10, 10, 100]
    result = solve(dataclasses.replace(problem, travel_minutes=minutes))
    (reason,) = result.unplaced.values()
    assert reason.departments == ("D0", "D1")
    assert len(reason.competing) == 3
    assert {cap.key for cap in reason.caps} == {"O0", "O1"}
    assert reason.rules["S2"] == "travel_limit"


@pytest.mark.parametrize("level", ["site", "trust"])
def test_a_shortage_at_a_site_or_trust_names_that_cap(level):
    problem = one_site(places=5, learners=3, sites=2)
    if level == "trust":
        problem = first(problem, "trusts", places=(2,) * 4)
        cap = ("trust", "T")
    else:
        departments = (problem.departments[0], dataclasses.replace(problem.departments[1], site="S0"))
        problem = first(dataclasses.replace(problem, departments=departments), "sites", places=(2,) * 4)
        cap = ("site", "S0")
    result = solve(problem)
    (reason,) = result.unplaced.values()
    assert [(c.level, c.key, c.places) for c in reason.caps] == [(*cap, 2)]
    assert len(reason.competing) == 3


def test_higher_priority_is_placed_first_and_the_other_told_who_competes():
    problem = one_site(places=1, learners=2)
    late = dataclasses.replace(problem.requirements[0], priority=2)
    result = solve(dataclasses.replace(problem, requirements=(late, problem.requirements[1])))
    assert result.assignment == {"R1": "O0"}
    assert result.unplaced["R0"].competing == ("R0", "R1")


def test_outside_the_flow_a_shortage_says_that_it_is_not_a_proof():
    problem = one_site(places=3, learners=3, wte=1.0)
    heavy = dataclasses.replace(problem.requirements[0], weight=0.75)
    result = solve(dataclasses.replace(problem, requirements=(heavy, *problem.requirements[1:])))
    assert result.paths["integer"] == 1
    assert result.assignment.keys() == {"R1", "R2"}
    reason = result.unplaced["R0"]
    assert (reason.kind, reason.proven) == ("shortage", False)
    assert [(c.level, c.key, c.rule) for c in reason.caps] == [("department", "D0", "supervision")]
    assert reason.competing == ("R0", "R1", "R2")


def test_a_learner_with_two_requirements_at_once_gets_one_and_a_reason():
    problem = one_site(places=2, learners=1)
    twice = (*problem.requirements, Requirement("R9", "L0", "B2", ("xray",), (1, 2)))
    result = solve(dataclasses.replace(problem, requirements=twice))
    assert len(result.assignment) == 1
    (reason,) = result.unplaced.values()
    assert {cap.rule for cap in reason.caps} == {"one_place_a_week"}


def test_pins_hold_or_are_explained():
    problem = one_site(places=1, learners=2, sites=2)
    pins = (Lock("R0", "S1", "pin"), Lock("R1", "D1", "pin"))
    result = solve(dataclasses.replace(problem, locks=pins))
    assert result.status == "infeasible_locks"
    (key,) = result.unplaced
    assert result.unplaced[key].competing == ("R0", "R1")
    assert result.unplaced[key].rules == {"S0": "locks"}
    assert result.tiers[0].name == "unplaced_pinned"
    clash = (Lock("R0", "S1", "pin"), Lock("R0", "S1", "ban"))
    result = solve(dataclasses.replace(problem, locks=clash))
    assert result.status == "infeasible_locks"
    assert result.unplaced["R0"].rules == {"S0": "locks", "S1": "locks"}
    assert solve(dataclasses.replace(problem, locks=clash), Policy(locks=False)).status == "optimal"


def test_a_pinned_requirement_outranks_a_first_priority():
    problem = one_site(places=1, learners=2)
    late = dataclasses.replace(problem.requirements[1], priority=5)
    pinned = dataclasses.replace(
        problem, requirements=(problem.requirements[0], late), locks=(Lock("R1", "S0", "pin"),)
    )
    assert solve(pinned).assignment == {"R1": "O0"}


def most_placeable(problem, policy, keys) -> int:
    """The most of some requirements that could be placed were they alone, by a maximum flow of NetworkX
    (weights all 0.5, as in the flow problems of these tests)."""
    check = Recount(problem, policy, Result("optimal"))
    graph = nx.DiGraph()
    graph.add_nodes_from(["from", "to"])

    def cap(below, node, places, weeks):
        if places is None:
            graph.add_edge(below, node)
        else:
            graph.add_edge(below, node, capacity=min(places[w] for w in weeks))
        return node

    for key in keys:
        r = check.requirements[key]
        graph.add_edge("from", key, capacity=1)
        for offer in check.can_go(r):
            d = check.departments[offer.department]
            s, w = check.sites[d.site], r.weeks
            wte = None
            if d.wte is not None and policy.supervision is not None:
                wte = tuple(int(policy.supervision * x * 1000 + 1e-6) // 500 for x in d.wte)
            graph.add_edge(key, (offer.key, w), capacity=1)
            node = cap((offer.key, w), (offer.key, w, "o"), offer.maximum, w)
            node = cap(node, (d.key, w, "d"), d.places, w)
            node = cap(node, (d.key, w, "w"), wte, w)
            node = cap(node, (s.key, w, "s"), s.places, w)
            cap(node, (s.trust, w, "t"), None, w)
            cap((s.trust, w, "t"), "to", check.trusts[s.trust].places, w)
    return nx.maximum_flow_value(graph, "from", "to")


@given(problems(most_requirements=8))
@settings(max_examples=150, deadline=None)
def test_those_said_to_compete_cannot_all_be_placed_even_alone(problem):
    policy = Policy()
    result = solve(problem, policy)
    for key, reason in result.unplaced.items():
        if reason.kind == "shortage":
            assert key in reason.competing
            assert most_placeable(problem, policy, reason.competing) < len(reason.competing)


def test_those_said_to_compete_in_a_region_cannot_all_be_placed():
    problem = generate("demo", 5, blocks=1)
    result = solve(problem)
    distinct = {
        id(reason.competing): reason.competing for reason in result.unplaced.values() if reason.competing
    }
    assert distinct
    for competing in distinct.values():
        assert most_placeable(problem, Policy(), competing) < len(competing)


def test_a_trust_with_two_sites_and_a_department_cap_bind_together():
    problem = one_site(places=3, learners=4, sites=2)
    problem = first(problem, "trusts", places=(3,) * 4)
    problem = first(problem, "departments", places=(1,) * 4)
    result = solve(problem)
    assert len(result.assignment) == 3
    assert sorted(result.assignment.values()).count("O0") <= 1
