"""What the benchmarks give the peers is the same match: their best answer is ours, and the best of all."""

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings

from benchmarks import highs_whole
from benchmarks.answers import Answer, checked, standing_options, with_one_at
from benchmarks.repair import KINDS, NOW, event_of, published
from benchmarks.repairing import repair_statement
from benchmarks.statement import Statement, state
from benchmarks.year import Year
from matching import Policy, solve
from matching.events import apply
from matching.generate_year import generate_year
from matching.next_best import alternatives
from matching.repair import repair
from tests.matching.matching_oracle import best_by_trying
from tests.matching.matching_problems import mixed_policies, mixed_problems, one_site

SEVERAL = Policy(
    tiers=(
        {"worst_travel": 1},
        {"travel": 2, "supervisor_load": 1, "preferences": 1},
        {"hei_fairness": 1},
        {"variety": 1, "above_preferred": 1},
    )
)


@pytest.fixture(scope="module")
def cpsat() -> ModuleType:
    pytest.importorskip(
        "ortools.sat.python.cp_model",
        reason="OR-Tools is not installed: make bench installs it, make test does not",
    )
    from benchmarks import cpsat

    return cpsat


def reached(statement: Statement, answer: Answer) -> dict[str, int]:
    """The tiers of a proven answer: as the peer states them, and the same as the checker counts them."""
    assert answer.bounds == answer.claimed
    found = checked(statement, answer.chosen)
    assert found.wrong == []
    assert found.values == answer.claimed
    return found.values


@pytest.mark.parametrize("weight", [1, 3])
def test_a_worst_that_is_no_whole_number_is_rounded_up(weight):
    """Two of an HEI's three requirements are placed, 5 minutes away: 10,000 / 3 thousandths each."""
    policy = Policy(tiers=({"hei_fairness": weight},))
    statement = state(one_site(2, 3, minutes=5), policy)
    assert reached(statement, highs_whole.solve_by_tiers(statement, 60.0))["hei_fairness"] == weight * 3334


@given(mixed_problems(), mixed_policies())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_the_statement_of_a_match_has_the_best_answer_of_all_that_may_be(problem, policy):
    statement = state(problem, policy)
    answer = highs_whole.solve_by_tiers(statement, 60.0)
    assert reached(statement, answer) == best_by_trying(problem, policy)


@given(mixed_problems(), mixed_policies())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_cp_sat_proves_the_best_answer_of_all_that_may_be(cpsat, problem, policy):
    statement = state(problem, policy)
    answer = cpsat.solve_by_tiers(statement, 60.0, cores=1)
    assert reached(statement, answer) == best_by_trying(problem, policy)


@pytest.mark.parametrize("policy", [Policy(), SEVERAL])
def test_a_whole_year_has_the_same_optimum_in_both_statements(policy):
    problem = generate_year("tiny", seed=3)
    ours = solve(problem, policy)
    assert ours.status == "optimal"
    statement = state(problem, policy)
    answer = highs_whole.solve_by_tiers(statement, 60.0)
    assert reached(statement, answer) == {tier.name: tier.value for tier in ours.tiers}


def test_cp_sat_and_the_engine_agree_on_a_whole_year(cpsat):
    problem = generate_year("tiny", seed=3)
    ours = solve(problem, Policy())
    assert ours.status == "optimal"
    statement = state(problem, Policy())
    answer = cpsat.solve_by_tiers(statement, 60.0, cores=1)
    assert reached(statement, answer) == {tier.name: tier.value for tier in ours.tiers}


def test_placing_alone_and_the_weighted_cost_are_answers_to_the_same_match():
    problem, policy = generate_year("tiny", seed=3), Policy()
    statement = state(problem, policy)
    best = {tier.name: tier.value for tier in solve(problem, policy).tiers}
    placing = highs_whole.solve_placing(statement, 60.0, cores=1)
    found = checked(statement, placing.chosen)
    assert found.wrong == []
    assert placing.bounds == {"unplaced_priority_1": best["unplaced_priority_1"]}
    assert found.values["unplaced_priority_1"] == best["unplaced_priority_1"]
    found = checked(statement, highs_whole.solve_weighted(statement, 60.0, cores=1).chosen)
    assert found.wrong == []
    assert list(found.values.values()) == list(best.values()), "weights keep the order on so small a year"


def test_an_answer_that_breaks_a_rule_is_refused():
    """One more, where as many as can be are placed."""
    statement = state(one_site(2, 3), Policy())
    answer = highs_whole.solve_placing(statement, 60.0, cores=1)
    taken = set(statement.options.requirement[answer.chosen].tolist())
    more = next(k for k, r in enumerate(statement.options.requirement.tolist()) if r not in taken)
    found = checked(statement, np.append(answer.chosen, more))
    assert found.wrong
    assert checked(statement, None).wrong == ["no answer"]


@pytest.fixture(scope="module")
def matched():
    return solve(generate_year("tiny", seed=1), Policy())


@pytest.mark.parametrize("kind", KINDS)
def test_a_repair_stated_whole_has_the_same_fewest_moves(matched, kind):
    before = published(Year("tiny", 1), matched.to_json())
    event = event_of(kind, before, 1)
    ours = repair(before, Policy(), None, [event], now_week=NOW)
    assert ours.proven
    statement, start = repair_statement(before, apply(before, [event]), Policy(), NOW)
    answer = highs_whole.solve_by_tiers(statement, 60.0)
    assert answer.bounds == answer.claimed
    assert answer.claimed == {tier.name: tier.value for tier in ours.tiers if tier.name in answer.claimed}
    assert list(answer.claimed) == [tier.name for tier in ours.tiers][: len(answer.claimed)]
    assert checked(statement, answer.chosen).wrong == []
    assert checked(statement, start).wrong == [], "what is left of the publication is within the rules"


def test_a_what_if_stated_whole_has_the_same_effect(matched):
    problem, policy = generate_year("tiny", seed=1), Policy()
    statement = state(problem, policy)
    taken = standing_options(statement, matched.assignment, matched.blocks)
    assert checked(statement, taken).values == {tier.name: tier.value for tier in matched.tiers}
    for key in sorted(matched.assignment)[:40:20]:
        for found in alternatives(problem, policy, matched, key, most=1):
            assert found.proven
            answer = highs_whole.solve_by_tiers(with_one_at(statement, key, found.offer, found.block), 60.0)
            assert reached(statement, answer) == {tier.name: tier.after for tier in found.tiers}
