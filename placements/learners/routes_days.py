"""Pages on a learner's days away, and on what is held of them: contact, everything given out, erasure."""

import json
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.cohorts.models import Learner
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.learners import contacts, erasing, interruptions, queries
from placements.learners.blueprint import learners
from placements.learners.form_page import form_page
from placements.learners.forms_changes import ContactForm, ErasureForm, InterruptionForm, ReturnForm
from placements.web import viewer
from placements.web.formats import day
from placements.web.refusals import show_refusal


@learners.route("/learners/<int:learner_id>/interruptions/new", methods=["GET", "POST"])
@login_required
def record_interruption(learner_id: int) -> ResponseReturnValue:
    """Record a withdrawal or a suspension: first what it does, then for good."""
    require(viewer(), Action.RECORD_INTERRUPTION)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    form = InterruptionForm(version=learner.version, kind=request.args.get("kind", "withdrawn"))
    effect: interruptions.Effect | None = None
    status = 200
    if form.validate_on_submit():
        new = form.command()
        try:
            if "record" in request.form:
                interruptions.record_interruption(
                    viewer(), learner_id, version=form.version.data or 0, new=new
                )
                until = f" to {day(new.last_day)}" if new.last_day else ""
                flash(f"{learner.reference} is {new.kind} from {day(new.first_day)}{until}.")
                return redirect(url_for("learners.see_learner", learner_id=learner_id))
            effect = interruptions.effect_of_new(db.session, learner, new)
        except Stale:
            learner = queries.learner_by_id(db.session, viewer(), learner_id)
            form.version.data = learner.version
            status = 409
        except Refused as refused:
            learner = queries.learner_by_id(db.session, viewer(), learner_id)
            show_refusal(form, refused)
    return form_page(
        "learners/record_interruption.html",
        form,
        learner,
        status,
        effect=effect,
    )


@learners.route("/learners/<int:learner_id>/interruptions/<int:interruption_id>", methods=["GET", "POST"])
@login_required
def end_interruption(learner_id: int, interruption_id: int) -> ResponseReturnValue:
    """Say when a learner is back, or take a wrong withdrawal or suspension back."""
    require(viewer(), Action.RECORD_INTERRUPTION)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    interruption = queries.interruption_by_id(learner, interruption_id)
    undoes = "undo" in request.form
    form = ReturnForm(version=learner.version)
    effect: interruptions.Effect | None = None
    status = 200
    if (undoes and form.is_submitted()) or form.validate_on_submit():
        last_day = None if undoes else form.last_day
        try:
            if undoes or "record" in request.form:
                interruptions.end_interruption(
                    viewer(), learner_id, interruption_id, version=form.version.data or 0, last_day=last_day
                )
                flash(
                    "It is undone."
                    if last_day is None
                    else f"{learner.reference} is back on {day(form.back_on.data)}."
                )
                return redirect(url_for("learners.see_learner", learner_id=learner_id))
            effect = interruptions.effect_of_end(db.session, learner, interruption, last_day)
        except Stale:
            learner, interruption = _again(learner_id, interruption_id)
            form.version.data = learner.version
            status = 409
        except Refused as refused:
            learner, interruption = _again(learner_id, interruption_id)
            show_refusal(form, refused)
    return form_page(
        "learners/end_interruption.html",
        form,
        learner,
        status,
        interruption=interruption,
        undone=interruptions.effect_of_end(db.session, learner, interruption, None),
        may_be_undone=interruptions.may_be_undone(db.session, interruption),
        effect=effect,
    )


def _again(learner_id: int, interruption_id: int) -> tuple[Learner, Any]:
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    return learner, queries.interruption_by_id(learner, interruption_id)


@learners.post("/learners/<int:learner_id>/contact")
@login_required
def open_contact(learner_id: int) -> ResponseReturnValue:
    """Show a learner's name and e-mail address; that it was done is kept."""
    require(viewer(), Action.OPEN_CONTACT)
    contact = contacts.open_contact(viewer(), learner_id)
    form = ContactForm(formdata=None, name=contact.name, email=contact.email, version=contact.version)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    return form_page("learners/open_contact.html", form, learner)


@learners.post("/learners/<int:learner_id>/contact/save")
@login_required
def save_contact(learner_id: int) -> ResponseReturnValue:
    """Keep, change or take out a learner's name and e-mail address."""
    require(viewer(), Action.SAVE_CONTACT)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    form = ContactForm()
    status = 200
    if form.validate_on_submit():
        try:
            contacts.save_contact(
                viewer(),
                learner_id,
                version=form.version.data or 0,
                name=form.name.data or "",
                email=form.email.data or "",
            )
        except Stale:
            form.version.data = contacts.open_contact(viewer(), learner_id).version
            status = 409
        except Refused as refused:
            show_refusal(form, refused)
        else:
            flash("The name and e-mail address are saved.")
            return redirect(url_for("learners.see_learner", learner_id=learner.id))
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    return form_page("learners/open_contact.html", form, learner, status)


@learners.post("/learners/<int:learner_id>/everything.json")
@login_required
def export_learner(learner_id: int) -> ResponseReturnValue:
    """Everything that is held of a learner, to be given to them."""
    require(viewer(), Action.EXPORT_LEARNER)
    found = erasing.export_learner(viewer(), learner_id)
    return Response(
        json.dumps(found, indent=2, ensure_ascii=False, default=str),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="learner-{learner_id}.json"'},
    )


@learners.route("/learners/<int:learner_id>/erase", methods=["GET", "POST"])
@login_required
def erase_learner(learner_id: int) -> ResponseReturnValue:
    """Erase what is held of a learner, in all rounds."""
    require(viewer(), Action.ERASE_LEARNER)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    form = ErasureForm()
    problem = ""
    if form.validate_on_submit():
        try:
            erasing.erase_learner(viewer(), learner_id, typed=form.typed.data or "")
        except Refused as refused:
            learner = queries.learner_by_id(db.session, viewer(), learner_id)
            if refused.fields:
                show_refusal(form, refused)
            problem = "" if refused.fields else refused.message
        else:
            flash("What was held of the learner is erased. What only counts stays.")
            return redirect(url_for("learners.see_learner", learner_id=learner_id))
    status = 400 if problem else 200
    return form_page("learners/erase_learner.html", form, learner, status, problem=problem)
