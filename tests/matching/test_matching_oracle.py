"""The oracle itself: answers known by hand for every rule and aim, and its short cuts against none."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from matching import (
    RULES,
    UNREACHABLE,
    Agreement,
    Companions,
    Department,
    Educator,
    Learner,
    Lock,
    Offer,
    Placing,
    Policy,
    Problem,
    Requirement,
    Rotation,
    Site,
    Trust,
    verify,
)
from matching.policy import TERMS
from matching.recount import thousandths
from matching.recount_aims import aims, tiers
from matching.recount_rules import broken_together
from matching.recount_supervision import load_cost, own_wte, supervised, supervision
from tests.matching.matching_oracle import Trying, best_by_trying, best_result
from tests.matching.matching_problems import WEEKS, mixed_policies, mixed_problems

FIRST, SECOND = (0, 1), (2, 3)
# A minute of travel is a point and nothing else costs anything.
PLAIN = Policy(travel=((0, 1),), tiers=({"travel": 1},))
ROTATION = Rotation("F", "L0", ("A", "B"), (FIRST, SECOND))


def made(
    minutes: list[list[int]],
    *,
    places: int = 1,
    wants: tuple[tuple[int, tuple[int, ...]], ...] = (),
    wte: tuple[float | None, ...] = (),
    learner: dict[str, object] | None = None,
    requirement: dict[str, object] | None = None,
    site: dict[str, object] | None = None,
    **parts: object,
) -> Problem:
    """Learners (rows) and sites (columns), each site a trust and an X-ray department with so many places;
    `wants` are (learner, weeks), one each in the first two weeks if not given; no weeks is one that floats.
    `learner`, `requirement` and `site` change all of each."""
    rows, columns = range(len(minutes)), range(len(minutes[0]))
    wants = wants or tuple((i, FIRST) for i in rows)
    return Problem(
        WEEKS,
        tuple(Trust(f"T{j}") for j in columns),
        tuple(Site(f"S{j}", f"T{j}", **(site or {})) for j in columns),
        tuple(
            Department(f"D{j}", f"S{j}", "xray", wte=None if own is None else (own,) * 4)
            for j, own in zip(columns, wte or (None,) * len(columns), strict=True)
        ),
        tuple(Offer(f"O{j}", f"D{j}", (), (), (places,) * 4, (places,) * 4) for j in columns),
        tuple(Learner(f"L{i}", "a", "1", "H", **(learner or {})) for i in rows),
        tuple(
            Requirement(
                f"R{n}",
                f"L{i}",
                str(weeks) if weeks else "",
                ("xray",),
                weeks,
                rotation=None if weeks else "F",
                **(requirement or {}),
            )
            for n, (i, weeks) in enumerate(wants)
        ),
        rotations=() if all(weeks for _, weeks in wants) else (ROTATION,),
        travel_minutes=np.array(minutes, np.uint16),
        **parts,
    )


def first(problem: Problem, part: str, **changes: object) -> Problem:
    items = getattr(problem, part)
    return dataclasses.replace(problem, **{part: (dataclasses.replace(items[0], **changes), *items[1:])})


def agreement(trust: str, least: int = 0, most: int | None = None) -> dict[str, tuple[Agreement, ...]]:
    return {"agreements": (Agreement("A", "H", trust, least, most),)}


def companions(kind: str) -> dict[str, tuple[Companions, ...]]:
    return {"companions": (Companions("C", kind, ("L0", "L1")),)}


ONE = made([[10, 40]])
NONE_OFF = {"travel_limit": {"car": 1000, "public_transport": 1000}, "supervision": None}
# For each rule a problem, other settings, and the requirements left over and minutes with it and without.
RULE_CASES = {
    "modality_fit": (first(ONE, "departments", modality="ct"), {}, (0, 40), (0, 10)),
    "group_fit": (first(ONE, "offers", groups=("b",)), {}, (0, 40), (0, 10)),
    "exclusion": (first(ONE, "learners", excluded_sites=("S0",)), {}, (0, 40), (0, 10)),
    "access": (first(ONE, "learners", access_needs=("lift",)), {}, (1, 0), (0, 10)),
    "employer": (first(ONE, "learners", employer="T1"), {}, (0, 40), (0, 10)),
    "locks": (dataclasses.replace(ONE, locks=(Lock("R0", "D0", "ban"),)), {}, (0, 40), (0, 10)),
    "travel_limit": (made([[100]]), {}, (1, 0), (0, 100)),
    "offer_weeks": (
        first(ONE, "offers", preferred=(1, 0, 1, 1), maximum=(1, 0, 1, 1)),
        {"places": False},
        (0, 40),
        (0, 10),
    ),
    "supervision": (made([[10, 40]], wte=(0.4, None)), {}, (0, 40), (0, 10)),
    "places": (made([[10, 40], [10, 50]]), {}, (0, 50), (0, 20)),
    "one_place_a_week": (made([[10]], places=2, wants=((0, FIRST), (0, (1, 2)))), {}, (1, 10), (0, 20)),
    "accommodation": (
        made([[100], [100]], places=2, learner={"accommodation": True}, site={"accommodation": (1,) * 4}),
        {},
        (1, 90),
        (2, 0),
    ),
    "rotation": (
        first(
            made([[10]], wants=((0, ()), (0, ()))),
            "offers",
            preferred=(2, 2, 0, 0),
            maximum=(2, 2, 0, 0),
        ),
        {"one_place_a_week": False},
        (1, 10),
        (0, 20),
    ),
    "site_repeats": (
        made([[10, 40]], learner={"site_repeats": 1, "attended": ("S0",)}),
        {},
        (0, 40),
        (0, 10),
    ),
    "different_sites": (
        made([[10, 40]], wants=((0, FIRST), (0, SECOND)), learner={"different_sites": 2}),
        {},
        (0, 50),
        (0, 20),
    ),
    "companions": (made([[10, 40], [40, 10]], places=2, **companions("together")), {}, (0, 50), (0, 20)),
    "agreements": (made([[10, 40], [10, 50]], places=2, **agreement("T0", most=1)), {}, (0, 50), (0, 20)),
}


def reached(problem: Problem, policy: Policy) -> tuple[int, int]:
    """The requirements left over, whatever their tier, and the minutes of the best answer."""
    value = best_by_trying(problem, policy)
    return sum(v for name, v in value.items() if name.startswith("unplaced")), value["travel"] // 1000


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_binds_as_counted_by_hand_and_only_while_it_is_in_force(rule):
    problem, other, with_it, without = RULE_CASES[rule]
    policy = PLAIN.replace(**other)
    assert reached(problem, policy) == with_it
    assert reached(problem, policy.replace(**{rule: NONE_OFF.get(rule, False)})) == without


MORE = {
    "apart": (made([[10, 40], [10, 50]], places=2, **companions("apart")), (0, 50)),
    "apart in different weeks": (
        made([[10, 40], [10, 50]], places=2, wants=((0, FIRST), (1, SECOND)), **companions("apart")),
        (0, 20),
    ),
    "a companion who is left over breaks nothing": (
        made([[10, 40], [95, 95]], **companions("together")),
        (1, 10),
    ),
    "a shorter limit of one's own": (made([[60]], learner={"travel_limit_minutes": 50}), (1, 0)),
    "released": (made([[10, 40]], learner={"employer": "T1", "released": True}), (0, 10)),
    "beds are for those beyond the limit": (
        made(
            [[100], [100], [20]],
            places=3,
            learner={"accommodation": True},
            site={"accommodation": (2,) * 4},
        ),
        (0, 90 + 90 + 20),
    ),
    "a journey as long as the limit takes no bed": (
        made([[90], [90]], places=2, learner={"accommodation": True}, site={"accommodation": (1,) * 4}),
        (0, 180),
    ),
    "a bed is needed in every week": (
        made([[100]], learner={"accommodation": True}, site={"accommodation": (2, 0, 2, 2)}),
        (1, 0),
    ),
    "no bed for those who would not take one": (made([[100]], site={"accommodation": (2,) * 4}), (1, 0)),
    "no bed makes a site reachable": (
        made([[UNREACHABLE]], learner={"accommodation": True}, site={"accommodation": (2,) * 4}),
        (1, 0),
    ),
    "attended more often than allowed": (
        made([[10, 40]], learner={"site_repeats": 1, "attended": ("S0", "S0")}),
        (0, 40),
    ),
    "attended sites count as different": (
        made(
            [[10, 40]], wants=((0, FIRST), (0, SECOND)), learner={"different_sites": 1, "attended": ("S1",)}
        ),
        (0, 20),
    ),
    "one of two left over can still become different": (
        made([[10, 95]], wants=((0, FIRST), (0, SECOND)), learner={"different_sites": 2}),
        (1, 10),
    ),
    "different sites out of reach": (
        made([[10, 40]], wants=((0, FIRST), (0, SECOND)), learner={"different_sites": 9}),
        (0, 50),
    ),
    "a rotation takes its blocks in any order": (made([[10]], wants=((0, ()), (0, ()))), (0, 20)),
    "an agreement of other learners": (
        made([[10, 40], [10, 50]], places=2, agreements=(Agreement("A", "H", "T0", 0, 1, ("b",)),)),
        (0, 20),
    ),
}


@pytest.mark.parametrize("case", MORE)
def test_what_else_a_rule_says(case):
    problem, expected = MORE[case]
    assert reached(problem, PLAIN) == expected


def test_a_floating_requirement_takes_the_block_that_is_left():
    problem = made([[10]], wants=((0, ()), (0, SECOND)))
    result = best_result(problem, PLAIN)
    assert result.assignment == {"R0": "O0", "R1": "O0"}
    assert result.blocks == {"R0": "A"}


def test_the_least_agreed_comes_after_the_pinned_and_before_everyone_else():
    # Both could go to S0; the agreement wants one at S1, where only one fits anyway.
    problem = made([[10, 40], [10, 50]], places=2, **agreement("T1", least=1))
    assert best_by_trying(problem, PLAIN) == {
        "agreement_shortfall": 0,
        "unplaced_priority_1": 0,
        "travel": 50_000,
    }
    pinned = dataclasses.replace(problem, locks=(Lock("R0", "S0", "pin"), Lock("R1", "D0", "pin")))
    assert best_by_trying(pinned, PLAIN) == {"unplaced_pinned": 0, "agreement_shortfall": 1, "travel": 20_000}
    assert "agreement_shortfall" not in best_by_trying(problem, PLAIN.replace(agreements=False))


def test_no_amount_of_a_lower_tier_buys_one_unit_of_a_higher():
    # A minute off the longest journey, at 28 more for both at a thousand points each.
    problem = made([[10, 40], [39, 41]])
    dear = PLAIN.replace(tiers=({"worst_travel": 1}, {"travel": 1000}))
    assert list(best_by_trying(problem, dear).values())[1:] == [40_000, 1000 * 79_000]
    # One of first priority in all four weeks, at the longest journey, or two of the second beside the site.
    problem = made([[90], [1], [1]], wants=((0, FIRST + SECOND), (1, FIRST), (2, SECOND)))
    later = [dataclasses.replace(r, priority=2) for r in problem.requirements[1:]]
    problem = dataclasses.replace(problem, requirements=(problem.requirements[0], *later))
    value = best_by_trying(problem, PLAIN.replace(travel=((0, 10_000),)))
    assert value == {"unplaced_priority_1": 0, "unplaced_priority_2": 2, "travel": 900_000_000}


PAIR = made([[10, 40], [20, 50]])
STEEP = Policy(travel=((0, 1), (30, 2)), preference_step=7, preference_unranked=40)
LIKES = made([[10, 40]], learner={"preferences": ("S1", "S0")})
# For each aim, alone in its tier: a problem, and the value counted by hand in thousandths of a point.
AIM_CASES = {
    # One of them goes far: 10 + (30 + 2 x 20), or 20 + (30 + 2 x 10).
    "travel": (PAIR, 70_000),
    "worst_travel": (PAIR, 40_000),
    "preferences": (first(LIKES, "learners", excluded_sites=("S1",)), 7_000),
    "worst_preference": (made([[10, 95]], learner={"preferences": ("S1",)}), 1_000),
    "above_preferred": (
        first(made([[10]] * 3, places=4), "offers", preferred=(1,) * 4, maximum=(4,) * 4),
        # The first above preferred costs 4/3 of a point, the second 8/3, rounded down; two weeks.
        2 * (1333 + 2666),
    ),
    # 0.5 of 1.0 WTE: nothing above 50 %; with 0.75, 250 above at 2 points, in each of two weeks.
    "supervisor_load": (made([[10]], wte=(1.0,), requirement={"weight": 0.75}), 2 * 250 * 2),
    "past_travel": (made([[10, 40]], learner={"past_minutes": 95}), 1000 * 10 * 95 // 60),
    # Three requirements, of which two can be placed: 10 + 50 minutes over 3.
    "hei_fairness": (made([[10, 40], [20, 45], [95, 95]]), -(-1000 * (10 + 45) // 3)),
    "continuity": (made([[10, 95]], learner={"hub": "T1"}), 1_000),
    "variety": (
        made([[10, 40]], wants=((0, FIRST), (0, SECOND)), learner={"attended": ("S1",)}),
        1_000,
    ),
    "changes": (
        dataclasses.replace(PAIR, published=(Placing("R0", "O0"), Placing("R1", "O0"))),
        1_000,
    ),
}


@pytest.mark.parametrize("aim", TERMS)
def test_each_aim_is_as_counted_by_hand(aim):
    problem, expected = AIM_CASES[aim]
    value = best_by_trying(problem, STEEP.replace(tiers=({aim: 1},)))
    assert value[aim] == expected
    assert best_by_trying(problem, STEEP.replace(tiers=({aim: 3},)))[aim] == 3 * expected


HEIS = made([[60], [10], [20], [95]], places=4)
HEIS = dataclasses.replace(
    HEIS, learners=(dataclasses.replace(HEIS.learners[0], hei="G"), *HEIS.learners[1:])
)
MORE_AIMS = {
    "nobody placed": ("worst_travel", made([[95]], learner={"preferences": ("S0",)}), {}, 0),
    "nobody placed at a preference": (
        "worst_preference",
        made([[95]], learner={"preferences": ("S0",)}),
        {},
        0,
    ),
    "nobody placed of any HEI": ("hei_fairness", made([[95]]), {}, 0),
    "the worst HEI, not the best": ("hei_fairness", HEIS, {}, 60_000),
    "the worst rank, not the best": (
        "worst_preference",
        dataclasses.replace(
            made([[10, 95], [95, 10]]),
            learners=tuple(
                dataclasses.replace(x, preferences=("S0", "S1")) for x in made([[10, 95], [95, 10]]).learners
            ),
        ),
        {},
        1_000,
    ),
    "an offer of one place above preferred": (
        "above_preferred",
        first(made([[10]] * 3, places=3), "offers", preferred=(2,) * 4),
        {},
        2 * 4000,
    ),
    "every place beyond the last costs as much": (
        "above_preferred",
        first(made([[10]] * 4, places=2), "offers", preferred=(1,) * 4),
        {"places": False},
        2 * 3 * 4000,
    ),
    "an offer with no place preferred": (
        "above_preferred",
        first(made([[10]] * 3, places=2), "offers", preferred=(2,) * 4),
        {"places": False},
        2 * 4000,
    ),
    "no rank costs more than no rank": (
        "preferences",
        made([[95, 95, 10]], learner={"preferences": ("S0", "S1", "S2")}),
        {"preference_unranked": 9},
        9_000,
    ),
    "a site on no list": ("preferences", made([[95, 10]], learner={"preferences": ("S0",)}), {}, 40_000),
    "no list, no cost": ("preferences", ONE, {}, 0),
    "at home": ("continuity", made([[10]], learner={"hub": "T0"}), {}, 0),
    "twice at a new site": ("variety", made([[10]], wants=((0, FIRST), (0, SECOND))), {}, 1_000),
    "a department with no WTE declared": ("supervisor_load", made([[10]]), {}, 0),
    "a department with no WTE": (
        "supervisor_load",
        made([[10]], wte=(0.0,)),
        {"supervision": None},
        # Half a WTE above each of 50, 75 and 90 % of nothing, in two weeks.
        2 * 500 * (2 + 4 + 8),
    ),
}


@pytest.mark.parametrize("case", MORE_AIMS)
def test_what_else_an_aim_counts(case):
    aim, problem, other, expected = MORE_AIMS[case]
    assert best_by_trying(problem, STEEP.replace(tiers=({aim: 1},), **other))[aim] == expected


def test_only_tiers_that_there_are_have_a_value():
    pinned = dataclasses.replace(ONE, locks=(Lock("R0", "S1", "pin"),))
    assert best_by_trying(pinned, PLAIN) == {"unplaced_pinned": 0, "travel": 40_000}
    assert best_by_trying(pinned, PLAIN.replace(locks=False)) == {"unplaced_priority_1": 0, "travel": 10_000}
    most = made([[10, 40]], **agreement("T0", most=1))
    assert best_by_trying(most, PLAIN) == {"unplaced_priority_1": 0, "travel": 10_000}
    several = made([[10], [20]], places=2)
    later = dataclasses.replace(several.requirements[0], priority=9)
    several = dataclasses.replace(several, requirements=(later, several.requirements[1]))
    mixed = PLAIN.replace(
        tiers=({"travel": 1, "changes": 1}, {"worst_travel": 2}, {"variety": 1, "continuity": 1})
    )
    assert list(best_by_trying(several, mixed).items()) == [
        ("unplaced_priority_1", 0),
        ("unplaced_priority_9", 0),
        ("cost", 30_000),
        ("worst_travel", 40_000),
        ("cost_2", 0),
    ]


def test_the_shortfall_is_counted_over_each_agreement():
    # L0 goes to T0 and L1 nowhere: A, B and D are one short each.
    problem = made(
        [[10, 95], [95, 95]],
        agreements=(
            Agreement("A", "H", "T0", 2, None, ("a",)),
            Agreement("B", "H", "T1", 1),
            Agreement("C", "G", "T0", 0),
            Agreement("D", "H", "T0", 1, None, ("b",)),
            Agreement("E", "H", "T0", 1, None, (), ("1",)),
        ),
    )
    assert best_by_trying(problem, PLAIN)["agreement_shortfall"] == 1 + 1 + 0 + 1 + 0


def test_a_bed_counts_the_limit_in_every_aim_of_travel():
    problem = made(
        [[200]],
        learner={"accommodation": True, "past_minutes": 60, "travel_limit_minutes": 45},
        site={"accommodation": (1,) * 4},
    )
    aims_of_travel = ("travel", "worst_travel", "past_travel", "hei_fairness")
    value = best_by_trying(problem, PLAIN.replace(tiers=tuple({a: 1} for a in aims_of_travel)))
    assert [value[a] for a in aims_of_travel] == [45_000] * 4


def test_a_change_is_another_offer_another_block_or_no_place():
    problem = made([[10, 40]], wants=((0, ()),))
    for offer, block, closed, changes in (
        ("O0", "B", {}, 0),
        ("O1", "A", {}, 0),
        ("O0", "B", {"preferred": (1, 1, 0, 0), "maximum": (1, 1, 0, 0)}, 1),
    ):
        one = dataclasses.replace(problem, published=(Placing("R0", offer, block),))
        one = first(one, "offers", **closed)
        tiers = ({"travel": 1}, {"changes": 1}) if closed else ({"changes": 1}, {"travel": 1})
        assert best_by_trying(one, PLAIN.replace(tiers=tiers))["changes"] == 1000 * changes
    gone = made([[95]], published=(Placing("R0", "O0"),))
    assert best_by_trying(gone, PLAIN.replace(tiers=({"changes": 1},)))["changes"] == 1000


# -- educators ------------------------------------------------------------


def shared(
    wte: float, *own: float | None, load: float | None = 1.0, weight: float = 0.5
) -> dict[str, object]:
    """Two learners, each with a site of their own, and an educator who serves both departments."""
    problem = made(
        [[10, 95], [95, 10]],
        wte=own,
        requirement={"weight": weight},
        educators=(Educator("E", ("D0", "D1"), (wte,) * 4),),
    )
    policy = Policy(supervision=load, supervisor_load=((0, 1), (50, 2)), tiers=({"supervisor_load": 1},))
    result = best_result(problem, policy)
    assert verify(problem, policy, result) == []
    parts = {(s.department, s.wte) for s in result.shares if s.week == WEEKS[0]}
    return {"placed": len(result.assignment), "parts": parts, "load": result.costs["supervisor_load"]}


def test_an_educators_time_is_split_over_the_departments_they_serve():
    # The educator is all there is: for one, and for both. Each point counts 1 from 0 and 2 more from half.
    assert shared(0.5, None, None)["placed"] == 1
    assert shared(1.0, None, None) == {
        "placed": 2,
        "parts": {("D0", 0.5), ("D1", 0.5)},
        "load": 2 * (1000 + 2 * 500),
    }
    # A quarter of its own each: the educator covers the rest, exactly.
    assert shared(0.5, 0.25, 0.25) == {
        "placed": 2,
        "parts": {("D0", 0.25), ("D1", 0.25)},
        "load": 2 * (1000 + 2 * (250 + 125 + 125)),
    }
    assert shared(0.4, 0.25, 0.25)["placed"] == 1
    assert shared(0.4, 0.25, 0.25, load=1.2)["placed"] == 2
    # One has enough of its own, the other none.
    assert shared(0.5, 1.0, None)["parts"] == {("D1", 0.5)}


def test_shares_lower_the_load_even_where_nothing_limits_it():
    both = {("D0", 0.5), ("D1", 0.5)}
    assert shared(2.0, 0.0, None, load=None) == {"placed": 2, "parts": both, "load": 2 * 1000}
    # Past half of its own 1.0 WTE a department gives the rest to the educator, up to half of theirs.
    assert shared(1.0, 1.0, 1.0, weight=0.7)["load"] == 2 * 1400


@st.composite
def splits(draw):
    """A few learners of two stages placed at three departments that share up to three educators, some of whom
    supervise one stage only."""
    level = st.sampled_from([0.0, 0.3, 0.5, 1.0, 1.7])
    served = st.lists(st.sampled_from(["D0", "D1", "D2"]), min_size=1, max_size=3, unique=True)
    whom = st.sampled_from([(), (), (("a", "1"),), (("a", "2"), ("b", None))])
    problem = made(
        [[10] * 3] * draw(st.integers(1, 4)),
        places=4,
        wte=tuple(draw(st.none() | level) for _ in range(3)),
        educators=tuple(
            Educator(f"E{i}", tuple(draw(served)), (draw(level),) * 4, draw(whom))
            for i in range(draw(st.integers(1, 3)))
        ),
    )
    weights = [draw(st.sampled_from([0.25, 0.5, 0.6])) for _ in problem.requirements]
    requirements = tuple(
        dataclasses.replace(r, weight=w) for r, w in zip(problem.requirements, weights, strict=True)
    )
    learners = tuple(dataclasses.replace(x, stage=draw(st.sampled_from("12"))) for x in problem.learners)
    problem = dataclasses.replace(problem, learners=learners)
    places = [draw(st.sampled_from(problem.offers)) for _ in requirements]
    policy = Policy(
        supervision=draw(st.sampled_from([1.0, 0.8, None])),
        supervisor_load=draw(st.sampled_from([((50, 2), (75, 4), (90, 8)), ((0, 3),), ((0, 1), (50, 2))])),
    )
    return dataclasses.replace(problem, requirements=requirements), places, policy


@given(splits())
@settings(max_examples=300, deadline=None)
def test_the_split_costs_what_a_linear_program_finds(drawn):
    problem, places, policy = drawn
    trying = Trying(problem, policy)
    count = trying.count
    stays = [count.stay(r, o) for r, o in zip(problem.requirements, places, strict=True)]
    stays = [stay for stay in stays if count.serving.get(stay.department.key)]
    shares, found = trying.shares(stays), split_by_linear_program(count, stays)
    assert (shares is None) == (found is None)
    if shares is not None:
        assert next(supervision(count, stays, shares), None) is None
        assert load_cost(count, stays, shares) == pytest.approx(found, abs=1e-3)


def split_by_linear_program(count, stays):
    """The least load cost where each department has an educator, or None, by SciPy: y and the amount above
    each step of the price are the variables."""
    total = 0.0
    for w in range(len(WEEKS)):
        held = {d: weight for (d, v), weight in supervised(stays).items() if v == w and count.serving.get(d)}
        stages: dict[tuple[str, str], int] = {}
        for stay in stays:
            at = (stay.department.key, stay.learner.stage)
            stages[at] = stages.get(at, 0) + thousandths(stay.requirement.weight) * (w in stay.weeks)
        arcs = [
            (e, d, stage)
            for d, stage in stages
            if d in held
            for e in count.serving[d]
            if not count.educators[e].supervises or ("a", stage) in count.educators[e].supervises
        ]
        users = [("d", d) for d in held] + [("e", e) for e in sorted({e for e, _, _ in arcs})]
        steps = count.policy.supervisor_load
        n = len(arcs) + len(users) * len(steps)
        if not n:
            continue
        rows, most = [], []
        cost = np.zeros(n)
        for u, (kind, key) in enumerate(users):
            use = np.zeros(n)
            for a, (e, d, _) in enumerate(arcs):
                use[a] = -(d == key) if kind == "d" else (e == key)
            fixed = held[key] if kind == "d" else 0
            wte = own_wte(count, count.departments[key], w) if kind == "d" else None
            wte = thousandths(count.educators[key].wte[w]) if wte is None else wte
            if kind == "d":
                rows.append(-use)
                most.append(fixed)
            if count.policy.supervision is not None:
                rows.append(use)
                most.append(int(wte * count.policy.supervision + 1e-6) - fixed)
            for k, (percent, price) in enumerate(steps):
                above = len(arcs) + u * len(steps) + k
                row = use.copy()
                row[above] = -1
                rows.append(row)
                most.append(wte * percent // 100 - fixed)
                cost[above] = price
        for at, weight in stages.items():
            row = np.zeros(n)
            row[: len(arcs)] = [(d, stage) == at for _, d, stage in arcs]
            rows.append(row)
            most.append(weight)
        solved = linprog(cost, A_ub=np.array(rows), b_ub=np.array(most), bounds=(0, None))
        if solved.status == 2:
            return None
        total += solved.fun
    return total


# -- short cuts ------------------------------------------------------------


@given(mixed_problems(most_requirements=3), mixed_policies())
@settings(max_examples=300, deadline=None)
def test_the_oracle_finds_what_looking_at_every_assignment_finds(problem, policy):
    assert best_by_trying(problem, policy) == without_short_cuts(problem, policy)


def without_short_cuts(problem, policy):
    trying = Trying(problem, policy)
    count = trying.count
    choices = [
        [None, *(count.stay(r, o, block) for o in problem.offers for block, _ in count.spans(r))]
        for r in problem.requirements
    ]
    best = None
    for pick in itertools.product(*choices):
        stays = [stay for stay in pick if stay is not None]
        if next(count.pairs(stays), None) or next(broken_together(count, stays), None):
            continue
        shares = trying.shares(stays)
        if shares is None or next(supervision(count, stays, shares), None):
            continue
        value = tiers(count, stays, aims(count, stays, shares))
        if best is None or tuple(value.values()) < tuple(best.values()):
            best = value
    return best


@given(mixed_problems(), st.integers(0, 1))
@settings(max_examples=100, deadline=None)
def test_an_answer_found_by_trying_passes_the_check(problem, variant):
    policy = (PLAIN, STEEP)[variant]
    assert verify(problem, policy, best_result(problem, policy)) == []
