"""The running processes: they start, find each other through the database, and end together."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from placements import tasks
from placements.allocations.service import adopt_run, publish_round
from placements.extensions import db
from placements.repairs import service as repairs
from placements.repairs.models import TradeOff
from placements.repairs.trade_off import STEPS
from placements.scenarios import service
from placements.scenarios.claims import MOST_ATTEMPTS
from placements.scenarios.models import Placing, Run
from tests.factories.region import small_round
from tests.setup import marking
from tests.setup.processes import Installation, Process, wait_for


@pytest.fixture
def installation(app: Flask, database_url: str, tmp_path: Path) -> Installation:
    """The processes of the same folder and database that the test's own application uses."""
    return Installation(tmp_path, database_url)


@pytest.fixture
def on_sqlite(sqlite_url: str, tmp_path: Path) -> Installation:
    return Installation(tmp_path, sqlite_url)


def test_the_worker_does_what_another_process_queues(installation: Installation, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    tasks.queue(marking.leave_mark.__name__, path=str(mark))
    with installation.running(module="tests.setup.marking") as worker:
        wait_for(mark.exists, "the mark", worker)
        wait_for(mark.read_text, "the worker's number")
        assert mark.read_text() == str(worker.pid)
        mark.unlink()
        tasks.queue(marking.leave_mark.__name__, path=str(mark))
        wait_for(mark.exists, "a second mark, from a worker that had been idle")
        assert worker.stop() == 0


def test_a_run_is_matched_by_the_worker(session: Session, installation: Installation) -> None:
    region = small_round(learners=3, places=(1, 1))
    with installation.running("worker") as worker:
        run_id = service.start_run(region.lead, region.round.id).id
        run = wait_for(lambda: run_in(run_id, "finished", "failed"), "the run's end", worker)
        assert (run.state, run.summary["placed"]) == ("finished", 2), run.message


def test_a_killed_worker_s_run_is_taken_up_when_the_next_one_starts(
    session: Session, installation: Installation
) -> None:
    region = small_round(learners=3, places=(1, 1))
    run_id = service.start_run(region.lead, region.round.id).id
    kill_in_the_middle_of(run_id, installation)
    assert run_in(run_id, "running"), "nobody has noticed yet"
    with installation.running("worker") as worker:
        run = wait_for(lambda: run_in(run_id, "finished", "failed"), "the run's end", worker)
        assert (run.state, run.attempts) == ("finished", 2), run.message


def test_a_run_that_keeps_killing_its_worker_is_given_up_in_words(
    on_sqlite: Installation, site: Flask
) -> None:
    region = small_round(learners=3, places=(1, 1))
    run_id = service.start_run(region.lead, region.round.id).id
    db.session.execute(update(Run).values(attempts=MOST_ATTEMPTS - 1))
    db.session.commit()
    kill_in_the_middle_of(run_id, on_sqlite)
    with on_sqlite.running("worker") as worker:
        run = wait_for(lambda: run_in(run_id, "finished", "failed"), "the run's end", worker)
    assert run.state == "failed"
    assert "given up" in (run.message or "")


def test_a_killed_worker_loses_and_doubles_nothing_of_a_repair_and_its_trade_off(
    on_sqlite: Installation, site: Flask
) -> None:
    region = small_round(learners=3, places=(1, 1))
    with on_sqlite.running("worker") as worker:
        first = service.start_run(region.lead, region.round.id).id
        wait_for(lambda: run_in(first, "finished"), "the match", worker)
    adopt_run(region.lead, first)
    db.session.expire_all()
    publish_round(region.lead, region.round.id, version=region.round.version)
    repair = repairs.start_repair(region.lead, region.round.id).id
    kill_in_the_middle_of(repair, on_sqlite)
    with on_sqlite.running("worker") as worker:
        run = wait_for(lambda: run_in(repair, "finished", "failed"), "the repair's end", worker)
        assert (run.state, run.attempts) == ("finished", 2), run.message
    assert db.session.scalar(select(func.count()).where(Placing.run_id == repair)) == 3
    row_id = repairs.draw_trade_off(region.lead, repair).id

    def drawn(*states: str) -> TradeOff | None:
        db.session.rollback()
        return db.session.scalar(select(TradeOff).where(TradeOff.id == row_id, TradeOff.state.in_(states)))

    with on_sqlite.running(module="tests.setup.stuck") as worker:
        wait_for(lambda: drawn("running"), "a claim", worker)
        worker.kill()
    with on_sqlite.running("worker") as worker:
        row = wait_for(lambda: drawn("finished", "failed"), "the trade-off's end", worker)
    assert row.state == "finished", row.message
    assert [point["step"] for point in row.points] == list(STEPS)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_site_and_worker_both_end(on_sqlite: Installation, signum: int) -> None:
    with on_sqlite.running("serve") as both:
        on_sqlite.wait_until_ready(both)
        assert on_sqlite.answer("/health") == 200
        both.says(f"Placements is at {on_sqlite.address}")
        both.says("The worker is ready.")
        assert both.stop(signum) == 0, both.output
        assert on_sqlite.answer("/health") is None
        assert not children_of(both)


@pytest.mark.parametrize("name", ["site", "worker"])
def test_where_one_dies_the_other_stops_and_the_status_says_so(on_sqlite: Installation, name: str) -> None:
    with on_sqlite.running("serve") as both:
        on_sqlite.wait_until_ready(both)
        both.says("The worker is ready.")
        os.kill(started(both, name), signal.SIGKILL)
        assert both.ends() == 1, both.output
        assert "ended by itself" in both.output
        assert on_sqlite.answer("/health") is None
        assert not children_of(both)


def test_a_killed_serve_leaves_nothing_running(on_sqlite: Installation) -> None:
    with on_sqlite.running("serve") as both:
        on_sqlite.wait_until_ready(both)
        both.says("The worker is ready.")
        both.kill()
        wait_for(lambda: not children_of(both), "the end of site and worker")
        assert on_sqlite.answer("/health") is None


def run_in(run_id: int, *states: str) -> Run | None:
    """The run where it is in one of these states by now."""
    db.session.rollback()
    return db.session.scalar(select(Run).where(Run.id == run_id, Run.state.in_(states)))


def kill_in_the_middle_of(run_id: int, installation: Installation) -> None:
    """Let a worker claim the run, and kill it while it is solving."""
    before = db.session.scalar(select(Run.attempts).where(Run.id == run_id)) or 0
    with installation.running(module="tests.setup.stuck") as worker:
        wait_for(
            lambda: (run := run_in(run_id, "running")) and run.attempts > before,
            "a claim",
            worker,
        )
        worker.kill()


def started(both: Process, name: str) -> int:
    """The number of the process that `serve` started under this name."""
    line = next(line for line in both.output.splitlines() if f"{name} started (pid=" in line)
    return int(line.rpartition("=")[2].rstrip(")"))


def children_of(both: Process) -> str:
    """What still runs of the two processes that `serve` started."""
    pids = [str(started(both, name)) for name in ("site", "worker")]
    shown = subprocess.run(
        ["ps", "-o", "pid=,stat=,args=", "-p", ",".join(pids)], capture_output=True, text=True, check=False
    )
    return "\n".join(line for line in shown.stdout.splitlines() if " Z" not in line)
