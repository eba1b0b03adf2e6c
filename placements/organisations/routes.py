"""Pages about reference data: figures that hold from a day on, with their history."""

from dataclasses import dataclass

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.clock import today
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.organisations import queries, service
from placements.organisations.blueprint import organisations
from placements.organisations.forms import RateForm
from placements.web import viewer
from placements.web.formats import day
from placements.web.refusals import show_refusal


@dataclass(frozen=True)
class Kind:
    """A kind of figure in words: what it is, and what it does to effective places."""

    title: str
    label: str
    effect: str


KINDS = {
    "weight": Kind(
        "Supervision weights",
        "WTE that one learner takes",
        "WTE of an educator that one learner takes. At 0.5 one WTE supervises two learners; a larger weight"
        " gives fewer effective places. A stage's own weight goes before that of its group.",
    ),
    "factor": Kind(
        "Supervision models",
        "Factor",
        "Multiplies the weights in departments that supervise in this way. At 0.5 the same educators take"
        " twice as many learners; a larger factor gives fewer effective places.",
    ),
    "place": Kind(
        "Lists and sessions for a place",
        "Lists or sessions a week for one place",
        "Scanning lists or sessions a week that make one place. At 4, a department with 8 lists has two"
        " places; a larger figure gives fewer effective places.",
    ),
    "fair_share": Kind(
        "Fair share rates",
        "Placement days a year for each WTE",
        "Placement days a year that each WTE of a profession should offer. It changes what is expected of a"
        " department, not its effective places.",
    ),
}


@organisations.get("/reference")
@login_required
def see_reference() -> ResponseReturnValue:
    """Every figure with its history."""
    require(viewer(), Action.SEE_REFERENCE)
    lines = {kind: queries.rate_lines(db.session, kind) for kind in KINDS}
    return render_template("organisations/see_reference.html", kinds=KINDS, lines=lines, today=today())


@organisations.route("/reference/new", methods=["GET", "POST"])
@login_required
def save_reference() -> ResponseReturnValue:
    """Add a figure from a day on."""
    require(viewer(), Action.SAVE_REFERENCE)
    name = request.args.get("kind", "weight")
    kind = KINDS.get(name) or abort(404)
    lines = queries.rate_lines(db.session, name)
    form = RateForm(name, kind.label, lines, key=request.args.get("of", ""))
    if form.validate_on_submit():
        try:
            service.save_reference(viewer(), form.command())
        except Refused as refused:
            show_refusal(form, refused)
        except Stale as stale:
            form.valid_from.errors = [stale.message.rstrip(".")]
            lines = queries.rate_lines(db.session, name)
        else:
            of = next(line.name for line in lines if line.key == form.key.data)
            flash(f"{of}: {form.value.data} from {day(form.valid_from.data)}.")
            return redirect(url_for("organisations.see_reference", _anchor=name))
    page = render_template(
        "organisations/save_reference.html", form=form, name=name, kind=kind, lines=lines, today=today()
    )
    return page, 400 if form.errors else 200
