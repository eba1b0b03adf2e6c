"""What can be said before a match: sites within reach against the checker, the most that can be placed
against every assignment."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import (
    Lock,
    Policy,
    Problem,
    ProblemError,
    Requirement,
    Result,
    Rotation,
    block_needs,
    generate,
    reach,
    solve,
)
from matching.block_needs import BlockNeed
from matching.generate_year import generate_year
from matching.recount import Recount
from matching.verify_reasons import Reasons
from tests.matching.matching_oracle import best_by_trying
from tests.matching.matching_problems import mixed_policies, mixed_problems, one_site, problems
from tests.matching.test_matching_best import policies

# What the counts leave out.
YEARLY = {"site_repeats": False, "different_sites": False, "companions": False, "agreements": False}


def counting(problem: Problem, policy: Policy) -> Recount:
    return Recount(problem, policy, Result("optimal"))


@given(mixed_problems(), mixed_policies())
@settings(max_examples=100, deadline=None)
def test_sites_within_reach_are_those_the_checker_opens(problem, policy):
    found, count = reach(problem, policy), counting(problem, policy)
    reasons = Reasons(count)
    assert [x.requirement for x in found.requirements] == [r.key for r in problem.requirements]
    for item, requirement in zip(found.requirements, problem.requirements, strict=True):
        assert set(item.sites) == {stay.site.key for stay in count.open_to(requirement)}
        assert set(item.sites) | set(item.refused) == {s.key for s in problem.sites}
        right = reasons.of_a_right_modality(requirement)
        for site, rule in item.refused.items():
            assert site not in right if rule == "modality_fit" else reasons.refuses(requirement, site, rule)
    for learner in found.learners:
        mine = [x for x in found.requirements if x.learner == learner.learner]
        assert set(learner.sites) == {site for x in mine for site in x.sites}
        assert learner.fewest == min(len(x.sites) for x in mine)


@given(mixed_problems(), mixed_policies(), st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_left_over_for_want_of_a_site_is_told_with_the_same_rules(problem, policy, data):
    result = solve(problem, policy)
    for item in reach(problem, policy).requirements:
        reason = result.unplaced.get(item.requirement)
        if reason is not None:
            assert reason.rules.items() <= item.refused.items()
            assert (reason.kind == "rules") == (not item.sites)


def rivals(problem: Problem, policy: Policy, need: BlockNeed) -> set[str]:
    """By the checker: those who may go to a department of theirs in a week of theirs."""
    count = counting(problem, policy)
    stays = {r.key: count.open_to(r) for r in problem.requirements}
    mine = [stay for key in need.requirements for stay in stays[key]]
    departments = {stay.department.key for stay in mine}
    weeks = {w for stay in mine for w in stay.weeks}
    return set(need.requirements) | {
        key
        for key, theirs in stays.items()
        if any(stay.department.key in departments and weeks & set(stay.weeks) for stay in theirs)
    }


def most_by_trying(problem: Problem, policy: Policy, keys: set[str]) -> int:
    """The most of some requirements that any allowed assignment places, were they alone."""
    some = tuple(
        dataclasses.replace(r, priority=1, rotation=r.rotation) for r in problem.requirements if r.key in keys
    )
    if not some:
        return 0
    alone = dataclasses.replace(
        problem,
        requirements=some,
        published=(),
        agreements=(),
        locks=tuple(x for x in problem.locks if x.requirement in keys),
    )
    policy = policy.replace(tiers=({"travel": 1},), agreements=False)
    best = best_by_trying(alone, policy)
    return len(some) - sum(value for name, value in best.items() if name.startswith("unplaced_"))


def unpinned(problem: Problem) -> Problem:
    """The same without pins: those are placed before others, which is not the most."""
    return dataclasses.replace(problem, locks=tuple(x for x in problem.locks if x.kind == "ban"))


@given(problems().map(unpinned), policies)
@settings(max_examples=80, deadline=None)
def test_a_block_is_short_by_what_every_assignment_leaves_over(problem, policy):
    for need in block_needs(problem, policy):
        mine = set(need.requirements)
        for keys, found in ((mine, need.own), (rivals(problem, policy, need), need.everyone)):
            assert found.needed == len(keys)
            assert found.exact
            assert found.most == most_by_trying(problem, policy, keys)
            if found.short > found.nowhere:
                assert found.full
                crowd = set(found.competing)
                assert most_by_trying(problem, policy, crowd) < len(crowd)
            else:
                assert not found.full


@given(mixed_problems(most_requirements=4).map(unpinned), mixed_policies())
@settings(max_examples=80, deadline=None)
def test_with_every_rule_no_assignment_places_more(problem, policy):
    for need in block_needs(problem, policy):
        for keys, found in (
            (set(need.requirements), need.own),
            (rivals(problem, policy, need), need.everyone),
        ):
            assert found.needed == len(keys)
            assert found.exact
            assert found.most == most_by_trying(problem, policy.replace(**YEARLY), keys)
            assert found.most >= most_by_trying(problem, policy, keys)


def test_three_for_two_places_are_one_short_and_the_department_is_full():
    (need,) = block_needs(one_site(places=2, learners=3), Policy())
    assert (need.blocks, need.modalities) == (("B1",), ("xray",))
    assert (need.own.needed, need.own.most, need.own.short, need.own.exact) == (3, 2, 1, True)
    assert [(x.rule, x.level, x.key) for x in need.own.full] == [("places", "offer", "O0")]
    assert need.own.competing == ("R0", "R1", "R2")


def test_others_in_other_blocks_of_the_same_weeks_count_and_later_ones_do_not():
    problem = one_site(places=1, learners=3)
    other, later = problem.requirements[1:]
    problem = dataclasses.replace(
        problem,
        requirements=(
            problem.requirements[0],
            dataclasses.replace(other, block="B2", weeks=(1, 2)),
            dataclasses.replace(later, block="B3", weeks=(3,)),
        ),
    )
    (need,) = block_needs(problem, Policy(), ["R0"])
    assert (need.own.needed, need.own.short) == (1, 0)
    assert (need.everyone.needed, need.everyone.short) == (2, 1)


def test_who_has_nowhere_to_go_is_counted_apart_from_those_who_compete():
    problem = one_site(places=1, learners=3)
    far = problem.travel_minutes.copy()
    far[0, 0] = 200
    (need,) = block_needs(dataclasses.replace(problem, travel_minutes=far), Policy())
    assert (need.own.short, need.own.nowhere, need.own.competing) == (2, 1, ("R1", "R2"))


def test_supervising_time_limits_as_places_do():
    (need,) = block_needs(one_site(places=9, learners=4, wte=1.3), Policy())
    assert need.own.most == need.own.reached == round(1.3 // one_site().requirements[0].weight)
    assert {(x.rule, x.key) for x in need.own.full} == {("supervision", "D0")}


def test_floating_requirements_take_each_block_once():
    problem = one_site(places=1, learners=1)
    blocks = Rotation("F", "L0", ("B1", "B2"), ((0, 1), (2, 3)))
    floating = tuple(Requirement(f"R{i}", "L0", "", ("xray",), (), rotation="F") for i in range(3))
    problem = dataclasses.replace(problem, rotations=(blocks,), requirements=floating)
    (need,) = block_needs(problem, Policy())
    assert need.blocks == ("B1", "B2")
    assert (need.own.needed, need.own.most, need.own.exact) == (3, 2, True)


def test_a_pin_leaves_one_site_within_reach():
    problem = dataclasses.replace(one_site(sites=2, learners=1), locks=(Lock("R0", "S1", "pin"),))
    (item,) = reach(problem, Policy()).requirements
    assert (item.sites, item.refused) == (("S1",), {"S0": "locks"})


def test_an_unknown_requirement_is_refused():
    for ask in (reach, block_needs):
        with pytest.raises(ProblemError, match="R9"):
            ask(one_site(), Policy(), ["R9"])


def test_a_match_leaves_over_no_fewer_than_are_said_to_be_short():
    problem = generate("tiny", seed=3)
    result = solve(problem, Policy())
    for need in block_needs(problem, Policy()):
        left = [key for key in need.requirements if key in result.unplaced]
        assert len(left) >= need.own.short


def test_a_short_time_says_less_and_nothing_false():
    problem = generate_year("tiny", seed=4)
    for quick, slow in zip(
        block_needs(problem, Policy(), seconds=0.0), block_needs(problem, Policy()), strict=True
    ):
        assert quick.everyone.most >= slow.everyone.reached
        assert quick.everyone.reached <= slow.everyone.most
