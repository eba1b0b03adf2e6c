"""From the bytes of a file that holds a table, CSV or an Excel workbook, to sheets of rows of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from placements.spreadsheets.text import (
    HEADINGS_WITHIN,
    UNCLOSED,
    Record,
    UnreadableFile,
    decode,
    is_empty,
    rows_of,
)
from placements.spreadsheets.workbooks import Sheet, is_workbook, read_workbook

MOST_LINES = 100_000


@dataclass(frozen=True)
class File:
    """What was read: the sheets that hold anything, and `kind`, how the file was written."""

    sheets: tuple[Sheet, ...]
    kind: str


def read_file(data: bytes, known: Callable[[Sequence[str]], int], *, most_bytes: int) -> File:
    """The rows of a file; raises `UnreadableFile`. `known` counts the headings that it knows in a row, by
    which a text file's delimiter is told. Of a file over `most_bytes` only its length is looked at."""
    if len(data) > most_bytes:
        raise UnreadableFile(
            f"This file is {len(data) / 2**20:.1f} MB; it may be at most {most_bytes // 2**20} MB.",
            "Delete what is not in the table, or send the table in parts, each with the headings.",
        )
    if is_workbook(data):
        sheets = tuple(sheet for sheet in read_workbook(data) if sheet.rows)
        if not sheets:
            raise _empty()
        return File(sheets, "Excel workbook")
    text, encoding = decode(data)
    if is_empty(text):
        raise _empty()
    delimiter, records = rows_of(text, known)
    rows: list[Record] = []
    blank = 0
    for record in records:
        if record.last_line > MOST_LINES:
            raise UnreadableFile(
                f"This file has more than {MOST_LINES:,} lines.", "Delete the blank lines below the table."
            )
        if record.is_blank:
            blank += 1
        else:
            rows.append(record)
    if rows and rows[-1].fault == UNCLOSED:
        raise UnreadableFile(
            f"A quotation mark is opened on line {rows[-1].line} and never closed, so we cannot tell where"
            " the rows after it begin and end.",
            "Delete the quotation mark or add the missing one, or save the file again from your spreadsheet.",
        )
    if not rows:
        raise _empty()
    name = {",": "commas", ";": "semicolons", "\t": "tabs"}[delimiter]
    return File((Sheet("", tuple(rows), blank),), f"text in {encoding} with {name}")


def find_headings(sheets: Sequence[Sheet], known: Callable[[Sequence[str]], int]) -> tuple[Sheet, int] | None:
    """The sheet that holds the table and the place of the headings among its rows: the row, of the first of
    each sheet, in which `known` counts most; None where it counts nothing in any."""
    best: tuple[int, Sheet, int] | None = None
    for sheet in sheets:
        for place, record in enumerate(sheet.rows[:HEADINGS_WITHIN]):
            counted = known(record.cells)
            if counted > (best[0] if best else 0):
                best = counted, sheet, place
    return best[1:] if best else None


def _empty() -> UnreadableFile:
    return UnreadableFile("This file is empty.", "Fill in the template and upload that.")
