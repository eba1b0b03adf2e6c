"""An officer finds a learner, changes what binds them, records a withdrawal and adds a late joiner."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.regions import OFFICER, make_matched_region
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_learner_is_found_changed_withdrawn_and_another_added(
    installation: Installation, visit: Visit
) -> None:
    make_matched_region(installation.var)
    with installation.serving():
        officer = visit()
        officer.sign_in(OFFICER)
        officer.page.locator("main a[href^='/rounds/']").first.click()
        officer.follow("Learners")
        officer.is_at("Learners")
        officer.look()
        link = officer.page.locator("a.placements-reference").first
        reference = link.inner_text()
        officer.page.get_by_label("Reference").fill(reference.lower())
        officer.press("Filter")
        officer.sees("1 learner.")
        officer.follow(reference)
        officer.sees("Published places")
        officer.look()

        officer.press("Change")
        officer.page.get_by_label("A shorter travel limit").fill("soon")
        officer.press("Save")
        officer.sees("There is a problem")
        officer.look()
        officer.page.get_by_label("A shorter travel limit").fill("45")
        officer.page.get_by_label("Wednesday").check()
        officer.press("Save")
        officer.sees("at most 45 min one way")
        officer.sees("The academy is told")

        officer.press("Withdrawal or suspension")
        officer.page.get_by_label("First day away").fill("2027-01-04")
        officer.press("Show what it does")
        officer.sees("1 place is given up")
        officer.look()
        officer.press("Record it")
        officer.sees(f"{reference} is withdrawn from 4 January 2027.")

        officer.page.locator(".nhsuk-lede-text a").click()
        officer.sees("who need 2 places")
        officer.follow("Add a learner")
        officer.page.get_by_label("Reference").fill("LATE-1")
        officer.page.get_by_label("Home postcode").fill("b15 2tt")
        officer.look()
        officer.press("Add learner")
        officer.sees("LATE-1 is added and needs 1 place.")
        expect(officer.page.get_by_role("heading", level=1)).to_contain_text("LATE-1")
