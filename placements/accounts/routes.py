"""Pages about accounts: signing in and out, and where each role begins."""

from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import UserMixin, current_user, login_required, login_user, logout_user

from placements.access import Action, Viewer, require
from placements.accounts import queries, service
from placements.accounts.forms import (
    ROLE_HINTS,
    ChangePasswordForm,
    ChangePersonForm,
    CreatePersonForm,
    ResetPasswordForm,
    SignInForm,
)
from placements.accounts.models import Person
from placements.audit import describing
from placements.audit import queries as audit
from placements.errors import Refused, Stale
from placements.extensions import db, limiter, login_manager
from placements.web import viewer
from placements.web.errors import prefers_json
from placements.web.refusals import show_refusal

accounts = Blueprint("accounts", __name__)

login_manager.session_protection = "basic"

ENTRIES_A_PAGE = 50
THE_SYSTEM = "system"


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


@login_manager.unauthorized_handler
def _ask_to_sign_in() -> ResponseReturnValue:
    """A page leads to signing in and back; a script gets 401."""
    if prefers_json():
        abort(401)
    # Only what can be asked for again by address: a form that was sent is not sent twice.
    wanted = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
    return redirect(url_for("accounts.sign_in", next=wanted))


def _typed_address() -> str:
    return "sign-in:" + request.form.get("email", "").strip().lower()


def _own_account() -> str:
    return f"password:{viewer().person_id}"


def _was_wrong(response: Response) -> bool:
    return response.status_code == 400


# Only tries that were wrong count: a whole hospital may sign in from one address in one morning.
@accounts.route("/sign-in", methods=["GET", "POST"])
@limiter.limit("30 per 15 minutes", methods=["POST"], deduct_when=_was_wrong)
@limiter.limit("8 per 15 minutes", methods=["POST"], deduct_when=_was_wrong, key_func=_typed_address)
def sign_in() -> ResponseReturnValue:
    """Sign in; wrong tries are limited by where they come from and by account."""
    if current_user.is_authenticated:
        return redirect(url_for("accounts.home"))
    form = SignInForm(next=request.args.get("next", ""))
    if form.validate_on_submit():
        person = service.sign_in(cast(str, form.email.data), cast(str, form.password.data))
        if person is not None:
            _keep_signed_in(person)
            return redirect(_own_address(form.next.data))
        # One message for both, so that nobody learns which addresses have accounts.
        form.password.errors = ["The e-mail address or the password is not right"]
    return render_template("accounts/sign_in.html", form=form), 400 if form.errors else 200


def _keep_signed_in(person: Person) -> None:
    """A fresh session: nothing of an earlier one, or of one that somebody else began, lives on in it."""
    session.clear()
    login_user(SignedIn(person))
    session.permanent = True


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


@accounts.get("/accounts")
@login_required
def see_people() -> ResponseReturnValue:
    """Every account of the network, its trusts and its HEIs."""
    require(viewer(), Action.SEE_PEOPLE)
    organisations = queries.organisations(db.session, viewer())
    return render_template(
        "accounts/see_people.html",
        people=[
            (person, queries.organisation_of(person, organisations))
            for person in queries.people(db.session, viewer())
        ],
    )


@accounts.route("/accounts/new", methods=["GET", "POST"])
@login_required
def create_person() -> ResponseReturnValue:
    """Make an account."""
    require(viewer(), Action.CREATE_PERSON)
    form = CreatePersonForm(queries.organisations(db.session, viewer()))
    if form.validate_on_submit():
        try:
            person = service.create_person(viewer(), form.command())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            flash(
                f"{person.name} can sign in as {person.email}. Tell them the password in person or by phone."
            )
            return redirect(url_for("accounts.see_people"))
    return (
        render_template("accounts/create_person.html", form=form, role_hints=ROLE_HINTS),
        400 if form.errors else 200,
    )


@accounts.route("/accounts/<int:person_id>", methods=["GET", "POST"])
@login_required
def change_person(person_id: int) -> ResponseReturnValue:
    """One account: close or reopen it."""
    require(viewer(), Action.CHANGE_PERSON)
    queries.person_by_id(db.session, viewer(), person_id)
    form = ChangePersonForm()
    if form.validate_on_submit():
        is_active = form.account.data == "open"
        try:
            person = service.change_person(
                viewer(), person_id, version=cast(int, form.version.data), is_active=is_active
            )
        except (Refused, Stale) as error:
            return _person_page(person_id, refusal=error.message), 409
        else:
            flash(f"The account of {person.name} is {'open' if is_active else 'closed'}.")
            return redirect(url_for("accounts.see_people"))
    elif form.is_submitted():
        return _person_page(person_id, refusal="Use the buttons on this page to change the account."), 400
    return _person_page(person_id)


@accounts.post("/accounts/<int:person_id>/password")
@login_required
def reset_password(person_id: int) -> ResponseReturnValue:
    """Give somebody who forgot their password a new one."""
    require(viewer(), Action.RESET_PASSWORD)
    queries.person_by_id(db.session, viewer(), person_id)
    form = ResetPasswordForm()
    if not form.validate_on_submit():
        return _person_page(person_id, form), 400
    try:
        person = service.reset_password(
            viewer(), person_id, version=cast(int, form.version.data), new=cast(str, form.password.data)
        )
    except Stale as error:
        return _person_page(person_id, refusal=error.message), 409
    except Refused as refused:
        show_refusal(form, refused)
        return _person_page(person_id, form), 400
    flash(f"{person.name} has a new password. Tell it to them in person or by phone.")
    return redirect(url_for("accounts.see_people"))


def _person_page(person_id: int, form: ResetPasswordForm | None = None, refusal: str = "") -> str:
    person = queries.person_by_id(db.session, viewer(), person_id)
    return render_template(
        "accounts/change_person.html",
        person=person,
        organisation=queries.organisation_of(person, queries.organisations(db.session, viewer())),
        form=form or ResetPasswordForm(formdata=None),
        refusal=refusal,
        is_own=person.id == viewer().person_id,
    )


@accounts.route("/accounts/password", methods=["GET", "POST"])
@login_required
@limiter.limit("8 per 15 minutes", methods=["POST"], deduct_when=_was_wrong, key_func=_own_account)
def change_password() -> ResponseReturnValue:
    """Change the own password; this session stays, all others end."""
    require(viewer(), Action.CHANGE_PASSWORD)
    form = ChangePasswordForm()
    if form.validate_on_submit():
        try:
            person = service.change_password(
                viewer(), current=cast(str, form.current.data), new=cast(str, form.new.data)
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            _keep_signed_in(person)
            flash("Your password is changed. Wherever else you were signed in, you no longer are.")
            return redirect(url_for("accounts.home"))
    return render_template("accounts/change_password.html", form=form), 400 if form.errors else 200


@accounts.get("/audit")
@login_required
def see_audit() -> ResponseReturnValue:
    """Who did what, the newest first."""
    require(viewer(), Action.SEE_AUDIT)
    people = {person.id: person.name for person in queries.people(db.session, viewer())}
    action, who = request.args.get("action", ""), request.args.get("person", "")
    page = max(1, request.args.get("page", 1, type=int))
    entries, total = audit.entries(
        db.session,
        viewer(),
        queries.visible_people(viewer()).with_only_columns(Person.id).order_by(None),
        action=action if action in describing.DONE_BY_NAME else "",
        person_id=int(who) if who.isdecimal() and int(who) in people else None,
        by_system=who == THE_SYSTEM,
        page=page,
        size=ENTRIES_A_PAGE,
    )
    return render_template(
        "accounts/see_audit.html",
        entries=[
            (entry, describing.done(entry.action), describing.subject(entry, people), describing.facts(entry))
            for entry in entries
        ],
        total=total,
        page=page,
        pages=max(1, -(-total // ENTRIES_A_PAGE)),
        actions=sorted(describing.DONE_BY_NAME.items(), key=lambda choice: choice[1]),
        people=people,
        action=action,
        who=who,
        the_system=THE_SYSTEM,
    )


def _own_address(address: str | None) -> str:
    """Where to go after signing in: only ever a page of this site.

    Browsers drop tabs and line ends from an address and take a backslash for a slash, so an address with
    either is not used at all.
    """
    address = address or ""
    parts = urlsplit(address)
    is_plain = address.isprintable() and "\\" not in address
    if is_plain and address.startswith("/") and not address.startswith("//") and not parts.netloc:
        return address
    return url_for("accounts.home")
