"""Debian's Chromium, or how to get it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page runs its scripts once: these compilers would spend several times what they save.
    "--js-flags=--no-turbofan,--no-maglev",
]
# Without a window round the pages it takes a third less of a processor.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
HOW_TO_GET_IT = (
    "THE BROWSER JOURNEYS WERE SKIPPED: Chromium is missing. Install it (Debian: apt-get install"
    " chromium-headless-shell, which `make test` does by itself for root and where sudo asks no password) and"
    " run make test again."
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
