"""What rounds teach: learners' travel and variety over all of them, and what learners say of departments."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.errors import NotFound
from placements.extensions import db
from placements.outcomes import feedback, travel
from placements.outcomes.blueprint import outcomes
from placements.web import viewer
from placements.web.downloads import csv_file, xlsx_file

ROWS_A_PAGE = 50
ORDER_WORDS = {
    "above_median": "Mean above the HEI’s median",
    "mean": "Mean journey",
    "longest": "Longest journey",
    "hours": "Hours of travel",
    "sites": "Fewest sites",
    "reference": "Reference",
}


@outcomes.get("/learning/travel")
@login_required
def see_travel() -> ResponseReturnValue:
    """Travel and variety of each learner over all rounds, and by programme."""
    learners, everybody = _learners()
    order = request.args.get("order", "")
    order = order if order in ORDER_WORDS else "above_median"
    pages = max(1, -(-len(learners) // ROWS_A_PAGE))
    page = min(pages, max(1, request.args.get("page", 1, type=int)))
    said = {name: request.args.get(name, "").strip() for name in ("hei", "programme", "reference")}

    def address(number: int) -> str:
        kept: dict[str, Any] = {key: value for key, value in said.items() if value}
        return url_for("outcomes.see_travel", order=order, page=number, **kept)

    return render_template(
        "outcomes/see_travel.html",
        learners=travel.in_order(learners, order)[(page - 1) * ROWS_A_PAGE : page * ROWS_A_PAGE],
        programmes=travel.programmes_travel(everybody),
        total=len(learners),
        everybody=len(everybody),
        heis=sorted({row.hei for row in everybody}),
        names=sorted({row.programme for row in everybody}),
        said=said,
        kept={key: value for key, value in said.items() if value},
        order=order,
        orders=ORDER_WORDS,
        page=page,
        pages=pages,
        address=address,
        for_hei=viewer().hei_id is not None,
    )


@outcomes.get("/learning/travel.csv")
@login_required
def download_travel() -> ResponseReturnValue:
    """The learners, filtered as the page is, as a CSV."""
    return csv_file(travel.travel_csv(_learners()[0]), "learners-travel.csv")


@outcomes.get("/learning/travel.xlsx")
@login_required
def download_travel_workbook() -> ResponseReturnValue:
    """The same as a workbook, with a sheet by programme."""
    return xlsx_file(travel.travel_xlsx(_learners()[0]), "learners-travel.xlsx")


@outcomes.get("/learning/feedback")
@login_required
def see_feedback() -> ResponseReturnValue:
    """What learners say of each department: answers and average marks."""
    require(viewer(), Action.SEE_OUTCOMES)
    found = feedback.by_department(db.session, viewer())
    return render_template(
        "outcomes/see_feedback.html",
        departments=found,
        answers=sum(row.answers for row in found),
        fewest=feedback.FEWEST_ANSWERS,
        for_trust=viewer().trust_id is not None,
        for_hei=viewer().hei_id is not None,
    )


@outcomes.get("/learning/feedback/<int:department_id>")
@login_required
def see_comments(department_id: int) -> ResponseReturnValue:
    """What learners wrote about one department: for their HEI and the academy, never for the trust."""
    require(viewer(), Action.SEE_LEARNERS)
    found = feedback.by_department(db.session, viewer())
    department = next((row for row in found if row.department_id == department_id), None)
    if department is None:
        raise NotFound("There is no such department, or no learner has been there yet.")
    return render_template(
        "outcomes/see_comments.html",
        department=department,
        comments=feedback.comments_on(db.session, viewer(), department_id),
    )


def _learners() -> tuple[list[travel.LearnerTravel], list[travel.LearnerTravel]]:
    """The learners that the address's filters let through, and all that the person sees."""
    require(viewer(), Action.SEE_LEARNERS)
    everybody = travel.learners_travel(db.session, viewer())
    hei, programme, reference = (
        request.args.get(name, "").strip() for name in ("hei", "programme", "reference")
    )
    return [
        row
        for row in everybody
        if (not hei or row.hei == hei)
        and (not programme or row.programme == programme)
        and (not reference or reference.casefold() in row.reference.casefold())
    ], everybody
