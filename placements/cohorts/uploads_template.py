"""The template of a cohort file: the headings, one example that is never read as a learner, and in a workbook
lists to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from placements.cohorts.uploads_columns import FIELD_HEADINGS
from placements.cohorts.uploads_directory import Directory
from placements.cohorts.uploads_rows import EXAMPLE_REFERENCE
from placements.cohorts.uploads_table import MAX_ROWS
from placements.csv_files import csv_bytes
from placements.spreadsheets.workbooks import Choice, Page, column_letters, workbook_bytes

SHEET = "Cohort"
_LISTS = "Lists to choose from"
_FIELDS = (
    "reference",
    "postcode",
    "term postcode",
    "travel mode",
    "travel limit",
    "preference 1",
    "preference 2",
    "preference 3",
    "employer",
    "hub",
    "excluded sites",
    "available from",
    "priority",
    "priority reason",
    "available until",
    "released",
    "accommodation",
    "access needs",
    "together with",
    "apart from",
    "earlier sites",
    "days",
)
_TRAVEL_MODES = ("car", "public transport")
_ANSWERS = ("yes", "no")
_SITES_COLUMN, _TRUSTS_COLUMN, _MODES_COLUMN, _ANSWERS_COLUMN, _NEEDS_COLUMN = 1, 2, 3, 4, 5
_MOST_EXAMPLES = 4


def headings() -> list[str]:
    """The template's headings, in order."""
    return [FIELD_HEADINGS[field] for field in _FIELDS]


def example(directory: Directory) -> list[str]:
    """A row as a learner's might be, with the directory's own sites and trust, marked as an example."""
    sites = (*list(directory.sites)[:_MOST_EXAMPLES], *[""] * _MOST_EXAMPLES)
    values = {
        "reference": EXAMPLE_REFERENCE,
        "postcode": "B29 6LN",
        "travel mode": "car",
        "travel limit": "60",
        "preference 1": sites[0],
        "preference 2": sites[1],
        "preference 3": sites[2],
        "employer": next(iter(directory.trusts.values()), ""),
        "excluded sites": sites[3],
        "available from": directory.earliest.isoformat() if directory.earliest else "",
        "priority": "1",
    }
    return [values.get(field, "") for field in _FIELDS]


def template_csv(directory: Directory) -> bytes:
    """The template as a CSV that a spreadsheet opens well."""
    return csv_bytes([headings(), example(directory)])


def template_xlsx(directory: Directory) -> bytes:
    """The template as a workbook, with drop-down lists of sites, trusts and ways to travel, and a sheet that
    says what each column may hold."""
    lists = (
        list(directory.sites),
        list(directory.trusts.values()),
        list(_TRAVEL_MODES),
        list(_ANSWERS),
        list(directory.access_needs.values()),
    )
    return workbook_bytes(
        [
            Page(
                SHEET,
                [headings(), example(directory)],
                [20, 14, 14, 16, 16, 34, 34, 34, 34, 34, 34, 16, 10, 30, 16, 12, 16, 30, 20, 20, 40, 20],
                bold=frozenset({0}),
                frozen=(1, 1),
                choices=[
                    *(
                        _choice(field, lists, _SITES_COLUMN)
                        for field in _FIELDS
                        if field.startswith("preference ")
                    ),
                    _choice("employer", lists, _TRUSTS_COLUMN),
                    _choice("hub", lists, _TRUSTS_COLUMN),
                    _choice("travel mode", lists, _MODES_COLUMN),
                    _choice("released", lists, _ANSWERS_COLUMN),
                    _choice("accommodation", lists, _ANSWERS_COLUMN),
                    *([_choice("access needs", lists, _NEEDS_COLUMN)] if directory.access_needs else []),
                ],
            ),
            Page(
                _LISTS,
                [
                    ["Sites", "Trusts", "Ways to travel", "Yes or no", "Access needs"],
                    *(
                        [column[place] if place < len(column) else None for column in lists]
                        for place in range(max(map(len, lists)))
                    ),
                ],
                [50, 60, 20, 12, 40],
                bold=frozenset({0}),
                frozen=(1, 0),
            ),
            Page("How to fill this in", [[words] for words in explanation()], [100], wraps=True),
        ]
    )


def _choice(field: str, lists: Sequence[Sequence[str]], column: int) -> Choice:
    place = _FIELDS.index(field)
    letters = column_letters(column)
    last = max(2, len(lists[column - 1]) + 1)
    return Choice(
        first=(1, place),
        last=(MAX_ROWS, place),
        source=f"='{_LISTS}'!${letters}$2:${letters}${last}",
        words="This is not in the list. It is still read if it is a usual name for one of them.",
    )


def explanation() -> list[str]:
    """How to fill the template in, line by line."""
    return [
        "One row for each learner. The row that says Example is never read as a learner.",
        "Reference: the student number or another reference. Never a name or an e-mail address.",
        "Home postcode: in full. It is needed for every learner, as the reference is.",
        "Term-time postcode: where the learner travels from in term, if elsewhere.",
        "Travel mode: car or public transport. Blank means public transport.",
        "Travel limit (minutes): one way, for a learner who needs a shorter journey than the round allows.",
        "Preference 1, 2, 3 …: sites, the most wanted first. Add columns for more.",
        "Employing trust: its name or ODS code, for a learner whom a trust employs.",
        "Hub trust: its name or ODS code, for a learner who has one trust to stay with where a match can.",
        "Sites to avoid: several with a semicolon between them. Give no reasons: none are kept.",
        "Available from: a date. Blocks that begin earlier are left out.",
        "Priority: 1, 2 or 3, where 1 is placed first. Blank means the stage's usual priority.",
        "Priority reason: a few words, such as repeats a failed block. Never a diagnosis.",
        "Available until: the last day, for a learner who leaves before the round ends.",
        "Released: yes for an employed learner who may be placed away from the employing trust.",
        "Accommodation: yes for a learner who would take a bed at a site beyond the travel limit.",
        "Access needs: what a site must have, from the list; several with a semicolon between them.",
        "Together with: other learners' references, with a semicolon between them. One row a group will do.",
        "Apart from: the same, for learners who are kept apart from this one.",
        "Sites attended before: with a semicolon between them; name one twice if it was attended twice.",
        "Days of the week: for a part-time pattern, such as Mon, Tue, Wed.",
        "A column that the file does not have leaves what is saved as it is; one that is there and blank"
        " empties it.",
        "Columns may stand in any order and may be left out; any others are left unread if you say so.",
    ]
