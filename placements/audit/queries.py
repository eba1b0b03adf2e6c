"""Reads of the audit."""

from sqlalchemy import Select, false, or_, select
from sqlalchemy.orm import Session

from placements.access import Action, Viewer, require
from placements.audit.models import AuditEntry
from placements.database import page_of


def visible_entries(viewer: Viewer, people: Select[int]) -> Select[AuditEntry]:
    """What these people and the system itself did, the newest first; nothing for who may not see the audit.

    `people` selects the ids of the people whom the viewer may see: the audit knows no accounts.
    """
    entries = select(AuditEntry).order_by(AuditEntry.at_utc.desc(), AuditEntry.id.desc())
    if not viewer.may(Action.SEE_AUDIT):
        return entries.where(false())
    return entries.where(or_(AuditEntry.person_id.in_(people), AuditEntry.person_id.is_(None)))


def entries(
    session: Session,
    viewer: Viewer,
    people: Select[int],
    *,
    action: str = "",
    person_id: int | None = None,
    by_system: bool = False,
    page: int = 1,
    size: int = 50,
) -> tuple[list[AuditEntry], int]:
    """One page of the audit, filtered, and how many entries there are on all pages."""
    require(viewer, Action.SEE_AUDIT)
    found = visible_entries(viewer, people)
    if action:
        found = found.where(AuditEntry.action == action)
    if by_system:
        found = found.where(AuditEntry.person_id.is_(None))
    elif person_id is not None:
        found = found.where(AuditEntry.person_id == person_id)
    return page_of(session, found, page=page, size=size)


def entries_about(session: Session, subject: str, subject_id: int) -> list[AuditEntry]:
    """What was done to one row of a table (`subject`), the newest first. The caller has been let see the row,
    and so everything that was done to it; the audit knows no rows."""
    return list(
        session.scalars(
            select(AuditEntry)
            .where(AuditEntry.subject == subject, AuditEntry.subject_id == subject_id)
            .order_by(AuditEntry.at_utc.desc(), AuditEntry.id.desc())
        )
    )
