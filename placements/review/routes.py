"""Pages of moves by hand: what one would do, doing it, undoing it; and what would have to change."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

import matching
from placements.access import Action, require
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db
from placements.review import queries, service
from placements.review.blueprint import review
from placements.review.desk import Hand, desk, waited_for
from placements.review.forms import MoveForm
from placements.review.looking import minutes_by_department, way_there
from placements.review.moves import KINDS, Plan, Wanted, plan
from placements.review.telling import Names, change_words, keys_of, minutes_to, move_words, tell
from placements.scenarios import queries as scenarios
from placements.scenarios.models import Placing
from placements.web import viewer
from placements.web.refusals import show_refusal

LARGEST_NUMBER = 2**31 - 1


@review.route("/placings/<int:placing_id>/move", methods=["GET", "POST"])
@login_required
def move_by_hand(placing_id: int) -> ResponseReturnValue:
    """What a move, swap, pin or ban would do, told before it is done; then doing it, with a reason."""
    require(viewer(), Action.MOVE_BY_HAND)
    placing = scenarios.placing_by_id(db.session, viewer(), placing_id)
    run = placing.run
    if run.state != "finished" or not run.result:
        raise NotFound("Learners can only be moved in a finished run.")
    try:
        wanted = _wanted(placing)
    except Refused as refusal:
        return _page(placing, None, None, MoveForm(), problem=refusal.message), 400
    future = desk.hand(db.session, run)
    answer = desk.ask(db.session, run, wanted.name, lambda ready: plan(ready, wanted))
    try:
        found, hand = waited_for(answer), waited_for(future)
    except matching.EngineError:
        raise NotFound("There is no such place in this run.") from None
    form = MoveForm()
    if found is None or hand is None:
        return _page(placing, None, hand, form)
    problem = ""
    if form.validate_on_submit():
        reason, seen = form.reason.data or "", form.seen.data or ""
        try:
            made = service.move_by_hand(viewer(), run.id, hand, found, seen=seen, reason=reason)
        except Stale as stale:
            problem = stale.message
        except Refused as refusal:
            if refusal.fields and set(refusal.fields) <= {"reason"}:
                show_refusal(form, refusal)
            else:
                problem = refusal.message
        else:
            desk.hand(db.session, made)
            flash(f"Saved as run {made.id}. You can undo it on this page.")
            return redirect(url_for("scenarios.see_run", run_id=made.id))
        placing = scenarios.placing_by_id(db.session, viewer(), placing_id)
    page = _page(placing, found, hand, form, problem=problem)
    return page, 400 if form.errors else 409 if problem else 200


@review.post("/runs/<int:run_id>/undo")
@login_required
def undo_move(run_id: int) -> ResponseReturnValue:
    """Go back to the run before a move by hand."""
    parent = service.undo_move(viewer(), run_id)
    flash(f"Run {run_id} is undone. You are back at run {parent.id}.")
    return redirect(url_for("scenarios.see_run", run_id=parent.id))


@review.get("/placings/<int:placing_id>/way")
@login_required
def see_way(placing_id: int) -> ResponseReturnValue:
    """What would have to change for a learner to go to a place."""
    require(viewer(), Action.SEE_RUNS)
    placing = scenarios.placing_by_id(db.session, viewer(), placing_id)
    run, key = placing.run, f"r{placing.requirement_id}"
    department_id = _number("department")
    if run.state != "finished" or not run.result:
        raise NotFound("Only a finished run can be asked.")
    if department_id is None:
        return redirect(url_for("scenarios.see_placing", placing_id=placing_id))
    department = scenarios.departments_by_id(db.session, [department_id]).get(department_id)
    if department is None:
        raise NotFound("There is no such department.")
    place = f"d{department_id}"
    hand = waited_for(desk.hand(db.session, run))
    found: Any = None
    offers = hand is not None and any(offer.department == place for offer in hand.problem.offers)
    answer = desk.ask(db.session, run, f"way {key} {place}", lambda ready: (way_there(ready, key, place),))
    trouble = ""
    try:
        found = waited_for(answer)
    except matching.OutOfTime:
        trouble = "Working this out took too long, so it was stopped. Try another place."
    told = None
    if found is not None and hand is not None and found[0] is not None:
        way = found[0]
        keys = keys_of(way.moves, ()) | {change.key for change in way.changes} | {place}
        keys |= {str(change.now) for change in way.changes}
        names = Names(db.session, viewer(), hand.problem, run.id, keys)
        told = {
            "changes": [change_words(names, change) for change in way.changes],
            "moves": [move_words(names, move, is_asked=False) for move in way.moves],
        }
    return render_template(
        "review/see_way.html",
        placing=placing,
        department=department,
        offers=offers,
        is_ready=bool(trouble) or (found is not None and hand is not None),
        trouble=trouble,
        told=told,
        minutes=None if hand is None or not offers else minutes_to(hand.problem, key, place),
    )


def _wanted(placing: Placing) -> Wanted:
    """What the address asks for; raises Refused where it says too little."""
    kind = request.args.get("kind", "move")
    if kind not in KINDS:
        raise NotFound("There is no such move.")
    department = _number("department")
    other = None
    if kind == "swap":
        other = _other(placing)
    elif kind == "pin":
        department = None
        if placing.department_id is None:
            raise Refused("This learner has no place, so there is nothing to pin.")
    elif department is None:
        raise Refused("Choose where the learner should go.")
    return Wanted(
        kind,
        placing.requirement_id,
        department,
        request.args.get("block") or None,
        other,
        others=request.args.get("others") == "yes",
    )


def _other(placing: Placing) -> int:
    """The requirement to swap with: by number, or by the learner's reference in the same block."""
    number = _number("other")
    if number is not None:
        return queries.placing_of(db.session, viewer(), placing.run_id, number).requirement_id
    reference = request.args.get("with", "").strip()
    if not reference:
        raise Refused("Write the reference of the learner to swap with.")
    found = queries.placings_by_reference(db.session, viewer(), placing.run_id, reference)
    found = [row for row in found if row.requirement_id != placing.requirement_id]
    if not found:
        raise Refused(f"No other learner of this run has the reference {reference}.")
    same = [row for row in found if row.block_id == placing.block_id] or found
    return same[0].requirement_id


def _page(
    placing: Placing, found: Plan | None, hand: Hand | None, form: MoveForm, *, problem: str = ""
) -> str:
    told = None
    if found is not None and hand is not None:
        told = tell(db.session, viewer(), hand.problem, placing.run, found)
    ids = [number for number in (_number("department"),) if number is not None]
    other = None
    if found is not None and found.wanted.other_id is not None:
        other = queries.placing_of(db.session, viewer(), placing.run_id, found.wanted.other_id)
    return render_template(
        "review/move_by_hand.html",
        placing=placing,
        run=placing.run,
        kind=request.args.get("kind", "move"),
        target=next(iter(scenarios.departments_by_id(db.session, ids).values()), None),
        other=other,
        told=told,
        form=form,
        problem=problem,
        is_working=found is None and not problem,
        asked=request.args.to_dict(),
        address=request.full_path.rstrip("?"),
        open_to=() if hand is None else minutes_by_department(hand, f"r{placing.requirement_id}"),
    )


def _number(name: str) -> int | None:
    """A number from the address that a database takes; None for anything else."""
    number = request.args.get(name, type=int)
    return number if number is not None and 0 <= number <= LARGEST_NUMBER else None
