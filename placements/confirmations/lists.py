"""Proposals as a file: what a trust needs to decide, and nothing of where a learner lives or who they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from placements.confirmations.queries import ProposedPlace
from placements.confirmations.wording import STATES, reason_words
from placements.csv_files import csv_bytes
from placements.spreadsheets.workbooks import Value
from placements.web.formats import weekdays

COLUMNS: Mapping[str, Callable[[ProposedPlace], Value]] = {
    "Trust": lambda row: row.proposal.department.site.trust.name,
    "Site": lambda row: row.proposal.department.site.name,
    "Department": lambda row: row.proposal.department.modality.name,
    "Block": lambda row: row.block,
    "Week commencing": lambda row: row.mondays[0],
    "Last day": lambda row: row.last_day,
    "Weeks": lambda row: len(row.mondays),
    "Days": lambda row: weekdays(row.weekdays),
    "HEI": lambda row: row.learner.hei.name,
    "Group": lambda row: row.learner.cohort.programme.learner_group.name,
    "Stage": lambda row: row.learner.cohort.stage.name,
    "Learner reference": lambda row: row.learner.reference,
    "Not ready": lambda row: row.not_ready,
    "State": lambda row: STATES[row.proposal.state],
    "Answer by": lambda row: row.proposal.answer_by,
    "Late": lambda row: "yes" if row.is_overdue or row.was_late else "",
    "Reason": lambda row: reason_words(row.proposal.reason),
    "Note": lambda row: row.proposal.note,
    "Question": lambda row: row.proposal.question,
    "Reply": lambda row: row.proposal.reply,
}


def proposals_csv(rows: Sequence[ProposedPlace]) -> bytes:
    """The proposals as CSV, a row each."""
    return csv_bytes([[*COLUMNS], *([value(row) for value in COLUMNS.values()] for row in rows)])
