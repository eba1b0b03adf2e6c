"""The academy lead's board of confirmations: send what stands, see how trusts answer, remind them."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.allocations.queries import adopted_run, newest_publication
from placements.clock import today
from placements.confirmations import queries, reminders, sending, service
from placements.confirmations.blueprint import confirmations
from placements.confirmations.forms import SendForm
from placements.confirmations.queries import Answered
from placements.confirmations.routes import asked_filter
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.scenarios.frozen import keys_of_run
from placements.web import viewer
from placements.web.formats import count
from placements.web.refusals import show_refusal

# What the board can show, by what its address says.
SHOW = {
    "": "All trusts",
    "waiting": "With places that wait",
    "late": "Late",
    "asked": "With a question",
    "declined": "With declined places",
}


@confirmations.get("/rounds/<int:round_id>/confirmations")
@login_required
def see_confirmations(round_id: int) -> ResponseReturnValue:
    """How each trust has answered, what is still to be sent, and what waits for a run."""
    require(viewer(), Action.SEND_PROPOSALS)
    return _board(round_id, SendForm(formdata=None))


@confirmations.post("/rounds/<int:round_id>/confirmations")
@login_required
def send_proposals(round_id: int) -> ResponseReturnValue:
    """Send the places that stand to their trusts."""
    require(viewer(), Action.SEND_PROPOSALS)
    form = SendForm()
    if not form.validate():
        return _board(round_id, form), 400
    try:
        sent = service.send_proposals(viewer(), round_id, answer_by=form.given)
    except Refused as refused:
        db.session.rollback()
        if refused.fields:
            show_refusal(form, refused)
        return _board(round_id, form, problem="" if refused.fields else refused.message), 400
    except Stale as stale:
        db.session.rollback()
        return _board(round_id, form, problem=stale.message), 409
    flash(_sent_words(sent))
    return redirect(url_for("confirmations.see_confirmations", round_id=round_id))


@confirmations.post("/rounds/<int:round_id>/confirmations/remind")
@login_required
def remind_trusts(round_id: int) -> ResponseReturnValue:
    """Remind the trusts that the board shows of the places that wait for their answer."""
    require(viewer(), Action.CHASE_PROPOSALS)
    wanted = asked_filter()
    answered = queries.answered_by_trust(db.session, viewer(), round_id)
    shown = [row.trust_id for row in answered if _is_shown(row, wanted.show, wanted.trust)]
    flash(_chased_words(reminders.remind_trusts(viewer(), round_id, shown)))
    kept: dict[str, Any] = wanted.said
    return redirect(url_for("confirmations.see_confirmations", round_id=round_id, **kept))


@confirmations.post("/rounds/<int:round_id>/confirmations/rerun")
@login_required
def find_other_places(round_id: int) -> ResponseReturnValue:
    """Queue a run that finds declined learners other places."""
    require(viewer(), Action.START_RUN)
    try:
        run = service.find_other_places(viewer(), round_id)
    except Refused as refused:
        db.session.rollback()
        return _board(round_id, SendForm(formdata=None), problem=refused.message), 409
    return redirect(url_for("scenarios.see_run", run_id=run.id))


def _board(round_id: int, form: SendForm, problem: str = "") -> str:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    run = adopted_run(db.session, viewer(), round_id)
    answered = queries.answered_by_trust(db.session, viewer(), round_id)
    wanted = asked_filter()
    if not form.is_submitted():
        by = round_.confirm_by
        form.answer_by.data = by if by and by >= today() else None
    return render_template(
        "confirmations/see_confirmations.html",
        round=round_,
        run=run,
        unsent=sending.unsent(db.session, viewer(), run) if run else None,
        declines=queries.declines_waiting(db.session, viewer(), round_id, keys_of_run(run)) if run else 0,
        is_published=newest_publication(db.session, viewer(), round_id) is not None,
        answered=answered,
        shown=[row for row in answered if _is_shown(row, wanted.show, wanted.trust)],
        wanted=wanted,
        show_choices=SHOW,
        form=form,
        problem=problem,
    )


def _is_shown(row: Answered, show: str, trust: int | None) -> bool:
    if trust is not None and row.trust_id != trust:
        return False
    number = {"": 1, "waiting": row.waiting, "late": row.late}
    return bool(number.get(show, row.counts.get(show, 0)))


def _sent_words(sent: service.Sent) -> str:
    if not sent.proposed and not sent.withdrawn:
        return "Nothing was new: every place that stands has been sent already."
    words = []
    if sent.proposed:
        words.append(f"{count(sent.proposed, 'place was', 'places were')} sent to their trusts.")
    if sent.unchanged:
        words.append(f"{count(sent.unchanged, 'place stays', 'places stay')} as sent before.")
    if sent.withdrawn:
        words.append(f"{count(sent.withdrawn, 'place is', 'places are')} no longer proposed.")
    if sent.people:
        words.append(f"An e-mail is on its way to {count(sent.people, 'person', 'people')}.")
    if sent.nobody:
        words.append(f"Nobody has an account at {', '.join(sent.nobody)}: ask them yourself.")
    return " ".join(words)


def _chased_words(chased: reminders.Chased) -> str:
    if not chased.places:
        return "There was nobody to remind: none of these places waits for an answer."
    words = []
    if chased.written:
        words.append(f"A reminder is on its way to {count(chased.written, 'person', 'people')}.")
    if chased.told_today:
        words.append(f"{count(chased.told_today, 'person has', 'people have')} been reminded today already.")
    if chased.nobody:
        words.append(f"Nobody has an account at {', '.join(chased.nobody)}: ask them yourself.")
    return " ".join(words) or "There was nobody to remind."
