"""Who moves in a repair: from where to where, how far, and which happening each move answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import lines_of_publication, publications_of_round
from placements.repairs.worklist import Item, items_since, taken_in_by
from placements.rounds.models import Block
from placements.scenarios.models import Placing, Run
from placements.scenarios.queries import frozen_utc, visible_placings

# Of so many, who makes room for whom is no longer told by name.
MOST_NAMED = 4


class Kind(StrEnum):
    """What a repair does with one requirement, in the order in which it is told."""

    LOST = "lost"
    LATE_LEFT = "late_left"
    REPLACED = "replaced"
    MOVED = "moved"
    LATE = "late"
    FOUND = "found"


KIND_WORDS: Mapping[Kind, str] = {
    Kind.LOST: "Lost their place, none found",
    Kind.LATE_LEFT: "Joined late, none found",
    Kind.REPLACED: "Lost their place, another found",
    Kind.MOVED: "Moves to make room",
    Kind.LATE: "Joined late, placed",
    Kind.FOUND: "Was waiting, placed",
}

# Why, where no happening and nobody else explains it.
PLAIN: Mapping[Kind, str] = {
    Kind.LOST: "The rules or the places offered no longer allow the place that they had",
    Kind.REPLACED: "The rules or the places offered no longer allow the place that they had",
    Kind.MOVED: "To make room where fewer can be taken",
    Kind.LATE_LEFT: "Joined since",
    Kind.LATE: "Joined since",
    Kind.FOUND: "Takes a place that is free",
}


@dataclass(frozen=True)
class Move:
    """One requirement whose place is not what was published; `before` is None where there was none. `begun`:
    its published placement has begun."""

    kind: Kind
    placing: Placing
    before: PublicationLine | None
    begun: bool
    why: str = ""

    @property
    def words(self) -> str:
        return KIND_WORDS[self.kind]

    @property
    def reference(self) -> str:
        return self.placing.requirement.learner.reference

    @property
    def minutes(self) -> int:
        """How much further they travel one way, where they had and have a place."""
        if self.before is None or self.before.travel_minutes is None or self.placing.travel_minutes is None:
            return 0
        return self.placing.travel_minutes - self.before.travel_minutes

    @property
    def came_to(self) -> tuple[int, date, date] | None:
        """Department, first and last day of the new place."""
        if self.placing.department_id is None or self.placing.block is None:
            return None
        return self.placing.department_id, self.placing.block.first_week, self.placing.block.last_day

    @property
    def left(self) -> tuple[int, date, date] | None:
        """The same of the place before."""
        if self.before is None or self.before.department_id is None:
            return None
        return self.before.department_id, self.before.first_week, self.before.last_day


@dataclass(frozen=True)
class Left:
    """A published place that its learner needs no more, and why: withdrawn, away, or not clear at the
    freeze."""

    line: PublicationLine
    why: str


@dataclass(frozen=True)
class Repair:
    """A repair run against the version that it began from. `moved` counts the published learners' places that
    are changed, whether lost, replaced or moved to make room; `stay` those who have begun and stay; `left`
    are places that came free because the run is not asked for them any more."""

    run: Run
    publication: Publication
    moves: Sequence[Move]
    stay: int
    left: Sequence[Left] = ()

    def of(self, *kinds: Kind) -> list[Move]:
        return [move for move in self.moves if move.kind in kinds]

    @property
    def moved(self) -> list[Move]:
        return self.of(Kind.REPLACED, Kind.MOVED)

    @property
    def lost(self) -> list[Move]:
        return self.of(Kind.LOST, Kind.LATE_LEFT)

    @property
    def minutes(self) -> int:
        return sum(move.minutes for move in self.moves)

    @property
    def kinds(self) -> dict[Kind, int]:
        """How many of each kind there are."""
        return {kind: number for kind in Kind if (number := len(self.of(kind)))}


def repair_of(session: Session, viewer: Viewer, run: Run) -> Repair | None:
    """What a finished repair, or a run chosen from its trade-off, does; None for other runs, and where the
    version that it began from is not to be seen. The caller has been let see the run."""
    if run.state != "finished" or (run.kind != "repair" and "worth" not in run.settings):
        return None
    frozen = frozen_utc(session, run)
    publication = next(
        (row for row in publications_of_round(session, viewer, run.round_id) if row.published_utc <= frozen),
        None,
    )
    if publication is None:
        return None
    found = _differences(session, viewer, run, publication)
    items = items_since(session, viewer, publication, frozen.date())
    items = list(filter(taken_in_by(session, run), items))
    if run.kind != "repair":
        # Not only where somebody has to: the answer was chosen from the trade-off.
        plain = {**PLAIN, Kind.MOVED: "Saves enough travel, or makes room for it"}
        found = explained(found, items, plain)
    else:
        found = explained(found, items)
    left = _left(session, viewer, run, publication, items)
    return Repair(run, publication, found, _stay(session, run, publication), left)


def _left(
    session: Session, viewer: Viewer, run: Run, publication: Publication, items: Sequence[Item]
) -> list[Left]:
    """The published places, not over yet, that the run was not asked for, by learner and block."""
    line = PublicationLine
    # The newest happening of the learner's own is believed.
    own = [item for item in reversed(items) if item.key.startswith(("learner:", "returned:"))]
    why = {requirement: item.words for item in own for requirement in item.touched}
    rows = session.scalars(
        lines_of_publication(viewer, publication.id)
        .where(
            line.department_id.is_not(None),
            line.requirement_id.not_in(select(Placing.requirement_id).where(Placing.run_id == run.id)),
        )
        .order_by(line.learner_reference, line.first_week, line.id)
    )
    day = frozen_utc(session, run).date()
    return [
        Left(row, why.get(row.requirement_id, "No longer needs the place"))
        for row in rows
        if row.last_day >= day
    ]


def _differences(session: Session, viewer: Viewer, run: Run, publication: Publication) -> list[Move]:
    root = run if run.parent_id is None else session.get_one(Run, run.parent_id)
    told = {move["requirement"]: move["kind"] for move in root.summary["repair"]["moves"]}
    late = {int(key[1:]) for key in root.settings.get("in_need", ())}
    line = PublicationLine
    rows = session.execute(
        select(Placing.requirement_id, line.id)
        .outerjoin(
            line,
            and_(line.requirement_id == Placing.requirement_id, line.publication_id == publication.id),
        )
        .outerjoin(Block, Block.id == Placing.block_id)
        .where(
            Placing.run_id == run.id,
            or_(
                Placing.requirement_id.in_(late),
                line.department_id != Placing.department_id,
                line.department_id.is_(None) != Placing.department_id.is_(None),
                and_(line.department_id == Placing.department_id, line.block != Block.name),
            ),
        )
    )
    lines: dict[int, int | None] = {requirement: line_id for requirement, line_id in rows}  # noqa: C416
    placings = session.scalars(
        visible_placings(viewer).where(Placing.run_id == run.id, Placing.requirement_id.in_(lines))
    ).unique()
    before = {
        row.id: row
        for row in session.scalars(select(line).where(line.id.in_([x for x in lines.values() if x])))
    }
    day = frozen_utc(session, run).date()
    moves = [
        _move(placing, before.get(lines[placing.requirement_id] or 0), told, day) for placing in placings
    ]
    order = list(Kind)
    return sorted(moves, key=lambda move: (order.index(move.kind), move.reference, move.placing.id))


def _move(placing: Placing, line: PublicationLine | None, told: Mapping[int, str], day: date) -> Move:
    had = line if line is not None and line.department_id is not None else None
    begun = had is not None and had.first_week <= day
    if placing.department_id is None:
        return Move(Kind.LOST if had is not None else Kind.LATE_LEFT, placing, had, begun)
    if had is not None:
        lost = told.get(placing.requirement_id) in ("displaced", "late")
        return Move(Kind.REPLACED if lost else Kind.MOVED, placing, had, begun)
    return Move(Kind.FOUND if line is not None else Kind.LATE, placing, None, False)


def _stay(session: Session, run: Run, publication: Publication) -> int:
    """How many published placements that have begun, and are not over, are kept as they are."""
    day = frozen_utc(session, run).date()
    line = PublicationLine
    rows = session.execute(
        select(line.first_week, line.weeks)
        .join(Placing, and_(Placing.requirement_id == line.requirement_id, Placing.run_id == run.id))
        .where(
            line.publication_id == publication.id,
            line.department_id == Placing.department_id,
            line.first_week <= day,
        )
    )
    return sum(first + timedelta(weeks=weeks) > day for first, weeks in rows)


def explained(moves: Sequence[Move], items: Sequence[Item], plain: Mapping[Kind, str] = PLAIN) -> list[Move]:
    """Each with why: the happening that concerns it, else whom it makes room for or whose place it takes,
    step by step."""
    concerned: dict[int, Item] = {}
    for item in items:
        for requirement in (*item.touched, *item.wanted):
            concerned.setdefault(requirement, item)
    why: dict[int, str] = {}
    for move in moves:
        if (own := concerned.get(move.placing.requirement_id)) is not None:
            why[move.placing.id] = _said(own, move)
    by_came, by_left = _by_department(moves, "came_to"), _by_department(moves, "left")
    for move in moves:
        if move.placing.id in why:
            continue
        if move.kind is Kind.MOVED:
            others = [x for x in by_came.get(_department(move.left), ()) if _meet(x.came_to, move.left)]
            if others:
                why[move.placing.id] = f"To make room for {_named(others)}"
        elif move.came_to is not None:
            others = [x for x in by_left.get(_department(move.came_to), ()) if _meet(x.left, move.came_to)]
            others = [x for x in others if x.placing.id != move.placing.id]
            if others and move.kind is Kind.FOUND:
                why[move.placing.id] = f"Takes a place that {_named(others)} leaves"
    return [replace(move, why=why.get(move.placing.id, plain[move.kind])) for move in moves]


def _said(item: Item, move: Move) -> str:
    own = item.who.split(",")[0] == move.reference
    return f"{item.kind}: {item.words}" if own else f"{item.kind}: {item.who}, {item.words}"


def _by_department(moves: Sequence[Move], which: str) -> dict[int, list[Move]]:
    found: dict[int, list[Move]] = defaultdict(list)
    for move in moves:
        span: tuple[int, date, date] | None = getattr(move, which)
        if span is not None:
            found[span[0]].append(move)
    return found


def _department(span: tuple[int, date, date] | None) -> int:
    return span[0] if span is not None else 0


def _meet(one: tuple[int, date, date] | None, two: tuple[int, date, date] | None) -> bool:
    return one is not None and two is not None and one[1] <= two[2] and two[1] <= one[2]


def _named(moves: Sequence[Move]) -> str:
    names = sorted({move.reference for move in moves})
    return " or ".join(names) if len(names) < MOST_NAMED else f"one of {len(names)} others"
