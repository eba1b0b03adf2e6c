"""The answer of a large part: its turns obey every row, and the whole of it is checked, bounded, repeated and
stopped."""

import dataclasses
import threading
from functools import cache
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings

from matching import (
    UNREACHABLE,
    Companions,
    Department,
    Learner,
    Offer,
    Policy,
    Requirement,
    solve,
    verify,
)
from matching.dive import Dive, Pace
from matching.exchanges import Exchanges
from matching.generate_year import generate_year
from matching.guide import Guide
from matching.interior import Interior
from matching.large import FINE, REACHES
from matching.stop import Never
from matching.turns import NEAR, Turns
from matching.whole_year import dive_through
from tests.matching.large_parts import (
    EVERYTHING,
    SECONDS,
    as_program,
    exact,
    least,
    no_more,
    obeyed,
    set_up,
    setups,
    year,
)
from tests.matching.matching_problems import one_site

SEEDS = (1, 2)

# -- turns ------------------------------------------------------------


def took_turns(made):
    whole = made.whole
    turns = made.turns(made.windows())
    taken = turns.first(made.large.turns(), made.cost, lambda: SECONDS)
    assert obeyed(whole, taken)
    again_and_again(made, turns, taken)


def again_and_again(made, turns, taken):
    """Every window, market, chain and class again, and everyone whose places are dear."""
    whole, chosen, before = made.whole, made.chosen, least(made.whole, made.cost, taken)
    exchanges = Exchanges(turns, made.tables, made.large.window)

    def those():
        markets = list(exchanges.markets())
        assert (sum(market.astype(int) for market in markets) == 1).all()
        for market in markets:
            yield exchanges.market(market, taken)
        for near in REACHES:
            for window in np.unique(made.large.window).tolist():
                yield exchanges.within(window, near, taken)
        for learners in exchanges.lacking(np.unique(chosen.learner), taken):
            yield exchanges.chain(learners, taken)
        for learners in exchanges.dear(taken):
            yield exchanges.around(learners, taken)
        for mine in made.large.members:
            yield mine[(turns.guide.reduced[mine] < NEAR) | taken[mine]]

    for free in those():
        # Whoever takes part does so with where they stand.
        mine = np.isin(chosen.requirement, chosen.requirement[free])
        assert np.isin(np.flatnonzero(taken & mine), free).all()
        others = np.setdiff1d(np.arange(whole.n), free)
        after = turns.again(free, taken, FINE, SECONDS)
        assert (after[others] == taken[others]).all()
        assert obeyed(whole, after)
        cost = least(whole, made.cost, after)
        # The search may end a little short of the best, and never at more than it began with.
        assert no_more(cost, before)
        taken, before = after, cost
    return taken


@pytest.mark.parametrize("seed", SEEDS)
def test_turns_of_a_year_obey_every_row(seed):
    took_turns(year(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_exchanges_of_a_year_only_get_better(seed):
    made = year(seed)
    turns = made.turns(made.windows())
    again_and_again(made, turns, made.found.taken)
    placed = again_and_again(made, turns, np.zeros(made.whole.n, np.bool_))
    assert placed.any()


@given(setups())
@settings(max_examples=20, deadline=None)
def test_turns_obey_every_row(made):
    took_turns(made)


@given(setups())
@settings(max_examples=20, deadline=None)
def test_exchanges_only_get_better(made):
    again_and_again(made, made.turns(made.windows()), made.found.taken)


def level(made):
    """Exchanges where every choice is near."""
    none = np.zeros(made.whole.n)
    guide = Guide(made.whole, none, none, -np.inf, np.zeros(len(made.large.earlier)), none > 0)
    turns = Turns(guide, made.chosen, made.priority, made.cost, Never())
    return turns, Exchanges(turns, made.tables, made.large.window)


def standing(made, **at):
    """[choices] taken: learner and department, by key."""
    problem, taken = made.tables.problem, np.zeros(made.whole.n, np.bool_)
    departments = [d.key for d in problem.departments]
    for learner, department in at.items():
        one = made.chosen.learner == problem.learner_index[learner]
        one &= made.chosen.department == departments.index(department)
        taken[np.flatnonzero(one)[0]] = True
    assert obeyed(made.whole, taken)
    return taken


def test_in_a_market_one_class_makes_way_for_another():
    problem = dataclasses.replace(
        one_site(places=1, learners=2, sites=2),
        learners=tuple(Learner(f"L{i}", "radiography", str(i), "H") for i in range(2)),
        travel_minutes=np.array([[10, 30], [10, UNREACHABLE]], np.uint16),
    )
    made = set_up(problem, Policy())
    turns, exchanges = level(made)
    taken = standing(made, L0="D0")
    for mine in made.large.members:
        assert turns.again(mine, taken, FINE, SECONDS).sum() == 1
    (market,) = exchanges.markets()
    after = turns.again(exchanges.market(market, taken), taken, FINE, SECONDS)
    assert (after == standing(made, L0="D1", L1="D0")).all()


def test_a_chain_goes_through_several_markets():
    """L1 needs CT at S0, where L0, who must be at one site with L1, is not, for L2 stands there in X-ray."""
    always = {"preferred": (1,) * 4, "maximum": (1,) * 4}
    departments = {"X0": ("S0", "xray"), "X1": ("S1", "xray"), "C0": ("S0", "ct")}
    problem = dataclasses.replace(
        one_site(learners=3, sites=2),
        departments=tuple(Department(key, *of) for key, of in departments.items()),
        offers=tuple(Offer(f"O{key}", key, **always) for key in departments),
        requirements=tuple(
            Requirement(f"R{i}", f"L{i}", "B1", (kind,), (0, 1))
            for i, kind in enumerate(("xray", "ct", "xray"))
        ),
        companions=(Companions("C", "together", ("L0", "L1")),),
        travel_minutes=np.array([[30, 10], [10, UNREACHABLE], [10, 30]], np.uint16),
    )
    made = set_up(problem, Policy())
    turns, exchanges = level(made)
    taken = standing(made, L0="X1", L2="X0")
    for market in exchanges.markets():
        assert (turns.again(exchanges.market(market, taken), taken, FINE, SECONDS) == taken).all()
    (learners,) = exchanges.lacking(np.arange(3), taken)
    assert [problem.learners[i].key for i in learners] == ["L0", "L1"]
    after = turns.again(exchanges.chain(learners, taken), taken, FINE, SECONDS)
    assert (after == standing(made, L0="X0", L1="C0", L2="X1")).all()
    assert list(exchanges.lacking(np.arange(3), after)) == []


def test_a_turn_goes_by_its_cost_and_not_by_the_guide():
    small = one_site(places=2, learners=6)
    urgency = (1, 1, 1, 1, 2, 2)
    problem = dataclasses.replace(
        small,
        requirements=tuple(
            dataclasses.replace(r, priority=p) for r, p in zip(small.requirements, urgency, strict=True)
        ),
    )
    made = set_up(problem, Policy())
    # The relaxation gives both places to the last two, who matter less.
    waiting = (made.priority == 2).astype(np.float64)
    guide = Guide(
        made.whole, waiting, np.zeros(made.whole.n), -np.inf, np.zeros(len(made.large.earlier)), waiting > 1
    )
    turns = Turns(guide, made.chosen, made.priority, made.cost, Never())
    taken = turns.first(made.large.turns(), made.cost, lambda: SECONDS)
    assert obeyed(made.whole, taken)
    assert taken[made.priority == 1].sum() == 2


def test_whoever_floats_has_the_first_turn_and_everyone_has_one():
    some = 0
    for seed in SEEDS:
        made = year(seed)
        floating, *windows = made.large.turns()
        requirements, of = made.tables.problem.requirements, made.chosen.requirement
        assert all(requirements[r].rotation is not None for r in of[floating])
        assert (np.sort(np.concatenate([floating, *windows])) == np.arange(made.whole.n)).all()
        for those in windows:
            assert len(set(made.large.window[those].tolist())) == 1
            assert all(requirements[r].rotation is None for r in of[those])
        some += len(floating)
    assert some


def test_a_learner_whose_places_are_dear_has_another_once_others_may_move():
    """L0 stands in S1 for 40 points more than in S0, which L1 holds, who is as well off in S1. Prices may say
    of either that it is dear."""
    small = one_site(places=1, learners=2, sites=2)
    problem = dataclasses.replace(small, travel_minutes=np.array([[20, 60], [20, 20]], np.uint16))
    made = set_up(problem, Policy())
    exchanges = Exchanges(made.turns(made.windows()), made.tables, made.large.window)
    taken = standing(made, L0="D1", L1="D0")
    first, *_ = exchanges.dear(taken)
    after = exchanges.turns.again(exchanges.around(first, taken), taken, 0.1, SECONDS)
    assert (after == standing(made, L0="D0", L1="D1")).all()
    assert exchanges.dear(after) == []


# -- a dive ------------------------------------------------------------


@given(setups())
@settings(max_examples=25, deadline=None)
def test_whom_a_dive_places_whole_fit_together(made):
    part = made.whole.portion(np.arange(made.whole.n), made.cost, made.whole.most)
    placed = Dive(part.program, made.chosen.requirement, Never(), Pace(few=0)).run(SECONDS)
    assert obeyed(made.whole, placed)
    # Nobody is left shared out: all were placed or left over.
    assert no_more(exact(part.program)[1], least(made.whole, made.cost, placed))


def dived(made):
    """A dive through the year from the relaxation at what can be reached, and the search that ends it; with
    the best there is."""
    best, cost = exact(as_program(made.whole, made.cost))
    placed = best[: made.whole.n] > 0.5
    guide = made.guide(made.windows(), made.reached(placed))
    turns = Turns(guide, made.chosen, made.priority, made.cost, Never())
    begin = dive_through(guide, made.chosen, turns.unsure, Never(), SECONDS)
    assert obeyed(made.whole, begin)
    taken = turns.rest(begin, made.cost, SECONDS)
    assert obeyed(made.whole, taken)
    assert (taken >= begin).all()
    assert no_more(cost, least(made.whole, made.cost, taken))
    return begin, taken, placed


@given(setups())
@settings(max_examples=25, deadline=None)
def test_a_dive_through_the_year_obeys_every_row(made):
    with mock.patch("matching.whole_year.PACE", Pace(few=0)):
        dived(made)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dive_through_the_year_begins_where_the_relaxation_ended(seed):
    begin, taken, placed = dived(year(seed))
    assert begin.sum() > 0.5 * placed.sum()
    assert taken.sum() >= placed.sum() - 2


def test_a_dive_where_nobody_is_near_places_nobody():
    """Nobody is to be placed, so that no choice is near."""
    made = set_up(one_site(places=1, learners=1), Policy())
    guide = made.guide(made.windows(), [0])
    assert not guide.taken.any()
    unsure = np.zeros(made.whole.n, np.bool_)
    placed = dive_through(guide, made.chosen, unsure, Never(), SECONDS)
    assert placed is not None
    assert not placed.any()


def test_there_is_nowhere_to_begin_without_a_corner():
    made = year(SEEDS[0])
    loose = made.guide(made.windows(), made.reached(made.found.taken), gap=0.05)
    unsure = np.zeros(made.whole.n, np.bool_)
    assert dive_through(loose, made.chosen, unsure, Never(), SECONDS) is None


# -- the whole of it ------------------------------------------------------------


def as_large(problem, policy, **rest):
    with mock.patch("matching.integer.LARGE", 0):
        return solve(problem, policy, **rest)


@cache
def best_of(seed, everything=False):
    out = solve(generate_year("tiny", seed), EVERYTHING if everything else Policy())
    assert out.status == "optimal"
    return out


def bounds_hold(result, best):
    for tier, right in zip(result.tiers, best.tiers, strict=True):
        assert tier.bound <= right.value
        # A later tier's bound is of answers as good as this one in those before it.
        if tier.value != right.value:
            break


@pytest.mark.parametrize(("seed", "everything"), [(1, False), (2, False), (3, False), (1, True)])
def test_a_year_solved_as_large_is_within_the_rules_and_its_bounds_hold(seed, everything):
    problem, policy = generate_year("tiny", seed), EVERYTHING if everything else Policy()
    result, best = as_large(problem, policy), best_of(seed, everything)
    assert verify(problem, policy, result) == []
    assert [t.value for t in result.tiers] >= [t.value for t in best.tiers]
    bounds_hold(result, best)
    twice = as_large(problem, policy)
    assert (twice.assignment, twice.blocks, twice.tiers) == (result.assignment, result.blocks, result.tiers)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_relaxation_that_time_cuts_short_bounds_a_year_all_the_same(seed):
    problem, policy, near, cut = generate_year("tiny", seed), Policy(), Interior.near, []

    def briefly(self, *rest):
        found = near(self, *rest)
        cut.append(found)
        return None if found is None else dataclasses.replace(found, ends=None)

    with mock.patch.object(Interior, "near", briefly), mock.patch("matching.large.dive_through") as dived:
        result = as_large(problem, policy)
    assert len(cut) > 1
    assert all(found is not None for found in cut)
    assert not dived.called
    assert verify(problem, policy, result) == []
    bounds_hold(result, best_of(seed))
    # The cost is bounded by what was known of it.
    assert result.tiers[-1].bound > 0


@pytest.mark.parametrize("asked", [1, 2, 3, 5, 8, 20, 60, 150, 400])
def test_a_year_solved_as_large_may_stop_at_any_time(asked):
    problem, left = generate_year("tiny", 2), [asked]

    def stop():
        left[0] -= 1
        return left[0] < 0

    result = as_large(problem, Policy(), stop=stop)
    assert verify(problem, Policy(), result) == []
    assert result.status in ("cancelled", "gap", "optimal")
    if left[0] < 0:
        assert result.status in ("cancelled", "optimal")
    bounds_hold(result, best_of(2))


def test_a_stop_is_asked_on_the_thread_that_solves_and_no_other():
    threads = set()

    def stop():
        threads.add(threading.get_ident())
        return False

    asked = as_large(generate_year("tiny", 1), Policy(), stop=stop)
    unasked = as_large(generate_year("tiny", 1), Policy())
    assert threads == {threading.get_ident()}
    assert (asked.assignment, asked.tiers) == (unasked.assignment, unasked.tiers)


@pytest.mark.parametrize("asked", [1, 5, 40])
def test_what_a_stop_raises_is_raised(asked):
    left = [asked]

    def stop():
        left[0] -= 1
        if left[0] < 0:
            raise LookupError("the database is away")
        return False

    with pytest.raises(LookupError, match="the database is away"):
        as_large(generate_year("tiny", 1), Policy(), stop=stop)
