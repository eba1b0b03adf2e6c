"""A run's departments week by week, as the heat map, its CSV and the map of sites show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from placements.csv_files import csv_bytes
from placements.organisations.models import Department, Site
from placements.scenarios.models import Run
from placements.scenarios.outcome import by_week_of_run
from placements.scenarios.results import HEAVY_PERCENT
from placements.scenarios.weekly import PARTS_OF_WTE

# A figure up to and including so many per cent has the colour of this name; above the last it is `over`.
BANDS = ((50, "light"), (75, "fair"), (HEAVY_PERCENT - 1, "good"), (100, "heavy"))


@dataclass(frozen=True)
class Week:
    """One or more departments in one week; WTE in thousandths. No WTE: the load is not known."""

    placed: int = 0
    places: int = 0
    weight: int = 0
    wte: int = 0

    @property
    def load_percent(self) -> int | None:
        return round(100 * self.weight / self.wte) if self.wte else None

    @property
    def used_percent(self) -> int | None:
        return round(100 * self.placed / self.places) if self.places else None

    @property
    def is_full(self) -> bool:
        return 0 < self.places <= self.placed

    @property
    def is_heavy(self) -> bool:
        return (self.load_percent or 0) >= HEAVY_PERCENT

    @property
    def has_room(self) -> bool:
        return self.placed < self.places

    def __add__(self, other: Week) -> Week:
        """Both together. Where the time of one is not known, what is supervised there says nothing of the
        other's load, so it is left out of it."""
        return Week(
            self.placed + other.placed,
            self.places + other.places,
            (self.weight if self.wte else 0) + (other.weight if other.wte else 0),
            self.wte + other.wte,
        )


def band(percent: int | None) -> str:
    """The colour's name of a percentage; none where nothing is known or used."""
    if not percent:
        return "none"
    return next((name for most, name in BANDS if percent <= most), "over")


# What can be asked of a department: that some week is like that.
SHOWS: dict[str, tuple[str, Callable[[Week], bool]]] = {
    "full": ("Full in some week", lambda week: week.is_full),
    "heavy": ("Heavy load in some week", lambda week: week.is_heavy),
    "room": ("With places left in some week", lambda week: week.has_room),
}


@dataclass(frozen=True)
class HeatRow:
    """A department and its weeks, in the run's order."""

    department: Department
    weeks: Sequence[Week]


@dataclass(frozen=True)
class Heat:
    """The departments of a run that offer places, by site and modality."""

    mondays: Sequence[date]
    rows: Sequence[HeatRow]

    def narrowed(self, *, trust_id: int | None, modality: str, show: str) -> Heat:
        """The departments of a trust, of a modality, and like what is asked; nothing lets all through."""
        is_wanted = SHOWS[show][1] if show in SHOWS else None
        return Heat(
            self.mondays,
            [
                row
                for row in self.rows
                if (trust_id is None or row.department.site.trust_id == trust_id)
                and (not modality or row.department.modality.name == modality)
                and (is_wanted is None or any(map(is_wanted, row.weeks)))
            ],
        )

    @property
    def by_site(self) -> list[tuple[Site, list[HeatRow]]]:
        found: dict[int, tuple[Site, list[HeatRow]]] = {}
        for row in self.rows:
            found.setdefault(row.department.site_id, (row.department.site, []))[1].append(row)
        return list(found.values())

    @property
    def total(self) -> list[Week]:
        """All of its departments together, week by week."""
        return [
            sum((row.weeks[index] for row in self.rows), start=Week()) for index in range(len(self.mondays))
        ]


def heat_of_run(session: Session, run: Run) -> Heat:
    """A finished run's departments; the caller has been let see it."""
    kept = by_week_of_run(run)
    departments = _departments(session, [row["department"] for row in kept["departments"]])
    rows = [
        HeatRow(departments[row["department"]], _weeks(row))
        for row in kept["departments"]
        if row["department"] in departments
    ]
    return Heat(
        [date.fromisoformat(week) for week in kept["weeks"]],
        sorted(
            rows,
            key=lambda row: (row.department.site.name, row.department.modality.name, row.department.id),
        ),
    )


def heat_csv(heat: Heat) -> bytes:
    """One line a department and week: learners placed, places, supervision taken and time for it in WTE."""
    lines: list[list[object]] = [
        [
            "Trust",
            "Site",
            "Department",
            "Week",
            "Placed",
            "Places",
            "Supervised WTE",
            "Educator WTE",
            "Load %",
        ]
    ]
    for row in heat.rows:
        site = row.department.site
        for monday, week in zip(heat.mondays, row.weeks, strict=True):
            lines.append(
                [
                    site.trust.name,
                    site.name,
                    row.department.modality.name,
                    monday.isoformat(),
                    week.placed,
                    week.places,
                    week.weight / PARTS_OF_WTE,
                    week.wte / PARTS_OF_WTE,
                    week.load_percent,
                ]
            )
    return csv_bytes(lines)


def _weeks(row: dict[str, Any]) -> list[Week]:
    return [
        Week(*figures)
        for figures in zip(row["placed"], row["places"], row["weight"], row["wte"], strict=True)
    ]


def _departments(session: Session, ids: Iterable[int]) -> dict[int, Department]:
    rows = session.scalars(
        select(Department)
        .where(Department.id.in_(list(ids)))
        .options(joinedload(Department.site).joinedload(Site.trust), joinedload(Department.modality))
    )
    return {row.id: row for row in rows}
