"""What an HEI and a trust agreed on how many of its learners come."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Hei, LearnerGroup, Stage, Trust

STATES = ("proposed", "agreed", "declined", "ended")
SIDES = ("hei", "trust", "academy")
# Of the same learners of an HEI at a trust in a year there is one that waits and one that holds, at most. A
# UNIQUE key lets rows without a group or a stage repeat, so each kind has an index of its own.
_OPEN = "state IN ('proposed', 'agreed')"
_KINDS = {
    "everyone": ((), "learner_group_id IS NULL"),
    "group": (("learner_group_id",), "learner_group_id IS NOT NULL AND stage_id IS NULL"),
    "stage": (("stage_id",), "stage_id IS NOT NULL"),
}


class Agreement(Base):
    """Least and most placements of an HEI's learners at a trust in an academic year, of a learner group and
    stage or of all. It binds the match once both have agreed.

    `year`: the calendar year in which the academic year begins. The names are of who agreed for each side, by
    value, so that they stay. `note` is the proposer's, `answer` that of whoever declined or ended it.
    `replaces_id` is the one that holds until this one is agreed.
    """

    __tablename__ = "agreement"
    __table_args__ = (
        sa.CheckConstraint("least BETWEEN 0 AND 9999", name="least_0_to_9999"),
        sa.CheckConstraint("most IS NULL OR most BETWEEN least AND 9999", name="most_from_least"),
        sa.CheckConstraint("least > 0 OR most IS NOT NULL", name="says_something"),
        sa.CheckConstraint("stage_id IS NULL OR learner_group_id IS NOT NULL", name="stage_of_group"),
        sa.CheckConstraint("year BETWEEN 2000 AND 2100", name="year_2000_to_2100"),
        sa.CheckConstraint(
            "state <> 'agreed' OR (hei_agreed_utc IS NOT NULL AND trust_agreed_utc IS NOT NULL)",
            name="agreed_by_both",
        ),
        sa.CheckConstraint(
            "hei_agreed_by_id IS NULL OR trust_agreed_by_id IS NULL"
            " OR hei_agreed_by_id <> trust_agreed_by_id",
            name="agreed_by_two_people",
        ),
        *(
            sa.Index(
                f"uq_agreement_open_{kind}",
                "hei_id",
                "trust_id",
                "year",
                "state",
                *columns,
                unique=True,
                sqlite_where=sa.text(f"{_OPEN} AND {which}"),
                postgresql_where=sa.text(f"{_OPEN} AND {which}"),
            )
            for kind, (columns, which) in _KINDS.items()
        ),
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
    answer: Mapped[str] = mapped_column(sa.String(500), default="")
    replaces_id: Mapped[int | None] = mapped_column(sa.ForeignKey("agreement.id"))
    proposed_side: Mapped[str] = mapped_column(words("proposed_side", *SIDES))
    proposed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    proposed_by: Mapped[str] = mapped_column(sa.String(200))
    proposed_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    hei_agreed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    hei_agreed_by: Mapped[str] = mapped_column(sa.String(200), default="")
    hei_agreed_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    trust_agreed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    trust_agreed_by: Mapped[str] = mapped_column(sa.String(200), default="")
    trust_agreed_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    ended_by: Mapped[str] = mapped_column(sa.String(200), default="")
    ended_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    hei: Mapped[Hei] = relationship()
    trust: Mapped[Trust] = relationship()
    learner_group: Mapped[LearnerGroup | None] = relationship()
    stage: Mapped[Stage | None] = relationship()

    __mapper_args__ = {"version_id_col": version}

    @property
    def of_whom(self) -> str:
        """All learners; Sonography, all years; Sonography, Year 1"""
        if self.learner_group is None:
            return "All learners"
        return f"{self.learner_group.name}, {self.stage.name if self.stage else 'all years'}"

    @property
    def figures(self) -> str:
        """at least 10 and at most 15; at most 15; exactly 10"""
        return figures(self.least, self.most)

    def agreed_for(self, side: str) -> bool:
        """Whether a side (hei or trust) has agreed."""
        return bool(getattr(self, f"{side}_agreed_utc", None))

    def covers(self, group_id: int | None, stage_id: int | None) -> bool:
        """Whether a learner of this group and stage counts under it."""
        return self.learner_group_id in (None, group_id) and self.stage_id in (None, stage_id)


def figures(least: int, most: int | None) -> str:
    """Least and most in words: at least 10 and at most 15; at most 15; exactly 10."""
    if most is None:
        return f"at least {least}"
    if least == most:
        return f"exactly {least}" if least else "none"
    return f"at least {least} and at most {most}" if least else f"at most {most}"
