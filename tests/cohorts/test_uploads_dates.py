"""Dates as spreadsheets and people write them."""

from datetime import date

import pytest

from placements.cohorts.uploads import Directory, parse_cohort
from tests.factories.cohort_files import TODAY, read_cell

DAY = date(2027, 9, 3)


@pytest.mark.parametrize("cell", ["2027-09-03", "03/09/2027", "3/9/2027"])
def test_the_usual_ways_need_no_remark(cell: str) -> None:
    parsed = read_cell("Available from", cell)
    assert parsed.rows[0].available_from == DAY
    assert parsed.corrections == ()


@pytest.mark.parametrize(
    "cell",
    [
        "03-09-27",
        "3.9.2027",
        "3 Sept 2027",
        "3 September 2027",
        "3rd sep 27",
        "Fri 3 Sept 2027",
        "Friday, 3rd of September 2027",
        "03-Sep-27",
        "September 3, 2027",
        "2027/09/03",
        "20270903",
        "2027-09-03 00:00:00",
        "2027-09-03T00:00:00Z",
        "03/09/2027 00:00",
        "46633",
        "46633.0",
    ],
)
def test_other_ways_are_corrected_aloud(cell: str) -> None:
    parsed = read_cell("Start date", cell)
    assert parsed.rows[0].available_from == DAY
    assert [correction.became for correction in parsed.corrections] == ["3 September 2027"]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("31/02/2027", "no such day"),
        ("29/02/2027", "no such day"),
        ("2027-02-30", "no such day"),
        ("31 June 2027", "no such day"),
        ("00/00/0000", "no such day"),
        ("09/13/2027", "no month 13"),
        ("32/13/2027", "no such day"),
        ("3 Smarch 2027", "not a date"),
        ("September 2027", "not a date"),
        ("next Tuesday", "not a date"),
        ("03/09-2027", "not a date"),
        ("03092027", "not a date"),
        ("12", "not a date"),
        ("03/09/1999", "too far"),
        ("03/09/9999", "too far"),
        ("29/07/2028", "too far"),
        ("99999", "too far"),
    ],
)
def test_dates_that_cannot_be_are_refused(cell: str, reason: str) -> None:
    (refusal,) = read_cell("Available from", cell).refusals
    assert refusal.value == cell
    assert reason in refusal.reason
    assert refusal.remedy


def test_without_a_round_the_day_of_upload_bounds_the_dates() -> None:
    directory = Directory(sites={}, trusts={}, locates=lambda postcode: True)

    def refused(cell: str) -> bool:
        data = f"reference,postcode,start date\nL1,B15 2TT,{cell}\n".encode()
        return bool(parse_cohort(data, directory, today=TODAY).refusals)

    assert not refused("24/11/2026")
    assert not refused("24/11/2030")
    assert refused("24/11/2036")
    assert refused("24/11/2020")
