"""Why somebody is left over: the set named has no placing by trying, and with any one thing less it has."""

import dataclasses

import pytest
from hypothesis import event, given, settings

from matching import Department, Policy, ProblemError, solve
from matching.certificates import Certificate, certificate, fewest
from matching.recount import Recount
from matching.verify_reasons import Reasons
from tests.matching.matching_limits import can_place
from tests.matching.matching_problems import mixed_policies, mixed_problems, one_site, problems


def check(problem, policy, result, found: Certificate) -> None:
    """Every claim of a certificate."""
    count = Recount(problem, policy, result)
    requirement = count.requirements[found.requirement]
    reasons = Reasons(count)
    for site, rule in found.rules.items():
        assert reasons.refuses(requirement, site, rule)
    if found.kind == "rules":
        assert count.open_to(requirement) == []
        return
    assert found.requirement in found.competing
    for limit in found.limits:
        assert set(limit.held_by) <= set(result.assignment)
    assert found.proven
    assert not can_place(count, found.competing, found.limits)
    for limit in found.limits:
        assert can_place(count, found.competing, [x for x in found.limits if x != limit]), limit
    for key in found.competing:
        assert can_place(count, [x for x in found.competing if x != key], found.limits), key
        other, own = count.requirements[key], requirement
        pinned = policy.locks and bool(count.pins[key])
        assert pinned or other.priority <= own.priority


@given(mixed_problems(), mixed_policies())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_what_is_named_cannot_be_placed_and_with_one_thing_less_it_can(problem, policy):
    result = solve(problem, policy)
    short = any(tier.name == "agreement_shortfall" for tier in result.tiers)
    for key in result.unplaced:
        found = certificate(problem, policy, result, key)
        event(f"{found.kind} {len(found.competing)} {sorted({x.rule for x in found.limits})}")
        if found.kind == "order":  # only where something stands before the requirement's own tier
            assert short
            assert not found.proven
            continue
        check(problem, policy, result, found)


@given(problems(most_requirements=6))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_in_a_flow_it_is_a_hall_set(problem):
    policy = Policy()
    result = solve(problem, policy)
    assert result.paths["integer"] == 0
    for key, reason in result.unplaced.items():
        found = certificate(problem, policy, result, key)
        assert found.kind == {"rules": "rules", "shortage": "limits"}[reason.kind]
        check(problem, policy, result, found)


def test_a_full_place_is_named_with_who_fills_it():
    problem = one_site(places=2, learners=3)
    result = solve(problem)
    (left,) = result.unplaced
    found = certificate(problem, Policy(), result, left)
    assert found.kind == "limits"
    assert found.competing == ("R0", "R1", "R2")
    (limit,) = found.limits
    assert (limit.rule, limit.level, limit.key) == ("places", "offer", "O0")
    assert limit.weeks == problem.weeks[:2]
    assert limit.held_by == tuple(sorted(result.assignment))


def test_too_little_supervision_is_named_and_not_the_places():
    problem = one_site(places=3, learners=3, wte=1.0)
    result = solve(problem)
    (left,) = result.unplaced
    (limit,) = certificate(problem, Policy(), result, left).limits
    assert (limit.rule, limit.level, limit.key) == ("supervision", "department", "D0")


def test_a_learner_with_two_places_at_once_is_in_their_own_way():
    problem = one_site(places=2, learners=1)
    twice = dataclasses.replace(problem.requirements[0], key="R9")
    problem = dataclasses.replace(problem, requirements=(*problem.requirements, twice))
    result = solve(problem)
    (left,) = result.unplaced
    found = certificate(problem, Policy(), result, left)
    assert found.competing == ("R0", "R9")
    assert [(x.rule, x.key) for x in found.limits] == [("one_place_a_week", "L0")]


def test_a_learner_without_a_site_is_told_the_rules():
    problem = one_site(minutes=200)
    result = solve(problem)
    found = certificate(problem, Policy(), result, "R1")
    assert found == Certificate("R1", "rules", {"S0": "travel_limit"})


def test_time_that_runs_out_leaves_the_limits_that_are_full_unproven():
    problem = one_site(places=1, learners=2)
    result = solve(problem)
    (left,) = result.unplaced
    found = certificate(problem, Policy(), result, left, stop=lambda: True)
    assert not found.proven
    assert [(x.rule, x.key) for x in found.limits] == [("places", "O0")]
    assert found.competing == ("R0", "R1")


def test_an_answer_that_leaves_somebody_over_for_nothing_is_found_out():
    problem = one_site(places=2, learners=2)
    problem = dataclasses.replace(problem, departments=(Department("D0", "S0", "xray"),))
    result = solve(problem)
    worse = dataclasses.replace(result, assignment={"R0": "O0"}, unplaced={"R1": None})
    found = certificate(problem, Policy(), worse, "R1")
    assert (found.kind, found.proven) == ("order", False)


def test_who_is_placed_has_no_certificate():
    problem = one_site()
    result = solve(problem)
    for key in (*result.assignment, "nobody"):
        with pytest.raises(ProblemError, match="left over"):
            certificate(problem, Policy(), result, key)


def test_fewest_keeps_only_what_is_needed():
    asked = []

    def fails(kept):
        asked.append(list(kept))
        return {3, 7, 20} <= set(kept)

    assert sorted(fewest(range(40), fails)) == [3, 7, 20]
    assert len(asked) < 30
    assert fewest([1, 2], lambda kept: True) == []
    assert fewest([5], lambda kept: bool(kept)) == [5]
