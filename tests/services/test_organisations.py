"""Reference data and uploaded travel times."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.access import SYSTEM, Role
from placements.errors import NotAllowed, Refused
from placements.geography.postcodes import locate
from placements.organisations.models import Department, Hei, Icb, Network, Site, TravelOverride, Trust
from placements.organisations.service import Reference, load_reference, load_travel_matrix
from placements.seeding import reference as seeds
from tests.factories import SiteFactory, saved, viewer_as

SMALL = Reference(
    network="A network",
    academy="An academy",
    modalities=[{"key": "xray", "name": "X-ray"}],
    learner_groups=[{"key": "g", "name": "G", "supervision_weight": "0.5", "valid_from": "2020-01-01"}],
    stages=[{"learner_group": "g", "key": "y1", "name": "Year 1", "priority": "2"}],
    trusts=[{"trust_ods": "AAA", "trust": "A trust", "icb_ods": "QAA", "icb": "An ICB"}],
    sites=[
        {"trust_ods": "AAA", "site": "A site", "postcode": "B15 2GW", "kind": "acute", "modalities": "xray"}
    ],
    heis=[{"hei": "A university", "postcode": "B15 3TN"}],
    programmes=[{"hei": "A university", "name": "BSc", "learner_group": "g"}],
)


def test_the_region_loads_whole_and_again_without_doubles(session: Session) -> None:
    for _ in range(2):
        seeds.load_reference()
        found = [session.scalar(select(func.count()).select_from(m)) for m in (Icb, Trust, Site, Hei)]
        assert found == [6, 15, 35, 6]
    hub = session.scalars(select(Site).where(Site.kind == "academy")).one()
    assert hub.trust.ods == "RJE"
    assert {department.modality.key for department in hub.departments} == {
        "ultrasound_skills",
        "reporting",
        "simulation",
    }
    for site in session.scalars(select(Site)):
        point = locate(site.postcode)
        assert point is not None
        assert (site.latitude, site.longitude) == (point.latitude, point.longitude)


def test_a_changed_name_is_brought_up_to_date(session: Session) -> None:
    load_reference(SYSTEM, SMALL)
    load_reference(SYSTEM, replace(SMALL, trusts=[{**SMALL.trusts[0], "trust": "A renamed trust"}]))
    assert session.scalars(select(Trust.name)).all() == ["A renamed trust"]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("sites", "postcode", "ZZ99 9ZZ"),
        ("sites", "trust_ods", "NOT"),
        ("sites", "modalities", "xray telepathy"),
        ("programmes", "hei", "Nowhere"),
        ("programmes", "learner_group", "none"),
        ("stages", "learner_group", "none"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_loaded(
    session: Session, table: str, column: str, value: str
) -> None:
    rows = [{**getattr(SMALL, table)[0], column: value}]
    with pytest.raises(Refused, match=value.split()[-1]):
        load_reference(SYSTEM, replace(SMALL, **{table: rows}))
    assert session.scalar(select(func.count()).select_from(Network)) == 0
    assert session.scalar(select(func.count()).select_from(Department)) == 0


def test_nobody_signed_in_loads_reference_data(session: Session) -> None:
    for role in (Role.PLACEMENT_OFFICER, Role.PRACTICE_EDUCATOR, Role.ACADEMY_LEAD, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            load_reference(viewer_as(role), SMALL)


def test_a_travel_matrix_replaces_the_one_before_or_changes_nothing(session: Session) -> None:
    network = load_reference(SYSTEM, SMALL)
    SiteFactory(name="Another site", trust=session.scalars(select(Trust)).one(), postcode="B9 5SS")
    saved()
    good = b"origin,site,mode,minutes\nB15 3TN,A site,car,12\nB15,Another site,public transport,34\n"
    assert load_travel_matrix(SYSTEM, network.id, good) == 2
    bad = b"origin,site,mode,minutes\nB15 3TN,A site,car,12\nB15 3TN,Nowhere,car,ten\n"
    with pytest.raises(Refused) as refusal:
        load_travel_matrix(SYSTEM, network.id, bad)
    assert any(field.startswith("line 3") for field in refusal.value.fields)
    assert session.scalar(select(func.count()).select_from(TravelOverride)) == 2
    assert load_travel_matrix(SYSTEM, network.id, good.splitlines()[0] + b"\nB15,A site,car,9\n") == 1
