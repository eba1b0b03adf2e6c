"""A round's appeals as a file: what was asked and decided, without what was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from placements.allocations.models import PublicationLine
from placements.appeals.models import Appeal
from placements.appeals.words import GROUNDS, STATES, wanted
from placements.csv_files import csv_bytes
from placements.web.formats import LONDON

HEADINGS = [
    "HEI",
    "Learner reference",
    "Block",
    "Place",
    "Travel minutes one way",
    "Version",
    "Lodged",
    "Lodged by",
    "About",
    "Asked for",
    "State",
    "Decided",
    "Reasons",
    "Files",
]


def appeals_csv(appeals: Iterable[Appeal], places: Mapping[int, PublicationLine]) -> bytes:
    """The appeals, a row each; statements and evidence stay on the page."""
    rows = []
    for row in appeals:
        line = places.get(row.id)
        rows.append(
            [
                row.requirement.learner.hei.name,
                row.requirement.learner.reference,
                line.block if line else "",
                f"{line.modality}, {line.site}" if line else "",
                line.travel_minutes if line else None,
                row.publication_number,
                row.lodged_utc.astimezone(LONDON).date(),
                "the learner" if row.lodged_by_id is None else "the HEI",
                GROUNDS[row.grounds],
                wanted(row),
                STATES[row.state],
                row.decided_utc.astimezone(LONDON).date() if row.decided_utc else None,
                row.decision,
                len(row.evidence),
            ]
        )
    return csv_bytes([HEADINGS, *rows])
