"""The grid in the browser: typed like a spreadsheet, kept whatever happens, two people on it at once."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

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
    PlanLineFactory,
    RoundFactory,
    SiteFactory,
    SupervisionWeightFactory,
    TrustFactory,
    saved,
)
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PRIYA, TOM = "priya@example.nhs.uk", "tom@example.nhs.uk"
GRID = "/rounds/2/capacity/grid"
WEEKS = ("22 March 2027", "29 March 2027", "5 April 2027", "12 April 2027", "26 April 2027", "3 May 2027")


def make_trust(var: Path) -> None:
    """A round of two blocks and last year's; X-ray and CT at one hospital, CT approved already."""
    with filling(var):
        trust = TrustFactory(name="Here NHS Trust")
        site = SiteFactory(trust=trust, name="Queen Elizabeth Hospital")
        xray, ct = (DepartmentFactory(site=site, modality=ModalityFactory(key=key)) for key in ("xray", "ct"))
        for year, name in ((2026, "Spring 2026"), (2027, "Spring 2027")):
            first = date(year, 3, 22) if year == 2027 else date(year, 3, 23)
            second = date(year, 4, 26) if year == 2027 else date(year, 4, 27)
            round_ = RoundFactory(name=name, first_week=first, last_week=second)
            block = BlockFactory(round=round_, name="Block 1", first_week=first, weeks=4)
            BlockFactory(round=round_, name="Block 2", first_week=second, weeks=2)
            line = PlanLineFactory(block=block, modalities=[xray.modality, ct.modality])
            if year == 2026:
                SupervisionWeightFactory(
                    learner_group_id=line.programme.learner_group_id, weight=Decimal("0.5")
                )
                DeclarationFactory(round=round_, department=xray, preferred=1, maximum=2)
            else:
                DeclarationFactory(round=round_, department=ct)
        for email, name in ((PRIYA, "Priya Nair"), (TOM, "Tom Reed")):
            PersonFactory(email=email, name=name, role=Role.PRACTICE_EDUCATOR.value, trust_id=trust.id)
        saved()


class Sheet:
    """The grid as somebody at a keyboard uses it."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.page = visitor, visitor.page

    def cell(self, row: str, week: int, department: str = "X-ray") -> Locator:
        label = f"{row}, {department}, Queen Elizabeth Hospital, week of {WEEKS[week]}"
        return self.page.get_by_label(label, exact=True)

    def has(self, row: str, *figures: str) -> None:
        for week, figure in enumerate(figures):
            expect(self.cell(row, week)).to_have_value(figure)

    def follows(self, row: str, *figures: str) -> None:
        """A row of words under X-ray's cells."""
        found = self.page.locator(f"tbody[data-department='1'] tr[data-row='{row}'] td")
        expect(found).to_have_text(list(figures))

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def state(self, words: str) -> None:
        expect(self.page.locator(".placements-state")).to_contain_text(words)

    def looks_right(self) -> None:
        """As every page; that there was no connection is what was tried."""
        told = self.visitor.complaints
        told[:] = [words for words in told if "ERR_INTERNET_DISCONNECTED" not in words]
        self.visitor.look()

    def put_on_the_clipboard(self, text: str) -> None:
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)


@pytest.fixture
def grid_of(installation: Installation, visit: Visit) -> Callable[[str], Sheet]:
    """Opens the grid as somebody."""

    def open_as(email: str) -> Sheet:
        visitor = visit()
        visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visitor.sign_in(email)
        visitor.is_signed_in()
        visitor.open(GRID)
        return Sheet(visitor)

    return open_as


@pytest.fixture(autouse=True)
def served(installation: Installation) -> object:
    make_trust(installation.var)
    with installation.serving():
        yield


def test_the_grid_is_typed_like_a_spreadsheet(grid_of: Callable[[str], Sheet]) -> None:
    sheet = grid_of(PRIYA)
    sheet.visitor.is_at("All departments")
    sheet.cell("Most places", 0).focus()
    sheet.keys("5", "ArrowRight", "4", "ArrowLeft", "3", "Enter")
    sheet.has("Most places", "3", "4", "")
    expect(sheet.cell("Surge places", 0)).to_be_focused()
    # Fill right over a block and down, and take it back.
    sheet.cell("Most places", 0).focus()
    sheet.keys("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Control+r")
    sheet.has("Most places", "3", "3", "3", "3", "")
    sheet.keys("Control+z")
    sheet.has("Most places", "3", "4", "", "")
    sheet.keys("Control+y")
    sheet.has("Most places", "3", "3", "3", "3", "")
    # More preferred than the most waits, and is saved with the most that allows it.
    sheet.cell("Preferred places", 5).focus()
    sheet.keys("4", "Enter")
    sheet.state("but for 1 figure marked below")
    sheet.keys("5", "Enter")
    expect(sheet.page.locator(".placements-state")).not_to_contain_text("but for")
    sheet.cell("Preferred places", 1).focus()
    sheet.keys("2", "Enter", "ArrowUp", "Shift+ArrowDown", "Control+d")
    sheet.has("Most places", "3", "2", "3")
    # From and to a spreadsheet.
    sheet.put_on_the_clipboard("1\t1\t1\n3\t3\t3\r\n")
    sheet.cell("Preferred places", 0).focus()
    sheet.keys("Control+v")
    sheet.has("Preferred places", "1", "1", "1", "")
    sheet.has("Most places", "3", "3", "3", "3")
    sheet.keys("Shift+ArrowRight", "Shift+ArrowDown", "Control+c")
    assert sheet.page.evaluate("navigator.clipboard.readText()") == "1\t1\n3\t3"
    # Editing within a cell, and thinking better of it.
    sheet.cell("Educator WTE", 0).focus()
    sheet.keys("1", "Enter", "ArrowUp", "ArrowUp", "ArrowDown", "F2", ".", "5", "Enter")
    sheet.has("Educator WTE", "1.5")
    sheet.page.get_by_role("button", name="Same all weeks for X-ray", exact=False).click()
    sheet.has("Most places", "3", "3", "3", "3", "3", "3")
    sheet.state("Saved at")
    sheet.follows("effective", "3", "3", "3", "3", "3", "3")
    sheet.follows("last", *["2 (+1)"] * 6)
    sheet.visitor.look()
    sheet.page.reload()
    sheet.has("Most places", "3", "3", "3", "3", "3", "3")
    sheet.page.get_by_role("button", name="Same as last round for X-ray", exact=False).click()
    sheet.has("Most places", "2", "2", "2", "2", "2", "2")
    sheet.state("Saved at")


def test_nothing_typed_is_lost_without_connection_or_session(grid_of: Callable[[str], Sheet]) -> None:
    sheet = grid_of(PRIYA)
    context = sheet.page.context
    context.set_offline(True)
    sheet.cell("Most places", 0).focus()
    sheet.keys("6", "Tab")
    sheet.state("Not saved: no connection")
    context.set_offline(False)
    sheet.state("Saved at")
    # Signed out meanwhile: the typing waits in this browser until somebody signs in in another tab.
    cookies = context.cookies()
    context.clear_cookies()
    sheet.keys("7", "Tab")
    sheet.state("Not saved: you are signed out")
    sheet.looks_right()
    context.add_cookies(cookies)  # type: ignore[arg-type]  # as Playwright gave them
    sheet.page.evaluate("window.dispatchEvent(new Event('focus'))")
    sheet.state("Saved at")
    # Left before it was saved: the typing is there again, and is saved once that can be.
    sheet.page.route("**/capacity/cells", lambda route: route.abort())
    sheet.keys("8", "Tab")
    sheet.state("Not saved: no connection")
    sheet.page.reload()
    sheet.has("Most places", "6", "7", "8")
    sheet.state("Not saved: no connection")
    sheet.page.unroute("**/capacity/cells")
    sheet.page.evaluate("window.dispatchEvent(new Event('focus'))")
    sheet.state("Saved at")


def test_two_people_on_one_grid_see_each_others_changes(grid_of: Callable[[str], Sheet]) -> None:
    priya, tom = grid_of(PRIYA), grid_of(TOM)
    priya.cell("Most places", 0).focus()
    priya.keys("4", "Tab", "4", "Tab")
    priya.state("Saved at")
    tom.cell("Most places", 2).focus()
    tom.keys("5", "Tab")
    tom.visitor.sees("Priya Nair changed X-ray, Queen Elizabeth Hospital, week of 22 March 2027, most places")
    tom.has("Most places", "4", "4", "5")
    # The same cell: both figures are shown, and Priya decides.
    tom.cell("Most places", 0).focus()
    tom.keys("9", "Tab")
    tom.state("Saved at")
    priya.cell("Most places", 0).focus()
    priya.keys("7", "Tab")
    priya.state("but for 1 figure")
    priya.has("Most places", "7")
    priya.visitor.sees("Tom Reed saved 9 (it was 4)")
    priya.visitor.look()
    # The choice waits, whatever else is saved and even when the page is read anew.
    priya.cell("Surge places", 3).focus()
    priya.keys("1", "Tab")
    priya.state("but for 1 figure")
    expect(priya.page.get_by_role("button", name="Keep mine", exact=False)).to_have_count(1)
    priya.page.reload()
    priya.state("but for 1 figure")
    priya.has("Most places", "7")
    priya.page.get_by_role("button", name="Keep mine", exact=False).click()
    priya.state("Saved at")
    expect(priya.page.locator(".placements-state")).not_to_contain_text("but for")
    expect(priya.page.get_by_role("button", name="Keep mine", exact=False)).to_have_count(0)
    priya.page.reload()
    priya.has("Most places", "7", "4", "5")


def test_what_was_approved_is_changed_only_when_asked(grid_of: Callable[[str], Sheet]) -> None:
    sheet = grid_of(PRIYA)
    cell = sheet.cell("Most places", 0, "CT")
    cell.focus()
    sheet.keys("9", "Tab")
    expect(cell).to_have_value("3")
    sheet.page.get_by_role("button", name="Change it for CT", exact=False).click()
    cell.focus()
    sheet.keys("9", "Tab")
    sheet.state("Saved at")
    expect(sheet.page.locator("[data-tag='2']")).to_have_text("Draft")
