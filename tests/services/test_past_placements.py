"""What learners did in earlier rounds goes into the next one."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from placements.allocations import history
from placements.allocations.history import past_placements
from placements.cohorts.demand import demand
from placements.cohorts.history import histories
from tests.factories import (
    NetworkFactory,
    PublicationFactory,
    PublicationLineFactory,
    RoundFactory,
    saved,
)
from tests.factories.region import SmallRound, small_round


@pytest.fixture
def region(session: Session) -> SmallRound:
    return small_round(learners=2)


def test_the_newest_publication_of_each_earlier_round_counts(session: Session, region: SmallRound) -> None:
    learner, other = region.learners
    last_year = RoundFactory(name="Last year", first_week=date(2026, 1, 5), last_week=date(2026, 3, 2))
    before = RoundFactory(name="Before", first_week=date(2025, 1, 6), last_week=date(2025, 3, 3))
    here, there = region.departments
    old, new = (PublicationFactory(round=last_year, number=number) for number in (1, 2))
    ours = {"of_hei": region.hei, "record_id": learner.record_id, "weeks": 3}
    PublicationLineFactory(publication=old, at=there, first_week=date(2026, 1, 5), **ours)
    PublicationLineFactory(publication=new, at=here, first_week=date(2026, 1, 5), travel_minutes=40, **ours)
    PublicationLineFactory(publication=new, state="held", at=there, first_week=date(2026, 2, 2), **ours)
    PublicationLineFactory(publication=new, state="unplaced", first_week=date(2026, 3, 2), **ours)
    PublicationLineFactory(
        publication=PublicationFactory(round=before),
        at=there,
        first_week=date(2025, 1, 6),
        travel_minutes=20,
        **ours,
    )
    PublicationLineFactory(publication=PublicationFactory(round=region.round), at=there, **ours)
    saved()
    found = past_placements(session, {learner.record_id, other.record_id}, region.round)
    assert [
        (row.round, row.site_id, row.modality, row.first_week, row.weeks, row.travel_minutes)
        for row in found[learner.record_id]
    ] == [
        ("Before", there.site_id, "X-ray", date(2025, 1, 6), 3, 20),
        ("Last year", here.site_id, "X-ray", date(2026, 1, 5), 3, 40),
    ]
    assert other.record_id not in found
    assert past_placements(session, None, region.round) == found
    assert past_placements(session, {other.record_id}, region.round) == {}
    mine = histories(session, region.round, [learner.record_id])[learner.record_id]
    assert mine.attended == (there.site_id, here.site_id)
    assert mine.mean_minutes == 30
    asked = {row.id: row.history.attended for row in demand(session, region.round)}
    assert asked == {learner.id: (there.site_id, here.site_id), other.id: ()}


def test_many_records_are_asked_for_at_once(
    session: Session, region: SmallRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = RoundFactory(name="Earlier", first_week=date(2026, 1, 5), last_week=date(2026, 3, 2))
    publication = PublicationFactory(round=earlier)
    for learner in region.learners:
        PublicationLineFactory(publication=publication, of_hei=region.hei, record_id=learner.record_id)
    saved()
    monkeypatch.setattr(history, "MOST_ASKED", 0)
    first, second = (learner.record_id for learner in region.learners)
    assert set(past_placements(session, {first}, region.round)) == {first}
    assert set(past_placements(session, {first, second}, region.round)) == {first, second}


def test_another_networks_rounds_do_not_count(session: Session, region: SmallRound) -> None:
    foreign = RoundFactory(
        network_id=NetworkFactory(name="Another").id, first_week=date(2026, 1, 5), last_week=date(2026, 3, 2)
    )
    record_id = region.learners[0].record_id
    PublicationLineFactory(publication=PublicationFactory(round=foreign), record_id=record_id)
    saved()
    assert past_placements(session, {record_id}, region.round) == {}
