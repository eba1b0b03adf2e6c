"""The file of declarations that is downloaded, edited and uploaded again: a row for each department, line and
figure, a column for each week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from placements.capacity.content import ANYONE, EDUCATORS, PLACE_COLUMNS
from placements.capacity.models import MOST_PLACES, MOST_WTE
from placements.capacity.uploads_directory import Directory, Standing
from placements.csv_files import csv_bytes
from placements.spreadsheets.workbooks import Check, Page, Value, workbook_bytes

HEADINGS = ("Trust", "Site", "Department", "For", "Figure", "Counted in", "Version")
FIGURE_WORDS = {"preferred": "Preferred", "maximum": "Most", "surge": "Surge", "wte": "WTE"}
MEASURE_WORDS = {
    "places": "learners at once",
    "lists": "scanning lists a week",
    "sessions": "sessions a week",
}
_WIDTHS = (30, 34, 16, 28, 10, 20, 8)
_HEADINGS_LINE = 1


def file_rows(directory: Directory, *, is_template: bool = False) -> list[list[Value]]:
    """The file row by row, the title and the headings first; `is_template` leaves all figures empty, as they
    are where nothing is declared yet."""
    rows: list[list[Value]] = [
        ["Round", directory.round],
        [*HEADINGS, *directory.weeks],
    ]
    for standing in directory.departments:
        rows += department_rows(directory, standing, is_empty=is_template or standing.version == 0)
    return rows


def department_rows(directory: Directory, standing: Standing, *, is_empty: bool) -> list[list[Value]]:
    """A department's rows: anyone first, then the lines that it declares, then the WTE of its educators."""
    content = standing.content
    rows: list[list[Value]] = []
    for line in dict.fromkeys([ANYONE, *(key for key in directory.lines if key in content.lines)]):
        for column in PLACE_COLUMNS:
            figures = [getattr(content.places(line, week), column) for week in directory.weeks]
            rows.append(
                _row(
                    directory, standing, directory.lines.get(line, line), column, [] if is_empty else figures
                )
            )
    wte = [content.wte.get(week, Decimal(0)) for week in directory.weeks]
    return [*rows, _row(directory, standing, "Educators", "wte", [] if is_empty else wte)]


def _row(
    directory: Directory, standing: Standing, line: str, column: str, figures: Sequence[Value]
) -> list[Value]:
    return [
        standing.trust,
        standing.site,
        standing.modality,
        line,
        FIGURE_WORDS[column],
        "WTE" if column == "wte" else MEASURE_WORDS[standing.measure],
        standing.version,
        *(figures or [None] * len(directory.weeks)),
    ]


def declarations_csv(directory: Directory, *, is_template: bool = False) -> bytes:
    """The file as a CSV; weeks are written so that no spreadsheet takes the month for the day."""
    return csv_bytes(
        [_for_csv(value) for value in row] for row in file_rows(directory, is_template=is_template)
    )


def _for_csv(value: Value) -> object:
    if isinstance(value, date):
        return f"{value.day} {value:%b %Y}"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def declarations_xlsx(directory: Directory, *, is_template: bool = False) -> bytes:
    """The file as a workbook: real dates, headings that stay in sight, cells that take numbers only, and a
    second sheet that says how to fill it in."""
    rows = file_rows(directory, is_template=is_template)
    first, last = len(HEADINGS), len(HEADINGS) + len(directory.weeks) - 1
    checks: list[Check] = []
    for line, row in enumerate(rows[_HEADINGS_LINE + 1 :], start=_HEADINGS_LINE + 1):
        is_whole = row[HEADINGS.index("Figure")] != FIGURE_WORDS["wte"]
        if checks and checks[-1].is_whole == is_whole:
            earlier = checks.pop()
            checks.append(_check(earlier.first, (line, last), is_whole))
        elif last >= first:
            checks.append(_check((line, first), (line, last), is_whole))
    return workbook_bytes(
        [
            Page(
                "Declarations",
                rows,
                [*_WIDTHS, *(11 for _ in directory.weeks)],
                bold=frozenset({0, _HEADINGS_LINE}),
                frozen=(_HEADINGS_LINE + 1, HEADINGS.index("Figure") + 1),
                checks=checks,
            ),
            Page("How to fill this in", [[words] for words in explanation(directory)], [100], wraps=True),
        ]
    )


def _check(first: tuple[int, int], last: tuple[int, int], is_whole: bool) -> Check:
    if is_whole:
        return Check(first, last, MOST_PLACES, True, f"Type a whole number from 0 to {MOST_PLACES}.")
    return Check(first, last, int(MOST_WTE), False, f"Type a number from 0 to {MOST_WTE}, such as 1.5.")


def explanation(directory: Directory) -> list[str]:
    """How to fill the file in, line by line."""
    return [
        f"What departments declare in {directory.round}: one row for each figure, one column for each week,"
        " headed by its Monday.",
        "Preferred: how many learners at once you would like to have. In ultrasound, scanning lists a week.",
        "Most: how many at the most. It is never less than Preferred.",
        "Surge: places beyond the most that could be found in need. They are used only if the round says so.",
        "WTE: whole-time equivalents of educators who supervise, for the whole department.",
        "An empty cell leaves what is declared as it is. Write 0 for none.",
        "Upload the file on the page where you downloaded it. You see every change before anything is saved.",
        "Leave the column Version as it is: by it we notice what somebody else has changed since. Leave it"
        " empty in rows that you add.",
        "To keep places for some learners only, copy a department's rows and write in the column For one of:",
        *(f"    {words}" for key, words in directory.lines.items() if key != EDUCATORS),
    ]
