"""What the match is asked for: the learners of submitted cohorts, and the places that each still needs."""

from collections import defaultdict
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, selectinload

from placements.cohorts.given_back import given_back
from placements.cohorts.history import History, histories
from placements.cohorts.models import (
    Cohort,
    Companions,
    Interruption,
    Learner,
    LearnerRecord,
    Requirement,
    learner_access_need,
)
from placements.cohorts.presence import is_there
from placements.cohorts.queries import exclusions_by_learner, preferences_by_learner
from placements.organisations.models import AccessNeed, Hei, LearnerGroup, Stage, Trust
from placements.rounds.models import EVERY_WEEKDAY, Block, PlanLine, Rotation, Round, StagePlan
from placements.rounds.queries import lines_of_round


@dataclass(frozen=True)
class DemandRequirement:
    """One place needed: any of the modalities (keys), in the weeks (Mondays) of a block, or, where
    `rotation_id` is set, in one of the rotation's; on some weekdays (1 is Monday); priority 1 first."""

    id: int
    block_id: int | None
    rotation_id: int | None
    modalities: tuple[str, ...]
    mondays: tuple[date, ...]
    weekdays: str
    priority: int


@dataclass(frozen=True)
class DemandRotation:
    """The blocks that a learner's floating requirements may take, each once: its id and its Mondays."""

    id: int
    blocks: tuple[tuple[int, tuple[date, ...]], ...]


@dataclass(frozen=True)
class DemandLearner:
    """A learner of a submitted cohort, as the matcher needs to know; sites by id, trusts by ODS code."""

    id: int
    record_id: int
    cohort_id: int
    reference: str
    hei_id: int
    hei: str
    group: str
    stage: str
    stage_name: str
    travel_mode: str
    travels_from: str
    travel_limit_minutes: int | None
    employer: str | None
    hub: str | None
    released: bool
    accommodation: bool
    exclusions: tuple[int, ...]
    preferences: tuple[int, ...]
    access_needs: tuple[str, ...]
    history: History
    different_sites: int | None
    site_repeats: int | None
    requirements: tuple[DemandRequirement, ...]
    rotations: tuple[DemandRotation, ...]


@dataclass(frozen=True)
class DemandCompanions:
    """Learners by id who go together, or apart."""

    id: int
    kind: str
    learners: tuple[int, ...]


def taking_part(round_id: int, cohort_ids: Collection[int] = ()) -> ColumnElement[bool]:
    """The condition on learners that they take part in a round's match: those of its submitted cohorts, and
    of the cohorts named, submitted or not; none of whom nothing is held any more."""
    return and_(
        Learner.cohort_id.in_(
            select(Cohort.id).where(
                Cohort.round_id == round_id, or_(Cohort.state == "submitted", Cohort.id.in_(cohort_ids))
            )
        ),
        Learner.record_id.not_in(select(LearnerRecord.id).where(LearnerRecord.erased_utc.is_not(None))),
    )


def demand(session: Session, round_: Round, cohort_ids: Collection[int] = ()) -> list[DemandLearner]:
    """The learners who take part in a round's match and what each still needs; the caller has been let see
    the round. `cohort_ids`: cohorts that are counted in though they are drafts.

    Left out is what falls on days on which the learner is away, withdrawn or not yet there, requirements from
    which the learner is exempt, and places given back by learners who are not clear yet.
    """
    which = taking_part(round_.id, cohort_ids)
    preferences = preferences_by_learner(session, which)
    exclusions = exclusions_by_learner(session, which)
    needs: dict[int, list[str]] = defaultdict(list)
    for learner_id, key in session.execute(
        select(learner_access_need.c.learner_id, AccessNeed.key)
        .join(AccessNeed, AccessNeed.id == learner_access_need.c.access_need_id)
        .join(Learner, Learner.id == learner_access_need.c.learner_id)
        .where(which)
        .order_by(AccessNeed.id)
    ):
        needs[learner_id].append(key)
    employer, hub = aliased(Trust), aliased(Trust)
    rows = session.execute(
        select(
            Learner.id,
            Learner.record_id,
            Learner.cohort_id,
            Learner.reference,
            Learner.hei_id,
            Hei.name.label("hei"),
            LearnerGroup.key.label("group"),
            Stage.key.label("stage"),
            Stage.name.label("stage_name"),
            Learner.travel_mode,
            func.coalesce(Learner.term_postcode, Learner.postcode).label("travels_from"),
            Learner.travel_limit_minutes,
            employer.ods.label("employer"),
            hub.ods.label("hub"),
            Learner.released,
            Learner.accommodation,
        )
        .join(Learner.hei)
        .join(Learner.cohort)
        .join(Cohort.stage)
        .join(Stage.learner_group)
        .join(employer, employer.id == Learner.employer_trust_id, isouter=True)
        .join(hub, hub.id == Learner.hub_trust_id, isouter=True)
        .where(which)
        .order_by(Learner.id)
    ).all()
    past = histories(session, round_, {row.record_id for row in rows})
    variety = _variety(session, round_)
    plans = _Plans(session, round_)
    wanted = _requirements(session, which, plans, given_back(session, round_.id))
    found = []
    for row in rows:
        learner_id, record_id, cohort_id = row.id, row.record_id, row.cohort_id
        requirements, rotations = wanted.get(learner_id, ((), ()))
        different, repeats = variety.get(cohort_id, (None, None))
        found.append(
            DemandLearner(
                **row._mapping,
                exclusions=tuple(exclusions[learner_id]),
                preferences=tuple(preferences[learner_id]),
                access_needs=tuple(needs[learner_id]),
                history=past.get(record_id, History()),
                different_sites=different,
                site_repeats=repeats,
                requirements=requirements,
                rotations=rotations,
            )
        )
    return found


def companions(session: Session, round_id: int, learner_ids: Collection[int]) -> list[DemandCompanions]:
    """Who of these learners go together or apart; where fewer than two are among them, nothing is asked."""
    wanted = set(learner_ids)
    rows = session.scalars(
        select(Companions)
        .where(Companions.round_id == round_id)
        .options(selectinload(Companions.learners).load_only(Learner.id))
        .order_by(Companions.id)
    )
    found = [
        DemandCompanions(
            row.id, row.kind, tuple(learner.id for learner in row.learners if learner.id in wanted)
        )
        for row in rows
    ]
    return [row for row in found if len(row.learners) > 1]


def _variety(session: Session, round_: Round) -> dict[int, tuple[int | None, int | None]]:
    """Least different sites and most repeats at one, by cohort."""
    return {
        cohort_id: (different, repeats)
        for cohort_id, different, repeats in session.execute(
            select(Cohort.id, StagePlan.different_sites, StagePlan.site_repeats)
            .join(
                StagePlan,
                (StagePlan.round_id == Cohort.round_id)
                & (StagePlan.programme_id == Cohort.programme_id)
                & (StagePlan.stage_id == Cohort.stage_id),
            )
            .where(Cohort.round_id == round_.id)
        )
    }


class _Plans:
    """A round's plan lines with their modalities and blocks, read once."""

    def __init__(self, session: Session, round_: Round) -> None:
        self.blocks = {block.id: block for block in round_.blocks}
        self.rotations = {
            rotation.id: list(rotation.blocks)
            for rotation in session.scalars(
                select(Rotation).where(Rotation.round_id == round_.id).options(selectinload(Rotation.blocks))
            )
        }
        rows = session.scalars(
            select(PlanLine).where(lines_of_round(round_.id)).options(selectinload(PlanLine.modalities))
        )
        self.lines = {row.id: row for row in rows}
        self.modalities = {
            key: tuple(modality.key for modality in line.modalities) for key, line in self.lines.items()
        }


Wanted = tuple[tuple[DemandRequirement, ...], tuple[DemandRotation, ...]]


def _requirements(
    session: Session, which: ColumnElement[bool], plans: _Plans, without: Container[int]
) -> Mapping[int, Wanted]:
    """What each learner needs, `without` some requirements, and the rotations in which it floats, by
    learner."""
    interruptions: dict[int, list[Interruption]] = defaultdict(list)
    for interruption in session.scalars(select(Interruption).join(Interruption.learner).where(which)):
        interruptions[interruption.learner_id].append(interruption)
    own: dict[int, tuple[str, ...]] = {
        requirement.id: tuple(modality.key for modality in requirement.own_modalities)
        for requirement in session.scalars(
            select(Requirement)
            .join(Requirement.learner)
            .where(which, Requirement.own_modalities.any())
            .options(selectinload(Requirement.own_modalities))
        )
    }
    found: dict[int, list[DemandRequirement]] = defaultdict(list)
    rotations: dict[int, dict[int, DemandRotation]] = defaultdict(dict)
    for row in session.execute(
        select(
            Requirement.learner_id,
            Requirement.id,
            Requirement.block_id,
            Requirement.plan_line_id,
            func.coalesce(Learner.priority, Stage.priority),
            func.coalesce(Requirement.weekdays, Learner.weekdays),
            Learner.available_from,
            Learner.available_until,
        )
        .join(Requirement.learner)
        .join(Learner.cohort)
        .join(Cohort.stage)
        .where(which, Requirement.state == "needed")
        .order_by(Requirement.id)
    ):
        learner_id, requirement_id, block_id, line_id, priority, weekdays, starts, ends = row
        if requirement_id in without:
            continue
        line = plans.lines.get(line_id or 0)
        away = interruptions.get(learner_id, ())
        rotation_id = line.rotation_id if line is not None else None
        mondays: tuple[date, ...] = ()
        if rotation_id is not None:
            if rotation_id not in rotations[learner_id]:
                rotations[learner_id][rotation_id] = DemandRotation(
                    rotation_id,
                    tuple(
                        (block.id, tuple(block.mondays()))
                        for block in plans.rotations[rotation_id]
                        if is_there(block.mondays(), starts, ends, away)
                    ),
                )
            if not rotations[learner_id][rotation_id].blocks:
                continue
        else:
            block: Block = plans.blocks[block_id or 0]
            mondays = tuple(block.mondays() if line is None else line.mondays_of(block))
            if not mondays or not is_there(mondays, starts, ends, away):
                continue
        found[learner_id].append(
            DemandRequirement(
                requirement_id,
                block_id if rotation_id is None else None,
                rotation_id,
                own.get(requirement_id) or plans.modalities.get(line_id or 0, ()),
                mondays,
                weekdays or (line.weekdays if line is not None else EVERY_WEEKDAY),
                priority,
            )
        )
    return {
        learner_id: (
            tuple(requirements),
            tuple(rotation for rotation in rotations[learner_id].values() if rotation.blocks),
        )
        for learner_id, requirements in found.items()
    }
