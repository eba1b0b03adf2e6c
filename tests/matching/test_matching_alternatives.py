"""The next best places: each effect is the best of all that may be with the requirement there, and what is
said to move gives just that effect."""

import dataclasses
from unittest import mock

import pytest
from hypothesis import given, settings

from matching import Policy, ProblemError, ResultError, solve, verify
from matching.generate_year import generate_year
from matching.next_best import Alternative, alternatives
from matching.recount import Recount
from matching.standing import Standing
from tests.matching.matching_explaining import best_with, tiers_of
from tests.matching.matching_problems import mixed_policies, mixed_problems, one_site


def after(result, alternative: Alternative):
    """The result's placings with the moves made."""
    assignment, blocks = dict(result.assignment), dict(result.blocks)
    for move in alternative.moves:
        assert assignment.pop(move.requirement, None) == move.before
        assert blocks.pop(move.requirement, None) == move.block_before
        if move.after is not None:
            assignment[move.requirement] = move.after
        if move.block_after is not None:
            blocks[move.requirement] = move.block_after
    return dataclasses.replace(result, assignment=assignment, blocks=blocks)


@given(mixed_problems(), mixed_policies())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_every_place_has_the_effect_of_the_best_answer_with_the_requirement_there(problem, policy):
    result = solve(problem, policy)
    count = Recount(problem, policy, result)
    for r in problem.requirements:
        found = alternatives(problem, policy, result, r.key, most=99)
        told = {(a.offer, a.block): a for a in found}
        assert len(told) == len(found)
        now = (result.assignment.get(r.key), result.blocks.get(r.key))
        others = {(stay.offer.key, stay.block) for stay in count.open_to(r)} - {now}
        assert set(told) <= others
        for place in others:
            best = best_with(problem, policy, r.key, *place)
            assert (place in told) == bool(best)
            if best:
                alternative = told[place]
                assert {tier.name: tier.after for tier in alternative.tiers} == best
                assert alternative.proven
                assert tiers_of(problem, policy, after(result, alternative)) == best
        assert [[t.after for t in a.tiers] for a in found] == sorted(
            [t.after for t in a.tiers] for a in found
        )


@given(mixed_problems(), mixed_policies())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_in_a_large_part_the_effect_is_exact_and_the_least_is_never_too_high(problem, policy):
    result = solve(problem, policy)
    with mock.patch("matching.next_best.WHOLE", -1), mock.patch("matching.next_best.FREE", 2):
        for r in problem.requirements:
            for alternative in alternatives(problem, policy, result, r.key):
                changed = tiers_of(problem, policy, after(result, alternative))
                assert {tier.name: tier.after for tier in alternative.tiers} == changed
                best = best_with(problem, policy, r.key, alternative.offer, alternative.block)
                assert list(changed.values()) >= list(best.values())
                for tier in alternative.tiers:
                    assert tier.least <= best[tier.name]
                    if tier.after != best[tier.name]:  # a later tier's holds for answers as good before it
                        break
                if alternative.proven:
                    assert changed == best


def test_a_year_s_learner_is_told_who_would_move_and_who_would_lose():
    problem, policy = generate_year("tiny", seed=1), Policy()
    result = solve(problem, policy)
    standing = Standing(problem, policy, result)
    lost = 0
    for r in problem.requirements[::24]:
        for alternative in alternatives(problem, policy, result, r.key, most=2, standing=standing):
            assert alternative.moves[0].requirement == r.key
            assert alternative.moves[0].after == alternative.offer
            changed = tiers_of(problem, policy, after(result, alternative))
            assert {tier.name: tier.after for tier in alternative.tiers} == changed
            assert [t.after for t in alternative.tiers] >= [t.before for t in alternative.tiers]
            lost += len(alternative.lose)
    assert lost


def test_two_learners_for_one_place_swap():
    problem = one_site(places=1, learners=2, sites=1)
    result = solve(problem)
    (left,) = result.unplaced
    (placed,) = result.assignment
    (alternative,) = alternatives(problem, Policy(), result, left)
    assert alternative.gain == (left,)
    assert alternative.lose == (placed,)
    assert [(t.before, t.after) for t in alternative.tiers] == [(1, 1), (20_000, 20_000)]
    assert alternatives(problem, Policy(), result, placed) == []
    assert verify(problem, Policy(), result) == []


def test_nothing_is_told_of_a_requirement_or_a_placing_that_is_not_there():
    problem = one_site()
    result = solve(problem)
    with pytest.raises(ProblemError, match="key of a requirement"):
        alternatives(problem, Policy(), result, "nobody")
    elsewhere = dataclasses.replace(result, assignment={"R0": "nowhere"})
    with pytest.raises(ResultError, match="nowhere"):
        alternatives(problem, Policy(), elsewhere, "R0")


def test_a_stop_ends_it_with_nothing():
    problem = one_site(sites=3)
    result = solve(problem)
    assert alternatives(problem, Policy(), result, "R0", stop=lambda: True) == []
    assert len(alternatives(problem, Policy(), result, "R0")) == 2
    assert len(alternatives(problem, Policy(), result, "R0", most=1)) == 1
