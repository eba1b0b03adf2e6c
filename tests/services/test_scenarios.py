"""Runs: freezing, solving, recording, and everything that can go wrong on the way."""

import json
import socket
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

import matching
from placements import tasks
from placements.access import Role
from placements.allocations.service import adopt_run
from placements.audit.models import AuditEntry
from placements.capacity.models import DeclarationRecord
from placements.clock import now_utc
from placements.cohorts.models import Cohort
from placements.errors import NotAllowed, NotFound, Refused
from placements.extensions import db
from placements.organisations.models import TravelOverride
from placements.scenarios import claims, queries, results, service, solving
from placements.scenarios.frozen import problem_of_run
from placements.scenarios.models import Placing, Run
from tests.factories import NetworkFactory, viewer_as
from tests.factories.region import small_round


@pytest.fixture
def queued(app: object, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, object]]]:
    """The jobs that services queue, in order, instead of a worker's queue."""
    jobs: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(tasks, "_queue", lambda name, arguments: jobs.append((name, arguments)))
    return jobs


def finished(run_id: int) -> Run:
    db.session.expire_all()
    run = db.session.scalar(select(Run).where(Run.id == run_id))
    assert run is not None
    return run


def test_a_run_places_whom_it_can_and_says_why_not_the_rest(
    session: Session, queued: list[tuple[str, dict[str, object]]]
) -> None:
    region = small_round(learners=3, places=(1, 1))
    run_id = service.start_run(region.lead, region.round.id).id
    assert queued == [("perform_run", {"run_id": run_id})]
    solving.perform_run(run_id)
    run = finished(run_id)
    assert run.state == "finished", run.message
    assert (run.summary["placed"], run.summary["requirements"]) == (2, 3)
    assert run.summary["status"] == "optimal"
    placings = session.scalars(select(Placing).where(Placing.run_id == run_id)).all()
    placed = {placing.department_id for placing in placings if placing.department_id}
    assert placed == {department.id for department in region.departments}
    (unplaced,) = [placing for placing in placings if placing.department_id is None]
    assert unplaced.reason is not None
    assert unplaced.reason["kind"] == "shortage"
    assert set(unplaced.reason["departments"]) == placed
    assert len(unplaced.reason["competing"]) == 3
    assert all(
        placing.travel_minutes and placing.travel_is_estimated
        for placing in placings
        if placing.department_id
    )
    assert [entry.action for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))] == [
        "start_run",
        "claim_run",
        "record_run",
    ]


def test_a_learner_who_must_avoid_every_site_is_told_the_rule(session: Session, queued: object) -> None:
    region = small_round(learners=1, places=(1, 1))
    region.learners[0].travel_limit_minutes = 1
    session.commit()
    run_id = service.start_run(region.lead, region.round.id).id
    solving.perform_run(run_id)
    (placing,) = session.scalars(select(Placing).where(Placing.run_id == run_id))
    assert placing.reason is not None
    assert placing.reason["kind"] == "rules"
    assert set(placing.reason["rules"]) == {"travel_limit"}
    assert len(placing.reason["rules"]["travel_limit"]) == 2


def test_uploaded_travel_minutes_count_before_estimates(session: Session, queued: object) -> None:
    region = small_round(learners=1, places=(1, 1))
    far, near = region.departments
    session.add(
        TravelOverride(
            network_id=region.round.network_id, origin="B15", site=far.site.postcode, mode="car", minutes=80
        )
    )
    session.add(
        TravelOverride(
            network_id=region.round.network_id, origin="B15", site=near.site.postcode, mode="car", minutes=7
        )
    )
    session.commit()
    run_id = service.start_run(region.lead, region.round.id).id
    solving.perform_run(run_id)
    (placing,) = session.scalars(select(Placing).where(Placing.run_id == run_id))
    assert (placing.department_id, placing.travel_minutes) == (near.id, 7)
    assert not placing.travel_is_estimated


def test_a_snapshot_is_frozen_and_solves_again_to_the_same(session: Session, queued: object) -> None:
    region = small_round(learners=4, places=(2, 1))
    run_id = service.start_run(region.lead, region.round.id).id
    session.execute(delete(DeclarationRecord))
    session.commit()
    solving.perform_run(run_id)
    run = finished(run_id)
    assert run.summary["placed"] == 3
    problem = problem_of_run(run)
    again = matching.solve(problem, matching.Policy.from_json(run.policy))
    assert json.loads(again.to_json())["assignment"] == json.loads(run.result or "")["assignment"]


def test_no_learners_and_no_places_are_said_before_anything_is_queued(
    session: Session, queued: list[object]
) -> None:
    region = small_round()
    session.execute(update(Cohort).values(state="draft"))
    session.commit()
    with pytest.raises(Refused, match="nobody to place"):
        service.start_run(region.lead, region.round.id)
    session.execute(update(Cohort).values(state="submitted"))
    session.execute(delete(DeclarationRecord))
    session.commit()
    with pytest.raises(Refused, match="nowhere to place"):
        service.start_run(region.lead, region.round.id)
    assert queued == []
    assert session.scalars(select(Run)).all() == []


def test_one_run_of_a_round_at_a_time(session: Session, queued: list[object]) -> None:
    region = small_round()
    first = service.start_run(region.lead, region.round.id)
    with pytest.raises(Refused, match="already under way"):
        service.start_run(region.lead, region.round.id)
    solving.perform_run(first.id)
    assert service.start_run(region.lead, region.round.id).id != first.id


def test_two_presses_at_the_same_moment_make_one_run(
    session: Session, queued: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    region = small_round()
    service.start_run(region.lead, region.round.id)
    # The second press has looked before the first committed: only the database can tell.
    monkeypatch.setattr(queries, "run_under_way", lambda session, round_id: None)
    with pytest.raises(Refused, match="already under way"):
        service.start_run(region.lead, region.round.id)
    assert len(queued) == 1


def test_a_queued_run_is_cancelled_at_once_and_never_performed(session: Session, queued: object) -> None:
    region = small_round()
    run_id = service.start_run(region.lead, region.round.id).id
    assert service.cancel_run(region.lead, run_id).state == "cancelled"
    solving.perform_run(run_id)
    assert finished(run_id).state == "cancelled"
    with pytest.raises(Refused):
        service.cancel_run(region.lead, run_id)


def test_a_running_run_stops_when_asked(
    session: Session, queued: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = small_round()
    run_id = service.start_run(region.lead, region.round.id).id
    solve = matching.solve

    def asked_meanwhile(problem: object, policy: object, *, progress: object, stop: object) -> object:
        service.cancel_run(region.lead, run_id)
        return solve(problem, policy, progress=progress, stop=stop)  # type: ignore[arg-type]

    monkeypatch.setattr(matching, "solve", asked_meanwhile)
    solving.perform_run(run_id)
    # The best answer so far is kept, and can be adopted.
    run = finished(run_id)
    assert (run.state, run.cancel_requested, run.summary["placed"]) == ("finished", True, 2)
    assert run.summary["status"] == "cancelled"
    assert len(session.scalars(select(Placing)).all()) == 3
    assert results.certificate(run.summary).text.startswith("Somebody stopped the search")
    adopt_run(region.lead, run_id)


def test_a_stopped_run_that_found_no_place_keeps_nothing(
    session: Session, queued: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = small_round()
    run_id = service.start_run(region.lead, region.round.id).id
    nothing = matching.Result("cancelled", tiers=(matching.Tier("unplaced_priority_1", 3, 0, 1.0),))
    monkeypatch.setattr(matching, "solve", lambda problem, policy, **rest: nothing)
    monkeypatch.setattr(matching, "verify", lambda problem, policy, result: [])
    solving.perform_run(run_id)
    run = finished(run_id)
    assert (run.state, run.summary, run.result) == ("cancelled", {}, None)
    assert session.scalars(select(Placing)).all() == []


def test_a_result_that_the_checker_refuses_is_never_shown(
    session: Session, queued: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = small_round(learners=2, places=(1, 0))
    run_id = service.start_run(region.lead, region.round.id).id
    solve = matching.solve

    def wrong(problem: matching.Problem, policy: object, **rest: object) -> matching.Result:
        result = solve(problem, policy, **rest)  # type: ignore[arg-type]
        offer = next(iter(result.assignment.values()))
        return type(result)(
            status=result.status, assignment={r.key: offer for r in problem.requirements}, tiers=result.tiers
        )

    monkeypatch.setattr(matching, "solve", wrong)
    solving.perform_run(run_id)
    run = finished(run_id)
    assert run.state == "failed"
    assert "checker" in (run.message or "")
    assert session.scalars(select(Placing)).all() == []


def test_an_error_in_the_solver_is_kept_in_words(
    session: Session, queued: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = small_round()
    run_id = service.start_run(region.lead, region.round.id).id

    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(matching, "solve", broken)
    solving.perform_run(run_id)
    assert finished(run_id).state == "failed"
    assert "out of luck" in (finished(run_id).message or "")


def dead_worker() -> str:
    """The name of a worker of this machine that is no longer alive."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    name = f"{socket.gethostname()}:{process.pid}:1"
    process.wait()
    return name


def test_a_run_whose_worker_died_is_found_and_resumed(
    session: Session, queued: list[tuple[str, dict[str, object]]]
) -> None:
    region = small_round()
    run_id = service.start_run(region.lead, region.round.id).id
    session.execute(
        update(Run).values(state="running", worker=dead_worker(), attempts=1, heartbeat_utc=now_utc())
    )
    session.commit()
    queued.clear()
    solving.recover_runs()
    assert finished(run_id).state == "queued"
    assert queued == [("perform_run", {"run_id": run_id})]
    solving.perform_run(run_id)
    assert finished(run_id).state == "finished"
    assert len(session.scalars(select(Placing)).all()) == 3


def test_a_run_that_keeps_killing_its_worker_is_given_up(session: Session, queued: list[object]) -> None:
    region = small_round()
    run_id = service.start_run(region.lead, region.round.id).id
    session.execute(
        update(Run).values(
            state="running", worker=dead_worker(), attempts=claims.MOST_ATTEMPTS, heartbeat_utc=now_utc()
        )
    )
    session.commit()
    queued.clear()
    solving.recover_runs()
    run = finished(run_id)
    assert (run.state, queued) == ("failed", [])
    assert "worker stopped" in (run.message or "")


def test_a_living_workers_run_is_left_alone_and_a_lost_job_is_queued_again(
    session: Session, queued: list[object]
) -> None:
    region = small_round()
    run_id = service.start_run(region.lead, region.round.id).id
    queued.clear()
    solving.recover_runs()
    assert queued == []
    session.execute(update(Run).values(requested_utc=now_utc() - timedelta(hours=1)))
    session.commit()
    solving.recover_runs()
    assert queued == [("perform_run", {"run_id": run_id})]
    session.execute(update(Run).values(state="running", worker=claims.worker_name(), attempts=1))
    session.commit()
    queued.clear()
    solving.recover_runs()
    assert (finished(run_id).state, queued) == ("running", [])


def test_a_worker_that_lost_its_run_records_nothing(
    session: Session, queued: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    region = small_round()
    run_id = service.start_run(region.lead, region.round.id).id
    solve = matching.solve

    def slow(*arguments: object, **rest: object) -> object:
        session.execute(update(Run).values(worker="another:1:1"))
        session.commit()
        return solve(*arguments, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(matching, "solve", slow)
    solving.perform_run(run_id)
    assert finished(run_id).state == "running"
    assert session.scalars(select(Placing)).all() == []


@pytest.mark.parametrize("role", [Role.PLACEMENT_OFFICER, Role.PRACTICE_EDUCATOR, Role.ADMINISTRATOR])
def test_only_an_academy_lead_of_the_network_runs_the_match(
    session: Session, queued: object, role: Role
) -> None:
    region = small_round()
    with pytest.raises(NotAllowed):
        service.start_run(viewer_as(role), region.round.id)
    run_id = service.start_run(region.lead, region.round.id).id
    foreign = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Another network").id)
    with pytest.raises(NotFound):
        service.cancel_run(foreign, run_id)
