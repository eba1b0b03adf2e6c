"""A trust's education lead looks at all sites, prints a sheet, records the workforce and follows fair share;
the academy lead looks at every trust."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from placements.access import Role
from placements.extensions import db
from placements.organisations.models import LearnerGroup
from tests.browser.conftest import Visit
from tests.browser.pages import table
from tests.browser.regions import LEAD, filling
from tests.factories import (
    DepartmentFactory,
    FairShareRateFactory,
    ModalityFactory,
    PersonFactory,
    ProfessionFactory,
    PublicationFactory,
    PublicationLineFactory,
    SiteFactory,
    saved,
)
from tests.factories.region import small_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TRUST_LEAD = "trust.lead@example.nhs.uk"


def make_published_trust(var: Path) -> None:
    """A round in which two learners come to the first trust; nobody has returned the workforce yet."""
    with filling(var):
        region = small_round(learners=3, places=(2, 1))
        region.round.name = "Spring 2027"
        region.trusts[0].name = "Here NHS Trust"
        here = region.departments[0]
        here.site.name = "Here Hospital"
        DepartmentFactory(
            site=SiteFactory(trust=region.trusts[0], name="Cottage Hospital"),
            modality=ModalityFactory(key="ct"),
        )
        radiographers = ProfessionFactory(key="radiographer")
        FairShareRateFactory(profession=radiographers)
        db.session.query(LearnerGroup).update({"profession_id": radiographers.id})
        publication = PublicationFactory(round=region.round)
        learner = region.learners[0]
        for reference in ("DR-001", "DR-002"):
            PublicationLineFactory(
                publication=publication,
                at=here,
                of_hei=region.hei,
                programme=learner.cohort.programme.name,
                stage=learner.cohort.stage.name,
                learner_reference=reference,
            )
        PersonFactory(email=TRUST_LEAD, role=Role.TRUST_EDUCATION_LEAD.value, trust_id=region.trusts[0].id)
        PersonFactory(email=LEAD)
        saved()


def test_a_trust_on_one_page_its_sheet_and_its_fair_share(installation: Installation, visit: Visit) -> None:
    make_published_trust(installation.var)
    with installation.serving(worker=False):
        lead = visit()
        lead.sign_in(TRUST_LEAD)
        lead.follow("Spring 2027")
        lead.follow("Sites, load and who comes next")
        lead.is_at("Here NHS Trust")
        assert ["X-ray", "50%", "50%", "50%", "50%"] in table(lead.page, "Supervisor load by department")
        lead.page.get_by_label("Site", exact=True).select_option("Cottage Hospital")
        lead.page.get_by_label("In each week, show").select_option("Places used of effective")
        lead.press("Show")
        lead.is_at("Here NHS Trust")
        assert table(lead.page, "Places used of effective")[1] == ["CT", "–", "–", "–", "–"]
        lead.follow("Show all sites and blocks")
        lead.page.get_by_role("link", name="Sheet to print for Here Hospital").click()
        lead.is_at("Here Hospital")
        lead.sees("DR-001")
        lead.page.emulate_media(media="print")
        expect(lead.page.get_by_role("button", name="Show")).to_be_hidden()
        expect(lead.page.get_by_role("heading", name="X-ray")).to_be_visible()
        lead.page.emulate_media(media="screen")

        lead.open("/rounds/1/fair-share")
        lead.is_at("Fair share")
        lead.sees("No workforce is recorded yet")
        lead.follow("Record the workforce of Here NHS Trust")
        lead.is_at("Workforce")
        lead.page.get_by_label("True on").fill("2026-04-01")
        lead.page.get_by_text("Paste from a spreadsheet").click()
        box = lead.page.get_by_label("Rows of site, department, profession and WTE")
        box.fill("Here Hospital\tX-ray\tRadiographers\teight")
        lead.press("Put these rows into the table")
        lead.sees("“eight” is no WTE")
        lead.look()
        box.fill("Here Hospital\tX-ray\tRadiographers\t8")
        lead.press("Put these rows into the table")
        lead.sees("1 row put into the table below")
        lead.press("Save workforce")
        lead.sees("1 figure saved as of 1 April 2026")
        lead.look()

        lead.open("/rounds/1/fair-share")
        lead.page.get_by_role("link", name="X-ray, Here Hospital").click()
        lead.is_at("X-ray, Here Hospital")
        lead.sees("Expected: 50.0 days")
        lead.sees("Delivered: 40.0 days")

        academy = visit()
        academy.sign_in(LEAD)
        academy.open("/rounds/1/trusts")
        academy.is_at("Trusts")
        academy.follow("Here NHS Trust")
        academy.is_at("Here NHS Trust")
