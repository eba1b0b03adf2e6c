"""Pages about cohorts: who has submitted, upload a file, look at it, accept it, submit the cohort."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.clock import today
from placements.cohorts import queries, service
from placements.cohorts.blueprint import cohorts
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.geography.postcodes import outward_code
from placements.rounds import queries as rounds
from placements.web import viewer
from placements.web.formats import count
from placements.web.panels import Panel, Status, register

LEARNERS_A_PAGE = 50


@cohorts.get("/rounds/<int:round_id>/cohorts")
@login_required
def see_cohorts(round_id: int) -> ResponseReturnValue:
    """An officer's own cohorts in a round, or for an academy lead a board of all HEIs."""
    require(viewer(), Action.SEE_COHORTS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    return render_template(
        "cohorts/see_cohorts.html",
        round=round_,
        board=queries.board(db.session, viewer(), round_id),
        uploads=queries.waiting_uploads(db.session, viewer(), round_id),
        today=today(),
    )


@cohorts.get("/cohorts/<int:cohort_id>")
@login_required
def see_cohort(cohort_id: int) -> ResponseReturnValue:
    """One cohort: its learners, the places they need, and the button that submits it."""
    require(viewer(), Action.SEE_COHORTS)
    return _cohort_page(cohort_id)


@cohorts.post("/cohorts/<int:cohort_id>/submit")
@login_required
def submit_cohort(cohort_id: int) -> ResponseReturnValue:
    """Let the cohort take part in the match."""
    require(viewer(), Action.SUBMIT_COHORT)
    try:
        cohort = service.submit_cohort(viewer(), cohort_id, version=request.form.get("version", 0, type=int))
    except (Refused, Stale) as refusal:
        return _cohort_page(cohort_id, problem=refusal.message), 409
    flash(f"{cohort.name} is submitted: its learners take part in the match.")
    return redirect(url_for("cohorts.see_cohort", cohort_id=cohort.id))


def _cohort_page(cohort_id: int, problem: str | None = None) -> str:
    cohort = queries.cohort_by_id(db.session, viewer(), cohort_id)
    needs = queries.needs_of_cohort(db.session, cohort)
    total = queries.number_of_learners(db.session, cohort)
    withdrawn = queries.withdrawn_learners(db.session, cohort)
    beyond = queries.places_beyond_plan(db.session, cohort)
    pages = max(1, -(-total // LEARNERS_A_PAGE))
    page = min(pages, max(1, request.args.get("page", 1, type=int)))
    return render_template(
        "cohorts/see_cohort.html",
        cohort=cohort,
        round=cohort.round,
        needs=needs,
        blocks=[need.line.when for need in needs],
        places=sum(need.learners for need in needs) + beyond,
        beyond=beyond,
        learners=queries.learners_page(db.session, cohort, page=page, size=LEARNERS_A_PAGE),
        withdrawn=len(withdrawn),
        withdrawn_learners=withdrawn,
        total=total,
        page=page,
        pages=pages,
        first=(page - 1) * LEARNERS_A_PAGE + 1,
        outward_code=outward_code,
        problem=problem,
    )


def _status(viewer: Viewer, round_id: int) -> Status:
    board = queries.board(db.session, viewer, round_id)
    if not board.expected:
        return Status("None expected")
    words = f"{len(board.submitted):,} of {count(board.expected, 'cohort')} submitted"
    return Status(words, needs_attention=not board.is_complete, is_done=board.is_complete)


register(
    Panel(
        title="Cohorts",
        hint="The learners who need places, by programme and stage",
        action=Action.SEE_COHORTS,
        order=20,
        address=lambda round_id: url_for("cohorts.see_cohorts", round_id=round_id),
        status=_status,
    )
)
