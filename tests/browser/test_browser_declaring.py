"""Declaring in the browser: submitted, returned with a comment, mended, approved; reminded; by a link."""

from datetime import date
from pathlib import Path

import pytest

from placements.access import Role
from tests.browser.conftest import Visit
from tests.browser.pages import Visitor
from tests.browser.regions import filling
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    ModalityFactory,
    PersonFactory,
    RoundFactory,
    SiteFactory,
    TrustFactory,
    saved,
)
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

EDUCATOR, TRUST_LEAD = "priya@example.nhs.uk", "lena@example.nhs.uk"
ACADEMY_LEAD, ADMINISTRATOR = "ada@example.nhs.uk", "admin@example.nhs.uk"
CAPACITY = "/rounds/1/capacity"
XRAY, MRI = 1, 3
WEEKS = [date(2027, 1, day) for day in (4, 11, 18, 25)]


def make_trusts(var: Path) -> None:
    """An open round; X-ray and CT (approved before) at one trust, MRI at another without any account."""
    with filling(var):
        round_ = RoundFactory(name="Spring 2027", first_week=WEEKS[0], last_week=WEEKS[-1])
        BlockFactory(round=round_, name="Block 1", first_week=WEEKS[0], weeks=4)
        here, there = TrustFactory(name="Here NHS Trust"), TrustFactory(name="There NHS Trust")
        site = SiteFactory(trust=here, name="Queen Elizabeth Hospital")
        DepartmentFactory(site=site, modality=ModalityFactory(key="xray"))
        ct = DepartmentFactory(site=site, modality=ModalityFactory(key="ct"))
        DepartmentFactory(
            site=SiteFactory(trust=there, name="Heartlands Hospital"),
            modality=ModalityFactory(key="mri", name="MRI"),
        )
        DeclarationFactory(round=round_, department=ct)
        for email, name, role, of in (
            (EDUCATOR, "Priya Nair", Role.PRACTICE_EDUCATOR, {"trust_id": here.id}),
            (TRUST_LEAD, "Lena Lead", Role.TRUST_EDUCATION_LEAD, {"trust_id": here.id}),
            (ACADEMY_LEAD, "Ada Academy", Role.ACADEMY_LEAD, {}),
            (ADMINISTRATOR, "Adam Admin", Role.ADMINISTRATOR, {}),
        ):
            PersonFactory(email=email, name=name, role=role.value, **of)
        saved()


@pytest.fixture
def declaring(installation: Installation) -> Installation:
    """A served site over the trusts of `make_trusts`; it ends with the test."""
    make_trusts(installation.var)
    return installation


def type_places(visitor: Visitor, department: int, most: str, weeks: int = 4) -> None:
    """The same preferred and most places in each of the first weeks."""
    for week in WEEKS[:weeks]:
        for column in ("preferred", "maximum"):
            visitor.page.locator(f"[name='{department}.any.{column}.{week}']").fill(most)


def test_a_declaration_is_returned_mended_approved_and_the_rest_reminded_or_asked_by_link(
    declaring: Installation, visit: Visit
) -> None:
    with declaring.serving():
        educator, trust_lead, lead, site = visit(), visit(), visit(), visit()
        submit(educator)
        give_back(trust_lead)
        mend(educator)
        approve(trust_lead)
        remind(lead)
        address = invite(lead)
        answer_by_link(site, address)
        see_who_answered(lead)


def submit(educator: Visitor) -> None:
    educator.sign_in(EDUCATOR)
    educator.open(CAPACITY)
    educator.is_at("Capacity")
    educator.sees("1 of 2 departments submitted")
    educator.page.get_by_role("link", name="X-ray").first.click()
    educator.is_at("X-ray, Queen Elizabeth Hospital")
    type_places(educator, XRAY, "3")
    educator.press("Submit declaration")
    educator.sees("submitted. The match can use these places once they are approved.")
    educator.look()


def give_back(lead: Visitor) -> None:
    lead.sign_in(TRUST_LEAD)
    lead.open(CAPACITY)
    lead.is_at("Capacity")
    lead.page.get_by_role("button", name="Decide on 1 declaration").click()
    lead.is_at("Declarations to approve")
    lead.sees("most places 0 to 3 in 4 weeks")
    lead.press("Approve the chosen")
    lead.sees("Choose at least one declaration to approve")
    lead.look()
    lead.page.get_by_text("Each figure").click()
    lead.look()
    lead.page.get_by_role("link", name="Return with a comment").click()
    lead.is_at("X-ray, Queen Elizabeth Hospital")
    lead.press("Return the declaration")
    lead.sees("Say what should be changed")
    lead.look()
    lead.page.get_by_label("What should be changed?").fill("Room 2 is shut on 25 January: two places then.")
    lead.press("Return the declaration")
    lead.sees("was returned. Whoever submitted it is told by e-mail.")
    lead.sees("Nothing waits for your decision")
    lead.look()


def mend(educator: Visitor) -> None:
    educator.open(f"{CAPACITY}/{XRAY}")
    educator.sees("Room 2 is shut on 25 January: two places then.")
    educator.is_at("X-ray, Queen Elizabeth Hospital")
    for column in ("preferred", "maximum"):
        educator.page.locator(f"[name='{XRAY}.any.{column}.2027-01-25']").fill("2")
    educator.press("Submit declaration")
    educator.sees("submitted. The match can use these places once they are approved.")


def approve(lead: Visitor) -> None:
    lead.open(f"{CAPACITY}/approve")
    lead.page.get_by_label("X-ray, Queen Elizabeth Hospital").check()
    lead.press("Approve the chosen")
    lead.sees("Approved: 1 declaration. The match can use its places.")
    lead.open(f"{CAPACITY}/{XRAY}/history")
    lead.is_at("X-ray, Queen Elizabeth Hospital")
    lead.sees("Room 2 is shut on 25 January: two places then.")
    lead.follow("Compare two versions")
    lead.is_at("X-ray, Queen Elizabeth Hospital")
    lead.open(f"{CAPACITY}/most")
    lead.is_at("Most learners at once")
    lead.page.get_by_label("Queen Elizabeth Hospital", exact=True).fill("lots")
    lead.press("Save")
    lead.sees("use a whole number from 0 to 999")
    lead.look()


def remind(lead: Visitor) -> None:
    lead.sign_in(ACADEMY_LEAD)
    lead.open(f"{CAPACITY}?show=unfinished")
    lead.is_at("Capacity")
    lead.sees("1 department shown")
    lead.press("Remind these")
    lead.sees("Nobody with an account could be reminded at There NHS Trust: send the sites a private link.")
    lead.look()
    assert "show=unfinished" in lead.page.url
    lead.open("/rounds/1/settings")
    lead.is_at("Deadlines, reminders and approval")


def invite(lead: Visitor) -> str:
    """Make a link for the other trust's site; its address."""
    lead.open(CAPACITY)
    lead.page.get_by_role("link", name="Private links for sites without an account").click()
    lead.is_at("Private links")
    lead.press("Make the link")
    lead.sees("Choose a site")
    lead.look()
    lead.page.get_by_label("Site", exact=True).select_option(label="Heartlands Hospital")
    lead.press("Make the link")
    lead.sees("The link for Heartlands Hospital")
    lead.look()
    return lead.page.get_by_label("Private link").input_value()


def answer_by_link(site: Visitor, address: str) -> None:
    path = address[address.index("/declare/") :]
    site.open(path + "x")
    site.is_at("This link does not work")
    site.open(path)
    site.is_at("Heartlands Hospital")
    site.page.get_by_role("link", name="MRI").click()
    site.is_at("MRI, Heartlands Hospital")
    type_places(site, MRI, "many", weeks=1)
    site.press("Submit declaration")
    site.sees("There is a problem")
    site.look()
    type_places(site, MRI, "1")
    site.press("Submit declaration")
    site.is_at("Heartlands Hospital")
    site.sees("Submitted")


def see_who_answered(lead: Visitor) -> None:
    lead.open(f"{CAPACITY}?show=submitted")
    lead.is_at("Capacity")
    lead.sees("Heartlands Hospital, by private link")
    lead.open(f"{CAPACITY}/{MRI}/history")
    lead.sees("Heartlands Hospital, by private link")
