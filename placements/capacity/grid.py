"""The declaration grid of some departments: what is read for it, and what follows from the figures in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from sqlalchemy.orm import Session, joinedload

from placements.access import Role, Viewer
from placements.bank_holidays import WORKING_DAYS, holidays_in, working_days
from placements.capacity import nearby, queries, storing
from placements.capacity.content import ANYONE, COLUMNS, EDUCATORS, PLACE_COLUMNS, Content, shown
from placements.capacity.effective import Effective
from placements.capacity.grid_history import last_contents, last_round
from placements.capacity.models import Declaration
from placements.organisations.models import Department, LearnerGroup, Site, SupervisionModel, Trust
from placements.organisations.queries import learner_groups, supervision_models, visible_departments
from placements.rounds.models import Block, Round
from placements.web.formats import count, day, short_day

# More on one page would be slow to send and to read; then one site at a time is shown.
MOST_DEPARTMENTS = 30
ACADEMY = "academy"
MEASURES = {"places": "places", "lists": "scanning lists a week", "sessions": "sessions a week"}
FIGURE_ROWS = {
    "makes": "Makes places",
    "effective": "Effective places",
    "limit": "Limited by",
    "last": "Last round, most",
}
# What binds, short enough for a cell.
SHORT_LIMITS = {
    "places": "declared",
    "supervision": "WTE",
    "most at once": "at once",
    "site": "site",
    "trust": "trust",
}


@dataclass(frozen=True)
class Week:
    """A column: a week (its Monday) of some block, and the bank holidays that shorten it; `begins` is the
    block that begins with this column, or nothing."""

    monday: date
    iso: str
    words: str
    holidays: tuple[str, ...]
    days: int
    begins: str

    @property
    def is_reduced(self) -> bool:
        return self.days < WORKING_DAYS


@dataclass(frozen=True)
class Band:
    """A block over the columns of its weeks that no block before it has; `elsewhere` are the rest."""

    block: Block
    weeks: Sequence[date]
    elsewhere: Sequence[date]


@dataclass(frozen=True)
class Row:
    """A row of cells: its key (`line.column`), its words for the eye and for the ear, and who comes on its
    line (nothing: the educators). `opens` is True of the first row of a line."""

    key: str
    label: str
    words: str
    who: str = ""
    opens: bool = False


@dataclass(frozen=True)
class Of:
    """One department in the grid, as it is stored: the declaration or None, its content, and the last round's
    in this round's weeks (None: it declared nothing then)."""

    department: Department
    declaration: Declaration | None
    saved: Content
    last: Content | None
    near: Mapping[int, nearby.Nearby] | None
    may_change: bool

    @property
    def version(self) -> int:
        return self.declaration.version if self.declaration else 0

    @property
    def state(self) -> str:
        return self.declaration.state if self.declaration else "not declared"


@dataclass(frozen=True)
class Figures:
    """What follows from a department's figures: rows of words, each in the order of the weeks, by their key
    in FIGURE_ROWS; and `lifts`, what limits and what would lift it, a sentence for each run of weeks."""

    rows: Mapping[str, Sequence[str]]
    lifts: Sequence[str]


@dataclass(frozen=True)
class Grid:
    """Everything that the page of some departments needs, read in a fixed number of statements."""

    round: Round
    last: Round | None
    weeks: Sequence[Week]
    bands: Sequence[Band]
    departments: Sequence[Of]
    limits: queries.Limits
    groups: Sequence[LearnerGroup]
    models: Sequence[SupervisionModel]
    knows_nearby: bool

    def of(self, department_id: int) -> Of:
        return next(of for of in self.departments if of.department.id == department_id)

    @property
    def near_minutes(self) -> int:
        return nearby.NEAR_MINUTES

    @property
    def mondays(self) -> list[date]:
        return [week.monday for week in self.weeks]

    def supervised(self, of: Of) -> list[str] | None:
        """WTE of the named educators in each week, or None where nobody is named and it is typed."""
        named = self.limits.supervisors.get(of.department.id)
        if not named:
            return None
        return [shown(sum((s.wte[i] for s in named), Decimal(0))) for i in range(len(self.weeks))]

    def measure(self, of: Of) -> str:
        """In what a department counts: places, scanning lists a week, sessions a week."""
        return MEASURES[of.department.modality.measure]

    def rows(self, of: Of, lines: Sequence[str]) -> Iterator[Row]:
        """The rows of cells: three for each line, then the educators' WTE."""
        measure = self.measure(of)
        for line in lines:
            who = queries.line_words(line, self.groups)
            for column in PLACE_COLUMNS:
                name = COLUMNS[column].partition(" ")[0].capitalize()
                words = f"{name} {measure}" + ("" if line == ANYONE else f" for {who}")
                yield Row(f"{line}.{column}", name, words, who, opens=column == PLACE_COLUMNS[0])
        yield Row(f"{EDUCATORS}.wte", "WTE", "Educator WTE")

    def line_choices(self, lines: Collection[str]) -> list[tuple[str, str]]:
        """Learners for whom a line can be added: key and words."""
        keys = [key for key in queries.line_keys_of(self.groups) if key not in lines]
        return [(key, queries.line_words(key, self.groups)) for key in keys]

    def figures(self, of: Of, content: Content) -> Figures:
        """What follows from this content in each week."""
        effective = list(self.limits.effective(of.department, content).values())
        rows = {
            "effective": [str(found.places) for found in effective],
            "limit": [SHORT_LIMITS[found.limit] for found in effective],
        }
        rates = self.limits.rates[of.department.id]
        if rates.measure != "places":
            rows["makes"] = [
                str(sum(rates.places(line, content.places(line, week).maximum) for line in content.lines))
                for week in self.mondays
            ]
        if of.last is not None:
            rows["last"] = [
                _compared(of.last.total(week).maximum, content.total(week).maximum) for week in self.mondays
            ]
        return Figures(rows, list(_lifts(self.mondays, effective)))


def _compared(last: int, now: int) -> str:
    """Last round's figure, and by how much this one is more or less."""
    return f"{last} ({'+' if now > last else '−'}{abs(now - last)})" if now != last else str(last)


def _lifts(weeks: Sequence[date], found: Sequence[Effective]) -> Iterator[str]:
    """One sentence for each run of weeks that the same thing limits in the same way."""
    index = 0
    for effective, run in groupby(found):
        length = len(list(run))
        first, last = weeks[index], weeks[index + length - 1]
        index += length
        when = f"Week of {_short(first)}" if length == 1 else f"{_short(first)} to {_short(last)}"
        places = count(effective.places, "effective place")
        yield f"{when}: {places}, limited by {effective.words}. {effective.lift}".strip()


def _short(week: date) -> str:
    return f"{short_day(week)} {week.year}"


def weeks_of(bands: Sequence[Band]) -> list[Week]:
    """The columns of a grid, in order."""
    return [
        Week(
            monday,
            monday.isoformat(),
            day(monday),
            tuple(f"{name}, {on.day} {on:%B}" for on, name in holidays_in(monday).items()),
            working_days(monday),
            band.block.name if monday == band.weeks[0] else "",
        )
        for band in bands
        for monday in band.weeks
    ]


def bands_of(blocks: Sequence[Block]) -> list[Band]:
    """Each block with the weeks that no block before it has."""
    seen: set[date] = set()
    found = []
    for block in blocks:
        own = [week for week in block.mondays() if week not in seen]
        found.append(Band(block, own, [week for week in block.mondays() if week in seen]))
        seen.update(own)
    return found


@dataclass(frozen=True)
class Choice:
    """What a page can show to a person and what it shows: a trust's sites, or the academy's own centres."""

    trusts: Sequence[Trust]
    sites: Sequence[Site]
    has_academy: bool
    trust: str
    site_id: int | None
    departments: Sequence[Department]


def choose(session: Session, viewer: Viewer, trust: str, site_id: int | None) -> Choice:
    """The departments of one trust (by id; for an academy lead also `academy`, the default) or of one of its
    sites; what a person may not see or is not there is as if it had not been asked for."""
    seen = list(session.scalars(visible_departments(viewer).options(joinedload(Department.site))).unique())
    trusts = list({d.site.trust_id: d.site.trust for d in seen}.values())
    has_academy = viewer.role is Role.ACADEMY_LEAD and any(d.site.kind == ACADEMY for d in seen)
    if trust not in {str(row.id) for row in trusts} and not (has_academy and trust == ACADEMY):
        trust = ACADEMY if has_academy else str(trusts[0].id) if trusts else ""
    shown_ = [d for d in seen if trust == str(d.site.trust_id) or (trust == d.site.kind == ACADEMY)]
    sites = list({d.site_id: d.site for d in shown_}.values())
    if site_id not in {site.id for site in sites}:
        site_id = sites[0].id if len(shown_) > MOST_DEPARTMENTS else None
    departments = [d for d in shown_ if site_id in (None, d.site_id)]
    return Choice(trusts, sites, has_academy, trust, site_id, departments)


def read_grid(
    session: Session,
    viewer: Viewer,
    round_: Round,
    departments: Sequence[Department],
    *,
    with_nearby: bool = True,
) -> Grid:
    """The grid of these departments, which the person may see."""
    ids = [department.id for department in departments]
    declarations = queries.declarations_of(session, viewer, round_.id, ids, with_changer=True)
    contents = storing.contents(session, [row.id for row in declarations.values()])
    last = last_round(session, viewer, round_)
    lasts = last_contents(session, viewer, round_, last, ids) if last else {}
    near = nearby.nearby(session, round_, departments) if with_nearby else None
    bands = bands_of(round_.blocks)
    return Grid(
        round=round_,
        last=last,
        weeks=weeks_of(bands),
        bands=bands,
        departments=[
            Of(
                department,
                row := declarations.get(department.id),
                contents[row.id] if row else Content({ANYONE: {}}),
                lasts.get(department.id),
                near.get(department.id, {}) if near is not None else None,
                round_.state != "draft" and queries.may_change(viewer, department),
            )
            for department in departments
        ],
        limits=queries.limits_of(session, round_, departments),
        groups=learner_groups(session),
        models=supervision_models(session),
        knows_nearby=near is not None,
    )
