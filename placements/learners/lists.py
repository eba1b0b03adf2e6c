"""Lists of learners as files: one row a learner, with headings under which a cohort's file is read back."""

from collections.abc import Sequence
from datetime import date

from placements.cohorts.models import Learner
from placements.cohorts.presence import is_asked
from placements.csv_files import csv_bytes
from placements.geography.postcodes import outward_code
from placements.learners.queries import STATES, state_of
from placements.rounds.models import Round
from placements.spreadsheets.workbooks import Page, Value, workbook_bytes
from placements.web.formats import weekdays

COLUMNS = (
    "Reference",
    "University",
    "Programme",
    "Stage",
    "Intake",
    "State",
    "Home postcode",
    "Term time postcode",
    "Travel",
    "Travel limit (minutes)",
    "Employer",
    "Released",
    "Hub trust",
    "Available from",
    "Available until",
    "Days",
    "Accommodation",
    "Access needs",
    "Priority",
    "Priority reason",
    "Preferred sites",
    "Sites to avoid",
    "Needs a place in",
)
WIDTHS = (16, 28, 32, 12, 12, 20, 12, 12, 16, 12, 32, 10, 32, 14, 14, 20, 14, 24, 8, 24, 40, 28, 40)


def learners_csv(learners: Sequence[Learner], round_: Round, day: date, *, whole_postcodes: bool) -> bytes:
    """The learners as a CSV. Only their own HEI gets whole postcodes, others the outward code."""
    rows = [_row(row, round_, day, whole_postcodes=whole_postcodes) for row in learners]
    return csv_bytes([COLUMNS, *([_plain(value) for value in row] for row in rows)])


def learners_xlsx(learners: Sequence[Learner], round_: Round, day: date, *, whole_postcodes: bool) -> bytes:
    """The same as a workbook, with days as dates."""
    rows = [_row(row, round_, day, whole_postcodes=whole_postcodes) for row in learners]
    page = Page("Learners", [COLUMNS, *rows], widths=WIDTHS, bold=frozenset({0}), frozen=(1, 1))
    return workbook_bytes([page])


def _plain(value: Value) -> Value:
    return value.isoformat() if isinstance(value, date) else value


def _row(learner: Learner, round_: Round, day: date, *, whole_postcodes: bool) -> list[Value]:
    def postcode(text: str | None) -> str | None:
        return text if whole_postcodes or text is None else outward_code(text)

    cohort = learner.cohort
    return [
        learner.reference,
        learner.hei.name,
        cohort.programme.name,
        cohort.stage.name,
        cohort.intake,
        STATES[state_of(learner, round_, day)],
        postcode(learner.postcode),
        postcode(learner.term_postcode),
        learner.travel_mode.replace("_", " "),
        learner.travel_limit_minutes,
        learner.employer.ods if learner.employer else None,
        "Yes" if learner.released else None,
        learner.hub.ods if learner.hub else None,
        learner.available_from,
        learner.available_until,
        weekdays(learner.weekdays) if learner.weekdays else None,
        "Yes" if learner.accommodation else None,
        "; ".join(need.name for need in learner.access_needs) or None,
        learner.priority,
        learner.priority_reason or None,
        "; ".join(row.site.name for row in learner.preferences) or None,
        "; ".join(row.site.name for row in learner.exclusions) or None,
        "; ".join(row.when for row in learner.requirements if is_asked(row)) or None,
    ]
