"""Pages about cohorts: who has submitted, upload a file, look at it, accept it, submit the cohort."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.clock import today
from placements.cohorts import queries, service
from placements.cohorts.acceptance import compare
from placements.cohorts.blueprint import cohorts
from placements.cohorts.forms import UploadForm
from placements.cohorts.uploads import from_json, refused_rows_csv, template_csv
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.geography.postcodes import outward_code
from placements.rounds import queries as rounds
from placements.spreadsheets.remarks import told_once
from placements.web import viewer
from placements.web.downloads import csv_file
from placements.web.formats import count
from placements.web.panels import Panel, Status, register

SHOWN_ROWS = 50
SHOWN_REMARKS = 50
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


@cohorts.get("/rounds/<int:round_id>/cohorts/template.csv")
@login_required
def download_template(round_id: int) -> ResponseReturnValue:
    """The headings of a cohort file with two example rows."""
    require(viewer(), Action.SEE_COHORTS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    return csv_file(template_csv(queries.directory(db.session, round_)), "cohort-template.csv")


@cohorts.route("/rounds/<int:round_id>/cohorts/upload", methods=["GET", "POST"])
@login_required
def receive_upload(round_id: int) -> ResponseReturnValue:
    """Choose the cohort and its file; what is in it is shown before anything is saved."""
    require(viewer(), Action.RECEIVE_UPLOAD)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    stages = queries.planned_stages(db.session, viewer(), round_id)
    form = UploadForm(stages, choice=request.args.get("choice"), intake=request.args.get("intake"))
    if form.validate_on_submit():
        new = form.command()
        try:
            upload = service.receive_upload(
                viewer(),
                round_id,
                programme_id=new.programme_id,
                stage_id=new.stage_id,
                intake=new.intake,
                filename=new.filename,
                data=new.data,
            )
        except Refused as refusal:
            form.refuse(refusal)
        else:
            return redirect(url_for("cohorts.see_upload", upload_id=upload.id))
    page = render_template("cohorts/receive_upload.html", round=round_, form=form, stages=stages)
    return page, 400 if form.errors else 200


@cohorts.get("/uploads/<int:upload_id>")
@login_required
def see_upload(upload_id: int) -> ResponseReturnValue:
    """What was read from a file: refused, corrected and accepted rows, and what accepting would do."""
    require(viewer(), Action.RECEIVE_UPLOAD)
    return _upload_page(upload_id)


@cohorts.get("/uploads/<int:upload_id>/refused-rows.csv")
@login_required
def download_refused_rows(upload_id: int) -> ResponseReturnValue:
    """The refused rows with what to put right, to be mended and uploaded."""
    require(viewer(), Action.RECEIVE_UPLOAD)
    upload = queries.upload_by_id(db.session, viewer(), upload_id)
    return csv_file(refused_rows_csv(from_json(upload.parsed)), f"refused-rows-{upload.id}.csv")


@cohorts.post("/uploads/<int:upload_id>/accept")
@login_required
def accept_upload(upload_id: int) -> ResponseReturnValue:
    """Save what the preview showed."""
    require(viewer(), Action.ACCEPT_UPLOAD)
    before = queries.cohort_of_upload(db.session, queries.upload_by_id(db.session, viewer(), upload_id))
    was_submitted = before is not None and before.state == "submitted"
    try:
        cohort = service.accept_upload(
            viewer(),
            upload_id,
            version=request.form.get("version", 0, type=int),
            cohort_version=request.form.get("cohort_version", 0, type=int),
        )
    except (Refused, Stale) as refusal:
        return _upload_page(upload_id, problem=refusal.message), 409
    if cohort.state == "submitted":
        words = "The file was accepted. It changed nothing, so the cohort stays submitted."
    elif was_submitted:
        words = "The rows were saved. The cohort is a draft again: submit it once more when it is complete."
    else:
        words = "The rows were saved. The cohort is a draft: submit it when it is complete."
    flash(words)
    return redirect(url_for("cohorts.see_cohort", cohort_id=cohort.id))


@cohorts.post("/uploads/<int:upload_id>/discard")
@login_required
def discard_upload(upload_id: int) -> ResponseReturnValue:
    """Put the file aside."""
    require(viewer(), Action.DISCARD_UPLOAD)
    upload = queries.upload_by_id(db.session, viewer(), upload_id)
    try:
        service.discard_upload(viewer(), upload_id, version=request.form.get("version", 0, type=int))
    except (Refused, Stale) as refusal:
        return _upload_page(upload_id, problem=refusal.message), 409
    flash(f"{upload.filename} was discarded. None of its rows was saved.")
    return redirect(url_for("cohorts.see_cohorts", round_id=upload.round_id))


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


def _upload_page(upload_id: int, problem: str | None = None) -> str:
    upload = queries.upload_by_id(db.session, viewer(), upload_id)
    parsed = from_json(upload.parsed)
    waits = upload.state == "received" and bool(parsed.rows)
    return render_template(
        "cohorts/see_upload.html",
        upload=upload,
        round=upload.round,
        parsed=parsed,
        comparison=compare(db.session, upload, parsed.rows) if waits else None,
        corrected=len({correction.line for correction in parsed.corrections}),
        trusts={row.ods: row.name for row in queries.trusts_of_network(db.session, upload.round.network_id)},
        shown_rows=SHOWN_ROWS,
        refusals=told_once(parsed.refusals),
        corrections=told_once(parsed.corrections),
        shown_remarks=SHOWN_REMARKS,
        problem=problem,
    )


def _cohort_page(cohort_id: int, problem: str | None = None) -> str:
    cohort = queries.cohort_by_id(db.session, viewer(), cohort_id)
    needs = queries.needs_of_cohort(db.session, cohort)
    total = queries.number_of_learners(db.session, cohort)
    pages = max(1, -(-total // LEARNERS_A_PAGE))
    page = min(pages, max(1, request.args.get("page", 1, type=int)))
    return render_template(
        "cohorts/see_cohort.html",
        cohort=cohort,
        round=cohort.round,
        needs=needs,
        blocks=[need.line.when for need in needs],
        places=sum(need.learners for need in needs),
        learners=queries.learners_page(db.session, cohort, page=page, size=LEARNERS_A_PAGE),
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
