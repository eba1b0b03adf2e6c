"""What has happened since a round's newest publication, from any side, as one list: each source registers
what it knows. What is set aside stays on the list, apart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from placements.access import Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.cohorts.models import Requirement
from placements.rounds.models import PlanLine, Rotation
from placements.scenarios.frozen import LockKey, keys_of_run
from placements.scenarios.models import Run
from placements.scenarios.queries import frozen_utc


@dataclass(frozen=True)
class Item:
    """One thing that happened. `key` is its kind and number, as "decline:12"; `kind` the same for people.

    `who` is whom or what it is about, `words` what happened, `by` who did it. `touched` are the published
    places that it touches and `wanted` places that the publication knew nothing of, by requirement's id;
    `about` are requirements that it is about beside.
    `locks` are those that it consists of: set aside, a repair leaves them out; `lock_keys` are the same as a
    run keeps them. `page` is where more is said: an endpoint and what its address needs.
    """

    key: str
    kind: str
    who: str
    words: str
    by: str
    at_utc: datetime
    touched: frozenset[int] = frozenset()
    wanted: frozenset[int] = frozenset()
    about: frozenset[int] = frozenset()
    locks: tuple[int, ...] = ()
    lock_keys: frozenset[LockKey] = frozenset()
    page: tuple[str, Mapping[str, int]] | None = field(default=None, compare=False)


# From session, viewer, the newest publication, the run behind it and a day to what this source knows of
# since, as far as it matters from that day on.
Source = Callable[[Session, Viewer, Publication, Run, date], Iterable[Item]]

_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Add a part's items; the same name again replaces them."""
    _sources[name] = source


def items_since(session: Session, viewer: Viewer, publication: Publication, on: date) -> list[Item]:
    """Everything since a publication that the person sees and that matters on a day, the newest first:
    placements that are over by then are left out, and what touches no other."""
    run = session.get_one(Run, publication.run_id)
    items = [item for source in _sources.values() for item in source(session, viewer, publication, run, on)]
    over = _over(session, publication, {key for item in items for key in _requirements(item)}, on)
    found = [
        replace(item, touched=item.touched - over, wanted=item.wanted - over)
        for item in items
        if not _requirements(item) or _requirements(item) - over
    ]
    return sorted(found, key=lambda item: (item.at_utc, item.key), reverse=True)


def _requirements(item: Item) -> frozenset[int]:
    return item.touched | item.wanted | item.about


def _over(session: Session, publication: Publication, ids: Collection[int], on: date) -> set[int]:
    """Those of some requirements whose placement is over on a day: as published, else in its last block."""
    line = PublicationLine
    rows = session.execute(
        select(line.requirement_id, line.first_week, line.weeks).where(
            line.publication_id == publication.id, line.requirement_id.in_(ids)
        )
    )
    last_days = {requirement: first + timedelta(weeks=weeks, days=-3) for requirement, first, weeks in rows}
    for row in session.scalars(
        select(Requirement)
        .where(Requirement.id.in_(set(ids) - set(last_days)))
        .options(
            joinedload(Requirement.block),
            joinedload(Requirement.plan_line).joinedload(PlanLine.rotation).selectinload(Rotation.blocks),
        )
    ):
        last_days[row.id] = max((block.last_day for block in row.possible_blocks), default=on)
    return {requirement for requirement, last_day in last_days.items() if last_day < on}


def locks_left_out(session: Session, run: Run) -> set[int]:
    """The locks that a repair left out because they were set aside; one that goes on from it did too."""
    found = set(run.settings.get("without_locks", ()))
    while run.parent_id is not None:
        run = session.get_one(Run, run.parent_id)
        found |= set(run.settings.get("without_locks", ()))
    return found


def taken_in_by(session: Session, run: Run) -> Callable[[Item], bool]:
    """Says of an item whether a run knows of it: its data were frozen after it happened and none of its locks
    was left out, or the run was asked for with these very locks, as one by hand is with those made for it."""
    frozen, left_out, held = frozen_utc(session, run), locks_left_out(session, run), keys_of_run(run)

    def is_taken_in(item: Item) -> bool:
        if item.locks and item.lock_keys <= held:
            return True
        return item.at_utc <= frozen and not left_out.intersection(item.locks)

    return is_taken_in
