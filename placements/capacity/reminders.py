"""Reminders: those of the schedule, sent by the worker, and those that an academy lead sends from the board.

Whoever declares is told which of their departments have not been submitted; whoever decides, what waits for
them; nobody who is done is told anything. Keys of the outbox: `reminder:ROUND:DAYS:PERSON` and
`chase:ROUND:DATE:PERSON`, so that each is told once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from placements.access import SYSTEM, Action, Viewer
from placements.accounts.models import Person
from placements.capacity.models import Declaration
from placements.capacity.recipients import People
from placements.clock import now_utc
from placements.errors import Refused
from placements.extensions import db
from placements.mail.models import Message
from placements.mail.reminders import reminder_due, reminding_day
from placements.mail.service import is_told, queue
from placements.organisations.models import Department, Icb, Site, Trust
from placements.organisations.queries import visible_departments
from placements.rounds.models import Round
from placements.rounds.queries import round_by_id
from placements.tasks import chore
from placements.transaction import Transaction, transaction
from placements.web.formats import LONDON


@dataclass
class Letter:
    """What one person is told: departments to declare, and departments whose declaration waits for them."""

    person: Person
    to_declare: list[Department] = field(default_factory=list)
    to_decide: list[Department] = field(default_factory=list)


@dataclass(frozen=True)
class Chased:
    """`written`: people who will get an e-mail; `told_today`: who had one today already; `nobody`: trusts
    whose departments have nobody with an account to write to."""

    written: int
    told_today: int
    nobody: tuple[str, ...]


@chore
def send_reminders() -> None:
    """Queue the reminders whose day has come, in every open round."""
    today = reminding_day()
    if today is None:
        return
    due = [
        (round_.id, days)
        for round_ in db.session.scalars(select(Round).where(Round.state == "open"))
        if (days := reminder_due(round_.declare_by, round_.reminder_days, today)) is not None
        and not is_told(db.session, f"reminder:{round_.id}:{days}:")
    ]
    db.session.rollback()
    for round_id, days in due:
        remind_round(round_id, days)


def remind_round(round_id: int, days: int) -> int:
    """Queue one of a round's scheduled reminders; how many people get one."""
    with transaction(SYSTEM, Action.SEND_REMINDERS, audited=False) as tx:
        round_ = tx.session.get_one(Round, round_id)
        departments = tx.session.scalars(
            select(Department)
            .join(Department.site)
            .join(Site.trust)
            .join(Trust.icb)
            .where(Icb.network_id == round_.network_id)
            .options(joinedload(Department.site).joinedload(Site.trust), joinedload(Department.modality))
            .order_by(Site.name, Department.modality_id)
        ).all()
        letters, _ = _letters(tx.session, round_, departments)
        written = [letter for letter in letters if _write(tx, round_, letter, f"reminder:{round_id}:{days}")]
    if written:
        with transaction(SYSTEM, Action.SEND_REMINDERS) as tx:
            tx.note(tx.session.get_one(Round, round_id), days=days, people=len(written))
    return len(written)


def chase_declarations(viewer: Viewer, round_id: int, department_ids: Collection[int]) -> Chased:
    """Write to everybody who has still to do something for these departments, at most once a day each."""
    with transaction(viewer, Action.CHASE_DECLARATIONS) as tx:
        round_ = round_by_id(tx.session, viewer, round_id)
        if round_.state == "draft":
            raise Refused("This round is not open yet, so nobody is asked to declare in it.")
        departments = tx.session.scalars(
            visible_departments(viewer).where(Department.id.in_(department_ids))
        ).unique()
        letters, nobody = _letters(tx.session, round_, departments, except_for=viewer.person_id)
        prefix = f"chase:{round_id}:{now_utc().date().isoformat()}"
        written = sum(_write(tx, round_, letter, prefix) for letter in letters)
        tx.note(round_, departments=len(department_ids), people=written)
    return Chased(written, len(letters) - written, tuple(sorted(nobody)))


def last_reminders(session: Session, round_id: int) -> dict[int | None, datetime]:
    """When people of each trust (by id; None: of the academy) were last written to about a round."""
    of_round = or_(
        Message.key.startswith(f"chase:{round_id}:"), Message.key.startswith(f"reminder:{round_id}:")
    )
    rows = session.execute(
        select(Person.trust_id, func.max(Message.queued_utc))
        .join(Message, Message.to == Person.email)
        .where(of_round)
        .group_by(Person.trust_id)
    )
    return {trust_id: at_utc for trust_id, at_utc in rows}  # noqa: C416 - a type checker takes rows for no pairs


def _letters(
    session: Session, round_: Round, departments: Iterable[Department], except_for: int | None = None
) -> tuple[list[Letter], set[str]]:
    """A letter for each person with something to do, and the trusts where there is nobody to write to."""
    departments = list(departments)
    rows = session.execute(
        select(Declaration.department_id, Declaration.state).where(Declaration.round_id == round_.id)
    )
    states = {department_id: state for department_id, state in rows}  # noqa: C416 - a type checker takes rows for no pairs
    people = People(session, round_.network_id, {department.site.trust_id for department in departments})
    letters: dict[int, Letter] = {}
    nobody: set[str] = set()
    for department in departments:
        state = states.get(department.id, "not declared")
        if state == "approved":
            continue
        waits = state == "submitted"
        addressees = people.who_decide(department) if waits else people.who_declare(department)
        if not addressees:
            nobody.add(department.site.trust.name)
        for person in addressees:
            if person.id == except_for:
                continue
            letter = letters.setdefault(person.id, Letter(person))
            (letter.to_decide if waits else letter.to_declare).append(department)
    return list(letters.values()), nobody


def _write(tx: Transaction, round_: Round, letter: Letter, prefix: str) -> bool:
    days_left = (round_.declare_by - now_utc().astimezone(LONDON).date()).days
    path = f"/rounds/{round_.id}/capacity"
    return queue(
        tx.session,
        key=f"{prefix}:{letter.person.id}",
        to=letter.person.email,
        template="declarations_due",
        context={
            "name": letter.person.name,
            "round": round_.name,
            "declare_by": round_.declare_by,
            "days_left": days_left,
            "to_declare": [department.name for department in letter.to_declare],
            "to_decide": [department.name for department in letter.to_decide],
            "declare_path": path,
            "decide_path": f"{path}/approve",
        },
        network_id=round_.network_id,
    )
