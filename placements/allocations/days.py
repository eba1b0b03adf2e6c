"""On which days somebody is on a published placement. Weekdays are digits from 1, a Monday: "135"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from placements.allocations.models import PublicationLine

EVERY_WEEKDAY = "12345"
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def weekdays_of(line: PublicationLine) -> list[int]:
    """The weekdays of a placement in order, Monday as 0."""
    return sorted(int(digit) - 1 for digit in getattr(line, "weekdays", None) or EVERY_WEEKDAY)


def weeks_of(line: PublicationLine) -> list[date]:
    """The Mondays of its weeks."""
    return [line.first_week + timedelta(weeks=index) for index in range(line.weeks)]


def first_day(line: PublicationLine) -> date:
    """The first day on which the learner is there."""
    return line.first_week + timedelta(days=weekdays_of(line)[0])


def last_day(line: PublicationLine) -> date:
    """The last day on which the learner is there."""
    return weeks_of(line)[-1] + timedelta(days=weekdays_of(line)[-1])


def are_in_a_row(weekdays: Sequence[int]) -> bool:
    """Whether no day is left out between the first and the last of these, which are in order."""
    return weekdays[-1] - weekdays[0] == len(weekdays) - 1


def weekdays_words(line: PublicationLine) -> str:
    """ "Monday to Friday", "Monday, Wednesday and Friday"."""
    days = weekdays_of(line)
    names = [NAMES[day] for day in days]
    if len(days) > 2 and are_in_a_row(days):
        return f"{names[0]} to {names[-1]}"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
