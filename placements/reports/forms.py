"""The workforce page: typed or pasted figures to WTE, each wrong one named, all typing kept."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from placements.capacity.content import shown
from placements.organisations.models import Department, Profession, Workforce
from placements.reports.service import MOST_WTE, Cell, WorkforceReturn

FIGURE = re.compile(r"(\d{1,9}([.,]\d*)?|[.,]\d+)")
HEADINGS = ("Site", "Department", "Profession", "WTE")
MOST_SHOWN = 10


def cell_name(department_id: int, profession_id: int) -> str:
    """The name and id of a figure's field."""
    return f"wte-{department_id}-{profession_id}"


@dataclass
class WorkforceGrid:
    """What stands in the fields, as typed, and what is wrong with them, both by field name."""

    departments: Sequence[Department]
    professions: Sequence[Profession]
    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_saved(
        cls,
        departments: Sequence[Department],
        professions: Sequence[Profession],
        in_force: Mapping[Cell, Workforce],
        as_of: date,
    ) -> "WorkforceGrid":
        """The figures in force, to be brought up to date as on a day."""
        typed = {cell_name(*cell): shown(row.wte) for cell, row in in_force.items()}
        return cls(departments, professions, typed | {"as_of": as_of.isoformat()})

    @classmethod
    def of_form(
        cls, departments: Sequence[Department], professions: Sequence[Profession], form: Mapping[str, str]
    ) -> "WorkforceGrid":
        """The page as a person sent it."""
        names = ["as_of", "pasted", *(cell_name(*cell) for cell in cells(departments, professions))]
        return cls(departments, professions, {name: form.get(name, "") for name in names})

    def paste(self) -> int:
        """Put the pasted rows into their fields; returns how many were. What cannot be used is said at the
        box and stays in it."""
        try:
            rows = list(_rows(self.typed.get("pasted", "")))
        except csv.Error:
            self.errors["pasted"] = "These rows cannot be read: copy the four columns again"
            return 0
        sites = {(_plain(row.site.name), _plain(row.modality.name)): row.id for row in self.departments} | {
            (_plain(row.site.name), _plain(row.modality.key)): row.id for row in self.departments
        }
        known = {_plain(row.name): row.id for row in self.professions}
        known |= {_plain(row.key): row.id for row in self.professions}
        wrong = []
        used = 0
        for number, row in rows:
            if [_plain(cell) for cell in row] == [_plain(heading) for heading in HEADINGS]:
                continue
            problem = self._place(row, sites, known)
            if problem:
                wrong.append(f"Row {number}: {problem}")
            else:
                used += 1
        if wrong:
            rest = f" There are {len(wrong) - MOST_SHOWN} more." if len(wrong) > MOST_SHOWN else ""
            self.errors["pasted"] = ". ".join(wrong[:MOST_SHOWN]) + "." + rest
        elif not used:
            self.errors["pasted"] = "Paste rows of site, department, profession and WTE first"
        else:
            self.typed["pasted"] = ""
        return used

    def told(self, version: str) -> WorkforceReturn | None:
        """The return that was typed, or None with `errors` said. An empty field is 0."""
        as_of = self._day()
        wte = {cell: self._wte(cell) for cell in cells(self.departments, self.professions)}
        if as_of is None or self.errors:
            return None
        return WorkforceReturn(
            as_of, version, {cell: value for cell, value in wte.items() if value is not None}
        )

    def refuse(self, fields: Mapping[str, str]) -> None:
        """Put what the service refused at its fields."""
        for name, words in fields.items():
            self.errors.setdefault(name if name == "as_of" else f"wte-{name}", words)

    def differs(self, name: str, saved: Mapping[str, str]) -> str | None:
        """What somebody else has saved in a field, where that is not what is typed; an empty field is 0."""
        theirs = saved.get(name, "0")
        return None if _figure(theirs) == _figure(self.typed.get(name, "")) else theirs

    def _place(
        self, row: Sequence[str], sites: Mapping[tuple[str, str], int], known: Mapping[str, int]
    ) -> str:
        """Put one pasted row into its field; what is wrong with it, or nothing."""
        if len(row) != len(HEADINGS):
            return f"it has {len(row)} cells, not four: site, department, profession, WTE"
        site, department, profession, wte = (cell.strip() for cell in row)
        department_id = sites.get((_plain(site), _plain(department)))
        if department_id is None:
            return f"there is no department “{department}” at “{site}” in this trust"
        if _plain(profession) not in known:
            return f"“{profession}” is no profession: use {' or '.join(p.name for p in self.professions)}"
        if wte and not _figure(wte):
            return f"“{wte}” is no WTE: use a number from 0 to {MOST_WTE}"
        self.typed[cell_name(department_id, known[_plain(profession)])] = wte
        return ""

    def _day(self) -> date | None:
        text = self.typed.get("as_of", "").strip()
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.errors["as_of"] = "Enter the day for which the figures are true"
            return None

    def _wte(self, cell: Cell) -> Decimal | None:
        name = cell_name(*cell)
        text = self.typed.get(name, "").strip()
        if not text:
            return Decimal(0)
        found = _figure(text)
        if found is not None and found <= MOST_WTE and round(found, 2) == found:
            return found
        self.errors[name] = (
            f"{self._words(cell)}: “{text[:20]}” cannot be right, enter a number from 0 to {MOST_WTE} with at"
            " most two decimals"
        )
        return None

    def _words(self, cell: Cell) -> str:
        department = next(row for row in self.departments if row.id == cell[0])
        profession = next(row for row in self.professions if row.id == cell[1])
        return f"{department.name}, {profession.name.lower()}"


def cells(departments: Iterable[Department], professions: Sequence[Profession]) -> list[Cell]:
    """Every figure of the page, in order."""
    return [(department.id, profession.id) for department in departments for profession in professions]


def _rows(text: str) -> Iterable[tuple[int, list[str]]]:
    """Pasted rows with their numbers: from a spreadsheet (tabs) or a CSV file; blank ones left out."""
    lines = text.splitlines()
    delimiter = "\t" if any("\t" in line for line in lines) else ","
    for number, row in enumerate(csv.reader(lines, delimiter=delimiter), 1):
        if any(cell.strip() for cell in row):
            yield number, row


def _figure(text: str) -> Decimal | None:
    text = text.strip()
    if not text:
        return Decimal(0)
    return Decimal(text.replace(",", ".")) if FIGURE.fullmatch(text) else None


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
