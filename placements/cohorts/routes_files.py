"""Cohort files: template, upload, what the columns hold, preview, mending, downloads and accepting."""

from collections.abc import Sequence
from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.cohorts import mending, queries, service
from placements.cohorts.acceptance import compare
from placements.cohorts.blueprint import cohorts
from placements.cohorts.forms import Mend, UploadForm, columns_command, mend_command
from placements.cohorts.preview import SHOW, Filters, absent, preview
from placements.cohorts.uploads import from_json
from placements.cohorts.uploads_columns import FIELD_HEADINGS
from placements.cohorts.uploads_downloads import rows_csv, rows_xlsx
from placements.cohorts.uploads_mending import Place, remembered, samples
from placements.cohorts.uploads_template import template_csv, template_xlsx
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.organisations.queries import access_needs
from placements.rounds import queries as rounds
from placements.spreadsheets.remarks import told_once
from placements.web import viewer
from placements.web.downloads import csv_file, xlsx_file
from placements.web.formats import count
from placements.web.refusals import show_refusal

# On a page of one kind of row, and of each kind where all are shown.
ROWS_A_PAGE = 50
WRONG_ROWS_A_PAGE = 20
SHOWN_OF_EACH = 10


@cohorts.get("/rounds/<int:round_id>/cohorts/template.csv")
@login_required
def download_template(round_id: int) -> ResponseReturnValue:
    """The headings of a cohort file with an example."""
    require(viewer(), Action.SEE_COHORTS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    return csv_file(template_csv(queries.directory(db.session, round_)), "cohort-template.csv")


@cohorts.get("/rounds/<int:round_id>/cohorts/template.xlsx")
@login_required
def download_template_xlsx(round_id: int) -> ResponseReturnValue:
    """The same as a workbook, with lists of sites and trusts to choose from."""
    require(viewer(), Action.SEE_COHORTS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    return xlsx_file(template_xlsx(queries.directory(db.session, round_)), "cohort-template.xlsx")


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
            show_refusal(form, refusal)
        else:
            return redirect(url_for("cohorts.see_upload", upload_id=upload.id))
    page = render_template("cohorts/receive_upload.html", round=round_, form=form, stages=stages)
    return page, 400 if form.errors else 200


@cohorts.get("/uploads/<int:upload_id>")
@login_required
def see_upload(upload_id: int) -> ResponseReturnValue:
    """What was read from a file: refused, corrected and accepted rows, and what accepting would do."""
    require(viewer(), Action.RECEIVE_UPLOAD)
    upload = queries.upload_by_id(db.session, viewer(), upload_id)
    if upload.state == "columns":
        return redirect(url_for("cohorts.choose_columns", upload_id=upload_id))
    return _upload_page(upload_id)


@cohorts.route("/uploads/<int:upload_id>/columns", methods=["GET", "POST"])
@login_required
def choose_columns(upload_id: int) -> ResponseReturnValue:
    """Say what each column of the file holds."""
    require(viewer(), Action.CHOOSE_COLUMNS)
    upload = queries.upload_by_id(db.session, viewer(), upload_id)
    parsed = from_json(upload.parsed)
    if upload.state not in ("columns", "received") or parsed.table is None:
        return redirect(url_for("cohorts.see_upload", upload_id=upload_id))
    fields, problem, version = [column.field or "" for column in parsed.table.columns], None, upload.version
    if request.method == "POST":
        version = request.form.get("version", 0, type=int)
        fields = columns_command(request.form, len(fields))
        try:
            mending.choose_columns(viewer(), upload_id, version=version, fields=fields)
        except (Refused, Stale) as refusal:
            problem = refusal.message
        else:
            return redirect(url_for("cohorts.see_upload", upload_id=upload_id))
    page = render_template(
        "cohorts/choose_columns.html",
        upload=upload,
        round=upload.round,
        parsed=parsed,
        table=parsed.table,
        fields=fields,
        samples=samples(parsed.table),
        headings=FIELD_HEADINGS,
        remembered=remembered(parsed.table),
        problem=problem,
        version=version,
    )
    return page, 409 if problem else 200


@cohorts.post("/uploads/<int:upload_id>/columns/forget")
@login_required
def forget_columns(upload_id: int) -> ResponseReturnValue:
    """Ask again about this file's headings the next time."""
    require(viewer(), Action.FORGET_COLUMNS)
    number = mending.forget_columns(viewer(), upload_id)
    flash(
        f"{count(number, 'choice was', 'choices were')} forgotten. Upload the file again to choose anew."
        if number
        else "There was nothing to forget."
    )
    return redirect(url_for("cohorts.choose_columns", upload_id=upload_id))


@cohorts.get("/uploads/<int:upload_id>/progress")
@login_required
def see_upload_progress(upload_id: int) -> ResponseReturnValue:
    """How many rows of a large file have been read, for the page that watches it."""
    require(viewer(), Action.RECEIVE_UPLOAD)
    upload = queries.upload_by_id(db.session, viewer(), upload_id)
    return jsonify(
        state=upload.message or upload.state,
        rows=upload.rows_read,
        words=f"{upload.rows_read:,} of {count(upload.rows_found, 'row')} read",
    )


@cohorts.post("/uploads/<int:upload_id>/mend")
@login_required
def mend_upload(upload_id: int) -> ResponseReturnValue:
    """Put refused cells right, to be read again."""
    require(viewer(), Action.MEND_UPLOAD)
    mend = mend_command(request.form)
    try:
        done = mending.mend_upload(
            viewer(), upload_id, version=mend.version, typed=mend.typed, everywhere=mend.everywhere
        )
    except (Refused, Stale) as refusal:
        return _upload_page(upload_id, problem=refusal.message, mend=mend), 409
    flash(_mended_words(done))
    back: dict[str, Any] = _filters().address | {"_anchor": "refused"}
    return redirect(url_for("cohorts.see_upload", upload_id=upload_id, **back))


@cohorts.get("/uploads/<int:upload_id>/rows.xlsx")
@login_required
def download_rows(upload_id: int) -> ResponseReturnValue:
    """All rows as a workbook, each wrong cell marked, to be put right and uploaded."""
    require(viewer(), Action.RECEIVE_UPLOAD)
    upload = queries.upload_by_id(db.session, viewer(), upload_id)
    return xlsx_file(rows_xlsx(from_json(upload.parsed)), f"rows-{upload.id}.xlsx")


@cohorts.get("/uploads/<int:upload_id>/rows.csv")
@login_required
def download_rows_csv(upload_id: int) -> ResponseReturnValue:
    """The same as a CSV."""
    require(viewer(), Action.RECEIVE_UPLOAD)
    upload = queries.upload_by_id(db.session, viewer(), upload_id)
    return csv_file(rows_csv(from_json(upload.parsed)), f"rows-{upload.id}.csv")


@cohorts.get("/uploads/<int:upload_id>/refused-rows.csv")
@login_required
def download_refused_rows(upload_id: int) -> ResponseReturnValue:
    """The refused rows with what to put right, to be mended and uploaded."""
    require(viewer(), Action.RECEIVE_UPLOAD)
    upload = queries.upload_by_id(db.session, viewer(), upload_id)
    return csv_file(rows_csv(from_json(upload.parsed), refused_only=True), f"refused-rows-{upload.id}.csv")


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


def _mended_words(done: mending.Mending) -> str:
    if not done.cells:
        return "Nothing was changed."
    words = f"{count(done.cells, 'cell')} changed."
    if done.accepted > 0:
        return f"{words} {count(done.accepted, 'more row is', 'more rows are')} accepted."
    return f"{words} What is still wrong is shown below."


def _filters() -> Filters:
    asked = {name: request.args.get(name, "").strip()[:200] for name in ("show", "column", "words", "kind")}
    if asked["show"] not in SHOW:
        asked["show"] = ""
    return Filters(**asked)


def _upload_page(upload_id: int, problem: str | None = None, mend: Mend | None = None) -> str:
    upload = queries.upload_by_id(db.session, viewer(), upload_id)
    parsed = from_json(upload.parsed)
    filters = _filters()
    found = preview(parsed, filters)
    waits = upload.state == "received" and bool(parsed.rows)
    corrections = told_once(found.corrections)
    lists: dict[str, Sequence[object]] = {
        "refused": found.refused,
        "corrected": corrections,
        "accepted": found.accepted,
    }
    size = WRONG_ROWS_A_PAGE if filters.show == "refused" else ROWS_A_PAGE
    pages = max(1, -(-len(lists.get(filters.show, ())) // size))
    page = min(pages, max(1, request.args.get("page", 1, type=int)))
    return render_template(
        "cohorts/see_upload.html",
        upload=upload,
        round=upload.round,
        parsed=parsed,
        comparison=compare(db.session, upload, parsed) if waits else None,
        corrected=len({correction.line for correction in parsed.corrections}),
        trusts={row.ods: row.name for row in queries.trusts_of_network(db.session, upload.round.network_id)},
        access_needs={need.key: need.name for need in access_needs(db.session)},
        absent=absent(parsed),
        found=found,
        corrections=corrections,
        refusals=told_once(parsed.refusals),
        filters=filters,
        show_choices=SHOW,
        page=page,
        pages=pages,
        first=(page - 1) * size if filters.show else 0,
        size=size if filters.show else SHOWN_OF_EACH,
        typed=mend.typed if mend else {},
        ticked=mend.everywhere if mend else frozenset[Place](),
        problem=problem,
    )
