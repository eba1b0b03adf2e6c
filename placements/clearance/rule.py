"""Whether a learner is clear for a placement by one check: the only place that says so.

A check is due a number of whole weeks before the placement's first day. The newest one that the learner had
counts. Where it holds to the placement's last day the learner is clear. Where there is none, or it has run
out, that says nothing before the day it is due and has the check's effect from then on. Where it still holds
but runs out before the placement ends, that is a warning at once and has the check's effect from the day on
which it is due.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


@dataclass(frozen=True)
class Asked:
    """A check that a round asks for: `effect` is "blocks" or "warns", due whole weeks before the first day;
    `hei_id` is set where only one HEI's learners are asked for it."""

    kind_id: int
    name: str
    effect: str
    weeks_before: int
    hei_id: int | None = None


@dataclass(frozen=True)
class Had:
    """A check as it was done: good to a day, or (None) without an end."""

    done_on: date
    expires_on: date | None = None


class Standing(StrEnum):
    """How a learner stands with one check before one placement."""

    CLEAR = "clear"
    NOT_YET_DUE = "not yet due"
    MISSING = "missing"
    EXPIRES = "expires"


@dataclass(frozen=True)
class Finding:
    """What the rule says: `effect` is "blocks", "warns", or "" where nothing is to be done yet. `had` is the
    newest check, whether or not it still holds."""

    asked: Asked
    standing: Standing
    effect: str
    due_on: date
    had: Had | None

    @property
    def is_clear(self) -> bool:
        return self.standing is Standing.CLEAR


def judge(asked: Asked, had: Had | None, *, first_day: date, last_day: date, today: date) -> Finding:
    """How a learner stands on a day with a check before a placement; `had` is the newest one done."""
    due_on = due_day(first_day, asked.weeks_before)
    is_due = today >= due_on
    if had is not None and (had.expires_on is None or had.expires_on >= last_day):
        return Finding(asked, Standing.CLEAR, "", due_on, had)
    if had is None or had.expires_on is None or had.expires_on < today:
        if not is_due:
            return Finding(asked, Standing.NOT_YET_DUE, "", due_on, had)
        return Finding(asked, Standing.MISSING, asked.effect, due_on, had)
    return Finding(asked, Standing.EXPIRES, asked.effect if is_due else "warns", due_on, had)


def due_day(first_day: date, weeks_before: int) -> date:
    """The day on which a check is due before a placement that begins on a day."""
    return first_day - timedelta(weeks=weeks_before)


def expiry_of(done_on: date, valid_months: int | None) -> date | None:
    """The last day of a check that holds for some months: the same day of the month, or its last one. None
    where it does not expire."""
    if valid_months is None:
        return None
    years, month = divmod(done_on.month - 1 + valid_months, 12)
    year, month = done_on.year + years, month + 1
    return date(year, month, min(done_on.day, calendar.monthrange(year, month)[1]))
