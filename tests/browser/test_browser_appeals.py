"""A learner with a phone appeals against a place; the panel upholds it and a repair moves them; at the freeze
another, who is not clear, gives the place back to who waits."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from placements.access import Role
from placements.clock import now_utc, today
from tests.browser.conftest import Visit
from tests.browser.pages import Visitor, table
from tests.browser.regions import LEAD, OFFICER, filling
from tests.factories import CheckKindFactory, LearnerCheckFactory, PersonFactory, saved
from tests.factories.published import published_round
from tests.factories.region import RoundDates
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PHONE = {"width": 390, "height": 844}
SECRET = "a-learners-own-secret"
STATEMENT = "I have to be home by 5pm, and the last bus leaves at 4."
REASONS = "There is no later bus; another site has room."


def make_published_round(var: Path) -> tuple[str, str]:
    """A published round some weeks ahead with room at both sites; the references of the learner with the
    link, and of the other, who lacks a check that was asked for since."""
    monday = today() - timedelta(days=today().weekday()) + timedelta(weeks=5)
    dates = RoundDates(
        first_week=monday,
        last_week=monday + timedelta(weeks=8),
        declare_by=today() - timedelta(days=14),
        submit_by=today() - timedelta(days=7),
    )
    with filling(var):
        made = published_round(places=(2, 2), secret=SECRET, dates=dates)
        own, other = made.region.learners
        made.region.round.appeal_by = today() + timedelta(days=7)
        made.region.round.panel_by = today() + timedelta(days=10)
        made.region.round.freeze_on = today() + timedelta(days=14)
        kind = CheckKindFactory(name="Occupational health")
        LearnerCheckFactory(record=own.record, kind=kind, recorded_utc=now_utc())
        PersonFactory(email=LEAD)
        PersonFactory(email=OFFICER, role=Role.PLACEMENT_OFFICER.value, hei_id=made.region.hei.id)
        saved()
        return own.reference, other.reference


def test_a_learner_appeals_the_panel_upholds_and_the_freeze_gives_a_place_back(
    installation: Installation, visit: Visit, tmp_path: Path
) -> None:
    own, other = make_published_round(installation.var)
    with installation.serving():
        learner, officer, lead = visit(), visit(), visit()
        place = appeal(learner, tmp_path)
        officer_reads(officer, own)
        uphold(lead, own)
        repair_and_publish(lead)
        moved(learner, place)
        freeze(lead, other)
        officer_cannot_appeal_any_more(officer)


def appeal(learner: Visitor, folder: Path) -> str:
    """With a refusal first, which keeps what was typed; the place appealed against."""
    learner.page.set_viewport_size(PHONE)
    learner.open(f"/my/{SECRET}")
    learner.is_at("My placements")
    learner.page.set_viewport_size(PHONE)
    place = learner.page.locator(".placements-own dd").first.inner_text()
    learner.page.get_by_role("link", name="Appeal against this place").click()
    learner.is_at("Appeal against this place")
    learner.page.get_by_label("What is wrong with this place?").fill(STATEMENT)
    learner.page.get_by_label("A nearer place").check()
    learner.page.get_by_label("How many minutes one way at most?").fill("999")
    learner.press("Send my appeal")
    learner.sees("Choose what the appeal is about")
    learner.look()
    expect(learner.page.get_by_label("What is wrong with this place?")).to_have_value(STATEMENT)
    expect(learner.page.get_by_label("How many minutes one way at most?")).to_have_value("999")
    learner.page.get_by_label("The journey").check()
    learner.page.get_by_label("A place somewhere else").check()
    timetable = folder / "timetable.pdf"
    timetable.write_bytes(b"%PDF-1.4 a bus timetable")
    learner.page.get_by_label("Evidence").set_input_files(timetable)
    learner.press("Send my appeal")
    learner.sees("Your appeal is lodged.")
    learner.is_at("My placements")
    learner.sees("Your appeal: waiting for a decision.")
    return place


def officer_reads(officer: Visitor, reference: str) -> None:
    """The officer sees it in the list and on the learner's page, and opens the file."""
    officer.sign_in(OFFICER)
    officer.is_signed_in()
    officer.open("/rounds/1")
    officer.follow("Appeals")
    officer.is_at("Appeals")
    officer.follow(reference)
    officer.is_at(f"Appeal of {reference}")
    officer.sees(STATEMENT)
    with officer.page.expect_download() as found:
        officer.page.get_by_role("button", name="Open timetable.pdf").click()
    assert found.value.suggested_filename.startswith("evidence-1-")


def uphold(lead: Visitor, reference: str) -> None:
    """The reasons are asked for; then the appeal is on the worklist as a lock."""
    lead.sign_in(LEAD)
    lead.is_signed_in()
    lead.open("/rounds/1")
    lead.follow("Appeals")
    lead.is_at("Appeals")
    lead.follow(reference)
    lead.is_at(f"Appeal of {reference}")
    lead.sees("1 site is left within reach of the learner.")
    lead.page.get_by_label("Uphold: the learner is to be placed as they ask").check()
    lead.press("Decide")
    lead.sees("Give the reasons: the learner and the HEI read them")
    lead.look()
    lead.page.get_by_label("Reasons").fill(REASONS)
    lead.press("Decide")
    lead.sees("The appeal is upheld.")
    lead.look()
    lead.open("/rounds/1/worklist")
    lead.is_at("Worklist")
    lead.sees("Appeal upheld")
    lead.sees("a place at any other site")


def repair_and_publish(lead: Visitor) -> None:
    lead.press("Repair")
    lead.is_at("2 of 2 placed")
    lead.press("Adopt this run")
    lead.is_at("Publication")
    lead.press("Check and publish version 2")
    lead.press("Publish version 2")
    lead.sees("Published as version 2")


def moved(learner: Visitor, before: str) -> None:
    """The learner reads the reasons and is somewhere else."""
    learner.page.set_viewport_size(PHONE)
    learner.open(f"/my/{SECRET}")
    learner.is_at("My placements")
    learner.sees("Your appeal: upheld.")
    learner.sees(REASONS)
    assert learner.page.locator(".placements-own dd").first.inner_text() != before


def freeze(lead: Visitor, reference: str) -> None:
    """Who lacks the check is shown before, and has given the place back after."""
    lead.open("/rounds/1")
    lead.follow("Freeze")
    lead.is_at("Freeze")
    rows = table(lead.page, "Places whose learners are not clear")
    assert [(row[0].split(" ")[0], row[-1]) for row in rows] == [(reference, "Occupational health")]
    lead.press("Freeze, and give back 1 place")
    lead.sees("The places are frozen. 1 place was given back.")
    lead.is_at("Freeze")
    lead.sees("Still missing: Occupational health")
    lead.open("/rounds/1/waiting")
    lead.is_at("Waiting list")
    lead.sees("1 learner gave a place back at the freeze and is not clear yet.")


def officer_cannot_appeal_any_more(officer: Visitor) -> None:
    officer.open("/rounds/1/appeals/new")
    officer.is_at("Lodge an appeal")
    officer.sees("were frozen on")
