"""Pages that change several learners of a cohort at once: release by employers, part-time days."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.cohorts import queries, several
from placements.cohorts.blueprint import cohorts
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.web import viewer
from placements.web.formats import count, weekdays


@cohorts.route("/cohorts/<int:cohort_id>/release", methods=["GET", "POST"])
@login_required
def release_learners(cohort_id: int) -> ResponseReturnValue:
    """Which learners may be placed away from the trust that employs them."""
    require(viewer(), Action.RELEASE_LEARNERS)
    cohort = queries.cohort_by_id(db.session, viewer(), cohort_id)
    chosen = set(request.form.getlist("learners", type=int))
    problem, status = None, 200
    if request.method == "POST":
        released = request.form.get("released") == "yes"
        try:
            changed = several.release_learners(
                viewer(),
                cohort_id,
                chosen,
                released=released,
                version=request.form.get("version", 0, type=int),
            )
        except (Refused, Stale) as refusal:
            problem, status = refusal.message, 409 if isinstance(refusal, Stale) else 400
        else:
            done = "released by their employers" if released else "placed with their employers only"
            flash(_told(len(changed), done))
            return redirect(url_for("cohorts.see_cohort", cohort_id=cohort_id))
    page = render_template(
        "cohorts/release_learners.html",
        cohort=cohort,
        learners=queries.employed_learners(db.session, cohort),
        chosen=chosen,
        problem=problem,
    )
    return page, status


@cohorts.route("/cohorts/<int:cohort_id>/weekdays", methods=["GET", "POST"])
@login_required
def set_weekdays(cohort_id: int) -> ResponseReturnValue:
    """On which days of the week learners come, where these are not the plan's."""
    require(viewer(), Action.SET_WEEKDAYS)
    cohort = queries.cohort_by_id(db.session, viewer(), cohort_id)
    chosen = set(request.form.getlist("learners", type=int))
    days = "".join(request.form.getlist("weekdays"))
    problem, field, status = None, "learners", 200
    if request.method == "POST":
        pattern = None if request.form.get("as") == "planned" else days
        try:
            changed = several.set_weekdays(
                viewer(),
                cohort_id,
                chosen,
                weekdays=pattern,
                version=request.form.get("version", 0, type=int),
            )
        except (Refused, Stale) as refusal:
            problem, status = refusal.message, 409 if isinstance(refusal, Stale) else 400
            field = next(iter(getattr(refusal, "fields", {})), field)
        else:
            done = "placed on the days of the plan" if pattern is None else f"placed on {weekdays(pattern)}"
            flash(_told(len(changed), done))
            return redirect(url_for("cohorts.see_cohort", cohort_id=cohort_id))
    page = render_template(
        "cohorts/set_weekdays.html",
        cohort=cohort,
        learners=queries.all_learners(db.session, cohort),
        chosen=chosen,
        days=days,
        problem=problem,
        field=field,
    )
    return page, status


def _told(changed: int, done: str) -> str:
    if not changed:
        return "They stood like that already: nothing was changed."
    return f"{count(changed, 'learner is', 'learners are')} to be {done}."
