"""A place proposed to its trust, and the trust's answer."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.cohorts.models import Requirement
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Department
from placements.rounds.models import Round


class Proposal(Base):
    """One standing place as proposed to its trust. Of a requirement one at most is not withdrawn; a place
    that no longer stands is withdrawn, and the next one proposed anew."""

    __tablename__ = "proposal"
    __table_args__ = (
        sa.Index(
            "uq_proposal_one_open",
            "requirement_id",
            unique=True,
            sqlite_where=sa.text("state <> 'withdrawn'"),
            postgresql_where=sa.text("state <> 'withdrawn'"),
        ),
        sa.CheckConstraint("(state = 'declined') = (reason IS NOT NULL)", name="declined_with_reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"), index=True)
    requirement_id: Mapped[int] = mapped_column(sa.ForeignKey("requirement.id", ondelete="CASCADE"))
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("department.id"), index=True)
    # The Monday on which the place begins, as proposed.
    first_week: Mapped[date]
    state: Mapped[str] = mapped_column(
        words("state", "proposed", "asked", "confirmed", "declined", "withdrawn"), default="proposed"
    )
    proposed_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    answer_by: Mapped[date | None]
    # The trust's answer: of a decline one of a list of reasons, with a note if wished.
    reason: Mapped[str | None] = mapped_column(sa.String(40))
    note: Mapped[str] = mapped_column(sa.Text, default="")
    decided_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    # What the trust asked, and what the academy said to it.
    question: Mapped[str] = mapped_column(sa.Text, default="")
    reply: Mapped[str] = mapped_column(sa.Text, default="")
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship()
    requirement: Mapped[Requirement] = relationship()
    department: Mapped[Department] = relationship()

    __mapper_args__ = {"version_id_col": version}
