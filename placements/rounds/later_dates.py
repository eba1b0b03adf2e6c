"""The days of a round after the match, and the order in which they come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from placements.rounds.models import Round
from placements.web.formats import day


@dataclass(frozen=True)
class LaterDates:
    """The days of a round after the match, each of them or none: trusts confirm by, learners see their places
    from, they appeal by, the panel decides by, and whoever is not clear gives the place back on."""

    confirm_by: date | None = None
    release_on: date | None = None
    appeal_by: date | None = None
    panel_by: date | None = None
    freeze_on: date | None = None

    @classmethod
    def of(cls, round_: Round) -> LaterDates:
        """Those of a round."""
        return cls(*(getattr(round_, name) for name in LATER_DATES))

    def shifted(self, by: timedelta, *, after: date) -> LaterDates:
        """The same so much later, without those that would not be after a day."""
        stands = (getattr(self, name) for name in LATER_DATES)
        moved = (None if one is None else one + by for one in stands)
        return LaterDates(*(one if one is not None and one > after else None for one in moved))


# In the order in which they come, and what happens on each.
LATER_DATES = {
    "confirm_by": "trusts confirm",
    "release_on": "learners see their places",
    "appeal_by": "appeals end",
    "panel_by": "the panel decides",
    "freeze_on": "places are frozen",
}
NONE_LATER = LaterDates()


def wrong_order(dates: LaterDates, *, after: date, before: date) -> dict[str, str]:
    """The days that do not come in order from the deadlines to the first week: by name, in words."""
    wrong: dict[str, str] = {}
    words = "trusts declare and HEIs submit"
    for name, happens in LATER_DATES.items():
        chosen = getattr(dates, name)
        if chosen is None:
            continue
        if chosen > before:
            wrong[name] = f"{happens} before the first week, {day(before)}"
        elif chosen < after:
            wrong[name] = f"{happens} after {words}: use {day(after)} or later"
        else:
            after, words = chosen, happens
    return wrong
