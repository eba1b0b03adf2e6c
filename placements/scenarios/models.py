"""A scenario's runs: each a solve over a frozen snapshot, with what it proposes for each requirement."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from placements.cohorts.models import Requirement
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Department, Site
from placements.rounds.models import Block, Round


class Scenario(Base):
    """A named policy, with its locks, over a round's data. One of a round's is the round's own: what others
    are compared with, and what repairs go by."""

    __tablename__ = "scenario"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "name"),
        sa.Index(
            "uq_scenario_one_default",
            "round_id",
            unique=True,
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    name: Mapped[str] = mapped_column(sa.String(100))
    # The engine's policy as its own JSON.
    policy: Mapped[str] = mapped_column(sa.Text)
    is_default: Mapped[bool] = mapped_column(default=False)
    # What it is for, in the lead's words.
    note: Mapped[str] = mapped_column(sa.Text, default="")
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship()

    __mapper_args__ = {"version_id_col": version}


class Snapshot(Base):
    """A round's data as the engine takes them, without locks, kept as they were; runs over the same data
    share one."""

    __tablename__ = "snapshot"

    id: Mapped[int] = mapped_column(primary_key=True)
    # SHA-256 of `problem`.
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    taken_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    problem: Mapped[str] = deferred(mapped_column(sa.Text))
    # [learner, site] positions whose minutes an uploaded matrix gave; the rest are estimates.
    uploaded_travel: Mapped[list[list[int]]] = deferred(mapped_column(sa.JSON, default=list))


class Lock(Base):
    """A pin (only there) or ban (not there) of a requirement, at a department or a whole site, and why.

    One without a scenario holds in all of the round's. `origin` is who wanted it: a lead by hand, a trust
    that declined, an upheld appeal (`origin_id` is that row's). A lifted lock stays for the record.
    """

    __tablename__ = "lock"
    __table_args__ = (
        sa.CheckConstraint("(department_id IS NULL) <> (site_id IS NULL)", name="one_place"),
        sa.CheckConstraint("(lifted_utc IS NULL) OR (lifted_utc >= made_utc)", name="lifted_after_made"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"), index=True)
    scenario_id: Mapped[int | None] = mapped_column(sa.ForeignKey("scenario.id", ondelete="CASCADE"))
    requirement_id: Mapped[int] = mapped_column(
        sa.ForeignKey("requirement.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(words("kind", "pin", "ban"))
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("department.id"))
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("site.id"))
    reason: Mapped[str] = mapped_column(sa.Text)
    origin: Mapped[str] = mapped_column(words("origin", "lead", "decline", "appeal"), default="lead")
    origin_id: Mapped[int | None]
    made_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    lifted_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lifted_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

    scenario: Mapped[Scenario | None] = relationship()
    requirement: Mapped[Requirement] = relationship()
    department: Mapped[Department | None] = relationship()
    site: Mapped[Site | None] = relationship()


class Claimed:
    """What one worker at a time claims and works at until it ends (claims.py)."""

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    requested_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    # Written by the worker every few seconds; one that has gone quiet belongs to a worker that died.
    heartbeat_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The worker that holds it, "host:pid:start"; and how often a worker has begun it.
    worker: Mapped[str | None] = mapped_column(sa.String(100))
    attempts: Mapped[int] = mapped_column(default=0)
    # Why it failed, in words.
    message: Mapped[str | None] = mapped_column(sa.Text)


class Run(Claimed, Base):
    """One solve of a scenario. At most one of a scenario is queued or running at a time; the database sees to
    it. A repair begins from the newest publication; a run by hand is its parent with some learners moved."""

    __tablename__ = "run"
    __table_args__ = (
        sa.Index(
            "uq_run_one_under_way",
            "scenario_id",
            unique=True,
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        ),
    )

    scenario_id: Mapped[int] = mapped_column(sa.ForeignKey("scenario.id"))
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    kind: Mapped[str] = mapped_column(words("kind", "match", "repair", "hand"), default="match")
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("run.id"))
    state: Mapped[str] = mapped_column(
        words("state", "queued", "running", "finished", "failed", "cancelled"), default="queued"
    )
    requested_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    started_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    # Stage, incumbent, bound and seconds, as last reported.
    progress: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    # The reports so far, of each [seconds, stage, incumbent, bound]: the curve that the page draws.
    curve: Mapped[list[list[Any]]] = deferred(mapped_column(sa.JSON, default=list))
    snapshot_id: Mapped[int] = mapped_column(sa.ForeignKey("snapshot.id"))
    policy: Mapped[str] = mapped_column(sa.Text)
    # The locks that held when it was asked for, each {"requirement", "site_or_department", "kind"} by the
    # snapshot's keys.
    locks: Mapped[list[dict[str, str]]] = deferred(mapped_column(sa.JSON, default=list))
    # What a repair was asked besides: {"now_week": ..., "may_move": [...]}.
    settings: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    result: Mapped[str | None] = deferred(mapped_column(sa.Text))
    # What the result page shows at the top, computed once from the verified result.
    summary: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    # Each department in each week, as `Weekly.as_kept` has it; None of a run that did not finish, and of one
    # recorded before this was kept.
    by_week: Mapped[dict[str, Any] | None] = deferred(mapped_column(sa.JSON(none_as_null=True)))

    scenario: Mapped[Scenario] = relationship()
    round: Mapped[Round] = relationship()
    snapshot: Mapped[Snapshot] = relationship()


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
