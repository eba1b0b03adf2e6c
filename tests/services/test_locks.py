"""Pins and bans: put on, lifted, refused where they contradict one another, and kept with a run."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements import tasks
from placements.access import Action, Role
from placements.audit.models import AuditEntry
from placements.errors import NotAllowed, NotFound, Refused
from placements.scenarios import queries, service, solving
from placements.scenarios.locks import add_lock, lift_lock, save_lock
from placements.scenarios.models import Lock, Placing, Run, Scenario
from placements.transaction import transaction
from tests.factories import IcbFactory, NetworkFactory, ScenarioFactory, SiteFactory, saved, viewer_as
from tests.factories.region import SmallRound, small_round


@pytest.fixture(autouse=True)
def _no_queue(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_queue", lambda name, arguments: None)


def lock(region: SmallRound, kind: str = "pin", **changes: Any) -> Lock:
    """The first learner's requirement locked to the first department, unless told otherwise."""
    values: dict[str, Any] = {
        "round_id": region.round.id,
        "scenario_id": None,
        "requirement_id": region.learners[0].requirements[0].id,
        "kind": kind,
        "reason": "She lives next door.",
    }
    if not {"department_id", "site_id"} & set(changes):
        values["department_id"] = region.departments[0].id
    return save_lock(region.lead, **values | changes)


def test_a_pin_is_kept_with_who_when_and_why_and_a_run_obeys_it(session: Session) -> None:
    region = small_round(learners=1, places=(1, 1))
    for department in region.departments:
        made = lock(region, department_id=department.id)
        assert (made.origin, made.made_by_id) == ("lead", region.lead.person_id)
        run_id = service.start_run(region.lead, region.round.id).id
        solving.perform_run(run_id)
        session.expire_all()
        (placing,) = session.scalars(select(Placing).where(Placing.run_id == run_id))
        assert placing.department_id == department.id
        run = session.scalar(select(Run).where(Run.id == run_id))
        assert run is not None
        assert [row["site_or_department"] for row in run.locks] == [f"d{department.id}"]
        lift_lock(region.lead, made.id)
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "save_lock")).all()
    assert [entry.detail["reason"] for entry in entries] == ["She lives next door."] * 2
    assert entries[0].detail["learner"] == region.learners[0].reference


def test_a_ban_keeps_a_learner_away_from_a_whole_site(session: Session) -> None:
    region = small_round(learners=1, places=(1, 1))
    lock(region, "ban", site_id=region.departments[0].site_id)
    run_id = service.start_run(region.lead, region.round.id).id
    solving.perform_run(run_id)
    (placing,) = session.scalars(select(Placing).where(Placing.run_id == run_id))
    assert placing.department_id == region.departments[1].id


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 1_001])
def test_a_lock_needs_a_reason_of_some_length(session: Session, reason: str) -> None:
    region = small_round(learners=1)
    with pytest.raises(Refused) as refusal:
        lock(region, reason=reason)
    assert set(refusal.value.fields) == {"reason"}
    assert session.scalars(select(Lock)).all() == []


def test_a_lock_names_one_place(session: Session) -> None:
    region = small_round(learners=1)
    with pytest.raises(Refused, match="department or a whole site"):
        lock(region, department_id=None)
    with pytest.raises(Refused, match="department or a whole site"):
        lock(region, department_id=region.departments[0].id, site_id=region.departments[0].site_id)


def test_the_same_lock_twice_is_refused_and_one_of_another_scenario_is_not(session: Session) -> None:
    region = small_round(learners=1)
    one, two = (ScenarioFactory(round=region.round, name=name, is_default=False) for name in ("A", "B"))
    saved()
    lock(region, scenario_id=one.id)
    lock(region, scenario_id=two.id)
    with pytest.raises(Refused, match="already") as refusal:
        lock(region, scenario_id=one.id)
    assert set(refusal.value.fields) == {"place"}
    # In all scenarios at once it is another lock; a run of one that has both keeps it once.
    lock(region)
    with pytest.raises(Refused, match="already"):
        lock(region, scenario_id=two.id)
    run = service.start_run(region.lead, region.round.id, scenario_id=one.id)
    assert len(run.locks) == 1


def test_a_pin_elsewhere_than_another_pin_is_refused(session: Session) -> None:
    region = small_round(learners=1)
    first, second = region.departments
    scenario = ScenarioFactory(round=region.round, name="A", is_default=False)
    saved()
    lock(region, scenario_id=scenario.id, department_id=first.id)
    for place in ({"department_id": second.id}, {"site_id": second.site_id}):
        with pytest.raises(Refused, match=f"pinned to {first.name}"):
            lock(region, scenario_id=scenario.id, **place)
        # One of all scenarios would meet it too.
        with pytest.raises(Refused, match=f"pinned to {first.name}"):
            lock(region, **place)
    # The department's own site says nothing against it, nor does another requirement.
    lock(region, scenario_id=scenario.id, site_id=first.site_id)


def test_a_lead_cannot_pin_where_banned_but_a_decline_is_kept_even_over_a_pin(session: Session) -> None:
    region = small_round(learners=1)
    pin = lock(region)
    with pytest.raises(Refused, match="lift that pin"):
        lock(region, "ban")
    declined = lock(region, "ban", origin="decline", origin_id=7)
    assert (declined.origin, declined.origin_id) == ("decline", 7)
    lift_lock(region.lead, pin.id)
    with pytest.raises(Refused, match="lift that ban"):
        lock(region)


def test_a_lifted_lock_stays_for_the_record_and_binds_nobody(session: Session) -> None:
    region = small_round(learners=1)
    made = lock(region)
    lift_lock(region.lead, made.id)
    assert (made.lifted_by_id, made.lifted_utc is not None) == (region.lead.person_id, True)
    assert queries.locks_in_force(session, region.round.id, None) == []
    with pytest.raises(Refused, match="lifted already"):
        lift_lock(region.lead, made.id)
    lock(region, department_id=region.departments[1].id)


def test_a_lock_is_of_the_rounds_own_learners_places_and_scenarios(session: Session) -> None:
    region = small_round(learners=1)
    elsewhere = NetworkFactory(name="Elsewhere").id
    abroad = SiteFactory(trust__icb=IcbFactory(ods="QXX", name="Elsewhere", network_id=elsewhere))
    saved()
    for wrong in ({"requirement_id": 999}, {"site_id": abroad.id}, {"scenario_id": 999}, {"round_id": 999}):
        with pytest.raises(NotFound):
            lock(region, **wrong)  # type: ignore[arg-type]  # each of the values is a number
    made = lock(region)
    stranger = viewer_as(Role.ACADEMY_LEAD, network_id=elsewhere)
    with pytest.raises(NotFound):
        lift_lock(stranger, made.id)
    with pytest.raises(NotAllowed):
        lift_lock(viewer_as(Role.PLACEMENT_OFFICER), made.id)


def test_another_part_adds_a_lock_in_its_own_transaction(session: Session) -> None:
    region = small_round(learners=1)
    requirement_id = region.learners[0].requirements[0].id
    with transaction(region.lead, Action.DECIDE_APPEAL) as tx:
        add_lock(
            tx,
            round_id=region.round.id,
            scenario_id=None,
            requirement_id=requirement_id,
            kind="pin",
            site_id=region.departments[0].site_id,
            reason="Upheld: caring for a parent.",
            origin="appeal",
            origin_id=3,
        )
    (made,) = queries.locks_in_force(session, region.round.id, None)
    assert (made.origin, made.origin_id, made.site_id) == ("appeal", 3, region.departments[0].site_id)
    assert [entry.action for entry in session.scalars(select(AuditEntry))] == ["decide_appeal"]


def test_removing_a_scenario_takes_its_locks_with_it(session: Session) -> None:
    region = small_round(learners=1)
    scenario = ScenarioFactory(round=region.round, name="A", is_default=False)
    saved()
    lock(region, scenario_id=scenario.id)
    session.delete(session.get(Scenario, scenario.id))
    session.commit()
    assert session.scalars(select(Lock)).all() == []
