"""The places that stand in a round and would be published now: those of the adopted run whose learners are
there to take them."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations.models import Allocation
from placements.cohorts.models import Interruption, Learner, Requirement
from placements.cohorts.presence import is_there
from placements.organisations.models import Hei
from placements.rounds.queries import plan
from placements.scenarios.models import Placing, Run
from placements.scenarios.queries import visible_placings


class StandingPlace(NamedTuple):
    """Where one requirement is placed, in which weeks (Mondays), and whose it is."""

    requirement_id: int
    department_id: int
    block: str
    mondays: tuple[date, ...]
    learner_id: int
    record_id: int
    hei_id: int
    hei: str

    @property
    def first_week(self) -> date:
        return self.mondays[0]


def standing_places(session: Session, viewer: Viewer, run: Run) -> list[StandingPlace]:
    """The places of an adopted run that this person sees, by requirement; whoever has withdrawn or is away
    since the run has none."""
    lines = {line.id: line for line in plan(session, run.round_id)}
    blocks = {block.id: block for block in run.round.blocks}
    placed = session.execute(
        visible_placings(viewer)
        .join(Allocation, Allocation.requirement_id == Placing.requirement_id)
        .join(Learner.hei)
        .where(Placing.run_id == run.id, Placing.department_id.is_not(None), Requirement.state == "needed")
        .with_only_columns(
            Placing.requirement_id,
            Placing.department_id,
            Placing.block_id,
            Requirement.plan_line_id,
            Learner.id,
            Learner.record_id,
            Learner.available_from,
            Learner.available_until,
            Hei.id,
            Hei.name,
        )
        # The same each time, so that what is made of them is too.
        .order_by(None)
        .order_by(Placing.requirement_id)
    )
    away: dict[int, list[Interruption]] = defaultdict(list)
    for row in session.scalars(
        select(Interruption).join(Interruption.learner).where(Learner.round_id == run.round_id)
    ):
        away[row.learner_id].append(row)
    found = []
    # Thousands of places share a few blocks.
    weeks: dict[tuple[int, int], tuple[date, ...]] = {}
    for requirement_id, department_id, block_id, line_id, *learner in placed:
        learner_id, record_id, starts, ends, hei_id, hei = learner
        block, line = blocks.get(block_id or 0), lines.get(line_id or 0)
        if block is None or department_id is None:
            continue
        key = (block.id, line.id if line is not None else 0)
        if key not in weeks:
            weeks[key] = tuple(line.mondays_of(block) if line is not None else block.mondays())
        mondays = weeks[key]
        if is_there(mondays, starts, ends, away[learner_id]):
            found.append(
                StandingPlace(
                    requirement_id=requirement_id,
                    department_id=department_id,
                    block=block.name,
                    mondays=mondays,
                    learner_id=learner_id,
                    record_id=record_id,
                    hei_id=hei_id,
                    hei=hei,
                )
            )
    return found
