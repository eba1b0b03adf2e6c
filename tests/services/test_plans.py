"""Plans: what a programme and stage asks, and how its learners' requirements follow."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.audit.models import AuditEntry
from placements.cohorts.demand import demand
from placements.cohorts.models import Cohort, Interruption, Learner, Requirement
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.organisations.models import Programme, Stage
from placements.plans import queries, service
from placements.plans.aligning import PlanChanges
from placements.plans.content import PlanContent, PlannedPlace, PlannedRotation, copied
from placements.rounds.models import Block, PlanLine, Rotation, Round, StagePlan
from tests.at_once import at_once
from tests.factories import (
    BlockFactory,
    CohortFactory,
    HeiFactory,
    LearnerFactory,
    ModalityFactory,
    NetworkFactory,
    ProgrammeFactory,
    PublicationFactory,
    PublicationLineFactory,
    RoundFactory,
    StageFactory,
    saved,
    viewer_as,
)

XRAY, CT = PlannedPlace(("xray",)), PlannedPlace(("ct", "mri"))


@dataclass
class Setting:
    """A round with four blocks, a programme's stage with one submitted cohort, and its officer."""

    round: Round
    blocks: list[Block]
    programme: Programme
    stage: Stage
    cohort: Cohort
    officer: Viewer
    lead: Viewer

    def save(self, content: PlanContent, version: int | None = None, **other: object) -> PlanChanges:
        by = other.pop("viewer", self.officer)
        if version is None:
            version = self.standing.version
        return service.save_plan(
            by,  # type: ignore[arg-type]
            self.round.id,
            self.programme.id,
            self.stage.id,
            content,
            version=version,
            **other,  # type: ignore[arg-type]
        )

    @property
    def standing(self) -> queries.Standing:
        return queries.standing_plan(db.session, self.round.id, self.programme.id, self.stage.id)

    def asks(self, *places: tuple[int, PlannedPlace], **other: object) -> PlanContent:
        """A plan by the blocks' positions."""
        return PlanContent(
            tuple(sorted((self.blocks[at].id, place) for at, place in places)),
            **other,  # type: ignore[arg-type]
        )

    def over(self, *at: int) -> tuple[int, ...]:
        return tuple(sorted(self.blocks[index].id for index in at))


def make_setting(learners: int = 3, **round_: object) -> Setting:
    for key in ("xray", "ct", "mri", "ultrasound"):
        ModalityFactory(key=key)
    made = RoundFactory(last_week=date(2027, 7, 26), **round_)
    blocks = [
        BlockFactory(round=made, name=f"Block {number}", first_week=first_week, weeks=4)
        for number, first_week in enumerate(
            (date(2027, 1, 4), date(2027, 2, 15), date(2027, 4, 5), date(2027, 5, 17)), 1
        )
    ]
    programme = ProgrammeFactory()
    stage = StageFactory(learner_group=programme.learner_group)
    cohort = CohortFactory(round=made, programme=programme, stage=stage)
    for _ in range(learners):
        LearnerFactory(cohort=cohort)
    saved()
    return Setting(
        made,
        blocks,
        programme,
        stage,
        cohort,
        viewer_as(Role.PLACEMENT_OFFICER, hei_id=programme.hei_id),
        viewer_as(Role.ACADEMY_LEAD),
    )


@pytest.fixture
def setting(session: Session) -> Setting:
    return make_setting()


def needs(session: Session) -> list[tuple[str, str, str]]:
    """Learner, when and state of every requirement."""
    rows = session.scalars(select(Requirement).join(Requirement.learner).order_by(Learner.reference))
    return sorted((row.learner.reference, row.when, row.state) for row in rows)


def test_a_plan_gives_every_learner_who_is_there_a_requirement(setting: Setting, session: Session) -> None:
    late, *others = setting.cohort.learners
    late.available_from = date(2027, 2, 1)
    saved()
    changes = setting.save(setting.asks((0, XRAY), (1, CT), different_sites=2, site_repeats=1))
    assert changes.counts() == [("Block 1", 2, 0, 0), ("Block 2", 3, 0, 0)]
    assert needs(session) == sorted(
        [
            (late.reference, "Block 2", "needed"),
            *((row.reference, when, "needed") for row in others for when in ("Block 1", "Block 2")),
        ]
    )
    assert setting.cohort.state == "draft"
    assert setting.cohort.submitted_utc is None
    row = setting.standing.row
    assert row is not None
    assert (row.different_sites, row.site_repeats) == (2, 1)
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.detail["learners"], entry.detail["back_to_draft"]) == (
        "save_plan",
        3,
        [setting.cohort.id],
    )


def test_the_same_again_changes_nothing(setting: Setting, session: Session) -> None:
    content = setting.asks((0, XRAY))
    setting.save(content)
    version = setting.standing.version
    assert version > 0
    setting.cohort.state = "submitted"
    saved()
    again = setting.save(content, version=0)
    assert again.is_nothing
    assert setting.cohort.state == "submitted"
    assert setting.standing.version == version


def test_what_is_foreseen_is_what_is_done(setting: Setting, session: Session) -> None:
    content = setting.asks((0, XRAY), (2, CT))
    seen = service.foresee_plan(
        setting.officer, setting.round.id, setting.programme.id, setting.stage.id, content, version=0
    )
    assert [row.id for row in seen.to_draft] == [setting.cohort.id]
    assert needs(session) == []
    assert session.scalar(select(func.count()).select_from(StagePlan)) == 0
    LearnerFactory(cohort=setting.cohort)
    saved()
    with pytest.raises(Stale, match="What saving this plan does has changed"):
        setting.save(content, seen=seen.digest)
    assert needs(session) == []
    fresh = service.foresee_plan(
        setting.officer, setting.round.id, setting.programme.id, setting.stage.id, content, version=0
    )
    setting.save(content, seen=fresh.digest)
    assert len(needs(session)) == 8


def test_changed_lines_keep_requirements_and_exceptions(setting: Setting, session: Session) -> None:
    setting.save(setting.asks((0, XRAY), (1, XRAY)))
    first, second, third = setting.cohort.learners
    exempt, own_days, own_modality = (
        session.scalars(
            select(Requirement).where(
                Requirement.learner_id == row.id, Requirement.block_id == setting.blocks[0].id
            )
        ).one()
        for row in (first, second, third)
    )
    exempt.state, exempt.reason = "exempt", "done before"
    own_days.weekdays = "12"
    own_modality.own_modalities = [ModalityFactory(key="mri")]
    extra = Requirement(
        learner_id=first.id, block_id=setting.blocks[2].id, own_modalities=[ModalityFactory(key="ct")]
    )
    session.add(extra)
    saved()
    kept = {row.id for row in (exempt, own_days, own_modality, extra)}
    part = PlannedPlace(("ct",), "135", weeks_in=1, weeks=2)
    changes = setting.save(setting.asks((0, part), (1, XRAY), (2, CT)))
    # The exempt learner is to do nothing differently, and the one with an own place in Block 3 keeps it.
    assert changes.counts() == [("Block 1", 0, 0, 2), ("Block 3", 2, 0, 0)]
    assert kept <= set(session.scalars(select(Requirement.id)))
    assert (exempt.state, own_days.weekdays) == ("exempt", "12")
    assert [row.key for row in own_modality.own_modalities] == ["mri"]
    line = next(row for row in setting.standing.lines if row.block_id == setting.blocks[0].id)
    assert (line.weeks_in, line.weeks, line.weekdays) == (1, 2, "135")
    setting.save(PlanContent())
    assert set(session.scalars(select(Requirement.id))) == {extra.id}


def test_rotations_float_and_keep_their_lines(setting: Setting, session: Session) -> None:
    places = (XRAY, CT, PlannedPlace(("ultrasound",)))
    rotation = PlannedRotation("First year", setting.over(0, 1, 2, 3), places)
    setting.save(setting.asks(rotations=(rotation,)))
    assert {row[1] for row in needs(session)} == {"First year, any block"}
    assert len(needs(session)) == 9
    before = set(session.scalars(select(Requirement.id)))
    (stands,) = setting.standing.content.rotations
    # Another name, one block fewer, another modality for the second placement: the requirements stay.
    changed = replace(
        stands,
        name="Year one",
        blocks=setting.over(0, 1, 2),
        places=(stands.places[0], replace(stands.places[1], modalities=("mri",)), stands.places[2]),
    )
    changes = setting.save(setting.asks(rotations=(changed,)))
    assert changes.changes_rotations
    assert set(session.scalars(select(Requirement.id))) == before
    # Without ids, as after copying, a rotation of the same name is the same one.
    copy = replace(changed, rotation_id=None, places=(*(replace(p, line_id=None) for p in changed.places),))
    assert setting.save(setting.asks(rotations=(copy,))).is_nothing
    fewer = replace(copy, places=copy.places[:2])
    changes = setting.save(setting.asks(rotations=(fewer,)))
    assert [row[2] for row in changes.counts() if row[2]] == [3]
    assert len(needs(session)) == 6
    # A block asked for by itself leaves the rotation.
    alone = replace(fewer, blocks=setting.over(1, 2))
    setting.save(setting.asks((0, XRAY), rotations=(alone,)))
    assert len(needs(session)) == 9
    setting.save(setting.asks((0, XRAY)))
    assert session.scalar(select(func.count()).select_from(Rotation)) == 0
    assert {row[1] for row in needs(session)} == {"Block 1"}


def test_the_match_is_asked_what_the_plan_says(setting: Setting, session: Session) -> None:
    part = PlannedPlace(("ct",), "135", weeks_in=1, weeks=2)
    rotation = PlannedRotation("Tour", setting.over(1, 2), (XRAY, CT))
    setting.save(setting.asks((0, part), rotations=(rotation,), different_sites=3))
    setting.cohort.state = "submitted"
    saved()
    learner = demand(session, setting.round)[0]
    assert learner.different_sites == 3
    fixed, *floating = learner.requirements
    assert fixed.mondays == (date(2027, 1, 11), date(2027, 1, 18))
    assert (fixed.modalities, fixed.weekdays) == (("ct",), "135")
    assert [row.modalities for row in floating] == [("xray",), ("ct", "mri")]
    assert {block for block, _ in learner.rotations[0].blocks} == set(setting.over(1, 2))


def test_learners_who_are_away_are_left_out_of_the_words(setting: Setting, session: Session) -> None:
    learner = setting.cohort.learners[0]
    learner.interruptions.append(
        Interruption(kind="withdrawn", first_day=date(2026, 12, 1), recorded_utc=learner.joined_utc)
    )
    saved()
    assert setting.save(setting.asks((0, XRAY))).counts() == [("Block 1", 2, 0, 0)]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (lambda s: s.asks((0, PlannedPlace(()))), "block-{0}-modalities"),
        (lambda s: s.asks((0, PlannedPlace(("telepathy",)))), "block-{0}-modalities"),
        (lambda s: s.asks((0, PlannedPlace(("xray",), ""))), "block-{0}-weekdays"),
        (lambda s: s.asks((0, PlannedPlace(("xray",), weeks_in=4))), "block-{0}-first"),
        (lambda s: s.asks((0, PlannedPlace(("xray",), weeks_in=2, weeks=0))), "block-{0}-last"),
        (lambda s: s.asks(different_sites=0), "different_sites"),
        (lambda s: s.asks(site_repeats=21), "site_repeats"),
        (lambda s: s.asks(rotations=(PlannedRotation("", s.over(0), (XRAY,)),)), "rotation-0-name"),
        (lambda s: s.asks(rotations=(PlannedRotation("R", s.over(0), (XRAY, CT)),)), "rotation-0-blocks"),
        (
            lambda s: s.asks(rotations=(PlannedRotation("R", s.over(0), ()),)),
            "rotation-0-place-0-modalities",
        ),
        (
            lambda s: s.asks(
                rotations=(
                    PlannedRotation("R", s.over(0), (XRAY,)),
                    PlannedRotation("r", s.over(1), (XRAY,)),
                )
            ),
            "rotation-1-name",
        ),
        (
            lambda s: s.asks((0, XRAY), rotations=(PlannedRotation("R", s.over(0, 1), (XRAY,)),)),
            "rotation-0-blocks",
        ),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_by_field(
    setting: Setting, session: Session, content: object, field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        setting.save(content(setting))  # type: ignore[operator]
    assert field.format(setting.blocks[0].id) in refusal.value.fields
    assert needs(session) == []
    assert setting.standing.version == 0


def test_no_two_places_in_the_same_week(setting: Setting) -> None:
    other = BlockFactory(round=setting.round, name="Own block", first_week=date(2027, 1, 18), weeks=4)
    saved()
    both = PlanContent(tuple(sorted([(setting.blocks[0].id, XRAY), (other.id, CT)])))
    with pytest.raises(Refused, match="have weeks in common"):
        setting.save(both)
    apart = ((setting.blocks[0].id, replace(XRAY, weeks=2)), (other.id, CT))
    assert setting.save(PlanContent(tuple(sorted(apart)))).lines


def test_two_people_at_once_do_not_overwrite(app: Flask, setting: Setting, session: Session) -> None:
    setting.save(setting.asks((0, XRAY)))
    version, round_id = setting.standing.version, setting.round.id
    programme_id, stage_id = setting.programme.id, setting.stage.id
    officer, block = setting.officer, setting.blocks[1].id
    contents = [PlanContent(((setting.blocks[0].id, XRAY), (block, place))) for place in (XRAY, CT)]
    session.close()

    def attempt(content: PlanContent) -> str:
        try:
            service.save_plan(officer, round_id, programme_id, stage_id, content, version=version)
        except Stale:
            return "stale"
        return "saved"

    ends = at_once(app, *(lambda content=content: attempt(content) for content in contents))
    assert sorted(ends) == ["saved", "stale"]
    assert len(needs(session)) == 6
    with pytest.raises(Stale):
        service.save_plan(officer, round_id, programme_id, stage_id, PlanContent(), version=version)


def test_two_people_who_edit_a_plan_first(app: Flask, setting: Setting, session: Session) -> None:
    args = setting.round.id, setting.programme.id, setting.stage.id
    officer, block = setting.officer, setting.blocks[1].id
    session.close()

    def attempt(place: PlannedPlace) -> str:
        try:
            service.save_plan(officer, *args, PlanContent(((block, place),)), version=0)
        except Stale:
            return "stale"
        return "saved"

    assert sorted(at_once(app, lambda: attempt(XRAY), lambda: attempt(CT))) == ["saved", "stale"]
    assert len(needs(session)) == 3


def test_after_publication_a_plan_only_gains_places(setting: Setting, session: Session) -> None:
    setting.save(setting.asks((0, XRAY), (1, CT)))
    requirement = session.scalars(
        select(Requirement).where(Requirement.block_id == setting.blocks[0].id)
    ).first()
    assert requirement is not None
    publication = PublicationFactory(round=setting.round)
    PublicationLineFactory(publication=publication, requirement_id=requirement.id)
    setting.round.state, setting.cohort.state = "published", "submitted"
    saved()
    version = setting.standing.version
    with pytest.raises(Refused, match="1 learner has a published place in it"):
        setting.save(setting.asks((1, CT)))
    with pytest.raises(Refused, match="Block 2 cannot be changed: after publication"):
        setting.save(setting.asks((0, XRAY), (1, XRAY)))
    with pytest.raises(Refused, match="How varied"):
        setting.save(setting.asks((0, XRAY), (1, CT), different_sites=2))
    assert setting.standing.version == version
    changes = setting.save(setting.asks((0, XRAY), (1, CT), (2, XRAY)))
    assert (changes.counts(), changes.to_draft) == ([("Block 3", 3, 0, 0)], ())
    assert setting.cohort.state == "submitted"
    assert len(needs(session)) == 9


def test_who_plans_for_whom(setting: Setting, session: Session) -> None:
    stranger = viewer_as(Role.PLACEMENT_OFFICER, hei_id=HeiFactory().id)
    with pytest.raises(NotFound):
        setting.save(setting.asks((0, XRAY)), viewer=stranger)
    with pytest.raises(NotAllowed):
        setting.save(setting.asks((0, XRAY)), viewer=viewer_as(Role.PRACTICE_EDUCATOR))
    foreign = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Another").id)
    with pytest.raises(NotFound):
        setting.save(setting.asks((0, XRAY)), viewer=foreign)
    elsewhere = StageFactory(learner_group__key="sonography")
    saved()
    with pytest.raises(NotFound, match="no such stage"):
        service.save_plan(
            setting.lead, setting.round.id, setting.programme.id, elsewhere.id, PlanContent(), version=0
        )
    setting.round.state = "draft"
    saved()
    with pytest.raises(NotFound):
        setting.save(setting.asks((0, XRAY)))
    assert setting.save(setting.asks((0, XRAY)), viewer=setting.lead).lines


def test_the_board_says_what_is_missing(setting: Setting, session: Session) -> None:
    unplanned = StageFactory(learner_group=setting.programme.learner_group)
    setting.save(setting.asks((0, XRAY), (1, CT)))
    later = RoundFactory(first_week=date(2028, 1, 3), last_week=date(2028, 3, 27))
    saved()
    (own,) = queries.board(session, setting.officer, setting.round)
    assert [(row.stage.id, row.learners, row.content.places) for row in own.rows] == [
        (setting.stage.id, 3, 2)
    ]
    assert [stage.id for stage in own.others] == [unplanned.id]
    (then,) = queries.board(session, setting.officer, later)
    assert [(row.stage.id, row.is_missing) for row in then.rows] == [(setting.stage.id, True)]


def test_a_plan_is_copied_by_the_blocks_names(setting: Setting) -> None:
    rotation = PlannedRotation("Tour", setting.over(1, 2), (XRAY, CT))
    part = PlannedPlace(("ct",), weeks_in=1, weeks=3)
    content = setting.asks((0, part), (3, XRAY), rotations=(rotation,), different_sites=2)
    other = RoundFactory(first_week=date(2028, 1, 3), last_week=date(2028, 7, 31))
    into = [
        BlockFactory(round=other, name=name, first_week=first_week, weeks=2)
        for name, first_week in (("block 1", date(2028, 1, 3)), ("Block 2", date(2028, 2, 7)))
    ]
    saved()
    copy = copied(content, {block.id: block for block in setting.blocks}, into)
    # The shorter block has one of the weeks; the rotation has one block left, and one placement.
    assert copy.blocks == ((into[0].id, PlannedPlace(("ct",), weeks_in=1)),)
    assert copy.rotations == (PlannedRotation("Tour", (into[1].id,), (XRAY,)),)
    assert copy.different_sites == 2


places = st.builds(
    PlannedPlace,
    modalities=st.lists(st.sampled_from(["ct", "mri", "xray"]), min_size=1, unique=True).map(
        lambda keys: tuple(sorted(keys))
    ),
    weekdays=st.sampled_from(["12345", "123", "45"]),
)


@st.composite
def plans(draw: st.DrawFn) -> list[tuple[int | str, PlannedPlace]]:
    """For some of four blocks a place; the others may float in a rotation of one of two names."""
    name = draw(st.sampled_from(["", "Tour", "Wheel"]))
    asked: list[tuple[int | str, PlannedPlace]] = []
    for at in range(4):
        where = draw(st.sampled_from(["alone", "none", "floats"]))
        if where == "alone":
            asked.append((at, draw(places)))
        elif where == "floats" and name:
            asked.append((name, draw(places)))
    return asked


def as_content(setting: Setting, asked: list[tuple[int | str, PlannedPlace]]) -> PlanContent:
    alone = [(at, place) for at, place in asked if isinstance(at, int)]
    floating = [(name, place) for name, place in asked if isinstance(name, str)]
    free = [at for at in range(4) if at not in dict(alone)]
    rotations = (
        (PlannedRotation(floating[0][0], setting.over(*free), tuple(place for _, place in floating)),)
        if floating
        else ()
    )
    return setting.asks(*alone, rotations=rotations)


def asked_of(cohort_id: int) -> Iterator[tuple[str, str, tuple[str, ...], str, tuple[int, ...]]]:
    """What each learner of a cohort is asked, by name, so that two cohorts can be compared."""
    rows = db.session.scalars(
        select(Requirement).join(Requirement.learner).where(Learner.cohort_id == cohort_id)
    )
    for row in rows:
        yield (
            row.learner.reference[-1],
            row.when,
            tuple(sorted(modality.key for modality in row.modalities)),
            row.weekdays_of_learner,
            tuple(block.id for block in row.possible_blocks),
        )


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(series=st.lists(plans(), min_size=1, max_size=4))
def test_after_any_changes_learners_need_what_those_of_a_new_cohort_would(
    app: Flask, series: list[list[tuple[int | str, PlannedPlace]]]
) -> None:
    """The series is followed by one cohort from the start, its last plan by another that came at its end."""
    setting = make_setting(learners=0)
    people = (("1", None), ("2", date(2027, 2, 1)), ("3", date(2027, 5, 17)), ("4", date(2027, 6, 1)))
    for end, starts in people:
        LearnerFactory(cohort=setting.cohort, reference=f"old-{end}", available_from=starts)
    own_block, learner = setting.blocks[3].id, setting.cohort.learners[0].id
    db.session.add(
        Requirement(
            learner_id=learner, block_id=own_block, own_modalities=[ModalityFactory(key="ultrasound")]
        )
    )
    saved()
    for asked in series:
        setting.save(as_content(setting, asked))
    stood = sorted(asked_of(setting.cohort.id))
    final = setting.standing.content
    fresh = CohortFactory(
        round=setting.round, programme=setting.programme, stage=setting.stage, intake="2026"
    )
    for end, starts in people:
        LearnerFactory(cohort=fresh, reference=f"new-{end}", available_from=starts)
    # The new cohort's learners come to the plan at once: from nothing to the last one.
    db.session.query(Requirement).delete()
    saved()
    setting.save(PlanContent())
    setting.save(final)
    anew = sorted(asked_of(fresh.id))
    exception = ("1", "Block 4", ("ultrasound",), "12345", (own_block,))
    assert exception in stood
    of_the_plan = [row for row in anew if row[:2] != ("1", "Block 4")]
    assert [row for row in stood if row != exception] == of_the_plan
    lines = db.session.scalar(
        select(func.count()).select_from(PlanLine).where(PlanLine.programme_id == setting.programme.id)
    )
    assert lines == final.places
