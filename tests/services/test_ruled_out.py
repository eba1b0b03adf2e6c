"""A learner whose own record rules the published place out is told so, and nobody else is."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements import tasks
from placements.allocations import explaining_moves
from placements.allocations.models import Allocation, Publication
from placements.allocations.service import adopt_run, publish_round
from placements.clock import set_clock
from placements.cohorts.models import Learner, LearnerExclusion
from placements.scenarios.models import Run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.conftest import NOW_UTC
from tests.factories import AccessNeedFactory, saved
from tests.factories.region import SmallRound, small_round

Change = Callable[[SmallRound, Learner], None]


@pytest.fixture
def region(session: Session, monkeypatch: pytest.MonkeyPatch) -> SmallRound:
    """Two learners, one in each of two departments, as published; there is room for both in either."""
    monkeypatch.setattr(tasks, "_queue", lambda *_: None)
    region = small_round(learners=2, places=(2, 2))
    region.departments[1].site.postcode = "B46 1AA"
    saved()
    first = published(session, region, hours=0)
    assert {line.department_id for line in first.lines} == {row.id for row in region.departments}
    return region


def published(session: Session, region: SmallRound, *, hours: int) -> Publication:
    """A version that the engine matches some hours on."""
    set_clock(lambda: NOW_UTC + timedelta(hours=hours))
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    assert session.get_one(Run, run_id).state == "finished"
    adopt_run(region.lead, run_id)
    return publish_round(region.lead, region.round.id, version=region.round.version)


def avoids(region: SmallRound, learner: Learner) -> None:
    learner.exclusions.append(LearnerExclusion(site=region.departments[0].site))


def needs_access(region: SmallRound, learner: Learner) -> None:
    need = AccessNeedFactory()
    region.departments[1].site.meets.append(need)
    learner.access_needs.append(need)


def stays_with_the_employer(region: SmallRound, learner: Learner) -> None:
    learner.employer = region.trusts[1]


def travels_less(region: SmallRound, learner: Learner) -> None:
    learner.postcode, learner.travel_limit_minutes = "B46 1AA", 5


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (avoids, "exclusion"),
        (needs_access, "access"),
        (stays_with_the_employer, "employer"),
        (travels_less, "travel_limit"),
    ],
)
def test_the_learners_own_change_says_why_the_place_had_to_go(
    session: Session, region: SmallRound, change: Change, rule: str
) -> None:
    at = {
        placing.requirement.learner_id: placing.department_id
        for placing in session.scalars(select(Allocation))
    }
    moves, stays = sorted(region.learners, key=lambda row: at[row.id] != region.departments[0].id)
    change(region, moves)
    saved()
    second = published(session, region, hours=2)
    words = {line.learner_reference: line.why_moved for line in second.lines}
    assert words[moves.reference] == explaining_moves.RULED_OUT[rule]
    assert words[stays.reference] not in explaining_moves.RULED_OUT.values()
