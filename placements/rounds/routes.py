"""Pages about rounds."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.organisations.queries import modalities_of_academy
from placements.rounds import queries, service
from placements.rounds.forms import RoundCopyForm, RoundSettingsForm
from placements.web import viewer
from placements.web.panels import panels_for

rounds = Blueprint("rounds", __name__, url_prefix="/rounds")


@rounds.get("/")
@login_required
def see_rounds() -> ResponseReturnValue:
    """The rounds that the person may see."""
    require(viewer(), Action.SEE_ROUNDS)
    return render_template("rounds/see_rounds.html", rounds=queries.rounds(db.session, viewer()))


@rounds.get("/<int:round_id>")
@login_required
def see_round(round_id: int) -> ResponseReturnValue:
    """One round: its dates, its blocks, and how each part of it stands."""
    require(viewer(), Action.SEE_ROUNDS)
    round_ = queries.round_by_id(db.session, viewer(), round_id)
    lines = [(panel, panel.status(viewer(), round_.id)) for panel in panels_for(viewer())]
    return render_template(
        "rounds/see_round.html",
        round=round_,
        lines=lines,
        plan=queries.plan(db.session, round_.id),
        of_academy=modalities_of_academy(db.session, round_.network_id),
    )


@rounds.route("/<int:round_id>/copy", methods=["GET", "POST"])
@login_required
def copy_round(round_id: int) -> ResponseReturnValue:
    """Make a new round after this one."""
    require(viewer(), Action.COPY_ROUND)
    source = queries.round_by_id(db.session, viewer(), round_id)
    form = RoundCopyForm()
    if form.validate_on_submit():
        try:
            made = service.copy_round(viewer(), round_id, form.command())
        except Refused as refusal:
            for name, words in refusal.fields.items():
                field = form[name if name in form else "first_week"]
                field.errors = [*field.errors, words[0].upper() + words[1:]]
        else:
            flash(f"{made.name} was made as a draft. Open it when trusts and HEIs may begin.")
            return redirect(url_for("rounds.see_round", round_id=made.id))
    page = render_template("rounds/copy_round.html", round=source, form=form)
    return page, 400 if form.errors else 200


@rounds.post("/<int:round_id>/open")
@login_required
def open_round(round_id: int) -> ResponseReturnValue:
    """Let trusts declare and HEIs submit."""
    round_ = service.open_round(viewer(), round_id)
    flash(f"{round_.name} is open: trusts can declare and HEIs can submit.")
    return redirect(url_for("rounds.see_round", round_id=round_id))


@rounds.route("/<int:round_id>/settings", methods=["GET", "POST"])
@login_required
def change_round(round_id: int) -> ResponseReturnValue:
    """Deadlines, reminders, approval and surge of a round."""
    require(viewer(), Action.CHANGE_ROUND)
    round_ = queries.round_by_id(db.session, viewer(), round_id)
    form = RoundSettingsForm.of(round_)
    version, status, is_stale = round_.version, 200, False
    if request.method == "POST":
        version = request.form.get("version", 0, type=int)
        status = 400
        if form.validate():
            try:
                service.change_round(viewer(), round_id, form.command(), version=version)
            except Refused as refusal:
                for name, words in refusal.fields.items():
                    form[name].errors = [*form[name].errors, words[0].upper() + words[1:]]
            except Stale:
                round_ = queries.round_by_id(db.session, viewer(), round_id)
                # The typing stays; saving it again is then meant.
                version, status, is_stale = round_.version, 409, True
            else:
                flash("The round's settings are saved.")
                return redirect(url_for("rounds.see_round", round_id=round_id))
    page = render_template(
        "rounds/change_round.html", round=round_, form=form, version=version, is_stale=is_stale
    )
    return page, status
