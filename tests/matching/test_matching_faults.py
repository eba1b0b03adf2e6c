"""Faults once found in the engine, each held by the case that showed it."""

import dataclasses
import functools
import json
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest

from matching import (
    Agreement,
    Department,
    Educator,
    Learner,
    Offer,
    Policy,
    Problem,
    Requirement,
    Result,
    Site,
    Trust,
    solve,
    verify,
)
from matching.generate_year import generate_year
from tests.matching.matching_oracle import best_by_trying
from tests.matching.matching_problems import WEEKS, one_site


def test_standard_output_is_the_result_alone_where_a_part_is_an_integer_program(tmp_path):
    problem = tmp_path / "problem.json"
    problem.write_text(generate_year("tiny", seed=3).to_json())
    run = [sys.executable, "-m", "matching", "solve", str(problem), "-q"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["paths"]["integer"]
    assert Result.from_json(done.stdout).to_json() == done.stdout.strip()
    assert done.stderr == ""


def two_offers_at_a_site_with_shared_educators() -> Problem:
    """One learner, and two offers of a department that two educators alone supervise: the first offer is
    beyond what it prefers, the second is not."""
    week = {"preferred": (0,), "maximum": (2,)}
    educators = (("E0", 0.5), ("E1", 0.3))
    return Problem(
        weeks=WEEKS[:1],
        trusts=(Trust("T"),),
        sites=(Site("S", "T"),),
        departments=tuple(Department(f"D{i}", "S", kind) for i, kind in enumerate(("ct", "xray", "xray"))),
        offers=(Offer("O0", "D0", **week), Offer("O1", "D0", preferred=(1,), maximum=(2,))),
        learners=(Learner("L", "a", "2", "H"),),
        requirements=(Requirement("R", "L", "B", ("ct",), (0,), 0.25),),
        educators=tuple(Educator(key, ("D1", "D2", "D0"), (wte,)) for key, wte in educators),
        travel_minutes=np.array([[46]], np.uint16),
    )


@pytest.mark.parametrize("as_it_stands", [2_500, 0])
def test_the_best_is_found_where_presolve_hands_back_a_dearer_answer(as_it_stands):
    problem = two_offers_at_a_site_with_shared_educators()
    with mock.patch("matching.program.AS_IT_STANDS", as_it_stands):
        result = solve(problem)
    assert result.assignment == {"R": "O1"}
    assert result.status == "optimal"
    assert {tier.name: tier.value for tier in result.tiers} == best_by_trying(problem, Policy())


def test_a_first_answer_goes_by_the_journeys_where_agreements_have_a_least():
    problem = dataclasses.replace(
        one_site(1, 1, sites=2),
        agreements=(Agreement("A", "H", "T", least=1),),
        travel_minutes=np.array([[60, 5]], np.uint16),
    )
    result = solve(problem, stop=lambda: True)
    assert result.status == "cancelled"
    assert result.assignment == {"R0": "O1"}


class After:
    """A stop that says so from the k-th time it is asked; or at that time alone."""

    def __init__(self, k, once=False):
        self.k, self.once, self.asked = k, once, 0

    def __call__(self):
        self.asked += 1
        return self.asked == self.k if self.once else self.asked >= self.k


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 8, 11, 15, 20, 30, 50, 80, 10**9])
def test_a_stop_at_any_time_gives_the_best_answer_so_far_with_its_gaps(k, once):
    problem, policy = generate_year("tiny", seed=3), Policy(tiers=({"worst_travel": 1}, {"travel": 1}))
    best, stop = whole_answer(), After(k, once)
    result = solve(problem, policy, stop=stop)
    assert verify(problem, policy, result) == []
    assert result.status == ("cancelled" if any(tier.gap for tier in result.tiers) else "optimal")
    assert stop.asked >= k or result.status == "optimal"
    assert [tier.value for tier in result.tiers] >= [tier.value for tier in best.tiers]
    for reached, proven in zip(result.tiers, best.tiers, strict=True):
        assert reached.bound <= proven.value
        if reached.value != proven.value:
            break


@functools.cache
def whole_answer():
    """What the year of these tests comes to when nothing stops it."""
    policy = Policy(tiers=({"worst_travel": 1}, {"travel": 1}))
    result = solve(generate_year("tiny", seed=3), policy)
    assert result.status == "optimal"
    return result


def test_a_time_limit_is_a_gap_and_no_cancelling():
    result = solve(generate_year("demo", seed=1), seconds=0.5)
    assert result.status == "gap"


def test_progress_counts_the_requirements_left_over_of_the_whole_round():
    problem, told = generate_year("tiny", seed=3), []
    policy = Policy(tiers=({"travel": 1}, {"continuity": 1}))
    result = solve(problem, policy, progress=told.append)
    assert {"unplaced_priority_1", "travel", "continuity"} <= {p.stage.split(":")[0] for p in told}
    known = [p for p in told if p.incumbent is not None]
    assert all(0 <= p.bound <= p.incumbent <= len(problem.requirements) for p in known if p.bound is not None)
    incumbents = [p.incumbent for p in known]
    assert incumbents == sorted(incumbents, reverse=True)
    bounds = [p.bound for p in known if p.bound is not None]
    assert bounds == sorted(bounds)
    assert incumbents[-1] == bounds[-1] == len(result.unplaced)
    assert [p.seconds for p in told] == sorted(p.seconds for p in told)


def two_equal_places():
    """Two learners alike and two sites alike with a place each, under an agreement: no pure flow."""
    agreed = (Agreement("A", "H", "T", least=1),)
    return dataclasses.replace(one_site(1, 2, sites=2), agreements=agreed)


def test_equal_answers_of_an_integer_part_are_drawn_by_the_seed():
    swapped = 0
    for seed in range(60):
        result = solve(two_equal_places(), Policy(seed=seed))
        assert (result.status, result.paths["integer"]) == ("optimal", 1)
        assert sorted(result.assignment.values()) == ["O0", "O1"]
        swapped += result.assignment["R0"] == "O1"
    assert 15 <= swapped <= 45


@pytest.mark.parametrize("seed", range(4))
def test_the_draw_is_the_same_in_whatever_order_things_come(seed):
    problem, policy = two_equal_places(), Policy(seed=seed)
    turned = {name: getattr(problem, name)[::-1] for name in Problem.PARTS}
    other = dataclasses.replace(problem, **turned)
    assert solve(other, policy).assignment == solve(problem, policy).assignment
    year = generate_year("tiny", seed=4)
    turned = {name: getattr(year, name)[::-1] for name in Problem.PARTS}
    other = dataclasses.replace(year, **turned, travel_minutes=year.travel_minutes[::-1, ::-1])
    one, two = solve(year, policy), solve(other, policy)
    assert (two.assignment, two.blocks) == (one.assignment, one.blocks)


def test_the_draw_costs_no_tier_anything_and_stands_aside_in_a_larger_part():
    problem = generate_year("tiny", seed=4)
    drawn = [solve(problem, Policy(seed=seed, tiers=({"variety": 1},))) for seed in range(3)]
    with mock.patch("matching.integer.DRAWN", 0):
        plain = [solve(problem, Policy(seed=seed, tiers=({"variety": 1},))) for seed in range(3)]
    assert len({tuple((t.value, t.bound) for t in r.tiers) for r in drawn + plain}) == 1
    assert len({tuple(r.assignment.items()) for r in plain}) == 1
    assert len({tuple(r.assignment.items()) for r in drawn}) == 3
