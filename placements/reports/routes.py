"""Pages about trusts in a round, the academy's own centres, and a site's sheet to print."""

from dataclasses import dataclass
from datetime import date

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required
from sqlalchemy import Select

from placements.access import Action, Viewer, require
from placements.allocations.queries import newest_publication
from placements.capacity.content import shown
from placements.clock import today
from placements.errors import NotAllowed
from placements.extensions import db
from placements.organisations.models import Department, Trust
from placements.organisations.queries import visible_departments
from placements.reports import queries
from placements.reports.blueprint import reports
from placements.reports.lists import weeks_csv
from placements.reports.sheet import site_sheet
from placements.reports.trust import TrustView, trust_view
from placements.rounds import queries as rounds
from placements.rounds.models import Block, Round
from placements.web import viewer
from placements.web.downloads import csv_file
from placements.web.formats import count, day
from placements.web.panels import Panel, Status, register

# What each week of the heat map can show, in words.
SHOWN = {
    "load": "Supervisor load",
    "used": "Places used of effective",
    "effective": "Effective places",
    "offered": "Places offered",
}


@reports.get("/rounds/<int:round_id>/trusts")
@login_required
def see_trusts(round_id: int) -> ResponseReturnValue:
    """All trusts and the academy in one table; a trust's people are led to their own."""
    require(viewer(), Action.SEE_TRUST)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    if viewer().trust_id is not None:
        return redirect(url_for("reports.see_trust", round_id=round_id, trust_id=viewer().trust_id))
    block = _block(round_)
    publication = newest_publication(db.session, viewer(), round_id)
    whole = trust_view(
        db.session,
        round_,
        visible_departments(viewer()),
        publication,
        weeks=_weeks(round_, block),
        today=today(),
    )
    by_trust: dict[int, list[int]] = {}
    for index, row in enumerate(whole.rows):
        site = row.department.site
        by_trust.setdefault(0 if site.kind == "academy" else site.trust_id, []).append(index)

    def part(key: int) -> TrustView:
        return TrustView(whole.weeks, [whole.rows[index] for index in by_trust.get(key, [])], ())

    trusts = queries.trusts(db.session, viewer())
    return render_template(
        "reports/see_trusts.html",
        round=round_,
        block=block,
        publication=publication,
        lines=[(trust, part(trust.id)) for trust in trusts],
        academy=part(0),
        whole=whole,
    )


@dataclass(frozen=True)
class Scope:
    """Whose departments a page is about: a trust, or the academy's own centres where there is none."""

    round_: Round
    trust: Trust | None
    departments: Select[Department]

    @property
    def name(self) -> str:
        return self.trust.name if self.trust else "The academy's own centres"

    @property
    def address(self) -> str:
        return self._to("see")

    @property
    def csv_address(self) -> str:
        return self._to("download")

    def _to(self, verb: str) -> str:
        if self.trust is None:
            return url_for(f"reports.{verb}_academy", round_id=self.round_.id)
        return url_for(f"reports.{verb}_trust", round_id=self.round_.id, trust_id=self.trust.id)


@reports.get("/rounds/<int:round_id>/trusts/<int:trust_id>")
@login_required
def see_trust(round_id: int, trust_id: int) -> ResponseReturnValue:
    """All sites of a trust: offered, effective and used places, load by week, who comes next."""
    return _trust_page(_trust_scope(round_id, trust_id))


@reports.get("/rounds/<int:round_id>/trusts/<int:trust_id>/weeks.csv")
@login_required
def download_trust(round_id: int, trust_id: int) -> ResponseReturnValue:
    """A trust's departments and weeks as a file."""
    return _weeks_file(_trust_scope(round_id, trust_id), f"trust-{trust_id}-round-{round_id}.csv")


@reports.get("/rounds/<int:round_id>/academy")
@login_required
def see_academy(round_id: int) -> ResponseReturnValue:
    """The academy's own centres as a trust's sites are shown, with the sessions that make their places."""
    return _trust_page(_academy_scope(round_id))


@reports.get("/rounds/<int:round_id>/academy/weeks.csv")
@login_required
def download_academy(round_id: int) -> ResponseReturnValue:
    """The academy's departments and weeks as a file."""
    return _weeks_file(_academy_scope(round_id), f"academy-round-{round_id}.csv")


@reports.get("/rounds/<int:round_id>/sites/<int:site_id>/sheet")
@login_required
def see_site_sheet(round_id: int, site_id: int) -> ResponseReturnValue:
    """A site on paper, a page a department: who comes when, places by week, educators on duty."""
    require(viewer(), Action.SEE_TRUST)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    site = queries.site_by_id(db.session, viewer(), site_id)
    block = _block(round_)
    publication = newest_publication(db.session, viewer(), round_id)
    return render_template(
        "reports/see_site_sheet.html",
        round=round_,
        site=site,
        block=block,
        publication=publication,
        today=today(),
        figure=shown,
        sheets=site_sheet(
            db.session,
            viewer(),
            round_,
            site,
            publication,
            weeks=_weeks(round_, block),
            today=today(),
        ),
    )


def _trust_scope(round_id: int, trust_id: int) -> Scope:
    require(viewer(), Action.SEE_TRUST)
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    trust = queries.trust_by_id(db.session, viewer(), trust_id)
    return Scope(round_, trust, queries.departments_of_trusts(viewer(), trust_id))


def _academy_scope(round_id: int) -> Scope:
    require(viewer(), Action.SEE_TRUST)
    if viewer().network_id is None:
        raise NotAllowed("Only the academy sees its own centres together.")
    round_ = rounds.round_by_id(db.session, viewer(), round_id)
    return Scope(round_, None, queries.departments_of_academy(viewer()))


def _trust_page(scope: Scope) -> str:
    round_ = scope.round_
    block = _block(round_)
    site_id = request.args.get("site", type=int)
    show = request.args.get("show", "")
    publication = newest_publication(db.session, viewer(), round_.id)
    whole = trust_view(
        db.session,
        round_,
        scope.departments,
        publication,
        weeks=_weeks(round_, block),
        today=today(),
    )
    rows = [row for row in whole.rows if site_id in (None, row.department.site_id)]
    return render_template(
        "reports/see_trust.html",
        scope=scope,
        round=round_,
        block=block,
        site_id=site_id,
        show=show if show in SHOWN else "load",
        shown=SHOWN,
        sites=[site for site, _ in whole.sites],
        view=TrustView(whole.weeks, rows, whole.educators),
        publication=publication,
        arrivals=queries.arrivals(db.session, viewer(), publication, scope.departments, today()),
    )


def _weeks_file(scope: Scope, name: str) -> ResponseReturnValue:
    round_ = scope.round_
    publication = newest_publication(db.session, viewer(), round_.id)
    view = trust_view(
        db.session, round_, scope.departments, publication, weeks=round_.block_weeks(), today=today()
    )
    return csv_file(weeks_csv(view), name)


def _block(round_: Round) -> Block | None:
    """The block that the address names, where the round has it."""
    block_id = request.args.get("block", type=int)
    return next((block for block in round_.blocks if block.id == block_id), None)


def _weeks(round_: Round, block: Block | None) -> list[date]:
    return block.mondays() if block else round_.block_weeks()


def _trusts_status(viewer: Viewer, round_id: int) -> Status:
    publication = newest_publication(db.session, viewer, round_id)
    if publication is None:
        return Status("Nobody is placed yet")
    of_a_trust = viewer.trust_id is not None
    departments = queries.departments_of_trusts(viewer) if of_a_trust else visible_departments(viewer)
    week, learners = queries.next_arrivals(db.session, viewer, publication, departments, today())
    if week is None:
        return Status("Nobody is still to begin")
    return Status(f"{count(learners, 'learner')} on {day(week)}")


register(
    Panel(
        title="Sites, load and who comes next",
        hint="Offered, effective and used places of all sites, and a sheet to print for each",
        action=Action.SEE_TRUST,
        order=50,
        address=lambda round_id: url_for("reports.see_trusts", round_id=round_id),
        status=_trusts_status,
    )
)
