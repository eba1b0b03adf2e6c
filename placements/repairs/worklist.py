"""What has happened since a round's newest publication, from any side, as one list: each source registers
what it knows. What is set aside stays on the list, apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations.models import Publication
from placements.scenarios.frozen import LockKey, keys_of_run
from placements.scenarios.models import Run
from placements.scenarios.queries import frozen_utc


@dataclass(frozen=True)
class Item:
    """One thing that happened. `key` is its kind and number, as "decline:12"; `kind` the same for people.

    `who` is whom or what it is about, `words` what happened, `by` who did it. `touched` are the published
    places that it touches and `wanted` places that the publication knew nothing of, by requirement's id.
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
    locks: tuple[int, ...] = ()
    lock_keys: frozenset[LockKey] = frozenset()
    page: tuple[str, Mapping[str, int]] | None = field(default=None, compare=False)


# From session, viewer, the newest publication and the run behind it to what this source knows of since.
Source = Callable[[Session, Viewer, Publication, Run], Iterable[Item]]

_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Add a part's items; the same name again replaces them."""
    _sources[name] = source


def items_since(session: Session, viewer: Viewer, publication: Publication) -> list[Item]:
    """Everything since a publication that the person sees, the newest first."""
    run = session.get_one(Run, publication.run_id)
    found = [item for source in _sources.values() for item in source(session, viewer, publication, run)]
    return sorted(found, key=lambda item: (item.at_utc, item.key), reverse=True)


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
