"""The board: how each department stands before the deadline, who is stuck, and who was last reminded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.capacity.models import DeclarationRecord, DeclaredLine, DeclaredWeek
from placements.capacity.queries import declarations_of
from placements.capacity.reminders import last_reminders
from placements.organisations.models import Department, Network, Site
from placements.organisations.queries import visible_departments
from placements.rounds.models import Round
from placements.web.formats import LONDON, count

STATES = ("not declared", "draft", "submitted", "returned", "approved")
# What else the board can be filtered by: not a state, but what makes a lead look.
STUCK, LATE = "stuck", "late"

# What later parts say beside departments, such as that their places changed after a run: from session,
# viewer and round to department's id -> words.
Marker = Callable[[Session, Viewer, int], Mapping[int, str]]
_markers: dict[str, Marker] = {}


def register(name: str, marker: Marker) -> None:
    """Add a part's words; the same name again replaces them."""
    _markers[name] = marker


@dataclass(frozen=True)
class Row:
    """A department on the board.

    `preferred` and `maximum` are the fewest and the most over the weeks, in the department's measure; None
    where nothing is declared. `stuck` says for how long nothing moved, where that is too long; `late` what
    changed after a run or publication.
    """

    department: Department
    state: str
    changed_utc: datetime | None = None
    changed_by: str = ""
    preferred: tuple[int, int] | None = None
    maximum: tuple[int, int] | None = None
    stuck: str = ""
    late: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether somebody has still to do something."""
        return self.state != "approved"


@dataclass(frozen=True)
class Group:
    """A trust's departments, or the academy's own centres; `numbers` by state, and of those stuck."""

    name: str
    rows: Sequence[Row]
    reminded_utc: datetime | None = None
    numbers: Mapping[str, int] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """ "2 of 5 submitted: 1 approved, 1 waits for approval, 1 draft, 2 not declared; 1 stuck"."""
        done = self.numbers["approved"] + self.numbers["submitted"]
        parts = [
            f"{self.numbers[state]} {words}"
            for state, words in (
                ("approved", "approved"),
                ("submitted", "waiting for approval"),
                ("returned", "returned"),
                ("draft", "in draft"),
                ("not declared", "not declared"),
            )
            if self.numbers[state]
        ]
        stuck = f"; {self.numbers[STUCK]} stuck" if self.numbers[STUCK] else ""
        return f"{done} of {len(self.rows)} submitted ({', '.join(parts)}{stuck})"


@dataclass(frozen=True)
class Filters:
    """What is shown: a state (or STUCK, LATE), a group's name, a modality's key; empty is everything."""

    show: str = ""
    trust: str = ""
    modality: str = ""

    def let_through(self, row: Row, group: str) -> bool:
        of_state = {
            "": True,
            STUCK: bool(row.stuck),
            LATE: bool(row.late),
            "unfinished": row.state in ("not declared", "draft", "returned"),
        }.get(self.show, row.state == self.show)
        return of_state and self.trust in ("", group) and self.modality in ("", row.department.modality.key)


@dataclass(frozen=True)
class Board:
    """Every department that the person sees, grouped; `shown` are the groups with what the filters let
    through."""

    groups: Sequence[Group]
    shown: Sequence[Group]
    days_left: int

    @property
    def all_rows(self) -> list[Row]:
        return [row for group in self.groups for row in group.rows]

    @property
    def shown_rows(self) -> list[Row]:
        return [row for group in self.shown for row in group.rows]

    @property
    def deadline_words(self) -> str:
        """ "7 days left", "today", "2 days ago"."""
        if self.days_left > 0:
            return f"{count(self.days_left, 'day')} left"
        return f"{count(-self.days_left, 'day')} ago" if self.days_left else "today"


def board(
    session: Session, viewer: Viewer, round_: Round, *, now: datetime, filters: Filters | None = None
) -> Board:
    """The board of a round that the person has been let see, at a moment."""
    departments = list(session.scalars(visible_departments(viewer)).unique())
    declarations = declarations_of(session, viewer, round_.id, with_changer=True)
    ids = [row.id for row in declarations.values()]
    figures, moves = _figures(session, ids), _last_moves(session, ids)
    savers = _savers(session, [row.id for row in declarations.values() if row.changed_by is None])
    late: dict[int, str] = {}
    for marker in _markers.values():
        late |= marker(session, viewer, round_.id)
    reminded = last_reminders(session, round_.id)
    academy = session.scalar(select(Network.academy_name).where(Network.id == round_.network_id)) or ""
    grouped: dict[str, list[Row]] = {}
    reminders: dict[str, datetime | None] = {}
    for department in departments:
        name = academy if department.site.kind == "academy" else department.site.trust.name
        declaration = declarations.get(department.id)
        row = Row(department, "not declared")
        if declaration is not None:
            moved = moves.get(declaration.id, declaration.changed_utc)
            preferred, maximum = figures.get(declaration.id, (None, None))
            row = Row(
                department,
                declaration.state,
                declaration.changed_utc,
                declaration.changed_by.name if declaration.changed_by else savers.get(declaration.id, ""),
                preferred,
                maximum,
                stuck_words(declaration.state, now - moved, round_.weeks_stuck),
                late.get(department.id, ""),
            )
        grouped.setdefault(name, []).append(row)
        reminders.setdefault(name, reminded.get(_trust_of(department.site)))
    groups = [_group(name, rows, reminders[name]) for name, rows in grouped.items()]
    chosen = filters or Filters()
    shown = []
    for group in groups:
        rows = [row for row in group.rows if chosen.let_through(row, group.name)]
        if rows:
            shown.append(_group(group.name, rows, group.reminded_utc))
    return Board(groups, shown, (round_.declare_by - now.astimezone(LONDON).date()).days)


def stuck_words(state: str, unmoved: timedelta, weeks_stuck: int) -> str:
    """For how long nothing moved, where that is too long; nothing for what is approved."""
    weeks = unmoved // timedelta(weeks=1)
    if weeks < weeks_stuck:
        return ""
    return {
        "draft": f"no change for {count(weeks, 'week')}",
        "submitted": f"waiting for approval for {count(weeks, 'week')}",
        "returned": f"returned {count(weeks, 'week')} ago and not changed",
    }.get(state, "")


def _trust_of(site: Site) -> int | None:
    return None if site.kind == "academy" else site.trust_id


def _group(name: str, rows: Sequence[Row], reminded_utc: datetime | None) -> Group:
    numbers = {state: sum(row.state == state for row in rows) for state in STATES}
    return Group(name, rows, reminded_utc, numbers | {STUCK: sum(bool(row.stuck) for row in rows)})


Range = tuple[int, int]


def _figures(session: Session, ids: Sequence[int]) -> dict[int, tuple[Range, Range]]:
    """By declaration: the fewest and most of all lines' preferred places together, and of the most."""
    weeks = (
        select(
            DeclaredLine.declaration_id,
            DeclaredWeek.week,
            func.sum(DeclaredWeek.preferred).label("preferred"),
            func.sum(DeclaredWeek.maximum).label("maximum"),
        )
        .join(DeclaredWeek, DeclaredWeek.line_id == DeclaredLine.id)
        .where(DeclaredLine.declaration_id.in_(ids))
        .group_by(DeclaredLine.declaration_id, DeclaredWeek.week)
        .subquery()
    )
    rows = session.execute(
        select(
            weeks.c.declaration_id,
            func.min(weeks.c.preferred),
            func.max(weeks.c.preferred),
            func.min(weeks.c.maximum),
            func.max(weeks.c.maximum),
        ).group_by(weeks.c.declaration_id)
    )
    return {row[0]: ((row[1], row[2]), (row[3], row[4])) for row in rows}


def _savers(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Who last saved these declarations, by name: sites that have a private link and no account."""
    rows = session.execute(
        select(DeclarationRecord.declaration_id, DeclarationRecord.by_name)
        .where(DeclarationRecord.declaration_id.in_(ids), DeclarationRecord.verb == "save")
        .order_by(DeclarationRecord.id)
    )
    return {declaration_id: name for declaration_id, name in rows}  # noqa: C416 - a type checker takes rows for no pairs


def _last_moves(session: Session, ids: Sequence[int]) -> dict[int, datetime]:
    rows = session.execute(
        select(DeclarationRecord.declaration_id, func.max(DeclarationRecord.at_utc))
        .where(DeclarationRecord.declaration_id.in_(ids))
        .group_by(DeclarationRecord.declaration_id)
    )
    return {declaration_id: at_utc for declaration_id, at_utc in rows}  # noqa: C416 - a type checker takes rows for no pairs
