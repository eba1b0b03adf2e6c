"""A real browser before a real site and worker."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from placements.settings import ROOT
from tests.browser.browsing import CHROMIUM, HOW_TO_GET_IT, chromium
from tests.browser.pages import Visitor
from tests.browser.regions import make_region
from tests.setup.processes import Installation

Visit = Callable[[], Visitor]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A folder and a port of the test's own, with nothing in them yet."""
    if CHROMIUM is None:
        pytest.skip(HOW_TO_GET_IT)
    return Installation(tmp_path)


@pytest.fixture
def live(installation: Installation) -> Iterator[Installation]:
    """The site and a worker over the small region of `make_region`."""
    make_region(installation.var)
    with installation.serving():
        yield installation


@pytest.fixture
def visit(installation: Installation, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Opens browsers with nothing in common, one a person; a failed test leaves what they last saw.

    While Playwright runs no application can be used in this process, so it starts with the first visitor,
    when a test has made its data, and stops with the test.
    """
    browser: Browser | None = None
    visitors: list[Visitor] = []
    failures = request.session.testsfailed
    with ExitStack() as stack:

        def open_one() -> Visitor:
            nonlocal browser
            browser = browser or stack.enter_context(chromium())
            visitors.append(Visitor(browser.new_context(), installation.address))
            return visitors[-1]

        yield open_one
        if request.session.testsfailed > failures:
            keep_what_was_seen(request.node.name, visitors, installation)


def keep_what_was_seen(test: str, visitors: list[Visitor], installation: Installation) -> None:
    """A picture of each visitor's page and the processes' logs, in var/failures."""
    folder = ROOT / "var" / "failures" / test
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, visitor in enumerate(visitors, 1):
        visitor.page.screenshot(path=folder / f"visitor-{number}.png", full_page=True)
    for log in installation.var.glob("*.log"):
        shutil.copy(log, folder)
