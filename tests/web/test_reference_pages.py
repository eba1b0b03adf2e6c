"""Pages about reference data."""

import pytest
from flask.testing import FlaskClient

from placements.access import Role
from placements.extensions import db
from placements.organisations import queries
from placements.seeding.reference import load_reference
from tests.factories import PersonFactory
from tests.web.pages import page, sign_in


@pytest.fixture
def administrator(client: FlaskClient) -> FlaskClient:
    load_reference()
    sign_in(client, PersonFactory(role=Role.ADMINISTRATOR.value))
    return client


def test_a_weight_is_added_and_its_history_shown(administrator: FlaskClient) -> None:
    found = page(administrator.get("/reference"))
    assert found.links()["Reference data"] == "/reference"
    assert "At 0.5 one WTE supervises two learners" in found.main
    address = found.links()["Sonography, every stage"]
    form = page(administrator.get(address))
    assert form.value("key") == next(
        line.key
        for line in queries.rate_lines(db.session, "weight")
        if line.name == "Sonography, every stage"
    )
    assert "1.00 from 1 January 2020" in form.main
    typed = {"key": form.value("key"), "value": "0,75", "valid_from": "2026-12-01"}
    found = page(administrator.post(address, data=typed, follow_redirects=True))
    assert "Sonography, every stage: 0,75 from 1 December 2026." in found.main
    row = next(row for row in found.rows() if "Sonography, every stage" in row[0])
    assert row[1].endswith("1.00 since 1 January 2020")
    assert row[2].endswith("0.75 from 1 December 2026")


def test_what_is_wrong_is_named_and_the_typing_kept(administrator: FlaskClient) -> None:
    address = "/reference/new?kind=factor"
    answer = administrator.post(address, data={"key": "", "value": "much", "valid_from": "1 May"})
    assert answer.status_code == 400
    found = page(answer)
    assert set(found.errors) == {"key", "value", "valid_from"}
    assert (found.value("value"), found.value("valid_from")) == ("much", "1 May")
    key = queries.rate_lines(db.session, "factor")[0].key
    answer = administrator.post(address, data={"key": key, "value": "3", "valid_from": "2026-11-01"})
    assert set(page(answer).errors) == {"value", "valid_from"}
    assert administrator.get("/reference/new?kind=nothing").status_code == 404


def test_an_academy_lead_reads_and_changes_nothing(administrator: FlaskClient) -> None:
    lead = administrator.application.test_client()
    sign_in(lead, PersonFactory(role=Role.ACADEMY_LEAD.value))
    found = page(lead.get("/reference"))
    assert "Fair share rates" in found.main
    assert not any("reference/new" in address for address in found.links().values())
    assert lead.get("/reference/new").status_code == 403
