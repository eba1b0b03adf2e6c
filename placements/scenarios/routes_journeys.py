"""How far the learners of a run travel, by who they are."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.extensions import db
from placements.scenarios import addresses, journeys, queries
from placements.scenarios.blueprint import scenarios
from placements.scenarios.choices import choices_of_run
from placements.scenarios.models import Run
from placements.web import viewer
from placements.web.downloads import csv_file


@scenarios.get("/runs/<int:run_id>/travel")
@login_required
def see_journeys(run_id: int) -> ResponseReturnValue:
    """The histogram of those whom the address asks for."""
    run = _run(run_id)
    if run.state != "finished":
        return redirect(url_for("scenarios.see_run", run_id=run_id))
    filters = _filters()
    said = addresses.said(filters)
    in_list = {name: value for name, value in said.items() if name != "mode"}

    def address(band: journeys.Band) -> str:
        return url_for(
            "scenarios.see_placings",
            run_id=run_id,
            least=band.first,
            most=band.last,
            sort="-travel",
            **in_list,
        )

    return render_template(
        "scenarios/see_journeys.html",
        run=run,
        found=_found(run, filters),
        choices=choices_of_run(db.session, run),
        modes=journeys.MODES,
        only=filters,
        said=said,
        address=address,
    )


@scenarios.get("/runs/<int:run_id>/travel.csv")
@login_required
def download_travel_bands(run_id: int) -> ResponseReturnValue:
    """The same bands as a CSV."""
    run = _run(run_id)
    if run.state != "finished":
        return redirect(url_for("scenarios.see_run", run_id=run_id))
    return csv_file(journeys.histogram_csv(_found(run, _filters())), f"run-{run_id}-travel.csv")


def _run(run_id: int) -> Run:
    require(viewer(), Action.SEE_RUNS)
    return queries.run_by_id(db.session, viewer(), run_id)


def _filters() -> dict[str, Any]:
    return {
        **{name: addresses.number(name) for name in ("group", "stage", "hei", "block")},
        "mode": addresses.one_of("mode", journeys.MODES),
    }


def _found(run: Run, filters: dict[str, Any]) -> journeys.Histogram:
    minutes = journeys.minutes_of_run(
        db.session,
        run,
        group_id=filters["group"],
        stage_id=filters["stage"],
        hei_id=filters["hei"],
        block_id=filters["block"],
        mode=filters["mode"],
    )
    return journeys.histogram(minutes, journeys.limits_of(run))
