"""Reminders: whom the schedule and an academy lead write to, about what, and how often."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.accounts.models import Person
from placements.audit.models import AuditEntry
from placements.capacity import reminders
from placements.clock import set_clock
from placements.errors import NotAllowed, Refused
from placements.mail.models import Message
from placements.organisations.models import Department, Trust
from placements.rounds.models import Round
from tests.at_once import at_once
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    ModalityFactory,
    PersonFactory,
    RoundFactory,
    SiteFactory,
    TrustFactory,
    saved,
    viewer_as,
)

DEADLINE = date(2026, 12, 1)


def at(days_before: int, hour: int = 9) -> None:
    """It is so many days before the deadline, at this hour in London."""
    day = DEADLINE - timedelta(days=days_before)
    set_clock(lambda: datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


class Place:
    """A trust with an educator, a lead and a department in each state that is named."""

    def __init__(self, round_: Round, *states: str, name: str = "") -> None:
        self.trust: Trust = TrustFactory(**({"name": name} if name else {}))
        self.educator: Person = PersonFactory(role="practice_educator", trust_id=self.trust.id)
        self.lead: Person = PersonFactory(role="trust_education_lead", trust_id=self.trust.id)
        site = SiteFactory(trust=self.trust)
        self.departments: dict[str, Department] = {}
        for state in states:
            department = DepartmentFactory(site=site, modality=ModalityFactory(key=state.replace(" ", "_")))
            if state != "not declared":
                DeclarationFactory(round=round_, department=department, state=state)
            self.departments[state] = department
        saved()


@pytest.fixture
def round_(session: Session) -> Round:
    row: Round = RoundFactory(name="Spring 2027", declare_by=DEADLINE, reminder_days=[14, 7, 1, -1])
    BlockFactory(round=row)
    saved()
    return row


def sent(session: Session) -> dict[str, Message]:
    """The newest message to each address."""
    return {row.to: row for row in session.scalars(select(Message).order_by(Message.id))}


def number_sent(session: Session) -> int:
    return len(session.scalars(select(Message.id)).all())


def test_each_is_told_what_is_left_to_do_and_nobody_who_is_done(session: Session, round_: Round) -> None:
    busy = Place(round_, "not declared", "draft", "returned", "submitted", "approved")
    done = Place(round_, "approved")
    at(14)
    reminders.send_reminders()
    found = sent(session)
    assert set(found) == {busy.educator.email, busy.lead.email}
    educator, lead = found[busy.educator.email], found[busy.lead.email]
    assert educator.subject == "Spring 2027: declare your capacity by 1 December 2026"
    for state in ("not declared", "draft", "returned"):
        assert f"- {busy.departments[state].name}\n" in educator.body
    for state in ("submitted", "approved"):
        assert busy.departments[state].name not in educator.body
    assert "14 days are left" in educator.body
    assert f"/rounds/{round_.id}/capacity\n" in educator.body
    assert lead.subject == "Spring 2027: 1 declaration waits for your approval"
    assert busy.departments["submitted"].name in lead.body
    assert busy.departments["draft"].name not in lead.body
    assert f"/rounds/{round_.id}/capacity/approve\n" in lead.body
    assert done.educator.email not in found
    assert session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "send_reminders")).all() == [
        {"days": 14, "people": 2}
    ]


def test_each_day_of_the_schedule_comes_once_and_no_other(session: Session, round_: Round) -> None:
    Place(round_, "draft")
    told = []
    for day in range(20, -6, -1):
        for hour in (7, 8, 16):
            at(day, hour)
            before = number_sent(session)
            reminders.send_reminders()
            if number_sent(session) != before:
                told.append((day, hour))
    assert told == [(14, 8), (7, 8), (1, 8), (-1, 8)]
    assert "has passed" in sent(session).popitem()[1].body


def test_a_day_on_which_no_worker_ran_is_made_up_for_soon_after_or_not_at_all(
    session: Session, round_: Round
) -> None:
    Place(round_, "draft")
    at(12)
    reminders.send_reminders()
    assert [row.key.split(":")[2] for row in sent(session).values()] == ["14"]
    at(4)
    reminders.send_reminders()
    assert number_sent(session) == 1
    at(-1)
    reminders.send_reminders()
    assert [row.key.split(":")[2] for row in sent(session).values()] == ["-1"], "the latest alone"


@pytest.mark.parametrize("state", ["draft", "published"])
def test_only_an_open_round_reminds(session: Session, round_: Round, state: str) -> None:
    Place(round_, "draft")
    round_.state = state
    saved()
    at(14)
    reminders.send_reminders()
    assert number_sent(session) == 0


def test_a_trust_without_educators_is_reminded_through_its_lead_and_closed_accounts_never(
    session: Session, round_: Round
) -> None:
    place = Place(round_, "draft")
    place.educator.is_active = False
    saved()
    at(7)
    reminders.send_reminders()
    assert set(sent(session)) == {place.lead.email}
    assert place.departments["draft"].name in sent(session)[place.lead.email].body


def test_the_academys_own_centres_are_the_academy_leads_to_declare(session: Session, round_: Round) -> None:
    place = Place(round_)
    centre = DepartmentFactory(site=SiteFactory(trust=place.trust, kind="academy"))
    lead = PersonFactory()
    saved()
    at(7)
    reminders.send_reminders()
    assert set(sent(session)) == {lead.email}
    assert centre.name in sent(session)[lead.email].body


def test_two_workers_at_once_remind_each_person_once(app: Flask, session: Session, round_: Round) -> None:
    for _ in range(4):
        Place(round_, "draft", "submitted")
    at(14)
    session.rollback()
    at_once(app, reminders.send_reminders, reminders.send_reminders)
    addresses = session.scalars(select(Message.to)).all()
    assert len(addresses) == len(set(addresses)) == 8


def test_a_lead_reminds_those_of_chosen_departments_once_a_day(session: Session, round_: Round) -> None:
    lead: Viewer = viewer_as(Role.ACADEMY_LEAD)
    first, second = Place(round_, "draft", "approved"), Place(round_, "submitted")
    ids = [row.id for place in (first, second) for row in place.departments.values()]
    chased = reminders.chase_declarations(lead, round_.id, ids[:2])
    assert (chased.written, chased.told_today, chased.nobody) == (1, 0, ())
    chased = reminders.chase_declarations(lead, round_.id, ids)
    assert (chased.written, chased.told_today) == (1, 1)
    assert set(sent(session)) == {first.educator.email, second.lead.email}
    at(3)
    assert reminders.chase_declarations(lead, round_.id, ids).written == 2
    reminded = reminders.last_reminders(session, round_.id)
    assert set(reminded) == {first.trust.id, second.trust.id}
    assert reminded[first.trust.id].date() == DEADLINE - timedelta(days=3)


def test_where_nobody_has_an_account_the_lead_is_told(session: Session, round_: Round) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    place = Place(round_, "not declared", name="Lonely NHS Trust")
    place.educator.is_active = place.lead.is_active = False
    saved()
    ids = [row.id for row in place.departments.values()]
    chased = reminders.chase_declarations(lead, round_.id, ids)
    assert (chased.written, chased.nobody) == (0, ("Lonely NHS Trust",))


def test_only_an_academy_lead_reminds_and_only_in_an_open_round(session: Session, round_: Round) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    with pytest.raises(NotAllowed):
        reminders.chase_declarations(viewer_as(Role.TRUST_EDUCATION_LEAD), round_.id, [])
    round_.state = "draft"
    saved()
    with pytest.raises(Refused, match="not open yet"):
        reminders.chase_declarations(lead, round_.id, [])
