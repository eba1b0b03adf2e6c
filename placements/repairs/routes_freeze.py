"""Pages about the freeze and the waiting list."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.allocations.queries import newest_publication
from placements.appeals.queries import undecided
from placements.clock import today
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.repairs import freezing
from placements.repairs.blueprint import repairs
from placements.repairs.waiting import HIGHEST_NUMBER, waiting_csv, waiting_list
from placements.rounds import queries as rounds
from placements.web import viewer
from placements.web.downloads import csv_file
from placements.web.formats import count, short_day
from placements.web.panels import Panel, Status, register

ROWS_A_PAGE = 50


@repairs.get("/rounds/<int:round_id>/freeze")
@login_required
def see_freeze(round_id: int) -> ResponseReturnValue:
    """Who is not clear before the freeze; after it, who gave a place back."""
    require(viewer(), Action.FREEZE_ROUND)
    return _freeze_page(round_id)


@repairs.post("/rounds/<int:round_id>/freeze")
@login_required
def freeze_round(round_id: int) -> ResponseReturnValue:
    """Freeze the places of the round."""
    try:
        number = freezing.freeze_round(
            viewer(),
            round_id,
            version=request.form.get("version", 0, type=int),
            seen=request.form.get("seen", -1, type=int),
        )
    except (Refused, Stale) as refusal:
        return _freeze_page(round_id, refusal.message), 409
    flash(
        f"The places are frozen. {count(number, 'place was', 'places were')} given back."
        if number
        else "The places are frozen. Everybody was clear, so no place was given back."
    )
    return redirect(url_for("repairs.see_freeze", round_id=round_id))


@repairs.post("/returned-places/<int:returned_id>/clear")
@login_required
def clear_place(returned_id: int) -> ResponseReturnValue:
    """Let a learner who gave a place back be placed again."""
    require(viewer(), Action.FREEZE_ROUND)
    try:
        row = freezing.clear_place(viewer(), returned_id)
    except Refused as refusal:
        round_id = freezing.returned_by_id(db.session, viewer(), returned_id).round_id
        return _freeze_page(round_id, refusal.message), 409
    flash(f"{row.requirement.learner.reference} may be placed again: the next run asks for a place for them.")
    return redirect(url_for("repairs.see_freeze", round_id=row.round_id))


@repairs.get("/rounds/<int:round_id>/waiting")
@login_required
def see_waiting(round_id: int) -> ResponseReturnValue:
    """Who waits for a place, in order, and what is free in reach."""
    require(viewer(), Action.SEE_WORKLIST)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    found = waiting_list(db.session, viewer(), round_id)
    pages = max(1, -(-len(found.rows) // ROWS_A_PAGE))
    page = min(max(1, request.args.get("page", 1, type=int)), pages)

    def address(number: int) -> str:
        return url_for("repairs.see_waiting", round_id=round_id, page=number)

    return render_template(
        "repairs/see_waiting.html",
        round=round_,
        waiting=found,
        rows=found.rows[(page - 1) * ROWS_A_PAGE :][:ROWS_A_PAGE],
        in_reach=sum(bool(row.free) for row in found.rows),
        highest=HIGHEST_NUMBER,
        page=page,
        pages=pages,
        address=address,
    )


@repairs.get("/rounds/<int:round_id>/waiting.csv")
@login_required
def download_waiting(round_id: int) -> ResponseReturnValue:
    """The waiting list as CSV."""
    require(viewer(), Action.SEE_WORKLIST)
    rounds.round_by_id(db.session, viewer(), round_id)
    data = waiting_csv(waiting_list(db.session, viewer(), round_id))
    return csv_file(data, f"waiting-list-of-round-{round_id}.csv")


def _freeze_page(round_id: int, problem: str = "") -> str:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    returned = freezing.returned_of_round(db.session, viewer(), round_id)
    is_over = round_.has_ended(today())
    not_clear = (
        [] if round_.frozen_utc or is_over else freezing.places_not_clear(db.session, viewer(), round_)
    )
    pages = max(1, -(-len(not_clear or returned) // ROWS_A_PAGE))
    page = min(max(1, request.args.get("page", 1, type=int)), pages)
    here = slice((page - 1) * ROWS_A_PAGE, page * ROWS_A_PAGE)
    return render_template(
        "repairs/see_freeze.html",
        round=round_,
        publication=newest_publication(db.session, viewer(), round_id),
        total=len(not_clear),
        not_clear=not_clear[here],
        all_returned=len(returned),
        returned=returned[here],
        missing=freezing.missing_now(
            db.session, viewer(), [row for row in returned if row.cleared_utc is None]
        ),
        undecided=undecided(db.session, viewer(), round_id),
        is_over=is_over,
        is_early=round_.freeze_on is not None and today() < round_.freeze_on,
        problem=problem,
        page=page,
        pages=pages,
        address=lambda number: url_for("repairs.see_freeze", round_id=round_id, page=number),
    )


def _freeze_status(viewer: Viewer, round_id: int) -> Status:
    round_ = rounds.round_by_id(db.session, viewer, round_id)
    if round_.frozen_utc is not None:
        returned = freezing.returned_of_round(db.session, viewer, round_id)
        left = sum(row.cleared_utc is None for row in returned)
        return Status(
            f"Frozen {short_day(round_.frozen_utc.date())}, {count(len(returned), 'place')} given back"
            + (f", {left} not clear yet" if left else ""),
            is_done=not left,
        )
    if round_.has_ended(today()):
        return Status("Over without a freeze", is_done=True)
    if round_.freeze_on is None:
        return Status("No day is set")
    is_due = round_.state == "published" and today() >= round_.freeze_on
    return Status(f"On {short_day(round_.freeze_on)}", needs_attention=is_due)


def _waiting_status(viewer: Viewer, round_id: int) -> Status:
    publication = newest_publication(db.session, viewer, round_id)
    if publication is None:
        return Status("Begins with the first publication")
    if publication.round.has_ended(today()):
        return Status("Over", is_done=True)
    waiting = freezing.number_waiting(db.session, viewer, publication)
    return Status(f"{count(waiting, 'place')} wanted" if waiting else "Nobody waits", is_done=not waiting)


register(
    Panel(
        title="Freeze",
        hint="Learners who are not clear give their places back to those who wait",
        action=Action.FREEZE_ROUND,
        order=47,
        address=lambda round_id: url_for("repairs.see_freeze", round_id=round_id),
        status=_freeze_status,
    )
)
register(
    Panel(
        title="Waiting list",
        hint="Who has no place, in order, and what is free in reach",
        action=Action.SEE_WORKLIST,
        order=48,
        address=lambda round_id: url_for("repairs.see_waiting", round_id=round_id),
        status=_waiting_status,
    )
)
