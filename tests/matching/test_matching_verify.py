"""The checker catches every rule broken on purpose, and every false claim."""

import dataclasses

import numpy as np
import pytest

from matching import (
    Department,
    FullCap,
    Learner,
    Lock,
    Offer,
    Policy,
    Problem,
    Reason,
    Requirement,
    Result,
    Site,
    Tier,
    Trust,
    generate,
    solve,
    verify,
)
from tests.matching.matching_problems import WEEKS, one_site


def broken(problem: Problem, assignment: dict[str, str], policy: Policy | None = None) -> set[str]:
    """The rules that the checker finds broken by an assignment."""
    policy = policy or Policy()
    left = {
        r.key: Reason("shortage", competing=(r.key,)) for r in problem.requirements if r.key not in assignment
    }
    return {v.rule for v in verify(problem, policy, Result("gap", assignment, left))}


def changed(problem: Problem, **changes: object) -> Problem:
    return dataclasses.replace(problem, **changes)


def first(problem: Problem, part: str, **changes: object) -> Problem:
    """The problem with fields of the first item of one part changed."""
    items = getattr(problem, part)
    return changed(problem, **{part: (dataclasses.replace(items[0], **changes), *items[1:])})


ONE = one_site(places=1, learners=1)

BREACHES = {
    "modality_fit": (first(ONE, "departments", modality="ct"), Policy()),
    "group_fit": (first(ONE, "offers", groups=("sonography",)), Policy()),
    "exclusion": (first(ONE, "learners", excluded_sites=("S0",)), Policy()),
    "employer": (first(changed(ONE, trusts=(Trust("T"), Trust("U"))), "learners", employer="U"), Policy()),
    "locks": (changed(ONE, locks=(Lock("R0", "D0", "ban"),)), Policy()),
    "travel_limit": (one_site(learners=1, minutes=91), Policy()),
    "offer_weeks": (first(ONE, "offers", preferred=(1, 0, 0, 0), maximum=(1, 0, 0, 0)), Policy()),
    "supervision": (one_site(learners=1, wte=0.4), Policy()),
}


@pytest.mark.parametrize("rule", BREACHES)
def test_a_placing_that_breaks_a_rule_is_caught_and_only_while_the_rule_is_in_force(rule):
    problem, policy = BREACHES[rule]
    assert rule in broken(problem, {"R0": "O0"}, policy)
    assert rule not in broken(ONE, {"R0": "O0"}, policy)
    off = {"travel_limit": {"car": 1000, "public_transport": 1000}, "supervision": None}.get(rule, False)
    assert rule not in broken(problem, {"R0": "O0"}, policy.replace(**{rule: off}))


def test_a_stage_not_offered_to_is_caught():
    assert "group_fit" in broken(first(ONE, "offers", stages=("2",)), {"R0": "O0"})


def test_a_learners_own_shorter_travel_limit_is_caught():
    assert "travel_limit" in broken(first(ONE, "learners", travel_limit_minutes=19), {"R0": "O0"})


def test_a_pin_elsewhere_is_caught():
    two = one_site(learners=1, sites=2)
    assert "locks" in broken(changed(two, locks=(Lock("R0", "S1", "pin"),)), {"R0": "O0"})


@pytest.mark.parametrize("level", ["offer", "department", "site", "trust"])
def test_one_learner_too_many_is_caught_at_every_level(level):
    problem = one_site(places=2, learners=2)
    both = {"R0": "O0", "R1": "O0"}
    assert "places" not in broken(problem, both)
    tight = {
        "offer": first(problem, "offers", preferred=(0,) * 4, maximum=(2, 1, 2, 2)),
        "department": first(problem, "departments", places=(2, 1, 2, 2)),
        "site": first(problem, "sites", places=(2, 1, 2, 2)),
        "trust": first(problem, "trusts", places=(2, 1, 2, 2)),
    }[level]
    assert "places" in broken(tight, both)
    assert "places" not in broken(tight, both, Policy(places=False))


def test_too_much_supervision_together_is_caught():
    problem = one_site(places=2, learners=2, wte=0.9)
    assert "supervision" in broken(problem, {"R0": "O0", "R1": "O0"})
    assert "supervision" not in broken(problem, {"R0": "O0"})
    assert "supervision" not in broken(problem, {"R0": "O0", "R1": "O0"}, Policy(supervision=1.2))


def test_two_places_in_one_week_are_caught():
    problem = one_site(places=2, learners=2)
    twice = changed(
        problem,
        requirements=(problem.requirements[0], Requirement("R1", "L0", "B2", ("xray",), (1, 2))),
    )
    assert "one_place_a_week" in broken(twice, {"R0": "O0", "R1": "O0"})
    assert "one_place_a_week" not in broken(twice, {"R0": "O0", "R1": "O0"}, Policy(one_place_a_week=False))


@pytest.fixture(scope="module")
def right():
    problem, policy = generate("tiny", 1), Policy(seed=3)
    result = solve(problem, policy)
    assert verify(problem, policy, result) == []
    assert {reason.kind for reason in result.unplaced.values()} == {"rules", "shortage"}
    return problem, policy, result


def claims(right, **changes: object) -> set[str]:
    problem, policy, result = right
    return {v.rule for v in verify(problem, policy, dataclasses.replace(result, **changes))}


def test_unknown_requirements_and_offers_are_caught(right):
    result = right[2]
    assert claims(right, assignment={**result.assignment, "nobody": "S000-xray"}) == {"assignment"}
    key = next(iter(result.assignment))
    assert claims(right, assignment={**result.assignment, key: "nowhere"}) == {"assignment"}


def test_a_requirement_neither_placed_nor_explained_is_caught(right):
    result = right[2]
    assert claims(right, unplaced=dict(list(result.unplaced.items())[1:])) == {"assignment"}
    key = next(iter(result.assignment))
    assert claims(right, unplaced={**result.unplaced, key: Reason("rules")}) == {"assignment"}


def test_false_totals_are_caught(right):
    result = right[2]
    assert claims(right, objective=result.objective - 1) == {"objective"}
    assert claims(right, costs={**result.costs, "travel": 0}) == {"costs"}
    tier = result.tiers[0]
    assert claims(right, tiers=(Tier(tier.name, tier.value - 1, tier.bound, 0.0), *result.tiers[1:])) == {
        "tiers"
    }
    assert claims(right, tiers=result.tiers[:-1]) == {"tiers"}


def test_a_status_that_does_not_follow_is_caught(right):
    result = right[2]
    cost = result.tiers[-1]
    short = Tier("cost", cost.value, cost.value - 10, 10 / cost.value)
    assert claims(right, tiers=(*result.tiers[:-1], short)) == {"status"}
    assert claims(right, tiers=(*result.tiers[:-1], short), status="gap") == set()
    assert claims(right, tiers=(*result.tiers[:-1], dataclasses.replace(short, gap=0.0)), status="gap") == {
        "tiers"
    }
    assert claims(right, status="infeasible_locks") == {"status"}


def test_a_dearer_placing_than_claimed_is_caught(right):
    problem, policy, result = right
    swapped = dict(result.assignment)
    pairs = [(a, b) for a in swapped for b in swapped if swapped[a] < swapped[b] and a[-2:] == b[-2:]]
    for a, b in pairs:
        other = {**swapped, a: swapped[b], b: swapped[a]}
        wrong = {v.rule for v in verify(problem, policy, dataclasses.replace(result, assignment=other))}
        assert wrong - {"supervision", "places"} or other == swapped
        break


def one_reason(right, kind: str) -> tuple[str, Reason]:
    return next((k, reason) for k, reason in right[2].unplaced.items() if reason.kind == kind)


def reason_claims(right, key: str, reason: Reason) -> set[str]:
    return claims(right, unplaced={**right[2].unplaced, key: reason})


def test_false_rules_are_caught(right):
    key, reason = one_reason(right, "rules")
    site = next(iter(reason.rules))
    fewer = {k: v for k, v in reason.rules.items() if k != site}
    assert reason_claims(right, key, dataclasses.replace(reason, rules=fewer)) == {"reason"}
    for rule in ("employer", "offer_weeks", "supervision", "nonsense"):
        wrong = {**reason.rules, site: rule}
        assert reason_claims(right, key, dataclasses.replace(reason, rules=wrong)) == {"reason"}
    assert reason_claims(right, key, dataclasses.replace(reason, kind="fate")) == {"reason"}
    key, _ = one_reason(right, "shortage")
    assert reason_claims(right, key, reason) == {"reason"}


def test_false_shortages_are_caught(right):
    key, reason = one_reason(right, "shortage")

    def caught(**changes: object) -> bool:
        return reason_claims(right, key, dataclasses.replace(reason, **changes)) == {"reason"}

    cap = reason.caps[0]
    assert caught(competing=tuple(k for k in reason.competing if k != key))
    assert caught(competing=(key,))
    assert caught(caps=reason.caps[1:])
    assert caught(caps=(dataclasses.replace(cap, places=cap.places - 1), *reason.caps[1:]))
    assert caught(caps=(dataclasses.replace(cap, places=cap.places + 40), *reason.caps[1:]))
    assert caught(caps=(dataclasses.replace(cap, week="2030-01-07"), *reason.caps[1:]))
    assert caught(caps=(dataclasses.replace(cap, key="nowhere"), *reason.caps[1:]))
    assert caught(caps=(dataclasses.replace(cap, rule="supervision", places=0), *reason.caps[1:]))
    assert caught(competing=(*reason.competing, "nobody"))


def test_supervision_caps_are_counted_by_weight():
    problem = Problem(
        WEEKS,
        (Trust("T"),),
        (Site("S", "T"),),
        (Department("D", "S", "xray", wte=(1.0,) * 4),),
        (Offer("O", "D", preferred=(9,) * 4, maximum=(9,) * 4),),
        tuple(Learner(f"L{i}", "g", "1", "H") for i in range(3)),
        tuple(Requirement(f"R{i}", f"L{i}", "B", ("xray",), (0, 1)) for i in range(3)),
        travel_minutes=np.zeros((3, 1), np.uint16),
    )
    result = solve(problem)
    (reason,) = result.unplaced.values()
    assert reason.caps == (FullCap("department", "D", WEEKS[0], 2, "supervision"),)
    wrong = dataclasses.replace(reason, caps=(FullCap("department", "D", WEEKS[0], 1, "supervision"),))
    key = next(iter(result.unplaced))
    assert verify(problem, Policy(), dataclasses.replace(result, unplaced={key: wrong}))
