"""A real browser before a real site and worker."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from placements.settings import ROOT
from tests.browser.live import Live, live_site
from tests.browser.pages import Visitor

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOW_TO_GET_IT = (
    "THE BROWSER JOURNEYS WERE SKIPPED: Chromium is missing. Install it (Debian: apt-get install chromium,"
    " which `make test` does by itself for root and where sudo asks no password) and run make test again."
)


@pytest.fixture
def chromium(live: Live) -> Iterator[Browser]:
    """Debian's Chromium, without a screen.

    Started anew for each test: while Playwright runs, no application can be used in this process.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A site and a worker of the test's own, over a small round that nobody has declared for yet."""
    if CHROMIUM is None:
        pytest.skip(HOW_TO_GET_IT)
    with live_site(tmp_path) as live:
        yield live


@pytest.fixture
def visit(live: Live, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[], Visitor]]:
    """Opens browsers with nothing in common, one a person; a failed test leaves what they last saw."""
    visitors: list[Visitor] = []

    def open_one() -> Visitor:
        visitors.append(Visitor(chromium.new_context(), live.address))
        return visitors[-1]

    failures = request.session.testsfailed
    yield open_one
    if request.session.testsfailed > failures:
        left = ROOT / "var" / "failures" / request.node.name
        shutil.rmtree(left, ignore_errors=True)
        left.mkdir(parents=True)
        for number, visitor in enumerate(visitors, 1):
            visitor.page.screenshot(path=left / f"visitor-{number}.png", full_page=True)
        for log in live.logs():
            shutil.copy(log, left)
    for visitor in visitors:
        visitor.close()
