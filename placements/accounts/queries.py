"""Reads about people."""

from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import Session

from placements.access import Action, Role, Viewer, require
from placements.accounts.models import Person


def visible_people(viewer: Viewer) -> Select[tuple[Person]]:
    """An administrator sees every account; anybody sees their own."""
    rows = true() if viewer.role is Role.ADMINISTRATOR else Person.id == viewer.person_id
    return select(Person).where(rows).order_by(Person.role, Person.name)


def people(session: Session, viewer: Viewer) -> list[Person]:
    """All accounts; raises NotAllowed where the role does not include seeing them."""
    require(viewer, Action.SEE_PEOPLE)
    return list(session.scalars(visible_people(viewer)))


def person_by_email(session: Session, email: str) -> Person | None:
    """The account with this e-mail address, whatever its case; only for signing in."""
    return session.scalar(select(Person).where(Person.email == email.strip().lower()))


def active_person(session: Session, person_id: int) -> Person | None:
    """The account if it may still be used; only for keeping a session signed in."""
    return session.scalar(select(Person).where(Person.id == person_id, Person.is_active))


def active_administrators(session: Session) -> int:
    """How many administrators could sign in."""
    return (
        session.scalar(select(func.count()).where(Person.role == Role.ADMINISTRATOR, Person.is_active)) or 0
    )
