"""When scheduled reminders go out: by day, and so many days before or after the day that something is due."""

from collections.abc import Iterable
from datetime import date, timedelta

from placements.clock import now_utc
from placements.web.formats import LONDON

# Nobody is written to in the night.
FROM_HOUR = 8
# A reminder whose day passed while no worker ran still goes out so many days late.
DAYS_LATE = 2


def reminding_day() -> date | None:
    """Today where reminders are sent, once people may be written to; None in the night."""
    now = now_utc().astimezone(LONDON)
    return now.date() if now.hour >= FROM_HOUR else None


def reminder_due(
    due_on: date, days_before: Iterable[int], today: date, *, days_late: int = DAYS_LATE
) -> int | None:
    """Which of the reminders, by days before something is due (after it, where negative), has its day today
    or had it in the last days; the latest of them."""
    passed = (
        days for days in days_before if 0 <= (today - (due_on - timedelta(days=days))).days <= days_late
    )
    return min(passed, default=None)
