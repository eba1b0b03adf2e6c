"""A placement officer's messy workbook: what its columns hold, rows put right on the page, accepted, seen."""

from datetime import date
from pathlib import Path

import pytest

from placements.access import Role
from placements.spreadsheets.workbooks import Page, workbook_bytes
from tests.browser.conftest import Visit
from tests.browser.regions import OFFICER, filling
from tests.factories import (
    BlockFactory,
    HeiFactory,
    ModalityFactory,
    PersonFactory,
    PlanLineFactory,
    ProgrammeFactory,
    RoundFactory,
    SiteFactory,
    StageFactory,
    saved,
)
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ROWS = [
    ["Cohort of September 2026"],
    [],
    ["SITS code", "Forename", "Home postcode", "Car?", "1st choice", "Remarks"],
    [20451, "Ann", "b152tt", "Y", "Solihull Hospital", "1"],
    [20452, "Bob", "B15 2TT", "by sea", "Sollihul Hospital", "2"],
    [20453, "Cat", "B15 2TT", "by sea", None, None],
]


def make_cohort(var: Path) -> None:
    """A round that expects a cohort of one HEI, and its officer."""
    with filling(var):
        round_ = RoundFactory(name="Spring 2027")
        SiteFactory(name="Solihull Hospital", postcode="B91 2JL")
        programme = ProgrammeFactory(hei=HeiFactory(name="Aston"), name="BSc Radiography")
        stage = StageFactory(learner_group=programme.learner_group, name="Year 2")
        block = BlockFactory(round=round_, name="Block 1", first_week=date(2027, 1, 4))
        PlanLineFactory(block=block, programme=programme, stage=stage, modalities=[ModalityFactory()])
        PersonFactory(
            email=OFFICER, name="Olive Officer", role=Role.PLACEMENT_OFFICER.value, hei_id=programme.hei_id
        )
        saved()


def test_a_messy_workbook_becomes_a_cohort(installation: Installation, visit: Visit, tmp_path: Path) -> None:
    make_cohort(installation.var)
    file = tmp_path / "Year 2 export.xlsx"
    file.write_bytes(workbook_bytes([Page("Year 2", ROWS)]))
    with installation.serving():
        officer = visit()
        officer.sign_in(OFFICER)
        officer.open("/rounds/1/cohorts/upload")
        officer.look()
        officer.page.get_by_label("Intake").fill("September 2026")
        officer.page.locator("input[type=file]").set_input_files(file)
        officer.press("Upload and check")
        officer.is_at("What do the columns hold?")
        officer.sees("For example: 20451; 20452; 20453")
        officer.press("Read the rows")
        officer.sees("We could not find a column for the learner's reference")
        officer.look()
        officer.page.get_by_label("SITS code").select_option("Reference")
        officer.page.get_by_label("Car?").select_option("Driver")
        officer.press("Read the rows")
        officer.is_at("Check your file before it is saved")
        officer.sees("2 rows will not be saved")
        officer.page.get_by_role("button", name="Solihull Hospital for 1st choice on line 5").click()
        officer.sees("1 cell changed")
        officer.page.locator("input[name='cell-5-2']").fill("no")
        officer.page.get_by_label("Also in the 1 other row with the same value").first.check()
        officer.page.get_by_role("button", name="Read these rows again").first.click()
        officer.sees("2 more rows are accepted")
        officer.look()
        officer.follow("See what each column was taken to hold")
        officer.sees("as your university chose before")
        officer.look()
        officer.page.go_back()
        officer.press("Accept 3 rows")
        officer.sees("The rows were saved.")
        officer.sees("20453")
