"""The academy lead's whole way on the demo region: from an open round to its second publication after a
repair, with a trust that declines and a learner who withdraws."""

import tomllib
from pathlib import Path

import pytest

from placements.seeding.demo import load_demo
from placements.seeding.reference import SEEDS, load_reference
from tests.browser.conftest import Visit
from tests.browser.pages import Visitor, table
from tests.browser.regions import filling
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# The demo is served with a part of its learners, so that the journey fits among the others.
PART = 4
ROUND = "/rounds/2"


def make_demo(var: Path) -> dict[str, tuple[str, str]]:
    """The demo's data by its own way, smaller; e-mail address and password by role."""
    settings = tomllib.loads((SEEDS / "demo.toml").read_text(encoding="utf-8"))
    for cohort in settings["cohorts"]:
        cohort["learners"] = {stage: number // PART for stage, number in cohort["learners"].items()}
    with filling(var):
        load_reference()
        return {role: (email, password) for role, _, email, password in load_demo(var / "demo", settings)}


def test_from_an_open_round_to_a_second_publication(installation: Installation, visit: Visit) -> None:
    people = make_demo(installation.var)
    with installation.serving():
        lead, educator, officer = visit(), visit(), visit()
        for visitor, role in (
            (lead, "academy lead"),
            (educator, "practice educator"),
            (officer, "placement officer"),
        ):
            visitor.sign_in(*people[role])
            visitor.is_signed_in()
        match(lead, f"{ROUND}/runs")
        send_to_trusts(lead)
        declined = answer(educator)
        match(lead, f"{ROUND}/confirmations", button="Find other places")
        publish(lead, 1)
        withdrawn = withdraw(officer, other_than=declined)
        repair(lead, withdrawn)
        publish(lead, 2)
        see_what_changed(officer, withdrawn)


def match(lead: Visitor, page: str, button: str = "Run the match") -> None:
    lead.open(page)
    lead.press(button)
    lead.is_at("placed (")
    lead.press("Adopt this run")
    lead.is_at("Publication")


def send_to_trusts(lead: Visitor) -> None:
    lead.open(ROUND)
    lead.follow("Confirmation")
    lead.is_at("Confirmation")
    lead.page.get_by_role("button", name="to trusts").click()
    lead.is_at("Confirmation")
    lead.sees("has been sent")


def answer(educator: Visitor) -> str:
    """The first learner is declined with a reason, the rest confirmed at once; the first one's reference."""
    educator.open(f"{ROUND}/proposals")
    educator.is_at("Places to confirm")
    first = educator.page.locator("input[name=proposal]").first
    reference = educator.page.locator(".placements-reference").first.inner_text()
    first.check()
    educator.page.get_by_role("radio", name="Decline").check()
    educator.press("Send the answer")
    educator.sees("There is a problem")
    educator.look()
    educator.page.get_by_label("Why you decline").select_option(index=1)
    educator.press("Send the answer")
    educator.sees("Declined")
    educator.open(f"{ROUND}/proposals?show=waiting")
    educator.page.get_by_label("whatever is ticked").check()
    educator.page.get_by_role("radio", name="Confirm").check()
    educator.press("Send the answer")
    educator.sees("all answered")
    return reference


def publish(lead: Visitor, number: int) -> None:
    lead.open(f"{ROUND}/publications")
    lead.page.get_by_role("button", name=f"Check and publish version {number}").click()
    lead.is_at(f"Check before publishing version {number}")
    lead.press(f"Publish version {number}")
    lead.sees(f"Published as version {number}")


def withdraw(officer: Visitor, *, other_than: str) -> str:
    """A learner with a place withdraws before it begins; their reference."""
    officer.open(f"{ROUND}/publications")
    officer.follow("Version 1")
    officer.is_at("Published places")
    references = officer.page.locator("main .placements-reference").all_inner_texts()
    reference = next(found for found in references if found != other_than)
    officer.open(f"{ROUND}/learners?reference={reference}")
    officer.follow(reference)
    officer.press("Withdrawal or suspension")
    officer.page.get_by_label("First day away").fill("2027-01-04")
    officer.press("Show what it does")
    officer.press("Record it")
    officer.sees(f"{reference} is withdrawn")
    return reference


def repair(lead: Visitor, withdrawn: str) -> None:
    """What happened is on the worklist; the repair says what it moves, and is adopted."""
    lead.open(ROUND)
    lead.follow("Worklist")
    lead.is_at("Worklist")
    assert any(withdrawn in row[1] for row in table(lead.page, "What has happened"))
    lead.press("Repair")
    lead.page.get_by_role("button", name="See who moves, and why").click()
    lead.is_at("Repair of version 1")
    lead.sees("Proven")
    lead.press("Adopt this repair")
    lead.is_at("Publication")


def see_what_changed(officer: Visitor, withdrawn: str) -> None:
    officer.open(f"{ROUND}/publications")
    officer.follow("What changed in version 2")
    officer.is_at("What changed")
    rows = table(officer.page, "Changes by kind and learner")
    assert any(withdrawn in row[0] for row in rows)
