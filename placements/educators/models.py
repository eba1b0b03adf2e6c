"""Practice educators, the departments and learners they supervise, and their absences."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.accounts.models import Person
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Department, LearnerGroup, Stage, Trust

MOST_WTE = Decimal(5)
MOST_LEARNERS = 20
ABSENCE_KINDS = ("leave", "training", "other")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Educator(Base):
    """Somebody who supervises learners, of a trust or (a network or academy educator) of the network.

    `wte` is what is available for supervision in a whole week; `days` are the weekdays worked, Monday 0.
    A lapsed accreditation no longer counts; None never lapses. Sharing between departments is a pool that
    the match may split by week.
    """

    __tablename__ = "educator"
    __table_args__ = (
        sa.CheckConstraint("(trust_id IS NULL) <> (network_id IS NULL)", name="of_a_trust_or_the_network"),
        sa.CheckConstraint(f"wte >= 0 AND wte <= {MOST_WTE}", name="wte_in_range"),
        sa.CheckConstraint(f"most_at_once BETWEEN 1 AND {MOST_LEARNERS}", name="most_at_once_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    trust_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trust.id"), index=True)
    network_id: Mapped[int | None] = mapped_column(sa.ForeignKey("network.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    wte: Mapped[Decimal] = mapped_column(sa.Numeric(4, 2))
    most_at_once: Mapped[int | None]
    days: Mapped[list[int]] = mapped_column(sa.JSON, default=lambda: [0, 1, 2, 3, 4])
    accreditation: Mapped[str] = mapped_column(sa.String(200), default="")
    accredited_until: Mapped[date | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    changed_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    saves: Mapped[int] = mapped_column(default=1)
    version: Mapped[int] = mapped_column(default=1)

    trust: Mapped[Trust | None] = relationship()
    changed_by: Mapped[Person | None] = relationship()
    departments: Mapped[list["EducatorDepartment"]] = relationship(
        order_by="EducatorDepartment.department_id",
        cascade="all, delete-orphan",
        back_populates="educator",
    )
    groups: Mapped[list["EducatorGroup"]] = relationship(
        order_by="EducatorGroup.id", cascade="all, delete-orphan"
    )
    absences: Mapped[list["Absence"]] = relationship(
        order_by="Absence.first_day", cascade="all, delete-orphan", back_populates="educator"
    )

    __mapper_args__ = {"version_id_col": version}


class EducatorDepartment(Base):
    """A department that an educator serves, there or from afar. One that is not the educator's own counts
    only once whoever keeps it has agreed (`agreed_utc`); what was declined or ended stays to be read
    (`declined_utc`). Neither: asked and not answered."""

    __tablename__ = "educator_department"
    __table_args__ = (
        sa.CheckConstraint("agreed_utc IS NULL OR declined_utc IS NULL", name="agreed_or_declined"),
    )

    educator_id: Mapped[int] = mapped_column(sa.ForeignKey("educator.id"), primary_key=True)
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("department.id"), primary_key=True, index=True)
    is_remote: Mapped[bool] = mapped_column(default=False)
    agreed_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    declined_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

    educator: Mapped[Educator] = relationship(back_populates="departments")
    department: Mapped[Department] = relationship()
    answered_by: Mapped[Person | None] = relationship()


class EducatorGroup(Base):
    """Learners whom an educator may supervise: of a group, with a stage only of that one. An educator without
    any row may supervise everybody."""

    __tablename__ = "educator_group"
    __table_args__ = (sa.UniqueConstraint("educator_id", "learner_group_id", "stage_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    educator_id: Mapped[int] = mapped_column(sa.ForeignKey("educator.id"))
    learner_group_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_group.id"))
    stage_id: Mapped[int | None] = mapped_column(sa.ForeignKey("stage.id"))

    learner_group: Mapped[LearnerGroup] = relationship()
    stage: Mapped[Stage | None] = relationship()


class Absence(Base):
    """Days on which an educator is away, both ends included. Why is kept no finer than its kind."""

    __tablename__ = "absence"
    __table_args__ = (sa.CheckConstraint("first_day <= last_day", name="days_in_order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    educator_id: Mapped[int] = mapped_column(sa.ForeignKey("educator.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    kind: Mapped[str] = mapped_column(words("kind", *ABSENCE_KINDS), default="leave")

    educator: Mapped[Educator] = relationship(back_populates="absences")
