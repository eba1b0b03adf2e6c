"""Pages about a round's appeals: the list, one appeal, and lodging one for a learner."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required
from sqlalchemy import select

from placements.access import Action, Viewer, require
from placements.allocations.models import PublicationLine
from placements.allocations.queries import lines_of_publication, newest_publication
from placements.appeals import queries, service
from placements.appeals.blueprint import appeals
from placements.appeals.evidence import ENDINGS, MOST_FILES
from placements.appeals.forms import LodgingForm
from placements.appeals.lists import appeals_csv
from placements.appeals.nearness import sites_to_ask_for
from placements.appeals.queries import AppealFilter
from placements.appeals.window import window
from placements.appeals.words import GROUNDS, STATES, wanted
from placements.clock import today
from placements.database import page_of
from placements.errors import Refused
from placements.extensions import db
from placements.organisations.models import Department
from placements.rounds import queries as rounds
from placements.web import viewer
from placements.web.downloads import csv_file, evidence_file
from placements.web.formats import count
from placements.web.panels import Panel, Status, register

ROWS_A_PAGE = 50
MOST_PAGES = 100_000
MOST_PLACES = 100


def asked() -> AppealFilter:
    """What the address says is wanted; a word that there is not counts as unsaid."""
    said = {name: request.args.get(name, "").strip() for name in AppealFilter.__dataclass_fields__}
    said["state"] = said["state"] if said["state"] in queries.STATES else ""
    said["grounds"] = said["grounds"] if said["grounds"] in GROUNDS else ""
    return AppealFilter(**said)


@appeals.get("/rounds/<int:round_id>/appeals")
@login_required
def see_appeals(round_id: int) -> ResponseReturnValue:
    """The round's appeals, those that wait for a decision first, with filters kept in the address."""
    require(viewer(), Action.SEE_APPEALS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    only = asked()
    page = min(max(1, request.args.get("page", 1, type=int)), MOST_PAGES)
    rows, total = page_of(
        db.session, queries.appeals_of_round(viewer(), round_id, only), page=page, size=ROWS_A_PAGE
    )
    pages = -(-total // ROWS_A_PAGE)

    def address(number: int) -> str:
        said: dict[str, Any] = only.said | {"page": number}
        return url_for("appeals.see_appeals", round_id=round_id, **said)

    if page > 1 and page > pages:
        return redirect(address(max(1, pages)))
    return render_template(
        "appeals/see_appeals.html",
        round=round_,
        rows=rows,
        places=queries.places_of(db.session, viewer(), rows),
        counts=queries.counts_of_round(db.session, viewer(), round_id),
        heis=queries.heis_of_round(db.session, viewer(), round_id),
        filters=only,
        window=window(round_, queries.first_published_utc(db.session, round_id), today()),
        is_late=round_.panel_by is not None and today() > round_.panel_by,
        grounds=GROUNDS,
        states=STATES,
        wanted=wanted,
        total=total,
        page=page,
        pages=pages,
        address=address,
        for_hei=viewer().hei_id is not None,
    )


@appeals.get("/rounds/<int:round_id>/appeals.csv")
@login_required
def download_appeals(round_id: int) -> ResponseReturnValue:
    """The appeals that the filters show, as CSV."""
    require(viewer(), Action.SEE_APPEALS)
    rounds.round_by_id(db.session, viewer(), round_id)
    rows = db.session.scalars(queries.appeals_of_round(viewer(), round_id, asked())).all()
    return csv_file(
        appeals_csv(rows, queries.places_of(db.session, viewer(), rows)), f"appeals-of-round-{round_id}.csv"
    )


@appeals.get("/rounds/<int:round_id>/appeals/new")
@login_required
def choose_place(round_id: int) -> ResponseReturnValue:
    """Find the learner and the place that an appeal is to be lodged about."""
    require(viewer(), Action.LODGE_APPEAL)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    reference = request.args.get("reference", "").strip()
    publication = newest_publication(db.session, viewer(), round_id)
    lines: list[PublicationLine] = []
    if reference and publication is not None:
        lines = list(
            db.session.scalars(
                select(PublicationLine)
                .where(
                    PublicationLine.id.in_(
                        lines_of_publication(viewer(), publication.id)
                        .with_only_columns(PublicationLine.id)
                        .order_by(None)
                    ),
                    PublicationLine.department_id.is_not(None),
                    PublicationLine.learner_reference.icontains(reference, autoescape=True),
                )
                .order_by(PublicationLine.learner_reference, PublicationLine.first_week)
                .limit(MOST_PLACES)
            )
        )
    undecided = queries.appeals_of_requirements(db.session, viewer(), [line.requirement_id for line in lines])
    return render_template(
        "appeals/choose_place.html",
        round=round_,
        reference=reference,
        lines=lines,
        appeals=undecided,
        states=STATES,
        why_not_this=service.why_not_this,
        window=window(round_, queries.first_published_utc(db.session, round_id), today()),
        is_cut=len(lines) == MOST_PLACES,
    )


@appeals.route("/rounds/<int:round_id>/appeals/new/<int:requirement_id>", methods=["GET", "POST"])
@login_required
def lodge_appeal(round_id: int, requirement_id: int) -> ResponseReturnValue:
    """Lodge an appeal for a learner of the officer's HEI."""
    require(viewer(), Action.LODGE_APPEAL)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    _, line, requirement = queries.place_to_appeal(db.session, viewer(), round_id, requirement_id)
    open_now = window(round_, queries.first_published_utc(db.session, round_id), today())
    here = db.session.scalar(select(Department.site_id).where(Department.id == line.department_id))
    form = LodgingForm(sites_to_ask_for(db.session, requirement, here))
    problem = ""
    if form.validate_on_submit():
        try:
            appeal = service.lodge_appeal(viewer(), round_id, requirement_id, form.command())
        except Refused as refusal:
            if refusal.fields:
                form.refuse(refusal)
            else:
                problem = refusal.message
        else:
            flash(f"The appeal of {line.learner_reference} is lodged. The academy’s panel decides.")
            return redirect(url_for("appeals.see_appeal", appeal_id=appeal.id))
    page = render_template(
        "appeals/lodge_appeal.html",
        round=round_,
        line=line,
        learner=requirement.learner,
        form=form,
        problem=problem,
        why_not=open_now.why_not or service.why_not_this(line),
        window=open_now,
        most_files=MOST_FILES,
    )
    return page, 400 if form.errors else 409 if problem else 200


@appeals.post("/appeals/<int:appeal_id>/withdraw")
@login_required
def withdraw_appeal(appeal_id: int) -> ResponseReturnValue:
    """Take back an appeal that waits for its decision."""
    appeal = service.withdraw_appeal(viewer(), appeal_id, version=request.form.get("version", 0, type=int))
    flash("The appeal is withdrawn.")
    return redirect(url_for("appeals.see_appeal", appeal_id=appeal.id))


@appeals.post("/appeals/evidence/<int:evidence_id>")
@login_required
def open_evidence(evidence_id: int) -> ResponseReturnValue:
    """A file given with an appeal, to be saved; that it was opened is written in the record."""
    evidence = service.open_evidence(viewer(), evidence_id)
    name = f"evidence-{evidence.appeal_id}-{evidence.id}.{ENDINGS[evidence.media_type]}"
    return evidence_file(evidence.data, name, evidence.media_type)


def _status(viewer: Viewer, round_id: int) -> Status:
    counts = queries.counts_of_round(db.session, viewer, round_id)
    total = sum(counts.values())
    if not total:
        return Status("No appeal")
    waiting = counts["lodged"]
    if not waiting:
        return Status(f"{count(total, 'appeal')}, all decided or withdrawn", is_done=True)
    decides = viewer.may(Action.DECIDE_APPEAL)
    return Status(f"{count(waiting, 'appeal waits', 'appeals wait')} for a decision", needs_attention=decides)


register(
    Panel(
        title="Appeals",
        hint="Learners who ask for another place than the published one, and what the panel decided",
        action=Action.SEE_APPEALS,
        order=43,
        address=lambda round_id: url_for("appeals.see_appeals", round_id=round_id),
        status=_status,
    )
)
