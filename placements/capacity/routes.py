"""Pages about capacity: the board of declarations, and one department's grid of weeks."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.capacity import queries, service
from placements.capacity.blueprint import capacity
from placements.capacity.content import Content
from placements.capacity.effective import Effective
from placements.capacity.forms import COLUMNS, Grid, cell_name, rows_by_block
from placements.capacity.models import Declaration
from placements.clock import today
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.organisations.models import Department
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.web import viewer
from placements.web.panels import Panel, Status, register

SHOWN_ERRORS = 12


@capacity.get("/rounds/<int:round_id>/capacity")
@login_required
def see_declarations(round_id: int) -> ResponseReturnValue:
    """Who has declared what: the trust's own departments, or for an academy lead all of them."""
    require(viewer(), Action.SEE_DECLARATIONS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    lines = queries.board(db.session, viewer(), round_id)
    show = request.args.get("show", "all")
    return render_template(
        "capacity/see_declarations.html",
        round=round_,
        lines=[line for line in lines if show == "all" or line.state.replace(" ", "_") == show],
        all_lines=lines,
        show=show,
        today=today(),
    )


@capacity.get("/rounds/<int:round_id>/capacity/<int:department_id>")
@login_required
def see_declaration(round_id: int, department_id: int) -> ResponseReturnValue:
    """A department's grid: to fill in for its educators, to read for an academy lead."""
    require(viewer(), Action.SEE_DECLARATIONS)
    round_, department, declaration = _found(round_id, department_id)
    return _page(round_, department, declaration, _saved(round_, declaration))


@capacity.post("/rounds/<int:round_id>/capacity/<int:department_id>")
@login_required
def save_declaration(round_id: int, department_id: int) -> ResponseReturnValue:
    """Save a draft, submit, or (without JavaScript) fill a block from its first week and save nothing."""
    submits = "submit" in request.form
    require(viewer(), Action.SUBMIT_DECLARATION if submits else Action.SAVE_DECLARATION)
    round_, department, declaration = _found(round_id, department_id)
    grid = Grid.of_form(round_.block_weeks(), request.form)
    if "fill" in request.form:
        for rows in rows_by_block(round_.blocks):
            if str(rows.block.id) == request.form["fill"]:
                grid.fill_down(rows.weeks)
        return _page(round_, department, declaration, grid, unsaved=True)
    content = grid.content(queries.content_of(declaration))
    if content is None:
        return _page(round_, department, declaration, grid), 400
    act = service.submit_declaration if submits else service.save_declaration
    version = request.form.get("version", 0, type=int)
    try:
        act(viewer(), round_id, department_id, version=version, content=content)
    except Stale:
        round_, department, declaration = _found(round_id, department_id)
        return _page(round_, department, declaration, grid, is_stale=True), 409
    except Refused as refusal:
        grid.refuse(refusal.fields)
        round_, department, declaration = _found(round_id, department_id)
        return _page(round_, department, declaration, grid, problem=refusal.message), 400
    if submits:
        if round_.needs_approval:
            flash(f"{department.name}: submitted. The match can use these places once they are approved.")
        else:
            flash(f"{department.name}: submitted. The match can use these places.")
        return redirect(url_for("capacity.see_declarations", round_id=round_id))
    flash("The draft is saved. Submit it when it is complete: the match uses only what is submitted.")
    return redirect(url_for("capacity.see_declaration", round_id=round_id, department_id=department_id))


def _found(round_id: int, department_id: int) -> tuple[Round, Department, Declaration | None]:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    department = queries.department_by_id(db.session, viewer(), department_id)
    return round_, department, queries.declaration_of(db.session, viewer(), round_id, department_id)


def _saved(round_: Round, declaration: Declaration | None) -> Grid:
    return Grid.of_saved(round_.block_weeks(), queries.content_of(declaration))


def _page(
    round_: Round,
    department: Department,
    declaration: Declaration | None,
    grid: Grid,
    *,
    is_stale: bool = False,
    unsaved: bool = False,
    problem: str = "",
) -> str:
    limits = queries.limits_of(db.session, round_, [department])
    weight = limits.rates[department.id].weight()
    saved = _saved(round_, declaration).typed
    version = request.form.get("version", type=int) if not is_stale else None
    return render_template(
        "capacity/see_declaration.html",
        round=round_,
        department=department,
        is_own=queries.may_change(viewer(), department),
        declaration=declaration,
        grid=grid,
        blocks=rows_by_block(round_.blocks),
        columns=COLUMNS,
        cell_name=cell_name,
        effective=_effective(grid, department, limits, queries.content_of(declaration)),
        weight=weight,
        # After a clash the version is the newest: saving again is then meant.
        version=version if version is not None else declaration.version if declaration else 0,
        is_stale=is_stale,
        theirs=saved if is_stale else {},
        unsaved=unsaved,
        problem=problem,
        shown_errors=list(grid.errors.items())[:SHOWN_ERRORS],
    )


def _effective(
    grid: Grid, department: Department, limits: queries.Limits, saved: Content
) -> dict[str, Effective]:
    """The effective places of each week whose cells make sense, by the week's date."""
    found = {}
    for week in grid.weeks:
        content = Grid([week], grid.typed).content(saved)
        if content is not None:
            found[week.isoformat()] = limits.effective(department, content)[week]
    return found


def _status(viewer: Viewer, round_id: int) -> Status:
    found = queries.counts(db.session, viewer, round_id)
    submitted, departments = found.get("submitted", 0) + found.get("approved", 0), sum(found.values())
    return Status(
        f"{submitted} of {departments} departments submitted",
        needs_attention=submitted < departments,
        is_done=submitted == departments > 0,
    )


register(
    Panel(
        title="Capacity",
        hint="What each department offers, week by week",
        action=Action.SEE_DECLARATIONS,
        order=10,
        address=lambda round_id: url_for("capacity.see_declarations", round_id=round_id),
        status=_status,
    )
)
