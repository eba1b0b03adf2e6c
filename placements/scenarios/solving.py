"""The worker's job: claim a run, solve its snapshot with no transaction open, record what is verified."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any

from sqlalchemy import select, update

import matching
from placements.access import SYSTEM, Action
from placements.clock import now_utc
from placements.extensions import db
from placements.scenarios import claims
from placements.scenarios.claims import worker_name
from placements.scenarios.frozen import policy_of_run, problem_of_run
from placements.scenarios.models import Run
from placements.scenarios.outcome import record
from placements.scenarios.repairing import repaired
from placements.states import RUN
from placements.tasks import chore, job, queue
from placements.transaction import transaction

# Progress is written, and a wish to cancel is read, at most this often.
SECONDS_BETWEEN_REPORTS = 0.4
# The points of the curve that a page draws.
MOST_POINTS = 200

log = logging.getLogger(__name__)


@job
def perform_run(run_id: int) -> None:
    """Perform a queued run; does nothing where another worker has it or it is over."""
    if not _claim(run_id):
        return
    run = db.session.scalar(select(Run).where(Run.id == run_id))
    if run is None:
        return
    try:
        problem, policy = problem_of_run(run), policy_of_run(run)
        kind, settings = run.kind, run.settings
        _let_go()
        watch = _Watch(run_id)
        facts: dict[str, Any] = {}
        if kind == "repair":
            result, facts = repaired(problem, policy, settings, progress=watch.report, stop=watch.should_stop)
        else:
            result = matching.solve(problem, policy, progress=watch.report, stop=watch.should_stop)
        _finish(run_id, problem, policy, result, facts)
    except Exception as error:
        log.exception("run %s failed", run_id)
        _fail(run_id, f"The match stopped with an error: {error}")


def solve_again(
    problem: matching.Problem, policy: matching.Policy, kind: str, settings: dict[str, Any]
) -> matching.Result:
    """The result of what a run kept, with nobody watching."""
    if kind == "repair":
        return repaired(problem, policy, settings, progress=lambda progress: None, stop=lambda: False)[0]
    return matching.solve(problem, policy)


@chore
def recover_runs() -> None:
    """Queue again the runs whose worker died or whose job was lost; give up on one that keeps dying."""
    lost = claims.lost(db.session, Run)
    _let_go()
    for run_id in lost:
        _recover(run_id)


class _Watch:
    """Writes progress for the page and reads whether somebody wants the run to stop, each not too often."""

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._reported = self._asked = 0.0
        self._stage = ""
        self._stop = False
        # The part of the round that was last told of: what an aim within it is called says nothing of it.
        self._part = ""
        self._curve: list[list[Any]] = []

    def report(self, progress: matching.Progress) -> None:
        now = monotonic()
        if progress.stage == self._stage and now - self._reported < SECONDS_BETWEEN_REPORTS:
            return
        self._stage, self._reported = progress.stage, now
        if progress.stage.startswith("part "):
            self._part = progress.stage
        self._curve = with_point(self._curve, progress)
        with transaction(SYSTEM, Action.REPORT_RUN, audited=False) as tx:
            tx.session.execute(
                update(Run)
                .where(Run.id == self._run_id, Run.worker == worker_name())
                .values(
                    heartbeat_utc=now_utc(),
                    progress={
                        "stage": progress.stage,
                        "incumbent": progress.incumbent,
                        "bound": progress.bound,
                        "seconds": round(progress.seconds, 1),
                        "part": self._part,
                    },
                    curve=self._curve,
                )
            )
        _let_go()

    def should_stop(self) -> bool:
        now = monotonic()
        if not self._stop and now - self._asked >= SECONDS_BETWEEN_REPORTS:
            self._asked = now
            self._stop = bool(db.session.scalar(select(Run.cancel_requested).where(Run.id == self._run_id)))
            _let_go()
        return self._stop


def with_point(curve: list[list[Any]], progress: matching.Progress) -> list[list[Any]]:
    """A run's curve with one report more, of [seconds, stage, incumbent, bound]; one that says nothing new
    takes the place of the last, and a curve that grows too long keeps every other point between its ends."""
    if progress.incumbent is None and progress.bound is None:
        return curve
    point = [round(progress.seconds, 2), progress.stage, progress.incumbent, progress.bound]
    if len(curve) > 1 and curve[-1][2:] == curve[-2][2:] == point[2:]:
        curve = curve[:-1]
    curve = [*curve, point]
    return curve if len(curve) <= MOST_POINTS else [*curve[:-1:2], curve[-1]]


def _claim(run_id: int) -> bool:
    with transaction(SYSTEM, Action.CLAIM_RUN) as tx:
        claimed_it = claims.claim(
            tx.session,
            Run,
            run_id,
            RUN,
            started_utc=now_utc(),
            progress={"stage": "reading the snapshot", "incumbent": None, "bound": None, "seconds": 0},
            curve=[],
        )
        tx.note(run=run_id, claimed=claimed_it)
    return claimed_it


def _finish(
    run_id: int,
    problem: matching.Problem,
    policy: matching.Policy,
    result: matching.Result,
    facts: dict[str, Any],
) -> None:
    """Record a result that the check passes; `facts` stand in the summary in place of the result's own."""
    violations = matching.verify(problem, policy, result)
    if violations:
        log.error("run %s: the checker refused the result: %s", run_id, violations[:5])
        _fail(run_id, f"The independent checker refused the result: {violations[0]}")
        return
    with transaction(SYSTEM, Action.RECORD_RUN) as tx:
        run = claims.own(tx.session, Run, run_id)
        if run is None:
            return
        # Stopped with places found: the best answer so far is kept, and says how far it is from proven.
        verb = "cancel" if result.status == "cancelled" and not result.assignment else "finish"
        run.state = RUN.move(run.state, verb)
        run.finished_utc = now_utc()
        if verb == "finish":
            record(tx.session, run, problem, policy, result)
            run.summary = run.summary | facts
        tx.note(run, status=result.status, placed=len(result.assignment), unplaced=len(result.unplaced))


def _fail(run_id: int, message: str) -> None:
    db.session.rollback()
    with transaction(SYSTEM, Action.FAIL_RUN) as tx:
        run = claims.own(tx.session, Run, run_id)
        if run is None:
            return
        run.state, run.message, run.finished_utc = RUN.move(run.state, "fail"), message[:2000], now_utc()
        tx.note(run, message=run.message)


def _recover(run_id: int) -> None:
    with transaction(SYSTEM, Action.RECOVER_RUN) as tx:
        run = claims.recover(tx.session, Run, run_id, RUN)
        if run is None:
            return
        if run.state == "failed":
            run.message = (
                f"The worker stopped in the middle of this run {run.attempts} times, so it was given up."
                " Nothing was saved from it."
            )
            run.finished_utc = now_utc()
        else:
            tx.afterwards(lambda: queue("perform_run", run_id=run_id))
        tx.note(run, state=run.state, attempts=run.attempts)


def _let_go() -> None:
    """End the reading transaction, so that none is open while solving."""
    db.session.rollback()
