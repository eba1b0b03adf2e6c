"""The travel estimator: its shape, and its error against journeys people know."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placements.geography.calibration import error_table, journey_table, known_journeys, travel_error
from placements.geography.postcodes import Point
from placements.geography.travel import (
    TRAVEL_MODES,
    TravelMode,
    estimate_matrix,
    estimate_minutes,
    great_circle_km,
)

BIRMINGHAM = Point(52.4778, -1.8983)
WOLVERHAMPTON = Point(52.5878, -2.1197)
HEREFORD = Point(52.0612, -2.7082)
CLUN = Point(52.4210, -3.0300)

modes = st.sampled_from(TRAVEL_MODES)
britain = st.builds(Point, st.floats(50.0, 59.0), st.floats(-6.0, 1.7))
midlands = st.builds(Point, st.floats(51.9, 53.2), st.floats(-3.1, -1.0))
anywhere = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


@given(anywhere, anywhere, modes)
def test_the_way_back_takes_as_long(one: Point, other: Point, mode: TravelMode) -> None:
    there = estimate_minutes(one, other, mode)
    assert there == estimate_minutes(other, one, mode)
    assert 0 < there < 30_000


@given(britain, st.floats(0, 360), st.lists(st.floats(0, 300), min_size=2, max_size=12), modes)
def test_farther_along_a_line_is_never_quicker_by_car(
    start: Point, bearing_degrees: float, ways_km: list[float], mode: TravelMode
) -> None:
    ends = [_point_towards(start, bearing_degrees, way_km) for way_km in sorted(ways_km)]
    minutes = estimate_matrix([start], ends, mode)[0].astype(int)
    if mode == "car":
        assert (np.diff(minutes) >= 0).all()
    else:
        # A station farther on may be quicker to reach, by no more than the way to it can cost and save.
        assert (np.diff(minutes) >= -61).all()


def _point_towards(start: Point, bearing_degrees: float, way_km: float) -> Point:
    """The point so far along the great circle that leaves in a direction."""
    angle = way_km / 6371.0
    bearing, latitude = math.radians(bearing_degrees), math.radians(start.latitude)
    sine = math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(bearing)
    turned = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(latitude), math.cos(angle) - math.sin(latitude) * sine
    )
    return Point(math.degrees(math.asin(sine)), start.longitude + math.degrees(turned))


@pytest.mark.parametrize("mode", TRAVEL_MODES)
def test_no_distance_is_a_few_minutes(mode: TravelMode) -> None:
    assert estimate_minutes(HEREFORD, HEREFORD, mode) == 3


@given(midlands, midlands)
def test_by_car_is_seldom_slower_than_by_public_transport(one: Point, other: Point) -> None:
    """Only an intercity train from station to station beats the car, and then not by much."""
    car = estimate_minutes(one, other, "car")
    assert car <= estimate_minutes(one, other, "public_transport") + 20


def test_by_car_is_quicker_on_almost_all_ways_in_the_region() -> None:
    points = [
        Point(latitude, longitude)
        for latitude in np.linspace(51.9, 53.2, 14)
        for longitude in np.linspace(-3.1, -1.0, 14)
    ]
    car, public_transport = (estimate_matrix(points, points, mode) for mode in TRAVEL_MODES)
    assert (car <= public_transport).mean() > 0.99


def test_public_transport_is_worse_in_the_country() -> None:
    """Clun lies some 12 km from the railway: the same great circle takes longer than between two cities."""
    between_cities = float(great_circle_km([BIRMINGHAM], [WOLVERHAMPTON])[0, 0])
    from_clun = _point_towards(CLUN, 250, between_cities)
    in_the_country = estimate_minutes(CLUN, from_clun, "public_transport")
    assert in_the_country > 1.5 * estimate_minutes(BIRMINGHAM, WOLVERHAMPTON, "public_transport")


@pytest.mark.parametrize("mode", TRAVEL_MODES)
def test_many_at_once_agree_with_one_by_one(mode: TravelMode, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [BIRMINGHAM, WOLVERHAMPTON, HEREFORD, CLUN]
    minutes = estimate_matrix(points, points[:3], mode)
    assert minutes.dtype == np.uint16
    assert minutes.tolist() == [
        [estimate_minutes(origin, destination, mode) for destination in points[:3]] for origin in points
    ]
    monkeypatch.setattr("placements.geography.travel._CELLS_AT_ONCE", 7)
    assert np.array_equal(estimate_matrix(points, points[:3], mode), minutes)


@pytest.mark.parametrize("mode", TRAVEL_MODES)
def test_none_at_all(mode: TravelMode) -> None:
    assert estimate_matrix([], [HEREFORD], mode).shape == (0, 1)
    assert estimate_matrix([HEREFORD], [], mode).shape == (1, 0)


def test_another_mode_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="car, public_transport, not 'helicopter'"):
        estimate_minutes(HEREFORD, HEREFORD, "helicopter")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mode", "most_mean_absolute_minutes", "most_worst_minutes"),
    [("car", 3.5, 12), ("public_transport", 10, 40)],
)
def test_the_error_stays_within_bounds(
    mode: TravelMode, most_mean_absolute_minutes: float, most_worst_minutes: float
) -> None:
    error = travel_error(known_journeys(), mode)
    assert error.journeys == 110
    assert error.mean_absolute_minutes <= most_mean_absolute_minutes
    assert error.worst_minutes <= most_worst_minutes
    assert abs(error.mean_minutes) <= 1.0
    apart = travel_error([journey for journey in known_journeys() if journey.kept_apart], mode)
    assert apart.journeys == 36
    assert apart.mean_absolute_minutes <= most_mean_absolute_minutes


@pytest.mark.parametrize("table", [error_table, journey_table])
def test_the_documentation_shows_the_figures_of_today(table: Callable[[], list[str]]) -> None:
    documented = (Path(__file__).parents[2] / "docs" / "travel.md").read_text(encoding="utf-8").splitlines()
    missing = [line for line in table() if line not in documented]
    assert missing == [], "Renew it with: python -m placements.geography.calibration"


def test_the_calibration_table_is_sound() -> None:
    journeys = known_journeys()
    pairs = [frozenset((journey.origin, journey.destination)) for journey in journeys]
    assert len(set(pairs)) == len(pairs)
    for journey in journeys:
        direct_km = great_circle_km([journey.origin_point], [journey.destination_point])[0, 0]
        assert 15 < direct_km / (journey.car_minutes / 60) < 75 or direct_km < 10, journey
        assert journey.public_transport_minutes >= 20, journey
