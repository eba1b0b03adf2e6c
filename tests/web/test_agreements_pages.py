"""Pages about agreements: the list, one with its history, proposing, answering, ending; and a run's page."""

import pytest
from flask.testing import FlaskClient

from placements.access import Role
from placements.accounts.models import Person
from placements.agreements.models import Agreement
from placements.extensions import db
from tests.factories import (
    AgreementFactory,
    HeiFactory,
    PersonFactory,
    RunFactory,
    TrustFactory,
    saved,
    summary_of,
)
from tests.web.pages import page, sign_in


@pytest.fixture
def people(client: FlaskClient) -> dict[str, Person]:
    """An officer of Keele University, an education lead and a practice educator of UHB, an academy lead."""
    hei, trust = HeiFactory(name="Keele University"), TrustFactory(name="UHB")
    found = {
        "officer": PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=hei.id, name="Olu Officer"),
        "lead": PersonFactory(role=Role.TRUST_EDUCATION_LEAD.value, trust_id=trust.id, name="Ed Lead"),
        "educator": PersonFactory(role=Role.PRACTICE_EDUCATOR.value, trust_id=trust.id),
        "academy": PersonFactory(role=Role.ACADEMY_LEAD.value),
    }
    saved()
    return found


def again(client: FlaskClient) -> FlaskClient:
    """Another browser on the same site."""
    return client.application.test_client()


def test_a_proposal_from_typing_to_agreed(client: FlaskClient, people: dict[str, Person]) -> None:
    sign_in(client, people["officer"])
    empty = page(client.get("/agreements"))
    assert "Nothing is agreed or proposed yet" in empty.main
    assert empty.links()["Agreements"] == "/agreements"
    typed = {"hei": "", "trust": str(people["lead"].trust_id), "year": "2026", "least": "ten", "most": "9"}
    typed["hei"] = str(people["officer"].hei_id)
    answer = client.post("/agreements/new", data=typed | {"note": "As agreed by phone"})
    wrong = page(answer)
    assert answer.status_code == 400
    assert wrong.errors == {"least": "Enter a whole number from 0 to 9,999, or leave it empty"}
    assert (wrong.value("least"), wrong.value("most"), wrong.value("note").strip()) == (
        "ten",
        "9",
        "As agreed by phone",
    )
    wrong = page(client.post("/agreements/new", data=typed | {"least": "10"}))
    assert wrong.errors == {"most": "The most cannot be below the least, which is 10"}
    done = page(
        client.post("/agreements/new", data=typed | {"least": "10", "most": "15"}, follow_redirects=True)
    )
    assert done.h1 == "Agreement for 2026/27 Keele University at UHB"
    assert "Agreed for the trust Not yet" in done.main
    assert "Send your answer" not in done.main

    trust = again(client)
    sign_in(trust, people["lead"])
    listed = page(trust.get("/agreements"))
    assert "1 proposal waits for your answer" in listed.main
    assert listed.rows()[0][3:] == [
        "At least 10 and at most 15",
        "0 of 15 published 10 short of the least 0 asked for",
        "Waits for you",
    ]
    address = listed.links()["Keele University, 2026/27"]
    none = page(trust.post(f"{address}/decide", data={"version": "1"}))
    assert none.errors == {"answer": "Choose whether you agree or decline"}
    why = page(trust.post(f"{address}/decide", data={"version": "1", "answer": "decline"}))
    assert "Say why you decline" in why.errors["note"]
    assert why.value("answer") == "decline"
    agreed = page(
        trust.post(f"{address}/decide", data={"version": "1", "answer": "agree"}, follow_redirects=True)
    )
    assert "Agreed by both. The match keeps to it from its next run on." in agreed.main
    assert "Ed Lead, 24 November 2026" in agreed.main
    assert page(client.get("/agreements")).rows()[0][-1] == "Agreed"
    file = client.get("/agreements.csv?show=agreed")
    assert (file.status_code, file.mimetype) == (200, "text/csv")
    assert "Keele University,UHB,All learners,2026/27,10,15,agreed" in file.get_data(as_text=True)


def test_an_answer_to_what_changed_meanwhile_keeps_the_typing(
    client: FlaskClient, people: dict[str, Person]
) -> None:
    made = AgreementFactory(hei=HeiFactory(), trust=TrustFactory())
    sign_in(client, PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=made.hei_id))
    made.note = "Changed"
    saved()
    answer = client.post(
        f"/agreements/{made.id}/decide", data={"version": "1", "answer": "decline", "note": "Too few"}
    )
    found = page(answer)
    assert answer.status_code == 409
    assert "Somebody else changed this" in found.text
    assert (found.value("note").strip(), found.value("version")) == ("Too few", "2")


def test_figures_are_changed_by_a_new_proposal(client: FlaskClient, people: dict[str, Person]) -> None:
    made = AgreementFactory(state="agreed")
    sign_in(client, PersonFactory(role=Role.TRUST_EDUCATION_LEAD.value, trust_id=made.trust_id))
    one = page(client.get(f"/agreements/{made.id}"))
    form = page(client.get(one.links()["Propose other figures"]))
    assert (form.value("least"), form.value("most"), form.value("hei")) == ("2", "4", str(made.hei_id))
    assert "Until then at least 2 and at most 4 holds." in form.main
    typed = {"hei": str(made.hei_id), "trust": str(made.trust_id), "year": "2026", "least": "", "most": "6"}
    done = page(client.post(f"/agreements/new?of={made.id}", data=typed, follow_redirects=True))
    assert [row[1] for row in done.rows()] == [
        "At most 6 (this one)",
        "At least 2 and at most 4, agreed, proposed 24 November 2026 at 9:30am",
    ]


def test_ending_says_what_it_does(client: FlaskClient, people: dict[str, Person]) -> None:
    made = AgreementFactory(state="agreed")
    sign_in(client, PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=made.hei_id))
    asked = page(client.get(f"/agreements/{made.id}/end"))
    assert "It ends at once" in asked.main
    assert "Runs started from now on do not keep to it" in asked.main
    late = client.post(f"/agreements/{made.id}/end", data={"version": "0", "note": "Closing"})
    assert (late.status_code, page(late).value("note").strip()) == (409, "Closing")
    done = client.post(
        f"/agreements/{made.id}/end", data={"version": "1", "note": "Closing"}, follow_redirects=True
    )
    assert "“Closing”" in page(done).main
    db.session.expire_all()
    assert db.session.get_one(Agreement, made.id).state == "ended"
    assert "nothing here that you can end" in page(client.get(f"/agreements/{made.id}/end")).main
    assert "No agreement is like that. Show all" in page(client.get("/agreements")).main
    assert len(page(client.get("/agreements?show=all&year=2026")).rows()) == 1


def test_a_practice_educator_reads_and_decides_nothing(
    client: FlaskClient, people: dict[str, Person]
) -> None:
    made = AgreementFactory()
    sign_in(client, PersonFactory(role=Role.PRACTICE_EDUCATOR.value, trust_id=made.trust_id))
    found = page(client.get(f"/agreements/{made.id}"))
    assert "Send your answer" not in found.main
    assert "Take it back" not in found.main
    assert "Propose an agreement" not in page(client.get("/agreements")).main


def test_a_run_says_which_least_was_not_met(client: FlaskClient, people: dict[str, Person]) -> None:
    made = AgreementFactory(
        hei=HeiFactory(name="City University"),
        trust=TrustFactory(name="RWT"),
        least=15,
        most=20,
        state="agreed",
    )
    met = AgreementFactory(state="agreed")
    rows = [
        {"agreement": met.id, "least": 2, "placed": 2},
        {"agreement": made.id, "least": 13, "placed": 10},
    ]
    tier = {"name": "agreement_shortfall", "value": 3, "bound": 3, "gap": 0.0}
    short = RunFactory(summary=summary_of(agreements=rows, tiers=[tier]))
    kept = RunFactory(round=short.round, summary=summary_of(agreements=rows[:1]))
    without = RunFactory(round=short.round)
    sign_in(client, people["academy"])
    found = page(client.get(f"/runs/{short.id}"))
    assert [
        "City University at RWT",
        "All learners",
        "10 of 13 besides 2 published in other rounds of the year",
    ] in found.rows()
    assert "Placements short of the least that HEIs and trusts agreed" in found.main
    assert "The least agreed is met: 1 agreement." in page(client.get(f"/runs/{kept.id}")).main
    assert "Agreements between" not in page(client.get(f"/runs/{without.id}")).main
