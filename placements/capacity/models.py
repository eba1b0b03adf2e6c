"""A department's capacity declaration in a round, with a line for each week."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.accounts.models import Person
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Department
from placements.rounds.models import Round

MOST_PLACES = 99
MOST_WTE = Decimal(99)


class Declaration(Base):
    """What one department offers in one round. Only a submitted one is an offer that the match may use."""

    __tablename__ = "declaration"
    __table_args__ = (sa.UniqueConstraint("round_id", "department_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("department.id"))
    state: Mapped[str] = mapped_column(words("state", "draft", "submitted"), default="draft")
    changed_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    saves: Mapped[int] = mapped_column(default=1)
    submitted_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship()
    department: Mapped[Department] = relationship()
    changed_by: Mapped[Person | None] = relationship()
    weeks: Mapped[list["DeclaredWeek"]] = relationship(
        order_by="DeclaredWeek.week", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}


class DeclaredWeek(Base):
    """Places (learners at once) preferred and at most, and WTE of practice educators who supervise."""

    __tablename__ = "declared_week"
    __table_args__ = (
        sa.CheckConstraint(
            f"0 <= preferred AND preferred <= maximum AND maximum <= {MOST_PLACES}", name="places_in_order"
        ),
        sa.CheckConstraint(f"0 <= wte AND wte <= {MOST_WTE}", name="wte_in_range"),
    )

    declaration_id: Mapped[int] = mapped_column(sa.ForeignKey("declaration.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    preferred: Mapped[int]
    maximum: Mapped[int]
    wte: Mapped[Decimal] = mapped_column(sa.Numeric(5, 2))
