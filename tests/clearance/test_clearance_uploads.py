"""Files of checks: what is understood, what is refused and why, and that no file breaks the reading."""

import io
from datetime import date

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from placements.clearance.uploads import (
    Directory,
    Kind,
    ParsedChecks,
    UnreadableFile,
    parse_checks,
    text_of_file,
)

TODAY = date(2026, 11, 24)
DBS, HEALTH, IRMER = (
    Kind(1, "DBS", 36),
    Kind(2, "Occupational health", None),
    Kind(3, "IR(ME)R induction", 12),
)
LEARNERS = {"S1": 11, "S2": 12, "S3": 13}
DIRECTORY = Directory(LEARNERS, (DBS, HEALTH, IRMER))
DAY = date(2026, 9, 14)


def read(*lines: str, directory: Directory = DIRECTORY) -> ParsedChecks:
    return parse_checks("\n".join(lines), directory, today=TODAY)


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("DBS", DBS),
        ("dbs check", DBS),
        ("Date DBS cleared", DBS),
        ("Occupational Health clearance date", HEALTH),
        ("OH", HEALTH),
        ("IRMER induction", IRMER),
        ("IR(ME)R", IRMER),
        ("Induction", IRMER),
    ],
)
def test_a_heading_names_its_check_in_usual_words(heading: str, kind: Kind) -> None:
    (row,) = read(f"Student number,{heading}", "S1,14/09/2026").rows
    assert (row.kind, row.learner_id, row.done_on) == (kind, 11, DAY)


@pytest.mark.parametrize("heading", ["DBS expires", "DBS expiry date", "DBS valid until", "Expiry of DBS"])
def test_a_heading_says_until_when(heading: str) -> None:
    (row,) = read(f"Reference,DBS,{heading}", "S1,14/09/2026,1/10/2028").rows
    assert (row.expires_on, row.says_expiry) == (date(2028, 10, 1), True)


def test_the_kind_says_until_when_where_the_file_does_not() -> None:
    first, second = read("Reference,DBS,OH", "S1,14/09/2026,14/09/2026").rows
    assert (first.expires_on, first.says_expiry) == (date(2029, 9, 14), False)
    assert second.expires_on is None


def test_a_file_about_one_check_needs_no_name_of_it() -> None:
    lines = ("ID,Date cleared,Expiry date", "S1,14/09/2026,", "S2,,", "s3,2026-09-14,14/09/2028")
    found = read(*lines, directory=Directory(LEARNERS, DIRECTORY.kinds, only=HEALTH))
    assert [(row.reference, row.kind, row.expires_on) for row in found.rows] == [
        ("S1", HEALTH, None),
        ("S3", HEALTH, date(2028, 9, 14)),
    ]
    assert found.rows_read == 3
    problem = read(*lines).problem
    assert problem is not None
    assert "any check" in problem.message


def test_titles_blank_rows_and_other_columns_do_no_harm() -> None:
    found = read(
        "Checks of the spring", "", "Name;Reference;DBS", "", "Jo;S1;14 Sept 2026", ";;", "Al;S2;tbc"
    )
    assert [(row.line, row.reference) for row in found.rows] == [(5, "S1")]
    assert found.ignored == ("Name",)
    assert [(one.line, one.value, one.became) for one in found.corrections] == [
        (5, "14 Sept 2026", "14 September 2026")
    ]


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ("S9,14/09/2026,", "Reference", "No learner of this cohort"),
        (",14/09/2026,", "Reference", "blank"),
        ("S1,cleared,", "DBS", "not a date"),
        ("S1,31/02/2026,", "DBS", "no such day"),
        ("S1,25/11/2026,", "DBS", "cannot be right"),
        ("S1,01/01/1990,", "DBS", "cannot be right"),
        ("S1,14/09/2026,13/09/2026", "DBS expires", "cannot be right"),
        ("S1,,13/09/2028", "DBS", "It is blank"),
        ("S1,=TODAY(),", "DBS", "formula"),
        ("S1,14/09/2026,,,more", "Whole row", "5 cells"),
        ('S1,"14/09/2026"x,', "Whole row", "quotation marks"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_line_and_column(row: str, column: str, words: str) -> None:
    found = read("Reference,DBS,DBS expires", "S2,14/09/2026,", row)
    assert [one.reference for one in found.rows] == ["S2"]
    assert found.refused_lines == {3}
    refusal = found.refusals[0]
    assert (refusal.line, refusal.column) == (3, column)
    assert words in refusal.reason


def test_a_learner_on_two_lines_is_refused_on_both() -> None:
    found = read("Reference,DBS", "S1,14/09/2026", "S2,14/09/2026", "s1,15/09/2026")
    assert [row.reference for row in found.rows] == ["S2"]
    assert {refusal.line for refusal in found.refusals} == {2, 4}


@pytest.mark.parametrize(
    ("headings", "words"),
    [
        ("DBS", "learner's reference"),
        ("Reference,Mood", "any check"),
        ("Reference,DBS,DBS check", "twice"),
        ("Reference,DBS,OH expires", "none for the day"),
    ],
)
def test_headings_that_cannot_be_used(headings: str, words: str) -> None:
    problem = read(headings, "S1,14/09/2026,14/09/2026").problem
    assert problem is not None
    assert words in problem.message


def test_a_workbook_reads_line_by_line_as_it_stands() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as workbook:
        workbook.add_worksheet("Notes").write(0, 0, "Nothing here")
        sheet = workbook.add_worksheet("Checks")
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write(0, 0, "Spring")
        sheet.write_row(2, 0, ["Reference", "DBS"])
        sheet.write(4, 0, "S1")
        sheet.write_datetime(4, 1, DAY, day)
        sheet.write_row(5, 0, ["S2", "so\non"])
    found = parse_checks(text_of_file(out.getvalue()), DIRECTORY, today=TODAY)
    assert [(row.line, row.reference, row.done_on) for row in found.rows] == [(5, "S1", DAY)]
    assert [refusal.line for refusal in found.refusals] == [6]


def check(found: ParsedChecks) -> None:
    """What holds of every reading."""
    if found.problem is not None:
        assert found == ParsedChecks(problem=found.problem)
        assert found.problem.message
        assert found.problem.remedy
        return
    assert {refusal.line for refusal in found.refusals} == found.refused_lines
    assert len(found.refused_lines) <= found.rows_read
    assert not {row.line for row in found.rows} & found.refused_lines
    assert len({(row.learner_id, row.kind.id) for row in found.rows}) == len(found.rows)
    assert all(refusal.reason and refusal.remedy for refusal in found.refusals)
    for row in found.rows:
        assert row.done_on <= TODAY
        assert row.expires_on is None or row.expires_on >= row.done_on


def check_bytes(data: bytes) -> None:
    try:
        text = text_of_file(data)
    except UnreadableFile:
        return
    check(parse_checks(text, DIRECTORY, today=TODAY))


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    check_bytes(data)
    check_bytes(b"PK\x03\x04" + data)


@given(st.binary(max_size=300), st.sampled_from([",", ";", "\t"]))
def test_any_bytes_below_good_headings(data: bytes, delimiter: str) -> None:
    check_bytes(delimiter.join(("Reference", "DBS", "DBS expires", "OH")).encode() + b"\n" + data)


CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "S1", "s2", "S3", "14/09/2026", "2026-09-14", "46279", "14 Sep", "n/a", "=1", "99999"]
    ),
)


@given(st.lists(st.lists(CELLS, max_size=5), min_size=1, max_size=6), st.text(max_size=12))
def test_any_cells_below_good_headings(rows: list[list[str]], heading: str) -> None:
    lines = ["\t".join(("Reference", "DBS", "DBS expires", "OH", heading)), *("\t".join(row) for row in rows)]
    check(parse_checks("\n".join(lines), DIRECTORY, today=TODAY))
