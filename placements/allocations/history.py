"""What learners did in earlier rounds, as it was published last: told to cohorts, for the next match and the
learner's page."""

from collections.abc import Collection, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.allocations.models import Publication, PublicationLine
from placements.cohorts import history
from placements.cohorts.history import PastPlacement
from placements.organisations.models import Department
from placements.rounds.models import Round

# Beyond these, all are read: a database takes only so many values in one question.
MOST_ASKED = 1_000


def past_placements(
    session: Session, record_ids: Collection[int] | None, round_: Round
) -> Mapping[int, list[PastPlacement]]:
    """The placements of learner records (None: of all) in the network's rounds that began before this one, by
    record's id and in order of time: those of each round's newest publication. One that was held back to the
    last did not take place."""
    newest = (
        select(Publication.round_id, func.max(Publication.number).label("number"))
        .join(Publication.round)
        .where(Round.network_id == round_.network_id, Round.first_week < round_.first_week)
        .group_by(Publication.round_id)
        .subquery()
    )
    lines = (
        select(
            PublicationLine.record_id,
            Round.name,
            Department.site_id,
            PublicationLine.site,
            PublicationLine.modality,
            PublicationLine.first_week,
            PublicationLine.weeks,
            PublicationLine.travel_minutes,
        )
        .join(PublicationLine.publication)
        .join(Publication.round)
        .join(newest, (newest.c.round_id == Publication.round_id) & (newest.c.number == Publication.number))
        .join(Department, Department.id == PublicationLine.department_id)
        .where(PublicationLine.state == "placed", PublicationLine.record_id.is_not(None))
        .order_by(PublicationLine.first_week, PublicationLine.id)
    )
    if record_ids is not None and len(record_ids) <= MOST_ASKED:
        lines = lines.where(PublicationLine.record_id.in_(record_ids))
    wanted = None if record_ids is None else set(record_ids)
    found: dict[int, list[PastPlacement]] = {}
    for row in session.execute(lines):
        if wanted is None or row.record_id in wanted:
            found.setdefault(row.record_id, []).append(
                PastPlacement(
                    round=row.name,
                    site_id=row.site_id,
                    site=row.site or "",
                    modality=row.modality or "",
                    first_week=row.first_week,
                    weeks=row.weeks,
                    travel_minutes=row.travel_minutes,
                )
            )
    return found


history.register(past_placements)
