"""Reports as files: a row a department and week."""

from collections.abc import Iterable

from placements.capacity.content import shown
from placements.csv_files import csv_bytes
from placements.organisations.models import Department, Profession, Workforce
from placements.reports.forms import HEADINGS, cells
from placements.reports.trust import TrustView

WEEK_HEADINGS = (
    "Trust",
    "Site",
    "Department",
    "Week commencing",
    "Declared in",
    "Preferred declared",
    "Most declared",
    "Places offered",
    "Effective places",
    "Limited by",
    "Places used",
    "Supervised WTE",
    "Educator WTE",
    "Load %",
)


def weeks_csv(view: TrustView) -> bytes:
    """Every department and week of a view."""
    rows: list[Iterable[object]] = [WEEK_HEADINGS]
    for row in view.rows:
        site = row.department.site
        for week in row.weeks:
            rows.append(
                (
                    site.trust.name,
                    site.name,
                    row.department.modality.name,
                    week.week.isoformat(),
                    row.department.modality.measure,
                    week.units.preferred,
                    week.units.maximum,
                    week.places.maximum,
                    week.can_take,
                    week.effective.words if week.effective else "nothing approved",
                    week.used,
                    shown(week.load.weight),
                    shown(week.load.wte),
                    week.load.percent,
                )
            )
    return csv_bytes(rows)


def workforce_csv(
    departments: Iterable[Department],
    professions: list[Profession],
    in_force: dict[tuple[int, int], Workforce],
) -> bytes:
    """A trust's workforce as one pastes it back: every department and profession, an empty WTE where none is
    returned."""
    named = {department.id: department for department in departments}
    called = {profession.id: profession.name for profession in professions}
    rows: list[Iterable[object]] = [HEADINGS]
    for cell in cells(named.values(), professions):
        department = named[cell[0]]
        wte = shown(in_force[cell].wte) if cell in in_force else None
        rows.append((department.site.name, department.modality.name, called[cell[1]], wte))
    return csv_bytes(rows)
