"""Days of a placement: those on which the learner is expected, and since when the learner can say how it
was."""

from __future__ import annotations

from datetime import date, timedelta

from placements.allocations.days import first_day, last_day, weekdays_of, weeks_of
from placements.allocations.models import PublicationLine
from placements.bank_holidays import holidays_in

FEEDBACK_WEEKS = 4


def days_expected(line: PublicationLine, until: date | None = None) -> int:
    """On how many days the learner is to be there, bank holidays left out; with `until`, to that day."""
    return sum(
        1
        for week in weeks_of(line)
        for weekday in weekdays_of(line)
        if (day := week + timedelta(days=weekday)) not in holidays_in(week)
        and (until is None or day <= until)
    )


def has_begun(line: PublicationLine, day: date) -> bool:
    """Whether the placement's first day has come."""
    return first_day(line) <= day


def has_ended(line: PublicationLine, day: date) -> bool:
    """Whether its last day has come."""
    return last_day(line) <= day


def feedback_until(line: PublicationLine) -> date:
    """The last day on which the learner can give or change feedback."""
    return last_day(line) + timedelta(weeks=FEEDBACK_WEEKS)


def takes_feedback(line: PublicationLine, day: date) -> bool:
    """From the first day of the placement until FEEDBACK_WEEKS after its last."""
    return has_begun(line, day) and day <= feedback_until(line)
