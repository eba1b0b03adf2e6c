"""Reads about what came of placements."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Select, and_, func, or_, select, true
from sqlalchemy.orm import Session, contains_eager, joinedload

from placements.access import Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import visible_lines
from placements.errors import NotFound
from placements.outcomes.models import PlacementFeedback, PlacementOutcome

Line = PublicationLine


def visible_placements(viewer: Viewer, round_id: int | None = None) -> Select[PublicationLine]:
    """Placements (of one round) as they stood last, in no order: of each requirement the newest line that is
    a place. One that a newer version took away counts if it had begun by then."""
    of_round = Publication.round_id == round_id if round_id is not None else true()
    newest = (
        select(
            Publication.round_id,
            func.max(Publication.number).label("number"),
            func.max(Publication.published_utc).label("published_utc"),
        )
        .where(of_round)
        .group_by(Publication.round_id)
        .subquery()
    )
    last = (
        select(Publication.round_id, Line.requirement_id, func.max(Publication.number).label("number"))
        .select_from(Line)
        .join(Line.publication)
        .where(of_round, Line.state == "placed")
        .group_by(Publication.round_id, Line.requirement_id)
        .subquery()
    )
    return (
        visible_lines(viewer)
        .join(Line.publication)
        .join(newest, newest.c.round_id == Publication.round_id)
        .join(
            last,
            and_(
                last.c.round_id == Publication.round_id,
                last.c.requirement_id == Line.requirement_id,
                last.c.number == Publication.number,
            ),
        )
        .where(
            of_round,
            Line.state == "placed",
            or_(Publication.number == newest.c.number, Line.first_week <= newest.c.published_utc),
        )
    )


def placement_by_requirement(
    session: Session, viewer: Viewer, requirement_id: int, round_id: int | None = None
) -> PublicationLine:
    """One placement as it stood last; raises NotFound where there is none that this person may see."""
    found = session.scalar(
        visible_placements(viewer, round_id)
        .where(Line.requirement_id == requirement_id)
        .options(contains_eager(Line.publication).joinedload(Publication.round))
    )
    if found is None:
        raise NotFound("There is no such placement.")
    return found


def outcomes_of(session: Session, requirement_ids: Collection[int]) -> dict[int, PlacementOutcome]:
    """What was recorded of these placements, by requirement's id; the caller has been let see them."""
    return {
        row.requirement_id: row
        for row in session.scalars(
            select(PlacementOutcome)
            .where(PlacementOutcome.requirement_id.in_(requirement_ids))
            .options(joinedload(PlacementOutcome.recorded_by))
        )
    }


def feedback_of(
    session: Session, viewer: Viewer, requirement_ids: Collection[int]
) -> dict[int, PlacementFeedback]:
    """What learners said of these placements, as far as this person sees it, by requirement's id."""
    if viewer.role.is_of_a_trust:
        return {}
    return {
        row.requirement_id: row
        for row in session.scalars(
            select(PlacementFeedback).where(PlacementFeedback.requirement_id.in_(requirement_ids))
        )
    }
