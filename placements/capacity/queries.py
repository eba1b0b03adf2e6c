"""Reads about capacity declarations."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from placements.capacity.models import Declaration
from placements.organisations.models import Department, Site


@dataclass(frozen=True)
class OfferedWeek:
    """Places preferred and at most, and supervising WTE, in one week."""

    week: date
    preferred: int
    maximum: int
    wte: Decimal


@dataclass(frozen=True)
class Offered:
    """A submitted declaration: what the match may use."""

    declaration_id: int
    department_id: int
    site_id: int
    trust: str
    modality: str
    weeks: tuple[OfferedWeek, ...]


def offers(session: Session, round_id: int) -> list[Offered]:
    """The submitted declarations of a round, for the snapshot; the caller has been let see the round."""
    rows = session.scalars(
        select(Declaration)
        .where(Declaration.round_id == round_id, Declaration.state == "submitted")
        .options(
            selectinload(Declaration.weeks),
            joinedload(Declaration.department).joinedload(Department.site).joinedload(Site.trust),
            joinedload(Declaration.department).joinedload(Department.modality),
        )
        .order_by(Declaration.department_id)
    )
    return [
        Offered(
            declaration_id=row.id,
            department_id=row.department_id,
            site_id=row.department.site_id,
            trust=row.department.site.trust.ods,
            modality=row.department.modality.key,
            weeks=tuple(OfferedWeek(w.week, w.preferred, w.maximum, w.wte) for w in row.weeks),
        )
        for row in rows
    ]
