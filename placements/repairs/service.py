"""What can be done about what has happened: set an item aside, bring it back, repair, draw the trade-off."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer, require
from placements.allocations import service as allocations
from placements.clock import now_utc
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db
from placements.repairs import queries
from placements.repairs.models import SetAside, TradeOff
from placements.repairs.trade_off import FEWEST, asked_again
from placements.rounds import queries as rounds
from placements.scenarios import queries as scenarios
from placements.scenarios.models import Run
from placements.scenarios.repairing import Wishes
from placements.scenarios.service import UNDER_WAY
from placements.states import TRADE_OFF
from placements.tasks import queue
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


def draw_trade_off(viewer: Viewer, run_id: int) -> TradeOff:
    """Queue the trade-off of a finished repair, or again one that failed: what was solved stays.

    Raises Refused where the run is no finished repair, or where it is being solved or is there already.
    """
    try:
        with transaction(viewer, Action.DRAW_TRADE_OFF) as tx:
            run = scenarios.run_by_id(tx.session, viewer, run_id)
            if run.kind != "repair" or run.state != "finished":
                raise Refused("Only a finished repair has a trade-off.")
            row = tx.session.scalar(select(TradeOff).where(TradeOff.run_id == run_id))
            if row is None:
                row = TradeOff(run_id=run.id, requested_utc=now_utc())
                tx.session.add(row)
            else:
                row.state = TRADE_OFF.move(row.state, "ask again")
                row.attempts, row.message, row.heartbeat_utc = 0, None, now_utc()
            tx.note(row, run=run.id)
            trade_off_id = row.id
            tx.afterwards(lambda: queue("solve_trade_off", trade_off_id=trade_off_id))
    except IntegrityError as error:
        if violates(error, "uq_trade_off_run_id", "trade_off.run_id"):
            raise Stale(CHANGED_MEANWHILE) from None
        raise
    return row


def use_point(viewer: Viewer, run_id: int, step: str) -> Run:
    """Queue a run that gives one of a trade-off's answers, to be looked at and adopted: the repair's data,
    with a move priced as it was for that point. Raises Refused where there is no such point, or where a run
    is under way."""
    try:
        with transaction(viewer, Action.START_RUN) as tx:
            repair = scenarios.run_by_id(tx.session, viewer, run_id)
            row = tx.session.scalar(select(TradeOff).where(TradeOff.run_id == run_id))
            if row is None or step == FEWEST or step not in {point["step"] for point in row.points}:
                raise Refused("The trade-off has no such answer.")
            if scenarios.run_under_way(tx.session, repair.scenario_id) is not None:
                raise Refused(UNDER_WAY)
            policy, locks = asked_again(repair, int(step))
            run = Run(
                scenario_id=repair.scenario_id,
                round_id=repair.round_id,
                kind="match",
                parent_id=repair.id,
                requested_utc=now_utc(),
                requested_by_id=viewer.person_id,
                snapshot_id=repair.snapshot_id,
                locks=locks,
                policy=policy,
                settings={"without_locks": repair.settings.get("without_locks", []), "worth": int(step)},
            )
            tx.session.add(run)
            tx.note(run, repair=repair.id, worth=int(step))
            new_id = run.id
            tx.afterwards(lambda: queue("perform_run", run_id=new_id))
    except IntegrityError as error:
        if violates(error, "uq_run_one_under_way", "run.scenario_id"):
            raise Refused(UNDER_WAY) from None
        raise
    return run
