"""Pages for deciding: what waits for approval, giving back with a comment, history, two versions compared."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.capacity import comparing, deciding, queries
from placements.capacity.blueprint import capacity
from placements.capacity.content import Content
from placements.capacity.models import Declaration, DeclarationRecord
from placements.errors import NotAllowed, Refused, Stale
from placements.extensions import db
from placements.organisations.models import Department
from placements.organisations.queries import department_by_id, learner_groups, supervision_models
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.web import viewer
from placements.web.formats import count, moment

DONE = {"save": "saved", "submit": "submitted", "approve": "approved", "return": "returned"}
# In the address of a comparison: what stands now, which may be a draft that no record keeps.
NOW = "now"


@capacity.route("/rounds/<int:round_id>/capacity/approve", methods=["GET", "POST"])
@login_required
def approve_declaration(round_id: int) -> ResponseReturnValue:
    """What waits for the person's decision, with what changed; approve one or several."""
    require(viewer(), Action.APPROVE_DECLARATION)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    chosen = request.form.getlist("department", type=int)
    comment = request.form.get("comment", "")
    problem, status = "", 200
    if request.method == "POST":
        versions = {id_: request.form.get(f"version-{id_}", 0, type=int) for id_ in chosen}
        try:
            deciding.approve_declarations(viewer(), round_id, versions, comment=comment)
        except Refused as refusal:
            problem, status = refusal.message, 400
        except Stale:
            problem, status = (
                "One of them was changed or decided meanwhile, so none was approved. What waits now is shown"
                " as it stands: look again, then approve.",
                409,
            )
        else:
            flash(
                f"Approved: {count(len(chosen), 'declaration')}."
                f" The match can use {'its' if len(chosen) == 1 else 'their'} places."
            )
            return redirect(url_for("capacity.approve_declaration", round_id=round_id))
    page = render_template(
        "capacity/approve_declaration.html",
        round=round_,
        waiting=deciding.waiting(db.session, viewer(), round_id),
        chosen=chosen,
        comment=comment,
        problem=problem,
        words=_Words(),
        most_comment=deciding.LONGEST_COMMENT,
    )
    return page, status


@capacity.route("/rounds/<int:round_id>/capacity/<int:department_id>/return", methods=["GET", "POST"])
@login_required
def return_declaration(round_id: int, department_id: int) -> ResponseReturnValue:
    """Give a submitted declaration back, with what should be changed."""
    require(viewer(), Action.RETURN_DECLARATION)
    round_, department, declaration = _found(round_id, department_id)
    if not queries.may_change(viewer(), department):
        raise NotAllowed("Only the trust itself can do this with its department's declaration.")
    comment, problem, status = request.form.get("comment", ""), "", 200
    if request.method == "POST":
        version = request.form.get("version", 0, type=int)
        try:
            deciding.return_declaration(viewer(), round_id, department_id, version=version, comment=comment)
        except Refused as refusal:
            problem, status = refusal.message, 400
        except Stale as stale:
            db.session.rollback()
            round_, department, declaration = _found(round_id, department_id)
            problem, status = stale.message, 409
        else:
            flash(f"{department.name} was returned. Whoever submitted it is told by e-mail.")
            return redirect(url_for("capacity.approve_declaration", round_id=round_id))
    page = render_template(
        "capacity/return_declaration.html",
        round=round_,
        department=department,
        declaration=declaration,
        comment=comment,
        problem=problem,
    )
    return page, status


@capacity.get("/rounds/<int:round_id>/capacity/<int:department_id>/history")
@login_required
def see_history(round_id: int, department_id: int) -> ResponseReturnValue:
    """Everything that was done with a declaration, the newest first."""
    require(viewer(), Action.SEE_DECLARATIONS)
    round_, department, declaration = _found(round_id, department_id)
    records = deciding.history(db.session, declaration) if declaration else []
    return render_template(
        "capacity/see_history.html",
        round=round_,
        department=department,
        records=records,
        kept=[record for record in records if record.content is not None],
        done=DONE,
        words=_Words(),
    )


@capacity.get("/rounds/<int:round_id>/capacity/<int:department_id>/compare")
@login_required
def compare_versions(round_id: int, department_id: int) -> ResponseReturnValue:
    """Two kept versions of a declaration beside each other; by default how it stands and the newest that
    says something else."""
    require(viewer(), Action.SEE_DECLARATIONS)
    round_, department, declaration = _found(round_id, department_id)
    versions: dict[str, str] = {}
    steps: list[comparing.Step] = []
    before, after = request.args.get("before", ""), request.args.get("after", "")
    if declaration is not None:
        versions = _versions(declaration)
        after = after or next(iter(versions))
        newer = _content(declaration, after)
        before = before or _last_other(declaration, versions, newer)
        steps = comparing.steps(_content(declaration, before), newer)
    return render_template(
        "capacity/compare_versions.html",
        round=round_,
        department=department,
        versions=versions,
        before=before,
        after=after,
        steps=steps,
        words=_Words(),
    )


class _Words:
    """How steps, lines and supervision models read; asked for once a page."""

    def __init__(self) -> None:
        groups = learner_groups(db.session)
        keys = queries.line_keys_of(groups)
        self._lines = {key: queries.line_words(key, groups) for key in keys}
        self._models = {model.key: model.name for model in supervision_models(db.session)}

    def summary(self, steps: list[comparing.Step]) -> list[str]:
        return comparing.summary(steps, self._lines, self._models)

    def of_changes(self, record: DeclarationRecord) -> list[str]:
        """What a save changed."""
        return self.summary(comparing.steps_of(record.changes))

    def line(self, key: str) -> str:
        return self._lines.get(key, "Educators" if key == "educators" else key)

    def value(self, step: comparing.Step, value: str) -> str:
        return (self._models.get(value, value) or "None") if step.column == comparing.MODEL else value


def _versions(declaration: Declaration) -> dict[str, str]:
    """What can be compared, the newest first: how it stands, and each record that kept the whole."""
    found = {NOW: f"As it stands: {declaration.state}, changed {moment(declaration.changed_utc)}"}
    for record in deciding.history(db.session, declaration):
        if record.content is not None:
            found[str(record.id)] = (
                f"{DONE[record.verb].capitalize()} {moment(record.at_utc)}, {record.by_name}"
            )
    return found


def _last_other(declaration: Declaration, versions: dict[str, str], newer: Content) -> str:
    """The newest version that says something else, or the oldest where none does."""
    for key in versions:
        if comparing.steps(_content(declaration, key), newer):
            return key
    return list(versions)[-1]


def _content(declaration: Declaration, key: str) -> Content:
    if key == NOW:
        return queries.content_of(declaration)
    return deciding.kept_version(db.session, declaration, int(key) if key.isdigit() and len(key) < 10 else 0)


def _found(round_id: int, department_id: int) -> tuple[Round, Department, Declaration | None]:
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    department = department_by_id(db.session, viewer(), department_id)
    return round_, department, queries.declaration_of(db.session, viewer(), round_id, department_id)
