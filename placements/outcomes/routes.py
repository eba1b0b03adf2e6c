"""Pages about how a round's placements went: the list, one placement, many at once."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.clock import today
from placements.database import page_of
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.outcomes import service
from placements.outcomes.blueprint import outcomes
from placements.outcomes.days import days_expected, has_ended
from placements.outcomes.forms import OutcomeForm
from placements.outcomes.lists import STATES, OutcomeFilter, begun_placements, choices, counts
from placements.outcomes.queries import outcomes_of, placement_by_requirement
from placements.outcomes.wording import (
    OUTCOME_WORDS,
    reason_shown,
    reason_words,
    reasons_for,
    recorded_by,
)
from placements.rounds import queries as rounds
from placements.web import viewer
from placements.web.formats import count
from placements.web.panels import Panel, Status, register
from placements.web.refusals import show_refusal

ROWS_A_PAGE = 50
MOST_PAGES = 100_000
STATE_WORDS = {"": "All", "to_record": "Nothing recorded yet", "recorded": "Recorded"} | OUTCOME_WORDS


def asked() -> OutcomeFilter:
    """What the address says is wanted; a state that there is not counts as unsaid."""
    said = {name: request.args.get(name, "").strip() for name in OutcomeFilter.__dataclass_fields__}
    return OutcomeFilter(**said | {"state": said["state"] if said["state"] in STATES else ""})


@outcomes.get("/rounds/<int:round_id>/outcomes")
@login_required
def see_outcomes(round_id: int) -> ResponseReturnValue:
    """The round's placements that have begun, and how each went, with filters kept in the address."""
    require(viewer(), Action.SEE_OUTCOMES)
    return _list(round_id)


@outcomes.post("/rounds/<int:round_id>/outcomes/complete")
@login_required
def complete_outcomes(round_id: int) -> ResponseReturnValue:
    """Record as completed those that are ticked, or all that the filters show and that have ended."""
    require(viewer(), Action.RECORD_OUTCOME)
    rounds.round_by_id(db.session, viewer(), round_id)
    if request.form.get("which") == "all":
        chosen = _waiting(round_id)
        if str(len(chosen)) != request.form.get("seen", ""):
            return _list(
                round_id, "The list has changed since you opened it. Look at it and press again."
            ), 409
    else:
        ticked = request.form.getlist("placement")
        chosen = [int(text) for text in ticked if text.isascii() and text.isdigit() and len(text) < 10]
        if not chosen:
            return _list(round_id, "Tick the placements that were completed."), 400
    try:
        number = service.complete_outcomes(viewer(), round_id, chosen)
    except (Refused, Stale) as refusal:
        return _list(round_id, refusal.message), 409
    flash(f"{count(number, 'placement is', 'placements are')} recorded as completed.")
    said: dict[str, Any] = asked().said
    return redirect(url_for("outcomes.see_outcomes", round_id=round_id, **said))


@outcomes.route("/rounds/<int:round_id>/outcomes/<int:requirement_id>", methods=["GET", "POST"])
@login_required
def record_outcome(round_id: int, requirement_id: int) -> ResponseReturnValue:
    """Record how one placement went, or change what was recorded."""
    require(viewer(), Action.RECORD_OUTCOME)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    line = placement_by_requirement(db.session, viewer(), requirement_id, round_id)
    saved = outcomes_of(db.session, [requirement_id]).get(requirement_id)
    form = OutcomeForm(reasons_for(viewer()), saved, reason_shown(viewer(), saved.reason) if saved else None)
    problem = ""
    if form.validate_on_submit():
        try:
            service.record_outcome(
                viewer(), round_id, requirement_id, form.command(), version=form.version.data or 0
            )
        except Refused as refusal:
            show_refusal(form, refusal)
        except Stale as stale:
            problem = stale.message
            saved = outcomes_of(db.session, [requirement_id]).get(requirement_id)
        else:
            flash(f"Recorded: {line.learner_reference} at {line.site}.")
            return redirect(url_for("outcomes.see_outcomes", round_id=round_id))
    page = render_template(
        "outcomes/record_outcome.html",
        round=round_,
        line=line,
        saved=saved,
        form=form,
        expected=days_expected(line),
        outcome_words=OUTCOME_WORDS,
        why=reason_words(viewer(), saved) if saved else "",
        by=recorded_by(saved) if saved else "",
        problem=problem,
    )
    return page, 400 if form.errors else 409 if problem else 200


def _waiting(round_id: int) -> list[int]:
    """The placements that the address's filters show, that have ended and of which nothing is recorded."""
    found = list(db.session.scalars(begun_placements(viewer(), round_id, today(), asked())))
    recorded = outcomes_of(db.session, [line.requirement_id for line in found])
    return [
        line.requirement_id
        for line in found
        if line.requirement_id not in recorded and has_ended(line, today())
    ]


def _list(round_id: int, problem: str = "") -> Any:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    only = asked()
    page = min(max(1, request.args.get("page", 1, type=int)), MOST_PAGES)
    found = begun_placements(viewer(), round_id, today(), only)
    lines, total = page_of(db.session, found, page=page, size=ROWS_A_PAGE)
    pages = -(-total // ROWS_A_PAGE)

    def address(number: int) -> str:
        said: dict[str, Any] = only.said | {"page": number}
        return url_for("outcomes.see_outcomes", round_id=round_id, **said)

    if page > 1 and page > pages and not problem:
        return redirect(address(max(1, pages)))
    recorded = outcomes_of(db.session, [line.requirement_id for line in lines])
    return render_template(
        "outcomes/see_outcomes.html",
        round=round_,
        lines=[
            (line, row, reason_words(viewer(), row) if row else "", recorded_by(row) if row else "")
            for line in lines
            for row in (recorded.get(line.requirement_id),)
        ],
        days_expected=days_expected,
        has_ended=lambda line: has_ended(line, today()),
        waiting=len(_waiting(round_id)),
        counts=counts(db.session, viewer(), round_id, today()),
        choices=choices(db.session, viewer(), round_id, today()),
        outcome_words=OUTCOME_WORDS,
        state_words=STATE_WORDS,
        filters=only,
        total=total,
        page=page,
        pages=pages,
        address=address,
        for_hei=viewer().hei_id is not None,
        problem=problem,
    )


def _status(viewer: Viewer, round_id: int) -> Status:
    found = counts(db.session, viewer, round_id, today())
    total = sum(found.values())
    if not total:
        return Status("No placement has begun")
    recorded = total - found.get("", 0)
    return Status(f"{recorded:,} of {count(total, 'placement')} recorded", is_done=recorded == total)


register(
    Panel(
        title="How placements went",
        hint="Completed, ended early or not attended, and days there",
        action=Action.SEE_OUTCOMES,
        order=50,
        address=lambda round_id: url_for("outcomes.see_outcomes", round_id=round_id),
        status=_status,
    )
)
