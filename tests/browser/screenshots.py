"""Pictures of every kind of page as each role, wide and narrow: `make screenshots`, see var/screenshots.

The demo is made once, in var/screenshots/site; delete that folder to have it made again. What axe-core finds
and pages that scroll sideways are printed, and the exit status is 1 where there are any.
"""

import json
import sys
from pathlib import Path

from playwright.sync_api import Browser

from placements.settings import ROOT
from tests.browser.browsing import CHROMIUM, HOW_TO_GET_IT, chromium
from tests.browser.looking import WIDTHS, faults_at, walk
from tests.browser.pages import Visitor
from tests.setup.processes import Installation

PICTURES = ROOT / "var" / "screenshots"


def main() -> int:
    """Take the pictures; the number of faults found decides the exit status."""
    if CHROMIUM is None:
        print(HOW_TO_GET_IT, file=sys.stderr)
        return 1
    var = PICTURES / "site"
    var.mkdir(parents=True, exist_ok=True)
    for log in var.glob("*.log"):
        log.unlink()
    installation = Installation(var)
    faults: list[str] = []
    with installation.running("serve", "--with-demo") as both:
        print("Starting a site with the demo round; the first time this takes a minute or so.", flush=True)
        installation.wait_until_ready(both, seconds=600)
        people = json.loads((var / "demo-sign-ins.json").read_text())
        with chromium() as browser:
            for role, _name, email, password in people:
                faults += picture(browser, installation.address, role, email, password)
    print("\n".join(faults) or "Neither axe-core nor a ruler found anything wrong.")
    return 1 if faults else 0


def picture(browser: Browser, address: str, role: str, email: str, password: str) -> list[str]:
    """Every kind of page that this person can reach by links; what is wrong with them."""
    folder = PICTURES / role.replace(" ", "-")
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    visitor = Visitor(browser.new_context(), address)
    faults: list[str] = []
    try:
        for name in walk(visitor.page, f"{address}/sign-in"):
            faults += shoot(visitor, folder, name)
        visitor.sign_in(email, password)
        visitor.is_signed_in()
        for name in walk(visitor.page, f"{address}/"):
            faults += shoot(visitor, folder, name)
        faults += visitor.complaints
    finally:
        visitor.close()
    print(f"{role}: {len(list(folder.glob('*.png')))} pictures in {folder.relative_to(ROOT)}", flush=True)
    return [f"{role}: {fault}" for fault in faults]


def shoot(visitor: Visitor, folder: Path, name: str) -> list[str]:
    """The page at each width."""
    faults = []
    for width in WIDTHS:
        faults += faults_at(visitor.page, width)
        visitor.page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
    return faults


if __name__ == "__main__":
    sys.exit(main())
