"""Who is told by e-mail that a version was published: the people of HEIs and trusts that it concerns, once.

Written in the transaction that publishes, under the key `published:PUBLICATION:PERSON`. Of a later version
only those are told for whom something changed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from sqlalchemy import or_, select

from placements.access import Role
from placements.accounts.models import Person
from placements.allocations.models import Publication, PublicationLine
from placements.clock import today
from placements.mail.service import queue
from placements.transaction import Transaction

TRUST_ROLES = (Role.PRACTICE_EDUCATOR.value, Role.TRUST_EDUCATION_LEAD.value)


def announce(tx: Transaction, publication: Publication, earlier: Publication | None) -> int:
    """Queue the e-mails about a publication; how many people are written to."""
    before = earlier.lines if earlier is not None else []
    heis = _changed(_by_hei(before), _by_hei(publication.lines))
    trusts = _changed(_by_trust(before), _by_trust(publication.lines))
    placed_at = Counter(line.trust_id for line in publication.lines if line.state == "placed")
    people = tx.session.scalars(
        select(Person)
        .where(
            Person.is_active,
            or_(
                Person.hei_id.in_(heis) & (Person.role == Role.PLACEMENT_OFFICER.value),
                Person.trust_id.in_(trusts) & Person.role.in_(TRUST_ROLES),
            ),
        )
        .order_by(Person.id)
    )
    states: dict[int, Counter[str]] = defaultdict(Counter)
    for line in publication.lines:
        states[line.hei_id][line.state] += 1
    round_ = publication.round
    released = round_.release_on if round_.release_on and round_.release_on > today() else None
    written = 0
    for person in people:
        of_hei = states[person.hei_id] if person.hei_id is not None else Counter[str]()
        written += queue(
            tx.session,
            key=f"published:{publication.id}:{person.id}",
            to=person.email,
            template="places_published",
            context={
                "name": person.name,
                "round": round_.name,
                "number": publication.number,
                "for_trust": person.trust_id is not None,
                "placed": placed_at[person.trust_id] if person.trust_id is not None else of_hei["placed"],
                "held": of_hei["held"],
                "unplaced": of_hei["unplaced"],
                "changed": heis.get(person.hei_id or 0, 0) + trusts.get(person.trust_id or 0, 0),
                "earlier": earlier.number if earlier is not None else None,
                "release_on": released,
                "path": f"/publications/{publication.id}",
            },
            network_id=round_.network_id,
        )
    return written


# Of one organisation what each requirement's line says, by requirement's id.
_Said = dict[int, dict[int, tuple[object, ...]]]


def _by_hei(lines: Iterable[PublicationLine]) -> _Said:
    found: _Said = defaultdict(dict)
    for line in lines:
        found[line.hei_id][line.requirement_id] = _said(line)
    return found


def _by_trust(lines: Iterable[PublicationLine]) -> _Said:
    """What a trust sees: no line that is held back."""
    found: _Said = defaultdict(dict)
    for line in lines:
        if line.state == "placed" and line.trust_id is not None:
            found[line.trust_id][line.requirement_id] = _said(line)
    return found


def _said(line: PublicationLine) -> tuple[object, ...]:
    return line.state, line.department_id, line.first_week, line.weeks, line.weekdays


def _changed(before: _Said, after: _Said) -> dict[int, int]:
    """By organisation's id how many lines differ, come or go; those where none does are left out."""
    found = {}
    for key in sorted({*before, *after}):
        old, new = before.get(key, {}), after.get(key, {})
        number = sum(old.get(row) != new.get(row) for row in {*old, *new})
        if number:
            found[key] = number
    return found
