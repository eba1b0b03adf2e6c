"""The rows of an upload as a file to put right and upload again: each fault stands in its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from placements.cohorts.uploads_columns import read_back
from placements.cohorts.uploads_result import ParsedUpload
from placements.cohorts.uploads_table import WHOLE_ROW, Row
from placements.csv_files import csv_bytes
from placements.spreadsheets.remarks import ADDED_COLUMN, kept_for_repair
from placements.spreadsheets.workbooks import Page, workbook_bytes

_WIDTH, _WORDS_WIDTH = 18, 80
_LINE = "Line"


def rows_csv(parsed: ParsedUpload, *, refused_only: bool = False) -> bytes:
    """The rows with what to put right in an added last column; a cell that a spreadsheet might run as a
    formula is given a leading apostrophe. Columns that were left out of the upload are left out here too."""
    return csv_bytes([_headings(parsed), *_lines(parsed, _rows(parsed, refused_only))])


def rows_xlsx(parsed: ParsedUpload, *, refused_only: bool = False) -> bytes:
    """The same as a workbook, each wrong cell coloured with a note of what is wrong."""
    rows = _rows(parsed, refused_only)
    places = {heading: place for place, heading in enumerate(parsed.columns)}
    lines = {row.line: place for place, row in enumerate(rows, start=1)}
    notes: dict[tuple[int, int], str] = {}
    for refusal in parsed.refusals:
        # A whole row's fault stands at its first cell.
        where = lines[refusal.line], places.get(refusal.column, 0)
        words = f"{refusal.reason} {refusal.remedy}"
        notes[where] = f"{notes[where]} {words}" if where in notes else words
    return workbook_bytes(
        [
            Page(
                "Cohort",
                [_headings(parsed), *_lines(parsed, rows)],
                [*(_WIDTH for _ in parsed.columns), 8, _WORDS_WIDTH],
                bold=frozenset({0}),
                frozen=(1, 1),
                notes=notes,
            )
        ]
    )


def _rows(parsed: ParsedUpload, refused_only: bool) -> Sequence[Row]:
    if refused_only:
        return parsed.refused_rows
    return parsed.table.rows if parsed.table else ()


def _headings(parsed: ParsedUpload) -> list[str]:
    fields = [field for _, field in parsed.table.used] if parsed.table else []
    return [*map(read_back, parsed.columns, fields), _LINE, ADDED_COLUMN]


def _lines(parsed: ParsedUpload, rows: Iterable[Row]) -> list[list[str]]:
    faults: dict[int, list[str]] = {}
    for refusal in parsed.refusals:
        where = "" if refusal.column == WHOLE_ROW else f"{refusal.column}: "
        faults.setdefault(refusal.line, []).append(f"{where}{refusal.reason} {refusal.remedy}")
    places = [place for place, _ in parsed.table.used] if parsed.table else []
    return [
        [
            *(kept_for_repair(row.cells[place]) for place in places),
            str(row.line),
            " ".join(faults.get(row.line, ())),
        ]
        for row in rows
    ]
