"""The main job in the browser: from a round that is opened to places that are published and downloaded."""

import csv
from pathlib import Path

import pytest

from tests.browser.conftest import Visit
from tests.browser.pages import Grid, Visitor, table
from tests.browser.regions import EDUCATOR, HERE, LEAD, OFFICER, ROUND
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

COHORT = (
    "Learner reference,Home postcode,Travel mode\n"
    "DR-001,B15 3TN,car\n"
    "DR-002,b152tt,Car\n"
    "DR-003,B9 5SS,public transport\n"
    "DR-004,ZZ99 9ZZ,car\n"
    ",B15 3TN,car\n"
    "DR-005,B13 8QE,helicopter\n"
)


def test_from_an_opened_round_to_published_places(live: Installation, visit: Visit, tmp_path: Path) -> None:
    lead, educator, officer = visit(), visit(), visit()
    open_the_round(lead)
    declare(educator)
    upload_and_submit(officer, tmp_path)
    look_who_is_there(lead)
    match(lead)
    publish(lead)
    download(officer, tmp_path)
    educator.open("/rounds/1/publications")
    educator.page.get_by_role("link", name="Version 1").first.click()
    educator.is_at("Who is coming")
    assert "DR-" in educator.page.locator("main").inner_text()


def open_the_round(lead: Visitor) -> None:
    lead.sign_in(LEAD)
    lead.follow(ROUND)
    lead.is_at(ROUND)
    lead.press("Open the round")
    lead.is_at(ROUND)
    lead.sees("Open")


def declare(educator: Visitor) -> None:
    """One place in every week, the first typed and the rest filled down; a wrong figure is said first."""
    educator.sign_in(EDUCATOR)
    educator.follow(ROUND)
    educator.is_at(ROUND)
    educator.follow("Capacity")
    educator.is_at("Capacity")
    educator.page.get_by_role("link", name="X-ray").click()
    educator.is_at(HERE)
    grid = Grid(educator)
    week = "4 January 2027"
    grid.type("Preferred places", week, "1")
    grid.type("Most places", week, "two")
    grid.type("Educator WTE", week, "1")
    educator.press("Submit declaration")
    educator.sees("There is a problem")
    educator.look()
    grid.shows("Most places", week, "two")
    grid.type("Most places", week, "1")
    educator.press("Fill Block 1 from its first week")
    grid.shows("Most places", "25 January 2027", "1")
    educator.press("Submit declaration")
    educator.sees("Submitted")
    educator.look()


def upload_and_submit(officer: Visitor, folder: Path) -> None:
    """Of six rows three are accepted, one of them corrected, and three refused with line, value, reason."""
    file = folder / "cohort.csv"
    file.write_text(COHORT)
    officer.sign_in(OFFICER)
    officer.follow(ROUND)
    officer.follow("Cohorts")
    officer.is_at("Cohorts")
    officer.page.get_by_role("button", name="Upload a cohort").click()
    officer.is_at("Upload a cohort")
    officer.press("Upload and check")
    officer.sees("There is a problem")
    officer.look()
    officer.page.get_by_label("Programme and stage").select_option(index=0)
    officer.page.get_by_label("Intake").fill("September 2026")
    officer.page.locator("input[type=file]").set_input_files(file)
    officer.press("Upload and check")
    officer.is_at("Check your file before it is saved")
    refused = officer.page.locator(".placements-mend")
    lines = [legend.split(":")[0] for legend in refused.locator("legend").all_inner_texts()]
    assert lines == ["Line 5", "Line 6", "Line 7"]
    boxes = refused.locator("input[type=text]").all()
    assert [box.input_value() for box in boxes] == ["ZZ99 9ZZ", "", "helicopter"]
    corrected = table(officer.page, "What was corrected, from what to what")
    assert any(row[0] == "3" and "B15 2TT" in row for row in corrected), corrected
    officer.press("Accept 3 rows")
    officer.sees("The rows were saved")
    officer.look()
    officer.press("Submit the cohort")
    officer.sees("is submitted")
    officer.look()


def look_who_is_there(lead: Visitor) -> None:
    lead.open("/rounds/1/capacity")
    lead.is_at("Capacity")
    lead.sees("2 of 2 departments submitted")
    lead.open("/rounds/1/cohorts")
    lead.is_at("Cohorts")
    lead.sees("1 of 1 cohort submitted, with 3 learners who need 3 places")


def match(lead: Visitor) -> None:
    """Two of three find a place; the third is told which departments are full."""
    lead.open("/rounds/1")
    lead.follow("Match")
    lead.is_at("Match")
    lead.press("Run the match")
    lead.is_at("2 of 3 placed")
    lead.sees("Load by department")
    lead.sees("Travel")
    lead.follow("See who has no place, and why")
    lead.is_at("Placings")
    lead.page.get_by_role("link", name="DR-00").first.click()
    lead.is_at("not placed")
    lead.sees("Too few places for the learners who need them")


def publish(lead: Visitor) -> None:
    lead.open("/runs/1")
    lead.press("Adopt this run")
    lead.is_at("Publication")
    lead.press("Check and publish version 1")
    lead.press("Publish version 1")
    lead.is_at("Published places")
    lead.sees("Published as version 1")


def download(officer: Visitor, folder: Path) -> None:
    """The officer's own learners, placed and not placed, on the page and in the file."""
    officer.open("/rounds/1")
    officer.follow("Publication")
    officer.is_at("Publication")
    officer.page.get_by_role("link", name="Version 1").first.click()
    officer.is_at("Published places")
    with officer.page.expect_download() as download:
        officer.page.get_by_role("link", name="CSV of all places").click()
    file = folder / "places.csv"
    download.value.save_as(file)
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert sorted(row["Learner reference"] for row in rows) == ["DR-001", "DR-002", "DR-003"]
    placed = [row for row in rows if row["Result"] == "placed"]
    (unplaced,) = [row for row in rows if row["Result"] == "not placed"]
    assert len({row["Site"] for row in placed}) == 2
    assert all(int(row["Travel minutes one way"]) > 0 for row in placed)
    assert unplaced["Reason"]
