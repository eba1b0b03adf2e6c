"""Pages that change a learner: constraints, preferences, exceptions from the plan, companions; and a new
one."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.cohorts.models import Cohort, Learner
from placements.cohorts.queries import cohort_by_id, trusts_of_network
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.learners import companions as groups
from placements.learners import queries, requirements, service
from placements.learners.blueprint import learners
from placements.learners.details import details_of
from placements.learners.form_page import form_page
from placements.learners.forms import LearnerForm, PreferencesForm
from placements.learners.forms_changes import CompanionsForm, RequirementForm
from placements.organisations.models import Modality, Site
from placements.organisations.queries import access_needs, sites_of_network
from placements.rounds.models import Round
from placements.web import viewer
from placements.web.formats import count
from placements.web.refusals import show_refusal

SUGGESTED = 300


@learners.route("/cohorts/<int:cohort_id>/learners/new", methods=["GET", "POST"])
@login_required
def create_learner(cohort_id: int) -> ResponseReturnValue:
    """Add a learner by hand, before or after the cohort was submitted and the round published."""
    require(viewer(), Action.SAVE_LEARNER)
    cohort = cohort_by_id(db.session, viewer(), cohort_id)
    form = _learner_form(cohort.round)
    if form.validate_on_submit():
        try:
            learner = service.create_learner(
                viewer(), cohort_id, reference=form.reference.data or "", details=form.command()
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            needed = len(learner.requirements)
            flash(f"{learner.reference} is added and needs {count(needed, 'place')}. {_afterwards(learner)}")
            return redirect(url_for("learners.see_learner", learner_id=learner.id))
    page = render_template(
        "learners/create_learner.html",
        form=form,
        cohort=cohort,
        round=cohort.round,
        lines=service.lines_to_come(db.session, cohort),
    )
    return page, 400 if form.errors else 200


@learners.route("/learners/<int:learner_id>/change", methods=["GET", "POST"])
@login_required
def save_learner(learner_id: int) -> ResponseReturnValue:
    """Change where a learner lives, travels and may be placed."""
    require(viewer(), Action.SAVE_LEARNER)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    form = _learner_form(learner.cohort.round, saved=details_of(learner), version=learner.version)
    differences: list[tuple[str, str, str]] = []
    status = 200
    if form.validate_on_submit():
        try:
            service.save_learner(viewer(), learner_id, version=form.version.data or 0, details=form.command())
        except Stale:
            learner = queries.learner_by_id(db.session, viewer(), learner_id)
            differences = form.differences(details_of(learner))
            # What is typed stands, and may now be saved over what was seen of the other's.
            form.version.data = learner.version
            status = 409
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _saved(learner_id, "Saved.")
    return form_page(
        "learners/save_learner.html",
        form,
        learner,
        status,
        differences=differences,
    )


@learners.route("/learners/<int:learner_id>/preferences", methods=["GET", "POST"])
@login_required
def save_preferences(learner_id: int) -> ResponseReturnValue:
    """Rank the sites that a learner would like; a press moves one up or down before saving."""
    require(viewer(), Action.SAVE_PREFERENCES)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    form = PreferencesForm(sites=[str(row.site_id) for row in learner.preferences], version=learner.version)
    theirs: list[str] = []
    status = 200
    if form.validate_on_submit():
        up, down = request.form.get("up"), request.form.get("down")
        if up is not None or down is not None:
            form.move(up, down)
        else:
            try:
                service.save_preferences(
                    viewer(), learner_id, version=form.version.data or 0, site_ids=form.command()
                )
            except Stale:
                learner = queries.learner_by_id(db.session, viewer(), learner_id)
                theirs = [row.site.name for row in learner.preferences]
                form.version.data = learner.version
                status = 409
            except Refused as refused:
                show_refusal(form, refused)
            else:
                return _saved(learner_id, "The preferred sites are saved.")
    avoided = {row.site_id for row in learner.exclusions}
    return form_page(
        "learners/save_preferences.html",
        form,
        learner,
        status,
        sites=[row for row in _sites(learner.cohort.round) if row.id not in avoided],
        theirs=theirs,
    )


@learners.route("/learners/<int:learner_id>/requirements/<int:requirement_id>", methods=["GET", "POST"])
@login_required
def save_requirement(learner_id: int, requirement_id: int) -> ResponseReturnValue:
    """Make an exception from what the plan asks of a learner, or take it back."""
    require(viewer(), Action.SAVE_LEARNER)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    requirement = queries.requirement_by_id(learner, requirement_id)
    form = RequirementForm(_modalities(), saved=requirements.details_of(requirement), version=learner.version)
    differences: list[tuple[str, str, str]] = []
    status = 200
    if form.validate_on_submit():
        try:
            requirements.save_requirement(
                viewer(),
                learner_id,
                requirement_id,
                version=form.version.data or 0,
                details=form.command(),
            )
        except Stale:
            learner = queries.learner_by_id(db.session, viewer(), learner_id)
            requirement = queries.requirement_by_id(learner, requirement_id)
            differences = form.differences(requirements.details_of(requirement))
            form.version.data = learner.version
            status = 409
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _saved(learner_id, f"{requirement.when} is saved.")
    return form_page(
        "learners/save_requirement.html",
        form,
        learner,
        status,
        requirement=requirement,
        differences=differences,
    )


@learners.route("/learners/<int:learner_id>/requirements/new", methods=["GET", "POST"])
@login_required
def create_requirement(learner_id: int) -> ResponseReturnValue:
    """Give a learner a place to be found beyond the plan."""
    require(viewer(), Action.SAVE_LEARNER)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    taken = {row.block_id for row in learner.requirements}
    blocks = [row for row in learner.cohort.round.blocks if row.id not in taken]
    form = RequirementForm(_modalities(), blocks, version=learner.version)
    status = 200
    if form.validate_on_submit():
        try:
            requirements.create_requirement(
                viewer(),
                learner_id,
                version=form.version.data or 0,
                block_id=form.block_id,
                details=form.command(),
            )
        except Stale:
            learner = queries.learner_by_id(db.session, viewer(), learner_id)
            form.version.data = learner.version
            status = 409
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _saved(learner_id, "The further place is added.")
    return form_page(
        "learners/create_requirement.html",
        form,
        learner,
        status,
        blocks=blocks,
    )


@learners.route("/learners/<int:learner_id>/companions", methods=["GET", "POST"])
@login_required
def save_companions(learner_id: int) -> ResponseReturnValue:
    """Say with whom a learner goes, or never does."""
    require(viewer(), Action.SAVE_COMPANIONS)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    form = CompanionsForm(version=learner.version)
    status = 200
    if form.validate_on_submit():
        try:
            groups.save_companions(
                viewer(),
                learner_id,
                version=form.version.data or 0,
                kind=form.kind.data or "",
                references=form.references.data or (),
            )
        except Stale:
            learner = queries.learner_by_id(db.session, viewer(), learner_id)
            form.version.data = learner.version
            status = 409
        except Refused as refused:
            learner = queries.learner_by_id(db.session, viewer(), learner_id)
            show_refusal(form, refused)
        else:
            return _saved(learner_id, "Who goes together or apart is saved.")
    return form_page(
        "learners/save_companions.html",
        form,
        learner,
        status,
        suggested=queries.references_of_cohort(db.session, learner, most=SUGGESTED),
    )


@learners.post("/learners/<int:learner_id>/companions/<int:companions_id>/end")
@login_required
def end_companions(learner_id: int, companions_id: int) -> ResponseReturnValue:
    """Take a learner out of a group."""
    require(viewer(), Action.SAVE_COMPANIONS)
    version = request.form.get("version", 0, type=int)
    groups.end_companions(viewer(), learner_id, companions_id, version=version)
    return _saved(learner_id, "They are no longer together or apart.")


def _saved(learner_id: int, words: str) -> ResponseReturnValue:
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    flash(f"{words} {_afterwards(learner)}".strip())
    return redirect(url_for("learners.see_learner", learner_id=learner_id))


def _afterwards(learner: Learner) -> str:
    """What has to follow for the match to know of a change."""
    cohort: Cohort = learner.cohort
    if cohort.round.state == "published":
        return "The academy is told, and takes it in with the next repair."
    if cohort.state == "draft":
        return f"{cohort.name} is a draft: submit it when it is complete."
    return ""


def _learner_form(round_: Round, **values: Any) -> LearnerForm:
    return LearnerForm(
        _sites(round_),
        trusts_of_network(db.session, round_.network_id),
        access_needs(db.session),
        **values,
    )


def _sites(round_: Round) -> Sequence[Site]:
    return sites_of_network(db.session, round_.network_id)


def _modalities() -> Sequence[Modality]:
    return requirements.modalities(db.session)
