"""After publication in the browser: the places three ways, files of them, and what changed since."""

from pathlib import Path

import pytest
from playwright.sync_api import Download
from pypdf import PdfReader

from placements.access import Role
from tests.browser.conftest import Visit
from tests.browser.pages import Visitor, table
from tests.browser.regions import EDUCATOR, OFFICER, filling
from tests.factories import (
    DepartmentFactory,
    HeiFactory,
    PersonFactory,
    PublicationFactory,
    PublicationLineFactory,
    SiteFactory,
    saved,
)
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FROM, TO = "City Hospital", "Coventry Community Diagnostic Centre at the Ricoh"


def make_two_versions(var: Path) -> None:
    """Three learners of one HEI; from version 1 to 2 the first moves, the last is withdrawn."""
    with filling(var):
        hei = HeiFactory(name="City University")
        left, right = (DepartmentFactory(site=SiteFactory(name=name)) for name in (FROM, TO))
        first = PublicationFactory()
        second = PublicationFactory(round=first.round, number=2)
        for publication, places in ((first, (left, left, right)), (second, (right, left))):
            for index, department in enumerate(places):
                PublicationLineFactory(
                    publication=publication,
                    requirement_id=index,
                    of_hei=hei,
                    learner_reference=f"DR-00{index + 1}",
                    at=department,
                    travel_minutes=25 if department is left else 95,
                )
        PublicationLineFactory(
            publication=second,
            requirement_id=9,
            of_hei=hei,
            learner_reference="DR-001",
            block="Block 2",
            at=left,
        )
        PersonFactory(email=OFFICER, role=Role.PLACEMENT_OFFICER.value, hei_id=hei.id)
        PersonFactory(email=EDUCATOR, role=Role.PRACTICE_EDUCATOR.value, trust_id=left.site.trust_id)
        saved()


def download(visitor: Visitor, link: str) -> Download:
    with visitor.page.expect_download() as found:
        visitor.page.get_by_role("link", name=link, exact=True).click()
    return found.value


def test_an_officer_sees_downloads_and_compares(
    installation: Installation, visit: Visit, tmp_path: Path
) -> None:
    make_two_versions(installation.var)
    with installation.serving(worker=False):
        officer = visit()
        officer.sign_in(OFFICER)
        officer.is_signed_in()
        officer.open("/rounds/1/publications")
        officer.follow("Version 2")
        officer.is_at("Published places")
        officer.sees("1 moved, 1 withdrawn, 1 new in this version since version 1")
        first, second = table(officer.page, "Published places by learner")
        assert "Block 2" in first[1]
        assert f"from X-ray, {FROM} (25 min)" in first[1]
        assert "Moved" not in second[1]
        for view in ("By block", "By site"):
            officer.follow(view)
            officer.is_at("Published places")
        officer.page.get_by_label("Site").select_option(TO)
        officer.press("Filter")
        officer.sees("1 placement.")
        officer.follow("By learner")
        officer.sees("1 learner.")
        letter = download(officer, "Letter to DR-001, City University")
        letter.save_as(tmp_path / "letter.pdf")
        (page,) = PdfReader(tmp_path / "letter.pdf").pages
        assert FROM in page.extract_text(), (
            "a learner's letter has all blocks, whatever the list is filtered by"
        )
        calendar = download(officer, "calendar (iCalendar) of the learners and places shown")
        assert calendar.suggested_filename == "placements-round-1-version-2-part.ics"
        assert download(officer, "Excel of all places").suggested_filename == "places-round-1-version-2.xlsx"

        officer.follow("See what changed")
        officer.is_at("What changed")
        changes = table(officer.page, "Changes by kind and learner")
        assert [row[0].split()[0] for row in changes] == ["DR-001", "DR-003", "DR-001"]
        assert "25 min to 1 h 35 min" in changes[0][-1]
        officer.page.get_by_label("Show").select_option(label="Withdrawn (1)")
        officer.press("Show")
        officer.sees("1 change.")
        download(officer, "CSV of the changes shown")

        educator = visit()
        educator.sign_in(EDUCATOR)
        educator.is_signed_in()
        educator.open("/publications/2")
        educator.is_at("Who is coming")
        educator.sees("1 no longer coming")
        assert TO not in educator.page.locator("main").inner_text()
        educator.follow("See what changed")
        educator.is_at("What changed")
        assert TO not in educator.page.locator("main").inner_text()
