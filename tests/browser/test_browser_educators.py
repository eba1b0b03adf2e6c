"""A practice educator names who supervises and their leave, and sees the places it costs."""

import pytest
from playwright.sync_api import expect

from placements.access import Role
from tests.browser.conftest import Visit
from tests.browser.pages import table
from tests.browser.regions import EDUCATOR, filling
from tests.factories import PersonFactory, saved
from tests.factories.region import small_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_leave_takes_places_out_of_its_weeks(installation: Installation, visit: Visit) -> None:
    with filling(installation.var):
        region = small_round(places=(3, 2))
        trust_id, department = region.trusts[0].id, region.departments[0].name
        PersonFactory(
            email=EDUCATOR, name="Eddy Educator", role=Role.PRACTICE_EDUCATOR.value, trust_id=trust_id
        )
        saved()
    with installation.serving():
        educator = visit()
        educator.sign_in(EDUCATOR)
        educator.follow("Educators")
        educator.is_at("Practice educators")
        educator.press("Add an educator")
        educator.page.get_by_label("Name").fill("Jo Smith")
        educator.press("Add educator")
        educator.sees("There is a problem")
        educator.look()
        expect(educator.page.get_by_label("Name")).to_have_value("Jo Smith")
        educator.page.get_by_label("WTE for supervision").fill("1")
        educator.page.locator("input[name=here]").check()
        educator.press("Add educator")
        educator.is_at("Jo Smith")
        educator.press("Record leave or absence")
        educator.is_at("Record leave or absence")
        educator.page.get_by_label("First day away").fill("2027-01-11")
        educator.page.get_by_label("Last day away").fill("2027-01-15")
        educator.press("Show what it changes")
        educator.sees("What this would change")
        educator.look()
        assert table(educator.page, "Effective places") == [[department, "11 Jan", "2", "0"]]
        educator.press("Record this absence")
        educator.sees("Jo Smith is away from 11 January 2027 to 15 January 2027.")
