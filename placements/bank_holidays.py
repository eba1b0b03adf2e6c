"""England's bank holidays: which weeks are shorter, and why."""

from datetime import date, timedelta
from functools import lru_cache

# Named here, since the library otherwise loads the whole world at the first question.
from holidays.countries import UnitedKingdom

WORKING_DAYS = 5


@lru_cache(maxsize=64)
def bank_holidays(year: int) -> dict[date, str]:
    """The bank holidays of a year in England, those on a substitute day included, by date."""
    return {
        day: name.removesuffix(" (observed)")
        for day, name in sorted(UnitedKingdom(subdiv="ENG", years=year).items())
    }


def holidays_in(week: date) -> dict[date, str]:
    """The bank holidays from Monday to Friday of a week (a Monday)."""
    days = [week + timedelta(days=day) for day in range(WORKING_DAYS)]
    return {day: bank_holidays(day.year)[day] for day in days if day in bank_holidays(day.year)}


def working_days(week: date) -> int:
    """Days from Monday to Friday of a week (a Monday) that are no bank holiday."""
    return WORKING_DAYS - len(holidays_in(week))
