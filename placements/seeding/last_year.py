"""Last year's round of the demo: who was a year earlier then, where they went, and how it went."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

from sqlalchemy import select

from placements.access import Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.service import adopt_run, publish_round
from placements.extensions import db
from placements.outcomes.models import REASONS
from placements.outcomes.service import OutcomeDetails, RecordedOutcome, record_outcomes
from placements.rounds.models import Round
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run

# Of a hundred placements so many end before their last day, and of so many nothing was recorded.
ENDED_EARLY, NOT_RECORDED = 0.02, 0.05


def cohorts_a_year_earlier(cohorts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cohorts as they were: each stage with those who are a stage further now, under the references
    that they still have (`becomes`: from the stage then to the one now)."""
    earlier = []
    for cohort in cohorts:
        stages = list(cohort["learners"])
        becomes = dict(pairwise(stages))
        if becomes and not cohort.get("upload_later"):
            learners = {then: cohort["learners"][now] for then, now in becomes.items()}
            earlier.append(cohort | {"learners": learners, "becomes": becomes, "released": 0})
    return earlier


def publish_last_year(lead: Viewer, round_: Round) -> int:
    """Match the round, adopt the run and publish it; the publication's id."""
    round_id = round_.id
    run_id = start_run(lead, round_id).id
    perform_run(run_id)
    adopt_run(lead, run_id)
    db.session.expire_all()
    return publish_round(lead, round_id, version=db.session.get_one(Round, round_id).version).id


def record_last_year(publication_id: int, officers: Callable[[int], Viewer], random: Random) -> None:
    """Let the HEIs record how most of the published placements went; `officers` gives an HEI's placement
    officer."""
    lines = db.session.scalars(
        select(PublicationLine)
        .where(PublicationLine.publication_id == publication_id, PublicationLine.state == "placed")
        .order_by(PublicationLine.id)
    ).all()
    round_id = db.session.get_one(Publication, publication_id).round_id
    of_hei: dict[int, list[RecordedOutcome]] = {}
    for line in lines:
        if random.random() >= NOT_RECORDED:
            of_hei.setdefault(line.hei_id, []).append(
                RecordedOutcome(line.requirement_id, 0, _went(line, random))
            )
    for hei_id, outcomes in of_hei.items():
        record_outcomes(officers(hei_id), round_id, outcomes)


def _went(line: PublicationLine, random: Random) -> OutcomeDetails:
    if random.random() >= ENDED_EARLY or line.weeks < 2:
        return OutcomeDetails("completed")
    return OutcomeDetails(
        "ended_early", last_day=line.last_day - timedelta(weeks=1), reason=random.choice(REASONS)
    )
