"""The site is killed at each stage from adopting a run to the freeze: what it was at is done whole or not at
all, and once."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute

from placements.access import Action, Role
from placements.allocations.models import Allocation, Publication, PublicationLine
from placements.appeals.models import Appeal
from placements.audit.models import AuditEntry
from placements.confirmations.models import Proposal
from placements.extensions import db
from placements.mail.models import Message
from placements.rounds.models import Round
from placements.scenarios.models import Lock, Placing, Run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.factories import PersonFactory, saved
from tests.factories.region import RoundDates, small_round
from tests.setup.caller import Caller
from tests.setup.processes import Installation, Process

# How long after its request the power is cut, in turn: before, while and after the site is at it.
MOMENTS_SECONDS = (0.02, 0.05, 0.08)


LEAD, EDUCATOR, OFFICER = "lead@example.nhs.uk", "educator@example.nhs.uk", "officer@example.ac.uk"


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
    # The served site asks the real clock, whatever the tests' own says.
    today = datetime.now(UTC).date()
    monday = today + timedelta(days=56 - today.weekday())
    dates = RoundDates(monday, monday + timedelta(weeks=8), today, today)
    region = small_round(learners=3, places=(1, 1), dates=dates)
    PersonFactory(email=LEAD)
    PersonFactory(
        email=EDUCATOR,
        role=Role.PRACTICE_EDUCATOR.value,
        trust_id=region.trusts[0].id,
    )
    PersonFactory(email=OFFICER, role=Role.PLACEMENT_OFFICER.value, hei_id=region.hei.id)
    saved()
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    number = region.round.id
    placed = db.session.scalars(
        select(Placing.requirement_id).where(Placing.run_id == run_id, Placing.department_id.is_not(None))
    ).first()
    run, round_ = f"/runs/{run_id}", f"/rounds/{number}"
    appeal = f"{round_}/appeals/new/{placed}"
    deeds = (
        (
            LEAD,
            Deed(
                run,
                f"{run}/adopt",
                {},
                lambda: (rows(Allocation.requirement_id), noted(Action.ADOPT_RUN)),
                (3, 1),
            ),
        ),
        (
            LEAD,
            Deed(
                f"{round_}/confirmations",
                f"{round_}/confirmations",
                {},
                lambda: (rows(Proposal.id), noted(Action.SEND_PROPOSALS)),
                (2, 1),
            ),
        ),
        (
            EDUCATOR,
            Deed(
                f"{round_}/proposals",
                f"{round_}/proposals",
                {"all": "yes", "verb": "confirm"},
                lambda: (
                    rows(Proposal.id, Proposal.state == "confirmed"),
                    noted(Action.ANSWER_PROPOSAL),
                ),
                (1, 1),
            ),
        ),
        (
            LEAD,
            Deed(
                f"{round_}/publish",
                f"{round_}/publications",
                {},
                lambda: (
                    rows(Publication.id),
                    rows(PublicationLine.id),
                    rows(Message.key, Message.key.startswith("published:")),
                    noted(Action.PUBLISH_ROUND),
                ),
                (1, 3, 2, 1),
            ),
        ),
        (
            OFFICER,
            Deed(
                appeal,
                appeal,
                {"grounds": "travel", "statement": "Two buses and a walk.", "wants": "elsewhere"},
                lambda: (rows(Appeal.id), noted(Action.LODGE_APPEAL)),
                (1, 1),
            ),
        ),
        (
            LEAD,
            Deed(
                "/appeals/1",
                "/appeals/1/decide",
                {"verdict": "uphold", "decision": "The journey cannot be made."},
                lambda: (
                    rows(Appeal.id, Appeal.state == "upheld"),
                    rows(Lock.id),
                    noted(Action.DECIDE_APPEAL),
                ),
                (1, 1, 1),
            ),
        ),
        (
            LEAD,
            Deed(
                f"{round_}/worklist",
                f"{round_}/repair",
                {},
                lambda: (rows(Run.id, Run.kind == "repair"), noted(Action.START_RUN) - 1),
                (1, 1),
            ),
        ),
        (
            LEAD,
            Deed(
                f"{round_}/freeze",
                f"{round_}/freeze",
                {},
                lambda: (rows(Round.id, Round.frozen_utc.is_not(None)), noted(Action.FREEZE_ROUND)),
                (1, 1),
            ),
        ),
    )
    people: dict[str, Caller] = {}
    with ExitStack() as running:

        def start() -> Process:
            process = running.enter_context(installation.running("site"))
            installation.wait_until_ready(process)
            return process

        site = start()
        for moment, (email, deed) in zip(cycle(MOMENTS_SECONDS), deeds, strict=False):
            if email not in people:
                people[email] = Caller(installation, email)
            person = people[email]
            nothing = tuple(0 for _ in deed.whole)
            assert now(deed) == nothing
            person.send_and_cut(deed.action, fields_of(person, deed), moment, site)
            assert now(deed) in (nothing, deed.whole), f"{deed.action} was cut short after {moment} s"
            site = start()
            if now(deed) == nothing:
                person.send(deed.action, fields_of(person, deed))
            assert now(deed) == deed.whole, deed.action


def fields_of(person: Caller, deed: Deed) -> dict[str, str]:
    return person.fields(deed.page, deed.action) | deed.typed


def now(deed: Deed) -> tuple[int, ...]:
    db.session.rollback()
    return deed.done()


def rows(column: InstrumentedAttribute[Any], *where: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count(column)).where(*where)) or 0


def noted(action: Action) -> int:
    """How often the record says that it was done."""
    return rows(AuditEntry.id, AuditEntry.action == action.value)
