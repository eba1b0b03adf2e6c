"""What one more place or 0.1 WTE is worth is what two whole solves differ by, tier by tier."""

import dataclasses
import time
from unittest import mock

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from matching import Agreement, Department, Policy, ProblemError, Site, generate, solve, verify
from matching.generate_year import generate_year
from matching.standing import Standing
from matching.stop import Never
from matching.worth import RaisedLimit, prices, raised
from matching.worth_asking import every_limit, worth_asking
from tests.matching.matching_problems import mixed_policies, mixed_problems, one_site, problems


def difference(problem, policy, result, limit: RaisedLimit) -> list[tuple[str, int]]:
    """What raising a limit saves, from a solve of its own: up to the tiers, as the draw between equal answers
    comes after them and takes half of a solve."""
    with mock.patch("matching.integer.DRAWN", 0):
        again = solve(raised(problem, policy, limit), policy)
    return [(a.name, a.value - b.value) for a, b in zip(result.tiers, again.tiers, strict=True)]


def every_value(problem, policy):
    result = solve(problem, policy)
    standing = Standing(problem, policy, result)
    asked = worth_asking(standing, Never(), time.monotonic() + 60)
    for value in prices(problem, policy, result, candidates=every_limit(standing)):
        event(f"{value.limit.level} {value.limit.what} worth {not value.worthless}")
        assert value.proven
        assert list(value.gain) == difference(problem, policy, result, value.limit)
        assert value.worthless or value.limit in asked
        first = next((gain for _, gain in value.gain if gain), 0)
        assert first >= 0  # more room never hurts the first tier that it touches


@given(mixed_problems(most_requirements=4), mixed_policies())
@settings(max_examples=50, deadline=None, derandomize=True)
def test_every_value_is_the_difference_of_two_solves(problem, policy):
    every_value(problem, policy)


@given(
    problems(), st.builds(Policy, above_preferred=st.integers(0, 9), supervision=st.sampled_from([None, 1.0]))
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_so_it_is_in_a_flow(problem, policy):
    every_value(problem, policy)


def test_in_a_year_the_values_of_the_most_wanted_limits_are_those_of_whole_solves():
    problem, policy = generate_year("tiny", seed=2), Policy()
    result = solve(problem, policy)
    assert result.status == "optimal"
    found = []
    # Time enough on any machine: what is looked at is the value, not how soon it comes.
    for value in prices(problem, policy, result, seconds=900.0):
        assert value.proven
        assert list(value.gain) == difference(problem, policy, result, value.limit)
        found.append(value)
        if len(found) == 8:
            break
    assert {value.limit.what for value in found} == {"place", "wte"}
    assert any(not value.worthless for value in found)


def test_in_a_flow_it_agrees_with_the_duals():
    problem, policy = generate("tiny", seed=2, blocks=1), Policy()
    result = solve(problem, policy)
    offers = [price for price in result.duals if price.level == "offer" and price.rule == "places"]
    places = {price.key: price for price in offers if price.placed}
    assert places
    for key, price in list(places.items())[:4]:
        weeks = tuple(problem.weeks.index(monday) for monday in price.weeks)
        (value,) = prices(problem, policy, result, candidates=[RaisedLimit("offer", key, weeks, "place")])
        assert sum(gain for name, gain in value.gain if name.startswith("unplaced")) == price.placed


def test_a_large_part_is_solved_round_the_limit_and_says_that_it_is_not_proven():
    problem, policy = generate_year("tiny", seed=1), Policy()
    result = solve(problem, policy)
    known = {value.limit: value for value in _first(prices(problem, policy, result), 4)}
    worth = 0
    with mock.patch("matching.worth.WHOLE", -1):
        for value in prices(problem, policy, result, candidates=known):
            assert not value.proven
            # The answer in hand is the best there is, so no more can be gained round it than in all.
            assert [gain for _, gain in value.gain] <= [gain for _, gain in known[value.limit].gain]
            worth += not value.worthless
    assert worth


def _first(values, number):
    return [value for value, _ in zip(values, range(number), strict=False)]


def test_one_more_place_places_one_more():
    problem = one_site(places=1, learners=2)
    result = solve(problem)
    values = {v.limit: dict(v.gain) for v in prices(problem, Policy(), result)}
    assert values == {
        RaisedLimit("offer", "O0", (0, 1), "place"): {"unplaced_priority_1": 1, "cost": -28_000},
    }


def test_of_two_limits_in_a_row_neither_alone_is_worth_anything():
    problem = one_site(places=1, learners=2)
    problem = dataclasses.replace(problem, sites=(Site("S0", "T", (1,) * 4),))
    result = solve(problem)
    values = list(prices(problem, Policy(), result))
    assert {v.limit.level for v in values} == {"offer", "site"}
    assert all(v.worthless for v in values)


def test_a_tenth_of_a_wte_may_place_one_more():
    problem = one_site(places=2, learners=2, wte=0.9)
    result = solve(problem)
    assert len(result.unplaced) == 1
    values = {v.limit.what: dict(v.gain) for v in prices(problem, Policy(), result)}
    assert values["wte"]["unplaced_priority_1"] == 1


def test_where_nobody_fits_that_is_proven():
    problem = one_site(places=1, learners=1)
    never = dataclasses.replace(problem.learners[0], attended=("S0",), site_repeats=1)
    agreed = (Agreement("A", "H", "T", least=1),)
    problem = dataclasses.replace(problem, learners=(never,), agreements=agreed)
    result = solve(problem)
    assert [tier.value for tier in result.tiers] == [1, 1, 0]
    (value,) = prices(problem, Policy(), result, candidates=[RaisedLimit("offer", "O0", (0, 1), "place")])
    assert value.worthless
    assert value.proven


def test_a_limit_that_is_not_there_is_refused():
    problem = one_site()
    problem = dataclasses.replace(problem, departments=(Department("D0", "S0", "xray"),))
    result = solve(problem)
    for limit in (
        RaisedLimit("department", "D0", (0,), "wte"),
        RaisedLimit("site", "S0", (0,), "place"),
        RaisedLimit("offer", "nowhere", (0,), "place"),
        RaisedLimit("learner", "L0", (0,), "place"),
        RaisedLimit("offer", "O0", (0,), "wte"),
    ):
        with pytest.raises(ProblemError, match="limit"):
            list(prices(problem, Policy(), result, candidates=[limit]))


def test_a_stop_ends_the_values():
    problem = one_site(places=1)
    result = solve(problem)
    assert list(prices(problem, Policy(), result, stop=lambda: True)) == []
    assert verify(problem, Policy(), result) == []
