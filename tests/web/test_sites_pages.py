"""Pages about what sites have, and about what an HEI's letters add."""

import pytest
from flask.testing import FlaskClient

from placements.access import Role
from placements.extensions import db
from placements.organisations.models import Hei, Site
from tests.factories import AccessNeedFactory, HeiFactory, PersonFactory, SiteFactory, saved
from tests.web.pages import page, sign_in


@pytest.fixture
def ours(client: FlaskClient) -> Site:
    AccessNeedFactory(key="step_free")
    AccessNeedFactory(key="quiet_space")
    row: Site = SiteFactory(name="Our Hospital")
    saved()
    return row


def test_a_trusts_person_says_what_a_site_has(client: FlaskClient, ours: Site) -> None:
    other = SiteFactory(trust=ours.trust, name="Our Other Hospital", beds=2)
    SiteFactory(name="Theirs")
    sign_in(client, PersonFactory(role=Role.PRACTICE_EDUCATOR.value, trust_id=ours.trust_id))
    found = page(client.get("/sites"))
    assert [row[0] for row in found.rows()] == [
        "Our Hospital B15 2GW",
        "Our Other Hospital B15 2GW",
    ]
    assert "Nothing is said yet" in found.main
    address = found.links()["Our Hospital"]
    typed = {"needs": ["step_free"], "beds": "lots", "version": "1"}
    answer = client.post(address, data=typed)
    wrong = page(answer)
    assert (answer.status_code, wrong.errors) == (400, {"beds": "Enter a whole number from 0 to 999"})
    assert wrong.value("needs") == "step_free", "what was ticked is still there"
    done = page(client.post(address, data=typed | {"beds": "3"}, follow_redirects=True))
    assert done.h1 == "Sites"
    assert done.rows()[0][1:] == ["Step free", "3"]
    assert [row[0] for row in page(client.get("/sites?need=step_free")).rows()] == ["Our Hospital B15 2GW"]
    none = page(client.get("/sites?need=quiet_space&beds=y"))
    assert "0 sites of 2. Show all" in none.main
    assert len(page(client.get("/sites?beds=y")).rows()) == 2
    assert other.beds == 2


def test_what_was_chosen_stays_when_somebody_was_first(client: FlaskClient, ours: Site) -> None:
    sign_in(client, PersonFactory(role=Role.TRUST_EDUCATION_LEAD.value, trust_id=ours.trust_id))
    address = f"/sites/{ours.id}/access"
    client.post(address, data={"needs": ["quiet_space"], "beds": "0", "version": "1"})
    answer = client.post(address, data={"needs": ["step_free"], "beds": "1", "version": "1"})
    found = page(answer)
    assert answer.status_code == 409
    assert "They saved: Quiet space; beds: 0" in found.text
    assert (found.value("needs"), found.value("beds"), found.value("version")) == ("step_free", "1", "2")
    client.post(address, data={"needs": ["step_free"], "beds": "1", "version": found.value("version")})
    db.session.expire_all()
    assert [need.key for need in db.session.get_one(Site, ours.id).meets] == ["step_free"]


def test_an_officer_reads_all_sites_and_changes_none(client: FlaskClient, ours: Site) -> None:
    SiteFactory(name="Theirs")
    sign_in(client, PersonFactory(role=Role.PLACEMENT_OFFICER.value))
    found = page(client.get("/sites"))
    assert len(found.rows()) == 2
    assert "Our Hospital" not in found.links()


def test_an_officer_writes_what_letters_add(client: FlaskClient) -> None:
    hei: Hei = HeiFactory(name="City University")
    sign_in(client, PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=hei.id))
    empty = page(client.get("/hei/letter"))
    assert empty.links()["Letter text"] == "/hei/letter"
    assert "Nothing is added." in empty.main
    text = "Bring your badge.\n\n<b>Ring</b> us"
    seen = page(client.post("/hei/letter", data={"text": text, "version": "1", "do": "preview"}))
    assert "In a letter, once you save" in seen.main
    assert "From City University Bring your badge. <b>Ring</b> us" in seen.main
    db.session.expire_all()
    assert db.session.get_one(Hei, hei.id).letter_text == "", "a look saves nothing"
    done = page(client.post("/hei/letter", data={"text": text, "version": "1"}, follow_redirects=True))
    assert done.value("text").strip() == text
    assert "once you save" not in done.main
    answer = client.post("/hei/letter", data={"text": "Other", "version": "1"})
    late = page(answer)
    assert (answer.status_code, late.value("text").strip()) == (409, "Other")
    assert "They saved: Bring your badge." in late.text
    long = page(client.post("/hei/letter", data={"text": "x" * 4001, "version": "2"}))
    assert "4,001 now" in long.errors["text"]
