"""A run's load by department and week: the heat map, and its figures as a file."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.extensions import db
from placements.scenarios import addresses, queries
from placements.scenarios.blueprint import scenarios
from placements.scenarios.heat import SHOWS, Heat, band, heat_csv, heat_of_run
from placements.scenarios.models import Run
from placements.web import viewer
from placements.web.downloads import csv_file

WHATS = {"load": "Supervisor load", "places": "Places taken"}


@scenarios.get("/runs/<int:run_id>/heat")
@login_required
def see_heat(run_id: int) -> ResponseReturnValue:
    """How heavily loaded every department is in every week, with filters that can be shared as an address."""
    run = _run(run_id)
    if run.state != "finished":
        return redirect(url_for("scenarios.see_run", run_id=run_id))
    every = heat_of_run(db.session, run)
    filters = _filters()
    return render_template(
        "scenarios/see_heat.html",
        run=run,
        heat=_narrowed(every),
        band=band,
        total=len(every.rows),
        trusts=sorted({(row.department.site.trust.name, row.department.site.trust_id) for row in every.rows}),
        modalities=sorted({row.department.modality.name for row in every.rows}),
        whats=WHATS,
        shows=SHOWS,
        filters=filters,
        said=addresses.said(filters),
    )


@scenarios.get("/runs/<int:run_id>/heat.csv")
@login_required
def download_heat(run_id: int) -> ResponseReturnValue:
    """The departments that the filters let through, week by week, as a CSV."""
    run = _run(run_id)
    if run.state != "finished":
        return redirect(url_for("scenarios.see_run", run_id=run_id))
    return csv_file(heat_csv(_narrowed(heat_of_run(db.session, run))), f"run-{run_id}-weeks.csv")


def _run(run_id: int) -> Run:
    require(viewer(), Action.SEE_RUNS)
    return queries.run_by_id(db.session, viewer(), run_id)


def _filters() -> dict[str, object]:
    return {
        "what": addresses.one_of("what", WHATS, "load"),
        "show": addresses.one_of("show", SHOWS, "all"),
        "trust": addresses.number("trust"),
        "modality": addresses.words("modality"),
    }


def _narrowed(heat: Heat) -> Heat:
    return heat.narrowed(
        trust_id=addresses.number("trust"),
        modality=addresses.words("modality"),
        show=addresses.one_of("show", SHOWS, "all"),
    )
