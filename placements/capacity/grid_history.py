"""What departments declared last time, laid over the weeks of this round."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy.orm import Session, selectinload

from placements.access import Viewer
from placements.capacity import storing
from placements.capacity.content import Content
from placements.capacity.models import Declaration
from placements.capacity.queries import visible_declarations
from placements.rounds.models import Block, Round
from placements.rounds.queries import visible_rounds


def last_round(session: Session, viewer: Viewer, round_: Round) -> Round | None:
    """The network's round before this one, by first week, of those that the person may see."""
    return session.scalar(
        visible_rounds(viewer)
        .where(Round.network_id == round_.network_id, Round.first_week < round_.first_week)
        .order_by(None)
        .order_by(Round.first_week.desc(), Round.id.desc())
        .options(selectinload(Round.blocks))
        .limit(1)
    )


def counterparts(blocks: Sequence[Block], last_blocks: Sequence[Block]) -> dict[date, date]:
    """This round's weeks to last round's: the same week of the same block, counted in order. A week that last
    round's block did not reach has none; one in two blocks goes by the first."""
    found: dict[date, date] = {}
    for block, last_block in zip(blocks, last_blocks, strict=False):
        for week, last_week in zip(block.mondays(), last_block.mondays(), strict=False):
            found.setdefault(week, last_week)
    return found


def last_contents(
    session: Session, viewer: Viewer, round_: Round, last: Round, department_ids: Collection[int]
) -> dict[int, Content]:
    """What the departments declared in the last round, by department's id, in the weeks of this one."""
    rows = session.execute(
        visible_declarations(viewer)
        .where(Declaration.round_id == last.id, Declaration.department_id.in_(department_ids))
        .with_only_columns(Declaration.id, Declaration.department_id)
    )
    ids = {declaration_id: department_id for declaration_id, department_id in rows}  # noqa: C416 - typed so
    weeks = counterparts(round_.blocks, last.blocks)
    return {
        ids[declaration_id]: Content(
            {
                line: {week: places[then] for week, then in weeks.items() if then in places}
                for line, places in content.lines.items()
            },
            {week: content.wte[then] for week, then in weeks.items() if then in content.wte},
            content.model,
        )
        for declaration_id, content in storing.contents(session, ids).items()
    }
