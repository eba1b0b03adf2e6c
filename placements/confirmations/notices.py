"""Who is told by e-mail of proposals: a trust's practice educators and education leads, each once.

Keys of the outbox: `proposals:ROUND:MOMENT:PERSON` of what was sent, `reply:PROPOSAL:VERSION:PERSON` of a
reply, `confirm:ROUND:DAY TO ANSWER:DAYS:PERSON` of the schedule's reminders and
`confirm-chase:ROUND:DATE:PERSON` of those that a lead sends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from placements.accounts.models import Person
from placements.capacity.recipients import People
from placements.confirmations.models import Proposal
from placements.mail.service import queue
from placements.organisations.models import Department, Site
from placements.rounds.models import Round
from placements.transaction import Transaction


@dataclass
class Letter:
    """What one person is told: how many places in which departments."""

    person: Person
    new: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)


def letters(
    session: Session, round_: Round, *, new: Sequence[int], gone: Sequence[int] = ()
) -> tuple[list[Letter], list[str]]:
    """A letter to each person of the trusts of these departments (an id for each place), and the trusts where
    there is nobody to write to."""
    departments = session.scalars(
        select(Department)
        .where(Department.id.in_({*new, *gone}))
        .options(joinedload(Department.site).joinedload(Site.trust), joinedload(Department.modality))
        .order_by(Department.id)
    ).all()
    people = People(session, round_.network_id, {row.site.trust_id for row in departments})
    of_new, of_gone = Counter(new), Counter(gone)
    found: dict[int, Letter] = {}
    nobody: set[str] = set()
    for department in departments:
        addressees = people.who_confirm(department)
        if not addressees:
            nobody.add(department.site.trust.name)
        for person in addressees:
            letter = found.setdefault(person.id, Letter(person))
            letter.new[department.name] += of_new[department.id]
            letter.gone[department.name] += of_gone[department.id]
    return list(found.values()), sorted(nobody)


def tell_proposed(
    tx: Transaction,
    round_: Round,
    *,
    new: Sequence[int],
    gone: Sequence[int],
    answer_by: date | None,
    at_utc: datetime,
) -> tuple[int, list[str]]:
    """Tell trusts what is newly proposed to them and what no longer is, by department's id; how many people
    are written to, and the trusts where there is nobody."""
    found, nobody = letters(tx.session, round_, new=new, gone=gone)
    written = 0
    for letter in found:
        if letter.person.id == tx.viewer.person_id:
            continue
        written += queue(
            tx.session,
            key=f"proposals:{round_.id}:{at_utc.isoformat()}:{letter.person.id}",
            to=letter.person.email,
            template="places_proposed",
            context={
                "name": letter.person.name,
                "round": round_.name,
                "new": _told(letter.new),
                "gone": _told(letter.gone),
                "answer_by": answer_by,
                "path": f"/rounds/{round_.id}/proposals",
            },
            network_id=round_.network_id,
        )
    return written, nobody


def tell_reply(tx: Transaction, proposal: Proposal) -> None:
    """Tell whoever asked that the academy has replied."""
    person = tx.session.get(Person, proposal.decided_by_id) if proposal.decided_by_id else None
    if person is None or not person.is_active or person.id == tx.viewer.person_id:
        return
    queue(
        tx.session,
        key=f"reply:{proposal.id}:{proposal.version}:{person.id}",
        to=person.email,
        template="place_question_answered",
        context={
            "name": person.name,
            "round": proposal.round.name,
            "department": proposal.department.name,
            "question": proposal.question,
            "reply": proposal.reply,
            "path": f"/proposals/{proposal.id}",
        },
        network_id=proposal.round.network_id,
    )


def remind(
    tx: Transaction,
    round_: Round,
    department_ids: Sequence[int],
    *,
    prefix: str,
    answer_by: date | None,
    days: int | None,
) -> tuple[int, int, Collection[str]]:
    """Remind trusts of places that wait for their answer (a department's id for each): how many people are
    written to, how many had this reminder already, and the trusts where there is nobody."""
    found, nobody = letters(tx.session, round_, new=department_ids)
    found = [letter for letter in found if letter.person.id != tx.viewer.person_id]
    written = sum(
        queue(
            tx.session,
            key=f"{prefix}:{letter.person.id}",
            to=letter.person.email,
            template="places_unanswered",
            context={
                "name": letter.person.name,
                "round": round_.name,
                "places": _told(letter.new),
                "answer_by": answer_by,
                "days_left": days,
                "path": f"/rounds/{round_.id}/proposals?show=waiting",
            },
            network_id=round_.network_id,
        )
        for letter in found
    )
    return written, len(found) - written, nobody


def _told(places: Counter[str]) -> list[tuple[str, int]]:
    return sorted((name, number) for name, number in places.items() if number)
