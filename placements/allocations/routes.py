"""Pages about allocations and publications."""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.allocations import queries, service
from placements.allocations.lists import places_csv
from placements.database import page_of
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.web import viewer
from placements.web.panels import Panel, Status, register

allocations = Blueprint("allocations", __name__)

LINES_A_PAGE = 50


@allocations.post("/runs/<int:run_id>/adopt")
@login_required
def adopt_run(run_id: int) -> ResponseReturnValue:
    """Let a run's placings stand as the round's allocations."""
    run = service.adopt_run(viewer(), run_id)
    flash("This run now stands as the round's allocation. Nothing has been published yet.")
    return redirect(url_for("allocations.see_publications", round_id=run.round_id))


@allocations.get("/rounds/<int:round_id>/publications")
@login_required
def see_publications(round_id: int) -> ResponseReturnValue:
    """A round's publications; for an academy lead also what stands and the button that publishes it."""
    require(viewer(), Action.SEE_PUBLICATIONS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    publications = queries.publications_of_round(db.session, viewer(), round_id)
    return render_template(
        "allocations/see_publications.html",
        round=round_,
        publications=[(row, queries.counts(db.session, viewer(), row.id)) for row in publications],
        adopted=queries.adopted_run(db.session, viewer(), round_id),
    )


@allocations.post("/rounds/<int:round_id>/publications")
@login_required
def publish_round(round_id: int) -> ResponseReturnValue:
    """Publish what stands."""
    version = request.form.get("version", type=int)
    publication = service.publish_round(viewer(), round_id, version=version or 0)
    flash(f"Published as version {publication.number}. Trusts and HEIs can see their places now.")
    return redirect(url_for("allocations.see_publication", publication_id=publication.id))


@allocations.get("/publications/<int:publication_id>")
@login_required
def see_publication(publication_id: int) -> ResponseReturnValue:
    """The published places that concern the person's organisation."""
    require(viewer(), Action.SEE_PUBLICATIONS)
    publication = queries.publication_by_id(db.session, viewer(), publication_id)
    page = max(1, request.args.get("page", 1, type=int))
    state = request.args.get("state", "")
    lines, total = page_of(
        db.session,
        queries.lines_of_publication(
            viewer(),
            publication_id,
            state=state if state in ("placed", "unplaced") else None,
            block=request.args.get("block", ""),
            reference=request.args.get("reference", "").strip(),
        ),
        page=page,
        size=LINES_A_PAGE,
    )
    return render_template(
        "allocations/see_publication.html",
        publication=publication,
        lines=lines,
        total=total,
        page=page,
        pages=-(-total // LINES_A_PAGE),
        counts=queries.counts(db.session, viewer(), publication_id),
        blocks=queries.blocks_of_publication(db.session, viewer(), publication_id),
        state=state,
    )


@allocations.get("/publications/<int:publication_id>/places.csv")
@login_required
def download_places(publication_id: int) -> ResponseReturnValue:
    """The same lines as a file."""
    require(viewer(), Action.SEE_PUBLICATIONS)
    publication = queries.publication_by_id(db.session, viewer(), publication_id)
    lines = db.session.scalars(queries.lines_of_publication(viewer(), publication_id))
    name = f"places-round-{publication.round_id}-version-{publication.number}.csv"
    return Response(
        places_csv(lines),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _status(viewer: Viewer, round_id: int) -> Status:
    publications = queries.publications_of_round(db.session, viewer, round_id)
    if publications:
        return Status(f"Version {publications[0].number} published", is_done=True)
    ready = viewer.may(Action.PUBLISH_ROUND) and queries.adopted_run(db.session, viewer, round_id) is not None
    return Status("Ready to publish" if ready else "Nothing published yet", needs_attention=ready)


register(
    Panel(
        title="Publication",
        hint="The published places, to see and to download",
        action=Action.SEE_PUBLICATIONS,
        order=40,
        address=lambda round_id: url_for("allocations.see_publications", round_id=round_id),
        status=_status,
    )
)
