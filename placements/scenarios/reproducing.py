"""A finished run solved once more from what it kept, and whether the same comes of it, byte by byte.

Compared are the results as canonical JSON: keys in order, no spaces, and without the seconds that the solve
and its stages took, which no two solves share. Everything else counts.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from placements.access import SYSTEM, Action, Viewer
from placements.clock import now_utc
from placements.errors import NotFound, Refused
from placements.extensions import db
from placements.scenarios import queries
from placements.scenarios.frozen import policy_of_run, problem_of_run
from placements.scenarios.models import Run
from placements.scenarios.solving import solve_again
from placements.tasks import job, queue
from placements.transaction import transaction

TIMINGS = ("seconds", "stages")


@dataclass(frozen=True)
class Reproduced:
    """Whether a run gave the same again, and the SHA-256 of either canonical result. One that was stopped
    before it was proven, by somebody or by its time limit, may differ without fault."""

    is_same: bool
    before: str
    again: str
    was_stopped: bool

    @property
    def words(self) -> str:
        if self.is_same:
            return "The same, byte by byte: the kept data, locks and policy give this result again."
        if self.was_stopped:
            return (
                "Not the same. This run was stopped before its result was proven, and where a search stops"
                " depends on the machine."
            )
        return "Not the same. Tell whoever looks after this service the number of this run."


def reproduce(session: Session, run_id: int) -> Reproduced:
    """Solve a finished run again, with no transaction open, and compare; the shell asks, for nobody. Raises
    Refused for one that has no result, or whose result was made by hand."""
    run = session.scalar(select(Run).where(Run.id == run_id))
    if run is None:
        raise NotFound("There is no such run.")
    check_can(run)
    return _compared(session, run)


def check_can(run: Run) -> None:
    """Raise Refused where there is nothing to solve again."""
    if run.state != "finished" or run.result is None:
        raise Refused("Only a finished run can be solved again.")
    if run.kind == "hand":
        raise Refused(
            "This run was made by hand from another: nothing was searched for. Solve the other one again."
        )


def ask_to_reproduce(viewer: Viewer, run_id: int) -> Run:
    """Queue a second solve of a finished run; its page says what came of it."""
    with transaction(viewer, Action.REPRODUCE_RUN) as tx:
        run = queries.run_by_id(tx.session, viewer, run_id)
        check_can(run)
        run.summary = run.summary | {"reproduced": {"asked_utc": now_utc().isoformat()}}
        tx.note(run)
        tx.afterwards(lambda: queue("reproduce_run", run_id=run_id))
    return run


@job
def reproduce_run(run_id: int) -> None:
    """Solve a run again and keep whether it gave the same."""
    run = db.session.scalar(select(Run).where(Run.id == run_id))
    if run is None or run.state != "finished" or run.kind == "hand":
        return
    found = _compared(db.session, run)
    with transaction(SYSTEM, Action.RECORD_RUN) as tx:
        kept = tx.session.scalar(select(Run).where(Run.id == run_id))
        if kept is None:
            return
        said = asdict(found) | {"at_utc": now_utc().isoformat(), "words": found.words}
        kept.summary = kept.summary | {"reproduced": said}
        tx.note(kept, reproduced=found.is_same)


def canonical(result_json: str) -> bytes:
    """A result's canonical JSON without its timings."""
    whole = json.loads(result_json)
    for name in TIMINGS:
        whole.pop(name, None)
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def snapshot_json(run: Run) -> str:
    """All that a run was solved from, as one JSON object: problem with locks, policy, settings; keys in
    order."""
    problem = json.loads(problem_of_run(run).to_json())
    whole = {
        "run": run.id,
        "kind": run.kind,
        "snapshot": run.snapshot.digest,
        "problem": problem,
        "policy": json.loads(run.policy),
        "settings": run.settings,
    }
    return json.dumps(whole, sort_keys=True, ensure_ascii=False)


def _compared(session: Session, run: Run) -> Reproduced:
    problem, policy, kind, settings = problem_of_run(run), policy_of_run(run), run.kind, run.settings
    before = canonical(run.result or "")
    was_stopped = matching.Result.from_json(run.result or "").status in ("gap", "cancelled")
    session.rollback()
    again = canonical(solve_again(problem, policy, kind, settings).to_json())
    return Reproduced(before == again, _digest(before), _digest(again), was_stopped)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
