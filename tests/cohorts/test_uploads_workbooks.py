"""Workbooks as universities export them, any workbook, any choice of columns, and reading that is stable."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from placements.cohorts.uploads import LearnerRow, ParsedUpload, parse_cohort, read_rows
from placements.cohorts.uploads_columns import FIELD_HEADINGS
from placements.cohorts.uploads_downloads import rows_csv, rows_xlsx
from placements.cohorts.uploads_mending import mended
from placements.cohorts.uploads_table import LEFT_OUT
from placements.spreadsheets.workbooks import Page, Value, workbook_bytes
from tests.cohorts.test_uploads_safety import CELLS, HEADINGS, check
from tests.factories.cohort_files import DIRECTORY, TODAY, written


def read_book(*pages: Page, choices: dict[str, str] | None = None) -> ParsedUpload:
    return parse_cohort(workbook_bytes(pages), DIRECTORY, today=TODAY, choices=choices or {})


def test_a_workbook_as_a_student_system_exports_it() -> None:
    rows: list[Sequence[Value]] = [
        [None, "Cohort of September 2027", None],
        [None, "Printed 24 November 2026"],
        [],
        [None, "SITS no.", "First name", "Home Postcode", "Car driver?", "Start date", "1st choice"],
        [],
        [None, 20451, "Ann", "b152tt", "x", date(2027, 9, 13), "QEHB"],
        [None, 20452, "Bob", "B15 2TT", 0, 46633, "Solihull\u00a0Hospital"],
        [None, "20453", "Cat", "B15 2TT", "Y", "46633", "Birmingham Children’s Hospital"],
    ]
    parsed = read_book(
        Page("Read me", [["Postcode", "of the office"], ["", "B15 2TT"]]),
        Page("Year 1", rows),
        choices={"sitsno": "reference", "cardriver": "driving"},
    )
    assert parsed.refusals == ()
    assert [
        (row.line, row.reference, row.postcode, row.travel_mode, row.available_from, row.preferences)
        for row in parsed.rows
    ] == [
        (6, "20451", "B15 2TT", "car", date(2027, 9, 13), ("Queen Elizabeth Hospital Birmingham",)),
        (7, "20452", "B15 2TT", "public_transport", date(2027, 9, 3), ("Solihull Hospital",)),
        (8, "20453", "B15 2TT", "car", date(2027, 9, 3), ("Birmingham Children's Hospital",)),
    ]
    assert parsed.ignored_columns == ("First name",)
    assert parsed.blank_rows == 2
    assert "Read from the sheet “Year 1”. Not read: “Read me”." in parsed.notices
    assert any("found on line 4" in notice for notice in parsed.notices)


def test_a_note_beside_a_table_in_a_workbook_is_left_out_and_no_row_is_refused() -> None:
    parsed = read_book(
        Page("A", [["reference", "postcode"], ["L1", "B15 2TT", None, "see list 2"], ["L2", "B15 2TT"]])
    )
    assert len(parsed.rows) == 2
    assert parsed.ignored_columns == ("Column D (no heading)",)
    assert not parsed.is_settled


def test_a_column_of_names_or_birthdays_is_left_out_whatever_its_heading() -> None:
    parsed = parse_cohort(
        written(
            ("reference", "postcode", "Who", "When", "Where from", "Call"),
            ("L1", "B15 2TT", "Ann Other", "03/04/2006", "Solihull Hospital", "07700 900123"),
            ("L2", "B15 2TT", "Bob Other", "2 Nov 2005", "Good Hope Hospital", "07700900124"),
        ).encode(),
        DIRECTORY,
        today=TODAY,
    )
    assert parsed.table is not None
    assert [column.heading for column in parsed.table.left_out if column.is_personal] == [
        "Who",
        "When",
        "Call",
    ]
    assert [column.heading for column in parsed.table.unknown] == ["Where from"]
    assert "Other" not in str(parsed)


VALUES = st.one_of(CELLS, st.none(), st.integers(-5, 99_999), st.dates(date(1950, 1, 1), date(2100, 1, 1)))


@settings(max_examples=60)
@given(
    st.lists(st.lists(VALUES, max_size=9), max_size=5),
    st.lists(st.lists(VALUES, max_size=9), max_size=5),
    st.booleans(),
)
def test_any_workbook(above: list[list[Value]], below: list[list[Value]], has_headings: bool) -> None:
    def clean(rows: list[list[Value]]) -> list[list[Value]]:
        return [
            [cell.encode("utf-8", "ignore").decode() if isinstance(cell, str) else cell for cell in row]
            for row in rows
        ]

    rows = [*clean(above), *([list(HEADINGS)] if has_headings else []), *clean(below)]
    check(read_book(Page("Any", rows)))


FIELDS = st.sampled_from([LEFT_OUT, LEFT_OUT, *FIELD_HEADINGS])


@settings(max_examples=150)
@given(st.data(), st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=5))
def test_any_choice_of_columns(data: st.DataObject, rows: list[list[str]]) -> None:
    """A clear answer for each, and nothing that was left out is kept once all is settled."""
    text = written(("alpha", "beta", "gamma", "delta"), *rows).encode("utf-8", "replace")
    table = parse_cohort(text, DIRECTORY, today=TODAY).table
    if table is None:
        return
    fields = data.draw(st.lists(FIELDS, min_size=len(table.columns), max_size=len(table.columns)))
    chosen = table.with_fields(fields)
    if chosen.trouble is not None:
        assert not chosen.is_settled
        return
    assert chosen.is_settled
    assert [column.field for column in chosen.columns] == [field for field in fields if field]
    check(read_rows(chosen, DIRECTORY, today=TODAY))


def same(rows: Sequence[LearnerRow]) -> list[LearnerRow]:
    """The rows but for their lines."""
    return [replace(row, line=0) for row in rows]


@settings(max_examples=100)
@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), min_size=1, max_size=6))
def test_what_is_downloaded_reads_as_what_was_read(rows: list[list[str]]) -> None:
    numbered = [[f"L{number}", "B15 2TT", *row[2:]] for number, row in enumerate(rows)]
    text = written(HEADINGS, *numbered).encode("utf-8", "replace")
    parsed = parse_cohort(text, DIRECTORY, today=TODAY)
    if parsed.table is None:
        return
    for download in (rows_csv(parsed), rows_xlsx(parsed)):
        again = parse_cohort(download, DIRECTORY, today=TODAY)
        assert same(again.rows) == same(parsed.rows)
        assert len(again.refused_rows) == len(parsed.refused_rows)
    # Reading again what is kept, as after a mend, gives the same to the letter.
    assert read_rows(parsed.table, DIRECTORY, today=TODAY) == parsed


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(2, 4), st.integers(0, 2), CELLS), max_size=4), st.booleans())
def test_anything_typed_is_a_row_or_a_refusal(typed: list[tuple[int, int, str]], everywhere: bool) -> None:
    parsed = parse_cohort(
        b"reference,postcode,travel\nL1,nowhere,by sea\nL2,B15 2TT,by sea\nL3,B15 2TT,car\n",
        DIRECTORY,
        today=TODAY,
    )
    assert parsed.table is not None
    cells = {(line, place): text for line, place, text in typed}
    table, notes = mended(parsed.table, (), cells, list(cells) if everywhere else ())
    assert len(table.rows) == 3
    assert {note.line for note in notes} <= {2, 3, 4}
    again = read_rows(table, DIRECTORY, today=TODAY)
    if again.problem is None:
        check(again)
