"""Days of a placement: those on which the learner is expected, and since when the learner can say how it
was."""

from __future__ import annotations

from datetime import date, timedelta

from placements.allocations.models import PublicationLine
from placements.bank_holidays import holidays_in

FEEDBACK_WEEKS = 4


def days_expected(line: PublicationLine, until: date | None = None) -> int:
    """On how many days the learner is to be there, bank holidays left out; with `until`, to that day."""
    return sum(
        1
        for week in line.mondays
        for weekday in map(int, line.weekdays)
        if (day := week + timedelta(days=weekday - 1)) not in holidays_in(week)
        and (until is None or day <= until)
    )


def has_begun(line: PublicationLine, day: date) -> bool:
    """Whether the placement's first day has come."""
    return line.first_day <= day


def has_ended(line: PublicationLine, day: date) -> bool:
    """Whether its last day has come."""
    return line.last_day <= day


def feedback_until(line: PublicationLine) -> date:
    """The last day on which the learner can give or change feedback."""
    return line.last_day + timedelta(weeks=FEEDBACK_WEEKS)


def takes_feedback(line: PublicationLine, day: date) -> bool:
    """From the first day of the placement until FEEDBACK_WEEKS after its last."""
    return has_begun(line, day) and day <= feedback_until(line)
