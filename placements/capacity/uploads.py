"""Reading a file of declarations: bytes in; cells by department, corrections and refusals out.

The way through: the bytes become rows of text (`spreadsheets.files`), the headings become columns
(`uploads_columns`), each row's department, line and figure are found (`uploads_directory`), each cell is read
(`uploads_figures`), and what came of it is a `ParsedDeclarations` (`uploads_result`). Nothing is saved. A
department with any fault is refused whole, with every fault named; a file that cannot be read is refused
whole, with one problem. No input raises an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from placements.capacity.content import ANYONE, EDUCATORS, Cell
from placements.capacity.uploads_columns import (
    FIGURES,
    Column,
    Columns,
    WeekReader,
    figure_of,
    headings_known,
    read_columns,
)
from placements.capacity.uploads_departments import NOWHERE, Gathered
from placements.capacity.uploads_directory import DepartmentFinder, Directory, plain
from placements.capacity.uploads_figures import read_figure
from placements.capacity.uploads_result import (
    Mark,
    ParsedDeclarations,
)
from placements.spreadsheets.cells import Unusable, clean
from placements.spreadsheets.dates import spoken
from placements.spreadsheets.files import read_file
from placements.spreadsheets.remarks import (
    FileProblem,
    RefusedRow,
    kept_for_repair,
    visible,
)
from placements.spreadsheets.text import Record, UnreadableFile

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 20_000

_WTE_OF_ALL = frozenset({"", "educators", "all educators", "educator", "practice educators"})


def parse_declarations(data: bytes, directory: Directory) -> ParsedDeclarations:
    """Read a file of any bytes against the departments that a person sees in a round."""
    weeks = WeekReader(directory.weeks)
    try:
        file = read_file(data, lambda cells: headings_known(cells, weeks), most_bytes=MAX_BYTES)
        sheet, columns = read_columns(file.sheets, weeks)
        notices = _of_this_round(columns.above, directory)
        if not columns.below:
            raise UnreadableFile("This file has headings but no rows below them.", "Fill in the rows.")
        if len(columns.below) > MAX_ROWS:
            raise UnreadableFile(
                f"This file has more than {MAX_ROWS:,} rows, the most that we can take at once.",
                "Send it in parts, each with the headings.",
            )
    except UnreadableFile as refused:
        return ParsedDeclarations(problem=refused.problem)
    reader = _Reader(directory, columns, weeks)
    for record in columns.below:
        reader.read(record)
    parsed = reader.result()
    if not parsed.rows_read:
        return ParsedDeclarations(
            problem=FileProblem("There is no figure in this file.", "Fill in what you have, 0 for none.")
        )
    return replace(
        parsed,
        notices=(*notices, *columns.notices, *parsed.notices),
        corrections=(*columns.corrections, *parsed.corrections),
        blank_rows=sheet.blank_rows,
        kind=file.kind,
    )


def _of_this_round(above: Sequence[Record], directory: Directory) -> list[str]:
    """Notices about the round that a title row names; raises `UnreadableFile` where it is another one."""
    for record in above:
        for word, name in zip(record.cells, record.cells[1:], strict=False):
            if plain(word) != "round" or not plain(name) or plain(name) == plain(directory.round):
                continue
            if plain(name) in {plain(other) for other in directory.other_rounds}:
                raise UnreadableFile(
                    f"This file is of another round: {visible(name)}.",
                    f"Upload it there, or download the file of {directory.round} and fill that in.",
                )
            return [f"The file names its round “{visible(name)}”; it was read for {directory.round}."]
    return []


class _Reader:
    """Reads the rows of one file."""

    def __init__(self, directory: Directory, columns: Columns, weeks: WeekReader) -> None:
        self._directory, self._columns, self._weeks = directory, columns, weeks
        self._finder = DepartmentFinder(directory)
        if columns.is_long:
            self._figures = [column for column in columns.used if column.field in FIGURES]
        else:
            self._figures = [column for column in columns.used if column.week is not None]
        self._departments: dict[int, Gathered] = {}
        self._alone = Gathered(NOWHERE)
        self._above = ("", "", "")
        self._outside: list[int] = []
        self._rows = 0

    def read(self, record: Record) -> None:
        """Take one row in."""
        if record.fault is not None or any(cell.strip() for cell in record.cells[self._columns.width :]):
            self._rows += 1
            reason = record.fault or "This row has more cells than there are headings."
            remedy = "Put the row right, so that each value is under its heading."
            self._alone.refuse_row(record, reason, remedy)
            return
        names, is_filled = self._names(record)
        filled = [column for column in self._figures if self._raw(record, column).strip()]
        if not filled:
            # A row of blanks says nothing, but what it would have changed is counted.
            if any(names):
                self._count_blank(record, names)
            return
        self._rows += 1
        try:
            found = self._finder.department(*names)
        except Unusable as fault:
            column = self._columns.of("site")
            if column is None or (self._columns.of("department") and "department" in fault.reason):
                column = self._columns.the("department")
            self._alone.rows.append(record)
            self._alone.refuse(record, column, self._raw(record, column), fault)
            return
        department = self._departments.setdefault(found.value.department_id, Gathered(found.value))
        department.rows.append(record)
        if found.became is not None:
            department.correct(record, "Department", ", ".join(filter(None, names[1:])), found.became)
        if is_filled:
            department.correct(record, "Department", "", f"{found.value.name}, as on the line above")
        self._read_version(department, record)
        line = self._line(department, record)
        if self._columns.is_long:
            self._read_long(department, record, line)
        else:
            self._read_wide(department, record, line)

    def result(self) -> ParsedDeclarations:
        """What all rows came to."""
        for found in self._departments.values():
            found.check(self._directory)
        read = [found for found in self._departments.values() if found.rows]
        refused = [found for found in read if found.refusals]
        taken = [found for found in read if not found.refusals and not found.standing.fixed]
        held = [self._alone, *refused]
        faults = sorted((pair for found in held for pair in found.refusals), key=lambda pair: pair[0].line)
        rows = sorted((row for found in held for row in found.rows), key=lambda row: row.line)
        notices = []
        left = sum(found.left for found in taken)
        if left:
            cells = "1 cell is" if left == 1 else f"{left:,} cells are"
            notices.append(
                f"{cells} blank where something is declared. What is declared there stays; write 0 for none."
            )
        if self._outside:
            lines = ", ".join(map(str, self._outside[:5])) + (" and more" if len(self._outside) > 5 else "")
            notices.append(f"Not read, as these weeks are in no block of the round: lines {lines}.")
        return ParsedDeclarations(
            departments=tuple(found.taken for found in taken),
            corrections=tuple(remark for found in taken for remark in found.corrections),
            refusals=tuple(refusal for refusal, _ in faults),
            refused_rows=tuple(RefusedRow(row.line, self._kept(row)) for row in rows),
            refused_departments=tuple(found.standing.name for found in refused),
            marks=tuple(
                Mark(
                    refusal.line,
                    self._columns.used.index(column) if column else -1,
                    f"{refusal.reason} {refusal.remedy}",
                )
                for refusal, column in faults
            ),
            columns=tuple(column.heading for column in self._columns.used),
            notices=tuple(notices),
            rows_read=self._rows,
        )

    def _kept(self, record: Record) -> tuple[str, ...]:
        if record.fault is not None:
            return ("",) * len(self._columns.used)
        return tuple(kept_for_repair(self._raw(record, column)) for column in self._columns.used)

    def _raw(self, record: Record, column: Column | None) -> str:
        if column is None or column.index >= len(record.cells):
            return ""
        return record.cells[column.index]

    def _names(self, record: Record) -> tuple[tuple[str, str, str], bool]:
        """Trust, site and department, from the line above where both are blank, as in merged cells."""
        trust, site, department = (
            " ".join(self._raw(record, self._columns.of(name)).lstrip("'").split())[:300]
            for name in ("trust", "site", "department")
        )
        names = (trust, site, department)
        if not site and not department:
            return self._above, any(self._above)
        self._above = names
        return names, False

    def _count_blank(self, record: Record, names: tuple[str, str, str]) -> None:
        try:
            standing = self._finder.department(*names).value
        except Unusable:
            return
        department = self._departments.setdefault(standing.department_id, Gathered(standing))
        line = self._line(department, record, is_quiet=True)
        for column in self._figures:
            cell = self._cell(record, column, line)
            if cell is not None:
                department.leave(cell)

    def _cell(self, record: Record, column: Column, line: str | None) -> Cell | None:
        """The cell that a wide row's column or a long row's is, where that can be told."""
        if self._columns.is_long:
            figure: str | None = column.field
            week = self._weeks.monday(self._raw(record, self._columns.of("week")))
        else:
            figure, week = figure_of(self._raw(record, self._columns.of("figure"))), column.week
        if figure is None or week not in self._directory.weeks or week is None:
            return None
        if figure == "wte":
            return Cell(EDUCATORS, figure, week)
        return Cell(line, figure, week) if line is not None else None

    def _read_version(self, department: Gathered, record: Record) -> None:
        column = self._columns.of("version")
        text = self._raw(record, column).strip()
        if column is None or not text:
            return
        if (
            not text.isascii()
            or not text.isdigit()
            or len(text) > 9
            or int(text) > department.standing.version
        ):
            fault = Unusable(
                "This is not a version of the declaration that we know.",
                "Download the file again, or clear this cell: the file is then read as made from what is"
                " declared now.",
            )
            department.refuse(record, column, text, fault)
            return
        department.versions.add(int(text))

    def _line(self, department: Gathered, record: Record, *, is_quiet: bool = False) -> str | None:
        """The key of the row's line; None where it names none, which has been refused."""
        column = self._columns.of("line")
        text = self._raw(record, column)
        if column is None or not text.strip():
            return ANYONE
        is_wte = (
            not self._columns.is_long and figure_of(self._raw(record, self._columns.of("figure"))) == "wte"
        )
        try:
            words = clean(text)
            if is_wte and plain(words) in _WTE_OF_ALL:
                return ANYONE
            found = self._finder.line(words)
            if is_wte and found.value != ANYONE:
                raise Unusable(
                    "The WTE is of the whole department, not of some of its learners.",
                    "Leave this cell blank in the row of the WTE.",
                )
        except Unusable as fault:
            if not is_quiet:
                department.refuse(record, column, text, fault)
            return None
        if found.became is not None and not is_quiet:
            department.correct(record, column.label, text, found.became)
        return found.value

    def _read_wide(self, department: Gathered, record: Record, line: str | None) -> None:
        column = self._columns.the("figure")
        words = self._raw(record, column)
        figure = figure_of(words)
        if figure is None:
            fault = Unusable(
                "We know no figure of this name." if words.strip() else "The figure is blank.",
                "Write Preferred, Most, Surge or WTE.",
            )
            department.refuse(record, column, words, fault)
            return
        for week_column in self._figures:
            if week_column.week is not None:
                self._read_cell(department, record, week_column, line, figure, week_column.week)

    def _read_long(self, department: Gathered, record: Record, line: str | None) -> None:
        column = self._columns.the("week")
        words = self._raw(record, column)
        week = self._weeks.monday(words)
        if week is None:
            fault = Unusable(
                "This is not a week that we can read." if words.strip() else "The week is blank.",
                "Write its Monday, such as 4 January 2027.",
            )
            department.refuse(record, column, words, fault)
            return
        if week not in self._directory.weeks:
            self._outside.append(record.line)
            return
        if not self._weeks.is_plain(words):
            department.correct(record, column.label, words, f"week of {spoken(week)}")
        for figure_column in self._figures:
            self._read_cell(department, record, figure_column, line, figure_column.field, week)

    def _read_cell(
        self,
        department: Gathered,
        record: Record,
        column: Column,
        line: str | None,
        figure: str,
        week: date,
    ) -> None:
        raw = self._raw(record, column)
        try:
            reading = read_figure(raw, figure)
        except Unusable as fault:
            department.refuse(record, column, raw, fault)
            return
        if reading.became is not None:
            department.correct(record, column.label, raw, reading.became)
        if line is None:
            return
        cell = Cell(EDUCATORS if figure == "wte" else line, figure, week)
        if reading.value is None:
            department.leave(cell)
        else:
            department.put(record, column, cell, reading.value, raw)
