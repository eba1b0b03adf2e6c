"""The demo, smaller than it is: this year's round waits to be looked at, last year's has been."""

import tomllib
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select

import matching
from placements.allocations.models import Publication, PublicationLine
from placements.clock import now_utc, today
from placements.cohorts.models import Cohort, Learner
from placements.extensions import db
from placements.outcomes.models import PlacementOutcome
from placements.rounds.models import Round
from placements.scenarios.models import Run
from placements.seeding.demo import load_demo
from placements.seeding.reference import SEEDS, load_reference


def test_a_region_with_a_past(site: Flask, tmp_path: Path) -> None:
    settings = tomllib.loads((SEEDS / "demo.toml").read_text(encoding="utf-8"))
    for cohort in settings["cohorts"]:
        cohort["learners"] = {stage: number // 3 for stage, number in cohort["learners"].items()}
    load_reference()
    before = now_utc()
    load_demo(tmp_path, settings)
    assert now_utc() - before < timedelta(hours=1), "the clock is right again"

    last_year, this_year = db.session.scalars(select(Round).order_by(Round.first_week)).all()
    assert (last_year.state, this_year.state) == ("published", "open")
    assert last_year.last_week < today() < this_year.first_week
    runs = db.session.scalars(select(Run).order_by(Run.id)).all()
    assert [(run.round_id, run.state) for run in runs] == [
        (last_year.id, "finished"),
        (this_year.id, "finished"),
    ]
    assert all(run.summary["placed"] > 0.9 * run.summary["requirements"] for run in runs)
    publication = db.session.scalars(select(Publication)).one()
    assert publication.published_utc.date() < last_year.first_week
    placed = select(func.count()).select_from(PublicationLine).where(PublicationLine.state == "placed")
    recorded = db.session.scalar(select(func.count()).select_from(PlacementOutcome)) or 0
    assert 0.9 * (db.session.scalar(placed) or 0) < recorded < (db.session.scalar(placed) or 0)

    def records(round_: Round) -> set[int]:
        return set(
            db.session.scalars(select(Learner.record_id).join(Cohort).where(Cohort.round_id == round_.id))
        )

    assert records(last_year)
    assert records(last_year) <= records(this_year), "all of last year's learners are a year further"

    problem = matching.Problem.from_json(runs[1].snapshot.problem)
    assert {learner.group for learner in problem.learners if learner.hub} == {"sonography", "stp"}

    def away_from_hub(*aims: str) -> int:
        policy = matching.Policy(tiers=tuple({aim: 1} for aim in aims))
        return matching.solve(problem, policy).costs["continuity"]

    assert away_from_hub("continuity", "travel") < away_from_hub("travel", "continuity")
