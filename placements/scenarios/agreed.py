"""From what HEIs and trusts agreed to the engine's agreements."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from placements.agreements.models import Agreement
from placements.clock import academic_year
from placements.organisations.models import LearnerGroup, Stage, Trust
from placements.rounds.models import Round


def agreements_of(
    session: Session, round_: Round, hei_ids: Collection[int]
) -> tuple[matching.Agreement, ...]:
    """The agreements of these HEIs for the round's academic year that both sides have agreed."""
    rows = session.execute(
        select(Agreement, Trust.ods, LearnerGroup.key, Stage.key)
        .join(Agreement.trust)
        .join(Agreement.learner_group, isouter=True)
        .join(Agreement.stage, isouter=True)
        .where(
            Agreement.state == "agreed",
            Agreement.year == academic_year(round_.first_week),
            Agreement.hei_id.in_(hei_ids),
        )
        .order_by(Agreement.id)
    )
    return tuple(
        matching.Agreement(
            key=f"a{row.id}",
            hei=str(row.hei_id),
            trust=ods,
            least=row.least,
            most=row.most,
            groups=(group,) if group else (),
            stages=(stage,) if stage else (),
        )
        for row, ods, group, stage in rows
    )
