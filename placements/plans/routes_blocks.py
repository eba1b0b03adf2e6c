"""Pages about the blocks of a round and the programmes of an HEI."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.organisations.queries import learner_groups
from placements.plans import blocks, programmes, queries
from placements.plans.blueprint import plans
from placements.plans.forms import BlockForm, ProgrammeForm
from placements.rounds import queries as rounds
from placements.web import viewer
from placements.web.refusals import show_refusal


@plans.route("/blocks/new", methods=["GET", "POST"])
@login_required
def create_block(round_id: int) -> ResponseReturnValue:
    """Add a block to the round."""
    require(viewer(), Action.CREATE_BLOCK)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    form = BlockForm()
    if form.validate_on_submit():
        try:
            block = blocks.create_block(viewer(), round_id, form.command())
        except Refused as refusal:
            show_refusal(form, refusal)
        else:
            flash(f"{block.name} is part of the round. Ask for placements in it in a plan.")
            return redirect(url_for("plans.see_plans", round_id=round_id))
    page = render_template("plans/create_block.html", round=round_, form=form)
    return page, 400 if form.errors else 200


@plans.route("/blocks/<int:block_id>", methods=["GET", "POST"])
@login_required
def change_block(round_id: int, block_id: int) -> ResponseReturnValue:
    """Give a block another name or other weeks, or see why it stays as it is."""
    require(viewer(), Action.CHANGE_BLOCK)
    block = blocks.block_by_id(db.session, viewer(), round_id, block_id)
    form = BlockForm.of(block)
    shown: dict[str, Any] = {}
    status = 200
    if form.validate_on_submit():
        try:
            block = blocks.change_block(
                viewer(), round_id, block_id, form.command(), version=form.version.data or 0
            )
        except Refused as refusal:
            db.session.expire_all()
            show_refusal(form, refusal)
        except Stale as stale:
            db.session.expire_all()
            # The typing stays; saving it again is then meant.
            form.version.data = block.version
            shown, status = {"stale": stale.message}, 409
        else:
            flash(f"{block.name} is saved.")
            return redirect(url_for("plans.see_plans", round_id=round_id))
    page = render_template(
        "plans/change_block.html",
        round=block.round,
        block=block,
        form=form,
        fixed=blocks.why_fixed(db.session, viewer(), block),
        **shown,
    )
    return page, 400 if form.errors else status


@plans.post("/blocks/<int:block_id>/remove")
@login_required
def remove_block(round_id: int, block_id: int) -> ResponseReturnValue:
    """Take a block out of the round."""
    require(viewer(), Action.REMOVE_BLOCK)
    name = blocks.remove_block(viewer(), round_id, block_id, version=request.form.get("version", 0, type=int))
    flash(f"{name} is no longer part of the round.")
    return redirect(url_for("plans.see_plans", round_id=round_id))


@plans.route("/programmes/new", methods=["GET", "POST"])
@login_required
def create_programme(round_id: int) -> ResponseReturnValue:
    """Add a programme to one's own HEI."""
    require(viewer(), Action.CREATE_PROGRAMME)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    form = ProgrammeForm(learner_groups(db.session))
    if form.validate_on_submit():
        try:
            programme = programmes.create_programme(
                viewer(), name=form.name.data or "", learner_group_id=form.learner_group_id.data or 0
            )
        except Refused as refusal:
            show_refusal(form, refusal)
        else:
            flash(f"{programme.name} is one of your programmes. Plan its stages below.")
            return redirect(url_for("plans.see_plans", round_id=round_id))
    page = render_template("plans/create_programme.html", round=round_, form=form)
    return page, 400 if form.errors else 200


@plans.route("/programmes/<int:programme_id>", methods=["GET", "POST"])
@login_required
def rename_programme(round_id: int, programme_id: int) -> ResponseReturnValue:
    """Give a programme of one's own HEI another name."""
    require(viewer(), Action.RENAME_PROGRAMME)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    programme = queries.programme_by_id(db.session, viewer(), programme_id)
    form = ProgrammeForm(version=programme.version, name=programme.name)
    shown: dict[str, Any] = {}
    status = 200
    if form.validate_on_submit():
        try:
            programme = programmes.rename_programme(
                viewer(), programme_id, name=form.name.data or "", version=form.version.data or 0
            )
        except Refused as refusal:
            db.session.expire_all()
            show_refusal(form, refusal)
        except Stale as stale:
            db.session.expire_all()
            form.version.data = programme.version
            shown, status = {"stale": stale.message}, 409
        else:
            flash(f"The programme is called {programme.name}.")
            return redirect(url_for("plans.see_plans", round_id=round_id))
    page = render_template(
        "plans/rename_programme.html", round=round_, programme=programme, form=form, **shown
    )
    return page, 400 if form.errors else status
