"""Reading a cohort file: bytes in; learners, corrections and refusals out. Nothing is saved here.

The way through: the bytes become a table (`uploads_table`), whose headings say what its columns hold
(`uploads_columns`) unless somebody chose otherwise; each row (`uploads_rows`) is read cell by cell
(`uploads_cells`, against the sites and trusts of `uploads_directory`); and what came of it is a
`ParsedUpload` (`uploads_result`). A row with any fault is refused whole, with every fault named; a file that
cannot be read is refused whole, with one problem. No input raises an exception.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType

from networkx.utils import UnionFind

from placements.cohorts.uploads_cells import CellReader
from placements.cohorts.uploads_directory import Directory, DirectorySite, PlacesFinder
from placements.cohorts.uploads_result import LearnerRow, ParsedUpload, TravelMode, from_json, to_json
from placements.cohorts.uploads_rows import RowReading
from placements.cohorts.uploads_table import MAX_BYTES, MAX_ROWS, Table, listed, read_table
from placements.cohorts.withholding import looks_like_a_name, without_personal_details
from placements.spreadsheets.dates import NotADate, read_date
from placements.spreadsheets.remarks import Correction, FileProblem, Refusal
from placements.spreadsheets.text import UnreadableFile

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
    "TravelMode",
    "from_json",
    "parse_cohort",
    "read_rows",
    "to_json",
]

_MOST_LINES_NAMED = 5
_VALUES_JUDGED = 20
_ROWS_BETWEEN_REPORTS = 100
_YEARS_SINCE_BIRTH = 14
NO_CHOICES: Mapping[str, str] = MappingProxyType({})


def parse_cohort(
    data: bytes,
    directory: Directory,
    *,
    today: date,
    choices: Mapping[str, str] = NO_CHOICES,
    rows_at_once: int = MAX_ROWS,
) -> ParsedUpload:
    """Read a cohort file of any bytes against a directory of sites, trusts and postcodes.

    `today` bounds the dates that make sense where the directory has no round to bound them. `choices` are
    what earlier files' columns were chosen to hold, by heading. Of a file over `MAX_BYTES` nothing but its
    length is looked at, and of one with more than `rows_at_once` only its table, to be read by `read_rows`.
    """
    places = PlacesFinder(directory)

    def speaks_of_persons(values: Sequence[str]) -> bool:
        return _speaks_of_persons(values, places, today)

    try:
        table = read_table(data, choices, speaks_of_persons)
    except UnreadableFile as refused:
        return ParsedUpload(problem=refused.problem)
    if len(table.rows) > rows_at_once:
        return ParsedUpload(table=without_personal_details(table))
    return read_rows(table, directory, today=today)


def read_rows(
    table: Table, directory: Directory, *, today: date, report: Callable[[int], None] = lambda rows: None
) -> ParsedUpload:
    """What the rows of a table come to; of one whose columns are not known, none. `report` is told from time
    to time how many have been read."""
    table = without_personal_details(table)
    notices = (*table.notices, *_notices(table))
    if table.trouble is not None:
        return ParsedUpload(table=table, notices=notices)
    reader = CellReader(directory, today)
    readings = []
    for number, row in enumerate(table.rows):
        if number % _ROWS_BETWEEN_REPORTS == 0:
            report(number)
        readings.append(RowReading(row, table, reader))
    examples = [reading for reading in readings if reading.is_example]
    readings = [reading for reading in readings if not reading.is_example]
    if not readings:
        return ParsedUpload(
            problem=FileProblem(
                "This file holds only the template's example.",
                "Add a row for each learner below it and upload the file again.",
            )
        )
    _refuse_repeated_references(readings)
    _refuse_together_and_apart(readings)
    _refuse_unknown_companions(readings, directory)
    return ParsedUpload(
        table=table,
        rows=tuple(reading.row for reading in readings if reading.row is not None and not reading.refusals),
        corrections=tuple(c for reading in readings if not reading.refusals for c in reading.corrections),
        refusals=tuple(refusal for reading in readings for refusal in reading.refusals),
        notices=notices,
        examples=len(examples),
    )


def _notices(table: Table) -> list[str]:
    notices = []
    personal = [column.heading for column in table.left_out if column.is_personal]
    other = [column.heading for column in table.left_out if not column.is_personal]
    other += [column.heading for column in table.columns if not column.field]
    if personal:
        notices.append(
            f"Not read and not kept: {listed(personal)}. A cohort file needs no names, contact details,"
            " dates of birth or other personal details: the learner's reference is enough."
        )
    if other:
        notices.append(f"Not used and not kept: {listed(other)}. These are not columns of a cohort file.")
    if not {field for _, field in table.used} & {"travel mode", "driving"}:
        notices.append(
            "There is no column for how learners travel, so each who is new is taken to travel by public"
            " transport."
        )
    return notices


def _speaks_of_persons(values: Sequence[str], places: PlacesFinder, today: date) -> bool:
    """Whether a column under a heading that says nothing holds e-mail addresses, or for the most part names,
    telephone numbers or dates of birth."""
    judged = list(dict.fromkeys(" ".join(value.split()) for value in values if value.strip()))
    if any("@" in value for value in judged):
        return True
    sample = judged[:_VALUES_JUDGED]
    telling = [
        (looks_like_a_name(value) and not places.is_place(value))
        or re.fullmatch(r"(\+?44|0)[\d ]{9,14}", value, re.ASCII) is not None
        or _is_birthday(value, today)
        for value in sample
    ]
    return sum(telling) * 2 > len(sample)


def _is_birthday(text: str, today: date) -> bool:
    if text.isdigit():
        # A student number as likely as the day number of a spreadsheet's date.
        return False
    try:
        return read_date(text) < today - timedelta(days=366 * _YEARS_SINCE_BIRTH)
    except (NotADate, OverflowError):
        return False


def _refuse_repeated_references(readings: list[RowReading]) -> None:
    """Refuse every row whose reference another row has too, naming the other lines."""
    holders: dict[str, list[RowReading]] = {}
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


def _refuse_together_and_apart(readings: list[RowReading]) -> None:
    """Refuse every row that keeps two apart who go together, be it through others."""
    together: UnionFind[str] = UnionFind()
    for reading in readings:
        if reading.row is not None and not reading.refusals:
            together.union(*(name.casefold() for name in (reading.row.reference, *reading.row.together)))
    for reading in readings:
        reading.refuse_apart_from(together)


def _refuse_unknown_companions(readings: list[RowReading], directory: Directory) -> None:
    """Refuse every row that names a learner who is neither in the round nor in a row that is accepted; each
    row refused may be one that others name."""
    refused = True
    while refused:
        accepted = {
            row.reference.casefold() for reading in readings if not reading.refusals and (row := reading.row)
        }
        known = accepted | directory.references
        refused = sum(reading.refuse_unknown_companions(known) for reading in readings) > 0
