"""A run watched: its curve, thinned; what is said of where it is; a run solved again to the byte."""

import json
from itertools import pairwise

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

import matching
from placements import tasks
from placements.access import Role
from placements.audit.models import AuditEntry
from placements.errors import NotAllowed, NotFound, Refused
from placements.extensions import db
from placements.scenarios import editing, reproducing, service, solving
from placements.scenarios.conflicts import conflicts_of_run
from placements.scenarios.frozen import problem_of_run
from placements.scenarios.locks import lift_lock, save_lock
from placements.scenarios.models import Run
from placements.scenarios.solving import MOST_POINTS, with_point
from placements.scenarios.watching import HEIGHT, WIDTH, curve_of, describe_progress
from tests.factories import NetworkFactory, RunFactory, saved, viewer_as
from tests.factories.region import SmallRound, small_round


@pytest.fixture
def queued(app: object, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    jobs: list[str] = []
    monkeypatch.setattr(tasks, "_queue", lambda name, arguments: jobs.append(name))
    return jobs


def run_of(region: SmallRound) -> Run:
    """A run that the engine finished."""
    run_id = service.start_run(region.lead, region.round.id).id
    solving.perform_run(run_id)
    return anew(run_id)


def anew(run_id: int) -> Run:
    db.session.expire_all()
    run = db.session.scalar(select(Run).where(Run.id == run_id))
    assert run is not None
    return run


def test_a_curve_stays_short_and_keeps_its_ends_and_what_changed() -> None:
    curve: list[list[object]] = []
    for second in range(5_000):
        curve = with_point(curve, matching.Progress("part", 10_000 - second, second // 50, float(second)))
        assert len(curve) <= MOST_POINTS
    assert curve[0] == [0.0, "part", 10_000, 0]
    assert curve[-1] == [4999.0, "part", 5_001, 99]
    assert all(before[0] < after[0] for before, after in pairwise(curve))
    # What says nothing new makes it no longer.
    for second in range(5_000, 5_010):
        curve = with_point(curve, matching.Progress("part", 5_001, 99, float(second)))
    assert curve[-1] == [5009.0, "part", 5_001, 99]
    assert [point[2] for point in curve].count(5_001) == 2
    assert with_point([], matching.Progress("eligibility", None, None, 0.1)) == []


def test_the_curve_is_drawn_as_steps_from_the_most_to_the_least() -> None:
    curve = curve_of([[1.0, "a", 100, None], [5.0, "b", 60, 20], [10.0, "c", 20, 20]])
    assert curve is not None
    assert (curve.most, curve.least, curve.seconds) == (100, 20, 10.0)
    assert curve.best == (
        f"60.0,0.0 300.0,0.0 300.0,{HEIGHT / 2:.1f} {WIDTH}.0,{HEIGHT / 2:.1f} {WIDTH}.0,{HEIGHT}.0"
        f" {WIDTH},{HEIGHT}.0"
    )
    assert curve.proven == f"300.0,{HEIGHT}.0 {WIDTH}.0,{HEIGHT}.0 {WIDTH}.0,{HEIGHT}.0 {WIDTH},{HEIGHT}.0"
    assert curve.rows == [[1.0, 100, None], [5.0, 60, 20], [10.0, 20, 20]]
    assert curve_of([]) is None
    assert curve_of([[1.0, "a", 5, 5]]) is None
    flat = curve_of([[0.0, "a", 5, 5], [0.0, "b", 5, 5]])
    assert flat is not None
    assert "nan" not in flat.best


@pytest.mark.parametrize(
    ("progress", "percent", "words"),
    [
        ({"stage": "eligibility"}, 10, "Finding which sites"),
        ({"stage": "part 2 of 4", "part": "part 2 of 4"}, 50, "part 2 of 4"),
        ({"stage": "first answer", "part": "part 2 of 4"}, 50, "longest part"),
        ({"stage": "first answer", "part": ""}, 15, "longest part"),
    ],
)
def test_how_far_a_run_is_never_falls_back(progress: dict[str, str], percent: int, words: str) -> None:
    said = describe_progress(Run(state="running", kind="match", progress=progress, curve=[]))
    assert said["percent"] == percent
    assert words in said["words"]


def test_what_was_found_and_proven_is_still_told_while_reasons_are_sought() -> None:
    progress = {"stage": "reasons", "incumbent": None, "bound": None}
    curve = [[0.5, "first answer", 90, None], [1.0, "part 1 of 1", 64, 59]]
    said = describe_progress(Run(state="running", kind="match", progress=progress, curve=curve))
    assert (said["incumbent"], said["bound"], said["gap"]) == (64, 59, 5)


def test_a_run_keeps_the_curve_of_its_search(session: Session, queued: list[str]) -> None:
    run = run_of(small_round(learners=3, places=(1, 1)))
    assert run.curve
    assert run.curve[-1][2:] == [1, 1]


def test_a_finished_run_solves_again_to_the_same_bytes(session: Session, queued: list[str]) -> None:
    region = small_round(learners=4, places=(2, 1))
    lock = save_lock(
        region.lead,
        round_id=region.round.id,
        scenario_id=None,
        requirement_id=region.learners[0].requirements[0].id,
        kind="pin",
        department_id=region.departments[1].id,
        reason="To be kept with the run",
    )
    run_id = run_of(region).id
    # What is changed afterwards does not reach what the run kept.
    lift_lock(region.lead, lock.id)
    region.learners[1].travel_limit_minutes = 1
    session.commit()
    found = reproducing.reproduce(session, run_id)
    assert found.is_same
    assert found.before == found.again
    assert found.words.startswith("The same, byte by byte")

    reproducing.ask_to_reproduce(region.lead, run_id)
    assert queued[-1] == "reproduce_run"
    reproducing.reproduce_run(run_id)
    kept = anew(run_id).summary["reproduced"]
    assert (kept["is_same"], kept["before"]) == (True, found.before)
    assert [entry.action for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))][-2:] == [
        "reproduce_run",
        "record_run",
    ]


def test_a_run_that_gives_something_else_is_told_apart(session: Session, queued: list[str]) -> None:
    run = run_of(small_round(learners=3, places=(1, 1)))
    result = json.loads(run.result or "")
    for changed, words in (
        (result | {"objective": result["objective"] + 1}, "Tell whoever looks after"),
        (result | {"objective": result["objective"] + 1, "status": "gap"}, "was stopped before"),
    ):
        session.execute(update(Run).where(Run.id == run.id).values(result=json.dumps(changed)))
        session.commit()
        found = reproducing.reproduce(session, run.id)
        assert not found.is_same
        assert words in found.words
    timings = result | {"seconds": 99.0, "stages": []}
    assert reproducing.canonical(json.dumps(timings)) == reproducing.canonical(json.dumps(result))


def test_only_what_was_searched_for_is_solved_again_and_only_by_a_lead(
    session: Session, queued: list[str]
) -> None:
    region = small_round()
    run = run_of(region)
    by_hand = RunFactory(round=run.round, kind="hand", result="{}")
    waiting = RunFactory(round=run.round, state="failed")
    saved()
    with pytest.raises(Refused, match="by hand"):
        reproducing.ask_to_reproduce(region.lead, by_hand.id)
    with pytest.raises(Refused, match="Only a finished run"):
        reproducing.ask_to_reproduce(region.lead, waiting.id)
    with pytest.raises(NotFound):
        reproducing.reproduce(session, 999)
    stranger = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Elsewhere").id)
    with pytest.raises(NotFound):
        reproducing.ask_to_reproduce(stranger, run.id)
    with pytest.raises(NotAllowed):
        reproducing.ask_to_reproduce(viewer_as(Role.PLACEMENT_OFFICER), run.id)


def test_the_download_has_all_that_the_run_was_solved_from(session: Session, queued: list[str]) -> None:
    run = run_of(small_round())
    whole = json.loads(reproducing.snapshot_json(run))
    assert set(whole) == {"run", "kind", "snapshot", "problem", "policy", "settings"}
    again = matching.Problem.from_json(json.dumps(whole["problem"]))
    assert again.to_json() == problem_of_run(run).to_json()
    policy = matching.Policy.from_json(json.dumps(whole["policy"]))
    assert policy == matching.Policy.from_json(run.policy)


def test_locks_that_cannot_hold_together_are_named_as_a_smallest_set(
    session: Session, queued: list[str]
) -> None:
    region = small_round(learners=3, places=(1, 1))
    scenario = editing.create_scenario(region.lead, region.round.id, name="Pinned")
    pins = [
        save_lock(
            region.lead,
            round_id=region.round.id,
            scenario_id=scenario.id,
            requirement_id=learner.requirements[0].id,
            kind="pin",
            department_id=region.departments[0].id,
            reason=f"Reason {i}",
        )
        for i, learner in enumerate(region.learners[:2])
    ]
    run_id = service.start_run(region.lead, region.round.id, scenario_id=scenario.id).id
    solving.perform_run(run_id)
    run = anew(run_id)
    assert run.summary["status"] == "infeasible_locks"
    (conflict,) = conflicts_of_run(session, region.lead, run)
    first, second = (learner.reference for learner in region.learners[:2])
    place = region.departments[0].name
    assert {row.words for row in conflict.locks} == {
        f"{first} is pinned to {place}",
        f"{second} is pinned to {place}",
    }
    assert {row.lock.id for row in conflict.locks if row.lock} == {pin.id for pin in pins}
    assert conflict.rules == "places"
    assert conflict.left_out in (first, second)
    lift_lock(region.lead, pins[0].id)
    (conflict,) = conflicts_of_run(session, region.lead, run)
    assert [row.lock.id for row in conflict.locks if row.lock] == [pins[1].id]
