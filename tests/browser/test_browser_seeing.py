"""A run in the browser: the map by keyboard and by filter, the weeks, the travel and the list."""

from dataclasses import asdict
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from placements.clock import now_utc
from placements.extensions import db
from placements.repairs.models import TradeOff
from placements.repairs.trade_off import Point
from placements.scenarios.models import Run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.browser.conftest import Visit
from tests.browser.looking import faults_at
from tests.browser.regions import LEAD, filling
from tests.factories import PersonFactory, RunFactory, saved
from tests.factories.region import small_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def make_run(var: Path) -> None:
    """Two hospitals in Birmingham, whose sites are named, with a place each for three learners."""
    with filling(var):
        region = small_round(learners=3, places=(1, 1), later=1)
        for department, name, latitude in zip(
            region.departments, ("North Hospital", "South Hospital"), (52.56, 52.42), strict=True
        ):
            department.site.name, department.site.latitude, department.site.longitude = name, latitude, -1.9
        PersonFactory(email=LEAD, name="Lena Lead")
        saved()
        perform_run(start_run(region.lead, region.round.id).id)


def box(page: Page) -> list[float]:
    return [float(n) for n in (page.locator("[data-map-picture]").get_attribute("viewBox") or "").split()]


def test_a_lead_finds_a_site_on_the_map_by_keyboard_and_shares_what_is_shown(
    installation: Installation, visit: Visit
) -> None:
    make_run(installation.var)
    with installation.serving(worker=False):
        lead = visit()
        lead.sign_in(LEAD)
        lead.is_signed_in()
        lead.open("/runs/1")
        lead.press("See the map")
        lead.is_at("Map")
        keys, frame = lead.page.keyboard, lead.page.locator("[data-map-frame]")

        frame.focus()
        whole = box(lead.page)
        keys.press("+")
        keys.press("+")
        assert box(lead.page)[2] < whole[2] / 2
        near = box(lead.page)
        keys.press("ArrowRight")
        assert box(lead.page)[0] > near[0]
        # The next stop of the Tab key is the first site, which comes into sight with its facts.
        keys.press("Tab")
        focused = lead.page.locator("[data-map-site]:focus")
        expect(focused).to_have_count(1)
        facts = focused.get_attribute("aria-label") or ""
        assert "1 learner placed; at most 1 of 1 places" in facts
        expect(lead.page.locator("[data-map-facts]")).to_have_text(facts)
        x, y, width, height = box(lead.page)
        at = [float(focused.get_attribute(f"data-map-{axis}") or "") for axis in "xy"]
        assert x <= at[0] <= x + width
        assert y <= at[1] <= y + height
        lead.press("Whole map")
        assert box(lead.page) == pytest.approx(whole)

        focused = lead.page.locator("[data-map-site]").first
        focused.focus()
        keys.press("Enter")
        name = facts.partition(":")[0]
        expect(lead.page.get_by_role("heading", level=2, name=name, exact=True)).to_be_visible()
        lead.is_at("Map")
        lead.follow("Who goes there")
        lead.is_at("Placings")
        lead.sees("1 placing.")

        lead.page.go_back()
        lead.page.get_by_label("Block").select_option(index=1)
        lead.press("Filter")
        lead.page.wait_for_url("**/map?*block=1*")
        shared = lead.page.url.removeprefix(lead.address)
        other = visit()
        other.sign_in(LEAD)
        other.is_signed_in()
        other.open(shared)
        expect(other.page.get_by_label("Block")).to_have_value("1")
        expect(other.page.get_by_role("heading", level=2, name=name, exact=True)).to_be_visible()


def test_the_map_is_dragged_without_following_a_site(installation: Installation, visit: Visit) -> None:
    make_run(installation.var)
    with installation.serving(worker=False):
        lead = visit()
        lead.sign_in(LEAD)
        lead.is_signed_in()
        lead.open("/runs/1/map")
        lead.press("Zoom in")
        before, address = box(lead.page), lead.page.url
        first = lead.page.locator("[data-map-site] circle").first
        first.scroll_into_view_if_needed()
        at = first.bounding_box()
        assert at is not None
        x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
        lead.page.mouse.move(x, y)
        lead.page.mouse.down()
        lead.page.mouse.move(x + 60, y + 20, steps=4)
        lead.page.mouse.up()
        assert box(lead.page)[0] < before[0]
        assert lead.page.url == address
        first.click()
        lead.page.wait_for_url("**/map?site=*")


# The least text in a picture, in pixels of the screen: its size in the picture's units, as it is shown.
SMALLEST_TEXT = """() => Math.min(...[...document.querySelectorAll(
    "main svg text, .placements-heat th, .placements-heat td")].map(
    text => parseFloat(getComputedStyle(text).fontSize) * (text.getScreenCTM ? text.getScreenCTM().a : 1)))"""


def test_text_in_pictures_is_legible_on_a_phone(installation: Installation, visit: Visit) -> None:
    make_run(installation.var)
    with filling(installation.var):
        run = db.session.get_one(Run, 1)
        repair = RunFactory(kind="repair", round=run.round, scenario=run.scenario)
        saved()
        answers = [Point("fewest", 2, 45_000, 40, 0, 0.0), Point("60", 120, 38_500, 40, 0, 0.0)]
        points = [asdict(point) for point in answers]
        row = TradeOff(run_id=repair.id, requested_utc=now_utc(), state="finished", points=points)
        db.session.add(row)
        saved()
        pages = ("/runs/1/heat", "/runs/1/travel", f"/runs/{repair.id}/trade-off")
    with installation.serving(worker=False):
        lead = visit()
        lead.sign_in(LEAD)
        lead.is_signed_in()
        lead.page.set_viewport_size({"width": 390, "height": 900})
        for address in pages:
            lead.open(address)
            assert faults_at(lead.page, 390) == []
            assert 12 <= lead.page.evaluate(SMALLEST_TEXT) < 40, address


def test_weeks_travel_and_list_are_seen_and_filtered(installation: Installation, visit: Visit) -> None:
    make_run(installation.var)
    with installation.serving(worker=False):
        lead = visit()
        lead.sign_in(LEAD)
        lead.is_signed_in()
        lead.open("/runs/1")
        lead.press("See load by week")
        lead.is_at("Load by department and week")
        lead.page.get_by_label("Figures").select_option("places")
        lead.page.get_by_label("Show").select_option("full")
        lead.press("Filter")
        lead.sees("2 departments.")
        lead.is_at("Load by department and week")
        lead.open("/runs/1/travel")
        lead.is_at("Travel")
        lead.page.locator(".placements-histogram table a").last.click()
        lead.is_at("Placings")
        lead.follow("Learner")
        lead.page.wait_for_url("**sort=learner**")
        expect(lead.page.locator("th[aria-sort=ascending]")).to_have_count(1)
        lead.is_at("Placings")
