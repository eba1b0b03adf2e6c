"""The page of a repair: who moves, proven the fewest, and why; who lost a place and got none."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.extensions import db
from placements.repairs.blueprint import repairs
from placements.repairs.moves import KIND_WORDS, Kind, repair_of
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
    repair = (
        repair_of(db.session, viewer(), run) if run.kind == "repair" and run.state == "finished" else None
    )
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
