"""An appeal against a published place, its evidence, and what the panel decided."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from placements.cohorts.models import Requirement
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Site
from placements.rounds.models import Round


class Appeal(Base):
    """Lodged by the learner (nobody's account) or by their placement officer. Of a requirement one at most is
    undecided. The statement goes with the learner; what was decided, and why, stays."""

    __tablename__ = "appeal"
    __table_args__ = (
        sa.Index(
            "uq_appeal_one_undecided",
            "requirement_id",
            unique=True,
            sqlite_where=sa.text("state = 'lodged'"),
            postgresql_where=sa.text("state = 'lodged'"),
        ),
        sa.CheckConstraint(
            "wanted_minutes IS NULL OR wanted_minutes BETWEEN 1 AND 600", name="minutes_1_to_600"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"), index=True)
    requirement_id: Mapped[int] = mapped_column(sa.ForeignKey("requirement.id", ondelete="CASCADE"))
    publication_number: Mapped[int]
    lodged_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    lodged_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    grounds: Mapped[str] = mapped_column(
        words("grounds", "travel", "caring", "access", "employment", "safety", "other")
    )
    statement: Mapped[str] = mapped_column(sa.Text)
    # What would put it right: not there, nearer (no more than `wanted_minutes` one way), or at a site.
    wants: Mapped[str] = mapped_column(words("wants", "elsewhere", "nearer", "site"))
    wanted_minutes: Mapped[int | None]
    wanted_site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("site.id"))
    state: Mapped[str] = mapped_column(
        words("state", "lodged", "upheld", "declined", "withdrawn"), default="lodged"
    )
    decided_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    # The panel's reasons, which the learner and the officer read.
    decision: Mapped[str] = mapped_column(sa.Text, default="")
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship()
    requirement: Mapped[Requirement] = relationship()
    wanted_site: Mapped[Site | None] = relationship()
    evidence: Mapped[list["AppealEvidence"]] = relationship(back_populates="appeal")

    __mapper_args__ = {"version_id_col": version}


class AppealEvidence(Base):
    """A file given with an appeal, kept apart: opening one is written in the record."""

    __tablename__ = "appeal_evidence"

    id: Mapped[int] = mapped_column(primary_key=True)
    appeal_id: Mapped[int] = mapped_column(sa.ForeignKey("appeal.id", ondelete="CASCADE"), index=True)
    file_name: Mapped[str] = mapped_column(sa.String(200))
    media_type: Mapped[str] = mapped_column(sa.String(100))
    data: Mapped[bytes] = deferred(mapped_column(sa.LargeBinary))
    given_utc: Mapped[datetime] = mapped_column(UtcDateTime)

    appeal: Mapped[Appeal] = relationship(back_populates="evidence")
