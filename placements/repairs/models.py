"""What is kept about repairs beside their runs: places given back, items set aside, trade-offs drawn."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.cohorts.models import Requirement
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Department
from placements.scenarios.models import Claimed, Run


class ReturnedPlace(Base):
    """A published place given back at the freeze by a learner who was not clear. They wait from then on, and
    may be given a place again by hand once clear."""

    __tablename__ = "returned_place"
    __table_args__ = (sa.UniqueConstraint("requirement_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"), index=True)
    requirement_id: Mapped[int] = mapped_column(sa.ForeignKey("requirement.id", ondelete="CASCADE"))
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("department.id"))
    first_week: Mapped[date]
    # The checks that were missing, in words.
    missing: Mapped[str] = mapped_column(sa.Text)
    returned_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    # Since when the learner may be placed again.
    cleared_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)

    requirement: Mapped[Requirement] = relationship()
    department: Mapped[Department] = relationship()


class SetAside(Base):
    """An item of the worklist that the lead wants nothing done about, with the reason; `item` is its kind and
    key, as "decline:12"."""

    __tablename__ = "set_aside"
    __table_args__ = (sa.UniqueConstraint("round_id", "item"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"), index=True)
    item: Mapped[str] = mapped_column(sa.String(100))
    reason: Mapped[str] = mapped_column(sa.Text)
    set_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    set_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


class TradeOff(Claimed, Base):
    """Moves against minutes for a repair run's data: each of `points` is one solve, with its moves, the total
    minutes one way, who is placed, and what is proven; `attempts` are those since the last point."""

    __tablename__ = "trade_off"

    run_id: Mapped[int] = mapped_column(sa.ForeignKey("run.id", ondelete="CASCADE"), unique=True)
    state: Mapped[str] = mapped_column(
        words("state", "queued", "running", "finished", "failed"), default="queued"
    )
    points: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON, default=list)

    run: Mapped[Run] = relationship()
