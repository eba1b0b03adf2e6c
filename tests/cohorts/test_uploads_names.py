"""Sites and trusts by the names people write for them."""

import pytest

from placements.cohorts.uploads import Correction
from tests.factories.cohort_files import read, read_cell, written


@pytest.mark.parametrize(
    ("cell", "site"),
    [
        ("good hope hospital", "Good Hope Hospital"),
        ("GOOD HOPE HOSP.", "Good Hope Hospital"),
        ("Good Hope", "Good Hope Hospital"),
        ("Heartlands", "Birmingham Heartlands Hospital"),
        ("bhh bordesley", "Birmingham Heartlands Hospital"),
        ("QEHB", "Queen Elizabeth Hospital Birmingham"),
        ("QEH", "Queen Elizabeth Hospital Birmingham"),
        ("Birmingham Children’s Hospital", "Birmingham Children's Hospital"),
        ("birmingham childrens", "Birmingham Children's Hospital"),
        ("Saint Cross", "Hospital of St Cross, Rugby"),
        ("County Hospital Hereford", "The County Hospital, Hereford"),
        ("Washwood Heath CDC", "Washwood Heath Community Diagnostic Centre"),
        ("b75 7rr", "Good Hope Hospital"),
        ("county hospital stafford", "County Hospital, Stafford"),
    ],
)
def test_a_site_by_another_name_is_corrected(cell: str, site: str) -> None:
    parsed = read_cell("First choice", cell)
    assert parsed.rows[0].preferences == (site,)
    assert parsed.corrections == (Correction(2, "First choice", cell, site),)


@pytest.mark.parametrize("cell", ["County Hospital", "Birmingham", "ST16 3SA", "Hospital"])
def test_a_name_that_could_be_several_sites_is_refused_with_them(cell: str) -> None:
    (refusal,) = read_cell("Preference 1", cell).refusals
    assert "more than one site" in refusal.reason
    assert "Hospital" in refusal.reason


def test_a_misspelt_site_is_refused_with_the_nearest() -> None:
    (refusal,) = read_cell("Preference 1", "Sollihul Hosptial").refusals
    assert "no site" in refusal.reason
    assert "“Solihull Hospital”" in refusal.remedy


def test_an_unknown_site_is_refused() -> None:
    (refusal,) = read_cell("Preference 1", "Atlantis General").refusals
    assert "no site" in refusal.reason
    assert "list of sites" in refusal.remedy


@pytest.mark.parametrize(
    "cell",
    [
        "Solihull Hospital;Good Hope Hospital",
        "Solihull Hospital | Good Hope Hospital |",
        "Solihull Hospital\nGood Hope Hospital",
        "Solihull Hospital, Good Hope Hospital",
    ],
)
def test_ranked_preferences_in_one_column(cell: str) -> None:
    parsed = read_cell("Preferences", cell)
    assert parsed.rows[0].preferences == ("Solihull Hospital", "Good Hope Hospital")


def test_a_comma_inside_a_sites_name_does_not_part_it() -> None:
    parsed = read_cell("Sites to avoid", "Hospital of St Cross, Rugby")
    assert parsed.rows[0].excluded_sites == ("Hospital of St Cross, Rugby",)


def test_numbered_preferences_are_ranked_by_number_wherever_the_columns_stand() -> None:
    parsed = read(
        written(
            ("2nd choice", "reference", "Pref 3", "postcode", "Preference1"),
            ("Good Hope Hospital", "L1", "", "B15 2TT", "Solihull Hospital"),
        )
    )
    assert parsed.rows[0].preferences == ("Solihull Hospital", "Good Hope Hospital")
    assert parsed.corrections == ()


def test_a_gap_in_the_preferences_moves_later_ones_up_aloud() -> None:
    parsed = read(
        written(
            ("reference", "postcode", "preference 1", "preference 2"),
            ("L1", "B15 2TT", "", "Solihull Hospital"),
        )
    )
    assert parsed.rows[0].preferences == ("Solihull Hospital",)
    assert "preference 1" in parsed.corrections[0].became


@pytest.mark.parametrize(
    ("headings", "cells"),
    [
        (("preference 1", "preference 2"), ("Solihull Hospital", "solihull")),
        (("preferences",), ("Solihull Hospital; solihull",)),
    ],
)
def test_a_site_preferred_twice_is_kept_once_aloud(headings: tuple[str, ...], cells: tuple[str, ...]) -> None:
    parsed = read(written(("reference", "postcode", *headings), ("L1", "B15 2TT", *cells)))
    assert parsed.rows[0].preferences == ("Solihull Hospital",)
    assert any("left out" in correction.became for correction in parsed.corrections)


def test_a_site_both_preferred_and_avoided_is_refused() -> None:
    parsed = read(
        written(
            ("reference", "postcode", "preferences", "avoid"),
            ("L1", "B15 2TT", "Solihull Hospital", "solihull"),
        )
    )
    (refusal,) = parsed.refusals
    assert "both a preference and a site to avoid" in refusal.reason


def test_far_too_many_sites_in_a_cell_are_refused() -> None:
    (refusal,) = read_cell("Preferences", ";".join(f"site {n}" for n in range(60))).refusals
    assert "names 60 of them" in refusal.reason


@pytest.mark.parametrize(
    ("cell", "ods"),
    [
        ("RRK", "RRK"),
        ("rrk", "RRK"),
        ("University Hospitals Birmingham NHS Foundation Trust", "RRK"),
        ("UHB", "RRK"),
        ("university hospitals birmingham", "RRK"),
        ("Royal Wolverhampton", "RL4"),
        ("Birmingham Women’s & Children’s", "RQ3"),
    ],
)
def test_a_trust_by_code_name_or_abbreviation(cell: str, ods: str) -> None:
    parsed = read_cell("Employing trust", cell)
    assert parsed.rows[0].employer == ods
    assert bool(parsed.corrections) is (cell != ods)
    assert all(ods in correction.became for correction in parsed.corrections)


@pytest.mark.parametrize(("cell", "reason"), [("Royal", "more than one trust"), ("XXX", "no trust")])
def test_a_trust_that_is_unclear_or_unknown_is_refused(cell: str, reason: str) -> None:
    (refusal,) = read_cell("Employer", cell).refusals
    assert reason in refusal.reason
    assert "ODS code" in refusal.remedy
    (refusal,) = read_cell("Hub", cell).refusals
    assert (refusal.line, refusal.column, refusal.value) == (2, "Hub", cell)
    assert reason in refusal.reason
    assert "blank for a learner with no hub" in refusal.remedy


@pytest.mark.parametrize("heading", ["Hub", "Hub trust", "hub ODS code", "Hub name"])
def test_a_hub_is_a_trust_as_the_employer_is(heading: str) -> None:
    (row,) = read_cell(heading, "UHB").rows
    assert (row.hub, row.employer) == ("RRK", None)
