"""What can be done about what has happened: set an item aside, bring it back, repair."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer, require
from placements.allocations import service as allocations
from placements.clock import now_utc
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db
from placements.repairs import queries
from placements.repairs.models import SetAside
from placements.rounds import queries as rounds
from placements.scenarios.models import Run
from placements.scenarios.repairing import Wishes
from placements.transaction import CHANGED_MEANWHILE, transaction, violates

LONGEST_REASON = 500


def start_repair(viewer: Viewer, round_id: int, *, may_move: Sequence[str] = ()) -> Run:
    """Queue a repair for all on the worklist that is not set aside: locks set aside are left out, and late
    learners set aside wait for what is free. `may_move` are references of learners who have begun and may be
    moved all the same.

    Raises Refused where a reference is of nobody who has begun, and as starting a run does.
    """
    require(viewer, Action.START_RUN)
    found = queries.worklist_of(db.session, viewer, round_id)
    allowed: set[int] = set()
    if may_move and found.publication is not None:
        begun = queries.begun(db.session, viewer, found.publication)
        if unknown := [name for name in may_move if name.casefold() not in begun]:
            words = f"No learner with this reference has begun a published placement: {', '.join(unknown)}"
            raise Refused(f"{words}.", {"may_move": words})
        allowed = {key for name in may_move for key in begun[name.casefold()]}
    aside = [row.item for row in found.aside]
    wishes = Wishes(
        may_move=allowed,
        without_locks=[lock for item in aside for lock in item.locks],
        may_wait=[requirement for item in aside for requirement in item.wanted],
    )
    return allocations.start_repair(viewer, round_id, wishes)


def set_aside(viewer: Viewer, round_id: int, *, item: str, reason: str) -> SetAside:
    """Want nothing done about an item of the worklist; raises Refused without a reason, NotFound where the
    list has no such item (any more), Stale where somebody else has set it aside."""
    reason = reason.strip()
    try:
        with transaction(viewer, Action.SET_ASIDE) as tx:
            round_ = rounds.round_by_id(tx.session, viewer, round_id)
            found = queries.worklist_of(tx.session, viewer, round_id)
            if item in {row.item.key for row in found.aside}:
                raise Stale(CHANGED_MEANWHILE)
            if item not in {row.item.key for row in found.waiting}:
                raise NotFound("This is not on the worklist any more.")
            if not reason:
                words = "Say why nothing is to be done about it"
                raise Refused(f"{words}.", {"reason": words})
            if len(reason) > LONGEST_REASON:
                words = f"The reason can have {LONGEST_REASON} characters at most"
                raise Refused(f"{words}.", {"reason": words})
            row = SetAside(
                round_id=round_.id,
                item=item,
                reason=reason,
                set_utc=now_utc(),
                set_by_id=viewer.person_id,
            )
            tx.session.add(row)
            tx.note(row, round=round_.id, item=item, reason=reason)
    except IntegrityError as error:
        if violates(error, "uq_set_aside_round_id_item", "set_aside.round_id, set_aside.item"):
            raise Stale(CHANGED_MEANWHILE) from None
        raise
    return row


def bring_back(viewer: Viewer, round_id: int, *, item: str) -> None:
    """Put an item back on the worklist; nothing happens where it is there already."""
    with transaction(viewer, Action.SET_ASIDE) as tx:
        round_ = rounds.round_by_id(tx.session, viewer, round_id)
        row = tx.session.scalar(select(SetAside).where(SetAside.round_id == round_.id, SetAside.item == item))
        tx.note(round_, item=item, brought_back=row is not None)
        if row is not None:
            tx.session.delete(row)
