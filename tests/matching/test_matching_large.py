"""The answer of a large part: its turns obey every row, and the whole of it is checked, bounded, repeated and
stopped."""

import dataclasses
from functools import cache
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings

from matching import Policy, solve, verify
from matching.generate_year import generate_year
from matching.guide import Guide
from matching.stop import Never
from matching.turns import Turns
from tests.matching.large_parts import EVERYTHING, SECONDS, least, no_more, obeyed, set_up, setups, year
from tests.matching.matching_problems import one_site

SEEDS = (1, 2)

# -- turns ------------------------------------------------------------


def took_turns(made):
    whole = made.whole
    turns = made.turns(made.windows())
    taken = turns.first(made.large.members, lambda: SECONDS)
    assert obeyed(whole, taken)
    again_and_again(made, turns, taken)


def again_and_again(made, turns, taken):
    whole = made.whole
    before = least(whole, made.cost, taken)
    learners = np.unique(made.chosen.learner)
    for lacking in (np.zeros(0, np.int64), learners):
        for mine in made.large.members:
            kept = taken.copy()
            kept[mine] = False
            taken = turns.again(mine, lacking, taken, SECONDS)
            others = taken.copy()
            others[mine] = False
            assert obeyed(whole, taken)
            after = least(whole, made.cost, taken)
            # Only those of a lower priority may be moved on, and only for learners who lack a place.
            stays = made.priority <= made.priority[mine[0]] if len(lacking) else np.ones(whole.n, np.bool_)
            assert (others == kept)[stays].all()
            if not len(lacking):
                assert no_more(after, before)
            before = after
    return taken


@pytest.mark.parametrize("seed", SEEDS)
def test_turns_of_a_year_obey_every_row(seed):
    took_turns(year(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_turns_again_of_a_year_only_get_better(seed):
    made = year(seed)
    turns = made.turns(made.windows())
    again_and_again(made, turns, made.found.taken)
    placed = again_and_again(made, turns, np.zeros(made.whole.n, np.bool_))
    assert placed.any()


@given(setups())
@settings(max_examples=20, deadline=None)
def test_turns_obey_every_row(made):
    took_turns(made)


@given(setups())
@settings(max_examples=20, deadline=None)
def test_turns_again_only_get_better(made):
    again_and_again(made, made.turns(made.windows()), made.found.taken)


def test_room_is_made_once_for_those_who_come_first():
    small = one_site(places=2, learners=6)
    urgency, stage = (1, 1, 1, 1, 2, 2), "112233"
    problem = dataclasses.replace(
        small,
        learners=tuple(dataclasses.replace(x, stage=s) for x, s in zip(small.learners, stage, strict=True)),
        requirements=tuple(
            dataclasses.replace(r, priority=p) for r, p in zip(small.requirements, urgency, strict=True)
        ),
    )
    made = set_up(problem, Policy())
    # The relaxation gives both places to the last two: whoever comes first takes them, all of them.
    waiting = (made.priority == 2).astype(np.float64)
    guide = Guide(made.whole, waiting, np.zeros(made.whole.n), -np.inf, np.zeros(len(made.large.earlier)))
    turns = Turns(guide, made.chosen, made.priority, made.cost, Never())
    taken = turns.first(made.large.members, lambda: SECONDS)
    assert len(made.large.members) == 3
    assert obeyed(made.whole, taken)
    assert taken[made.priority == 1].sum() == 2


# -- the whole of it ------------------------------------------------------------


def as_large(problem, policy, **rest):
    with mock.patch("matching.integer.LARGE", 0):
        return solve(problem, policy, **rest)


@cache
def best_of(seed, everything=False):
    out = solve(generate_year("tiny", seed), EVERYTHING if everything else Policy())
    assert out.status == "optimal"
    return out


def bounds_hold(result, best):
    for tier, right in zip(result.tiers, best.tiers, strict=True):
        assert tier.bound <= right.value
        # A later tier's bound is of answers as good as this one in those before it.
        if tier.value != right.value:
            break


@pytest.mark.parametrize(("seed", "everything"), [(1, False), (2, False), (3, False), (1, True)])
def test_a_year_solved_as_large_is_within_the_rules_and_its_bounds_hold(seed, everything):
    problem, policy = generate_year("tiny", seed), EVERYTHING if everything else Policy()
    result, best = as_large(problem, policy), best_of(seed, everything)
    assert verify(problem, policy, result) == []
    assert [t.value for t in result.tiers] >= [t.value for t in best.tiers]
    bounds_hold(result, best)
    twice = as_large(problem, policy)
    assert (twice.assignment, twice.blocks, twice.tiers) == (result.assignment, result.blocks, result.tiers)


@pytest.mark.parametrize("asked", [1, 2, 3, 5, 8, 20, 60, 150, 400])
def test_a_year_solved_as_large_may_stop_at_any_time(asked):
    problem, left = generate_year("tiny", 2), [asked]

    def stop():
        left[0] -= 1
        return left[0] < 0

    result = as_large(problem, Policy(), stop=stop)
    assert verify(problem, Policy(), result) == []
    assert result.status in ("cancelled", "gap", "optimal")
    if left[0] < 0:
        assert result.status in ("cancelled", "optimal")
    bounds_hold(result, best_of(2))
