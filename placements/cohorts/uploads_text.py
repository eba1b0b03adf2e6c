"""From the bytes of a cohort file to its headings and rows.

A file that cannot be read whole raises `UnreadableFile` with what is wrong and what to do. A single row that
cannot be read becomes a `Record` with a `fault`, and reading goes on after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from placements.cohorts.uploads_columns import MOST_COLUMNS, field_of
from placements.spreadsheets.text import UNCLOSED, Record, UnreadableFile, decode, is_empty, rows_of

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5_000
MAX_LINES = 100_000


@dataclass(frozen=True)
class Table:
    """A file's header and the rows that are not blank, with how it was written."""

    header: Record
    records: tuple[Record, ...]
    blank_rows: int
    delimiter: str
    encoding: str


def read_table(data: bytes) -> Table:
    """The rows of a CSV file; raises `UnreadableFile`."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(
            f"This file is {len(data) / 1024 / 1024:.1f} MB; a cohort file may be at most"
            f" {MAX_BYTES // 1024 // 1024} MB.",
            f"Delete columns that are not in the template, or send files of at most {MAX_ROWS:,} rows.",
        )
    text, encoding = decode(data)
    if is_empty(text):
        raise UnreadableFile("This file is empty.", "Put your learners into the template and upload that.")
    delimiter, records = rows_of(text, _headings_known)
    return _table(records, delimiter, encoding)


def _headings_known(cells: Sequence[str]) -> int:
    return sum(field_of(cell) is not None for cell in cells[:MOST_COLUMNS])


def _table(found: Iterable[Record], delimiter: str, encoding: str) -> Table:
    header: Record | None = None
    records: list[Record] = []
    blank_rows = 0
    for record in found:
        if record.last_line > MAX_LINES:
            raise UnreadableFile(
                f"This file has more than {MAX_LINES:,} lines, most of them blank.",
                "Delete the blank lines below your learners and upload it again.",
            )
        if record.is_blank:
            blank_rows += 1
        elif header is None:
            header = record
        elif len(records) < MAX_ROWS:
            records.append(record)
        else:
            raise UnreadableFile(
                f"This file has more than {MAX_ROWS:,} rows of learners, the most that we can take at once.",
                f"Split it into files of at most {MAX_ROWS:,} rows, each with the headings.",
            )
    if header is None:
        raise UnreadableFile("This file is empty.", "Put your learners into the template and upload that.")
    last = records[-1] if records else header
    for record in (header, last):
        if record.fault == UNCLOSED:
            raise UnreadableFile(
                f"A quotation mark is opened on line {record.line} and never closed, so we cannot tell where"
                " the rows after it begin and end.",
                f"Look at line {record.line}: delete the quotation mark or add the missing one, or save the"
                " file as CSV again from your spreadsheet program.",
            )
    if header.fault:
        raise UnreadableFile(
            f"The headings cannot be read: {header.fault}", "Put the quotation marks in the first row right."
        )
    return Table(header, tuple(records), blank_rows, delimiter, encoding)
