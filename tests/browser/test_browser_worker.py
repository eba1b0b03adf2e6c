"""A run watched in the browser while its worker comes, dies and is replaced."""

import pytest

from tests.browser.conftest import Visit
from tests.browser.regions import LEAD, make_ready_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_watched_run_outlives_the_worker_that_is_killed_under_it(
    installation: Installation, visit: Visit
) -> None:
    make_ready_round(installation.var)
    with installation.serving(worker=False):
        lead = visit()
        lead.sign_in(LEAD)
        lead.open("/rounds/1/runs")
        lead.is_at("Match")
        lead.press("Run the match")
        lead.is_at("Run 1")
        lead.sees("Waiting to begin")
        # From here on nobody touches the page: what it shows, it has asked for itself.
        with installation.running(module="tests.setup.stuck") as worker:
            lead.sees("Reading the round")
            worker.kill()
        with installation.running("worker"):
            lead.sees("2 of 3 placed")
            lead.look()


def test_a_run_that_nobody_performs_can_be_cancelled(installation: Installation, visit: Visit) -> None:
    make_ready_round(installation.var)
    with installation.serving(worker=False):
        lead = visit()
        lead.sign_in(LEAD)
        lead.open("/rounds/1/runs")
        lead.press("Run the match")
        lead.press("Cancel the run")
        lead.is_at("Run 1")
        lead.sees("was cancelled")
