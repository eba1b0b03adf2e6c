"""Organisations and reference data: who provides placements, who sends learners, and what they are."""

from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from placements.database import Base, words

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

    trust: Mapped[Trust] = relationship()
    departments: Mapped[list["Department"]] = relationship(back_populates="site")


class Modality(Base):
    """X-ray, CT, MRI, ultrasound and so on: data, never code."""

    __tablename__ = "modality"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))


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


class LearnerGroup(Base):
    """Diagnostic radiography, sonography, STP: whom a programme trains."""

    __tablename__ = "learner_group"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(100))

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
    """How much of one WTE a learner of a group takes while supervised, from a day on."""

    __tablename__ = "supervision_weight"
    __table_args__ = (
        sa.UniqueConstraint("learner_group_id", "valid_from"),
        sa.CheckConstraint("weight > 0 AND weight <= 2", name="weight_above_0_to_2"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    learner_group_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_group.id"))
    weight: Mapped[Decimal] = mapped_column(sa.Numeric(4, 2))
    valid_from: Mapped[date]

    learner_group: Mapped[LearnerGroup] = relationship()


class Programme(Base):
    """What an HEI teaches to one learner group."""

    __tablename__ = "programme"
    __table_args__ = (sa.UniqueConstraint("hei_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hei_id: Mapped[int] = mapped_column(sa.ForeignKey("hei.id"))
    learner_group_id: Mapped[int] = mapped_column(sa.ForeignKey("learner_group.id"))
    name: Mapped[str] = mapped_column(sa.String(200))

    hei: Mapped[Hei] = relationship()
    learner_group: Mapped[LearnerGroup] = relationship()
