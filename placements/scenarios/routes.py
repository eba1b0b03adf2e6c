"""Pages about runs: start one, watch it, read what it proposes and why."""

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.clock import now_utc, today
from placements.errors import Refused
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.scenarios import (
    describing,
    journeys,
    lists,
    marks,
    queries,
    results,
    sections,
    service,
    watching,
)
from placements.scenarios.blueprint import scenarios
from placements.scenarios.conflicts import conflicts_of_run
from placements.web import viewer
from placements.web.panels import Panel, Status, register

# The result page names this many departments; the page of the load names all.
FULLEST = 12


@scenarios.get("/rounds/<int:round_id>/runs")
@login_required
def see_runs(round_id: int) -> ResponseReturnValue:
    """A round's runs, and the button that starts one."""
    require(viewer(), Action.SEE_RUNS)
    return _runs_page(round_id)


@scenarios.post("/rounds/<int:round_id>/runs")
@login_required
def start_run(round_id: int) -> ResponseReturnValue:
    """Freeze the round's data and queue a run of the scenario that the form names, or of the round's own."""
    try:
        run = service.start_run(
            viewer(), round_id, scenario_id=request.form.get("scenario", 0, type=int) or None
        )
    except Refused as refusal:
        return _runs_page(round_id, refusal.message), 409
    return redirect(url_for("scenarios.see_run", run_id=run.id))


@scenarios.get("/runs/<int:run_id>")
@login_required
def see_run(run_id: int) -> ResponseReturnValue:
    """One run: its progress while it is under way, then its result."""
    require(viewer(), Action.SEE_RUNS)
    run = queries.run_by_id(db.session, viewer(), run_id)
    if run.state != "finished":
        waited = (now_utc() - run.requested_utc).total_seconds()
        return render_template(
            "scenarios/see_run.html",
            run=run,
            is_over=run.round.is_finished(today()),
            progress=watching.describe_progress(run),
            is_kept_waiting=run.state == "queued" and waited > 30,
        )
    load = results.load_by_department(db.session, run)
    return render_template(
        "scenarios/see_result.html",
        run=run,
        is_over=run.round.is_finished(today()),
        result=results.describe_result(db.session, run),
        load=load[:FULLEST],
        departments=len(load),
        by_modality=results.load_by_modality(load),
        journeys=journeys.of_summary(run),
        marks=marks.marks_of_round(db.session, viewer(), run.round_id).get(run.id, []),
        sections=sections.sections_of_run(viewer(), run),
        changes=lists.changes_of_run(db.session, viewer(), run),
        conflicts=conflicts_of_run(db.session, viewer(), run),
        curve=None if run.kind == "repair" else watching.curve_of(run.curve or []),
    )


@scenarios.get("/runs/<int:run_id>/progress")
@login_required
def see_progress(run_id: int) -> ResponseReturnValue:
    """The run's state and last report, for the page that watches it."""
    require(viewer(), Action.SEE_RUNS)
    return jsonify(watching.describe_progress(queries.run_by_id(db.session, viewer(), run_id)))


@scenarios.post("/runs/<int:run_id>/cancel")
@login_required
def cancel_run(run_id: int) -> ResponseReturnValue:
    """Ask a run to stop."""
    run = service.cancel_run(viewer(), run_id)
    flash(
        "The run was cancelled."
        if run.state == "cancelled"
        else "The run will stop at its next step and keep the best answer that it has."
    )
    return redirect(url_for("scenarios.see_run", run_id=run_id))


@scenarios.get("/runs/<int:run_id>/load")
@login_required
def see_load(run_id: int) -> ResponseReturnValue:
    """How full every department is in every block, with filters that can be shared as an address."""
    require(viewer(), Action.SEE_RUNS)
    run = queries.run_by_id(db.session, viewer(), run_id)
    if run.state != "finished":
        return redirect(url_for("scenarios.see_run", run_id=run_id))
    rows = results.load_by_department(db.session, run)
    modalities = sorted({row.department.modality.name for row in rows if row.department})
    show, modality = request.args.get("show", "all"), request.args.get("modality", "")
    wanted = {
        "full": lambda row: row.is_full_somewhere,
        "heavy": lambda row: row.is_heavy_somewhere,
        "room": lambda row: row.has_room_somewhere,
    }.get(show, lambda row: True)
    return render_template(
        "scenarios/see_load.html",
        run=run,
        blocks=queries.blocks_of_round(db.session, run.round_id),
        rows=[
            row
            for row in rows
            if wanted(row) and (not modality or (row.department and row.department.modality.name == modality))
        ],
        total=len(rows),
        modalities=modalities,
        modality=modality,
        show=show,
    )


@scenarios.get("/placings/<int:placing_id>")
@login_required
def see_placing(placing_id: int) -> ResponseReturnValue:
    """One requirement in a run: where and how far, or why not."""
    require(viewer(), Action.SEE_RUNS)
    placing = queries.placing_by_id(db.session, viewer(), placing_id)
    return render_template(
        "scenarios/see_placing.html",
        placing=placing,
        why=describing.describe_reason(db.session, viewer(), placing),
        travel_limit_minutes=describing.travel_limit_of(placing),
        sections=sections.sections_of_placing(viewer(), placing),
    )


def _runs_page(round_id: int, refusal: str = "") -> str:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    runs = queries.runs_of_round(db.session, viewer(), round_id)
    under_way = [run for run in runs if run.state in ("queued", "running")]
    busy = {run.scenario_id for run in under_way}
    known = queries.scenarios_of_round(db.session, viewer(), round_id)
    return render_template(
        "scenarios/see_runs.html",
        round=round_,
        is_over=round_.is_finished(today()),
        runs=runs,
        under_way=under_way,
        scenarios=known,
        free=[scenario for scenario in known if scenario.id not in busy],
        inputs=queries.inputs_of_round(db.session, round_id),
        marks=marks.marks_of_round(db.session, viewer(), round_id),
        short_certificate=results.short_certificate,
        refusal=refusal,
    )


def _status(viewer: Viewer, round_id: int) -> Status:
    runs = queries.runs_of_round(db.session, viewer, round_id)
    if not runs:
        return Status("Not run yet", needs_attention=True)
    run = runs[0]
    if run.state != "finished":
        return Status(f"Last run {run.state}", needs_attention=True)
    placed, needed = run.summary["placed"], run.summary["requirements"]
    return Status(f"{placed:,} of {needed:,} placed in the last run", is_done=True)


register(
    Panel(
        title="Match",
        hint="Run the match, watch it, see who is placed where and why not",
        action=Action.SEE_RUNS,
        order=30,
        address=lambda round_id: url_for("scenarios.see_runs", round_id=round_id),
        status=_status,
    )
)
