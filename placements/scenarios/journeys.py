"""How far the learners of a run travel: a histogram with median, 95th percentile and limits marked on it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.cohorts.models import Cohort, Learner, Requirement
from placements.csv_files import csv_bytes
from placements.organisations.models import Programme
from placements.scenarios.models import Placing, Run

BAND_MINUTES = 15
# The picture's size in its own units, about the pixels of a phone; the bars stand between these margins.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 290, 48, 12, 72, 44
# How wide a letter is and how high a row of them.
LETTER, ROW = 6.8, 16
MODES = {"car": "car", "public_transport": "public transport"}


@dataclass(frozen=True)
class Band:
    """Minutes from and up to, and the placings that are so far."""

    first: int
    last: int
    placings: int


@dataclass(frozen=True)
class Bar:
    band: Band
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Mark:
    """A line across the bars at so many minutes, with its words on a row of their own."""

    words: str
    kind: str
    x: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True)
class Histogram:
    """Bands of a quarter of an hour, and what is marked on them. No median: nobody travels."""

    bands: Sequence[Band]
    median: int | None
    p95: int | None
    most: int | None
    limits: Mapping[str, int]

    width: ClassVar[int] = WIDTH
    height: ClassVar[int] = HEIGHT
    left: ClassVar[int] = LEFT
    right: ClassVar[int] = WIDTH - RIGHT
    foot: ClassVar[int] = HEIGHT - BOTTOM

    @property
    def total(self) -> int:
        return sum(band.placings for band in self.bands)

    @property
    def until(self) -> int:
        """The minutes at the right edge: the last band's end, or a little past the highest limit that some
        journey comes near."""
        end = (self.bands[-1].last + 1) if self.bands else BAND_MINUTES
        near = [limit for limit in self.limits.values() if limit < end + 2 * BAND_MINUTES]
        return max([end, *(limit + 5 for limit in near)])

    @property
    def ticks(self) -> list[tuple[float, int]]:
        step = BAND_MINUTES * max(1, math.ceil(self.until / BAND_MINUTES / 6))
        return [(self._x(minutes), minutes) for minutes in range(0, self.until + 1, step)]

    @property
    def levels(self) -> list[tuple[float, int]]:
        """Where the lines across stand, and how many placings each is."""
        most = max((band.placings for band in self.bands), default=0)
        step = _round_step(most / 4)
        return [(self._y(number), number) for number in range(0, most + 1, step)]

    @property
    def bars(self) -> list[Bar]:
        found = []
        for band in self.bands:
            x, right, y = self._x(band.first), self._x(band.last + 1), self._y(band.placings)
            found.append(Bar(band, x + 1, y, round(right - x - 2, 1), round(HEIGHT - BOTTOM - y, 1)))
        return found

    @property
    def marks(self) -> list[Mark]:
        wanted = [
            (minutes, f"{words} {minutes} min", kind)
            for minutes, words, kind in (
                (self.median, "median", "median"),
                (self.p95, "95 of 100 within", "p95"),
                *((limit, words, "limit") for words, limit in self.limits.items()),
            )
            if minutes is not None and minutes <= self.until
        ]
        marks = [self._mark(*one) for one in sorted(wanted)]
        # Words that end at their line stand the higher the further right it is, and above those that begin at
        # theirs, so that lines cross as few as can be.
        left = sorted((mark for mark in marks if mark.anchor == "end"), key=lambda mark: -mark.x)
        rows = left + [mark for mark in marks if mark.anchor == "start"]
        return [replace(mark, label_y=14 + ROW * rows.index(mark)) for mark in marks]

    def _mark(self, minutes: int, words: str, kind: str) -> Mark:
        """A mark whose words stay within the picture, on the first row."""
        x, wide = self._x(minutes), LETTER * len(words)
        if x > WIDTH / 2:
            return Mark(words, kind, x, round(max(x - 4, wide), 1), 0, "end")
        return Mark(words, kind, x, round(min(x + 4, WIDTH - wide), 1), 0, "start")

    def _x(self, minutes: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * minutes / self.until, 1)

    def _y(self, placings: float) -> float:
        most = max((band.placings for band in self.bands), default=0) or 1
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * placings / most, 1)


def _round_step(wanted: float) -> int:
    """The next of 1, 2, 5, 10, 20 ..."""
    power = 10 ** math.floor(math.log10(wanted)) if wanted >= 1 else 1
    return int(next(power * n for n in (1, 2, 5, 10) if power * n >= wanted))


def histogram(minutes: Sequence[int], limits: Mapping[str, int]) -> Histogram:
    """Of journeys one way, in minutes; the percentile is the least that so many journeys are within."""
    ordered = sorted(minutes)
    bands = Counter(value // BAND_MINUTES for value in ordered)
    return Histogram(
        [
            Band(number * BAND_MINUTES, (number + 1) * BAND_MINUTES - 1, bands[number])
            for number in range(max(bands, default=-1) + 1)
        ],
        median=_share(ordered, 0.5),
        p95=_share(ordered, 0.95),
        most=ordered[-1] if ordered else None,
        limits=limits,
    )


def of_summary(run: Run) -> Histogram:
    """Of all of a run's journeys, as its summary keeps them."""
    travel: dict[str, Any] = run.summary["travel"]
    return Histogram(
        [Band(band["from"], band["to"], band["placings"]) for band in travel["bands"]],
        median=travel["median"],
        p95=travel["p95"],
        most=travel["most"],
        limits=limits_of(run),
    )


def limits_of(run: Run) -> dict[str, int]:
    """The run's travel limits by their words; one, where all modes have the same."""
    try:
        by_mode: dict[str, int] = json.loads(run.policy)["travel_limit"]
    except (ValueError, KeyError, TypeError):
        return {}
    if len(set(by_mode.values())) == 1:
        return {"limit": next(iter(by_mode.values()))}
    return {f"limit by {MODES.get(mode, mode)}": minutes for mode, minutes in by_mode.items()}


def minutes_of_run(
    session: Session,
    run: Run,
    *,
    group_id: int | None = None,
    hei_id: int | None = None,
    stage_id: int | None = None,
    block_id: int | None = None,
    mode: str = "",
) -> list[int]:
    """The journeys of those asked for, one a placing; the caller has been let see the run."""
    rows = (
        select(Placing.travel_minutes)
        .join(Placing.requirement)
        .join(Requirement.learner)
        .where(Placing.run_id == run.id, Placing.travel_minutes.is_not(None))
    )
    if group_id is not None or stage_id is not None:
        rows = rows.join(Learner.cohort).join(Cohort.programme)
    for value, column in (
        (group_id, Programme.learner_group_id),
        (stage_id, Cohort.stage_id),
        (hei_id, Learner.hei_id),
        (block_id, Placing.block_id),
        (mode or None, Learner.travel_mode),
    ):
        if value is not None:
            rows = rows.where(column == value)
    return [minutes for minutes in session.scalars(rows) if minutes is not None]


def histogram_csv(found: Histogram) -> bytes:
    """The bands as a CSV."""
    return csv_bytes(
        [
            ["From minutes", "To minutes", "Placings"],
            *([band.first, band.last, band.placings] for band in found.bands),
        ]
    )


def _share(ordered: Sequence[int], share: float) -> int | None:
    if not ordered:
        return None
    if share == 0.5:
        middle = len(ordered) // 2
        return ordered[middle] if len(ordered) % 2 else int((ordered[middle - 1] + ordered[middle]) / 2)
    return ordered[math.ceil(share * (len(ordered) - 1))]
