"""What is held of how a learner's placements went: given out on request; erased are the words they wrote,
while how a placement ended, and the marks it was given, stay as figures."""

from typing import Any

from sqlalchemy import CompoundSelect, select, update
from sqlalchemy.orm import Session

from placements.allocations.models import PublicationLine
from placements.cohorts.models import Learner, LearnerRecord, Requirement
from placements.learners.holdings import Holding, register
from placements.outcomes.models import PlacementFeedback, PlacementOutcome


def _requirements(record: LearnerRecord) -> CompoundSelect[int]:
    """The requirements of a learner in all rounds, those that only published lines know of among them."""
    own = select(Requirement.id).join(Requirement.learner).where(Learner.record_id == record.id)
    return own.union(select(PublicationLine.requirement_id).where(PublicationLine.record_id == record.id))


def _export(session: Session, record: LearnerRecord) -> dict[str, list[dict[str, Any]]]:
    wanted = _requirements(record)
    outcomes = session.scalars(
        select(PlacementOutcome)
        .where(PlacementOutcome.requirement_id.in_(wanted))
        .order_by(PlacementOutcome.requirement_id)
    )
    feedback = session.scalars(
        select(PlacementFeedback)
        .where(PlacementFeedback.requirement_id.in_(wanted))
        .order_by(PlacementFeedback.requirement_id)
    )
    return {
        "outcomes": [
            {
                "placement": row.requirement_id,
                "outcome": row.outcome,
                "days_attended": row.days_attended,
                "last_day": row.last_day.isoformat() if row.last_day else None,
                "reason": row.reason,
            }
            for row in outcomes
        ],
        "feedback": [
            {
                "placement": row.requirement_id,
                "overall": row.overall,
                "supervision": row.supervision,
                "learning": row.learning,
                "journey": row.journey,
                "comment": row.comment,
            }
            for row in feedback
        ],
    }


def _erase(session: Session, record: LearnerRecord) -> None:
    session.execute(
        update(PlacementFeedback)
        .where(PlacementFeedback.requirement_id.in_(_requirements(record)))
        .values(comment="")
        .execution_options(synchronize_session=False)
    )


register(Holding("outcomes_and_feedback", _export, _erase))
