"""Organisations and reference data: who provides placements, who sends learners, and what they are."""

from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.database import Base, words

MEASURES = ("places", "lists", "sessions")
SITE_KINDS = ("acute", "specialist", "community", "cdc", "academy")


class Network(Base):
    """An imaging network with its academy: the home of academy leads and administrators."""

    __tablename__ = "network"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    academy_name: Mapped[str] = mapped_column(sa.String(200))


class Icb(Base):
    """An integrated care board."""

    __tablename__ = "icb"

    id: Mapped[int] = mapped_column(primary_key=True)
    network_id: Mapped[int] = mapped_column(sa.ForeignKey("network.id"))
    ods: Mapped[str] = mapped_column(sa.String(10), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))


class Trust(Base):
    """An NHS trust, known by its ODS code."""

    __tablename__ = "trust"

    id: Mapped[int] = mapped_column(primary_key=True)
    icb_id: Mapped[int] = mapped_column(sa.ForeignKey("icb.id"))
    ods: Mapped[str] = mapped_column(sa.String(10), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))

    icb: Mapped[Icb] = relationship()


class Site(Base):
    """A hospital, community diagnostic centre or academy centre."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(primary_key=True)
    trust_id: Mapped[int] = mapped_column(sa.ForeignKey("trust.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    kind: Mapped[str] = mapped_column(words("kind", *SITE_KINDS))
    postcode: Mapped[str] = mapped_column(sa.String(8))
    latitude: Mapped[float]
    longitude: Mapped[float]
    # Beds for learners who live beyond their travel limit.
    beds: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)

    trust: Mapped[Trust] = relationship()
    departments: Mapped[list["Department"]] = relationship(back_populates="site")
    meets: Mapped[list["AccessNeed"]] = relationship(secondary="site_access_need", order_by="AccessNeed.id")

    __mapper_args__ = {"version_id_col": version}


class AccessNeed(Base):
    """What a site must have for some learners, such as step-free access: never a diagnosis."""

    __tablename__ = "access_need"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))


site_access_need = sa.Table(
    "site_access_need",
    Base.metadata,
    sa.Column("site_id", sa.ForeignKey("site.id"), primary_key=True),
    sa.Column("access_need_id", sa.ForeignKey("access_need.id"), primary_key=True),
)


class Modality(Base):
    """X-ray, CT, MRI, ultrasound and so on: data, never code. `measure` is what its departments count:
    places (learners at once), or scanning lists or sessions a week, which `PlaceRate` turns into places."""

    __tablename__ = "modality"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    measure: Mapped[str] = mapped_column(words("measure", *MEASURES), default="places")


class Department(Base):
    """A site's modality."""

    __tablename__ = "department"
    __table_args__ = (sa.UniqueConstraint("site_id", "modality_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id"))
    modality_id: Mapped[int] = mapped_column(sa.ForeignKey("modality.id"))

    site: Mapped[Site] = relationship(back_populates="departments")
    modality: Mapped[Modality] = relationship()

    @property
    def name(self) -> str:
        return f"{self.modality.name}, {self.site.name}"


class TravelOverride(Base):
    """Minutes one way from a postcode or outward code to a site, instead of the estimate."""

    __tablename__ = "travel_override"
    __table_args__ = (
        sa.UniqueConstraint("network_id", "origin", "site", "mode"),
        sa.CheckConstraint("minutes BETWEEN 0 AND 600", name="minutes_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    network_id: Mapped[int] = mapped_column(sa.ForeignKey("network.id"))
    origin: Mapped[str] = mapped_column(sa.String(8))
    site: Mapped[str] = mapped_column(sa.String(200))
    mode: Mapped[str] = mapped_column(words("mode", "car", "public_transport"))
    minutes: Mapped[int]


class Hei(Base):
    """A higher education institution that submits cohorts."""

    __tablename__ = "hei"

    id: Mapped[int] = mapped_column(primary_key=True)
    network_id: Mapped[int] = mapped_column(sa.ForeignKey("network.id"))
    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    postcode: Mapped[str] = mapped_column(sa.String(8))
    latitude: Mapped[float]
    longitude: Mapped[float]
    # What its letters to learners say besides the places: whom to ask, what to bring.
    letter_text: Mapped[str] = mapped_column(sa.Text, default="")
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}


class LearnerGroup(Base):
    """Diagnostic radiography, sonography, STP: whom a programme trains, and which profession's workforce
    supervises them."""

    __tablename__ = "learner_group"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    profession_id: Mapped[int | None] = mapped_column(sa.ForeignKey("profession.id"))

    profession: Mapped["Profession | None"] = relationship()

    stages: Mapped[list["Stage"]] = relationship(order_by="Stage.position", back_populates="learner_group")


class Stage(Base):
    """A year of a learner group. `priority` 1 is placed first: final years who must qualify."""

    __tablename__ = "stage"
    __table_args__ = (
        sa.UniqueConstraint("learner_group_id", "key"),
        sa.CheckConstraint("priority BETWEEN 1 AND 9", name="priority_1_to_9"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_group_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_group.id"))
    key: Mapped[str] = mapped_column(sa.String(40))
    name: Mapped[str] = mapped_column(sa.String(100))
    position: Mapped[int]
    priority: Mapped[int]

    learner_group: Mapped[LearnerGroup] = relationship(back_populates="stages")


class SupervisionWeight(Base):
    """How much of one WTE a learner of a group takes while supervised, from a day on; with a stage, of that
    stage alone. Rows are only added, so that the history stays."""

    __tablename__ = "supervision_weight"
    __table_args__ = (
        sa.UniqueConstraint("learner_group_id", "stage_id", "valid_from"),
        # A UNIQUE key lets rows without a stage repeat.
        sa.Index(
            "uq_supervision_weight_group_valid_from",
            "learner_group_id",
            "valid_from",
            unique=True,
            sqlite_where=sa.text("stage_id IS NULL"),
            postgresql_where=sa.text("stage_id IS NULL"),
        ),
        sa.CheckConstraint("weight > 0 AND weight <= 2", name="weight_above_0_to_2"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_group_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_group.id"))
    stage_id: Mapped[int | None] = mapped_column(sa.ForeignKey("stage.id"))
    weight: Mapped[Decimal] = mapped_column(sa.Numeric(4, 2))
    valid_from: Mapped[date]

    learner_group: Mapped[LearnerGroup] = relationship()
    stage: Mapped[Stage | None] = relationship()


class SupervisionModel(Base):
    """How a department supervises: 1:1, 2:1, coaching groups, long-arm. Its factor multiplies the weight
    that each learner takes there, until a SupervisionFactor says otherwise from a day on."""

    __tablename__ = "supervision_model"
    __table_args__ = (sa.CheckConstraint("weight_factor > 0 AND weight_factor <= 2", name="factor_in_range"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    weight_factor: Mapped[Decimal] = mapped_column(sa.Numeric(4, 2))


class SupervisionFactor(Base):
    """What a supervision model's factor became on a day. Rows are only added."""

    __tablename__ = "supervision_factor"
    __table_args__ = (
        sa.UniqueConstraint("supervision_model_id", "valid_from"),
        sa.CheckConstraint("weight_factor > 0 AND weight_factor <= 2", name="factor_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    supervision_model_id: Mapped[int] = mapped_column(sa.ForeignKey("supervision_model.id"))
    weight_factor: Mapped[Decimal] = mapped_column(sa.Numeric(4, 2))
    valid_from: Mapped[date]

    supervision_model: Mapped[SupervisionModel] = relationship()


class PlaceRate(Base):
    """Scanning lists or sessions a week that make one place for a learner of a group, from a day on."""

    __tablename__ = "place_rate"
    __table_args__ = (
        sa.UniqueConstraint("modality_id", "learner_group_id", "valid_from"),
        sa.CheckConstraint("units_per_place > 0 AND units_per_place <= 20", name="units_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    modality_id: Mapped[int] = mapped_column(sa.ForeignKey("modality.id"))
    learner_group_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_group.id"))
    units_per_place: Mapped[Decimal] = mapped_column(sa.Numeric(4, 2))
    valid_from: Mapped[date]

    modality: Mapped[Modality] = relationship()
    learner_group: Mapped[LearnerGroup] = relationship()


class Profession(Base):
    """Radiographers, sonographers, clinical scientists: whose workforce supervises which learner groups."""

    __tablename__ = "profession"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))


class FairShareRate(Base):
    """Placement days a year that each WTE of a profession should offer, from a day on."""

    __tablename__ = "fair_share_rate"
    __table_args__ = (
        sa.UniqueConstraint("profession_id", "valid_from"),
        sa.CheckConstraint("days_per_wte >= 0 AND days_per_wte <= 400", name="days_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    profession_id: Mapped[int] = mapped_column(sa.ForeignKey("profession.id"))
    days_per_wte: Mapped[Decimal] = mapped_column(sa.Numeric(5, 2))
    valid_from: Mapped[date]

    profession: Mapped[Profession] = relationship()


class Workforce(Base):
    """WTE of a profession in a department, as returned for a day; people in preceptorship left out."""

    __tablename__ = "workforce"
    __table_args__ = (
        sa.UniqueConstraint("department_id", "profession_id", "as_of"),
        sa.CheckConstraint("wte >= 0 AND wte <= 999", name="wte_in_range"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(sa.ForeignKey("department.id"))
    profession_id: Mapped[int] = mapped_column(sa.ForeignKey("profession.id"))
    wte: Mapped[Decimal] = mapped_column(sa.Numeric(6, 2))
    as_of: Mapped[date]

    department: Mapped[Department] = relationship()
    profession: Mapped[Profession] = relationship()


class Programme(Base):
    """What an HEI teaches to one learner group."""

    __tablename__ = "programme"
    __table_args__ = (sa.UniqueConstraint("hei_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hei_id: Mapped[int] = mapped_column(sa.ForeignKey("hei.id"))
    learner_group_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_group.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    version: Mapped[int] = mapped_column(default=1)

    hei: Mapped[Hei] = relationship()
    learner_group: Mapped[LearnerGroup] = relationship()

    __mapper_args__ = {"version_id_col": version}
