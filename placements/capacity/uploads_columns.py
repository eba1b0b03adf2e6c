"""The headings of a file of declarations: in which row they stand, and what each column holds.

Two ways of writing are read. Wide: a row for each department, line and figure, a column for each week. Long:
a row for each department and week (and line), a column for each figure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from placements.spreadsheets.dates import NotADate, read_date, spoken
from placements.spreadsheets.files import find_headings
from placements.spreadsheets.remarks import Correction, visible
from placements.spreadsheets.text import Record, UnreadableFile
from placements.spreadsheets.workbooks import Sheet, column_letters

MOST_COLUMNS = 200
LONGEST_HEADING = 60

_ALIASES = {
    "trust": "trust | nhs trust | organisation | provider",
    "site": "site | hospital | location | site name | centre",
    "department": "department | modality | dept | department name | service",
    "line": "for | learners | learner group | group | who | learner group and stage | stage | for whom",
    "figure": "figure | measure | type | what | row | capacity",
    "version": "version | do not change | file version",
    "week": """week | week commencing | week beginning | week starting | wc | w/c | wk | week of
        | date | monday | week start | start of week""",
    "preferred": "preferred | preferred places | pref | preferred learners | prefer | usual",
    "maximum": """most | max | maximum | most places | maximum places | max places | places | most learners
        | maximum learners | capacity max | max capacity""",
    "surge": "surge | surge places | extra | extra places | surge capacity",
    "wte": "wte | educator wte | educators wte | fte | supervisor wte | supervision wte | educators",
    "ignored": "counted in | round | line | what to put right | unit | units | notes | comments",
}
FIGURES = ("preferred", "maximum", "surge", "wte")


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text[: 2 * LONGEST_HEADING]).casefold()
    return "".join(character for character in re.sub(r"\(.*?\)", "", plain) if character.isalnum())


_FIELDS = {_key(alias): name for name, aliases in _ALIASES.items() for alias in aliases.split("|")}
_BEFORE_DATE = re.compile(
    r"(?:w ?[/.]? ?c\.?|wk|week|commencing|beginning|starting|start|of|monday|mon|the|,|:|-)[\s:.,]*",
    re.IGNORECASE,
)
_DAY_AND_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[-/. ]*(?:of )?([a-z]{3,9}|\d{1,2})\.?", re.IGNORECASE)
_MONTH_AND_DAY = re.compile(r"([a-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?", re.IGNORECASE)


def figure_of(text: str) -> str | None:
    """The figure that words such as "Max" stand for, or None."""
    found = _FIELDS.get(_key(text))
    return found if found in FIGURES else None


@dataclass
class WeekReader:
    """Reads the weeks that people write, for one round: the Monday, or None where a text is no date."""

    weeks: Sequence[date]
    _known: dict[str, date | None] = field(default_factory=dict)

    def monday(self, text: str) -> date | None:
        """The Monday of the week that a text names; it need not be the round's."""
        if text not in self._known:
            self._known[text] = self._read(text)
        return self._known[text]

    def is_plain(self, text: str) -> bool:
        """Whether a text names a Monday with its year, so that there is nothing to remark."""
        try:
            return read_date(_without_words(text)) == self.monday(text)
        except NotADate:
            return False

    def _read(self, text: str) -> date | None:
        words = _without_words(text)
        if len(words) > LONGEST_HEADING or not re.search(r"\d", words):
            return None
        try:
            day = read_date(words)
        except (NotADate, OverflowError):
            return self._without_year(words)
        return day - timedelta(days=day.weekday()) if date(2000, 1, 3) <= day < date(2100, 1, 1) else None

    def _without_year(self, words: str) -> date | None:
        if match := _DAY_AND_MONTH.fullmatch(words):
            day, month = match[1], match[2]
        elif match := _MONTH_AND_DAY.fullmatch(words):
            month, day = match[1], match[2]
        else:
            return None
        found = set()
        for year in {week.year for week in self.weeks} | {week.year + 1 for week in self.weeks[-1:]}:
            try:
                read = read_date(f"{day}/{month}/{year}" if month.isdigit() else f"{day} {month} {year}")
            except NotADate:
                continue
            found.add(read - timedelta(days=read.weekday()))
        of_round = found & set(self.weeks)
        return of_round.pop() if len(of_round) == 1 else None


def _without_words(text: str) -> str:
    words = " ".join(text.split()).lstrip("'")
    while match := _BEFORE_DATE.match(words):
        words = words[match.end() :]
    return words


@dataclass(frozen=True)
class Column:
    """A column in use: its place in a row, what it holds (a field, or "week" of a wide file with its Monday),
    and its heading as written."""

    index: int
    field: str
    heading: str
    week: date | None = None

    @property
    def label(self) -> str:
        """As a refusal names it: the heading and the column's letters."""
        return f"{self.heading} (column {column_letters(self.index + 1)})"


@dataclass(frozen=True)
class Columns:
    """The headings of one sheet, and the rows below them."""

    header: Record
    above: tuple[Record, ...]
    below: tuple[Record, ...]
    used: tuple[Column, ...]
    is_long: bool
    notices: tuple[str, ...]
    corrections: tuple[Correction, ...]
    width: int

    def of(self, field: str) -> Column | None:
        """The column of a field, where there is one."""
        return self._by_field.get(field)

    def the(self, field: str) -> Column:
        """The column of a field that the file has; raises KeyError."""
        return self._by_field[field]

    @cached_property
    def _by_field(self) -> dict[str, Column]:
        return {column.field: column for column in self.used}


def headings_known(cells: Sequence[str], weeks: WeekReader) -> int:
    """How many cells of a row are headings of a file of declarations."""
    known = sum(_FIELDS.get(_key(cell)) is not None for cell in cells[:MOST_COLUMNS] if cell.strip())
    return known + min(2, sum(weeks.monday(cell) is not None for cell in cells[:MOST_COLUMNS]))


def read_columns(sheets: Sequence[Sheet], weeks: WeekReader) -> tuple[Sheet, Columns]:
    """The sheet that holds declarations and its columns; raises `UnreadableFile`."""

    def known(cells: Sequence[str]) -> int:
        fields = {_FIELDS.get(_key(cell)) for cell in cells[:MOST_COLUMNS]}
        return headings_known(cells, weeks) if fields & {"site", "department"} else 0

    found = find_headings(sheets, known)
    if found is None:
        raise UnreadableFile(
            "We could not find the headings: no row among the first has “Site” and “Department”.",
            "Copy your figures into the file that you can download from this page, and upload that.",
        )
    sheet, place = found
    notices = []
    if len(sheets) > 1 and sheet is not sheets[0]:
        notices.append(f"Only the sheet “{visible(sheet.name, LONGEST_HEADING)}” was read.")
    columns = _columns(sheet.rows[place], weeks)
    return sheet, Columns(
        header=sheet.rows[place],
        above=sheet.rows[:place],
        below=sheet.rows[place + 1 :],
        used=columns.used,
        is_long=columns.is_long,
        notices=(*notices, *columns.notices),
        corrections=columns.corrections,
        width=columns.width,
    )


def _columns(header: Record, weeks: WeekReader) -> Columns:
    width = max((place for place, cell in enumerate(header.cells, start=1) if cell.strip()), default=0)
    if width > MOST_COLUMNS:
        raise UnreadableFile(
            f"This file has {width:,} columns; it may have at most {MOST_COLUMNS}.",
            "Delete the columns that are not in the file that you can download.",
        )
    used: list[Column] = []
    ignored: list[str] = []
    outside: list[str] = []
    corrections: list[Correction] = []
    for index, heading in enumerate(header.cells[:width]):
        shown = visible(" ".join(heading.split()), LONGEST_HEADING)
        name = _FIELDS.get(_key(heading))
        monday = weeks.monday(heading) if name is None else None
        if monday in weeks.weeks and monday is not None:
            # A workbook's real date has no words of its own.
            is_real = shown == monday.isoformat()
            used.append(Column(index, "week", spoken(monday) if is_real else shown, monday))
            if not weeks.is_plain(heading):
                corrections.append(Correction(header.line, "Heading", shown, f"week of {spoken(monday)}"))
        elif monday is not None:
            outside.append(shown)
        elif name is None and shown:
            ignored.append(shown)
        elif name not in (None, "ignored"):
            used.append(Column(index, name, shown))
    is_long = any(column.field == "week" and column.week is None for column in used)
    _require(used, outside, weeks, is_long)
    notices = []
    if outside:
        notices.append(f"Not read, as these weeks are in no block of the round: {_listed(outside)}.")
    if ignored:
        notices.append(f"Not read and not kept: {_listed(ignored)}. Declarations have no such columns.")
    return Columns(header, (), (), tuple(used), is_long, tuple(notices), tuple(corrections), width)


def _require(used: list[Column], outside: list[str], weeks: WeekReader, is_long: bool) -> None:
    week_columns = [column for column in used if column.week is not None]
    if is_long and week_columns:
        raise UnreadableFile(
            "The file has a column of weeks and columns for weeks as well, so we cannot tell which to use.",
            "Keep either a row for each week or a column for each week.",
        )
    figures = [column for column in used if column.field in FIGURES]
    if is_long and not figures:
        raise UnreadableFile(
            "The file has a row for each week but no column of figures.",
            "Give it columns called Preferred, Most, Surge or WTE.",
        )
    if not is_long and not week_columns:
        span = (
            f" The round's weeks run from {spoken(weeks.weeks[0])} to {spoken(weeks.weeks[-1])}."
            if weeks.weeks
            else ""
        )
        raise UnreadableFile(
            (
                "None of the file's weeks is in this round."
                if outside
                else "The file has no column for a week."
            )
            + span,
            "Head each week's column with its Monday, such as 4 January 2027, or give a row to each week.",
        )
    if not is_long and not any(column.field == "figure" for column in used):
        raise UnreadableFile(
            "The file has no column that says which figure a row holds.",
            "Add a column called Figure, with Preferred, Most, Surge or WTE in each row.",
        )
    seen: dict[object, Column] = {}
    for column in used:
        key = column.week or column.field
        if key in seen:
            raise UnreadableFile(
                f"Two columns hold the same: “{seen[key].heading}” and “{column.heading}”"
                f" (columns {column_letters(seen[key].index + 1)} and {column_letters(column.index + 1)}).",
                "Keep one of them, delete or rename the other, and upload the file again.",
            )
        seen[key] = column


def _listed(headings: Sequence[str]) -> str:
    named = [f"“{heading}”" for heading in headings[:6]]
    more = f" and {len(headings) - 6} more" if len(headings) > 6 else ""
    return ", ".join(named) + more
