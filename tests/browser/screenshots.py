"""Pictures of every kind of page as each role, wide and narrow: `make screenshots`, see var/screenshots.

The demo is made anew, walked as it is, then published and walked again for the pages that come with that.
What axe-core finds and pages that scroll sideways are printed; the exit status is 1 where there are any.
"""

import json
import shutil
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
    """Take the pictures; the exit status."""
    if CHROMIUM is None:
        print(HOW_TO_GET_IT, file=sys.stderr)
        return 1
    shutil.rmtree(PICTURES, ignore_errors=True)
    var = PICTURES / "site"
    var.mkdir(parents=True)
    installation = Installation(var)
    faults: list[str] = []
    with installation.running("serve", "--with-demo") as both:
        print("Making a site with the demo round, which takes about half a minute.", flush=True)
        installation.wait_until_ready(both, seconds=600)
        people = {person[0]: person[2:] for person in json.loads((var / "demo-sign-ins.json").read_text())}
        with chromium() as browser:
            faults += picture(Visitor(browser.new_context(), installation.address), "nobody", "/sign-in")
            for act in (look_only, publish):
                act(signed_in(browser, installation, people["academy lead"]))
                for role, sign_in in people.items():
                    faults += picture(signed_in(browser, installation, sign_in), role)
    print("\n".join(faults) or "Neither axe-core nor a ruler found anything wrong.")
    return 1 if faults else 0


def signed_in(browser: Browser, installation: Installation, sign_in: list[str]) -> Visitor:
    """A browser of somebody who has signed in with this address and password."""
    visitor = Visitor(browser.new_context(), installation.address)
    visitor.sign_in(*sign_in)
    visitor.is_signed_in()
    return visitor


def look_only(lead: Visitor) -> None:
    """Leave the demo as it is."""
    lead.close()


def publish(lead: Visitor) -> None:
    """Adopt and publish the demo's run."""
    lead.open("/runs/2")
    lead.press("Adopt this run")
    lead.press("Check and publish version 1")
    lead.press("Publish version 1")
    lead.sees("Published as version 1")
    lead.close()


def picture(visitor: Visitor, role: str, start: str = "/") -> list[str]:
    """Every kind of page that this visitor can reach by links; what is wrong with them."""
    folder = PICTURES / role.replace(" ", "-")
    folder.mkdir(exist_ok=True)
    faults: list[str] = []
    for name in walk(visitor.page, visitor.address + start):
        if not (folder / f"{name}-{WIDTHS[0]}.png").exists():
            faults += shoot(visitor, folder, name)
    faults += visitor.complaints
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
