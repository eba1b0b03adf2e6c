"""Places that were given back, in later versions: no run is asked for them, but whose they were is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from placements.allocations.models import Publication, PublicationLine
from placements.cohorts.models import Learner, Requirement
from placements.cohorts.presence import is_asked
from placements.rounds.models import PlanLine, Rotation

# What a line without a place says as the version before did.
_KEPT = (
    "requirement_id",
    "record_id",
    "hei_id",
    "hei",
    "programme",
    "stage",
    "learner_reference",
    "block",
    "first_week",
    "weeks",
    "weekdays",
    "modality",
    "travel_mode",
)


def returned_lines(
    session: Session, earlier: Publication, lines: Iterable[PublicationLine], returned: Mapping[int, str]
) -> Iterator[PublicationLine]:
    """A line without a place for each of the version before that was given back (with why) and that no line
    of the new one is about; none for learners who have left since."""
    missing = set(returned) - {line.requirement_id for line in lines}
    if not missing:
        return
    requirements = session.scalars(
        select(Requirement)
        .where(Requirement.id.in_(missing))
        .options(
            joinedload(Requirement.learner).selectinload(Learner.interruptions),
            joinedload(Requirement.block),
            joinedload(Requirement.plan_line).options(
                joinedload(PlanLine.block), joinedload(PlanLine.rotation).selectinload(Rotation.blocks)
            ),
        )
    )
    asked = {row.id for row in requirements if is_asked(row)}
    for line in earlier.lines:
        if line.requirement_id in asked:
            kept = {name: getattr(line, name) for name in _KEPT}
            yield PublicationLine(**kept, state="unplaced", reason=returned[line.requirement_id])
