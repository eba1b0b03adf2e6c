"""The checker, tested by breaking right answers on purpose: each rule and each claim alone, and random
answers against rules written down a second time, as plainly as can be."""

import dataclasses
import itertools
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import (
    RULES,
    UNREACHABLE,
    Agreement,
    Conflict,
    Educator,
    FullCap,
    Lock,
    Policy,
    Problem,
    Reason,
    Result,
    Share,
    Tier,
    verify,
)
from matching.recount import Recount, Stay
from matching.recount_aims import aims, tiers
from tests.house.test_rules import CLAIMS
from tests.matching.matching_oracle import Trying, best_result
from tests.matching.matching_problems import WEEKS, mixed_policies, mixed_problems
from tests.matching.test_matching_oracle import (
    FIRST,
    NONE_OFF,
    ONE,
    PLAIN,
    RULE_CASES,
    agreement,
    companions,
    first,
    made,
)


def rules_broken(problem: Problem, policy: Policy, result: Result) -> set[str]:
    return {violation.rule for violation in verify(problem, policy, result)}


def claimed(problem: Problem, policy: Policy, stays: list[Stay]) -> Result:
    """Placings, right or wrong, with every other claim of a result as it should be for them."""
    trying = Trying(problem, policy)
    trying.stays = stays
    shares = trying.shares(stays) or {}
    return trying.result(tiers(trying.count, stays, aims(trying.count, stays, shares)))


# -- rules ------------------------------------------------------------


def breaking(rule: str) -> tuple[Problem, Policy, Result]:
    """A problem and policy, and an answer that breaks one rule and is otherwise as it claims to be."""
    problem, other, _, _ = RULE_CASES[rule]
    policy = PLAIN.replace(**other)
    lax, off = problem, {rule: NONE_OFF.get(rule, False)}
    if rule == "accommodation":  # Without it nobody goes so far: another bed is what lets them.
        lax, off = first(problem, "sites", accommodation=(2,) * 4), {}
    trying = Trying(lax, policy.replace(**off))
    trying.best()
    return problem, policy, claimed(problem, policy, same_stays(problem, policy, trying.stays))


def same_stays(problem: Problem, policy: Policy, stays: list[Stay]) -> list[Stay]:
    count = Recount(problem, policy, Result("optimal"))
    return [
        count.stay(count.requirements[s.requirement.key], count.offers[s.offer.key], s.block) for s in stays
    ]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_broken_on_purpose_is_caught_and_nothing_else_is(rule):
    problem, policy, wrong = breaking(rule)
    assert rules_broken(problem, policy, wrong) == {rule}
    assert verify(problem, policy, best_result(problem, policy)) == []


@pytest.mark.parametrize("rule", RULES)
def test_what_breaks_a_rule_is_named(rule):
    problem, policy, wrong = breaking(rule)
    names = {x.key for part in Problem.PARTS for x in getattr(problem, part) if hasattr(x, "key")}
    for violation in verify(problem, policy, wrong):
        assert set(violation.item.split()) & names
        assert len(violation.found.split()) > 3


SHARED = made(
    [[10, 95], [95, 10]], wte=(0.5, None), educators=(Educator("E", ("D0", "D1"), (0.7,) * 4),), places=2
)
BOTH = {"R0": "O0", "R1": "O1"}
OTHER_BREACHES = {
    "an educator beyond their time": ("supervision", SHARED, BOTH, {"D0": 0.25, "D1": 0.5}),
    "a department without the educator it has": ("supervision", SHARED, BOTH, {"D0": 0.25}),
    "a department beyond its own": (
        "supervision",
        first(SHARED, "departments", wte=(0.4,) * 4),
        {"R0": "O0"},
        {},
    ),
    "an educator where nobody is": ("shares", SHARED, {"R1": "O1"}, {"D0": 0.1, "D1": 0.5}),
    "more learners at once than an educator takes": (
        "supervision",
        made(
            [[10, 95], [95, 10]],
            places=2,
            educators=(Educator("E", ("D0", "D1"), (1.0,) * 4, (), (1,) * 4),),
        ),
        BOTH,
        {"D0": 0.5, "D1": 0.5},
    ),
    "a share of a learner whom the educator may not supervise": (
        "shares",
        made([[10]], wte=(0.5,), educators=(Educator("E", ("D0",), (1.0,) * 4, (("b", None),)),)),
        {"R0": "O0"},
        {"D0": 0.5},
    ),
    "a share of a learner of another stage": (
        "shares",
        made([[10]], wte=(0.5,), educators=(Educator("E", ("D0",), (1.0,) * 4, (("a", "2"),)),)),
        {"R0": "O0"},
        {"D0": 0.5},
    ),
    "a learner where nobody may supervise them": (
        "supervision",
        made([[10]], educators=(Educator("E", ("D0",), (1.0,) * 4, (("b", None),)),)),
        {"R0": "O0"},
        {},
    ),
    "apart in one week": (
        "companions",
        made([[10], [10]], places=2, wants=((0, FIRST), (1, (1, 2))), **companions("apart")),
        {"R0": "O0", "R1": "O0"},
        {},
    ),
    "once more than agreed": ("agreements", made([[10]], **agreement("T0", most=0)), {"R0": "O0"}, {}),
    "once more than agreed for a group and stage": (
        "agreements",
        made([[10]], agreements=(Agreement("A", "H", "T0", 0, 0, ("b", "a"), ("2", "1")),)),
        {"R0": "O0"},
        {},
    ),
    "beyond the limit where one week has no bed": (
        "travel_limit",
        made([[100]], learner={"accommodation": True}, site={"accommodation": (0, 1, 1, 1)}),
        {"R0": "O0"},
        {},
    ),
    "a bed beyond reach": (
        "travel_limit",
        made([[UNREACHABLE]], learner={"accommodation": True}, site={"accommodation": (1,) * 4}),
        {"R0": "O0"},
        {},
    ),
    "too little supervision in one week": (
        "supervision",
        first(ONE, "departments", wte=(0.5, 0.4, 0.5, 0.5)),
        {"R0": "O0"},
        {},
    ),
}
# What comes near to breaking a rule, and does not.
KEPT = {
    "an agreement for another stage": (
        made([[10]], agreements=(Agreement("A", "H", "T0", 0, 0, ("a",), ("2",)),)),
        PLAIN,
    ),
    "an agreement of another HEI": (made([[10]], agreements=(Agreement("A", "G", "T0", 0, 0),)), PLAIN),
    "no department, no educator, no limit": (first(ONE, "departments", wte=None), PLAIN),
    "a pin set aside": (
        dataclasses.replace(ONE, locks=(Lock("R0", "S1", "pin"),)),
        PLAIN.replace(locks=False),
    ),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_comes_near_to_breaking_a_rule_is_let_through(case):
    problem, policy = KEPT[case]
    count = Recount(problem, policy, Result("gap"))
    stays = [count.stay(count.requirements["R0"], count.offers["O0"])]
    assert rules_broken(problem, policy, claimed(problem, policy, stays)) == set()


def test_with_accommodation_off_nobody_goes_beyond_the_limit():
    problem = made([[100]], learner={"accommodation": True}, site={"accommodation": (1,) * 4})
    policy = PLAIN.replace(accommodation=False)
    count = Recount(problem, policy, Result("gap"))
    stays = [count.stay(count.requirements["R0"], count.offers["O0"])]
    assert rules_broken(problem, policy, claimed(problem, policy, stays)) == {"travel_limit"}


@pytest.mark.parametrize("case", OTHER_BREACHES)
def test_the_other_ways_to_break_a_rule_are_caught_too(case):
    rule, problem, assignment, parts = OTHER_BREACHES[case]
    count = Recount(problem, PLAIN, Result("gap"))
    stays = [count.stay(count.requirements[r], count.offers[o]) for r, o in assignment.items()]
    shares = tuple(Share("E", d, WEEKS[w], wte) for d, wte in parts.items() for w in FIRST)
    result = dataclasses.replace(claimed(problem, PLAIN, stays), shares=shares)
    split = {("E", d, w): round(wte * 1000) for d, wte in parts.items() for w in FIRST}
    result = dataclasses.replace(
        result, costs={**result.costs, "supervisor_load": aims(count, stays, split)["supervisor_load"]}
    )
    assert rules_broken(problem, PLAIN, result) == {rule}


# -- claims ------------------------------------------------------------

# L0 floats through both blocks at S0; L1 and L3 compete for S1; L2 can go nowhere. E helps both departments.
RICH = made(
    [[10, 95], [95, 10], [95, 95], [95, 20]],
    wants=((0, ()), (0, ()), (1, FIRST), (2, FIRST), (3, FIRST)),
    wte=(None, 0.25),
    educators=(Educator("E", ("D0", "D1"), (1.0,) * 4),),
    **agreement("T1", least=5),
)
POLICY = Policy(
    supervisor_load=((0, 1), (50, 2)), tiers=({"worst_travel": 1}, {"travel": 1, "changes": 2, "variety": 1})
)
COMPETING = Reason(
    "shortage",
    {"S0": "travel_limit"},
    ("D1",),
    ("R2", "R4"),
    (FullCap("offer", "O1", WEEKS[0], 1),),
)
PINS = (Lock("R2", "S1", "pin"), Lock("R4", "D1", "pin"), Lock("R0", "S1", "ban"))
PINNED = dataclasses.replace(RICH, locks=PINS)


def right(problem: Problem) -> Result:
    result = best_result(problem, POLICY)
    assert result.assignment.keys() == {"R0", "R1", "R2"}
    if problem is RICH:
        return dataclasses.replace(result, unplaced={**result.unplaced, "R4": COMPETING})
    locked = dataclasses.replace(COMPETING, rules={"S0": "locks"})
    return dataclasses.replace(
        result,
        unplaced={**result.unplaced, "R4": locked},
        conflicts=(Conflict(PINS[:2], ("places",), ("R4",)),),
    )


def test_the_right_answers_that_are_broken_below_are_right():
    for problem, status in ((RICH, "optimal"), (PINNED, "infeasible_locks")):
        result = right(problem)
        assert result.status == status
        assert result.blocks.keys() == {"R0", "R1"}
        assert {s.department for s in result.shares} == {"D0", "D1"}
        assert {r.kind for r in result.unplaced.values()} == {"rules", "shortage"}
        assert all(value > 0 for value in (result.objective, result.costs["supervisor_load"]))
        assert verify(problem, POLICY, result) == []


def tier(result: Result, position: int, **changes: object) -> dict[str, object]:
    """A result's tiers with one of them changed."""
    held = list(result.tiers)
    held[position] = dataclasses.replace(held[position], **changes)
    return {"tiers": tuple(held)}


def short(result: Result, position: int, by: int = 1) -> dict[str, object]:
    """One tier's bound lowered, its gap told as it is."""
    value = result.tiers[position].value
    return tier(result, position, bound=value - by, gap=by / value)


def share(result: Result, **changes: object) -> dict[str, object]:
    return {"shares": (dataclasses.replace(result.shares[0], **changes), *result.shares[1:])}


def block(result: Result, **changes: str | None) -> dict[str, object]:
    found = {**result.blocks, **changes}
    return {"blocks": {key: name for key, name in found.items() if name is not None}}


def cost(result: Result, **changes: int) -> dict[str, object]:
    return {"costs": {**result.costs, **changes}}


def reason(result: Result, key: str, **changes: object) -> dict[str, object]:
    return {"unplaced": {**result.unplaced, key: dataclasses.replace(result.unplaced[key], **changes)}}


def cap(result: Result, **changes: object) -> dict[str, object]:
    return reason(result, "R4", caps=(dataclasses.replace(result.unplaced["R4"].caps[0], **changes),))


def without(found: dict[str, object], key: str) -> dict[str, object]:
    return {k: v for k, v in found.items() if k != key}


def conflict(result: Result, **changes: object) -> dict[str, object]:
    return {"conflicts": (dataclasses.replace(result.conflicts[0], **changes),)}


# What is caught, and what is said falsely: for each, the changes to a right answer to RICH.
FALSE = {
    "assignment": {
        "an unknown requirement placed": lambda r: {"assignment": {**r.assignment, "R9": "O0"}},
        "an unknown offer": lambda r: {"assignment": {**r.assignment, "R2": "O9"}},
        "neither placed nor left over": lambda r: {"unplaced": without(r.unplaced, "R3")},
        "both placed and left over": lambda r: {"unplaced": {**r.unplaced, "R2": Reason("rules")}},
        "an unknown requirement left over": lambda r: {"unplaced": {**r.unplaced, "R9": Reason("rules")}},
    },
    "blocks": {
        "no block": lambda r: block(r, R0=None),
        "a block of no rotation": lambda r: block(r, R0="C"),
        "a block of one that does not float": lambda r: block(r, R2="A"),
        "a block of an unknown requirement": lambda r: block(r, R9="A"),
    },
    "shares": {
        "an unknown educator": lambda r: share(r, educator="F"),
        "an unknown department": lambda r: share(r, department="D9"),
        "an unknown week": lambda r: share(r, week="2030-01-07"),
        "nothing": lambda r: share(r, wte=0.0),
        "less than nothing": lambda r: share(r, wte=-0.5),
        "no number": lambda r: share(r, wte=math.nan),
        "a part of a thousandth": lambda r: share(r, wte=0.5001),
        "the same twice": lambda r: {"shares": (*r.shares, r.shares[0])},
    },
    "costs": {
        "a lower cost": lambda r: cost(r, travel=r.costs["travel"] - 1),
        "a lower load": lambda r: cost(r, supervisor_load=0),
        "an aim left out": lambda r: {"costs": without(r.costs, "variety")},
        "an aim that no tier has": lambda r: cost(r, continuity=0),
    },
    "objective": {"a lower objective": lambda r: {"objective": r.objective - 1}},
    "tiers": {
        "a lower value": lambda r: tier(r, 0, value=3, bound=3),
        "a higher value": lambda r: tier(r, -1, value=10**9, bound=10**9),
        "another name": lambda r: tier(r, 0, name="cost_2"),
        "a tier left out": lambda r: {"tiers": r.tiers[1:]},
        "tiers in another order": lambda r: {"tiers": r.tiers[::-1]},
        "a tier more": lambda r: {"tiers": (*r.tiers, Tier("variety", 0, 0, 0.0))},
        "a bound above the value": lambda r: tier(r, 0, bound=5),
        "a bound below nothing": lambda r: tier(r, 0, bound=-1, gap=1.25) | {"status": "gap"},
        "a gap too small": lambda r: tier(r, 0, bound=3),
        "a gap too large": lambda r: tier(r, 0, gap=0.5) | {"status": "gap"},
        "a gap that is no number": lambda r: tier(r, 0, gap=math.nan) | {"status": "gap"},
    },
    "status": {
        "optimal with a gap": lambda r: short(r, 0),
        "locks that hold": lambda r: {"status": "infeasible_locks"},
    },
    "reason": {
        "rules that leave out a site": lambda r: reason(r, "R3", rules={"S0": "travel_limit"}),
        "a rule that does not refuse": lambda r: reason(
            r, "R3", rules={"S0": "travel_limit", "S1": "access"}
        ),
        "a rule that is none": lambda r: reason(r, "R3", rules={"S0": "travel_limit", "S1": "fate"}),
        "an unknown site": lambda r: reason(r, "R3", rules={**r.unplaced["R3"].rules, "S9": "travel_limit"}),
        "rules where a site is open": lambda r: reason(r, "R4", kind="rules"),
        "a rule for an open site": lambda r: reason(
            r, "R4", rules=dict.fromkeys(("S0", "S1"), "travel_limit")
        ),
        "another kind": lambda r: reason(r, "R4", kind="fate"),
        "a shortage of others": lambda r: reason(r, "R4", competing=("R2",)),
        "an unknown rival": lambda r: reason(r, "R4", competing=("R2", "R4", "R9")),
        "an unknown department": lambda r: reason(r, "R4", departments=("D9",)),
        "fewer rivals than places": lambda r: reason(r, "R4", competing=("R4",)),
        "rivals who could go elsewhere": lambda r: reason(r, "R4", competing=("R2", "R4", "R0")),
        "no limit": lambda r: reason(r, "R4", caps=()),
        "a limit that is lower": lambda r: cap(r, places=0),
        "a limit that is no limit": lambda r: cap(r, level="trust", key="T1"),
        "a limit elsewhere": lambda r: cap(r, key="O0"),
        "a limit in another week": lambda r: cap(r, week=WEEKS[2]),
        "a limit in no week": lambda r: cap(r, week="2030-01-07"),
        "a limit of nothing known": lambda r: cap(r, key="O9"),
        "a limit of no department known": lambda r: cap(r, level="department", key="O1"),
        "a limit of no site known": lambda r: cap(r, level="site", key="O1"),
        "a limit of no trust known": lambda r: cap(r, level="trust", key="O1"),
        "a limit of no level known": lambda r: cap(r, level="region", key="T1"),
        "a limit of another rule": lambda r: cap(r, rule="travel_limit"),
        "a limit of another rule at a department": lambda r: cap(
            r, level="department", key="D1", rule="travel_limit"
        ),
        "supervision that is no limit": lambda r: cap(r, level="department", key="D1", rule="supervision"),
    },
    "conflicts": {
        "a conflict of locks that hold": lambda r: {"conflicts": (Conflict((PINS[0],), (), ("R2",)),)},
    },
}
# The same for PINNED, where one of two pinned to the same place is left over.
FALSE_OF_LOCKS = {
    "status": {
        "a gap": lambda r: {"status": "gap", "conflicts": ()},
        "optimal": lambda r: {"status": "optimal", "conflicts": ()},
    },
    "conflicts": {
        "a lock there is not": lambda r: conflict(r, locks=(Lock("R2", "S0", "pin"),)),
        "a pin said to be a ban": lambda r: conflict(r, locks=(Lock("R2", "S1", "ban"),)),
        "no locks": lambda r: conflict(r, locks=()),
        "a rule that is none": lambda r: conflict(r, rules=("fate",)),
        "nobody left over": lambda r: conflict(r, pinned=()),
        "one who is placed": lambda r: conflict(r, pinned=("R2",)),
        "one who is not pinned": lambda r: conflict(r, pinned=("R3",)),
        "one who is unknown": lambda r: conflict(r, pinned=("R9",)),
    },
    "tiers": {"the pinned not first": lambda r: {"tiers": (*r.tiers[1:], r.tiers[0])}},
}
CASES = [
    pytest.param(problem, claim, change, id=f"{claim}: {words}")
    for problem, false in ((RICH, FALSE), (PINNED, FALSE_OF_LOCKS))
    for claim, cases in false.items()
    for words, change in cases.items()
]


@pytest.mark.parametrize(("problem", "claim", "change"), CASES)
def test_a_false_claim_is_caught_and_nothing_else_is(problem, claim, change):
    result = right(problem)
    assert rules_broken(problem, POLICY, dataclasses.replace(result, **change(result))) == {claim}


def test_each_kind_of_claim_is_made_falsely():
    assert set(FALSE) == CLAIMS
    assert set(FALSE_OF_LOCKS) <= CLAIMS


def test_an_honest_gap_is_no_false_claim():
    result = right(RICH)
    for position, one in enumerate(result.tiers):
        if one.value:
            short_of_it = dataclasses.replace(result, **short(result, position), status="gap")
            assert verify(RICH, POLICY, short_of_it) == []
    assert verify(RICH, POLICY, dataclasses.replace(result, status="cancelled")) == []
    assert verify(PINNED, POLICY, dataclasses.replace(right(PINNED), conflicts=())) == []


def test_a_block_swapped_where_it_may_be_is_no_false_claim_and_taken_twice_breaks_the_rotation():
    result = right(RICH)
    swapped = {"R0": result.blocks["R1"], "R1": result.blocks["R0"]}
    assert verify(RICH, POLICY, dataclasses.replace(result, blocks=swapped)) == []
    twice = dataclasses.replace(result, blocks=dict.fromkeys(swapped, "A"))
    assert rules_broken(RICH, POLICY, twice) >= {"rotation", "one_place_a_week", "places"}


# -- the rules written down a second time ------------------------------------------------------------


def plainly_broken(problem: Problem, policy: Policy, stays: list[Stay]) -> set[str]:
    """The rules in force that some placings break, looked for one by one; supervision and shares apart."""
    found = {name for stay in stays for name in plainly_refused(problem, policy, stay)}
    beds, weeks = policy.accommodation, range(len(problem.weeks))
    for w in weeks:
        now = [s for s in stays if w in s.weeks]
        for level, name in (("offer", "maximum"), ("department", "places"), ("site", "places")):
            for key, held in Counter(getattr(s, level).key for s in now).items():
                most = getattr({x.key: x for x in getattr(problem, level + "s")}[key], name)
                if most is not None and held > most[w]:
                    found.add("places")
        for trust in problem.trusts:
            if trust.places is not None and sum(s.site.trust == trust.key for s in now) > trust.places[w]:
                found.add("places")
        for site in problem.sites:
            here = [s for s in now if s.site.key == site.key and in_a_bed(problem, policy, s)]
            if beds and here and len(here) > site.accommodation[w]:
                found.add("accommodation")
    for a, b in itertools.combinations(stays, 2):
        meet = set(a.weeks) & set(b.weeks)
        if a.learner is b.learner:
            if meet:
                found.add("one_place_a_week")
            if a.block is not None and (a.requirement.rotation, a.block) == (b.requirement.rotation, b.block):
                found.add("rotation")
        for c in problem.companions:
            both = a.learner is not b.learner and {a.learner.key, b.learner.key} <= set(c.learners)
            if meet and both and (c.kind == "together") != (a.site is b.site):
                found.add("companions")
    for learner in problem.learners:
        mine = [s.site.key for s in stays if s.learner is learner]
        ever = Counter([*learner.attended, *mine])
        if learner.site_repeats is not None and any(ever[site] > learner.site_repeats for site in mine):
            found.add("site_repeats")
        wanted, before = learner.different_sites, len(set(learner.attended))
        if wanted is not None and wanted > before:
            # The most there can still be, were everything left over placed somewhere new.
            all_of_theirs = sum(r.learner == learner.key for r in problem.requirements)
            in_the_end = len(ever) + all_of_theirs - len(mine)
            if in_the_end < min(wanted, before + all_of_theirs):
                found.add("different_sites")
    for a in problem.agreements:
        covered = [
            s
            for s in stays
            if (s.learner.hei, s.site.trust) == (a.hei, a.trust)
            and s.learner.group in (a.groups or s.learner.group)
            and s.learner.stage in (a.stages or s.learner.stage)
        ]
        if a.most is not None and len(covered) > a.most:
            found.add("agreements")
    return {name for name in found if getattr(policy, name) is not False}


def in_a_bed(problem: Problem, policy: Policy, stay: Stay) -> bool:
    minutes = problem.travel_minutes[problem.learners.index(stay.learner), problem.sites.index(stay.site)]
    limits = [policy.travel_limit[stay.learner.mode], stay.learner.travel_limit_minutes or 10**6]
    there = stay.site.accommodation or (0,) * 4
    return (
        stay.learner.accommodation
        and all(there[w] for w in stay.weeks)
        and bool(min(limits) < minutes != UNREACHABLE)
    )


def plainly_refused(problem: Problem, policy: Policy, stay: Stay) -> set[str]:
    learner, site, requirement, offer = stay.learner, stay.site, stay.requirement, stay.offer
    minutes = problem.travel_minutes[problem.learners.index(learner), problem.sites.index(site)]
    limit = min(policy.travel_limit[learner.mode], learner.travel_limit_minutes or 10**6)
    trust = next(t for t in problem.trusts if t.key == site.trust)
    caps = [p for p in (offer.maximum, stay.department.places, site.places, trust.places) if p is not None]
    where = {site.key, stay.department.key}
    locks = [x for x in problem.locks if x.requirement == requirement.key]
    refused = {
        "modality_fit": stay.department.modality not in requirement.modalities,
        "group_fit": (offer.groups and learner.group not in offer.groups)
        or (offer.stages and learner.stage not in offer.stages),
        "exclusion": site.key in learner.excluded_sites,
        "access": any(need not in site.access for need in learner.access_needs),
        "employer": learner.employer not in (None, site.trust) and not learner.released,
        "locks": any((x.kind == "pin") != (x.site_or_department in where) for x in locks),
        "travel_limit": minutes > limit and not (policy.accommodation and in_a_bed(problem, policy, stay)),
        "offer_weeks": min(p[w] for p in caps for w in stay.weeks) == 0,
    }
    return {rule for rule, is_broken in refused.items() if is_broken}


@given(mixed_problems(), mixed_policies(), st.data())
@settings(max_examples=500, deadline=None)
def test_whatever_is_placed_wherever_the_checker_finds_what_is_plainly_broken(problem, policy, data):
    count = Recount(problem, policy, Result("optimal"))
    stays = []
    for requirement in problem.requirements:
        if problem.offers and data.draw(st.integers(0, 3)):
            block = data.draw(st.sampled_from([name for name, _ in count.spans(requirement)]))
            stays.append(count.stay(requirement, data.draw(st.sampled_from(problem.offers)), block))
    result = claimed(problem, policy, stays)
    found = rules_broken(problem, policy, result)
    assert found - {"supervision"} == plainly_broken(problem, policy, stays)


@given(mixed_problems(), mixed_policies(), st.data())
@settings(max_examples=500, deadline=None)
def test_a_right_answer_with_one_placing_moved_is_judged_by_what_is_plainly_broken(problem, policy, data):
    trying = Trying(problem, policy)
    trying.best()
    stays, count = trying.stays, trying.count
    if not stays:
        return
    at = data.draw(st.integers(0, len(stays) - 1))
    block = data.draw(st.sampled_from([name for name, _ in count.spans(stays[at].requirement)]))
    moved = count.stay(stays[at].requirement, data.draw(st.sampled_from(problem.offers)), block)
    stays = [*stays[:at], moved, *stays[at + 1 :]]
    found = rules_broken(problem, policy, claimed(problem, policy, stays))
    assert found - {"supervision"} == plainly_broken(problem, policy, stays)
