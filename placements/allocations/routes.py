"""Pages about a round's publications: adopt a run, publish it."""

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required
from sqlalchemy.orm import Session

from placements.access import Action, Viewer, require
from placements.allocations import clearances, late_changes, late_learners, queries, service
from placements.allocations.blueprint import allocations
from placements.allocations.changes import earlier_publication, summary_of_changes
from placements.allocations.models import Publication
from placements.capacity import board
from placements.clock import today
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.scenarios import marks
from placements.scenarios.models import Run
from placements.scenarios.queries import latest_finished_run
from placements.web import viewer
from placements.web.panels import Panel, Status, register

# More changes of learners than these are counted, not told one by one.
MOST_TOLD = 10


@allocations.post("/runs/<int:run_id>/adopt")
@login_required
def adopt_run(run_id: int) -> ResponseReturnValue:
    """Let a run's placings stand as the round's allocations."""
    run = service.adopt_run(viewer(), run_id)
    flash(f"Run {run.id} now stands as the round's allocation. It is not published yet.")
    return redirect(url_for("allocations.see_publications", round_id=run.round_id))


@allocations.get("/rounds/<int:round_id>/publications")
@login_required
def see_publications(round_id: int) -> ResponseReturnValue:
    """A round's publications; for an academy lead also what stands and the button that publishes it."""
    require(viewer(), Action.SEE_PUBLICATIONS)
    return _publications_page(round_id)


@allocations.post("/rounds/<int:round_id>/publications")
@login_required
def publish_round(round_id: int) -> ResponseReturnValue:
    """Publish what stands."""
    try:
        publication = service.publish_round(
            viewer(), round_id, version=request.form.get("version", type=int) or 0
        )
    except (Refused, Stale) as refusal:
        return _publications_page(round_id, refusal.message), 409
    flash(f"Published as version {publication.number}. Trusts and HEIs can see their places now.")
    return redirect(url_for("allocations.see_publication", publication_id=publication.id))


def _publications_page(round_id: int, refusal: str = "") -> str:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    publications = queries.publications_of_round(db.session, viewer(), round_id)
    counts = queries.counts_of_round(db.session, viewer(), round_id)
    adopted = queries.adopted_run(db.session, viewer(), round_id)
    # Of a round that is over no further version is published, so nothing waits for one.
    is_over = bool(publications) and round_.has_ended(today())
    newest = publications[0] if publications and not is_over else None
    return render_template(
        "allocations/see_publications.html",
        waits=clearances.before_publication(db.session, viewer(), adopted)
        if adopted and not is_over
        else None,
        released=clearances.released_since(db.session, viewer(), newest) if newest else None,
        is_over=is_over,
        round=round_,
        publications=[(row, counts.get(row.id, queries.Counts())) for row in publications],
        adopted=adopted,
        is_published=bool(adopted and publications and publications[0].run_id == adopted.id),
        newest_changes=_newest_changes(publications),
        late=late_changes.since_publication(db.session, viewer(), newest) if newest else [],
        learners=late_learners.since_publication(db.session, viewer(), newest) if newest else [],
        most_told=MOST_TOLD,
        taken_in_by=_taken_in_by(publications),
        for_trust=viewer().trust_id is not None,
        refusal=refusal,
    )


def _newest_changes(publications: list[Publication]) -> str:
    """What the newest publication changed, where it is not the first."""
    earlier = earlier_publication(db.session, viewer(), publications[0]) if publications else None
    return summary_of_changes(db.session, viewer(), earlier, publications[0]) if earlier else ""


def _taken_in_by(publications: list[Publication]) -> Run | None:
    """A finished run, newer than the newest publication, that knows of every change since."""
    if not publications or not viewer().may(Action.SEE_RUNS):
        return None
    run = latest_finished_run(db.session, publications[0].round_id)
    if run is None or run.id == publications[0].run_id:
        return None
    if late_changes.since_run(db.session, viewer(), run) or late_learners.since_run(
        db.session, viewer(), run
    ):
        return None
    return run


def _status(viewer: Viewer, round_id: int) -> Status:
    publications = queries.publications_of_round(db.session, viewer, round_id)
    if publications and publications[0].round.has_ended(today()):
        return Status(f"Version {publications[0].number} published", is_done=True)
    adopted = queries.adopted_run(db.session, viewer, round_id) if viewer.may(Action.PUBLISH_ROUND) else None
    if adopted is not None and (not publications or publications[0].run_id != adopted.id):
        return Status("Ready to publish", needs_attention=True)
    if publications:
        number = publications[0].number
        if viewer.may(Action.PUBLISH_ROUND) and (changed := _what_changed(viewer, publications[0])):
            return Status(f"{changed} changed since version {number}", needs_attention=True)
        return Status(f"Version {number} published", is_done=True)
    return Status("Nothing published yet")


def _what_changed(viewer: Viewer, publication: Publication) -> str:
    """ "Places and learners", either of them, or "" where nothing was recorded since its run."""
    places = late_changes.since_publication(db.session, viewer, publication)
    learners = late_learners.since_publication(db.session, viewer, publication)
    found = [word for word, rows in (("places", places), ("learners", learners)) if rows]
    return " and ".join(found).capitalize()


def _marks(session: Session, viewer: Viewer, round_id: int) -> Mapping[int, str]:
    """Which runs were published, as which versions, and which one stands."""
    versions: dict[int, list[int]] = {}
    for publication in reversed(queries.publications_of_round(session, viewer, round_id)):
        versions.setdefault(publication.run_id, []).append(publication.number)
    words = {
        run_id: f"Published as version{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
        for run_id, numbers in versions.items()
    }
    adopted = queries.adopted_run(session, viewer, round_id)
    if adopted is not None:
        words[adopted.id] = ". ".join(filter(None, ("Adopted", words.get(adopted.id))))
    return words


marks.register("allocations", _marks)
board.register("allocations", late_changes.marks)
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
