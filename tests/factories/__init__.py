"""Rows for tests: each factory makes what it needs and commits nothing until `saved()` is called.

Everything hangs together by default: one network, one ICB, and whatever else a test does not name.
"""

from datetime import date, timedelta
from decimal import Decimal

import factory
from factory.alchemy import SQLAlchemyModelFactory

from placements.access import Role, Viewer
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.capacity.models import Declaration, DeclaredWeek
from placements.clock import now_utc
from placements.cohorts.models import Cohort, Learner, Requirement
from placements.extensions import db
from placements.organisations.models import (
    Department,
    Hei,
    Icb,
    LearnerGroup,
    Modality,
    Network,
    Programme,
    Site,
    Stage,
    SupervisionWeight,
    Trust,
)
from placements.rounds.models import Block, PlanLine, Round

PASSWORD = "correct horse battery staple"
# argon2 of PASSWORD with the library's defaults; made once, since hashing is slow on purpose.
_password_hash: str | None = None


def password_hash() -> str:
    """The hash of PASSWORD."""
    global _password_hash
    if _password_hash is None:
        from argon2 import PasswordHasher

        _password_hash = PasswordHasher().hash(PASSWORD)
    return _password_hash


class Rows(SQLAlchemyModelFactory):
    """Adds to the application's session and flushes."""

    class Meta:
        abstract = True
        sqlalchemy_session_factory = lambda: db.session  # noqa: E731
        sqlalchemy_session_persistence = "flush"


class NetworkFactory(Rows):
    class Meta:
        model = Network
        sqlalchemy_get_or_create = ("name",)

    name = "West Midlands Imaging Network"
    academy_name = "Midlands Imaging Academy"


class IcbFactory(Rows):
    class Meta:
        model = Icb
        sqlalchemy_get_or_create = ("ods",)

    ods = "QHL"
    name = "Birmingham and Solihull"
    network_id = factory.LazyFunction(lambda: NetworkFactory().id)


class TrustFactory(Rows):
    class Meta:
        model = Trust

    ods = factory.Sequence(lambda n: f"T{n:02d}")
    name = factory.Sequence(lambda n: f"Trust {n} NHS Foundation Trust")
    icb = factory.SubFactory(IcbFactory)


class SiteFactory(Rows):
    class Meta:
        model = Site

    trust = factory.SubFactory(TrustFactory)
    name = factory.Sequence(lambda n: f"Hospital {n}")
    kind = "acute"
    postcode = "B15 2GW"
    latitude = 52.45182
    longitude = -1.94257


class ModalityFactory(Rows):
    class Meta:
        model = Modality
        sqlalchemy_get_or_create = ("key",)

    key = "xray"
    name = factory.LazyAttribute(lambda row: {"xray": "X-ray", "ct": "CT"}.get(row.key, row.key))


class DepartmentFactory(Rows):
    class Meta:
        model = Department

    site = factory.SubFactory(SiteFactory)
    modality = factory.SubFactory(ModalityFactory)


class HeiFactory(Rows):
    class Meta:
        model = Hei

    network_id = factory.LazyFunction(lambda: NetworkFactory().id)
    name = factory.Sequence(lambda n: f"University {n}")
    postcode = "B15 3TN"
    latitude = 52.46824
    longitude = -1.92605


class LearnerGroupFactory(Rows):
    class Meta:
        model = LearnerGroup
        sqlalchemy_get_or_create = ("key",)

    key = "diagnostic_radiography"
    name = "Diagnostic radiography"


class StageFactory(Rows):
    class Meta:
        model = Stage

    learner_group = factory.SubFactory(LearnerGroupFactory)
    key = factory.Sequence(lambda n: f"stage_{n}")
    name = factory.Sequence(lambda n: f"Stage {n}")
    position = factory.Sequence(lambda n: n)
    priority = 2


class SupervisionWeightFactory(Rows):
    class Meta:
        model = SupervisionWeight

    learner_group_id = factory.LazyFunction(lambda: LearnerGroupFactory().id)
    weight = Decimal("0.5")
    valid_from = date(2020, 1, 1)


class ProgrammeFactory(Rows):
    class Meta:
        model = Programme

    hei = factory.SubFactory(HeiFactory)
    learner_group = factory.SubFactory(LearnerGroupFactory)
    name = factory.Sequence(lambda n: f"BSc (Hons) Diagnostic Radiography {n}")


class RoundFactory(Rows):
    class Meta:
        model = Round

    network_id = factory.LazyFunction(lambda: NetworkFactory().id)
    name = factory.Sequence(lambda n: f"Round {n}")
    first_week = date(2027, 1, 4)
    last_week = date(2027, 3, 29)
    declare_by = date(2026, 12, 1)
    submit_by = date(2026, 12, 8)
    state = "open"


class BlockFactory(Rows):
    class Meta:
        model = Block

    round = factory.SubFactory(RoundFactory)
    name = factory.Sequence(lambda n: f"Block {n}")
    first_week = date(2027, 1, 4)
    weeks = 4


class PlanLineFactory(Rows):
    class Meta:
        model = PlanLine

    block = factory.SubFactory(BlockFactory)
    programme = factory.SubFactory(ProgrammeFactory)
    stage = factory.SubFactory(StageFactory)
    modalities = factory.LazyFunction(lambda: [ModalityFactory()])


class DeclarationFactory(Rows):
    """Submitted, with the same figures in every week of the round's blocks."""

    class Meta:
        model = Declaration

    class Params:
        preferred = 2
        maximum = 3
        wte = Decimal("2")

    round = factory.SubFactory(RoundFactory)
    department = factory.SubFactory(DepartmentFactory)
    state = "submitted"
    changed_utc = factory.LazyFunction(now_utc)
    submitted_utc = factory.LazyFunction(now_utc)
    weeks = factory.LazyAttribute(
        lambda row: [
            DeclaredWeek(week=week, preferred=row.preferred, maximum=row.maximum, wte=row.wte)
            for week in row.round.block_weeks()
        ]
    )


class CohortFactory(Rows):
    class Meta:
        model = Cohort

    round = factory.SubFactory(RoundFactory)
    programme = factory.SubFactory(ProgrammeFactory)
    stage = factory.SubFactory(StageFactory)
    intake = "2025"
    state = "submitted"
    submitted_utc = factory.LazyFunction(now_utc)


class LearnerFactory(Rows):
    class Meta:
        model = Learner

    cohort = factory.SubFactory(CohortFactory)
    round_id = factory.LazyAttribute(lambda row: row.cohort.round.id)
    hei = factory.LazyAttribute(lambda row: row.cohort.programme.hei)
    reference = factory.Sequence(lambda n: f"L{n:04d}")
    postcode = "B15 3TN"
    travel_mode = "car"


class RequirementFactory(Rows):
    class Meta:
        model = Requirement

    learner = factory.SubFactory(LearnerFactory)
    plan_line = factory.SubFactory(PlanLineFactory)
    block = factory.LazyAttribute(lambda row: row.plan_line.block)


class PersonFactory(Rows):
    """An account in a role; its organisation is made unless named."""

    class Meta:
        model = Person

    email = factory.Sequence(lambda n: f"person{n}@example.nhs.uk")
    name = factory.Sequence(lambda n: f"Person {n}")
    role = Role.ACADEMY_LEAD.value
    password_hash = factory.LazyFunction(password_hash)
    session_key = factory.Sequence(lambda n: f"session-{n}")
    created_utc = factory.LazyFunction(lambda: now_utc() - timedelta(days=1))
    network_id = factory.LazyAttribute(
        lambda row: NetworkFactory().id if row.role in ("academy_lead", "administrator") else None
    )
    trust_id = factory.LazyAttribute(
        lambda row: TrustFactory().id if row.role == "practice_educator" else None
    )
    hei_id = factory.LazyAttribute(lambda row: HeiFactory().id if row.role == "placement_officer" else None)


def viewer_as(role: Role, **organisation: int) -> Viewer:
    """A person with an account in this role, as the services know them."""
    person = PersonFactory(role=role.value, **organisation)
    saved()
    return viewer_of(person)


def saved() -> None:
    """Commit what the factories made, so that another connection sees it too."""
    db.session.commit()
