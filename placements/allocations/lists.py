"""Published places and their changes as files: columns for HEIs and the academy, and for trusts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from placements.allocations.changes import Change, Kind
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.published import PublishedLearner, by_learner
from placements.csv_files import csv_bytes
from placements.spreadsheets.workbooks import Page, Value, workbook_bytes
from placements.web.formats import TRAVEL_MODES, moment, weekdays

Column = Callable[[PublicationLine], Value]
ChangeColumn = Callable[[Change], Value]

RESULTS = {"placed": "placed", "held": "held back", "unplaced": "not placed"}

# What a trust needs to know of who is coming: nothing of where they live.
TRUST_COLUMNS: dict[str, Column] = {
    "Block": lambda line: line.block,
    "Week commencing": lambda line: line.first_week,
    "Last day": lambda line: line.last_day,
    "Weeks": lambda line: line.weeks,
    "Days": lambda line: weekdays(line.weekdays),
    "Site": lambda line: line.site,
    "Modality": lambda line: line.modality,
    "HEI": lambda line: line.hei,
    "Programme": lambda line: line.programme,
    "Stage": lambda line: line.stage,
    "Learner reference": lambda line: line.learner_reference,
    "Not ready": lambda line: line.not_ready,
}
COLUMNS: dict[str, Column] = {
    "HEI": lambda line: line.hei,
    "Programme": lambda line: line.programme,
    "Stage": lambda line: line.stage,
    "Learner reference": lambda line: line.learner_reference,
    "Block": lambda line: line.block,
    "Week commencing": lambda line: line.first_week,
    "Last day": lambda line: line.last_day,
    "Weeks": lambda line: line.weeks,
    "Days": lambda line: weekdays(line.weekdays),
    "Modality": lambda line: line.modality,
    "Trust": lambda line: line.trust,
    "Site": lambda line: line.site,
    "Site postcode": lambda line: line.site_postcode,
    "Travel minutes one way": lambda line: line.travel_minutes,
    "Travel minutes are": lambda line: _travel_source(line),
    "Travel": lambda line: TRAVEL_MODES.get(line.travel_mode),
    "Result": lambda line: RESULTS[line.state],
    "Not ready": lambda line: line.not_ready,
    "Reason": lambda line: line.reason,
    "Why it changed": lambda line: line.why_moved_words,
}
_WIDTHS = {
    "HEI": 30,
    "Programme": 34,
    "Trust": 34,
    "Site": 34,
    "Reason": 60,
    "Why it changed": 60,
    "Learner reference": 18,
    "Week commencing": 17,
    "Travel minutes one way": 22,
}
_WIDTH = 14


def places_csv(
    lines: Iterable[PublicationLine],
    columns: Mapping[str, Column] = COLUMNS,
    changed: Mapping[int, str] | None = None,
) -> bytes:
    """The lines as CSV, a row each under the columns' headings. `changed` says by requirement's id what
    changed since the version before; None where there is none before."""
    return csv_bytes(_rows(lines, columns, changed))


def places_xlsx(
    publication: Publication,
    lines: Sequence[PublicationLine],
    columns: Mapping[str, Column] = COLUMNS,
    changed: Mapping[int, str] | None = None,
) -> bytes:
    """The same as a workbook, with a sheet of the learners, their blocks side by side, and one that says what
    this is."""
    learners = _learner_rows(by_learner(lines), with_travel=columns is COLUMNS)
    about: list[list[Value]] = [
        ["Round", publication.round.name],
        ["Version", publication.number],
        ["Published", moment(publication.published_utc)],
        ["Rows", len(lines)],
    ]
    if columns is COLUMNS:
        about.append(["Travel", "One way. Estimated minutes come from the map, not from timetables."])
    return workbook_bytes(
        [
            _page("Places", _rows(lines, columns, changed)),
            _page("By learner", learners),
            Page("About", about, widths=(14, 80)),
        ]
    )


def _rows(
    lines: Iterable[PublicationLine], columns: Mapping[str, Column], changed: Mapping[int, str] | None
) -> list[list[Value]]:
    headings: list[Value] = [*columns, *(["Changed"] if changed is not None else [])]
    rows = [headings]
    for line in lines:
        cells = [value(line) for value in columns.values()]
        if changed is not None:
            cells.append(changed.get(line.requirement_id))
        rows.append(cells)
    return rows


def _learner_rows(learners: Sequence[PublishedLearner], *, with_travel: bool) -> list[list[Value]]:
    """A learner a row; for each block a column of the place, and one of the minutes."""
    blocks = sorted({(line.first_week, line.block) for row in learners for line in row.lines})
    headings: list[Value] = ["HEI", "Programme", "Stage", "Learner reference"]
    for _, block in blocks:
        headings += [block, f"{block}: minutes"] if with_travel else [block]
    rows = [headings]
    for learner in learners:
        first = learner.first
        cells: list[Value] = [first.hei, first.programme, first.stage, first.learner_reference]
        mine = {(line.first_week, line.block): line for line in learner.lines}
        for key in blocks:
            line = mine.get(key)
            cells.append(_place(line))
            if with_travel:
                cells.append(line.travel_minutes if line else None)
        rows.append(cells)
    return rows


# A change's columns for a trust: of no learner does it say where else they are.
TRUST_CHANGE_COLUMNS: dict[str, ChangeColumn] = {
    "HEI": lambda change: change.line.hei,
    "Programme": lambda change: change.line.programme,
    "Stage": lambda change: change.line.stage,
    "Learner reference": lambda change: change.line.learner_reference,
    "Block": lambda change: change.line.block,
    "Week commencing": lambda change: change.line.first_week,
    "Before": lambda change: _place(change.before),
    "Now": lambda change: _place(change.after),
}
CHANGE_COLUMNS: dict[str, ChangeColumn] = TRUST_CHANGE_COLUMNS | {
    "Minutes before": lambda change: change.before.travel_minutes if change.before else None,
    "Minutes now": lambda change: change.after.travel_minutes if change.after else None,
    "Reason now": lambda change: change.after.reason if change.after else None,
    "Why it changed": lambda change: change.after.why_moved_words if change.after else None,
}


def changes_rows(
    changes: Iterable[Change], words: Mapping[Kind, str], columns: Mapping[str, ChangeColumn] = CHANGE_COLUMNS
) -> list[list[Value]]:
    """The changes, a row each under the headings, beginning with the word for what happened."""
    rows: list[list[Value]] = [["What changed", *columns]]
    for change in changes:
        rows.append([words[change.kind], *(value(change) for value in columns.values())])
    return rows


def changes_csv(rows: Sequence[Sequence[Value]]) -> bytes:
    """Rows of changes as CSV."""
    return csv_bytes(rows)


def changes_xlsx(rows: Sequence[Sequence[Value]]) -> bytes:
    """Rows of changes as a workbook."""
    return workbook_bytes([_page("Changes", rows)])


def _page(name: str, rows: Sequence[Sequence[Value]]) -> Page:
    widths = [_WIDTHS.get(str(heading), max(_WIDTH, len(str(heading)))) for heading in rows[0]]
    return Page(name, rows, widths=widths, bold=frozenset({0}), frozen=(1, 0))


def _place(line: PublicationLine | None) -> str:
    if line is None:
        return ""
    if line.state == "unplaced":
        return f"Not placed ({line.modality})"
    held = f" (held back: {line.not_ready})" if line.state == "held" else ""
    return f"{line.modality}, {line.site}{held}"


def _travel_source(line: PublicationLine) -> str:
    if line.travel_minutes is None:
        return ""
    return "estimated" if line.travel_is_estimated else "from the uploaded matrix"
