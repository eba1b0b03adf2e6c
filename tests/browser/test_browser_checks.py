"""Checks in the browser: an officer records a cohort's, and the academy sees who is held back."""

from pathlib import Path

import pytest

from placements.access import Role
from placements.allocations.service import adopt_run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.browser.conftest import Visit
from tests.browser.regions import LEAD, OFFICER, filling
from tests.factories import CheckKindFactory, PersonFactory, saved
from tests.factories.region import small_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def make_matched_round(var: Path) -> tuple[int, int, list[str]]:
    """A run that was adopted, and a check that has fallen due; the round, the cohort and its references."""
    with filling(var):
        region = small_round(learners=3, places=(2, 1))
        CheckKindFactory(name="DBS", valid_months=36)
        PersonFactory(email=LEAD)
        PersonFactory(email=OFFICER, role=Role.PLACEMENT_OFFICER.value, hei_id=region.hei.id)
        saved()
        run_id = start_run(region.lead, region.round.id).id
        perform_run(run_id)
        adopt_run(region.lead, run_id)
        references = [learner.reference for learner in region.learners]
        return region.round.id, region.learners[0].cohort_id, references


def test_checks_are_recorded_and_hold_back_who_lacks_one(installation: Installation, visit: Visit) -> None:
    round_id, cohort_id, (_, _, third) = make_matched_round(installation.var)
    with installation.serving():
        officer, lead = visit(), visit()
        officer.sign_in(OFFICER)
        officer.open(f"/cohorts/{cohort_id}")
        officer.follow("Checks before a placement")
        officer.is_at("Checks")
        officer.follow("Record DBS")
        officer.is_at("DBS")
        officer.page.get_by_label("Day for everybody who has none").fill("2026-11-02")
        officer.press("Fill in")
        officer.sees("Nothing is saved yet")
        officer.page.get_by_label(f"Done on, {third}").fill("")
        officer.page.get_by_label(f"Good to, {third}").fill("")
        officer.press("Save")
        officer.sees("DBS: 2 checks saved.")
        officer.look()

        lead.sign_in(LEAD)
        lead.open(f"/rounds/{round_id}/publications")
        lead.sees("1 place would be held back")
        lead.page.get_by_text("By check, HEI and block", exact=True).click()
        lead.is_at("Publication")
        lead.press("Check and publish version 1")
        lead.press("Publish version 1")
        lead.sees("Held back: not ready")
        lead.open(f"/rounds/{round_id}/checks/rules")
        lead.is_at("What each check does in this round")
        lead.follow("Clear for placement")
        lead.is_at("Clear for placement")

        officer.press("Upload or paste checks")
        officer.is_at("Upload or paste checks")
        officer.page.get_by_label("Or paste the rows").fill(f"Reference\tDBS\n{third}\t3 Nov 2026\nX1\tsoon")
        officer.press("Read and check")
        officer.is_at("Look at the checks before they are saved")
        officer.sees("No learner of this cohort has this reference")
        officer.press("Save 1 check")
        officer.sees("1 check saved.")
        officer.open(f"/rounds/{round_id}/publications")
        officer.sees("1 place held back in version 1 is clear now")
        officer.look()
        lead.open(f"/rounds/{round_id}/publications")
        lead.press("Check and publish version 2")
        lead.press("Publish version 2")
        lead.sees("3 placements found")
