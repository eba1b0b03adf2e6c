"""Runs side by side: figures, fairness, changes against the publication, and differences by learner."""

import dataclasses
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

import matching
from placements import tasks
from placements.access import Role
from placements.allocations.service import adopt_run, publish_round
from placements.errors import NotFound, Refused
from placements.extensions import db
from placements.rounds.models import Round
from placements.scenarios import comparing, differing, editing, service, solving
from placements.scenarios.best import best_of
from placements.scenarios.comparing import Row, compare, runs_to_compare
from placements.scenarios.differing import Difference, differences
from placements.scenarios.locks import save_lock
from placements.scenarios.models import Run
from tests.factories import (
    LearnerFactory,
    NetworkFactory,
    PlacingFactory,
    RequirementFactory,
    RunFactory,
    SnapshotFactory,
    saved,
    summary_of,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round


@pytest.fixture(autouse=True)
def _no_queue(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_queue", lambda name, arguments: None)


def performed(region: SmallRound, scenario_id: int | None = None) -> Run:
    run_id = service.start_run(region.lead, region.round.id, scenario_id=scenario_id).id
    solving.perform_run(run_id)
    db.session.expire_all()
    run = db.session.scalar(select(Run).where(Run.id == run_id))
    assert run is not None
    assert run.state == "finished", run.message
    return run


def two_runs() -> tuple[SmallRound, list[Run]]:
    """The round's own, which places two of three, and one whose first learner is banned from everywhere and
    whose second must be elsewhere."""
    region = small_round(learners=3, places=(1, 2))
    own = performed(region)
    other = editing.create_scenario(region.lead, region.round.id, name="Locked")
    for department in region.departments:
        save_lock(
            region.lead,
            round_id=region.round.id,
            scenario_id=other.id,
            requirement_id=region.learners[0].requirements[0].id,
            kind="ban",
            department_id=department.id,
            reason="To see",
        )
    return region, [own, performed(region, other.id)]


def rows_of(session: Session, runs: list[Run]) -> dict[tuple[str, str], Row]:
    return {(table.key, row.name): row for table in compare(session, runs) for row in table.rows}


def test_figures_stand_side_by_side_with_the_best_marked(session: Session) -> None:
    _, runs = two_runs()
    rows = rows_of(session, runs)
    placed = rows["placed", "Placements"]
    assert placed.values == ["3 of 3", "2 of 3"]
    assert placed.best == [True, False]
    assert placed.shares == [1.0, pytest.approx(2 / 3)]
    hei = next(row for (key, name), row in rows.items() if key == "by_hei")
    assert hei.values == ["3 of 3", "2 of 3"]
    longest = rows["travel", "Longest"]
    assert longest.values == [f"{run.summary['travel']['most']} min" for run in runs]
    full = rows["load", "Departments and blocks that are full"]
    assert full.values[0] == "2"
    assert not any(full.best)
    assert ("changes", "Move") not in rows, "nothing is published yet"


def test_runs_over_different_learners_are_marked_by_the_share_placed(session: Session) -> None:
    round_ = small_round(learners=0).round
    of = [
        {"placed": 1295, "requirements": 1388, "learners": 588, "learners_with_every_place": 528},
        {"placed": 1294, "requirements": 1386, "learners": 589, "learners_with_every_place": 528},
    ]
    runs = [RunFactory(round=round_, summary=summary_of(**summary)) for summary in of]
    saved()
    rows = rows_of(session, runs)
    placed = rows["placed", "Placements"]
    assert placed.values == ["1,295 of 1,388 (93.3%)", "1,294 of 1,386 (93.4%)"]
    assert (placed.best, placed.mark) == ([False, True], "highest share")
    every = rows["placed", "Learners with every placement"]
    assert every.values == ["528 of 588 (89.8%)", "528 of 589 (89.6%)"]
    assert (every.best, every.mark) == ([True, False], "highest share")
    assert [one.best_at for one in comparing.columns(runs, compare(session, runs))] == [
        ["learners with every placement"],
        ["placements"],
    ]
    alike = [527, 588], [528, 589]
    runs = [
        RunFactory(round=round_, summary=summary_of(learners=whole, learners_with_every_place=part))
        for part, whole in alike
    ]
    saved()
    same = rows_of(session, runs)["placed", "Learners with every placement"]
    assert same.values == ["527 of 588 (89.6%)", "528 of 589 (89.6%)"]
    assert not any(same.best)


def test_figures_that_read_the_same_are_not_told_apart(session: Session) -> None:
    """Means of 29.82 and 29.84 minutes are both 29.8 min on the page."""
    region = small_round(learners=50)
    runs = [RunFactory(round=region.round) for _ in range(2)]
    for run, longer in zip(runs, (41, 42), strict=True):
        for i, learner in enumerate(region.learners):
            PlacingFactory(
                run=run,
                requirement=learner.requirements[0],
                department=region.departments[0],
                travel_minutes=30 if i < longer else 29,
            )
    saved()
    row = rows_of(session, runs)["hei-travel", region.hei.name]
    assert row.values == ["29.8 min", "29.8 min"]
    assert not any(row.best)


def tiers(**values: int) -> list[dict[str, Any]]:
    return [{"name": name, "value": value, "bound": value, "gap": 0.0} for name, value in values.items()]


def test_the_best_is_so_by_the_aims_in_their_order_and_not_by_the_share_placed(session: Session) -> None:
    round_ = small_round(learners=0).round
    snapshot = SnapshotFactory()

    def run(placed: int, first: int, second: int, cost: int, **values: Any) -> Run:
        aims = tiers(unplaced_priority_1=first, unplaced_priority_2=second, cost=cost)
        summary = summary_of(placed=placed, requirements=9, tiers=aims)
        made: Run = RunFactory(round=round_, snapshot=snapshot, summary=summary, **values)
        saved()
        return made

    more, better = run(8, 1, 0, 100), run(7, 0, 2, 900)
    found = best_of([more, better])
    assert found.run is better
    assert found.words.endswith("it comes first by “Priority 1, not placed”")
    heads = comparing.columns([more, better], compare(session, [more, better]), found.run)
    assert [(head.is_best, list(head.best_at)) for head in heads] == [(False, ["placements"]), (True, [])]
    cheaper = run(7, 0, 2, 800)
    assert best_of([better, cheaper]).run is cheaper
    dearer = dataclasses.replace(matching.Policy.from_json(better.policy), travel=((0, 7),))
    other = run(7, 0, 2, 700, policy=dearer.to_json())
    assert best_of([better, other]).run is None, "other prices are no better ones"
    assert "equal" in best_of([better, other]).words
    assert best_of([more, better, other]).words.startswith(f"Runs {better.id} and {other.id} are equal")
    later = run(9, 0, 0, 0)
    later.snapshot = SnapshotFactory()
    saved()
    assert best_of([better, later]).run is None
    assert "different data" in best_of([better, later]).words


def test_fairness_is_the_minutes_of_each_hei(session: Session) -> None:
    round_ = small_round(learners=0).round
    run = RunFactory(round=round_, summary=summary_of(placed=3, requirements=3))
    near, far = LearnerFactory(), LearnerFactory()
    assert near.hei_id != far.hei_id
    for learner, minutes in ((near, 10), (near, 21), (far, 40)):
        PlacingFactory(run=run, requirement=RequirementFactory(learner=learner), travel_minutes=minutes)
    saved()
    rows = {name: row for (key, name), row in rows_of(session, [run]).items() if key == "hei-travel"}
    assert {name: row.values for name, row in rows.items()} == {
        near.hei.name: ["15.5 min"],
        far.hei.name: ["40.0 min"],
        "Between the shortest and the longest": ["24.5 min"],
    }


def test_changes_are_told_against_the_newest_publication(session: Session) -> None:
    region, (own, other) = two_runs()
    adopt_run(region.lead, own.id)
    round_ = session.get(Round, region.round.id)
    assert round_ is not None
    publish_round(region.lead, round_.id, version=round_.version)
    rows = rows_of(session, [own, other])
    assert rows["changes", "Keep their place"].values[0] == "3"
    assert rows["changes", "Lose their place"].values == ["0", "1"]
    assert rows["changes", "Lose their place"].best == [True, False]
    kept, moved = (rows["changes", name].values[1] for name in ("Keep their place", "Move"))
    assert int(kept) + int(moved) == 2


def said(found: tuple[list[Difference], int]) -> list[tuple[str, list[str]]]:
    return [
        (row.requirement.learner.reference, [differing.where(placing) for placing in row.placings])
        for row in found[0]
    ]


def test_differences_are_listed_learner_by_learner_and_filtered(session: Session) -> None:
    region, runs = two_runs()
    banned = region.learners[0].reference
    every = differences(session, runs)
    assert every[1] == len(every[0])
    assert (banned, "Not placed") in [(reference, where[1]) for reference, where in said(every)]
    some = differences(session, runs, show="some")
    assert [reference for reference, _ in said(some)] == [banned]
    moved = differences(session, runs, show="moved")
    assert some[1] + moved[1] == every[1]
    assert said(differences(session, runs, reference=banned.lower())) == said(some)
    assert differences(session, runs, hei_id=region.hei.id)[1] == every[1]
    assert differences(session, runs, hei_id=region.hei.id + 99)[1] == 0
    assert differences(session, [runs[0], performed(region)])[1] == 0, "the same again"


def test_a_requirement_that_only_one_run_knows_is_a_difference(session: Session) -> None:
    region, runs = two_runs()
    learner = LearnerFactory(cohort=region.learners[0].cohort)
    RequirementFactory(learner=learner, plan_line=region.learners[0].requirements[0].plan_line)
    saved()
    later = performed(region)
    found = said(differences(session, [runs[0], later], reference=learner.reference))
    assert [where[0] for _, where in found] == ["Not in this run"]
    lines = differing.differences_csv(session, [runs[0], later])
    assert lines[0][:3] == ["HEI", "Learner", "Block"]
    assert lines[0][3] == f"Department in A (run {runs[0].id}, Round's policy)"
    assert len(lines) == 1 + differences(session, [runs[0], later])[1]
    assert [region.hei.name, learner.reference, region.block.name] in [line[:3] for line in lines]
    assert "Not in this run" in [line[3] for line in lines]


def test_differences_are_read_in_few_statements_however_many_there_are(session: Session) -> None:
    region, runs = two_runs()
    statements: list[str] = []

    def count(*what: object) -> None:
        statements.append(str(what[2]))

    counts = []
    for number in (0, 12):
        for _ in range(number):
            requirement = RequirementFactory(
                learner=LearnerFactory(cohort=region.learners[0].cohort),
                plan_line=region.learners[0].requirements[0].plan_line,
            )
            for run in runs:
                PlacingFactory(run=run, requirement=requirement)
        saved()
        session.expire_all()
        chosen = runs_to_compare(session, region.lead, region.round.id, [run.id for run in runs])
        event.listen(db.engine, "before_cursor_execute", count)
        statements.clear()
        found, total = differences(session, chosen)
        assert len(differing.differences_csv(session, chosen)) == 1 + len(found)
        compare(session, chosen)
        event.remove(db.engine, "before_cursor_execute", count)
        counts.append((len(statements), total))
    (few, small), (many, large) = counts
    assert large >= small + 12
    assert few == many


def test_up_to_four_finished_runs_of_one_round_are_compared(session: Session) -> None:
    region, runs = two_runs()
    ids = [run.id for run in runs]
    chosen = runs_to_compare(session, region.lead, region.round.id, [ids[1], ids[0], ids[1]])
    assert [run.id for run in chosen] == [ids[1], ids[0]]
    assert [column.letter for column in comparing.columns(chosen)] == ["A", "B"]
    with pytest.raises(Refused, match="at most 4"):
        runs_to_compare(session, region.lead, region.round.id, [1, 2, 3, 4, 5])
    waiting = service.start_run(region.lead, region.round.id)
    with pytest.raises(Refused, match="no result"):
        runs_to_compare(session, region.lead, region.round.id, [waiting.id])
    elsewhere = RunFactory(round__name="Another round")
    saved()
    with pytest.raises(NotFound):
        runs_to_compare(session, region.lead, region.round.id, [elsewhere.id])
    stranger = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Elsewhere").id)
    with pytest.raises(NotFound):
        runs_to_compare(session, stranger, region.round.id, ids)
    assert matching.Policy.from_json(runs[0].policy) == matching.Policy()
