"""What can be done with proposals: send them to trusts, answer them, reply to what a trust asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.allocations.models import Allocation
from placements.allocations.queries import adopted_run
from placements.allocations.standing import StandingPlace, standing_places
from placements.clock import now_utc, today
from placements.confirmations import notices, queries
from placements.confirmations.models import Proposal
from placements.confirmations.queries import Filter
from placements.confirmations.wording import DONE, OTHER, REASONS, STATES, reason_words
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.scenarios import published
from placements.scenarios.frozen import keys_of_run
from placements.scenarios.locks import add_lock, end_lock
from placements.scenarios.models import Lock, Run
from placements.scenarios.published import Standing
from placements.scenarios.repairing import Wishes
from placements.scenarios.service import start_run
from placements.states import PROPOSAL
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates
from placements.web.formats import count

Verb = Literal["confirm", "decline", "ask"]
TARGETS: Mapping[str, str] = {"confirm": "confirmed", "decline": "declined", "ask": "asked"}
LONGEST_NOTE = 1_000
LONGEST_DELAY = timedelta(days=366)


@dataclass(frozen=True)
class Sent:
    """What sending did: places newly proposed, those whose proposal stays, those withdrawn; how many people
    are written to, and the trusts where there is nobody to write to."""

    proposed: int
    unchanged: int
    withdrawn: int
    people: int
    nobody: Sequence[str]


def send_proposals(viewer: Viewer, round_id: int, *, answer_by: date | None) -> Sent:
    """Propose every place that stands to its trust. What is proposed already as it stands keeps its state and
    answer; what no longer stands is withdrawn. Trusts are told by e-mail of what is new or withdrawn.

    Raises Refused where no run has been adopted or the day to answer is wrong, and Stale where somebody else
    sends at this moment.
    """
    wrong = _wrong_day(answer_by)
    if wrong:
        raise Refused(f"{wrong}.", {"answer_by": wrong})
    try:
        with transaction(viewer, Action.SEND_PROPOSALS) as tx:
            round_ = rounds.round_by_id(tx.session, viewer, round_id)
            run = adopted_run(tx.session, viewer, round_id)
            if run is None:
                raise Refused("There is nothing to send yet: adopt a finished run first.")
            # Another lead who sends at the same moment waits here.
            tx.session.execute(select(Round.id).where(Round.id == round_id).with_for_update())
            standing = {row.requirement_id: row for row in standing_places(tx.session, viewer, run)}
            kept, over = _sorted(tx.session, round_id, standing)
            told = [row for row in over if row.state in ("confirmed", "asked", "proposed")]
            gone = [(row.department_id, row.state) for row in told]
            for row in over:
                row.state, row.reason = PROPOSAL.move(row.state, "withdraw"), None
            tx.session.flush()
            new = [place for place in standing.values() if place.requirement_id not in kept]
            made_utc = now_utc()
            _propose(tx.session, round_id, new, answer_by)
            waiting = [row.id for row in kept.values() if row.state in queries.WAITING]
            tx.session.execute(
                update(Proposal)
                .where(Proposal.id.in_(waiting))
                .values(answer_by=answer_by)
                .execution_options(synchronize_session=False)
            )
            people, nobody = notices.tell_proposed(
                tx,
                round_,
                new=[place.department_id for place in new],
                gone=[department_id for department_id, _ in gone],
                answer_by=answer_by,
                at_utc=made_utc,
            )
            tx.note(round_, proposed=len(new), unchanged=len(kept), withdrawn=len(over), people=people)
    except IntegrityError as error:
        if violates(error, "uq_proposal_one_open", "proposal.requirement_id"):
            raise Stale(CHANGED_MEANWHILE) from None
        raise
    return Sent(len(new), len(kept), len(over), people, nobody)


def _wrong_day(answer_by: date | None) -> str:
    if answer_by is None:
        return ""
    if answer_by < today():
        return "The day by which trusts answer has passed: choose today or a later day"
    if answer_by > today() + LONGEST_DELAY:
        return "The day by which trusts answer is more than a year away: choose an earlier one"
    return ""


def _sorted(
    session: Session, round_id: int, standing: Mapping[int, StandingPlace]
) -> tuple[dict[int, Proposal], list[Proposal]]:
    """The round's open proposals: those that stand as proposed, by requirement, and those that are over."""
    kept: dict[int, Proposal] = {}
    over: list[Proposal] = []
    for row in session.scalars(
        select(Proposal).where(Proposal.round_id == round_id, Proposal.state.in_(queries.OPEN))
    ):
        place = standing.get(row.requirement_id)
        if place is not None and (place.department_id, place.first_week) == (
            row.department_id,
            row.first_week,
        ):
            kept[row.requirement_id] = row
        else:
            over.append(row)
    return kept, over


def _propose(
    session: Session, round_id: int, places: Sequence[StandingPlace], answer_by: date | None
) -> None:
    if not places:
        return
    session.execute(
        insert(Proposal),
        [
            {
                "round_id": round_id,
                "requirement_id": place.requirement_id,
                "department_id": place.department_id,
                "first_week": place.first_week,
                "proposed_utc": now_utc(),
                "answer_by": answer_by,
            }
            for place in places
        ],
    )


@dataclass(frozen=True)
class Answer:
    """What a trust says of some proposals. `reason` (a key of REASONS) and `note` are a decline's, `question`
    is what is asked."""

    verb: Verb
    reason: str = ""
    note: str = ""
    question: str = ""


@dataclass(frozen=True)
class Answered:
    """How many proposals changed, how many stood so already, and how many were answered after their day."""

    changed: int
    unchanged: int
    late: int


def answer_proposals(viewer: Viewer, round_id: int, answer: Answer, versions: Mapping[int, int]) -> Answered:
    """Confirm, decline or ask about proposals, given by id with the version that was read. A decline bans the
    department for the learner in all runs from now on; confirming after all lifts the ban.

    Raises Refused naming each wrong field or saying which state forbids it, NotFound for proposals that the
    viewer does not see, and Stale where any was changed since it was read: then none is answered.
    """
    with transaction(viewer, Action.ANSWER_PROPOSAL) as tx:
        round_ = rounds.round_by_id(tx.session, viewer, round_id)
        done = _answer(tx, round_, answer, versions)
        tx.note(round_, answer=answer.verb, proposals=done.changed, late=done.late)
    return done


def answer_all_shown(
    viewer: Viewer, round_id: int, answer: Answer, wanted: Filter, *, stamp: str
) -> Answered:
    """The same for all proposals that a filter shows, on whatever page; `stamp` is what the list was when it
    was read."""
    with transaction(viewer, Action.ANSWER_PROPOSAL) as tx:
        round_ = rounds.round_by_id(tx.session, viewer, round_id)
        shown = queries.proposals_of_round(viewer, round_id, wanted)
        if queries.stamp_of(tx.session, shown) != stamp:
            raise Stale(CHANGED_MEANWHILE)
        rows = tx.session.execute(shown.with_only_columns(Proposal.id, Proposal.version).order_by(None))
        done = _answer(tx, round_, answer, {row_id: version for row_id, version in rows})  # noqa: C416 - a type checker takes rows for no pairs
        tx.note(round_, answer=answer.verb, proposals=done.changed, late=done.late)
    return done


def _answer(tx: Transaction, round_: Round, answer: Answer, versions: Mapping[int, int]) -> Answered:
    if wrong := wrong_answer(answer, versions):
        raise Refused("; ".join(wrong.values()) + ".", wrong)
    rows = list(
        tx.session.scalars(
            queries.visible_proposals(tx.viewer)
            .where(Proposal.round_id == round_.id, Proposal.id.in_(versions))
            .order_by(Proposal.id)
        )
    )
    if len(rows) != len(versions):
        raise NotFound("There is no such proposed place.")
    if any(row.version != versions[row.id] for row in rows):
        raise Stale(CHANGED_MEANWHILE)
    target = TARGETS[answer.verb]
    todo = [row for row in rows if row.state != target or _says_more(row, answer)]
    _check_states(todo, answer.verb, target)
    if answer.verb == "decline":
        _check_unpublished(tx, round_, todo)
    bans = _bans(tx.session, [row.id for row in todo])
    late = 0
    for row in todo:
        if row.state != target:
            row.state = PROPOSAL.move(row.state, answer.verb)
        row.reason = answer.reason if answer.verb == "decline" else None
        row.note = answer.note.strip()
        if answer.verb == "ask":
            row.question, row.reply = answer.question.strip(), ""
        row.decided_utc, row.decided_by_id = now_utc(), tx.viewer.person_id
        late += row.answer_by is not None and row.answer_by < today()
        if answer.verb == "decline":
            _ban(tx, row, bans.get(row.id))
        elif row.id in bans:
            end_lock(tx, bans[row.id])
    return Answered(len(todo), len(rows) - len(todo), late)


def wrong_answer(answer: Answer, versions: Mapping[int, int]) -> dict[str, str]:
    """What cannot be right about an answer, by field, in words."""
    wrong: dict[str, str] = {}
    if answer.verb not in TARGETS:
        wrong["verb"] = "Choose what you answer: confirm, decline or ask"
    if not versions:
        wrong["proposals"] = "Tick at least one place"
    if answer.verb == "decline":
        if answer.reason not in REASONS:
            wrong["reason"] = "Choose why you decline"
        elif answer.reason == OTHER and not answer.note.strip():
            wrong["note"] = "Say why you decline"
    if answer.verb == "ask" and not answer.question.strip():
        wrong["question"] = "Write what you would like to know"
    for name in ("note", "question"):
        if len(getattr(answer, name)) > LONGEST_NOTE:
            wrong[name] = f"Use at most {LONGEST_NOTE:,} characters"
    return wrong


def _says_more(row: Proposal, answer: Answer) -> bool:
    """Whether an answer of the same kind gives another reason, note or question than there is."""
    if answer.verb == "decline":
        return (row.reason, row.note) != (answer.reason, answer.note.strip())
    return answer.verb == "ask" and row.question != answer.question.strip()


def _check_states(rows: Sequence[Proposal], verb: Verb, target: str) -> None:
    """Refuse the whole answer where the state of any of them does not allow it."""
    for row in rows:
        if row.state == target or PROPOSAL.allows(row.state, verb):
            continue
        same = sum(other.state == row.state for other in rows)
        state = STATES[row.state].lower()
        if len(rows) == 1:
            raise Refused(f"You cannot {verb} now: this place is marked “{state}”.")
        raise Refused(
            f"Nothing was saved: {count(same, 'of these places is', 'of these places are')} marked"
            f" “{state}”, and cannot be {DONE[verb]}. Leave them out."
        )


def _check_unpublished(tx: Transaction, round_: Round, rows: Sequence[Proposal]) -> None:
    published = queries.published_as_proposed(
        tx.session, tx.viewer, round_.id, [row.requirement_id for row in rows]
    )
    known = [row for row in rows if (row.requirement_id, row.department_id, row.first_week) in published]
    if known:
        raise Refused(
            f"{count(len(known), 'of these places is', 'of these places are')} published already, and the"
            " learner has been told. If you can no longer take them, change what your department declares:"
            " the academy then finds another place."
        )


def _bans(session: Session, proposal_ids: Sequence[int]) -> dict[int, Lock]:
    """The bans in force of these proposals' declines, by proposal's id."""
    rows = session.scalars(
        select(Lock).where(
            Lock.origin == "decline", Lock.origin_id.in_(proposal_ids), Lock.lifted_utc.is_(None)
        )
    )
    return {row.origin_id: row for row in rows if row.origin_id is not None}


def _ban(tx: Transaction, row: Proposal, ban: Lock | None) -> None:
    """Keep the learner from the department in all runs from now on, saying why."""
    words = reason_words(row.reason)
    why = "The trust declined: " + (row.note if row.reason == OTHER else words[0].lower() + words[1:])
    if row.note and row.reason != OTHER:
        why += f". {row.note}"
    if ban is not None:
        ban.reason = why
        return
    there = tx.session.scalar(
        select(Lock.id).where(
            Lock.round_id == row.round_id,
            Lock.scenario_id.is_(None),
            Lock.requirement_id == row.requirement_id,
            Lock.department_id == row.department_id,
            Lock.kind == "ban",
            Lock.lifted_utc.is_(None),
        )
    )
    # The learner is kept from there already, by a lead or an appeal.
    if there is None:
        add_lock(
            tx,
            round_id=row.round_id,
            scenario_id=None,
            requirement_id=row.requirement_id,
            kind="ban",
            department_id=row.department_id,
            reason=why,
            origin="decline",
            origin_id=row.id,
        )


def find_other_places(viewer: Viewer, round_id: int) -> Run:
    """Queue a run that finds declined learners other places and moves as few others as possible: from the
    published places, or before the first publication from those that trusts have been shown and have not
    declined. Nobody moves for those who had no place anyway: they have what is free. Raises Refused where no
    decline waits for a run, and as `start_run` does."""
    run = adopted_run(db.session, viewer, round_id)
    if run is None or not queries.declines_waiting(db.session, viewer, round_id, keys_of_run(run)):
        raise Refused("No declined place waits for a run.")
    unplaced = db.session.scalars(
        select(Allocation.requirement_id).where(
            Allocation.run_id == run.id, Allocation.department_id.is_(None)
        )
    )
    return start_run(viewer, round_id, repair=Wishes(may_wait=list(unplaced)))


def _shown_places(session: Session, round_id: int) -> dict[int, Standing]:
    """The places that trusts have been shown and have not declined, by requirement's id."""
    rows = session.execute(
        select(Proposal.requirement_id, Proposal.department_id, Proposal.first_week).where(
            Proposal.round_id == round_id, Proposal.state.in_(("proposed", "asked", "confirmed"))
        )
    )
    return {requirement: Standing(department, week) for requirement, department, week in rows}


published.register_proposed(_shown_places)


def reply_to_trust(viewer: Viewer, proposal_id: int, *, reply: str, version: int) -> Proposal:
    """Answer what a trust asked; whoever asked is told by e-mail, and the place waits for their answer again.

    Raises Refused where nothing was asked or the reply is empty, and Stale where it was changed meanwhile.
    """
    with transaction(viewer, Action.REPLY_TO_TRUST) as tx:
        row = queries.proposal_by_id(tx.session, viewer, proposal_id)
        if row.version != version:
            raise Stale(CHANGED_MEANWHILE)
        words = "Write your reply" if not reply.strip() else ""
        if len(reply) > LONGEST_NOTE:
            words = f"Use at most {LONGEST_NOTE:,} characters"
        if words:
            raise Refused(f"{words}.", {"reply": words})
        row.state = PROPOSAL.move(row.state, "reply")
        row.reply = reply.strip()
        notices.tell_reply(tx, row)
        tx.note(row)
    return row
