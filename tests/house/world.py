"""Two networks with everything in them, so that each role can be refused what belongs to others.

The people who walk belong to one trust, one HEI and one network: their rows are their own. A sibling's row
belongs to another trust or HEI of the same network, a foreign row to another network. Made through the
services, as people would make them.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from placements.access import Role
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.allocations.models import Publication
from placements.allocations.service import adopt_run, publish_round
from placements.capacity.downloads import declarations_csv
from placements.capacity.receiving import directory, upload_declarations
from placements.clock import now_utc, today
from placements.cohorts.models import Cohort, Learner, Requirement
from placements.cohorts.service import receive_upload
from placements.educators.models import Absence, EducatorDepartment
from placements.extensions import db
from placements.mail.models import Message
from placements.organisations.models import Department, Hei, Icb, LearnerGroup, Site, Trust
from placements.rounds.models import Block, Round
from placements.scenarios.locks import save_lock
from placements.scenarios.models import Placing, Run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.factories import (
    AgreementFactory,
    AppealEvidenceFactory,
    BlockFactory,
    CheckKindFactory,
    CohortFactory,
    CompanionsFactory,
    DeclarationFactory,
    DepartmentFactory,
    EducatorFactory,
    HeiFactory,
    IcbFactory,
    InterruptionFactory,
    InvitationFactory,
    LearnerFactory,
    LearnerGroupFactory,
    LearnerLinkFactory,
    ModalityFactory,
    NetworkFactory,
    PersonFactory,
    PlanLineFactory,
    ProgrammeFactory,
    ProposalFactory,
    PublicationLineFactory,
    RequirementFactory,
    ReturnedPlaceFactory,
    RoundFactory,
    SiteFactory,
    StageFactory,
    SupervisionWeightFactory,
    TrustFactory,
    saved,
)

# Opens the page of the walkers' own site, and that of their HEI's learner.
SECRET = "walkers-own-secret"
COHORT_FILE = b"Reference,Postcode,Travel mode\nA-1,B15 3TN,car\n"


@dataclass(frozen=True)
class World:
    """Ids by the name that an address gives them (`round_id`), of own, sibling and foreign rows.

    A name is missing from `sibling` where the whole network shares the row; `academy` has the rows of the
    academy's own centre. `sessions` are the walkers'
    session keys by role.
    """

    own: dict[str, int]
    sibling: dict[str, int]
    foreign: dict[str, int]
    academy: dict[str, int]
    sessions: dict[Role, str]


def make_world() -> World:
    """Fill the database of the application whose context is entered."""
    SupervisionWeightFactory()
    own, sibling, academy, walkers = _make_network("Walkers' Network", "QWA")
    foreign, _, _, _ = _make_network("Foreign Network", "QFO")
    sessions = {Role(person.role): f"{person.id}.{person.session_key}" for person in walkers}
    return World(own, sibling, foreign, academy, sessions)


def _make_network(name: str, ods: str) -> tuple[dict[str, int], dict[str, int], dict[str, int], list[Person]]:
    network_id = NetworkFactory(name=name).id
    icb = IcbFactory(ods=ods, name=f"{name} ICB", network_id=network_id)
    trusts = [TrustFactory(icb=icb), TrustFactory(icb=icb)]
    heis = [HeiFactory(network_id=network_id), HeiFactory(network_id=network_id)]
    people = [
        PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=heis[0].id),
        PersonFactory(role=Role.PRACTICE_EDUCATOR.value, trust_id=trusts[0].id),
        PersonFactory(role=Role.ACADEMY_LEAD.value, network_id=network_id),
        PersonFactory(role=Role.TRUST_EDUCATION_LEAD.value, trust_id=trusts[0].id),
        PersonFactory(role=Role.ADMINISTRATOR.value, network_id=network_id),
    ]
    officers = [people[0], PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=heis[1].id)]
    educators = [people[1], PersonFactory(role=Role.PRACTICE_EDUCATOR.value, trust_id=trusts[1].id)]
    round_ = RoundFactory(network_id=network_id)
    block = BlockFactory(round=round_)
    departments = [_make_department(round_, trust) for trust in trusts]
    academy = {"department_id": _make_department(round_, trusts[1], kind="academy")}
    academy |= _make_educator(academy["department_id"], network_id=network_id)
    # Stages belong to no network: a foreign one is of another learner group.
    group = LearnerGroupFactory(key=f"group_{ods.lower()}", name=f"Group {ods}")
    SupervisionWeightFactory(learner_group_id=group.id)
    submitted = [_make_cohort(round_, block, hei, group) for hei in heis]
    # One check is the network's, which the academy changes, and one each HEI's own; none holds a place back.
    academy |= {"check_kind_id": _make_check_kind(network_id)}
    saved()
    academy |= _make_declaration_upload(round_, people[2])
    uploads = [
        receive_upload(
            viewer_of(officer),
            round_.id,
            **cohort,
            intake="2026",
            filename="cohort.csv",
            data=COHORT_FILE,
            is_located=lambda _: True,
        ).id
        for officer, (_, cohort) in zip(officers, submitted, strict=True)
    ]
    run_id = _make_publication(round_, people[2])
    placing_id = db.session.scalars(select(Placing.id).where(Placing.run_id == run_id)).first() or 0
    publication = publish_round(viewer_of(people[2]), round_.id, version=round_.version)
    learners = [
        db.session.scalars(select(Learner).filter_by(cohort_id=cohort_id)).one() for cohort_id, _ in submitted
    ]
    shared = {
        "round_id": round_.id,
        "block_id": block.id,
        "run_id": run_id,
        "scenario_id": db.session.get_one(Run, run_id).scenario_id,
        "lock_id": _make_lock(round_, people[2]),
        "placing_id": placing_id,
        "publication_id": publication.id,
        "message_id": _make_message(network_id),
        "returned_id": _make_returned_place(round_, learners[0]),
    }
    of_an_organisation = [
        {
            "department_id": departments[which],
            "trust_id": trusts[which].id,
            "site_id": db.session.get_one(Department, departments[which]).site_id,
            "cohort_id": submitted[which][0],
            **submitted[which][1],
            "upload_id": uploads[which],
            "check_kind_id": _make_check_kind(network_id, hei_id=heis[which].id),
            "person_id": educators[which].id,
            **_make_days_away(learners[which]),
            **_make_own_page(
                learners[which],
                publication,
                db.session.get_one(Department, departments[which]),
                SECRET if ods == "QWA" and which == 0 else f"learner-of-{ods}-{which}",
            ),
            "agreement_id": AgreementFactory(hei=heis[which], trust=trusts[which]).id,
            **_make_declaration_upload(round_, educators[which]),
            **_make_educator(departments[which], trust_id=trusts[which].id),
            "invitation_id": _make_invitation(
                round_, departments[which], educators[which], SECRET if ods == "QWA" and which == 0 else ""
            ),
        }
        for which in (0, 1)
    ]
    return shared | of_an_organisation[0], of_an_organisation[1], academy, people


def _make_department(round_: Round, trust: Trust, kind: str = "acute") -> int:
    department = DepartmentFactory(site=SiteFactory(trust=trust, kind=kind))
    DeclarationFactory(round=round_, department=department)
    department_id: int = department.id
    return department_id


def _make_educator(department_id: int, **of: int) -> dict[str, int]:
    """A practice educator of a department, with a day away."""
    row = EducatorFactory(
        departments=[EducatorDepartment(department_id=department_id)],
        absences=[Absence(first_day=date(2027, 1, 5), last_day=date(2027, 1, 5))],
        **of,
    )
    saved()
    return {"educator_id": row.id, "absence_id": row.absences[0].id}


def _make_declaration_upload(round_: Round, person: Person) -> dict[str, int]:
    """What is declared, as a file that waits for a yes."""
    viewer = viewer_of(person)
    data = declarations_csv(directory(db.session, viewer, round_))
    upload = upload_declarations(viewer, round_.id, filename="declarations.csv", data=data)
    return {"declaration_upload_id": upload.id}


def _make_invitation(round_: Round, department_id: int, person: Person, secret: str) -> int:
    """A private link to a department's site."""
    row = InvitationFactory(
        round=round_,
        site=db.session.get_one(Department, department_id).site,
        created_by=person,
        **({"secret": secret} if secret else {}),
    )
    saved()
    invitation_id: int = row.id
    return invitation_id


def _make_own_page(
    learner: Learner, publication: Publication, department: Department, secret: str
) -> dict[str, int]:
    """A learner's private link, and a placement of theirs that began last week and is still proposed."""
    last_monday = today() - timedelta(days=today().weekday() + 7)
    link = LearnerLinkFactory(learner=learner, secret=secret)
    begun = BlockFactory(round=publication.round, name=f"Begun {learner.id}", first_week=last_monday)
    requirement = RequirementFactory(
        learner=learner, plan_line=None, block=begun, own_modalities=[ModalityFactory()]
    )
    saved()
    line = PublicationLineFactory(
        publication=publication,
        requirement_id=requirement.id,
        record_id=learner.record_id,
        of_hei=learner.hei,
        at=department,
        first_week=last_monday,
    )
    saved()
    evidence = AppealEvidenceFactory(appeal__requirement=requirement)
    proposal = ProposalFactory(requirement=requirement, department=department, state="asked")
    saved()
    return {
        "learner_id": learner.id,
        "link_id": link.id,
        "requirement_id": line.requirement_id,
        "appeal_id": evidence.appeal_id,
        "evidence_id": evidence.id,
        "proposal_id": proposal.id,
    }


def _make_check_kind(network_id: int, **of: int) -> int:
    kind = CheckKindFactory(network_id=network_id, effect="warns", **of)
    saved()
    kind_id: int = kind.id
    return kind_id


def _make_returned_place(round_: Round, learner: Learner) -> int:
    """A place given back by a learner who is clear again."""
    needed = db.session.scalars(select(Requirement).where(Requirement.learner_id == learner.id)).first()
    row = ReturnedPlaceFactory(requirement=needed, round_id=round_.id)
    saved()
    returned_id: int = row.id
    return returned_id


def _make_message(network_id: int) -> int:
    """An e-mail that was given up."""
    message = Message(
        key=f"house:{network_id}",
        to="somebody@example.nhs.uk",
        subject="",
        body="",
        network_id=network_id,
        queued_utc=now_utc(),
    )
    db.session.add(message)
    saved()
    return message.id


def _make_cohort(round_: Round, block: Block, hei: Hei, group: LearnerGroup) -> tuple[int, dict[str, Any]]:
    programme = ProgrammeFactory(hei=hei, learner_group=group)
    stage = StageFactory(learner_group=programme.learner_group)
    line = PlanLineFactory(block=block, programme=programme, stage=stage)
    cohort = CohortFactory(round=round_, programme=programme, stage=stage)
    RequirementFactory(learner=LearnerFactory(cohort=cohort), plan_line=line, block=block)
    return cohort.id, {"programme_id": programme.id, "stage_id": stage.id}


def _make_days_away(learner: Learner) -> dict[str, int]:
    """Days on which a learner is away, and somebody to go with."""
    away = InterruptionFactory(learner=learner, first_day=date(2028, 1, 5), last_day=date(2028, 1, 6))
    group = CompanionsFactory(learners=[learner, LearnerFactory(cohort=learner.cohort)])
    saved()
    return {"interruption_id": away.id, "companions_id": group.id}


def _make_lock(round_: Round, lead: Person) -> int:
    """A learner banned from a site."""
    requirement = db.session.scalars(
        select(Requirement).join(Requirement.learner).join(Learner.cohort).where(Cohort.round_id == round_.id)
    ).first()
    site = db.session.scalars(
        select(Site).join(Site.trust).join(Trust.icb).where(Icb.network_id == round_.network_id)
    ).first()
    assert requirement is not None
    assert site is not None
    return save_lock(
        viewer_of(lead),
        round_id=round_.id,
        scenario_id=None,
        requirement_id=requirement.id,
        kind="ban",
        site_id=site.id,
        reason="To be asked for",
    ).id


def _make_publication(round_: Round, lead: Person) -> int:
    """A finished run that was adopted."""
    run_id = start_run(viewer_of(lead), round_.id).id
    perform_run(run_id)
    db.session.expire_all()
    run = db.session.get_one(Run, run_id)
    assert run.state == "finished", run.message
    adopt_run(viewer_of(lead), run_id)
    return run_id
