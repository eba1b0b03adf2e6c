"""Signing in, in a browser."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.regions import LEAD
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_wrong_password_is_said_and_the_address_kept(live: Installation, visit: Visit) -> None:
    visitor = visit()
    visitor.open("/rounds")
    visitor.is_at("Sign in")
    visitor.sign_in(LEAD, "not the password")
    visitor.is_at("Sign in")
    visitor.sees("There is a problem")
    visitor.sees("The e-mail address or the password is not right")
    assert visitor.page.title().startswith("Error:")
    expect(visitor.page.get_by_label("E-mail address")).to_have_value(LEAD)
    visitor.sign_in(LEAD)
    visitor.is_at("Rounds")
    visitor.press("Sign out")
    visitor.is_at("Sign in")
    visitor.open("/rounds")
    visitor.is_at("Sign in")


def test_signing_in_works_by_keyboard_alone(live: Installation, visit: Visit) -> None:
    visitor = visit()
    visitor.open("/sign-in")
    keyboard = visitor.page.keyboard
    visitor.page.get_by_label("E-mail address").focus()
    keyboard.type(LEAD)
    keyboard.press("Tab")
    keyboard.type("correct horse battery staple")
    keyboard.press("Enter")
    visitor.is_at("Rounds")
