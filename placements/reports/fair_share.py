"""Fair share: the days of placement that are expected of a department's workforce, beside those that it
declares and those that are delivered.

Expected: WTE in force when the round begins x the profession's days per WTE x the share of a year (52 weeks)
that the round spans, or the whole year. Declared: approved places at most x working days of each week.
Delivered: learners published x working days. A place for a learner group counts to that group's profession;
a place for anyone to the professions whose learners the round's plan sends to the modality, in equal parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.bank_holidays import working_days
from placements.capacity import queries as capacity
from placements.capacity.content import ANYONE
from placements.capacity.effective import Rates
from placements.organisations.models import Department, LearnerGroup, Profession
from placements.organisations.queries import fair_share_in_force
from placements.reports import queries
from placements.reports.trust import weeks_of
from placements.rounds.models import Round

WEEKS_A_YEAR = 52
NOTHING = Decimal(0)
# What rows of the page are put together by.
GROUPINGS = ("trust", "department", "profession")
NO_PROFESSION = "No profession"


@dataclass(frozen=True)
class Days:
    """Days of placement: expected, declared, delivered."""

    expected: Decimal = NOTHING
    declared: Decimal = NOTHING
    delivered: Decimal = NOTHING

    def __add__(self, other: Days) -> Days:
        return Days(
            self.expected + other.expected,
            self.declared + other.declared,
            self.delivered + other.delivered,
        )

    def __bool__(self) -> bool:
        return bool(self.expected or self.declared or self.delivered)


@dataclass(frozen=True)
class Share:
    """The days of one department and profession (None: of learners whose group names none)."""

    department: Department
    profession: Profession | None
    days: Days

    @property
    def profession_name(self) -> str:
        return self.profession.name if self.profession else NO_PROFESSION


@dataclass(frozen=True)
class Line:
    """Shares put together: a trust, a department or a profession. `id` is its row's, 0 for no profession."""

    id: int
    name: str
    days: Days
    department: Department | None = None


@dataclass(frozen=True)
class Returned:
    """Expected days of one profession in a department, with the figures that make them."""

    profession: Profession
    wte: Decimal
    as_of: date
    days_per_wte: Decimal
    days: Decimal


@dataclass(frozen=True)
class DeclaredDays:
    """Places of one line of a declaration in one week; `professions` are those among whom its days are
    split, in equal parts."""

    week: date
    line: str
    places: int
    working_days: int
    professions: tuple[int | None, ...]

    @property
    def days(self) -> int:
        return self.places * self.working_days


@dataclass(frozen=True)
class DeliveredDays:
    """A published place."""

    line: PublicationLine
    profession_id: int | None
    days: int


@dataclass(frozen=True)
class Behind:
    """The rows behind one department's days."""

    returned: Sequence[Returned]
    declared: Sequence[DeclaredDays]
    delivered: Sequence[DeliveredDays]


def share_of_year(round_: Round, *, whole_year: bool = False) -> Decimal:
    """The part of a year that the round spans, from its first to its last week, at most a whole one."""
    if whole_year:
        return Decimal(1)
    return Decimal(min(weeks_spanned(round_), WEEKS_A_YEAR)) / WEEKS_A_YEAR


def weeks_spanned(round_: Round) -> int:
    return (round_.last_week - round_.first_week).days // 7 + 1


def shares(
    session: Session,
    round_: Round,
    departments: Select[Department],
    publication: Publication | None,
    *,
    whole_year: bool = False,
) -> list[Share]:
    """Days by department and profession of departments that the person has been let see, by trust and site;
    about fifteen queries whatever their number. A department of which nothing is known has no share."""
    rows = list(session.scalars(departments).unique())
    professions = {row.id: row for row in queries.professions(session)}
    returned = returned_days(session, round_, departments, share_of_year(round_, whole_year=whole_year))
    found: dict[tuple[int, int | None], Days] = {}

    def add(department_id: int, profession_id: int | None, **days: Decimal) -> None:
        key = department_id, profession_id
        found[key] = found.get(key, Days()) + Days(**days)

    for department_id, of_department in returned.items():
        for told in of_department:
            add(department_id, told.profession.id, expected=told.days)
    for department_id, declared in declared_days(session, round_, rows).items():
        for one in declared:
            for profession_id in one.professions:
                add(department_id, profession_id, declared=Decimal(one.days) / len(one.professions))
    names = queries.learners_of_network(session, round_.network_id)
    for number in queries.published_numbers(session, publication, {row.id for row in rows}):
        days = number.learners * _days(number.first_week, number.weeks)
        profession_id = names.profession(number.hei_id, number.programme)
        add(number.department_id, profession_id, delivered=Decimal(days))
    return [
        Share(row, professions.get(profession_id) if profession_id else None, found[row.id, profession_id])
        for row in rows
        for profession_id in (*professions, None)
        if (row.id, profession_id) in found
    ]


def together(found: Sequence[Share], by: str) -> list[Line]:
    """The shares added up by trust, department or profession, in the order in which they come (professions
    by name)."""
    keys: dict[str, Callable[[Share], tuple[int, str]]] = {
        "trust": lambda one: (one.department.site.trust_id, one.department.site.trust.name),
        "department": lambda one: (one.department.id, one.department.name),
        "profession": lambda one: (one.profession.id if one.profession else 0, one.profession_name),
    }
    lines: dict[tuple[int, str], Days] = {}
    departments: dict[tuple[int, str], Department] = {}
    for one in found:
        key = keys[by](one)
        lines[key] = lines.get(key, Days()) + one.days
        departments[key] = one.department
    made = [Line(*key, days, departments[key] if by == "department" else None) for key, days in lines.items()]
    return sorted(made, key=lambda line: line.name) if by == "profession" else made


def total(found: Sequence[Share]) -> Days:
    return sum((one.days for one in found), Days())


def behind(
    session: Session,
    viewer: Viewer,
    round_: Round,
    department: Department,
    publication: Publication | None,
    *,
    whole_year: bool = False,
) -> Behind:
    """The returns, declared weeks and published places behind a department's days."""
    only = queries.departments_of_site(viewer, department.site_id).where(Department.id == department.id)
    share = share_of_year(round_, whole_year=whole_year)
    names = queries.learners_of_network(session, round_.network_id)
    return Behind(
        returned_days(session, round_, only, share).get(department.id, []),
        declared_days(session, round_, [department]).get(department.id, []),
        [
            DeliveredDays(
                line, names.profession(line.hei_id, line.programme), _days(line.first_week, line.weeks)
            )
            for line in queries.published_places(session, viewer, publication, [department.id])
        ],
    )


def returned_days(
    session: Session, round_: Round, departments: Select[Department], share: Decimal
) -> dict[int, list[Returned]]:
    """Expected days by department's id, from the returns and rates in force when the round begins."""
    rates = fair_share_in_force(session, round_.first_week)
    professions = {row.id: row for row in queries.professions(session)}
    found: dict[int, list[Returned]] = {}
    workforce = queries.workforce_in_force(session, departments, round_.first_week)
    for (department_id, profession_id), row in sorted(workforce.items()):
        rate = rates.get(profession_id, NOTHING)
        if row.wte:
            found.setdefault(department_id, []).append(
                Returned(professions[profession_id], row.wte, row.as_of, rate, row.wte * rate * share)
            )
    return found


def declared_days(
    session: Session, round_: Round, departments: Sequence[Department]
) -> dict[int, list[DeclaredDays]]:
    """The approved places by department's id, a row for each line and week that has any."""
    rates = capacity.rates_of(session, round_, departments)
    professions = {row.key: row.profession_id for row in session.scalars(select(LearnerGroup))}
    found: dict[int, list[DeclaredDays]] = {}
    for offer in capacity.offers(session, round_.id, {row.id for row in departments}):
        rate = rates[offer.department_id]
        for line in offer.content.lines:
            of_line = professions_of(line, rate, professions)
            for week in round_.block_weeks():
                places = rate.places(line, offer.content.places(line, week).maximum)
                if places:
                    row = DeclaredDays(week, line, places, working_days(week), of_line)
                    found.setdefault(offer.department_id, []).append(row)
    return found


def professions_of(line: str, rates: Rates, professions: Mapping[str, int | None]) -> tuple[int | None, ...]:
    """The professions (by id) to which places of a line count; (None,) where there is none."""
    groups = {group for group, _ in rates.weights} if line == ANYONE else {line.partition("/")[0]}
    named = {profession_id for group in groups if (profession_id := professions.get(group))}
    return tuple(sorted(named)) or (None,)


def _days(first_week: date, weeks: int) -> int:
    return sum(working_days(week) for week in weeks_of(first_week, weeks))


def of_profession(found: Sequence[Share], profession_id: int) -> list[Share]:
    """Those of one profession; 0 is no profession."""
    return [one for one in found if (one.profession.id if one.profession else 0) == profession_id]


def csv_rows(found: Sequence[Share]) -> list[list[Any]]:
    """The shares as rows of a spreadsheet, under their headings; days to one decimal."""
    rows: list[list[Any]] = [
        [
            "Trust",
            "Site",
            "Department",
            "Profession",
            "Expected days",
            "Declared days",
            "Delivered days",
            "Declared % of expected",
            "Delivered % of expected",
        ]
    ]
    for one in found:
        site, days = one.department.site, one.days
        rows.append(
            [
                site.trust.name,
                site.name,
                one.department.modality.name,
                one.profession_name,
                *(round(value, 1) for value in (days.expected, days.declared, days.delivered)),
                *(_percent(value, days.expected) for value in (days.declared, days.delivered)),
            ]
        )
    return rows


def _percent(part: Decimal, whole: Decimal) -> Decimal | None:
    return round(100 * part / whole, 1) if whole else None
