"""How far learners travel: the bands, what is marked on them, and whose journeys are counted."""

import pytest
from sqlalchemy.orm import Session

from placements.scenarios import journeys
from placements.scenarios.journeys import Band, histogram
from tests.factories import LearnerFactory, PlacingFactory, RequirementFactory, RunFactory, saved


def test_journeys_are_counted_in_bands_of_a_quarter_of_an_hour() -> None:
    found = histogram([0, 14, 15, 44, 44], {"limit": 90})
    assert found.bands == [Band(0, 14, 2), Band(15, 29, 1), Band(30, 44, 2)]
    assert (found.median, found.p95, found.most, found.total) == (15, 44, 44, 5)


@pytest.mark.parametrize(
    ("minutes", "median", "p95"),
    [([10], 10, 10), ([10, 21], 15, 21), (list(range(1, 101)), 50, 96), ([], None, None)],
)
def test_median_and_percentile_are_those_of_the_runs_summary(
    minutes: list[int], median: int | None, p95: int | None
) -> None:
    import numpy as np

    from placements.scenarios.outcome import _travel

    found = histogram(minutes, {})
    assert (found.median, found.p95) == (median, p95)
    summary = _travel(np.array(minutes, dtype=float))
    assert (summary["median"], summary["p95"], summary["most"]) == (median, p95, found.most)


def test_bars_and_marks_stand_within_the_picture_and_in_proportion() -> None:
    found = histogram([5] * 10 + [50] * 5, {"limit by car": 60, "limit by public transport": 240})
    tall, *between, low = found.bars
    assert tall.height == pytest.approx(2 * low.height, abs=0.2)
    assert all(bar.height == 0 for bar in between)
    # A limit that nobody comes near is not drawn.
    assert [mark.words for mark in found.marks] == [
        "median 5 min",
        "95 of 100 within 50 min",
        "limit by car 60 min",
    ]
    xs = [mark.x for mark in found.marks]
    assert xs == sorted(xs)
    for x in xs:
        assert journeys.LEFT <= x <= journeys.WIDTH - journeys.RIGHT
    assert len({mark.label_y for mark in found.marks}) == 3
    for mark in found.marks:
        wide = journeys.LETTER * len(mark.words)
        first = mark.label_x - wide if mark.anchor == "end" else mark.label_x
        assert 0 <= first <= first + wide <= journeys.WIDTH, "its words are within the picture"
    assert found.levels[0] == (journeys.HEIGHT - journeys.BOTTOM, 0)
    assert [number for _, number in found.levels] == [0, 5, 10]


def test_a_picture_of_nobody_has_no_bars() -> None:
    found = histogram([], {"limit": 90})
    assert (found.bars, found.total, found.median) == ([], 0, None)


@pytest.mark.parametrize(
    ("policy", "limits"),
    [
        ('{"travel_limit": {"car": 90, "public_transport": 90}}', {"limit": 90}),
        (
            '{"travel_limit": {"car": 60, "public_transport": 90}}',
            {"limit by car": 60, "limit by public transport": 90},
        ),
        ("{}", {}),
    ],
)
def test_limits_are_said_once_where_they_are_the_same(
    session: Session, policy: str, limits: dict[str, int]
) -> None:
    assert journeys.limits_of(RunFactory(policy=policy)) == limits


def test_journeys_are_those_of_whom_is_asked_for(session: Session) -> None:
    run = RunFactory()
    rows = []
    for mode, minutes in (("car", 20), ("public_transport", 70)):
        requirement = RequirementFactory(learner=LearnerFactory(travel_mode=mode))
        rows.append(PlacingFactory(run=run, requirement=requirement, travel_minutes=minutes))
    nowhere = {"kind": "rules", "rules": {}, "departments": [], "competing": [], "caps": [], "proven": True}
    PlacingFactory(run=run, reason=nowhere)
    PlacingFactory(travel_minutes=5)
    saved()
    learner = rows[0].requirement.learner
    assert sorted(journeys.minutes_of_run(session, run)) == [20, 70]
    assert journeys.minutes_of_run(session, run, mode="car") == [20]
    assert journeys.minutes_of_run(session, run, hei_id=learner.hei_id) == [20]
    assert journeys.minutes_of_run(session, run, stage_id=learner.cohort.stage_id) == [20]
    group_id = learner.cohort.programme.learner_group_id
    assert sorted(journeys.minutes_of_run(session, run, group_id=group_id)) == [20, 70]
    assert journeys.minutes_of_run(session, run, group_id=group_id, block_id=rows[1].block_id) == [70]
