"""What pages about a run let people choose from: the groups, stages, sites and trusts that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from placements.cohorts.models import Cohort
from placements.organisations.models import Hei, LearnerGroup, Stage
from placements.rounds.models import Block
from placements.scenarios import describing, queries
from placements.scenarios.models import Run


@dataclass(frozen=True)
class Choices:
    """Who takes part in a run's round, each by name; blocks in their order."""

    groups: Sequence[LearnerGroup]
    stages: Sequence[Stage]
    heis: Sequence[Hei]
    blocks: Sequence[Block]

    def block(self, block_id: int | None) -> Block | None:
        return next((row for row in self.blocks if row.id == block_id), None)


def choices_of_run(session: Session, run: Run) -> Choices:
    """What there is to choose from; the caller has been let see the run."""
    stages = list(
        session.scalars(
            select(Stage)
            .join(Stage.learner_group)
            .where(Stage.id.in_(select(Cohort.stage_id).where(Cohort.round_id == run.round_id)))
            .options(joinedload(Stage.learner_group))
            .order_by(LearnerGroup.name, Stage.position, Stage.id)
        )
    )
    return Choices(
        groups=list({stage.learner_group_id: stage.learner_group for stage in stages}.values()),
        stages=stages,
        heis=describing.heis_of_run(session, run),
        blocks=queries.blocks_of_round(session, run.round_id),
    )
