"""A trust (or the academy) in a round: what each department offers, can really take and is given, week by
week, with the load on its educators. Read once for all departments; no query here is one a department."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from sqlalchemy import Select
from sqlalchemy.orm import Session

from placements.allocations.models import Publication
from placements.capacity import queries as capacity
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.effective import Effective
from placements.educators.queries import Supervisor, supervisors
from placements.organisations.models import Department, Site
from placements.organisations.queries import weights_in_force
from placements.reports import queries
from placements.reports.load import Load, Loads, loads
from placements.rounds.models import Round


@dataclass(frozen=True)
class Week:
    """A department in one week: learners at once, and WTE. `units` are what was declared, in the measure of
    the department; `places` the same as learners at once."""

    week: date
    units: Places
    places: Places
    effective: Effective | None
    used: int
    load: Load

    @property
    def can_take(self) -> int:
        """Effective places; none where nothing is approved."""
        return self.effective.places if self.effective else 0

    @property
    def fullness(self) -> str:
        """The colour's name of places used on a heat map."""
        if self.used > self.can_take:
            return "over"
        return Load(Decimal(self.used), Decimal(self.can_take)).band


@dataclass(frozen=True)
class Row:
    """A department with its weeks; `has_offer` where a version of its declaration is approved."""

    department: Department
    has_offer: bool
    weeks: Sequence[Week]

    @property
    def offered(self) -> int:
        """Places at most, a place for one week counting once."""
        return sum(week.places.maximum for week in self.weeks)

    @property
    def units(self) -> int:
        """What was declared, in the department's measure."""
        return sum(week.units.maximum for week in self.weeks)

    @property
    def effective(self) -> int:
        return sum(week.can_take for week in self.weeks)

    @property
    def used(self) -> int:
        return sum(week.used for week in self.weeks)

    @cached_property
    def heaviest(self) -> Week | None:
        """The week with the highest load; None where nobody is supervised."""
        return max(
            (week for week in self.weeks if week.load.weight), key=lambda week: week.load.order, default=None
        )


@dataclass(frozen=True)
class EducatorWeeks:
    """An educator (or those of a department who are not named) near or over the limit in the coming weeks.
    `heaviest` is the heaviest week with its load; `over` and `near` count weeks; `crowded` the weeks with
    more learners at once than the educator takes."""

    name: str
    departments: Sequence[str]
    heaviest: date
    load: Load
    over: int
    near: int
    crowded: int = 0


@dataclass(frozen=True)
class TrustView:
    """All departments asked for, by site, over the weeks asked for."""

    weeks: Sequence[date]
    rows: Sequence[Row]
    educators: Sequence[EducatorWeeks]

    @cached_property
    def sites(self) -> list[tuple[Site, list[Row]]]:
        found: dict[int, tuple[Site, list[Row]]] = {}
        for row in self.rows:
            found.setdefault(row.department.site_id, (row.department.site, []))[1].append(row)
        return list(found.values())

    @property
    def offered(self) -> int:
        return sum(row.offered for row in self.rows)

    @property
    def effective(self) -> int:
        return sum(row.effective for row in self.rows)

    @property
    def used(self) -> int:
        return sum(row.used for row in self.rows)

    @property
    def with_offer(self) -> int:
        return sum(row.has_offer for row in self.rows)

    @cached_property
    def heaviest(self) -> Row | None:
        """The department with the highest load."""
        found = [row for row in self.rows if row.heaviest]
        return max(
            found, key=lambda row: row.heaviest.load.order if row.heaviest else (False, 0), default=None
        )

    @cached_property
    def departments_over(self) -> int:
        """Departments with more supervised than there is WTE for in some week."""
        return sum(any(week.load.is_over for week in row.weeks) for row in self.rows)


@dataclass(frozen=True)
class Used:
    """What a publication sends: learners and the weight of their supervision, by department and week."""

    learners: Mapping[tuple[int, date], int]
    weights: Mapping[tuple[int, date], Decimal]


def trust_view(
    session: Session,
    round_: Round,
    departments: Select[Department],
    publication: Publication | None,
    *,
    weeks: Sequence[date],
    today: date,
) -> TrustView:
    """The view of departments that the person has been let see, over some of the round's weeks.

    About twenty queries whatever their number. Educators are looked at from the week of `today` on.
    """
    rows = list(session.scalars(departments).unique())
    ids = {department.id for department in rows}
    limits = capacity.limits_of(session, round_, rows)
    serving = {one.id: one for serving in limits.supervisors.values() for one in serving}
    elsewhere = {one for supervisor in serving.values() for one in supervisor.departments} - ids
    everybody = _with_colleagues(session, serving, elsewhere, limits.weeks)
    offers = {
        offer.department_id: offer.content
        for offer in capacity.offers(session, round_.id, department_ids=ids | elsewhere)
    }
    factors = {key: limits.factors.get(content.model or "", Decimal(1)) for key, content in offers.items()}
    used = used_by(session, round_, publication, ids | elsewhere, factors)
    named = elsewhere | limits.supervisors.keys()
    typed = {key: content.wte for key, content in offers.items() if key not in named}
    found = {
        week: _loads(index, week, ids | elsewhere, used, everybody, typed)
        for index, week in enumerate(limits.weeks)
        if week in weeks
    }
    view_rows = [_row(row, offers.get(row.id), limits, used, found) for row in rows]
    coming = {week: loads_ for week, loads_ in found.items() if (today - week).days < 7}
    return TrustView(
        weeks=list(found),
        rows=view_rows,
        educators=[*_named(serving, rows, coming), *_unnamed(view_rows, limits, coming)],
    )


def used_by(
    session: Session,
    round_: Round,
    publication: Publication | None,
    department_ids: set[int],
    factors: Mapping[int, Decimal],
) -> Used:
    """What the publication sends to departments; `factors` are those of their supervision models."""
    numbers = queries.published_numbers(session, publication, department_ids)
    learners: dict[tuple[int, date], int] = {}
    weights: dict[tuple[int, date], Decimal] = {}
    if numbers:
        names = queries.learners_of_network(session, round_.network_id)
        in_force = weights_in_force(session, round_.first_week)
        for row in numbers:
            group = names.group(row.hei_id, row.programme)
            # A match takes learners without a weight of their own as one WTE each.
            each = in_force.get((group, names.stage(group, row.stage)), Decimal(1))
            each *= factors.get(row.department_id, Decimal(1))
            for week in weeks_of(row.first_week, row.weeks):
                key = row.department_id, week
                learners[key] = learners.get(key, 0) + row.learners
                weights[key] = weights.get(key, Decimal(0)) + row.learners * each
    return Used(learners, weights)


def weeks_of(first_week: date, weeks: int) -> list[date]:
    return [date.fromordinal(first_week.toordinal() + 7 * index) for index in range(weeks)]


def _with_colleagues(
    session: Session, serving: Mapping[int, Supervisor], elsewhere: set[int], weeks: Sequence[date]
) -> list[Supervisor]:
    """These supervisors, with those who share the work in the other departments that they serve."""
    found = dict(serving)
    if elsewhere:
        found |= {one.id: one for one in supervisors(session, weeks, elsewhere)}
    return [found[key] for key in sorted(found)]


def _loads(
    index: int,
    week: date,
    ids: set[int],
    used: Used,
    everybody: Sequence[Supervisor],
    typed: Mapping[int, Mapping[date, Decimal]],
) -> Loads:
    return loads(
        index,
        {key: used.weights.get((key, week), Decimal(0)) for key in ids},
        {key: used.learners.get((key, week), 0) for key in ids},
        everybody,
        {key: wte.get(week, Decimal(0)) for key, wte in typed.items()},
    )


def _row(
    department: Department,
    content: Content | None,
    limits: capacity.Limits,
    used: Used,
    found: Mapping[date, Loads],
) -> Row:
    can_take = limits.effective(department, content) if content else {}
    rates = limits.rates[department.id]
    offered = content or Content({ANYONE: {}})
    weeks = []
    for week, loads_ in found.items():
        of_lines = [(line, offered.places(line, week)) for line in offered.lines]
        weeks.append(
            Week(
                week=week,
                units=offered.total(week),
                places=Places(
                    *(
                        sum(rates.places(line, getattr(places, column)) for line, places in of_lines)
                        for column in ("preferred", "maximum", "surge")
                    )
                ),
                effective=can_take.get(week),
                used=used.learners.get((department.id, week), 0),
                load=loads_.departments.get(department.id, Load()),
            )
        )
    return Row(department, content is not None, weeks)


def _named(
    serving: Mapping[int, Supervisor], rows: Sequence[Department], coming: Mapping[date, Loads]
) -> list[EducatorWeeks]:
    names = {row.id: row.name for row in rows}
    found = []
    for key in sorted(serving, key=lambda one: serving[one].name):
        educator = serving[key]
        here = {week: loads_.educators[key] for week, loads_ in coming.items()}
        taught = {week: loads_.learners.get(key, Decimal(0)) for week, loads_ in coming.items()}
        crowded = sum(educator.most is not None and number > educator.most for number in taught.values())
        told = _told(
            educator.name, [names[one] for one in educator.departments if one in names], here, crowded
        )
        if told:
            found.append(told)
    return sorted(found, key=lambda row: row.load.order, reverse=True)


def _unnamed(
    rows: Sequence[Row], limits: capacity.Limits, coming: Mapping[date, Loads]
) -> list[EducatorWeeks]:
    """Departments without any named educator, whose WTE was typed."""
    found = []
    for row in rows:
        if not limits.supervisors.get(row.department.id):
            here = {
                week: found_.departments.get(row.department.id, Load()) for week, found_ in coming.items()
            }
            told = _told("Educators not named", [row.department.name], here, 0)
            if told:
                found.append(told)
    return sorted(found, key=lambda row: row.load.order, reverse=True)


def _told(
    name: str, departments: Sequence[str], here: Mapping[date, Load], crowded: int
) -> EducatorWeeks | None:
    """None where no week is near or over the limit."""
    over = sum(load.is_over for load in here.values())
    near = sum(load.is_near for load in here.values())
    if not (over or near or crowded):
        return None
    heaviest = max(here, key=lambda week: here[week].order)
    return EducatorWeeks(name, departments, heaviest, here[heaviest], over, near, crowded)
