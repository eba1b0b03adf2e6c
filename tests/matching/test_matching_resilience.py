"""Everything lost in turn: what follows, over processes, taken up again, stopped."""

import dataclasses
import itertools

import pytest

from matching import EngineError, Placing, Policy, PolicyError, solve
from matching.events import EducatorAway, PlacesCut, SiteClosed
from matching.generate_year import generate_year
from matching.repair import repair
from matching.resilience import Loss, lose_each
from tests.matching.matching_problems import one_site


@pytest.fixture(scope="module")
def published():
    problem = generate_year("tiny", 2)
    found = solve(problem)
    return dataclasses.replace(
        problem, published=tuple(Placing(r, o, found.blocks.get(r)) for r, o in found.assignment.items())
    )


@pytest.fixture(scope="module")
def losses(published):
    return list(lose_each(published, now_week=3))


def test_each_department_site_and_educator_is_lost_once_in_order(published, losses):
    names = [
        f"{kind} {item.key}"
        for kind in ("department", "site", "educator")
        for item in getattr(published, f"{kind}s")
    ]
    assert [loss.name for loss in losses] == names


def test_a_loss_is_what_the_repair_of_its_event_says(published, losses):
    weeks = tuple(range(3, len(published.weeks)))
    made = {
        "department": lambda key: PlacesCut("department", key, weeks, 0),
        "site": lambda key: SiteClosed(key, weeks),
        "educator": lambda key: EducatorAway(key, weeks),
    }
    standing = {p.requirement: p for p in published.published}
    assert any(loss.displaced for loss in losses)
    for loss in losses[::5]:
        found = repair(
            published, None, None, [made[loss.kind](loss.key)], now_week=3, waiting=False, quality=False
        )
        lost = set(standing) - set(found.assignment)
        assert set(loss.left) == lost
        changed = {p.requirement for p in found.placings if standing[p.requirement] != p}
        assert set(loss.replaced) | set(loss.moved) == changed
        assert set(loss.replaced) <= set(loss.displaced)
        assert loss.tiers == found.tiers
        assert loss.proven


def test_whoever_stood_in_a_lost_department_is_displaced(published, losses):
    offer = {o.key: o.department for o in published.offers}
    requirement = {r.key: r for r in published.requirements}
    rotation = {r.key: dict(zip(r.blocks, r.weeks, strict=True)) for r in published.rotations}

    def last_week(placing):
        item = requirement[placing.requirement]
        weeks = item.weeks if item.rotation is None else rotation[item.rotation][placing.block]
        return weeks[-1]

    for loss in losses:
        if loss.kind == "department":
            inside = {
                p.requirement for p in published.published if offer[p.offer] == loss.key and last_week(p) >= 3
            }
            assert set(loss.displaced) == inside


def test_minutes_and_costs_are_those_of_the_placings():
    problem = dataclasses.replace(
        one_site(1, 1, sites=2),
        published=(Placing("R0", "O0"),),
    )
    minutes = problem.travel_minutes.copy()
    minutes[0] = (20, 45)
    problem = dataclasses.replace(problem, travel_minutes=minutes)
    first, second = lose_each(problem, kinds=["site"])
    assert (first.displaced, first.replaced, first.left) == (("R0",), ("R0",), ())
    assert first.minutes == 25
    # 45 minutes are 30 and 15 twice, 20 are 20.
    assert first.costs["travel"] == 40_000
    assert (second.displaced, second.minutes, second.costs["travel"]) == ((), 0, 0)


def test_processes_make_no_difference(published, losses):
    spread = list(lose_each(published, kinds=["educator", "site"], now_week=3, processes=2))
    alone = [x for x in losses if x.kind == "educator"] + [x for x in losses if x.kind == "site"]
    assert spread == alone


def test_it_is_taken_up_where_it_was_left(published, losses):
    told = []
    done = {loss.name: Loss.from_json(loss.to_json()) for loss in losses[:-2]}
    again = list(lose_each(published, now_week=3, done=done, on_result=told.append))
    assert again == losses
    assert told == losses[-2:]


def test_nothing_is_done_again_that_is_done():
    made_up = Loss("site", "S0", ("X",), (), (), ("X",), 5, True)
    problem = dataclasses.replace(one_site(1, 1), published=(Placing("R0", "O0"),))
    assert list(lose_each(problem, kinds=["site"], done={"site S0": made_up})) == [made_up]


def test_it_can_be_stopped_between_two(published, losses):
    asked = itertools.count()
    stopped = list(lose_each(published, now_week=3, stop=lambda: next(asked) >= 2))
    assert stopped == losses[:2]


def test_what_cannot_be_is_refused():
    problem = one_site(1, 1)
    with pytest.raises(EngineError, match="kinds"):
        lose_each(problem, kinds=["ward"])
    with pytest.raises(EngineError, match="processes"):
        lose_each(problem, processes=0)
    with pytest.raises(PolicyError, match="places"):
        lose_each(problem, Policy(places=False, offer_weeks=False))
