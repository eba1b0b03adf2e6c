"""The lines of a publication as people look at them: filtered, and by learner, by block or by site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations.changes import changed_lines
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import (
    lines_of_publication,
    narrowed,
    visible_lines,
    visible_publications,
)
from placements.web.filters import AddressFilter

Line = PublicationLine
VIEWS = ("learner", "block", "site")
STATES = ("placed", "held", "unplaced", "changed")

_ORDER = {
    "learner": (Line.hei, Line.programme, Line.learner_reference, Line.first_week),
    "block": (Line.first_week, Line.block, Line.hei, Line.learner_reference),
    "site": (Line.site.is_(None), Line.site, Line.first_week, Line.block, Line.hei, Line.learner_reference),
}


@dataclass(frozen=True)
class LineFilter(AddressFilter):
    """Which lines are wanted; an empty field lets all through. `state` is one of STATES, `reference` a part
    of the learner's reference and `learner` the whole of it."""

    state: str = ""
    block: str = ""
    site: str = ""
    hei: str = ""
    programme: str = ""
    reference: str = ""
    learner: str = ""


EVERYTHING = LineFilter()


def filtered_lines(
    viewer: Viewer,
    publication: Publication,
    only: LineFilter = EVERYTHING,
    *,
    view: str = "learner",
    earlier: Publication | None = None,
) -> Select[PublicationLine]:
    """The lines of a publication that this person may see, filtered, in the order of a view.

    `earlier` is the version from which changed lines differ; without one every line counts as unchanged.
    """
    found = lines_of_publication(viewer, publication.id)
    if only.state == "changed":
        found = found.where(
            Line.id.in_(changed_lines(viewer, earlier, publication)) if earlier else Line.id.is_(None)
        )
    elif only.state:
        found = found.where(Line.state == only.state)
    return _narrowed(found, only).order_by(*_ORDER[view])


def _narrowed(found: Select[PublicationLine], only: LineFilter) -> Select[PublicationLine]:
    """The lines that all but the filter's state let through."""
    if only.learner:
        found = found.where(Line.learner_reference == only.learner)
    return narrowed(
        found,
        block=only.block,
        site=only.site,
        hei=only.hei,
        programme=only.programme,
        reference=only.reference,
    )


def with_all_blocks(
    viewer: Viewer, publication: Publication, lines: Select[PublicationLine]
) -> Select[PublicationLine]:
    """Every line of the learners whose lines these are, as far as this person may see them, by learner."""
    learners = lines.order_by(None).with_only_columns(Line.hei_id, Line.learner_reference)
    return (
        lines_of_publication(viewer, publication.id)
        .where(tuple_(Line.hei_id, Line.learner_reference).in_(learners))
        .order_by(*_ORDER["learner"])
    )


def former_places(
    session: Session, viewer: Viewer, publication: Publication, only: LineFilter = EVERYTHING
) -> list[PublicationLine]:
    """The places of earlier versions, filtered but for their state, whose requirement has none here any more:
    the last that each one had."""
    here = (
        _narrowed(lines_of_publication(viewer, publication.id), only)
        .where(Line.state == "placed")
        .with_only_columns(Line.requirement_id)
    )
    earlier = (
        visible_publications(viewer)
        .where(Publication.round_id == publication.round_id, Publication.number < publication.number)
        .with_only_columns(Publication.id)
        .order_by(None)
    )
    found = _narrowed(visible_lines(viewer), only).where(
        Line.publication_id.in_(earlier), Line.state == "placed", Line.requirement_id.not_in(here)
    )
    newest_last = session.scalars(
        found.join(Line.publication).order_by(Publication.number, Line.requirement_id)
    )
    return list({line.requirement_id: line for line in newest_last}.values())


@dataclass(frozen=True)
class PublishedLearner:
    """A learner's lines in one publication, by date; whose they are stands in each of them."""

    lines: list[PublicationLine]

    @property
    def first(self) -> PublicationLine:
        return self.lines[0]

    @property
    def placed(self) -> list[PublicationLine]:
        """The lines that are places."""
        return [line for line in self.lines if line.state == "placed"]

    @property
    def held(self) -> list[PublicationLine]:
        """The lines whose place waits until the learner is ready."""
        return [line for line in self.lines if line.state == "held"]


def by_learner(lines: Iterable[PublicationLine]) -> list[PublishedLearner]:
    """The lines gathered by learner, in the order of each one's first line."""
    found: dict[tuple[int, str], list[PublicationLine]] = {}
    for line in lines:
        found.setdefault((line.hei_id, line.learner_reference), []).append(line)
    return [PublishedLearner(sorted(mine, key=lambda line: line.first_week)) for mine in found.values()]


def learners_page(
    session: Session, lines: Select[PublicationLine], *, page: int, size: int
) -> tuple[list[PublishedLearner], int]:
    """One page of the learners whose lines these are (1 is the first page), and how many there are."""
    learners = (
        lines.order_by(None)
        .with_only_columns(Line.hei_id, Line.learner_reference)
        .group_by(Line.hei_id, Line.learner_reference)
    )
    total = session.scalar(select(func.count()).select_from(learners.subquery())) or 0
    here = session.execute(
        learners.order_by(func.min(Line.hei), func.min(Line.programme), Line.learner_reference)
        .limit(size)
        .offset((page - 1) * size)
    )
    keys = [(hei_id, reference) for hei_id, reference in here]
    mine = session.scalars(lines.where(tuple_(Line.hei_id, Line.learner_reference).in_(keys)))
    return by_learner(mine), total


@dataclass(frozen=True)
class LineGroup:
    """Lines under one heading: a block's or a site's."""

    heading: str
    lines: list[PublicationLine]


def in_groups(lines: Iterable[PublicationLine], view: str) -> list[LineGroup]:
    """Lines in the order of a view, under the names of its blocks or sites."""

    def heading(line: PublicationLine) -> str:
        return line.block if view == "block" else line.site or "Not placed"

    return [LineGroup(name, list(group)) for name, group in groupby(lines, heading)]


@dataclass(frozen=True)
class Travel:
    """Where the minutes of some lines come from."""

    estimated: int
    from_matrix: int

    @property
    def sentence(self) -> str:
        """Said once above a list; where both kinds are in it, the list marks the estimates."""
        if self.estimated and self.from_matrix:
            return (
                "Travel is one way. Minutes are from the uploaded travel times; "
                "those marked “estimate” are estimated from the map."
            )
        if self.estimated:
            return "Travel is one way. All minutes are estimates from the map, not timetables."
        return "Travel is one way, in minutes of the uploaded travel times." if self.from_matrix else ""

    @property
    def is_mixed(self) -> bool:
        return bool(self.estimated and self.from_matrix)


def travel_of(session: Session, lines: Select[PublicationLine]) -> Travel:
    """How many of the lines with a travel time have it estimated, and how many from an uploaded matrix."""
    counts = session.execute(
        lines.order_by(None)
        .where(Line.travel_minutes.is_not(None))
        .with_only_columns(Line.travel_is_estimated, func.count())
        .group_by(Line.travel_is_estimated)
    )
    found: dict[bool, int] = {is_estimate: number for is_estimate, number in counts}  # noqa: C416 - rows are no pairs to mypy
    return Travel(found.get(True, 0), found.get(False, 0))
