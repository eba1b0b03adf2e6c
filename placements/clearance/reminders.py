"""Reminders to placement officers: which of their learners' checks fall due in two weeks and in one.

Keys of the outbox: `checks:ROUND:DUE DAY:DAYS:PERSON`, so that each officer is told once of each day on which
checks fall due, and nobody whose learners are all clear is told anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from placements.access import SYSTEM, Action
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.clearance import queries
from placements.clearance.queries import NotClear
from placements.clearance.rule import due_day
from placements.clock import now_utc
from placements.extensions import db
from placements.mail.reminders import reminder_due, reminding_day
from placements.mail.service import is_told, queue
from placements.organisations.queries import placement_officers
from placements.rounds.models import Round
from placements.rounds.queries import plan
from placements.tasks import chore
from placements.transaction import transaction
from placements.web.formats import LONDON

DAYS_BEFORE = (14, 7)
NAMED = 20


@chore
def send_check_reminders() -> None:
    """Queue the reminders whose day has come, in every round that is open or published."""
    today = reminding_day()
    if today is None:
        return
    due = [
        (round_.id, due_on, days)
        for round_ in db.session.scalars(select(Round).where(Round.state.in_(("open", "published"))))
        for due_on, days in reminders_due(round_, today)
        if not is_told(db.session, f"checks:{round_.id}:{due_on.isoformat()}:{days}:")
    ]
    db.session.rollback()
    for round_id, due_on, days in due:
        remind_officers(round_id, due_on, days)


def reminders_due(round_: Round, today: date) -> list[tuple[date, int]]:
    """The days on which some check of the round falls due and that a reminder is to be sent of today, and so
    many days before it."""
    weeks = {rule.weeks_before for rule in queries.rules_of_round(db.session, round_)}
    first_days = {block.first_week for block in round_.blocks}
    for line in plan(db.session, round_.id):
        first_days |= {line.mondays_of(block)[0] for block in line.possible_blocks if line.mondays_of(block)}
    falling_due = sorted({due_day(first_day, number) for first_day in first_days for number in weeks})
    return [
        (due_on, days)
        for due_on in falling_due
        if (days := reminder_due(due_on, DAYS_BEFORE, today)) is not None
    ]


def remind_officers(round_id: int, due_on: date, days: int) -> int:
    """Write to the officers of each HEI whose learners lack a check that falls due on a day; how many people
    are written to."""
    with transaction(SYSTEM, Action.SEND_REMINDERS, audited=False) as tx:
        round_ = tx.session.get_one(Round, round_id)
        officers = placement_officers(tx.session, round_.network_id)
        of_hei: dict[int | None, list[Person]] = defaultdict(list)
        for person in officers:
            of_hei[person.hei_id].append(person)
        today = now_utc().astimezone(LONDON).date()
        written = 0
        for people in of_hei.values():
            rows = [
                row
                for row in queries.not_clear(tx.session, viewer_of(people[0]), round_, today)
                if row.finding.due_on == due_on
            ]
            if not rows:
                continue
            for person in people:
                written += queue(
                    tx.session,
                    key=f"checks:{round_id}:{due_on.isoformat()}:{days}:{person.id}",
                    to=person.email,
                    template="checks_due",
                    context={
                        "name": person.name,
                        "round": round_.name,
                        "due_on": due_on,
                        "learners": len({row.wanted.learner_id for row in rows}),
                        "checks": _by_check(rows),
                        "path": f"/rounds/{round_id}/checks?show=soon",
                    },
                    network_id=round_.network_id,
                )
    if written:
        with transaction(SYSTEM, Action.SEND_REMINDERS) as tx:
            tx.note(
                tx.session.get_one(Round, round_id), checks_due=due_on.isoformat(), days=days, people=written
            )
    return written


def _by_check(rows: Sequence[NotClear]) -> list[tuple[str, int, str]]:
    """Of each check its name, how many learners lack it, and their references as far as there is room."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        name = f"{row.finding.asked.name} before {row.wanted.when}"
        if row.wanted.reference not in found[name]:
            found[name].append(row.wanted.reference)
    return [(name, len(references), _named(references)) for name, references in found.items()]


def _named(references: Sequence[str]) -> str:
    more = len(references) - NAMED
    return ", ".join(references[:NAMED]) + (f" and {more} more" if more > 0 else "")
