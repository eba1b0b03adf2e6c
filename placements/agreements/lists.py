"""Agreements as a file: one a row, with what is used of each."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from placements.agreements.models import Agreement
from placements.agreements.used import Use
from placements.csv_files import csv_bytes
from placements.web.formats import LONDON, year_span

HEADINGS = (
    "HEI",
    "Trust",
    "Learners",
    "Academic year",
    "Least",
    "Most",
    "State",
    "Placements asked for",
    "Placements published",
    "Short of the least",
    "Proposed by",
    "Proposed on",
    "Agreed for the HEI by",
    "On",
    "Agreed for the trust by",
    "On",
    "Note",
    "Declined or ended by",
    "On",
    "Reason",
)


def agreements_csv(agreements: Iterable[Agreement], used: Mapping[int, Use]) -> bytes:
    """Every agreement of a list; days in London's time."""
    rows: list[Iterable[object]] = [HEADINGS]
    for row in agreements:
        use = used[row.id]
        rows.append(
            (
                row.hei.name,
                row.trust.name,
                row.of_whom,
                year_span(row.year),
                row.least or None,
                row.most,
                row.state,
                use.asked,
                use.published,
                use.short_of(row),
                row.proposed_by,
                _day(row.proposed_utc),
                row.hei_agreed_by,
                _day(row.hei_agreed_utc),
                row.trust_agreed_by,
                _day(row.trust_agreed_utc),
                row.note,
                row.ended_by,
                _day(row.ended_utc),
                row.answer,
            )
        )
    return csv_bytes(rows)


def _day(moment: datetime | None) -> str | None:
    return moment.astimezone(LONDON).date().isoformat() if moment else None
