"""An academy lead's scenarios: made, ordered by keyboard, run, watched, compared, told apart."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit
from tests.browser.regions import LEAD, make_ready_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_scenario_is_ordered_by_keyboard_run_and_compared(installation: Installation, visit: Visit) -> None:
    make_ready_round(installation.var)
    with installation.serving():
        lead = visit()
        lead.sign_in(LEAD)
        lead.open("/rounds/1/runs")
        lead.press("Run the match")
        lead.sees("2 of 3 placed")
        lead.look()

        lead.open("/rounds/1/scenarios")
        lead.look()
        lead.page.get_by_label("Name").fill("Shortest journeys first")
        lead.press("Make the scenario")
        lead.is_at("Shortest journeys first")
        lead.press("Change the policy")
        lead.is_at("Policy")
        lead.look()
        # From here on by keyboard: the focus stays with what is moved.
        page = lead.page
        page.get_by_role("button", name="Add as the last step The longest journey").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Leave out The longest journey")).to_be_focused()
        page.get_by_role("button", name="Move up step 2").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Move down step 1")).to_be_focused()
        expect(page.get_by_role("status").first).to_contain_text("1. The longest journey; 2. Travel")
        lead.look()
        # And by dragging: the second step to where the first is, and back.
        steps = page.locator("[data-policy-step]")
        steps.nth(1).locator("h3").drag_to(steps.nth(0).locator("h3"))
        expect(steps.nth(1)).to_contain_text("The longest journey")
        page.get_by_role("button", name="Move up step 2").press("Enter")
        expect(steps.nth(0)).to_contain_text("The longest journey")
        page.get_by_label("Travel limit by car").fill("much")
        page.keyboard.press("Enter")
        lead.sees("Enter minutes from 0 to 1,440")
        expect(steps.nth(0)).to_contain_text("The longest journey")
        page.get_by_label("Travel limit by car").fill("1")
        page.keyboard.press("Enter")
        lead.sees("The policy was saved")
        lead.is_at("Shortest journeys first")
        lead.sees("1. The longest journey; 2. Travel")
        lead.sees("Travel limit by car: 1 minute instead of 90.")
        lead.look()

        lead.press("Run this scenario")
        lead.sees("0 of 3 placed")
        lead.sees("What this run did differently")
        lead.look()
        lead.follow("Shortest journeys first")
        lead.open("/rounds/1/scenarios")
        lead.follow("Compare the last runs")
        lead.is_at("Compare runs")
        expect(page.get_by_role("row", name=re.compile("^Placements"))).to_contain_text("2 of 3 most")
        lead.look()
        lead.follow("See who is placed differently, learner by learner")
        lead.is_at("Differences, learner by learner")
        lead.sees("2 placements are not the same in both runs")
        lead.look()


def test_a_policy_saved_at_once_has_the_step_that_was_just_added(
    installation: Installation, visit: Visit
) -> None:
    make_ready_round(installation.var)
    with installation.serving():
        lead = visit()
        lead.sign_in(LEAD)
        lead.open("/rounds/1/scenarios")
        lead.page.get_by_label("Name").fill("Stay with the hub")
        lead.press("Make the scenario")
        lead.press("Change the policy")
        lead.is_at("Policy")
        held: list[Route] = []

        def hold(route: Route) -> None:
            """The site is slow to answer how the steps stand now."""
            if route.request.resource_type == "fetch":
                held.append(route)
            else:
                route.continue_()

        lead.page.route("**/policy", hold)
        lead.press("Add as the last step Staying with the hub")
        lead.page.get_by_role("button", name="Save the policy").last.click()
        expect(lead.page.locator("[data-policy-said]")).to_have_text(
            "It is saved once the steps are in order."
        )
        (one,) = held
        one.continue_()
        lead.sees("The policy was saved")
        lead.is_at("Stay with the hub")
        lead.sees("2. Staying with the hub")
