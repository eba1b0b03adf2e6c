"""No amount of a later tier buys one unit of an earlier one: for every pair of aims, for placing against
cost, for priorities, in flows and beyond them, up to the largest numbers that a problem or policy may hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import (
    Agreement,
    Department,
    Learner,
    Lock,
    Offer,
    Placing,
    Policy,
    Problem,
    Requirement,
    Result,
    Site,
    Standing,
    Trust,
    solve,
)
from matching.policy import MOST_PRICE, MOST_TIER_WEIGHT, TERMS
from matching.resolve import resolve, soon
from matching.stop import Never
from tests.matching.matching_oracle import best_by_trying
from tests.matching.matching_problems import mixed_policies, mixed_problems

MOST_MINUTES = 24 * 60
WEEKS = tuple((date(2026, 9, 7) + timedelta(weeks=w)).isoformat() for w in range(520))
FAR = {"car": MOST_MINUTES, "public_transport": MOST_MINUTES}


def tiers(result: Result) -> dict[str, int]:
    """The values by name, all proven."""
    assert all(tier.gap == 0 for tier in result.tiers), result.tiers
    return {tier.name: tier.value for tier in result.tiers}


# -- every aim against every other ------------------------------------------------------------


@dataclass
class Choice:
    """One learner and two sites, S0 and S1, between which the aims are to choose."""

    weeks: int = 1
    minutes: list[int] = field(default_factory=lambda: [20, 20])
    preferred: list[int] = field(default_factory=lambda: [1, 1])
    wte: list[float] = field(default_factory=lambda: [1000.0, 1000.0])
    weight: float = 0.5
    learner: dict[str, Any] = field(default_factory=dict)
    published: str = ""
    policy: dict[str, Any] = field(default_factory=dict)

    def problem(self) -> Problem:
        weeks = range(self.weeks)
        return Problem(
            weeks=WEEKS[: self.weeks],
            trusts=(Trust("T0"), Trust("T1")),
            sites=tuple(Site(f"S{j}", f"T{j}") for j in range(2)),
            departments=tuple(
                Department(f"D{j}", f"S{j}", "xray", wte=(self.wte[j],) * self.weeks) for j in range(2)
            ),
            offers=tuple(
                Offer(
                    f"O{j}", f"D{j}", preferred=(self.preferred[j],) * self.weeks, maximum=(1,) * self.weeks
                )
                for j in range(2)
            ),
            learners=(Learner("L", "a", "1", "H", **self.learner),),
            requirements=(Requirement("R", "L", "B", ("xray",), tuple(weeks), self.weight),),
            published=(Placing("R", self.published),) if self.published else (),
            travel_minutes=[self.minutes],
        )


def by_minutes(choice: Choice, near: int, most: bool) -> None:
    """The site `near` is nearer, by a minute or by a day at the highest price."""
    choice.minutes = [20, 20]
    choice.minutes[1 - near] = MOST_MINUTES if most else 21
    choice.policy["travel"] = ((0, MOST_PRICE if most else 1),)
    choice.learner["past_minutes"] = MOST_MINUTES if most else 60


def by_list(choice: Choice, liked: int, most: bool) -> None:
    choice.learner["preferences"] = (f"S{liked}",) if most else (f"S{liked}", f"S{1 - liked}")
    choice.policy["preference_step"] = choice.policy["preference_unranked"] = MOST_PRICE if most else 1


def by_places(choice: Choice, wanted: int, most: bool) -> None:
    choice.preferred[1 - wanted] = 0
    choice.policy["above_preferred"] = MOST_PRICE if most else 1
    if most:
        choice.weeks = len(WEEKS)


def by_load(choice: Choice, free: int, most: bool) -> None:
    """A thousandth of a WTE too much at the lowest price, or all of the heaviest weight at the highest."""
    choice.weight = 100.0 if most else 0.5
    choice.wte[1 - free] = 0.0 if most else 0.499
    choice.policy["supervisor_load"] = ((100, MOST_PRICE if most else 1),)
    choice.policy["supervision"] = None
    if most:
        choice.weeks = len(WEEKS)


def by_hub(choice: Choice, home: int, most: bool) -> None:
    choice.learner["hub"] = f"T{home}"


def by_history(choice: Choice, new: int, most: bool) -> None:
    choice.learner["attended"] = (f"S{1 - new}",)


def by_publication(choice: Choice, kept: int, most: bool) -> None:
    choice.published = f"O{kept}"


MADE = {
    "travel": by_minutes,
    "worst_travel": by_minutes,
    "past_travel": by_minutes,
    "hei_fairness": by_minutes,
    "preferences": by_list,
    "worst_preference": by_list,
    "above_preferred": by_places,
    "supervisor_load": by_load,
    "continuity": by_hub,
    "variety": by_history,
    "changes": by_publication,
}
PAIRS = [(high, low) for high, low in permutations(TERMS, 2) if MADE[high] is not MADE[low]]


def test_every_aim_is_made_to_matter():
    assert set(MADE) == set(TERMS)
    assert len(PAIRS) == 96


@pytest.mark.parametrize(("high", "low"), PAIRS)
def test_the_most_of_one_aim_does_not_buy_the_least_of_an_aim_before_it(high, low):
    choice = Choice()
    MADE[high](choice, 0, most=False)
    MADE[low](choice, 1, most=True)
    problem = choice.problem()
    order = ({high: 1}, {low: MOST_TIER_WEIGHT})
    first = solve(problem, Policy(travel_limit=FAR, tiers=order, **choice.policy))
    assert first.assignment == {"R": "O0"}
    found = tiers(first)
    turned = solve(problem, Policy(travel_limit=FAR, tiers=order[::-1], **choice.policy))
    assert turned.assignment == {"R": "O1"}
    assert tiers(turned)[high] > found[high]
    assert tiers(turned)[low] < found[low]


# -- placing before cost ------------------------------------------------------------


def dear(learners: int, *, overlapping: bool = False) -> Problem:
    """Learners a day away from as many places, all above what is preferred, in departments without WTE, at a
    site that nobody likes. Overlapping: each second learner stays a week longer."""
    n = 1 + overlapping
    return Problem(
        weeks=WEEKS[:n],
        trusts=(Trust("T"),),
        sites=(Site("S", "T"), Site("S liked", "T")),
        departments=(Department("D", "S", "xray", wte=(0.0,) * n),),
        offers=(Offer("O", "D", preferred=(0,) * n, maximum=(learners,) * n),),
        learners=tuple(Learner(f"L{i}", "a", "1", "H", preferences=("S liked",)) for i in range(learners)),
        requirements=tuple(
            Requirement(f"R{i}", f"L{i}", "B", ("xray",), (0, 1) if overlapping and i % 2 else (0,), 100.0, 9)
            for i in range(learners)
        ),
        travel_minutes=np.full((learners, 2), MOST_MINUTES, np.uint16),
    )


@pytest.mark.parametrize("overlapping", [False, True])
def test_a_learner_is_placed_at_the_highest_price_there_is(overlapping):
    policy = Policy(
        travel_limit=FAR,
        supervision=None,
        travel=((0, MOST_PRICE),),
        preference_step=MOST_PRICE,
        preference_unranked=MOST_PRICE,
        above_preferred=MOST_PRICE,
        supervisor_load=((0, MOST_PRICE),),
        tiers=(dict.fromkeys(("travel", "preferences", "above_preferred"), MOST_TIER_WEIGHT),),
    )
    policy = policy.replace(tiers=({**policy.tiers[0], "supervisor_load": MOST_TIER_WEIGHT},))
    result = solve(dear(6, overlapping=overlapping), policy)
    assert result.paths["integer"] == overlapping
    assert result.unplaced == {}
    assert all(tier.gap < 1e-8 for tier in result.tiers)
    assert result.objective > 6 * MOST_TIER_WEIGHT * 1000 * MOST_MINUTES * MOST_PRICE


# -- priorities ------------------------------------------------------------


def rivals(many: int, *, weight: float, wte: float) -> Problem:
    """One requirement of priority 1 that takes all the WTE there is, and many of priority 2 that would fit
    in its stead."""
    learners = tuple(Learner(f"L{i:04}", "a", "1", "H") for i in range(many + 1))
    return Problem(
        weeks=WEEKS[:1],
        trusts=(Trust("T"),),
        sites=(Site("S", "T"),),
        departments=(Department("D", "S", "xray", wte=(wte,)),),
        offers=(Offer("O", "D", preferred=(many,), maximum=(many,)),),
        learners=learners,
        requirements=tuple(
            Requirement(f"R{i:04}", x.key, "B", ("xray",), (0,), weight if i else wte, 2 if i else 1)
            for i, x in enumerate(learners)
        ),
        travel_minutes=np.full((many + 1, 1), 20, np.uint16),
    )


@pytest.mark.parametrize(("many", "weight", "wte"), [(2500, 0.04, 100.0), (3000, 0.033, 100.0)])
def test_thousands_of_priority_2_do_not_buy_one_of_priority_1(many, weight, wte):
    problem = rivals(many, weight=weight, wte=wte)
    result = solve(problem, Policy())
    assert result.assignment == {"R0000": "O"}
    assert tiers(result)["unplaced_priority_2"] == many
    rest = solve(replace(problem, requirements=problem.requirements[1:]), Policy())
    assert tiers(rest)["unplaced_priority_2"] == 0


def test_a_long_stay_of_priority_1_beats_as_many_short_ones_as_there_are_weeks():
    n = len(WEEKS)
    spans = [tuple(range(n)), *((w,) for w in range(n))]
    problem = Problem(
        weeks=WEEKS,
        trusts=(Trust("T"),),
        sites=(Site("S", "T"),),
        departments=(Department("D", "S", "xray"),),
        offers=(Offer("O", "D", preferred=(1,) * n, maximum=(1,) * n),),
        learners=(Learner("L0", "a", "1", "H"), Learner("L1", "a", "1", "H")),
        requirements=tuple(
            Requirement(f"R{i:03}", f"L{min(i, 1)}", "B", ("xray",), weeks, priority=2 if i else 1)
            for i, weeks in enumerate(spans)
        ),
        travel_minutes=np.full((2, 1), 20, np.uint16),
    )
    result = solve(problem, Policy())
    assert result.assignment == {"R000": "O"}
    assert tiers(result)["unplaced_priority_2"] == n


@given(st.permutations(range(1, 10)), st.integers(1, 8))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_places_go_by_priority_whoever_asks_first_and_lives_nearest(order, places):
    """Nine learners of the nine priorities; the later the priority the nearer."""
    n = len(order)
    problem = Problem(
        weeks=WEEKS[:1],
        trusts=(Trust("T"),),
        sites=(Site("S", "T"),),
        departments=(Department("D", "S", "xray"),),
        offers=(Offer("O", "D", preferred=(0,), maximum=(places,)),),
        learners=tuple(Learner(f"L{i}", "a", "1", "H") for i in range(n)),
        requirements=tuple(
            Requirement(f"R{i}", f"L{i}", "B", ("xray",), (0,), priority=p) for i, p in enumerate(order)
        ),
        travel_minutes=np.array([[MOST_MINUTES // p] for p in order], np.uint16),
    )
    for more in ({}, {"tiers": ({"worst_travel": 1}, {"travel": 1})}):
        result = solve(problem, Policy(travel_limit=FAR, travel=((0, MOST_PRICE),), **more))
        placed = sorted(
            problem.requirements[problem.requirement_index[r]].priority for r in result.assignment
        )
        assert placed == list(range(1, places + 1))
        assert tiers(result)


# -- pins, agreements, priorities ------------------------------------------------------------


def contested(*, pinned: bool, least: int) -> Problem:
    """Site S1 has one place a week. L0 of G would take it all round; it is all that L1, L2 and L3 of H, a
    week each, can reach, and H has an agreement there."""
    n = 3
    spans = [tuple(range(n)), (0,), (1,), (2,)]
    return Problem(
        weeks=WEEKS[:n],
        trusts=(Trust("T1"),),
        sites=(Site("S1", "T1"),),
        departments=(Department("D1", "S1", "xray"),),
        offers=(Offer("O1", "D1", preferred=(1,) * n, maximum=(1,) * n),),
        learners=tuple(Learner(f"L{i}", "a", "1", "H" if i else "G") for i in range(4)),
        requirements=tuple(
            Requirement(f"R{i}", f"L{i}", "B", ("xray",), weeks, priority=2 if i else 1)
            for i, weeks in enumerate(spans)
        ),
        locks=(Lock("R0", "S1", "pin"),) if pinned else (),
        agreements=(Agreement("A", "H", "T1", least),),
        travel_minutes=np.full((4, 1), 20, np.uint16),
    )


@pytest.mark.parametrize(
    ("pinned", "least", "placed"),
    [(False, 0, {"R0"}), (False, 1, {"R1", "R2", "R3"}), (True, 3, {"R0"})],
)
def test_pins_come_before_agreements_and_those_before_priorities(pinned, least, placed):
    result = solve(contested(pinned=pinned, least=least), Policy())
    assert set(result.assignment) == placed
    assert tiers(result).get("agreement_shortfall", 0) == (least if pinned else 0)


# -- at the largest numbers ------------------------------------------------------------


@given(mixed_problems(), mixed_policies(), st.permutations(TERMS))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_at_the_highest_prices_each_aim_alone_is_still_exact(problem, policy, order):
    """Every aim a tier of its own, in any order, at the highest prices and weights."""
    dearest = policy.replace(
        travel=((0, MOST_PRICE),),
        preference_step=MOST_PRICE,
        preference_unranked=MOST_PRICE,
        above_preferred=MOST_PRICE,
        supervisor_load=((0, MOST_PRICE), (50, MOST_PRICE)),
        travel_limit=FAR,
        tiers=tuple({aim: MOST_TIER_WEIGHT} for aim in order),
    )
    assert tiers(solve(problem, dearest)) == best_by_trying(problem, dearest)


@given(mixed_problems(), mixed_policies())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_what_is_said_to_be_proven_is_the_best_whatever_the_numbers(problem, policy):
    """Weights of 1 and 1,000 and prices of 1 and 10,000 in one tier: where the last digit cannot be proven
    the result says so, in that tier and those after it."""
    mixed = policy.replace(
        travel=((0, MOST_PRICE),),
        preference_unranked=MOST_PRICE,
        above_preferred=1,
        travel_limit=FAR,
        tiers=tuple(
            {aim: MOST_TIER_WEIGHT if aim == "travel" else weight for aim, weight in tier.items()}
            for tier in policy.tiers
        ),
    )
    result = solve(problem, mixed)
    for tier, value in zip(result.tiers, best_by_trying(problem, mixed).values(), strict=True):
        assert tier.bound <= value
        if tier.gap:
            break
        assert tier.value == value


def dear_and_cheap() -> tuple[Problem, Policy]:
    """A likes S1, a point dearer in a tier of 14 million points: that is not to be had. B likes S3, which
    costs no more, and is to have it."""
    problem = Problem(
        weeks=WEEKS[:1],
        trusts=(Trust("T", (2,)),),
        sites=tuple(Site(f"S{j}", "T") for j in range(4)),
        departments=tuple(Department(f"D{j}", f"S{j}", "ct" if j > 1 else "xray") for j in range(4)),
        offers=tuple(
            Offer(f"O{j}", f"D{j}", preferred=(0 if j == 1 else 1,), maximum=(1,)) for j in range(4)
        ),
        learners=(
            Learner("A", "a", "1", "H", preferences=("S1",)),
            Learner("B", "a", "1", "H", preferences=("S3",)),
        ),
        requirements=(
            Requirement("RA", "A", "B", ("xray",), (0,)),
            Requirement("RB", "B", "B", ("ct",), (0,)),
        ),
        travel_minutes=np.full((2, 4), MOST_MINUTES, np.uint16),
    )
    dear_first = ({"travel": MOST_TIER_WEIGHT, "above_preferred": 1}, {"preferences": 1})
    policy = Policy(travel_limit=FAR, travel=((0, MOST_PRICE),), above_preferred=1, tiers=dear_first)
    return problem, policy


def test_a_cheap_thing_in_a_dear_tier_is_held_to_the_last_point():
    problem, policy = dear_and_cheap()
    assert solve(problem, policy).assignment == {"RA": "O0", "RB": "O3"}


def test_so_it_is_where_an_answer_is_looked_for_again():
    problem, policy = dear_and_cheap()
    standing = Standing(problem, policy, solve(problem, policy))
    found = resolve(standing, np.arange(2), Never(), soon(60.0))
    assert found.change == (0,) * len(standing.tiers)


def test_two_hundred_offers_at_the_highest_prices_are_matched():
    n = 200
    problem = Problem(
        weeks=WEEKS[:1],
        trusts=(Trust("T"),),
        sites=tuple(Site(f"S{j:03}", "T") for j in range(n)),
        departments=tuple(Department(f"D{j:03}", f"S{j:03}", "xray") for j in range(n)),
        offers=tuple(Offer(f"O{j:03}", f"D{j:03}", preferred=(1,), maximum=(1,)) for j in range(n)),
        learners=tuple(Learner(f"L{i:03}", "a", "1", "H") for i in range(n)),
        requirements=tuple(Requirement(f"R{i:03}", f"L{i:03}", "B", ("xray",), (0,)) for i in range(n)),
        travel_minutes=(MOST_MINUTES - np.add.outer(np.arange(n), np.arange(n)) % n).astype(np.uint16),
    )
    policy = Policy(travel_limit=FAR, travel=((0, MOST_PRICE),), tiers=({"travel": MOST_TIER_WEIGHT},))
    assert solve(problem, policy).unplaced == {}


def test_prices_too_far_apart_for_a_flow_are_searched_as_a_program():
    """The dearest travel there is, and a thousandth of a point for a place above what is preferred."""
    n = 100
    problem = Problem(
        weeks=WEEKS[:1],
        trusts=(Trust("T"),),
        sites=tuple(Site(f"S{j:02}", "T") for j in range(n)),
        departments=tuple(Department(f"D{j:02}", f"S{j:02}", "xray") for j in range(n)),
        offers=tuple(
            Offer(f"O{j:02}", f"D{j:02}", preferred=(0 if j else 1,), maximum=(1000 if j else 1,))
            for j in range(n)
        ),
        learners=tuple(Learner(f"L{i:02}", "a", "1", "H") for i in range(n)),
        requirements=tuple(Requirement(f"R{i:02}", f"L{i:02}", "B", ("xray",), (0,)) for i in range(n)),
        travel_minutes=(MOST_MINUTES - np.add.outer(np.arange(n), np.arange(n)) % n).astype(np.uint16),
    )
    tier = {"travel": MOST_TIER_WEIGHT, "above_preferred": 1}
    policy = Policy(travel_limit=FAR, travel=((0, MOST_PRICE),), above_preferred=1, tiers=(tier,))
    result = solve(problem, policy)
    assert result.unplaced == {}
    assert result.paths["integer"] == 1
    # Everybody has a nearest place of their own.
    assert result.costs["travel"] == n * (MOST_MINUTES - n + 1) * MOST_PRICE * 1000
