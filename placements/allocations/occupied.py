"""How many learners a publication puts in each department in each week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.allocations.models import Publication, PublicationLine
from placements.clock import mondays


def occupied(
    session: Session, publication: Publication, without: Collection[int] = ()
) -> Counter[tuple[int, date]]:
    """Learners by department's id and Monday, held places among them; `without` are requirements that are not
    counted. For whoever sees the whole publication."""
    line = PublicationLine
    rows = session.execute(
        select(line.department_id, line.first_week, line.weeks, func.count())
        .where(
            line.publication_id == publication.id,
            line.department_id.is_not(None),
            line.requirement_id.not_in(list(without)),
        )
        .group_by(line.department_id, line.first_week, line.weeks)
    )
    found: Counter[tuple[int, date]] = Counter()
    for department_id, first_week, weeks, number in rows:
        if department_id is None:
            continue
        for monday in mondays(first_week, weeks):
            found[department_id, monday] += number
    return found
