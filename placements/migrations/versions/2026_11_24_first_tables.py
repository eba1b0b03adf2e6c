"""first tables

Revision: 2026_11_24_first_tables
After:
Made: 2026-11-24 19:48:31.995968
"""

import sqlalchemy as sa
from alembic import op


import placements.database

revision = "2026_11_24_first_tables"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "learner_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learner_group")),
        sa.UniqueConstraint("key", name=op.f("uq_learner_group_key")),
    )
    op.create_table(
        "modality",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_modality")),
        sa.UniqueConstraint("key", name=op.f("uq_modality_key")),
    )
    op.create_table(
        "network",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("academy_name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network")),
        sa.UniqueConstraint("name", name=op.f("uq_network_name")),
    )
    op.create_table(
        "hei",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("postcode", sa.String(length=8), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_hei_network_id_network")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hei")),
        sa.UniqueConstraint("name", name=op.f("uq_hei_name")),
    )
    op.create_table(
        "icb",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("ods", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_icb_network_id_network")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_icb")),
        sa.UniqueConstraint("ods", name=op.f("uq_icb_ods")),
    )
    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("first_week", sa.Date(), nullable=False),
        sa.Column("last_week", sa.Date(), nullable=False),
        sa.Column("declare_by", sa.Date(), nullable=False),
        sa.Column("submit_by", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "open",
                "published",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("first_week <= last_week", name=op.f("ck_round_weeks_in_order")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_round_network_id_network")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("network_id", "name", name=op.f("uq_round_network_id_name")),
    )
    op.create_table(
        "stage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("learner_group_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.CheckConstraint("priority BETWEEN 1 AND 9", name=op.f("ck_stage_priority_1_to_9")),
        sa.ForeignKeyConstraint(
            ["learner_group_id"], ["learner_group.id"], name=op.f("fk_stage_learner_group_id_learner_group")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage")),
        sa.UniqueConstraint("learner_group_id", "key", name=op.f("uq_stage_learner_group_id_key")),
    )
    op.create_table(
        "supervision_weight",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("learner_group_id", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Numeric(precision=4, scale=2), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "weight > 0 AND weight <= 2", name=op.f("ck_supervision_weight_weight_above_0_to_2")
        ),
        sa.ForeignKeyConstraint(
            ["learner_group_id"],
            ["learner_group.id"],
            name=op.f("fk_supervision_weight_learner_group_id_learner_group"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_weight")),
        sa.UniqueConstraint(
            "learner_group_id", "valid_from", name=op.f("uq_supervision_weight_learner_group_id_valid_from")
        ),
    )
    op.create_table(
        "travel_override",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("site", sa.String(length=200), nullable=False),
        sa.Column(
            "mode",
            sa.Enum(
                "car", "public_transport", name="mode", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.CheckConstraint("minutes BETWEEN 0 AND 600", name=op.f("ck_travel_override_minutes_in_range")),
        sa.ForeignKeyConstraint(
            ["network_id"], ["network.id"], name=op.f("fk_travel_override_network_id_network")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_travel_override")),
        sa.UniqueConstraint(
            "network_id",
            "origin",
            "site",
            "mode",
            name=op.f("uq_travel_override_network_id_origin_site_mode"),
        ),
    )
    op.create_table(
        "block",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("first_week", sa.Date(), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.CheckConstraint("weeks BETWEEN 1 AND 53", name=op.f("ck_block_weeks_1_to_53")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_block_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block")),
        sa.UniqueConstraint("round_id", "name", name=op.f("uq_block_round_id_name")),
    )
    op.create_table(
        "programme",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hei_id", sa.Integer(), nullable=False),
        sa.Column("learner_group_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["hei_id"], ["hei.id"], name=op.f("fk_programme_hei_id_hei")),
        sa.ForeignKeyConstraint(
            ["learner_group_id"],
            ["learner_group.id"],
            name=op.f("fk_programme_learner_group_id_learner_group"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
        sa.UniqueConstraint("hei_id", "name", name=op.f("uq_programme_hei_id_name")),
    )
    op.create_table(
        "scenario",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_scenario_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario")),
        sa.UniqueConstraint("round_id", "name", name=op.f("uq_scenario_round_id_name")),
    )
    op.create_table(
        "trust",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("icb_id", sa.Integer(), nullable=False),
        sa.Column("ods", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["icb_id"], ["icb.id"], name=op.f("fk_trust_icb_id_icb")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trust")),
        sa.UniqueConstraint("ods", name=op.f("uq_trust_ods")),
    )
    op.create_table(
        "cohort",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("intake", sa.String(length=20), nullable=False),
        sa.Column(
            "state",
            sa.Enum("draft", "submitted", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("submitted_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_cohort_programme_id_programme")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_cohort_round_id_round")),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_cohort_stage_id_stage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohort")),
        sa.UniqueConstraint(
            "round_id",
            "programme_id",
            "stage_id",
            "intake",
            name=op.f("uq_cohort_round_id_programme_id_stage_id_intake"),
        ),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "placement_officer",
                "practice_educator",
                "academy_lead",
                "administrator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("network_id", sa.Integer(), nullable=True),
        sa.Column("trust_id", sa.Integer(), nullable=True),
        sa.Column("hei_id", sa.Integer(), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("session_key", sa.String(length=64), nullable=False),
        sa.Column("created_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("last_sign_in_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(role IN ('academy_lead', 'administrator') AND network_id IS NOT NULL AND trust_id IS NULL AND hei_id IS NULL) OR (role = 'practice_educator' AND trust_id IS NOT NULL AND network_id IS NULL AND hei_id IS NULL) OR (role = 'placement_officer' AND hei_id IS NOT NULL AND network_id IS NULL AND trust_id IS NULL)",
            name=op.f("ck_person_role_has_its_organisation"),
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_person_email_is_lower_case")),
        sa.ForeignKeyConstraint(["hei_id"], ["hei.id"], name=op.f("fk_person_hei_id_hei")),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name=op.f("fk_person_network_id_network")),
        sa.ForeignKeyConstraint(["trust_id"], ["trust.id"], name=op.f("fk_person_trust_id_trust")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
    )
    op.create_table(
        "plan_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("block_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["block_id"], ["block.id"], name=op.f("fk_plan_line_block_id_block")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_plan_line_programme_id_programme")
        ),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_plan_line_stage_id_stage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_line")),
        sa.UniqueConstraint(
            "block_id", "programme_id", "stage_id", name=op.f("uq_plan_line_block_id_programme_id_stage_id")
        ),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trust_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "acute",
                "specialist",
                "community",
                "cdc",
                "academy",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("postcode", sa.String(length=8), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["trust_id"], ["trust.id"], name=op.f("fk_site_trust_id_trust")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("name", name=op.f("uq_site_name")),
    )
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_site_trust_id"), ["trust_id"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("person_name", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=True),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_audit_entry_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_action"), ["action"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_at_utc"), ["at_utc"], unique=False)

    op.create_table(
        "department",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("modality_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["modality_id"], ["modality.id"], name=op.f("fk_department_modality_id_modality")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_department_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
        sa.UniqueConstraint("site_id", "modality_id", name=op.f("uq_department_site_id_modality_id")),
    )
    op.create_table(
        "learner",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cohort_id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("hei_id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("postcode", sa.String(length=8), nullable=False),
        sa.Column("term_postcode", sa.String(length=8), nullable=True),
        sa.Column(
            "travel_mode",
            sa.Enum(
                "car",
                "public_transport",
                name="travel_mode",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("travel_limit_minutes", sa.Integer(), nullable=True),
        sa.Column("employer_trust_id", sa.Integer(), nullable=True),
        sa.Column("available_from", sa.Date(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "priority IS NULL OR priority BETWEEN 1 AND 9", name=op.f("ck_learner_priority_1_to_9")
        ),
        sa.CheckConstraint(
            "travel_limit_minutes IS NULL OR travel_limit_minutes BETWEEN 1 AND 240",
            name=op.f("ck_learner_travel_limit_in_range"),
        ),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_learner_cohort_id_cohort")),
        sa.ForeignKeyConstraint(
            ["employer_trust_id"], ["trust.id"], name=op.f("fk_learner_employer_trust_id_trust")
        ),
        sa.ForeignKeyConstraint(["hei_id"], ["hei.id"], name=op.f("fk_learner_hei_id_hei")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_learner_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learner")),
        sa.UniqueConstraint(
            "round_id", "hei_id", "reference", name=op.f("uq_learner_round_id_hei_id_reference")
        ),
    )
    with op.batch_alter_table("learner", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_learner_cohort_id"), ["cohort_id"], unique=False)

    op.create_table(
        "plan_line_modality",
        sa.Column("plan_line_id", sa.Integer(), nullable=False),
        sa.Column("modality_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["modality_id"], ["modality.id"], name=op.f("fk_plan_line_modality_modality_id_modality")
        ),
        sa.ForeignKeyConstraint(
            ["plan_line_id"], ["plan_line.id"], name=op.f("fk_plan_line_modality_plan_line_id_plan_line")
        ),
        sa.PrimaryKeyConstraint("plan_line_id", "modality_id", name=op.f("pk_plan_line_modality")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scenario_id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "running",
                "finished",
                "failed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("requested_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("requested_by_id", sa.Integer(), nullable=True),
        sa.Column("started_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("heartbeat_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("finished_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("worker", sa.String(length=100), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("snapshot", sa.Text(), nullable=True),
        sa.Column("snapshot_hash", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("uploaded_travel", sa.JSON(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["person.id"], name=op.f("fk_run_requested_by_id_person")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_run_round_id_round")),
        sa.ForeignKeyConstraint(["scenario_id"], ["scenario.id"], name=op.f("fk_run_scenario_id_scenario")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index(
            "uq_run_one_under_way",
            ["round_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        )

    op.create_table(
        "upload",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("hei_id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=False),
        sa.Column("intake", sa.String(length=20), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "accepted",
                "discarded",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("received_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("received_by_id", sa.Integer(), nullable=True),
        sa.Column("accepted_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("cohort_id", sa.Integer(), nullable=True),
        sa.Column("parsed", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["cohort_id"], ["cohort.id"], name=op.f("fk_upload_cohort_id_cohort")),
        sa.ForeignKeyConstraint(["hei_id"], ["hei.id"], name=op.f("fk_upload_hei_id_hei")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_upload_programme_id_programme")
        ),
        sa.ForeignKeyConstraint(
            ["received_by_id"], ["person.id"], name=op.f("fk_upload_received_by_id_person")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_upload_round_id_round")),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_upload_stage_id_stage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
    )
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_upload_hei_id"), ["hei_id"], unique=False)

    op.create_table(
        "declaration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("draft", "submitted", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("changed_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("saves", sa.Integer(), nullable=False),
        sa.Column("submitted_utc", placements.database.UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by_id"], ["person.id"], name=op.f("fk_declaration_changed_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_declaration_department_id_department")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_declaration_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declaration")),
        sa.UniqueConstraint("round_id", "department_id", name=op.f("uq_declaration_round_id_department_id")),
    )
    op.create_table(
        "learner_exclusion",
        sa.Column("learner_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["learner.id"], name=op.f("fk_learner_exclusion_learner_id_learner")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_learner_exclusion_site_id_site")),
        sa.PrimaryKeyConstraint("learner_id", "site_id", name=op.f("pk_learner_exclusion")),
    )
    op.create_table(
        "learner_preference",
        sa.Column("learner_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["learner.id"], name=op.f("fk_learner_preference_learner_id_learner")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_learner_preference_site_id_site")),
        sa.PrimaryKeyConstraint("learner_id", "rank", name=op.f("pk_learner_preference")),
        sa.UniqueConstraint("learner_id", "site_id", name=op.f("uq_learner_preference_learner_id_site_id")),
    )
    op.create_table(
        "publication",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("published_utc", placements.database.UtcDateTime(), nullable=False),
        sa.Column("published_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["person.id"], name=op.f("fk_publication_published_by_id_person")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_publication_round_id_round")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_publication_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
        sa.UniqueConstraint("round_id", "number", name=op.f("uq_publication_round_id_number")),
    )
    op.create_table(
        "requirement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("learner_id", sa.Integer(), nullable=False),
        sa.Column("block_id", sa.Integer(), nullable=False),
        sa.Column("plan_line_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["block_id"], ["block.id"], name=op.f("fk_requirement_block_id_block")),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["learner.id"], name=op.f("fk_requirement_learner_id_learner")
        ),
        sa.ForeignKeyConstraint(
            ["plan_line_id"], ["plan_line.id"], name=op.f("fk_requirement_plan_line_id_plan_line")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requirement")),
        sa.UniqueConstraint("learner_id", "block_id", name=op.f("uq_requirement_learner_id_block_id")),
    )
    with op.batch_alter_table("requirement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_requirement_block_id"), ["block_id"], unique=False)

    op.create_table(
        "allocation",
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_allocation_department_id_department")
        ),
        sa.ForeignKeyConstraint(
            ["requirement_id"],
            ["requirement.id"],
            name=op.f("fk_allocation_requirement_id_requirement"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_allocation_run_id_run")),
        sa.PrimaryKeyConstraint("requirement_id", name=op.f("pk_allocation")),
    )
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_allocation_run_id"), ["run_id"], unique=False)

    op.create_table(
        "declared_week",
        sa.Column("declaration_id", sa.Integer(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("preferred", sa.Integer(), nullable=False),
        sa.Column("maximum", sa.Integer(), nullable=False),
        sa.Column("wte", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.CheckConstraint(
            "0 <= preferred AND preferred <= maximum AND maximum <= 99",
            name=op.f("ck_declared_week_places_in_order"),
        ),
        sa.CheckConstraint("0 <= wte AND wte <= 99", name=op.f("ck_declared_week_wte_in_range")),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name=op.f("fk_declared_week_declaration_id_declaration")
        ),
        sa.PrimaryKeyConstraint("declaration_id", "week", name=op.f("pk_declared_week")),
    )
    op.create_table(
        "placing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("travel_minutes", sa.Integer(), nullable=True),
        sa.Column("travel_is_estimated", sa.Boolean(), nullable=False),
        sa.Column("preference_rank", sa.Integer(), nullable=True),
        sa.Column("reason", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "(department_id IS NULL) = (reason IS NOT NULL)", name=op.f("ck_placing_placed_or_reason")
        ),
        sa.CheckConstraint(
            "(department_id IS NULL) = (travel_minutes IS NULL)", name=op.f("ck_placing_placed_has_travel")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_placing_department_id_department")
        ),
        sa.ForeignKeyConstraint(
            ["requirement_id"],
            ["requirement.id"],
            name=op.f("fk_placing_requirement_id_requirement"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_placing_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placing")),
        sa.UniqueConstraint("run_id", "requirement_id", name=op.f("uq_placing_run_id_requirement_id")),
    )
    with op.batch_alter_table("placing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_placing_run_id"), ["run_id"], unique=False)

    op.create_table(
        "publication_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("publication_id", sa.Integer(), nullable=False),
        sa.Column("requirement_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("placed", "unplaced", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("hei_id", sa.Integer(), nullable=False),
        sa.Column("hei", sa.String(length=200), nullable=False),
        sa.Column("programme", sa.String(length=200), nullable=False),
        sa.Column("stage", sa.String(length=100), nullable=False),
        sa.Column("learner_reference", sa.String(length=60), nullable=False),
        sa.Column("block", sa.String(length=100), nullable=False),
        sa.Column("first_week", sa.Date(), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("trust_id", sa.Integer(), nullable=True),
        sa.Column("trust", sa.String(length=200), nullable=True),
        sa.Column("site", sa.String(length=200), nullable=True),
        sa.Column("site_postcode", sa.String(length=8), nullable=True),
        sa.Column("modality", sa.String(length=100), nullable=True),
        sa.Column("travel_minutes", sa.Integer(), nullable=True),
        sa.Column("travel_is_estimated", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'placed') = (department_id IS NOT NULL)",
            name=op.f("ck_publication_line_placed_somewhere"),
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_publication_line_department_id_department")
        ),
        sa.ForeignKeyConstraint(["hei_id"], ["hei.id"], name=op.f("fk_publication_line_hei_id_hei")),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publication.id"],
            name=op.f("fk_publication_line_publication_id_publication"),
        ),
        sa.ForeignKeyConstraint(["trust_id"], ["trust.id"], name=op.f("fk_publication_line_trust_id_trust")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication_line")),
        sa.UniqueConstraint(
            "publication_id", "requirement_id", name=op.f("uq_publication_line_publication_id_requirement_id")
        ),
    )
    with op.batch_alter_table("publication_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_publication_line_hei_id"), ["hei_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_publication_line_publication_id"), ["publication_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_publication_line_trust_id"), ["trust_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("publication_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_publication_line_trust_id"))
        batch_op.drop_index(batch_op.f("ix_publication_line_publication_id"))
        batch_op.drop_index(batch_op.f("ix_publication_line_hei_id"))

    op.drop_table("publication_line")
    with op.batch_alter_table("placing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_placing_run_id"))

    op.drop_table("placing")
    op.drop_table("declared_week")
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_allocation_run_id"))

    op.drop_table("allocation")
    with op.batch_alter_table("requirement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_requirement_block_id"))

    op.drop_table("requirement")
    op.drop_table("publication")
    op.drop_table("learner_preference")
    op.drop_table("learner_exclusion")
    op.drop_table("declaration")
    with op.batch_alter_table("upload", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_upload_hei_id"))

    op.drop_table("upload")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_run_one_under_way",
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        )

    op.drop_table("run")
    op.drop_table("plan_line_modality")
    with op.batch_alter_table("learner", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_learner_cohort_id"))

    op.drop_table("learner")
    op.drop_table("department")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entry_at_utc"))
        batch_op.drop_index(batch_op.f("ix_audit_entry_action"))

    op.drop_table("audit_entry")
    with op.batch_alter_table("site", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_site_trust_id"))

    op.drop_table("site")
    op.drop_table("plan_line")
    op.drop_table("person")
    op.drop_table("cohort")
    op.drop_table("trust")
    op.drop_table("scenario")
    op.drop_table("programme")
    op.drop_table("block")
    op.drop_table("travel_override")
    op.drop_table("supervision_weight")
    op.drop_table("stage")
    op.drop_table("round")
    op.drop_table("icb")
    op.drop_table("hei")
    op.drop_table("network")
    op.drop_table("modality")
    op.drop_table("learner_group")
