"""What an HEI and a trust agreed on how many of its learners come."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Hei, LearnerGroup, Stage, Trust

STATES = ("proposed", "agreed", "declined", "ended")


class Agreement(Base):
    """Least and most placements of an HEI's learners at a trust in an academic year, of a learner group and
    stage or of all. It binds the match once both have agreed.

    `year`: the calendar year in which the academic year begins. The names are of who agreed for each side, by
    value, so that they stay.
    """

    __tablename__ = "agreement"
    __table_args__ = (
        sa.CheckConstraint("least BETWEEN 0 AND 9999", name="least_0_to_9999"),
        sa.CheckConstraint("most IS NULL OR most BETWEEN least AND 9999", name="most_from_least"),
        sa.CheckConstraint("least > 0 OR most IS NOT NULL", name="says_something"),
        sa.CheckConstraint("stage_id IS NULL OR learner_group_id IS NOT NULL", name="stage_of_group"),
        sa.CheckConstraint("year BETWEEN 2000 AND 2100", name="year_2000_to_2100"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hei_id: Mapped[int] = mapped_column(sa.ForeignKey("hei.id"), index=True)
    trust_id: Mapped[int] = mapped_column(sa.ForeignKey("trust.id"), index=True)
    learner_group_id: Mapped[int | None] = mapped_column(sa.ForeignKey("learner_group.id"))
    stage_id: Mapped[int | None] = mapped_column(sa.ForeignKey("stage.id"))
    year: Mapped[int]
    least: Mapped[int] = mapped_column(default=0)
    most: Mapped[int | None]
    state: Mapped[str] = mapped_column(words("state", *STATES), default="proposed")
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    proposed_by: Mapped[str] = mapped_column(sa.String(200))
    proposed_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    hei_agreed_by: Mapped[str] = mapped_column(sa.String(200), default="")
    hei_agreed_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    trust_agreed_by: Mapped[str] = mapped_column(sa.String(200), default="")
    trust_agreed_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str] = mapped_column(sa.String(200), default="")
    ended_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    hei: Mapped[Hei] = relationship()
    trust: Mapped[Trust] = relationship()
    learner_group: Mapped[LearnerGroup | None] = relationship()
    stage: Mapped[Stage | None] = relationship()

    __mapper_args__ = {"version_id_col": version}
