"""Whole files: encodings, delimiters, quotation marks, sizes, and files that are something else."""

import zipfile
from io import BytesIO

import pytest

from placements.cohorts.uploads import MAX_BYTES, MAX_ROWS, FileProblem, ParsedUpload
from tests.factories.cohort_files import read, written

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
GOOD = (
    "Reference,Home postcode,Preference 1,Start date\nL1,B15 2TT,Birmingham Children’s Hospital,3 Sept 2027\n"
)


def problem(data: bytes | str) -> FileProblem:
    """The whole-file problem, after seeing that nothing else came of the file."""
    parsed = read(data)
    assert parsed.problem is not None
    assert parsed == ParsedUpload(problem=parsed.problem)
    assert parsed.problem.message.endswith(".")
    assert parsed.problem.remedy.endswith(".")
    return parsed.problem


def trouble(data: str) -> FileProblem:
    """Why nobody can say yet what the columns hold, after seeing that no row was read."""
    parsed = read(data)
    assert parsed.problem is None
    assert (parsed.rows, parsed.refusals, parsed.is_settled) == ((), (), False)
    assert parsed.table is not None
    assert parsed.table.trouble is not None
    return parsed.table.trouble


@pytest.mark.parametrize(
    ("codec", "kind"),
    [
        ("utf-8", "text in UTF-8"),
        ("utf-8-sig", "text in UTF-8 with byte order mark"),
        ("cp1252", "text in Windows-1252"),
        ("utf-16", "text in UTF-16"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_as_spreadsheets_write_them(codec: str, kind: str, delimiter: str, line_end: str) -> None:
    parsed = read(GOOD.replace(",", delimiter).replace("\n", line_end).encode(codec))
    assert parsed.problem is None
    assert parsed.table is not None
    assert parsed.table.kind == f"{kind} with {DELIMITERS[delimiter]}"
    assert parsed.rows[0].line == 2
    assert parsed.rows[0].preferences == ("Birmingham Children's Hospital",)


def test_big_endian_utf_16() -> None:
    assert len(read(b"\xfe\xff" + GOOD.encode("utf-16-be")).rows) == 1


def test_a_line_that_states_the_delimiter_is_obeyed_and_counted() -> None:
    parsed = read("sep=;\r\nreference;postcode\r\nL1;B15 2TT\r\n")
    assert parsed.table is not None
    assert parsed.table.kind.endswith("with semicolons")
    assert parsed.rows[0].line == 3


def test_semicolons_in_a_column_of_sites_do_not_mislead() -> None:
    parsed = read("reference,postcode,preferences\nL1,B15 2TT,Solihull Hospital;Good Hope Hospital;QEHB;\n")
    assert parsed.table is not None
    assert parsed.table.kind.endswith("with commas")
    assert len(parsed.rows[0].preferences) == 3


def test_lines_are_physical_lines_and_blank_rows_are_counted() -> None:
    parsed = read(
        '\n,,\nreference,postcode,notes\n"L1",B15 2TT,"one\ntwo\nthree"\n , ,\n\nL2,B15 2TT,\nL3,nowhere\n\n'
    )
    assert [(row.line, row.reference) for row in parsed.rows] == [(4, "L1"), (9, "L2")]
    assert [(refusal.line, refusal.value) for refusal in parsed.refusals] == [(10, "nowhere")]
    assert parsed.blank_rows == 5


def test_trailing_empty_cells_are_nothing() -> None:
    parsed = read("reference,postcode,,,\nL1,B15 2TT,,,,,,\nL2,B15 2TT\n")
    assert len(parsed.rows) == 2
    assert parsed.ignored_columns == ()


def test_a_row_with_too_many_cells_is_refused_alone() -> None:
    parsed = read("reference,postcode,travel\nL1,B15 2TT,car\nL2,B15 2TT,car,and,more\nL3,B15 2TT\n")
    assert [row.reference for row in parsed.rows] == ["L1", "L3"]
    (refusal,) = parsed.refusals
    assert (refusal.line, refusal.value) == (3, "5 cells")
    assert "3 headings" in refusal.reason


def test_quotation_marks_that_do_not_match_refuse_their_row_alone() -> None:
    parsed = read('reference,postcode\nL1,B15 2TT\n"L2"x,B15 2TT\nL3,B15 2TT\n')
    assert [row.reference for row in parsed.rows] == ["L1", "L3"]
    (refusal,) = parsed.refusals
    assert refusal.line == 3
    assert "do not match" in refusal.reason


def test_a_row_that_swallowed_others_names_its_lines() -> None:
    parsed = read('reference,postcode\n"L1,B15 2TT\nL2,B15 2TT\n"L3",B15 2TT\nL4,B15 2TT\n')
    assert [row.reference for row in parsed.rows] == ["L4"]
    (refusal,) = parsed.refusals
    assert "lines 2 to 4" in refusal.remedy


def test_a_quotation_mark_never_closed_refuses_the_file_and_names_its_line() -> None:
    found = problem('reference,postcode\nL1,B15 2TT\n"L2,B15 2TT\nL3,B15 2TT\n')
    assert "line 3" in found.message
    assert "never closed" in found.message
    assert "line 1" in problem('"reference,postcode\nL1,B15 2TT\n').message


def test_an_enormous_cell_refuses_its_row() -> None:
    parsed = read(f"reference,postcode\nL1,{'x' * 200_000}\nL2,B15 2TT\n")
    assert [row.reference for row in parsed.rows] == ["L2"]
    assert "too long" in parsed.refusals[0].reason
    assert len(parsed.refusals[0].value) <= 100


@pytest.mark.parametrize("data", [b"", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xff\xfe", b",,,\n,,\n", b"sep=;\n"])
def test_an_empty_file(data: bytes) -> None:
    assert "empty" in problem(data).message


def test_headings_alone() -> None:
    for data in ("reference,postcode\n", "reference,postcode", "reference,postcode\n\n,,\n"):
        assert "no learners" in problem(data).message


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("alpha,beta", "the learner's reference or for the learner's home postcode"),
        ("reference,beta", "the learner's home postcode"),
        ("postcode,travel", "the learner's reference"),
    ],
)
def test_headings_that_are_missing_are_named(header: str, named: str) -> None:
    found = trouble(f"{header}\nL1,B15 2TT\n")
    assert f"a column for {named}." in found.message
    assert "“Home postcode”" in found.remedy


def test_a_file_with_no_headings_at_all_is_refused() -> None:
    for data in ("Cohort of 2027\nL1\n", "L1,B15 2TT\nL2,B15 2GW\n"):
        found = problem(data)
        assert "a column for the learner's reference or for the learner's home postcode." in found.message
        assert "“Home postcode”" in found.remedy


def test_the_first_row_is_not_repeated_back_as_it_may_hold_names() -> None:
    assert "Bloggs" not in str(problem("Jo Bloggs,jo@example.ac.uk\nL1,B15 2TT\n"))


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("reference,postcode,postcode", ("“postcode” and “postcode (column C)”",)),
        ("Student ID,Learner ref,postcode", ("“Student ID” and “Learner ref”",)),
        ("reference,Home postcode,Base Postcode", ("“Home postcode” and “Base Postcode”",)),
        ("reference,postcode,Pref 1,1st choice", ("“Pref 1” and “1st choice”",)),
        ("reference,postcode,Preferences,Pref 1", ("“Preferences” and “Pref 1”",)),
        ("reference,postcode,Travel,Car", ("“Travel” and “Car”",)),
        (
            "ref,ref,postcode,postcode",
            ("“ref” and “ref (column B)”", "“postcode” and “postcode (column D)”"),
        ),
    ],
)
def test_doubled_columns_are_named(header: str, named: tuple[str, ...]) -> None:
    found = trouble(f"{header}\nL1,B15 2TT,x,y\n")
    assert all(pair in found.message for pair in named)


def test_too_many_columns() -> None:
    header = "reference,postcode," + ",".join(f"extra {n}" for n in range(99))
    assert "101 columns" in problem(f"{header}\nL1,B15 2TT\n").message


def test_50_mb_are_refused_by_length_alone() -> None:
    class Unread(bytes):
        def __getitem__(self, key: object) -> bytes:
            raise AssertionError("looked into")

        def startswith(self, *_: object) -> bool:
            raise AssertionError("looked into")

        def decode(self, *_: object, **__: object) -> str:
            raise AssertionError("looked into")

    assert "50.0 MB" in problem(Unread(50 * 1024 * 1024)).message


def test_a_file_may_be_just_as_large_as_the_limit() -> None:
    start = b"reference,postcode,notes\n"
    row = b"L1,B15 2TT,"
    data = start + row + b"x" * (MAX_BYTES - len(start) - len(row))
    assert read(data).problem is None
    assert "at most 5 MB" in problem(data + b"x").message


def test_5000_rows_are_read_and_one_more_is_too_many() -> None:
    header = "reference,postcode,travel,preferences\n"
    rows = "".join(f"L{n},B15 2TT,bus,Solihull Hospital;Good Hope\n" for n in range(MAX_ROWS))
    parsed = read(header + rows)
    assert len(parsed.rows) == MAX_ROWS
    assert parsed.refusals == ()
    assert "more than 5,000 rows" in problem(f"{header}{rows}L,B15 2TT,,\n").message


def test_a_sea_of_blank_lines() -> None:
    assert "100,000 lines" in problem("reference,postcode\nL1,B15 2TT\n" + "\n" * 100_001).message


def workbook(name: str) -> bytes:
    page = BytesIO()
    with zipfile.ZipFile(page, "w") as archive:
        archive.writestr(name, "<x/>")
    return page.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (workbook("xl/workbook.xml"), "Excel workbook is damaged"),
        (workbook("cohort.csv"), "zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "older Excel workbook"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\xff\xd8\xff\xe0", "picture"),
        (b"{\\rtf1", "word-processor"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"reference,postcode\nL1,\x00\n", "binary"),
        (b"\xff\xfe" + "reference,postcode\nL1,\x00\n".encode("utf-16-le"), "binary"),
        (GOOD.encode("utf-16-le"), "binary"),
    ],
)
def test_files_of_another_kind_say_what_to_do(data: bytes, message: str) -> None:
    found = problem(data)
    assert message in found.message
    assert "CSV" in found.remedy or ".xlsx" in found.remedy


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"reference,postcode\nL1,B15 2TT\nM\xc3\xa9,caf\xe9\n", "line 3"),
        (b"\xef\xbb\xbfreference,postcode\nL\xe9,B15 2TT\n", "line 2"),
        (b"reference,postcode\nL\x81,B15 2TT\n", "line 2"),
        ("Идентификатор,Индекс\nабвгд,еёжзи\n".encode("cp1251"), "line 1"),
        (GOOD.encode("utf-16")[:-1], "cut short"),
    ],
)
def test_letters_that_cannot_be_read(data: bytes, message: str) -> None:
    found = problem(data)
    assert message in found.message
    assert "CSV UTF-8" in found.remedy


def test_every_row_is_a_row_a_refusal_or_counted_blank() -> None:
    rows = [("reference", "postcode")]
    rows += [(f"L{n}", "B15 2TT" if n % 3 else "nowhere") if n % 5 else ("", "") for n in range(200)]
    parsed = read(written(*rows))
    lines = [row.line for row in parsed.rows] + [row.line for row in parsed.refused_rows]
    assert len(lines) == len(set(lines)) == parsed.rows_read
    assert parsed.rows_read + parsed.blank_rows == 200
    assert {refusal.line for refusal in parsed.refusals} == {row.line for row in parsed.refused_rows}
