"""Places proposed to trusts: sent, answered, asked about; declines that keep a learner away; reminders."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements import tasks
from placements.access import Role, Viewer
from placements.allocations import service as allocations
from placements.allocations.checklist import Item, items_before_publication
from placements.audit.models import AuditEntry
from placements.clock import now_utc, set_clock, today
from placements.cohorts.models import Interruption
from placements.confirmations import queries, reminders, service
from placements.confirmations.models import Proposal
from placements.confirmations.queries import Filter
from placements.confirmations.sending import unsent
from placements.confirmations.service import Answer, Answered, answer_proposals, send_proposals
from placements.errors import NotAllowed, NotFound, Refused, Stale
from placements.extensions import db
from placements.mail.models import Message
from placements.mail.reminders import reminder_due
from placements.scenarios.frozen import keys_of_run
from placements.scenarios.models import Lock, Run
from placements.scenarios.solving import perform_run
from placements.states import PROPOSAL
from tests.at_once import at_once
from tests.factories import NetworkFactory, PersonFactory, PlacingFactory, RunFactory, saved, viewer_as
from tests.factories.region import SmallRound, small_round

CONFIRM = Answer("confirm")
DECLINE = Answer("decline", reason="no_supervisor")
ASK = Answer("ask", question="Can she come on Tuesdays?")
BY = date(2026, 12, 11)


def stands(region: SmallRound, *where: int | None) -> Run:
    """An adopted run that places each learner in the department of this number, or nowhere."""
    run = RunFactory(round=region.round)
    reason = {"kind": "rules", "rules": {}, "departments": [], "competing": [], "caps": [], "proven": True}
    for learner, which in zip(region.learners, where, strict=True):
        PlacingFactory(
            run=run,
            requirement=learner.requirements[0],
            department=None if which is None else region.departments[which],
            reason=reason if which is None else None,
        )
    saved()
    return allocations.adopt_run(region.lead, run.id)


def proposals() -> list[Proposal]:
    return list(db.session.scalars(select(Proposal).order_by(Proposal.id)))


def sent(region: SmallRound) -> list[Proposal]:
    """Two learners proposed to the first trust and one to the second."""
    stands(region, 0, 0, 1)
    send_proposals(region.lead, region.round.id, answer_by=BY)
    return proposals()


def of_trust(region: SmallRound, which: int = 0, role: Role = Role.PRACTICE_EDUCATOR) -> Viewer:
    return viewer_as(role, trust_id=region.trusts[which].id)


def answered(viewer: Viewer, answer: Answer, *rows: Proposal) -> Answered:
    return answer_proposals(viewer, rows[0].round_id, answer, {row.id: row.version for row in rows})


def bans() -> list[Lock]:
    return list(db.session.scalars(select(Lock).where(Lock.lifted_utc.is_(None)).order_by(Lock.id)))


def items(region: SmallRound, run: Run) -> dict[str, str]:
    """What the check-list says of confirmations: its words by their effect."""
    found: list[Item] = items_before_publication(db.session, region.lead, region.round, run)
    return {item.words: item.effect for item in found if item.endpoint.startswith("confirmations")}


def test_every_place_that_stands_is_proposed_once(session: Session) -> None:
    region = small_round(learners=3)
    educators = [PersonFactory(role="practice_educator", trust_id=trust.id) for trust in region.trusts]
    PersonFactory(role="trust_education_lead", trust_id=region.trusts[0].id)
    PersonFactory(role="practice_educator", trust_id=region.trusts[0].id, is_active=False)
    run = stands(region, 0, 1, None)
    assert unsent(session, region.lead, run).new == 2
    told = send_proposals(region.lead, region.round.id, answer_by=BY)
    assert (told.proposed, told.unchanged, told.withdrawn, told.people, told.nobody) == (2, 0, 0, 3, [])
    rows = proposals()
    assert [(row.department_id, row.first_week, row.state, row.answer_by) for row in rows] == [
        (department.id, region.block.first_week, "proposed", BY) for department in region.departments
    ]
    letters = {row.to: row for row in session.scalars(select(Message))}
    assert len(letters) == 3
    body = letters[educators[0].email].body
    assert f"- {region.departments[0].name}: 1 place\n" in body
    assert region.departments[1].name not in body
    assert all(
        learner.reference not in letter.body for learner in region.learners for letter in letters.values()
    )
    again = send_proposals(region.lead, region.round.id, answer_by=BY)
    assert (again.proposed, again.unchanged, again.withdrawn, again.people) == (0, 2, 0, 0)
    assert session.scalar(select(func.count(Message.id))) == 3
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "send_proposals")).first()
    assert entry is not None
    assert entry.detail == {"proposed": 2, "unchanged": 0, "withdrawn": 0, "people": 3}


def test_trusts_without_an_account_are_named(session: Session) -> None:
    region = small_round(learners=3)
    stands(region, 0, 0, None)
    told = send_proposals(region.lead, region.round.id, answer_by=None)
    assert told.nobody == [region.trusts[0].name]


def test_what_stands_unchanged_keeps_its_answer_and_the_rest_is_proposed_anew(session: Session) -> None:
    region = small_round(learners=3)
    first, second, _ = sent(region)
    educator = of_trust(region)
    answered(educator, CONFIRM, first, second)
    stands(region, 0, 1, None)
    told = send_proposals(region.lead, region.round.id, answer_by=BY + timedelta(days=3))
    assert (told.proposed, told.unchanged, told.withdrawn) == (1, 1, 2)
    session.expire_all()
    assert [row.state for row in proposals()] == ["confirmed", "withdrawn", "withdrawn", "proposed"]
    assert proposals()[3].department_id == region.departments[1].id
    assert proposals()[3].requirement_id == second.requirement_id
    # Whoever had confirmed is told that nobody comes.
    letter = session.scalars(select(Message).order_by(Message.id.desc()).where(Message.to != "")).first()
    assert letter is not None
    assert "No longer proposed to you" in letter.body


def test_a_learner_who_has_withdrawn_is_not_proposed(session: Session) -> None:
    region = small_round(learners=3)
    stands(region, 0, 0, 1)
    session.add(
        Interruption(learner=region.learners[0], kind="withdrawn", first_day=today(), recorded_utc=now_utc())
    )
    saved()
    assert send_proposals(region.lead, region.round.id, answer_by=BY).proposed == 2


def test_nothing_is_sent_before_a_run_stands_nor_with_a_wrong_day(session: Session) -> None:
    region = small_round(learners=3)
    with pytest.raises(Refused, match="adopt a finished run first"):
        send_proposals(region.lead, region.round.id, answer_by=BY)
    stands(region, 0, 0, 1)
    for wrong in (today() - timedelta(days=1), today() + timedelta(days=400)):
        with pytest.raises(Refused) as refusal:
            send_proposals(region.lead, region.round.id, answer_by=wrong)
        assert "answer_by" in refusal.value.fields
    assert proposals() == []


def test_educators_answer_in_bulk_and_change_their_minds(session: Session) -> None:
    region = small_round(learners=3)
    first, second, _ = sent(region)
    educator = of_trust(region)
    assert answered(educator, CONFIRM, first, second) == Answered(2, 0, 0)
    assert answered(educator, CONFIRM, first, second) == Answered(0, 2, 0)
    assert (first.state, first.decided_by_id, first.version) == ("confirmed", educator.person_id, 2)
    answered(educator, Answer("decline", reason="other", note="We are moving wards"), first)
    assert (first.state, first.reason, first.note) == ("declined", "other", "We are moving wards")
    answered(educator, CONFIRM, first)
    assert (first.state, first.reason, first.note) == ("confirmed", None, "")
    entries = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "answer_proposal")).all()
    assert entries[0] == {"answer": "confirm", "proposals": 2, "late": 0}


def test_a_decline_bans_the_department_in_all_runs_and_confirming_lifts_it(session: Session) -> None:
    region = small_round(learners=3)
    first, second, _ = sent(region)
    educator = of_trust(region, role=Role.TRUST_EDUCATION_LEAD)
    answered(educator, Answer("decline", reason="equipment", note="Until May"), first, second)
    locks = bans()
    assert [(row.requirement_id, row.department_id, row.kind, row.scenario_id) for row in locks] == [
        (row.requirement_id, region.departments[0].id, "ban", None) for row in (first, second)
    ]
    assert {(row.origin, row.made_by_id) for row in locks} == {("decline", educator.person_id)}
    assert [row.origin_id for row in locks] == [first.id, second.id]
    assert locks[0].reason == "The trust declined: equipment or rooms are out of use. Until May"
    assert queries.declines_waiting(session, region.lead, region.round.id, []) == 2
    taken_in = [(f"r{first.requirement_id}", f"d{first.department_id}", "ban")]
    assert queries.declines_waiting(session, region.lead, region.round.id, taken_in) == 1
    answered(educator, Answer("decline", reason="no_room"), first)
    assert bans()[0].reason == ("The trust declined: there is no room: fewer places than we declared")
    assert len(bans()) == 2
    answered(educator, CONFIRM, first)
    assert [row.origin_id for row in bans()] == [second.id]


def test_a_decline_where_the_academy_banned_already_adds_no_second_ban(session: Session) -> None:
    region = small_round(learners=3)
    first, *_ = sent(region)
    session.add(
        Lock(
            round_id=region.round.id,
            requirement_id=first.requirement_id,
            kind="ban",
            department_id=first.department_id,
            reason="Not there again",
            made_utc=now_utc(),
        )
    )
    saved()
    answered(of_trust(region), DECLINE, first)
    assert [row.origin for row in bans()] == ["lead"]


def test_the_academy_replies_to_a_question_and_whoever_asked_is_told(session: Session) -> None:
    region = small_round(learners=3)
    first, *_ = sent(region)
    educator = of_trust(region)
    answered(educator, ASK, first)
    assert (first.state, first.question) == ("asked", ASK.question)
    with pytest.raises(Refused) as refusal:
        service.reply_to_trust(region.lead, first.id, reply="  ", version=first.version)
    assert refusal.value.fields == {"reply": "Write your reply"}
    with pytest.raises(Stale):
        service.reply_to_trust(region.lead, first.id, reply="Yes, gladly.", version=first.version - 1)
    session.expire_all()
    service.reply_to_trust(region.lead, first.id, reply="Yes, gladly.", version=first.version)
    assert (first.state, first.reply) == ("proposed", "Yes, gladly.")
    letter = session.scalars(select(Message).where(Message.key.startswith("reply:"))).one()
    assert "Yes, gladly." in letter.body
    # Another question leaves the reply to the first behind.
    answered(educator, Answer("ask", question="And on Mondays?"), first)
    assert (first.question, first.reply) == ("And on Mondays?", "")


VERBS = {"confirm": CONFIRM, "decline": DECLINE, "ask": ASK}


@pytest.mark.parametrize("state", ["proposed", "asked", "confirmed", "declined", "withdrawn"])
@pytest.mark.parametrize("verb", ["confirm", "decline", "ask", "reply"])
def test_each_forbidden_step_is_refused_and_changes_nothing(session: Session, verb: str, state: str) -> None:
    region = small_round(learners=3)
    first, *_ = sent(region)
    first.state, first.reason = state, "no_room" if state == "declined" else None
    first.question = "What about Fridays?"
    saved()
    educator = of_trust(region)

    def act() -> None:
        if verb == "reply":
            service.reply_to_trust(region.lead, first.id, reply="Yes", version=first.version)
        else:
            answered(educator, VERBS[verb], first)

    stays = verb != "reply" and service.TARGETS[verb] == state
    if PROPOSAL.allows(state, verb) or stays:
        act()
        assert first.state == PROPOSAL.moves[verb][1]
        return
    version = first.version
    with pytest.raises(Refused):
        act()
    session.expire_all()
    assert (first.state, first.version) == (state, version)
    assert bans() == []


def test_what_is_withdrawn_cannot_be_withdrawn_again() -> None:
    assert {state for state in queries.OPEN if PROPOSAL.allows(state, "withdraw")} == set(queries.OPEN)
    with pytest.raises(Refused, match="cannot withdraw"):
        PROPOSAL.move("withdrawn", "withdraw")


def test_one_forbidden_place_refuses_the_whole_answer(session: Session) -> None:
    region = small_round(learners=3)
    first, second, _ = sent(region)
    educator = of_trust(region)
    answered(educator, CONFIRM, first)
    with pytest.raises(Refused, match="1 of these places is marked “confirmed”"):
        answered(educator, ASK, first, second)
    session.expire_all()
    assert second.state == "proposed"


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (Answer("decline"), "reason"),
        (Answer("decline", reason="weather"), "reason"),
        (Answer("decline", reason="other"), "note"),
        (Answer("ask", question=" "), "question"),
        (Answer("ask", question="x" * 1001), "question"),
        (Answer("maybe"), "verb"),  # type: ignore[arg-type]  # what a forged form may send
    ],
)
def test_an_answer_that_says_too_little_is_refused_at_its_field(
    session: Session, answer: Answer, field: str
) -> None:
    region = small_round(learners=3)
    first, *_ = sent(region)
    educator = of_trust(region)
    with pytest.raises(Refused) as refusal:
        answered(educator, answer, first)
    assert list(refusal.value.fields) == [field]


def test_nothing_ticked_is_refused(session: Session) -> None:
    region = small_round(learners=3)
    sent(region)
    with pytest.raises(Refused) as refusal:
        answer_proposals(of_trust(region), region.round.id, CONFIRM, {})
    assert refusal.value.fields == {"proposals": "Tick at least one place"}


def test_two_educators_who_answer_the_same_place(session: Session) -> None:
    region = small_round(learners=3)
    first, second, _ = sent(region)
    one, other = of_trust(region), of_trust(region)
    read = {first.id: first.version, second.id: second.version}
    answered(one, DECLINE, first)
    with pytest.raises(Stale):
        answer_proposals(other, region.round.id, CONFIRM, read)
    session.expire_all()
    assert (first.state, second.state) == ("declined", "proposed")


def test_two_educators_at_the_same_moment(app: Flask, session: Session) -> None:
    region = small_round(learners=3)
    first, *_ = sent(region)
    one, other = of_trust(region), of_trust(region)
    round_id, read = region.round.id, {first.id: first.version}
    session.rollback()

    def act(viewer: Viewer, answer: Answer) -> str:
        try:
            answer_proposals(viewer, round_id, answer, read)
        except Stale:
            return "stale"
        return "done"

    done = at_once(app, lambda: act(one, CONFIRM), lambda: act(other, DECLINE))
    assert sorted(done) == ["done", "stale"]
    session.expire_all()
    row = proposals()[0]
    assert row.state == ("confirmed" if done[0] == "done" else "declined")
    assert len(bans()) == (row.state == "declined")


def test_two_leads_who_send_at_the_same_moment(app: Flask, session: Session) -> None:
    region = small_round(learners=3)
    stands(region, 0, 0, 1)
    leads = [region.lead, viewer_as(Role.ACADEMY_LEAD)]
    round_id = region.round.id
    session.rollback()

    def act(viewer: Viewer) -> int:
        try:
            return send_proposals(viewer, round_id, answer_by=BY).proposed
        except Stale:
            return 0

    assert sorted(at_once(app, *(lambda viewer=viewer: act(viewer) for viewer in leads))) == [0, 3]
    assert len(proposals()) == 3


def test_all_shown_are_answered_as_they_were_read(session: Session) -> None:
    region = small_round(learners=3)
    first, second, third = sent(region)
    educator = of_trust(region)
    wanted = Filter(show="waiting")
    stamp = queries.stamp_of(session, queries.proposals_of_round(educator, region.round.id, wanted))
    answered(educator, CONFIRM, first)
    with pytest.raises(Stale):
        service.answer_all_shown(educator, region.round.id, CONFIRM, wanted, stamp=stamp)
    session.expire_all()
    assert second.state == "proposed"
    stamp = queries.stamp_of(session, queries.proposals_of_round(educator, region.round.id, wanted))
    done = service.answer_all_shown(educator, region.round.id, CONFIRM, wanted, stamp=stamp)
    assert done == Answered(1, 0, 0)
    session.expire_all()
    assert [row.state for row in (first, second, third)] == ["confirmed", "confirmed", "proposed"]


def test_each_trust_sees_and_answers_its_own_places_only(session: Session) -> None:
    region = small_round(learners=3)
    first, second, third = sent(region)
    own, other = of_trust(region), of_trust(region, 1)
    officer = viewer_as(Role.PLACEMENT_OFFICER, hei_id=region.hei.id)
    foreign = viewer_as(Role.ACADEMY_LEAD, network_id=NetworkFactory(name="Another network").id)
    everything = queries.proposals_of_round(region.lead, region.round.id, Filter())
    assert set(session.scalars(everything)) == {first, second, third}
    for viewer, seen in ((own, {first, second}), (other, {third}), (officer, set()), (foreign, set())):
        found = queries.proposals_of_round(viewer, region.round.id, Filter())
        assert set(session.scalars(found)) == seen
        for row in {first, second, third} - seen:
            with pytest.raises(NotFound):
                queries.proposal_by_id(session, viewer, row.id)
    with pytest.raises(NotFound):
        answered(other, CONFIRM, first, third)
    session.expire_all()
    assert {row.state for row in proposals()} == {"proposed"}
    assert [row.trust for row in queries.answered_by_trust(session, own, region.round.id)] == [
        region.trusts[0].name
    ]
    choices = queries.choices_of_round(session, other, region.round.id)
    assert [name for _, name in choices.sites] == [region.departments[1].site.name]
    for viewer in (own, officer):
        with pytest.raises(NotAllowed):
            send_proposals(viewer, region.round.id, answer_by=BY)
    with pytest.raises(NotAllowed):
        answered(officer, CONFIRM, first)
    with pytest.raises(NotAllowed):
        service.reply_to_trust(own, first.id, reply="Yes", version=first.version)


def test_an_academy_lead_answers_for_a_trust_that_told_them(session: Session) -> None:
    region = small_round(learners=3)
    first, *_ = sent(region)
    answered(region.lead, CONFIRM, first)
    assert queries.answered_by(session, first) == region.lead.name


def test_an_answer_after_the_day_is_marked_late(session: Session) -> None:
    region = small_round(learners=3)
    first, second, _ = sent(region)
    educator = of_trust(region)
    answered(educator, CONFIRM, first)
    set_clock(lambda: datetime(2026, 12, 12, 9, tzinfo=UTC))
    board = queries.answered_by_trust(session, region.lead, region.round.id)
    assert [(row.trust_id, row.total, row.waiting, row.late) for row in board] == [
        (trust.id, total, 1, 1) for trust, total in zip(region.trusts, (2, 1), strict=True)
    ]
    late = queries.proposals_of_round(educator, region.round.id, Filter(show="late"))
    assert list(session.scalars(late)) == [second]
    assert answered(educator, CONFIRM, second) == Answered(1, 0, 1)
    rows = queries.with_facts(session, educator, region.round, [first, second])
    assert [(row.was_late, row.is_overdue) for row in rows] == [(False, False), (True, False)]


def test_the_check_list_says_what_is_not_confirmed(session: Session) -> None:
    region = small_round(learners=3)
    run = stands(region, 0, 0, 1)
    assert items(region, run) == {
        "3 places were never sent to the trust, so its educators have not seen them.": "warns"
    }
    send_proposals(region.lead, region.round.id, answer_by=BY)
    first, second, third = proposals()
    answered(of_trust(region), CONFIRM, first)
    answered(of_trust(region), ASK, second)
    answered(of_trust(region, 1), DECLINE, third)
    assert items(region, run) == {
        "1 place stands that the trust declined: let a run find another, then adopt it.": "blocks",
        "1 place waits for the trust's answer.": "warns",
        "1 question of trusts has no reply yet.": "warns",
    }
    declined = items_before_publication(session, region.lead, region.round, run)[-3]
    assert (declined.endpoint, declined.link) == ("confirmations.see_confirmations", "Find other places")
    with pytest.raises(Refused, match="1 place stands that the trust declined"):
        allocations.publish_round(region.lead, region.round.id, version=region.round.version)
    session.expire_all()
    answered(of_trust(region, 1), CONFIRM, third)
    assert allocations.publish_round(region.lead, region.round.id, version=region.round.version).number == 1


def test_a_round_may_ask_that_every_place_is_confirmed(session: Session) -> None:
    region = small_round(learners=3)
    region.round.needs_confirmation = True
    rows = sent(region)
    with pytest.raises(Refused, match="3 places wait for the trust's answer"):
        allocations.publish_round(region.lead, region.round.id, version=region.round.version)
    session.expire_all()
    answered(region.lead, CONFIRM, *rows)
    publication = allocations.publish_round(region.lead, region.round.id, version=region.round.version)
    assert publication.number == 1


def test_a_published_place_is_no_longer_declined(session: Session) -> None:
    region = small_round(learners=3)
    first, second, _ = sent(region)
    educator = of_trust(region)
    answered(educator, CONFIRM, first)
    allocations.publish_round(region.lead, region.round.id, version=region.round.version)
    with pytest.raises(Refused, match="is published already"):
        answered(educator, DECLINE, first)
    session.expire_all()
    answered(educator, CONFIRM, second)
    rows = queries.with_facts(session, educator, region.round, [first, second])
    assert [row.is_published for row in rows] == [True, True]
    assert bans() == []


def test_a_declined_place_is_found_another_and_what_trusts_confirmed_stays(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_queue", lambda *_: None)
    region = small_round(learners=5, places=(2, 3))
    stands(region, 0, 0, 1, 1, None)
    send_proposals(region.lead, region.round.id, answer_by=BY)
    with pytest.raises(Refused, match="No declined place waits"):
        service.find_other_places(region.lead, region.round.id)
    session.expire_all()
    rows = proposals()
    answered(region.lead, CONFIRM, *rows[1:])
    answered(region.lead, DECLINE, rows[0])
    run_id = service.find_other_places(region.lead, region.round.id).id
    perform_run(run_id)
    session.expire_all()
    run = session.get_one(Run, run_id)
    assert (run.state, run.kind) == ("finished", "repair"), run.message
    allocations.adopt_run(region.lead, run_id)
    told = send_proposals(region.lead, region.round.id, answer_by=BY)
    # Whoever had no place is given the one that was declined: nobody moves for it.
    assert (told.proposed, told.unchanged, told.withdrawn) == (2, 3, 1)
    session.expire_all()
    assert [row.state for row in proposals()] == ["withdrawn", *["confirmed"] * 3, "proposed", "proposed"]
    found = {row.requirement_id: row.department_id for row in proposals()[4:]}
    assert found == {
        rows[0].requirement_id: region.departments[1].id,
        region.learners[4].requirements[0].id: region.departments[0].id,
    }
    assert run.settings["in_need"] == [f"r{rows[0].requirement_id}"]
    assert queries.declines_waiting(session, region.lead, region.round.id, keys_of_run(run)) == 0
    assert not [words for words, effect in items(region, run).items() if effect == "blocks"]


def letters(session: Session, prefix: str) -> list[str]:
    found = session.scalars(select(Message.to).where(Message.key.startswith(prefix)).order_by(Message.to))
    return list(found)


def at(day: date, hour: int = 9) -> None:
    set_clock(lambda: datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


def test_the_schedule_reminds_trusts_that_have_not_answered_each_once(session: Session) -> None:
    region = small_round(learners=3)
    people = [PersonFactory(role="practice_educator", trust_id=trust.id) for trust in region.trusts]
    first, second, third = sent(region)
    answered(region.lead, CONFIRM, third)
    at(BY - timedelta(days=7), hour=6)
    reminders.send_confirmation_reminders()
    assert letters(session, "confirm:") == []
    at(BY - timedelta(days=7))
    reminders.send_confirmation_reminders()
    reminders.send_confirmation_reminders()
    assert letters(session, "confirm:") == [people[0].email]
    at(BY - timedelta(days=2))
    reminders.send_confirmation_reminders()
    assert len(letters(session, "confirm:")) == 2
    answered(region.lead, CONFIRM, first, second)
    at(BY + timedelta(days=1))
    reminders.send_confirmation_reminders()
    assert len(letters(session, "confirm:")) == 2


@pytest.mark.parametrize(
    ("days_before", "due"),
    [(8, None), (7, 7), (5, 7), (4, None), (2, 2), (0, 2), (-1, -1), (-3, -1), (-4, None)],
)
def test_which_reminder_has_its_day(days_before: int, due: int | None) -> None:
    assert reminder_due(BY, reminders.DAYS_BEFORE, BY - timedelta(days=days_before)) == due


def test_what_was_sent_today_is_not_reminded_of_today(session: Session) -> None:
    region = small_round(learners=3)
    PersonFactory(role="practice_educator", trust_id=region.trusts[0].id)
    stands(region, 0, 0, 1)
    send_proposals(region.lead, region.round.id, answer_by=today() + timedelta(days=7))
    reminders.send_confirmation_reminders()
    assert letters(session, "confirm:") == []


def test_a_lead_reminds_the_trusts_shown_once_a_day(session: Session) -> None:
    region = small_round(learners=3)
    people = [PersonFactory(role="practice_educator", trust_id=trust.id) for trust in region.trusts]
    sent(region)
    shown = [region.trusts[0].id]
    done = reminders.remind_trusts(region.lead, region.round.id, shown)
    assert (done.places, done.written, done.told_today, done.nobody) == (2, 1, 0, ())
    done = reminders.remind_trusts(region.lead, region.round.id, shown)
    assert (done.written, done.told_today) == (0, 1)
    assert letters(session, "confirm-chase:") == [people[0].email]
    with pytest.raises(NotAllowed):
        reminders.remind_trusts(of_trust(region), region.round.id, shown)
