"""What is held of a learner, given out whole and erased, through all rounds; what only counts stays."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from placements.access import Role
from placements.allocations.models import PublicationLine
from placements.allocations.service import adopt_run, publish_round
from placements.clearance.models import LearnerCheck
from placements.clock import now_utc
from placements.cohorts.demand import demand
from placements.cohorts.models import (
    EarlierSite,
    Learner,
    LearnerContact,
    LearnerExclusion,
    LearnerPreference,
)
from placements.errors import Refused
from placements.extensions import db
from placements.learners import erasing, holdings
from placements.mail.models import Message
from placements.outcomes.models import PlacementFeedback
from placements.scenarios.models import Placing
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from placements.tables import Base
from tests.factories import (
    AccessNeedFactory,
    CohortFactory,
    CompanionsFactory,
    LearnerCheckFactory,
    LearnerFactory,
    RoundFactory,
    TrustFactory,
    saved,
    viewer_as,
)
from tests.factories.region import small_round


def everything() -> str:
    """All text of all tables."""
    return str(
        [
            tuple(row)
            for table in Base.metadata.sorted_tables
            for row in db.session.execute(text(f'SELECT * FROM "{table.name}"'))
        ]
    )


def test_nothing_that_says_who_a_learner_is_survives_erasure(session: Session) -> None:
    region = small_round(learners=3, places=(2, 2))
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    learner = region.learners[0]
    site = region.departments[0].site
    learner.reference, learner.record.reference_key = "Zebra-77", "zebra-77"
    learner.postcode, learner.term_postcode = "B23 6DJ", "B15 2TT"
    learner.priority, learner.priority_reason = 1, "zebra reason"
    learner.record.contact = LearnerContact(name="Zebra Smith", email="zebra@example.ac.uk")
    learner.record.earlier_sites.append(EarlierSite(site=site))
    learner.access_needs.append(AccessNeedFactory())
    learner.hub = TrustFactory(name="Learner's Hub NHS Trust")
    learner.preferences.append(LearnerPreference(rank=1, site=site))
    learner.exclusions.append(LearnerExclusion(site=region.departments[1].site))
    CompanionsFactory(learners=region.learners[:2], kind="apart")
    CompanionsFactory(learners=region.learners)
    old = RoundFactory(name="Old", first_week=date(2026, 1, 5), last_week=date(2026, 3, 2))
    cohort = CohortFactory(round=old, programme=learner.cohort.programme, stage=learner.cohort.stage)
    before = LearnerFactory(cohort=cohort, record=learner.record, reference="Zebra-77", postcode="B23 6DJ")
    feedback = PlacementFeedback(
        requirement_id=learner.requirements[0].id,
        round_id=region.round.id,
        overall=4,
        comment="zebra comment",
        given_utc=now_utc(),
    )
    LearnerCheckFactory(record=learner.record)
    db.session.add(feedback)
    db.session.add(
        Message(key="1", to="Zebra@example.ac.uk", subject="Your place", body="zebra", queued_utc=now_utc())
    )
    saved()
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    db.session.expire_all()
    adopt_run(region.lead, run_id)
    publish_round(region.lead, region.round.id, version=region.round.version)

    found = erasing.export_learner(officer, learner.id)
    assert found["contact"] == {"name": "Zebra Smith", "email": "zebra@example.ac.uk"}
    assert [row["round"] for row in found["rounds"]] == [region.round.name, "Old"]
    assert [row["hub"] for row in found["rounds"]] == ["Learner's Hub NHS Trust", None]
    assert len(found["published_places"]) == 1
    assert len(found["checks"]) == 1
    assert found["outcomes_and_feedback"]["feedback"][0]["comment"] == "zebra comment"
    assert region.learners[1].reference not in str(found)

    said: list[Any] = []
    holdings.register(
        holdings.Holding("of a test", lambda *_: None, lambda _, record: said.append(record.id))
    )
    with pytest.raises(Refused) as refused:
        erasing.erase_learner(officer, learner.id, typed="Zebra-78")
    assert list(refused.value.fields) == ["typed"]
    placings = db.session.query(Placing).count()
    record_id = learner.record_id
    published = db.session.query(PublicationLine).filter_by(record_id=record_id).one()
    counted = (published.state, published.travel_minutes, published.site)
    for _ in range(2):
        erasing.erase_learner(officer, learner.id, typed=" zebra-77 ")
    assert said == [record_id]
    holdings._holdings.pop("of a test")

    db.session.expire_all()
    left = everything()
    for word in ("ebra", "B23 6DJ", "B15 2TT"):
        assert word not in left, word
    line = db.session.query(PublicationLine).filter_by(record_id=record_id).one()
    assert db.session.query(PlacementFeedback).one().overall == 4
    assert not db.session.query(LearnerCheck).count()
    assert line.learner_reference == f"erased-{record_id}"
    assert (line.state, line.travel_minutes, line.site) == counted
    assert db.session.query(Placing).count() == placings
    # Of three who go together two are left; the pair that was kept apart is none any more.
    groups = db.session.get_one(Learner, region.learners[1].id).companions
    assert [(row.kind, len(row.learners)) for row in groups] == [("together", 2)]
    now = db.session.get_one(Learner, learner.id)
    assert now.hub_trust_id is None
    assert [(row.kind, row.last_day) for row in now.interruptions] == [("withdrawn", None)]
    assert not db.session.get_one(Learner, before.id).interruptions
    assert learner.id not in {row.id for row in demand(db.session, region.round)}
    # The match goes on without them.
    assert start_run(region.lead, region.round.id).id
