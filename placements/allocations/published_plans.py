"""Tells the plans how many published places stand by each of their lines."""

from collections.abc import Collection, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.allocations.models import Publication, PublicationLine
from placements.cohorts.models import Requirement
from placements.plans import standing


def count_published(session: Session, round_id: int, line_ids: Collection[int]) -> Mapping[int, int]:
    """Places of a round's newest publication by plan line; held ones count."""
    newest = (
        select(Publication.id)
        .where(Publication.round_id == round_id)
        .order_by(Publication.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Requirement.plan_line_id, func.count())
        .join(PublicationLine, PublicationLine.requirement_id == Requirement.id)
        .where(
            PublicationLine.publication_id == newest,
            PublicationLine.state != "unplaced",
            Requirement.plan_line_id.in_(line_ids),
        )
        .group_by(Requirement.plan_line_id)
    )
    return {line_id: places for line_id, places in rows if line_id is not None}


standing.register(count_published)
