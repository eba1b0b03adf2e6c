"""What every page must hold, whoever reads it and on whatever screen."""

import json
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import BrowserContext, Page

from placements.settings import ROOT

WIDTHS = (1280, 390)
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
MOST_FRAMES_TO_FOLD = 180
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Asked for as files, not opened as pages.
FILES = (".csv", ".json", ".xlsx", ".pdf", ".ics")


# Every rule is tried; where it was kept needs no selectors.
OPTIONS = json.dumps({"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]})
RUN = f"axe.run(document, {OPTIONS}).then(found => found.violations)"


def know_axe(context: BrowserContext) -> None:
    """Have each page of a browser start with axe-core in it: half a megabyte, which is sent and compiled less
    often so than where a page is given it for each look."""
    context.add_init_script(path=ROOT / "node_modules" / "axe-core" / "axe.min.js")


def axe(page: Page) -> list[str]:
    """Each accessibility fault that axe-core finds in the page as it stands, with where it is."""
    return [
        f"{violation['id']}: {violation['help']} at {node['target']}: {node['html'][:200]}"
        for violation in page.evaluate(RUN)
        for node in violation["nodes"]
    ]


def faults_at(page: Page, width: int) -> list[str]:
    """What is wrong with the page on a screen of this width."""
    page.set_viewport_size({"width": width, "height": 900})
    # The header folds its links some frames after the width has changed.
    for _ in range(MOST_FRAMES_TO_FOLD):
        if page.evaluate(TOO_WIDE) <= 0:
            break
        page.evaluate("new Promise(requestAnimationFrame)")
    faults = axe(page)
    wide = page.evaluate(TOO_WIDE)
    if wide > 0:
        faults.append(f"the page is {wide} px wider than the screen, so it scrolls sideways")
    return [f"{urlsplit(page.url).path} at {width} px: {fault}" for fault in faults]


def walk(page: Page, start: str) -> Iterator[str]:
    """Open every kind of page that links lead to from `start`; yields each one's name while it is open.

    A kind is an address with its numbers left out: one round's page stands for every round's.
    """
    waiting, seen = [start], set[str]()
    while waiting:
        address = waiting.pop(0)
        name = page_name(address)
        if name in seen:
            continue
        seen.add(name)
        answer = page.goto(address)
        assert answer is not None
        assert answer.ok, f"{address} answered {answer.status}"
        landed = page_name(page.url)
        if landed != name and landed in seen:
            continue
        seen.add(landed)
        yield landed
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
        for link in links:
            found = urljoin(address, link.partition("#")[0])
            if urlsplit(found).netloc == urlsplit(start).netloc and not urlsplit(found).path.endswith(FILES):
                waiting.append(found)


def page_name(address: str) -> str:
    """`/rounds/3/runs` is "rounds-n-runs"; `/` is "start"."""
    path = re.sub(r"\d+", "n", urlsplit(address).path.strip("/"))
    return path.replace("/", "-") or "start"
