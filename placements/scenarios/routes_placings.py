"""The list of a run's placings, with filters and an order that can be shared as an address, and as files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.extensions import db
from placements.scenarios import addresses, describing, listing, queries
from placements.scenarios.blueprint import scenarios
from placements.scenarios.choices import choices_of_run
from placements.scenarios.listing import PlacingFilter
from placements.scenarios.published import published_places
from placements.web import viewer
from placements.web.downloads import csv_file, xlsx_file

PLACINGS_A_PAGE = 50
SORTS = [*listing.ORDERS, *(f"-{name}" for name in listing.ORDERS)]
# Filters that lie under "More".
FURTHER = ("group", "stage", "trust", "site", "least", "most", "wish", "change")


@scenarios.get("/runs/<int:run_id>/placings")
@login_required
def see_placings(run_id: int) -> ResponseReturnValue:
    """What the run proposes, requirement by requirement."""
    require(viewer(), Action.SEE_RUNS)
    run = queries.run_by_id(db.session, viewer(), run_id)
    only, sort = _filter(), _sort()
    page = max(1, addresses.number("page") or 1)
    placings, total = listing.page_of_placings(
        db.session, viewer(), run, only, sort, page=page, size=PLACINGS_A_PAGE
    )
    pages = -(-total // PLACINGS_A_PAGE)
    said = addresses.said(asdict(only))
    kept = said | ({"sort": sort} if sort != listing.USUAL else {})

    def address(number: int | None = None, **changes: Any) -> str:
        """This list at another page, or with another order."""
        asked = kept | changes | ({"page": number} if number else {})
        return url_for("scenarios.see_placings", run_id=run_id, **asked)

    if page > 1 and page > pages:
        return redirect(address(max(1, pages)))
    departments = queries.departments_by_id(db.session, [only.department] if only.department else [])
    return render_template(
        "scenarios/see_placings.html",
        run=run,
        placings=placings,
        sentences=describing.sentences(db.session, placings),
        total=total,
        page=page,
        pages=pages,
        choices=choices_of_run(db.session, run),
        department=departments.get(only.department or 0),
        only=asdict(only),
        said=said,
        kept=kept,
        is_open=any(said.get(name) is not None for name in FURTHER),
        is_published=bool(published_places(db.session, run.round_id)),
        sort=sort,
        usual=listing.USUAL,
        orders=listing.ORDERS,
        shows=listing.SHOWS,
        wishes=listing.WISHES,
        changes=listing.CHANGES,
        address=address,
    )


@scenarios.get("/runs/<int:run_id>/placings.csv")
@login_required
def download_placings(run_id: int) -> ResponseReturnValue:
    """The placings that are shown, all pages of them, as a CSV."""
    require(viewer(), Action.SEE_RUNS)
    run = queries.run_by_id(db.session, viewer(), run_id)
    data = listing.placings_csv(db.session, viewer(), run, _filter(), _sort())
    return csv_file(data, f"run-{run_id}-placings.csv")


@scenarios.get("/runs/<int:run_id>/placings.xlsx")
@login_required
def download_placings_workbook(run_id: int) -> ResponseReturnValue:
    """The same as a workbook."""
    require(viewer(), Action.SEE_RUNS)
    run = queries.run_by_id(db.session, viewer(), run_id)
    data = listing.placings_xlsx(db.session, viewer(), run, _filter(), _sort())
    return xlsx_file(data, f"run-{run_id}-placings.xlsx")


def _filter() -> PlacingFilter:
    return PlacingFilter(
        show=addresses.one_of("show", listing.SHOWS),
        **{
            name: addresses.number(name)
            for name in ("block", "hei", "group", "stage", "trust", "site", "department", "least", "most")
        },
        wish=addresses.one_of("wish", listing.WISHES),
        change=addresses.one_of("change", listing.CHANGES),
        reference=addresses.words("reference"),
    )


def _sort() -> str:
    return addresses.one_of("sort", SORTS, listing.USUAL)
