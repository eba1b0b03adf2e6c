"""Pages about kinds of check, what a round makes of them, and who is not clear in a round."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.clearance import queries, service
from placements.clearance.blueprint import clearance
from placements.clearance.forms import EFFECT_WORDS, CheckKindForm
from placements.clearance.queries import NotClear
from placements.clearance.rule import Standing
from placements.clock import today
from placements.csv_files import csv_bytes
from placements.errors import NotAllowed, Refused, Stale
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.spreadsheets.dates import spoken
from placements.web import viewer
from placements.web.downloads import csv_file
from placements.web.formats import count
from placements.web.panels import Panel, Status, register
from placements.web.refusals import show_refusal

SOON = timedelta(weeks=6)
ROWS_A_PAGE = 50
SHOW = {
    "": "Everybody not yet clear",
    "due": "Missing and due",
    "soon": "Due in the next six weeks",
    "expires": "Expires before the placement ends",
}


@clearance.get("/checks")
@login_required
def see_check_kinds() -> ResponseReturnValue:
    """The kinds of check that learners are asked for."""
    require(viewer(), Action.SEE_CHECKS)
    kinds = db.session.scalars(queries.visible_kinds(viewer())).all()
    return render_template(
        "clearance/see_check_kinds.html",
        kinds=[(kind, service.may_save(viewer(), kind)) for kind in kinds],
        words=EFFECT_WORDS,
    )


@clearance.route("/checks/new", methods=["GET", "POST"])
@login_required
def create_check_kind() -> ResponseReturnValue:
    """Add a kind of check."""
    require(viewer(), Action.SAVE_CHECK_KIND)
    form = CheckKindForm(data={"effect": "warns", "weeks_before": 6} if request.method == "GET" else None)
    if form.validate_on_submit():
        try:
            kind = service.create_check_kind(viewer(), form.command())
        except Refused as refusal:
            show_refusal(form, refusal)
        else:
            flash(f"{kind.name} was added.")
            return redirect(url_for("clearance.see_check_kinds"))
    page = render_template("clearance/save_check_kind.html", form=form, kind=None, stale="")
    return page, 400 if form.errors else 200


@clearance.route("/checks/<int:check_kind_id>", methods=["GET", "POST"])
@login_required
def save_check_kind(check_kind_id: int) -> ResponseReturnValue:
    """Change a kind of check, retire it, or ask for it again."""
    require(viewer(), Action.SAVE_CHECK_KIND)
    kind = queries.kind_by_id(db.session, viewer(), check_kind_id)
    if not service.may_save(viewer(), kind):
        whose = kind.hei.name if kind.hei is not None else "the academy"
        raise NotAllowed(f"{kind.name} is a check of {whose}, who change it.")
    form = CheckKindForm() if request.method == "POST" else CheckKindForm.of(kind)
    stale = ""
    if form.validate_on_submit():
        try:
            version = request.form.get("version", 0, type=int)
            service.save_check_kind(viewer(), check_kind_id, form.command(), version=version)
        except Refused as refusal:
            show_refusal(form, refusal)
        except Stale:
            kind = queries.kind_by_id(db.session, viewer(), check_kind_id)
            stale = (
                f"They saved: {kind.name}, {EFFECT_WORDS[kind.effect].lower()}, due"
                f" {count(kind.weeks_before, 'week')} before, good for"
                f" {count(kind.valid_months, 'month') if kind.valid_months else 'ever'}"
                f"{', retired' if kind.is_retired else ''}"
            )
        else:
            flash(f"{form.name.data} was saved.")
            return redirect(url_for("clearance.see_check_kinds"))
    page = render_template("clearance/save_check_kind.html", form=form, kind=kind, stale=stale)
    return page, 409 if stale else 400 if form.errors else 200


@clearance.route("/rounds/<int:round_id>/checks/rules", methods=["GET", "POST"])
@login_required
def set_check_rules(round_id: int) -> ResponseReturnValue:
    """Say what each kind of check does in a round."""
    require(viewer(), Action.SET_CHECK_RULES)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    rules = queries.rules_of_round(db.session, round_)
    typed = {
        rule.kind.id: (
            request.form.get(f"effect-{rule.kind.id}", rule.effect),
            request.form.get(f"weeks-{rule.kind.id}", str(rule.weeks_before)).strip(),
        )
        for rule in rules
    }
    errors: dict[str, str] = {}
    stale = False
    if request.method == "POST":
        wanted = {
            kind_id: service.RuleValues(effect, int(weeks) if weeks.isascii() and weeks.isdigit() else -1)
            for kind_id, (effect, weeks) in typed.items()
        }
        try:
            version = request.form.get("version", "")
            service.set_check_rules(viewer(), round_id, wanted, version=version)
        except Refused as refusal:
            errors = refusal.fields
        except Stale:
            stale = True
            rules = queries.rules_of_round(db.session, round_)
        else:
            flash(f"What each check does in {round_.name} was saved.")
            return redirect(url_for("clearance.see_clearance", round_id=round_id))
    page = render_template(
        "clearance/set_check_rules.html",
        round=round_,
        rules=rules,
        typed=typed,
        words=EFFECT_WORDS,
        version=queries.version_of_rules(rules),
        errors=errors,
        stale=stale,
    )
    return page, 409 if stale else 400 if errors else 200


@clearance.get("/rounds/<int:round_id>/checks")
@login_required
def see_clearance(round_id: int) -> ResponseReturnValue:
    """Who is not yet clear for which placement, and why."""
    require(viewer(), Action.SEE_CHECKS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    rows = queries.not_clear(db.session, viewer(), round_, today())
    shown = _filtered(rows)
    pages = max(1, -(-len(shown) // ROWS_A_PAGE))
    page = min(pages, max(1, request.args.get("page", 1, type=int)))
    filters: dict[str, Any] = {
        name: value for name in ("show", "kind", "hei", "block") if (value := request.args.get(name))
    }
    return render_template(
        "clearance/see_clearance.html",
        round=round_,
        rows=shown[(page - 1) * ROWS_A_PAGE :][:ROWS_A_PAGE],
        total=len(shown),
        figures={name: _learners(_only(rows, name)) for name in SHOW},
        show=SHOW,
        filters=filters,
        kinds=sorted({row.finding.asked.name for row in rows}),
        heis=sorted({row.wanted.hei for row in rows}),
        blocks=list(dict.fromkeys(row.wanted.when for row in rows)),
        words=words_of,
        page=page,
        pages=pages,
        address=lambda number: url_for("clearance.see_clearance", round_id=round_id, page=number, **filters),
    )


@clearance.get("/rounds/<int:round_id>/checks.csv")
@login_required
def download_clearance(round_id: int) -> ResponseReturnValue:
    """The same as a CSV, filtered as the page."""
    require(viewer(), Action.SEE_CHECKS)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    rows = _filtered(queries.not_clear(db.session, viewer(), round_, today()))
    headings = (
        "HEI", "Programme", "Stage", "Learner reference", "Block", "First day", "Last day", "Check", "Due",
        "Done", "Good to", "What is said", "Effect now",
    )  # fmt: skip
    table = (
        (
            row.wanted.hei,
            row.wanted.programme,
            row.wanted.stage,
            row.wanted.reference,
            row.wanted.when,
            row.wanted.first_day,
            row.wanted.last_day,
            row.finding.asked.name,
            row.finding.due_on,
            row.finding.had.done_on if row.finding.had else "",
            (row.finding.had.expires_on or "") if row.finding.had else "",
            words_of(row),
            {"blocks": "holds the place back", "warns": "warns", "": "none yet"}[row.finding.effect],
        )
        for row in rows
    )
    return csv_file(csv_bytes([headings, *table]), f"not-clear-round-{round_id}.csv")


def words_of(row: NotClear) -> str:
    """Missing, due on 23 November 2026; Expires on 14 January 2027, before the placement ends."""
    finding = row.finding
    ended = finding.had.expires_on if finding.had is not None else None
    if finding.standing is Standing.EXPIRES and ended is not None:
        return f"Expires on {spoken(ended)}, before the placement ends"
    due = f"{'was due' if finding.effect else 'due'} on {spoken(finding.due_on)}"
    if ended is not None:
        return f"Expired on {spoken(ended)}, {due}"
    return f"{'Missing' if finding.effect else 'Not done yet'}, {due}"


def _only(rows: Sequence[NotClear], show: str) -> list[NotClear]:
    now = today()
    return [row for row in rows if _is_shown(row, show, now)]


def _is_shown(row: NotClear, show: str, now: date) -> bool:
    standing, due_on = row.finding.standing, row.finding.due_on
    if show == "due":
        return standing is Standing.MISSING
    if show == "soon":
        return standing is not Standing.MISSING and now <= due_on <= now + SOON
    return standing is Standing.EXPIRES if show == "expires" else True


def _filtered(rows: Sequence[NotClear]) -> list[NotClear]:
    """The rows that the address asks for."""
    wanted = {name: request.args.get(name, "") for name in ("kind", "hei", "block")}
    return [
        row
        for row in _only(rows, request.args.get("show", ""))
        if wanted["kind"] in ("", row.finding.asked.name)
        and wanted["hei"] in ("", row.wanted.hei)
        and wanted["block"] in ("", row.wanted.when)
    ]


def _learners(rows: Sequence[NotClear]) -> int:
    return len({row.wanted.learner_id for row in rows})


def _status(viewer: Viewer, round_id: int) -> Status:
    round_ = rounds.round_by_id(db.session, viewer, round_id)
    rows = queries.not_clear(db.session, viewer, round_, today(), due_by=today() + SOON)
    blocked = [row for row in rows if row.finding.effect == "blocks"]
    if blocked:
        return Status(f"{count(_learners(blocked), 'learner')} not clear", needs_attention=True)
    soon = _only(rows, "soon")
    if soon:
        return Status(f"{count(_learners(soon), 'learner')} due in six weeks")
    return Status("Nobody is held back", is_done=round_.state != "draft")


register(
    Panel(
        title="Clear for placement",
        hint="Occupational health, DBS, training and other checks before a placement",
        action=Action.SEE_CHECKS,
        order=25,
        address=lambda round_id: url_for("clearance.see_clearance", round_id=round_id),
        status=_status,
    )
)
