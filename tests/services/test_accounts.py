"""Accounts: signing in, making and closing them."""

import pytest
from sqlalchemy.orm import Session

from placements.access import Role
from placements.accounts import service
from placements.accounts.service import NewPerson
from placements.audit.models import AuditEntry
from placements.errors import NotAllowed, Refused, Stale
from tests.factories import PASSWORD, NetworkFactory, PersonFactory, saved, viewer_as


def test_signing_in_needs_the_right_password_and_an_open_account(session: Session) -> None:
    person = PersonFactory(email="lead@example.nhs.uk")
    PersonFactory(email="closed@example.nhs.uk", is_active=False)
    saved()
    assert service.sign_in(" Lead@Example.NHS.uk ", PASSWORD) is person
    assert service.sign_in("lead@example.nhs.uk", "wrong") is None
    assert service.sign_in("nobody@example.nhs.uk", PASSWORD) is None
    assert service.sign_in("closed@example.nhs.uk", PASSWORD) is None
    assert [entry.action for entry in session.query(AuditEntry)] == ["sign_in"]


def test_an_administrator_makes_an_account_and_nobody_else_can(session: Session) -> None:
    new = NewPerson("new@example.ac.uk", "New", Role.ACADEMY_LEAD, PASSWORD, network_id=NetworkFactory().id)
    person = service.create_person(viewer_as(Role.ADMINISTRATOR), new)
    assert person.password_hash.startswith("$argon2id$")
    assert service.sign_in("new@example.ac.uk", PASSWORD) is person
    with pytest.raises(NotAllowed):
        service.create_person(viewer_as(Role.ACADEMY_LEAD), new)
    with pytest.raises(Refused) as refusal:
        service.create_person(viewer_as(Role.ADMINISTRATOR), new)
    assert "email" in refusal.value.fields


def test_a_role_at_the_wrong_kind_of_organisation_is_refused(session: Session) -> None:
    network_id = NetworkFactory().id
    saved()
    new = NewPerson("a@example.ac.uk", "A", Role.PLACEMENT_OFFICER, PASSWORD, network_id=network_id)
    with pytest.raises(Refused):
        service.create_person(viewer_as(Role.ADMINISTRATOR), new)


def test_closing_an_account_ends_its_sessions_and_the_last_administrator_stays(session: Session) -> None:
    administrator = viewer_as(Role.ADMINISTRATOR)
    person = PersonFactory()
    saved()
    key = person.session_key
    service.change_person(administrator, person.id, version=person.version, is_active=False)
    assert person.session_key != key
    with pytest.raises(Stale):
        service.change_person(administrator, person.id, version=1, is_active=True)
    with pytest.raises(Refused):
        service.change_person(administrator, administrator.person_id or 0, version=1, is_active=False)
