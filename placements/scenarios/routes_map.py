"""The map of a run, its facts as tables, and both as files."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.extensions import db
from placements.geography.base_map import SOURCE
from placements.scenarios import addresses, mapping, queries
from placements.scenarios.blueprint import scenarios
from placements.scenarios.choices import choices_of_run
from placements.scenarios.drawing import MOST_LINES, picture
from placements.scenarios.heat import Heat, heat_of_run
from placements.scenarios.models import Run
from placements.web import viewer
from placements.web.downloads import csv_file

# So many journeys are listed beneath the map; the file has all.
JOURNEYS_LISTED = 25
SORTS = [*mapping.ORDERS, *(f"-{name}" for name in mapping.ORDERS)]


@scenarios.get("/runs/<int:run_id>/map")
@login_required
def see_map(run_id: int) -> ResponseReturnValue:
    """Where learners of a run travel from and to, and how loaded the sites are, with filters that can be
    shared as an address."""
    run = _run(run_id)
    if run.state != "finished":
        return redirect(url_for("scenarios.see_run", run_id=run_id))
    heat = heat_of_run(db.session, run)
    choices = choices_of_run(db.session, run)
    filters = _filters()
    found = _map(run, heat, filters)
    chosen = found.site(addresses.number("site"))
    flows = [flow for flow in found.flows if chosen is None or flow.site.id == chosen.site.id]
    sort = addresses.one_of("sort", SORTS, "site")
    said = addresses.said(filters)

    def address(**changes: Any) -> str:
        """This page with some filters changed."""
        kept = filters | {
            "site": chosen.site.id if chosen else None,
            "sort": sort if sort != "site" else None,
        }
        return url_for("scenarios.see_map", run_id=run_id, **addresses.said(kept | changes))

    return render_template(
        "scenarios/see_map.html",
        run=run,
        found=found,
        drawn=picture(found, flows),
        chosen=chosen,
        flows=flows,
        journeys_listed=JOURNEYS_LISTED,
        most_lines=MOST_LINES,
        sites=mapping.in_order(found.sites, sort),
        orders=mapping.ORDERS,
        sort=sort,
        choices=choices,
        modalities=sorted({row.department.modality.name for row in heat.rows}),
        filters=filters,
        said=said,
        address=address,
        source=SOURCE,
    )


@scenarios.get("/runs/<int:run_id>/map.csv")
@login_required
def download_map(run_id: int) -> ResponseReturnValue:
    """The sites of the map as a CSV, in the order of the page."""
    run = _run(run_id)
    if run.state != "finished":
        return redirect(url_for("scenarios.see_run", run_id=run_id))
    found = _map(run, heat_of_run(db.session, run), _filters())
    sites = mapping.in_order(found.sites, addresses.one_of("sort", SORTS, "site"))
    return csv_file(mapping.sites_csv(sites), f"run-{run_id}-sites.csv")


@scenarios.get("/runs/<int:run_id>/journeys.csv")
@login_required
def download_journeys(run_id: int) -> ResponseReturnValue:
    """Every journey of the map, from outward code to site, as a CSV."""
    run = _run(run_id)
    if run.state != "finished":
        return redirect(url_for("scenarios.see_run", run_id=run_id))
    flows = _map(run, heat_of_run(db.session, run), _filters()).flows
    site_id = addresses.number("site")
    shown = [flow for flow in flows if site_id is None or flow.site.id == site_id]
    return csv_file(mapping.flows_csv(shown), f"run-{run_id}-journeys.csv")


def _run(run_id: int) -> Run:
    require(viewer(), Action.SEE_RUNS)
    return queries.run_by_id(db.session, viewer(), run_id)


def _filters() -> dict[str, Any]:
    return {
        "group": addresses.number("group"),
        "block": addresses.number("block"),
        "hei": addresses.number("hei"),
        "modality": addresses.words("modality"),
    }


def _map(run: Run, heat: Heat, filters: dict[str, Any]) -> mapping.RunMap:
    blocks = {block.id: block for block in queries.blocks_of_round(db.session, run.round_id)}
    return mapping.map_of_run(
        db.session,
        run,
        heat,
        mapping.MapFilters(
            group_id=filters["group"],
            hei_id=filters["hei"],
            block=blocks.get(filters["block"]),
            modality=filters["modality"],
        ),
    )
