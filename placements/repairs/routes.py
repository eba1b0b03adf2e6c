"""Pages about what has happened since publication: the worklist, and setting items of it aside."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.clock import today
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.repairs import (
    happened,  # noqa: F401 - makes its sources known
    queries,
    service,
)
from placements.repairs.blueprint import repairs
from placements.repairs.forms import RepairForm, SetAsideForm
from placements.rounds import queries as rounds
from placements.web import viewer
from placements.web.formats import count
from placements.web.panels import Panel, Status, register
from placements.web.refusals import show_refusal


@repairs.get("/rounds/<int:round_id>/worklist")
@login_required
def see_worklist(round_id: int) -> ResponseReturnValue:
    """All that has happened since the newest publication, and the button that repairs it."""
    require(viewer(), Action.SEE_WORKLIST)
    return _page(round_id)


@repairs.post("/rounds/<int:round_id>/repair")
@login_required
def start_repair(round_id: int) -> ResponseReturnValue:
    """Queue a repair for all that is not set aside."""
    require(viewer(), Action.START_RUN)
    form = RepairForm()
    try:
        run = service.start_repair(viewer(), round_id, may_move=form.references)
    except Refused as refusal:
        if "may_move" in refusal.fields:
            show_refusal(form, refusal)
            return _page(round_id, form=form), 400
        return _page(round_id, refusal.message, form), 409
    return redirect(url_for("scenarios.see_run", run_id=run.id))


@repairs.route("/rounds/<int:round_id>/worklist/set-aside", methods=["GET", "POST"])
@login_required
def set_aside(round_id: int) -> ResponseReturnValue:
    """Say why nothing is to be done about one item."""
    require(viewer(), Action.SET_ASIDE)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    form = SetAsideForm(item=request.args.get("item", ""))
    if not form.item.data:
        return redirect(url_for("repairs.see_worklist", round_id=round_id))
    found = queries.worklist_of(db.session, viewer(), round_id)
    item = next((row.item for row in found.waiting if row.item.key == form.item.data), None)
    if item is None:
        return _page(round_id, "That is not waiting on the worklist any more."), 409
    if form.validate_on_submit():
        try:
            service.set_aside(viewer(), round_id, item=item.key, reason=form.reason.data or "")
        except Stale as refusal:
            return _page(round_id, refusal.message), 409
        except Refused as refusal:
            show_refusal(form, refusal)
        else:
            flash(f"Set aside: {item.who}. You can bring it back at the foot of the worklist.")
            return redirect(url_for("repairs.see_worklist", round_id=round_id))
    status = 400 if form.errors else 200
    return render_template("repairs/set_aside.html", round=round_, item=item, form=form), status


@repairs.post("/rounds/<int:round_id>/worklist/bring-back")
@login_required
def bring_back(round_id: int) -> ResponseReturnValue:
    """Put an item back on the list."""
    service.bring_back(viewer(), round_id, item=request.form.get("item", ""))
    flash("It is back on the worklist.")
    return redirect(url_for("repairs.see_worklist", round_id=round_id))


def _page(round_id: int, refusal: str = "", form: RepairForm | None = None) -> str:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    work = queries.worklist_of(db.session, viewer(), round_id)
    return render_template(
        "repairs/see_worklist.html",
        round=round_,
        work=work,
        form=form or RepairForm(formdata=None),
        is_over=round_.has_ended(today()),
        begun=len(queries.begun(db.session, viewer(), work.publication)) if work.publication else 0,
        refusal=refusal,
    )


def _status(viewer: Viewer, round_id: int) -> Status:
    work = queries.worklist_of(db.session, viewer, round_id)
    if work.publication is None:
        return Status("Begins with the first publication")
    if work.publication.round.has_ended(today()):
        return Status("Over", is_done=True)
    if work.open_items:
        return Status(f"{count(len(work.open_items), 'thing waits', 'things wait')}", needs_attention=True)
    if work.waiting:
        return Status("Taken in by a newer run")
    return Status(f"Nothing since version {work.publication.number}", is_done=True)


register(
    Panel(
        title="Worklist",
        hint="What has happened since publication, and the repair that moves the fewest learners",
        action=Action.SEE_WORKLIST,
        order=45,
        address=lambda round_id: url_for("repairs.see_worklist", round_id=round_id),
        status=_status,
    )
)
