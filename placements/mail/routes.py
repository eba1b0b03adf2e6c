"""Pages about e-mails, for administrators: what was sent, and what needs a person."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.clock import now_utc
from placements.extensions import db
from placements.mail import queries, service
from placements.web import viewer

mail = Blueprint("mail", __name__, url_prefix="/mail")

MESSAGES_A_PAGE = 50
MOST_PAGES = 100_000


@mail.get("/")
@login_required
def see_mail() -> ResponseReturnValue:
    """The network's e-mails, the newest first, or those that need a person."""
    require(viewer(), Action.SEE_MAIL)
    show = "attention" if request.args.get("show") == "attention" else ""
    page = min(max(1, request.args.get("page", 1, type=int)), MOST_PAGES)
    now = now_utc()
    found, total = queries.messages(db.session, viewer(), now=now, show=show, page=page, size=MESSAGES_A_PAGE)
    attention = queries.messages(db.session, viewer(), now=now, show="attention", size=1)[1]

    def address(number: int) -> str:
        return url_for("mail.see_mail", show=show or None, page=number)

    return render_template(
        "mail/see_mail.html",
        messages=[(message, queries.state_of(message, now)) for message in found],
        total=total,
        attention=attention,
        show=show,
        page=page,
        pages=-(-total // MESSAGES_A_PAGE),
        address=address,
    )


@mail.post("/<int:message_id>/send")
@login_required
def send_mail(message_id: int) -> ResponseReturnValue:
    """Send an e-mail again that was given up or is in question."""
    message = service.send_again(viewer(), message_id)
    flash(f"The e-mail to {message.to} is in the queue again.")
    return redirect(url_for("mail.see_mail", show="attention"))
