"""What a cohort can expect before the match: sites within reach, blocks that are short, who may see what."""

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

import matching
from placements.access import Role, Viewer
from placements.allocations.service import adopt_run
from placements.capacity.models import DeclarationRecord
from placements.cohorts.models import Learner
from placements.errors import NotFound
from placements.scenarios.feasibility import UNDECLARED, Feasibility, feasibility
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.factories import (
    CohortFactory,
    DeclarationFactory,
    DepartmentFactory,
    HeiFactory,
    LearnerFactory,
    ModalityFactory,
    ProgrammeFactory,
    RequirementFactory,
    ScenarioFactory,
    SiteFactory,
    StageFactory,
    saved,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round


def officer(region: SmallRound) -> Viewer:
    return viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id)


def picture(session: Session, region: SmallRound, viewer: Viewer | None = None) -> Feasibility:
    session.expire_all()
    return feasibility(session, viewer or officer(region), region.learners[0].cohort_id)


def another_cohort(region: SmallRound, state: str, learners: int = 1) -> None:
    """Of another HEI, needing the same block and modality."""
    line = region.learners[0].requirements[0].plan_line
    programme = ProgrammeFactory(hei=HeiFactory(), learner_group=line.programme.learner_group)
    cohort = CohortFactory(round=region.round, programme=programme, stage=line.stage, state=state)
    for _ in range(learners):
        RequirementFactory(learner=LearnerFactory(cohort=cohort), plan_line=line, block=region.block)
    saved()


def test_learners_with_no_site_come_first_and_are_told_why(session: Session) -> None:
    region = small_round(learners=3, places=(1, 1))
    stuck, one = region.learners[2], region.learners[1]
    stuck.travel_limit_minutes = 1
    one.employer = region.trusts[0]
    session.commit()
    found = picture(session, region)
    assert [(line.reference, line.fewest) for line in found.learners] == [
        (stuck.reference, 0),
        (one.reference, 1),
        (region.learners[0].reference, 2),
    ]
    assert [(out.rule, out.words) for out in found.learners[0].needs[0].out] == [
        ("travel_limit", "2 are beyond the travel limit")
    ]
    (within,) = found.learners[1].needs[0].within
    assert within.name == region.departments[0].site.name
    assert 0 < within.minutes < 90
    assert [out.words for out in found.learners[1].needs[0].out] == [
        "1 belongs to a trust that does not employ the learner"
    ]
    assert [len(found.with_sites(*span)) for span in ((0, 0), (1, 1), (2, 3))] == [1, 1, 1]


def test_a_block_is_short_by_what_does_not_fit(session: Session) -> None:
    region = small_round(learners=3, places=(1, 1))
    (line,) = picture(session, region).blocks
    assert (line.name, line.floats) == (region.block.name, False)
    assert (line.own.wanted, line.own.most, line.own.short, line.own.exact) == (3, 2, 1, True)
    assert (line.everyone.wanted, line.everyone.short) == (3, 1)


def test_submitted_cohorts_of_others_count_and_drafts_do_not(session: Session) -> None:
    region = small_round(learners=1, places=(1, 1))
    another_cohort(region, "draft", 2)
    assert picture(session, region).short == []
    another_cohort(region, "submitted", 2)
    (line,) = picture(session, region).blocks
    assert (line.own.short, line.everyone.wanted, line.everyone.short) == (0, 3, 1)


def test_an_own_draft_counts_as_if_it_were_submitted(session: Session) -> None:
    region = small_round(learners=3, places=(1, 1))
    region.learners[0].cohort.state = "draft"
    session.commit()
    found = picture(session, region)
    assert (found.drafts, found.approved) == (0, 2)
    assert found.blocks[0].everyone.short == 1


def test_a_site_that_has_not_declared_is_told_apart_from_one_without_the_modality(session: Session) -> None:
    region = small_round(learners=1, places=(1, 1))
    silent = DepartmentFactory(
        site=SiteFactory(trust=region.trusts[0], postcode="B15 2GW"), modality=region.departments[0].modality
    )
    other = DepartmentFactory(
        site=SiteFactory(trust=region.trusts[0], postcode="B15 2GW"), modality=ModalityFactory(key="ct")
    )
    DeclarationFactory(round=region.round, department=other)
    saved()
    found = picture(session, region)
    told = {out.rule: list(out.sites) for out in found.learners[0].needs[0].out}
    assert told == {UNDECLARED: [silent.site.name], "modality_fit": [other.site.name]}
    assert (found.approved, found.departments) == (3, 4)


def near_only() -> str:
    """A policy by which nobody travels further than a minute."""
    return matching.Policy(travel_limit={"car": 1, "public_transport": 2}).to_json()


def test_it_goes_by_the_policy_that_the_round_has_and_says_which(session: Session) -> None:
    region = small_round(learners=1)
    assert [line.sites for line in picture(session, region).learners] == [2]
    assert picture(session, region).policy == (
        "the usual policy, as the academy has set none for this round: at most 90 minutes by car and 90"
        " minutes by public transport, one way"
    )
    own = ScenarioFactory(round=region.round, name="Near Keele", policy=near_only(), is_default=True)
    saved()
    assert [line.sites for line in picture(session, region).learners] == [0]
    assert picture(session, region).policy == (
        "the round’s own policy: at most 1 minute by car and 2 minutes by public transport, one way"
    )
    own.policy = matching.Policy().to_json()
    session.commit()
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    adopt_run(region.lead, run_id)
    own.policy = near_only()
    session.commit()
    assert [line.sites for line in picture(session, region).learners] == [2]
    assert picture(session, region).policy.startswith("the policy of the match that was adopted: at most 90")
    # What the academy calls its scenarios is not for others to read.
    told = picture(session, region, region.lead).policy
    assert told.startswith("the policy of the match that was adopted (scenario “Near Keele”): at most 90")


def test_only_the_academy_is_told_which_departments_are_full(session: Session) -> None:
    region = small_round(learners=3, places=(1, 1))
    assert picture(session, region).blocks[0].everyone.full == ()
    full = picture(session, region, region.lead).blocks[0].everyone.full
    assert full == sorted(department.name for department in region.departments)


def test_without_learners_or_approved_places_it_says_so(session: Session) -> None:
    region = small_round(learners=1)
    empty = CohortFactory(
        round=region.round, programme=region.learners[0].cohort.programme, stage=StageFactory()
    )
    saved()
    assert "no learners" in feasibility(session, officer(region), empty.id).problem
    session.execute(delete(DeclarationRecord))
    session.commit()
    assert "No department has approved places" in picture(session, region).problem


def test_what_is_wrong_with_another_heis_learner_is_not_told_to_an_officer(session: Session) -> None:
    region = small_round(learners=1)
    another_cohort(region, "submitted")
    session.execute(update(Learner).where(Learner.hei_id != region.hei.id).values(postcode="ZZ1 1ZZ"))
    session.commit()
    assert "ZZ1" not in picture(session, region).problem
    assert "could not be run" in picture(session, region).problem
    assert "ZZ1 1ZZ" in picture(session, region, region.lead).problem


def test_nobody_sees_the_picture_of_another_hei(session: Session) -> None:
    region = small_round()
    with pytest.raises(NotFound):
        picture(session, region, viewer_as(Role.PLACEMENT_OFFICER, hei_id=HeiFactory().id))
    with pytest.raises(NotFound):
        picture(session, region, viewer_as(Role.PRACTICE_EDUCATOR, trust_id=region.trusts[0].id))
