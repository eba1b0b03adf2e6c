"""Reading a file of checks: a table's text in; checks, corrections and refusals out. Nothing is saved here.

A row is a learner, by reference; a column is a kind of check, under its name, with the day on which it was
done; a further column headed with the name and "expires" says until when it is good. Where the whole file is
about one check, columns called "Date" and "Expires" will do. Empty cells say nothing.

A workbook becomes text first (`text_of_file`), so that the page can show what was read, line by line as in
the file, and let it be mended there. A row with any fault is refused whole, with every fault named. No input
raises anything but `UnreadableFile`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from placements.clearance.recording import wrong_dates
from placements.clearance.rule import expiry_of
from placements.cohorts.uploads_columns import field_of
from placements.spreadsheets.cells import Unusable, clean, is_blank_word
from placements.spreadsheets.dates import NotADate, read_date, spoken, written_plainly
from placements.spreadsheets.files import File, read_file
from placements.spreadsheets.names import NameFinder
from placements.spreadsheets.remarks import Correction, FileProblem, Refusal, visible
from placements.spreadsheets.text import HEADINGS_WITHIN, Record, UnreadableFile, decode
from placements.spreadsheets.workbooks import Sheet, is_workbook

MAX_BYTES = 2 * 1024 * 1024
MAX_ROWS = 5_000
LONGEST_REFERENCE = 60
WHOLE_ROW = "Whole row"

# Words of a heading that say nothing of which check it is.
_FILLER = frozenset(
    {"date", "day", "done", "completed", "complete", "completion", "cleared", "clearance", "clear", "check",
     "checked", "checks", "issued", "issue", "passed", "on", "of", "the", "and"}
)  # fmt: skip
_EXPIRY = frozenset(
    {"expiry", "expires", "expire", "expiration", "until", "valid", "renewal", "renew", "due", "end", "ends",
     "to", "good"}
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of check that a file may hold."""

    id: int
    name: str
    valid_months: int | None


@dataclass(frozen=True)
class Directory:
    """The learners of a cohort, reference to id, and the kinds of check; `only` is set where the whole file
    is about one of them."""

    learners: Mapping[str, int]
    kinds: Sequence[Kind]
    only: Kind | None = None


@dataclass(frozen=True)
class CheckRow:
    """One check of one learner, ready to be saved; `says_expiry` where the file says until when."""

    line: int
    learner_id: int
    reference: str
    kind: Kind
    done_on: date
    expires_on: date | None
    says_expiry: bool


@dataclass(frozen=True)
class ParsedChecks:
    """Everything that was read: `rows_read` lines below the headings held something, `refused_lines` of them
    are refused."""

    rows: tuple[CheckRow, ...] = ()
    corrections: tuple[Correction, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    refused_lines: frozenset[int] = frozenset()
    ignored: tuple[str, ...] = ()
    rows_read: int = 0
    problem: FileProblem | None = None


def text_of_file(data: bytes) -> str:
    """The text of a CSV file, or the first fitting sheet of a workbook as tabbed text, each row on its own
    line of the sheet; raises `UnreadableFile`."""
    if not is_workbook(data) or len(data) > MAX_BYTES:
        _refuse_long(len(data))
        return decode(data)[0]
    sheets = read_file(data, lambda cells: 0, most_bytes=MAX_BYTES).sheets
    sheet = max(sheets, key=_fits)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    line = 1
    for record in sheet.rows:
        out.write("\n" * (record.line - line))
        writer.writerow([re.sub(r"[\r\n\t\x00]+", " ", cell) for cell in record.cells])
        line = record.line + 1
    return out.getvalue()


def parse_checks(text: str, directory: Directory, *, today: date) -> ParsedChecks:
    """Read the text of a table of checks against a cohort's learners and the kinds of check."""
    try:
        finder = _Finder(directory)
        file = read_file(
            text.encode("utf-8", "replace"),
            lambda cells: sum(finder.column(cell) is not None for cell in cells[:100]),
            most_bytes=MAX_BYTES,
        )
        columns, records = _columns(file, finder)
    except UnreadableFile as refused:
        return ParsedChecks(problem=refused.problem)
    readings = [_RowReading(record, columns, directory, today) for record in records]
    _refuse_repeated(readings)
    kept = [reading for reading in readings if not reading.refusals]
    return ParsedChecks(
        rows=tuple(row for reading in kept for row in reading.rows),
        corrections=tuple(one for reading in kept for one in reading.corrections),
        refusals=tuple(one for reading in readings for one in reading.refusals),
        refused_lines=frozenset(reading.line for reading in readings if reading.refusals),
        ignored=columns.ignored,
        rows_read=len(readings),
    )


def _refuse_long(length: int) -> None:
    if length > MAX_BYTES:
        raise UnreadableFile(
            f"This file is {length / 2**20:.1f} MB; it may be at most {MAX_BYTES // 2**20} MB.",
            "Delete what is not about checks, or send it in parts, each with the headings.",
        )


def _fits(sheet: Sheet) -> int:
    """Whether a sheet has a heading for the learner's reference near its top."""
    return any(field_of(cell) == "reference" for row in sheet.rows[:HEADINGS_WITHIN] for cell in row.cells)


@dataclass(frozen=True)
class Column:
    """A column in use: its place and heading, the kind of check (None: the reference), and whether it says
    until when the check is good."""

    index: int
    heading: str
    kind: Kind | None
    is_expiry: bool = False


@dataclass(frozen=True)
class Columns:
    """The columns in use, those left out, and how wide a row may be."""

    reference: Column
    done: Mapping[int, Column]
    expires: Mapping[int, Column]
    ignored: tuple[str, ...]
    width: int


class _Finder:
    """Knows which kind of check a heading names."""

    def __init__(self, directory: Directory) -> None:
        self._kinds = {str(kind.id): kind for kind in directory.kinds}
        self._only = directory.only
        self._names = NameFinder(
            {key: (kind.name, re.sub(r"[()\[\].]", "", kind.name)) for key, kind in self._kinds.items()},
            _FILLER,
        )

    def column(self, heading: str) -> tuple[Kind | None, bool] | None:
        """The kind that a heading names (None: the reference) and whether it is about its expiry; None for a
        heading that is none of ours."""
        if field_of(heading) == "reference":
            return None, False
        words = re.findall(r"[^\W_]+", heading[:120].casefold())
        rest = [word for word in words if word not in _EXPIRY and word not in _FILLER]
        is_expiry = any(word in _EXPIRY for word in words)
        if not rest:
            return (self._only, is_expiry) if words and self._only is not None else None
        kept = [word for word in re.split(r"[\s_]+", heading[:120]) if word.casefold() not in _EXPIRY]
        keys = self._names.find(" ".join(kept)).keys
        return (self._kinds[keys[0]], is_expiry) if len(keys) == 1 else None


def _columns(file: File, finder: _Finder) -> tuple[Columns, list[Record]]:
    """The columns and the rows below them; raises `UnreadableFile`."""
    rows = file.sheets[0].rows
    for number, record in enumerate(rows[:HEADINGS_WITHIN]):
        found = [finder.column(cell) for cell in record.cells[:100]]
        if not any(one is not None and one[0] is None for one in found):
            continue
        if record.fault is not None:
            break
        columns = _used(record, found)
        records = [row for row in rows[number + 1 :] if not row.is_blank]
        if not records:
            raise UnreadableFile(
                "There are headings but no learners below them.", "Add a row for each learner."
            )
        if len(records) > MAX_ROWS:
            raise UnreadableFile(
                f"There are more than {MAX_ROWS:,} rows, the most that we can take at once.",
                "Send it in parts, each with the headings.",
            )
        return columns, records
    raise UnreadableFile(
        "We could not find a column for the learner's reference.",
        "The first row must hold the headings, among them “Reference” and the names of the checks.",
    )


def _used(record: Record, found: Sequence[tuple[Kind | None, bool] | None]) -> Columns:
    used: list[Column] = []
    ignored: list[str] = []
    for index, (heading, one) in enumerate(zip(record.cells, found, strict=False)):
        shown = visible(" ".join(heading.split()), 60)
        if one is not None:
            used.append(Column(index, shown, one[0], one[1]))
        elif shown:
            ignored.append(shown)
    holders: dict[tuple[int, bool], list[Column]] = {}
    for column in used:
        holders.setdefault((column.kind.id if column.kind else 0, column.is_expiry), []).append(column)
    doubled = next((columns for columns in holders.values() if len(columns) > 1), None)
    if doubled:
        names = " and ".join(f"“{column.heading}”" for column in doubled)
        raise UnreadableFile(
            f"Some columns hold the same thing twice, so we cannot tell which to use ({names}).",
            "Keep one column for each and delete or rename the others.",
        )
    done = {key: columns[0] for (key, is_expiry), columns in holders.items() if key and not is_expiry}
    expires = {key: columns[0] for (key, is_expiry), columns in holders.items() if key and is_expiry}
    if not done:
        raise UnreadableFile(
            "We could not find a column for any check.",
            "Head each column with the check's name, or choose above which check the dates are of.",
        )
    alone = next((column for key, column in expires.items() if key not in done), None)
    if alone is not None:
        raise UnreadableFile(
            f"There is a column “{alone.heading}” but none for the day on which that check was done.",
            "Add a column with that day, headed with the check's name.",
        )
    width = max(number for number, heading in enumerate(record.cells, start=1) if heading.strip())
    return Columns(holders[0, False][0], done, expires, tuple(dict.fromkeys(ignored)), width)


@dataclass
class _RowReading:
    """One row being read: its checks, and every correction and refusal on the way."""

    record: Record
    columns: Columns
    directory: Directory
    today: date
    rows: list[CheckRow] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    learner_id: int | None = None

    def __post_init__(self) -> None:
        self.line = self.record.line
        cells = self.record.cells
        found = max((n for n, cell in enumerate(cells, start=1) if cell.strip()), default=0)
        if self.record.fault is not None:
            self.refuse(WHOLE_ROW, "", self.record.fault, "Put the quotation marks right.")
        elif found > self.columns.width:
            self.refuse(
                WHOLE_ROW,
                f"{found} cells",
                f"This row has {found} cells but there are {self.columns.width} headings.",
                "Delete the extra cells.",
            )
        else:
            self._read()

    def refuse(self, column: str, value: str, reason: str, remedy: str) -> None:
        """Note why this row cannot be taken."""
        self.refusals.append(Refusal(self.line, column, visible(value), reason, remedy))

    def _read(self) -> None:
        column = self.columns.reference
        raw, text = self._cell(column)
        if text is None:
            return
        if not text:
            self.refuse(column.heading, raw, "The reference is blank.", "Write the learner's reference.")
            return
        known = {reference.casefold(): reference for reference in self.directory.learners}
        reference = known.get(text.casefold())
        if reference is None:
            self.refuse(
                column.heading,
                raw,
                "No learner of this cohort has this reference.",
                "Correct it, or take the row out: learners of another cohort go into that cohort's file.",
            )
            return
        self.learner_id = self.directory.learners[reference]
        for key, done in self.columns.done.items():
            self._read_check(reference, done, self.columns.expires.get(key))

    def _read_check(self, reference: str, done: Column, expires: Column | None) -> None:
        kind = done.kind
        done_on = self._date(done)
        expires_on = self._date(expires) if expires is not None else None
        if kind is None or self.learner_id is None:
            return
        if done_on is None:
            if expires is not None and expires_on is not None:
                self.refuse(
                    done.heading,
                    "",
                    "It is blank, but it is said until when the check is good.",
                    "Write the day on which it was done, or empty the other cell too.",
                )
            return
        wrong = wrong_dates(done_on, expires_on, self.today)
        for name, column in (("done", done), ("expires", expires)):
            if name in wrong and column is not None:
                self.refuse(column.heading, spoken(done_on if name == "done" else expires_on or done_on),
                            "This day cannot be right.", f"{wrong[name]}.")  # fmt: skip
        if not wrong:
            good_to = expires_on or expiry_of(done_on, kind.valid_months)
            self.rows.append(
                CheckRow(
                    self.line, self.learner_id, reference, kind, done_on, good_to, expires_on is not None
                )
            )

    def _cell(self, column: Column) -> tuple[str, str | None]:
        """A cell as written and its text, "" where it says nothing; None where it has been refused."""
        raw = self.record.cells[column.index] if column.index < len(self.record.cells) else ""
        try:
            text = clean(raw, LONGEST_REFERENCE, numeric=column.kind is not None)
        except Unusable as fault:
            self.refuse(column.heading, raw, fault.reason, fault.remedy)
            return raw, None
        return raw, "" if is_blank_word(text) else text

    def _date(self, column: Column) -> date | None:
        raw, text = self._cell(column)
        if not text:
            return None
        try:
            day = read_date(text)
        except (NotADate, OverflowError) as fault:
            reason = str(fault) if isinstance(fault, NotADate) else "There is no such day in the calendar."
            self.refuse(column.heading, raw, reason, "Write the day like 14/09/2026, or leave it empty.")
            return None
        if not written_plainly(text):
            self.corrections.append(Correction(self.line, column.heading, visible(raw), spoken(day)))
        return day


def _refuse_repeated(readings: Sequence[_RowReading]) -> None:
    """Refuse every row whose learner another row has too, naming the lines."""
    holders: dict[int, list[_RowReading]] = {}
    for reading in readings:
        if reading.learner_id is not None:
            holders.setdefault(reading.learner_id, []).append(reading)
    for sharing in holders.values():
        if len(sharing) > 1:
            lines = [str(reading.line) for reading in sharing[:6]]
            for reading in sharing:
                reading.refuse(
                    reading.columns.reference.heading,
                    "",
                    f"The same learner is on lines {', '.join(lines[:-1])} and {lines[-1]}.",
                    "Keep one row for each learner.",
                )
