"""Any bytes give a clear answer, and what is downloaded comes back exactly."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook

from placements.capacity.content import ANYONE, EDUCATORS, Cell, Content, Places
from placements.capacity.downloads import declarations_csv, declarations_xlsx, file_rows
from placements.capacity.merging import merge
from placements.capacity.uploads import parse_declarations
from placements.capacity.uploads_plan import plan
from placements.capacity.uploads_result import (
    ParsedDeclarations,
    from_json,
    refused_rows_csv,
    refused_rows_xlsx,
    to_json,
)
from placements.spreadsheets.text import UnreadableFile
from placements.spreadsheets.workbooks import (
    Page,
    column_letters,
    column_number,
    read_workbook,
    workbook_bytes,
)
from tests.capacity.files import (
    DEPARTMENTS,
    LINES,
    WEEKS,
    cell,
    csv_of,
    directory,
    read,
    saved_by,
    standing,
    xlsx_of,
)

HEADINGS = ("Site", "Department", "For", "Figure", "Version", "4 January 2027", "11/1/27")


def is_clear(parsed: ParsedDeclarations) -> None:
    """Either why the whole file is refused, or whole departments, each taken or refused with its reasons."""
    assert from_json(to_json(parsed)) == parsed
    if parsed.problem is not None:
        assert parsed.problem.message
        assert parsed.problem.remedy
        assert parsed.departments == ()
        return
    assert all(refusal.reason and refusal.remedy for refusal in parsed.refusals)
    assert {row.line for row in parsed.refused_rows} >= {refusal.line for refusal in parsed.refusals}
    names = {found.department_id: found.name for found in DEPARTMENTS}
    assert not {names[found.department_id] for found in parsed.departments} & set(parsed.refused_departments)
    assert all(not one.wrong for one in plan(directory(), parsed.departments, takes_file=True).departments)
    refused_rows_csv(parsed, "Spring 2027")
    refused_rows_xlsx(parsed, "Spring 2027")


@given(st.binary(max_size=400))
@settings(deadline=None)
def test_any_bytes_give_a_clear_answer(data: bytes) -> None:
    is_clear(parse_declarations(data, directory()))


TYPED = st.one_of(
    st.sampled_from(
        ["", "3", "2", "0", "99", "100", "-1", "1,5", "=1+1", "nil", "n/a", "#N/A", "'4", "5 places"]
    ),
    st.text(max_size=12),
)
ROW = st.tuples(
    st.sampled_from(["Good Hope Hospital", "Solihull Hospital", "Skills Centre", "solihul", "", "Total"]),
    st.sampled_from(["X-ray", "CT", "Ultrasound", "xray", "", "MRI"]),
    st.sampled_from(["", "Anyone", "Sonography", "Year 9"]),
    st.sampled_from(["Preferred", "Most", "Max", "Surge", "WTE", "", "What"]),
    st.sampled_from(["", "4", "3", "0", "9", "v"]),
    TYPED,
    TYPED,
)


@given(st.lists(ROW, max_size=6), st.sampled_from([",", ";", "\t"]))
@settings(deadline=None)
def test_any_rows_give_a_clear_answer(rows: list[tuple[str, ...]], delimiter: str) -> None:
    data = csv_of([HEADINGS, *rows], delimiter).decode().encode("utf-8", "replace")
    is_clear(parse_declarations(data, directory()))


@given(st.lists(ROW, min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40, deadline=None)
def test_a_workbook_and_a_csv_of_the_same_rows_say_the_same(rows: list[tuple[str, ...]]) -> None:
    plain = [[value if value.isprintable() else "" for value in row] for row in rows]
    by_csv = parse_declarations(csv_of([HEADINGS, *plain]), directory())
    by_xlsx = parse_declarations(xlsx_of([HEADINGS, *plain]), directory())
    is_clear(by_xlsx)
    assert by_xlsx.departments == by_csv.departments
    assert len(by_xlsx.refusals) == len(by_csv.refusals)


WORKBOOK = declarations_xlsx(directory(DEPARTMENTS[:1]))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_workbook_gives_a_clear_answer(data: st.DataObject) -> None:
    whole = bytearray(WORKBOOK)
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(len(whole) // 2, len(whole)))
    is_clear(parse_declarations(bytes(whole[:cut]), directory()))


def archive(**parts: bytes) -> bytes:
    """A workbook with some of its parts replaced."""
    whole = zipfile.ZipFile(io.BytesIO(xlsx_of([HEADINGS])))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in whole.namelist():
            made.writestr(name, parts.get(name.rsplit("/", 1)[-1].split(".")[0], whole.read(name)))
    return out.getvalue()


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            archive(sheet1=SHEET % b'<row r="1"><c r="A1"><v>1</v></c><c r="XFD1048576"><v>1</v></c></row>'),
            "too large",
        ),
        (archive(sheet1=SHEET % b"<row r='9999999'><c r = 'xfd9'><v>1</v></c></row>"), "too large"),
        (archive(sheet1=b" " * 101 * 2**20), "unpacks to more"),
        (
            archive(
                sharedStrings=b"<sst><si><t>" + b"x" * 2**20 + b"</t></si></sst>",
                sheet1=SHEET % (b"<row>" + b'<c t="s"><v>0</v></c>' * 1000 + b"</row>"),
            ),
            "unpacks to more",
        ),
        (archive(sheet1=(SHEET % b"").decode().encode("utf-16")), "unusual way"),
        (b"PK\x03\x04 and no more", "damaged"),
        (b"\xd0\xcf\x11\xe0" + b"\x00" * 600, "older Excel workbook"),
        (b"%PDF-1.4", "PDF"),
        (b"x" * (5 * 2**20 + 1), "at most 5 MB"),
        (b"", "empty"),
        (xlsx_of([]), "empty"),
    ],
    ids=range(11),
)
def test_files_that_ask_for_too_much_or_are_something_else(data: bytes, words: str) -> None:
    parsed = parse_declarations(data, directory())
    assert parsed.problem is not None
    assert words in parsed.problem.message


def test_a_spreadsheets_own_error_is_seen() -> None:
    error = b'<row r="2"><c r="B2" s="1" t="e"><f>NA()</f><v>#N/A</v></c><c r="C2"><v>2</v></c></row>'
    (sheet,) = read_workbook(archive(sheet1=SHEET % error))
    assert [(row.line, row.cells) for row in sheet.rows] == [(2, ("", "#N/A", "2"))]


def test_column_letters_count_on() -> None:
    assert [column_letters(number) for number in (1, 26, 27, 52, 53, 702, 703)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip
    assert [column_number(column_letters(number)) for number in range(1000)] == list(range(1000))


def test_a_workbook_that_is_none_is_unreadable() -> None:
    with pytest.raises(UnreadableFile):
        read_workbook(b"PK\x05\x06" + b"\x00" * 18)


FIGURES = st.integers(0, 99)
PLACES = st.builds(
    lambda one, other, surge: Places(min(one, other), max(one, other), surge), FIGURES, FIGURES, FIGURES
)
CONTENTS = st.builds(
    Content,
    st.dictionaries(
        st.sampled_from(sorted(LINES)),
        st.dictionaries(st.sampled_from(WEEKS), PLACES, max_size=3),
        max_size=3,
    ),
    st.dictionaries(
        st.sampled_from(WEEKS), st.decimals(0, 99, places=2, allow_nan=False).map(lambda n: +n), max_size=3
    ),
)


def write(of: object, kind: str) -> bytes:
    return declarations_csv(of) if kind == "csv" else declarations_xlsx(of)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@given(
    content=CONTENTS, edits=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 2), FIGURES), max_size=5)
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_is_downloaded_changes_nothing_and_what_is_edited_arrives(
    kind: str, content: Content, edits: list[tuple[int, int, int]]
) -> None:
    of = directory([standing(1, "Good Hope Hospital", "X-ray", content=content), *DEPARTMENTS[1:]])
    parsed = parse_declarations(write(of, kind), of)
    assert (parsed.problem, parsed.refusals, parsed.corrections, parsed.notices) == (None, (), (), ())
    assert plan(of, parsed.departments).changing == ()
    # The same file with some cells of the first department changed, as a CSV of what was downloaded.
    rows = file_rows(of)
    mine = [place for place, row in enumerate(rows) if row[1:3] == ["Good Hope Hospital", "X-ray"]]
    words = {words: key for key, words in LINES.items()} | {"Educators": EDUCATORS}
    figures = {"Preferred": "preferred", "Most": "maximum", "Surge": "surge", "WTE": "wte"}
    expected = content.cells()
    for row_at, week_at, figure in edits:
        row = rows[mine[row_at % len(mine)]]
        row[7 + week_at] = figure
        expected[Cell(words[str(row[3])], figures[str(row[4])], WEEKS[week_at]).name] = str(figure)
    data = xlsx_of(rows) if kind == "xlsx" else csv_of(rows)
    parsed = parse_declarations(data, of)
    if parsed.refusals:
        assert all("is more than the most" in refusal.reason for refusal in parsed.refusals)
        return
    found = plan(of, parsed.departments).departments[0]
    wanted = {name: text for name, text in expected.items() if text != "0"}
    assert found.content.cells() == wanted


def test_the_file_is_a_workbook_that_helps() -> None:
    of = directory([standing(1, "=cmd|'/c calc'!A1", "X-ray")])
    workbook = load_workbook(io.BytesIO(declarations_xlsx(of)))
    assert workbook.sheet_names == ["Declarations", "How to fill this in"]
    rows = workbook.get_sheet_by_name("Declarations").to_python()
    assert rows[0][:2] == ["Round", "Spring 2027"]
    assert rows[1][7:] == WEEKS
    assert rows[2][1] == "=cmd|'/c calc'!A1"
    assert b"'=cmd" in declarations_csv(of)
    sheet = zipfile.ZipFile(io.BytesIO(declarations_xlsx(of))).read("xl/worksheets/sheet1.xml").decode()
    assert 'state="frozen"' in sheet
    assert sheet.count('<dataValidation type="whole"') == 1
    assert sheet.count('<dataValidation type="decimal"') == 1
    # Both files of it change nothing, although the site's name was guarded in one.
    for kind in ("csv", "xlsx"):
        parsed = parse_declarations(write(of, kind), of)
        assert parsed.refusals == ()
        assert plan(of, parsed.departments).changing == ()


def test_a_template_is_the_same_file_with_nothing_in_it() -> None:
    for data in (
        declarations_csv(directory(), is_template=True),
        declarations_xlsx(directory(), is_template=True),
    ):
        parsed = parse_declarations(data, directory())
        assert parsed.problem is not None
        assert parsed.problem.message == "There is no figure in this file."
        assert (parsed.refusals, parsed.departments) == ((), ())


def test_refused_rows_are_given_back_as_they_came_and_can_be_put_right() -> None:
    rows = [
        HEADINGS,
        ("Good Hope Hospital", "X-ray", "", "Most", 4, "many", 5),
        ("Good Hope Hospital", "CT", "", "Most", 4, 5, 5),
    ]
    parsed = read(rows)
    given_back = refused_rows_csv(parsed, "Spring 2027")
    assert b"4 January 2027: It is not a whole number. Write a whole number from 0 to 99." in given_back
    again = parse_declarations(given_back.replace(b"many", b"5"), directory())
    assert (again.problem, again.refusals, len(again.departments)) == (None, (), 1)
    workbook = refused_rows_xlsx(parsed, "Spring 2027")
    assert b"xl/comments1.xml" in workbook
    again = parse_declarations(workbook, directory())
    assert [(r.line, r.column, r.value) for r in again.refusals] == [(3, "4 January 2027 (column F)", "many")]


def test_what_others_changed_since_stays_and_only_the_same_cell_clashes() -> None:
    """The file was made from version 3: since then Priya changed two cells, of which the file changed one."""
    since = (
        saved_by(
            "Priya Nair", **{cell(ANYONE, "maximum", 0): ["5", "3"], cell(ANYONE, "maximum", 1): ["4", "3"]}
        ),
    )
    of = directory(since=lambda department_id, version: since if version == 3 else ())
    headings = ("Site", "Department", "Figure", "Version", "4/1/27", "11/1/27", "18/1/27")
    parsed = parse_declarations(csv_of([headings, ("Good Hope Hospital", "X-ray", "Most", 3, 6, 4, 7)]), of)
    (one,) = plan(of, parsed.departments).departments
    assert one.changes == {cell(ANYONE, "maximum", 2): ["3", "7"]}
    assert [change.cell for change in one.kept] == [cell(ANYONE, "maximum", 1)]
    assert [(both.typed, both.theirs.now, both.theirs.by) for both in one.clashes] == [
        ("6", "3", "Priya Nair")
    ]
    (one,) = plan(of, parsed.departments, takes_file=True).departments
    assert one.changes == {cell(ANYONE, "maximum", 0): ["3", "6"], cell(ANYONE, "maximum", 2): ["3", "7"]}


def test_merging_knows_decimals() -> None:
    """A WTE that both wrote alike, 1.50 and 1.5, is no clash."""
    mine, saved = Content(wte={WEEKS[0]: Decimal("1.50")}), Content(wte={WEEKS[0]: Decimal("1.5")})
    since = (saved_by("Priya Nair", **{cell(EDUCATORS, "wte", 0): ["0", "1.5"]}),)
    assert merge(mine, saved, since).clashes == ()


def test_a_page_writes_dates_numbers_and_notes() -> None:
    page = Page("One", [["a", 1, Decimal("1.5"), date(2027, 1, 4), None]], notes={(0, 4): "missing"})
    assert load_workbook(io.BytesIO(workbook_bytes([page]))).get_sheet_by_index(0).to_python()[0][:4] == [
        "a", 1.0, 1.5, date(2027, 1, 4),
    ]  # fmt: skip
