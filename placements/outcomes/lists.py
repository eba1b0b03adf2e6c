"""A round's placements and how they went: filtered, and as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, func
from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations.models import PublicationLine
from placements.allocations.queries import narrowed
from placements.csv_files import csv_bytes
from placements.outcomes.days import days_expected
from placements.outcomes.models import OUTCOMES, PlacementOutcome
from placements.outcomes.queries import visible_placements
from placements.outcomes.wording import OUTCOME_WORDS, reason_words, recorded_by
from placements.spreadsheets.workbooks import Page, Value, workbook_bytes
from placements.web.filters import AddressFilter

Line = PublicationLine
STATES = ("to_record", "recorded", *OUTCOMES)


@dataclass(frozen=True)
class OutcomeFilter(AddressFilter):
    """Which placements are wanted; an empty field lets all through. `state` is one of STATES, `reference` a
    part of the learner's reference."""

    state: str = ""
    block: str = ""
    site: str = ""
    hei: str = ""
    programme: str = ""
    reference: str = ""


def begun_placements(
    viewer: Viewer, round_id: int, on: date, only: OutcomeFilter | None = None
) -> Select[PublicationLine]:
    """A round's placements whose first week has come, filtered, in order of site, time and learner."""
    only = only or OutcomeFilter()
    found = (
        visible_placements(viewer, round_id)
        .join(PlacementOutcome, PlacementOutcome.requirement_id == Line.requirement_id, isouter=True)
        .where(Line.first_week <= on)
        .order_by(Line.site, Line.first_week, Line.hei, Line.learner_reference, Line.requirement_id)
    )
    if only.state == "to_record":
        found = found.where(PlacementOutcome.requirement_id.is_(None))
    elif only.state == "recorded":
        found = found.where(PlacementOutcome.requirement_id.is_not(None))
    elif only.state:
        found = found.where(PlacementOutcome.outcome == only.state)
    return narrowed(
        found,
        block=only.block,
        site=only.site,
        hei=only.hei,
        programme=only.programme,
        reference=only.reference,
    )


def choices(session: Session, viewer: Viewer, round_id: int, on: date) -> dict[str, list[str]]:
    """What the placements can be filtered by: names of blocks, sites, HEIs and programmes."""
    found = begun_placements(viewer, round_id, on).order_by(None)
    return {
        name: sorted(filter(None, session.scalars(found.with_only_columns(column).distinct())))
        for name, column in (
            ("block", Line.block),
            ("site", Line.site),
            ("hei", Line.hei),
            ("programme", Line.programme),
        )
    }


def counts(session: Session, viewer: Viewer, round_id: int, on: date) -> dict[str, int]:
    """How many of the round's placements that have begun went how; "" where nothing is recorded."""
    found = begun_placements(viewer, round_id, on).order_by(None)
    rows = session.execute(
        found.with_only_columns(PlacementOutcome.outcome, func.count()).group_by(PlacementOutcome.outcome)
    )
    return {outcome or "": number for outcome, number in rows}


COLUMNS = (
    "Placement",
    "HEI",
    "Programme",
    "Stage",
    "Learner reference",
    "Block",
    "Site",
    "Modality",
    "First day",
    "Ends",
    "Days expected",
    "Outcome",
    "Last day there",
    "Reason",
    "Days attended",
    "Recorded by",
)
_WIDTHS = {"HEI": 30, "Programme": 34, "Site": 34, "Reason": 26, "Recorded by": 30, "Learner reference": 18}


def outcome_rows(
    viewer: Viewer, lines: Sequence[PublicationLine], outcomes: dict[int, PlacementOutcome]
) -> list[list[Value]]:
    """The placements under COLUMNS; what is in the last five but one may be filled in and uploaded."""
    rows: list[list[Value]] = [list(COLUMNS)]
    for line in lines:
        row = outcomes.get(line.requirement_id)
        rows.append(
            [
                line.requirement_id,
                line.hei,
                line.programme,
                line.stage,
                line.learner_reference,
                line.block,
                line.site,
                line.modality,
                line.first_day,
                line.last_day,
                days_expected(line),
                OUTCOME_WORDS[row.outcome] if row else None,
                row.last_day if row else None,
                reason_words(viewer, row) or None if row else None,
                row.days_attended if row else None,
                recorded_by(row) if row else None,
            ]
        )
    return rows


def outcomes_csv(rows: Sequence[Sequence[Value]]) -> bytes:
    """The rows as a CSV."""
    return csv_bytes(rows)


def outcomes_xlsx(rows: Sequence[Sequence[Value]]) -> bytes:
    """The rows as a workbook."""
    widths = [_WIDTHS.get(name, max(12, len(name))) for name in COLUMNS]
    return workbook_bytes([Page("Outcomes", rows, widths=widths, bold=frozenset({0}), frozen=(1, 0))])
