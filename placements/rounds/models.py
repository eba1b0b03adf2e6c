"""A round, its blocks, and the plan: what each programme and stage needs in each block."""

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.clock import mondays
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Modality, Programme, Stage


class Round(Base):
    """One allocation cycle over a span of weeks."""

    __tablename__ = "round"
    __table_args__ = (
        sa.UniqueConstraint("network_id", "name"),
        sa.CheckConstraint("first_week <= last_week", name="weeks_in_order"),
        sa.CheckConstraint("weeks_stuck BETWEEN 1 AND 52", name="weeks_stuck_1_to_52"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    network_id: Mapped[int] = mapped_column(sa.ForeignKey("network.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    first_week: Mapped[date]
    last_week: Mapped[date]
    declare_by: Mapped[date]
    submit_by: Mapped[date]
    state: Mapped[str] = mapped_column(words("state", "draft", "open", "published"), default="draft")
    # A trust education lead approves what departments submit; otherwise submitting is enough.
    needs_approval: Mapped[bool] = mapped_column(default=True)
    # The match may use the surge places too.
    uses_surge: Mapped[bool] = mapped_column(default=False)
    # Days before (after, where negative) the declaration deadline on which reminders go out.
    reminder_days: Mapped[list[int]] = mapped_column(sa.JSON, default=lambda: [14, 7, 1, -1])
    # A declaration that has not moved for so long counts as stuck.
    weeks_stuck: Mapped[int] = mapped_column(default=1)
    # A place goes out only once its trust has confirmed it.
    needs_confirmation: Mapped[bool] = mapped_column(default=False)
    # The later dates of a round, each its own setting; None is none. Trusts answer proposals by `confirm_by`;
    # learners see their places from `release_on` (None: from publication) and appeal until `appeal_by`; the
    # panel decides by `panel_by`; at `freeze_on` whoever is not clear gives the place back.
    confirm_by: Mapped[date | None]
    release_on: Mapped[date | None]
    appeal_by: Mapped[date | None]
    panel_by: Mapped[date | None]
    freeze_on: Mapped[date | None]
    frozen_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    blocks: Mapped[list["Block"]] = relationship(order_by="Block.first_week", back_populates="round")

    __mapper_args__ = {"version_id_col": version}

    def block_weeks(self) -> list[date]:
        """The Mondays on which some block runs, in order: the weeks that a declaration is about."""
        return sorted({week for block in self.blocks for week in block.mondays()})

    def has_ended(self, on: date) -> bool:
        """Whether all of its blocks are over on a day; without blocks, its last week."""
        last_days = [block.last_day for block in self.blocks]
        return max(last_days, default=self.last_week + timedelta(days=4)) < on

    def is_finished(self, on: date) -> bool:
        """Whether it is published and has ended: it is neither matched nor published any more."""
        return self.state == "published" and self.has_ended(on)


class Block(Base):
    """A named span of whole weeks within a round."""

    __tablename__ = "block"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "name"),
        sa.CheckConstraint("weeks BETWEEN 1 AND 53", name="weeks_1_to_53"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    name: Mapped[str] = mapped_column(sa.String(100))
    first_week: Mapped[date]
    weeks: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship(back_populates="blocks")
    plan_lines: Mapped[list["PlanLine"]] = relationship(back_populates="block")

    __mapper_args__ = {"version_id_col": version}

    def mondays(self) -> list[date]:
        """Of each of its weeks the Monday."""
        return mondays(self.first_week, self.weeks)

    @property
    def last_day(self) -> date:
        """The Friday on which it ends."""
        return self.first_week + timedelta(weeks=self.weeks - 1, days=4)


EVERY_WEEKDAY = "12345"


def are_weekdays(days: str) -> bool:
    """Whether these are days of the week from Monday (1) to Friday, in order and each once."""
    return len(days) > 0 and days == "".join(sorted(set(days))) and set(days) <= set(EVERY_WEEKDAY)


class StagePlan(Base):
    """What a programme and stage asks of a round beside its places: how varied they are. No row asks
    nothing.

    `different_sites`: least number of different sites by the end of the round; `site_repeats`: most
    placements at one site; both count earlier rounds.
    """

    __tablename__ = "stage_plan"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "programme_id", "stage_id"),
        sa.CheckConstraint(
            "different_sites IS NULL OR different_sites BETWEEN 1 AND 20", name="sites_1_to_20"
        ),
        sa.CheckConstraint("site_repeats IS NULL OR site_repeats BETWEEN 1 AND 20", name="repeats_1_to_20"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programme.id"))
    stage_id: Mapped[int] = mapped_column(sa.ForeignKey("stage.id"))
    different_sites: Mapped[int | None]
    site_repeats: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)

    programme: Mapped[Programme] = relationship()
    stage: Mapped[Stage] = relationship()

    __mapper_args__ = {"version_id_col": version}


class Rotation(Base):
    """Blocks that a programme and stage's floating plan lines take in any order, each block once."""

    __tablename__ = "rotation"
    __table_args__ = (sa.UniqueConstraint("round_id", "programme_id", "stage_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programme.id"))
    stage_id: Mapped[int] = mapped_column(sa.ForeignKey("stage.id"))
    name: Mapped[str] = mapped_column(sa.String(100))

    round: Mapped[Round] = relationship()
    programme: Mapped[Programme] = relationship()
    stage: Mapped[Stage] = relationship()
    blocks: Mapped[list[Block]] = relationship(
        secondary="rotation_block", order_by=(Block.first_week, Block.id)
    )
    lines: Mapped[list["PlanLine"]] = relationship(back_populates="rotation", order_by="PlanLine.id")


rotation_block = sa.Table(
    "rotation_block",
    Base.metadata,
    sa.Column("rotation_id", sa.ForeignKey("rotation.id"), primary_key=True),
    sa.Column("block_id", sa.ForeignKey("block.id"), primary_key=True),
)


class PlanLine(Base):
    """In this block, or in some block of this rotation, every learner of this programme and stage needs a
    place of one of these modalities, on these days of the week (1 is Monday).

    `weeks_in`: whole weeks after the block begins; `weeks`: how many (None: to the block's end). A line of a
    rotation takes whole blocks.
    """

    __tablename__ = "plan_line"
    __table_args__ = (
        sa.UniqueConstraint("block_id", "programme_id", "stage_id"),
        sa.CheckConstraint("(block_id IS NULL) <> (rotation_id IS NULL)", name="block_or_rotation"),
        sa.CheckConstraint("weeks IS NULL OR weeks BETWEEN 1 AND 53", name="weeks_1_to_53"),
        sa.CheckConstraint("weeks_in BETWEEN 0 AND 52", name="weeks_in_0_to_52"),
        sa.CheckConstraint("length(weekdays) BETWEEN 1 AND 5", name="weekdays_1_to_5"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    block_id: Mapped[int | None] = mapped_column(sa.ForeignKey("block.id"))
    rotation_id: Mapped[int | None] = mapped_column(sa.ForeignKey("rotation.id"))
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programme.id"))
    stage_id: Mapped[int] = mapped_column(sa.ForeignKey("stage.id"))
    weeks_in: Mapped[int] = mapped_column(default=0)
    weeks: Mapped[int | None]
    weekdays: Mapped[str] = mapped_column(sa.String(5), default=EVERY_WEEKDAY)

    block: Mapped[Block | None] = relationship(back_populates="plan_lines")
    rotation: Mapped[Rotation | None] = relationship(back_populates="lines")
    programme: Mapped[Programme] = relationship()
    stage: Mapped[Stage] = relationship()
    modalities: Mapped[list[Modality]] = relationship(secondary="plan_line_modality", order_by=Modality.id)

    @property
    def when(self) -> str:
        """The block's name, or the rotation's."""
        if self.block is not None:
            return self.block.name
        return f"{self.rotation.name}, any block" if self.rotation is not None else ""

    @property
    def possible_blocks(self) -> list[Block]:
        """Its block, or those of its rotation."""
        if self.block is not None:
            return [self.block]
        return list(self.rotation.blocks) if self.rotation is not None else []

    def mondays_of(self, block: Block) -> list[date]:
        """The Mondays that the line takes of a block: its own, or one of its rotation's."""
        return block.mondays()[self.weeks_in :][: self.weeks]


plan_line_modality = sa.Table(
    "plan_line_modality",
    Base.metadata,
    sa.Column("plan_line_id", sa.ForeignKey("plan_line.id"), primary_key=True),
    sa.Column("modality_id", sa.ForeignKey("modality.id"), primary_key=True),
)
