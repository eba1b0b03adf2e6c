"""capacity in full: lines by group, records and approval, educators, caps, private links, mail, fair share

Revision: 2026_11_25_capacity_in_full
After: 2026_11_24_first_tables
Made: 2026-11-25 17:05:00
"""

import sqlalchemy as sa
from alembic import op

import placements.database

revision = "2026_11_25_capacity_in_full"
down_revision = "2026_11_24_first_tables"
branch_labels = None
depends_on = None

STATES = "state IN ('draft', 'submitted', 'returned', 'approved')"
OLD_STATES = "state IN ('draft', 'submitted')"
ROLES = "role IN ('placement_officer', 'practice_educator', 'trust_education_lead', 'academy_lead', 'administrator')"
OLD_ROLES = "role IN ('placement_officer', 'practice_educator', 'academy_lead', 'administrator')"
ORGANISATION = (
    "(role IN ('academy_lead', 'administrator') AND network_id IS NOT NULL AND trust_id IS NULL AND hei_id IS NULL)"
    " OR (role IN ({trust}) AND trust_id IS NOT NULL AND network_id IS NULL AND hei_id IS NULL)"
    " OR (role = 'placement_officer' AND hei_id IS NOT NULL AND network_id IS NULL AND trust_id IS NULL)"
)
MOMENT = placements.database.UtcDateTime


def upgrade() -> None:
    _create_reference()
    _change_person(ROLES, ORGANISATION.format(trust="'practice_educator', 'trust_education_lead'"))
    with op.batch_alter_table("modality") as batch:
        batch.add_column(sa.Column("measure", sa.String(length=40), nullable=False, server_default="places"))
        batch.create_check_constraint(
            op.f("ck_modality_measure"), "measure IN ('places', 'lists', 'sessions')"
        )
    with op.batch_alter_table("modality") as batch:
        batch.alter_column("measure", existing_type=sa.String(length=40), server_default=None)
    with op.batch_alter_table("learner_group") as batch:
        batch.add_column(sa.Column("profession_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            "fk_learner_group_profession_id_profession", "profession", ["profession_id"], ["id"]
        )
    _change_round()
    _weights_by_stage()
    _create_educators()
    _create_capacity()
    _move_declarations()


def _change_checks(table: str, **checks: str) -> None:
    with op.batch_alter_table(table) as batch:
        for name, condition in checks.items():
            batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_{name}"), condition)


def _create_reference() -> None:
    op.create_table(
        "profession",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_profession"),
        sa.UniqueConstraint("key", name="uq_profession_key"),
    )
    op.create_table(
        "fair_share_rate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("profession_id", sa.Integer(), nullable=False),
        sa.Column("days_per_wte", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "days_per_wte >= 0 AND days_per_wte <= 400", name=op.f("ck_fair_share_rate_days_in_range")
        ),
        sa.ForeignKeyConstraint(
            ["profession_id"], ["profession.id"], name="fk_fair_share_rate_profession_id_profession"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_fair_share_rate"),
        sa.UniqueConstraint(
            "profession_id", "valid_from", name="uq_fair_share_rate_profession_id_valid_from"
        ),
    )
    op.create_table(
        "workforce",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("profession_id", sa.Integer(), nullable=False),
        sa.Column("wte", sa.Numeric(precision=6, scale=2), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.CheckConstraint("wte >= 0 AND wte <= 999", name=op.f("ck_workforce_wte_in_range")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name="fk_workforce_department_id_department"
        ),
        sa.ForeignKeyConstraint(
            ["profession_id"], ["profession.id"], name="fk_workforce_profession_id_profession"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_workforce"),
        sa.UniqueConstraint(
            "department_id", "profession_id", "as_of", name="uq_workforce_department_id_profession_id_as_of"
        ),
    )
    op.create_table(
        "supervision_model",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("weight_factor", sa.Numeric(precision=4, scale=2), nullable=False),
        sa.CheckConstraint(
            "weight_factor > 0 AND weight_factor <= 2", name=op.f("ck_supervision_model_factor_in_range")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_supervision_model"),
        sa.UniqueConstraint("key", name="uq_supervision_model_key"),
    )
    op.create_table(
        "supervision_factor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("supervision_model_id", sa.Integer(), nullable=False),
        sa.Column("weight_factor", sa.Numeric(precision=4, scale=2), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "weight_factor > 0 AND weight_factor <= 2", name=op.f("ck_supervision_factor_factor_in_range")
        ),
        sa.ForeignKeyConstraint(
            ["supervision_model_id"],
            ["supervision_model.id"],
            name="fk_supervision_factor_supervision_model_id_supervision_model",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_supervision_factor"),
        sa.UniqueConstraint(
            "supervision_model_id",
            "valid_from",
            name="uq_supervision_factor_supervision_model_id_valid_from",
        ),
    )
    op.create_table(
        "place_rate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("modality_id", sa.Integer(), nullable=False),
        sa.Column("learner_group_id", sa.Integer(), nullable=False),
        sa.Column("units_per_place", sa.Numeric(precision=4, scale=2), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "units_per_place > 0 AND units_per_place <= 20", name=op.f("ck_place_rate_units_in_range")
        ),
        sa.ForeignKeyConstraint(
            ["learner_group_id"], ["learner_group.id"], name="fk_place_rate_learner_group_id_learner_group"
        ),
        sa.ForeignKeyConstraint(["modality_id"], ["modality.id"], name="fk_place_rate_modality_id_modality"),
        sa.PrimaryKeyConstraint("id", name="pk_place_rate"),
        sa.UniqueConstraint(
            "modality_id",
            "learner_group_id",
            "valid_from",
            name="uq_place_rate_modality_id_learner_group_id_valid_from",
        ),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("to", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=True),
        sa.Column("queued_utc", MOMENT(), nullable=False),
        sa.Column("due_utc", MOMENT(), nullable=True),
        sa.Column("claimed_utc", MOMENT(), nullable=True),
        sa.Column("sent_utc", MOMENT(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "sent_utc IS NULL OR claimed_utc IS NOT NULL", name=op.f("ck_message_sent_was_claimed")
        ),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name="fk_message_network_id_network"),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.UniqueConstraint("key", name="uq_message_key"),
    )
    op.create_index("ix_message_network_id", "message", ["network_id"])
    op.create_index("ix_message_due_utc", "message", ["due_utc"])


def _change_person(roles: str, organisation: str) -> None:
    _change_checks("person", role=roles, role_has_its_organisation=organisation)


def _change_round() -> None:
    with op.batch_alter_table("round") as batch:
        batch.add_column(sa.Column("needs_approval", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch.add_column(sa.Column("uses_surge", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(
            sa.Column("reminder_days", sa.JSON(), nullable=False, server_default="[14, 7, 1, -1]")
        )
        batch.add_column(sa.Column("weeks_stuck", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("round") as batch:
        for name, kind in (
            ("needs_approval", sa.Boolean()),
            ("uses_surge", sa.Boolean()),
            ("reminder_days", sa.JSON()),
            ("weeks_stuck", sa.Integer()),
        ):
            batch.alter_column(name, existing_type=kind, server_default=None)
        batch.create_check_constraint(op.f("ck_round_weeks_stuck_1_to_52"), "weeks_stuck BETWEEN 1 AND 52")


def _weights_by_stage() -> None:
    with op.batch_alter_table("supervision_weight") as batch:
        batch.add_column(sa.Column("stage_id", sa.Integer(), nullable=True))
        batch.create_foreign_key("fk_supervision_weight_stage_id_stage", "stage", ["stage_id"], ["id"])
        batch.drop_constraint("uq_supervision_weight_learner_group_id_valid_from", type_="unique")
        batch.create_unique_constraint(
            "uq_supervision_weight_learner_group_id_stage_id_valid_from",
            ["learner_group_id", "stage_id", "valid_from"],
        )
    op.create_index(
        "uq_supervision_weight_group_valid_from",
        "supervision_weight",
        ["learner_group_id", "valid_from"],
        unique=True,
        sqlite_where=sa.text("stage_id IS NULL"),
        postgresql_where=sa.text("stage_id IS NULL"),
    )


def _create_educators() -> None:
    op.create_table(
        "educator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("trust_id", sa.Integer(), nullable=True),
        sa.Column("network_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("wte", sa.Numeric(precision=4, scale=2), nullable=False),
        sa.Column("most_at_once", sa.Integer(), nullable=True),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("accreditation", sa.String(length=200), nullable=False),
        sa.Column("accredited_until", sa.Date(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("changed_utc", MOMENT(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.Column("saves", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(trust_id IS NULL) <> (network_id IS NULL)", name=op.f("ck_educator_of_a_trust_or_the_network")
        ),
        sa.CheckConstraint("wte >= 0 AND wte <= 5", name=op.f("ck_educator_wte_in_range")),
        sa.CheckConstraint("most_at_once BETWEEN 1 AND 20", name=op.f("ck_educator_most_at_once_in_range")),
        sa.ForeignKeyConstraint(["changed_by_id"], ["person.id"], name="fk_educator_changed_by_id_person"),
        sa.ForeignKeyConstraint(["network_id"], ["network.id"], name="fk_educator_network_id_network"),
        sa.ForeignKeyConstraint(["trust_id"], ["trust.id"], name="fk_educator_trust_id_trust"),
        sa.PrimaryKeyConstraint("id", name="pk_educator"),
    )
    op.create_index("ix_educator_trust_id", "educator", ["trust_id"])
    op.create_table(
        "educator_department",
        sa.Column("educator_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("is_remote", sa.Boolean(), nullable=False),
        sa.Column("agreed_utc", MOMENT(), nullable=True),
        sa.Column("declined_utc", MOMENT(), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "agreed_utc IS NULL OR declined_utc IS NULL",
            name=op.f("ck_educator_department_agreed_or_declined"),
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["person.id"], name="fk_educator_department_answered_by_id_person"
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name="fk_educator_department_department_id_department"
        ),
        sa.ForeignKeyConstraint(
            ["educator_id"], ["educator.id"], name="fk_educator_department_educator_id_educator"
        ),
        sa.PrimaryKeyConstraint("educator_id", "department_id", name="pk_educator_department"),
    )
    op.create_index("ix_educator_department_department_id", "educator_department", ["department_id"])
    op.create_table(
        "educator_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("educator_id", sa.Integer(), nullable=False),
        sa.Column("learner_group_id", sa.Integer(), nullable=False),
        sa.Column("stage_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["educator_id"], ["educator.id"], name="fk_educator_group_educator_id_educator"
        ),
        sa.ForeignKeyConstraint(
            ["learner_group_id"],
            ["learner_group.id"],
            name="fk_educator_group_learner_group_id_learner_group",
        ),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name="fk_educator_group_stage_id_stage"),
        sa.PrimaryKeyConstraint("id", name="pk_educator_group"),
        sa.UniqueConstraint(
            "educator_id",
            "learner_group_id",
            "stage_id",
            name="uq_educator_group_educator_id_learner_group_id_stage_id",
        ),
    )
    op.create_table(
        "absence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("educator_id", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_absence_days_in_order")),
        sa.CheckConstraint("kind IN ('leave', 'training', 'other')", name=op.f("ck_absence_kind")),
        sa.ForeignKeyConstraint(["educator_id"], ["educator.id"], name="fk_absence_educator_id_educator"),
        sa.PrimaryKeyConstraint("id", name="pk_absence"),
    )
    op.create_index("ix_absence_educator_id", "absence", ["educator_id"])


def _create_capacity() -> None:
    with op.batch_alter_table("declaration") as batch:
        batch.add_column(sa.Column("supervision_model_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            "fk_declaration_supervision_model_id_supervision_model",
            "supervision_model",
            ["supervision_model_id"],
            ["id"],
        )
    _change_checks("declaration", state=STATES)
    op.create_table(
        "declared_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("declaration_id", sa.Integer(), nullable=False),
        sa.Column("learner_group_id", sa.Integer(), nullable=True),
        sa.Column("stage_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "stage_id IS NULL OR learner_group_id IS NOT NULL",
            name=op.f("ck_declared_line_stage_has_its_group"),
        ),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name="fk_declared_line_declaration_id_declaration"
        ),
        sa.ForeignKeyConstraint(
            ["learner_group_id"], ["learner_group.id"], name="fk_declared_line_learner_group_id_learner_group"
        ),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name="fk_declared_line_stage_id_stage"),
        sa.PrimaryKeyConstraint("id", name="pk_declared_line"),
        sa.UniqueConstraint(
            "declaration_id",
            "learner_group_id",
            "stage_id",
            name="uq_declared_line_declaration_id_learner_group_id_stage_id",
        ),
    )
    op.create_table(
        "declared_wte",
        sa.Column("declaration_id", sa.Integer(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("wte", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.CheckConstraint("0 <= wte AND wte <= 99", name=op.f("ck_declared_wte_wte_in_range")),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name="fk_declared_wte_declaration_id_declaration"
        ),
        sa.PrimaryKeyConstraint("declaration_id", "week", name="pk_declared_wte"),
    )
    op.create_table(
        "declaration_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("declaration_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(length=40), nullable=False),
        sa.Column("at_utc", MOMENT(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("comment", sa.String(length=2000), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "verb IN ('save', 'submit', 'approve', 'return')", name=op.f("ck_declaration_record_verb")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name="fk_declaration_record_by_id_person"),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["declaration.id"], name="fk_declaration_record_declaration_id_declaration"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_declaration_record"),
    )
    op.create_index("ix_declaration_record_declaration_id", "declaration_record", ["declaration_id"])
    op.create_table(
        "declaration_upload",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("trust_id", sa.Integer(), nullable=True),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("received_utc", MOMENT(), nullable=False),
        sa.Column("received_by_id", sa.Integer(), nullable=True),
        sa.Column("accepted_utc", MOMENT(), nullable=True),
        sa.Column("parsed", sa.Text(), nullable=False),
        sa.Column("saved", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('received', 'accepted')", name=op.f("ck_declaration_upload_state")),
        sa.ForeignKeyConstraint(
            ["received_by_id"], ["person.id"], name="fk_declaration_upload_received_by_id_person"
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name="fk_declaration_upload_round_id_round"),
        sa.ForeignKeyConstraint(["trust_id"], ["trust.id"], name="fk_declaration_upload_trust_id_trust"),
        sa.PrimaryKeyConstraint("id", name="pk_declaration_upload"),
    )
    op.create_index("ix_declaration_upload_round_id", "declaration_upload", ["round_id"])
    op.create_table(
        "cap",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("trust_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("places BETWEEN 0 AND 999", name=op.f("ck_cap_places_in_range")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name="fk_cap_round_id_round"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_cap_site_id_site"),
        sa.ForeignKeyConstraint(["trust_id"], ["trust.id"], name="fk_cap_trust_id_trust"),
        sa.PrimaryKeyConstraint("id", name="pk_cap"),
        sa.UniqueConstraint("round_id", "trust_id", "site_id", name="uq_cap_round_id_trust_id_site_id"),
    )
    op.create_index(
        "uq_cap_round_trust",
        "cap",
        ["round_id", "trust_id"],
        unique=True,
        sqlite_where=sa.text("site_id IS NULL"),
        postgresql_where=sa.text("site_id IS NULL"),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("created_utc", MOMENT(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=False),
        sa.Column("expires_utc", MOMENT(), nullable=False),
        sa.Column("revoked_utc", MOMENT(), nullable=True),
        sa.Column("last_used_utc", MOMENT(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name="fk_invitation_created_by_id_person"),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name="fk_invitation_round_id_round"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_invitation_site_id_site"),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.UniqueConstraint("secret_hash", name="uq_invitation_secret_hash"),
    )


OLD_WEEK = sa.table(
    "declared_week",
    sa.column("declaration_id", sa.Integer),
    sa.column("week", sa.Date),
    sa.column("preferred", sa.Integer),
    sa.column("maximum", sa.Integer),
    sa.column("wte", sa.Numeric(5, 2)),
)
NEW_WEEK = sa.table(
    "declared_week",
    sa.column("line_id", sa.Integer),
    sa.column("week", sa.Date),
    sa.column("preferred", sa.Integer),
    sa.column("maximum", sa.Integer),
    sa.column("surge", sa.Integer),
)
WTE = sa.table(
    "declared_wte",
    sa.column("declaration_id", sa.Integer),
    sa.column("week", sa.Date),
    sa.column("wte", sa.Numeric(5, 2)),
)
LINE = sa.table("declared_line", sa.column("id", sa.Integer), sa.column("declaration_id", sa.Integer))
DECLARATION = sa.table(
    "declaration",
    sa.column("id", sa.Integer),
    sa.column("state", sa.String),
    sa.column("version", sa.Integer),
    sa.column("submitted_utc", MOMENT()),
    sa.column("changed_utc", MOMENT()),
    sa.column("changed_by_id", sa.Integer),
)
RECORD = sa.table(
    "declaration_record",
    sa.column("declaration_id", sa.Integer),
    sa.column("version", sa.Integer),
    sa.column("verb", sa.String),
    sa.column("at_utc", MOMENT()),
    sa.column("by_id", sa.Integer),
    sa.column("by_name", sa.String),
    sa.column("comment", sa.String),
    sa.column("changes", sa.JSON),
    sa.column("content", sa.JSON),
)


def _move_declarations() -> None:
    """Each declaration's weeks become its one line for whoever comes; what was submitted stays an offer."""
    bind = op.get_bind()
    old = bind.execute(sa.select(OLD_WEEK).order_by(OLD_WEEK.c.declaration_id, OLD_WEEK.c.week)).all()
    op.drop_table("declared_week")
    op.create_table(
        "declared_week",
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("preferred", sa.Integer(), nullable=False),
        sa.Column("maximum", sa.Integer(), nullable=False),
        sa.Column("surge", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "0 <= preferred AND preferred <= maximum AND maximum <= 99",
            name=op.f("ck_declared_week_places_in_order"),
        ),
        sa.CheckConstraint("surge BETWEEN 0 AND 99", name=op.f("ck_declared_week_surge_in_range")),
        sa.ForeignKeyConstraint(
            ["line_id"], ["declared_line.id"], name="fk_declared_week_line_id_declared_line"
        ),
        sa.PrimaryKeyConstraint("line_id", "week", name="pk_declared_week"),
    )
    if not old:
        return
    op.bulk_insert(LINE, [{"declaration_id": found} for found in sorted({row.declaration_id for row in old})])
    lines = {row.declaration_id: row.id for row in bind.execute(sa.select(LINE))}
    op.bulk_insert(
        NEW_WEEK,
        [
            {
                "line_id": lines[row.declaration_id],
                "week": row.week,
                "preferred": row.preferred,
                "maximum": row.maximum,
                "surge": 0,
            }
            for row in old
        ],
    )
    op.bulk_insert(
        WTE, [{"declaration_id": row.declaration_id, "week": row.week, "wte": row.wte} for row in old]
    )
    submitted = bind.execute(sa.select(DECLARATION).where(DECLARATION.c.state == "submitted")).all()
    names: dict[int, str] = dict(bind.execute(sa.text("SELECT id, name FROM person")).all())
    records = []
    for row in submitted:
        weeks = [week for week in old if week.declaration_id == row.id]
        places = {w.week.isoformat(): [w.preferred, w.maximum, 0] for w in weeks}
        content = {
            "model": None,
            "lines": {"any": places},
            "wte": {w.week.isoformat(): f"{w.wte.normalize():f}" for w in weeks},
        }
        for verb in ("submit", "approve"):
            records.append(
                {
                    "declaration_id": row.id,
                    "version": row.version,
                    "verb": verb,
                    "at_utc": row.submitted_utc or row.changed_utc,
                    "by_id": row.changed_by_id,
                    "by_name": names.get(row.changed_by_id, "somebody"),
                    "comment": "" if verb == "submit" else "Submitting was enough at the time.",
                    "changes": {},
                    "content": content,
                }
            )
    if records:
        op.bulk_insert(RECORD, records)
    op.execute("UPDATE declaration SET state = 'approved' WHERE state = 'submitted'")


def downgrade() -> None:
    bind = op.get_bind()
    places = bind.execute(
        sa.text(
            "SELECT l.declaration_id, w.week, SUM(w.preferred) AS preferred, SUM(w.maximum) AS maximum"
            " FROM declared_week w JOIN declared_line l ON l.id = w.line_id GROUP BY l.declaration_id, w.week"
        ).columns(week=sa.Date)
    ).all()
    wte = {(row.declaration_id, row.week): row.wte for row in bind.execute(sa.select(WTE))}
    op.drop_table("declared_week")
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
            ["declaration_id"], ["declaration.id"], name="fk_declared_week_declaration_id_declaration"
        ),
        sa.PrimaryKeyConstraint("declaration_id", "week", name="pk_declared_week"),
    )
    if places:
        op.bulk_insert(
            OLD_WEEK,
            [
                {
                    "declaration_id": row.declaration_id,
                    "week": row.week,
                    "preferred": min(row.preferred, 99),
                    "maximum": min(row.maximum, 99),
                    "wte": wte.get((row.declaration_id, row.week), 0),
                }
                for row in places
            ],
        )
    for table in (
        "invitation",
        "cap",
        "declaration_record",
        "declaration_upload",
        "declared_wte",
        "declared_line",
        "absence",
        "educator_group",
        "educator_department",
        "educator",
        "message",
    ):
        op.drop_table(table)
    op.execute("UPDATE declaration SET state = 'submitted' WHERE state = 'approved'")
    op.execute("UPDATE declaration SET state = 'draft' WHERE state = 'returned'")
    with op.batch_alter_table("declaration") as batch:
        batch.drop_constraint("fk_declaration_supervision_model_id_supervision_model", type_="foreignkey")
        batch.drop_column("supervision_model_id")
    _change_checks("declaration", state=OLD_STATES)
    _weights_by_group()
    with op.batch_alter_table("round") as batch:
        batch.drop_constraint(op.f("ck_round_weeks_stuck_1_to_52"), type_="check")
        for name in ("needs_approval", "uses_surge", "reminder_days", "weeks_stuck"):
            batch.drop_column(name)
    with op.batch_alter_table("learner_group") as batch:
        batch.drop_constraint("fk_learner_group_profession_id_profession", type_="foreignkey")
        batch.drop_column("profession_id")
    with op.batch_alter_table("modality") as batch:
        batch.drop_constraint(op.f("ck_modality_measure"), type_="check")
        batch.drop_column("measure")
    # Accounts of a role that did not exist become practice educators, who see the same trust.
    op.execute("UPDATE person SET role = 'practice_educator' WHERE role = 'trust_education_lead'")
    _change_person(OLD_ROLES, ORGANISATION.format(trust="'practice_educator'"))
    for table in (
        "place_rate",
        "supervision_factor",
        "supervision_model",
        "workforce",
        "fair_share_rate",
        "profession",
    ):
        op.drop_table(table)


def _weights_by_group() -> None:
    op.execute("DELETE FROM supervision_weight WHERE stage_id IS NOT NULL")
    op.drop_index("uq_supervision_weight_group_valid_from", "supervision_weight")
    with op.batch_alter_table("supervision_weight") as batch:
        batch.drop_constraint("uq_supervision_weight_learner_group_id_stage_id_valid_from", type_="unique")
        batch.drop_constraint("fk_supervision_weight_stage_id_stage", type_="foreignkey")
        batch.drop_column("stage_id")
        batch.create_unique_constraint(
            "uq_supervision_weight_learner_group_id_valid_from", ["learner_group_id", "valid_from"]
        )
