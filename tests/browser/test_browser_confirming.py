"""Confirmation in the browser: places are sent, confirmed in bulk, declined and published after a rerun."""

from pathlib import Path

import pytest

from placements.access import Role
from placements.allocations.service import adopt_run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.browser.conftest import Visit
from tests.browser.pages import Visitor
from tests.browser.regions import EDUCATOR, LEAD, filling
from tests.factories import PersonFactory, saved
from tests.factories.region import small_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def make_matched_round(var: Path) -> int:
    """A run that was adopted: two learners at the educator's trust or more, and room elsewhere; the round."""
    with filling(var):
        region = small_round(learners=3, places=(3, 3))
        PersonFactory(email=LEAD)
        for trust, email in zip(region.trusts, (EDUCATOR, "other.educator@example.nhs.uk"), strict=True):
            PersonFactory(email=email, role=Role.PRACTICE_EDUCATOR.value, trust_id=trust.id)
        saved()
        run_id = start_run(region.lead, region.round.id).id
        perform_run(run_id)
        adopt_run(region.lead, run_id)
        return region.round.id


def test_places_are_confirmed_declined_and_published(installation: Installation, visit: Visit) -> None:
    round_id = make_matched_round(installation.var)
    with installation.serving():
        lead = visit()
        lead.sign_in(LEAD)
        lead.open(f"/rounds/{round_id}")
        lead.follow("Confirmation")
        lead.is_at("Confirmation")
        lead.press("Send 3 places to trusts")
        lead.sees("3 places were sent to their trusts.")
        lead.look()

        decliner = answer_all_and_decline_one(visit, round_id)

        lead.open(f"/rounds/{round_id}/publish")
        lead.is_at("Check before publishing version 1")
        lead.sees("1 place stands that the trust declined")
        lead.sees("Nothing can be published yet.")
        lead.open(f"/rounds/{round_id}/confirmations")
        lead.sees("1 decline waits for a run")
        lead.look()
        lead.press("Find other places")
        lead.is_at("3 of 3 placed")
        lead.press("Adopt this run")
        lead.open(f"/rounds/{round_id}/confirmations")
        lead.press("Send 1 place to trusts")
        lead.sees("2 places stay as sent before.")
        lead.open(f"/rounds/{round_id}/publish")
        lead.sees("1 place waits for the trust's answer.")
        lead.press("Publish version 1")
        lead.sees("Published as version 1")

        decliner.open(f"/rounds/{round_id}/proposals?show=withdrawn")
        decliner.sees("No longer proposed")


def answer_all_and_decline_one(visit: Visit, round_id: int) -> Visitor:
    """Each trust confirms all that is proposed to it; whoever has a place then declines one of them."""
    decliner: Visitor | None = None
    for email in (EDUCATOR, "other.educator@example.nhs.uk"):
        educator = visit()
        educator.sign_in(email)
        educator.open(f"/rounds/{round_id}/proposals")
        educator.is_at("Places to confirm")
        if not educator.page.get_by_role("button", name="Send the answer").count():
            continue
        educator.page.get_by_label("shown, whatever is ticked").check()
        educator.page.get_by_label("Confirm", exact=True).check()
        educator.press("Send the answer")
        educator.sees("confirmed.")
        decliner = decliner or educator
    assert decliner is not None
    decliner.page.locator("input[name=proposal]").first.check()
    decliner.page.get_by_label("Decline", exact=True).check()
    decliner.press("Send the answer")
    decliner.sees("Choose why you decline")
    decliner.look()
    decliner.page.get_by_label("Why you decline").select_option("no_supervisor")
    decliner.press("Send the answer")
    decliner.sees("1 place declined.")
    decliner.look()
    return decliner
