"""Pages about what HEIs and trusts agreed: the list, one with its history, proposing, answering, ending."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.agreements import queries, service
from placements.agreements.forms import AnswerForm, EndForm, ProposalForm
from placements.agreements.lists import agreements_csv
from placements.agreements.models import STATES, Agreement
from placements.agreements.queries import SHOWN, Filter
from placements.agreements.used import uses
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.web import viewer
from placements.web.downloads import csv_file
from placements.web.refusals import show_refusal

agreements = Blueprint("agreements", __name__)

SHOWN_WORDS = {
    "current": "Agreed or waiting",
    **{state: "Waiting for an answer" if state == "proposed" else state.capitalize() for state in STATES},
    "all": "All",
}


@agreements.get("/agreements")
@login_required
def see_agreements() -> ResponseReturnValue:
    """The agreements that the person may see, with what is used of each, and filters in the address."""
    require(viewer(), Action.SEE_AGREEMENTS)
    wanted = _filter()
    rows = queries.agreements(db.session, viewer(), wanted)
    return render_template(
        "agreements/see_agreements.html",
        agreements=rows,
        used=uses(db.session, rows),
        waiting=queries.waiting(db.session, viewer()),
        wanted=wanted,
        is_filtered=wanted != Filter(),
        address=_address(wanted),
        shown=SHOWN_WORDS,
        years=queries.years(db.session, viewer()),
        heis=queries.heis_of_network(db.session, viewer()),
        trusts=queries.trusts_of_network(db.session, viewer()),
        side=queries.side_of(viewer()),
    )


@agreements.get("/agreements.csv")
@login_required
def download_agreements() -> ResponseReturnValue:
    """The same list as a file."""
    require(viewer(), Action.SEE_AGREEMENTS)
    rows = queries.agreements(db.session, viewer(), _filter())
    return csv_file(agreements_csv(rows, uses(db.session, rows)), "agreements.csv")


@agreements.get("/agreements/<int:agreement_id>")
@login_required
def see_agreement(agreement_id: int) -> ResponseReturnValue:
    """One agreement: who agreed and when, what is used, what came before, and the answer it waits for."""
    require(viewer(), Action.SEE_AGREEMENTS)
    agreement = queries.agreement_by_id(db.session, viewer(), agreement_id)
    return _agreement_page(agreement, AnswerForm(), agreement.version)


@agreements.post("/agreements/<int:agreement_id>/decide")
@login_required
def decide_agreement(agreement_id: int) -> ResponseReturnValue:
    """Agree to a proposal or decline it."""
    require(viewer(), Action.DECIDE_AGREEMENT)
    agreement = queries.agreement_by_id(db.session, viewer(), agreement_id)
    form, version, status = AnswerForm(), request.form.get("version", 0, type=int), 400
    is_stale = False
    if form.validate():
        answer, note = form.given
        try:
            done = service.decide_agreement(viewer(), agreement_id, version=version, answer=answer, note=note)
        except Refused as refused:
            show_refusal(form, refused, otherwise="answer")
        except Stale:
            version, status, is_stale = agreement.version, 409, True
        else:
            flash(_told(done, answer))
            return redirect(url_for("agreements.see_agreement", agreement_id=agreement_id))
    agreement = queries.agreement_by_id(db.session, viewer(), agreement_id)
    if is_stale:
        version = agreement.version
    return _agreement_page(agreement, form, version, is_stale=is_stale), status


@agreements.route("/agreements/new", methods=["GET", "POST"])
@login_required
def propose_agreement() -> ResponseReturnValue:
    """Propose figures; `of` in the address is the agreement whose figures are to change."""
    require(viewer(), Action.PROPOSE_AGREEMENT)
    of = request.args.get("of", type=int)
    before = queries.agreement_by_id(db.session, viewer(), of) if of else None
    form = ProposalForm(
        queries.heis_of_network(db.session, viewer()),
        queries.trusts_of_network(db.session, viewer()),
        queries.choices_of_learners(db.session),
        service.years_to_choose(),
        **_stands(before),
    )
    if form.validate_on_submit():
        try:
            made = service.propose_agreement(viewer(), form.command())
        except Refused as refused:
            show_refusal(form, refused, otherwise="learners")
        else:
            flash("Proposed. Whoever has to answer is told by e-mail.")
            return redirect(url_for("agreements.see_agreement", agreement_id=made.id))
    page = render_template(
        "agreements/propose_agreement.html", form=form, before=before, side=queries.side_of(viewer())
    )
    return page, 400 if form.errors else 200


@agreements.route("/agreements/<int:agreement_id>/end", methods=["GET", "POST"])
@login_required
def end_agreement(agreement_id: int) -> ResponseReturnValue:
    """Say what ending would do, and end it at once."""
    require(viewer(), Action.END_AGREEMENT)
    agreement = queries.agreement_by_id(db.session, viewer(), agreement_id)
    form, version, status, is_stale = EndForm(), agreement.version, 200, False
    if request.method == "POST":
        version, status = request.form.get("version", 0, type=int), 400
        if form.validate():
            try:
                service.end_agreement(viewer(), agreement_id, version=version, note=form.note.data or "")
            except Refused as refused:
                show_refusal(form, refused, otherwise="note")
            except Stale:
                agreement = queries.agreement_by_id(db.session, viewer(), agreement_id)
                version, status, is_stale = agreement.version, 409, True
            else:
                flash("It has ended. The others are told by e-mail.")
                return redirect(url_for("agreements.see_agreement", agreement_id=agreement_id))
    page = render_template(
        "agreements/end_agreement.html",
        agreement=agreement,
        form=form,
        version=version,
        is_stale=is_stale,
        may_end=queries.may_end(viewer(), agreement),
        use=uses(db.session, [agreement])[agreement.id],
    )
    return page, status


def _agreement_page(agreement: Agreement, form: AnswerForm, version: int, *, is_stale: bool = False) -> str:
    return render_template(
        "agreements/see_agreement.html",
        agreement=agreement,
        form=form,
        version=version,
        is_stale=is_stale,
        use=uses(db.session, [agreement])[agreement.id],
        history=queries.history(db.session, viewer(), agreement),
        beside=queries.in_force_beside(db.session, viewer(), agreement),
        may_decide=queries.may_decide(viewer(), agreement),
        may_end=queries.may_end(viewer(), agreement),
        side=queries.side_of(viewer()),
        side_words=service.SIDE_WORDS,
        can_change=agreement.state == "agreed" and agreement.year in service.years_to_choose(),
    )


def _told(agreement: Agreement, answer: str) -> str:
    if answer == "decline":
        return "Declined. The other side is told by e-mail, with your note."
    if agreement.state == "agreed":
        return "Agreed by both. The match keeps to it from its next run on."
    return "You have agreed. It holds once the other side agrees too."


def _filter() -> Filter:
    shown = request.args.get("show", "")
    return Filter(
        show=shown if shown in SHOWN else Filter().show,
        year=_number("year"),
        hei_id=_number("hei"),
        trust_id=_number("trust"),
    )


def _number(name: str) -> int | None:
    """A number of the address; one that no row can have is as good as none."""
    number = request.args.get(name, type=int)
    return number if number is not None and 0 < number < 2**31 else None


def _address(wanted: Filter) -> dict[str, object]:
    """What the address says of a filter."""
    said = {"show": wanted.show, "year": wanted.year, "hei": wanted.hei_id, "trust": wanted.trust_id}
    return {name: value for name, value in said.items() if value is not None}


def _stands(before: Agreement | None) -> dict[str, str]:
    """A form's values as an agreement has them."""
    if before is None:
        return {}
    group, stage = before.learner_group, before.stage
    return {
        "hei": str(before.hei_id),
        "trust": str(before.trust_id),
        "learners": f"{group.key}/{stage.key}" if group and stage else group.key if group else "",
        "year": str(before.year),
        "least": str(before.least or ""),
        "most": "" if before.most is None else str(before.most),
    }
