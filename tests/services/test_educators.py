"""Practice educators: their time by week, their absences, and sharing that needs somebody's word."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.audit.models import AuditEntry
from placements.capacity.absences import places_lost
from placements.educators import queries, service
from placements.educators.models import Absence, Educator, EducatorDepartment
from placements.educators.service import EducatorDetails, NewAbsence, Served
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.organisations.models import Department, Trust
from tests.at_once import at_once
from tests.factories import (
    DepartmentFactory,
    EducatorFactory,
    IcbFactory,
    LearnerGroupFactory,
    ModalityFactory,
    NetworkFactory,
    SiteFactory,
    StageFactory,
    TrustFactory,
    saved,
    viewer_as,
)
from tests.factories.region import small_round

MONDAY = date(2027, 1, 4)
TODAY = date(2026, 11, 24)


def days(first: int, last: int | None = None, week: int = 0) -> Absence:
    """An absence by weekdays of a week, Monday 0."""
    monday = MONDAY + timedelta(weeks=week)
    return Absence(
        first_day=monday + timedelta(days=first),
        last_day=monday + timedelta(days=first if last is None else last),
    )


def educator(**values: Any) -> Educator:
    """One who is in no database."""
    return Educator(
        **{"trust_id": 1, "wte": Decimal(1), "days": [0, 1, 2, 3, 4], "is_active": True, "absences": []}
        | values
    )


def details(*departments: Department, **values: Any) -> EducatorDetails:
    found = EducatorDetails(
        name="Jo Smith", wte=Decimal("0.8"), departments=tuple(Served(row.id) for row in departments)
    )
    return replace(found, **values)


def keeper(trust: Trust, role: Role = Role.PRACTICE_EDUCATOR) -> Viewer:
    return viewer_as(role, trust_id=trust.id)


@pytest.mark.parametrize(
    ("values", "wte"),
    [
        ({}, "1"),
        ({"absences": [days(0, 1)]}, "0.6"),
        ({"absences": [days(0, 4)]}, "0"),
        ({"absences": [days(5, 6)]}, "1"),
        ({"absences": [days(-3, 0), days(4, 9)]}, "0.6"),
        ({"absences": [days(0, 1), days(1, 2)]}, "0.4"),
        ({"absences": [days(0, 4, week=1)]}, "1"),
        # Of three days worked one is a third, rounded down to the hundredth.
        ({"days": [0, 2, 4], "absences": [days(2)]}, "0.66"),
        ({"days": [0, 2, 4], "absences": [days(1)]}, "1"),
        ({"days": [5, 6], "wte": Decimal("0.4"), "absences": [days(0, 5)]}, "0.2"),
        ({"days": [2, 2, 2, 3], "absences": [days(2)]}, "0.5"),
        ({"days": []}, "0"),
        ({"accredited_until": MONDAY - timedelta(days=1)}, "0"),
        ({"accredited_until": MONDAY + timedelta(days=1)}, "0.4"),
        ({"accredited_until": MONDAY + timedelta(days=4)}, "1"),
        ({"accredited_until": MONDAY + timedelta(days=2), "absences": [days(2, 4)]}, "0.4"),
        ({"wte": Decimal(0)}, "0"),
        ({"is_active": False}, "0"),
    ],
)
def test_wte_of_a_week(values: dict[str, Any], wte: str) -> None:
    assert queries.wte_in(educator(**values), MONDAY) == Decimal(wte)


weekdays = st.lists(st.integers(0, 6), min_size=0, max_size=7)
offsets = st.integers(-20, 20)
spans = st.tuples(offsets, st.integers(0, 10)).map(lambda pair: days(pair[0], sum(pair)))
absences = st.lists(spans, max_size=4)


@given(
    hundredths=st.integers(0, 500),
    worked=weekdays,
    away=absences,
    more=spans,
    until=st.none() | offsets.map(lambda offset: MONDAY + timedelta(days=offset)),
)
def test_a_week_never_has_more_than_the_wte_and_no_more_for_another_absence(
    hundredths: int, worked: list[int], away: list[Absence], more: Absence, until: date | None
) -> None:
    wte = Decimal(hundredths) / 100
    somebody = educator(wte=wte, days=worked, absences=away, accredited_until=until)
    found = queries.wte_in(somebody, MONDAY)
    assert 0 <= found <= wte
    thought_of = queries.wte_in(somebody, MONDAY, more)
    assert thought_of <= found
    assert thought_of == queries.wte_in(
        educator(wte=wte, days=worked, absences=[*away, more], accredited_until=until), MONDAY
    )
    never_lapses = educator(wte=wte, days=worked, absences=away)
    assert found <= queries.wte_in(never_lapses, MONDAY)


def test_a_department_counts_on_those_who_serve_it_with_agreement(session: Session) -> None:
    here, there = DepartmentFactory(), DepartmentFactory()
    centre = DepartmentFactory(site=SiteFactory(trust=here.site.trust, kind="academy"))
    own = EducatorFactory(
        trust_id=here.site.trust_id,
        departments=[
            EducatorDepartment(department=here),
            EducatorDepartment(department=there, is_remote=True),
            EducatorDepartment(department=centre),
        ],
        most_at_once=2,
        absences=[days(0, 1)],
    )
    EducatorFactory(
        trust_id=here.site.trust_id, is_active=False, departments=[EducatorDepartment(department=here)]
    )
    trainer = EducatorFactory(
        network_id=here.site.trust.icb.network_id,
        departments=[EducatorDepartment(department=centre), EducatorDepartment(department=here)],
    )
    saved()
    weeks = [MONDAY, MONDAY + timedelta(weeks=1)]
    (found,) = queries.supervisors(session, weeks, [here.id])
    assert (found.id, found.wte, found.most) == (own.id, (Decimal("0.6"), Decimal("1")), 2)
    # Neither the other trust nor the academy whose centre the trust houses has agreed yet.
    assert found.departments == (here.id,)
    assert not found.is_shared
    assert queries.supervisors(session, weeks, [there.id]) == []
    assert [row.id for row in queries.supervisors(session, weeks, [centre.id])] == [trainer.id]
    assert {row.id: row.departments for row in queries.supervisors(session, weeks)} == {
        own.id: (here.id,),
        trainer.id: (centre.id,),
    }
    service.agree_sharing(
        keeper(there.site.trust, Role.TRUST_EDUCATION_LEAD), own.id, there.id, answer="agree"
    )
    session.expire_all()
    (found,) = queries.supervisors(session, weeks, [there.id])
    assert found.departments == (here.id, there.id)
    assert found.is_shared


def test_an_educator_is_added_changed_and_recorded(session: Session) -> None:
    department = DepartmentFactory()
    another = DepartmentFactory(site=department.site, modality=ModalityFactory(key="ct"))
    group = LearnerGroupFactory()
    StageFactory(learner_group=group, key="year_1")
    StageFactory(learner_group=group, key="year_2")
    saved()
    who = keeper(department.site.trust)
    made = service.create_educator(
        who, details(department, name="  Jo   Smith ", supervises=((group.key, "year_1"),))
    )
    assert (made.name, made.trust_id, made.network_id, made.changed_by_id) == (
        "Jo Smith",
        who.trust_id,
        None,
        who.person_id,
    )
    wanted = details(
        another,
        wte=Decimal("1.25"),
        days=(0, 3),
        most_at_once=3,
        accreditation="PEAS",
        accredited_until=date(2028, 1, 1),
        supervises=((group.key, None),),
    )
    service.save_educator(who, made.id, version=made.version, details=wanted)
    session.expire_all()
    found = queries.educator_by_id(session, who, made.id)
    assert service.details_of(found) == wanted
    entries = session.scalars(sa.select(AuditEntry.action).where(AuditEntry.subject == "educator"))
    assert list(entries) == ["save_educator", "save_educator"]


def test_a_change_of_what_hangs_on_an_educator_makes_an_older_reading_stale(session: Session) -> None:
    department = DepartmentFactory()
    another = DepartmentFactory(site=department.site, modality=ModalityFactory(key="ct"))
    saved()
    who = keeper(department.site.trust)
    made = service.create_educator(who, details(department))
    read = made.version
    service.save_educator(who, made.id, version=read, details=details(department, another))
    with pytest.raises(Stale):
        service.save_educator(who, made.id, version=read, details=details(department, name="Another"))
    session.expire_all()
    assert len(queries.educator_by_id(session, who, made.id).departments) == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"wte": Decimal("-0.1")}, "wte"),
        ({"wte": Decimal("5.01")}, "wte"),
        ({"wte": Decimal("0.333")}, "wte"),
        ({"wte": Decimal("NaN")}, "wte"),
        ({"days": ()}, "days"),
        ({"days": (7,)}, "days"),
        ({"most_at_once": 0}, "most_at_once"),
        ({"most_at_once": 21}, "most_at_once"),
        ({"departments": ()}, "here"),
        ({"departments": (Served(999_999),)}, "elsewhere"),
        ({"supervises": (("nobody", None),)}, "supervises"),
        ({"accreditation": "x" * 201}, "accreditation"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_saved(
    session: Session, values: dict[str, Any], field: str
) -> None:
    department = DepartmentFactory()
    saved()
    with pytest.raises(Refused) as refusal:
        service.create_educator(keeper(department.site.trust), details(department, **values))
    assert set(refusal.value.fields) == {field}
    assert session.scalar(sa.select(sa.func.count()).select_from(Educator)) == 0


def test_nobody_is_shared_beyond_the_network(session: Session) -> None:
    department = DepartmentFactory()
    elsewhere = NetworkFactory(name="Another network")
    foreign = DepartmentFactory(
        site=SiteFactory(trust=TrustFactory(icb=IcbFactory(ods="QXX", network_id=elsewhere.id)))
    )
    saved()
    with pytest.raises(Refused, match="from the list"):
        service.create_educator(keeper(department.site.trust), details(department, foreign))


def test_several_are_added_all_or_none(session: Session) -> None:
    department = DepartmentFactory()
    saved()
    who = keeper(department.site.trust)
    lines = [details(department, name=name) for name in ("Ada", "Ben", "ada")]
    with pytest.raises(Refused) as refusal:
        service.create_educators(who, lines)
    assert list(refusal.value.fields) == ["2.name"]
    assert queries.educators(session, who) == []
    service.create_educators(who, lines[:2])
    assert [row.name for row in queries.educators(session, who)] == ["Ada", "Ben"]
    with pytest.raises(Refused, match="already on the list"):
        service.create_educator(who, lines[0])


def test_each_keeps_their_own(session: Session) -> None:
    department = DepartmentFactory()
    centre = DepartmentFactory(site=SiteFactory(kind="academy"))
    saved()
    who, lead = keeper(department.site.trust), viewer_as(Role.ACADEMY_LEAD)
    ours = service.create_educator(who, details(department))
    academys = service.create_educator(lead, details(centre, department, name="Tra Iner"))
    assert (academys.trust_id, academys.network_id) == (None, lead.network_id)
    # The trust sees whoever asks to serve its departments, and the academy lead everybody.
    assert [row.name for row in queries.educators(session, who)] == ["Jo Smith", "Tra Iner"]
    assert [row.name for row in queries.educators(session, lead)] == ["Jo Smith", "Tra Iner"]
    away = NewAbsence(MONDAY, MONDAY)
    for viewer, row in ((lead, ours), (who, academys)):
        with pytest.raises(NotAllowed):
            service.save_educator(viewer, row.id, version=row.version, details=details(department))
        with pytest.raises(NotAllowed):
            service.record_absence(viewer, row.id, away)
    stranger = keeper(TrustFactory())
    assert queries.educators(session, stranger) == []
    with pytest.raises(NotFound):
        service.record_absence(stranger, ours.id, away)
    for role in (Role.PLACEMENT_OFFICER, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            service.create_educator(viewer_as(role), details(department))


def test_a_request_is_agreed_ended_and_asked_again(session: Session) -> None:
    here, there = DepartmentFactory(), DepartmentFactory()
    saved()
    who, lead = keeper(here.site.trust), keeper(there.site.trust, Role.TRUST_EDUCATION_LEAD)
    made = service.create_educator(who, details(here, there))
    assert queries.unanswered(session, lead) == 1
    assert [row.department_id for row in queries.sharing(session, lead)] == [there.id]
    with pytest.raises(NotAllowed):
        service.agree_sharing(keeper(there.site.trust), made.id, there.id, answer="agree")
    with pytest.raises(NotFound):
        service.agree_sharing(
            keeper(here.site.trust, Role.TRUST_EDUCATION_LEAD), made.id, there.id, answer="agree"
        )
    for wrong in ("end", "", "perhaps"):
        with pytest.raises(Refused):
            service.agree_sharing(lead, made.id, there.id, answer=wrong)
    agreed = service.agree_sharing(lead, made.id, there.id, answer="agree")
    assert (agreed.answered_by_id, queries.unanswered(session, lead)) == (lead.person_id, 0)
    with pytest.raises(Refused):
        service.agree_sharing(lead, made.id, there.id, answer="agree")
    # Saving the educator leaves what was agreed as it is.
    service.save_educator(
        who, made.id, version=made.version, details=details(here, there, wte=Decimal("0.5"))
    )
    assert state(session, made, there) == "agreed"
    service.agree_sharing(lead, made.id, there.id, answer="end")
    assert state(session, made, there) == "declined"
    assert queries.educators(session, lead) == []
    session.expire_all()
    fresh = queries.educator_by_id(session, who, made.id)
    assert service.details_of(fresh).departments == (Served(here.id),)
    service.save_educator(who, made.id, version=fresh.version, details=details(here))
    assert state(session, made, there) == "declined", "the answer stays to be read"
    service.save_educator(who, made.id, version=fresh.version, details=details(here, there))
    assert state(session, made, there) == "asked"
    service.save_educator(who, made.id, version=fresh.version, details=details(here))
    with pytest.raises(NotFound):
        service.agree_sharing(lead, made.id, there.id, answer="agree")


def state(session: Session, educator: Educator, department: Department) -> str:
    session.expire_all()
    place = session.get_one(EducatorDepartment, (educator.id, department.id))
    return queries.sharing_state(place.educator, place)


def test_an_academy_lead_answers_for_the_academys_centres(session: Session) -> None:
    here = DepartmentFactory()
    centre = DepartmentFactory(site=SiteFactory(trust=here.site.trust, kind="academy"))
    saved()
    who, lead = keeper(here.site.trust), viewer_as(Role.ACADEMY_LEAD)
    made = service.create_educator(who, details(here, centre))
    assert state(session, made, centre) == "asked", "though the trust houses it"
    with pytest.raises(NotAllowed):
        service.agree_sharing(
            keeper(here.site.trust, Role.TRUST_EDUCATION_LEAD), made.id, centre.id, answer="agree"
        )
    with pytest.raises(NotAllowed):
        service.agree_sharing(lead, made.id, here.id, answer="agree")
    service.agree_sharing(lead, made.id, centre.id, answer="agree")
    assert state(session, made, centre) == "agreed"


def test_absences_are_recorded_once_changed_and_removed(session: Session) -> None:
    department = DepartmentFactory()
    saved()
    who = keeper(department.site.trust)
    made = service.create_educator(who, details(department))
    version = made.version
    first = service.record_absence(who, made.id, NewAbsence(MONDAY, MONDAY + timedelta(days=4)))
    assert made.version == version, "whoever changes the educator meanwhile is not disturbed"
    for again in (NewAbsence(MONDAY, MONDAY), NewAbsence(MONDAY - timedelta(days=9), MONDAY)):
        with pytest.raises(Refused, match="already recorded"):
            service.record_absence(who, made.id, again)
    with pytest.raises(Refused, match="before the first"):
        service.record_absence(who, made.id, NewAbsence(MONDAY, MONDAY - timedelta(days=1)))
    with pytest.raises(Refused, match="a year"):
        service.record_absence(who, made.id, NewAbsence(MONDAY, MONDAY + timedelta(days=400)))
    with pytest.raises(Refused, match="leave, training"):
        service.record_absence(who, made.id, NewAbsence(MONDAY, MONDAY, "a secret"))
    last = first.last_day
    service.end_absence(who, made.id, first.id, read=last, last_day=MONDAY + timedelta(days=1))
    with pytest.raises(Stale):
        service.end_absence(who, made.id, first.id, read=last, last_day=None)
    with pytest.raises(Refused, match="remove it"):
        service.end_absence(who, made.id, first.id, read=first.last_day, last_day=MONDAY - timedelta(days=1))
    service.record_absence(who, made.id, NewAbsence(MONDAY + timedelta(days=2), MONDAY + timedelta(days=3)))
    with pytest.raises(Refused, match="already recorded"):
        service.end_absence(who, made.id, first.id, read=first.last_day, last_day=MONDAY + timedelta(days=2))
    service.end_absence(who, made.id, first.id, read=first.last_day, last_day=None)
    session.expire_all()
    assert [row.first_day.weekday() for row in queries.educator_by_id(session, who, made.id).absences] == [2]
    with pytest.raises(NotFound):
        service.end_absence(who, made.id, 999_999, read=MONDAY, last_day=None)


def test_an_absences_cost_in_places_is_told_before_it_is_recorded(session: Session) -> None:
    region = small_round(places=(3, 2))
    here = region.departments[0]
    who = keeper(region.trusts[0])
    made = service.create_educator(who, details(here, wte=Decimal(1)))
    service.create_educator(who, details(here, name="Another", wte=Decimal("0.5")))
    weeks = region.round.block_weeks()
    absence = Absence(first_day=weeks[1], last_day=weeks[1] + timedelta(days=4), kind="leave")
    found = places_lost(session, who, queries.educator_by_id(session, who, made.id), absence)
    before, after = found[0].before, found[0].after
    assert [(row.department, row.week) for row in found] == [(here.name, weeks[1])]
    assert before > after
    service.record_absence(who, made.id, NewAbsence(absence.first_day, absence.last_day))
    assert places_lost(session, who, queries.educator_by_id(session, who, made.id), absence) == []


def test_an_accreditation_is_flagged_sixty_days_before_it_lapses() -> None:
    def at(days_left: int) -> str:
        return queries.accreditation_state(
            educator(accredited_until=TODAY + timedelta(days=days_left)), TODAY
        )

    assert [at(days_left) for days_left in (-1, 0, 60, 61)] == ["lapsed", "lapses soon", "lapses soon", ""]
    assert queries.accreditation_state(educator(), TODAY) == ""


def test_the_calendar_reaches_to_the_end_of_the_last_round(session: Session) -> None:
    region = small_round(places=(1, 1))
    weeks = queries.calendar(session, keeper(region.trusts[0]), TODAY)
    assert weeks[0].monday == date(2026, 11, 23)
    assert len(weeks) == max(queries.WEEKS_AHEAD, len(weeks))
    with_block = [week.monday for week in weeks if week.blocks]
    assert with_block == region.round.block_weeks()
    assert len(queries.calendar(session, viewer_as(Role.PLACEMENT_OFFICER), date(2030, 1, 1))) == 12


@pytest.mark.parametrize(
    "wrong",
    [
        {"wte": Decimal("5.5")},
        {"most_at_once": 0},
        {"network_id": 1},
        {"absences": [Absence(first_day=MONDAY, last_day=MONDAY - timedelta(days=1))]},
    ],
)
def test_the_database_refuses_what_cannot_be(session: Session, wrong: dict[str, Any]) -> None:
    trust = TrustFactory()
    with pytest.raises(IntegrityError):
        EducatorFactory(**{"trust_id": trust.id} | wrong)
    db.session.rollback()


def test_of_two_at_once_one_is_told(app: Flask, session: Session) -> None:
    here, there = DepartmentFactory(), DepartmentFactory()
    saved()
    who, other = keeper(here.site.trust), keeper(here.site.trust)
    leads = [keeper(there.site.trust, Role.TRUST_EDUCATION_LEAD) for _ in range(2)]
    made = service.create_educator(who, details(here, there))
    educator_id, there_id, version = made.id, there.id, made.version
    both = details(here, there)
    session.rollback()

    def save(viewer: Viewer, name: str) -> object:
        return service.save_educator(viewer, educator_id, version=version, details=replace(both, name=name))

    def away(viewer: Viewer, days_away: int) -> object:
        last = MONDAY + timedelta(days=days_away)
        return service.record_absence(viewer, educator_id, NewAbsence(MONDAY, last))

    def answer(viewer: Viewer, word: str) -> object:
        return service.agree_sharing(viewer, educator_id, there_id, answer=word)

    for calls in (
        (lambda: save(who, "Jo A"), lambda: save(other, "Jo B")),
        (lambda: away(who, 2), lambda: away(other, 4)),
        (lambda: answer(leads[0], "agree"), lambda: answer(leads[1], "agree")),
    ):
        assert sorted(at_once(app, *map(done_or_told, calls))) == ["done", "told"]
    session.expire_all()
    found = queries.educator_by_id(session, who, educator_id)
    assert found.name in ("Jo A", "Jo B")
    assert len(found.absences) == 1
    assert state(session, found, there) == "agreed"


def done_or_told(call: Callable[[], object]) -> Callable[[], str]:
    """The call, answering whether it was done or its person told why not."""

    def run() -> str:
        try:
            call()
        except (Refused, Stale):
            return "told"
        return "done"

    return run
