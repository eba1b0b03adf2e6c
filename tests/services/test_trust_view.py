"""A trust's departments in a round: offered, effective, used, load by week, who comes next, the sheet."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.allocations.models import Publication
from placements.allocations.queries import newest_publication
from placements.allocations.service import adopt_run, publish_round
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.deciding import approve_declaration
from placements.capacity.service import save_declaration, submit_declaration
from placements.clock import now_utc, today
from placements.cohorts.service import accept_upload, receive_upload, submit_cohort
from placements.educators.models import Absence, Educator, EducatorDepartment
from placements.educators.queries import Supervisor
from placements.errors import NotFound
from placements.extensions import db
from placements.organisations.models import Department, PlaceRate, SupervisionModel, Trust
from placements.reports import queries
from placements.reports.lists import weeks_csv
from placements.reports.load import Load, loads
from placements.reports.sheet import site_sheet
from placements.reports.trust import TrustView, trust_view
from placements.rounds.models import Round
from placements.rounds.service import NewBlock, NewPlanLine, NewRound, create_round, open_round
from placements.scenarios.models import Placing, Run
from placements.scenarios.service import start_run
from placements.scenarios.solving import perform_run
from tests.factories import (
    DeclarationFactory,
    DepartmentFactory,
    LearnerGroupFactory,
    ModalityFactory,
    ProgrammeFactory,
    PublicationFactory,
    PublicationLineFactory,
    SiteFactory,
    StageFactory,
    SupervisionWeightFactory,
    TrustFactory,
    saved,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round

FIRST = date(2027, 1, 4)


def published(region: SmallRound) -> Publication:
    """The region's match, adopted and published."""
    run_id = start_run(region.lead, region.round.id).id
    perform_run(run_id)
    adopt_run(region.lead, run_id)
    return publish_round(region.lead, region.round.id, version=region.round.version)


def educator_at(trust: Trust) -> Viewer:
    return viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust.id)


def view_of(session: Session, viewer: Viewer, round_: Round, trust_id: int) -> TrustView:
    return trust_view(
        session,
        round_,
        queries.departments_of_trusts(viewer, trust_id),
        newest_publication(session, viewer, round_.id),
        weeks=round_.block_weeks(),
        today=today(),
    )


def named(*departments: Department, wte: str = "1", most: int | None = None, **changes: object) -> Educator:
    """An educator of the first department's trust; other trusts have agreed."""
    values: dict[str, object] = {
        "trust_id": departments[0].site.trust_id,
        "name": "Ed Ucator",
        "wte": Decimal(wte),
        "most_at_once": most,
        "changed_utc": now_utc(),
    }
    row = Educator(
        **(values | changes),
        departments=[EducatorDepartment(department=one, agreed_utc=now_utc()) for one in departments],
    )
    db.session.add(row)
    db.session.flush()
    return row


def test_offered_effective_used_and_load_come_from_what_is_approved_and_published(session: Session) -> None:
    region = small_round(learners=3, places=(2, 1))
    published(region)
    view = view_of(session, educator_at(region.trusts[0]), region.round, region.trusts[0].id)
    (row,) = view.rows
    assert (view.offered, view.effective, view.used) == (8, 8, 8)
    assert [week.week for week in row.weeks] == region.round.block_weeks()
    # Two learners of half a WTE each, supervised by two.
    assert {week.load for week in row.weeks} == {Load(Decimal(1), Decimal(2))}
    assert {week.load.percent for week in row.weeks} == {50}
    assert view.educators == []
    text = weeks_csv(view).decode("utf-8-sig").splitlines()
    assert len(text) == 5
    assert text[1].endswith(",2027-01-04,places,1,2,2,2,places declared,2,1,2,50")


def test_a_draft_changes_nothing_of_what_is_offered(session: Session) -> None:
    region = small_round(places=(2, 1))
    viewer = educator_at(region.trusts[0])
    content = Content({ANYONE: dict.fromkeys(region.round.block_weeks(), Places(5, 9))})
    save_declaration(viewer, region.round.id, region.departments[0].id, version=1, content=content)
    view = view_of(session, viewer, region.round, region.trusts[0].id)
    assert (view.offered, view.with_offer, view.used) == (8, 1, 0)


def test_a_trust_sees_its_own_and_the_centre_that_it_houses_is_the_academys(session: Session) -> None:
    region = small_round(places=(2, 1))
    centre = DepartmentFactory(site=SiteFactory(trust=region.trusts[0], kind="academy"))
    DeclarationFactory(round=region.round, department=centre, maximum=5)
    saved()
    viewer = educator_at(region.trusts[0])
    with pytest.raises(NotFound):
        queries.trust_by_id(session, viewer, region.trusts[1].id)
    with pytest.raises(NotFound):
        queries.site_by_id(session, viewer, region.departments[1].site_id)
    assert view_of(session, viewer, region.round, region.trusts[0].id).offered == 8
    academy = trust_view(
        session,
        region.round,
        queries.departments_of_academy(region.lead),
        None,
        weeks=region.round.block_weeks(),
        today=today(),
    )
    assert [row.department.id for row in academy.rows] == [centre.id]


def test_sessions_make_places_even_where_the_plan_sends_nobody(session: Session) -> None:
    region = small_round()
    reporting = ModalityFactory(key="reporting", measure="sessions")
    group = LearnerGroupFactory(key="diagnostic_radiography")
    session.add(
        PlaceRate(
            modality=reporting,
            learner_group=group,
            units_per_place=Decimal(5),
            valid_from=date(2020, 1, 1),
        )
    )
    centre = DepartmentFactory(site=SiteFactory(kind="academy"), modality=reporting)
    DeclarationFactory(round=region.round, department=centre, preferred=5, maximum=11)
    saved()
    view = trust_view(
        session,
        region.round,
        queries.departments_of_academy(region.lead),
        None,
        weeks=region.round.block_weeks(),
        today=today(),
    )
    (row,) = view.rows
    assert (row.units, row.offered) == (44, 8)


def test_educators_over_their_limit_are_named_with_their_heaviest_week(session: Session) -> None:
    region = small_round(learners=3, places=(2, 1))
    educator_id = named(region.departments[0], wte="1").id
    published(region)
    # After the match one of the weeks is spent on leave.
    session.add(Absence(educator_id=educator_id, first_day=date(2027, 1, 11), last_day=date(2027, 1, 15)))
    saved()
    session.expire_all()
    view = view_of(session, educator_at(region.trusts[0]), region.round, region.trusts[0].id)
    (told,) = view.educators
    assert (told.name, told.heaviest, told.load.words) == ("Ed Ucator", date(2027, 1, 11), "no educator")
    assert (told.over, told.near) == (1, 3)
    assert view.departments_over == 1
    assert [week.load.band for week in view.rows[0].weeks] == ["heavy", "over", "heavy", "heavy"]


def test_more_learners_at_once_than_an_educator_takes_are_said(session: Session) -> None:
    region = small_round(learners=3, places=(2, 1))
    published(region)
    named(region.departments[0], wte="3", most=1)
    saved()
    view = view_of(session, educator_at(region.trusts[0]), region.round, region.trusts[0].id)
    assert [(told.over, told.near, told.crowded) for told in view.educators] == [(0, 0, 4)]
    # The effective places say it too: one learner at once.
    assert view.effective == 4


def test_a_supervision_model_halves_the_load(session: Session) -> None:
    region = small_round(learners=3, places=(2, 1))
    published(region)
    model = SupervisionModel(key="group", name="Coaching group", weight_factor=Decimal("0.5"))
    session.add(model)
    saved()
    viewer, department = educator_at(region.trusts[0]), region.departments[0]
    lead = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=region.trusts[0].id)
    weeks = region.round.block_weeks()
    content = Content(
        {ANYONE: dict.fromkeys(weeks, Places(1, 2))}, dict.fromkeys(weeks, Decimal(2)), model="group"
    )
    kept = save_declaration(viewer, region.round.id, department.id, version=1, content=content)
    sent = submit_declaration(viewer, region.round.id, department.id, version=kept.declaration.version)
    approve_declaration(lead, region.round.id, department.id, version=sent.declaration.version)
    view = view_of(session, viewer, region.round, region.trusts[0].id)
    assert {week.load.percent for week in view.rows[0].weeks} == {25}


def supervisor(key: int, wte: str, *departments: int, most: int | None = None) -> Supervisor:
    return Supervisor(key, f"Educator {key}", (Decimal(wte),), most, departments, ())


def test_a_shared_educators_time_goes_where_it_is_needed() -> None:
    """One department has spare time of its own: the shared educator relieves the other."""
    people = [supervisor(1, "4", 10), supervisor(2, "1", 10, 20)]
    found = loads(0, {10: Decimal(3), 20: Decimal(1)}, {10: 6, 20: 2}, people, {})
    assert found.departments == {10: Load(Decimal(3), Decimal(4)), 20: Load(Decimal(1), Decimal(1))}
    assert found.educators[2] == Load(Decimal(1), Decimal(1))
    assert found.learners == {1: Decimal(6), 2: Decimal(2)}


TENTHS = st.integers(0, 30).map(lambda number: Decimal(number) / 10)


@given(
    weights=st.fixed_dictionaries(dict.fromkeys((1, 2, 3), TENTHS)),
    people=st.lists(st.tuples(TENTHS, st.sets(st.sampled_from((1, 2, 3)), min_size=1)), max_size=5),
)
def test_no_time_is_counted_twice_or_lost(
    weights: dict[int, Decimal], people: list[tuple[Decimal, set[int]]]
) -> None:
    educators = [
        supervisor(key, str(wte), *sorted(departments)) for key, (wte, departments) in enumerate(people)
    ]
    found = loads(0, weights, dict.fromkeys(weights, 1), educators, {})
    assert sum(load.wte for load in found.departments.values()) == sum(wte for wte, _ in people)
    # Whatever is supervised where somebody is, somebody carries.
    carried = sum(load.weight for load in found.educators.values() if load.wte)
    staffed = sum(load.weight for load in found.departments.values() if load.wte)
    assert abs(carried - staffed) < Decimal("0.000001")


@given(weight=TENTHS, wte=TENTHS)
def test_a_load_is_over_exactly_where_more_is_supervised_than_there_is_time_for(
    weight: Decimal, wte: Decimal
) -> None:
    load = Load(weight, wte)
    assert (load.band == "over") == load.is_over == (weight > wte)
    assert not (load.is_over and load.is_near)
    assert (load.words == "no educator") == (weight > 0 and wte == 0)


def test_who_begins_next_monday_or_first_after_it(session: Session) -> None:
    region = small_round()
    publication = PublicationFactory(round=region.round)
    here, there = region.departments

    def line(week: date, at: Department, reference: str) -> None:
        PublicationLineFactory(
            publication=publication, first_week=week, at=at, learner_reference=reference, weeks=2
        )

    line(date(2026, 11, 23), here, "begun")
    line(date(2026, 12, 7), here, "later")
    line(date(2026, 11, 30), there, "elsewhere")
    saved()
    viewer = educator_at(region.trusts[0])
    departments = queries.departments_of_trusts(viewer)
    # It is Tuesday 24 November 2026.
    found = queries.arrivals(session, viewer, publication, departments, today())
    assert (found.next_monday, found.week) == (date(2026, 11, 30), date(2026, 12, 7))
    assert [row.learner_reference for row in found.lines] == ["later"]
    line(date(2026, 11, 30), here, "soon")
    saved()
    found = queries.arrivals(session, viewer, publication, departments, today())
    assert [row.learner_reference for row in found.lines] == ["soon"]
    # On a Monday, next Monday is a week away.
    found = queries.arrivals(session, viewer, publication, departments, date(2026, 11, 30))
    assert found.week == date(2026, 12, 7)
    found = queries.arrivals(session, viewer, publication, departments, date(2026, 12, 7))
    assert (found.week, list(found.lines)) == (None, [])


def test_a_sites_sheet_says_who_comes_and_who_is_away(session: Session) -> None:
    region = small_round(learners=3, places=(2, 1))
    publication = published(region)
    ours = named(region.departments[0], wte="1")
    ours.absences.append(Absence(first_day=date(2027, 1, 4), last_day=date(2027, 1, 8)))
    ours.absences.append(Absence(first_day=date(2027, 1, 14), last_day=date(2027, 1, 15)))
    saved()
    viewer = educator_at(region.trusts[0])
    site = queries.site_by_id(session, viewer, region.departments[0].site_id)
    (sheet,) = site_sheet(
        session,
        viewer,
        region.round,
        site,
        publication,
        weeks=region.round.block_weeks()[:3],
        today=today(),
    )
    assert len(sheet.learners) == 2
    assert [[one.words for one in week.educators] for week in sheet.weeks] == [
        ["away"],
        ["3 of 5 days"],
        [""],
    ]
    assert [week.week.used for week in sheet.weeks] == [2, 2, 2]


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    engine = session.get_bind()
    sa.event.listen(engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(engine, "before_cursor_execute", note)


def test_many_departments_need_no_more_queries_than_few(session: Session) -> None:
    region = small_round(learners=3, places=(2, 1))
    named(region.departments[0])
    published(region)
    viewer = educator_at(region.trusts[0])
    asked = []
    for _ in range(2):
        session.expire_all()
        trust_id = region.trusts[0].id
        round_ = session.get_one(Round, region.round.id)
        with statements(session) as found:
            view_of(session, viewer, round_, trust_id)
        asked.append(len(found))
        for number in range(6):
            site = SiteFactory(trust=region.trusts[0])
            department = DepartmentFactory(site=site, modality=ModalityFactory(key=f"m{number}"))
            DeclarationFactory(round=region.round, department=department)
            named(department)
        saved()
    assert asked[0] == asked[1] < 40


def test_a_first_ultrasound_block_can_be_at_the_academy(session: Session) -> None:
    """The whole way: a plan that allows it, approved sessions, a submitted cohort, the match."""
    lead = viewer_as(Role.ACADEMY_LEAD)
    group = LearnerGroupFactory(key="sonography", name="Sonography")
    SupervisionWeightFactory(learner_group_id=group.id, weight=Decimal(1))
    stage = StageFactory(learner_group=group, key="year_1")
    programme = ProgrammeFactory(learner_group=group, name="PgDip/MSc Medical Ultrasound")
    ultrasound = ModalityFactory(key="ultrasound", measure="lists")
    skills = ModalityFactory(key="ultrasound_skills", measure="sessions")
    for modality, units in ((ultrasound, 4), (skills, 5)):
        session.add(
            PlaceRate(
                modality=modality,
                learner_group=group,
                units_per_place=Decimal(units),
                valid_from=date(2020, 1, 1),
            )
        )
    host = TrustFactory()
    hub = DepartmentFactory(
        site=SiteFactory(
            trust=host, kind="academy", postcode="ST16 3SA", latitude=52.81129, longitude=-2.09778
        ),
        modality=skills,
    )
    hospital = DepartmentFactory(
        site=SiteFactory(trust=host, postcode="ST16 3SA", latitude=52.81129, longitude=-2.09778),
        modality=ultrasound,
    )
    saved()
    hub_id, hospital_id = hub.id, hospital.id
    blocks = (
        NewBlock(
            "Block 1", FIRST, 2, (NewPlanLine(programme.id, stage.id, ("ultrasound", "ultrasound_skills")),)
        ),
        NewBlock("Block 2", date(2027, 1, 18), 2, (NewPlanLine(programme.id, stage.id, ("ultrasound",)),)),
    )
    round_ = create_round(
        lead, NewRound("2027", FIRST, date(2027, 1, 25), date(2026, 12, 4), date(2026, 12, 11), blocks)
    )
    open_round(lead, round_.id)
    weeks = round_.block_weeks()
    trust_lead = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=host.id)
    # Two learners: the hospital has lists for one, the academy sessions for two.
    for viewer, department_id, units in ((lead, hub_id, 11), (trust_lead, hospital_id, 4)):
        content = Content(
            {ANYONE: dict.fromkeys(weeks, Places(units, units))}, dict.fromkeys(weeks, Decimal(2))
        )
        sent = submit_declaration(viewer, round_.id, department_id, version=0, content=content)
        approve_declaration(viewer, round_.id, department_id, version=sent.declaration.version)
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=programme.hei_id)
    upload = receive_upload(
        officer,
        round_.id,
        programme_id=programme.id,
        stage_id=stage.id,
        intake="2026",
        filename="cohort.csv",
        data=b"Reference,Postcode,Travel mode\nUS-1,ST16 3SA,car\nUS-2,ST16 3SA,car\n",
        is_located=lambda _: True,
    )
    cohort = accept_upload(officer, upload.id, version=upload.version)
    submit_cohort(officer, cohort.id, version=cohort.version)
    run_id = start_run(lead, round_.id).id
    perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert run.state == "finished", run.message
    placings = session.scalars(sa.select(Placing).where(Placing.run_id == run_id)).all()
    where = sorted((row.requirement.block.name, row.department_id or 0) for row in placings)
    # In the first block both have a place, one or both of them at the academy; in the second, which the
    # academy cannot stand in for, only the hospital's one.
    assert [name for name, _ in where] == ["Block 1", "Block 1", "Block 2", "Block 2"]
    first = [department_id for name, department_id in where if name == "Block 1"]
    assert hub_id in first
    assert set(first) <= {hub_id, hospital_id}
    assert [department_id for name, department_id in where if name == "Block 2"] == [0, hospital_id]

    adopt_run(lead, run_id)
    round_ = session.get_one(Round, round_.id)
    publication = publish_round(lead, round_.id, version=round_.version)
    view = trust_view(
        session,
        round_,
        queries.departments_of_academy(lead),
        publication,
        weeks=round_.block_weeks(),
        today=today(),
    )
    (row,) = view.rows
    assert row.department.id == hub_id
    # Eleven sessions a week make two places, one session left over.
    assert (row.units, row.offered, row.effective) == (44, 8, 8)
    assert row.used == 2 * first.count(hub_id)
