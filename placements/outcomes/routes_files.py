"""Files of outcomes: download the list, upload it filled in, look at what was read, and accept it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required
from pydantic import TypeAdapter, ValidationError

from placements.access import Action, require
from placements.clock import today
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.outcomes import service
from placements.outcomes.blueprint import outcomes
from placements.outcomes.forms import OutcomesForm
from placements.outcomes.lists import begun_placements, outcome_rows, outcomes_csv, outcomes_xlsx
from placements.outcomes.queries import outcomes_of
from placements.outcomes.routes import asked
from placements.outcomes.uploads import ParsedOutcomes, parse_outcomes
from placements.outcomes.wording import OUTCOME_WORDS, reasons_for
from placements.rounds import queries as rounds
from placements.spreadsheets.remarks import told_once
from placements.spreadsheets.workbooks import Value
from placements.web import viewer
from placements.web.downloads import csv_file, xlsx_file
from placements.web.formats import count

SHOWN_ROWS = 50
# The preview carries what it shows: accepting saves just that, checked once more.
_ROWS = TypeAdapter(list[service.RecordedOutcome])


@outcomes.get("/rounds/<int:round_id>/outcomes.csv")
@login_required
def download_outcomes(round_id: int) -> ResponseReturnValue:
    """The round's placements that have begun, filtered as the page is, as a CSV to fill in."""
    return csv_file(outcomes_csv(_rows(round_id)), f"outcomes-round-{round_id}.csv")


@outcomes.get("/rounds/<int:round_id>/outcomes.xlsx")
@login_required
def download_outcomes_workbook(round_id: int) -> ResponseReturnValue:
    """The same as a workbook."""
    return xlsx_file(outcomes_xlsx(_rows(round_id)), f"outcomes-round-{round_id}.xlsx")


@outcomes.route("/rounds/<int:round_id>/outcomes/upload", methods=["GET", "POST"])
@login_required
def upload_outcomes(round_id: int) -> ResponseReturnValue:
    """Upload the list filled in; what is in it is shown before anything is saved."""
    require(viewer(), Action.RECORD_OUTCOME)
    rounds.round_by_id(db.session, viewer(), round_id)
    form = OutcomesForm()
    parsed = None
    if form.validate_on_submit():
        lines = {
            line.requirement_id: line
            for line in db.session.scalars(begun_placements(viewer(), round_id, today()))
        }
        parsed = parse_outcomes(form.command(), viewer(), lines, outcomes_of(db.session, lines), today())
        if parsed.problem is not None:
            form.file.errors = [f"{parsed.problem.message} {parsed.problem.remedy}"]
            parsed = None
    return _page(round_id, form, parsed), 400 if form.errors else 200


@outcomes.post("/rounds/<int:round_id>/outcomes/accept")
@login_required
def accept_outcomes(round_id: int) -> ResponseReturnValue:
    """Save what the preview showed, all or none of it; twice is the same as once."""
    require(viewer(), Action.RECORD_OUTCOME)
    rounds.round_by_id(db.session, viewer(), round_id)
    try:
        rows = _ROWS.validate_json(request.form.get("rows", ""))
        number = service.record_outcomes(viewer(), round_id, rows)
    except ValidationError:
        return _page(round_id, OutcomesForm(), None, "Nothing was saved. Upload the file again."), 400
    except (Refused, Stale) as refusal:
        words = f"{refusal.message} Upload the file again to see how it stands now."
        return _page(round_id, OutcomesForm(), None, words), 409
    flash(f"{count(number, 'outcome is', 'outcomes are')} recorded.")
    return redirect(url_for("outcomes.see_outcomes", round_id=round_id))


def _rows(round_id: int) -> list[list[Value]]:
    require(viewer(), Action.SEE_OUTCOMES)
    rounds.round_by_id(db.session, viewer(), round_id)
    lines = list(db.session.scalars(begun_placements(viewer(), round_id, today(), asked())))
    recorded = outcomes_of(db.session, [line.requirement_id for line in lines])
    return outcome_rows(viewer(), lines, recorded)


def _page(round_id: int, form: OutcomesForm, parsed: ParsedOutcomes | None, problem: str = "") -> str:
    return render_template(
        "outcomes/upload_outcomes.html",
        round=rounds.round_by_id(db.session, viewer(), round_id),
        form=form,
        parsed=parsed,
        refusals=told_once(parsed.refusals) if parsed else [],
        kept=_ROWS.dump_json([row for _, row in parsed.rows]).decode() if parsed else "",
        lines={
            line.requirement_id: line
            for line in (db.session.scalars(begun_placements(viewer(), round_id, today())) if parsed else ())
        },
        outcome_words=OUTCOME_WORDS,
        reasons=reasons_for(viewer()),
        shown_rows=SHOWN_ROWS,
        problem=problem,
    )
