"""How dates, weeks, counts and minutes read on a page."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask

LONDON = ZoneInfo("Europe/London")


def day(value: date) -> str:
    """4 January 2027"""
    return f"{value.day} {value:%B %Y}"


def short_day(value: date) -> str:
    """4 Jan"""
    return f"{value.day} {value:%b}"


def moment(value: datetime) -> str:
    """4 January 2027 at 2:05pm, in London's time."""
    local = value.replace(tzinfo=value.tzinfo or UTC).astimezone(LONDON)
    hour = local.hour % 12 or 12
    return f"{day(local.date())} at {hour}:{local:%M}{'am' if local.hour < 12 else 'pm'}"


def clock_time(value: datetime) -> str:
    """14:05, in London's time."""
    return f"{value.replace(tzinfo=value.tzinfo or UTC).astimezone(LONDON):%H:%M}"


def minutes(value: int | None) -> str:
    """95 -> 1 h 35 min"""
    if value is None:
        return "not known"
    hours, rest = divmod(int(value), 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


TRAVEL_MODES = {"car": "by car", "public_transport": "by public transport"}


def journey(value: int | None, mode: str) -> str:
    """95, car -> 1 h 35 min by car; the minutes alone where the mode is not known"""
    return f"{minutes(value)} {TRAVEL_MODES.get(mode, '')}".strip()


def count(number: int, one: str, many: str | None = None) -> str:
    """1 place, 2 places, 1,200 places"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def friday(monday: date) -> date:
    """The last day of a week that begins on this Monday."""
    return monday + timedelta(days=4)


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def weekdays(days: str) -> str:
    """123 -> Monday to Wednesday; 135 -> Monday, Wednesday and Friday"""
    numbers = [int(day) for day in days]
    names = [_WEEKDAYS[number - 1] for number in numbers]
    if len(names) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{names[0]} to {names[-1]}"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def year_span(year: int) -> str:
    """2026 -> 2026/27, the academic year that begins then"""
    return f"{year}/{(year + 1) % 100:02d}"


def percent(part: float, whole: float) -> str:
    """98.5%; a dash where there is nothing to divide by."""
    return f"{100 * part / whole:.1f}%" if whole else "–"


def init_app(app: Flask) -> None:
    for function in (day, short_day, moment, minutes, journey, friday, weekdays, year_span):
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.globals.update(count=count, percent=percent)
