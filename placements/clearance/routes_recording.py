"""Pages on which an HEI records its learners' checks: a cohort's, one kind at a time or from a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.clearance import queries
from placements.clearance.blueprint import clearance
from placements.clearance.forms import ChecksForm, typed_day
from placements.clearance.models import CheckKind
from placements.clearance.queries import Key
from placements.clearance.recording import Done, Entry, accept_checks, record_checks, wrong_dates
from placements.clearance.rule import Had, expiry_of
from placements.clearance.uploads import CheckRow, Directory, Kind, parse_checks, text_of_file
from placements.clock import today
from placements.cohorts.models import Cohort, Learner
from placements.cohorts.queries import cohort_by_id
from placements.csv_files import csv_bytes
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db
from placements.spreadsheets.remarks import told_once
from placements.spreadsheets.text import UnreadableFile
from placements.spreadsheets.workbooks import Page, Value, workbook_bytes
from placements.web import viewer
from placements.web.downloads import csv_file, xlsx_file
from placements.web.formats import count, day

LEARNERS_A_PAGE = 100
SHOWN_REMARKS = 50
NOT_AS_SHOWN = (
    "What would be saved is not what you saw, because the rows or the recorded checks have changed. Nothing"
    " was saved. Look at it below and save it again."
)


@clearance.get("/cohorts/<int:cohort_id>/checks")
@login_required
def see_checks(cohort_id: int) -> ResponseReturnValue:
    """A cohort's learners and when each had which check."""
    require(viewer(), Action.SEE_CHECKS)
    cohort = cohort_by_id(db.session, viewer(), cohort_id)
    kinds = queries.kinds_of_hei(db.session, viewer(), cohort.programme.hei_id)
    learners = queries.learners_of_cohort(db.session, cohort_id)
    page, pages, here = _page_of(learners)
    had = queries.newest_checks(db.session, queries.of_cohort(cohort_id))
    acting = {
        (row.wanted.record_id, row.finding.asked.kind_id): row.finding
        for row in reversed(
            queries.not_clear(db.session, viewer(), cohort.round, today(), cohort_id=cohort_id)
        )
    }
    return render_template(
        "clearance/see_checks.html",
        cohort=cohort,
        round=cohort.round,
        kinds=kinds,
        learners=here,
        total=len(learners),
        had=had,
        done={kind.id: sum((one.record_id, kind.id) in had for one in learners) for kind in kinds},
        findings=acting,
        today=today(),
        page=page,
        pages=pages,
        address=lambda number: url_for("clearance.see_checks", cohort_id=cohort_id, page=number),
    )


@dataclass(frozen=True)
class Row:
    """A line of the form: a learner, what stands recorded, what is typed, and what is wrong with it. `theirs`
    is what somebody else recorded meanwhile, in words."""

    learner: Learner
    name: str
    seen: Had | None
    done: str
    expires: str
    error: str = ""
    theirs: str = ""


@clearance.route("/cohorts/<int:cohort_id>/checks/<int:check_kind_id>", methods=["GET", "POST"])
@login_required
def save_checks(cohort_id: int, check_kind_id: int) -> ResponseReturnValue:
    """Record one kind of check for the learners of a cohort, or fill a day in for all who lack it."""
    require(viewer(), Action.SAVE_CHECKS)
    cohort = cohort_by_id(db.session, viewer(), cohort_id)
    kind = _kind_of(cohort, check_kind_id)
    page, pages, learners = _page_of(queries.learners_of_cohort(db.session, cohort_id))
    had = queries.newest_checks(db.session, queries.of_cohort(cohort_id))
    rows, problem, fill_error, status = _rows(learners, kind, had), "", "", 200
    if request.method == "POST":
        rows, entries = _typed(rows, kind)
        if request.form.get("press") == "fill":
            rows, fill_error = _filled(rows, kind)
            status = 400 if fill_error else 200
        elif any(row.error for row in rows):
            status = 400
        else:
            try:
                changed = record_checks(viewer(), cohort_id, entries)
            except Refused as refusal:
                rows, status = _refused(rows, refusal), 400
            except Stale as stale:
                rows, problem, status = _clashing(rows, cohort_id, kind), stale.message, 409
            else:
                words = f"{count(changed, 'check')} saved." if changed else "Nothing had to be changed."
                flash(f"{kind.name}: {words}")
                return redirect(url_for("clearance.see_checks", cohort_id=cohort_id))
    shown = render_template(
        "clearance/save_checks.html",
        cohort=cohort,
        round=cohort.round,
        kind=kind,
        rows=rows,
        problem=problem,
        fill_error=fill_error,
        fill=request.form.get("fill", ""),
        was_filled=request.form.get("press") == "fill" and not fill_error,
        page=page,
        pages=pages,
        address=lambda number: url_for(
            "clearance.save_checks", cohort_id=cohort_id, check_kind_id=check_kind_id, page=number
        ),
    )
    return shown, status


@clearance.get("/cohorts/<int:cohort_id>/checks.csv")
@login_required
def download_checks(cohort_id: int) -> ResponseReturnValue:
    """A cohort's checks as a CSV, to be filled in and uploaded."""
    require(viewer(), Action.SEE_CHECKS)
    table = _table(cohort_by_id(db.session, viewer(), cohort_id))
    return csv_file(csv_bytes(table), f"checks-cohort-{cohort_id}.csv")


@clearance.get("/cohorts/<int:cohort_id>/checks.xlsx")
@login_required
def download_checks_workbook(cohort_id: int) -> ResponseReturnValue:
    """The same as a workbook."""
    require(viewer(), Action.SEE_CHECKS)
    table = _table(cohort_by_id(db.session, viewer(), cohort_id))
    widths = [18.0] * len(table[0])
    page = Page("Checks", table, widths=widths, bold=frozenset({0}), frozen=(1, 1))
    return xlsx_file(workbook_bytes([page]), f"checks-cohort-{cohort_id}.xlsx")


@clearance.route("/cohorts/<int:cohort_id>/checks/upload", methods=["GET", "POST"])
@login_required
def upload_checks(cohort_id: int) -> ResponseReturnValue:
    """Take a file of checks, or pasted rows: shown, put right on the page, and saved once one says so."""
    require(viewer(), Action.SAVE_CHECKS)
    cohort = cohort_by_id(db.session, viewer(), cohort_id)
    kinds = queries.kinds_of_hei(db.session, viewer(), cohort.programme.hei_id)
    form = ChecksForm(kinds, only=request.args.get("kind", 0, type=int))
    preview, problem = None, ""
    if form.validate_on_submit():
        try:
            data = form.data_of_file()
            text = form.text.data or "" if data is None else text_of_file(data)
        except UnreadableFile as refused:
            form.file.errors = [f"{refused.problem.message} {refused.problem.remedy}"]
        else:
            form.text.data = text
            preview = _preview(cohort, kinds, text, form.only.data)
            found = preview.parsed.problem
            if found is not None:
                form.text.errors = [f"{found.message} {found.remedy}"]
                preview = None
            elif request.form.get("press") == "accept":
                # Exactly what was shown is saved: a text or records that changed since are shown again.
                try:
                    if request.form.get("shown") != preview.shown:
                        raise Stale(NOT_AS_SHOWN)
                    changed = accept_checks(viewer(), cohort_id, preview.checks)
                except Stale as stale:
                    problem = stale.message
                    preview = _preview(cohort, kinds, text, form.only.data)
                else:
                    words = f"{count(changed, 'check')} saved." if changed else "Nothing had to be changed."
                    flash(words)
                    return redirect(url_for("clearance.see_checks", cohort_id=cohort_id))
    page = render_template(
        "clearance/upload_checks.html",
        cohort=cohort,
        round=cohort.round,
        kinds=kinds,
        form=form,
        preview=preview,
        problem=problem,
        shown_remarks=SHOWN_REMARKS,
    )
    return page, 409 if problem else 400 if form.errors else 200


class _Preview:
    """What a file would do: its reading, and each check beside what is recorded now."""

    def __init__(self, parsed_text: str, directory: Directory, stored: Mapping[tuple[int, int, date], Had]):
        self.parsed = parse_checks(parsed_text, directory, today=today())
        self._stored = stored
        self.new: list[CheckRow] = []
        self.changed: list[tuple[CheckRow, Had]] = []
        self.same = 0
        for row in self.parsed.rows:
            there = stored.get((row.learner_id, row.kind.id, row.done_on))
            if there is None:
                self.new.append(row)
            elif row.says_expiry and there.expires_on != row.expires_on:
                self.changed.append((row, there))
            else:
                self.same += 1
        self.corrections = told_once(self.parsed.corrections)
        self.refusals = told_once(self.parsed.refusals)
        self.by_kind = {
            kind.name: sum(row.kind.id == kind.id for row in self.new) for kind in directory.kinds
        }
        words = repr(([vars(row) for row in self.new], [(vars(row), had) for row, had in self.changed]))
        self.shown = sha256(
            f"{parsed_text}\n{words}".replace("\r", "").encode("utf-8", "replace")
        ).hexdigest()

    @property
    def checks(self) -> list[Done]:
        return [
            Done(
                row.learner_id,
                row.kind.id,
                row.done_on,
                row.expires_on if row.says_expiry else None,
                self._stored.get((row.learner_id, row.kind.id, row.done_on)),
            )
            for row in self.parsed.rows
        ]


def _preview(cohort: Cohort, kinds: Sequence[CheckKind], text: str, only_id: int) -> _Preview:
    learners = queries.learners_of_cohort(db.session, cohort.id)
    known = [Kind(kind.id, kind.name, kind.valid_months) for kind in kinds]
    directory = Directory(
        learners={learner.reference: learner.id for learner in learners},
        kinds=known,
        only=next((kind for kind in known if kind.id == only_id), None),
    )
    return _Preview(text, directory, queries.all_checks(db.session, cohort.id))


def _kind_of(cohort: Cohort, kind_id: int) -> CheckKind:
    """A kind of check that the cohort's learners are asked for; raises NotFound for any other."""
    kinds = queries.kinds_of_hei(db.session, viewer(), cohort.programme.hei_id)
    found = next((kind for kind in kinds if kind.id == kind_id), None)
    if found is None:
        raise NotFound("There is no such check.")
    return found


def _page_of(learners: Sequence[Learner]) -> tuple[int, int, Sequence[Learner]]:
    """The page that the address asks for, how many there are, and the learners on it."""
    pages = max(1, -(-len(learners) // LEARNERS_A_PAGE))
    page = min(pages, max(1, request.args.get("page", 1, type=int)))
    return page, pages, learners[(page - 1) * LEARNERS_A_PAGE :][:LEARNERS_A_PAGE]


def _rows(learners: Sequence[Learner], kind: CheckKind, had: Mapping[Key, Had]) -> list[Row]:
    """The form as the checks stand."""
    found = []
    for learner in learners:
        seen = had.get((learner.record_id, kind.id))
        name = f"{learner.id}-{kind.id}"
        found.append(Row(learner, name, seen, _iso(seen.done_on) if seen else "", _expiry(seen)))
    return found


def _typed(rows: Sequence[Row], kind: CheckKind) -> tuple[list[Row], list[Entry]]:
    """The form as it was typed, with what is wrong in it, and the entries that it makes. What had been read
    comes back in the form's hidden fields."""
    found, entries = [], []
    for row in rows:
        done = request.form.get(f"done-{row.name}", row.done)
        expires = request.form.get(f"expires-{row.name}", row.expires)
        seen = _seen(request.form.get(f"seen-{row.name}", f"{row.done}/{row.expires}"))
        error, typed = "", None
        try:
            done_on, expires_on = typed_day(done), typed_day(expires)
        except ValueError as fault:
            error = f"{fault} Write a day such as 14/09/2026"
        else:
            if done_on is None and expires_on is not None and (seen is None or expires != _expiry(seen)):
                error = "Enter the day on which the check was done"
            elif done_on is not None:
                renewed = seen is not None and done_on != seen.done_on and expires_on == seen.expires_on
                if expires_on is None or renewed:
                    expires_on = expiry_of(done_on, kind.valid_months)
                typed = Had(done_on, expires_on)
                if typed != seen:
                    error = " ".join(wrong_dates(done_on, expires_on, today()).values())
        found.append(Row(row.learner, row.name, seen, done, expires, error))
        entries.append(Entry(row.learner.id, kind.id, seen, typed))
    return found, entries


def _filled(rows: Sequence[Row], kind: CheckKind) -> tuple[list[Row], str]:
    """The form with the day of "all cleared on" where there is none; nothing is saved by that."""
    try:
        done_on = typed_day(request.form.get("fill", ""))
    except ValueError:
        done_on = None
    if done_on is None:
        return list(rows), "Enter the day on which they all were cleared, such as 14/09/2026"
    if wrong := wrong_dates(done_on, None, today()):
        return list(rows), wrong["done"]
    expires = _iso(expiry_of(done_on, kind.valid_months))
    return [
        row if row.done.strip() else Row(row.learner, row.name, row.seen, _iso(done_on), expires)
        for row in rows
    ], ""


def _refused(rows: Sequence[Row], refusal: Refused) -> list[Row]:
    return [
        Row(row.learner, row.name, row.seen, row.done, row.expires, refusal.fields.get(row.name, ""))
        for row in rows
    ]


def _clashing(rows: Sequence[Row], cohort_id: int, kind: CheckKind) -> list[Row]:
    """The form with what others recorded meanwhile beside what was typed; saved again, it replaces theirs."""
    had = queries.newest_checks(db.session, queries.of_cohort(cohort_id))
    found = []
    for row in rows:
        now = had.get((row.learner.record_id, kind.id))
        if now == row.seen:
            found.append(row)
            continue
        is_untouched = (row.done, row.expires) == (
            _iso(row.seen.done_on) if row.seen else "",
            _expiry(row.seen),
        )
        if is_untouched:
            found.append(Row(row.learner, row.name, now, _iso(now.done_on) if now else "", _expiry(now)))
            continue
        until = f", good to {day(now.expires_on)}" if now and now.expires_on else ""
        theirs = f"Recorded meanwhile: {day(now.done_on)}{until}" if now else "Taken out meanwhile"
        found.append(Row(row.learner, row.name, now, row.done, row.expires, "", theirs))
    return found


def _seen(text: str) -> Had | None:
    """What the form's hidden field says had been read: a day and an expiry, or nothing."""
    done, _, expires = text.partition("/")
    try:
        return Had(date.fromisoformat(done), date.fromisoformat(expires) if expires else None)
    except ValueError:
        return None


def _iso(value: date | None) -> str:
    return value.isoformat() if value is not None else ""


def _expiry(had: Had | None) -> str:
    return _iso(had.expires_on) if had is not None else ""


def _table(cohort: Cohort) -> list[list[Value]]:
    """A row for each learner, and for each kind of check the day and until when it is good."""
    kinds = queries.kinds_of_hei(db.session, viewer(), cohort.programme.hei_id)
    had = queries.newest_checks(db.session, queries.of_cohort(cohort.id))
    table: list[list[Value]] = [
        ["Reference", *(words for kind in kinds for words in (kind.name, f"{kind.name} expires"))]
    ]
    for learner in queries.learners_of_cohort(db.session, cohort.id):
        row: list[Value] = [learner.reference]
        for kind in kinds:
            newest = had.get((learner.record_id, kind.id))
            row += [newest.done_on, newest.expires_on] if newest else [None, None]
        table.append(row)
    return table
