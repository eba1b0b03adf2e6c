"""Learners' private links: who makes them, what they open, and when they stop."""

from contextlib import suppress
from datetime import date, datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.access import Action, Role, Viewer
from placements.allocations.queries import visible_lines
from placements.audit.models import AuditEntry
from placements.clock import now_utc, set_clock
from placements.cohorts.models import Cohort, Learner, LearnerLink
from placements.cohorts.queries import visible_cohorts
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.learner_pages import links
from placements.mail.models import Message
from placements.organisations.queries import visible_departments
from placements.rounds.queries import rounds
from placements.web.formats import LONDON
from tests.at_once import at_once
from tests.conftest import NOW_UTC
from tests.factories import (
    CohortFactory,
    LearnerContactFactory,
    LearnerFactory,
    LearnerLinkFactory,
    PublicationFactory,
    PublicationLineFactory,
    RoundFactory,
    saved,
    viewer_as,
)


@pytest.fixture
def cohort(session: Session) -> Cohort:
    """Two learners, of the second of whom an e-mail address is held."""
    row: Cohort = CohortFactory(round__last_week=date(2027, 3, 29))
    LearnerFactory(cohort=row, reference="A-1")
    second = LearnerFactory(cohort=row, reference="A-2")
    LearnerContactFactory(record=second.record, email="a2@example.ac.uk")
    saved()
    return row


def officer_of(cohort: Cohort) -> Viewer:
    return viewer_as(Role.PLACEMENT_OFFICER, hei_id=cohort.programme.hei_id)


def learner(session: Session, reference: str) -> Learner:
    return session.scalars(select(Learner).filter_by(reference=reference)).one()


def test_a_link_opens_one_learners_data_and_keeps_no_secret(session: Session, cohort: Cohort) -> None:
    RoundFactory(name="Another round")
    publication = PublicationFactory(round=cohort.round)
    first, second = (learner(session, reference) for reference in ("A-1", "A-2"))
    own = PublicationLineFactory(publication=publication, record_id=first.record_id, of_hei=first.hei)
    PublicationLineFactory(publication=publication, record_id=second.record_id, of_hei=second.hei)
    PublicationLineFactory(publication=publication, of_hei=first.hei)
    elsewhere = PublicationFactory(number=1)
    PublicationLineFactory(publication=elsewhere, record_id=first.record_id, of_hei=first.hei)
    saved()
    made = links.invite_learner(officer_of(cohort), first.id)
    assert len(made.secret) >= 43
    assert made.secret not in "".join(str(value) for value in vars(made.link).values())
    found = links.invited_by(session, made.secret)
    assert found is not None
    guest = links.viewer_of(found)
    assert [line.id for line in session.scalars(visible_lines(guest))] == [own.id]
    assert [row.id for row in rounds(session, guest)] == [cohort.round_id]
    assert session.scalars(visible_cohorts(guest)).all() == []
    assert session.scalars(visible_departments(guest)).all() == []
    assert {action for action in Action if guest.may(action)} == {
        Action.SEE_OWN_PLACES,
        Action.SAVE_PREFERENCES,
        Action.GIVE_FEEDBACK,
        Action.LODGE_APPEAL,
        Action.WITHDRAW_APPEAL,
    }
    assert first.reference not in guest.name, "the audit keeps the name"
    assert found.last_used_utc == NOW_UTC
    details = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "invite_learner")).all()
    assert made.secret not in str(details)


def test_links_of_a_cohort_are_made_once_for_those_without_one(session: Session, cohort: Cohort) -> None:
    officer = officer_of(cohort)
    made = links.invite_cohort(officer, cohort.id)
    assert [one.link.learner.reference for one in made] == ["A-1", "A-2"]
    assert len({one.secret for one in made}) == 2
    with pytest.raises(Refused, match="Every learner"):
        links.invite_cohort(officer, cohort.id)
    links.revoke_learner_link(officer, made[0].link.id)
    (again,) = links.invite_cohort(officer, cohort.id)
    assert again.link.learner.reference == "A-1"
    lines = links.links_of_cohort(session, officer, cohort.id)
    assert [(line.learner.reference, line.works, line.has_email) for line in lines] == [
        ("A-1", True, False),
        ("A-2", True, True),
    ]
    assert session.scalars(select(Message)).all() == []


def test_links_are_mailed_once_to_those_with_an_address(session: Session, cohort: Cohort) -> None:
    officer = officer_of(cohort)
    (made,) = links.invite_cohort(officer, cohort.id, by_mail=True)
    message = session.scalars(select(Message)).one()
    assert message.to == "a2@example.ac.uk"
    assert f"/my/{made.secret}" in message.body
    assert "until 8 December 2026" in " ".join(message.body.split()).replace("Until", "until")
    with pytest.raises(Refused, match="No e-mail address"):
        links.invite_cohort(officer, cohort.id, by_mail=True)
    assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_two_officers_at_once_make_no_second_link(app: Flask, session: Session, cohort: Cohort) -> None:
    officer, cohort_id = officer_of(cohort), cohort.id

    def press() -> None:
        with suppress(Refused, Stale):
            links.invite_cohort(officer, cohort_id)

    at_once(app, press, press)
    session.expire_all()
    assert session.scalar(select(func.count()).select_from(LearnerLink)) == 2


def test_a_link_stops_when_it_expires_is_ended_is_erased_or_is_not_known(
    session: Session, cohort: Cohort
) -> None:
    officer = officer_of(cohort)
    first, second = (learner(session, reference) for reference in ("A-1", "A-2"))
    ended = links.invite_learner(officer, first.id)
    short = links.invite_learner(officer, first.id, days=2)
    erased = links.invite_learner(officer, second.id)
    assert short.link.expires_utc == NOW_UTC + timedelta(days=2)
    links.revoke_learner_link(officer, ended.link.id)
    links.revoke_learner_link(officer, ended.link.id)
    second.record.erased_utc = now_utc()
    draft = LearnerFactory(cohort=CohortFactory(round=RoundFactory(state="draft")))
    LearnerLinkFactory(learner=draft, secret="early")
    saved()
    for secret in (ended.secret, erased.secret, "early", "nothing", "", short.secret + "x", "é" * 500):
        assert links.invited_by(session, secret) is None
    set_clock(lambda: NOW_UTC + timedelta(days=2, seconds=-1))
    assert links.invited_by(session, short.secret) is not None
    set_clock(lambda: NOW_UTC + timedelta(days=2))
    assert links.invited_by(session, short.secret) is None


@pytest.mark.parametrize(
    ("last_week", "last_day"),
    [
        (date(2027, 3, 29), date(2027, 4, 30)),
        (date(2026, 1, 5), date(2026, 12, 22)),
        (date(2029, 1, 1), date(2027, 12, 29)),
    ],
    ids=["four weeks after the round", "four weeks from today", "400 days at most"],
)
def test_a_link_lasts_until_four_weeks_after_the_round(
    session: Session, cohort: Cohort, last_week: date, last_day: date
) -> None:
    cohort.round.first_week = date(2026, 1, 5)
    cohort.round.last_week = last_week
    assert links.default_expiry(cohort.round, NOW_UTC) == datetime.combine(last_day, time(23, 59), LONDON)


def test_officers_invite_their_own_learners_only(session: Session, cohort: Cohort) -> None:
    first = learner(session, "A-1")
    own, other = officer_of(cohort), viewer_as(Role.PLACEMENT_OFFICER)
    made = links.invite_learner(own, first.id)
    for refused in (
        lambda: links.invite_learner(other, first.id),
        lambda: links.invite_cohort(other, cohort.id),
        lambda: links.links_of_cohort(session, other, cohort.id),
        lambda: links.revoke_learner_link(other, made.link.id),
    ):
        with pytest.raises(NotFound):
            refused()
    for role in (Role.ACADEMY_LEAD, Role.TRUST_EDUCATION_LEAD):
        with pytest.raises(NotAllowed):
            links.invite_learner(viewer_as(role), first.id)
    for days in (0, 401):
        with pytest.raises(Refused) as refusal:
            links.invite_learner(own, first.id, days=days)
        assert set(refusal.value.fields) == {"days"}
