"""After publication in the browser: something happens, the worklist tells of it, a repair is looked at,
adopted and published as the next version."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from placements import tasks
from placements.allocations.service import adopt_run, publish_round
from placements.clock import now_utc
from placements.cohorts.models import Interruption
from placements.extensions import db
from placements.scenarios.models import Lock, Placing
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.browser.conftest import Visit
from tests.browser.pages import table
from tests.browser.regions import LEAD, filling
from tests.factories import PersonFactory, saved
from tests.factories.region import small_round
from tests.setup.processes import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def make_what_happened(var: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[str]]:
    """A published round of four learners, all placed; then one withdraws, and the trust of another declines.
    The round's id, and the references of the two."""
    with filling(var):
        monkeypatch.setattr(tasks, "_queue", lambda *_: None)
        region = small_round(learners=4, places=(2, 2))
        PersonFactory(email=LEAD, name="Lena Lead")
        saved()
        run_id = start_run(region.lead, region.round.id).id
        perform_run(run_id)
        db.session.expire_all()
        adopt_run(region.lead, run_id)
        db.session.expire_all()
        publish_round(region.lead, region.round.id, version=region.round.version)
        placed = db.session.scalars(select(Placing).order_by(Placing.department_id, Placing.id)).all()
        gone, banned = placed[0].requirement, placed[2]
        gone.learner.interruptions.append(
            Interruption(kind="withdrawn", first_day=date(2027, 1, 4), last_day=None, recorded_utc=now_utc())
        )
        db.session.add(
            Lock(
                round_id=region.round.id,
                requirement_id=banned.requirement_id,
                kind="ban",
                department_id=banned.department_id,
                reason="No list in these weeks.",
                origin="decline",
                origin_id=1,
                made_utc=now_utc(),
            )
        )
        saved()
        return region.round.id, [gone.learner.reference, banned.requirement.learner.reference]


def test_what_happened_is_repaired_and_published(
    installation: Installation, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    round_id, (gone, banned) = make_what_happened(installation.var, monkeypatch)
    with installation.serving():
        lead = visit()
        lead.sign_in(LEAD)
        lead.is_signed_in()
        lead.open(f"/rounds/{round_id}/worklist")
        lead.is_at("Worklist")
        lead.sees("2 things have happened since version 1 was matched")
        rows = {row[0].split()[0]: row for row in table(lead.page, "What has happened")}
        assert rows["Learner"][1].startswith(gone)
        assert rows["Declined"][1].startswith(banned)
        lead.press("Repair")
        lead.press("See who moves, and why")
        lead.is_at("1 placement moves, proven the fewest")
        lead.sees(f"{banned}")
        lead.press("Adopt this repair")
        lead.is_at("Publication")
        lead.open(f"/rounds/{round_id}/worklist")
        lead.sees("has taken in all of it")
        lead.open(f"/rounds/{round_id}/publications")
        lead.press("Check and publish version 2")
        lead.press("Publish version 2")
        lead.sees("Published as version 2")
        lead.open(f"/rounds/{round_id}/worklist")
        lead.is_at("Worklist")
        lead.sees("Nothing that matters to the match has happened since version 2")
