"""When appeals may be lodged: from the day on which learners see their places to the last day for appeals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from placements.rounds.models import Round
from placements.web.formats import LONDON, day


@dataclass(frozen=True)
class Window:
    """The first and the last day (None: no day is set); `why_not` says in words why nothing can be lodged
    today, and is "" where it can."""

    opens: date | None
    closes: date | None
    why_not: str = ""

    @property
    def is_open(self) -> bool:
        return not self.why_not


def window(round_: Round, published_utc: datetime | None, today: date) -> Window:
    """The days of a round's appeals; `published_utc` is when its first version was published, None before."""
    if published_utc is None or round_.state != "published":
        return Window(
            round_.release_on,
            _closes(round_),
            "Nothing is published in this round yet, so there is no place to appeal against.",
        )
    published_on = published_utc.astimezone(LONDON).date()
    opens = max(published_on, round_.release_on or published_on)
    closes = _closes(round_)
    if round_.frozen_utc is not None:
        frozen_on = day(round_.frozen_utc.astimezone(LONDON).date())
        why_not = f"The places of this round were frozen on {frozen_on}, so appeals are closed."
    elif today < opens:
        why_not = f"Appeals open on {day(opens)}, when learners see their places."
    elif closes is not None and today > closes:
        why_not = f"The last day for appeals was {day(closes)}."
    else:
        why_not = ""
    return Window(opens, closes, why_not)


def _closes(round_: Round) -> date | None:
    return round_.appeal_by or round_.freeze_on
