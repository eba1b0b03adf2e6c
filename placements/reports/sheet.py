"""A site's printable sheet: by department, who comes when and who is there to supervise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from placements.access import Viewer
from placements.allocations.clearances import flags_today
from placements.allocations.models import Publication, PublicationLine
from placements.educators.models import Educator
from placements.educators.queries import Supervisor, supervisors
from placements.organisations.models import Department, Site
from placements.reports import queries
from placements.reports.trust import Row, TrustView, Week, trust_view
from placements.rounds.models import Round


@dataclass(frozen=True)
class OnDuty:
    """An educator in one week: WTE, and on how many of the days that they work they are there."""

    name: str
    wte: Decimal
    days: int
    of_days: int

    @property
    def words(self) -> str:
        """`away`, `3 of 5 days`, or nothing where they are there as usual."""
        if not self.wte:
            return "away"
        return f"{self.days} of {self.of_days} days" if self.days < self.of_days else ""


@dataclass(frozen=True)
class SheetWeek:
    """A department's week: its places, and the educators who are named."""

    week: Week
    educators: Sequence[OnDuty]


@dataclass(frozen=True)
class Sheet:
    """One department's part of the sheet; `not_clear` names by line's id the checks that a learner still
    lacks today."""

    row: Row
    learners: Sequence[PublicationLine]
    not_clear: Mapping[int, str]
    weeks: Sequence[SheetWeek]

    @property
    def department(self) -> Department:
        return self.row.department

    @property
    def names_educators(self) -> bool:
        return any(week.educators for week in self.weeks)


def site_sheet(
    session: Session,
    viewer: Viewer,
    round_: Round,
    site: Site,
    publication: Publication | None,
    *,
    weeks: Sequence[date],
    today: date,
) -> list[Sheet]:
    """The departments of a site that the person has been let see, over some of the round's weeks."""
    departments = queries.departments_of_site(viewer, site.id)
    view = trust_view(session, round_, departments, publication, weeks=weeks, today=today)
    ids = [row.department.id for row in view.rows]
    coming: dict[int, list[PublicationLine]] = {}
    for line in queries.published_places(session, viewer, publication, ids):
        if line.department_id is not None and _meets(line, view.weeks):
            coming.setdefault(line.department_id, []).append(line)
    flags = flags_today(session, round_, [line for lines in coming.values() for line in lines])
    not_clear = {line_id: names for line_id, (_, names) in flags.items() if names}
    serving = supervisors(session, view.weeks, ids)
    away = _rows_of(session, serving)
    return [
        _sheet(row, coming.get(row.department.id, []), not_clear, view, serving, away) for row in view.rows
    ]


def _sheet(
    row: Row,
    learners: Sequence[PublicationLine],
    not_clear: Mapping[int, str],
    view: TrustView,
    serving: Sequence[Supervisor],
    rows: Mapping[int, Educator],
) -> Sheet:
    here = [one for one in serving if row.department.id in one.departments]
    return Sheet(
        row,
        learners,
        not_clear,
        [
            SheetWeek(week, [_on_duty(one, rows[one.id], index, week.week) for one in here])
            for index, week in enumerate(row.weeks)
        ],
    )


def _on_duty(supervisor: Supervisor, educator: Educator, index: int, week: date) -> OnDuty:
    worked = [week + timedelta(days=day) for day in educator.days]
    there = [
        day
        for day in worked
        if not any(absence.first_day <= day <= absence.last_day for absence in educator.absences)
    ]
    return OnDuty(supervisor.name, supervisor.wte[index], len(there), len(worked))


def _rows_of(session: Session, serving: Sequence[Supervisor]) -> dict[int, Educator]:
    ids = [one.id for one in serving]
    rows = session.scalars(
        select(Educator).where(Educator.id.in_(ids)).options(selectinload(Educator.absences))
    )
    return {row.id: row for row in rows}


def _meets(line: PublicationLine, weeks: Sequence[date]) -> bool:
    """Whether a placement has a week among these."""
    return any(line.first_week <= week <= line.last_day for week in weeks)
