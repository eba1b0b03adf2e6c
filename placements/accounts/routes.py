"""Pages about accounts: signing in and out, and where each role begins."""

from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import UserMixin, current_user, login_required, login_user, logout_user

from placements.access import Viewer
from placements.accounts import queries, service
from placements.accounts.forms import SignInForm
from placements.accounts.models import Person
from placements.extensions import db, limiter, login_manager

accounts = Blueprint("accounts", __name__)

login_manager.login_view = "accounts.sign_in"  # type: ignore[assignment]  # typed too narrowly upstream
login_manager.login_message = "Sign in to see this page."
login_manager.session_protection = "basic"


class SignedIn(UserMixin):
    """What the session holds of a person: enough to make a Viewer."""

    def __init__(self, person: Person) -> None:
        self._viewer = service.viewer_of(person)
        self._key = f"{person.id}.{person.session_key}"

    def get_id(self) -> str:
        return self._key

    def viewer(self) -> Viewer:
        return self._viewer


@login_manager.user_loader
def _load(key: str) -> SignedIn | None:
    person_id, _, session_key = key.partition(".")
    if not person_id.isdigit():
        return None
    person = queries.active_person(db.session, int(person_id))
    return SignedIn(person) if person and person.session_key == session_key else None


def _typed_address() -> str:
    return "sign-in:" + request.form.get("email", "").strip().lower()


def _is_try() -> bool:
    return request.method != "POST"


@accounts.route("/sign-in", methods=["GET", "POST"])
@limiter.limit("30 per 15 minutes", methods=["POST"])
@limiter.limit("8 per 15 minutes", key_func=_typed_address, exempt_when=_is_try)
def sign_in() -> ResponseReturnValue:
    """Sign in; tries are limited by address and by account."""
    if current_user.is_authenticated:
        return redirect(url_for("accounts.home"))
    form = SignInForm(next=request.args.get("next", ""))
    if form.validate_on_submit():
        person = service.sign_in(cast(str, form.email.data), cast(str, form.password.data))
        if person is not None:
            session.clear()
            login_user(SignedIn(person))
            session.permanent = True
            return redirect(_own_address(form.next.data))
        form.password.errors = ["The e-mail address or the password is not right"]
    return render_template("accounts/sign_in.html", form=form), 400 if form.errors else 200


@accounts.post("/sign-out")
@login_required
def sign_out() -> ResponseReturnValue:
    """End the session."""
    logout_user()
    session.clear()
    return redirect(url_for("accounts.sign_in"))


@accounts.get("/")
@login_required
def home() -> ResponseReturnValue:
    """Every role begins at its rounds."""
    return redirect(url_for("rounds.see_rounds"))


def _own_address(address: str | None) -> str:
    """Where to go after signing in: only ever a page of this site."""
    parts = urlsplit(address or "")
    if address and address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.netloc:
        return address
    return url_for("accounts.home")
