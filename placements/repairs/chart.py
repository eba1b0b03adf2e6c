"""Where the points of a trade-off stand in the picture, and what each step from one to the next says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from placements.repairs.trade_off import FEWEST, Point
from placements.web.formats import count, minutes

# In units of the picture, about the pixels of a phone.
WIDTH, HEIGHT = 400, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 36, 56


@dataclass(frozen=True)
class Dot:
    """A point, where it is drawn, and what it says against the one before it."""

    point: Point
    x: float
    y: float
    words: str

    @property
    def is_fewest(self) -> bool:
        return self.point.step == FEWEST


@dataclass(frozen=True)
class Chart:
    """The picture of a trade-off: `across` and `up` are marks on the axes, each its place and its words."""

    dots: list[Dot]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]

    width: ClassVar[int] = WIDTH
    height: ClassVar[int] = HEIGHT
    left: ClassVar[int] = LEFT
    foot: ClassVar[int] = HEIGHT - BOTTOM

    @property
    def line(self) -> str:
        """The points joined, for an SVG polyline."""
        return " ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in self.dots)


def chart_of(points: Sequence[Point]) -> Chart:
    """Moves across, minutes up; nothing to draw for no points."""
    if not points:
        return Chart([], [], [])
    moves = [point.moves for point in points]
    far = [point.minutes for point in points]
    first, last = min(moves), max(max(moves), min(moves) + 1)
    low, high = min(far), max(max(far), min(far) + 1)

    def x(value: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (value - first) / (last - first), 1)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 1)

    dots = []
    before: Point | None = None
    for point in points:
        dots.append(Dot(point, x(point.moves), y(point.minutes), step_words(before, point)))
        before = point
    return Chart(
        dots,
        [(x(value), f"{value:,}") for value in sorted({first, (first + last) // 2, last})],
        [(y(value), f"{value:,}") for value in sorted({low, (low + high) // 2, high})],
    )


def step_words(before: Point | None, point: Point) -> str:
    """ "3 more moves save 2 h 20 min one way"."""
    if before is None:
        return "The fewest moves" if point.step == FEWEST else ""
    saved, more = before.minutes - point.minutes, point.moves - before.moves
    said = []
    if saved > 0:
        verb = "saves" if more == 1 else "save"
        said.append(f"{count(more, 'more move', 'more moves')} {verb} {minutes(saved)} one way, all together")
    elif saved < 0:
        said.append(f"{count(more, 'more move', 'more moves')}, {minutes(-saved)} further one way")
    else:
        said.append(count(more, "more move", "more moves"))
    placed = point.placed - before.placed
    if placed > 0:
        said.append(f"{placed:,} more placed")
    elif placed < 0:
        said.append(f"{-placed:,} fewer placed")
    return ", ".join(said)
