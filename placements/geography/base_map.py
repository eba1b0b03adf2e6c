"""What lies under a map, offline: borders of local authorities, built-up land and the names of towns.

Drawn from the ONS Postcode Directory that travel is counted from (see `postcode_tables`), so nothing more has
to be installed and nothing is asked of the internet. A grid is laid over the part of the country that is
wanted; each of its squares belongs to the authority of the nearest postcode, and is built up where there are
many postcodes. So a border is where the homes on either side part, right to about a square's side.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from placements.geography.postcodes import Point, directory_tables

SOURCE = (
    "Borders and built-up land are drawn from the ONS Postcode Directory: Office for National Statistics,"
    " Open Government Licence v3.0; contains OS data, Royal Mail data and National Statistics data"
    " © Crown copyright and database right."
)
# Squares along the longer side.
SQUARES = 190
# No authority's land is further than this from a postcode: beyond is the sea, or no part of the map.
REACH_KM = 7.0
# From so many postcodes a square kilometre (terminated ones too), smoothed, land is called built up.
BUILT_UP = 30.0
KM_A_DEGREE = 111.2

Line = tuple[tuple[float, float], ...]
Grid = npt.NDArray[np.int64]
Corner = tuple[int, int]


@dataclass(frozen=True)
class Bounds:
    """A part of the earth between two parallels and two meridians, in degrees."""

    south: float
    west: float
    north: float
    east: float

    @classmethod
    def around(cls, points: Collection[Point], margin: float = 0.08) -> Bounds:
        """What holds all these points with a margin, a share of its longer side; at least 10 km wide."""
        south, north = min(p.latitude for p in points), max(p.latitude for p in points)
        west, east = min(p.longitude for p in points), max(p.longitude for p in points)
        shrink = math.cos(math.radians((south + north) / 2))
        more = max(margin * max(north - south, (east - west) * shrink), 5 / KM_A_DEGREE)
        return cls(south - more, west - more / shrink, north + more, east + more / shrink)

    @property
    def shrink(self) -> float:
        """A degree east as a share of a degree north, in the middle."""
        return math.cos(math.radians((self.south + self.north) / 2))

    @property
    def wide_km(self) -> float:
        return (self.east - self.west) * self.shrink * KM_A_DEGREE

    @property
    def high_km(self) -> float:
        return (self.north - self.south) * KM_A_DEGREE

    def holds(self, point: Point) -> bool:
        return self.south <= point.latitude <= self.north and self.west <= point.longitude <= self.east


@dataclass(frozen=True)
class Town:
    """A town's name and where it is; `rank` 1 is named on every map, 2 on a closer one."""

    name: str
    point: Point
    rank: int


@dataclass(frozen=True)
class BaseMap:
    """Lines as (x, y) from the north-west corner, each a share of the width: borders are open or closed,
    built-up land is closed."""

    borders: tuple[Line, ...]
    built_up: tuple[Line, ...]
    towns: tuple[Town, ...]


@lru_cache(maxsize=32)
def base_map(bounds: Bounds, cache_directory: Path | None = None) -> BaseMap:
    """What lies under a map of `bounds`.

    Takes some tenths of a second the first time in a process, and some seconds where a letter's table is not
    kept yet.
    """
    side_km = max(bounds.wide_km, bounds.high_km) / SQUARES
    columns, rows = (max(2, round(km / side_km)) for km in (bounds.wide_km, bounds.high_km))
    x_km, y_km, authorities = _postcodes(bounds, cache_directory)
    towns = tuple(town for town in every_town() if bounds.holds(town.point))
    if not len(x_km):
        return BaseMap((), (), towns)
    centres = np.stack(
        np.meshgrid((np.arange(columns) + 0.5) * side_km, (np.arange(rows) + 0.5) * side_km), axis=-1
    ).reshape(-1, 2)
    away_km, nearest = cKDTree(np.stack([x_km, y_km], axis=1)).query(centres, distance_upper_bound=REACH_KM)
    owners = np.append(authorities, 0)[nearest]
    owners[~np.isfinite(away_km)] = 0
    counts, _, _ = np.histogram2d(
        y_km, x_km, bins=(rows, columns), range=((0, rows * side_km), (0, columns * side_km))
    )
    thick = gaussian_filter(counts / side_km**2, 0.9) >= BUILT_UP
    scale = side_km / bounds.wide_km
    return BaseMap(
        borders=tuple(_scaled(line, scale) for line in _borders(owners.reshape(rows, columns))),
        built_up=tuple(_scaled(line, scale) for line in _outlines(thick) if len(line) > 4),
        towns=towns,
    )


@lru_cache(maxsize=1)
def every_town() -> tuple[Town, ...]:
    """The towns that maps name."""
    with (Path(__file__).parent / "towns.csv").open(newline="", encoding="utf-8") as file:
        return tuple(
            Town(row["town"], Point(float(row["latitude"]), float(row["longitude"])), int(row["rank"]))
            for row in csv.DictReader(file)
        )


def letters_in(bounds: Bounds) -> list[str]:
    """The first letters of the postcodes within, and of some beside it: by squares of one degree."""
    found: set[str] = set()
    for (south, west), letters in _letters_by_degree().items():
        if (
            south < bounds.north
            and south + 1 > bounds.south
            and west < bounds.east
            and west + 1 > bounds.west
        ):
            found.update(letters)
    return sorted(found)


@lru_cache(maxsize=1)
def _letters_by_degree() -> dict[tuple[int, int], str]:
    """Counted from the directory: a letter is named where 20 postcodes or more begin with it."""
    with (Path(__file__).parent / "postcode_cells.csv").open(newline="", encoding="utf-8") as file:
        return {(int(row["south"]), int(row["west"])): row["letters"] for row in csv.DictReader(file)}


def _postcodes(
    bounds: Bounds, cache_directory: Path | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], Grid]:
    """Kilometres east and south of the north-west corner, and authorities, of the postcodes in and near."""
    near = REACH_KM / KM_A_DEGREE
    parts = []
    for letter in letters_in(bounds):
        table = directory_tables(cache_directory).table(letter)
        latitudes, longitudes = table[1] / 1e6, table[2] / 1e6
        inside = (
            (latitudes > bounds.south - near)
            & (latitudes < bounds.north + near)
            & (longitudes > bounds.west - near / bounds.shrink)
            & (longitudes < bounds.east + near / bounds.shrink)
            & (table[3] > 0)
        )
        parts.append(np.stack([latitudes[inside], longitudes[inside], table[3][inside].astype(np.float64)]))
    found = np.concatenate(parts, axis=1) if parts else np.empty((3, 0))
    return (
        (found[1] - bounds.west) * bounds.shrink * KM_A_DEGREE,
        (bounds.north - found[0]) * KM_A_DEGREE,
        found[2].astype(np.int64),
    )


def _borders(owners: Grid) -> list[list[tuple[float, float]]]:
    """Smooth lines, in squares, between squares of different owners."""
    meets: dict[Corner, list[Corner]] = defaultdict(list)

    def join(one: Corner, other: Corner) -> None:
        meets[one].append(other)
        meets[other].append(one)

    for y, x in np.argwhere(owners[:, 1:] != owners[:, :-1]).tolist():
        join((x + 1, y), (x + 1, y + 1))
    for y, x in np.argwhere(owners[1:, :] != owners[:-1, :]).tolist():
        join((x, y + 1), (x + 1, y + 1))
    left = {(one, other) for one, others in meets.items() for other in others}
    lines = []
    # From where lines meet or end, then what remains: rings.
    for start in [*(c for c, others in meets.items() if len(others) != 2), *meets]:
        for second in meets[start]:
            if (start, second) not in left:
                continue
            line = [start, second]
            left -= {(start, second), (second, start)}
            while line[-1] != start and len(meets[line[-1]]) == 2:
                onward = [c for c in meets[line[-1]] if (line[-1], c) in left]
                if not onward:
                    break
                left -= {(line[-1], onward[0]), (onward[0], line[-1])}
                line.append(onward[0])
            lines.append(_smoothed(line, is_ring=line[0] == line[-1] and len(meets[start]) == 2))
    return lines


def _outlines(inside: npt.NDArray[np.bool_]) -> list[list[tuple[float, float]]]:
    """Smooth rings, in squares, round what is inside; a hole is a ring of its own (fill by even and odd)."""
    padded = np.pad(inside, 1)
    onward: dict[Corner, list[Corner]] = defaultdict(list)
    # The inside is to the right of each step.
    for y, x in np.argwhere(padded[1:, :] != padded[:-1, :]).tolist():
        one, other = (x - 1, y), (x, y)
        is_below = bool(padded[y + 1, x])
        onward[one if is_below else other].append(other if is_below else one)
    for y, x in np.argwhere(padded[:, 1:] != padded[:, :-1]).tolist():
        one, other = (x, y - 1), (x, y)
        is_right = bool(padded[y, x + 1])
        onward[other if is_right else one].append(one if is_right else other)
    rings = []
    while onward:
        start = next(iter(onward))
        ring = [start]
        while len(ring) == 1 or ring[-1] != start:
            here, steps = ring[-1], onward[ring[-1]]
            # Where two squares touch at a corner, turn right and stay on the same one.
            steps.sort(key=lambda step: _is_right_turn(ring, here, step))
            ring.append(steps.pop())
            if not steps:
                del onward[here]
        rings.append(_smoothed(ring, is_ring=True))
    return rings


def _is_right_turn(ring: Sequence[Corner], here: Corner, step: Corner) -> bool:
    if len(ring) < 2:
        return False
    before = (here[0] - ring[-2][0], here[1] - ring[-2][1])
    after = (step[0] - here[0], step[1] - here[1])
    return before[0] * after[1] - before[1] * after[0] > 0


def _smoothed(line: Sequence[Corner], *, is_ring: bool) -> list[tuple[float, float]]:
    """The line through the middles of its steps, twice: stairs become slopes; the ends stay."""
    points: list[tuple[float, float]] = list(line)
    for _ in range(2):
        middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in pairwise(points)]
        points = [*middles, middles[0]] if is_ring else [points[0], *middles, points[-1]]
    return _without_straights(points)


def _without_straights(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same line without points that lie on the way from the one before to the one after."""
    kept = points[:1]
    for here, after in pairwise(points[1:]):
        before = kept[-1]
        turn = (here[0] - before[0]) * (after[1] - here[1]) - (here[1] - before[1]) * (after[0] - here[0])
        if abs(turn) > 1e-9:
            kept.append(here)
    return [*kept, points[-1]]


def _scaled(line: Sequence[tuple[float, float]], scale: float) -> Line:
    return tuple((x * scale, y * scale) for x, y in line)
