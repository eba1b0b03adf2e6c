"""An officer proposes an agreement, the trust's education lead agrees, and both see that it holds."""

import pytest

from placements.access import Role
from tests.browser.conftest import Visit
from tests.browser.regions import OFFICER, filling
from tests.factories import HeiFactory, PersonFactory, TrustFactory, saved
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
TRUST_LEAD = "trust.lead@example.nhs.uk"


def test_two_sides_agree(installation: Installation, visit: Visit) -> None:
    with filling(installation.var):
        hei, trust = HeiFactory(name="City University"), TrustFactory(name="Here NHS Trust")
        PersonFactory(email=OFFICER, role=Role.PLACEMENT_OFFICER.value, hei_id=hei.id)
        PersonFactory(email=TRUST_LEAD, role=Role.TRUST_EDUCATION_LEAD.value, trust_id=trust.id)
        saved()
    with installation.serving():
        officer, lead = visit(), visit()
        officer.sign_in(OFFICER)
        officer.follow("Agreements")
        officer.is_at("Agreements")
        officer.press("Propose an agreement")
        officer.is_at("Propose an agreement")
        officer.page.get_by_label("Least placements in the year").fill("ten")
        officer.press("Propose")
        officer.sees("There is a problem")
        officer.look()
        officer.page.get_by_label("Least placements in the year").fill("10")
        officer.page.get_by_label("Most placements in the year").fill("15")
        officer.press("Propose")
        officer.is_at("City University at Here NHS Trust")
        lead.sign_in(TRUST_LEAD)
        lead.follow("Agreements")
        lead.sees("1 proposal waits for your answer")
        lead.look()
        lead.page.locator("main a[href^='/agreements/']", has_text="City University").first.click()
        lead.is_at("City University at Here NHS Trust")
        lead.page.get_by_label("Agree", exact=True).check()
        lead.press("Send your answer")
        lead.sees("Agreed by both.")
        lead.look()
        officer.follow("Agreements")
        officer.sees("At least 10 and at most 15")
        officer.look()
