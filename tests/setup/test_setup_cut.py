"""The site is killed while it adopts, proposes, takes answers and publishes: each is done whole or not at
all, and once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from placements.access import Action, Role
from placements.allocations.models import Allocation, Publication, PublicationLine
from placements.audit.models import AuditEntry
from placements.confirmations.models import Proposal
from placements.extensions import db
from placements.mail.models import Message
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.factories import PersonFactory, saved
from tests.factories.region import small_round
from tests.setup.caller import Caller
from tests.setup.processes import Installation

# How long after each request the power is cut: before, while and after the site is at it.
MOMENTS_SECONDS = (0.01, 0.05)


@dataclass(frozen=True)
class Deed:
    """A form of a page, what is sent beside its hidden fields, and all that it has done once it is done."""

    page: str
    action: str
    typed: dict[str, str]
    done: Callable[[], tuple[int, ...]]
    whole: tuple[int, ...]


@pytest.fixture
def installation(site: Flask, sqlite_url: str, tmp_path: Path) -> Installation:
    return Installation(tmp_path, sqlite_url)


def test_what_is_cut_short_is_done_whole_or_not_at_all(installation: Installation) -> None:
    region = small_round(learners=3, places=(1, 1))
    PersonFactory(email="lead@example.nhs.uk")
    PersonFactory(
        email="educator@example.nhs.uk",
        role=Role.PRACTICE_EDUCATOR.value,
        trust_id=region.trusts[0].id,
    )
    PersonFactory(email="officer@example.ac.uk", role=Role.PLACEMENT_OFFICER.value, hei_id=region.hei.id)
    saved()
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    number = region.round.id
    with installation.running("site") as process:
        installation.wait_until_ready(process)
        lead = Caller(installation, "lead@example.nhs.uk")
        educator_there = Caller(installation, "educator@example.nhs.uk")
    adopt = Deed(
        f"/runs/{run_id}",
        f"/runs/{run_id}/adopt",
        {},
        lambda: (rows(Allocation.requirement_id), noted(Action.ADOPT_RUN)),
        (3, 1),
    )
    propose = Deed(
        f"/rounds/{number}/confirmations",
        f"/rounds/{number}/confirmations",
        {},
        lambda: (rows(Proposal.id), noted(Action.SEND_PROPOSALS)),
        (2, 1),
    )
    confirm = Deed(
        f"/rounds/{number}/proposals",
        f"/rounds/{number}/proposals",
        {"all": "yes", "verb": "confirm"},
        lambda: (confirmed(), noted(Action.ANSWER_PROPOSAL)),
        (1, 1),
    )
    publish = Deed(
        f"/rounds/{number}/publish",
        f"/rounds/{number}/publications",
        {},
        lambda: (rows(Publication.id), rows(PublicationLine.id), told(), noted(Action.PUBLISH_ROUND)),
        (1, 3, 2, 1),
    )
    for person, deed in ((lead, adopt), (lead, propose), (educator_there, confirm), (lead, publish)):
        do_in_the_dark(installation, person, deed)


def do_in_the_dark(installation: Installation, person: Caller, deed: Deed) -> None:
    """Try it with the power cut at each moment, and at last in peace, as one would who is not sure."""
    nothing = tuple(0 for _ in deed.whole)
    for seconds in MOMENTS_SECONDS:
        with installation.running("site") as process:
            installation.wait_until_ready(process)
            if now(deed) == nothing:
                person.send_and_cut(deed.action, fields_of(person, deed), seconds, process)
        assert now(deed) in (nothing, deed.whole), f"{deed.action} was cut short after {seconds} s"
    with installation.running("site") as process:
        installation.wait_until_ready(process)
        if now(deed) == nothing:
            person.send(deed.action, fields_of(person, deed))
    assert now(deed) == deed.whole, deed.action


def fields_of(person: Caller, deed: Deed) -> dict[str, str]:
    return person.fields(deed.page, deed.action) | deed.typed


def now(deed: Deed) -> tuple[int, ...]:
    db.session.rollback()
    return deed.done()


def rows(column: InstrumentedAttribute[int]) -> int:
    return db.session.scalar(select(func.count(column))) or 0


def noted(action: Action) -> int:
    """How often the record says that it was done."""
    entries = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == action.value)
    return db.session.scalar(entries) or 0


def confirmed() -> int:
    proposals = select(func.count(Proposal.id)).where(Proposal.state == "confirmed")
    return db.session.scalar(proposals) or 0


def told() -> int:
    """E-mails about the publication, each address once."""
    messages = select(func.count(Message.id.distinct())).where(Message.key.startswith("published:"))
    return db.session.scalar(messages) or 0
