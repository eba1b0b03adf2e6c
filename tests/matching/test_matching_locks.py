"""Pins and bans that cannot hold together: which, the fewest of them, and what stands in the way."""

import dataclasses
import itertools
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings

from matching import Agreement, Companions, Educator, Lock, Policy, Requirement, solve, verify
from matching.recount_rules import broken_together
from matching.recount_supervision import supervision
from tests.matching.matching_oracle import Trying
from tests.matching.matching_problems import locked_problems, mixed_policies, one_site


def conflicts(problem, policy=None):
    """The conflicts of a match, each with its locks as (requirement, place, kind), its rules and those left
    over."""
    policy = policy or Policy()
    result = solve(problem, policy)
    assert verify(problem, policy, result) == []
    assert (result.status == "infeasible_locks") == bool(result.conflicts)
    return [(*(dataclasses.astuple(k) for k in c.locks), c.rules, c.pinned) for c in result.conflicts]


def pin(r, place):
    return Lock(f"R{r}", place, "pin")


def with_locks(problem, *locks, **changes):
    return dataclasses.replace(problem, locks=locks, **changes)


def test_locks_that_hold_are_no_conflict():
    assert conflicts(with_locks(one_site(places=2), pin(0, "S0"), pin(1, "D0"))) == []


def test_a_pin_that_a_rule_refuses_is_a_conflict_by_itself_with_the_rule():
    near = one_site(learners=2, sites=2)
    problem = with_locks(near, pin(0, "S1"), travel_minutes=np.array([[20, 95], [20, 20]], np.uint16))
    assert conflicts(problem) == [(("R0", "S1", "pin"), ("travel_limit",), ("R0",))]


@pytest.mark.parametrize(
    ("locks", "said"),
    [
        ((pin(0, "S0"), Lock("R0", "S0", "ban")), [("R0", "S0", "ban"), ("R0", "S0", "pin")]),
        ((pin(0, "S0"), Lock("R0", "D0", "ban")), [("R0", "D0", "ban"), ("R0", "S0", "pin")]),
        ((pin(0, "S0"), pin(0, "D1"), pin(1, "S1")), [("R0", "D1", "pin"), ("R0", "S0", "pin")]),
    ],
)
def test_locks_of_one_requirement_that_leave_it_nowhere_are_a_conflict(locks, said):
    (found,) = conflicts(with_locks(one_site(places=2, sites=2), *locks))
    assert list(found[:2]) == said
    assert found[2:] == (("locks",), ("R0",))


def test_a_ban_that_is_not_in_the_way_is_in_no_conflict():
    problem = with_locks(one_site(sites=2), pin(0, "S0"), Lock("R0", "S1", "ban"), pin(1, "S0"))
    (found,) = conflicts(problem)
    assert found[:3] == (("R0", "S0", "pin"), ("R1", "S0", "pin"), ("places",))


def test_more_pins_than_places_are_one_more_than_the_places_for_each_conflict():
    problem = one_site(places=3, learners=9)
    found = conflicts(with_locks(problem, *(pin(i, "S0") for i in range(9))))
    assert [len(x) - 2 for x in found] == [4, 4]
    assert not set(found[0][:4]) & set(found[1][:4])
    assert {x[-2] for x in found} == {("places",)}


def test_thirty_pins_alike_take_few_guesses_and_are_proven_the_fewest():
    problem = one_site(places=30, learners=40, wte=5.5)
    with mock.patch("matching.conflicts.GUESSES", 2):
        found = conflicts(with_locks(problem, *(pin(i, "D0") for i in range(40))))
    assert [len(x) - 2 for x in found] == [12, 12, 12]
    assert {x[-2] for x in found} == {("supervision",)}


def test_the_smallest_conflict_comes_before_one_that_only_has_no_lock_too_many():
    """Three heavy learners are too many, and five light ones."""
    problem = one_site(places=9, learners=8, wte=1.0)
    heavy = tuple(
        dataclasses.replace(r, weight=0.6 if i > 5 else 0.25) for i, r in enumerate(problem.requirements)
    )
    problem = with_locks(problem, *(pin(i, "S0") for i in range(8)), requirements=heavy)
    found = conflicts(problem)
    assert found[-1][:2] == (("R6", "S0", "pin"), ("R7", "S0", "pin"))
    assert len(found[0]) - 2 == 5


def test_conflicts_that_touch_no_common_limit_are_told_apart():
    problem = one_site(places=1, learners=4, sites=2)
    found = conflicts(with_locks(problem, pin(0, "S0"), pin(1, "S1"), pin(2, "S0"), pin(3, "S1")))
    assert [x[:2] for x in found] == [
        (("R0", "S0", "pin"), ("R2", "S0", "pin")),
        (("R1", "S1", "pin"), ("R3", "S1", "pin")),
    ]


def test_companions_agreements_and_shared_educators_stand_in_the_way():
    problem = one_site(places=3, learners=2, sites=2)
    apart = (Companions("C", "apart", ("L0", "L1")),)
    both = (pin(0, "S0"), pin(1, "S0"))
    (found,) = conflicts(with_locks(problem, *both, companions=apart))
    assert found[-2] == ("companions",)
    (found,) = conflicts(with_locks(problem, *both, agreements=(Agreement("A", "H", "T", 0, 1),)))
    assert found[-2] == ("agreements",)
    educators = (Educator("E", ("D0", "D1"), (0.5,) * 4),)
    elsewhere = with_locks(problem, pin(0, "S0"), pin(1, "S1"), educators=educators)
    (found,) = conflicts(elsewhere)
    assert found[:3] == (("R0", "S0", "pin"), ("R1", "S1", "pin"), ("supervision",))
    assert conflicts(elsewhere, Policy(supervision=None)) == []


def test_a_learner_pinned_to_two_places_at_once():
    problem = one_site(places=3, learners=1, sites=2)
    twice = (*problem.requirements, Requirement("R1", "L0", "B2", ("xray",), (1, 2)))
    (found,) = conflicts(with_locks(problem, pin(0, "S0"), pin(1, "S1"), requirements=twice))
    assert found[-2] == ("one_place_a_week",)


def test_a_stopped_match_gives_no_conflicts():
    problem = with_locks(one_site(), pin(0, "S0"), pin(1, "S0"))
    result = solve(problem, stop=lambda: True)
    assert (result.status, result.conflicts) == ("infeasible_locks", ())
    assert verify(problem, Policy(), result) == []


# -- against trying every set ------------------------------------------------------------


def hold(problem, policy, locks):
    """Whether every requirement that these locks pin can be placed as they say: tries one after another."""
    trying = Trying(dataclasses.replace(problem, locks=tuple(locks)), policy)
    count = trying.count
    pinned = [r for r in count.requirements.values() if count.pins[r.key]]

    def placed(stays):
        if next(broken_together(count, stays), None) is not None:
            return False
        shares = trying.shares(stays)
        if shares is None or next(supervision(count, stays, shares), None) is not None:
            return False
        if len(stays) == len(pinned):
            return True
        return any(placed([*stays, stay]) for stay in count.open_to(pinned[len(stays)]))

    return placed([])


def fewest(problem, policy, locks):
    """How many locks the smallest conflict among some has; None where they hold."""
    for size in range(len(locks) + 1):
        for some in itertools.combinations(locks, size):
            if not hold(problem, policy, some):
                return size
    return None


TOGETHER = (
    "places",
    "one_place_a_week",
    "rotation",
    "site_repeats",
    "different_sites",
    "companions",
    "agreements",
    "accommodation",
    "supervision",
)


def only(policy, rules):
    """The policy without the rules over several placings that are not named."""
    off = {name: None if name == "supervision" else False for name in TOGETHER if name not in rules}
    # A department that offers nothing is put down to offer_weeks, in force or not.
    assert all(rule == "offer_weeks" or getattr(policy, rule) not in (None, False) for rule in rules)
    return policy.replace(**off)


def check_conflicts(problem, policy, *, exact):
    result = solve(problem, policy)
    rest = sorted(set(problem.locks), key=dataclasses.astuple) if policy.locks else []
    sizes = []
    for conflict in result.conflicts:
        assert not hold(problem, policy, conflict.locks)
        for lock in conflict.locks:
            assert hold(problem, policy, [k for k in conflict.locks if k != lock])
            rest.remove(lock)
        sizes.append(len(conflict.locks))
        assert not hold(problem, only(policy, conflict.rules), conflict.locks)
    assert hold(problem, policy, rest)
    assert bool(result.conflicts) == (result.status == "infeasible_locks")
    if exact and sizes:
        assert min(sizes) == fewest(problem, policy, sorted(set(problem.locks), key=dataclasses.astuple))


@given(locked_problems(), mixed_policies())
@settings(max_examples=60, deadline=None)
def test_conflicts_are_the_smallest_of_all_and_leave_locks_that_hold(problem, policy):
    policy = policy.replace(tiers=({"travel": 1},))
    check_conflicts(problem, policy, exact=True)


@given(locked_problems(), mixed_policies())
@settings(max_examples=30, deadline=None)
def test_whittled_conflicts_have_no_lock_too_many(problem, policy):
    policy = policy.replace(tiers=({"travel": 1},))
    with mock.patch("matching.conflicts.GUESSES", 0):
        check_conflicts(problem, policy, exact=False)
