"""Published places as an iCalendar file: days on which somebody is on placement, without times.

A place keeps its UID through all versions of a round and counts them in SEQUENCE, so that a calendar that is
loaded again changes the entries that it has. A place that is gone is sent once more as cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from icalendar import Calendar, Event

from placements.allocations.models import PublicationLine
from placements.web.formats import journey

_BYDAY = ("MO", "TU", "WE", "TH", "FR")


def calendar_of(
    lines: Iterable[PublicationLine],
    *,
    name: str,
    host: str,
    number: int,
    stamp: datetime,
    gone: Iterable[PublicationLine] = (),
    with_travel: bool = True,
    for_one_learner: bool = False,
) -> bytes:
    """The placed ones of these lines as an iCalendar file in UTF-8.

    `number` is the publication's, `stamp` its moment, `host` the site's name in the UIDs; `gone` are places
    of earlier versions that are no longer there. `with_travel` is for those who may know how far a learner
    travels; `for_one_learner` leaves the reference out of the titles.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Imaging placements//Published places//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    # How often a calendar that follows the address asks again.
    calendar.add("x-published-ttl", "PT12H")
    for line in lines:
        if line.state == "placed":
            calendar.add_component(_event(line, host, number, stamp, with_travel, for_one_learner))
    for line in gone:
        event = _event(line, host, number, stamp, with_travel, for_one_learner)
        event.add("status", "CANCELLED")
        calendar.add_component(event)
    return calendar.to_ical()


def _event(
    line: PublicationLine,
    host: str,
    number: int,
    stamp: datetime,
    with_travel: bool,
    for_one_learner: bool,
) -> Event:
    event = Event()
    event.add("uid", f"requirement-{line.requirement_id}@{host}")
    event.add("sequence", number)
    event.add("dtstamp", stamp)
    _add_days(event, line)
    place = f"{line.modality}, {line.site}"
    event.add("summary", place if for_one_learner else f"{line.learner_reference}: {place}")
    event.add("location", ", ".join(filter(None, (line.site, line.trust, line.site_postcode))))
    said = [line.block, f"{line.programme}, {line.stage}, {line.hei}"]
    if with_travel and line.travel_minutes is not None:
        estimate = " (an estimate)" if line.travel_is_estimated else ""
        said.append(f"Travel one way: {journey(line.travel_minutes, line.travel_mode)}{estimate}")
    if line.not_ready:
        said.append(f"Still to do: {line.not_ready}")
    event.add("description", "\n".join(said))
    # A placement is where somebody is, not an appointment that takes the whole day from the calendar.
    event.add("transp", "TRANSPARENT")
    return event


def _add_days(event: Event, line: PublicationLine) -> None:
    """Days in a row are one entry each week; others are an entry each."""
    days = [int(day) for day in line.weekdays]
    in_a_row = days[-1] - days[0] == len(days) - 1
    event.add("dtstart", line.first_day)
    event.add("dtend", line.first_day + timedelta(days=len(days) if in_a_row else 1))
    if in_a_row and line.weeks > 1:
        event.add("rrule", {"freq": "weekly", "count": line.weeks})
    elif not in_a_row:
        names = [_BYDAY[day - 1] for day in days]
        event.add("rrule", {"freq": "weekly", "count": line.weeks * len(days), "byday": names})
