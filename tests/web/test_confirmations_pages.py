"""Proposed places: the lead's board, the trust's list, one place; and the check-list before publishing."""

import csv
import io
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select

from placements.access import Role
from placements.clock import today
from placements.confirmations.models import Proposal
from placements.extensions import db
from tests.factories import CheckKindFactory, PersonFactory, saved
from tests.factories.region import SmallRound, small_round
from tests.services.test_allocations import publish
from tests.services.test_confirmations import sent, stands
from tests.web.pages import page, sign_in


@pytest.fixture
def region(site: object) -> SmallRound:
    return small_round(learners=3)


@pytest.fixture
def lead(client: FlaskClient) -> FlaskClient:
    sign_in(client, PersonFactory())
    return client


def educator_of(client: FlaskClient, region: SmallRound, which: int = 0) -> FlaskClient:
    """A browser of an educator of one of the trusts."""
    other = client.application.test_client()
    person = PersonFactory(role=Role.PRACTICE_EDUCATOR.value, trust_id=region.trusts[which].id)
    sign_in(other, person)
    return other


def rows() -> list[Proposal]:
    db.session.expire_all()
    return list(db.session.scalars(select(Proposal).order_by(Proposal.id)))


def versions(*proposals: Proposal) -> dict[str, int]:
    return {f"version-{row.id}": row.version for row in proposals}


def test_a_lead_sends_places_and_sees_how_trusts_answer(lead: FlaskClient, region: SmallRound) -> None:
    address = f"/rounds/{region.round.id}/confirmations"
    assert "No run has been adopted yet" in page(lead.get(address)).main
    stands(region, 0, 0, 1)
    region.round.confirm_by = date(2026, 12, 11)
    saved()
    before = page(lead.get(address))
    assert "3 places are not sent to their trusts yet" in before.main
    assert before.value("answer_by") == "2026-12-11"
    wrong = lead.post(address, data={"answer_by": "2026-11-01"})
    assert wrong.status_code == 400
    assert "has passed" in page(wrong).errors["answer_by"]
    assert page(wrong).value("answer_by") == "2026-11-01"
    told = page(lead.post(address, data={"answer_by": "2026-12-11"}, follow_redirects=True))
    assert "3 places were sent to their trusts." in told.main
    assert f"Nobody has an account at {region.trusts[0].name}" in told.main
    assert "0 of 3 places answered (0.0%)" in told.main
    assert "0 of 3 places answered" in page(lead.get(f"/rounds/{region.round.id}")).main
    shown = page(lead.get(address, query_string={"show": "declined"}))
    assert "No trust is like that" in shown.main
    PersonFactory(role=Role.PRACTICE_EDUCATOR.value, trust_id=region.trusts[1].id)
    saved()
    reminded = page(lead.post(f"{address}/remind", follow_redirects=True))
    assert "A reminder is on its way to 1 person." in reminded.main


def test_an_educator_answers_several_at_once(lead: FlaskClient, region: SmallRound) -> None:
    CheckKindFactory(name="DBS", network_id=region.round.network_id, effect="warns")
    first, second, third = sent(region)
    educator = educator_of(lead, region)
    address = f"/rounds/{region.round.id}/proposals"
    listed = page(educator.get(address))
    assert "2 places proposed, 2 wait for an answer by 11 December 2026" in listed.main
    assert "Not yet clear DBS" in listed.main
    assert region.departments[1].site.name not in listed.main
    assert (
        "2 places wait for your answer, by 11 December 2026"
        in page(educator.get(f"/rounds/{region.round.id}")).main
    )
    both = {"verb": "confirm", "proposal": [first.id, second.id], **versions(first, second)}
    told = page(educator.post(address, data=both, follow_redirects=True))
    assert "2 places confirmed." in told.main
    assert [row.state for row in rows()] == ["confirmed", "confirmed", "proposed"]
    again = educator.post(address, data=both)
    assert again.status_code == 409
    assert "Somebody else answered some of these meanwhile" in page(again).errors["places"]
    ticked = [field.get("value") for field in page(again).all("input", name="proposal", checked="")]
    assert ticked == [str(first.id), str(second.id)]
    foreign = {"verb": "confirm", "proposal": [third.id], **versions(third)}
    assert educator.post(address, data=foreign).status_code == 404


def test_what_was_typed_survives_a_wrong_answer(lead: FlaskClient, region: SmallRound) -> None:
    first, *_ = sent(region)
    educator = educator_of(lead, region)
    address = f"/rounds/{region.round.id}/proposals"
    data = {"verb": "decline", "reason": "", "note": "Until May", "proposal": first.id, **versions(first)}
    wrong = educator.post(address, data=data)
    assert wrong.status_code == 400
    answer = page(wrong)
    assert answer.errors["reason"] == "Choose why you decline"
    assert answer.text.count("Until May") == 1
    assert answer.one("input", id=f"proposal-{first.id}").get("checked") is not None
    nothing = educator.post(address, data={"verb": "confirm"})
    assert nothing.status_code == 400
    assert page(nothing).errors["places"] == "Tick at least one place"
    assert {row.state for row in rows()} == {"proposed"}


def test_all_that_a_filter_shows_is_answered_on_every_page(
    lead: FlaskClient, region: SmallRound, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(region)
    monkeypatch.setattr("placements.confirmations.routes.ROWS_A_PAGE", 1)
    educator = educator_of(lead, region)
    address = f"/rounds/{region.round.id}/proposals"
    listed = page(educator.get(address, query_string={"show": "waiting"}))
    assert "All 2 places shown, on all 2 pages" in listed.main
    assert len(listed.all("input", name="proposal")) == 1
    data = {"verb": "confirm", "all": "yes", "stamp": listed.value("stamp")}
    done = educator.post(address, query_string={"show": "waiting"}, data=data, follow_redirects=True)
    assert "2 places confirmed." in page(done).main
    assert "No proposed place is like that" in page(done).main
    assert educator.get(address, query_string={"page": 9}).location.endswith("page=2")


def test_the_file_has_what_the_list_shows(lead: FlaskClient, region: SmallRound) -> None:
    sent(region)
    educator = educator_of(lead, region)
    response = educator.get(f"/rounds/{region.round.id}/proposals.csv")
    found = list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"))))
    assert [row["Learner reference"] for row in found] == [row.reference for row in region.learners[:2]]
    assert {row["State"] for row in found} == {"Waiting"}
    assert found[0]["Week commencing"] == region.block.first_week.isoformat()
    empty = educator.get(f"/rounds/{region.round.id}/proposals.csv", query_string={"show": "declined"})
    assert len(empty.data.decode("utf-8-sig").splitlines()) == 1


def test_a_question_and_its_reply(lead: FlaskClient, region: SmallRound) -> None:
    first, *_ = sent(region)
    educator = educator_of(lead, region)
    address = f"/proposals/{first.id}"
    assert f"Proposed place of {region.learners[0].reference}" in page(educator.get(address)).h1
    silent = educator.post(f"{address}/answer", data={"verb": "ask", "version": first.version})
    assert page(silent).errors["question"] == "Write what you would like to know"
    data = {"verb": "ask", "question": "On Tuesdays?", "version": first.version}
    assert (
        "1 place asked about."
        in page(educator.post(f"{address}/answer", data=data, follow_redirects=True)).main
    )
    assert "1 question from trusts to answer" in page(lead.get(f"/rounds/{region.round.id}")).main
    (asked, *_) = rows()
    empty = lead.post(f"{address}/reply", data={"reply": "", "version": asked.version})
    assert page(empty).errors["reply"] == "Write your reply"
    told = lead.post(
        f"{address}/reply", data={"reply": "Yes, gladly.", "version": asked.version}, follow_redirects=True
    )
    assert "Your reply is sent" in page(told).main
    assert "Yes, gladly." in page(educator.get(address)).main
    late = lead.post(f"{address}/reply", data={"reply": "Again", "version": asked.version - 1})
    assert late.status_code == 409


def test_a_decline_blocks_the_check_list_and_waits_for_a_run(lead: FlaskClient, region: SmallRound) -> None:
    first, *_ = sent(region)
    checklist = f"/rounds/{region.round.id}/publish"
    open_ = page(lead.get(checklist))
    assert "3 places wait for the trust's answer." in open_.main
    assert [button for button in open_.all("button") if "Publish version 1" in "".join(button.itertext())]
    educator = educator_of(lead, region)
    data = {"verb": "decline", "reason": "equipment", "version": first.version}
    educator.post(f"/proposals/{first.id}/answer", data=data)
    blocked = page(lead.get(checklist))
    assert "1 place stands that the trust declined" in blocked.main
    assert "Nothing can be published yet" in blocked.main
    assert not blocked.all("form", method="post", action=f"/rounds/{region.round.id}/publications")
    refused = lead.post(f"/rounds/{region.round.id}/publications", data={"version": region.round.version})
    assert refused.status_code == 409
    assert "1 place stands that the trust declined" in page(refused).errors["publish"]
    board = page(lead.get(f"/rounds/{region.round.id}/confirmations"))
    assert "1 decline waits for a run" in board.main
    again = f"/rounds/{region.round.id}/confirmations/rerun"
    assert board.all("form", method="post", action=again)
    assert lead.post(again).status_code == 302
    assert lead.post(again).status_code == 409


def test_the_check_list_without_a_run_leads_to_the_publications(
    lead: FlaskClient, region: SmallRound
) -> None:
    answer = lead.get(f"/rounds/{region.round.id}/publish")
    assert answer.location == f"/rounds/{region.round.id}/publications"


def test_why_a_learner_moved_is_shown_to_the_hei_and_not_to_trusts(
    lead: FlaskClient, region: SmallRound
) -> None:
    stands(region, 0, 0, 1)
    publish(region)
    stands(region, 1, 0, 1)
    publication = publish(region)
    officer = lead.application.test_client()
    sign_in(officer, PersonFactory(role=Role.PLACEMENT_OFFICER.value, hei_id=region.hei.id))
    words = "Places were matched again with newer figures."
    address = f"/publications/{publication.id}"
    for browser in (lead, officer):
        assert words in page(browser.get(f"{address}/changes")).main
        assert words in page(browser.get(address)).main
        assert words in browser.get(f"{address}/changes.csv").data.decode("utf-8-sig")
        assert words in browser.get(f"{address}/places.csv").data.decode("utf-8-sig")
    educator = educator_of(lead, region, 1)
    assert "Now coming" in page(educator.get(f"{address}/changes")).main
    for path in ("", "/changes", "/changes.csv", "/places.csv"):
        assert words not in educator.get(f"{address}{path}").data.decode("utf-8-sig")


def test_pages_ask_the_database_as_often_whatever_is_proposed(lead: FlaskClient, region: SmallRound) -> None:
    asked: list[str] = []

    def count(address: str) -> int:
        asked.clear()
        assert lead.get(address).status_code == 200
        return len(asked)

    pages = [f"/rounds/{region.round.id}/{name}" for name in ("proposals", "confirmations", "publish")]
    stands(region, 0, None, None)
    lead.post(f"/rounds/{region.round.id}/confirmations")
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    few = [count(address) for address in pages]
    stands(region, 0, 0, 1)
    lead.post(f"/rounds/{region.round.id}/confirmations")
    assert [count(address) for address in pages] == few


def test_later_dates_are_settings_and_come_in_order(lead: FlaskClient, region: SmallRound) -> None:
    address = f"/rounds/{region.round.id}/settings"
    form = page(lead.get(address))
    first = region.round.first_week
    names = ("confirm_by", "release_on", "appeal_by", "panel_by", "freeze_on")
    assert max(region.round.declare_by, region.round.submit_by) <= first - timedelta(days=5)
    base = {
        name: form.value(name)
        for name in ("version", "declare_by", "submit_by", "reminder_days", "weeks_stuck")
    }
    days = {name: (first - timedelta(days=5 - index)).isoformat() for index, name in enumerate(names)}
    wrong = lead.post(address, data=base | days | {"panel_by": days["confirm_by"]})
    assert wrong.status_code == 400
    assert "The panel decides after appeals end" in page(wrong).errors["panel_by"]
    assert page(wrong).value("freeze_on") == days["freeze_on"]
    late = (first + timedelta(days=1)).isoformat()
    outside = lead.post(address, data=base | {"freeze_on": late})
    assert "Places are frozen before the first week" in page(outside).errors["freeze_on"]
    saved_ = lead.post(address, data=base | days | {"needs_confirmation": "y"}, follow_redirects=True)
    assert "The round's settings are saved." in page(saved_).main
    db.session.expire_all()
    round_ = region.round
    assert [getattr(round_, name).isoformat() for name in names] == [days[name] for name in names]
    assert round_.needs_confirmation
    stale = lead.post(address, data=base)
    assert stale.status_code == 409
    assert "places confirmed before they are published, trusts confirm by" in page(stale).text


def test_a_copied_round_has_its_later_dates_moved_with_it(lead: FlaskClient, region: SmallRound) -> None:
    round_ = region.round
    round_.needs_confirmation = True
    round_.confirm_by, round_.freeze_on = (
        round_.first_week - timedelta(days=4),
        round_.first_week - timedelta(days=1),
    )
    saved()
    later = timedelta(weeks=52)
    first = round_.first_week + later
    data = {
        "name": "A year later",
        "first_week": first.isoformat(),
        "declare_by": (first - timedelta(days=30)).isoformat(),
        "submit_by": (first - timedelta(days=3)).isoformat(),
    }
    made = lead.post(f"/rounds/{round_.id}/copy", data=data)
    assert made.status_code == 302
    db.session.expire_all()
    copy = db.session.get(type(round_), int(made.location.rsplit("/", 1)[1]))
    assert copy is not None
    assert copy.needs_confirmation
    assert copy.freeze_on == round_.freeze_on + later
    # It would be before the day on which HEIs submit this time.
    assert copy.confirm_by is None
    assert today() < first
