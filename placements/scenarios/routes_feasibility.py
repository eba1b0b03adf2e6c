"""The page of what a cohort could expect before the match."""

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.extensions import db
from placements.scenarios.blueprint import scenarios
from placements.scenarios.feasibility import FEW, feasibility
from placements.web import viewer

# By what the address asks for: the fewest and the most sites of a learner's hardest need.
SHOWN = {"none": (0, 0), "one": (1, 1), "few": (2, FEW), "enough": (FEW + 1, 10_000)}
LEARNERS_A_PAGE = 20
# A later part's page of one learner.


@scenarios.get("/cohorts/<int:cohort_id>/feasibility")
@login_required
def see_feasibility(cohort_id: int) -> ResponseReturnValue:
    """Sites within reach of each learner, those with none first, and the blocks that are short."""
    require(viewer(), Action.SEE_FEASIBILITY)
    found = feasibility(db.session, viewer(), cohort_id)
    show = request.args.get("show", "")
    lines = found.with_sites(*SHOWN[show]) if show in SHOWN else list(found.learners)
    pages = max(1, -(-len(lines) // LEARNERS_A_PAGE))
    page = min(pages, max(1, request.args.get("page", 1, type=int)))

    def address(number: int) -> str:
        asked = show if show in SHOWN else None
        return (
            url_for("scenarios.see_feasibility", cohort_id=cohort_id, show=asked, page=number) + "#learners"
        )

    return render_template(
        "scenarios/see_feasibility.html",
        found=found,
        cohort=found.cohort,
        numbers={key: len(found.with_sites(*SHOWN[key])) for key in SHOWN},
        show=show if show in SHOWN else "",
        lines=lines[(page - 1) * LEARNERS_A_PAGE : page * LEARNERS_A_PAGE],
        total=len(lines),
        page=page,
        pages=pages,
        few=FEW,
        address=address,
    )
