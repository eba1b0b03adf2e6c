"""Private links for learners, as the placement officer makes, passes on and ends them."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.clock import now_utc
from placements.cohorts.queries import cohort_by_id
from placements.csv_files import csv_bytes
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.learner_pages import links
from placements.learner_pages.blueprint import learner_pages
from placements.learner_pages.forms import DaysForm
from placements.mail.rendering import link as whole_address
from placements.web import viewer
from placements.web.downloads import csv_file
from placements.web.formats import count, day
from placements.web.refusals import show_refusal


@learner_pages.route("/cohorts/<int:cohort_id>/links", methods=["GET", "POST"])
@login_required
def invite_cohort(cohort_id: int) -> ResponseReturnValue:
    """A cohort's private links: who has one and has used it; make those that are missing, to be downloaded
    this once or sent by e-mail."""
    require(viewer(), Action.INVITE_LEARNER)
    cohort = cohort_by_id(db.session, viewer(), cohort_id)
    form = DaysForm()
    problem = ""
    if form.validate_on_submit():
        by_mail = request.form.get("by") == "mail"
        try:
            made = links.invite_cohort(viewer(), cohort_id, by_mail=by_mail, days=form.command())
        except Refused as refusal:
            if refusal.fields:
                show_refusal(form, refusal)
            problem = refusal.message
        except Stale as stale:
            problem = stale.message
        else:
            if not by_mail:
                return csv_file(_links_csv(made), f"learners-links-cohort-{cohort_id}.csv")
            flash(f"{count(len(made), 'link is', 'links are')} on the way by e-mail.")
            return redirect(url_for("learner_pages.invite_cohort", cohort_id=cohort_id))
    lines = links.links_of_cohort(db.session, viewer(), cohort_id)
    page = render_template(
        "learner_pages/invite_cohort.html",
        cohort=cohort,
        round=cohort.round,
        lines=lines,
        waiting=[line for line in lines if not line.works],
        form=form,
        default_expiry=links.default_expiry(cohort.round, now_utc()),
        most_days=links.MOST_DAYS,
        problem=problem,
    )
    return page, (400 if form.errors else 409) if problem else 200


def _links_csv(made: list[links.MadeLink]) -> bytes:
    return csv_bytes(
        [
            ("Learner reference", "Private link", "Works until"),
            *(
                (one.link.learner.reference, whole_address(one.path), day(one.link.expires_utc.date()))
                for one in made
            ),
        ]
    )


@learner_pages.route("/learners/<int:learner_id>/links", methods=["GET", "POST"])
@login_required
def invite_learner(learner_id: int) -> ResponseReturnValue:
    """One learner's private links, and a new one, which is shown this once."""
    require(viewer(), Action.INVITE_LEARNER)
    form = DaysForm()
    problem, made = "", None
    learner = links.learner_to_invite(db.session, viewer(), learner_id)
    if form.validate_on_submit():
        try:
            made = links.invite_learner(viewer(), learner_id, days=form.command())
        except Refused as refusal:
            if refusal.fields:
                show_refusal(form, refusal)
            problem = refusal.message
    now = now_utc()
    page = render_template(
        "learner_pages/invite_learner.html",
        learner=learner,
        round=learner.cohort.round,
        rows=[(row, links.works(row, now)) for row in learner.links],
        form=form,
        default_expiry=links.default_expiry(learner.cohort.round, now),
        most_days=links.MOST_DAYS,
        made=made.link if made else None,
        address=whole_address(made.path) if made else "",
        problem=problem,
    )
    return page, (400 if form.errors else 409) if problem else 200


@learner_pages.post("/learner-links/<int:link_id>/end")
@login_required
def revoke_learner_link(link_id: int) -> ResponseReturnValue:
    """End a private link."""
    require(viewer(), Action.REVOKE_LEARNER_LINK)
    link = links.revoke_learner_link(viewer(), link_id)
    flash(f"The link of {link.learner.reference} is ended. Whoever opens it now is told so.")
    if request.form.get("from") == "learner":
        return redirect(url_for("learner_pages.invite_learner", learner_id=link.learner_id))
    return redirect(url_for("learner_pages.invite_cohort", cohort_id=link.learner.cohort_id))
