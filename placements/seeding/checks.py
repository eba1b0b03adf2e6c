"""The demo's checks: most learners have had theirs, some not yet, a few run out during a placement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from placements.access import Viewer
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.clearance import queries
from placements.clearance.recording import Done, accept_checks
from placements.clearance.service import CheckKindValues, create_check_kind
from placements.cohorts.models import Cohort
from placements.extensions import db
from placements.organisations.models import Hei
from placements.rounds.models import Round


def record_demo_checks(settings: Mapping[str, Any], round_: Round, day: date) -> None:
    """Record checks for the learners of the round's cohorts, as their officers would in the weeks before
    `day`."""
    random = Random(settings["seed"] + 3)  # noqa: S311 - a demo, not a secret
    wanted = settings["checks"]
    for own in wanted["own"]:
        hei_id = db.session.scalars(select(Hei.id).where(Hei.name == own["hei"])).one()
        create_check_kind(
            _officer(hei_id), CheckKindValues(own["name"], own["effect"], own["weeks_before"], None)
        )
    cohorts = db.session.scalars(
        select(Cohort)
        .where(Cohort.round_id == round_.id)
        .options(joinedload(Cohort.programme))
        .order_by(Cohort.id)
    ).all()
    middle = round_.first_week + (round_.last_week - round_.first_week) / 2
    for cohort_id, hei_id in [(cohort.id, cohort.programme.hei_id) for cohort in cohorts]:
        officer = _officer(hei_id)
        learners = [learner.id for learner in queries.learners_of_cohort(db.session, cohort_id)]
        checks = []
        for kind in queries.kinds_of_hei(db.session, officer, hei_id):
            cleared_on = day - timedelta(days=random.randint(20, 80))
            for learner_id in learners:
                drawn = random.random()
                if drawn < wanted["missing"]:
                    continue
                runs_out = kind.valid_months and drawn < wanted["missing"] + wanted["running_out"]
                checks.append(_check(learner_id, kind.id, cleared_on, middle if runs_out else None, random))
        accept_checks(officer, cohort_id, checks)


def _check(learner_id: int, kind_id: int, cleared_on: date, ends: date | None, random: Random) -> Done:
    """Done with the others of the cohort, or on a day of one's own; `ends` is set for one that runs out."""
    done_on = cleared_on - timedelta(days=random.choice((0, 0, 0, 0, random.randint(1, 15))))
    return Done(learner_id, kind_id, done_on, ends)


def _officer(hei_id: int) -> Viewer:
    person = db.session.scalars(
        select(Person).filter_by(role="placement_officer", hei_id=hei_id).order_by(Person.id).limit(1)
    ).one()
    return viewer_of(person)
