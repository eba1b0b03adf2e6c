"""Dates as spreadsheets and people really write them, always day before month."""

from __future__ import annotations

import re
from datetime import date, timedelta

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MIDNIGHT = r"(?:[ T]00:00(?::00(?:\.0+)?)?Z?)?"
_ISO = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_MIDNIGHT}", re.ASCII)
_COMPACT = re.compile(r"(20\d\d)(\d\d)(\d\d)", re.ASCII)
_DAY_FIRST = re.compile(rf"(\d{{1,2}})([-/. ])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_MIDNIGHT}", re.ASCII)
_NAMED = re.compile(
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
    r"(\d{1,2})(?:st|nd|rd|th)?[-/ ](?:of )?([a-z]+)\.?,?[-/ ](\d{4}|\d{2})",
    re.ASCII | re.IGNORECASE,
)
_MONTH_FIRST_NAMED = re.compile(
    r"([a-z]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4}|\d{2})", re.ASCII | re.IGNORECASE
)
_SERIAL = re.compile(r"(\d{5})(?:\.0+)?", re.ASCII)
_SERIAL_START = date(1899, 12, 30)


class NotADate(ValueError):
    """The text is not a date; `args[0]` says why in a sentence."""


def read_date(text: str) -> date:
    """The date a text stands for; raises `NotADate`.

    Read: 2027-09-03, 03/09/2027, 3.9.27, 3 Sept 2027, Friday 3rd September 2027, September 3, 2027, 20270903,
    any of the first with a midnight time after it, and the five-figure day numbers that Excel keeps dates as.
    Numbers alone are always day, month, year; two-figure years are in this century.
    """
    if match := _SERIAL.fullmatch(text):
        return _SERIAL_START + timedelta(days=int(match[1]))
    if match := _ISO.fullmatch(text):
        return _day(text, match[1], int(match[3]), match[4])
    if match := _COMPACT.fullmatch(text):
        return _day(text, match[1], int(match[2]), match[3])
    if match := _DAY_FIRST.fullmatch(text):
        return _day(text, match[4], int(match[3]), match[1])
    if (match := _NAMED.fullmatch(text)) and (month := _month(match[2])):
        return _day(text, match[3], month, match[1])
    if (match := _MONTH_FIRST_NAMED.fullmatch(text)) and (month := _month(match[1])):
        return _day(text, match[3], month, match[2])
    raise NotADate("This is not a date that we can read.")


def written_plainly(text: str) -> bool:
    """Whether a date was written in one of the two forms that need no remark: 2027-09-03 or 03/09/2027."""
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{4}", text, re.ASCII) is not None


def spoken(day: date) -> str:
    """A date in words, as on the page: 3 September 2027."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _month(name: str) -> int | None:
    written = "sep" if name.casefold() == "sept" else name.casefold()
    for number, month in enumerate(_MONTHS, start=1):
        if written in (month.casefold(), month[:3].casefold()):
            return number
    return None


def _day(text: str, year: str, month: int, day: str) -> date:
    whole_year = int(year) + (2000 if len(year) == 2 else 0)
    try:
        return date(whole_year, month, int(day))
    except ValueError:
        pass
    if month > 12 and int(day) <= 12:
        raise NotADate(f"There is no month {month}. Dates are read as day, month, year.")
    raise NotADate("There is no such day in the calendar.")
