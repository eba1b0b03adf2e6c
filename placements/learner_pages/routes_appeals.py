"""A learner's own appeal against a place, by private link, and taking it back."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from placements.appeals import queries, service
from placements.appeals.evidence import MOST_FILES
from placements.appeals.forms import LodgingForm
from placements.appeals.nearness import sites_to_ask_for
from placements.appeals.window import window
from placements.clock import today
from placements.cohorts.models import LearnerLink
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.learner_pages.blueprint import learner_pages
from placements.learner_pages.links import invited_by, viewer_of
from placements.organisations.models import Department
from placements.web.private_links import by_link

_by_link = by_link(lambda secret: invited_by(db.session, secret))


@learner_pages.route("/my/<secret>/placements/<int:requirement_id>/appeal", methods=["GET", "POST"])
@_by_link
def lodge_own_appeal(link: LearnerLink, secret: str, requirement_id: int) -> ResponseReturnValue:
    """Ask for another place, and say why."""
    guest = viewer_of(link)
    round_ = link.learner.cohort.round
    _, line, requirement = queries.place_to_appeal(db.session, guest, round_.id, requirement_id)
    open_now = window(round_, queries.first_published_utc(db.session, round_.id), today())
    here = db.session.scalar(select(Department.site_id).where(Department.id == line.department_id))
    form = LodgingForm(sites_to_ask_for(db.session, requirement, here))
    problem = ""
    if form.validate_on_submit():
        try:
            service.lodge_appeal(guest, round_.id, requirement_id, form.command())
        except Refused as refusal:
            if refusal.fields:
                form.refuse(refusal)
            else:
                problem = refusal.message
        else:
            flash("Your appeal is lodged. You will see here what the panel decides.")
            return redirect(url_for("learner_pages.see_own_places", secret=secret))
    page = render_template(
        "learner_pages/lodge_own_appeal.html",
        secret=secret,
        line=line,
        round=round_,
        hei=link.learner.hei,
        form=form,
        problem=problem,
        why_not=open_now.why_not or service.why_not_this(line),
        most_files=MOST_FILES,
    )
    return page, 400 if form.errors else 409 if problem else 200


@learner_pages.post("/my/<secret>/appeals/<int:appeal_id>/withdraw")
@_by_link
def withdraw_own_appeal(link: LearnerLink, secret: str, appeal_id: int) -> ResponseReturnValue:
    """Take back an appeal that waits for its decision."""
    try:
        service.withdraw_appeal(viewer_of(link), appeal_id, version=request.form.get("version", 0, type=int))
    except (Refused, Stale) as refusal:
        flash(refusal.message)
    else:
        flash("Your appeal is withdrawn.")
    return redirect(url_for("learner_pages.see_own_places", secret=secret))
