"""Two people on one declaration: what the other did since, and what follows from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from placements.capacity.content import Content
from placements.capacity.models import DeclarationRecord
from placements.errors import Stale


@dataclass(frozen=True)
class Change:
    """A cell that somebody changed while another person was typing."""

    cell: str
    before: str
    now: str
    by: str
    at_utc: datetime


@dataclass(frozen=True)
class Merged:
    """`content` is both people's work together; `theirs` are the cells that came from the other; `clashes`
    those that both changed, each to something else (then `content` holds the other's)."""

    content: Content
    theirs: tuple[Change, ...]
    clashes: tuple[Change, ...]


class Clash(Stale):
    """Both people changed the same cells, each to something else; nothing was written. Cells are named as in
    a refusal: `department.cell` where several were saved. `versions` are those compared with."""

    def __init__(
        self,
        message: str,
        clashes: tuple[Change, ...],
        theirs: tuple[Change, ...],
        versions: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.clashes = clashes
        self.theirs = theirs
        self.versions = versions or {}


def as_read(saved: Content, since: Sequence[DeclarationRecord]) -> Content:
    """What was stored at the version that a person read: `saved` without what came after it."""
    cells = saved.cells()
    for name, change in _changes(since).items():
        if change.before in ("", "0"):
            cells.pop(name, None)
        else:
            cells[name] = change.before
    return Content.of_cells(cells, saved.lines)


def merge(mine: Content, saved: Content, since: Sequence[DeclarationRecord]) -> Merged:
    """What stands after both. `saved` is what is stored now, `since` the records after the version that
    the person read, oldest first: from them follows what each cell was when it was read."""
    theirs = _changes(since)
    typed, stored = mine.cells(), saved.cells()
    result, clashes = dict(typed), []
    taken = []
    for name, change in theirs.items():
        empty = "" if name == "model" else "0"
        ours = typed.get(name, empty)
        if ours == change.now or change.before == change.now:
            continue
        if ours == change.before:
            taken.append(change)
        else:
            clashes.append(change)
        if name in stored:
            result[name] = stored[name]
        else:
            result.pop(name, None)
    lines = {*mine.lines, *saved.lines}
    return Merged(Content.of_cells(result, lines), tuple(taken), tuple(clashes))


def _changes(since: Sequence[DeclarationRecord]) -> dict[str, Change]:
    """The net change of each cell, said of whoever changed it last."""
    found: dict[str, Change] = {}
    for record in since:
        changed: Mapping[str, list[str]] = record.changes
        for name, (before, now) in changed.items():
            earlier = found.get(name)
            found[name] = Change(
                name, earlier.before if earlier else before, now, record.by_name, record.at_utc
            )
    return found
