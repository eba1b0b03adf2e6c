"""hub trust: the trust that a learner has as a base

Revision: 2026_11_30_hub_trust
After: 2026_11_30_academy_desk
Made: 2026-11-30 09:45:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_30_hub_trust"
down_revision = "2026_11_30_academy_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("learner") as batch:
        batch.add_column(sa.Column("hub_trust_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f("fk_learner_hub_trust_id_trust"), "trust", ["hub_trust_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("learner") as batch:
        batch.drop_constraint(op.f("fk_learner_hub_trust_id_trust"), type_="foreignkey")
        batch.drop_column("hub_trust_id")
