"""Reads about cohorts, uploads and learners."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from placements.cohorts.models import Cohort, Learner, Requirement
from placements.rounds.models import PlanLine


@dataclass(frozen=True)
class DemandRequirement:
    """One place needed: any of the modalities (keys), in a block; priority 1 first."""

    id: int
    block_id: int
    modalities: tuple[str, ...]
    priority: int


@dataclass(frozen=True)
class DemandLearner:
    """A learner of a submitted cohort, as the matcher needs to know; sites by id, employer by ODS code."""

    id: int
    reference: str
    hei_id: int
    hei: str
    group: str
    stage: str
    travel_mode: str
    travels_from: str
    travel_limit_minutes: int | None
    employer: str | None
    exclusions: tuple[int, ...]
    preferences: tuple[int, ...]
    requirements: tuple[DemandRequirement, ...]


def demand(session: Session, round_id: int) -> list[DemandLearner]:
    """The learners of a round's submitted cohorts; the caller has been let see the round."""
    rows = session.scalars(
        select(Learner)
        .join(Learner.cohort)
        .where(Cohort.round_id == round_id, Cohort.state == "submitted")
        .options(
            joinedload(Learner.hei),
            joinedload(Learner.employer),
            joinedload(Learner.cohort).options(joinedload(Cohort.stage), joinedload(Cohort.programme)),
            selectinload(Learner.preferences),
            selectinload(Learner.exclusions),
            selectinload(Learner.requirements)
            .joinedload(Requirement.plan_line)
            .selectinload(PlanLine.modalities),
        )
        .order_by(Learner.id)
    ).all()
    return [
        DemandLearner(
            id=row.id,
            reference=row.reference,
            hei_id=row.hei_id,
            hei=row.hei.name,
            group=row.cohort.stage.learner_group.key,
            stage=row.cohort.stage.key,
            travel_mode=row.travel_mode,
            travels_from=row.travels_from,
            travel_limit_minutes=row.travel_limit_minutes,
            employer=row.employer.ods if row.employer else None,
            exclusions=tuple(sorted(exclusion.site_id for exclusion in row.exclusions)),
            preferences=tuple(preference.site_id for preference in row.preferences),
            requirements=tuple(
                DemandRequirement(
                    id=requirement.id,
                    block_id=requirement.block_id,
                    modalities=tuple(modality.key for modality in requirement.plan_line.modalities),
                    priority=row.priority or row.cohort.stage.priority,
                )
                for requirement in sorted(row.requirements, key=lambda requirement: requirement.id)
            ),
        )
        for row in rows
    ]
