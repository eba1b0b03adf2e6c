"""The page before publishing: all that was looked at, and the button where nothing blocks."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.allocations import checklist, queries
from placements.allocations.blueprint import allocations
from placements.clock import today
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.web import viewer

# The most pressing first.
ORDER = ("blocks", "warns", "in order")


@allocations.get("/rounds/<int:round_id>/publish")
@login_required
def check_publication(round_id: int) -> ResponseReturnValue:
    """The check-list of the version that would be published now."""
    require(viewer(), Action.PUBLISH_ROUND)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    run = queries.adopted_run(db.session, viewer(), round_id)
    newest = queries.newest_publication(db.session, viewer(), round_id)
    if run is None or (newest is not None and round_.has_ended(today())):
        return redirect(url_for("allocations.see_publications", round_id=round_id))
    items = checklist.items_before_publication(db.session, viewer(), round_, run)
    return render_template(
        "allocations/check_publication.html",
        round=round_,
        run=run,
        number=(newest.number if newest else 0) + 1,
        groups=[(effect, [item for item in items if item.effect == effect]) for effect in ORDER],
        blocks=checklist.blocking(items),
    )
