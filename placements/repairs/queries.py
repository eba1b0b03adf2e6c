"""Reads about repairs: what a round's worklist holds, and how far it has been dealt with."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.accounts.models import Person
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import lines_of_publication, newest_publication
from placements.clock import today
from placements.repairs import worklist
from placements.repairs.models import SetAside, TradeOff
from placements.repairs.trade_off import Point, worth_showing
from placements.repairs.worklist import Item
from placements.scenarios.models import Run
from placements.scenarios.queries import latest_finished_run


@dataclass(frozen=True)
class Waiting:
    """An item that waits; `taken_in_by` is a finished run, newer than the publication, that knows of it."""

    item: Item
    taken_in_by: Run | None


@dataclass(frozen=True)
class Aside:
    """An item that somebody wants nothing done about."""

    item: Item
    row: SetAside
    by: str


@dataclass(frozen=True)
class Worklist:
    """A round's worklist; without a publication there is none yet."""

    publication: Publication | None
    waiting: list[Waiting]
    aside: list[Aside]
    newer_run: Run | None

    @property
    def open_items(self) -> list[Item]:
        """What no run has taken in yet."""
        return [row.item for row in self.waiting if row.taken_in_by is None]

    @property
    def touched(self) -> int:
        """Published places touched by what waits."""
        return len({place for row in self.waiting for place in row.item.touched})


def worklist_of(session: Session, viewer: Viewer, round_id: int) -> Worklist:
    """What has happened in a round since its newest publication that bears on the weeks ahead; nothing once
    its blocks have ended. The caller has been let see the round."""
    publication = newest_publication(session, viewer, round_id)
    if publication is None or publication.round.has_ended(today()):
        return Worklist(publication, [], [], None)
    rows = session.execute(
        select(SetAside, Person.name)
        .outerjoin(Person, Person.id == SetAside.set_by_id)
        .where(SetAside.round_id == round_id)
    )
    aside = {row.item: (row, name or "") for row, name in rows}
    newest = latest_finished_run(session, round_id)
    newer = newest if newest is not None and newest.id > publication.run_id else None
    items = worklist.items_since(session, viewer, publication, today())
    is_taken_in = worklist.taken_in_by(session, newer) if newer is not None else None
    return Worklist(
        publication,
        [
            Waiting(item, newer if is_taken_in is not None and is_taken_in(item) else None)
            for item in items
            if item.key not in aside
        ],
        [Aside(item, *aside[item.key]) for item in items if item.key in aside],
        newer,
    )


def begun(session: Session, viewer: Viewer, publication: Publication) -> dict[str, list[int]]:
    """The published placements that have begun and are not over: by learner's reference (case folded), the
    requirements' ids."""
    rows = session.execute(
        lines_of_publication(viewer, publication.id)
        .where(PublicationLine.department_id.is_not(None), PublicationLine.first_week <= today())
        .with_only_columns(
            PublicationLine.learner_reference,
            PublicationLine.requirement_id,
            PublicationLine.first_week,
            PublicationLine.weeks,
        )
    )
    found: dict[str, list[int]] = defaultdict(list)
    for reference, requirement_id, first_week, weeks in rows:
        if first_week + timedelta(weeks=weeks) > today():
            found[reference.casefold()].append(requirement_id)
    return found


def trade_off_of(session: Session, run_id: int) -> TradeOff | None:
    """The trade-off of a run that the caller has been let see."""
    return session.scalar(select(TradeOff).where(TradeOff.run_id == run_id))


def points_of(row: TradeOff) -> list[Point]:
    """The points of a trade-off that no other beats, from the fewest moves on."""
    return worth_showing([Point(**point) for point in row.points])
