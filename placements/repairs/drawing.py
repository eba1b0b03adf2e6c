"""The worker's job: solve the points of a trade-off, one after another, each kept as it is found.

Claimed, lost and taken up again as runs are: a point that is there is never solved again.
"""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import asdict
from time import monotonic
from typing import Any, cast

from sqlalchemy import CursorResult, update

import matching
from placements.access import SYSTEM, Action
from placements.clock import now_utc
from placements.extensions import db
from placements.repairs.models import TradeOff
from placements.repairs.trade_off import FEWEST, SECONDS, STEPS, pins, point_of, policy_at, unproven
from placements.scenarios import claims
from placements.scenarios.claims import worker_name
from placements.scenarios.frozen import policy_of_run, problem_of_run
from placements.states import TRADE_OFF
from placements.tasks import chore, job, queue
from placements.transaction import transaction

SECONDS_BETWEEN_BEATS = 2.0

log = logging.getLogger(__name__)


@job
def solve_trade_off(trade_off_id: int) -> None:
    """Solve what is still to be solved of a queued trade-off; nothing where another worker has it."""
    if not _claim(trade_off_id):
        return
    try:
        row = db.session.get_one(TradeOff, trade_off_id)
        run, done = row.run, {point["step"] for point in row.points}
        problem, policy, settings = problem_of_run(run), policy_of_run(run), run.settings
        repaired = matching.Result.from_json(run.result or "")
        proven = bool(run.summary["repair"]["proven"])
        db.session.rollback()
        held = pins(problem, settings, repaired)
        pinned = dataclasses.replace(problem, locks=(*problem.locks, *held))
        beat = _Beat(trade_off_id)
        for step in STEPS:
            if step in done:
                continue
            if step == FEWEST:
                result, left = repaired, (0.0, 0) if proven else unproven(repaired)
            else:
                result = matching.solve(
                    pinned, policy_at(policy, int(step)), seconds=SECONDS, progress=beat.tell, stop=beat.lost
                )
                left = unproven(result)
            if not _keep(trade_off_id, asdict(point_of(step, problem, settings, result, left))):
                return
        _end(trade_off_id)
    except Exception as error:
        log.exception("trade-off %s failed", trade_off_id)
        db.session.rollback()
        _end(trade_off_id, f"The trade-off stopped with an error: {error}")


@chore
def recover_trade_offs() -> None:
    """Queue again those whose worker died or whose job was lost; give up on one that keeps dying."""
    lost = claims.lost(db.session, TradeOff)
    db.session.rollback()
    for trade_off_id in lost:
        _recover(trade_off_id)


class _Beat:
    """Says now and then that the worker lives, and hears whether it has lost its work to another."""

    def __init__(self, trade_off_id: int) -> None:
        self._id = trade_off_id
        self._told = monotonic()
        self._lost = False

    def tell(self, _: matching.Progress) -> None:
        if monotonic() - self._told < SECONDS_BETWEEN_BEATS:
            return
        self._told = monotonic()
        with transaction(SYSTEM, Action.SOLVE_TRADE_OFF, audited=False) as tx:
            beaten = tx.session.execute(
                update(TradeOff)
                .where(TradeOff.id == self._id, TradeOff.worker == worker_name())
                .values(heartbeat_utc=now_utc())
            )
            self._lost = cast("CursorResult[Any]", beaten).rowcount == 0
        db.session.rollback()

    def lost(self) -> bool:
        return self._lost


def _claim(trade_off_id: int) -> bool:
    with transaction(SYSTEM, Action.SOLVE_TRADE_OFF, audited=False) as tx:
        return claims.claim(tx.session, TradeOff, trade_off_id, TRADE_OFF)


def _keep(trade_off_id: int, point: dict[str, Any]) -> bool:
    """Keep a point; False where another worker has the trade-off by now."""
    with transaction(SYSTEM, Action.SOLVE_TRADE_OFF, audited=False) as tx:
        row = claims.own(tx.session, TradeOff, trade_off_id)
        if row is None:
            return False
        row.points = [*row.points, point]
        row.attempts, row.heartbeat_utc = 1, now_utc()
        tx.session.flush()
    return True


def _end(trade_off_id: int, message: str | None = None) -> None:
    with transaction(SYSTEM, Action.SOLVE_TRADE_OFF) as tx:
        row = claims.own(tx.session, TradeOff, trade_off_id)
        if row is None:
            return
        row.state = TRADE_OFF.move(row.state, "finish" if message is None else "fail")
        row.message = message[:2000] if message else None
        tx.note(row, state=row.state, points=len(row.points))


def _recover(trade_off_id: int) -> None:
    with transaction(SYSTEM, Action.SOLVE_TRADE_OFF) as tx:
        row = claims.recover(tx.session, TradeOff, trade_off_id, TRADE_OFF)
        if row is None:
            return
        if row.state == "failed":
            row.message = f"The worker stopped in the middle of the same point {row.attempts} times."
        else:
            tx.afterwards(lambda: queue("solve_trade_off", trade_off_id=trade_off_id))
        tx.note(row, state=row.state, points=len(row.points))
