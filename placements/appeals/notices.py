"""Who is told of appeals by e-mail: the officers of the learner's HEI. What was said, and why it was decided
so, is read on the page and stands in no e-mail."""

from __future__ import annotations

from placements.allocations.models import PublicationLine
from placements.appeals.models import Appeal
from placements.cohorts.models import Learner
from placements.mail.service import queue
from placements.organisations.queries import officers_of_heis
from placements.rounds.models import Round
from placements.transaction import Transaction


def tell_lodged(
    tx: Transaction, learner: Learner, round_: Round, appeal: Appeal, place: PublicationLine
) -> None:
    """Tell the officers that a learner has lodged an appeal by private link."""
    _tell(tx, learner, round_, appeal, place, "appeal_lodged")


def tell_decided(tx: Transaction, appeal: Appeal, place: PublicationLine | None) -> None:
    """Tell the officers that the panel has decided."""
    _tell(tx, appeal.requirement.learner, appeal.round, appeal, place, "appeal_decided")


def _tell(
    tx: Transaction,
    learner: Learner,
    round_: Round,
    appeal: Appeal,
    place: PublicationLine | None,
    template: str,
) -> None:
    for person in officers_of_heis(tx.session, [learner.hei_id]):
        queue(
            tx.session,
            key=f"{template}:{appeal.id}:{person.id}",
            to=person.email,
            template=template,
            context={
                "name": person.name,
                "round": round_.name,
                "reference": learner.reference,
                "block": place.block if place else "",
                "is_upheld": appeal.state == "upheld",
                "path": f"/appeals/{appeal.id}",
            },
            network_id=round_.network_id,
        )
