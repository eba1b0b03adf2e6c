"""What came of reading a file of declarations, and how it is kept for the preview and given back.

Everything here is frozen and holds only text and numbers, so that a preview can be stored as JSON and read
again exactly as it was seen. Nothing from a column that was not asked for is ever held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from placements.csv_files import csv_bytes
from placements.spreadsheets.remarks import ADDED_COLUMN, Correction, FileProblem, Refusal, RefusedRow
from placements.spreadsheets.workbooks import Page, Value, workbook_bytes

WHOLE_ROW = "Whole row"


@dataclass(frozen=True)
class DepartmentCells:
    """What a file says of one department, by cell name ("0" is nothing), and the version of the declaration
    from which the file was made; None where it does not say."""

    department_id: int
    version: int | None
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Mark:
    """A cell of a refused row that is wrong, by its place among `columns` (-1: the row), and why."""

    line: int
    place: int
    words: str


@dataclass(frozen=True)
class ParsedDeclarations:
    """Everything that a preview shows of one file.

    A department is taken whole or not at all: one with any fault has no cells in `departments` and all its
    rows in `refused_rows`, `refusals` naming each fault. `corrections` are of what is taken.
    """

    departments: tuple[DepartmentCells, ...] = ()
    corrections: tuple[Correction, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    refused_rows: tuple[RefusedRow, ...] = ()
    refused_departments: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    columns: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    rows_read: int = 0
    blank_rows: int = 0
    kind: str = ""
    problem: FileProblem | None = field(default=None)


_ADAPTER = TypeAdapter(ParsedDeclarations)


def to_json(parsed: ParsedDeclarations) -> str:
    """The whole result as JSON text; `from_json` gives back an equal result."""
    return _ADAPTER.dump_json(parsed).decode()


def from_json(text: str | bytes) -> ParsedDeclarations:
    """The result that `to_json` wrote; raises `ValueError` if the text is anything else."""
    return _ADAPTER.validate_json(text)


def refused_rows(parsed: ParsedDeclarations, round_name: str) -> list[list[Value]]:
    """The refused rows under their headings as they came, with the line and what to put right added; they can
    be put right and uploaded as they stand."""
    words: dict[int, list[str]] = {}
    for mark in parsed.marks:
        heading = parsed.columns[mark.place] if mark.place >= 0 else WHOLE_ROW
        words.setdefault(mark.line, []).append(f"{heading}: {mark.words}")
    held = "Nothing is wrong here: another row of the department is."
    rows: list[list[Value]] = [["Round", round_name], [*parsed.columns, "Line", ADDED_COLUMN]]
    for row in parsed.refused_rows:
        rows.append([*row.cells, row.line, " ".join(words.get(row.line, [held]))])
    return rows


def refused_rows_csv(parsed: ParsedDeclarations, round_name: str) -> bytes:
    """The refused rows as a CSV; what a spreadsheet might run as a formula is given a leading apostrophe."""
    return csv_bytes(refused_rows(parsed, round_name))


def refused_rows_xlsx(parsed: ParsedDeclarations, round_name: str) -> bytes:
    """The refused rows as a workbook, each wrong cell coloured with a note of what is wrong."""
    lines = {row.line: place for place, row in enumerate(parsed.refused_rows, start=2)}
    notes = {
        (lines[mark.line], max(mark.place, 0)): mark.words for mark in parsed.marks if mark.line in lines
    }
    rows = [
        [
            int(cell)
            if isinstance(cell, str) and cell.isascii() and cell.isdigit() and len(cell) < 5
            else cell
            for cell in row
        ]
        for row in refused_rows(parsed, round_name)
    ]
    widths = [*(14 for _ in parsed.columns), 8, 80]
    return workbook_bytes(
        [Page("Refused rows", rows, widths, bold=frozenset({1}), frozen=(2, 0), notes=notes)]
    )
