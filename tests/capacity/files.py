"""A small trust in a round, and files of what it declares."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from placements.capacity.content import ANYONE, Cell, Content, Places
from placements.capacity.uploads import parse_declarations
from placements.capacity.uploads_directory import Directory, Standing
from placements.capacity.uploads_result import ParsedDeclarations
from placements.spreadsheets.workbooks import Page, workbook_bytes

WEEKS = [date(2027, 1, 4) + timedelta(weeks=number) for number in range(3)]
LINES = {
    ANYONE: "Anyone",
    "sonography": "Sonography",
    "diagnostic_radiography": "Diagnostic radiography",
    "diagnostic_radiography/year_1": "Diagnostic radiography, Year 1",
}


def content(preferred: int = 2, maximum: int = 3, surge: int = 1, wte: str = "1.5") -> Content:
    """The same for anyone in every week."""
    return Content(
        {ANYONE: {week: Places(preferred, maximum, surge) for week in WEEKS}},
        {week: Decimal(wte) for week in WEEKS},
    )


def standing(number: int, site: str, modality: str, **changes: Any) -> Standing:
    """A department of the trust, in version 4."""
    values: dict[str, Any] = {
        "trust": "Midshire NHS Trust",
        "measure": "places",
        "version": 4,
        "state": "draft",
        "content": content(),
    }
    return Standing(number, site=site, modality=modality, **(values | changes))


DEPARTMENTS = (
    standing(1, "Good Hope Hospital", "X-ray"),
    standing(2, "Good Hope Hospital", "CT"),
    standing(3, "Solihull Hospital", "Ultrasound", measure="lists"),
    standing(4, "Solihull Hospital", "X-ray", version=0, state="not declared", content=Content({ANYONE: {}})),
    standing(5, "Skills Centre", "Ultrasound", fixed="Only the academy can change what its centres declare."),
)


def directory(departments: Sequence[Standing] = DEPARTMENTS, **changes: Any) -> Directory:
    values: dict[str, Any] = {
        "round": "Spring 2027",
        "weeks": WEEKS,
        "departments": tuple(departments),
        "lines": LINES,
        "elsewhere": frozenset({"New Cross Hospital"}),
        "other_rounds": frozenset({"Autumn 2026"}),
    }
    return Directory(**(values | changes))


def csv_of(rows: Sequence[Sequence[object]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def xlsx_of(rows: Sequence[Sequence[Any]]) -> bytes:
    return workbook_bytes([Page("Sheet1", rows)])


def read(rows: Sequence[Sequence[object]], **changes: Any) -> ParsedDeclarations:
    """What is read from these rows as a CSV."""
    return parse_declarations(csv_of(rows), directory(**changes))


def cells_of(parsed: ParsedDeclarations, department_id: int) -> Mapping[str, str]:
    return next(found.cells for found in parsed.departments if found.department_id == department_id)


def cell(line: str, column: str, week: int) -> str:
    return Cell(line, column, WEEKS[week]).name


def saved_by(name: str, **changed: list[str]) -> Any:
    """A record of somebody's save, as merging reads it."""
    return SimpleNamespace(changes=changed, by_name=name, at_utc=None, version=4)
