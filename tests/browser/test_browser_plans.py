"""A placement officer changes a plan with the keyboard alone, and is told what it does before it is saved."""

from datetime import date

import pytest
from playwright.sync_api import Locator, expect

from placements.access import Role
from tests.browser.conftest import Visit
from tests.browser.pages import table
from tests.browser.regions import OFFICER, filling
from tests.factories import BlockFactory, ModalityFactory, PersonFactory, saved
from tests.factories.region import small_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def press(target: Locator, key: str) -> None:
    """As somebody does who came to it by the Tab key."""
    target.focus()
    target.press(key)


def test_a_plan_is_changed_by_keyboard(installation: Installation, visit: Visit) -> None:
    with filling(installation.var):
        region = small_round(learners=3)
        BlockFactory(round=region.round, name="Own block", first_week=date(2027, 2, 15), weeks=3)
        ModalityFactory(key="ct")
        PersonFactory(
            email=OFFICER, name="Olu Officer", role=Role.PLACEMENT_OFFICER.value, hei_id=region.hei.id
        )
        round_id, name, hei = region.round.id, region.round.name, region.hei.name
        stage = region.learners[0].cohort.stage.name
        programme = region.learners[0].cohort.programme.name
        saved()
    with installation.serving():
        officer = visit()
        officer.sign_in(OFFICER)
        officer.open(f"/rounds/{round_id}")
        officer.is_at(name)
        press(officer.page.get_by_role("link", name="Plans"), "Enter")
        officer.is_at("Plans")
        press(officer.page.get_by_role("link", name=stage).first, "Enter")
        officer.is_at(f"{programme}, {stage}")

        # The block that has no placement yet is closed: opened, ticked and cut short by keys.
        block = officer.page.locator("details", has_text="Own block")
        press(block.locator("summary"), "Enter")
        press(block.get_by_label("CT", exact=True), "Space")
        press(block.get_by_label("From the week of"), "ArrowDown")
        press(block.get_by_label("To the week of"), "Home")
        press(block.get_by_label("Friday", exact=True), "Space")
        press(officer.page.get_by_role("button", name="Save the plan").last, "Enter")
        officer.sees("The last week is before the first")
        officer.look()
        # What was typed stands; the key goes back to the last week.
        block = officer.page.locator("details", has_text="Own block")
        expect(block.get_by_label("CT", exact=True)).to_be_checked()
        press(block.get_by_label("To the week of"), "End")
        press(officer.page.get_by_role("button", name="Save the plan").last, "Enter")
        officer.sees("3 learners get a further place: Own block")
        officer.sees("goes back to draft")
        officer.look()
        press(officer.page.get_by_role("button", name="Save the plan"), "Enter")
        officer.sees("1 cohort is a draft again")
        officer.is_at("Plans")
        (row,) = table(officer.page, f"What each stage of {programme} at {hei} asks in each block")
        assert row[2] == "CT, weeks 2 to 3 of 3, Monday to Thursday"

        press(officer.page.get_by_role("link", name="Add a block to the round"), "Enter")
        officer.is_at("Add a block")
