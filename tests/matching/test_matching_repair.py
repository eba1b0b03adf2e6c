"""A repair is the best of all that may be, tier by tier; those on site stay; the checker agrees."""

import dataclasses
from unittest import mock

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from matching import PolicyError
from matching.repair import repair
from tests.matching.matching_problems import mixed_policies, mixed_problems
from tests.matching.repair_oracle import RepairByTrying, blows, crowded_problems, happenings, standing_of

FEW = mock.patch.multiple("matching.local", JOIN=2, EACH=1)


def _settled(draw, policy, problem, what=happenings):
    """A problem with what stands, events, the week it is and who may move although on site."""
    problem = dataclasses.replace(problem, published=standing_of(draw, problem, policy))
    events = draw(what(problem))
    now = draw(st.sampled_from([0, 0, 0, 1, 2, 4]))
    keys = [r.key for r in problem.requirements]
    may = frozenset(draw(st.lists(st.sampled_from(keys), max_size=2))) if keys else frozenset()
    return problem, events, now, may


def _checked(policy, problem, events, now, may, waiting, small):
    with mock.patch("matching.repair.SMALL", small):
        try:
            found = repair(problem, policy, None, events, now_week=now, may_move=may, waiting=waiting)
        except PolicyError:
            reject()
    best = RepairByTrying(problem, policy, events, now, may, waiting).value()
    assert {t.name: t.value for t in found.tiers} == best
    assert all(t.gap == 0 for t in found.tiers)
    assert found.status == "optimal"


@given(st.data(), mixed_policies(), mixed_problems(most_requirements=4), st.booleans())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_repair_is_the_best_of_all_that_may_be(data, policy, problem, waiting):
    _checked(policy, *_settled(data.draw, policy, problem), waiting, 3000)


@given(st.data(), mixed_policies(), mixed_problems(most_requirements=4), st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_searched_from_the_neighbourhood_outwards_it_is_the_same(data, policy, problem, waiting):
    with FEW:
        _checked(policy, *_settled(data.draw, policy, problem), waiting, 0)


@given(st.data(), mixed_policies(), crowded_problems(), st.sampled_from([0, 3000]))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_where_others_must_make_room_it_is_the_best_of_all_that_may_be(data, policy, problem, small):
    with FEW:
        _checked(policy, *_settled(data.draw, policy, problem, blows), True, small)
