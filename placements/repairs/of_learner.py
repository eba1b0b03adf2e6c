"""What repairs hold of a learner: the place given back at the freeze, and which checks were missing then."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, joinedload

from placements.cohorts.models import Learner, LearnerRecord, Requirement
from placements.learners.holdings import Holding, register
from placements.organisations.models import Department
from placements.repairs.models import ReturnedPlace


def _requirements(record: LearnerRecord) -> Select[int]:
    return select(Requirement.id).join(Requirement.learner).where(Learner.record_id == record.id)


def _export(session: Session, record: LearnerRecord) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(ReturnedPlace)
        .where(ReturnedPlace.requirement_id.in_(_requirements(record)))
        .options(
            joinedload(ReturnedPlace.department).joinedload(Department.site),
            joinedload(ReturnedPlace.department).joinedload(Department.modality),
        )
        .order_by(ReturnedPlace.id)
    )
    return [
        {
            "placement": row.requirement_id,
            "place": row.department.name,
            "first_week": row.first_week.isoformat(),
            "missing": row.missing,
            "returned_utc": row.returned_utc.isoformat(),
            "may_be_placed_again_utc": row.cleared_utc.isoformat() if row.cleared_utc else None,
        }
        for row in rows
    ]


def _erase(session: Session, record: LearnerRecord) -> None:
    """That a place was given back stays; what was missing goes."""
    session.execute(
        update(ReturnedPlace)
        .where(ReturnedPlace.requirement_id.in_(_requirements(record)))
        .values(missing="")
        .execution_options(synchronize_session=False)
    )


register(Holding("places_given_back", _export, _erase))
