"""The published places of one version: by learner, by block or by site, and as files."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required
from sqlalchemy import Select

from placements.access import Action, require
from placements.allocations import queries
from placements.allocations.blueprint import allocations
from placements.allocations.calendars import calendar_of
from placements.allocations.changes import (
    Change,
    changes_of,
    earlier_publication,
    kinds_of,
    summary_of_changes,
    words_for,
)
from placements.allocations.letters import letters_pdf
from placements.allocations.lists import COLUMNS, TRUST_COLUMNS, Column, places_csv, places_xlsx
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.published import (
    STATES,
    VIEWS,
    LineFilter,
    by_learner,
    filtered_lines,
    former_places,
    in_groups,
    learners_page,
    travel_of,
    with_all_blocks,
)
from placements.clock import today
from placements.database import page_of
from placements.errors import Refused
from placements.extensions import db
from placements.web import viewer
from placements.web.downloads import calendar_file, csv_file, pdf_file, xlsx_file

ROWS_A_PAGE = 50
MOST_PAGES = 100_000
MOST_LETTERS = 2_000


@allocations.get("/publications/<int:publication_id>")
@login_required
def see_publication(publication_id: int) -> ResponseReturnValue:
    """The published places that concern the person's organisation, with view and filters kept in the
    address."""
    require(viewer(), Action.SEE_PUBLICATIONS)
    publication = queries.publication_by_id(db.session, viewer(), publication_id)
    earlier = earlier_publication(db.session, viewer(), publication)
    only, view = _filter(), _view()
    page = min(max(1, request.args.get("page", 1, type=int)), MOST_PAGES)
    found = filtered_lines(viewer(), publication, only, view=view, earlier=earlier)
    if view == "learner":
        learners, total = learners_page(db.session, found, page=page, size=ROWS_A_PAGE)
        lines = [line for learner in learners for line in learner.lines]
    else:
        lines, total = page_of(db.session, found, page=page, size=ROWS_A_PAGE)
        learners = []
    pages = -(-total // ROWS_A_PAGE)

    def address(number: int) -> str:
        said: dict[str, Any] = only.said | {"view": view, "page": number}
        return url_for("allocations.see_publication", publication_id=publication_id, **said)

    if page > 1 and page > pages:
        return redirect(address(max(1, pages)))
    return render_template(
        "allocations/see_publication.html",
        publication=publication,
        earlier=earlier,
        newest=queries.publications_of_round(db.session, viewer(), publication.round_id)[0],
        view=view,
        views=VIEWS,
        learners=learners,
        groups=in_groups(lines, view),
        travel=travel_of(db.session, found),
        changes=_changes(earlier, publication, lines),
        words=words_for(viewer()),
        summary=summary_of_changes(db.session, viewer(), earlier, publication) if earlier else "",
        total=total,
        page=page,
        pages=pages,
        counts=queries.counts_of_round(db.session, viewer(), publication.round_id).get(
            publication_id, queries.Counts()
        ),
        choices=queries.choices_of_publication(db.session, viewer(), publication_id),
        filters=only,
        address=address,
        releases_later=(publication.round.release_on or today()) > today(),
        for_trust=viewer().trust_id is not None,
        for_hei=viewer().hei_id is not None,
    )


@allocations.get("/publications/<int:publication_id>/places.csv")
@login_required
def download_places(publication_id: int) -> ResponseReturnValue:
    """The lines that concern the person's organisation, filtered as the page is, as a CSV."""
    publication, lines = _lines(publication_id)
    data = places_csv(lines, _columns(), _changed_words(publication))
    return csv_file(data, _name("places", publication, "csv"))


@allocations.get("/publications/<int:publication_id>/places.xlsx")
@login_required
def download_places_workbook(publication_id: int) -> ResponseReturnValue:
    """The same as a workbook."""
    publication, lines = _lines(publication_id)
    data = places_xlsx(publication, lines, _columns(), _changed_words(publication))
    return xlsx_file(data, _name("places", publication, "xlsx"))


@allocations.get("/publications/<int:publication_id>/letters.pdf")
@login_required
def download_letters(publication_id: int) -> ResponseReturnValue:
    """A letter for each learner with a place, of those that the page shows, to be printed: a letter has all
    of a learner's blocks, whatever the page is filtered by."""
    publication, shown = _shown(publication_id)
    lines = db.session.scalars(with_all_blocks(viewer(), publication, shown))
    learners = [learner for learner in by_learner(lines) if learner.placed or learner.held]
    if not learners:
        raise Refused(
            "There is no letter to write: nobody in this list has a place. "
            "Go back and choose a list with placed learners in it."
        )
    if len(learners) > MOST_LETTERS:
        raise Refused(
            f"These are {len(learners):,} letters, and one file holds at most {MOST_LETTERS:,}. "
            "Go back and filter the list, by HEI or by programme, and download a file of each."
        )
    texts = queries.letter_texts(db.session, {learner.first.hei_id for learner in learners})
    pdf = letters_pdf(publication, learners, texts=texts, with_travel=viewer().trust_id is None)
    return pdf_file(pdf, _name("letters", publication, "pdf"))


@allocations.get("/publications/<int:publication_id>/placements.ics")
@login_required
def download_calendar(publication_id: int) -> ResponseReturnValue:
    """The places as an iCalendar file; loaded again from a later version it changes the same entries."""
    publication, lines = _lines(publication_id)
    data = calendar_of(
        lines,
        name=f"Placements, {publication.round.name}",
        host=urlsplit(current_app.extensions["settings"].site_url).hostname or "placements",
        number=publication.number,
        stamp=publication.published_utc,
        gone=former_places(db.session, viewer(), publication, _filter()),
        with_travel=viewer().trust_id is None,
        for_one_learner=bool(request.args.get("learner")),
    )
    return calendar_file(data, _name("placements", publication, "ics"))


def _changes(
    earlier: Publication | None, publication: Publication, lines: Sequence[PublicationLine]
) -> dict[int, Change]:
    """What changed of these lines since the version before, by requirement's id."""
    if earlier is None:
        return {}
    requirements = [line.requirement_id for line in lines]
    return changes_of(db.session, viewer(), earlier, publication, requirements)


def _changed_words(publication: Publication) -> dict[int, str] | None:
    """What changed since the version before, in a word or two; None where there is none before."""
    earlier = earlier_publication(db.session, viewer(), publication)
    if earlier is None:
        return None
    kinds = kinds_of(db.session, viewer(), earlier, publication)
    return {requirement: words_for(viewer())[kind] for requirement, kind in kinds.items()}


def _filter() -> LineFilter:
    """What the address says is wanted; a state that there is not counts as unsaid."""
    said = {name: request.args.get(name, "").strip() for name in LineFilter.__dataclass_fields__}
    return LineFilter(**said | {"state": said["state"] if said["state"] in STATES else ""})


def _view() -> str:
    """How the address wants the lines; a trust asks first who comes to which site."""
    asked = request.args.get("view", "")
    return asked if asked in VIEWS else ("learner" if viewer().trust_id is None else "site")


def _lines(publication_id: int) -> tuple[Publication, list[PublicationLine]]:
    """A publication and the lines of it that a file is to hold."""
    publication, shown = _shown(publication_id)
    return publication, list(db.session.scalars(shown))


def _shown(publication_id: int) -> tuple[Publication, Select[PublicationLine]]:
    """A publication and the lines of it that the address wants."""
    require(viewer(), Action.SEE_PUBLICATIONS)
    publication = queries.publication_by_id(db.session, viewer(), publication_id)
    earlier = earlier_publication(db.session, viewer(), publication)
    return publication, filtered_lines(viewer(), publication, _filter(), view=_view(), earlier=earlier)


def _columns() -> dict[str, Column]:
    return COLUMNS if viewer().trust_id is None else TRUST_COLUMNS


def _name(what: str, publication: Publication, kind: str) -> str:
    part = "-part" if _filter().said else ""
    return f"{what}-round-{publication.round_id}-version-{publication.number}{part}.{kind}"
