"""What came of a published placement: how it ended, how much was attended, and what the learner says."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.accounts.models import Person
from placements.database import Base, UtcDateTime, words

OUTCOMES = ("completed", "ended_early", "not_attended")
REASONS = ("health", "personal", "placement_changed", "placement_closed", "left_programme", "other")


class PlacementOutcome(Base):
    """How a published placement went. `requirement_id` is that of its publication lines and no foreign key:
    an outcome outlives the learner's record. Days are whole days of attendance."""

    __tablename__ = "placement_outcome"
    __table_args__ = (
        sa.CheckConstraint("days_attended IS NULL OR days_attended BETWEEN 0 AND 400", name="days_0_to_400"),
        sa.CheckConstraint("(outcome = 'completed') = (reason IS NULL)", name="reason_unless_completed"),
    )

    requirement_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"), index=True)
    outcome: Mapped[str] = mapped_column(words("outcome", *OUTCOMES))
    days_attended: Mapped[int | None]
    last_day: Mapped[date | None]
    reason: Mapped[str | None] = mapped_column(words("reason", *REASONS))
    recorded_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    version: Mapped[int] = mapped_column(default=1)

    recorded_by: Mapped[Person | None] = relationship()

    __mapper_args__ = {"version_id_col": version}


class PlacementFeedback(Base):
    """What a learner says of a placement: marks from 1 to 5, 5 the best, and a comment."""

    __tablename__ = "placement_feedback"
    __table_args__ = (
        sa.CheckConstraint("overall BETWEEN 1 AND 5", name="overall_1_to_5"),
        sa.CheckConstraint("supervision IS NULL OR supervision BETWEEN 1 AND 5", name="supervision_1_to_5"),
        sa.CheckConstraint("learning IS NULL OR learning BETWEEN 1 AND 5", name="learning_1_to_5"),
        sa.CheckConstraint("journey IS NULL OR journey BETWEEN 1 AND 5", name="journey_1_to_5"),
    )

    requirement_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"), index=True)
    overall: Mapped[int]
    supervision: Mapped[int | None]
    learning: Mapped[int | None]
    journey: Mapped[int | None]
    comment: Mapped[str] = mapped_column(sa.Text, default="")
    given_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}
