"""The journeys against which the travel formula was set, and how far off it is from them.

The figures in calibration_journeys.csv are common knowledge of West Midlands travel, rounded, to be confirmed
against timetables and a routing service; they are no survey. Every third journey was kept apart when the
formula's constants were chosen, so that the error on those says something about journeys it has not seen.

    python -m placements.geography.calibration      prints the tables of docs/travel.md
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from placements.geography.postcodes import Point
from placements.geography.travel import CAR_PARKING_MINUTES, TRAVEL_MODES, TravelMode, estimate_minutes

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class KnownJourney:
    """One journey as people know it; minutes from door to door, one way."""

    origin: str
    destination: str
    origin_point: Point
    destination_point: Point
    car_minutes: float
    """Midway between a quiet road and a weekday morning's peak, and parking."""
    public_transport_minutes: float
    """The ride with its changes, and walking and waiting."""
    kept_apart: bool
    """Not used to choose the constants."""

    def known_minutes(self, mode: TravelMode) -> float:
        return self.car_minutes if mode == "car" else self.public_transport_minutes

    def error_minutes(self, mode: TravelMode) -> float:
        """Estimate less known; above 0 where the estimate is too long."""
        estimated = estimate_minutes(self.origin_point, self.destination_point, mode)
        return estimated - self.known_minutes(mode)


@dataclass(frozen=True, slots=True)
class TravelError:
    """How far the estimates are off over some journeys, in minutes."""

    journeys: int
    mean_absolute_minutes: float
    mean_minutes: float
    """Above 0 where estimates are too long on the whole."""
    worst_minutes: float
    """The largest error either way, without sign."""


@lru_cache(maxsize=1)
def known_journeys() -> tuple[KnownJourney, ...]:
    """All journeys of the calibration table, in its order."""
    points = {
        row["place"]: Point(float(row["latitude"]), float(row["longitude"]))
        for row in _rows("calibration_places.csv")
    }
    return tuple(
        KnownJourney(
            origin=row["origin"],
            destination=row["destination"],
            origin_point=points[row["origin"]],
            destination_point=points[row["destination"]],
            car_minutes=(float(row["car_quiet_minutes"]) + float(row["car_peak_minutes"])) / 2
            + CAR_PARKING_MINUTES,
            public_transport_minutes=float(row["ride_minutes"]) + float(row["walk_and_wait_minutes"]),
            kept_apart=position % 3 == 2,
        )
        for position, row in enumerate(_rows("calibration_journeys.csv"))
    )


def travel_error(journeys: Iterable[KnownJourney], mode: TravelMode) -> TravelError:
    """The estimator's error over some journeys by one mode."""
    errors = [journey.error_minutes(mode) for journey in journeys]
    return TravelError(
        journeys=len(errors),
        mean_absolute_minutes=sum(abs(error) for error in errors) / len(errors),
        mean_minutes=sum(errors) / len(errors),
        worst_minutes=max(abs(error) for error in errors),
    )


def _rows(file_name: str) -> list[dict[str, str]]:
    with (_HERE / file_name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def error_table() -> list[str]:
    """The error by mode and part of the journeys, as the lines of a Markdown table (docs/travel.md)."""
    journeys = known_journeys()
    parts = {
        f"all {len(journeys)}": journeys,
        "chosen on": [journey for journey in journeys if not journey.kept_apart],
        "kept apart": [journey for journey in journeys if journey.kept_apart],
    }
    lines = ["| mode | journeys | mean absolute error | mean error | worst |", "|---|---|---|---|---|"]
    for mode in TRAVEL_MODES:
        for name, part in parts.items():
            error = travel_error(part, mode)
            title = name if name.startswith("all") else f"{name}, {error.journeys}"
            lines.append(
                f"| {mode.replace('_', ' ')} | {title} | {error.mean_absolute_minutes:.1f} "
                f"| {error.mean_minutes:+.1f} | {error.worst_minutes:.1f} |"
            )
    return lines


def journey_table() -> list[str]:
    """Every journey, known and estimated minutes, as the lines of a Markdown table (docs/travel.md)."""
    lines = [
        "| from | to | car, known | estimated | public transport, known | estimated |",
        "|---|---|---|---|---|---|",
    ]
    for journey in known_journeys():
        cells = [f"{journey.origin}{' *' if journey.kept_apart else ''}", journey.destination]
        for mode in TRAVEL_MODES:
            known = journey.known_minutes(mode)
            cells += [f"{known:g}", f"{known + journey.error_minutes(mode):.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    print("\n".join([*error_table(), "", *journey_table()]))
