"""What came of reading a cohort file: learners, corrections, refusals, and how these are kept and given back.

Everything here is frozen and holds only text, numbers and dates, so that a preview can be stored as JSON and
read again exactly as it was seen. Nothing from a column that was not asked for is ever held.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import TypeAdapter

from placements.csv_files import csv_bytes
from placements.spreadsheets.remarks import ADDED_COLUMN, Correction, FileProblem, Refusal, RefusedRow

TravelMode = Literal["car", "public_transport"]


@dataclass(frozen=True)
class LearnerRow:
    """One learner, ready to be saved: every value is in its canonical form."""

    line: int
    reference: str
    postcode: str
    term_postcode: str | None
    travel_mode: TravelMode
    travel_limit_minutes: int | None
    preferences: tuple[str, ...]
    employer: str | None
    excluded_sites: tuple[str, ...]
    available_from: date | None
    priority: int | None


@dataclass(frozen=True)
class ParsedUpload:
    """Everything a preview shows of one file.

    A row is in `rows` or in `refused_rows`, never in both; `refusals` lists every fault of every refused row,
    and `corrections` only those of rows that are kept. Where `problem` is set the file was refused whole and
    holds no rows. `columns` are the headings in use as written; `ignored_columns` those left out.
    """

    rows: tuple[LearnerRow, ...] = ()
    corrections: tuple[Correction, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    refused_rows: tuple[RefusedRow, ...] = ()
    columns: tuple[str, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    blank_rows: int = 0
    delimiter: str | None = None
    encoding: str | None = None
    problem: FileProblem | None = None

    @property
    def rows_read(self) -> int:
        """How many rows held something below the headings."""
        return len(self.rows) + len(self.refused_rows)


_ADAPTER = TypeAdapter(ParsedUpload)


def to_json(parsed: ParsedUpload) -> str:
    """The whole result as JSON text; `from_json` gives back an equal result."""
    return _ADAPTER.dump_json(parsed).decode()


def from_json(text: str | bytes) -> ParsedUpload:
    """The result that `to_json` wrote; raises `ValueError` if the text is anything else."""
    return _ADAPTER.validate_json(text)


def refused_rows_csv(parsed: ParsedUpload) -> bytes:
    """The refused rows as a CSV that opens in a spreadsheet, with what to put right in an added last column.

    It can be put right and uploaded as it stands. A cell that a spreadsheet might run as a formula is given a
    leading apostrophe. Columns that were left out of the upload are left out here too.
    """
    faults: dict[int, list[str]] = {}
    for refusal in parsed.refusals:
        faults.setdefault(refusal.line, []).append(f"{refusal.column}: {refusal.reason} {refusal.remedy}")
    rows = ((*row.cells, str(row.line), " ".join(faults.get(row.line, ()))) for row in parsed.refused_rows)
    return csv_bytes([(*parsed.columns, "Line", ADDED_COLUMN), *rows])
