"""Accounts: signing in, making and closing them."""

import pytest
from argon2 import Type
from sqlalchemy.orm import Session

from placements.access import SYSTEM, Action, Role
from placements.accounts import queries, service
from placements.accounts.models import Person
from placements.accounts.service import NewPerson
from placements.audit import describing
from placements.audit import queries as audit
from placements.audit.models import AuditEntry
from placements.errors import NotAllowed, NotFound, Refused, Stale
from tests.conftest import NOW_UTC, REAL_HASHER
from tests.factories import (
    PASSWORD,
    HeiFactory,
    IcbFactory,
    NetworkFactory,
    PersonFactory,
    TrustFactory,
    saved,
    viewer_as,
)


def test_signing_in_needs_the_right_password_and_an_open_account(session: Session) -> None:
    person = PersonFactory(email="lead@example.nhs.uk")
    PersonFactory(email="closed@example.nhs.uk", is_active=False)
    saved()
    assert service.sign_in(" Lead@Example.NHS.uk ", PASSWORD) is person
    assert service.sign_in("lead@example.nhs.uk", "wrong") is None
    assert service.sign_in("nobody@example.nhs.uk", PASSWORD) is None
    assert service.sign_in("closed@example.nhs.uk", PASSWORD) is None
    assert [entry.action for entry in session.query(AuditEntry)] == ["sign_in"]
    session.refresh(person)
    assert person.last_sign_in_utc == NOW_UTC
    # So that two browsers may sign in at once and an open page about the account stays good.
    assert person.version == 1


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


def test_an_administrator_sees_and_changes_the_own_network_only(session: Session) -> None:
    administrator = viewer_as(Role.ADMINISTRATOR)
    other = NetworkFactory(name="Other Network").id
    trust = TrustFactory(icb=IcbFactory(ods="QXX", network_id=other))
    own = [PersonFactory(role="practice_educator").id, PersonFactory(role="placement_officer").id]
    others = [
        PersonFactory(network_id=other).id,
        PersonFactory(role="practice_educator", trust_id=trust.id).id,
        PersonFactory(role="placement_officer", hei_id=HeiFactory(network_id=other).id).id,
    ]
    saved()
    seen = {person.id for person in queries.people(session, administrator)}
    assert seen == {administrator.person_id, *own}
    for person_id in (*others, 999_999):
        with pytest.raises(NotFound):
            service.change_person(administrator, person_id, version=1, is_active=False)
    names = {(row.kind, row.name) for row in queries.organisations(session, administrator)}
    assert ("network", "West Midlands Imaging Network") in names
    assert ("network", "Other Network") not in names
    assert ("trust", trust.name) not in names
    new = NewPerson("a@example.ac.uk", "A", Role.PRACTICE_EDUCATOR, PASSWORD, trust_id=trust.id)
    with pytest.raises(Refused) as refusal:
        service.create_person(administrator, new)
    assert "organisation" in refusal.value.fields
    assert service.create_person(SYSTEM, new).trust_id == trust.id


def test_anybody_sees_their_own_account_alone(session: Session) -> None:
    officer = viewer_as(Role.PLACEMENT_OFFICER)
    PersonFactory(role="placement_officer", hei_id=officer.hei_id)
    saved()
    assert [person.id for person in session.scalars(queries.visible_people(officer))] == [officer.person_id]
    with pytest.raises(NotAllowed):
        queries.people(session, officer)


def test_each_networks_last_administrator_stays(session: Session) -> None:
    other = viewer_as(Role.ADMINISTRATOR, network_id=NetworkFactory(name="Other Network").id)
    administrator = viewer_as(Role.ADMINISTRATOR)
    with pytest.raises(Refused):
        service.change_person(administrator, administrator.person_id or 0, version=1, is_active=False)
    second = PersonFactory(role="administrator")
    saved()
    service.change_person(administrator, second.id, version=1, is_active=False)
    service.change_person(administrator, second.id, version=2, is_active=True)
    assert session.get_one(Person, other.person_id or 0).is_active


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "  "}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": "@"}, "email"),
        ({"password": "x" * 11}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"role": Role.SYSTEM}, "organisation"),
        ({"hei_id": 1}, "organisation"),
        ({"network_id": None}, "organisation"),
    ],
)
def test_each_wrong_value_of_a_new_account_is_named(
    session: Session, values: dict[str, object], field: str
) -> None:
    administrator = viewer_as(Role.ADMINISTRATOR)
    right: dict[str, object] = {
        "email": "a@example.nhs.uk",
        "name": "A",
        "role": Role.ACADEMY_LEAD,
        "password": PASSWORD,
        "network_id": administrator.network_id,
    }
    with pytest.raises(Refused) as refusal:
        service.create_person(administrator, NewPerson(**(right | values)))  # type: ignore[arg-type]
    assert set(refusal.value.fields) == {field}
    assert service.create_person(administrator, NewPerson(**right)).is_active  # type: ignore[arg-type]


def test_changing_ones_password_ends_sessions_and_needs_the_current_one(session: Session) -> None:
    viewer = viewer_as(Role.ACADEMY_LEAD)
    person = session.get_one(Person, viewer.person_id or 0)
    key = person.session_key
    for current, new, field in (("wrong", "x" * 12, "current"), (PASSWORD, PASSWORD, "new")):
        with pytest.raises(Refused) as refusal:
            service.change_password(viewer, current=current, new=new)
        assert set(refusal.value.fields) == {field}
    assert person.session_key == key
    service.change_password(viewer, current=PASSWORD, new="three quiet green lamps")
    assert person.session_key != key
    assert service.sign_in(person.email, PASSWORD) is None
    assert service.sign_in(person.email, "three quiet green lamps") is person


def test_the_audit_is_read_by_administrators_page_by_page(session: Session) -> None:
    administrator = viewer_as(Role.ADMINISTRATOR)
    people = [PersonFactory() for _ in range(3)]
    saved()
    for person in people:
        service.change_person(administrator, person.id, version=1, is_active=False)
    who = queries.visible_people(administrator).with_only_columns(Person.id).order_by(None)
    found, total = audit.entries(session, administrator, who, page=1, size=2)
    assert ([entry.subject_id for entry in found], total) == ([people[2].id, people[1].id], 3)
    found, total = audit.entries(session, administrator, who, page=2, size=2)
    assert ([entry.subject_id for entry in found], total) == ([people[0].id], 3)
    assert audit.entries(session, administrator, who, action="sign_in") == ([], 0)
    assert audit.entries(session, administrator, who, by_system=True) == ([], 0)
    assert audit.entries(session, administrator, who, person_id=administrator.person_id)[1] == 3
    lead = viewer_as(Role.ACADEMY_LEAD)
    with pytest.raises(NotAllowed):
        audit.entries(session, lead, who)
    assert list(session.scalars(audit.visible_entries(lead, who))) == []


def test_every_action_that_writes_has_words_in_the_audit() -> None:
    reads = {action for action in Action if action.startswith("see_")}
    assert set(Action) - reads - set(describing.DONE) - {Action.REPORT_RUN} == set()
    assert describing.done("a_thing_of_old") == "A thing of old"


def test_outside_these_tests_passwords_are_slow_to_guess() -> None:
    """At least what OWASP's password storage cheat sheet asks of argon2id: 19 MiB, two passes."""
    assert REAL_HASHER.type is Type.ID
    assert REAL_HASHER.memory_cost >= 19 * 1024
    assert REAL_HASHER.time_cost >= 2


def test_what_was_changed_of_a_learner_is_told_without_the_tables_words() -> None:
    entry = AuditEntry(detail={"changed": ["hub_trust_id", "travel_limit_minutes"], "hei_id": 4})
    assert describing.facts(entry) == ["changed: hub trust, travel limit minutes", "hei: 4"]
