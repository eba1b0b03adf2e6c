"""Reminders to confirm: those of the schedule, sent by the worker, and those that an academy lead sends."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from placements.access import SYSTEM, Action, Viewer
from placements.clock import today
from placements.confirmations import notices, queries
from placements.confirmations.models import Proposal
from placements.extensions import db
from placements.mail.reminders import reminder_due, reminding_day
from placements.mail.service import is_told
from placements.organisations.models import Site
from placements.rounds.models import Round
from placements.rounds.queries import round_by_id
from placements.tasks import chore
from placements.transaction import transaction
from placements.web.formats import LONDON

# Days before the day to answer (after it, where negative) on which trusts that have not are written to.
DAYS_BEFORE = (7, 2, -1)


@dataclass(frozen=True)
class Chased:
    """`written`: people who will get an e-mail; `told_today`: who had one today already; `nobody`: trusts
    where nobody has an account to write to; `places`: how many places wait."""

    places: int
    written: int
    told_today: int
    nobody: tuple[str, ...]


@chore
def send_confirmation_reminders() -> None:
    """Queue the reminders whose day has come, in every round with proposals that wait."""
    day = reminding_day()
    if day is None:
        return
    waiting = db.session.execute(
        select(Proposal.round_id, Proposal.answer_by)
        .where(Proposal.state == "proposed", Proposal.answer_by.is_not(None))
        .distinct()
    ).all()
    due = [
        (round_id, answer_by, days)
        for round_id, answer_by in waiting
        if answer_by is not None
        and (days := reminder_due(answer_by, DAYS_BEFORE, day)) is not None
        and not is_told(db.session, f"confirm:{round_id}:{answer_by.isoformat()}:{days}:")
    ]
    db.session.rollback()
    for round_id, answer_by, days in due:
        remind_round(round_id, answer_by, days)


def remind_round(round_id: int, answer_by: date, days: int) -> int:
    """Queue one of a round's scheduled reminders: to trusts of places that wait and that were proposed before
    today; how many people get one."""
    with transaction(SYSTEM, Action.SEND_REMINDERS, audited=False) as tx:
        round_ = tx.session.get_one(Round, round_id)
        rows = tx.session.execute(
            select(Proposal.department_id, Proposal.proposed_utc).where(
                Proposal.round_id == round_id, Proposal.state == "proposed", Proposal.answer_by == answer_by
            )
        )
        departments = [
            department_id
            for department_id, proposed_utc in rows
            if proposed_utc.astimezone(LONDON).date() < today()
        ]
        written, _, _ = notices.remind(
            tx,
            round_,
            departments,
            prefix=f"confirm:{round_id}:{answer_by.isoformat()}:{days}",
            answer_by=answer_by,
            days=(answer_by - today()).days,
        )
    if written:
        with transaction(SYSTEM, Action.SEND_REMINDERS) as tx:
            tx.note(
                tx.session.get_one(Round, round_id),
                confirm_by=answer_by.isoformat(),
                days=days,
                people=written,
            )
    return written


def remind_trusts(viewer: Viewer, round_id: int, trust_ids: Collection[int]) -> Chased:
    """Write to these trusts of their places that wait for an answer, at most once a day each person."""
    with transaction(viewer, Action.CHASE_PROPOSALS) as tx:
        round_ = round_by_id(tx.session, viewer, round_id)
        rows = tx.session.execute(
            queries.visible_proposals(viewer)
            .where(Proposal.round_id == round_id, Proposal.state == "proposed", Site.trust_id.in_(trust_ids))
            .with_only_columns(Proposal.department_id, Proposal.answer_by)
        ).all()
        days = [answer_by for _, answer_by in rows if answer_by is not None]
        first = min(days) if days else None
        written, told, nobody = notices.remind(
            tx,
            round_,
            [department_id for department_id, _ in rows],
            prefix=f"confirm-chase:{round_id}:{today().isoformat()}",
            answer_by=first,
            days=(first - today()).days if first else None,
        )
        tx.note(round_, places=len(rows), people=written)
    return Chased(len(rows), written, told, tuple(nobody))
