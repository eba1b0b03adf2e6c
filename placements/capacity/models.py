"""What departments declare in a round, what became of each declaration, and who may answer by a link."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from placements.accounts.models import Person
from placements.database import Base, UtcDateTime, words
from placements.organisations.models import Department, LearnerGroup, Site, Stage, SupervisionModel, Trust
from placements.rounds.models import Round

MOST_PLACES = 99
MOST_WTE = Decimal(99)
VERBS = ("save", "submit", "approve", "return")


class Declaration(Base):
    """What one department offers in one round. Its latest approved record is the offer that the match may
    use; a later draft changes nothing until it is approved in its turn."""

    __tablename__ = "declaration"
    __table_args__ = (sa.UniqueConstraint("round_id", "department_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("department.id"))
    supervision_model_id: Mapped[int | None] = mapped_column(sa.ForeignKey("supervision_model.id"))
    state: Mapped[str] = mapped_column(
        words("state", "draft", "submitted", "returned", "approved"), default="draft"
    )
    changed_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    saves: Mapped[int] = mapped_column(default=1)
    submitted_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship()
    department: Mapped[Department] = relationship()
    supervision_model: Mapped[SupervisionModel | None] = relationship()
    changed_by: Mapped[Person | None] = relationship()
    lines: Mapped[list["DeclaredLine"]] = relationship(
        order_by="DeclaredLine.id", cascade="all, delete-orphan"
    )
    wte: Mapped[list["DeclaredWte"]] = relationship(order_by="DeclaredWte.week", cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}


class DeclaredLine(Base):
    """Places for whoever comes, or with a group (and a stage) for those learners alone."""

    __tablename__ = "declared_line"
    __table_args__ = (
        sa.UniqueConstraint("declaration_id", "learner_group_id", "stage_id"),
        sa.CheckConstraint("stage_id IS NULL OR learner_group_id IS NOT NULL", name="stage_has_its_group"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    declaration_id: Mapped[int] = mapped_column(sa.ForeignKey("declaration.id"))
    learner_group_id: Mapped[int | None] = mapped_column(sa.ForeignKey("learner_group.id"))
    stage_id: Mapped[int | None] = mapped_column(sa.ForeignKey("stage.id"))

    learner_group: Mapped[LearnerGroup | None] = relationship()
    stage: Mapped[Stage | None] = relationship()
    weeks: Mapped[list["DeclaredWeek"]] = relationship(
        order_by="DeclaredWeek.week", cascade="all, delete-orphan"
    )


class DeclaredWeek(Base):
    """Preferred and most places of a line in one week, and surge places beyond the most, in the measure of
    the department's modality: learners at once, scanning lists or sessions."""

    __tablename__ = "declared_week"
    __table_args__ = (
        sa.CheckConstraint(
            f"0 <= preferred AND preferred <= maximum AND maximum <= {MOST_PLACES}", name="places_in_order"
        ),
        sa.CheckConstraint(f"surge BETWEEN 0 AND {MOST_PLACES}", name="surge_in_range"),
    )

    line_id: Mapped[int] = mapped_column(sa.ForeignKey("declared_line.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    preferred: Mapped[int]
    maximum: Mapped[int]
    surge: Mapped[int] = mapped_column(default=0)


class DeclaredWte(Base):
    """WTE of educators who are not named one by one, for a department in one week."""

    __tablename__ = "declared_wte"
    __table_args__ = (sa.CheckConstraint(f"0 <= wte AND wte <= {MOST_WTE}", name="wte_in_range"),)

    declaration_id: Mapped[int] = mapped_column(sa.ForeignKey("declaration.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    wte: Mapped[Decimal] = mapped_column(sa.Numeric(5, 2))


class DeclarationRecord(Base):
    """One thing done with a declaration, kept for good: who, when, which cells changed from what to what,
    and (submitted, approved, returned) the whole content as it then stood. Append-only."""

    __tablename__ = "declaration_record"

    id: Mapped[int] = mapped_column(primary_key=True)
    declaration_id: Mapped[int] = mapped_column(sa.ForeignKey("declaration.id"), index=True)
    version: Mapped[int]
    verb: Mapped[str] = mapped_column(words("verb", *VERBS))
    at_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    by_name: Mapped[str] = mapped_column(sa.String(200))
    comment: Mapped[str] = mapped_column(sa.String(2000), default="")
    changes: Mapped[dict[str, list[str]]] = mapped_column(sa.JSON, default=dict)
    content: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))

    declaration: Mapped[Declaration] = relationship()


class DeclarationUpload(Base):
    """A file of declarations as it was read, waiting for the yes of the people of the same trust (academy
    leads: no trust). `parsed` is what the preview shows; once accepted it holds no cells any more, and
    `saved` has the version that each department's declaration then got. The file itself is not kept."""

    __tablename__ = "declaration_upload"

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"), index=True)
    trust_id: Mapped[int | None] = mapped_column(sa.ForeignKey("trust.id"))
    filename: Mapped[str] = mapped_column(sa.String(200))
    content_hash: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[str] = mapped_column(words("state", "received", "accepted"), default="received")
    received_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    received_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    accepted_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    parsed: Mapped[str] = deferred(mapped_column(sa.Text, nullable=False))
    saved: Mapped[dict[str, int]] = mapped_column(sa.JSON, default=dict)
    version: Mapped[int] = mapped_column(default=1)

    round: Mapped[Round] = relationship()
    received_by: Mapped[Person | None] = relationship()

    __mapper_args__ = {"version_id_col": version}


class Cap(Base):
    """Most learners at once over a whole site, or over a whole trust where no site is named, in a round."""

    __tablename__ = "cap"
    __table_args__ = (
        sa.UniqueConstraint("round_id", "trust_id", "site_id"),
        sa.Index(
            "uq_cap_round_trust",
            "round_id",
            "trust_id",
            unique=True,
            sqlite_where=sa.text("site_id IS NULL"),
            postgresql_where=sa.text("site_id IS NULL"),
        ),
        sa.CheckConstraint("places BETWEEN 0 AND 999", name="places_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    trust_id: Mapped[int] = mapped_column(sa.ForeignKey("trust.id"))
    site_id: Mapped[int | None] = mapped_column(sa.ForeignKey("site.id"))
    places: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)

    trust: Mapped[Trust] = relationship()
    site: Mapped[Site | None] = relationship()

    __mapper_args__ = {"version_id_col": version}


class Invitation(Base):
    """A private link by which a site without an account answers, until it expires or is ended. Only a hash of
    the link's secret is kept."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("round.id"))
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id"))
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    created_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    expires_utc: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_utc: Mapped[datetime | None] = mapped_column(UtcDateTime)

    round: Mapped[Round] = relationship()
    site: Mapped[Site] = relationship()
    created_by: Mapped[Person] = relationship()
