"""What can be done with accounts."""

import secrets
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Action, Role, Viewer
from placements.accounts import queries
from placements.accounts.models import Person
from placements.clock import now_utc
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db
from placements.transaction import CHANGED_MEANWHILE, transaction, violates

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 128

_hasher = PasswordHasher()
# Checked when no account has the address, so that the answer takes as long as for one that has.
_NOBODY = _hasher.hash(secrets.token_hex(16))


@dataclass(frozen=True)
class NewPerson:
    """An account to be made; exactly the organisation that the role asks for is set."""

    email: str
    name: str
    role: Role
    password: str
    network_id: int | None = None
    trust_id: int | None = None
    hei_id: int | None = None


def viewer_of(person: Person) -> Viewer:
    """The person as the services know them."""
    return Viewer(
        person_id=person.id,
        name=person.name,
        role=Role(person.role),
        network_id=person.network_id,
        trust_id=person.trust_id,
        hei_id=person.hei_id,
    )


def sign_in(email: str, password: str) -> Person | None:
    """The person whose address and password these are, or None; the sign-in is audited."""
    person = queries.person_by_email(db.session, email)
    if not _matches(person.password_hash if person else _NOBODY, password) or person is None:
        return None
    if not person.is_active:
        return None
    with transaction(viewer_of(person), Action.SIGN_IN) as tx:
        if _hasher.check_needs_rehash(person.password_hash):
            person.password_hash = _hasher.hash(password)
        # Signing in changes nothing that anybody edits, so the version stays: two browsers may sign in at
        # once, and an administrator's open page does not go stale.
        tx.session.execute(
            update(Person.__table__).where(Person.id == person.id).values(last_sign_in_utc=now_utc())  # type: ignore[arg-type]
        )
        tx.note(person)
    return person


def create_person(viewer: Viewer, new: NewPerson) -> Person:
    """Make an account; raises Refused naming each wrong field, such as an address that is taken."""
    if wrong := _wrong_values(new):
        raise Refused(" ".join(f"{words}." for words in wrong.values()), wrong)
    with transaction(viewer, Action.CREATE_PERSON) as tx:
        _check_organisation(tx.session, viewer, new)
        person = Person(
            email=new.email.strip().lower(),
            name=new.name.strip(),
            role=new.role.value,
            network_id=new.network_id,
            trust_id=new.trust_id,
            hei_id=new.hei_id,
            password_hash=_hasher.hash(new.password),
            session_key=secrets.token_hex(16),
            created_utc=now_utc(),
        )
        tx.session.add(person)
        try:
            tx.session.flush()
        except IntegrityError as error:
            if violates(error, "uq_person_email", "person.email"):
                raise Refused(
                    "This e-mail address already has an account.",
                    {"email": "This e-mail address already has an account: use another, or reopen that one"},
                ) from None
            raise
        tx.note(person, role=person.role)
    return person


def change_person(viewer: Viewer, person_id: int, *, version: int, is_active: bool) -> Person:
    """Close or reopen an account; the last active administrator cannot be closed."""
    with transaction(viewer, Action.CHANGE_PERSON) as tx:
        person = queries.person_by_id(tx.session, viewer, person_id)
        if person.version != version:
            raise Stale(CHANGED_MEANWHILE)
        if not is_active and person.role == Role.ADMINISTRATOR and _is_last_administrator(person):
            raise Refused("This is the last administrator who can sign in, so the account has to stay open.")
        person.is_active = is_active
        # Whoever was signed in with it no longer is.
        person.session_key = secrets.token_hex(16)
        tx.note(person, account="open" if is_active else "closed")
    return person


def reset_password(viewer: Viewer, person_id: int, *, version: int, new: str) -> Person:
    """Give somebody who forgot their password a new one; every session signed in with the old one ends."""
    _check_password(new, "password")
    with transaction(viewer, Action.RESET_PASSWORD) as tx:
        person = queries.person_by_id(tx.session, viewer, person_id)
        if person.version != version:
            raise Stale(CHANGED_MEANWHILE)
        if person.id == viewer.person_id:
            raise Refused("Change your own password under your name, at the top of the page.")
        person.password_hash = _hasher.hash(new)
        person.session_key = secrets.token_hex(16)
        tx.note(person)
    return person


def change_password(viewer: Viewer, *, current: str, new: str) -> Person:
    """Change one's own password; every other session signed in with the old one ends."""
    _check_password(new, "new")
    with transaction(viewer, Action.CHANGE_PASSWORD) as tx:
        person = tx.session.scalar(select(Person).where(Person.id == viewer.person_id))
        if person is None:
            raise NotFound("There is no such account.")
        if not _matches(person.password_hash, current):
            raise Refused("That is not your current password.", {"current": "Enter your current password"})
        if new == current:
            raise Refused(
                "That is the password you have now.",
                {"new": "Use a password that is not the one you have now"},
            )
        person.password_hash = _hasher.hash(new)
        person.session_key = secrets.token_hex(16)
        tx.note(person)
    return person


def _is_last_administrator(person: Person) -> bool:
    return person.is_active and queries.active_administrators(db.session, person.network_id) == 1


def _wrong_values(new: NewPerson) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not new.name.strip():
        wrong["name"] = "Enter the person's name"
    if "@" not in new.email.strip(" @"):
        wrong["email"] = "Enter an e-mail address like name@example.nhs.uk"
    set_ = {
        kind
        for kind, id_ in (("network", new.network_id), ("trust", new.trust_id), ("hei", new.hei_id))
        if id_ is not None
    }
    if set_ != {queries.KIND_OF_ROLE.get(new.role)}:
        wrong["organisation"] = "Choose the one kind of organisation that the role works for"
    if words := _wrong_password(new.password):
        wrong["password"] = words
    return wrong


def _check_organisation(session: Session, viewer: Viewer, new: NewPerson) -> None:
    """An administrator makes accounts for the own network's organisations; the system for any."""
    if viewer.role is Role.SYSTEM:
        return
    kind = queries.KIND_OF_ROLE[new.role]
    id_ = {"network": new.network_id, "trust": new.trust_id, "hei": new.hei_id}[kind]
    if not any((row.kind, row.id) == (kind, id_) for row in queries.organisations(session, viewer)):
        words = "Choose an organisation of your own network"
        raise Refused(words + ".", {"organisation": words})


def _check_password(password: str, field: str) -> None:
    if words := _wrong_password(password):
        raise Refused(words + ".", {field: words})


def _wrong_password(password: str) -> str | None:
    if SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return None
    return f"Use a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
