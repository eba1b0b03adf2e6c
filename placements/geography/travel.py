"""Minutes from door to door, one way, by car and by public transport: an estimate from two points alone.

In words: the road is taken to be 1.3 times the great circle. A car crosses its first 5 km slowly, the next
15 km faster and the rest faster still; 5 minutes go on parking and walking in, and each end near the middle
of a large town costs up to 3 minutes more. By public transport the quickest of three is taken: on foot; by
bus (a wait, longer where the nearest station is far, which stands for thin rural service; then a slow ride);
by train (a wait, a ride, and at each end the way between door and nearest station).

    road_km = 1.3 × great_circle_km
    walk    = 3 + road_km at 4.8 km/h
    car     = least of walk and 5 + [0-5 km at 23, 5-20 km at 75, beyond at 92 km/h] + congestion at both ends
    bus     = 18 + road_km at 22 km/h + 0.5 min × km to nearest station (20 km at most) at both ends
    train   = 26 + [0-30 km at 66, beyond at 76 km/h] + access at both ends
    public transport = least of walk, bus and train

Symmetric; by car never shorter for a longer way in the same direction. It knows no timetable, river, motorway
or clock: for deciding among placements, not for planning a journey. docs/travel.md gives the source of every
figure, the error measured, and the limits.
"""

import csv
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from placements.geography.postcodes import Point

TravelMode = Literal["car", "public_transport"]
TRAVEL_MODES: tuple[TravelMode, ...] = get_args(TravelMode)

Minutes = npt.NDArray[np.float64]
Kilometres = npt.NDArray[np.float64]

EARTH_RADIUS_KM = 6371.0
CIRCUITY = 1.3
"""Road kilometres for each kilometre of great circle."""

WALK_START_MINUTES = 3.0
WALK_KM_PER_HOUR = 4.8

CAR_PARKING_MINUTES = 5.0
CAR_SPEED_BANDS = ((5.0, 23.0), (20.0, 75.0), (np.inf, 92.0))
"""Up to so many road km, at so many km/h; the speed of the last kilometres of a journey, not its average."""
CONGESTION_MINUTES = 3.0
CONGESTION_REACH_KM = 10.0
"""Congestion at an end: all of it in the middle of a dense centre, falling evenly to none so far away."""

BUS_WAIT_MINUTES = 18.0
BUS_KM_PER_HOUR = 22.0
BUS_RURAL_MINUTES_PER_KM = 0.5
BUS_RURAL_REACH_KM = 20.0

TRAIN_WAIT_MINUTES = 26.0
TRAIN_SPEED_BANDS = ((30.0, 66.0), (np.inf, 76.0))
STATION_NEAR_KM = 2.75
STATION_NEAR_MINUTES_PER_KM = 8.0
STATION_FAR_MINUTES_PER_KM = 2.0
STATION_MOST_MINUTES = 60.0
"""Access between door and station: on foot or by local bus when near, by a longer bus or a lift when far."""

_CELLS_AT_ONCE = 500_000


def estimate_minutes(origin: Point, destination: Point, mode: TravelMode) -> int:
    """Estimated minutes from door to door, one way; see the module for the formula and docs/travel.md.

    `mode` is "car" or "public_transport"; a ValueError names any other.
    """
    return int(estimate_matrix([origin], [destination], mode)[0, 0])


def estimate_matrix(
    origins: Sequence[Point], destinations: Sequence[Point], mode: TravelMode
) -> npt.NDArray[np.uint16]:
    """Estimated minutes, door to door, one way: a row an origin, a column a destination, to the whole minute.

    The same figures as `estimate_minutes`, for all pairs at once (12,000 × 500 in well under a second).
    Memory beyond the answer stays below some 50 MB, as rows are done in parts.
    """
    if mode not in TRAVEL_MODES:
        raise ValueError(f"A travel mode is one of {', '.join(TRAVEL_MODES)}, not {mode!r}")
    from_here, to_there = _unit_vectors(origins), _unit_vectors(destinations)
    minutes = np.empty((len(origins), len(destinations)), np.uint16)
    rows_at_once = max(1, _CELLS_AT_ONCE // max(1, len(destinations)))
    for start in range(0, len(origins), rows_at_once):
        part = slice(start, start + rows_at_once)
        if mode == "car":
            exact = _car_minutes(from_here[part], to_there)
        else:
            exact = _public_transport_minutes(from_here[part], to_there)
        minutes[part] = np.rint(exact)
    return minutes


def great_circle_km(origins: Sequence[Point], destinations: Sequence[Point]) -> Kilometres:
    """Kilometres as the crow flies: a row an origin, a column a destination. Never show these as travel."""
    return _distances_km(_unit_vectors(origins), _unit_vectors(destinations))


def _car_minutes(origins: npt.NDArray[np.float64], destinations: npt.NDArray[np.float64]) -> Minutes:
    road_km = CIRCUITY * _distances_km(origins, destinations)
    congestion = _at_both_ends(_congestion_minutes(origins), _congestion_minutes(destinations))
    drive = CAR_PARKING_MINUTES + _minutes_in_bands(road_km, CAR_SPEED_BANDS) + congestion
    return np.minimum(_walk_minutes(road_km), drive)


def _public_transport_minutes(
    origins: npt.NDArray[np.float64], destinations: npt.NDArray[np.float64]
) -> Minutes:
    road_km = CIRCUITY * _distances_km(origins, destinations)
    station_km = _nearest_station_km(origins), _nearest_station_km(destinations)
    rural_km = _at_both_ends(*(np.minimum(km, BUS_RURAL_REACH_KM) for km in station_km))
    access = _at_both_ends(*(_station_access_minutes(km) for km in station_km))
    bus = BUS_WAIT_MINUTES + 60 * road_km / BUS_KM_PER_HOUR + BUS_RURAL_MINUTES_PER_KM * rural_km
    train = TRAIN_WAIT_MINUTES + _minutes_in_bands(road_km, TRAIN_SPEED_BANDS) + access
    return np.minimum(_walk_minutes(road_km), np.minimum(bus, train))


def _walk_minutes(road_km: Kilometres) -> Minutes:
    return WALK_START_MINUTES + 60 * road_km / WALK_KM_PER_HOUR


def _minutes_in_bands(road_km: Kilometres, bands: Sequence[tuple[float, float]]) -> Minutes:
    """Minutes over a way of which each stretch has its own speed."""
    minutes = np.zeros_like(road_km)
    begins_km = 0.0
    for ends_km, km_per_hour in bands:
        minutes += np.clip(road_km - begins_km, 0.0, ends_km - begins_km) * (60 / km_per_hour)
        begins_km = ends_km
    return minutes


def _congestion_minutes(points: npt.NDArray[np.float64]) -> Minutes:
    """Congestion at each of some points, by distance from the nearest dense centre."""
    nearest_km = _distances_km(points, _station_vectors()[1]).min(axis=1)
    congestion: Minutes = CONGESTION_MINUTES * np.clip(1 - nearest_km / CONGESTION_REACH_KM, 0.0, 1.0)
    return congestion


def _nearest_station_km(points: npt.NDArray[np.float64]) -> Kilometres:
    nearest_km: Kilometres = _distances_km(points, _station_vectors()[0]).min(axis=1)
    return nearest_km


def _station_access_minutes(station_km: Kilometres) -> Minutes:
    near = np.minimum(station_km, STATION_NEAR_KM) * STATION_NEAR_MINUTES_PER_KM
    far = np.maximum(station_km - STATION_NEAR_KM, 0.0) * STATION_FAR_MINUTES_PER_KM
    return np.minimum(near + far, STATION_MOST_MINUTES)


def _at_both_ends(
    at_origins: npt.NDArray[np.float64], at_destinations: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The sum of a quantity at both ends, for every pair."""
    return at_origins[:, None] + at_destinations[None, :]


def _unit_vectors(points: Sequence[Point]) -> npt.NDArray[np.float64]:
    """Each point as a vector from the earth's centre, of length 1."""
    degrees = np.array([(point.latitude, point.longitude) for point in points]).reshape(-1, 2)
    latitude, longitude = np.radians(degrees).T
    return np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=1
    )


def _distances_km(origins: npt.NDArray[np.float64], destinations: npt.NDArray[np.float64]) -> Kilometres:
    """Great-circle kilometres by way of the chord, which is exact for short ways and the same both ways."""
    squared_chord = np.zeros((len(origins), len(destinations)))
    for axis in range(3):
        squared_chord += (origins[:, axis, None] - destinations[None, :, axis]) ** 2
    kilometres: Kilometres = 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(np.sqrt(squared_chord) / 2, 1.0))
    return kilometres


@lru_cache(maxsize=1)
def _station_vectors() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The stations of stations.csv, and those among them that stand in a dense centre."""
    with Path(__file__).with_name("stations.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    vectors = _unit_vectors([Point(float(row["latitude"]), float(row["longitude"])) for row in rows])
    return vectors, vectors[[row["dense_centre"] == "yes" for row in rows]]
