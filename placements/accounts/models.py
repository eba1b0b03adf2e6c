"""People who sign in, each in one role at one organisation."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from placements.access import Role
from placements.database import Base, UtcDateTime, words


class Person(Base):
    """An account. Exactly one of network, trust and HEI is set, as the role asks."""

    __tablename__ = "person"
    __table_args__ = (
        sa.CheckConstraint(
            "(role IN ('academy_lead', 'administrator') AND network_id IS NOT NULL"
            " AND trust_id IS NULL AND hei_id IS NULL)"
            " OR (role IN ('practice_educator', 'trust_education_lead') AND trust_id IS NOT NULL"
            " AND network_id IS NULL AND hei_id IS NULL)"
            " OR (role = 'placement_officer' AND hei_id IS NOT NULL"
            " AND network_id IS NULL AND trust_id IS NULL)",
            name="role_has_its_organisation",
        ),
        sa.CheckConstraint("email = lower(email)", name="email_is_lower_case"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    role: Mapped[str] = mapped_column(words("role", *(role.value for role in Role if role.has_account)))
    network_id: Mapped[int | None] = mapped_column(sa.ForeignKey("network.id"))
    trust_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trust.id"))
    hei_id: Mapped[int | None] = mapped_column(sa.ForeignKey("hei.id"))
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    is_active: Mapped[bool] = mapped_column(default=True)
    # Changes with every password, so that sessions signed in with the old one end.
    session_key: Mapped[str] = mapped_column(sa.String(64))
    created_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    last_sign_in_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}
