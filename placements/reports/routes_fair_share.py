"""Pages about fair share: days expected, declared and delivered, and the workforce that they rest on."""

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.allocations.models import Publication
from placements.allocations.queries import newest_publication
from placements.clock import today
from placements.csv_files import csv_bytes
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.organisations.models import Department, Trust
from placements.organisations.queries import department_by_id
from placements.reports import fair_share, queries, service
from placements.reports.blueprint import reports
from placements.reports.forms import WorkforceGrid, cell_name
from placements.reports.lists import workforce_csv
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.web import viewer
from placements.web.downloads import csv_file
from placements.web.formats import count, day
from placements.web.panels import Panel, Status, register


@reports.get("/rounds/<int:round_id>/fair-share")
@login_required
def see_fair_share(round_id: int) -> ResponseReturnValue:
    """Expected, declared and delivered days by trust, department and profession."""
    asked = _fair_share_asked(round_id)
    return render_template(
        "reports/see_fair_share.html",
        asked=asked,
        round=asked.round_,
        found=asked.found,
        total=fair_share.total(asked.found),
        lines=fair_share.together(asked.found, asked.by),
        by_profession=fair_share.together(asked.everything, "profession"),
        weeks_spanned=fair_share.weeks_spanned(asked.round_),
        trusts=queries.trusts(db.session, viewer()),
        professions=queries.professions(db.session),
        publication=asked.publication,
    )


@reports.get("/rounds/<int:round_id>/fair-share.csv")
@login_required
def download_fair_share(round_id: int) -> ResponseReturnValue:
    """The same by department and profession as a file."""
    asked = _fair_share_asked(round_id)
    return csv_file(csv_bytes(fair_share.csv_rows(asked.found)), f"fair-share-round-{round_id}.csv")


@reports.get("/rounds/<int:round_id>/fair-share/<int:department_id>")
@login_required
def see_fair_share_rows(round_id: int, department_id: int) -> ResponseReturnValue:
    """The returns, declared weeks and published places behind one department's days."""
    require(viewer(), Action.SEE_FAIR_SHARE)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    department = department_by_id(db.session, viewer(), department_id)
    whole_year = request.args.get("year") == "whole"
    publication = newest_publication(db.session, viewer(), round_id)
    return render_template(
        "reports/see_fair_share_rows.html",
        round=round_,
        department=department,
        whole_year=whole_year,
        weeks_spanned=fair_share.weeks_spanned(round_),
        publication=publication,
        names={row.id: row.name for row in queries.professions(db.session)} | {None: "no profession"},
        behind=fair_share.behind(
            db.session, viewer(), round_, department, publication, whole_year=whole_year
        ),
    )


@reports.route("/trusts/<int:trust_id>/workforce", methods=["GET", "POST"])
@login_required
def save_workforce(trust_id: int) -> ResponseReturnValue:
    """A trust's WTE by department and profession: to type, or to paste from a spreadsheet."""
    require(viewer(), Action.SAVE_WORKFORCE)
    trust = queries.trust_by_id(db.session, viewer(), trust_id)
    if request.method == "GET":
        return _workforce_page(trust, None)
    departments = _departments_of(trust)
    grid = WorkforceGrid.of_form(departments, queries.professions(db.session), request.form)
    if "fill" in request.form:
        filled = grid.paste()
        return _workforce_page(trust, grid, filled=filled), 400 if grid.errors else 200
    told = grid.told(request.form.get("version", ""))
    if told is None:
        return _workforce_page(trust, grid), 400
    try:
        changed = service.save_workforce(viewer(), trust_id, told)
    except Stale:
        return _workforce_page(trust, grid, is_stale=True), 409
    except Refused as refusal:
        grid.refuse(refusal.fields)
        return _workforce_page(trust, grid), 400
    flash(f"{count(changed, 'figure')} saved as of {day(told.as_of)}.")
    return redirect(url_for("reports.save_workforce", trust_id=trust_id))


@reports.get("/trusts/<int:trust_id>/workforce.csv")
@login_required
def download_workforce(trust_id: int) -> ResponseReturnValue:
    """A trust's workforce as a file whose rows can be pasted back."""
    require(viewer(), Action.SAVE_WORKFORCE)
    trust = queries.trust_by_id(db.session, viewer(), trust_id)
    departments = queries.departments_of_trusts(viewer(), trust_id)
    in_force = queries.workforce_in_force(db.session, departments, today())
    data = workforce_csv(_departments_of(trust), queries.professions(db.session), in_force)
    return csv_file(data, f"workforce-{trust.ods}.csv")


@dataclass(frozen=True)
class Asked:
    """What the fair share page was asked for. `everything` is what the person sees of the chosen trust;
    `found` the same of the chosen profession."""

    round_: Round
    by: str
    trust_id: int | None
    profession_id: int | None
    whole_year: bool
    publication: Publication | None
    everything: list[fair_share.Share]
    found: list[fair_share.Share]

    def said(self, **changes: str | int | None) -> dict[str, str | int]:
        """The page's choices as an address says them, with some changed."""
        whole: dict[str, str | int | None] = {
            "round_id": self.round_.id,
            "by": self.by,
            "trust": self.trust_id,
            "profession": self.profession_id,
            "year": "whole" if self.whole_year else None,
        }
        whole.update(changes)
        return {name: value for name, value in whole.items() if value is not None}


def _fair_share_asked(round_id: int) -> Asked:
    require(viewer(), Action.SEE_FAIR_SHARE)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    trust_id = request.args.get("trust", type=int)
    if trust_id is not None:
        queries.trust_by_id(db.session, viewer(), trust_id)
    one_trust = trust_id is not None or viewer().trust_id is not None
    by = request.args.get("by", "")
    profession_id = request.args.get("profession", type=int)
    whole_year = request.args.get("year") == "whole"
    publication = newest_publication(db.session, viewer(), round_id)
    departments = queries.departments_of_trusts(viewer(), trust_id)
    everything = fair_share.shares(db.session, round_, departments, publication, whole_year=whole_year)
    return Asked(
        round_=round_,
        by=by if by in fair_share.GROUPINGS else "department" if one_trust else "trust",
        trust_id=trust_id,
        profession_id=profession_id,
        whole_year=whole_year,
        publication=publication,
        everything=everything,
        found=everything if profession_id is None else fair_share.of_profession(everything, profession_id),
    )


def _departments_of(trust: Trust) -> list[Department]:
    return list(db.session.scalars(queries.departments_of_trusts(viewer(), trust.id)).unique())


def _workforce_page(
    trust: Trust, grid: WorkforceGrid | None, *, is_stale: bool = False, filled: int = 0
) -> str:
    returns = queries.workforce_of_trust(db.session, viewer(), trust.id)
    departments = queries.departments_of_trusts(viewer(), trust.id)
    saved = WorkforceGrid.of_saved(
        grid.departments if grid else _departments_of(trust),
        queries.professions(db.session),
        queries.workforce_in_force(db.session, departments, today()),
        today(),
    )
    # After a clash the version is the newest: saving again is then meant.
    keeps = grid is not None and not is_stale
    return render_template(
        "reports/save_workforce.html",
        trust=trust,
        grid=grid or saved,
        cell_name=cell_name,
        version=request.form.get("version", "") if keeps else queries.version_of(returns),
        theirs=saved.typed if is_stale else {},
        is_stale=is_stale,
        filled=filled,
        days=sorted({row.as_of for row in returns}, reverse=True),
    )


def _fair_share_status(viewer: Viewer, round_id: int) -> Status:
    round_ = rounds.round_by_id(db.session, viewer, round_id)
    told, departments = queries.departments_with_workforce(db.session, viewer, round_)
    return Status(
        f"Workforce of {told} of {departments} departments",
        needs_attention=told < departments,
        is_done=told == departments > 0,
    )


register(
    Panel(
        title="Fair share",
        hint="Days of placement expected of the workforce, declared and delivered",
        action=Action.SEE_FAIR_SHARE,
        order=60,
        address=lambda round_id: url_for("reports.see_fair_share", round_id=round_id),
        status=_fair_share_status,
    )
)
