"""Files of declarations: download, upload, look at what was read, and accept it."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.capacity import receiving
from placements.capacity.blueprint import capacity
from placements.capacity.content import COLUMNS, Cell
from placements.capacity.downloads import declarations_csv, declarations_xlsx
from placements.capacity.forms_files import DeclarationsForm
from placements.capacity.uploads_directory import Directory
from placements.capacity.uploads_plan import ChangedRow, DepartmentPlan, Plan
from placements.capacity.uploads_result import from_json, refused_rows_csv, refused_rows_xlsx
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.spreadsheets.remarks import told_once
from placements.web import viewer
from placements.web.downloads import csv_file, xlsx_file
from placements.web.formats import count

SHOWN_REMARKS = 50
SHOWN_DEPARTMENTS = 30
SHOWN_CHANGES = 40
SHOW = {
    "": "Everything",
    "changes": "Changes",
    "clashes": "Changed by others too",
    "refused": "Refused",
    "corrected": "Corrected",
}


@capacity.get("/rounds/<int:round_id>/capacity/declarations.xlsx")
@login_required
def download_declarations(round_id: int) -> ResponseReturnValue:
    """What the departments that the person sees (or one site's) have declared, as a workbook to edit."""
    return _download(round_id, "xlsx")


@capacity.get("/rounds/<int:round_id>/capacity/declarations.csv")
@login_required
def download_declarations_csv(round_id: int) -> ResponseReturnValue:
    """The same as a CSV."""
    return _download(round_id, "csv")


def _download(round_id: int, kind: str) -> Response:
    require(viewer(), Action.SEE_DECLARATIONS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    site_id = request.args.get("site", type=int)
    is_template = request.args.get("empty") == "yes"
    if site_id is not None and site_id not in receiving.sites_seen(db.session, viewer()):
        raise NotFound("There is no such site.")
    found = receiving.directory(db.session, viewer(), round_, site_id)
    name = f"declarations-round-{round_id}{f'-site-{site_id}' if site_id else ''}.{kind}"
    if kind == "csv":
        return csv_file(declarations_csv(found, is_template=is_template), name)
    return xlsx_file(declarations_xlsx(found, is_template=is_template), name)


@capacity.route("/rounds/<int:round_id>/capacity/upload", methods=["GET", "POST"])
@login_required
def upload_declarations(round_id: int) -> ResponseReturnValue:
    """Download the file, and upload it edited; what is in it is shown before anything is saved."""
    require(viewer(), Action.UPLOAD_DECLARATIONS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    form = DeclarationsForm()
    if form.validate_on_submit():
        filename, data = form.command()
        try:
            upload = receiving.upload_declarations(viewer(), round_id, filename=filename, data=data)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            return redirect(url_for("capacity.see_declaration_upload", declaration_upload_id=upload.id))
    page = render_template(
        "capacity/upload_declarations.html",
        round=round_,
        form=form,
        sites=receiving.sites_seen(db.session, viewer()),
        lines=receiving.directory_lines(db.session),
        waiting=receiving.waiting_upload(db.session, viewer(), round_id),
    )
    return page, 400 if form.errors else 200


@capacity.get("/declaration-uploads/<int:declaration_upload_id>")
@login_required
def see_declaration_upload(declaration_upload_id: int) -> ResponseReturnValue:
    """What was read from a file, and what accepting it would do now."""
    require(viewer(), Action.UPLOAD_DECLARATIONS)
    return _page(declaration_upload_id)


@capacity.post("/declaration-uploads/<int:declaration_upload_id>/accept")
@login_required
def accept_declarations(declaration_upload_id: int) -> ResponseReturnValue:
    """Save what the preview showed, as drafts or submitted."""
    require(viewer(), Action.UPLOAD_DECLARATIONS)
    upload = receiving.declaration_upload(db.session, viewer(), declaration_upload_id)
    submits = request.form.get("submit") == "yes"
    try:
        saved = receiving.accept_declarations(
            viewer(),
            declaration_upload_id,
            seen=request.form.get("seen", ""),
            takes_file=request.form.get("clashes") == "file",
            submits=submits,
        )
    except (Refused, Stale) as refusal:
        return _page(declaration_upload_id, problem=refusal.message), 409
    words = f"Saved: {count(len(saved), 'department')} changed."
    if not saved:
        words = "Nothing had to be changed."
    if submits:
        words += " The file's departments are submitted."
    elif saved:
        words += " Submit them when they are complete: the match uses only what is submitted."
    flash(words)
    return redirect(url_for("capacity.see_declarations", round_id=upload.round_id))


@capacity.get("/declaration-uploads/<int:declaration_upload_id>/refused-rows.xlsx")
@login_required
def download_refused_declarations(declaration_upload_id: int) -> ResponseReturnValue:
    """The refused rows as a workbook, each wrong cell marked, to be put right and uploaded."""
    require(viewer(), Action.UPLOAD_DECLARATIONS)
    upload = receiving.declaration_upload(db.session, viewer(), declaration_upload_id)
    name = f"refused-rows-{upload.id}.xlsx"
    return xlsx_file(refused_rows_xlsx(from_json(upload.parsed), upload.round.name), name)


@capacity.get("/declaration-uploads/<int:declaration_upload_id>/refused-rows.csv")
@login_required
def download_refused_declarations_csv(declaration_upload_id: int) -> ResponseReturnValue:
    """The same as a CSV."""
    require(viewer(), Action.UPLOAD_DECLARATIONS)
    upload = receiving.declaration_upload(db.session, viewer(), declaration_upload_id)
    name = f"refused-rows-{upload.id}.csv"
    return csv_file(refused_rows_csv(from_json(upload.parsed), upload.round.name), name)


@dataclass(frozen=True)
class ShownDepartment:
    """A department of the preview: its changes for reading, and the cells that others changed too."""

    plan: DepartmentPlan
    changes: Sequence[ChangedRow]
    clashes: Sequence[tuple[str, str, str, str, str]]


def _shown(directory: Directory, found: DepartmentPlan) -> ShownDepartment:
    words = dict(directory.lines)
    clashes = []
    for both in found.clashes:
        cell = Cell.of(both.theirs.cell)
        week = f"{cell.week.day} {cell.week:%b %Y}"
        what = f"{words.get(cell.line, 'Educators')}, {COLUMNS[cell.column]}, {week}"
        clashes.append((what, both.theirs.before, both.typed, both.theirs.now, both.theirs.by))
    return ShownDepartment(found, found.changed(directory.weeks, words), clashes)


def _page(upload_id: int, problem: str | None = None) -> str:
    upload = receiving.declaration_upload(db.session, viewer(), upload_id)
    waits = upload.state == "received"
    if waits:
        directory, parsed, plan = receiving.plan_of(db.session, viewer(), upload)
    else:
        directory, parsed, plan = None, from_json(upload.parsed), Plan(())
    show, site = request.args.get("show", ""), request.args.get("site", "")
    changing = [found for found in plan.changing if not site or found.standing.site == site]
    if show == "clashes":
        changing = [found for found in changing if found.clashes]
    shown = [_shown(directory, found) for found in changing[:SHOWN_DEPARTMENTS]] if directory else []
    return render_template(
        "capacity/see_declaration_upload.html",
        upload=upload,
        round=upload.round,
        parsed=parsed,
        plan=plan,
        waits=waits,
        may_accept=receiving.may_accept(viewer(), upload),
        changing=changing,
        shown=shown,
        columns=COLUMNS,
        refusals=told_once(parsed.refusals),
        corrections=told_once(parsed.corrections),
        show=show if show in SHOW else "",
        show_choices=SHOW,
        site=site,
        sites=sorted({found.standing.site for found in plan.changing}),
        shown_remarks=SHOWN_REMARKS,
        shown_changes=SHOWN_CHANGES,
        takes_file=request.form.get("clashes") == "file",
        submits=request.form.get("submit") == "yes",
        problem=problem,
    )
