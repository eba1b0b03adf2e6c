"""Moves by hand: what is said to be broken is what the checker finds, the effect is the recount's, and the
answer after the moves passes its check with bounds that hold."""

import dataclasses
from itertools import combinations

import pytest
from hypothesis import given, settings

from matching import Lock, Policy, ProblemError, Tier, Wish, effect, solve, verify, with_moves
from matching.generate_year import generate_year
from matching.recount import Recount
from matching.recount_rules import broken_together
from matching.standing import Standing
from tests.matching.matching_explaining import tiers_of
from tests.matching.matching_oracle import Trying
from tests.matching.matching_problems import mixed_policies, mixed_problems, one_site


def after(result, moves):
    """The result's placings with the moves made."""
    assignment, blocks = dict(result.assignment), dict(result.blocks)
    for move in moves:
        assignment.pop(move.requirement, None)
        blocks.pop(move.requirement, None)
        if move.after is not None:
            assignment[move.requirement] = move.after
        if move.block_after is not None:
            blocks[move.requirement] = move.block_after
    return dataclasses.replace(result, assignment=assignment, blocks=blocks)


def wrong_with(problem, policy, result):
    """The rules that placings break, the educators' time shared out as is best."""
    count = Recount(problem, policy, result)
    stays = count.stays()
    found = {violation.rule for violation in (*count.pairs(stays), *broken_together(count, stays))}
    if not found and Trying(problem, policy).shares(stays) is None:
        found.add("supervision")
    return found


def ways(problem, policy, result, wishes):
    """Every way of making the moves: offers of the department, blocks of a floating requirement."""
    count = Recount(problem, policy, result)
    answers = [(dict(result.assignment), dict(result.blocks))]
    for wish in wishes:
        requirement = count.requirements[wish.requirement]
        extended = []
        for assignment, blocks in answers:
            base = {k: v for k, v in assignment.items() if k != wish.requirement}
            spans = {k: v for k, v in blocks.items() if k != wish.requirement}
            if wish.department is None:
                extended.append((base, spans))
                continue
            for offer in problem.offers:
                if offer.department != wish.department:
                    continue
                for block, _ in count.spans(requirement):
                    there = spans if block is None else spans | {wish.requirement: block}
                    extended.append((base | {wish.requirement: offer.key}, there))
        answers = extended
    return [dataclasses.replace(result, assignment=a, blocks=b) for a, b in answers]


@given(mixed_problems(), mixed_policies())
@settings(max_examples=80, deadline=None, derandomize=True)
def test_a_move_is_refused_just_where_the_checker_finds_a_rule_broken_and_its_effect_is_the_recount(
    problem, policy
):
    result = solve(problem, policy)
    standing = Standing(problem, policy, result)
    for requirement in problem.requirements:
        for department in [*problem.departments, None]:
            wish = Wish(requirement.key, department.key if department else None)
            found = effect(standing, [wish])
            possible = [
                way for way in ways(problem, policy, result, [wish]) if not wrong_with(problem, policy, way)
            ]
            assert bool(found.broken) == (not possible)
            if possible:
                told = tiers_of(problem, policy, after(result, found.moves))
                assert {tier.name: tier.after for tier in found.tiers} == told
                assert list(told.values()) == min(
                    list(tiers_of(problem, policy, way).values()) for way in possible
                )
                assert not any(
                    tier.before != now.value for tier, now in zip(found.tiers, result.tiers, strict=True)
                )


@given(mixed_problems(), mixed_policies())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_swap_is_refused_just_where_the_checker_finds_a_rule_broken(problem, policy):
    result = solve(problem, policy)
    standing = Standing(problem, policy, result)
    at = {
        key: problem.offers[problem.offer_index[offer]].department for key, offer in result.assignment.items()
    }
    for one, two in combinations(sorted(at), 2):
        wishes = [Wish(one, at[two]), Wish(two, at[one])]
        found = effect(standing, wishes)
        possible = [
            way for way in ways(problem, policy, result, wishes) if not wrong_with(problem, policy, way)
        ]
        assert bool(found.broken) == (not possible)


@given(mixed_problems(), mixed_policies())
@settings(max_examples=80, deadline=None, derandomize=True)
def test_the_answer_after_a_move_and_its_pin_passes_the_check_and_no_answer_is_below_its_bounds(
    problem, policy
):
    result = solve(problem, policy)
    standing = Standing(problem, policy, result)
    for requirement in problem.requirements:
        for department in problem.departments:
            found = effect(standing, [Wish(requirement.key, department.key)])
            if found.broken:
                continue
            pin = Lock(requirement.key, department.key, "pin")
            locked = dataclasses.replace(problem, locks=(*problem.locks, pin))
            moved = with_moves(locked, policy, result, found.moves)
            assert verify(locked, policy, moved) == []
            assert moved.assignment == after(result, found.moves).assignment
            best = solve(locked, policy)
            for tier, least in zip(moved.tiers, best.tiers, strict=True):
                assert (tier.name, True) == (least.name, tier.bound <= tier.value)
                if tier.value != least.value or tier.bound > least.value:
                    # Equal so far: the bound holds for every answer as good in the tiers before.
                    assert tier.bound <= least.value
                    break


def test_a_department_that_is_full_names_those_who_fill_it():
    problem = one_site(learners=3, places=2)
    result = solve(problem)
    (left,) = result.unplaced
    found = effect(Standing(problem, Policy(), result), [Wish(left, problem.departments[0].key)])
    assert {limit.rule for limit in found.broken} == {"places"}
    assert {key for limit in found.broken for key in limit.held_by} == set(result.assignment)
    assert found.tiers == ()


def test_a_rule_that_refuses_the_place_is_named():
    problem = one_site(learners=1, places=1)
    key, site = problem.requirements[0].key, problem.sites[0].key
    banned = dataclasses.replace(problem, locks=(Lock(key, site, "ban"),))
    result = solve(banned)
    found = effect(Standing(banned, Policy(), result), [Wish(key, problem.departments[0].key)])
    assert [limit.rule for limit in found.broken] == ["locks"]


def test_what_the_problem_does_not_have_is_refused():
    problem = one_site(learners=1, places=1)
    standing = Standing(problem, Policy(), solve(problem))
    with pytest.raises(ProblemError, match="requirement"):
        effect(standing, [Wish("nobody", problem.departments[0].key)])
    with pytest.raises(ProblemError, match="department"):
        effect(standing, [Wish(problem.requirements[0].key, "nowhere")])


def test_a_bound_that_was_proven_after_an_aim_that_is_not_counted_here_does_not_hold():
    problem, policy = generate_year("tiny", seed=3), Policy()
    result = solve(problem, policy)
    assert result.tiers[-1].bound > 0
    moved = Tier("moved", 2, 2, 0.0)
    repaired = dataclasses.replace(result, tiers=(*result.tiers[:-1], moved, result.tiers[-1]))
    same = with_moves(problem, policy, repaired, [])
    assert [tier.bound for tier in same.tiers] == [*(tier.bound for tier in result.tiers[:-1]), 0]


def test_whoever_loses_a_place_by_hand_is_given_a_reason_and_a_bound_that_says_so():
    problem = generate_year("tiny", seed=3)
    policy = Policy()
    result = solve(problem, policy)
    key = min(result.assignment)
    found = effect(Standing(problem, policy, result), [Wish(key, None)])
    moved = with_moves(problem, policy, result, found.moves)
    assert verify(problem, policy, moved) == []
    assert key in moved.unplaced
    now = {tier.name: tier.value for tier in result.tiers}
    first = next(tier for tier in moved.tiers if tier.value != now[tier.name])
    assert first.value == first.bound + 1
    assert moved.status == "gap"
    assert moved.duals == ()
