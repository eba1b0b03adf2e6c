"""From what HEIs and trusts agreed to the engine's agreements."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

import matching
from placements.agreements.models import Agreement
from placements.agreements.used import uses
from placements.clock import academic_year
from placements.rounds.models import Round


def agreements_of(
    session: Session, round_: Round, hei_ids: Collection[int]
) -> tuple[matching.Agreement, ...]:
    """The agreements of these HEIs for the round's academic year that both sides have agreed. Their figures
    are the year's: what is published in its other rounds uses them up."""
    rows = session.scalars(
        select(Agreement)
        .where(
            Agreement.state == "agreed",
            Agreement.year == academic_year(round_.first_week),
            Agreement.hei_id.in_(hei_ids),
        )
        .options(
            joinedload(Agreement.trust), joinedload(Agreement.learner_group), joinedload(Agreement.stage)
        )
        .order_by(Agreement.id)
    ).all()
    used = uses(session, rows, besides_round=round_.id)
    return tuple(
        matching.Agreement(
            key=f"a{row.id}",
            hei=str(row.hei_id),
            trust=row.trust.ods,
            least=max(0, row.least - used[row.id].published),
            most=None if row.most is None else max(0, row.most - used[row.id].published),
            groups=(row.learner_group.key,) if row.learner_group else (),
            stages=(row.stage.key,) if row.stage else (),
        )
        for row in rows
    )
