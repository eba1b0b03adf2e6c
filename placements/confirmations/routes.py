"""Pages of proposed places: the list with answers in bulk, one place, and the file."""

from datetime import date
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.confirmations import queries, service
from placements.confirmations.blueprint import confirmations
from placements.confirmations.forms import AnswerForm, ReplyForm
from placements.confirmations.lists import proposals_csv
from placements.confirmations.queries import Filter
from placements.confirmations.wording import DONE, STATES, reason_words
from placements.database import page_of
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.web import viewer
from placements.web.downloads import csv_file
from placements.web.formats import count, day
from placements.web.panels import Panel, Status, register

ROWS_A_PAGE = 50
MOST_PAGES = 100_000
# The words of each choice in the filter "Show".
SHOW = {
    "": "All",
    "waiting": "Waiting for an answer",
    "late": "Late: the day to answer has passed",
    "asked": "Question asked",
    "confirmed": "Confirmed",
    "declined": "Declined",
    "withdrawn": "No longer proposed",
}
STALE = (
    "Somebody else answered some of these meanwhile, so nothing of yours was saved. They are shown as they"
    " stand now: look again, then send your answer."
)


@confirmations.get("/rounds/<int:round_id>/proposals")
@login_required
def see_proposals(round_id: int) -> ResponseReturnValue:
    """The places proposed to the person's trust (an academy lead: to all), with filters in the address."""
    require(viewer(), Action.SEE_PROPOSALS)
    page = min(max(1, request.args.get("page", 1, type=int)), MOST_PAGES)
    return _list_page(round_id, AnswerForm(formdata=None), page=page)


@confirmations.post("/rounds/<int:round_id>/proposals")
@login_required
def answer_proposals(round_id: int) -> ResponseReturnValue:
    """Confirm, decline or ask about the ticked places, or about all that the filters show."""
    require(viewer(), Action.ANSWER_PROPOSAL)
    form, wanted = AnswerForm(), asked_filter()
    ticked = request.form.getlist("proposal", type=int)
    page = min(max(1, request.form.get("page", 1, type=int)), MOST_PAGES)
    try:
        if request.form.get("all"):
            done = service.answer_all_shown(
                viewer(), round_id, form.command(), wanted, stamp=request.form.get("stamp", "")
            )
        else:
            versions = {row: request.form.get(f"version-{row}", 0, type=int) for row in ticked}
            done = service.answer_proposals(viewer(), round_id, form.command(), versions)
    except Refused as refused:
        db.session.rollback()
        return _list_page(round_id, form, page=page, ticked=ticked, problem=_show(form, refused)), 400
    except Stale:
        db.session.rollback()
        return _list_page(round_id, form, page=page, ticked=ticked, problem=STALE), 409
    flash(_done_words(form.command(), done))
    kept: dict[str, Any] = wanted.said
    return redirect(url_for("confirmations.see_proposals", round_id=round_id, **kept))


@confirmations.get("/rounds/<int:round_id>/proposals.csv")
@login_required
def download_proposals(round_id: int) -> ResponseReturnValue:
    """The proposals, filtered as the page is, as a CSV."""
    require(viewer(), Action.SEE_PROPOSALS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    found = db.session.scalars(queries.proposals_of_round(viewer(), round_id, asked_filter())).unique().all()
    rows = queries.with_facts(db.session, viewer(), round_, found)
    return csv_file(proposals_csv(rows), f"proposed-places-round-{round_id}.csv")


@confirmations.get("/proposals/<int:proposal_id>")
@login_required
def see_proposal(proposal_id: int) -> ResponseReturnValue:
    """One proposed place: what is said of it, how it was answered, and the answer to give."""
    require(viewer(), Action.SEE_PROPOSALS)
    return _one_page(proposal_id, AnswerForm(formdata=None), ReplyForm(formdata=None))


@confirmations.post("/proposals/<int:proposal_id>/answer")
@login_required
def answer_proposal(proposal_id: int) -> ResponseReturnValue:
    """Confirm, decline or ask about one place."""
    require(viewer(), Action.ANSWER_PROPOSAL)
    proposal = queries.proposal_by_id(db.session, viewer(), proposal_id)
    form, version = AnswerForm(), request.form.get("version", 0, type=int)
    try:
        done = service.answer_proposals(viewer(), proposal.round_id, form.command(), {proposal_id: version})
    except Refused as refused:
        db.session.rollback()
        problem = _show(form, refused)
        return _one_page(proposal_id, form, ReplyForm(formdata=None), problem=problem), 400
    except Stale:
        db.session.rollback()
        return _one_page(proposal_id, form, ReplyForm(formdata=None), problem=STALE), 409
    flash(_done_words(form.command(), done))
    return redirect(url_for("confirmations.see_proposal", proposal_id=proposal_id))


@confirmations.post("/proposals/<int:proposal_id>/reply")
@login_required
def reply_to_trust(proposal_id: int) -> ResponseReturnValue:
    """Reply to what a trust asked."""
    require(viewer(), Action.REPLY_TO_TRUST)
    form, version = ReplyForm(), request.form.get("version", 0, type=int)
    try:
        service.reply_to_trust(viewer(), proposal_id, reply=form.reply.data or "", version=version)
    except Refused as refused:
        db.session.rollback()
        problem = _show(form, refused)
        return _one_page(proposal_id, AnswerForm(formdata=None), form, problem=problem), 400
    except Stale:
        db.session.rollback()
        return _one_page(proposal_id, AnswerForm(formdata=None), form, problem=STALE), 409
    flash("Your reply is sent. The place waits for the trust's answer again.")
    return redirect(url_for("confirmations.see_proposal", proposal_id=proposal_id))


def asked_filter() -> Filter:
    """What the address says is wanted; what there is not counts as unsaid."""
    show, week = request.args.get("show", ""), request.args.get("week", "")
    try:
        first_week = date.fromisoformat(week) if week else None
    except ValueError:
        first_week = None
    return Filter(
        show=show if show in SHOW else "",
        trust=request.args.get("trust", type=int),
        site=request.args.get("site", type=int),
        week=first_week,
        reference=request.args.get("reference", "").strip(),
    )


def _list_page(
    round_id: int, form: AnswerForm, *, page: int, ticked: list[int] | None = None, problem: str = ""
) -> Any:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    wanted = asked_filter()
    found = queries.proposals_of_round(viewer(), round_id, wanted)
    proposals, total = page_of(db.session, found, page=page, size=ROWS_A_PAGE)
    pages = -(-total // ROWS_A_PAGE)

    def address(number: int) -> str:
        said: dict[str, Any] = wanted.said | {"page": number}
        return url_for("confirmations.see_proposals", round_id=round_id, **said)

    if page > 1 and page > pages:
        return redirect(address(max(1, pages)))
    return render_template(
        "confirmations/see_proposals.html",
        round=round_,
        rows=queries.with_facts(db.session, viewer(), round_, proposals),
        answered=queries.answered_by_trust(db.session, viewer(), round_id),
        choices=queries.choices_of_round(db.session, viewer(), round_id),
        answer_by=queries.first_day_to_answer(db.session, viewer(), round_id),
        stamp=queries.stamp_of(db.session, found),
        wanted=wanted,
        show_choices=SHOW,
        states=STATES,
        reason_words=reason_words,
        form=form,
        ticked=ticked or [],
        all_ticked=bool(request.form.get("all")),
        problem=problem,
        total=total,
        page=page,
        pages=pages,
        address=address,
        for_trust=viewer().trust_id is not None,
    )


def _one_page(proposal_id: int, form: AnswerForm, reply: ReplyForm, *, problem: str = "") -> str:
    proposal = queries.proposal_by_id(db.session, viewer(), proposal_id)
    row = queries.with_facts(db.session, viewer(), proposal.round, [proposal])[0]
    return render_template(
        "confirmations/see_proposal.html",
        round=proposal.round,
        row=row,
        proposal=proposal,
        states=STATES,
        reason_words=reason_words,
        form=form,
        reply=reply,
        problem=problem,
        answered_by=queries.answered_by(db.session, proposal),
        for_trust=viewer().trust_id is not None,
    )


def _show(form: AnswerForm | ReplyForm, refused: Refused) -> str:
    """Put what was refused beside its fields; what belongs to none is the problem of the page."""
    for name, words in refused.fields.items():
        if name in form:
            form[name].errors = [*form[name].errors, words]
    if not refused.fields:
        return refused.message
    return "; ".join(words for name, words in refused.fields.items() if name not in form)


def _done_words(answer: service.Answer, done: service.Answered) -> str:
    if not done.changed:
        return f"Nothing changed: {count(done.unchanged, 'place was', 'places were')} answered so already."
    words = f"{count(done.changed, 'place')} {DONE[answer.verb]}."
    if answer.verb == "decline":
        words += " The academy looks for other places; the learners are not sent to you again."
    if answer.verb == "ask":
        words += " The academy replies, and you are told by e-mail."
    if done.late:
        words += f" {count(done.late, 'answer is', 'answers are')} marked late."
    return words


def _status(viewer: Viewer, round_id: int) -> Status:
    """How many places wait for an answer, the person's own or all trusts'."""
    rows = queries.answered_by_trust(db.session, viewer, round_id)
    total, waiting = sum(row.total for row in rows), sum(row.waiting for row in rows)
    if not total:
        return Status("No places proposed yet")
    if viewer.trust_id is None:
        asked = sum(row.counts.get("asked", 0) for row in rows)
        if asked:
            return Status(f"{count(asked, 'question')} from trusts to answer", needs_attention=True)
        done = total - waiting
        return Status(f"{done:,} of {count(total, 'place')} answered", is_done=not waiting)
    if waiting:
        by = queries.first_day_to_answer(db.session, viewer, round_id)
        until = f", by {day(by)}" if by else ""
        return Status(f"{count(waiting, 'place waits', 'places wait')} for your answer{until}", True)
    return Status(f"All {count(total, 'place')} answered", is_done=True)


def _address(round_id: int) -> str:
    """An academy lead's board, or the trust's own list."""
    endpoint = "see_confirmations" if viewer().may(Action.SEND_PROPOSALS) else "see_proposals"
    return url_for(f"confirmations.{endpoint}", round_id=round_id)


register(
    Panel(
        title="Confirmation",
        hint="Places proposed to trusts, and their answers",
        action=Action.SEE_PROPOSALS,
        order=35,
        address=_address,
        status=_status,
    )
)
