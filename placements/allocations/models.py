"""The allocation that stands for each requirement, and the frozen lines of each publication."""

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.clock import mondays
from placements.cohorts.models import Requirement
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Department
from placements.rounds.models import EVERY_WEEKDAY, Round
from placements.scenarios.models import Run


class Allocation(Base):
    """What stands for one requirement once an academy lead has adopted a run."""

    __tablename__ = "allocation"

    requirement_id: Mapped[int] = mapped_column(
        sa.ForeignKey("requirement.id", ondelete="CASCADE"), primary_key=True
    )
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("run.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    block_id: Mapped[int | None] = mapped_column(sa.ForeignKey("block.id"))

    requirement: Mapped[Requirement] = relationship()
    department: Mapped[Department | None] = relationship()
    run: Mapped[Run] = relationship()


class Publication(Base):
    """A round's allocations made known, numbered from 1."""

    __tablename__ = "publication"
    __table_args__ = (sa.UniqueConstraint("round_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    number: Mapped[int]
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("run.id"))
    published_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    published_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

    round: Mapped[Round] = relationship()
    lines: Mapped[list["PublicationLine"]] = relationship(back_populates="publication")


class PublicationLine(Base):
    """One requirement as published, by value: lists read only these, whatever changes later.

    A held line has its place, but the learner is not ready for it by the round's rule; no trust sees it.
    `record_id` is no foreign key: a line outlives the learner's record. Weekdays: 1 is Monday.
    Of an unplaced floating requirement the block is its rotation, from that one's first week on.
    """

    __tablename__ = "publication_line"
    __table_args__ = (
        sa.UniqueConstraint("publication_id", "requirement_id"),
        sa.CheckConstraint("(state = 'unplaced') = (department_id IS NULL)", name="placed_somewhere"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(sa.ForeignKey("publication.id"), index=True)
    # Not a foreign key: a line outlives the learner's record.
    requirement_id: Mapped[int]
    state: Mapped[str] = mapped_column(words("state", "placed", "held", "unplaced"))
    record_id: Mapped[int | None] = mapped_column(index=True)
    hei_id: Mapped[int] = mapped_column(sa.ForeignKey("hei.id"), index=True)
    hei: Mapped[str] = mapped_column(sa.String(200))
    programme: Mapped[str] = mapped_column(sa.String(200))
    stage: Mapped[str] = mapped_column(sa.String(100))
    learner_reference: Mapped[str] = mapped_column(sa.String(60))
    block: Mapped[str] = mapped_column(sa.String(100))
    first_week: Mapped[date]
    weeks: Mapped[int]
    weekdays: Mapped[str] = mapped_column(sa.String(5), default=EVERY_WEEKDAY)
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    trust_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trust.id"), index=True)
    trust: Mapped[str | None] = mapped_column(sa.String(200))
    site: Mapped[str | None] = mapped_column(sa.String(200))
    site_postcode: Mapped[str | None] = mapped_column(sa.String(8))
    modality: Mapped[str | None] = mapped_column(sa.String(100))
    travel_minutes: Mapped[int | None]
    travel_is_estimated: Mapped[bool] = mapped_column(default=True)
    travel_mode: Mapped[str] = mapped_column(sa.String(40), default="")
    # Checks still outstanding, in words; "" where the learner is ready.
    not_ready: Mapped[str] = mapped_column(sa.Text, default="")
    # Why it is not where it was in the version before, in words for the HEI and the learner; after a line
    # break what only the academy reads. "" where it is, or where nobody said.
    why_moved: Mapped[str] = mapped_column(sa.Text, default="")
    # Why there is no place, in words.
    reason: Mapped[str | None] = mapped_column(sa.Text)

    publication: Mapped[Publication] = relationship(back_populates="lines")

    @property
    def first_day(self) -> date:
        """The first day on which the learner is there."""
        return self.first_week + timedelta(days=int(self.weekdays[0]) - 1)

    @property
    def last_day(self) -> date:
        """The last day on which the learner is there: a Friday, where they come every day."""
        return self.first_week + timedelta(weeks=self.weeks - 1, days=int(self.weekdays[-1]) - 1)

    @property
    def mondays(self) -> list[date]:
        """Of each of its weeks the Monday."""
        return mondays(self.first_week, self.weeks)

    @property
    def why_moved_words(self) -> str:
        """Why it moved, as the HEI and the learner read it."""
        return self.why_moved.partition("\n")[0]

    @property
    def why_moved_note(self) -> str:
        """What the academy alone reads of it."""
        return self.why_moved.partition("\n")[2]
