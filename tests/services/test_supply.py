"""What trusts offer, as the engine takes it."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from placements.capacity import queries as capacity
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.models import Cap, DeclarationRecord
from placements.clock import now_utc
from placements.educators.models import Absence, Educator, EducatorDepartment, EducatorGroup
from placements.extensions import db
from placements.organisations.models import Department, PlaceRate, SupervisionModel, Trust
from placements.scenarios import snapshot
from placements.scenarios.models import Run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from placements.scenarios.supply import Supply, supply_of
from tests.factories import DepartmentFactory, LearnerGroupFactory, SiteFactory, StageFactory, saved
from tests.factories.region import SmallRound, small_round

FIRST = date(2027, 1, 4)


def educator(trust: Trust, *departments: Department, wte: str = "1", most: int | None = None) -> Educator:
    row = Educator(
        trust_id=trust.id,
        name="Ed Ucator",
        wte=Decimal(wte),
        most_at_once=most,
        changed_utc=now_utc(),
        departments=[EducatorDepartment(department=department) for department in departments],
    )
    db.session.add(row)
    db.session.flush()
    return row


def supply(session: Session, region: SmallRound) -> Supply:
    saved()
    session.expire_all()
    return supply_of(session, region.round, capacity.offers(session, region.round.id))


def approve(session: Session, region: SmallRound, content: Content) -> None:
    """Replace the offer of the first department."""
    declaration = capacity.declaration_of(session, region.lead, region.round.id, region.departments[0].id)
    assert declaration is not None
    session.add(
        DeclarationRecord(
            declaration_id=declaration.id,
            version=declaration.version,
            verb="approve",
            at_utc=now_utc(),
            by_name="Ada Approver",
            content=content.to_json(),
        )
    )


def test_typed_wte_counts_where_nobody_is_named(session: Session) -> None:
    region = small_round(places=(3, 2))
    found = supply(session, region)
    assert [department.wte for department in found.departments] == [(3.0,) * 4, (2.0,) * 4]
    assert [offer.maximum for offer in found.offers] == [(3,) * 4, (2,) * 4]
    assert found.educators == ()


def test_named_educators_of_one_department_are_its_time_and_its_most_at_once(session: Session) -> None:
    region = small_round(places=(3, 2))
    here = region.departments[0]
    away = educator(region.trusts[0], here, wte="0.8", most=2)
    educator(region.trusts[0], here, wte="0.4", most=1)
    away.absences.append(Absence(first_day=FIRST, last_day=date(2027, 1, 8), kind="leave"))
    found = supply(session, region)
    assert found.departments[0].wte == (0.4, 1.2, 1.2, 1.2)
    assert found.departments[0].places == (1, 3, 3, 3)
    assert found.educators == ()


def test_a_shared_educators_time_is_the_matchs_to_split(session: Session) -> None:
    region = small_round(places=(3, 2))
    ours = DepartmentFactory(site=SiteFactory(trust=region.trusts[0]))
    own, shared = (
        educator(region.trusts[0], region.departments[0], wte="0.5"),
        educator(region.trusts[0], region.departments[0], ours),
    )
    found = supply(session, region)
    assert found.departments[0].wte == (0.0,) * 4
    # The other department declared nothing, so its educator's time goes to the one that did.
    assert [(row.key, row.departments, row.wte[0]) for row in found.educators] == [
        (f"e{own.id}", (f"d{region.departments[0].id}",), 0.5),
        (f"e{shared.id}", (f"d{region.departments[0].id}",), 1.0),
    ]


def test_another_trusts_department_counts_only_once_it_has_agreed(session: Session) -> None:
    region = small_round(places=(3, 2))
    row = educator(region.trusts[0], *region.departments)
    assert {department.key: department.wte[0] for department in supply(session, region).departments} == {
        f"d{region.departments[0].id}": 1.0,
        f"d{region.departments[1].id}": 2.0,
    }
    for place in row.departments:
        place.agreed_utc = now_utc()
    found = supply(session, region)
    assert [len(row.departments) for row in found.educators] == [2]


def test_a_supervision_model_stretches_a_departments_own_time(session: Session) -> None:
    region = small_round(places=(3, 2))
    session.add(SupervisionModel(key="long_arm", name="Long-arm", weight_factor=Decimal("0.5")))
    week = {FIRST: Places(1, 3)}
    approve(session, region, Content({ANYONE: week}, {FIRST: Decimal(1)}, "long_arm"))
    assert supply(session, region).departments[0].wte == (2.0, 0.0, 0.0, 0.0)


def test_lists_become_places_for_those_who_need_most_of_them(session: Session) -> None:
    region = small_round(places=(3, 2))
    department = region.departments[0]
    department.modality.measure = "lists"
    group = region.learners[0].cohort.programme.learner_group
    session.add(
        PlaceRate(
            modality_id=department.modality_id,
            learner_group_id=group.id,
            units_per_place=Decimal(4),
            valid_from=date(2020, 1, 1),
        )
    )
    approve(session, region, Content({ANYONE: {FIRST: Places(8, 11)}}, {FIRST: Decimal(9)}))
    offer = supply(session, region).offers[0]
    assert (offer.preferred[0], offer.maximum[0]) == (2, 2)


def test_lines_are_offers_to_their_learners_and_surge_only_where_the_round_says_so(
    session: Session,
) -> None:
    region = small_round(places=(3, 2))
    stage = region.learners[0].cohort.stage
    group = stage.learner_group.key
    lines = {
        ANYONE: {FIRST: Places(1, 1, 2)},
        group: {FIRST: Places(1, 2)},
        f"{group}/{stage.key}": {FIRST: Places(0, 1)},
    }
    approve(session, region, Content(lines, {FIRST: Decimal(9)}))
    here = [row for row in supply(session, region).offers if row.department == f"d{region.departments[0].id}"]
    assert [(row.groups, row.stages, row.maximum[0]) for row in here] == [
        ((), (), 1),
        ((group,), (), 2),
        ((group,), (stage.key,), 1),
    ]
    region.round.uses_surge = True
    assert supply(session, region).offers[0].maximum[0] == 3


def test_caps_of_sites_and_trusts_enter_the_match(session: Session) -> None:
    region = small_round(learners=4, places=(3, 2))
    round_id, trusts = region.round.id, region.trusts
    session.add_all(
        [
            Cap(round_id=round_id, trust_id=trusts[0].id, site_id=region.departments[0].site_id, places=1),
            Cap(round_id=round_id, trust_id=trusts[1].id, site_id=None, places=2),
        ]
    )
    saved()
    frozen = snapshot.freeze(session, region.round).problem.to_json()
    assert f'"key":"s{region.departments[0].site_id}","trust":"{trusts[0].ods}","places":[1,1,1,1]' in frozen
    assert f'"key":"{trusts[1].ods}","places":[2,2,2,2]' in frozen


def test_a_shared_educators_load_is_told_by_the_time_spent_there(session: Session) -> None:
    region = small_round(learners=3, places=(3, 2))
    ours = DepartmentFactory(site=SiteFactory(trust=region.trusts[0]))
    educator(region.trusts[0], region.departments[0], ours, wte="2")
    saved()
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert run.state == "finished", run.message
    load = {row["department"]: (row["placed"], row["load_percent"]) for row in run.summary["load"]}
    placed, percent = load[region.departments[0].id]
    # Half a WTE a learner, of two.
    assert percent == 25 * placed > 0


def test_whom_an_educator_may_supervise_and_how_many_is_obeyed(session: Session) -> None:
    region = small_round(learners=3, places=(3, 0))
    stage = region.learners[0].cohort.stage
    only = educator(region.trusts[0], region.departments[0], wte="3", most=2)
    only.groups.append(EducatorGroup(learner_group=stage.learner_group, stage=stage))
    saved()
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert run.state == "finished", run.message
    assert run.summary["placed"] == 2
    only.groups[0].stage = StageFactory(learner_group=stage.learner_group)
    saved()
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    assert session.get_one(Run, run_id).summary["placed"] == 0


@pytest.mark.parametrize(
    ("educators", "most"),
    [
        ([], 3),
        ([("1", None, "")], 2),
        ([("3", 2, "")], 2),
        ([("1", None, "group"), ("2", None, "other")], 2),
        ([("1", 1, "stage"), ("1", 3, "group")], 3),
        ([("0.4", None, "")], 0),
    ],
)
def test_what_the_page_calls_effective_is_what_the_match_can_place(
    session: Session, educators: list[tuple[str, int | None, str]], most: int
) -> None:
    region = small_round(learners=5, places=(3, 0))
    stage = region.learners[0].cohort.stage
    for wte, at_once, supervises in educators:
        row = educator(region.trusts[0], region.departments[0], wte=wte, most=at_once)
        if supervises == "other":
            other = StageFactory(learner_group=LearnerGroupFactory(key="other", name="Other"))
            row.groups.append(EducatorGroup(learner_group=other.learner_group))
        elif supervises:
            chosen = stage if supervises == "stage" else None
            row.groups.append(EducatorGroup(learner_group=stage.learner_group, stage=chosen))
    saved()
    session.expire_all()
    limits = capacity.limits_of(session, region.round, [region.departments[0]])
    declared = capacity.content_of(
        capacity.declaration_of(session, region.lead, region.round.id, region.departments[0].id)
    )
    effective = limits.effective(region.departments[0], declared)
    assert {week.places for week in effective.values()} == {most}
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    assert session.get_one(Run, run_id).summary["placed"] == most
