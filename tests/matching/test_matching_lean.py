"""Rows that a model has beyond what it must, and those that it does without: neither costs an answer
anything."""

import dataclasses
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import Companions, Educator, Learner, Policy
from matching.alike import Apart
from matching.model import Builder
from matching.program import Program
from matching.rules.different_sites import may_repeat
from matching.tiers import tier_costs
from tests.matching.large_parts import (
    as_program,
    exact,
    near,
    no_more,
    relaxed,
    set_up,
    setups,
    year,
)
from tests.matching.matching_problems import one_site

SEEDS = (1, 2, 3)

# -- what follows for whole learners ------------------------------------------------------------


def loses_nothing(made, seed):
    """The rows implied cost no whole answer anything, and those left out were of no use to a relaxation
    either; how many each."""
    model, rng = made.found.model, np.random.default_rng(seed)
    for cost in (made.cost, np.concatenate([-rng.random(made.whole.n), np.zeros(len(model.extras))])):
        every = as_program(made.whole, cost)
        without = dataclasses.replace(every, rows=model.rows, most=model.most)
        assert near(exact(every)[1], exact(without)[1])
        assert no_more(relaxed(without)[0], relaxed(every)[0])
    return len(model.implied), len(model.most) + len(model.implied) - len(made.whole.most)


def test_what_follows_for_whole_learners_loses_no_answer_of_a_year():
    implied, left_out = np.sum([loses_nothing(year(seed), seed) for seed in SEEDS], axis=0)
    assert implied > 5
    assert left_out > 5


@given(setups(), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_what_follows_for_whole_learners_loses_no_answer(made, seed):
    loses_nothing(made, seed)


@pytest.mark.parametrize(("own", "shared"), [(1.5, 0.0), (1.0, 0.5)])
def test_a_relaxation_places_no_more_heavy_learners_than_there_is_room_for(own, shared):
    """1.5 WTE, 0.5 of it an educator's, beside learners of weight 1 and 0.5: one of weight 1."""
    small = one_site(places=9, learners=4, wte=own)
    problem = dataclasses.replace(
        small,
        requirements=tuple(
            dataclasses.replace(r, weight=weight)
            for r, weight in zip(small.requirements, (1.0, 1.0, 0.5, 0.5), strict=True)
        ),
        educators=(Educator("E", ("D0",), (shared,) * 4),) if shared else (),
    )
    made = set_up(problem, Policy())
    cost = np.zeros(len(made.whole.upper))
    cost[: made.whole.n] = np.where(made.chosen.weight == 1000, -2.0, -0.5)
    assert near(relaxed(as_program(made.whole, cost))[0], -2.5)


def test_a_relaxation_keeps_two_together_who_would_be_everywhere_a_little():
    """One can go to the site that the other likes only by being nowhere else; shares of each at four others
    would let them be apart."""
    small = one_site(places=9, learners=2, sites=5)
    minutes = np.array([[10, 60, 60, 60, 60], [10, 20, 20, 20, 20]], np.uint16)
    away = dataclasses.replace(small.learners[1], excluded_sites=("S0",))
    problem = dataclasses.replace(
        small,
        learners=(small.learners[0], away),
        travel_minutes=minutes,
        companions=(Companions("C", "together", ("L0", "L1")),),
    )
    made = set_up(problem, Policy())
    cost = np.zeros(len(made.whole.upper))
    cost[: made.whole.n] = made.chosen.minutes - 500.0
    assert near(exact(as_program(made.whole, cost))[1], 60 + 20 - 2 * 500)
    assert near(relaxed(as_program(made.whole, cost))[0], 60 + 20 - 2 * 500)


# -- weeks that are alike ------------------------------------------------------------


def weeks_apart(made):
    """The model with a row for every week of what pools tie together."""

    class Weekly(Builder):
        def weeks_alike(self, teams, counted):
            return Apart(teams, counted)

    return Weekly(made.tables, made.found.policy, made.chosen).build()


def alike(made):
    """Weeks that are alike cost no answer anything, in parts or whole, and are fewer rows."""
    apart = weeks_apart(made)
    pinned = np.zeros(len(made.tables.problem.requirements), np.int64)
    for tier, other in zip(
        made.found.tiers, tier_costs(made.tables, made.found.policy, apart, pinned), strict=True
    ):
        whole = np.arange(apart.width) < len(apart.choices)
        weekly = Program(other.cost.astype(np.float64), apart.rows, apart.most, apart.upper, whole)
        model = made.found.model
        whole = np.arange(model.width) < len(model.choices)
        merged = Program(tier.cost.astype(np.float64), model.rows, model.most, model.upper, whole)
        assert near(relaxed(merged)[0], relaxed(weekly)[0])
        assert near(exact(merged)[1], exact(weekly)[1])
    return len(apart.most) - len(made.found.model.most)


@given(setups())
@settings(max_examples=30, deadline=None)
def test_weeks_that_are_alike_are_one(made):
    assert alike(made) >= 0


def test_weeks_of_a_year_that_are_alike_are_one():
    assert sum(alike(year(seed)) for seed in SEEDS) > 5


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=4),
    st.integers(0, 5),
    st.none() | st.integers(1, 3),
)
def test_no_more_placings_can_repeat_a_site_than_is_said(sites, placings, repeats):
    """`sites` are how many ask for each, and how often the learner was there before."""
    been = tuple(f"S{i}" for i, (_, times) in enumerate(sites) for _ in range(times))
    learner = Learner("L", "radiography", "1", "H", attended=been, site_repeats=repeats)
    asking = {f"S{i}": most for i, (most, _) in enumerate(sites)}
    said = may_repeat(learner, asking, placings, site_repeats=True)
    worst = 0
    for taken in product(*(range(most + 1) for most, _ in sites)):
        each = [(n, times) for n, (_, times) in zip(taken, sites, strict=True)]
        allowed = repeats is None or all(n == 0 or n + times <= repeats for n, times in each)
        if sum(taken) <= placings and allowed:
            worst = max(worst, sum(max(0, n - (times == 0)) for n, times in each))
    assert worst <= said + 1e-9
    assert said <= worst + 1 - 1e-9 or said == worst
