"""What changed from one version of a round's published places to another, as a page and as files."""

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from placements.access import Action, require
from placements.allocations import queries
from placements.allocations.blueprint import allocations
from placements.allocations.changes import (
    Change,
    Kind,
    changes_between,
    count_changes,
    earlier_publication,
    summary_of_changes,
    words_for,
)
from placements.allocations.lists import (
    CHANGE_COLUMNS,
    TRUST_CHANGE_COLUMNS,
    changes_csv,
    changes_rows,
    changes_xlsx,
)
from placements.allocations.models import Publication
from placements.errors import Refused
from placements.extensions import db
from placements.spreadsheets.workbooks import Value
from placements.web import viewer
from placements.web.downloads import csv_file, xlsx_file

CHANGES_A_PAGE = 50
MOST_PAGES = 100_000


@allocations.get("/publications/<int:publication_id>/changes")
@login_required
def see_changes(publication_id: int) -> ResponseReturnValue:
    """Who is placed elsewhere, no longer, or newly, since the version before or any earlier one."""
    publication, earlier = _versions(publication_id)
    kind, reference = _kind(), request.args.get("reference", "").strip()
    page = min(max(1, request.args.get("page", 1, type=int)), MOST_PAGES)
    changes: list[Change] = []
    total, counts, summary = 0, dict[Kind, int](), ""
    if earlier is not None:
        changes, total = changes_between(
            db.session,
            viewer(),
            earlier,
            publication,
            kind=kind,
            reference=reference,
            page=page,
            size=CHANGES_A_PAGE,
        )
        counts = count_changes(db.session, viewer(), earlier, publication)
        summary = summary_of_changes(db.session, viewer(), earlier, publication)
    pages = -(-total // CHANGES_A_PAGE)
    said: dict[str, Any] = {
        "since": earlier.number if earlier else None,
        "kind": kind or None,
        "reference": reference or None,
    }

    def address(number: int) -> str:
        return url_for("allocations.see_changes", publication_id=publication_id, **said, page=number)

    if page > 1 and page > pages:
        return redirect(address(max(1, pages)))
    return render_template(
        "allocations/see_changes.html",
        publication=publication,
        earlier=earlier,
        versions=queries.publications_of_round(db.session, viewer(), publication.round_id),
        changes=changes,
        counts=counts,
        summary=summary,
        words=words_for(viewer()),
        kind=kind,
        reference=reference,
        said=said,
        total=total,
        page=page,
        pages=pages,
        address=address,
        for_trust=viewer().trust_id is not None,
        for_hei=viewer().hei_id is not None,
    )


@allocations.get("/publications/<int:publication_id>/changes.csv")
@login_required
def download_changes(publication_id: int) -> ResponseReturnValue:
    """The changes, filtered as the page is, as a CSV."""
    name, rows = _rows(publication_id)
    return csv_file(changes_csv(rows), f"{name}.csv")


@allocations.get("/publications/<int:publication_id>/changes.xlsx")
@login_required
def download_changes_workbook(publication_id: int) -> ResponseReturnValue:
    """The same as a workbook."""
    name, rows = _rows(publication_id)
    return xlsx_file(changes_xlsx(rows), f"{name}.xlsx")


def _versions(publication_id: int) -> tuple[Publication, Publication | None]:
    """A publication and the one that it is compared with; None where it is a round's first."""
    require(viewer(), Action.SEE_PUBLICATIONS)
    publication = queries.publication_by_id(db.session, viewer(), publication_id)
    since = request.args.get("since", type=int)
    return publication, earlier_publication(db.session, viewer(), publication, since)


def _rows(publication_id: int) -> tuple[str, list[list[Value]]]:
    """A file's name without its ending, and its rows."""
    publication, earlier = _versions(publication_id)
    if earlier is None:
        raise Refused("This is the round's first version: there is nothing before it to compare with.")
    changes, _ = changes_between(
        db.session,
        viewer(),
        earlier,
        publication,
        kind=_kind(),
        reference=request.args.get("reference", "").strip(),
    )
    columns = CHANGE_COLUMNS if viewer().trust_id is None else TRUST_CHANGE_COLUMNS
    name = f"changes-round-{publication.round_id}-version-{earlier.number}-to-{publication.number}"
    return name, changes_rows(changes, words_for(viewer()), columns)


def _kind() -> str:
    asked = request.args.get("kind", "")
    return asked if asked in set(Kind) else ""
