"""The columns of a cohort file: their usual names, those required, those left out, and the template."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from placements.cohorts.uploads_directory import Directory
from placements.csv_files import csv_bytes
from placements.spreadsheets.remarks import ADDED_COLUMN, FileProblem, visible

MOST_COLUMNS = 100
MOST_PREFERENCES = 20
LONGEST_HEADING = 60

REQUIRED = {"reference": "the learner's reference", "postcode": "the learner's home postcode"}

_ALIASES = {
    "reference": """
        reference | ref | learner reference | learner ref | learner ID | learner number | learner code
        | student reference | student ref | student ID | student number | student no | student code
        | trainee reference | trainee ref | trainee ID | trainee number | ID | ID number | unique reference
        | URN | pseudonym | candidate number | SITS number | SITS ID | reference number | ref no""",
    "postcode": """
        postcode | home postcode | base postcode | permanent postcode | home base postcode | postal code
        | home postal code | learner postcode | student postcode | home address postcode | address postcode
        | permanent address postcode | postcode home | postcode base""",
    "term postcode": """
        term postcode | term time postcode | termtime postcode | term time address postcode
        | postcode term time | postcode term | term address postcode | accommodation postcode
        | university postcode
        | postcode in term time | term time base postcode""",
    "travel mode": """
        travel | transport | mode | travel mode | mode of travel | transport mode | mode of transport
        | travels by | travel by | means of travel | means of transport | travel method | how they travel""",
    "driving": "car | driver | drives | car driver | own car | has car | has a car | access to car | car y/n",
    "travel limit": """
        max travel | maximum travel | travel limit | travel limit minutes | travel limit mins
        | travel limit min | max travel minutes | max travel mins | max travel time | maximum travel time
        | maximum travel minutes | maximum travel time minutes | max travel time minutes
        | longest travel | longest journey | longest journey minutes | max journey | max commute
        | max commute minutes | limit minutes""",
    "preferences": """
        preferences | site preferences | preferred sites | choices | site choices | ranked preferences
        | ranked sites | preferred placements | placement preferences""",
    "employer": """
        employer | employing trust | employer trust | employer ODS | employer ODS code | employed by
        | employing organisation | employer code | employing trust ODS code""",
    "excluded sites": """
        avoid | sites to avoid | exclusions | excluded sites | exclude | site exclusions | must avoid
        | sites that must be avoided | excluded | do not place at | not at""",
    "available from": """
        available from | start date | available | date available | earliest start | earliest start date
        | available from date | placement start date""",
    "priority": "priority | priority 1-3 | priority 1 to 3 | priority level",
}

_PERSONAL = re.compile(
    r"name|mail|birth|dob|phone|mobile|address|gender|ethnic|disab|insurance|nhsnumber|nhsno|religion|health"
    r"|pregnan|nextofkin|nationality|passport|medical|sexual|contact|^(title|sex|age|tel|telno)$"
)

_PREFERENCE = re.compile(
    r"(?:site|placement)?(?:preference|preferred|preferredsite|pref|choice|sitepreference|sitechoice)"
    r"(?:site|number|no)?(\d{1,4})(?:site)?"
    r"|(\d{1,4})(?:st|nd|rd|th)(?:site|placement)?(?:preference|pref|choice)(?:site)?"
    r"|(first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"
    r"(?:site|placement)?(?:preference|pref|choice)(?:site)?"
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def heading_key(heading: str) -> str:
    """A heading's letters and digits alone, in one case."""
    plain = unicodedata.normalize("NFKD", heading[: 2 * LONGEST_HEADING]).casefold()
    return "".join(character for character in plain if character.isalnum())


_FIELDS = {heading_key(alias): name for name, aliases in _ALIASES.items() for alias in aliases.split("|")}
_OUR_OWN = frozenset({heading_key("Line"), heading_key(ADDED_COLUMN)})


def field_of(heading: str) -> str | None:
    """The field a heading stands for ("reference", "preference 2", ...), or None if it is not one we use."""
    key = heading_key(heading)
    numbered = _PREFERENCE.fullmatch(key)
    if numbered is None:
        return _FIELDS.get(key)
    digits, ordinal, word = numbered.groups()
    rank = _ORDINALS.index(word) + 1 if word else int(digits or ordinal)
    return f"preference {rank}" if 1 <= rank <= MOST_PREFERENCES else None


def is_personal(heading: str) -> bool:
    """Whether a heading speaks of something about a person that a cohort file has no need of."""
    return _PERSONAL.search(heading_key(heading)) is not None


@dataclass(frozen=True)
class Column:
    """A column in use: its place in a row, the field it holds, and its heading as written."""

    index: int
    field: str
    heading: str


@dataclass(frozen=True)
class Columns:
    """The columns of one file: those in use, those left out, and how wide a row may be."""

    used: tuple[Column, ...]
    ignored: tuple[str, ...]
    notices: tuple[str, ...]
    width: int
    leaves_out_columns: bool


class UnusableColumns(Exception):
    """The headings cannot be used, so nor can the file."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.problem = FileProblem(message, remedy)


def read_columns(header: Sequence[str]) -> Columns:
    """The columns that a file's headings stand for; raises `UnusableColumns`."""
    width = max((number for number, heading in enumerate(header, start=1) if heading.strip()), default=0)
    if width > MOST_COLUMNS:
        raise UnusableColumns(
            f"This file has {width:,} columns; a cohort file may have at most {MOST_COLUMNS}.",
            "Delete the columns that are not in the template and upload it again.",
        )
    headings = [_tidy(heading) for heading in header[:width]]
    used: list[Column] = []
    ignored: list[str] = []
    for index, heading in enumerate(headings):
        field = field_of(heading)
        if field is not None:
            used.append(Column(index, field, visible(heading, LONGEST_HEADING)))
        elif heading_key(heading) not in _OUR_OWN:
            ignored.append(
                visible(heading, LONGEST_HEADING) if heading else f"Column {index + 1} (no heading)"
            )
    _refuse_missing(used, width)
    _refuse_doubled(used)
    personal = [heading for heading in dict.fromkeys(ignored) if is_personal(heading)]
    other = [heading for heading in dict.fromkeys(ignored) if heading not in personal]
    return Columns(
        used=tuple(used),
        ignored=tuple(dict.fromkeys(ignored)),
        notices=tuple(_notices(personal, other, {column.field for column in used})),
        width=width,
        leaves_out_columns=bool(ignored),
    )


def _tidy(heading: str) -> str:
    return " ".join(heading.lstrip("'\ufeff").split())


def _refuse_missing(used: Sequence[Column], found: int) -> None:
    fields = {column.field for column in used}
    missing = [words for field, words in REQUIRED.items() if field not in fields]
    if not missing:
        return
    known = f"{len(used)} of its {found} headings" if used else f"none of its {found} headings"
    raise UnusableColumns(
        f"We could not find a column for {' or for '.join(missing)}. We know {known}."
        if found > 1
        else f"We could not find a column for {' or for '.join(missing)}.",
        "The first row must hold the headings, among them “Reference” and “Home postcode”. Delete any title"
        " above the headings, or copy your learners into the template.",
    )


def _refuse_doubled(used: Sequence[Column]) -> None:
    by_field: dict[str, list[str]] = {}
    for column in used:
        field = "travel mode" if column.field == "driving" else column.field
        by_field.setdefault(field, []).append(column.heading)
    doubled = [(field, headings) for field, headings in by_field.items() if len(headings) > 1]
    numbered = [column.heading for column in used if column.field.startswith("preference ")]
    if numbered and "preferences" in by_field:
        doubled.append(("preferences", [*by_field["preferences"], *numbered]))
    if not doubled:
        return
    described = "; ".join(f"{field}: {_listed(headings)}" for field, headings in doubled)
    raise UnusableColumns(
        f"Some columns hold the same thing twice, so we cannot tell which to use ({described}).",
        "Keep one column for each, delete or rename the others, and upload the file again.",
    )


def _listed(headings: Sequence[str]) -> str:
    quoted = [f"“{heading}”" for heading in headings]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _notices(personal: Sequence[str], other: Sequence[str], fields: set[str]) -> list[str]:
    notices = []
    if personal:
        notices.append(
            f"Not read and not kept: {_listed(personal)}. A cohort file needs no names, contact details,"
            " dates of birth or other personal details: the learner's reference is enough."
        )
    if other:
        notices.append(f"Not used and not kept: {_listed(other)}. These are not columns of a cohort file.")
    if not fields & {"travel mode", "driving"}:
        notices.append(
            "There is no column for how learners travel, so each is taken to travel by public transport."
        )
    return notices


_TEMPLATE_HEADINGS = (
    "Reference",
    "Home postcode",
    "Term-time postcode",
    "Travel mode",
    "Travel limit (minutes)",
    "Preference 1",
    "Preference 2",
    "Preference 3",
    "Employing trust",
    "Sites to avoid",
    "Available from",
    "Priority",
)
_EXAMPLE_SITES = (
    "Queen Elizabeth Hospital Birmingham",
    "Good Hope Hospital",
    "Solihull Hospital",
    "New Cross Hospital",
)


def template_csv(directory: Directory | None = None) -> bytes:
    """The template to download: the headings and two example rows, as a CSV that a spreadsheet opens well.

    The examples name the first sites and the first trust of the directory where one is given.
    """
    names = list(directory.sites) if directory is not None else list(_EXAMPLE_SITES)
    sites = (*names[:4], "", "", "", "")[:4]
    trusts = list(directory.trusts) if directory is not None else ["RRK"]
    available = directory.earliest.isoformat() if directory is not None and directory.earliest else ""
    employed = trusts[0] if trusts else ""
    first = ("EXAMPLE-001", "B29 6LN", "", "car", "60", *sites[:3], "", sites[3], "", "1")
    second = ("EXAMPLE-002", "WV1 1LY", "B15 2TT", "public transport", "", sites[1], "", "", employed, "")
    return csv_bytes((_TEMPLATE_HEADINGS, first, (*second, available, "2")))
