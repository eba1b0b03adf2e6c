"""Reads about plans."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from placements.access import Viewer
from placements.cohorts.models import Cohort, Learner, Requirement
from placements.errors import NotFound
from placements.organisations.models import Hei, LearnerGroup, Modality, Programme, Stage
from placements.organisations.queries import visible_programmes
from placements.plans.content import PlanContent, content_of
from placements.rounds.models import Block, PlanLine, Rotation, Round, StagePlan
from placements.rounds.queries import plan, rotations, stage_plans, visible_rounds

Key = tuple[int, int]


@dataclass(frozen=True)
class Standing:
    """What a programme and stage asks of a round as it stands. `row` has its version; None: never edited."""

    lines: tuple[PlanLine, ...] = ()
    rotations: tuple[Rotation, ...] = ()
    row: StagePlan | None = None

    @property
    def content(self) -> PlanContent:
        return content_of(self.lines, self.rotations, self.row)

    @property
    def version(self) -> int:
        return self.row.version if self.row is not None else 0


@dataclass(frozen=True)
class StageRow:
    """A stage of a programme in a round: what it asks, and its cohorts' learners. `had_plan`: in the round
    before it had one."""

    stage: Stage
    content: PlanContent
    learners: int
    had_plan: bool

    @property
    def is_planned(self) -> bool:
        return self.content.places > 0

    @property
    def is_missing(self) -> bool:
        """It has learners, or had a plan in the round before, and asks for nothing."""
        return not self.is_planned and (self.learners > 0 or self.had_plan)


@dataclass(frozen=True)
class ProgrammePlans:
    """A programme with its stages that have a plan or lack one, and the stages that could have one."""

    programme: Programme
    rows: tuple[StageRow, ...]
    others: tuple[Stage, ...]


def programme_and_stage(
    session: Session, viewer: Viewer, programme_id: int, stage_id: int
) -> tuple[Programme, Stage]:
    """A programme that the person plans for, and a stage of its learner group; raises NotFound otherwise."""
    programme = programme_by_id(session, viewer, programme_id)
    stage = session.get(Stage, stage_id)
    if stage is None or stage.learner_group_id != programme.learner_group_id:
        raise NotFound("This programme has no such stage.")
    return programme, stage


def programme_by_id(session: Session, viewer: Viewer, programme_id: int) -> Programme:
    """One programme; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_programmes(viewer).where(Programme.id == programme_id))
    if found is None:
        raise NotFound("There is no such programme.")
    return found


def standing_plan(session: Session, round_id: int, programme_id: int, stage_id: int) -> Standing:
    """The plan of one programme and stage; the caller has been let see the round and the programme."""
    return Standing(
        tuple(plan(session, round_id, programme_id=programme_id, stage_id=stage_id)),
        tuple(
            row
            for row in rotations(session, round_id)
            if (row.programme_id, row.stage_id) == (programme_id, stage_id)
        ),
        session.scalar(
            select(StagePlan).where(
                StagePlan.round_id == round_id,
                StagePlan.programme_id == programme_id,
                StagePlan.stage_id == stage_id,
            )
        ),
    )


def standing_plans(session: Session, round_id: int) -> Mapping[Key, Standing]:
    """Every plan of a round that the caller has been let see, by programme's and stage's id."""
    lines: dict[Key, list[PlanLine]] = defaultdict(list)
    floating: dict[Key, list[Rotation]] = defaultdict(list)
    rows = {(row.programme_id, row.stage_id): row for row in stage_plans(session, round_id)}
    for line in plan(session, round_id):
        lines[line.programme_id, line.stage_id].append(line)
    for rotation in rotations(session, round_id):
        floating[rotation.programme_id, rotation.stage_id].append(rotation)
    return {
        key: Standing(tuple(lines[key]), tuple(floating[key]), rows.get(key))
        for key in {*lines, *floating, *rows}
    }


def previous_round(session: Session, viewer: Viewer, round_: Round) -> Round | None:
    """The round that began last before this one, among those that this person may see."""
    return session.scalar(
        visible_rounds(viewer)
        .where(Round.first_week < round_.first_week)
        .options(selectinload(Round.blocks))
        .limit(1)
    )


def board(session: Session, viewer: Viewer, round_: Round) -> list[ProgrammePlans]:
    """The plans of a round, of the programmes that this person plans for."""
    programmes = session.scalars(
        visible_programmes(viewer).options(
            joinedload(Programme.learner_group).selectinload(LearnerGroup.stages)
        )
    ).all()
    standing = standing_plans(session, round_.id)
    before = previous_round(session, viewer, round_)
    earlier = standing_plans(session, before.id) if before is not None else {}
    learners = _learners(session, round_.id)
    found = []
    for programme in programmes:
        rows, others = [], []
        for stage in programme.learner_group.stages:
            key = programme.id, stage.id
            row = StageRow(
                stage,
                standing[key].content if key in standing else PlanContent(),
                learners.get(key, 0),
                key in earlier and earlier[key].content.places > 0,
            )
            if row.is_planned or row.is_missing:
                rows.append(row)
            else:
                others.append(stage)
        found.append(ProgrammePlans(programme, tuple(rows), tuple(others)))
    return found


def _learners(session: Session, round_id: int) -> dict[Key, int]:
    rows = session.execute(
        select(Cohort.programme_id, Cohort.stage_id, func.count())
        .join(Learner, Learner.cohort_id == Cohort.id)
        .where(Cohort.round_id == round_id)
        .group_by(Cohort.programme_id, Cohort.stage_id)
    )
    return {(programme_id, stage_id): learners for programme_id, stage_id, learners in rows}


@dataclass(frozen=True)
class Employment:
    """Learners of a programme and stage: all, those with an employing trust, and those it releases."""

    learners: int
    employed: int
    released: int


def employment(session: Session, round_id: int, programme_id: int, stage_id: int) -> Employment:
    """How the learners of a programme and stage are tied to employers; the caller may see them."""
    counted = session.execute(
        select(
            func.count(Learner.id),
            func.count(Learner.employer_trust_id),
            func.count(Learner.id).filter(Learner.released),
        )
        .join(Learner.cohort)
        .where(Cohort.round_id == round_id, Cohort.programme_id == programme_id, Cohort.stage_id == stage_id)
    ).one()
    return Employment(*counted)


def cohorts_of(session: Session, round_id: int, programme_id: int, stage_id: int) -> list[Cohort]:
    """The cohorts that follow a plan, by intake; the caller may see them."""
    return list(
        session.scalars(
            select(Cohort)
            .where(
                Cohort.round_id == round_id,
                Cohort.programme_id == programme_id,
                Cohort.stage_id == stage_id,
            )
            .order_by(Cohort.intake)
        )
    )


def modalities(session: Session) -> list[Modality]:
    """All modalities, in the order of the reference data."""
    return list(session.scalars(select(Modality).order_by(Modality.id)))


@dataclass(frozen=True)
class BlockUse:
    """Who uses a block: HEIs by id and name whose plans ask for it, and learners with a place to be found
    in it."""

    heis: Mapping[int, str]
    learners: int


def use_of_block(session: Session, block: Block) -> BlockUse:
    """Whose plans and whose learners stand in a block; the caller has been let see the round."""
    in_rotations = select(Rotation.id).where(Rotation.blocks.any(Block.id == block.id))
    asking = (PlanLine.block_id == block.id) | PlanLine.rotation_id.in_(in_rotations)
    heis = session.execute(
        select(Hei.id, Hei.name)
        .join(Programme, Programme.hei_id == Hei.id)
        .join(PlanLine, PlanLine.programme_id == Programme.id)
        .where(asking)
        .distinct()
        .order_by(Hei.name)
    )
    lines = select(PlanLine.id).where(asking)
    learners = session.scalar(
        select(func.count(Requirement.learner_id.distinct())).where(
            (Requirement.block_id == block.id) | Requirement.plan_line_id.in_(lines)
        )
    )
    return BlockUse({row.id: row.name for row in heis}, learners or 0)


def names_of(rows: Sequence[Modality]) -> dict[str, str]:
    """Modalities' names by key."""
    return {row.key: row.name for row in rows}
