"""What each event leaves of a problem, and what it refuses."""

import dataclasses

import numpy as np
import pytest

from matching import Companions, Learner, Lock, Placing, Policy, Requirement, Rotation
from matching.events import (
    EducatorAway,
    EventError,
    LateLearner,
    MustMove,
    PlacesCut,
    SiteClosed,
    Withdrawal,
    WteCut,
    apply,
    check_obeyed,
    events_from_json,
    events_to_json,
)
from matching.generate_year import generate_year
from matching.validation import PolicyError, ProblemError
from tests.matching.matching_problems import one_site


def _by_key(items):
    return {item.key: item for item in items}


def test_a_learner_who_withdraws_leaves_nothing_behind():
    problem = dataclasses.replace(
        one_site(2, 3),
        locks=(Lock("R0", "S0", "pin"), Lock("R1", "S0", "pin")),
        companions=(Companions("C", "apart", ("L0", "L1")), Companions("K", "apart", ("L0", "L1", "L2"))),
        published=(Placing("R0", "O0"), Placing("R1", "O0")),
        travel_minutes=np.array([[1], [2], [3]], np.uint16),
    )
    after = apply(problem, [Withdrawal("L0")])
    assert [x.key for x in after.learners] == ["L1", "L2"]
    assert [r.key for r in after.requirements] == ["R1", "R2"]
    assert after.locks == (Lock("R1", "S0", "pin"),)
    assert after.published == (Placing("R1", "O0"),)
    assert after.companions == (Companions("K", "apart", ("L1", "L2")),)
    assert after.travel_minutes.tolist() == [[2], [3]]
    assert len(problem.learners) == 3


def test_what_a_learner_who_leaves_later_has_begun_is_cut_short():
    problem = one_site(2, 1, weeks=(0, 1, 2))
    later = Requirement("LATER", "L0", "B2", ("xray",), (2, 3))
    learner = dataclasses.replace(problem.learners[0], different_sites=2)
    problem = dataclasses.replace(
        problem,
        learners=(learner,),
        requirements=(*problem.requirements, later),
        published=(Placing("R0", "O0"), Placing("LATER", "O0")),
    )
    after = apply(problem, [Withdrawal("L0", 2)])
    assert [(r.key, r.weeks) for r in after.requirements] == [("R0", (0, 1))]
    assert after.published == (Placing("R0", "O0"),)
    assert after.learners[0].different_sites is None
    waiting = dataclasses.replace(problem, published=())
    assert apply(waiting, [Withdrawal("L0", 2)]).requirements == ()
    assert apply(waiting, [Withdrawal("L0", 3)]).requirements == (problem.requirements[0],)


def test_of_a_rotation_the_blocks_to_come_go_with_the_learner():
    problem = one_site(2, 1)
    floating = [Requirement(f"F{i}", "L0", "", ("xray",), (), rotation="ROT") for i in range(2)]
    problem = dataclasses.replace(
        problem,
        requirements=tuple(floating),
        rotations=(Rotation("ROT", "L0", ("A", "B"), ((0, 1), (2, 3))),),
        published=(Placing("F0", "O0", "B"), Placing("F1", "O0", "A")),
    )
    after = apply(problem, [Withdrawal("L0", 1)])
    assert [r.key for r in after.requirements] == ["F1"]
    assert after.rotations == (Rotation("ROT", "L0", ("A",), ((0,),)),)
    assert after.published == (Placing("F1", "O0", "A"),)


def test_a_late_learner_joins_with_their_requirements_and_journeys():
    problem = one_site(2, 1, sites=2)
    need = Requirement("NEW", "N", "B", ("xray",), (0, 1))
    after = apply(problem, [LateLearner(Learner("N", "radiography", "1", "H"), (need,), (7, 65535))])
    assert after.learners[-1].key == "N"
    assert after.requirements[-1] == need
    assert after.travel_minutes[-1].tolist() == [7, 65535]


def test_places_are_cut_where_and_when_it_says():
    problem = one_site(3, 1)
    after = apply(problem, [PlacesCut("offer", "O0", (1, 2), 1), PlacesCut("site", "S0", (0,), 2)])
    assert after.offers[0].maximum == after.offers[0].preferred == (3, 1, 1, 3)
    assert after.sites[0].places == (2, 10_000, 10_000, 10_000)
    cut = apply(after, [PlacesCut("department", "D0", (3,), 0), PlacesCut("trust", "T", (3,), 1)])
    assert cut.departments[0].places == (10_000, 10_000, 10_000, 0)
    assert cut.trusts[0].places == (10_000, 10_000, 10_000, 1)


def test_supervising_time_is_cut_where_and_when_it_says():
    problem = generate_year("tiny", 1)
    educator, weeks = problem.educators[0], (2, 3)
    own = next(d for d in problem.departments if d.wte is not None and min(d.wte) > 0.1)
    after = apply(problem, [EducatorAway(educator.key, weeks), WteCut(own.key, weeks, 0.1)])
    assert {_by_key(after.educators)[educator.key].wte[w] for w in weeks} == {0.0}
    assert _by_key(after.educators)[educator.key].wte[4:] == educator.wte[4:]
    assert {_by_key(after.departments)[own.key].wte[w] for w in weeks} == {0.1}
    assert _by_key(after.departments)[own.key].wte[:2] == own.wte[:2]


def test_a_closed_site_has_no_places_and_no_beds():
    problem = one_site(1, 1)
    site = dataclasses.replace(problem.sites[0], accommodation=(2, 2, 2, 2))
    after = apply(dataclasses.replace(problem, sites=(site,)), [SiteClosed("S0", (1,))])
    assert after.sites[0].places == (10_000, 0, 10_000, 10_000)
    assert after.sites[0].accommodation == (2, 0, 2, 2)


def test_who_must_move_is_banned_and_no_longer_pinned_there():
    pins = (Lock("R0", "D0", "pin"), Lock("R0", "S1", "pin"), Lock("R1", "D0", "pin"))
    problem = dataclasses.replace(one_site(1, 2, sites=2), locks=pins)
    after = apply(problem, [MustMove("R0", "S0")])
    assert after.locks == (*pins[1:], Lock("R0", "S0", "ban"))
    assert apply(after, [MustMove("R0", "S0")]).locks == after.locks
    inside = dataclasses.replace(problem, locks=(Lock("R0", "S0", "pin"),))
    kept = apply(inside, [MustMove("R0", "D0")]).locks
    assert kept == (Lock("R0", "S0", "pin"), Lock("R0", "D0", "ban"))


LATE = Learner("N", "radiography", "1", "H")
NEED = Requirement("NEW", "N", "B", ("xray",), (0, 1))


@pytest.mark.parametrize(
    ("event", "item", "field"),
    [
        (Withdrawal("nobody"), "event 1 (withdrawal)", "learner"),
        (Withdrawal("L0", 4), "event 1 (withdrawal)", "from_week"),
        (Withdrawal("L0", True), "event 1 (withdrawal)", "from_week"),
        (LateLearner(dataclasses.replace(LATE, key="L0"), (), (1,)), "event 1 (late_learner)", "learner"),
        (LateLearner(LATE, (NEED,), (1, 2)), "event 1 (late_learner)", "travel_minutes"),
        (LateLearner(LATE, (NEED,), (70_000,)), "event 1 (late_learner)", "travel_minutes[0]"),
        (
            LateLearner(LATE, (dataclasses.replace(NEED, key="R0"),), (1,)),
            "event 1 (late_learner)",
            "requirements[0]",
        ),
        (
            LateLearner(LATE, (dataclasses.replace(NEED, learner="L0"),), (1,)),
            "event 1 (late_learner)",
            "requirements[0]",
        ),
        (PlacesCut("ward", "O0", (0,), 0), "event 1 (places_cut)", "level"),
        (PlacesCut("offer", "nothing", (0,), 0), "event 1 (places_cut)", "key"),
        (PlacesCut("offer", "O0", (), 0), "event 1 (places_cut)", "weeks"),
        (PlacesCut("offer", "O0", (4,), 0), "event 1 (places_cut)", "weeks[0]"),
        (PlacesCut("offer", "O0", (0,), -1), "event 1 (places_cut)", "places"),
        (PlacesCut("offer", "O0", (0,), 2), "event 1 (places_cut)", "places"),
        (EducatorAway("nobody", (0,)), "event 1 (educator_away)", "educator"),
        (WteCut("nothing", (0,), 0.0), "event 1 (wte_cut)", "department"),
        (WteCut("D0", (0,), 0.0), "event 1 (wte_cut)", "department"),
        (SiteClosed("nothing", (0,)), "event 1 (site_closed)", "site"),
        (SiteClosed("S0", (1, 0)), "event 1 (site_closed)", "weeks[1]"),
        (MustMove("nobody", "S0"), "event 1 (must_move)", "requirement"),
        (MustMove("R0", "nowhere"), "event 1 (must_move)", "site_or_department"),
        ("withdrawal", "event 1", "type"),
    ],
)
def test_an_event_that_cannot_be_is_refused_by_item_and_field(event, item, field):
    with pytest.raises(EventError) as refusal:
        apply(one_site(1, 1), [event])
    assert (refusal.value.item, refusal.value.field) == (item, field)


def test_wte_cannot_grow_by_a_cut():
    with pytest.raises(EventError, match="no more than the 1 of week 0"):
        apply(one_site(1, 1, wte=1.0), [WteCut("D0", (0,), 1.5)])


def test_an_event_sees_what_the_ones_before_it_left():
    with pytest.raises(EventError) as refusal:
        apply(one_site(1, 2), [Withdrawal("L0"), Withdrawal("L0")])
    assert refusal.value.item == "event 2 (withdrawal)"


def test_a_late_learner_who_does_not_fit_is_refused_as_in_any_problem():
    wrong = dataclasses.replace(NEED, weeks=(9,))
    with pytest.raises(ProblemError, match="requirement 'NEW'"):
        apply(one_site(1, 1), [LateLearner(LATE, (wrong,), (1,))])


def test_an_event_by_a_rule_that_the_policy_ignores_is_refused():
    check_obeyed(Policy(places=False), [SiteClosed("S0", (0,))])
    with pytest.raises(PolicyError, match="places"):
        check_obeyed(Policy(places=False, offer_weeks=False), [SiteClosed("S0", (0,))])
    with pytest.raises(PolicyError, match="locks"):
        check_obeyed(Policy(locks=False), [MustMove("R0", "S0")])


EVENTS = (
    Withdrawal("L0", 2),
    LateLearner(LATE, (NEED,), (1,), (Rotation("X", "N", ("A",), ((0, 1),)),)),
    PlacesCut("offer", "O0", (0, 1), 0),
    EducatorAway("E", (2,), 0.25),
    WteCut("D0", (2,), 0.25),
    SiteClosed("S0", (1,)),
    MustMove("R0", "S0"),
)


def test_events_are_written_and_read():
    assert events_from_json(events_to_json(EVENTS)) == EVENTS


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"version":2,"events":[]}', "version"),
        ('{"events":[]}', "version"),
        ('{"version":1}', "events"),
        ('{"version":1,"events":[],"more":1}', "name"),
        ('{"version":1,"events":[3]}', "value"),
        ('{"version":1,"events":[{"kind":"flood"}]}', "kind"),
        ('{"version":1,"events":[{"kind":"withdrawal"}]}', "learner"),
        ('{"version":1,"events":[{"kind":"withdrawal","learner":3}]}', "learner"),
        ('{"version":1,"events":[{"kind":"withdrawal","learner":"L0","why":"ill"}]}', "name"),
    ],
)
def test_events_that_cannot_be_read_are_refused_by_field(text, field):
    with pytest.raises(EventError) as refusal:
        events_from_json(text)
    assert refusal.value.field == field
