"""A learner's own pages, opened by a private link: places, calendar, letter, choice of sites, feedback."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from placements.allocations.calendars import calendar_of
from placements.allocations.letters import letters_pdf
from placements.appeals.words import STATES as APPEAL_STATES
from placements.appeals.words import wanted
from placements.clock import now_utc, today
from placements.cohorts.models import LearnerLink
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.learner_pages import preferences
from placements.learner_pages.blueprint import learner_pages
from placements.learner_pages.forms import QUESTIONS, FeedbackForm
from placements.learner_pages.links import invited_by, viewer_of
from placements.learner_pages.own_places import interruption_words, needs_of, own_places
from placements.mail.rendering import link as whole_address
from placements.outcomes import feedback
from placements.outcomes.queries import feedback_of, placement_by_requirement
from placements.web.downloads import calendar_file, pdf_file
from placements.web.private_links import by_link
from placements.web.refusals import show_refusal

_by_link = by_link(lambda secret: invited_by(db.session, secret))


@learner_pages.get("/my/<secret>")
@_by_link
def see_own_places(link: LearnerLink, secret: str) -> ResponseReturnValue:
    """The learner's places, as published last, and what can be done about them."""
    guest = viewer_of(link)
    learner = preferences.own_learner(db.session, guest)
    round_ = learner.cohort.round
    return render_template(
        "learner_pages/see_own_places.html",
        secret=secret,
        link=link,
        learner=learner,
        round=round_,
        hei=learner.hei,
        own=own_places(db.session, guest, today()),
        needs=needs_of(learner),
        may_rank=preferences.may_rank(round_, today()),
        interruption=interruption_words(learner, today()),
        appeal_states=APPEAL_STATES,
        wanted=wanted,
        feed=whole_address(url_for("learner_pages.download_own_calendar", secret=secret)),
    )


@learner_pages.get("/my/<secret>/places.ics")
@_by_link
def download_own_calendar(link: LearnerLink, secret: str) -> ResponseReturnValue:
    """The learner's places as a calendar, which a calendar program may follow; empty before a publication."""
    own = own_places(db.session, viewer_of(link), today())
    data = calendar_of(
        own.lines,
        name=f"My placements, {link.learner.cohort.round.name}",
        host=urlsplit(current_app.extensions["settings"].site_url).hostname or "placements",
        number=own.publication.number if own.publication else 0,
        stamp=own.publication.published_utc if own.publication else now_utc(),
        gone=own.gone,
        for_one_learner=True,
    )
    return calendar_file(data, "my-placements.ics")


@learner_pages.get("/my/<secret>/letter.pdf")
@_by_link
def download_own_letter(link: LearnerLink, secret: str) -> ResponseReturnValue:
    """The letter with the learner's places, to be printed."""
    own = own_places(db.session, viewer_of(link), today())
    if own.publication is None or own.learner is None:
        raise Refused("There is no letter yet: you have no published place.")
    hei = link.learner.hei
    return pdf_file(
        letters_pdf(own.publication, [own.learner], texts={hei.id: hei.letter_text}), "my-placements.pdf"
    )


@learner_pages.route("/my/<secret>/sites", methods=["GET", "POST"])
@_by_link
def save_preferences(link: LearnerLink, secret: str) -> ResponseReturnValue:
    """Rank the sites within reach, the most wanted first."""
    guest = viewer_of(link)
    typed = _typed_ranks() if request.method == "POST" else None
    errors: dict[str, str] = {}
    problem = ""
    if typed is not None:
        try:
            preferences.save_preferences(
                guest,
                [
                    int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
                    for text in typed
                ],
                version=request.form.get("version", 0, type=int),
            )
        except (Refused, Stale) as refusal:
            problem = refusal.message
            errors = refusal.fields if isinstance(refusal, Refused) else {}
        else:
            flash("Your choices are saved.")
            return redirect(url_for("learner_pages.see_own_places", secret=secret))
    learner = preferences.own_learner(db.session, guest)
    saved = [str(row.site_id) for row in learner.preferences]
    chosen = typed if typed is not None else saved
    page = render_template(
        "learner_pages/save_preferences.html",
        secret=secret,
        learner=learner,
        round=learner.cohort.round,
        hei=learner.hei,
        sites=preferences.sites_in_reach(db.session, learner),
        may_rank=preferences.may_rank(learner.cohort.round, today()),
        chosen=chosen,
        saved=[row.site.name for row in learner.preferences],
        ranks=_ranks(len(chosen)),
        errors=errors,
        problem=problem,
    )
    return page, (400 if errors else 409) if problem else 200


def _ranks(used: int) -> int:
    """How many ranks the page offers: a few more than are in use."""
    return min(preferences.MOST_RANKED, max(preferences.FEWEST_RANKS_SHOWN, used + 2))


def _typed_ranks() -> list[str]:
    """What was chosen for each rank, "" where nothing was."""
    named = [name for name in request.form if name.startswith("rank_") and name[5:].isdigit()]
    most = min(max((int(name[5:8]) for name in named), default=0), preferences.MOST_RANKED)
    return [request.form.get(f"rank_{rank}", "").strip() for rank in range(1, most + 1)]


@learner_pages.route("/my/<secret>/placements/<int:requirement_id>/feedback", methods=["GET", "POST"])
@_by_link
def give_feedback(link: LearnerLink, secret: str, requirement_id: int) -> ResponseReturnValue:
    """Say how a placement is or was; it may be changed until some weeks after its end."""
    guest = viewer_of(link)
    line = placement_by_requirement(db.session, guest, requirement_id)
    feedback.require_open(line)
    saved = feedback_of(db.session, guest, [requirement_id]).get(requirement_id)
    form = FeedbackForm(saved)
    problem = ""
    if form.validate_on_submit():
        try:
            feedback.give_feedback(guest, requirement_id, form.command(), version=form.version.data or 0)
        except Refused as refusal:
            show_refusal(form, refusal)
        except Stale as stale:
            problem = stale.message
        else:
            flash("Thank you. Your feedback is saved.")
            return redirect(url_for("learner_pages.see_own_places", secret=secret))
    page = render_template(
        "learner_pages/give_feedback.html",
        secret=secret,
        line=line,
        form=form,
        saved=saved,
        questions=QUESTIONS,
        until=feedback.feedback_until(line),
        fewest=feedback.FEWEST_ANSWERS,
        problem=problem,
    )
    return page, 400 if form.errors else 409 if problem else 200
