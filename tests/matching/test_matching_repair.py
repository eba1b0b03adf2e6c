"""A repair is the best of all that may be, tier by tier; those on site stay; the checker agrees."""

import dataclasses
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from matching import Educator, EngineError, Lock, Placing, Policy, PolicyError, ProblemError, Share, solve
from matching.events import EducatorAway, MustMove, PlacesCut, SiteClosed, Withdrawal
from matching.generate_year import generate_year
from matching.repair import repair
from matching.verify import broken_rules
from tests.matching.matching_problems import WEEKS, mixed_policies, mixed_problems, one_site
from tests.matching.repair_oracle import (
    RepairByTrying,
    as_published,
    blows,
    crowded_problems,
    happenings,
    standing_of,
)

FEW = mock.patch.multiple("matching.local", JOIN=2, EACH=1)


def _settled(draw, policy, problem, what=happenings):
    """A problem with what stands, events, the week it is and who may move although on site."""
    problem = dataclasses.replace(problem, published=standing_of(draw, problem, policy))
    events = draw(what(problem))
    now = draw(st.sampled_from([0, 0, 0, 1, 2, 4]))
    keys = [r.key for r in problem.requirements]
    may = frozenset(draw(st.lists(st.sampled_from(keys), max_size=2))) if keys else frozenset()
    return problem, events, now, may


def _checked(policy, problem, events, now, may, waiting, small):
    with mock.patch("matching.local.SMALL", small):
        try:
            found = repair(problem, policy, None, events, now_week=now, may_move=may, waiting=waiting)
        except PolicyError:
            reject()
    best = RepairByTrying(problem, policy, events, now, may, waiting).value()
    assert {t.name: t.value for t in found.tiers} == best
    assert all(t.gap == 0 for t in found.tiers)
    assert found.status == "optimal"


@given(st.data(), mixed_policies(), mixed_problems(most_requirements=4), st.booleans())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_repair_is_the_best_of_all_that_may_be(data, policy, problem, waiting):
    _checked(policy, *_settled(data.draw, policy, problem), waiting, 3000)


@given(st.data(), mixed_policies(), mixed_problems(most_requirements=4), st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_searched_from_the_neighbourhood_outwards_it_is_the_same(data, policy, problem, waiting):
    with FEW:
        _checked(policy, *_settled(data.draw, policy, problem), waiting, 0)


@given(st.data(), mixed_policies(), crowded_problems(), st.sampled_from([0, 3000]))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_where_others_must_make_room_it_is_the_best_of_all_that_may_be(data, policy, problem, small):
    with FEW:
        _checked(policy, *_settled(data.draw, policy, problem, blows), True, small)


# -- by hand ------------------------------------------------------------


def _row(*reach, places=1):
    """Sites with so many places, learners who can go to some of them (positions) and stand at their first."""
    problem = one_site(places, len(reach), sites=1 + max(max(r) for r in reach))
    minutes = [[20 if j in r else 65535 for j in range(len(problem.sites))] for r in reach]
    return dataclasses.replace(
        problem,
        travel_minutes=np.array(minutes, np.uint16),
        published=tuple(Placing(f"R{i}", f"O{r[0]}") for i, r in enumerate(reach)),
    )


def _tiers(found):
    return {t.name: (t.value, t.bound) for t in found.tiers}


CHAIN = ((0, 1), (1, 2), (2, 3))


def test_others_make_room_and_each_move_is_told_with_its_cause():
    found = repair(_row(*CHAIN), None, None, [MustMove("R0", "S0")])
    assert found.assignment == {"R0": "O1", "R1": "O2", "R2": "O3"}
    assert _tiers(found)["moved"] == (2, 2)
    assert [(m.requirement, m.kind, m.event) for m in found.moves] == [
        ("R0", "displaced", 0),
        ("R1", "moved", 0),
        ("R2", "moved", 0),
    ]
    assert found.moves[1].before == Placing("R1", "O1")
    assert found.moves[1].after == Placing("R1", "O2")
    assert found.status == "optimal"


def test_a_free_place_is_taken_before_anybody_moves():
    found = repair(_row(*CHAIN[1:], (0, 1, 4)), None, None, [MustMove("R2", "S0")])
    assert found.assignment["R2"] == "O4"
    assert _tiers(found)["moved"] == (0, 0)


def test_nobody_on_site_moves_unless_they_may():
    problem = _row(*CHAIN)
    found = repair(problem, None, None, [MustMove("R0", "S0")], now_week=1)
    assert found.assignment == {"R1": "O1", "R2": "O2"}
    assert _tiers(found)["unplaced_priority_1"] == (1, 1)
    assert [m.after for m in found.moves] == [None]
    assert set(found.left) == {"R0"}
    may = repair(problem, None, None, [MustMove("R0", "S0")], now_week=1, may_move=["R1", "R2"])
    assert may.assignment == {"R0": "O1", "R1": "O2", "R2": "O3"}
    assert _tiers(may)["moved"] == (2, 2)
    only_one = repair(problem, None, None, [MustMove("R0", "S0")], now_week=1, may_move=["R1"])
    assert only_one.assignment == found.assignment


def test_someone_on_site_whose_place_is_gone_does_move():
    found = repair(_row(*CHAIN), None, None, [SiteClosed("S2", (1,))], now_week=1)
    assert found.assignment == {"R0": "O0", "R1": "O1", "R2": "O3"}


def test_of_those_on_site_in_a_place_cut_short_as_few_as_can_be_leave():
    problem = _row((0, 1), (0,), (0, 1), places=3)
    found = repair(problem, None, None, [PlacesCut("site", "S0", (1,), 2)], now_week=1)
    assert _tiers(found)["on_site_moved"] == (1, 1)
    assert _tiers(found)["unplaced_priority_1"] == (0, 0)
    assert len(found.moves) == 1
    assert found.moves[0].kind == "moved"
    assert found.moves[0].event == 0


def test_those_named_in_need_are_placed_as_late_ones_are():
    problem = _row(*CHAIN)
    problem = dataclasses.replace(problem, published=problem.published[1:])
    only_free = dataclasses.replace(problem, published=(*problem.published, Placing("R0", "O0")))
    with pytest.raises(EngineError, match="in_need"):
        repair(only_free, None, None, [], in_need=["R0"])
    with pytest.raises(EngineError, match="in_need"):
        repair(problem, None, None, [], in_need=["R9"])
    closed = [SiteClosed("S0", (1,))]
    waits = repair(problem, None, None, closed)
    assert waits.assignment == {"R1": "O1", "R2": "O2"}
    assert "waiting_priority_1" in _tiers(waits)
    found = repair(problem, None, None, closed, in_need=["R0"])
    assert found.assignment == {"R0": "O1", "R1": "O2", "R2": "O3"}
    assert _tiers(found)["moved"] == (2, 2)
    assert [(m.requirement, m.kind) for m in found.moves] == [
        ("R0", "late"),
        ("R1", "moved"),
        ("R2", "moved"),
    ]
    # The same as where the problem hears of them by an event.
    assert "waiting_priority_1" not in _tiers(found)


def test_nobody_loses_a_place_to_someone_of_higher_priority():
    problem = _row((0, 1), (1,))
    last = dataclasses.replace(problem.requirements[1], priority=9)
    problem = dataclasses.replace(problem, requirements=(problem.requirements[0], last))
    found = repair(problem, None, None, [MustMove("R0", "S0")])
    assert found.assignment == {"R1": "O1"}
    reason = found.left["R0"]
    assert (reason.kind, reason.departments, set(reason.competing)) == ("shortage", ("D1",), {"R0", "R1"})
    assert reason.rules == {"S0": "locks"}


def test_those_waiting_take_what_is_free_if_asked():
    problem = dataclasses.replace(_row((0,), (0,)), published=(Placing("R0", "O0"),))
    found = repair(problem, None, None, [Withdrawal("L0")])
    assert found.assignment == {"R1": "O0"}
    assert [(m.requirement, m.kind, m.before) for m in found.moves] == [("R1", "waiting", None)]
    kept = repair(problem, None, None, [Withdrawal("L0")], waiting=False)
    assert kept.assignment == {}
    assert not any(name.startswith("waiting") for name in _tiers(kept))


def test_each_change_follows_from_the_event_that_it_mends():
    problem = _row((0, 1), (1, 2), (3, 4), (4, 5))
    found = repair(problem, None, None, [MustMove("R2", "S3"), MustMove("R0", "S0")])
    assert {m.requirement: m.event for m in found.moves} == {"R0": 1, "R1": 1, "R2": 0, "R3": 0}


def test_what_stood_against_a_rule_already_follows_from_no_event():
    problem = dataclasses.replace(_row((0, 1), (2,)), locks=(Lock("R0", "S0", "ban"),))
    found = repair(problem, None, None, [Withdrawal("L1")])
    assert [(m.requirement, m.kind, m.event) for m in found.moves] == [("R0", "displaced", None)]


def test_a_standing_allocation_may_be_given_beside_the_publication():
    problem = dataclasses.replace(_row((0, 1), (1, 2)), published=())
    standing = [Placing("R0", "O0"), Placing("R1", "O1")]
    found = repair(problem, None, standing, [MustMove("R0", "S0")])
    assert found.problem.published == tuple(standing)
    assert found.placings == (Placing("R0", "O1"), Placing("R1", "O2"))


def test_with_no_event_nothing_changes():
    problem = _published(3)
    found = repair(problem, None, None, [], waiting=False)
    assert found.moves == ()
    assert set(found.placings) == set(problem.published)


def test_stopped_at_once_it_gives_an_answer_within_the_rules():
    problem = _published(3)
    events = [SiteClosed(problem.sites[0].key, tuple(range(5, 30)))]
    found = repair(problem, None, None, events, stop=lambda: True)
    assert found.status == "cancelled"
    assert broken_rules(found.problem, Policy(), found.assignment, found.blocks, found.shares) == []
    full = repair(problem, None, None, events)
    for tier, best in zip(found.tiers, full.tiers, strict=True):
        assert tier.bound <= best.value <= tier.value
        if tier.value != best.value:
            break


def test_the_same_input_gives_the_same_repair_and_progress_is_told():
    problem = _published(4)
    events = [SiteClosed(problem.sites[1].key, tuple(range(45)))]
    told = []
    one = repair(problem, None, None, events, progress=told.append)
    two = repair(problem, None, None, events)
    assert dataclasses.replace(one, problem=problem, seconds=0) == dataclasses.replace(
        two, problem=problem, seconds=0
    )
    assert [p.stage for p in told] == ["case", *(t.name for t in one.tiers)]
    assert one.moves


@pytest.mark.parametrize("seed", [1, 5])
def test_a_year_searched_from_the_neighbourhood_is_as_good_as_whole(seed):
    problem = _published(seed)
    events = [SiteClosed(problem.sites[2].key, tuple(range(45)))]
    whole = repair(problem, None, None, events, now_week=4)
    with mock.patch("matching.local.SMALL", 0):
        near = repair(problem, None, None, events, now_week=4)
    assert near.proven
    names = [t.name for t in near.tiers]
    upto = names.index("moved") + 1
    assert near.tiers[:upto] == whole.tiers[:upto]
    for tier, best in zip(near.tiers, whole.tiers, strict=True):
        assert tier.bound <= best.value


def _published(seed):
    problem = generate_year("tiny", seed)
    return dataclasses.replace(problem, published=as_published(solve(problem)))


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"now_week": 5}, "now_week"), ({"now_week": True}, "now_week"), ({"may_move": ["nobody"]}, "may_move")],
)
def test_arguments_that_do_not_fit_are_refused(arguments, field):
    with pytest.raises(EngineError) as refusal:
        repair(_row((0, 1)), None, None, [], **arguments)
    assert refusal.value.field == field


def test_a_placing_that_the_problem_does_not_know_is_refused():
    with pytest.raises(ProblemError, match="published 'R9'"):
        repair(_row((0, 1)), None, [Placing("R9", "O0")], [])


# -- the check of placings alone ------------------------------------------------------------


def test_placings_within_the_rules_break_none():
    problem = _row((0, 1), (1, 2))
    assert broken_rules(problem, Policy(), {"R0": "O0", "R1": "O1"}, {}, ()) == []


@pytest.mark.parametrize(
    ("assignment", "blocks", "shares", "rule"),
    [
        ({"R0": "O2"}, {}, (), "travel_limit"),
        ({"R0": "O1", "R1": "O1"}, {}, (), "places"),
        ({"R9": "O1"}, {}, (), "assignment"),
        ({"R0": "O9"}, {}, (), "assignment"),
        ({"R0": "O0"}, {"R0": "B"}, (), "blocks"),
        ({"R0": "O0"}, {}, (Share("E", "D0", WEEKS[0], 0.5),), "shares"),
    ],
)
def test_placings_that_break_a_rule_are_found(assignment, blocks, shares, rule):
    problem = _row((0, 1), (1, 2))
    assert rule in {v.rule for v in broken_rules(problem, Policy(), assignment, blocks, shares)}


def test_placings_without_enough_supervision_are_found():
    problem = one_site(2, 2, wte=0.5)
    assert [v.rule for v in broken_rules(problem, Policy(), {"R0": "O0", "R1": "O0"}, {}, ())] == [
        "supervision",
        "supervision",
    ]


@pytest.mark.parametrize("last", [0, 1])
def test_all_who_rely_on_an_educators_time_are_in_question_when_it_is_cut(last):
    problem = one_site(2, 2, sites=2, wte=0.0)
    problem = dataclasses.replace(
        problem,
        educators=(Educator("E", ("D0", "D1"), (1.0,) * 4),),
        requirements=tuple(
            dataclasses.replace(r, priority=1 + (i == last)) for i, r in enumerate(problem.requirements)
        ),
        published=(Placing("R0", "O0"), Placing("R1", "O1")),
    )
    found = repair(problem, None, None, [EducatorAway("E", (1,), 0.5)])
    assert set(found.assignment) == {f"R{1 - last}"}
    assert _tiers(found)["unplaced_priority_1"] == (0, 0)
    assert _tiers(found)["moved"] == (1, 1)
