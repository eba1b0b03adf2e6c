"""What can be done with agreements: propose, agree or decline, end."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer
from placements.agreements.models import Agreement, figures
from placements.agreements.notices import tell_decided, tell_proposed
from placements.agreements.queries import (
    agreement_by_id,
    choices_of_learners,
    heis_of_network,
    in_force_beside,
    may_decide,
    may_end,
    side_of,
    trusts_of_network,
)
from placements.clock import academic_year, now_utc, today
from placements.errors import NotAllowed, Refused, Stale
from placements.organisations.models import LearnerGroup, Stage
from placements.states import AGREEMENT
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction
from placements.web.formats import day, year_span

MOST_PLACEMENTS = 9999
LONGEST_NOTE = 500
# So many academic years, this one among them, can be agreed on.
YEARS_AHEAD = 3
REPLACED = "New figures were agreed in its place."
SIDE_WORDS = {"hei": "the HEI", "trust": "the trust", "academy": "the academy"}


@dataclass(frozen=True)
class Proposal:
    """Least and most placements of an HEI's learners at a trust in an academic year. `learners` is a key of
    `choices_of_learners`; `year` the calendar year in which the academic year begins."""

    hei_id: int
    trust_id: int
    learners: str
    year: int
    least: int
    most: int | None
    note: str = ""


def years_to_choose() -> list[int]:
    """The academic years that can be agreed on now."""
    this_year = academic_year(today())
    return list(range(this_year, this_year + YEARS_AHEAD))


def propose_agreement(viewer: Viewer, proposal: Proposal) -> Agreement:
    """Propose figures to the other side (an academy lead: to both), which is told by e-mail. What is agreed
    for the same learners holds until these are. The same proposal again changes nothing.

    Raises Refused naming each wrong field, among others where a proposal for the same learners waits.
    """
    try:
        with transaction(viewer, Action.PROPOSE_AGREEMENT) as tx:
            made, is_new = _proposed(tx, viewer, proposal)
            tx.note(made, least=made.least, most=made.most, year=made.year)
            if is_new:
                tell_proposed(tx, viewer, made)
    except IntegrityError:
        words = "Somebody proposed figures for the same learners at this moment: look at the list"
        raise Refused(f"{words}.", {"learners": words}) from None
    return made


def _proposed(tx: Transaction, viewer: Viewer, proposal: Proposal) -> tuple[Agreement, bool]:
    """The row of a proposal, and whether it is new."""
    wrong = wrong_proposal(tx, viewer, proposal)
    if wrong:
        raise _refused(wrong)
    group_key, _, stage_key = proposal.learners.partition("/")
    group = tx.session.scalar(select(LearnerGroup).where(LearnerGroup.key == group_key))
    stage = None
    if group is not None and stage_key:
        stage = tx.session.scalars(
            select(Stage).where(Stage.learner_group_id == group.id, Stage.key == stage_key)
        ).one()
    side = side_of(viewer)
    made = Agreement(
        hei_id=proposal.hei_id,
        trust_id=proposal.trust_id,
        learner_group_id=group.id if group else None,
        stage_id=stage.id if stage else None,
        year=proposal.year,
        least=proposal.least,
        most=proposal.most,
        note=proposal.note.strip(),
        proposed_side=side,
        proposed_by_id=viewer.person_id,
        proposed_by=viewer.name,
        proposed_utc=now_utc(),
    )
    waits, holds = _open(tx, made, "proposed"), _open(tx, made, "agreed")
    if waits is not None:
        same = (waits.least, waits.most, waits.proposed_by_id)
        if same == (made.least, made.most, viewer.person_id):
            return waits, False
        words = (
            f"{waits.proposed_by} of {SIDE_WORDS[waits.proposed_side]} proposed {waits.figures} for the same"
            " learners, which waits for an answer: it has to be answered or taken back first"
        )
        raise _refused({"learners": words})
    if holds is not None:
        if (holds.least, holds.most) == (made.least, made.most):
            raise _refused({"least": f"This is what is agreed already: {holds.figures}"})
        made.replaces_id = holds.id
    if clash := _contradiction(made, in_force_beside(tx.session, viewer, made)):
        raise _refused(clash)
    if side != "academy":
        _agree_for(made, side, viewer)
    tx.session.add(made)
    return made, True


def wrong_proposal(tx: Transaction, viewer: Viewer, proposal: Proposal) -> dict[str, str]:
    """What cannot be right about a proposal, by field, in words."""
    wrong = {}
    if proposal.hei_id not in {hei.id for hei in heis_of_network(tx.session, viewer)}:
        wrong["hei"] = "Choose an HEI from the list"
    if proposal.trust_id not in {trust.id for trust in trusts_of_network(tx.session, viewer)}:
        wrong["trust"] = "Choose a trust from the list"
    if proposal.learners not in choices_of_learners(tx.session):
        wrong["learners"] = "Choose from the list"
    years = years_to_choose()
    if proposal.year not in years:
        wrong["year"] = f"Choose a year from {year_span(years[0])} to {year_span(years[-1])}"
    if not 0 <= proposal.least <= MOST_PLACEMENTS:
        wrong["least"] = f"Enter a whole number from 0 to {MOST_PLACEMENTS:,}, or leave it empty"
    if proposal.most is None:
        if proposal.least == 0:
            wrong["least"] = "Enter the least, the most or both: an agreement has to say something"
    elif not 0 <= proposal.most <= MOST_PLACEMENTS:
        wrong["most"] = f"Enter a whole number from 0 to {MOST_PLACEMENTS:,}, or leave it empty"
    elif proposal.most < proposal.least:
        wrong["most"] = f"The most cannot be below the least, which is {proposal.least}"
    if len(proposal.note.strip()) > LONGEST_NOTE:
        wrong["note"] = f"Use at most {LONGEST_NOTE} characters"
    return wrong


def _contradiction(made: Agreement, beside: list[Agreement]) -> dict[str, str]:
    """Where nobody could keep this and another that is agreed for some of the same learners."""
    for other in beside:
        words = f"{other.of_whom}: {other.figures} is agreed for {year_span(other.year)}, and both cannot be"
        is_wider = made.covers(other.learner_group_id, other.stage_id)
        if is_wider and made.most is not None and other.least > made.most:
            return {"most": f"{words}. Use {other.least} or more, or change that one first"}
        if not is_wider and other.most is not None and made.least > other.most:
            return {"least": f"{words}. Use {other.most} or less, or change that one first"}
    return {}


def decide_agreement(
    viewer: Viewer, agreement_id: int, *, version: int, answer: str, note: str = ""
) -> Agreement:
    """Agree to a proposal for the person's own side, or decline it with a note; the others are told by
    e-mail. Once both sides agree it holds, and what was agreed before for the same learners ends. The same
    answer of the same person again changes nothing.

    Raises Stale where it was changed since `version`, Refused where the answer makes no sense or its note is
    missing, NotAllowed where the person has agreed for the other side.
    """
    try:
        with transaction(viewer, Action.DECIDE_AGREEMENT) as tx:
            agreement, side = agreement_by_id(tx.session, viewer, agreement_id), side_of(viewer)
            if _is_answered(agreement, viewer, side, answer):
                tx.note(agreement, answer=answer, again=True)
                return agreement
            if agreement.version != version:
                raise Stale(CHANGED_MEANWHILE)
            if wrong := _wrong_answer(answer, note):
                raise _refused(wrong)
            state = AGREEMENT.move(agreement.state, answer)
            if not may_decide(viewer, agreement):
                raise Refused("Your side has agreed to this already. It waits for the other side.")
            tx.note(agreement, answer=answer)
            if answer == "decline":
                _end(agreement, viewer, state, note)
                tell_decided(tx, viewer, agreement, "declined")
                return agreement
            other = agreement.trust_agreed_by_id if side == "hei" else agreement.hei_agreed_by_id
            if other is not None and other == viewer.person_id:
                raise NotAllowed("You agreed to this for the other side: somebody else of yours has to.")
            _agree_for(agreement, side, viewer)
            if agreement.agreed_for("hei") and agreement.agreed_for("trust"):
                _end_replaced(tx, viewer, agreement)
                agreement.state, agreement.answer = state, note.strip()
                tell_decided(tx, viewer, agreement, "agreed")
    except IntegrityError:
        raise Stale(CHANGED_MEANWHILE) from None
    return agreement


def end_agreement(viewer: Viewer, agreement_id: int, *, version: int, note: str = "") -> Agreement:
    """End at once what is agreed, or take back what one's own side proposed or agreed to; runs started from
    now on do not keep to it, and what is published stays. Ending it again changes nothing.

    Raises Stale where it was changed since `version`, Refused where there is nothing to end.
    """
    with transaction(viewer, Action.END_AGREEMENT) as tx:
        agreement = agreement_by_id(tx.session, viewer, agreement_id)
        if agreement.state == "ended" and agreement.ended_by_id == viewer.person_id:
            tx.note(agreement, again=True)
            return agreement
        if agreement.version != version:
            raise Stale(CHANGED_MEANWHILE)
        state = AGREEMENT.move(agreement.state, "end")
        if not may_end(viewer, agreement):
            raise NotAllowed("Only a side that has agreed to this can end it.")
        if len(note.strip()) > LONGEST_NOTE:
            raise _refused({"note": f"Use at most {LONGEST_NOTE} characters"})
        did = "ended" if agreement.state == "agreed" else "taken back"
        _end(agreement, viewer, state, note)
        tell_decided(tx, viewer, agreement, did)
        tx.note(agreement, did=did)
    return agreement


def _wrong_answer(answer: str, note: str) -> dict[str, str]:
    if answer not in ("agree", "decline"):
        return {"answer": "Choose whether you agree or decline"}
    if answer == "decline" and not note.strip():
        return {"note": "Say why you decline, so that the other side can propose what would do"}
    if len(note.strip()) > LONGEST_NOTE:
        return {"note": f"Use at most {LONGEST_NOTE} characters"}
    return {}


def _is_answered(agreement: Agreement, viewer: Viewer, side: str, answer: str) -> bool:
    """Whether this person has given this very answer before."""
    if viewer.person_id is None:
        return False
    if answer == "decline":
        return agreement.state == "declined" and agreement.ended_by_id == viewer.person_id
    agreed_by = {"hei": agreement.hei_agreed_by_id, "trust": agreement.trust_agreed_by_id}.get(side)
    has_proposed = agreement.proposed_by_id == viewer.person_id and agreement.state == "proposed"
    return answer == "agree" and agreed_by == viewer.person_id and not has_proposed


def _agree_for(agreement: Agreement, side: str, viewer: Viewer) -> None:
    if side == "hei":
        agreement.hei_agreed_by, agreement.hei_agreed_by_id = viewer.name, viewer.person_id
        agreement.hei_agreed_utc = now_utc()
    else:
        agreement.trust_agreed_by, agreement.trust_agreed_by_id = viewer.name, viewer.person_id
        agreement.trust_agreed_utc = now_utc()


def _end(agreement: Agreement, viewer: Viewer, state: str, note: str) -> None:
    agreement.state, agreement.answer = state, note.strip()
    agreement.ended_by, agreement.ended_by_id, agreement.ended_utc = (
        viewer.name,
        viewer.person_id,
        now_utc(),
    )


def _end_replaced(tx: Transaction, viewer: Viewer, agreement: Agreement) -> None:
    """End what held so far for the same learners; raises Refused where that is not what this replaces."""
    holds = _open(tx, agreement, "agreed")
    if holds is None:
        return
    if holds.id != agreement.replaces_id:
        words = (
            f"Meanwhile {figures(holds.least, holds.most)} was agreed for the same learners"
            f" ({holds.hei_agreed_by} and {holds.trust_agreed_by},"
            f" {day(max(holds.hei_agreed_utc or now_utc(), holds.trust_agreed_utc or now_utc()).date())})."
            " Two cannot hold: decline this one, or propose new figures."
        )
        raise Refused(words, {"answer": words.rstrip(".")})
    _end(holds, viewer, AGREEMENT.move(holds.state, "end"), REPLACED)
    # Before the new one holds: the database lets only one.
    tx.session.flush()


def _open(tx: Transaction, like: Agreement, state: str) -> Agreement | None:
    """What waits or holds for the same learners of the HEI at the trust in the year."""
    with tx.session.no_autoflush:
        return tx.session.scalar(
            select(Agreement).where(
                Agreement.state == state,
                Agreement.hei_id == like.hei_id,
                Agreement.trust_id == like.trust_id,
                Agreement.year == like.year,
                Agreement.learner_group_id.is_not_distinct_from(like.learner_group_id),
                Agreement.stage_id.is_not_distinct_from(like.stage_id),
            )
        )


def _refused(wrong: dict[str, str]) -> Refused:
    return Refused(" ".join(f"{words}." for words in wrong.values()), wrong)
