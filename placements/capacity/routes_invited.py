"""Private links: making and ending them, and the pages that they open without an account."""

from dataclasses import replace

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.capacity import deciding, invitations, queries
from placements.capacity.blueprint import capacity
from placements.capacity.grid import Grid, read_grid
from placements.capacity.grid_acts import Outcome, act
from placements.capacity.grid_view import views
from placements.capacity.models import Invitation
from placements.clock import now_utc
from placements.errors import Refused
from placements.extensions import db
from placements.mail.rendering import link
from placements.organisations.models import Department
from placements.organisations.queries import department_by_id
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.web import viewer
from placements.web.private_links import by_link

SHOWN_ERRORS = 12


@capacity.route("/rounds/<int:round_id>/capacity/links", methods=["GET", "POST"])
@login_required
def invite_site(round_id: int) -> ResponseReturnValue:
    """The round's private links, and a new one, which is shown this once."""
    require(viewer(), Action.INVITE_SITE)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    typed = {name: request.form.get(name, "").strip() for name in ("site", "email", "days")}
    errors: dict[str, str] = {}
    problem, made = "", None
    if request.method == "POST":
        try:
            made = _invite(round_id, typed)
        except Refused as refusal:
            errors, problem = refusal.fields, refusal.message
    now = now_utc()
    page = render_template(
        "capacity/invite_site.html",
        round=round_,
        sites=invitations.sites_to_invite(db.session, viewer()),
        links=[
            (row, invitations.works(row, now))
            for row in invitations.invitations_of_round(db.session, viewer(), round_id)
        ],
        default_expiry=invitations.default_expiry(round_, now),
        most_days=invitations.MOST_DAYS,
        typed=typed if not made else {},
        errors=errors,
        problem=problem,
        made=made.invitation if made else None,
        address=link(made.path) if made else "",
    )
    return page, 400 if problem else 200


def _invite(round_id: int, typed: dict[str, str]) -> invitations.Invited:
    wrong = {}
    site, days = _number(typed["site"]), _number(typed["days"])
    if site is None:
        wrong["site"] = "Choose a site"
    if typed["days"] and days is None:
        wrong["days"] = f"Use a whole number of days from 1 to {invitations.MOST_DAYS}"
    if site is None or wrong:
        raise Refused("The link was not made.", wrong)
    return invitations.invite_site(viewer(), round_id, site, email=typed["email"], days=days)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@capacity.post("/links/<int:invitation_id>/end")
@login_required
def revoke_invitation(invitation_id: int) -> ResponseReturnValue:
    """End a private link."""
    invitation = invitations.revoke_invitation(viewer(), invitation_id)
    flash(f"The link for {invitation.site.name} is ended. Whoever opens it now is told so.")
    return redirect(url_for("capacity.invite_site", round_id=invitation.round_id))


_by_link = by_link(lambda secret: invitations.invited_by(db.session, secret))


@capacity.get("/declare/<secret>")
@_by_link
def see_invited_declarations(invitation: Invitation, secret: str) -> ResponseReturnValue:
    """What the holder of a private link may declare: the departments of one site in one round."""
    guest = invitations.viewer_of(invitation)
    return render_template(
        "capacity/see_invited_declarations.html",
        secret=secret,
        invitation=invitation,
        round=invitation.round,
        departments=invitations.departments_invited(db.session, guest),
        declarations=queries.declarations_of(db.session, guest, invitation.round_id),
    )


@capacity.route("/declare/<secret>/<int:department_id>", methods=["GET", "POST"])
@_by_link
def save_invited_declaration(invitation: Invitation, secret: str, department_id: int) -> ResponseReturnValue:
    """One department's weeks, filled in and submitted by the holder of a private link."""
    guest = invitations.viewer_of(invitation)
    round_ = rounds.round_by_id(db.session, guest, invitation.round_id)
    department = department_by_id(db.session, guest, department_id)
    outcome = Outcome()
    if request.method == "POST":
        outcome = act(guest, _grid(guest, round_, department), request.form)
        if outcome.is_done:
            for words in outcome.says:
                flash(words)
            return redirect(url_for("capacity.see_invited_declarations", secret=secret))
    grid = _grid(guest, round_, department)
    found = views(grid, outcome.sheets)
    notes = [note for view in found for note in view.notes]
    declaration = found[0].of.declaration
    page = render_template(
        "capacity/save_invited_declaration.html",
        secret=secret,
        invitation=invitation,
        round=round_,
        department=department,
        guest=guest,
        grid=grid,
        views=found,
        outcome=outcome,
        notes=notes[:SHOWN_ERRORS],
        more_notes=max(0, len(notes) - SHOWN_ERRORS),
        returned=deciding.return_of(db.session, declaration),
    )
    return page, outcome.status


def _grid(guest: Viewer, round_: Round, department: Department) -> Grid:
    # What learners need nearby is for those who have an account.
    found = read_grid(db.session, guest, round_, [department], with_nearby=False)
    return replace(found, knows_nearby=True)
