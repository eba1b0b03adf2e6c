"""Who is told by e-mail of what is proposed and decided: the other side, each once."""

from sqlalchemy import ColumnElement, or_, select

from placements.access import Role, Viewer
from placements.accounts.models import Person
from placements.agreements.models import Agreement
from placements.agreements.queries import side_of
from placements.mail.service import queue
from placements.transaction import Transaction
from placements.web.formats import year_span


def tell_proposed(tx: Transaction, viewer: Viewer, agreement: Agreement) -> None:
    """Tell each side that has to answer."""
    sides = [side for side in ("hei", "trust") if not agreement.agreed_for(side)]
    _tell(tx, viewer, agreement, sides, "proposed", agreement.note)


def tell_decided(tx: Transaction, viewer: Viewer, agreement: Agreement, did: str) -> None:
    """Tell all concerned but the person's own side that it was agreed, declined, ended or taken back."""
    sides = {"hei", "trust", agreement.proposed_side} - {side_of(viewer)}
    _tell(tx, viewer, agreement, sorted(sides), did, agreement.answer)


def _tell(
    tx: Transaction, viewer: Viewer, agreement: Agreement, sides: list[str], did: str, note: str
) -> None:
    network_id = agreement.hei.network_id
    of_side: dict[str, ColumnElement[bool]] = {
        "hei": (Person.role == Role.PLACEMENT_OFFICER) & (Person.hei_id == agreement.hei_id),
        "trust": (Person.role == Role.TRUST_EDUCATION_LEAD) & (Person.trust_id == agreement.trust_id),
        "academy": (Person.role == Role.ACADEMY_LEAD) & (Person.network_id == network_id),
    }
    people = tx.session.scalars(
        select(Person).where(Person.is_active, or_(*(of_side[side] for side in sides))).order_by(Person.id)
    )
    for person in people:
        queue(
            tx.session,
            key=f"agreement:{agreement.id}:{did}:{person.id}",
            to=person.email,
            template="agreement_proposed" if did == "proposed" else "agreement_decided",
            context={
                "hei": agreement.hei.name,
                "trust": agreement.trust.name,
                "of_whom": agreement.of_whom,
                "year": year_span(agreement.year),
                "figures": agreement.figures,
                "by": viewer.name,
                "did": did,
                "note": note,
                "path": f"/agreements/{agreement.id}",
            },
            network_id=network_id,
        )
