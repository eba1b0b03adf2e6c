"""The page of what a cohort could expect before the match."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from placements.access import Role
from placements.extensions import db
from tests.factories import LearnerFactory, PersonFactory, RequirementFactory, saved
from tests.factories.region import SmallRound, small_round
from tests.web.pages import page, sign_in


def address(region: SmallRound, **asked: str) -> str:
    query = "&".join(f"{key}={value}" for key, value in asked.items())
    return f"/cohorts/{region.learners[0].cohort_id}/feasibility?{query}"


@pytest.fixture
def region(client: FlaskClient) -> SmallRound:
    """Three learners for two places, one of them beyond reach of both; its officer is signed in."""
    found = small_round(learners=3, places=(1, 1))
    found.learners[2].travel_limit_minutes = 1
    db.session.commit()
    sign_in(client, PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=found.hei.id))
    return found


def test_an_officer_follows_the_cohort_to_who_can_be_placed(client: FlaskClient, region: SmallRound) -> None:
    cohort = page(client.get(f"/cohorts/{region.learners[0].cohort_id}"))
    link = cohort.one("a", href=address(region).rstrip("?"))
    assert link is not None
    found = page(client.get(address(region)))
    assert "Before the match" in found.h1
    assert "2 departments of 2" in found.main
    rows = found.main
    assert rows.index(region.learners[2].reference) < rows.index(region.learners[0].reference)
    assert "2 are beyond the travel limit" in found.main
    assert "1 (1 with no site)" in found.main


def test_learners_are_filtered_by_their_sites(client: FlaskClient, region: SmallRound) -> None:
    found = page(client.get(address(region, show="none")))
    assert region.learners[2].reference in found.main
    assert region.learners[0].reference not in found.main
    assert "No learner is like that" in page(client.get(address(region, show="one"))).main
    assert region.learners[0].reference in page(client.get(address(region, show="nonsense", page="99"))).main


def test_officers_do_not_read_which_departments_are_full(client: FlaskClient, region: SmallRound) -> None:
    region.learners[2].travel_limit_minutes = None
    db.session.commit()
    assert "What is full" not in page(client.get(address(region))).main
    lead = client.application.test_client()
    sign_in(lead, PersonFactory())
    found = page(lead.get(address(region)))
    assert "What is full" in found.main
    assert region.departments[0].name in found.main


def test_a_cohort_with_nobody_to_place_says_so(client: FlaskClient, region: SmallRound) -> None:
    for learner in list(region.learners):
        db.session.delete(learner)
    db.session.commit()
    found = page(client.get(address(region)))
    assert "no learners" in found.main


def test_the_number_of_statements_does_not_grow_with_the_cohort(
    client: FlaskClient, region: SmallRound
) -> None:
    def statements() -> int:
        made: list[object] = []

        def note(*given: object) -> None:
            made.append(given)

        event.listen(db.engine, "before_cursor_execute", note)
        assert client.get(address(region)).status_code == 200
        event.remove(db.engine, "before_cursor_execute", note)
        return len(made)

    before = statements()
    for _ in range(10):
        learner = LearnerFactory(cohort=region.learners[0].cohort)
        line = region.learners[0].requirements[0].plan_line
        RequirementFactory(learner=learner, plan_line=line, block=region.block)
    saved()
    assert statements() == before
