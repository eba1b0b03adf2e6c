"""What each column takes, forgives and refuses, and when a row is refused."""

from datetime import date

import pytest

from placements.cohorts.uploads import Correction, LearnerRow, Refusal, parse_cohort
from placements.cohorts.uploads_template import template_csv
from tests.factories.cohort_files import DIRECTORY, TODAY, UNKNOWN_POSTCODE, read, read_cell, written


def test_a_full_row_is_read_into_its_canonical_form() -> None:
    parsed = read(
        "Learner ref,Base postcode,Term-time postcode,Travel,Max travel (mins),Preference 1,Preference 2,"
        "Employing trust,Sites to avoid,Available from,Priority\n"
        "BCU-001,B15 2TT,WV1 1LY,car,60,Solihull Hospital,Good Hope Hospital,RRK,"
        '"Hospital of St Cross, Rugby",2027-09-13,1\n'
    )
    assert parsed.problem is None
    assert parsed.refusals == parsed.corrections == ()
    assert parsed.rows == (
        LearnerRow(
            line=2,
            reference="BCU-001",
            postcode="B15 2TT",
            term_postcode="WV1 1LY",
            travel_mode="car",
            travel_limit_minutes=60,
            preferences=("Solihull Hospital", "Good Hope Hospital"),
            employer="RRK",
            excluded_sites=("Hospital of St Cross, Rugby",),
            available_from=date(2027, 9, 13),
            priority=1,
        ),
    )


def test_only_reference_and_postcode_are_needed() -> None:
    parsed = read("reference,postcode\nL1,B15 2TT\n")
    (row,) = parsed.rows
    assert (row.travel_mode, row.travel_limit_minutes, row.preferences) == ("public_transport", None, ())
    assert (row.employer, row.excluded_sites, row.available_from, row.priority) == (None, (), None, None)
    assert any("public transport" in notice for notice in parsed.notices)


def test_the_template_is_read_without_a_remark() -> None:
    alone = parse_cohort(template_csv(DIRECTORY), DIRECTORY, today=TODAY).problem
    assert alone is not None
    assert "only the template's example" in alone.message
    parsed = parse_cohort(template_csv(DIRECTORY) + b"L1,B15 2TT,,car\r\n", DIRECTORY, today=TODAY)
    assert parsed.problem is None
    assert parsed.is_settled
    assert parsed.ignored_columns == parsed.notices == parsed.corrections == parsed.refusals == ()
    assert [row.reference for row in parsed.rows] == ["L1"]
    assert parsed.examples == 1


@pytest.mark.parametrize(("written_as", "kept"), [("b152tt", "B15 2TT"), ("B15  2tt", "B15 2TT")])
def test_a_postcode_in_any_spelling_is_corrected(written_as: str, kept: str) -> None:
    parsed = read(f"reference,home postcode\nL1,{written_as}\n")
    assert parsed.rows[0].postcode == kept
    assert parsed.corrections == (Correction(2, "home postcode", written_as, kept),)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("B15", "full UK postcode"),
        ("nowhere", "full UK postcode"),
        (UNKNOWN_POSTCODE, "directory"),
        ("", "blank"),
    ],
)
def test_a_postcode_that_is_none_or_unknown_is_refused(cell: str, reason: str) -> None:
    parsed = read(f"reference,home postcode\nL1,{cell}\n")
    assert parsed.rows == ()
    (refusal,) = parsed.refusals
    assert (refusal.line, refusal.column, refusal.value) == (2, "home postcode", cell)
    assert reason in refusal.reason
    assert refusal.remedy


@pytest.mark.parametrize(
    ("cell", "mode"),
    [
        ("car", "car"),
        ("Drives", "car"),
        ("own car", "car"),
        ("Driver (has a car)", "car"),
        ("motorbike", "car"),
        ("bus", "public_transport"),
        ("Train", "public_transport"),
        ("bus/train", "public_transport"),
        ("public transport", "public_transport"),
        ("public_transport", "public_transport"),
        ("on foot", "public_transport"),
        ("no car", "public_transport"),
        ("doesn't drive", "public_transport"),
        ("non-driver", "public_transport"),
    ],
)
def test_words_for_travel(cell: str, mode: str) -> None:
    parsed = read_cell("Transport", cell)
    assert parsed.rows[0].travel_mode == mode
    unremarked = cell in {"car", "public transport", "public_transport"}
    assert bool(parsed.corrections) is not unremarked


@pytest.mark.parametrize("cell", ["car or bus", "helicopter", "no bus", "2", "yes", "no", "?"])
def test_travel_that_cannot_be_told_is_refused(cell: str) -> None:
    (refusal,) = read_cell("Mode", cell).refusals
    assert "public transport" in refusal.remedy


def test_a_blank_travel_cell_is_filled_in_aloud() -> None:
    for cell in ("", "n/a"):
        parsed = read_cell("Travel", cell)
        assert parsed.rows[0].travel_mode == "public_transport"
        assert parsed.corrections == (Correction(2, "Travel", cell, "public transport"),)


@pytest.mark.parametrize(("cell", "mode"), [("Y", "car"), ("no", "public_transport"), ("Yes", "car")])
def test_a_column_that_asks_about_a_car_takes_yes_and_no(cell: str, mode: str) -> None:
    assert read_cell("Car?", cell).rows[0].travel_mode == mode


@pytest.mark.parametrize(
    ("cell", "minutes"),
    [
        ("60", 60),
        ("60.0", 60),
        ("90 mins", 90),
        ("1h30", 90),
        ("1:30", 90),
        ("1 hour", 60),
        ("1.5 hours", 90),
        ("+45", 45),
    ],
)
def test_a_travel_limit_in_minutes_or_hours(cell: str, minutes: int) -> None:
    parsed = read_cell("Travel limit (minutes)", cell)
    assert parsed.rows[0].travel_limit_minutes == minutes
    assert bool(parsed.corrections) is (cell != str(minutes))


@pytest.mark.parametrize(
    "cell", ["-1", "- 30", "0", "1.5", "1e9", "1000000000", "two", "45.5", "241", "NaN", "9" * 100]
)
def test_a_travel_limit_that_is_no_sane_number_gets_the_number_error(cell: str) -> None:
    (refusal,) = read_cell("Max travel", cell).refusals
    assert "minutes" in refusal.reason
    assert "formula" not in refusal.reason
    assert "from 5 to 240" in refusal.remedy


@pytest.mark.parametrize(("cell", "priority"), [("1", 1), ("3.0", 3), ("High", 1), ("low", 3), ("P2", 2)])
def test_priority(cell: str, priority: int) -> None:
    assert read_cell("Priority", cell).rows[0].priority == priority


@pytest.mark.parametrize("cell", ["0", "4", "-1", "urgent-ish", "1.5", "²"])
def test_a_priority_that_is_not_1_to_3_is_refused(cell: str) -> None:
    (refusal,) = read_cell("Priority", cell).refusals
    assert "priority" in refusal.reason


@pytest.mark.parametrize("word", ["n/a", "None", "-", "–"])
def test_words_for_nothing_are_left_blank_aloud(word: str) -> None:
    parsed = read_cell("Employer", word)
    assert parsed.rows[0].employer is None
    assert parsed.corrections == (Correction(2, "Employer", word, "left blank"),)


def test_a_row_is_refused_whole_and_every_fault_on_it_is_named() -> None:
    parsed = read(
        written(
            ("reference", "postcode", "travel", "priority", "start date", "avoid"),
            ("L1", "b152tt", "bus", "9", "31/02/2027", "Nowhere; Atlantis"),
            ("L2", "b152tt", "bus", "1", "", ""),
        )
    )
    assert [row.reference for row in parsed.rows] == ["L2"]
    assert [(r.line, r.column, r.value) for r in parsed.refusals] == [
        (2, "avoid", "Nowhere"),
        (2, "avoid", "Atlantis"),
        (2, "start date", "31/02/2027"),
        (2, "priority", "9"),
    ]
    assert {correction.line for correction in parsed.corrections} == {3}


def test_a_repeated_reference_refuses_each_row_and_names_the_lines() -> None:
    parsed = read("reference,postcode\nL1,B15 2TT\nL2,B15 2TT\n\nl1,B15 2TT\n")
    assert [row.reference for row in parsed.rows] == ["L2"]
    assert [(r.line, r.value) for r in parsed.refusals] == [(2, "L1"), (5, "l1")]
    assert all("lines 2 and 5" in refusal.reason for refusal in parsed.refusals)


def test_a_repeated_reference_is_found_although_one_row_has_another_fault() -> None:
    parsed = read("reference,postcode\nL1,nowhere\nL1,B15 2TT\n")
    assert parsed.rows == ()
    assert len(parsed.refusals) == 3


def test_many_repeats_of_a_reference_name_only_the_first_lines() -> None:
    parsed = read("reference,postcode\n" + "L1,B15 2TT\n" * 2_000)
    assert parsed.rows == ()
    assert parsed.refusals[0].reason.endswith("on lines 2, 3, 4, 5, 6 and 1,995 more.")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("jo.bloggs@example.ac.uk", "e-mail"),
        ("Jo Bloggs", "name"),
        ("2.02E+11", "shortened"),
        ("L1<script>", "cannot hold"),
        ("#REF!", "spreadsheet's error"),
        ("...", "no letter"),
        ("L" * 51, "too long"),
        ("   ", "blank"),
        ("n/a", "blank"),
    ],
)
def test_references_that_cannot_stand(cell: str, reason: str) -> None:
    (refusal,) = read(written(("reference", "postcode"), (cell, "B15 2TT"))).refusals
    assert reason in refusal.reason


@pytest.mark.parametrize("cell", ["00123", "BCU/DR/27-001", "S.123_4", "L 12", "Ångström7"])
def test_references_of_many_shapes_are_kept_as_they_are(cell: str) -> None:
    parsed = read(f"reference,postcode\n{cell},B15 2TT\n")
    assert parsed.rows[0].reference == cell
    assert parsed.corrections == ()


def test_a_spreadsheets_text_mark_is_taken_off_a_reference_aloud() -> None:
    parsed = read("reference,postcode\n'00123,B15 2TT\n")
    assert parsed.rows[0].reference == "00123"
    assert parsed.corrections == (Correction(2, "reference", "'00123", "00123"),)


def test_refusals_speak_plainly() -> None:
    (refusal,) = read_cell("Priority", "9").refusals
    assert refusal == Refusal(
        2,
        "Priority",
        "9",
        "It is not a priority.",
        "Write 1 (highest), 2 or 3; or leave it blank for the usual priority.",
    )
