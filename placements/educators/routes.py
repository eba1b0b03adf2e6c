"""Pages about practice educators: who they are, when they are away, and whom others share."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.clock import today
from placements.educators import effects, queries, service
from placements.educators.forms import (
    KIND_WORDS,
    AbsenceForm,
    AnswerForm,
    EducatorForm,
    EndAbsenceForm,
    SeveralForm,
    days_in_words,
    learner_key,
    learners_in_words,
    shown,
)
from placements.educators.models import DAYS, Absence, Educator
from placements.errors import NotAllowed, Refused, Stale
from placements.extensions import db
from placements.organisations.queries import learner_groups
from placements.web import viewer
from placements.web.formats import count, day
from placements.web.refusals import show_refusal

educators = Blueprint("educators", __name__, url_prefix="/educators")

AWAY_SOON = timedelta(weeks=4)
SHOW = {
    "": "Everybody who supervises",
    "lapsing": "Accreditation lapsed or lapsing",
    "away": "Away in the next four weeks",
    "left": "Left",
}


@educators.get("/")
@login_required
def see_educators() -> ResponseReturnValue:
    """Everybody whom the person sees: time, departments, whom they may supervise, what is coming."""
    require(viewer(), Action.SEE_EDUCATORS)
    lines = queries.board(db.session, viewer(), today())
    departments = {place.department_id: place.department.name for line in lines for place in line.places}
    show, department_id = request.args.get("show", ""), request.args.get("department", 0, type=int)
    wanted = [line for line in lines if _is_shown(line, show)]
    if department_id in departments:
        wanted = [
            line for line in wanted if any(place.department_id == department_id for place in line.places)
        ]
    return render_template(
        "educators/see_educators.html",
        lines=wanted,
        total=len(lines),
        departments=sorted(departments.items(), key=lambda choice: choice[1]),
        department_id=department_id,
        show=show if show in SHOW else "",
        shows=SHOW,
        requests=queries.unanswered(db.session, viewer()) if viewer().may(Action.AGREE_SHARING) else 0,
        groups=learner_groups(db.session),
        today=today(),
        flagged=sum(1 for line in lines if line.educator.is_active and line.accreditation),
    )


def _is_shown(line: queries.EducatorLine, show: str) -> bool:
    if show == "left":
        return not line.educator.is_active
    if show == "lapsing" and not line.accreditation:
        return False
    if show == "away" and not line.is_away_by(today() + AWAY_SOON):
        return False
    return line.educator.is_active


@educators.get("/<int:educator_id>")
@login_required
def see_educator(educator_id: int) -> ResponseReturnValue:
    """One educator: facts, WTE week by week, absences and sharing."""
    require(viewer(), Action.SEE_EDUCATORS)
    educator = queries.educator_by_id(db.session, viewer(), educator_id)
    weeks = queries.calendar(db.session, viewer(), today())
    return render_template(
        "educators/see_educator.html",
        educator=educator,
        places=queries.places_shown(viewer(), educator),
        weeks=[
            (week, queries.wte_in(educator, week.monday), queries.absences_in(educator, week.monday))
            for week in weeks
        ],
        may_change=queries.may_change(viewer(), educator),
        groups=learner_groups(db.session),
        today=today(),
        coming=[absence for absence in educator.absences if absence.last_day >= today()],
    )


@educators.route("/new", methods=["GET", "POST"])
@login_required
def create_educator() -> ResponseReturnValue:
    """Add an educator."""
    require(viewer(), Action.SAVE_EDUCATOR)
    form = _form()
    if form.validate_on_submit():
        try:
            educator = service.create_educator(viewer(), form.command())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            flash(_told(educator, "on the list"))
            return redirect(url_for("educators.see_educator", educator_id=educator.id))
    return render_template(
        "educators/save_educator.html", form=form, educator=None
    ), 400 if form.errors else 200


@educators.route("/several", methods=["GET", "POST"])
@login_required
def create_educators() -> ResponseReturnValue:
    """Add several educators of the same departments at once, typed or pasted."""
    require(viewer(), Action.SAVE_EDUCATOR)
    form = SeveralForm(_departments()[0])
    if form.validate_on_submit():
        lines = [number for number, _ in form.rows()]
        try:
            made = service.create_educators(viewer(), form.commands())
        except Refused as refused:
            form.lines.errors = [
                f"Line {lines[int(number)] if (number := field.rpartition('.')[0]) else lines[0]}: {words}"
                for field, words in refused.fields.items()
            ]
        else:
            flash(f"{count(len(made), 'educator is', 'educators are')} on the list.")
            return redirect(url_for("educators.see_educators"))
    return render_template("educators/create_educators.html", form=form), 400 if form.errors else 200


@educators.route("/<int:educator_id>/change", methods=["GET", "POST"])
@login_required
def save_educator(educator_id: int) -> ResponseReturnValue:
    """Change an educator whom the person keeps."""
    require(viewer(), Action.SAVE_EDUCATOR)
    educator = _kept(educator_id)
    form = _form(educator)
    differences: list[tuple[str, str, str]] = []
    status = 200
    if form.validate_on_submit():
        try:
            service.save_educator(
                viewer(), educator_id, version=form.version.data or 0, details=form.command()
            )
        except Stale:
            educator = queries.educator_by_id(db.session, viewer(), educator_id)
            differences = form.differences(service.details_of(educator))
            # What is typed stands, and may now be saved over what was seen of the other's.
            form.version.data = educator.version
            status = 409
        except Refused as refused:
            show_refusal(form, refused)
        else:
            flash(_told(educator, "saved"))
            return redirect(url_for("educators.see_educator", educator_id=educator_id))
    page = render_template(
        "educators/save_educator.html",
        form=form,
        educator=educator,
        is_stale=status == 409,
        differences=differences,
    )
    return page, 400 if form.errors else status


@educators.route("/<int:educator_id>/absences/new", methods=["GET", "POST"])
@login_required
def record_absence(educator_id: int) -> ResponseReturnValue:
    """Say when an educator is away: first what it would change, then for good."""
    require(viewer(), Action.RECORD_ABSENCE)
    educator = _kept(educator_id)
    form = AbsenceForm(**_asked_week())
    shown_effect: dict[str, Any] = {}
    if form.validate_on_submit():
        try:
            if "record" in request.form:
                absence = service.record_absence(viewer(), educator_id, form.command())
                flash(f"{educator.name} is away from {day(absence.first_day)} to {day(absence.last_day)}.")
                return redirect(url_for("educators.see_educator", educator_id=educator_id))
            shown_effect = _effect(educator, service.absence_of(form.command()))
        except Refused as refused:
            educator = queries.educator_by_id(db.session, viewer(), educator_id)
            show_refusal(form, refused)
    page = render_template("educators/record_absence.html", form=form, educator=educator, **shown_effect)
    return page, 400 if form.errors else 200


def _asked_week() -> dict[str, Any]:
    """The working days of the week that the calendar's link names."""
    monday = request.args.get("week", type=date.fromisoformat)
    return {"first_day": monday, "last_day": monday + timedelta(days=4)} if monday else {}


def _effect(educator: Educator, absence: Absence) -> dict[str, Any]:
    """WTE and effective places, as they are and with the absence, of the weeks in which they differ."""
    weeks = queries.calendar(db.session, viewer(), today())
    wte = [
        (week, queries.wte_in(educator, week.monday), queries.wte_in(educator, week.monday, absence))
        for week in weeks
    ]
    return {
        "wte_lost": [row for row in wte if row[1] != row[2]],
        "places_lost": effects.changes(db.session, viewer(), educator, absence),
        "is_checked": True,
        "overlap": service.overlapping(educator, absence.first_day, absence.last_day),
    }


@educators.route("/<int:educator_id>/absences/<int:absence_id>", methods=["GET", "POST"])
@login_required
def end_absence(educator_id: int, absence_id: int) -> ResponseReturnValue:
    """Change the last day of an absence, or remove it."""
    require(viewer(), Action.RECORD_ABSENCE)
    absence = service.absence_by_id(queries.educator_by_id(db.session, viewer(), educator_id), absence_id)
    educator = _kept(educator_id)
    form = EndAbsenceForm(read=absence.last_day, last_day=absence.last_day)
    if form.validate_on_submit():
        removes = "remove" in request.form
        try:
            service.end_absence(
                viewer(),
                educator_id,
                absence_id,
                read=form.read.data,
                last_day=None if removes else form.last_day.data,
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            flash("The absence is removed." if removes else "The absence is changed.")
            return redirect(url_for("educators.see_educator", educator_id=educator_id))
        absence = service.absence_by_id(queries.educator_by_id(db.session, viewer(), educator_id), absence_id)
    page = render_template("educators/end_absence.html", form=form, educator=educator, absence=absence)
    return page, 400 if form.errors else 200


@educators.get("/sharing")
@login_required
def see_sharing() -> ResponseReturnValue:
    """Educators of elsewhere who serve, or ask to serve, the own departments."""
    require(viewer(), Action.AGREE_SHARING)
    rows = [row for row in queries.sharing(db.session, viewer()) if row.educator.is_active]
    return render_template("educators/see_sharing.html", rows=rows)


@educators.post("/<int:educator_id>/sharing/<int:department_id>")
@login_required
def agree_sharing(educator_id: int, department_id: int) -> ResponseReturnValue:
    """Agree to a request, decline it, or end what was agreed."""
    require(viewer(), Action.AGREE_SHARING)
    form = AnswerForm()
    answer = form.answer.data if form.validate_on_submit() else ""
    place = service.agree_sharing(viewer(), educator_id, department_id, answer=answer or "")
    name, where = place.educator.name, place.department.name
    words = {
        "agree": f"{name} may now supervise in {where}. Their time counts from now on.",
        "decline": f"Declined: {name} does not count in {where}.",
        "end": f"Ended: {name} no longer counts in {where}.",
    }
    flash(words[answer or "agree"])
    return redirect(url_for("educators.see_sharing"))


def _kept(educator_id: int) -> Educator:
    """The educator, where the person keeps them."""
    educator = queries.educator_by_id(db.session, viewer(), educator_id)
    if not queries.may_change(viewer(), educator):
        keeper = educator.trust.name if educator.trust else "the academy"
        raise NotAllowed(f"{educator.name} is kept by {keeper}: ask them to make the change.")
    return educator


def _departments() -> tuple[list[Any], list[Any]]:
    """The network's departments: the person's own, and the others."""
    every = queries.departments_of_network(db.session, viewer())
    own = [row for row in every if queries.answers_for(viewer(), row)]
    return own, [row for row in every if row not in own]


def _form(educator: Educator | None = None) -> EducatorForm:
    own, others = _departments()
    return EducatorForm(
        own,
        others,
        learner_groups(db.session),
        service.details_of(educator) if educator else None,
        educator.version if educator else 0,
    )


def _told(educator: Educator, done: str) -> str:
    """What was done, and who has to agree before all of it counts."""
    waiting = [
        place.department.name
        for place in educator.departments
        if queries.sharing_state(educator, place) == "asked"
    ]
    if not waiting:
        return f"{educator.name} is {done}."
    return f"{educator.name} is {done}. Their time counts in {'; '.join(waiting)} once it is agreed there."


@educators.context_processor
def _words() -> dict[str, Any]:
    """What every page about educators says things with."""
    return {
        "day_names": DAYS,
        "kind_words": KIND_WORDS,
        "shown": shown,
        "days_in_words": days_in_words,
        "learners_in_words": learners_in_words,
        "learner_key": learner_key,
        "pairs_of": lambda educator: service.details_of(educator).supervises,
        "accreditation_state": queries.accreditation_state,
        "sharing_state": queries.sharing_state,
    }
