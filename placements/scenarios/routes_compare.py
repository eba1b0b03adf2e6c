"""Pages that set runs side by side, tell them apart learner by learner, and solve one again."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.csv_files import csv_bytes
from placements.errors import Refused
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.scenarios import comparing, describing, differing, queries, reproducing
from placements.scenarios.best import Best, best_of
from placements.scenarios.blueprint import scenarios
from placements.scenarios.models import Run
from placements.web import viewer
from placements.web.downloads import csv_file

DIFFERENCES_A_PAGE = 50


@scenarios.get("/rounds/<int:round_id>/compare")
@login_required
def see_comparison(round_id: int) -> ResponseReturnValue:
    """Up to four runs side by side, named in the address; without any, a form to choose them."""
    require(viewer(), Action.SEE_RUNS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    refusal, status, chosen = "", 200, list[Run]()
    try:
        chosen = _chosen(round_id)
    except Refused as refused:
        refusal, status = refused.message, 400
    finished = [
        run for run in queries.runs_of_round(db.session, viewer(), round_id) if run.state == "finished"
    ]
    tables = comparing.compare(db.session, chosen) if chosen else []
    best = best_of(chosen) if len(chosen) > 1 else Best(None, "")
    page = render_template(
        "scenarios/see_comparison.html",
        round=round_,
        columns=comparing.columns(chosen, tables, best.run),
        best=best,
        tables=tables,
        finished=finished,
        asked=_asked(),
        most_runs=comparing.MOST_RUNS,
        refusal=refusal,
    )
    return page, status


@scenarios.get("/rounds/<int:round_id>/compare/learners")
@login_required
def see_differences(round_id: int) -> ResponseReturnValue:
    """The placements that the runs do not treat alike, filtered and paged by the address."""
    require(viewer(), Action.SEE_RUNS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    chosen = _chosen(round_id)
    if len(chosen) < 2:
        return redirect(url_for("scenarios.see_comparison", round_id=round_id, run=_asked()))
    page = max(1, request.args.get("page", 1, type=int))
    filters = _filters()
    rows, total = differing.differences(
        db.session,
        chosen,
        show=filters["show"],
        hei_id=_hei(),
        reference=filters["reference"],
        page=min(page, 1_000_000),
        size=DIFFERENCES_A_PAGE,
    )
    pages = max(1, -(-total // DIFFERENCES_A_PAGE))
    said = {name: value for name, value in filters.items() if value not in ("", "all")}

    def address(number: int) -> str:
        return url_for(
            "scenarios.see_differences",
            round_id=round_id,
            run=[run.id for run in chosen],
            page=number,
            **said,  # type: ignore[arg-type]  # texts
        )

    if page > pages:
        return redirect(address(pages))
    return render_template(
        "scenarios/see_differences.html",
        round=round_,
        columns=comparing.columns(chosen),
        rows=rows,
        where=differing.where,
        total=total,
        page=page,
        pages=pages,
        address=address,
        filters=filters,
        said=said,
        heis=describing.heis_of_run(db.session, chosen[0]),
    )


@scenarios.get("/rounds/<int:round_id>/compare/learners.csv")
@login_required
def download_differences(round_id: int) -> ResponseReturnValue:
    """All the differences that the filters leave, as a file."""
    require(viewer(), Action.SEE_RUNS)
    rounds.round_by_id(db.session, viewer(), round_id)
    chosen, filters = _chosen(round_id), _filters()
    if len(chosen) < 2:
        raise Refused("Choose two runs or more to compare.")
    rows = differing.differences_csv(
        db.session, chosen, show=filters["show"], hei_id=_hei(), reference=filters["reference"]
    )
    name = "differences-" + "-".join(str(run.id) for run in chosen) + ".csv"
    return csv_file(csv_bytes(rows), name)


@scenarios.get("/runs/<int:run_id>/snapshot.json")
@login_required
def download_snapshot(run_id: int) -> ResponseReturnValue:
    """All that a run was solved from: the frozen data with its locks, the policy and the settings."""
    require(viewer(), Action.SEE_RUNS)
    run = queries.run_by_id(db.session, viewer(), run_id)
    return Response(
        reproducing.snapshot_json(run),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="run-{run.id}.json"'},
    )


@scenarios.post("/runs/<int:run_id>/reproduce")
@login_required
def reproduce_run(run_id: int) -> ResponseReturnValue:
    """Have a finished run solved again, to see whether the same comes of it."""
    reproducing.ask_to_reproduce(viewer(), run_id)
    flash("The run is being solved again from what it kept. Look at this page again in a while.")
    return redirect(url_for("scenarios.see_run", run_id=run_id) + "#again")


def _chosen(round_id: int) -> list[Run]:
    return comparing.runs_to_compare(db.session, viewer(), round_id, _asked())


def _asked() -> list[int]:
    """The runs of the address; a number that no run can have is as good as none."""
    return [number for number in request.args.getlist("run", type=int) if 0 < number < 2**31]


def _hei() -> int | None:
    number = request.args.get("hei", 0, type=int)
    return number if 0 < number < 2**31 else None


def _filters() -> dict[str, str]:
    show = request.args.get("show", "all")
    return {
        "show": show if show in differing.SHOWN else "all",
        "hei": str(_hei() or ""),
        "reference": request.args.get("reference", "").strip()[:100],
    }
