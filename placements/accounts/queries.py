"""Reads about people, and the names of the organisations they work for.

Accounts come before organisations in the order of parts, so the organisations are read here as the bare
tables that a person's foreign keys point to: identity, name and network, no more.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import sqlalchemy as sa
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from placements.access import Action, Role, Viewer, require
from placements.accounts.models import Person
from placements.errors import NotFound

Kind = Literal["network", "trust", "hei"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_network = sa.table("network", sa.column("id", sa.Integer), sa.column("name", sa.String))
_icb = sa.table("icb", sa.column("id", sa.Integer), sa.column("network_id", sa.Integer))
_trust = sa.table(
    "trust", sa.column("id", sa.Integer), sa.column("name", sa.String), sa.column("icb_id", sa.Integer)
)
_hei = sa.table(
    "hei", sa.column("id", sa.Integer), sa.column("name", sa.String), sa.column("network_id", sa.Integer)
)

# Which kind of organisation each role works for; the person table's constraint says the same.
KIND_OF_ROLE: dict[Role, Kind] = {
    Role.PLACEMENT_OFFICER: "hei",
    Role.PRACTICE_EDUCATOR: "trust",
    Role.TRUST_EDUCATION_LEAD: "trust",
    Role.ACADEMY_LEAD: "network",
    Role.ADMINISTRATOR: "network",
}


@dataclass(frozen=True)
class Organisation:
    """Where a person works, as a choice on a form."""

    kind: Kind
    id: int
    name: str


def visible_people(viewer: Viewer) -> Select[Person]:
    """An administrator sees every account of the network, its trusts and its HEIs; anybody sees their own."""
    people = select(Person).order_by(Person.name, Person.id)
    if viewer.role is not Role.ADMINISTRATOR:
        return people.where(Person.id == viewer.person_id)
    return people.where(
        sa.or_(
            Person.network_id == viewer.network_id,
            Person.trust_id.in_(_trusts(viewer.network_id).with_only_columns(_trust.c.id)),
            Person.hei_id.in_(_heis(viewer.network_id).with_only_columns(_hei.c.id)),
        )
    )


def people(session: Session, viewer: Viewer) -> list[Person]:
    """All accounts by name; raises NotAllowed where the role does not include seeing them."""
    require(viewer, Action.SEE_PEOPLE)
    return list(session.scalars(visible_people(viewer)))


def person_by_id(session: Session, viewer: Viewer, person_id: int) -> Person:
    """One account; raises NotFound where there is none that this person may see."""
    person = session.scalar(visible_people(viewer).where(Person.id == person_id))
    if person is None:
        raise NotFound("There is no such account.")
    return person


def organisations(session: Session, viewer: Viewer) -> list[Organisation]:
    """The viewer's network, its trusts and its HEIs: where people can have accounts. By kind, then name."""
    network = select(_network.c.id, _network.c.name).where(_network.c.id == viewer.network_id)
    reads: dict[Kind, Select[int, str]] = {
        "network": network,
        "trust": _trusts(viewer.network_id),
        "hei": _heis(viewer.network_id),
    }
    return [Organisation(kind, id_, name) for kind in KINDS for id_, name in session.execute(reads[kind])]


def organisation_of(person: Person, among: list[Organisation]) -> str:
    """The name of the organisation that the person works for."""
    wanted = {"network": person.network_id, "trust": person.trust_id, "hei": person.hei_id}
    return next((row.name for row in among if row.id == wanted[row.kind]), "")


def person_by_email(session: Session, email: str) -> Person | None:
    """The account with this e-mail address, whatever its case; only for signing in."""
    return session.scalar(select(Person).where(Person.email == email.strip().lower()))


def active_person(session: Session, person_id: int) -> Person | None:
    """The account if it may still be used; only for keeping a session signed in."""
    return session.scalar(select(Person).where(Person.id == person_id, Person.is_active))


def active_administrators(session: Session, network_id: int | None) -> int:
    """How many administrators of the network could sign in."""
    return (
        session.scalar(
            select(func.count()).where(
                Person.role == Role.ADMINISTRATOR, Person.is_active, Person.network_id == network_id
            )
        )
        or 0
    )


def _trusts(network_id: int | None) -> Select[int, str]:
    return (
        select(_trust.c.id, _trust.c.name)
        .join(_icb, _icb.c.id == _trust.c.icb_id)
        .where(_icb.c.network_id == network_id)
        .order_by(_trust.c.name)
    )


def _heis(network_id: int | None) -> Select[int, str]:
    return select(_hei.c.id, _hei.c.name).where(_hei.c.network_id == network_id).order_by(_hei.c.name)
