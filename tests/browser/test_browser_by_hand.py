"""A lead moves a learner by hand with the keyboard alone: why here, what else, the effects, saved, undone."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from placements.access import Role
from placements.extensions import db
from placements.scenarios.models import Placing
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.browser.conftest import Visit
from tests.browser.pages import Visitor
from tests.browser.regions import LEAD, filling
from tests.factories import PersonFactory, saved
from tests.factories.region import small_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def make_a_matched_round(var: Path) -> tuple[int, str]:
    """Two learners in two departments of one place each; the placing of one, and where they could go."""
    with filling(var):
        region = small_round(learners=2, places=(1, 1))
        PersonFactory(email=LEAD, role=Role.ACADEMY_LEAD.value, network_id=region.round.network_id)
        saved()
        run = start_run(region.lead, region.round.id)
        perform_run(run.id)
        placing = db.session.scalars(select(Placing).order_by(Placing.id)).first()
        assert placing is not None
        there = next(d for d in region.departments if d.id != placing.department_id)
        return placing.id, there.name


def go_to(visitor: Visitor, role: str, name: str) -> None:
    """Press Tab until the element has the focus, as somebody without a mouse does."""
    wanted = visitor.page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]
    expect(wanted).to_be_visible()
    for _ in range(80):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        visitor.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not come to {role} {name}")


def test_a_learner_is_moved_by_keyboard_and_the_move_is_undone(
    installation: Installation, visit: Visit
) -> None:
    placing, there = make_a_matched_round(installation.var)
    with installation.serving(worker=False):
        lead = visit()
        lead.sign_in(LEAD)
        lead.is_signed_in()
        lead.open(f"/placings/{placing}")
        lead.sees("Other places, and their price")
        lead.sees("Who else moves")
        lead.is_at("Learner")
        go_to(lead, "combobox", "Place")
        lead.page.keyboard.type(there[:12])
        go_to(lead, "button", "See what moving there would do")
        lead.page.keyboard.press("Enter")
        lead.sees("It is possible if the learners below move too")
        lead.sees("What it costs")
        lead.is_at("Move")
        go_to(lead, "button", "Move")
        lead.page.keyboard.press("Enter")
        lead.sees("Give a reason")
        lead.look()
        go_to(lead, "textbox", "Why?")
        lead.page.keyboard.type("Asked by the ward")
        go_to(lead, "button", "Move")
        lead.page.keyboard.press("Enter")
        lead.is_at("2 of 2 placed")
        lead.sees("because: Asked by the ward")
        go_to(lead, "button", "Undo the newest change")
        lead.page.keyboard.press("Enter")
        lead.sees("Run 2 is undone. You are back at run 1.")
        lead.open("/runs/2")
        lead.sees("Undone by")
        lead.look()
        lead.open(f"/placings/{placing}")
        expect(lead.page.get_by_role("button", name="See what moving there would do")).to_be_visible()
