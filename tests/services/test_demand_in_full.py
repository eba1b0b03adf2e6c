"""The match obeys what a learner's plan, constraints and absences say, each shown in a run of its own;
floating rotations through to the published line."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from placements import tasks
from placements.access import Role
from placements.allocations.models import PublicationLine
from placements.allocations.service import adopt_run, publish_round
from placements.clock import now_utc
from placements.cohorts.models import Companions, EarlierSite, Interruption, Requirement
from placements.cohorts.service import submit_cohort
from placements.extensions import db
from placements.organisations.models import AccessNeed
from placements.rounds.models import PlanLine, Rotation, StagePlan
from placements.scenarios import service, solving
from placements.scenarios.feasibility import feasibility
from placements.scenarios.models import Placing, Run, Scenario
from tests.factories import (
    DeclarationFactory,
    DepartmentFactory,
    ModalityFactory,
    PlanLineFactory,
    RequirementFactory,
    SiteFactory,
    TrustFactory,
    saved,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round


@pytest.fixture(autouse=True)
def no_worker(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are performed by the tests themselves."""
    monkeypatch.setattr(tasks, "_queue", lambda name, arguments: None)


def run(session: Session, region: SmallRound) -> Run:
    session.commit()
    run_id = service.start_run(region.lead, region.round.id).id
    solving.perform_run(run_id)
    session.expire_all()
    found = session.get_one(Run, run_id)
    assert found.state == "finished", found.message
    return found


def sites(session: Session, region: SmallRound) -> dict[str, list[int | None]]:
    """Where a run puts each learner, by reference: indices of the region's two departments, None for no
    place."""
    found: dict[str, list[int | None]] = {}
    for placing in session.scalars(
        select(Placing).where(Placing.run_id == run(session, region).id).order_by(Placing.requirement_id)
    ):
        at = {department.id: i for i, department in enumerate(region.departments)}.get(
            placing.department_id or 0
        )
        found.setdefault(placing.requirement.learner.reference, []).append(at)
    return found


def second_block(region: SmallRound) -> PlanLine:
    """Every learner needs the first of the later blocks too."""
    first = region.learners[0].requirements[0].plan_line
    assert first is not None
    made: PlanLine = PlanLineFactory(
        block=region.later[0],
        programme=first.programme,
        stage=first.stage,
        modalities=list(first.modalities),
    )
    for learner in region.learners:
        RequirementFactory(learner=learner, plan_line=made, block=made.block)
    saved()
    return made


# -- rotations ------------------------------------------------------------


def floating(region: SmallRound, modalities: list[list[str]]) -> Rotation:
    """Every learner needs these modalities over the later blocks in any order, and nothing else."""
    first = region.learners[0].requirements[0].plan_line
    assert first is not None
    rotation = Rotation(
        round=region.round,
        programme=first.programme,
        stage=first.stage,
        name="First year",
        blocks=list(region.later),
    )
    db.session.add(rotation)
    for keys in modalities:
        line = PlanLine(
            rotation=rotation,
            programme=first.programme,
            stage=first.stage,
            modalities=[ModalityFactory(key=key) for key in keys],
        )
        for learner in region.learners:
            learner.requirements.append(Requirement(plan_line=line))
    for learner in region.learners:
        learner.requirements[0].state = "exempt"
    saved()
    return rotation


def test_a_rotation_is_published_with_the_block_that_each_requirement_took(session: Session) -> None:
    region = small_round(learners=2, places=(1, 1), later=2)
    mri = ModalityFactory(key="mri")
    only = DepartmentFactory(site=SiteFactory(trust=region.trusts[0], postcode="B15 2GW"), modality=mri)
    rotation = floating(region, [["xray"], ["mri"]])
    # One MRI place at a time, so that the two learners have to take the blocks in opposite order.
    DeclarationFactory(round=region.round, department=only, preferred=1, maximum=1)
    cohort = region.learners[0].cohort
    cohort.state = "draft"
    saved()
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    (xray, wanted_mri) = sorted(
        feasibility(session, officer, cohort.id).blocks, key=lambda line: line.modalities != "X-ray"
    )
    assert xray.floats
    assert (wanted_mri.own.wanted, wanted_mri.own.short) == (2, 0)
    submit_cohort(officer, cohort.id, version=cohort.version)

    found = run(session, region)
    assert (found.summary["placed"], found.summary["requirements"]) == (4, 4)
    adopt_run(region.lead, found.id)
    publication = publish_round(region.lead, region.round.id, version=region.round.version)
    lines = session.scalars(
        select(PublicationLine).where(PublicationLine.publication_id == publication.id)
    ).all()
    assert {line.state for line in lines} == {"placed"}
    names = {block.name: block.first_week for block in rotation.blocks}
    taken: dict[str, dict[str, str]] = {}
    for line in lines:
        assert line.first_week == names[line.block]
        taken.setdefault(line.learner_reference, {})[line.modality or ""] = line.block
    one, other = taken.values()
    assert len(set(one.values())) == len(set(other.values())) == 2
    in_mri = [
        next(block for modality, block in those.items() if "X" not in modality) for those in (one, other)
    ]
    assert len(set(in_mri)) == 2


def test_a_rotation_with_more_requirements_than_blocks_leaves_some_over(session: Session) -> None:
    region = small_round(learners=1, places=(2, 2), later=2)
    floating(region, [["xray"], ["xray"], ["xray"]])
    found = run(session, region)
    assert (found.summary["placed"], found.summary["requirements"]) == (2, 3)
    taken = [
        placing.block_id
        for placing in session.scalars(select(Placing).where(Placing.run_id == found.id))
        if placing.department_id
    ]
    assert len(set(taken)) == 2


# -- employers, days, needs ------------------------------------------------------------


def test_an_apprentice_goes_elsewhere_only_when_released(session: Session) -> None:
    region = small_round(learners=2, places=(1, 1))
    for learner in region.learners:
        learner.employer = region.trusts[0]
    assert sorted(sites(session, region).values(), key=str) == [[0], [None]]
    region.learners[1].released = True
    assert sorted(sites(session, region).values()) == [[0], [1]]
    assert sites(session, region)[region.learners[0].reference] == [0]


def test_staying_with_the_hub_changes_where_a_learner_goes(session: Session) -> None:
    region = small_round(learners=1, places=(1, 1))
    (learner,) = region.learners
    (nearer,) = sites(session, region)[learner.reference]
    assert nearer is not None
    learner.hub = region.trusts[1 - nearer]
    # A hub alone asks for nothing: the scenario does.
    assert sites(session, region)[learner.reference] == [nearer]
    scenario = session.scalars(select(Scenario).where(Scenario.round_id == region.round.id)).one()
    scenario.policy = matching.Policy(tiers=({"continuity": 1}, {"travel": 1})).to_json()
    assert sites(session, region)[learner.reference] == [1 - nearer]
    # A trust that has no site here is nobody's way of staying, and no fault.
    learner.hub = TrustFactory(icb=region.trusts[0].icb)
    assert sites(session, region)[learner.reference] == [nearer]


def test_an_employer_with_no_site_here_leaves_no_place_to_a_learner_who_is_not_released(
    session: Session,
) -> None:
    region = small_round(learners=2, places=(2, 2))
    region.learners[0].employer = TrustFactory(icb=region.trusts[0].icb)
    found = sites(session, region)
    assert found[region.learners[0].reference] == [None]
    assert found[region.learners[1].reference] != [None]


def test_part_time_learners_take_their_share_of_the_supervision(session: Session) -> None:
    # At half a WTE each, one WTE takes two full-time learners, and five who come on two days of five.
    region = small_round(learners=3, places=(0, 4), wte=Decimal(1))
    assert sorted(sites(session, region).values(), key=str) == [[1], [1], [None]]
    region.learners[0].weekdays = "12"
    region.learners[1].weekdays = "34"
    assert list(sites(session, region).values()) == [[1], [1], [1]]


def test_a_site_that_does_not_meet_an_access_need_is_ruled_out(session: Session) -> None:
    region = small_round(learners=2, places=(2, 1))
    need = AccessNeed(key="step_free", name="Step-free access")
    region.departments[1].site.meets = [need]
    for learner in region.learners:
        learner.access_needs = [need]
    assert sorted(sites(session, region).values(), key=str) == [[1], [None]]


# -- companions, beds, variety ------------------------------------------------------------


def test_learners_go_together_or_apart(session: Session) -> None:
    region = small_round(learners=2, places=(2, 2))
    pair = Companions(
        round_id=region.round.id, hei_id=region.hei.id, kind="together", learners=list(region.learners)
    )
    session.add(pair)
    one, other = sites(session, region).values()
    assert one == other
    pair.kind = "apart"
    one, other = sites(session, region).values()
    assert one != other


def test_who_would_take_a_bed_goes_beyond_the_limit_where_there_is_one(session: Session) -> None:
    region = small_round(learners=2, places=(2, 2))
    for learner in region.learners:
        learner.travel_limit_minutes = 1
        learner.accommodation = True
    assert list(sites(session, region).values()) == [[None], [None]]
    region.departments[1].site.beds = 1
    assert sorted(sites(session, region).values(), key=str) == [[1], [None]]


def test_variety_counts_this_round_and_sites_before_it(session: Session) -> None:
    region = small_round(learners=1, places=(1, 1), later=1)
    line = second_block(region)
    plan = StagePlan(
        round_id=region.round.id, programme_id=line.programme_id, stage_id=line.stage_id, different_sites=2
    )
    session.add(plan)
    (both,) = sites(session, region).values()
    assert sorted(both, key=str) == [0, 1]
    plan.different_sites, plan.site_repeats = None, 1
    session.add(EarlierSite(record_id=region.learners[0].record_id, site_id=region.departments[0].site_id))
    (both,) = sites(session, region).values()
    assert sorted(both, key=str) == [1, None]


# -- exceptions ------------------------------------------------------------


def test_an_exempt_requirement_is_not_asked_for(session: Session) -> None:
    region = small_round(learners=2, places=(1, 1))
    region.learners[0].requirements[0].state = "exempt"
    assert list(sites(session, region)) == [region.learners[1].reference]


def test_a_requirement_of_a_learners_own_is_placed_beside_the_plans(session: Session) -> None:
    region = small_round(learners=1, places=(1, 1), later=1)
    mri = ModalityFactory(key="mri")
    only = DepartmentFactory(site=SiteFactory(trust=region.trusts[0], postcode="B15 2GW"), modality=mri)
    DeclarationFactory(round=region.round, department=only)
    own = Requirement(block=region.later[0], own_modalities=[mri], reason="Elective")
    region.learners[0].requirements.append(own)
    found = run(session, region)
    placings = session.scalars(select(Placing).where(Placing.run_id == found.id)).all()
    placed = {placing.requirement_id: placing.department_id for placing in placings}
    assert len(placed) == 2
    assert placed[own.id] == only.id


def test_nobody_is_placed_in_weeks_of_their_absence(session: Session) -> None:
    region = small_round(learners=3, places=(2, 2))
    gone, away, back = region.learners
    first = region.block.first_week
    for learner, kind, last in (
        (gone, "withdrawn", None),
        (away, "suspended", region.block.mondays()[1]),
        (back, "suspended", date(2026, 12, 1)),
    ):
        learner.interruptions.append(
            Interruption(
                kind=kind,
                first_day=first if learner is not back else date(2026, 11, 1),
                last_day=last,
                recorded_utc=now_utc(),
            )
        )
    assert list(sites(session, region)) == [back.reference]


def test_a_late_joiner_needs_only_blocks_after_their_first_day(session: Session) -> None:
    region = small_round(learners=1, places=(1, 1), later=1)
    later = second_block(region)
    region.learners[0].available_from = later.block.first_week if later.block else None
    found = run(session, region)
    (placing,) = session.scalars(select(Placing).where(Placing.run_id == found.id))
    assert placing.block_id == later.block_id
