"""Private links: making and ending them, and the pages that they open without an account."""

from collections.abc import Callable
from datetime import date
from functools import wraps

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.capacity import invitations, queries, service
from placements.capacity.blueprint import capacity
from placements.capacity.content import ANYONE, EDUCATORS
from placements.capacity.forms import Sheet, cell_words
from placements.capacity.models import Invitation
from placements.clock import now_utc
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db, limiter
from placements.mail.rendering import link
from placements.rounds import queries as rounds
from placements.rounds.models import Block, Round
from placements.web import viewer


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


def _was_no_link(response: Response) -> bool:
    return response.status_code == 404


Page = Callable[..., ResponseReturnValue]


def _by_link(page: Page) -> Page:
    """A page that a link's secret opens: the same answer for every link that does not work, and an address
    that is neither kept nor told to other sites."""

    @wraps(page)
    def opened(secret: str, **values: int) -> Response:
        invitation = invitations.invited_by(db.session, secret)
        try:
            if invitation is None:
                raise NotFound("no such link")
            response = make_response(page(invitation, secret=secret, **values))
        except NotFound:
            response = make_response(render_template("capacity/link_is_over.html"), 404)
        response.headers["Cache-Control"] = "no-store"
        # Only the site's own address goes along, and not to others: forms need that much.
        response.headers["Referrer-Policy"] = "strict-origin"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return opened


@capacity.get("/declare/<secret>")
@limiter.limit("30 per 15 minutes", deduct_when=_was_no_link)
@limiter.limit("300 per 15 minutes")
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
@limiter.limit("30 per 15 minutes", deduct_when=_was_no_link)
@limiter.limit("300 per 15 minutes")
@_by_link
def save_invited_declaration(invitation: Invitation, secret: str, department_id: int) -> ResponseReturnValue:
    """One department's weeks, filled in and submitted by the holder of a private link."""
    guest = invitations.viewer_of(invitation)
    round_ = rounds.round_by_id(db.session, guest, invitation.round_id)
    department = queries.department_by_id(db.session, guest, department_id)
    declaration = queries.declaration_of(db.session, guest, round_.id, department_id)
    weeks = round_.block_weeks()
    saved = queries.content_of(declaration)
    sheet = Sheet.of_saved(declaration.version if declaration else 0, saved, weeks)
    problem, status = "", 200
    if request.method == "POST":
        sheet = Sheet.of_form(department_id, request.form)
        problem, status = _save(guest, round_, department_id, sheet)
        if status == 200:
            if "submit" in request.form:
                flash(f"{department.name}: submitted. Thank you.")
            else:
                flash(f"{department.name}: the draft is saved. Submit it when it is complete.")
            return redirect(url_for("capacity.see_invited_declarations", secret=secret))
        declaration = queries.declaration_of(db.session, guest, round_.id, department_id)
        if status == 409:
            # Saving again is then meant.
            sheet.version = declaration.version if declaration else 0
    page = render_template(
        "capacity/save_invited_declaration.html",
        secret=secret,
        invitation=invitation,
        round=round_,
        department=department,
        declaration=declaration,
        sheet=sheet,
        blocks=_rows(round_),
        columns=COLUMNS,
        problem=problem,
        errors=[
            (f"{department_id}.{name}", f"{cell_words(name)}: {words}")
            for name, words in sheet.errors.items()
        ],
    )
    return page, status


# What the page asks for: a line for whoever comes, and the educators' time.
COLUMNS = {
    f"{ANYONE}.preferred": "Preferred places",
    f"{ANYONE}.maximum": "Most places",
    f"{EDUCATORS}.wte": "Educator WTE",
}


def _rows(round_: Round) -> list[tuple[Block, list[date]]]:
    """Each block with the weeks that no block before it has: a week has one row."""
    seen: set[date] = set()
    found = []
    for block in round_.blocks:
        weeks = [week for week in block.mondays() if week not in seen]
        seen.update(weeks)
        if weeks:
            found.append((block, weeks))
    return found


def _save(guest: Viewer, round_: Round, department_id: int, sheet: Sheet) -> tuple[str, int]:
    """Save or submit what was typed; what is wrong with it as a whole, and the answer's status."""
    saved = queries.declaration_of(db.session, guest, round_.id, department_id)
    content = sheet.content(queries.content_of(saved), round_.block_weeks())
    if content is None:
        return "", 400
    act = service.submit_declaration if "submit" in request.form else service.save_declaration
    try:
        act(guest, round_.id, department_id, version=sheet.version, content=content)
    except Stale:
        db.session.rollback()
        return (
            "Somebody else changed the same figures while you were working on them. Nothing of yours is saved"
            " yet, and your typing is all here. Submit again to save it over theirs.",
            409,
        )
    except Refused as refusal:
        sheet.errors = dict(refusal.fields)
        return "" if sheet.errors else refusal.message, 400
    return "", 200
