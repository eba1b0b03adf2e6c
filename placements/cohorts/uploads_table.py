"""From the bytes of a cohort file to its table: the columns that may be of use, the rows, and nothing else.

A `Table` is what is kept of a file while it waits for a yes. Columns that speak of persons are left out at
once, so nothing of them is ever kept; the others that are left out go as soon as the columns are settled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from placements.cohorts.uploads_columns import (
    LONGEST_HEADING,
    MOST_COLUMNS,
    REQUIRED,
    field_of,
    heading_key,
    is_field,
    is_ours,
    is_personal,
)
from placements.geography.postcodes import normalise_postcode
from placements.spreadsheets.files import find_headings, read_file
from placements.spreadsheets.remarks import FileProblem, visible
from placements.spreadsheets.text import HEADINGS_WITHIN, Record, UnreadableFile
from placements.spreadsheets.workbooks import Sheet, column_letters

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5_000
LEFT_OUT = ""
WHOLE_ROW = "Whole row"
LONGEST_KEY = 110

KnownBy = Literal["heading", "remembered", "chosen", "nothing"]


@dataclass(frozen=True)
class Column:
    """A column that is kept: its heading as written (made unlike any other), the key by which a choice about
    it is remembered, the field it holds (None where that is not known) and what told so."""

    heading: str
    key: str
    field: str | None
    known_by: KnownBy


@dataclass(frozen=True)
class LeftOut:
    """A column that is not kept, and whether that is for what it holds or because somebody chose so."""

    heading: str
    key: str
    is_personal: bool


@dataclass(frozen=True)
class Fault:
    """Why a whole row cannot be read."""

    value: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class Row:
    """A row by its line in the file: a cell for each column that is kept."""

    line: int
    cells: tuple[str, ...]
    fault: Fault | None = None


@dataclass(frozen=True)
class Table:
    """The headings and rows of a file; `kind` says how it was written."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...] = ()
    notices: tuple[str, ...] = ()
    blank_rows: int = 0
    kind: str = ""

    @property
    def used(self) -> list[tuple[int, str]]:
        """The columns that hold something of use: the place in a row, and the field."""
        return [(place, column.field) for place, column in enumerate(self.columns) if column.field]

    @property
    def unknown(self) -> list[Column]:
        """The columns of which nobody has said yet what they hold."""
        return [column for column in self.columns if column.field is None]

    @property
    def trouble(self) -> FileProblem | None:
        """Why no row can be read before somebody says what the columns hold; None where rows can be read."""
        return _missing(self) or _doubled(self)

    @property
    def is_settled(self) -> bool:
        """Whether it is known of every column what it holds, and all that is needed is there once."""
        return not self.unknown and self.trouble is None

    def with_fields(self, fields: Sequence[str]) -> Table:
        """The same table with these fields chosen for its columns, `LEFT_OUT` for none. Of columns left out,
        the cells go as soon as everything is settled, and of rows that may hold them in the wrong place all
        goes."""
        columns = tuple(
            column if field == column.field else replace(column, field=field or LEFT_OUT, known_by="chosen")
            for column, field in zip(self.columns, fields, strict=True)
        )
        chosen = replace(self, columns=columns)
        return chosen.narrowed() if chosen.is_settled else chosen

    def narrowed(self) -> Table:
        """Only the columns in use."""
        places = [place for place, _ in self.used]
        if len(places) == len(self.columns):
            return self
        return replace(
            self,
            columns=tuple(self.columns[place] for place in places),
            rows=tuple(
                replace(
                    row,
                    cells=tuple("" if row.fault else row.cells[place] for place in places),
                )
                for row in self.rows
            ),
            left_out=(
                *self.left_out,
                *(
                    LeftOut(column.heading, column.key, is_personal=False)
                    for column in self.columns
                    if not column.field
                ),
            ),
        )


def read_table(
    data: bytes,
    choices: Mapping[str, str],
    speaks_of_persons: Callable[[Sequence[str]], bool],
) -> Table:
    """The table of a file of any bytes; raises `UnreadableFile`.

    `choices` are fields by a heading's key (`LEFT_OUT` for none), before what the headings say;
    `speaks_of_persons` judges the values of a column whose heading says nothing.
    """

    def known(cells: Sequence[str]) -> int:
        if _holds_data(cells):
            return 0
        return sum(
            heading_key(cell) in choices or field_of(cell) is not None for cell in cells[:MOST_COLUMNS]
        )

    file = read_file(data, known, most_bytes=MAX_BYTES)
    sheet, place = find_headings(file.sheets, known) or _widest(file.sheets)
    header, records = sheet.rows[place], sheet.rows[place + 1 :]
    if header.fault:
        raise UnreadableFile(
            f"The headings cannot be read: {header.fault}", "Put the quotation marks in that row right."
        )
    if not records:
        raise UnreadableFile(
            "This file has headings but no learners below them.",
            "Add a row for each learner and upload it again.",
        )
    if len(records) > MAX_ROWS:
        raise UnreadableFile(
            f"This file has more than {MAX_ROWS:,} rows of learners, the most that we can take at once.",
            f"Split it into files of at most {MAX_ROWS:,} rows, each with the headings.",
        )
    notices = []
    if len(file.sheets) > 1:
        others = ", ".join(f"“{visible(one.name, 40)}”" for one in file.sheets[:5] if one is not sheet)
        notices.append(f"Read from the sheet “{visible(sheet.name, 40)}”. Not read: {others}.")
    if place:
        notices.append(f"The headings were found on line {header.line}; what is above them was not read.")
    table = _table(header, records, choices, speaks_of_persons, is_workbook=bool(sheet.name))
    return replace(table, notices=tuple(notices), blank_rows=sheet.blank_rows, kind=file.kind)


def _table(
    header: Record,
    records: Sequence[Record],
    choices: Mapping[str, str],
    speaks_of_persons: Callable[[Sequence[str]], bool],
    *,
    is_workbook: bool,
) -> Table:
    width = _width(header)
    if width > MOST_COLUMNS:
        raise UnreadableFile(
            f"This file has {width:,} columns; a cohort file may have at most {MOST_COLUMNS}.",
            "Delete the columns that are not in the template and upload it again.",
        )
    # A workbook's cells stand under their own column; a text file's may have slipped.
    reach = min(MOST_COLUMNS, max(map(_width, records))) if is_workbook else 0
    headings = [" ".join(cell.lstrip("'\ufeff").split()) for cell in header.cells[:width]]
    headings += [""] * (reach - width)
    kept: list[tuple[int, Column]] = []
    left_out: list[LeftOut] = []
    counted: dict[str, int] = {}
    for index, written in enumerate(headings):
        values = [record.cells[index] for record in records if index < len(record.cells)]
        if is_ours(written) or not (written or any(value.strip() for value in values)):
            continue
        heading = visible(written, LONGEST_HEADING) or f"Column {column_letters(index + 1)} (no heading)"
        key = heading_key(heading)[:LONGEST_KEY]
        counted[key] = counted.get(key, 0) + 1
        if counted[key] > 1:
            key = f"{key} {counted[key]}"
            heading = f"{heading} (column {column_letters(index + 1)})"
        field = field_of(written)
        chosen = choices.get(key)
        if field is None and (is_personal(written) or (chosen is None and speaks_of_persons(values))):
            left_out.append(LeftOut(heading, key, is_personal=True))
        elif chosen is not None and (chosen == LEFT_OUT or is_field(chosen)):
            kept.append((index, Column(heading, key, chosen, "heading" if chosen == field else "remembered")))
        else:
            kept.append((index, Column(heading, key, field, "heading" if field else "nothing")))
    keeps_all = not left_out and all(column.field for _, column in kept)
    width = len(headings)
    rows = [_row(record, [index for index, _ in kept], width, keeps_all) for record in records]
    table = Table(tuple(column for _, column in kept), tuple(rows), tuple(left_out))
    return table.narrowed() if table.is_settled else table


def _row(record: Record, places: Sequence[int], width: int, keeps_all: bool) -> Row:
    """A record's cells in the columns kept.

    Of one with too many cells, or whose quotation marks do not match, a name may stand in the place of a
    postcode: nothing is kept where the file has columns that we leave out."""
    fault = _fault(record, width)
    cells = tuple(record.cells[place] if place < len(record.cells) else "" for place in places)
    return Row(record.line, cells if fault is None or keeps_all else ("",) * len(places), fault)


def _fault(record: Record, width: int) -> Fault | None:
    if record.fault is not None:
        lines = f"line {record.line}"
        if record.last_line > record.line:
            lines = f"lines {record.line} to {record.last_line}, which were read as one row"
        return Fault("", record.fault, f"Put the quotation marks or the long cell right on {lines}.")
    found = _width(record)
    if found <= width:
        return None
    return Fault(
        f"{found} cells",
        f"This row has {found} cells but the file has {width} headings, so we cannot tell which value belongs"
        " to which.",
        "Delete the extra cells; if a value holds a comma or semicolon, put it in quotation marks.",
    )


def _width(record: Record) -> int:
    return max((number for number, cell in enumerate(record.cells, start=1) if cell.strip()), default=0)


def _holds_data(cells: Sequence[str]) -> bool:
    """Whether a row is no row of headings, since a value stands in it."""
    return any("@" in cell or normalise_postcode(cell) is not None for cell in cells[:MOST_COLUMNS])


def _widest(sheets: Sequence[Sheet]) -> tuple[Sheet, int]:
    """Where no heading is known: the first of the widest rows that may be headings. Raises `UnreadableFile`
    where there is none, without saying what stands there, since it may be names."""
    rows = [
        (-sum(bool(cell.strip()) for cell in record.cells), order, place)
        for order, sheet in enumerate(sheets)
        for place, record in enumerate(sheet.rows[:HEADINGS_WITHIN])
        if not _holds_data(record.cells) and len(sheet.rows) > place + 1
    ]
    if not rows or -min(rows)[0] < len(REQUIRED):
        words = " or for ".join(REQUIRED.values())
        raise UnreadableFile(
            f"We could not find a column for {words}.",
            "Give your learners' columns headings, among them “Reference” and “Home postcode”, or copy them"
            " into the template.",
        )
    _, order, place = min(rows)
    return sheets[order], place


def _missing(table: Table) -> FileProblem | None:
    fields = {field for _, field in table.used}
    missing = [words for field, words in REQUIRED.items() if field not in fields]
    if not missing:
        return None
    return FileProblem(
        f"We could not find a column for {' or for '.join(missing)}.",
        "Choose which column holds it. If none does, add it to the file under a heading such as “Reference”"
        " or “Home postcode”, and upload it again.",
    )


def _doubled(table: Table) -> FileProblem | None:
    by_field: dict[str, list[str]] = {}
    for place, name in table.used:
        field = "travel mode" if name == "driving" else name
        by_field.setdefault(field, []).append(table.columns[place].heading)
    doubled = [(field, headings) for field, headings in by_field.items() if len(headings) > 1]
    numbered = [table.columns[place].heading for place, name in table.used if name.startswith("preference ")]
    if numbered and "preferences" in by_field:
        doubled.append(("preferences", [*by_field["preferences"], *numbered]))
    if not doubled:
        return None
    described = "; ".join(f"{field}: {listed(headings)}" for field, headings in doubled)
    return FileProblem(
        f"Some columns hold the same thing, so we cannot tell which to use ({described}).",
        "Choose one column for each, and leave the others out.",
    )


def listed(headings: Sequence[str]) -> str:
    """“Reference”; “Reference”, “Name” and “Year”"""
    quoted = [f"“{heading}”" for heading in headings]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
