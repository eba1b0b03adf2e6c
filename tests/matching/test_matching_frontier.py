"""The growth frontier: each step is the best addition there is, what stands beside it as a bound is what the
best set of as many reaches, and neither processes nor a break in between change it. Against every set of
additions on tiny problems."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import (
    Department,
    Learner,
    Never,
    Offer,
    Policy,
    Problem,
    Requirement,
    Rotation,
    Site,
    Trust,
    generate,
    solve,
)
from matching.additions import (
    Addition,
    Amount,
    GrowthError,
    MoreLearners,
    possible_additions,
    with_additions,
    with_learners,
)
from matching.frontier import SOLVED_EACH, GrowthStep, frontier
from matching.frontier_tried import Tried
from matching.generate_year import generate_year
from tests.matching.matching_problems import WEEKS, mixed_policies, mixed_problems, one_site
from tests.matching.test_matching_metamorphic import side_by_side


def tiers(problem: Problem, policy: Policy) -> dict[str, int]:
    result = solve(problem, policy)
    assert all(tier.gap == 0 for tier in result.tiers)
    return {tier.name: tier.value for tier in result.tiers}


def values(step: GrowthStep) -> dict[str, int]:
    return {tier.name: tier.value for tier in step.tiers}


def sets_of(additions: tuple[Addition, ...], k: int) -> list[tuple[Addition, ...]]:
    """Every set of exactly `k` additions."""
    chosen = combinations_with_replacement(additions, k)
    return [some for some in chosen if all(some.count(a) <= a.most for a in some)]


def best_of(problem: Problem, policy: Policy, additions: tuple[Addition, ...], k: int) -> tuple[int, ...]:
    """The best tiers of any set of at most `k` additions, by trying them all. More never hurts, so exactly
    `k` where there are so many."""
    sets = sets_of(additions, min(k, sum(a.most for a in additions)))
    return min(tuple(tiers(with_additions(problem, some), policy).values()) for some in sets)


def left_of(additions: tuple[Addition, ...], made: list[Addition]) -> tuple[Addition, ...]:
    return tuple(a for a in additions for _ in range(a.most - made.count(a)))


# -- against everything ------------------------------------------------------------


@st.composite
def additions_to(draw: Callable, problem: Problem) -> tuple[Addition, ...]:
    """Up to four additions of every kind, now and then two things at once, or one that may be made twice."""
    kinds = [("site", s.key) for s in problem.sites] + [("trust", t.key) for t in problem.trusts]
    kinds += [("department", d.key) for d in problem.departments]
    kinds += [("offer", o.key) for o in problem.offers] * 3
    kinds += [("wte", d.key) for d in problem.departments if d.wte is not None] * 2
    kinds += [("educator", e.key) for e in problem.educators] * 2
    weeks = st.sampled_from([(), (), (0, 1), (2, 3), (1, 2), (3,)])

    def amount() -> Amount:
        kind, key = draw(st.sampled_from(kinds))
        much = draw(st.sampled_from([0.1, 0.5, 0.25])) if kind in ("wte", "educator") else 1
        return Amount(kind, key, much, draw(weeks))

    return tuple(
        Addition(
            f"A{i}",
            tuple(amount() for _ in range(draw(st.sampled_from([1, 1, 1, 2])))),
            draw(st.sampled_from([1, 1, 2])),
        )
        for i in range(draw(st.integers(1, 4)))
    )


@given(mixed_problems(most_requirements=4), mixed_policies(), st.data())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_each_step_is_the_best_addition_and_its_bound_the_best_set_of_as_many(problem, policy, data):
    additions = data.draw(additions_to(problem))
    by_key = {a.key: a for a in additions}
    made: list[Addition] = []

    def reached(more: tuple[Addition, ...] = ()) -> tuple[int, ...]:
        return tuple(tiers(with_additions(problem, [*made, *more]), policy).values())

    before = reached()
    found = list(frontier(problem, policy, additions=additions, steps=3))
    assert found[0].added == ()
    assert tuple(values(found[0]).values()) == before == tuple(found[0].bound.values())
    for step in found[1:]:
        left = left_of(additions, made)
        each = {a.key: reached((a,)) for a in left}
        after = tuple(values(step).values())
        assert after < before
        if len(step.added) == 1:
            assert after == min(each.values())
            assert step.added == (next(key for key, value in each.items() if value == after),)
        else:
            assert min(each.values()) == before
            fewer = combinations_with_replacement(left, len(step.added) - 1)
            sets = [some for some in fewer if all(some.count(a) <= left.count(a) for a in some)]
            assert all(reached(some) == before for some in sets)
        assert tuple(step.gain.values()) == tuple(np.subtract(before, after))
        made += [by_key[key] for key in step.added]
        before = after
        least = best_of(problem, policy, additions, len(made))
        assert tuple(step.reached.values()) >= least >= tuple(step.bound.values())
        if policy.places:  # one program tells
            assert tuple(step.bound.values()) == tuple(step.reached.values())
        assert len(step.together) <= len(made)
        assert step.reached == tiers(with_additions(problem, [by_key[key] for key in step.together]), policy)
        assert step.exact == (after == tuple(step.bound.values()))
    if len(found) < 4:
        assert all(reached((a,)) == before for a in left_of(additions, made))
        if policy.places:
            assert reached(left_of(additions, made)[:4]) == before


def line(places: int, learners: int, sites: int = 1) -> Problem:
    """`one_site` with the sites further and further away."""
    problem = one_site(places, learners, sites=sites)
    minutes = np.tile(10 * np.arange(1, sites + 1), (learners, 1)).astype(np.uint16)
    return dataclasses.replace(problem, travel_minutes=minutes)


# -- what it is for ------------------------------------------------------------


def test_places_are_added_nearest_first_until_everybody_has_one():
    problem = line(1, 2, sites=2)
    additions = possible_additions(problem)
    assert [a.key for a in additions] == ["O0: 1 more in weeks 1 to 2", "O1: 1 more in weeks 1 to 2"]
    twice = tuple(dataclasses.replace(a, most=2) for a in additions)
    found = list(
        frontier(problem, additions=twice, more_learners=[MoreLearners(2, learners=("L0",))], steps=9)
    )
    assert [step.added for step in found] == [(), (additions[0].key,), (additions[0].key,)]
    assert [values(step)["unplaced_priority_1"] for step in found] == [2, 1, 0]
    assert [step.gain["unplaced_priority_1"] for step in found] == [0, 1, 1]
    assert all(step.exact for step in found)


def test_a_place_and_the_wte_for_it_are_taken_together_where_neither_is_worth_anything_alone():
    one_place = Department("D0", "S0", "xray", wte=(0.5,) * 4)
    problem = dataclasses.replace(line(1, 2), departments=(one_place,))
    additions = (
        Addition("place", (Amount("offer", "O0", 1),)),
        Addition("WTE", (Amount("wte", "D0", 0.5),)),
    )
    policy = Policy(above_preferred=0, supervisor_load=())
    found = list(frontier(problem, policy, additions=additions))
    assert [step.added for step in found] == [(), ("place", "WTE")]
    assert [values(step)["unplaced_priority_1"] for step in found] == [1, 0]
    both = Addition("both", tuple(amount for a in additions for amount in a.amounts))
    assert [step.added for step in frontier(problem, policy, additions=(both,))] == [(), ("both",)]


def _crossed() -> tuple[Problem, tuple[Addition, ...]]:
    """Two learners at either end. Addition "middle" places one of each; "left" and "right" both of theirs.
    All do as well alone, so the first is taken, after which one learner is left whichever comes next."""
    ends = {"L0": "S0", "L1": "S0", "L2": "S1", "L3": "S1"}
    problem = Problem(
        weeks=WEEKS,
        trusts=(Trust("T"),),
        sites=(Site("S0", "T"), Site("S1", "T")),
        departments=(Department("D0", "S0", "xray"), Department("D1", "S1", "xray")),
        offers=tuple(Offer(f"O{j}", f"D{j}", preferred=(0,) * 4, maximum=(0,) * 4) for j in range(2)),
        learners=tuple(Learner(key, "a", "1", "H") for key in ends),
        requirements=tuple(Requirement(f"R{key}", key, "B", ("xray",), (0,)) for key in ends),
        travel_minutes=np.array(
            [[10 if site == f"S{j}" else 65535 for j in range(2)] for site in ends.values()], np.uint16
        ),
    )
    middle = (Amount("offer", "O0", 1, (0,)), Amount("offer", "O1", 1, (0,)))
    return problem, (
        Addition("middle", middle),
        Addition("left", (Amount("offer", "O0", 2, (0,)),)),
        Addition("right", (Amount("offer", "O1", 2, (0,)),)),
    )


def test_a_better_set_than_the_one_taken_step_by_step_is_named_with_its_tiers():
    problem, additions = _crossed()
    found = list(frontier(problem, additions=additions, steps=2))
    assert [step.added for step in found] == [(), ("middle",), ("left",)]
    last = found[-1]
    assert not last.exact
    assert last.together == ("left", "right")
    assert (values(last)["unplaced_priority_1"], last.reached["unplaced_priority_1"]) == (1, 0)
    assert last.gap["unplaced_priority_1"] == 1
    assert last.bound == last.reached
    plain = list(frontier(problem, additions=additions, steps=2, together=False))
    assert [step.added for step in plain] == [step.added for step in found]
    assert plain[-1].together == ("left", "middle")


def test_of_many_additions_one_program_finds_the_best_that_solving_each_finds():
    problem = generate("tiny", seed=1)
    additions = possible_additions(problem, wte=0.5)
    assert len(additions) > SOLVED_EACH
    one = list(frontier(problem, additions=additions, steps=3))
    each = list(frontier(problem, additions=additions, steps=3, together=False))
    assert all(step.exact for step in one)
    assert sum(step.solved for step in one) < sum(step.solved for step in each)
    assert [step.tiers for step in one] == [step.tiers for step in each]


@given(mixed_problems(), mixed_problems(), mixed_policies(), st.data())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_solved_region_by_region_the_tiers_are_those_of_the_whole(one, two, policy, data):
    """Two problems side by side, so that there are regions."""
    problem = side_by_side(one, two)
    additions = data.draw(additions_to(problem))
    tried = Tried(problem, policy, additions, 60.0, 1, Never())
    sets = [tuple(data.draw(st.integers(0, a.most)) for a in additions) for _ in range(2)]
    for counts, value in zip(sets, tried.values(sets), strict=True):
        made = [a for a, n in zip(additions, counts, strict=True) for _ in range(n)]
        whole = tiers(with_additions(problem, made), policy)
        assert value is not None
        assert [(tier.name, tier.value) for tier in value.tiers] == list(whole.items())
        assert value.floor == value.reached


# -- the same however it is run ------------------------------------------------------------


def test_the_steps_are_the_same_on_several_processes_and_after_a_break():
    problem = generate_year("tiny", seed=3)
    additions = possible_additions(problem, wte=0.5)
    some = additions[:: len(additions) // 4]
    recipe = [MoreLearners(3, group="diagnostic")]
    policy = Policy(tiers=({"travel": 1},))
    whole = list(frontier(problem, policy, more_learners=recipe, additions=some, steps=2))
    shared = list(frontier(problem, policy, more_learners=recipe, additions=some, steps=2, processes=2))
    assert shared == whole
    done = [key for step in whole[:2] for key in step.added]
    later = list(
        frontier(problem, policy, more_learners=recipe, additions=some, steps=len(whole) - 2, done=done)
    )
    assert [step.added for step in later] == [step.added for step in whole[2:]]
    assert [step.tiers for step in later] == [step.tiers for step in whole[2:]]
    assert [step.bound for step in later] == [step.bound for step in whole[2:]]


def test_many_useless_additions_are_passed_over_in_groups():
    problem = line(1, 3, sites=1)
    elsewhere = tuple(Department(f"D{j}", "S0", "mri") for j in range(1, 17))
    offers = tuple(Offer(f"O{j}", f"D{j}", preferred=(1,) * 4, maximum=(1,) * 4) for j in range(1, 17))
    problem = dataclasses.replace(
        problem,
        departments=(*problem.departments, *elsewhere),
        offers=(*problem.offers, *offers),
    )
    additions = tuple(Addition(o.key, (Amount("offer", o.key, 1),)) for o in problem.offers)
    found = list(frontier(problem, additions=additions, steps=1, together=False))
    assert found[-1].added == ("O0",)
    assert found[-1].solved < len(additions)


def test_it_ends_where_it_is_stopped_with_the_steps_so_far():
    problem = line(1, 6)
    additions = (dataclasses.replace(possible_additions(problem)[0], most=5),)
    told: list[str] = []
    found = []
    for step in frontier(
        problem,
        additions=additions,
        steps=5,
        progress=lambda p: told.append(p.stage),
        stop=lambda: len(told) >= 2,
    ):
        found.append(step)
    assert len(found) == 3
    assert told == ["addition 1 of 5", "addition 2 of 5"]
    assert not list(frontier(problem, additions=additions, stop=lambda: True))


# -- more learners, more places: the parts ------------------------------------------------------------


def test_more_learners_are_copies_with_their_rotations_and_journeys_but_no_locks():
    problem = dataclasses.replace(
        line(2, 2, sites=2),
        rotations=(Rotation("F", "L1", ("B1", "B2"), ((0, 1), (2, 3))),),
    )
    floating = Requirement("R1", "L1", "", ("xray",), (), rotation="F")
    problem = dataclasses.replace(problem, requirements=(problem.requirements[0], floating))
    grown = with_learners(problem, [MoreLearners(3), MoreLearners(1, learners=("L1",))])
    assert [x.key for x in grown.learners] == ["L0", "L1", "L0+1", "L1+1", "L0+2", "L1+2"]
    assert [(r.key, r.learner, r.rotation) for r in grown.requirements[2:]] == [
        ("R0+1", "L0+1", None),
        ("R1+1", "L1+1", "F+1"),
        ("R0+2", "L0+2", None),
        ("R1+2", "L1+2", "F+2"),
    ]
    assert [f.learner for f in grown.rotations] == ["L1", "L1+1", "L1+2"]
    assert np.array_equal(grown.travel_minutes, problem.travel_minutes[[0, 1, 0, 1, 0, 1]])


def test_an_addition_changes_what_it_names_in_its_weeks_alone():
    problem = dataclasses.replace(
        line(1, 1),
        trusts=(Trust("T", (1,) * 4),),
        departments=(Department("D0", "S0", "xray", wte=(0.1, 0.2, 0.3, 0.4)),),
    )
    amounts = (
        Amount("offer", "O0", 2, (1,)),
        Amount("trust", "T", 1, (0, 3)),
        Amount("wte", "D0", 0.2),
        Amount("site", "S0", 5),
    )
    made = with_additions(problem, [Addition("A", amounts)] * 2)
    assert made.offers[0].maximum == (1, 5, 1, 1)
    assert made.offers[0].preferred == (1, 5, 1, 1)
    assert made.trusts[0].places == (3, 1, 1, 3)
    assert made.departments[0].wte == (0.5, 0.6, 0.7, 0.8)
    assert made.sites[0].places is None


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (Amount("ward", "O0", 1), "kind is 'ward'; it must be one of offer, department"),
        (Amount("offer", "O9", 1), "key is 'O9'; it must be the key of one of the problem's offers"),
        (Amount("offer", "O0", 0.5), "amount is 0.5; it must be a whole number"),
        (Amount("wte", "D0", -1), "amount is -1; it must be a number from 0"),
        (Amount("wte", "D0", 1.0), "key is 'D0'; it must be a department with a WTE of its own"),
        (Amount("offer", "O0", 1, (4,)), "weeks"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(amount, words):
    with pytest.raises(GrowthError, match=words):
        with_additions(line(1, 1), [Addition("A", (amount,))])


def test_recipes_and_keys_that_do_not_fit_are_refused():
    problem, place = line(1, 1), Addition("A", (Amount("offer", "O0", 1),))
    with pytest.raises(GrowthError, match="at least one learner in this problem"):
        next(frontier(problem, additions=[place], more_learners=[MoreLearners(1, hei="elsewhere")]))
    with pytest.raises(GrowthError, match="the key of a learner in this problem"):
        next(frontier(problem, additions=[place], more_learners=[MoreLearners(1, learners=("L9",))]))
    with pytest.raises(GrowthError, match="that of one addition only"):
        next(frontier(problem, additions=[place, place]))
    with pytest.raises(GrowthError, match="the key of an addition"):
        next(frontier(problem, additions=[place], done=["B"]))
    with pytest.raises(GrowthError, match="named at most 1 times"):
        next(frontier(problem, additions=[place], done=["A", "A"]))


def test_possible_additions_are_places_by_block_and_wte_for_the_round():
    problem = generate_year("tiny", seed=3)
    found = possible_additions(problem, wte=0.1)
    assert len({a.key for a in found}) == len(found)
    own = [d.key for d in problem.departments if d.wte is not None]
    assert 0 < len(own) < len(problem.departments)
    assert [a.amounts[0].key for a in found if a.amounts[0].kind == "wte"] == sorted(own)
    asked = {r.weeks for r in problem.requirements} | {w for f in problem.rotations for w in f.weeks}
    assert {a.amounts[0].weeks for a in found if a.amounts[0].kind == "offer"} <= asked
    with_additions(problem, found)
