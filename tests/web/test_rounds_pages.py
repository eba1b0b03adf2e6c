"""Pages about rounds: the list, a round, and making one after another."""

from datetime import date

from flask.testing import FlaskClient

from placements.extensions import db
from placements.rounds.models import Round
from tests.factories import BlockFactory, PersonFactory, PlanLineFactory, RoundFactory, saved
from tests.web.pages import page, sign_in


def test_a_new_round_is_made_after_another_and_opened(client: FlaskClient) -> None:
    source = RoundFactory(name="Spring")
    PlanLineFactory(block=BlockFactory(round=source, name="Block 1", weeks=4))
    lead = PersonFactory(role="academy_lead")
    saved()
    sign_in(client, lead)
    address = f"/rounds/{source.id}/copy"
    assert client.get(address).status_code == 200
    typed = {
        "name": "Autumn",
        "first_week": "2027-09-06",
        "declare_by": "2027-07-01",
        "submit_by": "2027-07-08",
    }
    answer = client.post(address, data=typed, follow_redirects=True)
    assert "Autumn was made as a draft" in answer.text
    made = db.session.query(Round).filter_by(name="Autumn").one()
    (block,) = made.blocks
    assert (block.name, block.first_week, block.weeks) == ("Block 1", date(2027, 9, 6), 4)
    assert len(block.plan_lines) == 1
    opened = client.post(f"/rounds/{made.id}/open", follow_redirects=True)
    assert "Autumn is open" in opened.text


def test_a_wrong_round_keeps_the_typing(client: FlaskClient) -> None:
    source = RoundFactory(name="Spring")
    BlockFactory(round=source)
    lead = PersonFactory(role="academy_lead")
    saved()
    sign_in(client, lead)
    typed = {"name": "Spring", "first_week": "2027-09-07", "declare_by": "", "submit_by": "2027-31-31"}
    answer = client.post(f"/rounds/{source.id}/copy", data=typed)
    assert answer.status_code == 400
    found = page(answer)
    assert "The first week must be a Monday" in answer.text
    assert "Enter the day by which trusts declare" in answer.text
    assert "2027-31-31" in answer.text
    assert found is not None
    typed |= {"first_week": "2027-09-06", "declare_by": "2027-07-01", "submit_by": "2027-10-08"}
    assert "HEIs submit before the first week" in client.post(f"/rounds/{source.id}/copy", data=typed).text
    typed |= {"submit_by": "2027-07-08"}
    assert "Use a name of its own" in client.post(f"/rounds/{source.id}/copy", data=typed).text
