"""What is read from files of declarations as people really make them."""

import pytest

from placements.capacity.uploads import parse_declarations
from placements.capacity.uploads_plan import plan
from tests.capacity.files import (
    DEPARTMENTS,
    WEEKS,
    cell,
    cells_of,
    content,
    csv_of,
    directory,
    read,
    standing,
    xlsx_of,
)

HEADINGS = ("Site", "Department", "Figure", "4 January 2027", "11 January 2027")
LONG = ("Hospital", "Modality", "Week", "Max", "Pref", "WTE")


def most(*figures: object) -> tuple[object, ...]:
    return ("Good Hope Hospital", "X-ray", "Most", *figures)


def test_a_wide_file_says_cells_by_department() -> None:
    parsed = read([HEADINGS, most(5, 6)])
    assert parsed.problem is None
    assert cells_of(parsed, 1) == {cell("any", "maximum", 0): "5", cell("any", "maximum", 1): "6"}
    assert parsed.departments[0].version is None
    assert (parsed.corrections, parsed.refusals, parsed.notices) == ((), (), ())


def test_a_long_file_says_the_same() -> None:
    parsed = read(
        [
            ("What we can take this spring",),
            (),
            LONG,
            ("Good Hope Hospital", "CT", "04 Jan 2027", 5, 2, "1,5"),
            ("Good Hope Hospital", "CT", "w/c 11 January", 6, "", ""),
        ]
    )
    assert cells_of(parsed, 2) == {
        cell("any", "maximum", 0): "5",
        cell("any", "preferred", 0): "2",
        cell("educators", "wte", 0): "1.5",
        cell("any", "maximum", 1): "6",
    }
    assert [(c.line, c.value, c.became) for c in parsed.corrections] == [
        (4, "1,5", "1.5"),
        (5, "w/c 11 January", "week of 11 January 2027"),
    ]
    assert parsed.notices == (
        "2 cells are blank where something is declared. What is declared there stays; write 0 for none.",
    )


@pytest.mark.parametrize(
    "heading",
    [
        "4/1/27",
        "04/01/2027",
        "04 Jan 2027",
        "04-Jan-27",
        "2027-01-04",
        "w/c 4 January",
        "W/C 04/01",
        "wc 4th Jan",
        "Week commencing 4 January 2027",
        "Mon 4 Jan",
        "Monday 4 January 2027",
        "46391",
        "Tuesday 5 January 2027",
    ],
)
def test_weeks_are_read_as_people_write_them(heading: str) -> None:
    parsed = read([("Site", "Department", "Figure", heading), most(5)])
    assert parsed.problem is None, parsed.problem
    assert cells_of(parsed, 1) == {cell("any", "maximum", 0): "5"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_text_files_of_every_kind(encoding: str, delimiter: str) -> None:
    places = [standing(1, "Hôpital Saint-Rémi", "X-ray")]
    rows = [HEADINGS, ("Hôpital Saint-Rémi", "X-ray", "Maximum", 5, 6)]
    parsed = parse_declarations(csv_of(rows, delimiter, encoding), directory(places))
    assert len(cells_of(parsed, 1)) == 2


def test_a_workbook_with_real_dates_numbers_and_merged_names() -> None:
    rows = [
        ["Capacity for the spring"],
        ["Department", "Hospital", WEEKS[0], WEEKS[2], "Type"],
        ["X-ray", "good hope  hospital", 5, 6.0, "Max"],
        [None, None, 2.0, None, "Preferred places"],
    ]
    parsed = parse_declarations(xlsx_of(rows), directory())
    assert cells_of(parsed, 1) == {
        cell("any", "maximum", 0): "5",
        cell("any", "maximum", 2): "6",
        cell("any", "preferred", 0): "2",
    }
    assert [c.became for c in parsed.corrections] == ["X-ray, Good Hope Hospital, as on the line above"]


@pytest.mark.parametrize(
    ("figure", "typed", "value"),
    [
        ("Most", "3.0", "3"),
        ("Most", "03", "3"),
        ("Most", "3,0", "3"),
        ("Most", "3 places", "3"),
        ("Most", "'3", "3"),
        ("WTE", "1,5", "1.5"),
        ("WTE", "1.50", "1.5"),
        ("WTE", ".5", "0.5"),
        ("WTE", "0.30000000000000004", "0.3"),
        ("WTE", "2 WTE", "2"),
        ("WTE", "nil", "0"),
        ("Surge", "None", "0"),
    ],
)
def test_figures_are_read_as_people_write_them(figure: str, typed: str, value: str) -> None:
    empty = standing(1, "Good Hope Hospital", "X-ray", content=content(0, 0, 0, "0"))
    parsed = read([HEADINGS[:4], ("Good Hope Hospital", "X-ray", figure, typed)], departments=[empty])
    assert list(cells_of(parsed, 1).values()) == [value]


@pytest.mark.parametrize(
    ("figure", "typed", "reason"),
    [
        ("Most", "-1", "-1 cannot be right."),
        ("Most", "100", "100 cannot be right."),
        ("Most", "2.5", "2.5 cannot be right."),
        ("Most", "two", "It is not a whole number."),
        ("Most", "=1+1", "It begins with “=”, which a spreadsheet could run as a formula."),
        ("Most", "#N/A", "It is a spreadsheet's error, not a value."),
        ("Most", "1", "2 preferred is more than the most, 1."),
        ("WTE", "1.234", "1.234 is too fine."),
        ("WTE", "1e3", "It is not a number."),
        ("WTE", "٣", "It is not a number."),
        ("Happiness", "3", "We know no figure of this name."),
    ],
)
def test_a_figure_that_cannot_be_right_keeps_its_department_out(figure: str, typed: str, reason: str) -> None:
    rows = [
        HEADINGS,
        ("Good Hope Hospital", "X-ray", "Surge", 1, 1),
        ("Good Hope Hospital", "X-ray", figure, typed, ""),
        ("Good Hope Hospital", "CT", "Most", 4, 4),
    ]
    parsed = read(rows)
    assert [found.department_id for found in parsed.departments] == [2]
    (refusal,) = parsed.refusals
    assert (refusal.line, refusal.reason) == (3, reason)
    expected = "Figure (column C)" if figure == "Happiness" else "4 January 2027 (column D)"
    assert refusal.column == expected
    assert refusal.remedy
    assert [row.line for row in parsed.refused_rows] == [2, 3]
    assert parsed.refused_departments == ("X-ray, Good Hope Hospital",)


@pytest.mark.parametrize(
    ("site", "department", "reason", "hint"),
    [
        ("Good Hop Hospitle", "X-ray", "We know no site of this name.", "Good Hope Hospital"),
        ("New Cross Hospital", "X-ray", "New Cross Hospital is a site of another trust.", "its own people"),
        ("Good Hope Hospital", "MRI", "Good Hope Hospital has no department of this name.", "X-ray and CT"),
        ("", "X-ray", "It could be more than one department", "as it stands in the file"),
    ],
)
def test_a_department_that_is_not_there_is_refused_with_what_is(
    site: str, department: str, reason: str, hint: str
) -> None:
    parsed = read([HEADINGS, (site, department, "Most", 4, 4), most(3, 3)])
    assert [found.department_id for found in parsed.departments] == [1]
    (refusal,) = parsed.refusals
    assert refusal.reason.startswith(reason)
    assert hint in refusal.remedy


def test_departments_in_other_words_are_found_and_said() -> None:
    parsed = read([HEADINGS, ("solihull", "xray", "Most", 4, 4)])
    assert len(cells_of(parsed, 4)) == 2
    assert [c.became for c in parsed.corrections] == ["X-ray, Solihull Hospital"]
    parsed = read([("Department", "Figure", "4/1/27"), ("CT, Good Hope Hospital", "Max", 4)])
    assert len(cells_of(parsed, 2)) == 1


def test_lines_for_some_learners() -> None:
    headings = ("Site", "Department", "For", "Figure", "4/1/27")
    row = ("Good Hope Hospital", "X-ray")
    parsed = read([headings, (*row, "diagnostic radiography year 1", "Most", 4), (*row, "Anyone", "Most", 3)])
    assert cells_of(parsed, 1) == {
        cell("diagnostic_radiography/year_1", "maximum", 0): "4",
        cell("any", "maximum", 0): "3",
    }
    parsed = read([headings, (*row, "Sonografy", "Most", 4)])
    assert "Did you mean “Sonography”?" in parsed.refusals[0].remedy
    parsed = read([headings, (*row, "Sonography", "WTE", 4)])
    assert parsed.refusals[0].reason == "The WTE is of the whole department, not of some of its learners."


def test_two_rows_that_say_different_things_are_refused_and_the_same_twice_is_not() -> None:
    assert read([HEADINGS, most(3, 3), most(3, 3)]).refusals == ()
    parsed = read([HEADINGS, most(3, 3), most(3, 4)])
    assert parsed.departments == ()
    assert parsed.refusals[0].reason == "Line 2 says 3 for the same department, learners and week."


def test_what_the_person_may_not_change_is_refused_only_where_it_differs() -> None:
    row = ("Skills Centre", "Ultrasound", "Most")
    assert read([HEADINGS, (*row, 3, 3)]).refusals == ()
    parsed = read([HEADINGS, most(4, 4), (*row, 3, 7)])
    assert [found.department_id for found in parsed.departments] == [1]
    assert [(r.line, r.reason) for r in parsed.refusals] == [
        (3, "Only the academy can change what its centres declare.")
    ]


def test_weeks_outside_the_round_are_left_out_and_said() -> None:
    parsed = read([(*HEADINGS, "28 June 2027", "Remarks"), most(3, 4, 9, "busy")])
    assert len(cells_of(parsed, 1)) == 2
    assert "28 June 2027" in parsed.notices[0]
    assert "“Remarks”" not in parsed.notices[0]
    assert "“Remarks”" in parsed.notices[1]
    parsed = read(
        [
            LONG,
            ("Good Hope Hospital", "CT", "28/6/27", 5, 2, 1),
            ("Good Hope Hospital", "CT", "4/1/27", 5, 2, 1),
        ]
    )
    assert len(cells_of(parsed, 2)) == 3
    assert parsed.notices == ("Not read, as these weeks are in no block of the round: lines 2.",)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["a", "b"], [1, 2]], "We could not find the headings"),
        ([HEADINGS], "This file has headings but no rows"),
        (
            [("Site", "Department", "Figure", "28/6/27"), most(3)],
            "None of the file's weeks is in this round.",
        ),
        ([("Site", "Department", "Figure"), most()], "The file has no column for a week."),
        (
            [("Site", "Department", "4/1/27"), ("Good Hope Hospital", "X-ray", 3)],
            "The file has no column that says which figure",
        ),
        ([(*HEADINGS, "4/1/27"), most(3, 3, 3)], "Two columns hold the same"),
        (
            [("Site", "Department", "Week", "4/1/27"), ("a", "b", "c", 3)],
            "The file has a column of weeks and columns",
        ),
        ([["Round", "Autumn 2026"], HEADINGS, most(3, 3)], "This file is of another round: Autumn 2026."),
    ],
)
def test_a_file_that_cannot_be_used_says_why(rows: list[list[object]], message: str) -> None:
    parsed = read(rows)
    assert parsed.problem is not None
    assert parsed.problem.message.startswith(message)
    assert parsed.problem.remedy
    assert parsed.departments == ()


def test_another_rounds_name_that_we_do_not_know_is_only_said() -> None:
    parsed = read([["Round", "Spring (old name)"], HEADINGS, most(3, 3)])
    assert parsed.notices == ("The file names its round “Spring (old name)”; it was read for Spring 2027.",)


def test_a_version_that_cannot_be_is_refused() -> None:
    headings = ("Site", "Department", "Figure", "Version", "4/1/27")
    for version in ("5", "x", "4.5"):
        parsed = read([headings, ("Good Hope Hospital", "X-ray", "Most", version, 3)])
        assert parsed.refusals[0].reason == "This is not a version of the declaration that we know."
    parsed = read([headings, ("Good Hope Hospital", "X-ray", "Most", 4, 3)])
    assert parsed.departments[0].version == 4


def test_rows_with_too_many_cells_are_refused_alone() -> None:
    parsed = read([HEADINGS, most(3, 3, 3), most(4, 4)])
    assert [found.department_id for found in parsed.departments] == [1]
    assert parsed.refusals[0].column == "Whole row"


def test_the_plan_says_what_changes_and_a_nothing_of_nothing_makes_no_line() -> None:
    headings = ("Site", "Department", "For", "Figure", "4/1/27", "11/1/27", "18/1/27")
    row = ("Good Hope Hospital", "X-ray")
    parsed = read([headings, (*row, "Anyone", "Most", 5, 5, 3), (*row, "Sonography", "Most", 0, 0, 0)])
    found = plan(directory(), parsed.departments)
    (one,) = found.departments
    assert one.changes == {cell("any", "maximum", 0): ["3", "5"], cell("any", "maximum", 1): ["3", "5"]}
    assert list(one.content.lines) == ["any"]
    (told,) = one.changed(WEEKS, {"any": "Anyone"})
    assert (told.line, told.column, told.first_week, told.last_week, told.before, told.after) == (
        "Anyone", "maximum", WEEKS[0], WEEKS[1], "3", "5",
    )  # fmt: skip
    assert found.cells == 2
    assert plan(directory(DEPARTMENTS[1:]), parsed.departments).departments == ()
