"""Reference data that holds from a day on: added to, never changed."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from placements.access import Role, Viewer
from placements.audit.models import AuditEntry
from placements.capacity import queries as capacity
from placements.errors import NotAllowed, Refused
from placements.organisations import queries
from placements.organisations.models import (
    FairShareRate,
    Modality,
    PlaceRate,
    Profession,
    SupervisionFactor,
    SupervisionModel,
    SupervisionWeight,
)
from placements.organisations.service import NewRate, save_reference
from placements.seeding.reference import load_reference
from tests.factories import viewer_as
from tests.factories.region import small_round

TODAY = date(2026, 11, 24)
SOON = date(2026, 12, 1)


@pytest.fixture
def keeper(session: Session) -> Viewer:
    load_reference()
    return viewer_as(Role.ADMINISTRATOR)


def key_of(session: Session, kind: str, name: str) -> str:
    return next(line.key for line in queries.rate_lines(session, kind) if line.name.startswith(name))


def test_each_figure_is_added_from_a_day_on_and_what_held_before_stays(
    session: Session, keeper: Viewer
) -> None:
    def add(kind: str, name: str, value: str) -> None:
        save_reference(keeper, NewRate(kind, key_of(session, kind, name), Decimal(value), SOON))

    add("weight", "Sonography, every stage", "0.8")
    add("weight", "Diagnostic radiography, Year 1", "0.7")
    add("factor", "Coaching", "0.5")
    add("place", "Ultrasound, Sonography", "3.5")
    add("fair_share", "Radiographers", "30")
    before, after = SOON - timedelta(days=1), SOON
    weights = [queries.weights_in_force(session, day) for day in (before, after)]
    assert [found["sonography", "year_2"] for found in weights] == [Decimal("1.00"), Decimal("0.80")]
    assert [found["diagnostic_radiography", "year_1"] for found in weights] == [
        Decimal("0.50"),
        Decimal("0.70"),
    ]
    assert [found["diagnostic_radiography", "year_2"] for found in weights] == [Decimal("0.50")] * 2
    factors = [queries.supervision_factors_in_force(session, day)["coaching"] for day in (before, after)]
    assert factors == [Decimal("0.60"), Decimal("0.50")]
    ultrasound = session.scalars(sa.select(Modality).filter_by(key="ultrasound")).one()
    rates = [
        queries.place_rates_in_force(session, day)[ultrasound.id, "sonography"] for day in (before, after)
    ]
    assert rates == [Decimal("4.00"), Decimal("3.50")]
    radiographers = session.scalars(sa.select(Profession).filter_by(key="radiographer")).one()
    shares = [queries.fair_share_in_force(session, day)[radiographers.id] for day in (before, after)]
    assert shares == [Decimal("25.00"), Decimal("30.00")]
    entries = session.scalars(sa.select(AuditEntry).filter_by(action="save_reference")).all()
    assert {entry.subject for entry in entries} == {
        "supervision_weight",
        "supervision_factor",
        "place_rate",
        "fair_share_rate",
    }
    assert entries[0].detail == {"value": "0.8", "valid_from": "2026-12-01"}
    load_reference()
    assert queries.supervision_factors_in_force(session, after)["coaching"] == Decimal("0.50")


def test_a_history_reads_the_newest_first(session: Session, keeper: Viewer) -> None:
    key = key_of(session, "factor", "Coaching")
    for day, value in ((SOON, "0.5"), (SOON + timedelta(days=1), "0.4")):
        save_reference(keeper, NewRate("factor", key, Decimal(value), day))
    line = next(line for line in queries.rate_lines(session, "factor") if line.key == key)
    assert [row[1] for row in line.history] == [Decimal("0.40"), Decimal("0.50"), Decimal("0.60")]
    assert line.in_force(TODAY) == (None, Decimal("0.60"))
    assert line.in_force(SOON) == (SOON, Decimal("0.50"))


@pytest.mark.parametrize(
    ("kind", "name", "value", "day", "field"),
    [
        ("weight", "Sonography, every stage", "0", SOON, "value"),
        ("weight", "Sonography, every stage", "2.01", SOON, "value"),
        ("weight", "Sonography, every stage", "0.333", SOON, "value"),
        ("weight", "Sonography, every stage", "NaN", SOON, "value"),
        ("factor", "Coaching", "-1", SOON, "value"),
        ("place", "Ultrasound, Sonography", "20.5", SOON, "value"),
        ("fair_share", "Radiographers", "401", SOON, "value"),
        ("weight", "Sonography, every stage", "0.5", TODAY - timedelta(days=1), "valid_from"),
        ("weight", "Sonography, every stage", "0.5", date(2019, 1, 1), "valid_from"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    session: Session, keeper: Viewer, kind: str, name: str, value: str, day: date, field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        save_reference(keeper, NewRate(kind, key_of(session, kind, name), Decimal(value), day))
    assert set(refusal.value.fields) == {field}
    assert session.scalar(sa.select(sa.func.count()).where(AuditEntry.action == "save_reference")) == 0


def test_a_day_has_to_be_later_than_the_last_one(session: Session, keeper: Viewer) -> None:
    new = NewRate("weight", key_of(session, "weight", "Sonography, every stage"), Decimal("0.9"), SOON)
    save_reference(keeper, new)
    for day in (SOON, SOON - timedelta(days=1)):
        with pytest.raises(Refused, match="after 1 December 2026"):
            save_reference(keeper, NewRate(new.kind, new.key, new.value, day))
    with pytest.raises(Refused, match="from the list"):
        save_reference(keeper, NewRate("weight", "999999", new.value, SOON))


def test_only_an_administrator_adds(session: Session, keeper: Viewer) -> None:
    key = key_of(session, "weight", "Sonography, every stage")
    for role in (Role.ACADEMY_LEAD, Role.PRACTICE_EDUCATOR, Role.TRUST_EDUCATION_LEAD):
        with pytest.raises(NotAllowed):
            save_reference(viewer_as(role), NewRate("weight", key, Decimal("0.9"), SOON))
    models = (SupervisionWeight, SupervisionFactor, PlaceRate, FairShareRate)
    assert all(
        session.scalar(sa.select(sa.func.count()).where(model.valid_from >= TODAY)) == 0 for model in models
    )


def test_a_round_uses_the_factor_of_the_day_it_begins(session: Session) -> None:
    region = small_round()
    model = SupervisionModel(key="long_arm", name="Long-arm", weight_factor=Decimal("0.5"))
    session.add(model)
    session.flush()
    begins = region.round.first_week
    for day, value in ((begins, "0.4"), (begins + timedelta(days=1), "0.3")):
        session.add(
            SupervisionFactor(supervision_model_id=model.id, weight_factor=Decimal(value), valid_from=day)
        )
    session.commit()
    found = capacity.limits_of(session, region.round, region.departments)
    assert found.factors == {"long_arm": Decimal("0.40")}
