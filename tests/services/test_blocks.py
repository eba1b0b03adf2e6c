"""Blocks that an HEI needs, programmes of its own, and what is done to several learners at once."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.cohorts import several
from placements.cohorts.demand import demand
from placements.cohorts.models import Cohort, Requirement
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.organisations.models import Programme
from placements.plans import blocks, programmes, queries, service
from placements.plans.blocks import BlockDetails
from placements.plans.content import PlanContent, PlannedPlace, PlannedRotation
from placements.rounds.models import Block, Round
from placements.rounds.queries import plan, rotations, stage_plans
from placements.rounds.service import RoundCopy, copy_round
from tests.factories import (
    BlockFactory,
    CohortFactory,
    HeiFactory,
    LearnerFactory,
    LearnerGroupFactory,
    ModalityFactory,
    PlanLineFactory,
    ProgrammeFactory,
    RoundFactory,
    StageFactory,
    TrustFactory,
    saved,
    viewer_as,
)

OWN = BlockDetails("Own block", date(2027, 3, 1), 3)


@pytest.fixture
def cohort(session: Session) -> Cohort:
    """A submitted cohort of one learner in a round with two blocks that nobody has planned for."""
    round_ = RoundFactory()
    BlockFactory(round=round_, name="Block 1")
    BlockFactory(round=round_, name="Block 2", first_week=date(2027, 2, 1))
    programme = ProgrammeFactory()
    stage = StageFactory(learner_group=programme.learner_group)
    found: Cohort = CohortFactory(round=round_, programme=programme, stage=stage)
    LearnerFactory(cohort=found, reference="L1")
    ModalityFactory(key="xray")
    saved()
    return found


@pytest.fixture
def officer(cohort: Cohort) -> Viewer:
    return viewer_as(Role.PLACEMENT_OFFICER, hei_id=cohort.programme.hei_id)


def plan_in(officer: Viewer, cohort: Cohort, block: Block, **place: object) -> None:
    """Every learner of the cohort needs X-ray in this block."""
    content = PlanContent(((block.id, PlannedPlace(("xray",), **place)),))  # type: ignore[arg-type]
    service.save_plan(officer, cohort.round_id, cohort.programme_id, cohort.stage_id, content, version=0)


def test_a_block_is_added_once_and_changed_by_whoever_read_the_newest(
    cohort: Cohort, officer: Viewer, session: Session
) -> None:
    block = blocks.create_block(officer, cohort.round_id, OWN)
    assert blocks.create_block(officer, cohort.round_id, replace(OWN, name=" Own  block")).id == block.id
    assert session.scalar(select(func.count()).select_from(Block)) == 3
    version = block.version
    changed = blocks.change_block(
        officer, cohort.round_id, block.id, replace(OWN, name="March", weeks=4), version=version
    )
    assert (changed.name, changed.weeks) == ("March", 4)
    with pytest.raises(Stale):
        blocks.change_block(officer, cohort.round_id, block.id, OWN, version=version)
    with pytest.raises(Stale):
        blocks.remove_block(officer, cohort.round_id, block.id, version=version)
    assert blocks.remove_block(officer, cohort.round_id, block.id, version=changed.version) == "March"
    with pytest.raises(NotFound):
        blocks.block_by_id(session, officer, cohort.round_id, block.id)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "block 1"}, "name"),
        ({"first_week": date(2027, 3, 2)}, "first_week"),
        ({"first_week": date(2026, 12, 28)}, "first_week"),
        ({"weeks": 6}, "first_week"),
        ({"weeks": 0}, "weeks"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused_by_field(
    cohort: Cohort, officer: Viewer, session: Session, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        blocks.create_block(officer, cohort.round_id, replace(OWN, **changes))  # type: ignore[arg-type]
    assert set(refusal.value.fields) == {field}
    assert session.scalar(select(func.count()).select_from(Block)) == 2


def test_a_block_of_others_stays(cohort: Cohort, officer: Viewer, session: Session) -> None:
    block = cohort.round.blocks[0]
    other = ProgrammeFactory(hei=HeiFactory(name="Other University"))
    PlanLineFactory(block=block, programme=other, stage=StageFactory(learner_group=other.learner_group))
    saved()
    for act in (
        lambda: blocks.change_block(officer, cohort.round_id, block.id, OWN, version=block.version),
        lambda: blocks.remove_block(officer, cohort.round_id, block.id, version=block.version),
    ):
        with pytest.raises(Refused, match="stands in plans of Other University"):
            act()
    lead = viewer_as(Role.ACADEMY_LEAD)
    with pytest.raises(Refused, match="Take it out of them first"):
        blocks.remove_block(lead, cohort.round_id, block.id, version=block.version)
    assert blocks.change_block(
        lead, cohort.round_id, block.id, replace(OWN, name="Moved"), version=block.version
    )


def test_a_block_in_which_learners_need_a_place_stays(
    cohort: Cohort, officer: Viewer, session: Session
) -> None:
    block = cohort.round.blocks[0]
    plan_in(officer, cohort, block)
    for who in (officer, viewer_as(Role.ACADEMY_LEAD)):
        with pytest.raises(Refused, match="1 learner needs a place in Block 1"):
            blocks.remove_block(who, cohort.round_id, block.id, version=block.version)


def test_a_moved_block_asks_those_who_are_there_by_then(
    cohort: Cohort, officer: Viewer, session: Session
) -> None:
    learner = cohort.learners[0]
    learner.available_from = date(2027, 2, 15)
    saved()
    block = cohort.round.blocks[0]
    plan_in(officer, cohort, block, weeks=3)
    cohort.state = "submitted"
    saved()
    assert session.scalar(select(func.count()).select_from(Requirement)) == 0
    with pytest.raises(Refused) as refusal:
        blocks.change_block(officer, cohort.round_id, block.id, replace(OWN, weeks=2), version=block.version)
    assert set(refusal.value.fields) == {"weeks"}
    blocks.change_block(officer, cohort.round_id, block.id, OWN, version=block.version)
    assert session.scalars(select(Requirement.learner_id)).all() == [learner.id]
    assert cohort.state == "draft"


def test_after_publication_blocks_are_only_added(cohort: Cohort, officer: Viewer, session: Session) -> None:
    cohort.round.state = "published"
    saved()
    block = blocks.create_block(officer, cohort.round_id, OWN)
    with pytest.raises(Refused, match="is published"):
        blocks.change_block(officer, cohort.round_id, block.id, replace(OWN, weeks=1), version=block.version)
    with pytest.raises(Refused, match="is published"):
        blocks.remove_block(officer, cohort.round_id, block.id, version=block.version)


def test_programmes_are_an_heis_own(cohort: Cohort, officer: Viewer, session: Session) -> None:
    group = LearnerGroupFactory(key="sonography", name="Sonography")
    saved()
    made = programmes.create_programme(officer, name=" MSc  Ultrasound ", learner_group_id=group.id)
    assert (made.name, made.hei_id) == ("MSc Ultrasound", officer.hei_id)
    assert programmes.create_programme(officer, name="MSc Ultrasound", learner_group_id=group.id) is made
    renamed = programmes.rename_programme(officer, made.id, name="MSc Sonography", version=made.version)
    assert renamed.name == "MSc Sonography"
    with pytest.raises(Stale):
        programmes.rename_programme(officer, made.id, name="Another", version=1)
    taken = cohort.programme.name
    with pytest.raises(Refused, match="use another name"):
        programmes.rename_programme(officer, made.id, name=taken, version=renamed.version)
    with pytest.raises(Refused) as refusal:
        programmes.create_programme(officer, name=taken, learner_group_id=group.id)
    assert set(refusal.value.fields) == {"name"}
    with pytest.raises(Refused):
        programmes.create_programme(officer, name="New", learner_group_id=10**6)
    stranger = viewer_as(Role.PLACEMENT_OFFICER, hei_id=HeiFactory().id)
    with pytest.raises(NotFound):
        programmes.rename_programme(stranger, made.id, name="Mine", version=made.version)
    with pytest.raises(NotAllowed):
        programmes.create_programme(viewer_as(Role.ACADEMY_LEAD), name="New", learner_group_id=group.id)
    assert session.scalar(select(func.count()).select_from(Programme)) == 2


def test_several_learners_are_released_at_once(cohort: Cohort, officer: Viewer, session: Session) -> None:
    trust = TrustFactory()
    two, three = (LearnerFactory(cohort=cohort, reference=f"L{n}") for n in (2, 3))
    for learner in (two, three):
        learner.employer_trust_id = trust.id
    saved()
    free, ids, version = cohort.learners[0], [two.id, three.id], cohort.version
    with pytest.raises(Refused, match="L1 has no employing trust"):
        several.release_learners(officer, cohort.id, [free.id, *ids], released=True, version=version)
    with pytest.raises(Refused, match="Choose at least one learner"):
        several.release_learners(officer, cohort.id, [], released=True, version=version)
    with pytest.raises(Refused, match="no longer in this cohort"):
        several.release_learners(officer, cohort.id, [*ids, 10**6], released=True, version=version)
    before = two.changed_utc
    changed = several.release_learners(officer, cohort.id, ids, released=True, version=version)
    assert [row.reference for row in changed] == ["L2", "L3"]
    assert (two.released, cohort.state) == (True, "draft")
    assert two.changed_utc >= before
    # The same press again, with the version that it had, changes nothing.
    assert several.release_learners(officer, cohort.id, ids, released=True, version=version) == []
    with pytest.raises(Stale):
        several.release_learners(officer, cohort.id, ids, released=False, version=version)
    several.release_learners(officer, cohort.id, [two.id], released=False, version=cohort.version)
    assert (two.released, three.released) == (False, True)
    stranger = viewer_as(Role.PLACEMENT_OFFICER, hei_id=HeiFactory().id)
    with pytest.raises(NotFound):
        several.release_learners(stranger, cohort.id, ids, released=True, version=cohort.version)
    with pytest.raises(NotAllowed):
        several.release_learners(
            viewer_as(Role.ACADEMY_LEAD), cohort.id, ids, released=True, version=cohort.version
        )


def test_several_learners_get_part_time_days(cohort: Cohort, officer: Viewer, session: Session) -> None:
    plan_in(officer, cohort, cohort.round.blocks[0], weekdays="45")
    learner = cohort.learners[0]
    for wrong in ("", "67"):
        with pytest.raises(Refused) as refusal:
            several.set_weekdays(officer, cohort.id, [learner.id], weekdays=wrong, version=cohort.version)
        assert set(refusal.value.fields) == {"weekdays"}
    several.set_weekdays(officer, cohort.id, [learner.id], weekdays="312", version=cohort.version)
    cohort.state = "submitted"
    saved()
    (asked,) = demand(session, cohort.round)[0].requirements
    assert asked.weekdays == "123"
    several.set_weekdays(officer, cohort.id, [learner.id], weekdays=None, version=cohort.version)
    assert cohort.state == "draft"
    cohort.state = "submitted"
    saved()
    (asked,) = demand(session, cohort.round)[0].requirements
    assert asked.weekdays == "45"


def test_a_copied_round_has_the_whole_plan(cohort: Cohort, officer: Viewer, session: Session) -> None:
    first, second = cohort.round.blocks
    third = blocks.create_block(officer, cohort.round_id, OWN)
    content = PlanContent(
        blocks=((first.id, PlannedPlace(("xray",), "135", weeks_in=1, weeks=2)),),
        rotations=(
            PlannedRotation(
                "Tour", (second.id, third.id), (PlannedPlace(("xray",)), PlannedPlace(("xray",), "12"))
            ),
        ),
        different_sites=2,
        site_repeats=1,
    )
    args = cohort.programme_id, cohort.stage_id
    service.save_plan(officer, cohort.round_id, *args, content, version=0)
    lead = viewer_as(Role.ACADEMY_LEAD)
    copy = copy_round(
        lead,
        cohort.round_id,
        RoundCopy("Next year", date(2028, 1, 3), date(2027, 12, 1), date(2027, 12, 8)),
    )
    assert isinstance(copy, Round)
    names = {block.name: block.id for block in copy.blocks}
    found = queries.standing_plan(session, copy.id, *args).content
    assert found == replace(
        content,
        blocks=((names["Block 1"], content.blocks[0][1]),),
        rotations=(
            replace(content.rotations[0], blocks=tuple(sorted((names["Block 2"], names["Own block"])))),
        ),
    )
    assert len(plan(session, copy.id)) == 3
    assert [row.name for row in rotations(session, copy.id)] == ["Tour"]
    assert [row.different_sites for row in stage_plans(session, copy.id)] == [2]
