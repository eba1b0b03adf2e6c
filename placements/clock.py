"""The only place that asks what time it is, so that tests can say."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

Clock = Callable[[], datetime]


def _real() -> datetime:
    return datetime.now(UTC)


_now: Clock = _real


def now_utc() -> datetime:
    """The present moment, in UTC."""
    return _now()


def today() -> date:
    """Today's date, in UTC."""
    return now_utc().date()


def set_clock(clock: Clock | None) -> None:
    """Let tests say what time it is; None gives back the real clock."""
    global _now
    _now = clock or _real


@contextmanager
def moved(by: timedelta) -> Iterator[None]:
    """While it lasts it is so much later, or earlier, for the whole process: for making what has been."""
    global _now
    before = _now
    _now = lambda: before() + by  # noqa: E731 - a clock is a function
    try:
        yield
    finally:
        _now = before


def is_monday(day: date) -> bool:
    """Weeks are named by their Monday throughout."""
    return day.weekday() == 0


def mondays(first: date, weeks: int) -> list[date]:
    """The Mondays of `weeks` whole weeks from `first`; raises ValueError where `first` is no Monday."""
    if not is_monday(first):
        raise ValueError(f"{first.isoformat()} is not a Monday")
    return [first + timedelta(weeks=index) for index in range(weeks)]


def academic_year(day: date) -> int:
    """The calendar year in which a day's academic year began, on 1 August."""
    return day.year if day.month >= 8 else day.year - 1
