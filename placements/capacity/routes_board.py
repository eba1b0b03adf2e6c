"""The board of declarations, with reminders from it; and the most of sites and trusts."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.capacity import caps, deciding, invitations, queries, reminders
from placements.capacity.blueprint import capacity
from placements.capacity.board import LATE, STATES, STUCK, Filters, board
from placements.clock import now_utc
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.web import viewer
from placements.web.formats import count
from placements.web.panels import Panel, Status, register

FILTERS = ("show", "trust", "modality")
# The words of each choice in the filter "Show".
SHOW = {
    "": "All departments",
    "unfinished": "Not submitted yet",
    STUCK: "Stuck",
    LATE: "Changed after the match",
    **{state: state.capitalize() for state in STATES},
}


@capacity.get("/rounds/<int:round_id>/capacity")
@login_required
def see_declarations(round_id: int) -> ResponseReturnValue:
    """How each department stands: the trust's own, or for an academy lead all of them, with filters kept in
    the address."""
    require(viewer(), Action.SEE_DECLARATIONS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    filters = Filters(**{name: request.args.get(name, "").strip() for name in FILTERS})
    found = board(db.session, viewer(), round_, now=now_utc(), filters=filters)
    return render_template(
        "capacity/see_declarations.html",
        round=round_,
        board=found,
        filters=filters,
        is_filtered=filters != Filters(),
        show_choices=SHOW,
        modalities={
            row.department.modality.key: row.department.modality.name
            for row in sorted(found.all_rows, key=lambda row: row.department.modality_id)
        },
        waiting=deciding.count_waiting(db.session, viewer(), round_id),
        links=sum(
            invitations.works(link, now_utc())
            for link in invitations.invitations_of_round(db.session, viewer(), round_id)
        ),
    )


@capacity.post("/rounds/<int:round_id>/capacity/remind")
@login_required
def chase_declarations(round_id: int) -> ResponseReturnValue:
    """Write to whoever has something to do for the departments that the filters show."""
    require(viewer(), Action.CHASE_DECLARATIONS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    filters = Filters(**{name: request.form.get(name, "").strip() for name in FILTERS})
    shown = board(db.session, viewer(), round_, now=now_utc(), filters=filters).shown_rows
    chased = reminders.chase_declarations(viewer(), round_id, [row.department.id for row in shown])
    flash(_chased_words(chased))
    kept = {name: value for name in FILTERS if (value := getattr(filters, name))}
    return redirect(url_for("capacity.see_declarations", round_id=round_id, **kept))


def _chased_words(chased: reminders.Chased) -> str:
    if not chased.written and not chased.told_today and not chased.nobody:
        return "There was nobody to remind: nothing is left to do for these departments."
    words = []
    if chased.written:
        words.append(f"A reminder is on its way to {count(chased.written, 'person', 'people')}.")
    if chased.told_today:
        words.append(f"{count(chased.told_today, 'person has', 'people have')} been reminded today already.")
    if chased.nobody:
        words.append(
            f"Nobody with an account could be reminded at {', '.join(chased.nobody)}:"
            " send the sites a private link."
        )
    return " ".join(words)


@capacity.route("/rounds/<int:round_id>/capacity/most", methods=["GET", "POST"])
@login_required
def set_cap(round_id: int) -> ResponseReturnValue:
    """The most learners at once over the trust and over each of its sites."""
    require(viewer(), Action.SET_CAP)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    limits = caps.limits(db.session, viewer(), round_id)
    typed = {limit.site_id: "" if limit.places is None else str(limit.places) for limit in limits}
    versions = {limit.site_id: limit.version for limit in limits}
    errors: dict[str, str] = {}
    problem = ""
    if request.method == "POST":
        typed = {limit.site_id: request.form.get(f"places-{limit.site_id}", "").strip() for limit in limits}
        versions = {
            limit.site_id: request.form.get(f"version-{limit.site_id}", 0, type=int) for limit in limits
        }
        try:
            caps.set_caps(viewer(), round_id, _wanted(typed, versions))
        except Refused as refusal:
            errors, problem = refusal.fields, refusal.message
        except Stale:
            db.session.rollback()
            limits = caps.limits(db.session, viewer(), round_id)
            # The typing stays; the newest version goes with it, so that saving again is meant.
            versions = {limit.site_id: limit.version for limit in limits}
            problem = (
                "Somebody else changed these limits while you were working on them. Nothing of yours is"
                " saved yet. Look at what they saved, then save again."
            )
        else:
            flash("The limits are saved. The match and the effective places keep to them.")
            return redirect(url_for("capacity.see_declarations", round_id=round_id))
    page = render_template(
        "capacity/set_cap.html",
        round=round_,
        limits=limits,
        typed=typed,
        versions=versions,
        errors=errors,
        problem=problem,
        most=caps.MOST_LEARNERS,
    )
    return page, (400 if errors else 409) if problem else 200


def _wanted(typed: dict[int, str], versions: dict[int, int]) -> dict[int, caps.NewLimit]:
    """What was typed as limits; a figure that is none becomes one that the service refuses."""
    return {
        site_id: caps.NewLimit(
            None if not text else int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1,
            versions[site_id],
        )
        for site_id, text in typed.items()
    }


def _status(viewer: Viewer, round_id: int) -> Status:
    found = queries.counts(db.session, viewer, round_id)
    submitted, departments = found.get("submitted", 0) + found.get("approved", 0), sum(found.values())
    waiting = deciding.count_waiting(db.session, viewer, round_id)
    if waiting:
        return Status(
            f"{count(waiting, 'declaration waits', 'declarations wait')} for your approval",
            needs_attention=True,
        )
    return Status(
        f"{submitted} of {departments} departments submitted",
        needs_attention=submitted < departments,
        is_done=submitted == departments > 0,
    )


register(
    Panel(
        title="Capacity",
        hint="What each department offers, week by week",
        action=Action.SEE_DECLARATIONS,
        order=10,
        address=lambda round_id: url_for("capacity.see_declarations", round_id=round_id),
        status=_status,
    )
)
