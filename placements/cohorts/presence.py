"""Who is there when: a place is asked for only in weeks in which its learner takes part."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from placements.cohorts.models import Interruption, Learner, Requirement
from placements.rounds.models import PlanLine, Rotation


def is_there(
    mondays: Sequence[date],
    starts: date | None,
    ends: date | None,
    interruptions: Sequence[Interruption],
) -> bool:
    """Whether a learner who starts and ends on these days, with these interruptions, is there for all of the
    weeks (Mondays to Fridays)."""
    first, last = mondays[0], mondays[-1] + timedelta(days=4)
    return (
        (starts is None or starts <= first)
        and (ends is None or last <= ends)
        and not any(row.covers(first, last) for row in interruptions)
    )


def possible_weeks(requirement: Requirement) -> list[list[date]]:
    """The Mondays of each block that a requirement may take: one block's, or those of its rotation."""
    line = requirement.plan_line
    weeks = [
        block.mondays() if line is None or line.block_id is None else line.mondays_of(block)
        for block in requirement.possible_blocks
    ]
    return [mondays for mondays in weeks if mondays]


def is_asked(requirement: Requirement, interruptions: Sequence[Interruption] | None = None) -> bool:
    """Whether the match is asked for this place: it is needed, and the learner is there in all of its weeks;
    with `interruptions` instead of the learner's own."""
    if requirement.state != "needed":
        return False
    learner = requirement.learner
    away = learner.interruptions if interruptions is None else interruptions
    return any(
        is_there(mondays, learner.available_from, learner.available_until, away)
        for mondays in possible_weeks(requirement)
    )


def is_withdrawn(day: date) -> ColumnElement[bool]:
    """The condition on learners that they have withdrawn for good by a day."""
    return _interrupted(Interruption.last_day.is_(None), Interruption.first_day <= day)


def is_away(day: date) -> ColumnElement[bool]:
    """The condition on learners that they are suspended, or withdrawn until they return, on a day."""
    return _interrupted(Interruption.first_day <= day, Interruption.last_day >= day)


def _interrupted(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Interruption.learner_id == Learner.id, *conditions)


def needed_but_not_asked(session: Session, which: ColumnElement[bool]) -> list[Requirement]:
    """The needed requirements of some learners (`which` is a condition on them) for which they are not there:
    few, so that counts over all are made in the database and these are taken off."""
    rows = session.scalars(
        select(Requirement)
        .join(Requirement.learner)
        .where(
            which,
            Requirement.state == "needed",
            or_(
                Learner.available_from.is_not(None),
                Learner.available_until.is_not(None),
                Learner.interruptions.any(),
            ),
        )
        .options(
            contains_eager(Requirement.learner).selectinload(Learner.interruptions),
            joinedload(Requirement.block),
            joinedload(Requirement.plan_line).options(
                joinedload(PlanLine.block), joinedload(PlanLine.rotation).selectinload(Rotation.blocks)
            ),
        )
    )
    return [row for row in rows if not is_asked(row)]
