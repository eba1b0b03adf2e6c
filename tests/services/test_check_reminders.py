"""Reminders of checks that fall due: to whom, when, and how often."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.accounts.models import Person
from placements.clearance import reminders
from placements.clock import set_clock
from placements.mail.models import Message
from tests.factories import CheckKindFactory, HeiFactory, LearnerCheckFactory, PersonFactory, saved
from tests.factories.region import SmallRound, small_round

# Six weeks before 4 January 2027.
DUE = date(2026, 11, 23)


def at(days_before: int, hour: int = 9) -> None:
    """It is so many days before checks fall due, at this hour."""
    day = DUE - timedelta(days=days_before)
    set_clock(lambda: datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


@pytest.fixture
def region(session: Session) -> SmallRound:
    return small_round(learners=3)


@pytest.fixture
def officers(region: SmallRound) -> list[Person]:
    dbs = CheckKindFactory(name="DBS")
    LearnerCheckFactory(record=region.learners[0].record, kind=dbs)
    found = [PersonFactory(role="placement_officer", hei_id=region.hei.id) for _ in range(2)]
    PersonFactory(role="placement_officer", hei_id=HeiFactory().id)
    PersonFactory(role="placement_officer", hei_id=region.hei.id, is_active=False)
    saved()
    return found


def sent(session: Session) -> list[Message]:
    return list(session.scalars(select(Message).order_by(Message.id)))


def test_each_officer_of_the_hei_is_told_who_lacks_what(
    session: Session, region: SmallRound, officers: list[Person]
) -> None:
    at(14)
    reminders.send_check_reminders()
    found = sent(session)
    assert sorted(row.to for row in found) == sorted(person.email for person in officers)
    (message, _) = found
    assert message.subject == f"{region.round.name}: checks of 2 learners are due by 23 November 2026"
    first, second, third = (row.reference for row in region.learners)
    assert f"- DBS before {region.block.name}: 2 learners ({second}, {third})" in message.body
    assert first not in message.body
    assert f"/rounds/{region.round.id}/checks?show=soon" in message.body


def test_each_day_of_the_schedule_comes_once_and_no_other(
    session: Session, region: SmallRound, officers: list[Person]
) -> None:
    told = []
    for day in range(17, -3, -1):
        for hour in (7, 8, 16):
            at(day, hour)
            before = len(sent(session))
            reminders.send_check_reminders()
            told += [(day, hour)] * (len(sent(session)) - before)
    assert told == [(14, 8), (14, 8), (7, 8), (7, 8)]


def test_a_day_without_a_worker_is_made_up_for_soon_after_or_not_at_all(
    session: Session, region: SmallRound, officers: list[Person]
) -> None:
    at(11)
    reminders.send_check_reminders()
    assert sent(session) == []
    at(5)
    reminders.send_check_reminders()
    assert len(sent(session)) == 2


def test_nobody_is_told_of_learners_who_are_clear_or_of_a_draft_round(
    session: Session, region: SmallRound, officers: list[Person]
) -> None:
    region.round.state = "draft"
    saved()
    at(14)
    reminders.send_check_reminders()
    assert sent(session) == []
    region.round.state = "open"
    kind = session.scalars(select(reminders.queries.CheckKind)).one()
    for learner in region.learners[1:]:
        LearnerCheckFactory(record=learner.record, kind=kind, done_on=date(2026, 10, 1))
    saved()
    reminders.send_check_reminders()
    assert sent(session) == []
