"""Private links: who makes them, what they open, and when they stop."""

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Action, Role
from placements.audit.models import AuditEntry
from placements.capacity import deciding, invitations, queries, service
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.models import DeclarationRecord, Invitation
from placements.clock import now_utc, set_clock
from placements.cohorts.queries import visible_cohorts
from placements.errors import NotAllowed, NotFound, Refused
from placements.mail.models import Message
from placements.organisations.models import Site
from placements.rounds.models import Round
from placements.rounds.queries import rounds
from placements.web.formats import LONDON
from tests.conftest import NOW_UTC
from tests.factories import (
    BlockFactory,
    DepartmentFactory,
    RoundFactory,
    SiteFactory,
    TrustFactory,
    saved,
    viewer_as,
)


@pytest.fixture
def round_(session: Session) -> Round:
    row: Round = RoundFactory(declare_by=date(2026, 12, 1))
    BlockFactory(round=row, weeks=2)
    return row


@pytest.fixture
def site(round_: Round) -> Site:
    row: Site = SiteFactory(name="Heartlands Hospital")
    DepartmentFactory(site=row)
    saved()
    return row


def test_a_link_opens_one_site_in_one_round_and_keeps_no_secret(
    session: Session, round_: Round, site: Site
) -> None:
    RoundFactory(name="Another round")
    DepartmentFactory(site=SiteFactory(trust=site.trust))
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=site.trust_id)
    made = invitations.invite_site(educator, round_.id, site.id)
    assert len(made.secret) >= 43
    assert made.secret not in "".join(str(value) for value in vars(made.invitation).values())
    found = invitations.invited_by(session, made.secret)
    assert found is not None
    guest = invitations.viewer_of(found)
    assert guest.name == "Heartlands Hospital, by private link"
    assert [row.site_id for row in invitations.departments_invited(session, guest)] == [site.id]
    assert [row.id for row in rounds(session, guest)] == [round_.id]
    assert session.scalars(visible_cohorts(guest)).all() == []
    assert [action for action in Action if guest.may(action)] == [
        Action.SEE_DECLARATIONS,
        Action.SAVE_DECLARATION,
        Action.SUBMIT_DECLARATION,
    ]
    assert found.last_used_utc == NOW_UTC
    details = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "invite_site")).all()
    assert details == [{"site": site.id, "round": round_.id}]


def test_a_site_declares_by_its_link_and_its_lead_decides(
    session: Session, round_: Round, site: Site
) -> None:
    lead = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=site.trust_id)
    made = invitations.invite_site(lead, round_.id, site.id, email="desk@heartlands.nhs.uk")
    found = invitations.invited_by(session, made.secret)
    assert found is not None
    guest = invitations.viewer_of(found)
    (department,) = invitations.departments_invited(session, guest)
    content = Content({ANYONE: {week: Places(1, 2) for week in round_.block_weeks()}}, {})
    done = service.submit_declaration(guest, round_.id, department.id, version=0, content=content)
    assert done.declaration is not None
    assert done.declaration.state == "submitted"
    (waiting,) = deciding.waiting(session, lead, round_.id)
    assert waiting.submitted_by == "Heartlands Hospital, by private link"
    deciding.return_declaration(
        lead, round_.id, department.id, version=done.declaration.version, comment="Two in January?"
    )
    messages = session.scalars(select(Message).order_by(Message.id)).all()
    assert [row.to for row in messages] == ["desk@heartlands.nhs.uk"] * 2
    assert f"/declare/{made.secret}" in messages[0].body
    assert "Open the private link" in messages[1].body
    assert "Two in January?" in messages[1].body
    with pytest.raises(NotAllowed):
        deciding.approve_declaration(guest, round_.id, department.id, version=3)
    records = session.scalars(select(DeclarationRecord.by_name)).all()
    assert records.count("Heartlands Hospital, by private link") == 2


def test_a_link_stops_when_it_expires_is_ended_or_is_not_known(
    session: Session, round_: Round, site: Site
) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    ended = invitations.invite_site(lead, round_.id, site.id)
    short = invitations.invite_site(lead, round_.id, site.id, days=2)
    assert short.invitation.expires_utc == NOW_UTC + timedelta(days=2)
    invitations.revoke_invitation(lead, ended.invitation.id)
    invitations.revoke_invitation(lead, ended.invitation.id)
    for secret in (ended.secret, "nothing", "", short.secret + "x", "é" * 500):
        assert invitations.invited_by(session, secret) is None
    set_clock(lambda: NOW_UTC + timedelta(days=2, seconds=-1))
    assert invitations.invited_by(session, short.secret) is not None
    set_clock(lambda: NOW_UTC + timedelta(days=2))
    assert invitations.invited_by(session, short.secret) is None
    assert [invitations.works(row, now_utc()) for row in session.scalars(select(Invitation))] == [
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("declare_by", "last_day"),
    [(date(2026, 12, 1), date(2026, 12, 15)), (date(2027, 1, 4), date(2027, 1, 11))],
)
def test_a_link_lasts_three_weeks_or_a_week_beyond_the_deadline(
    session: Session, round_: Round, declare_by: date, last_day: date
) -> None:
    round_.declare_by = declare_by
    expiry = invitations.default_expiry(round_, NOW_UTC)
    assert expiry == datetime.combine(last_day, time(23, 59), LONDON)


def test_people_invite_their_own_sites_and_never_an_academys_centre(
    session: Session, round_: Round, site: Site
) -> None:
    own = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=site.trust_id)
    other = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=TrustFactory().id)
    lead = viewer_as(Role.ACADEMY_LEAD)
    centre = SiteFactory(trust=site.trust, kind="academy")
    DepartmentFactory(site=centre)
    saved()
    made = invitations.invite_site(own, round_.id, site.id)
    for viewer, wanted in ((other, site), (own, centre), (lead, centre)):
        with pytest.raises(NotFound):
            invitations.invite_site(viewer, round_.id, wanted.id)
    with pytest.raises(NotFound):
        invitations.revoke_invitation(other, made.invitation.id)
    with pytest.raises(NotAllowed):
        invitations.invite_site(viewer_as(Role.PLACEMENT_OFFICER), round_.id, site.id)
    assert invitations.invitations_of_round(session, other, round_.id) == []
    assert len(invitations.invitations_of_round(session, lead, round_.id)) == 1


def test_wrong_values_are_named_and_a_draft_round_invites_nobody(
    session: Session, round_: Round, site: Site
) -> None:
    lead = viewer_as(Role.ACADEMY_LEAD)
    with pytest.raises(Refused) as refusal:
        invitations.invite_site(lead, round_.id, site.id, email="desk at heartlands", days=0)
    assert set(refusal.value.fields) == {"email", "days"}
    round_.state = "draft"
    saved()
    with pytest.raises(Refused, match="not open yet"):
        invitations.invite_site(lead, round_.id, site.id)


def test_no_other_sites_department_can_be_written_with_a_link(
    session: Session, round_: Round, site: Site
) -> None:
    sibling = DepartmentFactory(site=SiteFactory(trust=site.trust))
    lead = viewer_as(Role.ACADEMY_LEAD)
    made = invitations.invite_site(lead, round_.id, site.id)
    found = invitations.invited_by(session, made.secret)
    assert found is not None
    guest = invitations.viewer_of(found)
    week = round_.block_weeks()[0]
    content = Content({ANYONE: {week: Places(1, 1)}}, {})
    with pytest.raises(NotFound):
        service.save_declaration(guest, round_.id, sibling.id, version=0, content=content)
    another = RoundFactory(name="Another")
    BlockFactory(round=another)
    saved()
    with pytest.raises(NotFound):
        service.save_declaration(guest, another.id, site.departments[0].id, version=0, content=content)
    assert queries.declarations_of(session, lead, round_.id) == {}
