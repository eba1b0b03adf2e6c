"""A worker's claim on what it works at, a run or a trade-off: made, found lost, and taken up again.

What was claimed belongs to its worker until it ends. A worker that dies leaves it `running`; the next worker
to start, or any worker's minute chore, finds it and queues it again, up to MOST_ATTEMPTS times.
"""

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from placements.clock import now_utc
from placements.scenarios.models import Claimed
from placements.states import StateMachine

MOST_ATTEMPTS = 3
# A worker on another machine that has said nothing for this long is taken for dead.
QUIET_FOR = timedelta(minutes=15)
# What is queued and whose job has been lost, as when the queue's file was deleted, is queued again after this
# long.
WAITING_FOR = timedelta(minutes=2)
UNDER_WAY = ("queued", "running")

Work = TypeVar("Work", bound=Claimed)


def claim(session: Session, kind: type[Claimed], id_: int, moves: StateMachine, **values: object) -> bool:
    """Make what is queued this worker's, with further values; False where another has it or it is over."""
    now = now_utc()
    claimed = session.execute(
        update(kind)
        .where(kind.id == id_, kind.state == "queued")
        .values(
            state=moves.move("queued", "claim"),
            worker=worker_name(),
            attempts=kind.attempts + 1,
            heartbeat_utc=now,
            **values,
        )
    )
    return cast("CursorResult[Any]", claimed).rowcount == 1


def own(session: Session, kind: type[Work], id_: int) -> Work | None:
    """What this worker claimed, where it still has it."""
    return session.scalar(
        select(kind)
        .where(kind.id == id_, kind.state == "running", kind.worker == worker_name())
        .with_for_update()
    )


def lost(session: Session, kind: type[Claimed]) -> list[int]:
    """Those that nobody is at work at any more, by id."""
    return [
        row.id
        for row in session.scalars(select(kind).where(kind.state.in_(UNDER_WAY)))
        if is_lost(row.state, row.worker, row.heartbeat_utc or row.requested_utc)
    ]


def recover(session: Session, kind: type[Work], id_: int, moves: StateMachine) -> Work | None:
    """Take up again what was lost: it is `queued` from now on and its job is still to be queued, or `failed`
    where it was begun too often. None where it has ended meanwhile."""
    row = session.scalar(select(kind).where(kind.id == id_).with_for_update())
    if row is None or row.state not in UNDER_WAY:
        return None
    if row.attempts >= MOST_ATTEMPTS:
        row.state = moves.move(row.state, "fail")
    else:
        row.state = moves.move(row.state, "requeue")
        row.worker, row.heartbeat_utc = None, now_utc()
    return row


def worker_name() -> str:
    """This process, told apart from a later one with the same number by when it started."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def is_lost(state: str, worker: str | None, heard_utc: datetime) -> bool:
    """Whether nobody is at work that is queued or running any more: its job was lost, or its worker died, as
    far as this machine can tell; it was last heard of then."""
    if state == "queued":
        return heard_utc < now_utc() - WAITING_FOR
    host, _, rest = (worker or "").partition(":")
    pid, _, started = rest.partition(":")
    if host == socket.gethostname() and pid.isdigit():
        return _started(int(pid)) != started
    return heard_utc < now_utc() - QUIET_FOR


def _started(pid: int) -> str:
    """When a process of this machine began, in the kernel's ticks; empty where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    # A killed process that nobody has waited for yet is a zombie: it will not finish anything.
    return "" if fields[0] == "Z" else fields[19]
