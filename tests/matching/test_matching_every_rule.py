"""With every rule mixed, the answer is the best of all that may be, and the checker agrees."""

from unittest import mock

from hypothesis import given, settings

from matching import Policy, solve, verify
from matching.generate_year import generate_year
from tests.matching.matching_oracle import best_by_trying
from tests.matching.matching_problems import mixed_policies, mixed_problems


@given(mixed_problems(), mixed_policies())
@settings(max_examples=400, deadline=None)
def test_the_answer_is_the_best_of_all_that_may_be(problem, policy):
    result = solve(problem, policy)
    assert verify(problem, policy, result) == []
    assert {tier.name: tier.value for tier in result.tiers} == best_by_trying(problem, policy)
    assert all(tier.gap == 0 for tier in result.tiers)


@given(mixed_problems(), mixed_policies())
@settings(max_examples=100, deadline=None)
def test_searched_as_a_larger_part_it_is_as_good(problem, policy):
    with mock.patch("matching.program.AS_IT_STANDS", 0):
        result = solve(problem, policy)
    assert result.status in ("optimal", "infeasible_locks")
    assert {tier.name: tier.value for tier in result.tiers} == best_by_trying(problem, policy)


@given(mixed_problems(), mixed_policies())
@settings(max_examples=60, deadline=None)
def test_relaxed_as_a_large_part_it_is_within_the_rules_and_the_bound_holds(problem, policy):
    with mock.patch("matching.integer.LARGE", 0):
        result = solve(problem, policy)
    assert verify(problem, policy, result) == []
    best = list(best_by_trying(problem, policy).values())
    assert [tier.value for tier in result.tiers] >= best
    for tier, value in zip(result.tiers, best, strict=True):
        assert tier.bound <= value
        if tier.value != value:  # a later tier's bound holds for answers as good as this one before it
            break


def test_a_year_with_every_rule_is_matched_within_them():
    problem = generate_year("tiny", seed=3)
    kinds = (problem.educators, problem.agreements, problem.companions, problem.locks)
    assert all(kinds)
    assert any(e.supervises for e in problem.educators)
    assert any(e.most is not None for e in problem.educators)
    policy = Policy(tiers=({"worst_travel": 1}, {"travel": 1, "supervisor_load": 1}, {"variety": 1}))
    result = solve(problem, policy)
    assert verify(problem, policy, result) == []
    assert result.assignment
    assert result.status == "optimal"


def test_a_solve_that_is_stopped_at_once_gives_an_answer_within_the_rules():
    problem = generate_year("tiny", seed=3)
    result = solve(problem, Policy(), stop=lambda: True)
    assert verify(problem, Policy(), result) == []
    assert result.status == "cancelled"
    assert result.assignment


def test_a_year_is_the_same_for_the_same_seed():
    assert generate_year("tiny", 5).to_json() == generate_year("tiny", 5).to_json()
    assert generate_year("tiny", 5).to_json() != generate_year("tiny", 6).to_json()
