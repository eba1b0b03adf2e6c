"""Reminders to placement officers before the freeze: which of their learners would give a place back.

Keys of the outbox: `freeze:ROUND:DAY:DAYS:PERSON`, so that each officer is told once of each day, and nobody
whose learners are all clear is told anything.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from placements.access import SYSTEM, Action
from placements.accounts.service import viewer_of
from placements.extensions import db
from placements.mail.reminders import reminder_due, reminding_day
from placements.mail.service import is_told, queue
from placements.organisations.queries import placement_officers
from placements.repairs.freezing import NAMED, places_not_clear
from placements.rounds.models import Round
from placements.tasks import chore
from placements.transaction import transaction

DAYS_BEFORE = (7, 2)
# A reminder whose day passed while no worker ran goes out a day late, never on the day of the freeze.
DAYS_LATE = 1


@chore
def send_freeze_reminders() -> None:
    """Queue the reminders whose day has come, in every published round that is not frozen yet."""
    today = reminding_day()
    if today is None:
        return
    due = [
        (round_.id, round_.freeze_on, days)
        for round_ in db.session.scalars(
            select(Round).where(
                Round.state == "published", Round.freeze_on.is_not(None), Round.frozen_utc.is_(None)
            )
        )
        if round_.freeze_on is not None
        and (days := reminder_due(round_.freeze_on, DAYS_BEFORE, today, days_late=DAYS_LATE)) is not None
        and not is_told(db.session, _key(round_.id, round_.freeze_on, days))
    ]
    db.session.rollback()
    for round_id, freeze_on, days in due:
        remind_officers(round_id, freeze_on, days)


def remind_officers(round_id: int, freeze_on: date, days: int) -> int:
    """Write to the officers of each HEI whose learners would give a place back on the day of the freeze; how
    many people are written to."""
    with transaction(SYSTEM, Action.SEND_REMINDERS, audited=False) as tx:
        round_ = tx.session.get_one(Round, round_id)
        officers = placement_officers(tx.session, round_.network_id)
        of_hei = {
            person.hei_id: places_not_clear(tx.session, viewer_of(person), round_, on=freeze_on)
            for person in {person.hei_id: person for person in officers}.values()
        }
        written = 0
        for person in officers:
            rows = of_hei[person.hei_id]
            if not rows:
                continue
            written += queue(
                tx.session,
                key=f"{_key(round_id, freeze_on, days)}{person.id}",
                to=person.email,
                template="freeze_soon",
                context={
                    "name": person.name,
                    "round": round_.name,
                    "freeze_on": freeze_on,
                    "places": len(rows),
                    "rows": [
                        (row.line.learner_reference, row.line.block, row.missing) for row in rows[:NAMED]
                    ],
                    "more": max(0, len(rows) - NAMED),
                    "path": f"/rounds/{round_id}/checks",
                },
                network_id=round_.network_id,
            )
    if written:
        with transaction(SYSTEM, Action.SEND_REMINDERS) as tx:
            tx.note(
                tx.session.get_one(Round, round_id), freeze=freeze_on.isoformat(), days=days, people=written
            )
    return written


def _key(round_id: int, freeze_on: date, days: int) -> str:
    return f"freeze:{round_id}:{freeze_on.isoformat()}:{days}:"
