"""With every rule mixed, the answer is the best of all that may be, and the checker agrees."""

from hypothesis import given, settings

from matching import solve, verify
from tests.matching.matching_oracle import best_by_trying
from tests.matching.matching_problems import mixed_policies, mixed_problems


@given(mixed_problems(), mixed_policies())
@settings(max_examples=400, deadline=None)
def test_the_answer_is_the_best_of_all_that_may_be(problem, policy):
    result = solve(problem, policy)
    assert verify(problem, policy, result) == []
    assert {tier.name: tier.value for tier in result.tiers} == best_by_trying(problem, policy)
    assert all(tier.gap == 0 for tier in result.tiers)
