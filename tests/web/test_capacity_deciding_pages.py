"""Pages of the board, of decisions, of history and of limits."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from placements.access import Role
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.capacity import deciding, queries, service
from placements.capacity.content import ANYONE, Content, Places
from placements.capacity.models import Cap, Declaration, DeclarationRecord
from placements.clock import set_clock
from placements.extensions import db
from placements.mail.models import Message
from placements.organisations.models import Department
from placements.rounds.models import Round
from tests.conftest import NOW_UTC
from tests.factories import (
    BlockFactory,
    DeclarationFactory,
    DepartmentFactory,
    ModalityFactory,
    PersonFactory,
    RoundFactory,
    SiteFactory,
    TrustFactory,
    saved,
)
from tests.web.pages import page, sign_in


class Place:
    """A round, and a trust with a lead and an educator and two departments of one site."""

    def __init__(self) -> None:
        self.round: Round = RoundFactory(name="Spring 2027")
        BlockFactory(round=self.round, name="Block 1", weeks=2)
        self.trust = TrustFactory(name="Here NHS Trust")
        site = SiteFactory(trust=self.trust, name="Heartlands")
        self.xray: Department = DepartmentFactory(site=site)
        self.ct: Department = DepartmentFactory(site=site, modality=ModalityFactory(key="ct"))
        self.lead: Person = PersonFactory(
            role=Role.TRUST_EDUCATION_LEAD.value, trust_id=self.trust.id, name="Lena Lead"
        )
        self.educator: Person = PersonFactory(
            role=Role.PRACTICE_EDUCATOR.value, trust_id=self.trust.id, name="Priya Nair"
        )
        saved()

    @property
    def capacity(self) -> str:
        return f"/rounds/{self.round.id}/capacity"

    def submit(self, department: Department, maximum: int) -> int:
        """Submit these most places in every week; the version."""
        viewer = viewer_of(self.educator)
        there = queries.declaration_of(db.session, viewer, self.round.id, department.id)
        content = Content({ANYONE: {week: Places(1, maximum) for week in self.round.block_weeks()}}, {})
        done = service.submit_declaration(
            viewer,
            self.round.id,
            department.id,
            version=there.version if there else 0,
            content=content,
            comment="As agreed",
        )
        return done.declaration.version


@pytest.fixture
def place(client: FlaskClient) -> Place:
    return Place()


def states() -> dict[int, str]:
    db.session.expire_all()
    return {row.department_id: row.state for row in db.session.scalars(select(Declaration))}


def test_a_lead_sees_what_changed_and_approves_what_is_chosen(client: FlaskClient, place: Place) -> None:
    DeclarationFactory(round=place.round, department=place.ct, preferred=1, maximum=5)
    saved()
    place.submit(place.ct, 4)
    place.submit(place.xray, 3)
    sign_in(client, place.lead)
    assert "2 declarations wait for your approval" in page(client.get(f"/rounds/{place.round.id}")).main
    assert "Decide on 2 declarations" in page(client.get(place.capacity)).links()
    found = page(client.get(f"{place.capacity}/approve"))
    assert "Submitted by Priya Nair, 24 November 2026 at 9:30am. “As agreed”" in found.main
    assert "most places 5 to 4 in 2 weeks" in found.main
    assert "Nothing was approved before. It declares" in found.main
    versions = {f"version-{id_}": found.value(f"version-{id_}") for id_ in (place.ct.id, place.xray.id)}
    refused = client.post(f"{place.capacity}/approve", data=versions | {"comment": "Fine"})
    assert refused.status_code == 400
    assert page(refused).value("comment") == "Fine"
    answer = client.post(
        f"{place.capacity}/approve",
        data=versions | {"department": str(place.ct.id), "comment": "Fine"},
        follow_redirects=True,
    )
    assert "Approved: 1 declaration. The match can use its places." in page(answer).main
    assert states() == {place.ct.id: "approved", place.xray.id: "submitted"}


def test_what_was_decided_meanwhile_is_said_and_nothing_is_approved(
    client: FlaskClient, place: Place
) -> None:
    versions = {place.ct.id: place.submit(place.ct, 4), place.xray.id: place.submit(place.xray, 3)}
    deciding.approve_declaration(
        viewer_of(place.lead), place.round.id, place.ct.id, version=versions[place.ct.id]
    )
    sign_in(client, place.lead)
    data = {f"version-{id_}": str(version) for id_, version in versions.items()}
    answer = client.post(
        f"{place.capacity}/approve", data=data | {"department": [str(id_) for id_ in versions]}
    )
    assert answer.status_code == 409
    assert "so none was approved" in page(answer).main
    assert states()[place.xray.id] == "submitted"


def test_a_declaration_is_returned_with_a_comment_that_its_department_reads(
    client: FlaskClient, place: Place
) -> None:
    version = place.submit(place.ct, 4)
    address = f"{place.capacity}/{place.ct.id}/return"
    sign_in(client, place.lead)
    refused = client.post(address, data={"version": str(version), "comment": "  "})
    assert refused.status_code == 400
    assert "comment" in page(refused).errors
    stale = client.post(address, data={"version": "1", "comment": "Week 2?"})
    assert stale.status_code == 409
    assert page(stale).value("comment") == "Week 2?"
    done = client.post(address, data={"version": str(version), "comment": "Week 2?"}, follow_redirects=True)
    assert "CT, Heartlands was returned" in page(done).main
    assert db.session.scalars(select(Message.to)).all() == [place.educator.email]
    assert "nothing to return" in page(client.get(address)).main
    client.post("/sign-out")
    sign_in(client, place.educator)
    found = page(client.get(f"{place.capacity}/{place.ct.id}")).main
    assert "Lena Lead returned it on 24 November 2026 at 9:30am: “Week 2?”" in found


def test_history_says_who_did_what_and_versions_are_compared(client: FlaskClient, place: Place) -> None:
    for maximum in (5, 4):
        version = place.submit(place.ct, maximum)
        deciding.approve_declaration(
            viewer_of(place.lead), place.round.id, place.ct.id, version=version, comment="Agreed in June"
        )
    sign_in(client, place.educator)
    address = f"{place.capacity}/{place.ct.id}"
    found = page(client.get(f"{address}/history"))
    done = [row[1:3] for row in found.rows()]
    assert [who for who, _ in done] == ["Lena Lead", "Priya Nair", "Priya Nair"] * 2
    assert "most places 5 to 4 in 2 weeks" in found.main
    assert "Agreed in June" in found.main
    first = db.session.scalars(
        select(DeclarationRecord.id).where(DeclarationRecord.verb == "approve").order_by(DeclarationRecord.id)
    ).first()
    assert "most places 5 to 4 in 2 weeks" in page(client.get(f"{address}/compare")).main
    compared = page(client.get(f"{address}/compare?before={first}&after=now"))
    assert "most places 5 to 4 in 2 weeks" in compared.main
    assert compared.rows() == [["Anyone", "Most places", "4 Jan to 11 Jan (2 weeks)", "5", "4"]]
    assert "say the same" in page(client.get(f"{address}/compare?before=now&after=now")).main
    for wrong in ("999999", "nonsense", "9" * 40):
        assert client.get(f"{address}/compare?before={wrong}").status_code == 404
    empty = f"{place.capacity}/{place.xray.id}"
    assert "no history" in page(client.get(f"{empty}/history")).main
    assert "nothing to compare" in page(client.get(f"{empty}/compare")).main


def test_the_board_marks_who_is_stuck_keeps_filters_and_reminds(client: FlaskClient, place: Place) -> None:
    place.submit(place.ct, 4)
    lead = PersonFactory(name="Ada Academy")
    sign_in(client, lead)
    set_clock(lambda: NOW_UTC + timedelta(days=8))
    found = page(client.get(place.capacity)).main
    assert "1 of 2 departments submitted, 1 stuck." in found
    assert "Trusts declare by 1 December 2026 (1 day ago)" in found
    stuck = page(client.get(f"{place.capacity}?show=stuck&modality=ct"))
    assert "Waiting for approval for 1 week" in stuck.main
    assert (stuck.value("show"), stuck.value("modality")) == ("stuck", "ct")
    assert "1 department shown." in stuck.main
    answer = client.post(f"{place.capacity}/remind", data={"show": "stuck", "modality": "ct"})
    assert answer.location.endswith("?show=stuck&modality=ct")
    assert "A reminder is on its way to 1 person." in page(client.get(answer.location)).main
    again = client.post(f"{place.capacity}/remind", data={}, follow_redirects=True)
    assert "A reminder is on its way to 1 person. 1 person has been reminded today" in page(again).main
    assert set(db.session.scalars(select(Message.to))) == {place.lead.email, place.educator.email}
    assert "Last reminded 2 December 2026" in page(again).main
    assert "No department is like that." in page(client.get(f"{place.capacity}?show=returned")).main


def test_a_trusts_own_people_see_their_board_without_the_button_to_remind(
    client: FlaskClient, place: Place
) -> None:
    DepartmentFactory(site=SiteFactory(name="Elsewhere"))
    sign_in(client, place.educator)
    found = page(client.get(place.capacity))
    assert "Elsewhere" not in found.main
    assert "Remind these" not in found.main
    assert "0 of 2 departments submitted" in found.main


def test_limits_are_set_and_wrong_ones_named(client: FlaskClient, place: Place) -> None:
    sign_in(client, place.lead)
    address = f"{place.capacity}/most"
    site_id = place.ct.site_id
    wrong = client.post(address, data={"places-0": "many", f"places-{site_id}": "12"})
    assert wrong.status_code == 400
    found = page(wrong)
    assert set(found.errors) == {"places-0"}
    assert (found.value("places-0"), found.value(f"places-{site_id}")) == ("many", "12")
    done = client.post(address, data={"places-0": "", f"places-{site_id}": "12"}, follow_redirects=True)
    assert "The limits are saved." in page(done).main
    assert db.session.scalars(select(Cap.places)).all() == [12]
    stale = client.post(address, data={"places-0": "", f"places-{site_id}": "9"})
    assert stale.status_code == 409
    found = page(stale)
    assert "Saved now: 12" in found.main
    assert found.value(f"places-{site_id}") == "9"
    again = client.post(
        address,
        data={
            "places-0": "",
            f"places-{site_id}": "9",
            f"version-{site_id}": found.value(f"version-{site_id}"),
        },
    )
    assert again.status_code == 302


def test_a_rounds_settings_are_changed_with_typing_kept(client: FlaskClient, place: Place) -> None:
    sign_in(client, PersonFactory())
    address = f"/rounds/{place.round.id}/settings"
    found = page(client.get(address))
    assert found.value("reminder_days") == "14, 7, 1, -1"
    assert (found.value("needs_approval"), found.value("uses_surge")) == ("y", "")
    data = {
        "declare_by": "2026-12-11",
        "submit_by": "2026-12-18",
        "reminder_days": "10, soon",
        "weeks_stuck": "3",
        "version": found.value("version"),
    }
    wrong = client.post(address, data=data)
    assert wrong.status_code == 400
    assert "“soon” is not a number of days" in page(wrong).errors["reminder_days"]
    late = client.post(address, data=data | {"reminder_days": "10", "declare_by": "2027-02-01"})
    assert "declare_by" in page(late).errors
    done = client.post(address, data=data | {"reminder_days": "-2 10,10", "uses_surge": "y"})
    assert done.status_code == 302
    db.session.expire_all()
    row = place.round
    assert (row.declare_by.isoformat(), row.reminder_days, row.weeks_stuck) == ("2026-12-11", [10, -2], 3)
    assert (row.needs_approval, row.uses_surge) == (False, True)
    stale = client.post(address, data=data | {"reminder_days": "5"})
    assert stale.status_code == 409
    found = page(stale)
    assert "They saved: trusts declare by 11 December 2026" in found.main
    assert found.value("reminder_days") == "5"
    assert re.fullmatch(r"\d+", found.value("version"))


def test_an_administrator_sees_e_mails_and_sends_one_again(client: FlaskClient, place: Place) -> None:
    network_id = place.round.network_id
    for number, error in enumerate(("", "550 no such user")):
        db.session.add(
            Message(
                key=f"k{number}",
                to=f"p{number}@nhs.uk",
                subject="Declare",
                body="",
                network_id=network_id,
                queued_utc=NOW_UTC,
                due_utc=None if error else NOW_UTC,
                error=error,
            )
        )
    sign_in(client, PersonFactory(role="administrator", network_id=network_id))
    found = page(client.get("/mail/"))
    assert "1 e-mail needs somebody to look" in found.main
    attention = page(client.get("/mail/?show=attention"))
    assert "550 no such user" in attention.main
    assert "p0@nhs.uk" not in attention.main
    message = db.session.scalars(select(Message).where(Message.key == "k1")).one()
    done = client.post(f"/mail/{message.id}/send", follow_redirects=True)
    assert "The e-mail to p1@nhs.uk is in the queue again." in page(done).main
    assert "No e-mail needs anybody." in page(done).main
