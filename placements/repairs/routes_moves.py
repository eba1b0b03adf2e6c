"""The pages of a repair: who moves, proven the fewest, and why; who lost a place and got none; moves against
minutes."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.clock import today
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.repairs import (
    drawing,  # noqa: F401 - makes the worker's job known
    queries,
    service,
)
from placements.repairs.blueprint import repairs
from placements.repairs.chart import chart_of
from placements.repairs.moves import KIND_WORDS, Kind, repair_of
from placements.repairs.trade_off import STEPS
from placements.scenarios import describing, marks
from placements.scenarios.queries import run_by_id
from placements.scenarios.results import certificate
from placements.web import viewer

MOVES_A_PAGE = 50


@repairs.get("/runs/<int:run_id>/moves")
@login_required
def see_moves(run_id: int) -> ResponseReturnValue:
    """What a repair changes for whom, with a filter kept in the address, and the button that adopts it."""
    require(viewer(), Action.SEE_WORKLIST)
    run = run_by_id(db.session, viewer(), run_id)
    repair = repair_of(db.session, viewer(), run)
    if repair is None:
        return redirect(url_for("scenarios.see_run", run_id=run_id))
    kind = request.args.get("kind", "")
    if kind not in repair.kinds:
        kind = ""
    shown = repair.of(Kind(kind)) if kind else list(repair.moves)
    pages = max(1, -(-len(shown) // MOVES_A_PAGE))
    page = min(max(1, request.args.get("page", 1, type=int)), pages)
    cut = shown[(page - 1) * MOVES_A_PAGE : page * MOVES_A_PAGE]
    said: dict[str, Any] = {"kind": kind} if kind else {}
    return render_template(
        "repairs/see_moves.html",
        run=run,
        is_over=run.round.is_finished(today()),
        repair=repair,
        certificate=certificate(run.summary),
        moves=cut,
        sentences=describing.sentences(
            db.session, [move.placing for move in cut if move.placing.department_id is None]
        ),
        kind=kind,
        kind_words=KIND_WORDS,
        total=len(shown),
        page=page,
        pages=pages,
        address=lambda number: url_for("repairs.see_moves", run_id=run_id, **said, page=number),
        marks=marks.marks_of_round(db.session, viewer(), run.round_id).get(run.id, []),
    )


@repairs.get("/runs/<int:run_id>/trade-off")
@login_required
def see_trade_off(run_id: int) -> ResponseReturnValue:
    """Moves against minutes: each point a solve, drawn and as a table."""
    require(viewer(), Action.SEE_WORKLIST)
    return _trade_off_page(run_id)


@repairs.post("/runs/<int:run_id>/trade-off")
@login_required
def draw_trade_off(run_id: int) -> ResponseReturnValue:
    """Queue its points."""
    try:
        service.draw_trade_off(viewer(), run_id)
    except (Refused, Stale) as refusal:
        return _trade_off_page(run_id, refusal.message), 409
    return redirect(url_for("repairs.see_trade_off", run_id=run_id))


@repairs.post("/runs/<int:run_id>/trade-off/use")
@login_required
def use_point(run_id: int) -> ResponseReturnValue:
    """Queue a run that gives one of the answers, to be looked at."""
    try:
        run = service.use_point(viewer(), run_id, request.form.get("step", ""))
    except Refused as refusal:
        return _trade_off_page(run_id, refusal.message), 409
    flash("This answer is matched again, so that you can look at it and adopt it.")
    return redirect(url_for("scenarios.see_run", run_id=run.id))


def _trade_off_page(run_id: int, refusal: str = "") -> str:
    run = run_by_id(db.session, viewer(), run_id)
    row = queries.trade_off_of(db.session, run.id)
    points = queries.points_of(row) if row is not None else []
    return render_template(
        "repairs/see_trade_off.html",
        run=run,
        is_repair=run.kind == "repair" and run.state == "finished",
        trade_off=row,
        solved=len(row.points) if row is not None else 0,
        steps=len(STEPS),
        points=points,
        chart=chart_of(points),
        refusal=refusal,
    )
