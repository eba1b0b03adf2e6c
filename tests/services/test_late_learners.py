"""Learners of whom something was recorded after a run are told until a repair takes it in."""

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from placements import tasks
from placements.access import Role
from placements.allocations import late_learners
from placements.allocations.late_learners import LateLearner
from placements.allocations.models import Publication
from placements.allocations.service import adopt_run, publish_round, start_repair
from placements.clock import now_utc, set_clock
from placements.cohorts.models import Interruption
from placements.scenarios.models import Run
from placements.scenarios.solving import perform_run
from tests.conftest import NOW_UTC
from tests.factories import (
    BlockFactory,
    CohortFactory,
    LearnerFactory,
    PlanLineFactory,
    RequirementFactory,
    saved,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round
from tests.services.test_allocations import a_run


@pytest.fixture
def region(session: Session, monkeypatch: pytest.MonkeyPatch) -> SmallRound:
    """Published an hour ago: the first two learners are placed, the third is not."""
    monkeypatch.setattr(tasks, "_queue", lambda *_: None)
    region = small_round(learners=3, places=(2, 2))
    adopt_run(region.lead, a_run(region).id)
    publish_round(region.lead, region.round.id, version=region.round.version)
    set_clock(lambda: NOW_UTC + timedelta(hours=1))
    return region


def published(session: Session, region: SmallRound) -> Publication:
    return session.query(Publication).filter_by(round_id=region.round.id).one()


def found(session: Session, region: SmallRound) -> list[LateLearner]:
    saved()
    session.expire_all()
    return late_learners.since_publication(session, region.lead, published(session, region))


def interrupted(kind: str, first_day: date, last_day: date | None = None) -> Interruption:
    return Interruption(kind=kind, first_day=first_day, last_day=last_day, recorded_utc=now_utc())


def test_nothing_is_told_where_nothing_was_recorded(session: Session, region: SmallRound) -> None:
    assert found(session, region) == []


def test_a_withdrawal_gives_the_place_up(session: Session, region: SmallRound) -> None:
    first, _, third = region.learners
    first.interruptions.append(interrupted("withdrawn", date(2027, 1, 4)))
    third.interruptions.append(interrupted("withdrawn", date(2027, 1, 4)))
    placed, unplaced = found(session, region)
    assert placed.sentence == (
        f"{first.reference}, {region.hei.name}: withdrawn from 4 January 2027; 1 place is given up"
    )
    assert unplaced.sentence == f"{third.reference}, {region.hei.name}: withdrawn from 4 January 2027"


def test_days_away_count_where_a_block_is_among_them(session: Session, region: SmallRound) -> None:
    first, second, _ = region.learners
    first.interruptions.append(interrupted("suspended", date(2027, 1, 11), date(2027, 1, 15)))
    second.interruptions.append(interrupted("suspended", date(2027, 6, 7), date(2027, 6, 11)))
    away, elsewhere = found(session, region)
    assert away.words == f"away from 11 January 2027 to 15 January 2027, so not there for {region.block.name}"
    assert away.places == 1
    assert elsewhere.places == 0


def test_late_joiners_returners_and_further_needs_are_told(session: Session, region: SmallRound) -> None:
    cohort = region.learners[0].cohort
    line = region.learners[0].requirements[0].plan_line
    joined, back = (LearnerFactory(cohort=cohort) for _ in range(2))
    for learner in (joined, back):
        RequirementFactory(learner=learner, plan_line=line, block=region.block)
    back.interruptions.append(interrupted("withdrawn", date(2026, 9, 1), date(2026, 12, 31)))
    later = BlockFactory(round=region.round, name="Later", first_week=date(2027, 3, 1), weeks=2)
    RequirementFactory(learner=region.learners[0], plan_line=None, block=later)
    region.learners[1].requirements[0].state = "exempt"
    region.learners[1].requirements[0].changed_utc = now_utc()
    words = {row.who.split(",")[0]: row.words for row in found(session, region)}
    assert words == {
        joined.reference: "joined late, needs 1 place",
        back.reference: "back from 1 January 2027, needs 1 place",
        region.learners[0].reference: "also needs a place in Later",
        region.learners[1].reference: f"no longer needs a place in {region.block.name}",
    }


def test_other_limits_are_told_as_such(session: Session, region: SmallRound) -> None:
    region.learners[0].changed_utc = now_utc()
    (change,) = found(session, region)
    assert "travel, limits, days, preferences or priority" in change.words
    assert change.places == 0


def test_a_cohort_whose_limits_changed_is_one_line_beside_those_who_left(
    session: Session, region: SmallRound
) -> None:
    cohort = region.learners[0].cohort
    line = region.learners[0].requirements[0].plan_line
    fourth = LearnerFactory(cohort=cohort)
    RequirementFactory(learner=fourth, plan_line=line, block=region.block)
    for learner in region.learners:
        learner.changed_utc = now_utc()
    late, change = found(session, region)
    assert late.words == "joined late, needs 1 place"
    assert change.who == f"{cohort.name}, {region.hei.name}"
    names = ", ".join(sorted(row.reference for row in region.learners))
    assert change.words == (
        "what the match goes by has changed (travel, limits, days, preferences or priority) for 3 learners:"
        f" {names}"
    )
    assert (change.learner_id, change.cohort_id, change.places) == (None, cohort.id, 0)
    region.learners[0].interruptions.append(interrupted("withdrawn", date(2027, 1, 4)))
    withdrawn, *others = found(session, region)
    assert withdrawn.words == "withdrawn from 4 January 2027"
    assert [row.learner_id for row in others] == [fourth.id, *sorted(row.id for row in region.learners[1:])]


def test_a_cohort_submitted_since_is_one_line(session: Session, region: SmallRound) -> None:
    cohort = CohortFactory(round=region.round, programme=region.learners[0].cohort.programme)
    line = PlanLineFactory(block=region.block, programme=cohort.programme, stage=cohort.stage)
    for _ in range(4):
        RequirementFactory(learner=LearnerFactory(cohort=cohort), plan_line=line, block=region.block)
    draft = CohortFactory(
        round=region.round, programme=cohort.programme, stage=cohort.stage, intake="Draft", state="draft"
    )
    LearnerFactory(cohort=draft)
    (change,) = found(session, region)
    assert change.sentence == (
        f"{cohort.name}, {region.hei.name}: 4 learners submitted since, who need 4 places"
    )


def test_only_those_who_may_see_the_learners_are_told(session: Session, region: SmallRound) -> None:
    region.learners[0].interruptions.append(interrupted("withdrawn", date(2027, 1, 4)))
    saved()
    publication = published(session, region)
    own = viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    assert [row.places for row in late_learners.since_publication(session, own, publication)] == [1]
    for stranger in (
        viewer_as(Role.PLACEMENT_OFFICER),
        viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=region.trusts[0].id),
        viewer_as(Role.ADMINISTRATOR),
    ):
        assert late_learners.since_publication(session, stranger, publication) == []


def test_a_repair_takes_it_in(session: Session, region: SmallRound) -> None:
    withdrawn, stays, _ = region.learners
    withdrawn.interruptions.append(interrupted("withdrawn", date(2027, 1, 4)))
    saved()
    set_clock(lambda: NOW_UTC + timedelta(hours=2))
    run_id = start_repair(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert run.state == "finished", run.message
    assert late_learners.since_run(session, region.lead, run) == []
    adopt_run(region.lead, run_id)
    second = publish_round(region.lead, region.round.id, version=region.round.version)
    assert late_learners.since_publication(session, region.lead, second) == []
    placed = {line.learner_reference for line in second.lines if line.state == "placed"}
    assert withdrawn.reference not in {line.learner_reference for line in second.lines}
    assert stays.reference in placed
