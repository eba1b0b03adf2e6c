"""What a reason may say of a requirement left over, in the presence of every rule."""

import dataclasses

import pytest

from matching import Agreement, Department, Educator, FullCap, Offer, Policy, Problem, Reason, verify
from tests.matching.matching_oracle import best_result
from tests.matching.matching_problems import WEEKS
from tests.matching.test_matching_oracle import FIRST, PLAIN, first, made


def passes(problem: Problem, reason: Reason, policy: Policy = PLAIN) -> bool:
    """True where the checker lets a reason stand for the one requirement that the best answer leaves over."""
    result = best_result(problem, policy)
    (key,) = result.unplaced
    assert verify(problem, policy, result) == []
    wrong = verify(problem, policy, dataclasses.replace(result, unplaced={key: reason}))
    assert {violation.rule for violation in wrong} <= {"reason"}
    return not wrong


def shortage(caps: tuple[FullCap, ...], competing: tuple[str, ...] = ("R0",), **rules: str) -> Reason:
    return Reason("shortage", rules, ("D0",), competing, caps)


def supervised(places: int, week: int = 0) -> tuple[FullCap, ...]:
    return (FullCap("department", "D0", WEEKS[week], places, "supervision"),)


# -- rules ------------------------------------------------------------


def test_rules_that_refuse_a_site_by_themselves_are_named_for_it():
    weak = first(made([[10]]), "departments", wte=(0.5, 0.4, 0.5, 0.5))
    assert passes(weak, Reason("rules", {"S0": "supervision"}))
    assert not passes(weak, Reason("rules", {"S0": "access"}))
    assert not passes(weak, Reason("rules", {}))
    helped = made([[10]], educators=(Educator("E", ("D0",), (0.4,) * 4),))
    assert passes(helped, Reason("rules", {"S0": "supervision"}))
    no_bed = made([[100]], learner={"accommodation": True}, site={"accommodation": (1, 0, 1, 1)})
    assert passes(no_bed, Reason("rules", {"S0": "travel_limit"}))
    assert not passes(no_bed, Reason("rules", {"S0": "accommodation"}))


def with_ct(problem: Problem, offers: bool = True) -> Problem:
    """The problem with a CT department, too, at its first site."""
    ct = Offer("OC", "DC", (), (), (1,) * 4, (1,) * 4)
    return dataclasses.replace(
        problem,
        departments=(*problem.departments, Department("DC", "S0", "ct")),
        offers=(*problem.offers, ct) if offers else problem.offers,
    )


def test_a_department_of_another_modality_does_not_explain_a_site_that_has_the_right_one():
    two = with_ct(made([[100]]))
    assert passes(two, Reason("rules", {"S0": "travel_limit"}))
    assert not passes(two, Reason("rules", {"S0": "modality_fit"}))
    full = first(with_ct(made([[10]])), "offers", preferred=(0,) * 4, maximum=(0,) * 4)
    assert passes(full, Reason("rules", {"S0": "offer_weeks"}))
    closed = dataclasses.replace(
        full, offers=(full.offers[0], dataclasses.replace(full.offers[1], groups=("b",)))
    )
    assert not passes(closed, Reason("rules", {"S0": "group_fit"}))


def test_where_no_site_has_the_modality_that_is_the_rule():
    ct = first(made([[10]]), "departments", modality="ct")
    assert passes(ct, Reason("rules", {"S0": "modality_fit"}))
    assert not passes(ct, Reason("rules", {"S0": "offer_weeks"}))
    bare = dataclasses.replace(made([[10]]), departments=(), offers=())
    assert passes(bare, Reason("rules", {"S0": "modality_fit"}))
    assert not passes(bare, Reason("rules", {"S0": "offer_weeks"}))


def test_a_department_that_offers_nothing_is_put_down_to_its_weeks():
    nothing = dataclasses.replace(made([[10]]), offers=())
    assert passes(nothing, Reason("rules", {"S0": "offer_weeks"}))
    assert not passes(nothing, Reason("rules", {"S0": "modality_fit"}))
    assert not passes(nothing, Reason("rules", {}))


def test_without_the_rule_of_modality_every_site_is_to_be_explained():
    ct = first(made([[100]]), "departments", modality="ct")
    loose = PLAIN.replace(modality_fit=False)
    assert passes(ct, Reason("rules", {"S0": "travel_limit"}), loose)
    assert not passes(ct, Reason("rules", {"S0": "modality_fit"}), loose)
    assert not passes(ct, Reason("rules", {}), loose)


def test_a_floating_requirement_is_refused_where_every_block_is():
    shut = first(made([[10]], wants=((0, ()),)), "offers", preferred=(0,) * 4, maximum=(1, 0, 1, 0))
    assert passes(shut, Reason("rules", {"S0": "offer_weeks"}))
    half = first(shut, "offers", maximum=(1, 0, 1, 1))
    assert best_result(half, PLAIN).blocks == {"R0": "B"}


NEVER = {
    "site_repeats": made([[10]], learner={"site_repeats": 1, "attended": ("S0",)}),
    "different_sites": made([[10]], learner={"different_sites": 2, "attended": ("S0",)}),
    "agreements": made([[10]], agreements=(Agreement("A", "H", "T0", 0, 0, ("a",), ("1",)),)),
}


@pytest.mark.parametrize("rule", NEVER)
def test_a_rule_over_several_that_bars_a_site_for_good_may_be_named_or_left_open(rule):
    problem = NEVER[rule]
    assert passes(problem, Reason("rules", {"S0": rule}))
    assert passes(problem, Reason("shortage", {}, (), ("R0",), (), False))
    # Where it can never go it could not "also go".
    assert passes(problem, shortage(()))
    for other in {*NEVER, "travel_limit", "companions"} - {rule}:
        assert not passes(problem, Reason("rules", {"S0": other}))


OPEN = {
    "site_repeats": made([[10], [10]], learner={"site_repeats": 2, "attended": ("S0",)}),
    "different_sites": made(
        [[10]],
        wants=((0, FIRST), (0, FIRST)),
        learner={"different_sites": 2, "attended": ("S0",)},
    ),
    "agreements": made(
        [[10], [10]],
        agreements=(
            Agreement("A", "H", "T0", 0, 1),
            Agreement("B", "G", "T0", 0, 0),
            Agreement("C", "H", "T0", 0, 0, ("b",)),
            Agreement("D", "H", "T0", 0, 0, (), ("2",)),
        ),
    ),
}


@pytest.mark.parametrize("rule", OPEN)
def test_a_rule_over_several_that_leaves_a_site_open_does_not_remove_it(rule):
    assert not passes(OPEN[rule], Reason("rules", {"S0": rule}))


@pytest.mark.parametrize("rule", NEVER)
def test_a_rule_over_several_that_is_off_bars_nothing(rule):
    learner, one = NEVER[rule].learners[0], NEVER[rule].requirements[0]
    asked = None if learner.different_sites is None else 3  # Of two: still none may repeat a site.
    twice = dataclasses.replace(NEVER[rule], requirements=(one, dataclasses.replace(one, key="R1")))
    twice = first(twice, "learners", different_sites=asked)
    assert not passes(twice, Reason("rules", {"S0": rule}), PLAIN.replace(**{rule: False}))


def test_different_sites_bar_only_those_attended():
    new = made([[95, 10], [95, 10]], learner={"different_sites": 2, "attended": ("S0",)})
    assert not passes(new, Reason("rules", {"S0": "travel_limit", "S1": "different_sites"}))


def test_an_agreement_bars_its_own_trust_only():
    problem = made([[10, 95], [10, 95]], agreements=(Agreement("A", "H", "T1", 0, 0),))
    assert not passes(problem, Reason("rules", {"S0": "agreements", "S1": "travel_limit"}))


# -- shortages ------------------------------------------------------------


def test_a_shortage_of_supervision_counts_the_educators_in():
    educator = Educator("E", ("D0",), (0.5,) * 4)
    problem = made([[10]] * 3, places=3, wte=(0.5,), educators=(educator,))
    everyone = ("R0", "R1", "R2")
    assert passes(problem, shortage(supervised(2), everyone))
    assert not passes(problem, shortage(supervised(1), everyone))


def test_a_shortage_of_supervision_counts_by_the_lightest_who_could_go_there():
    problem = made([[10, 95]] * 3 + [[95, 10]], places=3, wte=(1.0, None))
    weights = (0.5, 0.5, 0.5, 0.1)
    requirements = tuple(
        dataclasses.replace(r, weight=w) for r, w in zip(problem.requirements, weights, strict=True)
    )
    problem = dataclasses.replace(problem, requirements=requirements)
    everyone = ("R0", "R1", "R2")
    problem = dataclasses.replace(
        problem,
        offers=(
            problem.offers[0],
            dataclasses.replace(problem.offers[1], maximum=(1,) * 4, preferred=(1,) * 4),
        ),
    )
    far = {"S1": "travel_limit"}
    assert passes(problem, shortage(supervised(2), everyone, **far))
    # The lightest of all can only go elsewhere.
    site = (FullCap("offer", "O1", WEEKS[0], 1),)
    assert passes(problem, shortage((*supervised(2), *site), (*everyone, "R3"), **far))
    lighter = dataclasses.replace(requirements[1], weight=0.3)
    mixed = dataclasses.replace(problem, requirements=(requirements[0], lighter, *requirements[2:]))
    # Three as light as the lightest would fit, so that two places are no count.
    assert not passes(mixed, shortage(supervised(2), everyone, **far))
    assert not passes(mixed, shortage(supervised(3), everyone, **far))


def test_the_lightest_counts_although_it_could_go_elsewhere_too():
    problem = made([[10, 95], [10, 95], [10, 10], [95, 10]], places=4, wte=(1.0, 0.5))
    problem = first(problem, "requirements", priority=2)
    light = dataclasses.replace(problem.requirements[2], weight=0.25)
    light = dataclasses.replace(
        problem, requirements=(*problem.requirements[:2], light, problem.requirements[3])
    )
    caps = (*supervised(2), FullCap("department", "D1", WEEKS[0], 1, "supervision"))
    everyone = ("R0", "R1", "R2", "R3")
    assert passes(problem, shortage(caps, everyone, S1="travel_limit"))
    assert not passes(light, shortage(caps, everyone, S1="travel_limit"))


def test_a_limit_of_another_rule_at_a_department_is_none():
    problem = made([[10]] * 2, places=2, wte=(0.5,))
    assert passes(problem, shortage(supervised(1), ("R0", "R1")))
    wrong = (dataclasses.replace(supervised(1)[0], rule="travel_limit"),)
    assert not passes(problem, shortage(wrong, ("R0", "R1")))


@pytest.mark.parametrize("level", ["department", "site", "trust"])
def test_a_full_department_site_or_trust_is_a_limit_by_its_own_name(level):
    problem = first(made([[10]] * 2, places=2), f"{level}s", places=(1,) * 4)
    key = f"{level[0].upper()}0"
    assert passes(problem, shortage((FullCap(level, key, WEEKS[0], 1),), ("R0", "R1")))
    for other in {"offer", "department", "site", "trust", "region"} - {level}:
        assert not passes(problem, shortage((FullCap(other, key, WEEKS[0], 1),), ("R0", "R1")))


def test_those_who_take_no_supervision_are_no_shortage_of_it():
    problem = made([[10]] * 2, wte=(0.0,), requirement={"weight": 0.0})
    assert not passes(problem, shortage(supervised(0), ("R0", "R1")))
    assert passes(problem, shortage((FullCap("offer", "O0", WEEKS[0], 1),), ("R0", "R1")))


def test_a_limit_that_is_off_is_no_shortage():
    full = made([[10]] * 2, wants=((0, FIRST), (1, FIRST)), wte=(0.5,), places=1)
    both = ("R0", "R1")
    places = (FullCap("offer", "O0", WEEKS[0], 1),)
    assert passes(full, shortage(places, both))
    assert passes(full, shortage(supervised(1), both))
    assert not passes(full, shortage(places, both), PLAIN.replace(places=False))
    assert not passes(full, shortage(supervised(1), both), PLAIN.replace(supervision=None))
    assert not passes(first(full, "departments", wte=None), shortage(supervised(1), both))


def test_a_shortage_in_a_week_when_not_everyone_is_there_is_no_proof():
    problem = made([[10], [10]], wants=((0, (0, 1, 2)), (1, FIRST)))
    cap = FullCap("offer", "O0", WEEKS[2], 1)
    assert passes(problem, shortage((dataclasses.replace(cap, week=WEEKS[1]),), ("R0", "R1")))
    assert not passes(problem, shortage((cap,), ("R0", "R1")))
    # In its other block the floating one is not there in the first week: the count does not follow.
    floating = made([[10], [10]], wants=((0, ()), (1, FIRST)))
    floating = first(floating, "offers", preferred=(0,) * 4, maximum=(1, 1, 0, 0))
    assert not passes(floating, shortage((dataclasses.replace(cap, week=WEEKS[0]),), ("R0", "R1")))


def test_a_rival_who_may_float_clear_of_the_week_is_none():
    problem = made([[10], [10], [10]], wants=((0, ()), (1, FIRST), (2, FIRST)))
    cap = (FullCap("offer", "O0", WEEKS[0], 1),)
    assert passes(problem, shortage(cap, ("R1", "R2")))
    assert not passes(problem, shortage(cap, ("R1", "R2", "R0")))


def test_a_site_that_is_open_is_not_called_closed_in_a_shortage_either():
    problem = made([[10, 95], [10, 95]])
    cap = (FullCap("offer", "O0", WEEKS[0], 1),)
    assert passes(problem, shortage(cap, ("R0", "R1"), S1="travel_limit"))
    assert not passes(problem, shortage(cap, ("R0", "R1"), S0="places", S1="travel_limit"))
    assert not passes(problem, shortage(cap, ("R0", "R1")))
