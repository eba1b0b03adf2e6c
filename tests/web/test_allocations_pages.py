"""Pages about publication: what stands, publishing it, and the places as each role sees them."""

import csv
import io

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from placements.access import Role
from placements.allocations import service
from placements.allocations.models import Publication
from placements.extensions import db
from tests.factories import (
    DepartmentFactory,
    HeiFactory,
    PersonFactory,
    PublicationFactory,
    PublicationLineFactory,
    RoundFactory,
    SiteFactory,
    TrustFactory,
    saved,
)
from tests.factories.region import SmallRound, small_round
from tests.services.test_allocations import a_run
from tests.web.pages import page, sign_in


@pytest.fixture
def region(site: object) -> SmallRound:
    return small_round(learners=3)


@pytest.fixture
def lead(client: FlaskClient) -> FlaskClient:
    sign_in(client, PersonFactory())
    return client


def signed_in(client: FlaskClient, role: Role, **organisation: int) -> FlaskClient:
    """Another browser, of a person in this role."""
    other = client.application.test_client()
    sign_in(other, PersonFactory(role=role.value, **organisation))
    return other


def published(region: SmallRound) -> Publication:
    service.adopt_run(region.lead, a_run(region).id)
    return service.publish_round(region.lead, region.round.id, version=region.round.version)


def test_a_lead_adopts_and_publishes(lead: FlaskClient, region: SmallRound) -> None:
    address = f"/rounds/{region.round.id}/publications"
    empty = page(lead.get(address))
    assert "No run has been adopted yet" in empty.main
    assert "Nothing has been published in this round yet" in empty.main
    run = a_run(region)
    run.summary = run.summary | {"requirements": 3, "placed": 2}
    saved()
    adopted = page(lead.post(f"/runs/{run.id}/adopt", follow_redirects=True))
    assert f"Run {run.id} now stands as the round's allocation" in adopted.main
    assert "2 of 3 placed (66.7%)" in adopted.main
    assert "Ready to publish" in page(lead.get(f"/rounds/{region.round.id}")).main
    sent = {"version": adopted.value("version")}
    assert "This run stands" in page(lead.get(f"/runs/{run.id}")).main

    told = page(lead.post(address, data=sent, follow_redirects=True))
    assert "Published as version 1" in told.main
    assert "2 placements found, 1 not found" in told.main
    listed = page(lead.get(address))
    assert "It is published as version 1" in listed.main
    assert not [field for field in listed.all("input") if field.get("name") == "version"]
    assert "Newest" in listed.main
    assert "Version 1 published" in page(lead.get(f"/rounds/{region.round.id}")).main
    assert "Adopted. Published as version 1" in page(lead.get(f"/rounds/{region.round.id}/runs")).main

    again = lead.post(address, data=sent)
    assert again.status_code == 409
    assert "Somebody else changed this" in page(again).errors["publish"]
    assert len(db.session.scalars(select(Publication)).all()) == 1


def test_publishing_without_a_run_is_refused_in_words(lead: FlaskClient, region: SmallRound) -> None:
    refused = lead.post(f"/rounds/{region.round.id}/publications", data={"version": region.round.version})
    assert refused.status_code == 409
    assert "adopt a finished run first" in page(refused).errors["publish"]
    unversioned = lead.post(f"/rounds/{region.round.id}/publications")
    assert unversioned.status_code == 409


def test_an_officer_sees_and_downloads_the_heis_own_places(client: FlaskClient, region: SmallRound) -> None:
    publication = published(region)
    stranger = PublicationLineFactory(publication=publication, learner_reference="STRANGER")
    officer = signed_in(client, Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    listed = page(officer.get(f"/rounds/{region.round.id}/publications"))
    assert "What stands" not in listed.main
    assert listed.links()["Version 1"] == f"/publications/{publication.id}"
    found = page(officer.get(f"/publications/{publication.id}"))
    assert found.h1.startswith("Published places")
    assert "2 placements found, 1 not found" in found.main
    assert len(found.rows()) == 3
    for words in (
        region.departments[0].name,
        "25 min (estimate)",
        "Not placed (X-ray)",
        "4 Jan to 29 Jan 2027",
    ):
        assert words in found.main, words
    assert stranger.learner_reference not in found.main

    answer = officer.get(f"/publications/{publication.id}/places.csv")
    assert answer.mimetype == "text/csv"
    name = f"places-round-{region.round.id}-version-1.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["Learner reference"] for row in rows] == [learner.reference for learner in region.learners]
    assert [row["Result"] for row in rows] == ["placed", "placed", "not placed"]


def test_an_educator_sees_who_is_coming_and_not_how_they_travel(
    client: FlaskClient, region: SmallRound
) -> None:
    publication = published(region)
    educator = signed_in(client, Role.PRACTICE_EDUCATOR, trust_id=region.trusts[0].id)
    listed = page(educator.get(f"/rounds/{region.round.id}/publications"))
    assert "1 placement" in listed.main
    assert "Not placed" not in listed.main
    found = page(educator.get(f"/publications/{publication.id}"))
    assert found.h1.startswith("Who is coming")
    ((learner, programme, block, department),) = found.rows()
    assert region.learners[0].reference in learner
    assert region.hei.name in programme
    assert "4 weeks" in block
    assert region.departments[0].name in department
    assert "Travel" not in found.main
    text = educator.get(f"/publications/{publication.id}/places.csv").data.decode("utf-8-sig")
    assert "ravel" not in text
    assert text.count("\r\n") == 2


@pytest.mark.parametrize(
    ("role", "before", "nobody"),
    [
        (Role.PRACTICE_EDUCATOR, "who is coming to your trust", "No learner is placed at your trust"),
        (Role.PLACEMENT_OFFICER, "where each of your learners is placed", "None of your HEI's learners"),
        (Role.ACADEMY_LEAD, "Nothing has been published", "This version has no places"),
    ],
)
def test_empty_pages_say_what_will_be_there(
    client: FlaskClient, role: Role, before: str, nobody: str
) -> None:
    person = signed_in(client, role)
    round_, publication = RoundFactory(), PublicationFactory()
    saved()
    assert before in page(person.get(f"/rounds/{round_.id}/publications")).main
    assert nobody in page(person.get(f"/publications/{publication.id}")).main


def test_an_older_version_points_to_the_newest(lead: FlaskClient) -> None:
    old = PublicationFactory()
    new = PublicationFactory(round=old.round, number=2)
    saved()
    assert page(lead.get(f"/publications/{old.id}")).links()["See version 2"] == f"/publications/{new.id}"
    assert "not the newest" not in page(lead.get(f"/publications/{new.id}")).main


def test_published_places_are_filtered_and_paged_and_the_filters_stay(client: FlaskClient) -> None:
    publication, hei, trust = PublicationFactory(), HeiFactory(), TrustFactory()
    north, south = (
        DepartmentFactory(site=SiteFactory(name=name, trust=trust)) for name in ("North", "South")
    )
    for index in range(60):
        PublicationLineFactory(publication=publication, of_hei=hei, at=north if index % 6 else south)
    saved()
    educator = signed_in(client, Role.PRACTICE_EDUCATOR, trust_id=trust.id)
    address = f"/publications/{publication.id}"
    assert "60 placements, page 1 of 2" in page(educator.get(address)).main
    second = page(educator.get(f"{address}?page=2"))
    assert len(second.rows()) == 10
    assert "page 2 of 2" in second.title
    south_only = page(educator.get(f"{address}?site=South&block=Block+1&hei={hei.name}"))
    assert "10 placements." in south_only.main
    assert (south_only.value("site"), south_only.value("hei")) == ("South", hei.name)
    beyond = educator.get(f"{address}?page={10**30}&site=North")
    assert (beyond.status_code, beyond.location) == (302, f"{address}?site=North&page=1")
    assert "Nothing here is like that" in page(educator.get(f"{address}?reference=nobody")).main
