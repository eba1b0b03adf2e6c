"""Rows for tests: each factory makes what it needs and commits nothing until `saved()` is called.

Everything hangs together by default: one network, one ICB, and whatever else a test does not name.
"""

from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import factory
from factory.alchemy import SQLAlchemyModelFactory

import matching
from placements.access import Role, Viewer
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.agreements.models import Agreement
from placements.allocations.models import Publication, PublicationLine
from placements.appeals.models import Appeal, AppealEvidence
from placements.capacity.content import Content, changes
from placements.capacity.models import (
    Declaration,
    DeclarationRecord,
    DeclaredLine,
    DeclaredWeek,
    DeclaredWte,
    Invitation,
)
from placements.capacity.queries import content_of
from placements.clearance.models import CheckKind, LearnerCheck
from placements.clock import now_utc
from placements.cohorts.models import (
    Cohort,
    Companions,
    Interruption,
    Learner,
    LearnerContact,
    LearnerLink,
    LearnerRecord,
    Requirement,
)
from placements.confirmations.models import Proposal
from placements.educators.models import Educator
from placements.extensions import db
from placements.organisations.models import (
    AccessNeed,
    Department,
    FairShareRate,
    Hei,
    Icb,
    LearnerGroup,
    Modality,
    Network,
    Profession,
    Programme,
    Site,
    Stage,
    SupervisionWeight,
    Trust,
    Workforce,
)
from placements.repairs.models import ReturnedPlace
from placements.rounds.models import Block, PlanLine, Round
from placements.scenarios.models import Placing, Run, Scenario, Snapshot

PASSWORD = "correct horse battery staple"
# argon2 of PASSWORD, as cheap as it can be; a served site hashes it anew, in earnest, at the first sign-in.
_password_hash: str | None = None


def password_hash() -> str:
    """The hash of PASSWORD."""
    global _password_hash
    if _password_hash is None:
        from argon2 import PasswordHasher

        _password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
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


class AccessNeedFactory(Rows):
    class Meta:
        model = AccessNeed
        sqlalchemy_get_or_create = ("key",)

    key = "step_free"
    name = factory.LazyAttribute(lambda row: row.key.replace("_", " ").capitalize())


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


class EducatorFactory(Rows):
    """Of a trust, full time, with no department yet."""

    class Meta:
        model = Educator

    trust_id = factory.LazyAttribute(
        lambda row: None if getattr(row, "network_id", None) else TrustFactory().id
    )
    name = factory.Sequence(lambda n: f"Educator {n}")
    wte = Decimal(1)
    days = factory.LazyFunction(lambda: [0, 1, 2, 3, 4])
    changed_utc = factory.LazyFunction(now_utc)


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


class ProfessionFactory(Rows):
    class Meta:
        model = Profession
        sqlalchemy_get_or_create = ("key",)

    key = "radiographer"
    name = factory.LazyAttribute(lambda row: f"{row.key.capitalize()}s")


class FairShareRateFactory(Rows):
    class Meta:
        model = FairShareRate

    profession = factory.SubFactory(ProfessionFactory)
    days_per_wte = Decimal(25)
    valid_from = date(2023, 4, 1)


class WorkforceFactory(Rows):
    class Meta:
        model = Workforce

    department = factory.SubFactory(DepartmentFactory)
    profession = factory.SubFactory(ProfessionFactory)
    wte = Decimal(10)
    as_of = date(2026, 4, 1)


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
    """Approved, with the same figures for anybody in every week of the round's blocks."""

    class Meta:
        model = Declaration

    class Params:
        preferred = 2
        maximum = 3
        each_wte = Decimal("2")

    round = factory.SubFactory(RoundFactory)
    department = factory.SubFactory(DepartmentFactory)
    state = "approved"
    changed_utc = factory.LazyFunction(now_utc)
    submitted_utc = factory.LazyFunction(now_utc)
    lines = factory.LazyAttribute(
        lambda row: [
            DeclaredLine(
                weeks=[
                    DeclaredWeek(week=week, preferred=row.preferred, maximum=row.maximum, surge=0)
                    for week in row.round.block_weeks()
                ]
            )
        ]
    )
    wte = factory.LazyAttribute(
        lambda row: [DeclaredWte(week=week, wte=row.each_wte) for week in row.round.block_weeks()]
    )

    @factory.post_generation
    def records(row: Declaration, create: bool, extracted: object) -> None:
        """Who saved it and, of an approved one, the approval, which is the offer."""
        db.session.flush()
        whole = content_of(row)
        by = row.changed_by.name if row.changed_by else "Sam Saver"
        common = {"declaration_id": row.id, "version": row.version, "at_utc": row.changed_utc}
        db.session.add(
            DeclarationRecord(verb="save", by_name=by, changes=changes(Content(), whole), **common)
        )
        if row.state == "approved":
            db.session.add(
                DeclarationRecord(verb="approve", by_name="Ada Approver", content=whole.to_json(), **common)
            )
        db.session.flush()


class InvitationFactory(Rows):
    """A private link that works for three weeks; its address ends in `secret`."""

    class Meta:
        model = Invitation
        exclude = ("secret",)

    secret = factory.Sequence(lambda n: f"secret-{n}")
    round = factory.SubFactory(RoundFactory)
    site = factory.SubFactory(SiteFactory)
    secret_hash = factory.LazyAttribute(lambda row: sha256(row.secret.encode()).hexdigest())
    created_utc = factory.LazyFunction(now_utc)
    created_by = factory.LazyFunction(lambda: PersonFactory())
    expires_utc = factory.LazyFunction(lambda: now_utc() + timedelta(days=21))


class CohortFactory(Rows):
    class Meta:
        model = Cohort

    round = factory.SubFactory(RoundFactory)
    programme = factory.SubFactory(ProgrammeFactory)
    stage = factory.SubFactory(StageFactory)
    intake = "2025"
    state = "submitted"
    submitted_utc = factory.LazyFunction(now_utc)


class LearnerRecordFactory(Rows):
    class Meta:
        model = LearnerRecord
        sqlalchemy_get_or_create = ("hei", "reference_key")

    hei = factory.SubFactory(HeiFactory)
    reference_key = factory.Sequence(lambda n: f"l{n:04d}")


class LearnerFactory(Rows):
    class Meta:
        model = Learner

    cohort = factory.SubFactory(CohortFactory)
    round_id = factory.LazyAttribute(lambda row: row.cohort.round.id)
    hei = factory.LazyAttribute(lambda row: row.cohort.programme.hei)
    record = factory.LazyAttribute(
        lambda row: LearnerRecordFactory(hei=row.hei, reference_key=row.reference.casefold())
    )
    reference = factory.Sequence(lambda n: f"L{n:04d}")
    postcode = "B15 3TN"
    travel_mode = "car"


class LearnerContactFactory(Rows):
    class Meta:
        model = LearnerContact

    record = factory.SubFactory(LearnerRecordFactory)
    name = "Ada Learner"
    email = factory.Sequence(lambda n: f"learner{n}@example.ac.uk")


class LearnerLinkFactory(Rows):
    """A private link that works for three weeks; its address ends in `secret`."""

    class Meta:
        model = LearnerLink
        exclude = ("secret",)

    secret = factory.Sequence(lambda n: f"learner-secret-{n}")
    learner = factory.SubFactory(LearnerFactory)
    secret_hash = factory.LazyAttribute(lambda row: sha256(row.secret.encode()).hexdigest())
    created_utc = factory.LazyFunction(now_utc)
    expires_utc = factory.LazyFunction(lambda: now_utc() + timedelta(days=21))


class RequirementFactory(Rows):
    class Meta:
        model = Requirement

    learner = factory.SubFactory(LearnerFactory)
    plan_line = factory.SubFactory(PlanLineFactory)
    block = factory.LazyAttribute(lambda row: row.plan_line.block)


class CheckKindFactory(Rows):
    """The network's, due six weeks before a placement, which it blocks; it does not expire."""

    class Meta:
        model = CheckKind

    network_id = factory.LazyFunction(lambda: NetworkFactory().id)
    name = factory.Sequence(lambda n: f"Check {n}")
    effect = "blocks"
    weeks_before = 6
    valid_months = None


class LearnerCheckFactory(Rows):
    """Done a month ago."""

    class Meta:
        model = LearnerCheck

    record = factory.SubFactory(LearnerRecordFactory)
    kind = factory.SubFactory(CheckKindFactory)
    done_on = factory.LazyFunction(lambda: now_utc().date() - timedelta(days=30))
    recorded_utc = factory.LazyFunction(now_utc)


class InterruptionFactory(Rows):
    class Meta:
        model = Interruption

    learner = factory.SubFactory(LearnerFactory)
    kind = "suspended"
    first_day = date(2027, 1, 4)
    last_day = date(2027, 1, 8)
    recorded_utc = factory.LazyFunction(now_utc)


class CompanionsFactory(Rows):
    """Learners of one HEI and round; give `learners`."""

    class Meta:
        model = Companions

    kind = "together"
    round_id = factory.LazyAttribute(lambda row: row.learners[0].cohort.round.id)
    hei_id = factory.LazyAttribute(lambda row: row.learners[0].hei.id)


class ScenarioFactory(Rows):
    class Meta:
        model = Scenario
        sqlalchemy_get_or_create = ("round", "name")

    round = factory.SubFactory(RoundFactory)
    name = "Round's policy"
    is_default = True
    policy = '{"travel_limit": {"car": 90, "public_transport": 90}}'


def summary_of(**changes: Any) -> dict[str, Any]:
    """A finished run's summary as `outcome.summarise` shapes it: nobody to place, unless changed."""
    return {
        "status": "optimal",
        "requirements": 0,
        "placed": 0,
        "learners": 0,
        "learners_with_every_place": 0,
        "by_group": [],
        "by_stage": [],
        "by_block": [],
        "by_hei": [],
        "by_priority": [],
        "travel": {"median": None, "p95": None, "most": None, "bands": []},
        "preferences": {"first": 0, "second_or_third": 0, "later": 0, "unlisted": 0},
        "load": [],
        "reasons": {},
        "tiers": [],
        "worth": [],
        "seconds": 0.52,
        "seed": 0,
    } | changes


class SnapshotFactory(Rows):
    """Of nobody and nothing, for runs that are only looked at."""

    class Meta:
        model = Snapshot

    digest = factory.Sequence(lambda n: f"{n:064d}")
    taken_utc = factory.LazyFunction(now_utc)
    problem = matching.Problem((), (), (), (), (), (), ()).to_json()


class RunFactory(Rows):
    """Finished, over a round with nobody to place, unless its summary says otherwise."""

    class Meta:
        model = Run

    round = factory.SubFactory(RoundFactory)
    scenario = factory.LazyAttribute(lambda row: ScenarioFactory(round=row.round))
    state = "finished"
    requested_utc = factory.LazyFunction(now_utc)
    snapshot = factory.SubFactory(SnapshotFactory)
    policy = factory.LazyAttribute(lambda row: row.scenario.policy)
    summary = factory.LazyFunction(summary_of)
    by_week = factory.LazyFunction(lambda: {"weeks": [], "departments": []})


class PlacingFactory(Rows):
    """Placed in a department, 25 estimated minutes away; with `reason`, not placed."""

    class Meta:
        model = Placing

    run = factory.SubFactory(RunFactory)
    requirement = factory.SubFactory(RequirementFactory)
    reason = None
    block = factory.LazyAttribute(lambda row: row.requirement.block)
    department = factory.LazyAttribute(lambda row: None if row.reason else DepartmentFactory())
    travel_minutes = factory.LazyAttribute(lambda row: None if row.reason else 25)


class ProposalFactory(Rows):
    """A place proposed today that waits for its trust's answer; without a day to answer."""

    class Meta:
        model = Proposal

    requirement = factory.SubFactory(RequirementFactory)
    round = factory.LazyAttribute(lambda row: row.requirement.learner.cohort.round)
    department = factory.SubFactory(DepartmentFactory)
    first_week = factory.LazyAttribute(lambda row: row.requirement.block.first_week)
    proposed_utc = factory.LazyFunction(now_utc)


class AgreementFactory(Rows):
    """Proposed by the academy for all learners in 2026/27, at least 2 and at most 4; with `state="agreed"`,
    agreed by both sides."""

    class Meta:
        model = Agreement

    hei = factory.SubFactory(HeiFactory)
    trust = factory.SubFactory(TrustFactory)
    year = 2026
    least = 2
    most = 4
    proposed_side = "academy"
    proposed_by = "Lena Lead"
    proposed_utc = factory.LazyFunction(now_utc)
    state = "proposed"
    hei_agreed_by = factory.LazyAttribute(lambda row: "Olu Officer" if row.state == "agreed" else "")
    hei_agreed_utc = factory.LazyAttribute(lambda row: now_utc() if row.state == "agreed" else None)
    trust_agreed_by = factory.LazyAttribute(lambda row: "Ed Lead" if row.state == "agreed" else "")
    trust_agreed_utc = factory.LazyAttribute(lambda row: now_utc() if row.state == "agreed" else None)


class PublicationFactory(Rows):
    class Meta:
        model = Publication

    round = factory.SubFactory(RoundFactory, state="published")
    number = 1
    run_id = factory.LazyAttribute(lambda row: RunFactory(round=row.round).id)
    published_utc = factory.LazyFunction(now_utc)


class PublicationLineFactory(Rows):
    """A learner placed in a department; with `state="unplaced"`, in none."""

    class Meta:
        model = PublicationLine

    class Params:
        of_hei = factory.SubFactory(HeiFactory)
        at = factory.LazyAttribute(lambda row: DepartmentFactory() if row.state != "unplaced" else None)

    publication = factory.SubFactory(PublicationFactory)
    # Far from the ids of real requirements, whose lines may stand in the same publication.
    requirement_id = factory.Sequence(lambda n: 1_000_000 + n)
    state = "placed"
    hei_id = factory.LazyAttribute(lambda row: row.of_hei.id)
    hei = factory.LazyAttribute(lambda row: row.of_hei.name)
    programme = "BSc (Hons) Diagnostic Radiography"
    stage = "Year 2"
    learner_reference = factory.Sequence(lambda n: f"L{n:04d}")
    record_id = None
    block = "Block 1"
    first_week = date(2027, 1, 4)
    weeks = 4
    department_id = factory.LazyAttribute(lambda row: row.at.id if row.at else None)
    trust_id = factory.LazyAttribute(lambda row: row.at.site.trust_id if row.at else None)
    trust = factory.LazyAttribute(lambda row: row.at.site.trust.name if row.at else None)
    site = factory.LazyAttribute(lambda row: row.at.site.name if row.at else None)
    site_postcode = factory.LazyAttribute(lambda row: row.at.site.postcode if row.at else None)
    modality = factory.LazyAttribute(lambda row: row.at.modality.name if row.at else "X-ray")
    travel_minutes = factory.LazyAttribute(lambda row: 25 if row.at else None)
    reason = factory.LazyAttribute(lambda row: None if row.at else "No site in this round has the modality.")


class AppealFactory(Rows):
    """Lodged by the learner against a place of the first version, to be placed anywhere else."""

    class Meta:
        model = Appeal

    requirement = factory.SubFactory(RequirementFactory)
    round_id = factory.LazyAttribute(lambda row: row.requirement.learner.round_id)
    publication_number = 1
    lodged_utc = factory.LazyFunction(now_utc)
    grounds = "travel"
    statement = "I cannot be home in time."
    wants = "elsewhere"


class AppealEvidenceFactory(Rows):
    """A small PDF."""

    class Meta:
        model = AppealEvidence

    appeal = factory.SubFactory(AppealFactory)
    file_name = "timetable.pdf"
    media_type = "application/pdf"
    data = b"%PDF-1.4 a bus timetable"
    given_utc = factory.LazyFunction(now_utc)


class ReturnedPlaceFactory(Rows):
    """Given back at the freeze by a learner of whom a check was missing."""

    class Meta:
        model = ReturnedPlace

    requirement = factory.SubFactory(RequirementFactory)
    round_id = factory.LazyAttribute(lambda row: row.requirement.learner.round_id)
    department = factory.SubFactory(DepartmentFactory)
    first_week = date(2027, 1, 4)
    missing = "Occupational health"
    returned_utc = factory.LazyFunction(now_utc)


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
        lambda row: TrustFactory().id if row.role in ("practice_educator", "trust_education_lead") else None
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
