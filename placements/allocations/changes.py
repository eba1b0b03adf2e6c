"""What changed between two publications of a round, as far as somebody sees the lines of both.

A trust sees the lines of its own places only, so a learner who moved to another trust is one who no longer
comes; where to is not its to know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from placements.access import Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import publications_of_round, visible_lines
from placements.errors import NotFound


class Kind(StrEnum):
    """How the lines of one requirement differ, in the order in which they are told."""

    MOVED = "moved"
    REDATED = "redated"
    GIVEN_UP = "given_up"
    HELD = "held"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"
    FOUND = "found"
    NEW = "new"


WORDS: Mapping[Kind, str] = {
    Kind.MOVED: "Moved",
    Kind.REDATED: "New dates",
    Kind.GIVEN_UP: "No longer placed",
    Kind.HELD: "Held back",
    Kind.WITHDRAWN: "Withdrawn",
    Kind.RELEASED: "No longer held back",
    Kind.FOUND: "Newly placed",
    Kind.NEW: "New in this version",
}
# A trust sees only the places that are its own.
TRUST_WORDS: Mapping[Kind, str] = {
    Kind.MOVED: "Moved within your trust",
    Kind.REDATED: "New dates",
    Kind.WITHDRAWN: "No longer coming",
    Kind.NEW: "Now coming",
}


@dataclass(frozen=True)
class Change:
    """One requirement's line in the earlier version and in the later one, of which one may be missing."""

    kind: Kind
    before: PublicationLine | None
    after: PublicationLine | None

    @property
    def line(self) -> PublicationLine:
        """The line that says whom the change concerns: the later one where there is one."""
        return self.after or self.before  # type: ignore[return-value]  # one of the two is there


def words_for(viewer: Viewer) -> Mapping[Kind, str]:
    """What each kind of change is called for this person."""
    return WORDS if viewer.trust_id is None else TRUST_WORDS


def earlier_publication(
    session: Session, viewer: Viewer, publication: Publication, number: int | None = None
) -> Publication | None:
    """The version before a publication, or the one of this number; None where there is none before.

    Raises NotFound where `number` is no earlier version's.
    """
    earlier = [
        row
        for row in publications_of_round(session, viewer, publication.round_id)
        if row.number < publication.number
    ]
    if number is None:
        return earlier[0] if earlier else None
    for row in earlier:
        if row.number == number:
            return row
    raise NotFound(f"Version {publication.number} has no earlier version {number} to be compared with.")


def count_changes(
    session: Session, viewer: Viewer, before: Publication, after: Publication
) -> dict[Kind, int]:
    """How many lines changed between two publications, by kind, in the order in which they are told."""
    pairs = _Pairs(viewer, before, after)
    kinds = pairs.select(pairs.kind.label("kind")).subquery()
    counts = session.execute(select(kinds.c.kind, func.count()).group_by(kinds.c.kind))
    found: dict[str, int] = {kind: number for kind, number in counts}  # noqa: C416 - rows are no pairs to mypy
    return {kind: found[kind] for kind in Kind if kind in found}


def summary_of_changes(session: Session, viewer: Viewer, before: Publication, after: Publication) -> str:
    """ "12 moved, 3 newly placed since version 1"."""
    words = words_for(viewer)
    counts = count_changes(session, viewer, before, after)
    told = ", ".join(f"{number:,} {words[kind].lower()}" for kind, number in counts.items())
    return f"{told or 'Nothing changed'} since version {before.number}"


def changes_between(
    session: Session,
    viewer: Viewer,
    before: Publication,
    after: Publication,
    *,
    kind: str = "",
    reference: str = "",
    page: int = 1,
    size: int | None = None,
) -> tuple[list[Change], int]:
    """The changes from one publication to a later one, by kind and learner, and how many there are in all.

    `kind` and `reference` (a part of it) leave out the others; `page` (from 1) and `size` cut a page out.
    """
    pairs = _Pairs(viewer, before, after)
    found = pairs.select(pairs.before, pairs.after, pairs.kind)
    if kind:
        found = found.where(pairs.kind == kind)
    if reference:
        found = found.where(func.lower(pairs.reference).contains(reference.lower(), autoescape=True))
    total = session.scalar(found.with_only_columns(func.count())) or 0
    order = case({kind.value: number for number, kind in enumerate(Kind)}, value=pairs.kind)
    found = found.order_by(order, pairs.hei, pairs.reference, pairs.first_week)
    if size is not None:
        found = found.limit(size).offset((page - 1) * size)
    return [Change(Kind(kind), old, new) for old, new, kind in session.execute(found)], total


def changes_of(
    session: Session, viewer: Viewer, before: Publication, after: Publication, requirements: Collection[int]
) -> dict[int, Change]:
    """The changes of some requirements, by requirement's id."""
    pairs = _Pairs(viewer, before, after)
    found = pairs.select(pairs.before, pairs.after, pairs.kind).where(
        pairs.after.requirement_id.in_(requirements)
    )
    return {
        new.requirement_id: Change(Kind(kind), old, new) for old, new, kind in session.execute(found) if new
    }


def kinds_of(session: Session, viewer: Viewer, before: Publication, after: Publication) -> dict[int, Kind]:
    """How each of the later publication's lines that changed did so, by requirement's id."""
    pairs = _Pairs(viewer, before, after)
    found = session.execute(
        pairs.select(pairs.after.requirement_id, pairs.kind).where(pairs.after.id.is_not(None))
    )
    return {requirement: Kind(kind) for requirement, kind in found}


def changed_lines(viewer: Viewer, before: Publication, after: Publication) -> Select[int]:
    """The ids of the later publication's lines that differ from the earlier one's."""
    pairs = _Pairs(viewer, before, after)
    return pairs.select(pairs.after.id).where(pairs.after.id.is_not(None))


class _Pairs:
    """The lines of two publications side by side, by requirement, either of them possibly missing."""

    def __init__(self, viewer: Viewer, before: Publication, after: Publication) -> None:
        self.before, self.after = (
            aliased(
                PublicationLine,
                visible_lines(viewer).where(PublicationLine.publication_id == row.id).subquery(),
            )
            for row in (before, after)
        )
        old, new = self.before, self.after
        had, has = old.department_id.is_not(None), new.department_id.is_not(None)
        was_held, is_held = old.state == "held", new.state == "held"
        dates_differ = or_(
            old.first_week != new.first_week, old.weeks != new.weeks, old.weekdays != new.weekdays
        )
        self.kind: ColumnElement[str] = case(
            (old.id.is_(None), Kind.NEW.value),
            (new.id.is_(None), Kind.WITHDRAWN.value),
            (and_(had, ~has), Kind.GIVEN_UP.value),
            (and_(~had, has), Kind.FOUND.value),
            (old.department_id != new.department_id, Kind.MOVED.value),
            (and_(had, has, ~was_held, is_held), Kind.HELD.value),
            (and_(had, has, was_held, ~is_held), Kind.RELEASED.value),
            (and_(had, has, dates_differ), Kind.REDATED.value),
        )
        self.hei = func.coalesce(new.hei, old.hei)
        self.reference = func.coalesce(new.learner_reference, old.learner_reference)
        self.first_week = func.coalesce(new.first_week, old.first_week)

    def select(self, *columns: Any) -> Select[Any]:
        """These columns of each pair that differs."""
        return (
            select(*columns)
            .select_from(self.before)
            .join(self.after, self.before.requirement_id == self.after.requirement_id, full=True)
            .where(self.kind.is_not(None))
        )
