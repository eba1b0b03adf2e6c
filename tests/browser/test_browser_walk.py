"""Every kind of page that links lead to, as each role, wide and narrow: no fault, no script error."""

import pytest

from tests.browser.conftest import Visit
from tests.browser.looking import WIDTHS, faults_at, walk
from tests.browser.regions import EMAILS, make_matched_region
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("walk")]

# A few that each role must come by, so that a walk that finds nothing does not pass.
EXPECTED = {
    "academy_lead": {"rounds-n", "rounds-n-capacity", "rounds-n-cohorts", "runs-n", "publications-n"},
    "practice_educator": {"rounds-n-capacity-n", "publications-n"},
    "placement_officer": {"rounds-n-cohorts", "cohorts-n", "publications-n"},
    "administrator": {"accounts", "accounts-new", "audit"},
}


def test_no_page_has_a_fault(installation: Installation, visit: Visit) -> None:
    make_matched_region(installation.var)
    faults: list[str] = []
    with installation.serving(worker=False):
        for role, email in EMAILS.items():
            visitor = visit()
            visitor.sign_in(email)
            visitor.is_signed_in()
            seen = set()
            for name in walk(visitor.page, f"{installation.address}/"):
                seen.add(name)
                faults += [f"{role}: {fault}" for width in WIDTHS for fault in faults_at(visitor.page, width)]
            assert EXPECTED[role] <= seen, sorted(seen)
            faults += visitor.complaints
    assert not faults, "\n".join(faults)
