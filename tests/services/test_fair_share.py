"""Fair share: days expected of the workforce, declared and delivered, and the workforce return."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.allocations.queries import newest_publication
from placements.audit.models import AuditEntry
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.models import Declaration, DeclarationRecord
from placements.clock import now_utc
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.organisations.models import Department, FairShareRate, Profession, Workforce
from placements.reports import fair_share, queries
from placements.reports.fair_share import Days
from placements.reports.service import WorkforceReturn, save_workforce
from tests.at_once import at_once
from tests.factories import (
    DepartmentFactory,
    FairShareRateFactory,
    LearnerGroupFactory,
    PlanLineFactory,
    ProfessionFactory,
    ProgrammeFactory,
    PublicationFactory,
    PublicationLineFactory,
    SiteFactory,
    StageFactory,
    SupervisionWeightFactory,
    TrustFactory,
    WorkforceFactory,
    saved,
    viewer_as,
)
from tests.factories.region import SmallRound, small_round

# The small round's block has four weeks of five days: 4, 11, 18 and 25 January 2027.
BLOCK_DAYS = 20
# It spans 13 weeks, a quarter of a year.
QUARTER = Decimal("0.25")


def with_professions(region: SmallRound) -> tuple[Profession, Profession]:
    """Radiographers for the region's learners, and sonographers; 25 days per WTE a year each."""
    found = (ProfessionFactory(key="radiographer"), ProfessionFactory(key="sonographer"))
    for profession in found:
        FairShareRateFactory(profession=profession)
    LearnerGroupFactory(key="diagnostic_radiography").profession = found[0]
    saved()
    return found


def found_days(
    session: Session, viewer: Viewer, region: SmallRound, **changes: bool
) -> dict[tuple[int, str], Days]:
    publication = newest_publication(session, viewer, region.round.id)
    shares = fair_share.shares(
        session, region.round, queries.departments_of_trusts(viewer), publication, **changes
    )
    return {(one.department.id, one.profession_name): one.days for one in shares}


def approve(session: Session, department: Department, content: Content) -> None:
    """Replace a department's offer."""
    declaration = session.scalars(select(Declaration).filter_by(department_id=department.id)).one()
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
    saved()


def test_days_are_expected_declared_and_delivered(session: Session) -> None:
    region = small_round(places=(3, 1))
    radiographers, _ = with_professions(region)
    here = region.departments[0]
    WorkforceFactory(department=here, profession=radiographers, wte=Decimal("12.5"))
    publication = PublicationFactory(round=region.round)
    programme = region.learners[0].cohort.programme
    for _ in range(2):
        PublicationLineFactory(
            publication=publication,
            at=here,
            of_hei=region.hei,
            programme=programme.name,
            stage=region.learners[0].cohort.stage.name,
            first_week=date(2027, 3, 22),
            weeks=2,
        )
    saved()
    viewer = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=region.trusts[0].id)
    # Delivered: Good Friday and Easter Monday are no days of placement (26 and 29 March 2027).
    assert found_days(session, viewer, region) == {
        (here.id, "Radiographers"): Days(
            Decimal("12.5") * 25 * QUARTER, Decimal(3 * BLOCK_DAYS), Decimal(2 * 8)
        )
    }
    whole = found_days(session, viewer, region, whole_year=True)
    assert whole[here.id, "Radiographers"].expected == Decimal("312.5")


def test_each_figure_is_the_sum_of_the_rows_behind_it(session: Session) -> None:
    region = small_round(places=(3, 1))
    professions = with_professions(region)
    here = region.departments[0]
    for profession, wte in zip(professions, ("12.5", "4"), strict=True):
        WorkforceFactory(department=here, profession=profession, wte=Decimal(wte))
    publication = PublicationFactory(round=region.round)
    PublicationLineFactory(publication=publication, at=here)
    saved()
    found = found_days(session, region.lead, region)
    rows = fair_share.behind(session, region.lead, region.round, here, publication)
    total = sum((days for (key, _), days in found.items() if key == here.id), Days())
    assert total.expected == sum(row.days for row in rows.returned) > 0
    assert total.declared == sum(row.days for row in rows.declared) > 0
    assert total.delivered == sum(row.days for row in rows.delivered) == BLOCK_DAYS


def test_a_place_for_anyone_is_split_among_the_professions_that_the_plan_sends(session: Session) -> None:
    region = small_round(places=(3, 1))
    _, sonographers = with_professions(region)
    here, there = region.departments
    group = LearnerGroupFactory(key="sonography", name="Sonography", profession=sonographers)
    SupervisionWeightFactory(learner_group_id=group.id)
    PlanLineFactory(
        block=region.block,
        programme=ProgrammeFactory(learner_group=group),
        stage=StageFactory(learner_group=group),
        modalities=[here.modality],
    )
    week = region.round.block_weeks()[0]
    approve(session, here, Content({ANYONE: {week: Places(1, 3)}, "sonography": {week: Places(1, 2)}}))
    found = found_days(session, region.lead, region)
    # Three for anyone, half to each; two for sonography alone.
    assert found[here.id, "Radiographers"].declared == Decimal("7.5")
    assert found[here.id, "Sonographers"].declared == Decimal("17.5")
    assert found[there.id, "Radiographers"].declared == BLOCK_DAYS / 2


def test_the_return_and_the_rate_in_force_when_the_round_begins_count(session: Session) -> None:
    region = small_round(places=(0, 0))
    radiographers, _ = with_professions(region)
    here = region.departments[0]
    begins = region.round.first_week
    for as_of, wte in ((date(2026, 4, 1), 10), (begins, 20), (begins + timedelta(days=1), 90)):
        WorkforceFactory(department=here, profession=radiographers, wte=Decimal(wte), as_of=as_of)
    session.add(FairShareRate(profession=radiographers, days_per_wte=Decimal(30), valid_from=begins))
    saved()
    found = found_days(session, region.lead, region)
    assert found == {(here.id, "Radiographers"): Days(20 * 30 * QUARTER)}


def test_learners_whose_group_names_no_profession_are_not_lost(session: Session) -> None:
    region = small_round(places=(1, 0))
    assert {name for _, name in found_days(session, region.lead, region)} == {"No profession"}


def test_a_trust_sees_only_its_own_share_and_nobody_the_academys(session: Session) -> None:
    region = small_round(places=(3, 2))
    with_professions(region)
    centre = DepartmentFactory(site=SiteFactory(trust=region.trusts[0], kind="academy"))
    WorkforceFactory(department=centre)
    saved()
    viewer = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=region.trusts[0].id)
    assert {key for key, _ in found_days(session, viewer, region)} == {region.departments[0].id}
    everybody = found_days(session, region.lead, region)
    assert {key for key, _ in everybody} == {row.id for row in region.departments}


def test_shares_add_up_to_the_same_however_they_are_put_together(session: Session) -> None:
    region = small_round(places=(3, 2))
    for profession in with_professions(region):
        for department in region.departments:
            WorkforceFactory(department=department, profession=profession)
    saved()
    shares = fair_share.shares(
        session, region.round, queries.departments_of_trusts(region.lead), None, whole_year=True
    )
    whole = fair_share.total(shares)
    assert whole.expected == 4 * 10 * 25
    for by in fair_share.GROUPINGS:
        lines = fair_share.together(shares, by)
        assert len(lines) == 2
        assert sum((line.days for line in lines), Days()) == whole
    rows = fair_share.csv_rows(shares)
    assert len(rows) == 5
    assert rows[1][3:7] == ["Radiographers", Decimal("250.0"), Decimal("60.0"), Decimal("0.0")]


def told(
    session: Session,
    viewer: Viewer,
    trust_id: int,
    wte: Mapping[tuple[int, int], str],
    as_of: date = date(2026, 11, 1),
) -> WorkforceReturn:
    version = queries.version_of(queries.workforce_of_trust(session, viewer, trust_id))
    return WorkforceReturn(as_of, version, {cell: Decimal(value) for cell, value in wte.items()})


def one_trust() -> tuple[int, int, int, Viewer]:
    """A trust, its department, a profession, and its education lead."""
    department, profession = DepartmentFactory(), ProfessionFactory()
    saved()
    trust_id = department.site.trust_id
    return trust_id, department.id, profession.id, viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=trust_id)


def test_a_return_keeps_the_earlier_ones_and_repeating_it_changes_nothing(session: Session) -> None:
    trust_id, department_id, profession_id, lead = one_trust()
    cell = department_id, profession_id
    first = told(session, lead, trust_id, {cell: "12.5"}, date(2025, 4, 1))
    assert save_workforce(lead, trust_id, first) == 1
    later = told(session, lead, trust_id, {cell: "14"}, date(2026, 4, 1))
    assert save_workforce(lead, trust_id, later) == 1
    again = told(session, lead, trust_id, {cell: "14.00"}, date(2026, 11, 1))
    assert save_workforce(lead, trust_id, again) == 0
    corrected = told(session, lead, trust_id, {cell: "15"}, date(2026, 4, 1))
    assert save_workforce(lead, trust_id, corrected) == 1
    rows = session.scalars(select(Workforce).order_by(Workforce.as_of)).all()
    assert [(row.as_of, row.wte) for row in rows] == [
        (date(2025, 4, 1), Decimal("12.5")),
        (date(2026, 4, 1), Decimal(15)),
    ]
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "save_workforce")).all()
    assert [entry.detail["figures"] for entry in entries] == [1, 1, 0, 1]


def test_a_return_read_before_anothers_is_stale(session: Session) -> None:
    trust_id, department_id, profession_id, lead = one_trust()
    cell = department_id, profession_id
    mine = told(session, lead, trust_id, {cell: "3"})
    save_workforce(lead, trust_id, told(session, lead, trust_id, {cell: "4"}))
    with pytest.raises(Stale):
        save_workforce(lead, trust_id, mine)
    assert session.scalars(select(Workforce.wte)).all() == [Decimal(4)]


def test_of_two_people_at_the_same_moment_one_is_told(app: Flask, session: Session) -> None:
    """On PostgreSQL the second waits for the first and sees its figures; on SQLite there is one writer."""
    trust_id, department_id, profession_id, lead = one_trust()
    cell = department_id, profession_id
    save_workforce(lead, trust_id, told(session, lead, trust_id, {cell: "1"}))
    returns = [told(session, lead, trust_id, {cell: wte}) for wte in ("2", "3")]

    def save(what: WorkforceReturn) -> bool:
        try:
            save_workforce(lead, trust_id, what)
        except Stale:
            return False
        return True

    session.rollback()
    saved_ones = at_once(app, lambda: save(returns[0]), lambda: save(returns[1]))
    assert sorted(saved_ones) == [False, True]
    session.expire_all()
    winner = returns[saved_ones.index(True)]
    assert session.scalars(select(Workforce.wte)).all() == [winner.wte[cell]]


@pytest.mark.parametrize(
    ("wte", "words"),
    [
        ("-1", "cannot be right"),
        ("1000", "cannot be right"),
        ("1.234", "too fine"),
        ("NaN", "cannot be right"),
    ],
)
def test_figures_that_cannot_be_right_are_named(session: Session, wte: str, words: str) -> None:
    trust_id, department_id, profession_id, lead = one_trust()
    with pytest.raises(Refused) as refused:
        save_workforce(lead, trust_id, told(session, lead, trust_id, {(department_id, profession_id): wte}))
    assert words in refused.value.fields[f"{department_id}-{profession_id}"]
    with pytest.raises(Refused) as refused:
        save_workforce(lead, trust_id, told(session, lead, trust_id, {}, date(1999, 1, 1)))
    assert set(refused.value.fields) == {"as_of"}
    assert session.scalars(select(Workforce)).all() == []


def test_only_the_trusts_education_lead_and_the_academy_record_its_workforce(session: Session) -> None:
    trust_id, department_id, profession_id, _ = one_trust()
    elsewhere = DepartmentFactory(site=SiteFactory(trust=TrustFactory()))
    saved()
    academy = viewer_as(Role.ACADEMY_LEAD)
    cell = {(department_id, profession_id): "3"}
    educator = viewer_as(Role.PRACTICE_EDUCATOR, trust_id=trust_id)
    with pytest.raises(NotAllowed):
        save_workforce(educator, trust_id, told(session, academy, trust_id, cell))
    stranger = viewer_as(Role.TRUST_EDUCATION_LEAD, trust_id=elsewhere.site.trust_id)
    with pytest.raises(NotFound):
        save_workforce(stranger, trust_id, told(session, academy, trust_id, cell))
    with pytest.raises(Refused):
        save_workforce(
            academy, trust_id, told(session, academy, trust_id, {(elsewhere.id, profession_id): "3"})
        )
    assert save_workforce(academy, trust_id, told(session, academy, trust_id, cell)) == 1
