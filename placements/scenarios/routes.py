"""Pages about runs: start one, watch it, read what it proposes and why."""

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.database import page_of
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.scenarios import describing, queries, service
from placements.web import viewer
from placements.web.panels import Panel, Status, register

scenarios = Blueprint("scenarios", __name__)

PLACINGS_A_PAGE = 50


@scenarios.get("/rounds/<int:round_id>/runs")
@login_required
def see_runs(round_id: int) -> ResponseReturnValue:
    """A round's runs, and the button that starts one."""
    require(viewer(), Action.SEE_RUNS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    return render_template(
        "scenarios/see_runs.html", round=round_, runs=queries.runs_of_round(db.session, viewer(), round_id)
    )


@scenarios.post("/rounds/<int:round_id>/runs")
@login_required
def start_run(round_id: int) -> ResponseReturnValue:
    """Freeze the round's data and queue a run."""
    run = service.start_run(viewer(), round_id)
    return redirect(url_for("scenarios.see_run", run_id=run.id))


@scenarios.get("/runs/<int:run_id>")
@login_required
def see_run(run_id: int) -> ResponseReturnValue:
    """One run: its progress while it is under way, then its result."""
    require(viewer(), Action.SEE_RUNS)
    run = queries.run_by_id(db.session, viewer(), run_id)
    if run.state == "finished":
        return render_template(
            "scenarios/see_result.html", run=run, result=describing.describe_result(db.session, run)
        )
    return render_template("scenarios/see_run.html", run=run)


@scenarios.get("/runs/<int:run_id>/progress")
@login_required
def see_progress(run_id: int) -> ResponseReturnValue:
    """The run's state and last report, for the page that watches it."""
    require(viewer(), Action.SEE_RUNS)
    run = queries.run_by_id(db.session, viewer(), run_id)
    return jsonify(state=run.state, **run.progress)


@scenarios.post("/runs/<int:run_id>/cancel")
@login_required
def cancel_run(run_id: int) -> ResponseReturnValue:
    """Ask a run to stop."""
    run = service.cancel_run(viewer(), run_id)
    flash("The run was cancelled." if run.state == "cancelled" else "The run will stop at its next step.")
    return redirect(url_for("scenarios.see_run", run_id=run_id))


@scenarios.get("/runs/<int:run_id>/placings")
@login_required
def see_placings(run_id: int) -> ResponseReturnValue:
    """What the run proposes, requirement by requirement, with filters that can be shared as an address."""
    require(viewer(), Action.SEE_RUNS)
    run = queries.run_by_id(db.session, viewer(), run_id)
    page = max(1, request.args.get("page", 1, type=int))
    show = request.args.get("show", "all")
    placings, total = page_of(
        db.session,
        queries.placings_of_run(
            viewer(),
            run_id,
            placed={"placed": True, "unplaced": False}.get(show),
            block_id=request.args.get("block", type=int),
            hei_id=request.args.get("hei", type=int),
            reference=request.args.get("reference", "").strip(),
        ),
        page=page,
        size=PLACINGS_A_PAGE,
    )
    return render_template(
        "scenarios/see_placings.html",
        run=run,
        placings=placings,
        sentences=describing.sentences(db.session, placings),
        total=total,
        page=page,
        pages=-(-total // PLACINGS_A_PAGE),
        heis=describing.heis_of_run(db.session, run),
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
