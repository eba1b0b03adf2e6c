"""What allocations know of a learner, told to the learners' part: places that stand, published places, and
what is held in published lines."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload

from placements.access import Action, Viewer
from placements.allocations.models import Allocation, Publication, PublicationLine
from placements.allocations.queries import lines_of_publication, newest_publication
from placements.cohorts.models import Learner, LearnerRecord, Requirement
from placements.extensions import db
from placements.learners import holdings, sections, standing
from placements.organisations.models import Department


def _places(session: Session, requirement_ids: Collection[int]) -> dict[int, str]:
    """The places that stand, whether published yet or not."""
    rows = session.scalars(
        select(Allocation)
        .where(Allocation.requirement_id.in_(requirement_ids), Allocation.department_id.is_not(None))
        .options(
            joinedload(Allocation.requirement).joinedload(Requirement.block),
            joinedload(Allocation.department).joinedload(Department.site),
            joinedload(Allocation.department).joinedload(Department.modality),
        )
    )
    return {
        row.requirement_id: f"{row.requirement.when}: {row.department.name}" for row in rows if row.department
    }


def _published_utc(session: Session, round_id: int) -> datetime | None:
    return session.scalar(select(func.max(Publication.published_utc)).where(Publication.round_id == round_id))


def _section(viewer: Viewer, learner: Learner) -> Markup | str:
    """The learner's places in the newest publication of the round, once there is one."""
    newest = newest_publication(db.session, viewer, learner.round_id)
    if newest is None:
        return ""
    lines = db.session.scalars(
        lines_of_publication(viewer, newest.id)
        .where(PublicationLine.record_id == learner.record_id)
        .order_by(PublicationLine.first_week, PublicationLine.id)
    ).all()
    return Markup(render_template("components/learner_places.html", publication=newest, lines=lines))  # noqa: S704 - made by the template, which escapes


def _export(session: Session, record: LearnerRecord) -> list[dict[str, Any]]:
    """Of each published line that is about the learner what it says, the oldest publication first."""
    rows = session.execute(
        select(PublicationLine, Publication)
        .join(PublicationLine.publication)
        .where(PublicationLine.record_id == record.id)
        .options(joinedload(Publication.round))
        .order_by(Publication.id, PublicationLine.first_week)
    )
    return [
        {
            "round": publication.round.name,
            "version": publication.number,
            "published_utc": publication.published_utc.isoformat(),
            "state": line.state,
            "block": line.block,
            "first_week": line.first_week.isoformat(),
            "weeks": line.weeks,
            "weekdays": line.weekdays,
            "site": line.site,
            "trust": line.trust,
            "modality": line.modality,
            "travel_minutes": line.travel_minutes,
            "travel_mode": line.travel_mode,
            "not_ready": line.not_ready,
            "reason": line.reason,
        }
        for line, publication in rows
    ]


def _erase(session: Session, record: LearnerRecord) -> None:
    """Where somebody was placed, and how far they travelled, stays; whose place it was goes."""
    session.execute(
        update(PublicationLine)
        .where(PublicationLine.record_id == record.id)
        .values(learner_reference=holdings.erased_reference(record), not_ready="", reason=None)
        .execution_options(synchronize_session=False)
    )


standing.register(standing.Standing(_places, _published_utc))
sections.register(sections.Section("Published places", 10, Action.SEE_PUBLICATIONS, _section))
holdings.register(holdings.Holding("published_places", _export, _erase))
