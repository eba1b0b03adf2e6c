"""What lies under a map: borders, built-up land and towns, from the postcode directory alone."""

import numpy as np
import pytest

from placements.geography import base_map as under
from placements.geography.base_map import Bounds, base_map, every_town, letters_in
from placements.geography.postcodes import Point, locate

BLACK_COUNTRY = Bounds(52.4, -2.2, 52.65, -1.8)


def inside(ring: tuple[tuple[float, float], ...], x: float, y: float) -> bool:
    """Whether a point is within a ring, by how often a ray crosses it."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            crossings += 1
    return crossings % 2 == 1


def built_up_at(bounds: Bounds, postcode: str) -> bool:
    point = locate(postcode)
    assert point is not None
    x = (point.longitude - bounds.west) / (bounds.east - bounds.west)
    y = (bounds.north - point.latitude) * 111.2 / bounds.wide_km
    return sum(inside(ring, x, y) for ring in base_map(bounds).built_up) % 2 == 1


def test_towns_are_built_up_and_the_country_is_not() -> None:
    bounds = Bounds(51.9, -3.1, 53.1, -1.2)
    for postcode in ("B15 2GW", "WV10 0QP", "ST4 6QG", "HR1 2ER"):
        assert built_up_at(bounds, postcode), postcode
    # Clun, in the Shropshire hills.
    assert not built_up_at(bounds, "SY7 8JA")


def test_borders_run_between_authorities_and_stay_on_the_map() -> None:
    found = base_map(BLACK_COUNTRY)
    assert len(found.borders) > 5
    high = BLACK_COUNTRY.high_km / BLACK_COUNTRY.wide_km
    for line in (*found.borders, *found.built_up):
        assert len(line) >= 2
        for x, y in line:
            assert -0.01 <= x <= 1.01
            assert -0.01 <= y <= high + 0.01


def test_where_there_are_no_postcodes_there_is_nothing_to_draw() -> None:
    north_sea = Bounds(56.0, 3.0, 56.5, 4.0)
    assert base_map(north_sea) == under.BaseMap((), (), ())


def test_a_map_is_drawn_once() -> None:
    assert base_map(BLACK_COUNTRY) is base_map(BLACK_COUNTRY)


def test_towns_on_the_map_are_named() -> None:
    names = {town.name for town in base_map(BLACK_COUNTRY).towns}
    assert {"Birmingham", "Wolverhampton", "Walsall", "Dudley"} <= names
    assert "Hereford" not in names
    assert len({town.name for town in every_town()}) == len(every_town())


def test_the_letters_of_a_part_of_the_country() -> None:
    assert {"B", "C", "D", "S", "W"} <= set(letters_in(BLACK_COUNTRY))
    assert "A" not in letters_in(BLACK_COUNTRY)
    assert letters_in(Bounds(57.0, -2.5, 57.3, -2.1)) == ["A"]


def test_bounds_hold_their_points_with_a_margin() -> None:
    one = Point(52.5, -1.9)
    found = Bounds.around([one, Point(52.9, -2.4)])
    assert found.holds(one)
    assert found.south < 52.5 < 52.9 < found.north
    assert not found.holds(Point(53.5, -1.9))
    alone = Bounds.around([one])
    assert alone.wide_km == pytest.approx(10, abs=0.1)
    assert alone.high_km == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize(
    ("squares", "rings"),
    [
        (["###", "###", "###"], 1),
        (["###", "#.#", "###"], 2),
        (["##..", "##..", "..##", "..##"], 2),
        (["...", "...", "..."], 0),
    ],
)
def test_what_is_inside_is_ringed(squares: list[str], rings: int) -> None:
    mask = np.array([[sign == "#" for sign in row] for row in squares])
    found = [tuple(ring) for ring in under._outlines(mask)]
    assert len(found) == rings
    for y, row in enumerate(squares):
        for x, sign in enumerate(row):
            # The middles of a single square's sides lie on its smoothed ring, its centre inside.
            assert (sum(inside(ring, x + 0.5, y + 0.5) for ring in found) % 2 == 1) == (sign == "#")


def test_a_border_that_stands_alone_is_a_ring_and_others_end_where_they_meet() -> None:
    island = np.zeros((5, 5), dtype=np.int64)
    island[1:4, 1:4] = 7
    (ring,) = under._borders(island)
    assert ring[0] == ring[-1]
    halves = np.zeros((4, 4), dtype=np.int64)
    halves[:, 2:] = 1
    assert under._borders(halves) == [[(2, 0), (2, 4)]]
    thirds = halves.copy()
    thirds[2:, 2:] = 2
    assert len(under._borders(thirds)) == 3
