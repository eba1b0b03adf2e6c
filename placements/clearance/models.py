"""Checks that a learner needs before a placement, what a round makes of each, and when a learner had them."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.cohorts.models import LearnerRecord
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Hei
from placements.rounds.models import Round

EFFECTS = ("blocks", "warns", "not_asked")


class CheckKind(Base):
    """A check such as occupational health: the network's (no HEI) for all, or one that an HEI adds for its
    own learners.

    `weeks_before`: whole weeks before a placement begins by which it is due; `valid_months`: how long it
    holds from the day it was done where nobody says otherwise (None: it does not expire).
    """

    __tablename__ = "check_kind"
    __table_args__ = (
        sa.CheckConstraint("weeks_before BETWEEN 0 AND 52", name="weeks_before_0_to_52"),
        sa.CheckConstraint("valid_months IS NULL OR valid_months BETWEEN 1 AND 120", name="months_1_to_120"),
        sa.UniqueConstraint("hei_id", "name"),
        # A UNIQUE key lets rows without an HEI repeat.
        sa.Index(
            "uq_check_kind_network_id_name",
            "network_id",
            "name",
            unique=True,
            sqlite_where=sa.text("hei_id IS NULL"),
            postgresql_where=sa.text("hei_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    network_id: Mapped[int] = mapped_column(sa.ForeignKey("network.id"))
    hei_id: Mapped[int | None] = mapped_column(sa.ForeignKey("hei.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    valid_months: Mapped[int | None]
    weeks_before: Mapped[int] = mapped_column(default=6)
    effect: Mapped[str] = mapped_column(words("effect", *EFFECTS), default="warns")
    position: Mapped[int] = mapped_column(default=0)
    # No longer asked for; what was recorded stays.
    is_retired: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)

    hei: Mapped[Hei | None] = relationship()

    __mapper_args__ = {"version_id_col": version}


class CheckRule(Base):
    """What a round makes of a check, instead of what the check's kind says."""

    __tablename__ = "check_rule"

    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"), primary_key=True)
    kind_id: Mapped[int] = mapped_column(sa.ForeignKey("check_kind.id"), primary_key=True)
    effect: Mapped[str] = mapped_column(words("effect", *EFFECTS))
    weeks_before: Mapped[int]

    round: Mapped[Round] = relationship()
    kind: Mapped[CheckKind] = relationship()


class LearnerCheck(Base):
    """A check that a learner had: done on a day, good to a day (None: it does not expire)."""

    __tablename__ = "learner_check"
    __table_args__ = (
        sa.UniqueConstraint("record_id", "kind_id", "done_on"),
        sa.CheckConstraint("expires_on IS NULL OR expires_on >= done_on", name="days_in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_record.id"), index=True)
    kind_id: Mapped[int] = mapped_column(sa.ForeignKey("check_kind.id"))
    done_on: Mapped[date]
    expires_on: Mapped[date | None]
    recorded_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

    record: Mapped[LearnerRecord] = relationship()
    kind: Mapped[CheckKind] = relationship()
