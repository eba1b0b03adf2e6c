"""Pages about learners: the list of a round's, and one learner with all that belongs to them."""

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, Viewer, require
from placements.audit import describing
from placements.audit.queries import entries_about
from placements.clock import today
from placements.cohorts.given_back import given_back
from placements.cohorts.history import History, histories
from placements.cohorts.models import Learner
from placements.cohorts.presence import is_asked, possible_weeks
from placements.database import page_of
from placements.extensions import db
from placements.geography.postcodes import outward_code
from placements.learners import queries
from placements.learners.blueprint import learners
from placements.learners.forms import TRAVEL_WORDS, WEEKDAYS
from placements.learners.interruptions import may_be_undone
from placements.learners.lists import learners_csv, learners_xlsx
from placements.learners.queries import HAVING, STATES, LearnerFilter
from placements.learners.sections import sections_for
from placements.rounds.models import Round
from placements.rounds.queries import round_by_id
from placements.web import viewer
from placements.web.downloads import csv_file, xlsx_file
from placements.web.formats import count
from placements.web.panels import Panel, Status, register

LEARNERS_A_PAGE = 50
MOST_PAGES = 100_000
SHOWN_CHANGES = 50


@learners.get("/rounds/<int:round_id>/learners")
@login_required
def see_learners(round_id: int) -> ResponseReturnValue:
    """The learners of a round whom the person may see, with filters kept in the address."""
    require(viewer(), Action.SEE_LEARNERS)
    round_ = round_by_id(db.session, viewer(), round_id)
    only = _filter()
    page = min(max(1, request.args.get("page", 1, type=int)), MOST_PAGES)
    found = queries.filtered_learners(viewer(), round_, only, today())
    rows, total = page_of(db.session, found, page=page, size=LEARNERS_A_PAGE)
    pages = -(-total // LEARNERS_A_PAGE)

    def address(number: int) -> str:
        said: dict[str, Any] = only.said | {"page": number}
        return url_for("learners.see_learners", round_id=round_id, **said)

    if page > 1 and page > pages:
        return redirect(address(max(1, pages)))
    return render_template(
        "learners/see_learners.html",
        round=round_,
        learners=rows,
        total=total,
        page=page,
        pages=pages,
        address=address,
        filters=only,
        choices=queries.choices_of_round(db.session, viewer(), round_),
        counts=queries.counts_of_round(db.session, viewer(), round_id, today()),
        states=STATES,
        having=HAVING,
        for_hei=viewer().hei_id is not None,
    )


@learners.get("/rounds/<int:round_id>/learners.csv")
@login_required
def download_learners(round_id: int) -> ResponseReturnValue:
    """The same learners, filtered as the page is, as a CSV."""
    round_, rows = _whole_list(round_id)
    data = learners_csv(rows, round_, today(), whole_postcodes=viewer().hei_id is not None)
    return csv_file(data, f"learners-round-{round_id}.csv")


@learners.get("/rounds/<int:round_id>/learners.xlsx")
@login_required
def download_learners_workbook(round_id: int) -> ResponseReturnValue:
    """The same as a workbook."""
    round_, rows = _whole_list(round_id)
    data = learners_xlsx(rows, round_, today(), whole_postcodes=viewer().hei_id is not None)
    return xlsx_file(data, f"learners-round-{round_id}.xlsx")


def _whole_list(round_id: int) -> tuple[Round, list[Learner]]:
    require(viewer(), Action.SEE_LEARNERS)
    round_ = round_by_id(db.session, viewer(), round_id)
    found = queries.filtered_learners(viewer(), round_, _filter(), today())
    return round_, list(db.session.scalars(found).unique())


def _filter() -> LearnerFilter:
    """What the address says is wanted."""
    return LearnerFilter(
        **{name: request.args.get(name, "").strip()[:100] for name in LearnerFilter.__dataclass_fields__}
    )


@learners.get("/learners/<int:learner_id>")
@login_required
def see_learner(learner_id: int) -> ResponseReturnValue:
    """One learner in a round: what they need, what binds them, what they would like, and what was done."""
    require(viewer(), Action.SEE_LEARNERS)
    learner = queries.learner_by_id(db.session, viewer(), learner_id)
    past = histories(db.session, learner.cohort.round, {learner.record_id}).get(learner.record_id, History())
    entries = entries_about(db.session, "learner", learner.id)
    return render_template(
        "learners/see_learner.html",
        learner=learner,
        round=learner.cohort.round,
        past=past,
        requirements=queries.in_order(learner),
        given_back=given_back(db.session, learner.cohort.round_id),
        changes=[
            (entry, describing.done(entry.action), describing.facts(entry))
            for entry in entries[:SHOWN_CHANGES]
        ],
        further_changes=max(0, len(entries) - SHOWN_CHANGES),
        sections=sections_for(viewer(), learner),
        may_be_undone=lambda row: may_be_undone(db.session, row),
        for_hei=viewer().hei_id is not None,
    )


@learners.context_processor
def _words() -> dict[str, Any]:
    """What every page about learners says things with."""
    return {
        "travel_words": TRAVEL_WORDS,
        "weekday_names": WEEKDAYS,
        "outward_code": outward_code,
        "is_asked": is_asked,
        "possible_weeks": possible_weeks,
        "state_of": lambda learner, round_: queries.state_of(learner, round_, today()),
        "state_words": STATES,
        "today": today(),
    }


def _status(viewer: Viewer, round_id: int) -> Status:
    there, gone = queries.counts_of_round(db.session, viewer, round_id, today())
    words = count(there, "learner") + (f", {gone:,} withdrawn" if gone else "")
    return Status(words if there or gone else "None yet")


register(
    Panel(
        title="Learners",
        hint="Each learner's needs, constraints and changes",
        action=Action.SEE_LEARNERS,
        order=25,
        address=lambda round_id: url_for("learners.see_learners", round_id=round_id),
        status=_status,
    )
)
