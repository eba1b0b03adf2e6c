"""Whom to write to about a declaration: who declares for a department and who decides."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.accounts.models import Person
from placements.capacity.models import Declaration, DeclarationRecord, Invitation
from placements.clock import now_utc
from placements.mail.service import queue
from placements.organisations.models import Department
from placements.transaction import Transaction


class People:
    """The active accounts of a network's trusts and academy, read once."""

    def __init__(self, session: Session, network_id: int, trust_ids: Iterable[int]) -> None:
        rows = session.scalars(
            select(Person)
            .where(
                Person.is_active,
                or_(
                    Person.trust_id.in_(list(trust_ids)),
                    (Person.network_id == network_id) & (Person.role == Role.ACADEMY_LEAD),
                ),
            )
            .order_by(Person.id)
        )
        self._academy: list[Person] = []
        self._of_trust: dict[tuple[int, str], list[Person]] = {}
        for person in rows:
            if person.trust_id is None:
                self._academy.append(person)
            else:
                self._of_trust.setdefault((person.trust_id, person.role), []).append(person)

    def who_declare(self, department: Department) -> list[Person]:
        """The trust's practice educators, or its education leads where there is none; for the academy's own
        centres the academy leads."""
        return self._of(department, Role.PRACTICE_EDUCATOR) or self._of(department, Role.TRUST_EDUCATION_LEAD)

    def who_decide(self, department: Department) -> list[Person]:
        """The trust's education leads; for the academy's own centres the academy leads."""
        return self._of(department, Role.TRUST_EDUCATION_LEAD)

    def who_confirm(self, department: Department) -> list[Person]:
        """All practice educators and education leads of the trust; for the academy's own centres the academy
        leads."""
        if department.site.kind == "academy":
            return self._academy
        return [
            *self._of(department, Role.PRACTICE_EDUCATOR),
            *self._of(department, Role.TRUST_EDUCATION_LEAD),
        ]

    def _of(self, department: Department, role: Role) -> list[Person]:
        if department.site.kind == "academy":
            return self._academy
        return self._of_trust.get((department.site.trust_id, role.value), [])


def tell_returned(tx: Transaction, viewer: Viewer, declaration: Declaration, comment: str) -> None:
    """E-mail whoever submitted a declaration that it was given back: a person, or the address to which a
    private link was sent; where that is nobody, all who declare for the department."""
    department, round_ = declaration.department, declaration.round
    addresses, have_accounts = _who_submitted(tx.session, declaration)
    for number, address in enumerate(addresses):
        queue(
            tx.session,
            key=f"returned:{declaration.id}:{declaration.version}:{number}",
            to=address,
            template="declaration_returned",
            context={
                "department": department.name,
                "round": round_.name,
                "by": viewer.name,
                "comment": comment,
                "path": f"/rounds/{round_.id}/capacity/{department.id}" if have_accounts else "",
            },
            network_id=round_.network_id,
        )


def _who_submitted(session: Session, declaration: Declaration) -> tuple[list[str], bool]:
    """Addresses, and whether they are of people with accounts."""
    submitted = session.scalar(
        select(DeclarationRecord)
        .where(DeclarationRecord.declaration_id == declaration.id, DeclarationRecord.verb == "submit")
        .order_by(DeclarationRecord.id.desc())
        .limit(1)
    )
    if submitted is not None and submitted.by_id is not None:
        person = session.get(Person, submitted.by_id)
        if person is not None and person.is_active:
            return [person.email], True
    department, round_ = declaration.department, declaration.round
    if submitted is not None and submitted.by_id is None:
        invited = session.scalar(
            select(Invitation)
            .where(
                Invitation.round_id == round_.id,
                Invitation.site_id == department.site_id,
                Invitation.email != "",
                Invitation.revoked_utc.is_(None),
                Invitation.expires_utc > now_utc(),
            )
            .order_by(Invitation.last_used_utc.desc().nulls_last(), Invitation.id.desc())
            .limit(1)
        )
        if invited is not None:
            return [invited.email], False
    people = People(session, round_.network_id, [department.site.trust_id])
    return [person.email for person in people.who_declare(department)], True
