"""The map of a run as shapes: where each circle, line and name stands in a picture 1,000 units wide."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from placements.geography.base_map import Bounds, Line, Town, base_map
from placements.geography.postcodes import Point
from placements.scenarios.heat import band
from placements.scenarios.mapping import Flow, MapSite, Origin, RunMap

WIDTH = 1000
# The longest side north to south, beside the width.
MOST_HIGH = 1.15
SMALLEST, LARGEST = 7.0, 26.0
# A circle of this radius has room for its load.
ROOM_FOR_LOAD = 13.0
LETTER, LINE_HIGH = 6.6, 15.0
LONGEST_NAME = 28
# So many lines can still be told apart; the table has them all.
MOST_LINES = 200
# Bounds go by steps of so many degrees, so that what lies under the map is drawn once.
STEP = 0.05

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Circle:
    """A site. `label_at` is where its name begins or ends; a name that would cover another is `is_hidden`
    until the map is closer."""

    row: MapSite
    x: float
    y: float
    radius: float
    band: str
    inside: str
    name: str
    label_at: tuple[float, float]
    anchor: str
    is_hidden: bool


@dataclass(frozen=True)
class Path:
    """A line from an outward code to a site."""

    flow: Flow
    d: str
    width: float


@dataclass(frozen=True)
class Dot:
    """An outward code."""

    origin: Origin
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Name:
    """A town's name; `is_hidden` as of a circle."""

    town: Town
    x: float
    y: float
    is_hidden: bool


@dataclass(frozen=True)
class Picture:
    """All that the map draws, the lowest first."""

    height: int
    built_up: str
    borders: str
    towns: Sequence[Name]
    paths: Sequence[Path]
    dots: Sequence[Dot]
    circles: Sequence[Circle]
    outside: int


def picture(run_map: RunMap, flows: Sequence[Flow]) -> Picture | None:
    """The picture of a map with these flows, the first MOST_LINES of them; None where there is no site."""
    if not run_map.sites:
        return None
    frame = _Frame(bounds_of([row.point for row in run_map.sites]))
    under = base_map(frame.bounds)
    places = {origin.outward: frame.at(origin.point) for origin in run_map.origins if origin.point}
    circles = _circles(run_map.sites, frame)
    centres = {circle.row.site.id: (circle.x, circle.y) for circle in circles}
    return Picture(
        height=frame.height,
        built_up="".join(f"{_d(line)}Z" for line in under.built_up),
        borders="".join(_d(line) for line in under.borders),
        towns=_towns(under.towns, frame, circles),
        paths=list(_paths(flows[:MOST_LINES], places, centres)),
        dots=[
            Dot(origin, *places[origin.outward], radius=round(1.5 + 0.5 * math.sqrt(origin.learners), 1))
            for origin in run_map.origins
            if origin.point and frame.bounds.holds(origin.point)
        ],
        circles=circles,
        outside=sum(
            origin.learners
            for origin in run_map.origins
            if not origin.point or not frame.bounds.holds(origin.point)
        ),
    )


def bounds_of(points: Sequence[Point]) -> Bounds:
    """What holds these points with room round them, neither too high nor too flat, in whole steps."""
    found = Bounds.around(points)
    taller = (found.wide_km * 0.6 - found.high_km) / 2 / 111.2
    wider = (found.high_km / MOST_HIGH - found.wide_km) / 2 / 111.2 / found.shrink
    return Bounds(
        south=_down(found.south - max(taller, 0)),
        west=_down(found.west - max(wider, 0)),
        north=-_down(-(found.north + max(taller, 0))),
        east=-_down(-(found.east + max(wider, 0))),
    )


def _down(degrees: float) -> float:
    return round(math.floor(degrees / STEP) * STEP, 4)


class _Frame:
    """From the earth to the picture."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.height = round(WIDTH * bounds.high_km / bounds.wide_km)

    def at(self, point: Point) -> tuple[float, float]:
        bounds = self.bounds
        x = (point.longitude - bounds.west) / (bounds.east - bounds.west) * WIDTH
        y = (bounds.north - point.latitude) / (bounds.north - bounds.south) * self.height
        return round(x, 1), round(y, 1)


def _circles(sites: Sequence[MapSite], frame: _Frame) -> list[Circle]:
    """The largest first, so that a small one lies on top; each is named where there is room for its name."""
    most = max((row.places for row in sites), default=0) or 1
    placed = [
        (row, *frame.at(row.point), round(SMALLEST + (LARGEST - SMALLEST) * math.sqrt(row.places / most), 1))
        for row in sorted(sites, key=lambda row: (-row.places, row.site.name))
    ]
    taken = [(x - r, y - r, x + r, y + r) for _, x, y, r in placed]
    found = []
    for row, x, y, r in placed:
        name = short_name(row.site.name)
        spots = [
            (x + r + 4, y + 5, "start"),
            (x - r - 4, y + 5, "end"),
            (x, y + r + 14, "middle"),
            (x, y - r - 5, "middle"),
        ]
        boxes = [(spot, _name_box(name, *spot)) for spot in spots]
        free = next(
            (
                (spot, box)
                for spot, box in boxes
                if box[0] >= 0 and box[2] <= WIDTH and not any(_overlap(box, other) for other in taken)
            ),
            None,
        )
        if free is not None:
            taken.append(free[1])
        (label_x, label_y, anchor), _ = free or boxes[0 if boxes[0][1][2] <= WIDTH else 1]
        found.append(
            Circle(
                row=row,
                x=x,
                y=y,
                radius=r,
                band=band(row.load_percent),
                inside=("?" if row.load_percent is None else f"{row.load_percent}%")
                if r >= ROOM_FOR_LOAD
                else "",
                name=name,
                label_at=(round(label_x - x, 1), round(label_y - y, 1)),
                anchor=anchor,
                is_hidden=free is None,
            )
        )
    return found


def _towns(towns: Sequence[Town], frame: _Frame, circles: Sequence[Circle]) -> list[Name]:
    """Named where no site and no site's name is in the way."""
    found = []
    for town in towns:
        x, y = frame.at(town.point)
        box = _name_box(town.name, x, y, "middle")
        is_covered = any(
            _overlap(box, (c.x - c.radius, c.y - c.radius, c.x + c.radius, c.y + c.radius))
            or (
                not c.is_hidden
                and _overlap(box, _name_box(c.name, c.x + c.label_at[0], c.y + c.label_at[1], c.anchor))
            )
            for c in circles
        )
        found.append(Name(town, x, y, is_hidden=town.rank > 1 or is_covered))
    return found


def _name_box(name: str, x: float, y: float, anchor: str) -> Box:
    """The room that a name takes which begins, has its middle or ends at x and stands on y."""
    wide = len(name) * LETTER
    left = x - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
    return left - 2, y - LINE_HIGH + 3, left + wide + 2, y + 4


def short_name(name: str) -> str:
    """A site's name as a map has room for it."""
    short = re.sub(r"\(?community diagnostic centre\)?", "CDC", name, flags=re.IGNORECASE)
    short = short.removesuffix(" Hospital").partition(", ")[0]
    return short if len(short) <= LONGEST_NAME else f"{short[: LONGEST_NAME - 1].rstrip()}…"


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _paths(
    flows: Sequence[Flow], origins: dict[str, tuple[float, float]], sites: dict[int, tuple[float, float]]
) -> Iterable[Path]:
    """Bent a little, so that the way there and lines side by side can be told apart; the widest beneath."""
    most = max((flow.learners for flow in flows), default=1)
    for flow in flows:
        if flow.outward not in origins:
            continue
        (x0, y0), (x1, y1) = origins[flow.outward], sites[flow.site.id]
        bend_x = (x0 + x1) / 2 + (y1 - y0) * 0.12
        bend_y = (y0 + y1) / 2 - (x1 - x0) * 0.12
        yield Path(
            flow,
            f"M{x0:.0f} {y0:.0f}Q{bend_x:.0f} {bend_y:.0f} {x1:.0f} {y1:.0f}",
            round(1 + 7 * flow.learners / max(most, 8), 1),
        )


def _d(line: Line) -> str:
    return "M" + "L".join(f"{x * WIDTH:.1f} {y * WIDTH:.1f}" for x, y in line)
