"""What HEIs submit: uploads as they came, cohorts, learners and what each learner needs."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from placements.clock import now_utc
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import AccessNeed, Hei, Modality, Programme, Site, Stage, Trust
from placements.rounds.models import EVERY_WEEKDAY, Block, PlanLine, Round


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

    `parsed` is what the preview shows and, to the letter, what accepting saves. The file itself is not kept:
    only the cells of columns in use, within `parsed`, until it is accepted or discarded, so that they can be
    mended on the page.
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
        words("state", "reading", "columns", "received", "accepted", "discarded"), default="received"
    )
    received_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    received_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    accepted_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cohort_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cohort.id"))
    parsed: Mapped[str] = deferred(mapped_column(sa.Text))
    # Rows read so far and in all, and why reading failed, in words.
    rows_read: Mapped[int] = mapped_column(default=0)
    rows_found: Mapped[int] = mapped_column(default=0)
    message: Mapped[str | None] = mapped_column(sa.Text)
    # Written by the worker that reads it; one that has gone quiet belongs to a worker that died.
    heartbeat_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship()
    programme: Mapped[Programme] = relationship()
    stage: Mapped[Stage] = relationship()

    __mapper_args__ = {"version_id_col": version}


class ColumnChoice(Base):
    """What an HEI said that a heading of its files holds; "" leaves the column out."""

    __tablename__ = "column_choice"
    __table_args__ = (sa.UniqueConstraint("hei_id", "heading"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hei_id: Mapped[int] = mapped_column(sa.ForeignKey("hei.id"))
    # Its letters and figures alone, in one case.
    heading: Mapped[str] = mapped_column(sa.String(120))
    field: Mapped[str] = mapped_column(sa.String(40))
    chosen_utc: Mapped[datetime] = mapped_column(UtcDateTime)


class LearnerRecord(Base):
    """A learner through all rounds: what an HEI calls them. What belongs to a round is a `Learner` of it."""

    __tablename__ = "learner_record"
    __table_args__ = (sa.UniqueConstraint("hei_id", "reference_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hei_id: Mapped[int] = mapped_column(sa.ForeignKey("hei.id"))
    # The reference in small letters, by which it is found.
    reference_key: Mapped[str] = mapped_column(sa.String(60))
    # Set where what is held of the learner was erased on request; statistics stay.
    erased_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)

    hei: Mapped[Hei] = relationship()
    contact: Mapped["LearnerContact | None"] = relationship(
        cascade="all, delete-orphan", back_populates="record"
    )
    earlier_sites: Mapped[list["EarlierSite"]] = relationship(cascade="all, delete-orphan")


class LearnerContact(Base):
    """A learner's name and e-mail address, where the HEI chose to give them: held apart, opened with a
    trace."""

    __tablename__ = "learner_contact"

    record_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_record.id"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    version: Mapped[int] = mapped_column(default=1)

    record: Mapped[LearnerRecord] = relationship(back_populates="contact")

    __mapper_args__ = {"version_id_col": version}


class EarlierSite(Base):
    """A site that the learner attended before the rounds held here, and how often."""

    __tablename__ = "earlier_site"
    __table_args__ = (sa.CheckConstraint("placements BETWEEN 1 AND 20", name="placements_1_to_20"),)

    record_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_record.id"), primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id"), primary_key=True)
    placements: Mapped[int] = mapped_column(default=1)

    site: Mapped[Site] = relationship()


class Learner(Base):
    """A pseudonymous reference in a round, with where the learner lives; never a name.

    `weekdays` (1 is Monday) is a part-time pattern; None: as the plan says.
    """

    __tablename__ = "learner"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "hei_id", "reference"),
        sa.CheckConstraint(
            "travel_limit_minutes IS NULL OR travel_limit_minutes BETWEEN 1 AND 240",
            name="travel_limit_in_range",
        ),
        sa.CheckConstraint("priority IS NULL OR priority BETWEEN 1 AND 9", name="priority_1_to_9"),
        sa.CheckConstraint("weekdays IS NULL OR length(weekdays) BETWEEN 1 AND 5", name="weekdays_1_to_5"),
        sa.CheckConstraint("NOT released OR employer_trust_id IS NOT NULL", name="released_by_employer"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cohort_id: Mapped[int] = mapped_column(sa.ForeignKey("cohort.id"), index=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    hei_id: Mapped[int] = mapped_column(sa.ForeignKey("hei.id"))
    record_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_record.id"), index=True)
    reference: Mapped[str] = mapped_column(sa.String(60))
    postcode: Mapped[str] = mapped_column(sa.String(8))
    term_postcode: Mapped[str | None] = mapped_column(sa.String(8))
    travel_mode: Mapped[str] = mapped_column(words("travel_mode", "car", "public_transport"))
    travel_limit_minutes: Mapped[int | None]
    employer_trust_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trust.id"))
    # May be placed away from the employer all the same.
    released: Mapped[bool] = mapped_column(default=False)
    # The trust to come back to between spokes, where there is one.
    hub_trust_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trust.id"))
    available_from: Mapped[date | None]
    available_until: Mapped[date | None]
    priority: Mapped[int | None]
    priority_reason: Mapped[str] = mapped_column(sa.String(120), default="")
    weekdays: Mapped[str | None] = mapped_column(sa.String(5))
    # Would take a bed at a site beyond the travel limit.
    accommodation: Mapped[bool] = mapped_column(default=False)
    # Who ranked the sites last: the HEI, or the learner by private link.
    preferences_by: Mapped[str] = mapped_column(words("preferences_by", "hei", "learner"), default="hei")
    joined_utc: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    # What the match goes by was changed last.
    changed_utc: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    version: Mapped[int] = mapped_column(default=1)

    cohort: Mapped[Cohort] = relationship(back_populates="learners")
    hei: Mapped[Hei] = relationship()
    record: Mapped[LearnerRecord] = relationship()
    employer: Mapped[Trust | None] = relationship(foreign_keys=employer_trust_id)
    hub: Mapped[Trust | None] = relationship(foreign_keys=hub_trust_id)
    access_needs: Mapped[list[AccessNeed]] = relationship(
        secondary="learner_access_need", order_by=AccessNeed.id
    )
    interruptions: Mapped[list["Interruption"]] = relationship(
        order_by="Interruption.first_day", cascade="all, delete-orphan", back_populates="learner"
    )
    companions: Mapped[list["Companions"]] = relationship(
        secondary="companions_learner", back_populates="learners", order_by="Companions.id"
    )
    links: Mapped[list["LearnerLink"]] = relationship(
        order_by="LearnerLink.id.desc()", cascade="all, delete-orphan", back_populates="learner"
    )
    preferences: Mapped[list["LearnerPreference"]] = relationship(
        order_by="LearnerPreference.rank", cascade="all, delete-orphan"
    )
    exclusions: Mapped[list["LearnerExclusion"]] = relationship(cascade="all, delete-orphan")
    requirements: Mapped[list["Requirement"]] = relationship(
        cascade="all, delete-orphan", back_populates="learner"
    )

    __mapper_args__ = {"version_id_col": version}

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


learner_access_need = sa.Table(
    "learner_access_need",
    Base.metadata,
    sa.Column("learner_id", sa.ForeignKey("learner.id"), primary_key=True),
    sa.Column("access_need_id", sa.ForeignKey("access_need.id"), primary_key=True),
)


class Interruption(Base):
    """Days on which a learner takes no part: suspended until a day, or withdrawn for good (no last day; one
    who returns gets one)."""

    __tablename__ = "interruption"
    __table_args__ = (
        sa.CheckConstraint("last_day IS NULL OR last_day >= first_day", name="days_in_order"),
        sa.CheckConstraint("kind = 'withdrawn' OR last_day IS NOT NULL", name="suspended_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(sa.ForeignKey("learner.id"), index=True)
    kind: Mapped[str] = mapped_column(words("kind", "withdrawn", "suspended"))
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    recorded_utc: Mapped[datetime] = mapped_column(UtcDateTime)

    learner: Mapped[Learner] = relationship(back_populates="interruptions")

    def covers(self, first: date, last: date) -> bool:
        """Whether any day from `first` to `last` is one of its days."""
        return self.first_day <= last and (self.last_day is None or self.last_day >= first)


class Companions(Base):
    """Learners of an HEI who go to the same site whenever they are placed in the same week, or never do."""

    __tablename__ = "companions"

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"), index=True)
    hei_id: Mapped[int] = mapped_column(sa.ForeignKey("hei.id"))
    kind: Mapped[str] = mapped_column(words("kind", "together", "apart"))
    version: Mapped[int] = mapped_column(default=1)

    learners: Mapped[list[Learner]] = relationship(
        secondary="companions_learner", back_populates="companions", order_by=Learner.reference
    )

    __mapper_args__ = {"version_id_col": version}


companions_learner = sa.Table(
    "companions_learner",
    Base.metadata,
    sa.Column("companions_id", sa.ForeignKey("companions.id"), primary_key=True),
    sa.Column("learner_id", sa.ForeignKey("learner.id"), primary_key=True, index=True),
)


class LearnerLink(Base):
    """A private link by which a learner sees their own page in a round; only its secret's SHA-256 is kept."""

    __tablename__ = "learner_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(sa.ForeignKey("learner.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    expires_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)

    learner: Mapped[Learner] = relationship(back_populates="links")


class Requirement(Base):
    """One learner needs one place: what a plan line asks, unless the learner is exempt from it, or one of the
    learner's own (no plan line).

    `block` is None where the plan line floats in a rotation. `own_modalities` and `weekdays` stand instead of
    what the plan line says; `reason` says why it is not as planned.
    """

    __tablename__ = "requirement"
    __table_args__ = (
        sa.UniqueConstraint("learner_id", "block_id"),
        sa.UniqueConstraint("learner_id", "plan_line_id"),
        sa.CheckConstraint("block_id IS NOT NULL OR plan_line_id IS NOT NULL", name="block_or_plan_line"),
        sa.CheckConstraint("weekdays IS NULL OR length(weekdays) BETWEEN 1 AND 5", name="weekdays_1_to_5"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_id: Mapped[int] = mapped_column(sa.ForeignKey("learner.id"))
    block_id: Mapped[int | None] = mapped_column(sa.ForeignKey("block.id"), index=True)
    plan_line_id: Mapped[int | None] = mapped_column(sa.ForeignKey("plan_line.id"), index=True)
    state: Mapped[str] = mapped_column(words("state", "needed", "exempt"), default="needed")
    weekdays: Mapped[str | None] = mapped_column(sa.String(5))
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    changed_utc: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    learner: Mapped[Learner] = relationship(back_populates="requirements")
    block: Mapped[Block | None] = relationship()
    plan_line: Mapped[PlanLine | None] = relationship()
    own_modalities: Mapped[list[Modality]] = relationship(
        secondary="requirement_modality", order_by=Modality.id
    )

    @property
    def modalities(self) -> list[Modality]:
        """Any of these will do."""
        if self.own_modalities or self.plan_line is None:
            return self.own_modalities
        return self.plan_line.modalities

    @property
    def weekdays_of_learner(self) -> str:
        """The days of the week on which the learner comes (1 is Monday): the requirement's own, or the
        learner's, or as planned."""
        planned = self.plan_line.weekdays if self.plan_line is not None else EVERY_WEEKDAY
        return self.weekdays or self.learner.weekdays or planned

    @property
    def when(self) -> str:
        """The block's name, or the rotation's."""
        if self.block is not None:
            return self.block.name
        return self.plan_line.when if self.plan_line is not None else ""

    @property
    def possible_blocks(self) -> list[Block]:
        """Its block, or those of its rotation."""
        if self.block is not None:
            return [self.block]
        return self.plan_line.possible_blocks if self.plan_line is not None else []


requirement_modality = sa.Table(
    "requirement_modality",
    Base.metadata,
    sa.Column("requirement_id", sa.ForeignKey("requirement.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("modality_id", sa.ForeignKey("modality.id"), primary_key=True),
)
