"""What must never be kept or passed on, and that no file whatever breaks the reading."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placements.cohorts.uploads import (
    FileProblem,
    ParsedUpload,
    from_json,
    parse_cohort,
    to_json,
)
from placements.cohorts.uploads_downloads import rows_csv
from placements.cohorts.uploads_template import template_csv
from tests.factories.cohort_files import DIRECTORY, TODAY, read, read_cell, written

TEXT_COLUMNS = ["preference 1", "preferences", "avoid", "employer", "travel", "term postcode", "start date"]


def table(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("heading", TEXT_COLUMNS)
@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+44 7700",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\rx",
        " =1+1",
        "\u00a0=1",
        "\u200b=1",
        "\ufeff=1",
        "＝1+1",
        "'=1+1",
        "\n=1",
        '=HYPERLINK("http://example.org")',
        "-5",
    ],
)
def test_a_cell_that_could_run_as_a_formula_is_refused_and_says_so(heading: str, cell: str) -> None:
    parsed = read_cell(heading, cell)
    assert parsed.rows == ()
    assert "formula" in parsed.refusals[0].reason


@pytest.mark.parametrize("column", ["reference", "postcode"])
def test_a_formula_for_a_reference_or_postcode_is_refused(column: str) -> None:
    cells = {"reference": "L1", "postcode": "B15 2TT", column: "=cmd|' /C calc'!A0"}
    (refusal,) = read(written(tuple(cells), tuple(cells.values()))).refusals
    assert (refusal.column, "formula" in refusal.reason) == (column, True)


@pytest.mark.parametrize("heading", ["travel limit", "priority"])
def test_a_formula_in_a_numeric_column_is_refused_as_one(heading: str) -> None:
    (refusal,) = read_cell(heading, "=60").refusals
    assert "formula" in refusal.reason


@pytest.mark.parametrize("cell", ["L\x071", "L\u202e1", "L\n1", "L\t1", "L\u20281", "L\ue0001", "L\x7f1"])
def test_characters_that_cannot_be_seen_are_refused_and_shown(cell: str) -> None:
    parsed = read(written(("reference", "postcode"), (cell, "B15 2TT")))
    assert parsed.rows == ()
    refusal = parsed.refusals[0]
    assert refusal.value.isprintable()
    assert "cannot be seen" in refusal.reason


def test_damaged_letters_are_refused() -> None:
    assert "damaged" in read("reference,postcode\nL\ufffd1,B15 2TT\n").refusals[0].reason


@pytest.mark.parametrize("heading", [*TEXT_COLUMNS, "priority", "travel limit"])
def test_a_long_value_is_refused_and_shown_short(heading: str) -> None:
    (refusal,) = read_cell(heading, "x" * 5_000).refusals
    assert "too long" in refusal.reason
    assert len(refusal.value) == 100


@pytest.mark.parametrize(
    "heading", ["First name", "Surname", "E-mail", "Date of Birth", "DOB", "Mobile", "Home address", "Title"]
)
def test_personal_columns_are_ignored_aloud_and_nothing_of_them_is_kept(heading: str) -> None:
    parsed = read(
        written(
            ("reference", heading, "postcode"),
            ("L1", "Secretvalue", "B15 2TT"),
            ("L2", "Secretvalue", "nowhere"),
            ("L3", "B15 2TT", "Secretvalue", "shifted by one"),
            ('L4"', "Secretvalue", "B15 2TT"),
        )
        + '"L5"x,Secretvalue,B15 2TT\n'
    )
    assert parsed.ignored_columns == (heading,)
    (notice,) = [notice for notice in parsed.notices if heading in notice]
    assert notice.startswith("Not read and not kept")
    assert "personal" in notice
    assert "Secretvalue" not in to_json(parsed)
    assert b"Secretvalue" not in rows_csv(parsed, refused_only=True)
    assert len(parsed.rows) == 1


def test_columns_that_mean_nothing_to_us_are_ignored_aloud() -> None:
    parsed = read("reference,postcode,Year,,Notes,travel\nL1,B15 2TT,2,x,y,car\n")
    assert parsed.ignored_columns == ("Year", "Column D (no heading)", "Notes")
    assert not parsed.is_settled
    (notice,) = parsed.notices
    assert notice.startswith("Not used and not kept: “Year”")
    assert len(parsed.rows) == 1


def test_refused_rows_come_back_with_what_to_put_right() -> None:
    parsed = read(
        written(
            ("reference", "Name", "postcode", "travel limit", "preferences"),
            ("L1", "Jo", "B15 2TT", "60", ""),
            ("L2", "Jo", "B15 2TT", "-5", "=cmd()"),
            ("L3", "Jo", "", "60", "Solihull Hospital\nAtlantis"),
        )
    )
    header, second, third = table(rows_csv(parsed, refused_only=True))
    assert header == ["reference", "postcode", "travel limit", "preferences", "Line", "What to put right"]
    assert second[:5] == ["L2", "B15 2TT", "'-5", "'=cmd()", "3"]
    assert "travel limit: " in second[5]
    assert "preferences: " in second[5]
    assert third[:5] == ["L3", "", "60", "Solihull Hospital\nAtlantis", "4"]
    again = read(rows_csv(parsed, refused_only=True))
    assert again.ignored_columns == ()
    assert [(refusal.column, refusal.reason) for refusal in again.refusals] == [
        (refusal.column, refusal.reason) for refusal in parsed.refusals
    ]


def test_a_heading_that_could_run_as_a_formula_is_made_safe() -> None:
    parsed = read("=reference,postcode\nL1,nowhere\n")
    assert table(rows_csv(parsed, refused_only=True))[0][0] == "'=reference"


def test_json_refuses_what_it_did_not_write() -> None:
    for text in ("", "{", "[]", '{"rows": 3}'):
        with pytest.raises(ValueError, match="validation error"):
            from_json(text)


def test_json_keeps_a_problem() -> None:
    parsed = ParsedUpload(problem=FileProblem("This file is empty.", "Upload another."))
    assert from_json(to_json(parsed)) == parsed


def check(parsed: ParsedUpload) -> None:
    """What holds of every result."""
    assert from_json(to_json(parsed)) == parsed
    if parsed.problem is not None:
        assert parsed == ParsedUpload(problem=parsed.problem)
        return
    assert parsed.table is not None
    if parsed.table.trouble is not None:
        assert parsed.rows == parsed.refusals == parsed.corrections == ()
        return
    lines = [row.line for row in (*parsed.rows, *parsed.refused_rows)]
    assert len(lines) == len(set(lines)) == parsed.rows_read > 0
    assert {refusal.line for refusal in parsed.refusals} == {row.line for row in parsed.refused_rows}
    assert {c.line for c in parsed.corrections} <= {row.line for row in parsed.rows}
    assert all(refusal.reason and refusal.remedy for refusal in parsed.refusals)
    for cells in table(rows_csv(parsed, refused_only=True)):
        assert len(cells) == len(parsed.columns) + 2
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    check(parse_cohort(data, DIRECTORY, today=TODAY))


@given(st.binary(max_size=400), st.sampled_from([",", ";", "\t"]), st.booleans())
def test_any_bytes_below_good_headings(data: bytes, delimiter: str, quoted: bool) -> None:
    header = f"reference{delimiter}postcode{delimiter}preferences\n".encode()
    check(parse_cohort(header + (b'"' if quoted else b"") + data, DIRECTORY, today=TODAY))


CELLS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "L1", "B15 2TT", "b152tt", "bus", "60", "QEHB", "Solihull Hospital", "n/a", "=1", "-5", "3/9/27"]
    ),
)
HEADINGS = (
    "reference",
    "postcode",
    "travel",
    "travel limit",
    "preferences",
    "employer",
    "avoid",
    "start date",
)


@settings(max_examples=200)
@given(st.lists(st.lists(CELLS, max_size=10), min_size=1, max_size=8))
def test_any_cells_below_good_headings_leave_no_row_unaccounted(rows: Sequence[Sequence[str]]) -> None:
    data = written(HEADINGS, *rows).encode("utf-8", errors="replace")
    parsed = parse_cohort(data, DIRECTORY, today=TODAY)
    check(parsed)
    if parsed.problem is None:
        assert parsed.rows_read + parsed.blank_rows == len(rows)


@given(st.data())
def test_a_good_file_damaged_anywhere(data: st.DataObject) -> None:
    good = template_csv(DIRECTORY)
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, len(good)))
    check(parse_cohort(good[:start] + data.draw(st.binary(max_size=5)) + good[end:], DIRECTORY, today=TODAY))
