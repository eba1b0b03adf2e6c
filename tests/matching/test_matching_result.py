"""One answer for one problem, policy and seed, whatever the order; prices that a re-solve confirms;
stopping."""

import dataclasses
import itertools
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings

from matching import MaxSeconds, Offer, Policy, Problem, generate, solve, verify
from tests.matching.matching_problems import one_site, problems
from tests.matching.test_matching_verify import first


def shuffled(problem: Problem, seed: int) -> Problem:
    """The same problem with every part in another order."""
    rng = np.random.default_rng(seed)
    order = {name: rng.permutation(len(getattr(problem, name))) for name in Problem.PARTS}
    parts = {name: tuple(getattr(problem, name)[i] for i in order[name]) for name in Problem.PARTS}
    travel = problem.travel_minutes[np.ix_(order["learners"], order["sites"])]
    return dataclasses.replace(problem, **parts, travel_minutes=travel)


def said(result) -> dict:
    """All that a result says but how long it took."""
    return {k: v for k, v in vars(result).items() if k not in ("seconds", "stages")}


@pytest.mark.parametrize("size", ["tiny", "demo"])
def test_the_order_of_the_parts_changes_nothing(size):
    problem = generate(size, 4, blocks=1)
    result = solve(problem, Policy(seed=2))
    for seed in range(3):
        assert said(solve(shuffled(problem, seed), Policy(seed=2))) == said(result)


@given(problems(flow=False, most_requirements=4))
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_parts_changes_nothing_in_the_integer_search(problem):
    assert said(solve(shuffled(problem, 1))) == said(solve(problem))


def test_ties_are_drawn_evenly_by_the_seed_and_not_by_order():
    problem = one_site(places=1, learners=4)
    who = Counter(next(iter(solve(problem, Policy(seed=s)).assignment)) for s in range(200))
    assert set(who) == {"R0", "R1", "R2", "R3"}
    assert min(who.values()) > 25


def test_the_draw_never_costs_anything():
    problem = generate("demo", 6, blocks=1)
    assert len({solve(problem, Policy(seed=s)).tiers for s in range(3)}) == 1


def one_more(problem: Problem, offer: Offer, weeks: tuple[str, ...]) -> Offer:
    maximum = (x + (week in weeks) for x, week in zip(offer.maximum, problem.weeks, strict=True))
    return dataclasses.replace(offer, maximum=tuple(maximum))


@pytest.mark.parametrize("seed", [1, 4, 10])
def test_a_price_is_what_one_more_place_is_worth(seed):
    problem = generate("tiny", seed)
    result = solve(problem, Policy(supervision=None))
    assert result.duals
    for price in result.duals:
        assert price.level == "offer"
        more = [one_more(problem, o, price.weeks) if o.key == price.key else o for o in problem.offers]
        policy = Policy(supervision=None, above_preferred=0)
        before = solve(problem, policy)
        found = next((p for p in before.duals if (p.key, p.week) == (price.key, price.week)), None)
        after = solve(dataclasses.replace(problem, offers=tuple(more)), policy)
        if found is None:
            assert after.tiers == before.tiers
            continue
        assert len(before.unplaced) - len(after.unplaced) == found.placed
        placed = sum(t.value for t in before.tiers[:-1]) - sum(t.value for t in after.tiers[:-1])
        assert placed == found.placed
        assert (before.objective - after.objective) / 1000 == pytest.approx(found.points, abs=0.002)


def test_no_price_where_nothing_is_full():
    assert solve(one_site(places=5, learners=2)).duals == ()


def test_progress_tells_every_stage_and_ends_with_the_proof():
    told = []
    result = solve(generate("tiny", 1), progress=told.append)
    assert [stage.name for stage in result.stages] == ["eligibility", "parts", "match", "explain", "check"]
    assert told[-1].stage == "check"
    assert told[-1].incumbent == told[-1].bound == len(result.unplaced)
    assert all(a.seconds <= b.seconds for a, b in itertools.pairwise(told))


@pytest.mark.parametrize("after", [0, 1, 3, 10])
def test_a_stop_gives_the_best_checked_answer_so_far(after):
    asked = itertools.count()
    problem = generate("demo", 2, blocks=2)
    result = solve(problem, stop=lambda: next(asked) >= after)
    assert result.status == "cancelled"
    assert verify(problem, Policy(), result) == []
    best = solve(problem)
    for stopped, proven in zip(result.tiers, best.tiers, strict=True):
        assert stopped.bound <= proven.value
    assert len(result.assignment) > 0.8 * len(best.assignment)


def test_a_time_limit_of_nothing_still_gives_an_answer():
    problem = generate("tiny", 1)
    assert solve(problem, stop=MaxSeconds(0)).status == "cancelled"
    assert solve(problem, stop=MaxSeconds(60)).status == "optimal"
    assert MaxSeconds(60).remaining() > 50


def test_a_higher_priority_is_never_given_up_for_cost_or_for_more_of_a_lower():
    problem = generate("demo", 3, blocks=1)
    result = solve(problem, Policy(above_preferred=0, supervisor_load=()))
    free = solve(problem, Policy(travel=(), preference_step=0, preference_unranked=0, above_preferred=0))
    assert [t.value for t in result.tiers[:-1]] == [t.value for t in free.tiers[:-1]]


def test_supervisor_load_is_evened_out():
    problem = one_site(places=4, learners=4, sites=2, wte=4.0)
    level = solve(problem, Policy(supervisor_load=((0, 0), (25, 5))))
    assert sorted(Counter(level.assignment.values()).values()) == [2, 2]


def test_preferred_places_fill_before_those_above_and_travel_outweighs_by_price():
    problem = first(one_site(places=2, learners=2, sites=2), "offers", preferred=(1,) * 4)
    minutes = np.array([[20, 24], [20, 24]], np.uint16)
    problem = dataclasses.replace(problem, travel_minutes=minutes)
    spread = solve(problem, Policy(above_preferred=4))
    assert Counter(spread.assignment.values()) == {"O0": 1, "O1": 1}
    packed = solve(problem, Policy(above_preferred=1))
    assert Counter(packed.assignment.values()) == {"O0": 2}
    assert packed.costs["above_preferred"] == 2 * 1000


def test_preferences_and_travel_cost_what_the_policy_says():
    problem = first(one_site(learners=1, sites=2, minutes=45), "learners", preferences=("S1",))
    result = solve(problem)
    assert result.assignment == {"R0": "O1"}
    assert result.costs["travel"] == 1000 * (30 + 15 * 2)
    assert result.costs["preferences"] == 0
    banned = first(problem, "learners", excluded_sites=("S1",))
    assert solve(banned).costs["preferences"] == 40_000


def test_rules_can_be_set_aside_one_by_one():
    problem = one_site(places=1, learners=3)
    assert len(solve(problem, Policy(places=False)).assignment) == 3
    heavy = one_site(places=3, learners=3, wte=0.6)
    assert len(solve(heavy).assignment) == 1
    assert len(solve(heavy, Policy(supervision=None, supervisor_load=())).assignment) == 3


def test_an_integer_part_cut_short_says_how_far_it_may_be_from_the_best():
    problem = generate("demo", 1, blocks=1)
    mixed = tuple(
        dataclasses.replace(r, weight=(0.3, 0.5, 0.7)[i % 3]) for i, r in enumerate(problem.requirements)
    )
    problem = dataclasses.replace(problem, requirements=mixed)
    result = solve(problem, seconds=3.0)
    assert result.paths["integer"] > 0
    assert result.status in ("gap", "optimal")
    assert verify(problem, Policy(), result) == []
    assert all(0 <= tier.bound <= tier.value for tier in result.tiers)
    assert (result.status == "gap") == any(tier.gap for tier in result.tiers)


def test_a_midlands_block_is_solved_to_proof():
    problem = generate("midlands", 2)
    result = solve(problem)
    assert result.status == "optimal"
    assert verify(problem, Policy(), result) == []
    assert json.loads(result.to_json())["status"] == "optimal"
