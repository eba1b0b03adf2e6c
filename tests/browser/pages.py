"""The pages as a person uses them: by the words on buttons, links and labels."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, expect

from tests.browser.looking import WIDTHS, faults_at, know_axe
from tests.factories import PASSWORD

# How long anything awaited may take: a worker has to start, on a machine that is busy with other tests.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


class Visitor:
    """One person's browser. Every page it is on is looked at twice, wide and narrow, by `look`."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self._context = context
        self.address = address
        self.complaints: list[str] = []
        context.set_default_timeout(PATIENCE_MS)
        know_axe(context)
        self.page: Page = context.new_page()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        self.page.on("request", self._on_request)
        self.page.on("response", self._on_response)

    def close(self) -> None:
        self._context.close()

    def look(self) -> None:
        """Hold that the page has no accessibility fault or script error, and asks only this site."""
        faults = [fault for width in WIDTHS for fault in faults_at(self.page, width)] + self.complaints
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        assert not faults, "\n".join(faults)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Sign in by the form, wherever the visitor is."""
        self.open("/sign-in")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.press("Sign in")

    def is_signed_in(self) -> None:
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    def follow(self, link: str) -> None:
        self.page.get_by_role("link", name=link, exact=True).first.click()

    def sees(self, words: str) -> None:
        """Wait for the words to be on the page."""
        expect(self.page.locator("body")).to_contain_text(words)

    def is_at(self, heading: str) -> None:
        """Wait for the page with this heading, and look at it."""
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(heading)
        self.look()

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def _on_console(self, message: ConsoleMessage) -> None:
        # A refused form is answered with 400, which Chromium reports as an error of its own.
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:")):
            self.complaints.append(f"asked for {request.url}, which is not this site's")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.url} answered {response.status}")


class Grid:
    """A department's declaration: a row for each figure, a column a week."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    def type(self, column: str, week: str, figure: str) -> None:
        """`column` as its label says it: "Preferred places", "Most places", "Educator WTE"."""
        self._visitor.page.get_by_label(f"{column}, week of {week}", exact=True).fill(figure)

    def shows(self, column: str, week: str, figure: str) -> None:
        expect(self._visitor.page.get_by_label(f"{column}, week of {week}", exact=True)).to_have_value(figure)


def table(page: Page, caption: str) -> list[list[str]]:
    """The body rows of the table with this caption, cell by cell, without what only phones show."""
    rows = page.get_by_role("table", name=caption).locator("tbody tr")
    return [
        [" ".join(cell.split()) for cell in row.locator("th, td").all_inner_texts()] for row in rows.all()
    ]
