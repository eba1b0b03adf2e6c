"""What HEIs submit: uploads as they came, cohorts, learners and what each learner needs."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Hei, Programme, Site, Stage, Trust
from placements.rounds.models import Block, PlanLine, Round


class Cohort(Base):
    """A programme's learners of one stage and intake in a round; a submitted one takes part in the match."""

    __tablename__ = "cohort"
    __table_args__ = (sa.UniqueConstraint("round_id", "programme_id", "stage_id", "intake"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programme.id"))
    stage_id: Mapped[int] = mapped_column(sa.ForeignKey("stage.id"))
    intake: Mapped[str] = mapped_column(sa.String(20))
    state: Mapped[str] = mapped_column(words("state", "draft", "submitted"), default="draft")
    submitted_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship()
    programme: Mapped[Programme] = relationship()
    stage: Mapped[Stage] = relationship()
    learners: Mapped[list["Learner"]] = relationship(order_by="Learner.reference", back_populates="cohort")

    __mapper_args__ = {"version_id_col": version}

    @property
    def name(self) -> str:
        return f"{self.programme.name}, {self.stage.name}, {self.intake} intake"


class Upload(Base):
    """A cohort file as received, parsed and waiting for the officer's yes; kept until accepted or discarded.

    `parsed` is what the preview shows and, to the letter, what accepting saves. The file itself is not kept.
    """

    __tablename__ = "upload"

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    hei_id: Mapped[int] = mapped_column(sa.ForeignKey("hei.id"), index=True)
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programme.id"))
    stage_id: Mapped[int] = mapped_column(sa.ForeignKey("stage.id"))
    intake: Mapped[str] = mapped_column(sa.String(20))
    filename: Mapped[str] = mapped_column(sa.String(200))
    content_hash: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[str] = mapped_column(
        words("state", "received", "accepted", "discarded"), default="received"
    )
    received_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    received_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    accepted_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cohort_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cohort.id"))
    parsed: Mapped[str] = deferred(mapped_column(sa.Text))
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship()
    programme: Mapped[Programme] = relationship()
    stage: Mapped[Stage] = relationship()

    __mapper_args__ = {"version_id_col": version}


class Learner(Base):
    """A pseudonymous reference with where the learner lives; never a name."""

    __tablename__ = "learner"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "hei_id", "reference"),
        sa.CheckConstraint(
            "travel_limit_minutes IS NULL OR travel_limit_minutes BETWEEN 1 AND 240",
            name="travel_limit_in_range",
        ),
        sa.CheckConstraint("priority IS NULL OR priority BETWEEN 1 AND 9", name="priority_1_to_9"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cohort_id: Mapped[int] = mapped_column(sa.ForeignKey("cohort.id"), index=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    hei_id: Mapped[int] = mapped_column(sa.ForeignKey("hei.id"))
    reference: Mapped[str] = mapped_column(sa.String(60))
    postcode: Mapped[str] = mapped_column(sa.String(8))
    term_postcode: Mapped[str | None] = mapped_column(sa.String(8))
    travel_mode: Mapped[str] = mapped_column(words("travel_mode", "car", "public_transport"))
    travel_limit_minutes: Mapped[int | None]
    employer_trust_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trust.id"))
    available_from: Mapped[date | None]
    priority: Mapped[int | None]

    cohort: Mapped[Cohort] = relationship(back_populates="learners")
    hei: Mapped[Hei] = relationship()
    employer: Mapped[Trust | None] = relationship()
    preferences: Mapped[list["LearnerPreference"]] = relationship(
        order_by="LearnerPreference.rank", cascade="all, delete-orphan"
    )
    exclusions: Mapped[list["LearnerExclusion"]] = relationship(cascade="all, delete-orphan")
    requirements: Mapped[list["Requirement"]] = relationship(
        cascade="all, delete-orphan", back_populates="learner"
    )

    @property
    def travels_from(self) -> str:
        """The postcode from which travel is counted: term time's where there is one."""
        return self.term_postcode or self.postcode


class LearnerPreference(Base):
    """A site that the learner would like, 1 the most."""

    __tablename__ = "learner_preference"
    __table_args__ = (sa.UniqueConstraint("learner_id", "site_id"),)

    learner_id: Mapped[int] = mapped_column(sa.ForeignKey("learner.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id"))

    site: Mapped[Site] = relationship()


class LearnerExclusion(Base):
    """A site where the learner must not go. No reason is stored."""

    __tablename__ = "learner_exclusion"

    learner_id: Mapped[int] = mapped_column(sa.ForeignKey("learner.id"), primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id"), primary_key=True)

    site: Mapped[Site] = relationship()


class Requirement(Base):
    """One learner needs one place, of a modality that the plan line names, in one block."""

    __tablename__ = "requirement"
    __table_args__ = (sa.UniqueConstraint("learner_id", "block_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(sa.ForeignKey("learner.id"))
    block_id: Mapped[int] = mapped_column(sa.ForeignKey("block.id"), index=True)
    plan_line_id: Mapped[int] = mapped_column(sa.ForeignKey("plan_line.id"))

    learner: Mapped[Learner] = relationship(back_populates="requirements")
    block: Mapped[Block] = relationship()
    plan_line: Mapped[PlanLine] = relationship()
