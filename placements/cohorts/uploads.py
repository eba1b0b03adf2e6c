"""Reading a cohort file: bytes in; learners, corrections and refusals out. Nothing is saved here.

The way through: the bytes become rows (`uploads_text`), the headings become columns (`uploads_columns`),
each cell is read by its column's reader (`uploads_cells`, against the sites and trusts of
`uploads_directory`), and what came of it is a `ParsedUpload` (`uploads_result`). A row with any fault is
refused whole, with every fault named; a file that cannot be read is refused whole, with one problem. No input
raises an exception.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from placements.cohorts.uploads_cells import (
    DEFAULT_MODE,
    LONGEST_LIST,
    LONGEST_REFERENCE,
    CellReader,
    travel_mode,
)
from placements.cohorts.uploads_columns import (
    MOST_PREFERENCES,
    Column,
    Columns,
    UnusableColumns,
    read_columns,
    template_csv,
)
from placements.cohorts.uploads_directory import Directory, DirectorySite
from placements.cohorts.uploads_result import (
    LearnerRow,
    ParsedUpload,
    TravelMode,
    from_json,
    refused_rows_csv,
    to_json,
)
from placements.cohorts.uploads_text import MAX_BYTES, MAX_ROWS, read_table
from placements.spreadsheets.cells import LONGEST_CELL, Reading, Unusable, Value, clean, is_blank_word
from placements.spreadsheets.remarks import (
    Correction,
    FileProblem,
    Refusal,
    RefusedRow,
    kept_for_repair,
    visible,
)
from placements.spreadsheets.text import Record, UnreadableFile

__all__ = [
    "MAX_BYTES",
    "MAX_ROWS",
    "Correction",
    "Directory",
    "DirectorySite",
    "FileProblem",
    "LearnerRow",
    "ParsedUpload",
    "Refusal",
    "RefusedRow",
    "TravelMode",
    "from_json",
    "parse_cohort",
    "refused_rows_csv",
    "template_csv",
    "to_json",
]

WHOLE_ROW = "Whole row"
_MOST_LINES_NAMED = 5


def parse_cohort(data: bytes, directory: Directory, *, today: date) -> ParsedUpload:
    """Read a cohort file of any bytes against a directory of sites, trusts and postcodes.

    `today` bounds the dates that make sense where the directory has no round to bound them. Of a file over
    `MAX_BYTES` nothing but its length is looked at.
    """
    try:
        table = read_table(data)
        columns = read_columns(table.header.cells)
        if not table.records:
            raise UnreadableFile(
                "This file has headings but no learners below them.",
                "Add a row for each learner and upload it again.",
            )
    except (UnreadableFile, UnusableColumns) as refused:
        return ParsedUpload(problem=refused.problem)

    reader = CellReader(directory, today)
    readings = [_RowReading(record, columns, reader) for record in table.records]
    _refuse_repeated_references(readings)
    return ParsedUpload(
        rows=tuple(reading.row for reading in readings if reading.row is not None and not reading.refusals),
        corrections=tuple(c for reading in readings if not reading.refusals for c in reading.corrections),
        refusals=tuple(refusal for reading in readings for refusal in reading.refusals),
        refused_rows=tuple(
            RefusedRow(reading.line, reading.kept_cells()) for reading in readings if reading.refusals
        ),
        columns=tuple(column.heading for column in columns.used),
        ignored_columns=columns.ignored,
        notices=columns.notices,
        blank_rows=table.blank_rows,
        delimiter=table.delimiter,
        encoding=table.encoding,
    )


class _RowReading:
    """One row being read: its learner if nothing is refused, and every correction and refusal on the way."""

    def __init__(self, record: Record, columns: Columns, reader: CellReader) -> None:
        self.line = record.line
        self.corrections: list[Correction] = []
        self.refusals: list[Refusal] = []
        self.reference: str | None = None
        self.row: LearnerRow | None = None
        self._record = record
        self._columns = columns
        self._reader = reader
        self._cells: Mapping[str, tuple[Column, str]] = {
            column.field: (column, record.cells[column.index] if column.index < len(record.cells) else "")
            for column in columns.used
        }
        if not self._refuse_shape():
            self._read()

    def kept_cells(self) -> tuple[str, ...]:
        """The cells to give back for putting right; none where cells may stand under the wrong heading.

        A row with too many cells, or whose quotation marks do not match, could have a name in the place of a
        postcode; where the file has columns that we leave out, nothing of such a row is kept.
        """
        if self._is_misshapen() and self._columns.leaves_out_columns:
            return ("",) * len(self._columns.used)
        return tuple(kept_for_repair(cell) for _, cell in self._cells.values())

    def refuse(self, column: str, value: str, reason: str, remedy: str) -> None:
        """Note why this row cannot be taken."""
        self.refusals.append(Refusal(self.line, column, visible(value), reason, remedy))

    def refuse_repeated(self, lines: str) -> None:
        """Note that other rows of the file have this row's reference."""
        column, raw = self._cells["reference"]
        self.refuse(
            column.heading,
            raw,
            f"The same reference is on lines {lines}.",
            "Keep one row for each learner, or correct the reference that is wrong.",
        )

    def _is_misshapen(self) -> bool:
        return self._record.fault is not None or any(
            cell.strip() for cell in self._record.cells[self._columns.width :]
        )

    def _refuse_shape(self) -> bool:
        if not self._is_misshapen():
            return False
        found = max((n for n, cell in enumerate(self._record.cells, start=1) if cell.strip()), default=0)
        if self._record.fault is None:
            self.refuse(
                WHOLE_ROW,
                f"{found} cells",
                f"This row has {found} cells but the file has {self._columns.width} headings, so we cannot"
                " tell which value belongs to which.",
                "Delete the extra cells; if a value holds a comma or semicolon, put it in quotation marks.",
            )
            return True
        lines = f"line {self.line}"
        if self._record.last_line > self.line:
            lines = f"lines {self.line} to {self._record.last_line}, which were read as one row"
        self.refuse(
            WHOLE_ROW, "", self._record.fault, f"Put the quotation marks or the long cell right on {lines}."
        )
        return True

    def _read(self) -> None:
        reader = self._reader
        reference = self._required("reference", reader.reference, LONGEST_REFERENCE)
        postcode = self._required("postcode", reader.postcode)
        term_postcode = self._optional("term postcode", reader.postcode)
        mode = self._travel_mode()
        limit = self._optional("travel limit", reader.travel_limit, numeric=True)
        preferences = self._preferences()
        employer = self._optional("employer", reader.employer)
        excluded = self._excluded_sites(preferences)
        available_from = self._optional("available from", reader.available_from)
        priority = self._optional("priority", reader.priority, numeric=True)
        self.reference = reference
        if reference is not None and postcode is not None and not self.refusals:
            self.row = LearnerRow(
                self.line, reference, postcode, term_postcode, mode, limit, preferences, employer, excluded,
                available_from, priority,
            )  # fmt: skip

    def _cleaned(self, field: str, longest: int = LONGEST_CELL, numeric: bool = False) -> str | None:
        """A cell's text, "" where there is nothing in it; None where it has been refused."""
        if field not in self._cells:
            return ""
        column, raw = self._cells[field]
        try:
            text = clean(raw, longest, numeric=numeric)
        except Unusable as fault:
            self.refuse(column.heading, raw, fault.reason, fault.remedy)
            return None
        if is_blank_word(text):
            self._correct(column, raw, "left blank")
            return ""
        return text

    def _optional(
        self,
        field: str,
        read: Callable[[str], Reading[Value]],
        longest: int = LONGEST_CELL,
        numeric: bool = False,
    ) -> Value | None:
        text = self._cleaned(field, longest, numeric)
        if not text:
            return None
        column, raw = self._cells[field]
        try:
            reading = read(text)
        except Unusable as fault:
            self.refuse(column.heading, raw, fault.reason, fault.remedy)
            return None
        if reading.became is not None or text != raw.strip():
            self._correct(column, raw, reading.became or text)
        return reading.value

    def _required(
        self, field: str, read: Callable[[str], Reading[Value]], longest: int = LONGEST_CELL
    ) -> Value | None:
        faults = len(self.refusals)
        value = self._optional(field, read, longest)
        if value is None and len(self.refusals) == faults:
            column, raw = self._cells[field]
            remedy = "Write the learner's reference, such as the student number."
            if field == "postcode":
                remedy = "Write the learner's home postcode in full, such as B15 2GW."
            self.refuse(column.heading, raw, "This is needed for every learner and is blank.", remedy)
        return value

    def _travel_mode(self) -> TravelMode:
        field = "driving" if "driving" in self._cells else "travel mode"
        if field not in self._cells:
            return DEFAULT_MODE
        faults = len(self.refusals)
        mode = self._optional(field, lambda text: travel_mode(text, about_driving=field == "driving"))
        if mode is None and len(self.refusals) == faults:
            column, raw = self._cells[field]
            self.corrections = [c for c in self.corrections if c.column != column.heading]
            self._correct(column, raw, "public transport")
        return mode or DEFAULT_MODE

    def _preferences(self) -> tuple[str, ...]:
        """The ranked sites: from one column, or from numbered ones; a gap or a repeat moves later ones up."""
        if "preferences" in self._cells:
            column, raw = self._cells["preferences"]
            listed = self._listed_sites("preferences")
            if len(listed) > MOST_PREFERENCES:
                self.refuse(
                    column.heading,
                    raw,
                    f"It names {len(listed)} sites.",
                    f"Name at most {MOST_PREFERENCES}, the most wanted first.",
                )
            return listed
        ranked: list[str] = []
        numbered = sorted(int(field.split()[1]) for field in self._cells if field.startswith("preference "))
        for rank, number in enumerate(numbered, start=1):
            field = f"preference {number}"
            name = self._optional(field, self._reader.site)
            if name is None:
                continue
            column, raw = self._cells[field]
            if name in ranked:
                self._correct(column, raw, f"left out: already preference {ranked.index(name) + 1}")
                continue
            ranked.append(name)
            if len(ranked) < rank and not self.refusals:
                self._correct(
                    column, raw, f"preference {len(ranked)}, as an earlier one is blank or repeated"
                )
        return tuple(ranked)

    def _excluded_sites(self, preferences: tuple[str, ...]) -> tuple[str, ...]:
        excluded = self._listed_sites("excluded sites")
        both = [name for name in excluded if name in preferences]
        if both:
            column, raw = self._cells["excluded sites"]
            self.refuse(
                column.heading,
                raw,
                f"{both[0]} is both a preference and a site to avoid.",
                "Take it out of one of the two.",
            )
        return excluded

    def _listed_sites(self, field: str) -> tuple[str, ...]:
        """The sites of a cell that may hold several."""
        if field not in self._cells:
            return ()
        column, raw = self._cells[field]
        names: list[str] = []
        try:
            clean(re.sub(r"(?<!^)[\r\n]", " ", raw), LONGEST_LIST)
            parts = self._reader.split_sites(raw)
        except Unusable as fault:
            self.refuse(column.heading, raw, fault.reason, fault.remedy)
            return ()
        for part in parts:
            try:
                text = clean(part)
                reading = self._reader.site(text) if text and not is_blank_word(text) else None
            except Unusable as fault:
                self.refuse(column.heading, part.strip(), fault.reason, fault.remedy)
                continue
            if reading is None:
                self._correct(column, part.strip(), "left blank")
            elif reading.value in names:
                self._correct(column, text, f"left out: {reading.value} is already there")
            else:
                names.append(reading.value)
                if reading.became is not None:
                    self._correct(column, text, reading.became)
        return tuple(names)

    def _correct(self, column: Column, raw: str, became: str) -> None:
        self.corrections.append(Correction(self.line, column.heading, visible(raw), became))


def _refuse_repeated_references(readings: list[_RowReading]) -> None:
    """Refuse every row whose reference another row has too, naming the other lines."""
    holders: dict[str, list[_RowReading]] = {}
    for reading in readings:
        if reading.reference is not None:
            holders.setdefault(reading.reference.casefold(), []).append(reading)
    for sharing in holders.values():
        if len(sharing) == 1:
            continue
        named = [str(reading.line) for reading in sharing]
        if len(named) > _MOST_LINES_NAMED:
            named[_MOST_LINES_NAMED:] = [f"{len(named) - _MOST_LINES_NAMED:,} more"]
        for reading in sharing:
            reading.refuse_repeated(f"{', '.join(named[:-1])} and {named[-1]}")
