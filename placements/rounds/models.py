"""A round, its blocks, and the plan: what each programme and stage needs in each block."""

from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.clock import mondays
from placements.database import Base, words
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
    version: Mapped[int] = mapped_column(default=1)

    blocks: Mapped[list["Block"]] = relationship(order_by="Block.first_week", back_populates="round")

    __mapper_args__ = {"version_id_col": version}

    def block_weeks(self) -> list[date]:
        """The Mondays on which some block runs, in order: the weeks that a declaration is about."""
        return sorted({week for block in self.blocks for week in block.mondays()})


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

    round: Mapped[Round] = relationship(back_populates="blocks")
    plan_lines: Mapped[list["PlanLine"]] = relationship(back_populates="block")

    def mondays(self) -> list[date]:
        return mondays(self.first_week, self.weeks)

    @property
    def last_day(self) -> date:
        """The Friday on which it ends."""
        return self.first_week + timedelta(weeks=self.weeks - 1, days=4)


class PlanLine(Base):
    """In this block every learner of this programme and stage needs a place of one of these modalities."""

    __tablename__ = "plan_line"
    __table_args__ = (sa.UniqueConstraint("block_id", "programme_id", "stage_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    block_id: Mapped[int] = mapped_column(sa.ForeignKey("block.id"))
    programme_id: Mapped[int] = mapped_column(sa.ForeignKey("programme.id"))
    stage_id: Mapped[int] = mapped_column(sa.ForeignKey("stage.id"))

    block: Mapped[Block] = relationship(back_populates="plan_lines")
    programme: Mapped[Programme] = relationship()
    stage: Mapped[Stage] = relationship()
    modalities: Mapped[list[Modality]] = relationship(secondary="plan_line_modality", order_by=Modality.id)


plan_line_modality = sa.Table(
    "plan_line_modality",
    Base.metadata,
    sa.Column("plan_line_id", sa.ForeignKey("plan_line.id"), primary_key=True),
    sa.Column("modality_id", sa.ForeignKey("modality.id"), primary_key=True),
)
