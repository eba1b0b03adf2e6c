"""academy desk: locks, kept snapshots, proposals, appeals, repairs, the later dates of a round

Revision: 2026_11_30_academy_desk
After: 2026_11_29_cohorts_in_full
Made: 2026-11-30 03:40:38.586601
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

import placements.database

revision = "2026_11_30_academy_desk"
down_revision = "2026_11_29_cohorts_in_full"
branch_labels = None
depends_on = None

MOMENT = placements.database.UtcDateTime
UNDER_WAY = sa.text("state IN ('queued', 'running')")
SNAPSHOT_OF_RUN = "UPDATE run SET snapshot_id = (SELECT snapshot.id FROM snapshot WHERE snapshot.digest = run.snapshot_hash)"


def upgrade() -> None:
    _create_tables()
    _add("publication_line", why_moved=(sa.Text(), ""))
    _add(
        "round",
        needs_confirmation=(sa.Boolean(), sa.false()),
        confirm_by=(sa.Date(), None),
        release_on=(sa.Date(), None),
        appeal_by=(sa.Date(), None),
        panel_by=(sa.Date(), None),
        freeze_on=(sa.Date(), None),
        frozen_utc=(MOMENT(), None),
    )
    _change_scenario()
    _change_run()


def _change_scenario() -> None:
    """The scenario that every round made first is its own; one of repairs was made by the product."""
    _add("scenario", is_default=(sa.Boolean(), sa.false()), note=(sa.Text(), ""))
    op.execute("UPDATE scenario SET is_default = true WHERE name = 'Round''s policy'")
    with op.batch_alter_table("scenario") as batch:
        batch.create_index(
            "uq_scenario_one_default",
            ["round_id"],
            unique=True,
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )


def _change_run() -> None:
    """What runs had frozen each for itself is kept once; a run that went by the repair's policy was one."""
    op.execute(
        "INSERT INTO snapshot (digest, taken_utc, problem, uploaded_travel)"
        " SELECT run.snapshot_hash, run.requested_utc, run.snapshot, run.uploaded_travel FROM run"
        " WHERE run.id IN (SELECT min(first.id) FROM run AS first GROUP BY first.snapshot_hash)"
    )
    _add(
        "run",
        kind=(sa.String(length=40), "match"),
        parent_id=(sa.Integer(), None),
        curve=(sa.JSON(), None),
        snapshot_id=(sa.Integer(), None),
        locks=(sa.JSON(), None),
        settings=(sa.JSON(), "{}"),
        by_week=(sa.JSON(), None),
    )
    op.execute(SNAPSHOT_OF_RUN)
    op.execute("UPDATE run SET curve = '[]', locks = '[]'")
    op.execute(
        "UPDATE run SET kind = 'repair' WHERE scenario_id IN"
        " (SELECT id FROM scenario WHERE name = 'Fewest moves since the last version')"
    )
    op.drop_index("uq_run_one_under_way", "run")
    with op.batch_alter_table("run") as batch:
        batch.alter_column("snapshot_id", existing_type=sa.Integer(), nullable=False)
        batch.create_check_constraint(op.f("ck_run_kind"), "kind IN ('match', 'repair', 'hand')")
        batch.create_foreign_key(op.f("fk_run_parent_id_run"), "run", ["parent_id"], ["id"])
        batch.create_foreign_key(op.f("fk_run_snapshot_id_snapshot"), "snapshot", ["snapshot_id"], ["id"])
        batch.drop_column("snapshot")
        batch.drop_column("uploaded_travel")
        batch.drop_column("snapshot_hash")
    op.create_index(
        "uq_run_one_under_way",
        "run",
        ["scenario_id"],
        unique=True,
        sqlite_where=UNDER_WAY,
        postgresql_where=UNDER_WAY,
    )


def _add(table: str, **columns: tuple[sa.types.TypeEngine[Any], Any]) -> None:
    """Add columns, each with its type and what rows that are there get (None: nothing)."""
    with op.batch_alter_table(table) as batch:
        for name, (kind, value) in columns.items():
            batch.add_column(sa.Column(name, kind, nullable=value is None, server_default=value))
    with op.batch_alter_table(table) as batch:
        for name, (kind, value) in columns.items():
            if value is not None:
                batch.alter_column(name, existing_type=kind, server_default=None)


def downgrade() -> None:
    """Runs by hand and their parents' are left as finished matches; locks and all answers are given up."""
    op.drop_index("uq_run_one_under_way", "run")
    # Of a round one may be under way in the tables before: the newest stays.
    op.execute(
        "UPDATE run SET state = 'cancelled' WHERE state IN ('queued', 'running') AND id NOT IN"
        " (SELECT max(other.id) FROM run AS other WHERE other.state IN ('queued', 'running')"
        " GROUP BY other.round_id)"
    )
    _add(
        "run",
        snapshot=(sa.Text(), None),
        uploaded_travel=(sa.JSON(), None),
        snapshot_hash=(sa.String(length=64), ""),
    )
    for column, kept in (
        ("snapshot", "problem"),
        ("uploaded_travel", "uploaded_travel"),
        ("snapshot_hash", "digest"),
    ):
        op.execute(
            f"UPDATE run SET {column} = (SELECT snapshot.{kept} FROM snapshot"  # noqa: S608
            " WHERE snapshot.id = run.snapshot_id)"
        )
    with op.batch_alter_table("run") as batch:
        batch.drop_constraint(op.f("fk_run_snapshot_id_snapshot"), type_="foreignkey")
        batch.drop_constraint(op.f("fk_run_parent_id_run"), type_="foreignkey")
        batch.drop_constraint(op.f("ck_run_kind"), type_="check")
        for column in ("by_week", "settings", "locks", "snapshot_id", "curve", "parent_id", "kind"):
            batch.drop_column(column)
    op.create_index(
        "uq_run_one_under_way",
        "run",
        ["round_id"],
        unique=True,
        sqlite_where=UNDER_WAY,
        postgresql_where=UNDER_WAY,
    )
    op.drop_index("uq_scenario_one_default", "scenario")
    with op.batch_alter_table("scenario") as batch:
        batch.drop_column("note")
        batch.drop_column("is_default")
    with op.batch_alter_table("round") as batch:
        for column in (
            "frozen_utc",
            "freeze_on",
            "panel_by",
            "appeal_by",
            "release_on",
            "confirm_by",
            "needs_confirmation",
        ):
            batch.drop_column(column)
    with op.batch_alter_table("publication_line") as batch:
        batch.drop_column("why_moved")
    for table in (
        "appeal_evidence",
        "returned_place",
        "proposal",
        "lock",
        "appeal",
        "trade_off",
        "set_aside",
        "snapshot",
    ):
        op.drop_table(table)


def _create_tables() -> None:
    op.create_table(
        "snapshot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("taken_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("uploaded_travel", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("digest", name=op.f("uq_snapshot_digest")),
    )
    op.create_table(
        "set_aside",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("set_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_set_aside_round_id_round")),
        sa.ForeignKeyConstraint(["set_by_id"], ["person.id"], name=op.f("fk_set_aside_set_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_aside")),
        sa.UniqueConstraint("round_id", "item", name=op.f("uq_set_aside_round_id_item")),
    )
    with op.batch_alter_table("set_aside", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_set_aside_round_id"), ["round_id"], unique=False)

    op.create_table(
        "trade_off",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "finished",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("points", sa.JSON(), nullable=False),
        sa.Column("requested_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("heartbeat_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("worker", sa.String(length=100), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_trade_off_run_id_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trade_off")),
        sa.UniqueConstraint("run_id", name=op.f("uq_trade_off_run_id")),
    )
    op.create_table(
        "appeal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("publication_number", sa.Integer(), nullable=False),
        sa.Column("lodged_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("lodged_by_id", sa.Integer(), nullable=True),
        sa.Column(
            "grounds",
            sa.Enum(
                "travel",
                "caring",
                "access",
                "employment",
                "safety",
                "other",
                name="grounds",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column(
            "wants",
            sa.Enum(
                "elsewhere",
                "nearer",
                "site",
                name="wants",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("wanted_minutes", sa.Integer(), nullable=True),
        sa.Column("wanted_site_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "lodged",
                "upheld",
                "declined",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("decided_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "wanted_minutes IS NULL OR wanted_minutes BETWEEN 1 AND 600",
            name=op.f("ck_appeal_minutes_1_to_600"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_appeal_decided_by_id_person")
        ),
        sa.ForeignKeyConstraint(["lodged_by_id"], ["person.id"], name=op.f("fk_appeal_lodged_by_id_person")),
        sa.ForeignKeyConstraint(
            ["requirement_id"],
            ["requirement.id"],
            name=op.f("fk_appeal_requirement_id_requirement"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_appeal_round_id_round")),
        sa.ForeignKeyConstraint(["wanted_site_id"], ["site.id"], name=op.f("fk_appeal_wanted_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
    )
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appeal_round_id"), ["round_id"], unique=False)
        batch_op.create_index(
            "uq_appeal_one_undecided",
            ["requirement_id"],
            unique=True,
            sqlite_where=sa.text("state = 'lodged'"),
            postgresql_where=sa.text("state = 'lodged'"),
        )

    op.create_table(
        "lock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("scenario_id", sa.Integer(), nullable=True),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("pin", "ban", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum(
                "lead",
                "decline",
                "appeal",
                name="origin",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("origin_id", sa.Integer(), nullable=True),
        sa.Column("made_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("lifted_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("lifted_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(department_id IS NULL) <> (site_id IS NULL)", name=op.f("ck_lock_one_place")),
        sa.CheckConstraint(
            "(lifted_utc IS NULL) OR (lifted_utc >= made_utc)", name=op.f("ck_lock_lifted_after_made")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_lock_department_id_department")
        ),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["person.id"], name=op.f("fk_lock_lifted_by_id_person")),
        sa.ForeignKeyConstraint(["made_by_id"], ["person.id"], name=op.f("fk_lock_made_by_id_person")),
        sa.ForeignKeyConstraint(
            ["requirement_id"],
            ["requirement.id"],
            name=op.f("fk_lock_requirement_id_requirement"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_lock_round_id_round")),
        sa.ForeignKeyConstraint(
            ["scenario_id"], ["scenario.id"], name=op.f("fk_lock_scenario_id_scenario"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_lock_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lock")),
    )
    with op.batch_alter_table("lock", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lock_requirement_id"), ["requirement_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lock_round_id"), ["round_id"], unique=False)

    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("first_week", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "proposed",
                "asked",
                "confirmed",
                "declined",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("proposed_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("answer_by", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decided_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'declined') = (reason IS NOT NULL)", name=op.f("ck_proposal_declined_with_reason")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_proposal_decided_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_proposal_department_id_department")
        ),
        sa.ForeignKeyConstraint(
            ["requirement_id"],
            ["requirement.id"],
            name=op.f("fk_proposal_requirement_id_requirement"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_proposal_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proposal_department_id"), ["department_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proposal_round_id"), ["round_id"], unique=False)
        batch_op.create_index(
            "uq_proposal_one_open",
            ["requirement_id"],
            unique=True,
            sqlite_where=sa.text("state <> 'withdrawn'"),
            postgresql_where=sa.text("state <> 'withdrawn'"),
        )

    op.create_table(
        "returned_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("first_week", sa.Date(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("returned_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("cleared_utc", placements.database.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_returned_place_department_id_department")
        ),
        sa.ForeignKeyConstraint(
            ["requirement_id"],
            ["requirement.id"],
            name=op.f("fk_returned_place_requirement_id_requirement"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_returned_place_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returned_place")),
        sa.UniqueConstraint("requirement_id", name=op.f("uq_returned_place_requirement_id")),
    )
    with op.batch_alter_table("returned_place", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_returned_place_round_id"), ["round_id"], unique=False)

    op.create_table(
        "appeal_evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appeal_id", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("given_utc", placements.database.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appeal_id"], ["appeal.id"], name=op.f("fk_appeal_evidence_appeal_id_appeal"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal_evidence")),
    )
    with op.batch_alter_table("appeal_evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appeal_evidence_appeal_id"), ["appeal_id"], unique=False)
