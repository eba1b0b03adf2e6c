"""A learner with a phone and a private link: ranks sites, sees the place, says how it was; the officer, who
made the link, records how it went."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from placements.access import Role
from tests.browser.conftest import Visit
from tests.browser.pages import Visitor, table
from tests.browser.regions import LEAD, OFFICER, filling
from tests.factories import PersonFactory, saved
from tests.factories.region import RoundDates, small_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PHONE = {"width": 390, "height": 844}


def make_round_under_way(var: Path) -> tuple[str, list[str]]:
    """A round that still takes preferences though its block ended last week; the first learner's reference
    and the two sites."""
    # The served site asks the real clock, whatever the tests' own says.
    today = datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday() + 28)
    dates = RoundDates(
        first_week=monday,
        last_week=monday + timedelta(weeks=8),
        declare_by=today + timedelta(days=7),
        submit_by=today + timedelta(days=7),
    )
    with filling(var):
        region = small_round(learners=2, places=(1, 1), dates=dates)
        PersonFactory(email=LEAD)
        PersonFactory(email=OFFICER, role=Role.PLACEMENT_OFFICER.value, hei_id=region.hei.id)
        saved()
        return region.learners[0].reference, [department.site.name for department in region.departments]


def test_a_learner_ranks_sites_sees_the_place_and_says_how_it_was(
    installation: Installation, visit: Visit
) -> None:
    reference, sites = make_round_under_way(installation.var)
    with installation.serving():
        officer, learner, lead = visit(), visit(), visit()
        address = make_link(officer, reference)
        learner.page.set_viewport_size(PHONE)
        learner.open(address.removeprefix(installation.address))
        rank(learner, reference, sites)
        publish(lead)
        see_the_place(learner, address, sites)
        give_feedback(learner)
        record_how_it_went(officer, reference)


def make_link(officer: Visitor, reference: str) -> str:
    """The private link of the learner, as the officer is shown it once."""
    officer.sign_in(OFFICER)
    officer.is_signed_in()
    officer.open("/cohorts/1/links")
    officer.is_at("links")
    officer.page.get_by_role("link", name=reference).first.click()
    officer.is_at(f"Links of {reference}")
    officer.press("Make a link")
    officer.sees("The new link")
    officer.look()
    return officer.page.get_by_label("Private link").input_value()


def rank(learner: Visitor, reference: str, sites: list[str]) -> None:
    """The same site twice is refused with what was chosen kept; then the second site first."""
    learner.is_at("My placements")
    learner.sees(f"For learner {reference}")
    learner.sees("Nothing is published yet")
    learner.page.get_by_role("button", name="Choose sites").click()
    learner.is_at("Sites you would like")
    first, second = learner.page.get_by_label("First choice"), learner.page.get_by_label("Second choice")
    options = {
        option.inner_text().rsplit(" (", 1)[0]: option.get_attribute("value")
        for option in first.locator("option").all()
    }
    first.select_option(options[sites[1]])
    second.select_option(options[sites[1]])
    learner.press("Save my choices")
    learner.sees("There is a problem")
    learner.look()
    expect(first).to_have_value(options[sites[1]] or "")
    second.select_option(options[sites[0]])
    learner.press("Save my choices")
    learner.sees("Your choices are saved.")
    learner.is_at("My placements")
    assert learner.page.locator("main ol li").all_inner_texts() == [sites[1], sites[0]]


def publish(lead: Visitor) -> None:
    lead.sign_in(LEAD)
    lead.is_signed_in()
    lead.open("/rounds/1")
    lead.follow("Match")
    lead.press("Run the match")
    lead.is_at("2 of 2 placed")
    lead.press("Adopt this run")
    lead.is_at("Publication")
    lead.press("Check and publish version 1")
    lead.press("Publish version 1")
    lead.sees("Published as version 1")


def see_the_place(learner: Visitor, address: str, sites: list[str]) -> None:
    """The place is on the page, in the calendar and in the letter."""
    learner.page.set_viewport_size(PHONE)
    learner.page.goto(address)
    learner.is_at("My placements")
    place = learner.page.locator(".placements-own")
    assert any(site in place.inner_text() for site in sites)
    for link, name in (
        ("Letter to print (PDF)", "my-placements.pdf"),
        ("Calendar (iCalendar)", "my-placements.ics"),
    ):
        with learner.page.expect_download() as found:
            learner.follow(link)
        assert found.value.suggested_filename == name


def give_feedback(learner: Visitor) -> None:
    learner.page.get_by_role("link", name="Say how this placement is").click()
    learner.is_at("How is this placement?")
    learner.page.get_by_label("What was good").fill("Good rota, long bus ride.")
    learner.press("Save")
    learner.sees("Choose a mark from 1 to 5")
    learner.look()
    expect(learner.page.get_by_label("What was good")).to_have_value("Good rota, long bus ride.")
    learner.page.get_by_role("group", name="How good is the placement overall?").get_by_label("4").check()
    learner.press("Save")
    learner.sees("Your feedback is saved.")
    learner.look()
    learner.page.get_by_role("link", name="Change your feedback").click()
    expect(learner.page.get_by_label("What was good")).to_have_value("Good rota, long bus ride.")


def record_how_it_went(officer: Visitor, reference: str) -> None:
    """One by one with a refusal, then the rest by their ticks."""
    officer.open("/rounds/1")
    officer.follow("How placements went")
    officer.is_at("How placements went")
    officer.page.get_by_role("row", name=reference).get_by_role("link", name="Record").click()
    officer.is_at(f"How it went for {reference}")
    officer.press("Record")
    officer.sees("There is a problem")
    officer.look()
    officer.page.get_by_label("Completed").check()
    officer.press("Record")
    officer.is_at("How placements went")
    officer.page.get_by_role("checkbox").check()
    officer.press("Record the ticked as completed")
    officer.is_at("How placements went")
    rows = table(officer.page, "Placements that have begun and how they went")
    assert ["Completed" in row[-1] for row in rows] == [True, True]
