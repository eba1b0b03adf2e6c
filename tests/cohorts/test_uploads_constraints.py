"""What steers where a learner may go: days, release, accommodation, access needs, companions, earlier
sites."""

from dataclasses import replace
from datetime import date

import pytest

from placements.cohorts.uploads import Correction, ParsedUpload, parse_cohort
from tests.factories.cohort_files import DIRECTORY, TODAY, read, read_cell, written

WITH_NEEDS = replace(
    DIRECTORY,
    access_needs={"step_free": "Step-free access", "hoist": "Hoist or transfer aid"},
    references=frozenset({"x9"}),
)


def of(heading: str, *cells: str) -> ParsedUpload:
    """Learners L1, L2, ... with these cells and an employer; X9 is in the round already."""
    rows = [(f"L{number}", "B15 2TT", "RRK", cell) for number, cell in enumerate(cells, start=1)]
    data = written(("reference", "postcode", "employer", heading), *rows).encode()
    return parse_cohort(data, WITH_NEEDS, today=TODAY)


@pytest.mark.parametrize(
    ("cell", "days"),
    [
        ("Mon-Wed", "123"),
        ("mon to wed", "123"),
        ("Monday, Thursday", "14"),
        ("Mon Tue & Fri", "125"),
        ("Tues and Thurs", "24"),
        ("MTW", "123"),
        ("M, W, F", "135"),
        ("WTF", "345"),
        ("MTWTF", "12345"),
        ("Full time", "12345"),
        ("Mon – Tue; Fri", "125"),
    ],
)
def test_days_of_the_week_as_people_write_them(cell: str, days: str) -> None:
    assert [row.weekdays for row in of("Days", cell).rows] == [days]


@pytest.mark.parametrize("cell", ["3 days", "3", "T", "MT", "WM", "Saturday", "Mon-", "some", "Mon-Wed-Fri"])
def test_days_that_could_be_any_are_refused_with_what_is_right(cell: str) -> None:
    (refusal,) = of("Days", cell).refusals
    assert "which days" in refusal.reason
    assert "Mon, Tue, Wed" in refusal.remedy


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        *((cell, True) for cell in ("Yes", "Y", "1", "TRUE", "x", "✓")),
        *((cell, False) for cell in ("", "no", "N", "0", "False", "n/a")),
    ],
)
@pytest.mark.parametrize("heading", ["Released", "Accommodation"])
def test_yes_and_no_as_spreadsheets_have_them(heading: str, cell: str, meant: bool) -> None:
    (row,) = of(heading, cell).rows
    assert getattr(row, heading.lower()) is meant


def test_neither_yes_nor_no_is_refused_with_both_to_choose() -> None:
    (refusal,) = of("Accommodation", "perhaps").refusals
    assert refusal.suggestions == ("yes", "no")


@pytest.mark.parametrize(("cell", "mode"), [("x", "car"), ("1", "car"), ("0", "public_transport")])
def test_a_car_ticked(cell: str, mode: str) -> None:
    assert read_cell("Driver", cell).rows[0].travel_mode == mode


def test_release_needs_an_employer() -> None:
    (refusal,) = read_cell("Released", "yes").refusals
    assert "no employing trust" in refusal.reason


def test_access_needs_by_key_or_name_and_never_a_diagnosis() -> None:
    parsed = of("Access needs", "Step-free; hoist", "step_free", "asthma", "Step free acess")
    assert [row.access_needs for row in parsed.rows[:2]] == [("step_free", "hoist"), ("step_free",)]
    assert "no diagnosis is kept" in parsed.refusals[0].reason
    assert "Step-free access; Hoist or transfer aid" in parsed.refusals[0].remedy


def test_sites_attended_before_count_each_time() -> None:
    (row,) = of("Previous placements", "Good Hope; Solihull Hospital; Good Hope Hospital").rows
    assert row.earlier_sites == ("Good Hope Hospital", "Solihull Hospital", "Good Hope Hospital")


def test_companions_are_learners_of_the_file_or_the_round() -> None:
    parsed = of("Together with", "L2; x9", "", "L3", "Nobody")
    assert [(row.reference, row.together) for row in parsed.rows] == [("L1", ("L2", "x9")), ("L2", ())]
    own, unknown = parsed.refusals
    assert "own reference" in own.reason
    assert (unknown.line, unknown.value) == (5, "Nobody")


def test_who_names_a_refused_row_is_refused_with_it() -> None:
    parsed = of("Apart from", "L2", "L3", "Nobody", "L5", "")
    assert [row.reference for row in parsed.rows] == ["L4", "L5"]
    assert [refusal.line for refusal in parsed.refusals] == [2, 3, 4]


def test_who_goes_together_be_it_through_others_is_not_kept_apart() -> None:
    header = ("reference", "postcode", "together with", "apart from")
    rows = [
        ("L1", "B15 2TT", "L2", ""),
        ("L2", "B15 2TT", "l3", ""),
        ("L3", "B15 2TT", "", "L4; L1"),
        ("L4", "B15 2TT", "", "L1"),
        ("L5", "B15 2TT", "L4", "L4"),
    ]
    parsed = read(written(header, *rows))
    assert [(refusal.line, refusal.column, refusal.value) for refusal in parsed.refusals] == [
        (2, "together with", "L2"),
        (3, "together with", "l3"),
        (4, "apart from", "L1"),
        (5, "apart from", "L1"),
        (6, "apart from", "L4"),
    ]
    assert parsed.refusals[2].reason == "By this file L3 and L1 also go together."
    assert all("or that row is refused" in parsed.refusals[row].reason for row in (0, 1, 3))


def test_available_until_comes_after_available_from() -> None:
    header = ("reference", "postcode", "available from", "end date")
    parsed = read(
        written(
            header,
            ("L1", "B15 2TT", "2027-10-01", "2027-12-01"),
            ("L2", "B15 2TT", "2027-12-01", "46662"),
        )
    )
    assert parsed.rows[0].available_until == date(2027, 12, 1)
    (refusal,) = parsed.refusals
    assert "before the day" in refusal.reason


def test_a_priority_has_a_short_reason() -> None:
    parsed = of("Reason for priority", "repeats a failed block", "x" * 121)
    assert parsed.rows[0].priority_reason == "repeats a failed block"
    assert "at most 120" in parsed.refusals[0].remedy


@pytest.mark.parametrize(
    ("cell", "postcode"),
    [
        ("BI5 2TT", "B15 2TT"),
        ("b15-2tt", "B15 2TT"),
        ("Bl5 2TT", "B15 2TT"),
        ("SO14 OAA", "SO14 0AA"),
        ("B15\u00a02TT", "B15 2TT"),
        ("CVl2 2TT", "CV12 2TT"),
        ("B15 2TT\u200b", "B15 2TT"),
    ],
)
def test_a_sign_that_looks_like_another_in_a_postcode(cell: str, postcode: str) -> None:
    directory = replace(DIRECTORY, locates=lambda found: found == postcode)
    data = written(("reference", "postcode"), ("L1", cell)).encode()
    parsed = parse_cohort(data, directory, today=TODAY)
    assert [row.postcode for row in parsed.rows] == [postcode]
    assert [(note.column, note.became) for note in parsed.corrections][:1] == [("postcode", postcode)]


def test_two_postcodes_that_a_text_could_be_are_not_guessed_between() -> None:
    directory = replace(DIRECTORY, locates=lambda found: found in ("B15 2TT", "B15 1TT"))
    (refusal,) = parse_cohort(b"reference,postcode\nL1,BL5 2TT\n", DIRECTORY, today=TODAY).rows
    assert refusal.postcode == "BL5 2TT"
    parsed = parse_cohort(b"reference,postcode\nL1,BL5 ITT\n", directory, today=TODAY)
    assert len(parsed.rows) + len(parsed.refused_rows) == 1


def test_a_number_kept_with_a_point_is_the_reference() -> None:
    parsed = read("reference,postcode\n20451.0,B15 2TT\n")
    assert parsed.rows[0].reference == "20451"
    assert parsed.corrections == (Correction(2, "reference", "20451.0", "20451"),)
