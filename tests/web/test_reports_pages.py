"""Pages about trusts, the academy, a site's sheet, fair share and workforce."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from placements.access import Role
from placements.accounts.models import Person
from placements.extensions import db
from placements.organisations.models import Department, Workforce
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    FairShareRateFactory,
    LearnerGroupFactory,
    ModalityFactory,
    PersonFactory,
    PlanLineFactory,
    ProfessionFactory,
    PublicationFactory,
    PublicationLineFactory,
    RoundFactory,
    SiteFactory,
    TrustFactory,
    WorkforceFactory,
    saved,
)
from tests.factories.region import SmallRound, small_round
from tests.web.pages import page, sign_in


def published_region() -> SmallRound:
    """Two learners of the HEI at the first trust for the four weeks of the block, one at the second."""
    region = small_round(learners=3, places=(2, 1))
    publication = PublicationFactory(round=region.round)
    learner = region.learners[0]
    for at, reference in ((0, "DR-1"), (0, "DR-2"), (1, "DR-3")):
        PublicationLineFactory(
            publication=publication,
            at=region.departments[at],
            of_hei=region.hei,
            programme=learner.cohort.programme.name,
            stage=learner.cohort.stage.name,
            learner_reference=reference,
        )
    saved()
    return region


def lead_of(region: SmallRound) -> Person:
    return PersonFactory(role=Role.TRUST_EDUCATION_LEAD.value, trust_id=region.trusts[0].id)


def test_a_trust_sees_all_its_sites_on_one_page(client: FlaskClient) -> None:
    region = published_region()
    sign_in(client, lead_of(region))
    answer = client.get(f"/rounds/{region.round.id}/trusts")
    assert answer.location == f"/rounds/{region.round.id}/trusts/{region.trusts[0].id}"
    shown = page(client.get(answer.location))
    assert shown.h1.startswith(region.trusts[0].name)
    # Two learners of half a WTE each, supervised by two WTE, in each of the four weeks.
    assert ["X-ray", "50%", "50%", "50%", "50%"] in shown.rows()
    assert "Nobody begins then. The next to begin are 2 learners on 4 January 2027" in shown.main
    assert "DR-1" in shown.main
    assert "DR-3" not in shown.main
    used = page(client.get(f"{answer.location}?show=used"))
    assert ["X-ray", "2 of 2", "2 of 2", "2 of 2", "2 of 2"] in used.rows()
    assert client.get(f"/rounds/{region.round.id}/trusts/{region.trusts[1].id}").status_code == 404


def test_a_trusts_page_is_filtered_by_site_and_block(client: FlaskClient) -> None:
    region = published_region()
    other = BlockFactory(round=region.round, name="Block 2", first_week=date(2027, 2, 8), weeks=2)
    elsewhere = SiteFactory(trust=region.trusts[0], name="Cottage Hospital")
    DepartmentFactory(site=elsewhere, modality=ModalityFactory(key="ct"))
    sign_in(client, lead_of(region))
    address = f"/rounds/{region.round.id}/trusts/{region.trusts[0].id}"
    here = page(client.get(f"{address}?site={elsewhere.id}&block={other.id}&show=nonsense"))
    assert ["CT", "–", "–"] in here.rows()
    assert not [row for row in here.rows() if row[0].startswith("X-ray")]
    assert "Show all sites and blocks" in here.links()


def test_an_academy_lead_sees_every_trust_and_the_academys_centres_with_their_sessions(
    client: FlaskClient,
) -> None:
    region = published_region()
    skills = ModalityFactory(key="ultrasound_skills", name="Ultrasound skills", measure="sessions")
    hub = SiteFactory(trust=region.trusts[0], kind="academy", name="Academy hub")
    centre = DepartmentFactory(site=hub, modality=skills)
    DeclarationFactory(round=region.round, department=centre, maximum=10, preferred=5)
    sign_in(client, PersonFactory())
    everybody = page(client.get(f"/rounds/{region.round.id}/trusts"))
    names = [row[0] for row in everybody.rows()]
    assert names[0].endswith("The academy's own centres")
    assert len(names) == 3
    academy = page(client.get(f"/rounds/{region.round.id}/academy"))
    assert academy.h1.startswith("The academy's own centres")
    # No rate turns these sessions into places, so one session is one place: ten a week for four weeks.
    (row,) = [row for row in academy.rows() if "Ultrasound skills, Academy hub" in row[0]]
    assert row[1].endswith("40")
    sign_in_again = client.application.test_client()
    sign_in(sign_in_again, lead_of(region))
    assert sign_in_again.get(f"/rounds/{region.round.id}/academy").status_code == 403


def test_the_csv_has_every_department_and_week(client: FlaskClient) -> None:
    region = published_region()
    sign_in(client, lead_of(region))
    answer = client.get(f"/rounds/{region.round.id}/trusts/{region.trusts[0].id}/weeks.csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [row["Week commencing"] for row in rows] == [
        "2027-01-04",
        "2027-01-11",
        "2027-01-18",
        "2027-01-25",
    ]
    assert {(row["Places used"], row["Load %"]) for row in rows} == {("2", "50")}


def test_a_trust_without_sites_or_places_is_told_what_comes_next(client: FlaskClient) -> None:
    round_ = RoundFactory()
    BlockFactory(round=round_)
    empty = TrustFactory()
    person = PersonFactory(role=Role.PRACTICE_EDUCATOR.value, trust_id=empty.id)
    sign_in(client, person)
    address = f"/rounds/{round_.id}/trusts/{empty.id}"
    assert "This trust has no site yet" in page(client.get(address)).main
    department = DepartmentFactory(site=SiteFactory(trust=empty))
    saved()
    shown = page(client.get(address))
    assert "No department has approved places yet" in shown.main
    assert "Nothing is published in this round yet" in shown.main
    sheet = page(client.get(f"/rounds/{round_.id}/sites/{department.site_id}/sheet"))
    assert "No places of this department are approved" in sheet.main


def test_a_sites_sheet_lists_learners_by_reference_and_places_by_week(client: FlaskClient) -> None:
    region = published_region()
    sign_in(client, lead_of(region))
    site_id = region.departments[0].site_id
    sheet = page(client.get(f"/rounds/{region.round.id}/sites/{site_id}/sheet"))
    rows = sheet.rows()
    assert ["4 Jan", "29 Jan", "DR-1", f"{region.hei.name}, {region.learners[0].cohort.stage.name}"] in rows
    assert ["4 Jan", "1 and 2", "2", "2 WTE, not named"] in rows
    assert "DR-3" not in sheet.main
    other = region.departments[1].site_id
    assert client.get(f"/rounds/{region.round.id}/sites/{other}/sheet").status_code == 404


def test_the_round_says_where_a_block_may_be_at_the_academy(client: FlaskClient) -> None:
    region = small_round()
    skills = ModalityFactory(key="ultrasound_skills", name="Ultrasound skills", measure="sessions")
    DepartmentFactory(site=SiteFactory(kind="academy"), modality=skills)
    line = PlanLineFactory(block=region.block, modalities=[region.departments[0].modality, skills])
    sign_in(client, PersonFactory())
    told = page(client.get(f"/rounds/{region.round.id}")).main
    assert f"{line.stage.name}: X-ray or Ultrasound skills. This block may be at the academy" in told
    assert told.count("may be at the academy") == 1
    assert "Sites, load and who comes next" in told


def with_workforce(region: SmallRound) -> None:
    profession = ProfessionFactory(key="radiographer")
    FairShareRateFactory(profession=profession)
    LearnerGroupFactory(key="diagnostic_radiography").profession = profession
    for department in region.departments:
        WorkforceFactory(department=department, profession=profession, wte=Decimal(8))
    saved()


def test_fair_share_is_followed_from_the_network_to_the_rows_behind_it(client: FlaskClient) -> None:
    region = published_region()
    with_workforce(region)
    sign_in(client, PersonFactory())
    address = f"/rounds/{region.round.id}/fair-share"
    network = page(client.get(address))
    name = region.trusts[0].name
    # 8 WTE x 25 days x 13 of 52 weeks; two places and two learners for 20 days.
    assert [name, "50", "40 (80.0%)", "40 (80.0%)"] in [_plain(row) for row in network.rows()]
    trust = page(client.get(network.links()[name]))
    department = region.departments[0].name
    rows = page(client.get(trust.links()[department]))
    assert "Expected: 50.0 days" in rows.main
    assert "Declared: 40.0 days" in rows.main
    assert "Delivered: 40.0 days" in rows.main
    assert "DR-1" in rows.main
    whole = page(client.get(f"{address}?year=whole"))
    assert [name, "200", "40 (20.0%)", "40 (20.0%)"] in [_plain(row) for row in whole.rows()]
    answer = client.get(f"/rounds/{region.round.id}/fair-share.csv?trust={region.trusts[0].id}")
    file = list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert file[1][3:] == ["Radiographers", "50.0", "40.0", "40.0", "80.0", "80.0"]


def _plain(row: list[str]) -> list[str]:
    """A row without the headings that only phones show."""
    return [cell.strip() for cell in row]


def test_a_trust_sees_its_own_fair_share_only(client: FlaskClient) -> None:
    region = published_region()
    with_workforce(region)
    sign_in(client, PersonFactory(role=Role.PRACTICE_EDUCATOR.value, trust_id=region.trusts[0].id))
    address = f"/rounds/{region.round.id}/fair-share"
    own = page(client.get(address))
    assert region.departments[0].name in own.links()
    assert region.departments[1].name not in own.main
    assert "Record the workforce" not in own.main
    assert client.get(f"{address}?trust={region.trusts[1].id}").status_code == 404
    assert client.get(f"{address}/{region.departments[1].id}").status_code == 404


def test_without_workforce_the_page_says_who_records_it(client: FlaskClient) -> None:
    region = published_region()
    sign_in(client, lead_of(region))
    told = page(client.get(f"/rounds/{region.round.id}/fair-share"))
    assert "No workforce is recorded yet" in told.main
    assert f"Record the workforce of {region.trusts[0].name}" in told.links()


@pytest.fixture
def returning(client: FlaskClient) -> tuple[FlaskClient, int, Department]:
    """A trust's education lead on the workforce page of a trust with one department."""
    department = DepartmentFactory()
    ProfessionFactory(key="radiographer")
    sign_in(
        client,
        PersonFactory(role=Role.TRUST_EDUCATION_LEAD.value, trust_id=department.site.trust_id),
    )
    return client, department.site.trust_id, department


def _form(client: FlaskClient, address: str) -> dict[str, str]:
    shown = page(client.get(address))
    fields = [field for field in shown.all("input") if field.get("name")]
    return {field.get("name", ""): field.get("value", "") for field in fields}


def test_workforce_is_typed_saved_and_shown_again(returning: tuple[FlaskClient, int, Department]) -> None:
    client, trust_id, department = returning
    address = f"/trusts/{trust_id}/workforce"
    form = _form(client, address)
    (name,) = [name for name in form if name.startswith("wte-")]
    wrong = page(client.post(address, data=form | {name: "twelve"}))
    assert wrong.errors == {
        name: f"{department.name}, radiographers: “twelve” cannot be right, enter a number from 0 to 999"
        " with at most two decimals"
    }
    assert wrong.value(name) == "twelve"
    undated = page(client.post(address, data=form | {name: "12,5", "as_of": ""}))
    assert list(undated.errors) == ["as_of"]
    assert client.post(address, data=form | {name: "12,5"}).status_code == 302
    assert page(client.get(address)).value(name) == "12.5"
    # Sent a second time it was read before the first: nothing is overwritten, the typing stays.
    stale = client.post(address, data=form | {name: "13"})
    assert stale.status_code == 409
    shown = page(stale)
    assert shown.value(name) == "13"
    assert "Saved meanwhile: 12.5" in shown.main
    again = {field.get("name", ""): field.get("value", "") for field in shown.all("input")}
    assert client.post(address, data=again).status_code == 302
    assert db.session.query(Workforce.wte).all() == [(Decimal(13),)]


def test_workforce_is_pasted_from_a_spreadsheet_before_it_is_saved(
    returning: tuple[FlaskClient, int, Department],
) -> None:
    client, trust_id, department = returning
    address = f"/trusts/{trust_id}/workforce"
    file = client.get(f"{address}.csv").get_data(as_text=True).removeprefix("\ufeff")
    assert file.splitlines() == [
        "Site,Department,Profession,WTE",
        f"{department.site.name},X-ray,Radiographers,",
    ]
    form = _form(client, address) | {"fill": "fill"}
    (name,) = [name for name in form if name.startswith("wte-")]
    filled = page(client.post(address, data=form | {"pasted": file.strip() + "7.5"}))
    assert filled.value(name) == "7.5"
    assert filled.value("pasted") == ""
    assert "Nothing is saved until you save" in filled.main
    assert db.session.query(Workforce).all() == []
    site = department.site.name
    rows = ("X-ray\tRadiographers\t9", "MRI\tRadiographers\t1", "X-ray\tDoctors\t1", "CT")
    bad = "".join(f"{site}\t{row}\n" for row in rows)
    wrong = page(client.post(address, data=form | {"pasted": bad}))
    words = wrong.errors["pasted"]
    for part in (
        "Row 2: there is no department “MRI”",
        "Row 3: “Doctors” is no profession",
        "Row 4: it has 2",
    ):
        assert part in words
    assert wrong.value("pasted").strip() == bad.strip()
    assert wrong.value(name) == "9"
