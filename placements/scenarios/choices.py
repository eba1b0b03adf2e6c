"""What pages about a run let people choose from: the groups, stages, sites and trusts that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from placements.cohorts.models import Cohort
from placements.organisations.models import Department, Hei, LearnerGroup, Site, Stage, Trust
from placements.rounds.models import Block
from placements.scenarios import describing, queries
from placements.scenarios.models import Placing, Run


class _Named(Protocol):
    @property
    def id(self) -> Any: ...
    @property
    def name(self) -> Any: ...


@dataclass(frozen=True)
class Choices:
    """Who takes part in a run's round, each by name; blocks in their order."""

    groups: Sequence[LearnerGroup]
    stages: Sequence[Stage]
    heis: Sequence[Hei]
    blocks: Sequence[Block]
    # Where the run places anybody.
    sites: Sequence[Site]

    @property
    def trusts(self) -> list[Trust]:
        return sorted({site.trust_id: site.trust for site in self.sites}.values(), key=lambda row: row.name)

    @property
    def stages_named(self) -> list[tuple[int, str]]:
        return [(row.id, f"{row.learner_group.name}, {row.name}") for row in self.stages]

    @staticmethod
    def named(rows: Iterable[_Named]) -> list[tuple[int, str]]:
        """Rows as what a list to choose from shows."""
        return [(row.id, row.name) for row in rows]

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
        sites=_sites(session, run),
        groups=list({stage.learner_group_id: stage.learner_group for stage in stages}.values()),
        stages=stages,
        heis=describing.heis_of_run(session, run),
        blocks=queries.blocks_of_round(session, run.round_id),
    )


def _sites(session: Session, run: Run) -> list[Site]:
    taken = select(Placing.department_id).where(Placing.run_id == run.id).distinct()
    return list(
        session.scalars(
            select(Site)
            .where(Site.id.in_(select(Department.site_id).where(Department.id.in_(taken))))
            .options(joinedload(Site.trust))
            .order_by(Site.name)
        )
    )
