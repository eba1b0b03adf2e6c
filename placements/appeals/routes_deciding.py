"""The page of one appeal, with what the panel goes by and its decision."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.appeals import queries, service
from placements.appeals.blueprint import appeals
from placements.appeals.facts import facts_of
from placements.appeals.forms import DecisionForm
from placements.appeals.words import GROUNDS, STATES, wanted
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.web import viewer


@appeals.get("/appeals/<int:appeal_id>")
@login_required
def see_appeal(appeal_id: int) -> ResponseReturnValue:
    """One appeal: what is asked and why, the facts, and what was decided."""
    require(viewer(), Action.SEE_APPEALS)
    return _page(appeal_id, DecisionForm())


@appeals.post("/appeals/<int:appeal_id>/decide")
@login_required
def decide_appeal(appeal_id: int) -> ResponseReturnValue:
    """Uphold or decline it, with the reasons."""
    require(viewer(), Action.DECIDE_APPEAL)
    form = DecisionForm()
    form.validate()
    try:
        appeal = service.decide_appeal(viewer(), appeal_id, version=form.version.data or 0, **form.command())
    except Refused as refusal:
        if set(refusal.fields) & {"verdict", "decision"}:
            form.refuse(refusal)
            return _page(appeal_id, form), 400
        return _page(appeal_id, form, refusal.message), 409
    except Stale as stale:
        return _page(appeal_id, form, stale.message), 409
    if appeal.state == "upheld":
        flash("The appeal is upheld. What it asks for holds from the next run on; now run a repair.")
    else:
        flash("The appeal is not upheld. The place stays as it is.")
    return redirect(url_for("appeals.see_appeal", appeal_id=appeal_id))


def _page(appeal_id: int, form: DecisionForm, problem: str = "") -> str:
    appeal = queries.appeal_by_id(db.session, viewer(), appeal_id)
    return render_template(
        "appeals/see_appeal.html",
        appeal=appeal,
        learner=appeal.requirement.learner,
        round=appeal.round,
        facts=facts_of(db.session, viewer(), appeal),
        form=form,
        problem=problem,
        grounds=GROUNDS,
        states=STATES,
        wanted=wanted(appeal),
        lodged_by_learner=appeal.lodged_by_id is None,
    )
