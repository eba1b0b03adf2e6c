"""cohorts in full: learners through all rounds, plans, constraints, checks, agreements, outcomes

Revision: 2026_11_29_cohorts_in_full
After: 2026_11_25_capacity_in_full
Made: 2026-11-29 15:25:00
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

import placements.database

revision = "2026_11_29_cohorts_in_full"
down_revision = "2026_11_25_capacity_in_full"
branch_labels = None
depends_on = None

MOMENT = placements.database.UtcDateTime
WEEKDAYS = "weekdays IS NULL OR length(weekdays) BETWEEN 1 AND 5"


def upgrade() -> None:
    _create_tables()
    _add("site", beds=(sa.Integer(), "0"), version=(sa.Integer(), "1"))
    _add("hei", letter_text=(sa.Text(), ""), version=(sa.Integer(), "1"))
    for table in ("programme", "block"):
        _add(table, version=(sa.Integer(), "1"))
    _add(
        "upload",
        rows_read=(sa.Integer(), "0"),
        rows_found=(sa.Integer(), "0"),
        message=(sa.Text(), None),
        heartbeat_utc=(MOMENT(), None),
    )
    _change_checks("upload", state="state IN ('reading', 'columns', 'received', 'accepted', 'discarded')")
    _change_plan()
    _change_learner()
    _change_requirement()
    for table in ("placing", "allocation"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("block_id", sa.Integer(), nullable=True))
            batch.create_foreign_key(op.f(f"fk_{table}_block_id_block"), "block", ["block_id"], ["id"])
        op.execute(
            f'UPDATE "{table}" SET block_id = (SELECT requirement.block_id FROM requirement'  # noqa: S608
            f' WHERE requirement.id = "{table}".requirement_id)'
        )
    _change_publication_line()


def _change_plan() -> None:
    with op.batch_alter_table("plan_line") as batch:
        batch.add_column(sa.Column("rotation_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("weeks_in", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("weeks", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("weekdays", sa.String(length=5), nullable=False, server_default="12345"))
        batch.alter_column("block_id", existing_type=sa.Integer(), nullable=True)
        batch.create_foreign_key(
            op.f("fk_plan_line_rotation_id_rotation"), "rotation", ["rotation_id"], ["id"]
        )
        batch.create_check_constraint(
            op.f("ck_plan_line_block_or_rotation"), "(block_id IS NULL) <> (rotation_id IS NULL)"
        )
        batch.create_check_constraint(
            op.f("ck_plan_line_weeks_1_to_53"), "weeks IS NULL OR weeks BETWEEN 1 AND 53"
        )
        batch.create_check_constraint(op.f("ck_plan_line_weeks_in_0_to_52"), "weeks_in BETWEEN 0 AND 52")
        batch.create_check_constraint(
            op.f("ck_plan_line_weekdays_1_to_5"), "length(weekdays) BETWEEN 1 AND 5"
        )
    with op.batch_alter_table("plan_line") as batch:
        batch.alter_column("weeks_in", existing_type=sa.Integer(), server_default=None)
        batch.alter_column("weekdays", existing_type=sa.String(length=5), server_default=None)


def _change_learner() -> None:
    op.execute(
        "INSERT INTO learner_record (hei_id, reference_key)"
        " SELECT DISTINCT hei_id, lower(reference) FROM learner"
    )
    _add(
        "learner",
        record_id=(sa.Integer(), None),
        released=(sa.Boolean(), sa.false()),
        available_until=(sa.Date(), None),
        priority_reason=(sa.String(length=120), ""),
        weekdays=(sa.String(length=5), None),
        accommodation=(sa.Boolean(), sa.false()),
        preferences_by=(sa.String(length=40), "hei"),
        joined_utc=(MOMENT(), "2026-11-24 00:00:00"),
        changed_utc=(MOMENT(), "2026-11-24 00:00:00"),
        version=(sa.Integer(), "1"),
    )
    op.execute(
        "UPDATE learner SET record_id = (SELECT learner_record.id FROM learner_record"
        " WHERE learner_record.hei_id = learner.hei_id"
        " AND learner_record.reference_key = lower(learner.reference))"
    )
    with op.batch_alter_table("learner") as batch:
        batch.alter_column("record_id", existing_type=sa.Integer(), nullable=False)
        batch.create_index(op.f("ix_learner_record_id"), ["record_id"], unique=False)
        batch.create_foreign_key(
            op.f("fk_learner_record_id_learner_record"), "learner_record", ["record_id"], ["id"]
        )
        batch.create_check_constraint(
            op.f("ck_learner_preferences_by"), "preferences_by IN ('hei', 'learner')"
        )
        batch.create_check_constraint(op.f("ck_learner_weekdays_1_to_5"), WEEKDAYS)
        batch.create_check_constraint(
            op.f("ck_learner_released_by_employer"), "NOT released OR employer_trust_id IS NOT NULL"
        )


def _change_requirement() -> None:
    _add(
        "requirement",
        state=(sa.String(length=40), "needed"),
        weekdays=(sa.String(length=5), None),
        reason=(sa.String(length=200), ""),
        changed_utc=(MOMENT(), "2026-11-24 00:00:00"),
    )
    with op.batch_alter_table("requirement") as batch:
        batch.alter_column("block_id", existing_type=sa.Integer(), nullable=True)
        batch.alter_column("plan_line_id", existing_type=sa.Integer(), nullable=True)
        batch.create_index(op.f("ix_requirement_plan_line_id"), ["plan_line_id"], unique=False)
        batch.create_unique_constraint(
            op.f("uq_requirement_learner_id_plan_line_id"), ["learner_id", "plan_line_id"]
        )
        batch.create_check_constraint(op.f("ck_requirement_state"), "state IN ('needed', 'exempt')")
        batch.create_check_constraint(op.f("ck_requirement_weekdays_1_to_5"), WEEKDAYS)
        batch.create_check_constraint(
            op.f("ck_requirement_block_or_plan_line"), "block_id IS NOT NULL OR plan_line_id IS NOT NULL"
        )


def _change_publication_line() -> None:
    _add(
        "publication_line",
        record_id=(sa.Integer(), None),
        weekdays=(sa.String(length=5), "12345"),
        travel_mode=(sa.String(length=40), ""),
        not_ready=(sa.Text(), ""),
    )
    op.execute(
        "UPDATE publication_line SET record_id = (SELECT learner_record.id FROM learner_record"
        " WHERE learner_record.hei_id = publication_line.hei_id"
        " AND learner_record.reference_key = lower(publication_line.learner_reference))"
    )
    op.create_index(op.f("ix_publication_line_record_id"), "publication_line", ["record_id"], unique=False)
    _change_checks(
        "publication_line",
        state="state IN ('placed', 'held', 'unplaced')",
        placed_somewhere="(state = 'unplaced') = (department_id IS NULL)",
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


def _change_checks(table: str, **checks: str) -> None:
    with op.batch_alter_table(table) as batch:
        for name, condition in checks.items():
            batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_{name}"), condition)


def downgrade() -> None:
    """What the tables before could not hold is given up: floating and own requirements, exemptions."""
    op.execute("UPDATE publication_line SET state = 'placed' WHERE state = 'held'")
    _change_checks(
        "publication_line",
        state="state IN ('placed', 'unplaced')",
        placed_somewhere="(state = 'placed') = (department_id IS NOT NULL)",
    )
    op.drop_index(op.f("ix_publication_line_record_id"), "publication_line")
    _drop("publication_line", "record_id", "weekdays", "travel_mode", "not_ready")
    for table in ("allocation", "placing"):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"fk_{table}_block_id_block"), type_="foreignkey")
            batch.drop_column("block_id")
    given_up = "block_id IS NULL OR plan_line_id IS NULL OR state = 'exempt'"
    for table in ("placing", "allocation", "requirement_modality"):
        op.execute(
            f'DELETE FROM "{table}" WHERE requirement_id IN'  # noqa: S608
            f" (SELECT id FROM requirement WHERE {given_up})"
        )
    op.execute(f"DELETE FROM requirement WHERE {given_up}")  # noqa: S608
    with op.batch_alter_table("requirement") as batch:
        for name in ("state", "weekdays_1_to_5", "block_or_plan_line"):
            batch.drop_constraint(op.f(f"ck_requirement_{name}"), type_="check")
        batch.drop_constraint(op.f("uq_requirement_learner_id_plan_line_id"), type_="unique")
        batch.drop_index(op.f("ix_requirement_plan_line_id"))
        batch.alter_column("block_id", existing_type=sa.Integer(), nullable=False)
        batch.alter_column("plan_line_id", existing_type=sa.Integer(), nullable=False)
    _drop("requirement", "state", "weekdays", "reason", "changed_utc")
    with op.batch_alter_table("learner") as batch:
        for name in ("preferences_by", "weekdays_1_to_5", "released_by_employer"):
            batch.drop_constraint(op.f(f"ck_learner_{name}"), type_="check")
        batch.drop_constraint(op.f("fk_learner_record_id_learner_record"), type_="foreignkey")
        batch.drop_index(op.f("ix_learner_record_id"))
    _drop(
        "learner",
        "record_id",
        "released",
        "available_until",
        "priority_reason",
        "weekdays",
        "accommodation",
        "preferences_by",
        "joined_utc",
        "changed_utc",
        "version",
    )
    floating = "SELECT id FROM plan_line WHERE block_id IS NULL"
    op.execute(f"DELETE FROM plan_line_modality WHERE plan_line_id IN ({floating})")  # noqa: S608
    op.execute("DELETE FROM plan_line WHERE block_id IS NULL")
    with op.batch_alter_table("plan_line") as batch:
        for name in ("block_or_rotation", "weeks_1_to_53", "weeks_in_0_to_52", "weekdays_1_to_5"):
            batch.drop_constraint(op.f(f"ck_plan_line_{name}"), type_="check")
        batch.drop_constraint(op.f("fk_plan_line_rotation_id_rotation"), type_="foreignkey")
        batch.alter_column("block_id", existing_type=sa.Integer(), nullable=False)
    _drop("plan_line", "rotation_id", "weeks_in", "weeks", "weekdays")
    op.execute("DELETE FROM upload WHERE state IN ('reading', 'columns')")
    _change_checks("upload", state="state IN ('received', 'accepted', 'discarded')")
    _drop("upload", "rows_read", "rows_found", "message", "heartbeat_utc")
    _drop("hei", "letter_text", "version")
    for table in ("programme", "block"):
        _drop(table, "version")
    _drop("site", "beds", "version")
    _drop_tables()


def _drop(table: str, *columns: str) -> None:
    with op.batch_alter_table(table) as batch:
        for name in columns:
            batch.drop_column(name)


def _create_tables() -> None:
    op.create_table(
        "access_need",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_need")),
        sa.UniqueConstraint("key", name=op.f("uq_access_need_key")),
    )
    op.create_table(
        "check_kind",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("hei_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("valid_months", sa.Integer(), nullable=True),
        sa.Column("weeks_before", sa.Integer(), nullable=False),
        sa.Column("effect", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_retired", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "valid_months IS NULL OR valid_months BETWEEN 1 AND 120",
            name=op.f("ck_check_kind_months_1_to_120"),
        ),
        sa.CheckConstraint("weeks_before BETWEEN 0 AND 52", name=op.f("ck_check_kind_weeks_before_0_to_52")),
        sa.ForeignKeyConstraint(["hei_id"], ["hei.id"], name=op.f("fk_check_kind_hei_id_hei")),
        sa.ForeignKeyConstraint(
            ["network_id"], ["network.id"], name=op.f("fk_check_kind_network_id_network")
        ),
        sa.CheckConstraint("effect IN ('blocks', 'warns', 'not_asked')", name=op.f("ck_check_kind_effect")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_kind")),
        sa.UniqueConstraint("hei_id", "name", name=op.f("uq_check_kind_hei_id_name")),
    )
    with op.batch_alter_table("check_kind") as batch:
        batch.create_index(op.f("ix_check_kind_hei_id"), ["hei_id"], unique=False)
        batch.create_index(
            "uq_check_kind_network_id_name",
            ["network_id", "name"],
            unique=True,
            sqlite_where=sa.text("hei_id IS NULL"),
            postgresql_where=sa.text("hei_id IS NULL"),
        )

    op.create_table(
        "column_choice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hei_id", sa.Integer(), nullable=False),
        sa.Column("heading", sa.String(length=120), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column("chosen_utc", MOMENT(), nullable=False),
        sa.ForeignKeyConstraint(["hei_id"], ["hei.id"], name=op.f("fk_column_choice_hei_id_hei")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_column_choice")),
        sa.UniqueConstraint("hei_id", "heading", name=op.f("uq_column_choice_hei_id_heading")),
    )
    op.create_table(
        "companions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("hei_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["hei_id"], ["hei.id"], name=op.f("fk_companions_hei_id_hei")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_companions_round_id_round")),
        sa.CheckConstraint("kind IN ('together', 'apart')", name=op.f("ck_companions_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_companions")),
    )
    with op.batch_alter_table("companions") as batch:
        batch.create_index(op.f("ix_companions_round_id"), ["round_id"], unique=False)

    op.create_table(
        "learner_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hei_id", sa.Integer(), nullable=False),
        sa.Column("reference_key", sa.String(length=60), nullable=False),
        sa.Column("erased_utc", MOMENT(), nullable=True),
        sa.ForeignKeyConstraint(["hei_id"], ["hei.id"], name=op.f("fk_learner_record_hei_id_hei")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learner_record")),
        sa.UniqueConstraint("hei_id", "reference_key", name=op.f("uq_learner_record_hei_id_reference_key")),
    )
    op.create_table(
        "placement_feedback",
        sa.Column("requirement_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("overall", sa.Integer(), nullable=False),
        sa.Column("supervision", sa.Integer(), nullable=True),
        sa.Column("learning", sa.Integer(), nullable=True),
        sa.Column("journey", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("given_utc", MOMENT(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "journey IS NULL OR journey BETWEEN 1 AND 5", name=op.f("ck_placement_feedback_journey_1_to_5")
        ),
        sa.CheckConstraint(
            "learning IS NULL OR learning BETWEEN 1 AND 5", name=op.f("ck_placement_feedback_learning_1_to_5")
        ),
        sa.CheckConstraint("overall BETWEEN 1 AND 5", name=op.f("ck_placement_feedback_overall_1_to_5")),
        sa.CheckConstraint(
            "supervision IS NULL OR supervision BETWEEN 1 AND 5",
            name=op.f("ck_placement_feedback_supervision_1_to_5"),
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["round.id"], name=op.f("fk_placement_feedback_round_id_round")
        ),
        sa.PrimaryKeyConstraint("requirement_id", name=op.f("pk_placement_feedback")),
    )
    with op.batch_alter_table("placement_feedback") as batch:
        batch.create_index(op.f("ix_placement_feedback_round_id"), ["round_id"], unique=False)

    op.create_table(
        "agreement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hei_id", sa.Integer(), nullable=False),
        sa.Column("trust_id", sa.Integer(), nullable=False),
        sa.Column("learner_group_id", sa.Integer(), nullable=True),
        sa.Column("stage_id", sa.Integer(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("least", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("proposed_side", sa.String(length=40), nullable=False),
        sa.Column("proposed_by_id", sa.Integer(), nullable=True),
        sa.Column("proposed_by", sa.String(length=200), nullable=False),
        sa.Column("proposed_utc", MOMENT(), nullable=False),
        sa.Column("hei_agreed_by_id", sa.Integer(), nullable=True),
        sa.Column("hei_agreed_by", sa.String(length=200), nullable=False),
        sa.Column("hei_agreed_utc", MOMENT(), nullable=True),
        sa.Column("trust_agreed_by_id", sa.Integer(), nullable=True),
        sa.Column("trust_agreed_by", sa.String(length=200), nullable=False),
        sa.Column("trust_agreed_utc", MOMENT(), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_by", sa.String(length=200), nullable=False),
        sa.Column("ended_utc", MOMENT(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("least > 0 OR most IS NOT NULL", name=op.f("ck_agreement_says_something")),
        sa.CheckConstraint("least BETWEEN 0 AND 9999", name=op.f("ck_agreement_least_0_to_9999")),
        sa.CheckConstraint(
            "most IS NULL OR most BETWEEN least AND 9999", name=op.f("ck_agreement_most_from_least")
        ),
        sa.CheckConstraint(
            "stage_id IS NULL OR learner_group_id IS NOT NULL", name=op.f("ck_agreement_stage_of_group")
        ),
        sa.CheckConstraint("year BETWEEN 2000 AND 2100", name=op.f("ck_agreement_year_2000_to_2100")),
        sa.CheckConstraint(
            "state <> 'agreed' OR (hei_agreed_utc IS NOT NULL AND trust_agreed_utc IS NOT NULL)",
            name=op.f("ck_agreement_agreed_by_both"),
        ),
        sa.CheckConstraint(
            "hei_agreed_by_id IS NULL OR trust_agreed_by_id IS NULL OR hei_agreed_by_id <> trust_agreed_by_id",
            name=op.f("ck_agreement_agreed_by_two_people"),
        ),
        sa.CheckConstraint(
            "proposed_side IN ('hei', 'trust', 'academy')", name=op.f("ck_agreement_proposed_side")
        ),
        *(
            sa.ForeignKeyConstraint([name], ["person.id"], name=op.f(f"fk_agreement_{name}_person"))
            for name in ("proposed_by_id", "hei_agreed_by_id", "trust_agreed_by_id", "ended_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["agreement.id"], name=op.f("fk_agreement_replaces_id_agreement")
        ),
        sa.ForeignKeyConstraint(["hei_id"], ["hei.id"], name=op.f("fk_agreement_hei_id_hei")),
        sa.ForeignKeyConstraint(
            ["learner_group_id"],
            ["learner_group.id"],
            name=op.f("fk_agreement_learner_group_id_learner_group"),
        ),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_agreement_stage_id_stage")),
        sa.ForeignKeyConstraint(["trust_id"], ["trust.id"], name=op.f("fk_agreement_trust_id_trust")),
        sa.CheckConstraint(
            "state IN ('proposed', 'agreed', 'declined', 'ended')", name=op.f("ck_agreement_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
    )
    with op.batch_alter_table("agreement") as batch:
        batch.create_index(op.f("ix_agreement_hei_id"), ["hei_id"], unique=False)
        batch.create_index(op.f("ix_agreement_trust_id"), ["trust_id"], unique=False)
        for kind, columns, which in (
            ("everyone", [], "learner_group_id IS NULL"),
            ("group", ["learner_group_id"], "learner_group_id IS NOT NULL AND stage_id IS NULL"),
            ("stage", ["stage_id"], "stage_id IS NOT NULL"),
        ):
            where = sa.text(f"state IN ('proposed', 'agreed') AND {which}")
            batch.create_index(
                f"uq_agreement_open_{kind}",
                ["hei_id", "trust_id", "year", "state", *columns],
                unique=True,
                sqlite_where=where,
                postgresql_where=where,
            )

    op.create_table(
        "check_rule",
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("kind_id", sa.Integer(), nullable=False),
        sa.Column("effect", sa.String(length=40), nullable=False),
        sa.Column("weeks_before", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["kind_id"], ["check_kind.id"], name=op.f("fk_check_rule_kind_id_check_kind")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_check_rule_round_id_round")),
        sa.CheckConstraint("effect IN ('blocks', 'warns', 'not_asked')", name=op.f("ck_check_rule_effect")),
        sa.PrimaryKeyConstraint("round_id", "kind_id", name=op.f("pk_check_rule")),
    )
    op.create_table(
        "learner_contact",
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["learner_record.id"], name=op.f("fk_learner_contact_record_id_learner_record")
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_learner_contact")),
    )
    op.create_table(
        "rotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_rotation_programme_id_programme")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_rotation_round_id_round")),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_rotation_stage_id_stage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rotation")),
        sa.UniqueConstraint(
            "round_id",
            "programme_id",
            "stage_id",
            "name",
            name=op.f("uq_rotation_round_id_programme_id_stage_id_name"),
        ),
    )
    op.create_table(
        "stage_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("different_sites", sa.Integer(), nullable=True),
        sa.Column("site_repeats", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "different_sites IS NULL OR different_sites BETWEEN 1 AND 20",
            name=op.f("ck_stage_plan_sites_1_to_20"),
        ),
        sa.CheckConstraint(
            "site_repeats IS NULL OR site_repeats BETWEEN 1 AND 20",
            name=op.f("ck_stage_plan_repeats_1_to_20"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_stage_plan_programme_id_programme")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_stage_plan_round_id_round")),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_stage_plan_stage_id_stage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_plan")),
        sa.UniqueConstraint(
            "round_id", "programme_id", "stage_id", name=op.f("uq_stage_plan_round_id_programme_id_stage_id")
        ),
    )
    op.create_table(
        "earlier_site",
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("placements", sa.Integer(), nullable=False),
        sa.CheckConstraint("placements BETWEEN 1 AND 20", name=op.f("ck_earlier_site_placements_1_to_20")),
        sa.ForeignKeyConstraint(
            ["record_id"], ["learner_record.id"], name=op.f("fk_earlier_site_record_id_learner_record")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_earlier_site_site_id_site")),
        sa.PrimaryKeyConstraint("record_id", "site_id", name=op.f("pk_earlier_site")),
    )
    op.create_table(
        "learner_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("kind_id", sa.Integer(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("recorded_utc", MOMENT(), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "expires_on IS NULL OR expires_on >= done_on", name=op.f("ck_learner_check_days_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["kind_id"], ["check_kind.id"], name=op.f("fk_learner_check_kind_id_check_kind")
        ),
        sa.ForeignKeyConstraint(
            ["record_id"], ["learner_record.id"], name=op.f("fk_learner_check_record_id_learner_record")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["person.id"], name=op.f("fk_learner_check_recorded_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learner_check")),
        sa.UniqueConstraint(
            "record_id", "kind_id", "done_on", name=op.f("uq_learner_check_record_id_kind_id_done_on")
        ),
    )
    with op.batch_alter_table("learner_check") as batch:
        batch.create_index(op.f("ix_learner_check_record_id"), ["record_id"], unique=False)

    op.create_table(
        "placement_outcome",
        sa.Column("requirement_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("days_attended", sa.Integer(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("recorded_utc", MOMENT(), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(outcome = 'completed') = (reason IS NULL)",
            name=op.f("ck_placement_outcome_reason_unless_completed"),
        ),
        sa.CheckConstraint(
            "days_attended IS NULL OR days_attended BETWEEN 0 AND 400",
            name=op.f("ck_placement_outcome_days_0_to_400"),
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["person.id"], name=op.f("fk_placement_outcome_recorded_by_id_person")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_placement_outcome_round_id_round")),
        sa.CheckConstraint(
            "outcome IN ('completed', 'ended_early', 'not_attended')",
            name=op.f("ck_placement_outcome_outcome"),
        ),
        sa.CheckConstraint(
            "reason IN ('health', 'personal', 'placement_changed', 'placement_closed', 'left_programme', 'other')",
            name=op.f("ck_placement_outcome_reason"),
        ),
        sa.PrimaryKeyConstraint("requirement_id", name=op.f("pk_placement_outcome")),
    )
    with op.batch_alter_table("placement_outcome") as batch:
        batch.create_index(op.f("ix_placement_outcome_round_id"), ["round_id"], unique=False)

    op.create_table(
        "rotation_block",
        sa.Column("rotation_id", sa.Integer(), nullable=False),
        sa.Column("block_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["block_id"], ["block.id"], name=op.f("fk_rotation_block_block_id_block")),
        sa.ForeignKeyConstraint(
            ["rotation_id"], ["rotation.id"], name=op.f("fk_rotation_block_rotation_id_rotation")
        ),
        sa.PrimaryKeyConstraint("rotation_id", "block_id", name=op.f("pk_rotation_block")),
    )
    op.create_table(
        "site_access_need",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("access_need_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["access_need_id"],
            ["access_need.id"],
            name=op.f("fk_site_access_need_access_need_id_access_need"),
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_site_access_need_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "access_need_id", name=op.f("pk_site_access_need")),
    )
    op.create_table(
        "companions_learner",
        sa.Column("companions_id", sa.Integer(), nullable=False),
        sa.Column("learner_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["companions_id"], ["companions.id"], name=op.f("fk_companions_learner_companions_id_companions")
        ),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["learner.id"], name=op.f("fk_companions_learner_learner_id_learner")
        ),
        sa.PrimaryKeyConstraint("companions_id", "learner_id", name=op.f("pk_companions_learner")),
    )
    with op.batch_alter_table("companions_learner") as batch:
        batch.create_index(op.f("ix_companions_learner_learner_id"), ["learner_id"], unique=False)

    op.create_table(
        "interruption",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("learner_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("recorded_utc", MOMENT(), nullable=False),
        sa.CheckConstraint(
            "kind = 'withdrawn' OR last_day IS NOT NULL", name=op.f("ck_interruption_suspended_until")
        ),
        sa.CheckConstraint(
            "last_day IS NULL OR last_day >= first_day", name=op.f("ck_interruption_days_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["learner.id"], name=op.f("fk_interruption_learner_id_learner")
        ),
        sa.CheckConstraint("kind IN ('withdrawn', 'suspended')", name=op.f("ck_interruption_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interruption")),
    )
    with op.batch_alter_table("interruption") as batch:
        batch.create_index(op.f("ix_interruption_learner_id"), ["learner_id"], unique=False)

    op.create_table(
        "learner_access_need",
        sa.Column("learner_id", sa.Integer(), nullable=False),
        sa.Column("access_need_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["access_need_id"],
            ["access_need.id"],
            name=op.f("fk_learner_access_need_access_need_id_access_need"),
        ),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["learner.id"], name=op.f("fk_learner_access_need_learner_id_learner")
        ),
        sa.PrimaryKeyConstraint("learner_id", "access_need_id", name=op.f("pk_learner_access_need")),
    )
    op.create_table(
        "learner_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("learner_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_utc", MOMENT(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("expires_utc", MOMENT(), nullable=False),
        sa.Column("revoked_utc", MOMENT(), nullable=True),
        sa.Column("last_used_utc", MOMENT(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["person.id"], name=op.f("fk_learner_link_created_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["learner.id"], name=op.f("fk_learner_link_learner_id_learner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learner_link")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_learner_link_secret_hash")),
    )
    with op.batch_alter_table("learner_link") as batch:
        batch.create_index(op.f("ix_learner_link_learner_id"), ["learner_id"], unique=False)

    op.create_table(
        "requirement_modality",
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("modality_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["modality_id"], ["modality.id"], name=op.f("fk_requirement_modality_modality_id_modality")
        ),
        sa.ForeignKeyConstraint(
            ["requirement_id"],
            ["requirement.id"],
            name=op.f("fk_requirement_modality_requirement_id_requirement"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("requirement_id", "modality_id", name=op.f("pk_requirement_modality")),
    )


def _drop_tables() -> None:
    op.drop_table("requirement_modality")
    with op.batch_alter_table("learner_link") as batch:
        batch.drop_index(op.f("ix_learner_link_learner_id"))

    op.drop_table("learner_link")
    op.drop_table("learner_access_need")
    with op.batch_alter_table("interruption") as batch:
        batch.drop_index(op.f("ix_interruption_learner_id"))

    op.drop_table("interruption")
    with op.batch_alter_table("companions_learner") as batch:
        batch.drop_index(op.f("ix_companions_learner_learner_id"))

    op.drop_table("companions_learner")
    op.drop_table("site_access_need")
    op.drop_table("rotation_block")
    with op.batch_alter_table("placement_outcome") as batch:
        batch.drop_index(op.f("ix_placement_outcome_round_id"))

    op.drop_table("placement_outcome")
    with op.batch_alter_table("learner_check") as batch:
        batch.drop_index(op.f("ix_learner_check_record_id"))

    op.drop_table("learner_check")
    op.drop_table("earlier_site")
    op.drop_table("stage_plan")
    op.drop_table("rotation")
    op.drop_table("learner_contact")
    op.drop_table("check_rule")
    with op.batch_alter_table("agreement") as batch:
        batch.drop_index(op.f("ix_agreement_trust_id"))
        batch.drop_index(op.f("ix_agreement_hei_id"))

    op.drop_table("agreement")
    with op.batch_alter_table("placement_feedback") as batch:
        batch.drop_index(op.f("ix_placement_feedback_round_id"))

    op.drop_table("placement_feedback")
    op.drop_table("learner_record")
    with op.batch_alter_table("companions") as batch:
        batch.drop_index(op.f("ix_companions_round_id"))

    op.drop_table("companions")
    op.drop_table("column_choice")
    with op.batch_alter_table("check_kind") as batch:
        batch.drop_index(op.f("ix_check_kind_hei_id"))

    op.drop_table("check_kind")
    op.drop_table("access_need")
