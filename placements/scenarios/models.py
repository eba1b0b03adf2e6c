"""A scenario's runs: each a solve over a frozen snapshot, with what it proposes for each requirement."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from placements.cohorts.models import Requirement
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Department
from placements.rounds.models import Block, Round


class Scenario(Base):
    """A named policy over a round's data."""

    __tablename__ = "scenario"
    __table_args__ = (sa.UniqueConstraint("round_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    name: Mapped[str] = mapped_column(sa.String(100))
    # The engine's policy as its own JSON.
    policy: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship()

    __mapper_args__ = {"version_id_col": version}


class Run(Base):
    """One solve. At most one run of a round is queued or running at a time; the database sees to it."""

    __tablename__ = "run"
    __table_args__ = (
        sa.Index(
            "uq_run_one_under_way",
            "round_id",
            unique=True,
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    scenario_id: Mapped[int] = mapped_column(sa.ForeignKey("scenario.id"))
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    state: Mapped[str] = mapped_column(
        words("state", "queued", "running", "finished", "failed", "cancelled"), default="queued"
    )
    requested_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    requested_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    started_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Written by the worker every few seconds; one that has gone quiet belongs to a worker that died.
    heartbeat_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The worker that holds the run, "host:pid:start"; and how often a worker has begun it.
    worker: Mapped[str | None] = mapped_column(sa.String(100))
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    # Stage, incumbent, bound and seconds, as last reported.
    progress: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    # Why it failed, in words.
    message: Mapped[str | None] = mapped_column(sa.Text)
    snapshot: Mapped[str] = deferred(mapped_column(sa.Text))
    snapshot_hash: Mapped[str] = mapped_column(sa.String(64))
    policy: Mapped[str] = mapped_column(sa.Text)
    # [learner, site] positions in the snapshot whose minutes an uploaded matrix gave; the rest are estimates.
    uploaded_travel: Mapped[list[list[int]]] = deferred(mapped_column(sa.JSON, default=list))
    result: Mapped[str | None] = deferred(mapped_column(sa.Text))
    # What the result page shows at the top, computed once from the verified result.
    summary: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)

    scenario: Mapped[Scenario] = relationship()
    round: Mapped[Round] = relationship()


class Placing(Base):
    """What a run proposes for one requirement: a department, or none with the reason."""

    __tablename__ = "placing"
    __table_args__ = (
        sa.UniqueConstraint("run_id", "requirement_id"),
        sa.CheckConstraint("(department_id IS NULL) = (reason IS NOT NULL)", name="placed_or_reason"),
        sa.CheckConstraint("(department_id IS NULL) = (travel_minutes IS NULL)", name="placed_has_travel"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("run.id"), index=True)
    requirement_id: Mapped[int] = mapped_column(sa.ForeignKey("requirement.id", ondelete="CASCADE"))
    # The requirement's block, or the one that a floating requirement took; None where it took none.
    block_id: Mapped[int | None] = mapped_column(sa.ForeignKey("block.id"))
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    travel_minutes: Mapped[int | None]
    travel_is_estimated: Mapped[bool] = mapped_column(default=True)
    # Which of the learner's ranked sites this is, where it is one.
    preference_rank: Mapped[int | None]
    reason: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))

    run: Mapped[Run] = relationship()
    requirement: Mapped[Requirement] = relationship()
    block: Mapped[Block | None] = relationship()
    department: Mapped[Department | None] = relationship()
