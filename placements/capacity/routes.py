"""Pages about capacity: the grid of a trust's departments, one department's, and what a script saves."""

from collections.abc import Sequence
from typing import Annotated

from flask import abort, flash, get_template_attribute, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required
from pydantic import BaseModel, Field, ValidationError

from placements.access import Action, require
from placements.capacity import deciding, queries, service
from placements.capacity.blueprint import capacity
from placements.capacity.content import Cell
from placements.capacity.forms import Sheet, plain_cells
from placements.capacity.grid import Choice, Grid, choose, read_grid
from placements.capacity.grid_acts import Outcome, act, merged_words
from placements.capacity.grid_view import view, views
from placements.capacity.writing import ONLY_THE_TRUST, Edit, Saved
from placements.clock import now_utc
from placements.errors import NotAllowed
from placements.extensions import db
from placements.organisations.models import Department
from placements.organisations.queries import department_by_id
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.web import viewer
from placements.web.formats import clock_time

SHOWN_ERRORS = 12


@capacity.get("/rounds/<int:round_id>/capacity/grid")
@login_required
def see_grid(round_id: int) -> ResponseReturnValue:
    """All departments of a trust or a site, week by week; for an academy lead first the academy's own."""
    require(viewer(), Action.SEE_DECLARATIONS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    choice = _choice()
    return _grid_page(choice, _grid(round_, choice.departments), Outcome())


@capacity.post("/rounds/<int:round_id>/capacity/grid")
@login_required
def save_grid(round_id: int) -> ResponseReturnValue:
    """Save or submit what was typed in the grid, or fill it and save nothing."""
    require(viewer(), Action.SUBMIT_DECLARATION if "submit" in request.form else Action.SAVE_DECLARATION)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    choice = _choice()
    outcome = act(viewer(), _grid(round_, choice.departments, with_nearby=False), request.form)
    if outcome.is_done:
        for words in outcome.says:
            flash(words)
        return redirect(
            url_for("capacity.see_grid", round_id=round_id, trust=choice.trust, site=choice.site_id)
        )
    # Read again: what was refused may have been refused because of what others did.
    return _grid_page(choice, _grid(round_, choice.departments), outcome), outcome.status


@capacity.get("/rounds/<int:round_id>/capacity/<int:department_id>")
@login_required
def see_declaration(round_id: int, department_id: int) -> ResponseReturnValue:
    """A department's grid: to fill in for its educators, to read for an academy lead."""
    require(viewer(), Action.SEE_DECLARATIONS)
    round_, department = _found(round_id, department_id)
    return _declaration_page(_grid(round_, [department]), Outcome())


@capacity.post("/rounds/<int:round_id>/capacity/<int:department_id>")
@login_required
def save_declaration(round_id: int, department_id: int) -> ResponseReturnValue:
    """Save a draft, submit, or (without JavaScript) fill and save nothing."""
    submits = "submit" in request.form
    require(viewer(), Action.SUBMIT_DECLARATION if submits else Action.SAVE_DECLARATION)
    round_, department = _found(round_id, department_id)
    if not queries.may_change(viewer(), department):
        raise NotAllowed(ONLY_THE_TRUST)
    outcome = act(viewer(), _grid(round_, [department], with_nearby=False), request.form)
    if outcome.is_done:
        for words in outcome.says:
            flash(words)
        if submits:
            return redirect(url_for("capacity.see_declarations", round_id=round_id))
        return redirect(url_for("capacity.see_declaration", round_id=round_id, department_id=department_id))
    return _declaration_page(_grid(round_, [department]), outcome), outcome.status


class TypedCells(BaseModel):
    """One department's changed cells as a script sends them."""

    version: Annotated[int, Field(ge=0)]
    cells: Annotated[dict[str, Annotated[str, Field(max_length=200)]], Field(max_length=5000)]
    is_meant: bool = False


class TypedGrid(BaseModel):
    """What `save_cells` takes, by department's id."""

    departments: Annotated[dict[int, TypedCells], Field(max_length=500)]


@capacity.post("/rounds/<int:round_id>/capacity/cells")
@login_required
def save_cells(round_id: int) -> ResponseReturnValue:
    """Save changed cells as they are typed and say, for each department sent, what follows from what is now
    on the person's screen: the one place that works out effective places."""
    require(viewer(), Action.SAVE_DECLARATION)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    try:
        sent = TypedGrid.model_validate(request.get_json(silent=True))
        typed = {id_: asked.cells for id_, asked in sent.departments.items()}
        read = {id_: plain_cells(cells) for id_, cells in typed.items()}
        for name in (name for cells in typed.values() for name in cells if name != "model"):
            Cell.of(name)
    except (ValidationError, ValueError):
        abort(400)
    edits = {
        id_: Edit(asked.version, read[id_][0], asked.is_meant) for id_, asked in sent.departments.items()
    }
    saved = service.save_cells(viewer(), round_id, edits) if edits else {}
    departments = [department_by_id(db.session, viewer(), id_) for id_ in edits]
    grid = _grid(round_, departments, with_nearby=False)
    answers = {id_: _answer(grid, id_, found, *read[id_]) for id_, found in saved.items()}
    return jsonify({"at": clock_time(now_utc()), "departments": answers})


def _answer(
    grid: Grid, department_id: int, saved: Saved, figures: dict[str, str], wrong: dict[str, str]
) -> dict[str, object]:
    of = grid.of(department_id)
    shown = {change.cell: change.now for change in saved.theirs}
    wrong = wrong | dict(saved.wrong)
    clashes = {change.cell: change for change in saved.clashes}
    sheet = Sheet(saved.declaration.version, typed=dict(figures), errors=wrong, clashes=clashes)
    seen = view(grid, of, sheet)
    notes = get_template_attribute("capacity/grid.html", "notes")
    tag = get_template_attribute("components/declaration_state.html", "declaration_state")
    return {
        "version": saved.declaration.version,
        "state": of.state,
        "asks": saved.asks,
        "tag": tag(of.state),
        "theirs": shown,
        "said": [merged_words(of, change) for change in saved.theirs],
        "wrong": sorted(wrong),
        "clashes": {name: change.now for name, change in clashes.items()},
        "rows": seen.figures.rows,
        "notes": notes(seen, grid, live=True),
    }


def _choice() -> Choice:
    site_id = request.args.get("site", type=int)
    return choose(db.session, viewer(), request.args.get("trust", ""), site_id)


def _grid(round_: Round, departments: Sequence[Department], *, with_nearby: bool = True) -> Grid:
    return read_grid(db.session, viewer(), round_, departments, with_nearby=with_nearby)


def _found(round_id: int, department_id: int) -> tuple[Round, Department]:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    return round_, department_by_id(db.session, viewer(), department_id)


def _grid_page(choice: Choice, grid: Grid, outcome: Outcome) -> str:
    return render_template("capacity/see_grid.html", choice=choice, **_shown(grid, outcome))


def _declaration_page(grid: Grid, outcome: Outcome) -> str:
    returned = deciding.return_of(db.session, grid.departments[0].declaration)
    return render_template("capacity/see_declaration.html", returned=returned, **_shown(grid, outcome))


def _shown(grid: Grid, outcome: Outcome) -> dict[str, object]:
    found = views(grid, outcome.sheets)
    notes = [note for view in found for note in view.notes]
    return {
        "round": grid.round,
        "grid": grid,
        "views": found,
        "outcome": outcome,
        "notes": notes[:SHOWN_ERRORS],
        "more_notes": max(0, len(notes) - SHOWN_ERRORS),
        "may_change": any(view.of.may_change for view in found) and viewer().may(Action.SAVE_DECLARATION),
    }
