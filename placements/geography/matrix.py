"""Travel times for the matcher and the pages: an uploaded figure where there is one, an estimate elsewhere.

Every figure says which of the two it is; pages must pass that on, so that nobody takes an estimate for a
timetable.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from placements.geography.postcode_text import normalise_postcode
from placements.geography.postcodes import Point
from placements.geography.travel import TravelMode, estimate_matrix
from placements.geography.uploads import (
    MatrixOverride,
    MatrixReading,
    MatrixRefusal,
    parse_matrix,
    site_key,
)

__all__ = [
    "MatrixOverride",
    "MatrixReading",
    "MatrixRefusal",
    "TravelOrigin",
    "TravelSite",
    "TravelSource",
    "TravelTable",
    "TravelTimes",
    "parse_matrix",
]

TravelSource = Literal["estimated", "uploaded"]


@dataclass(frozen=True, slots=True)
class TravelOrigin:
    """Where someone sets out from: a postcode, in any spelling, and where that is."""

    postcode: str
    point: Point


@dataclass(frozen=True, slots=True)
class TravelSite:
    """Where they go to: a site by name and postcode, and where it is."""

    name: str
    postcode: str
    point: Point


@dataclass(frozen=True, slots=True, eq=False)
class TravelTable:
    """Minutes from door to door, one way, by one mode: a row an origin, a column a site, as asked."""

    mode: TravelMode
    minutes: npt.NDArray[np.uint16]
    uploaded: npt.NDArray[np.bool_]
    """True where the figure comes from an uploaded matrix, False where it is an estimate."""

    def source(self, origin: int, site: int) -> TravelSource:
        """Which of the two one figure is, by its row and column."""
        return "uploaded" if self.uploaded[origin, site] else "estimated"


class TravelTimes:
    """Uploaded travel times over the estimator's.

    Where several uploaded lines speak of one journey the nearest to it counts: a full postcode before an
    outward code, then a site's name before its postcode. One line is for one direction: home to site.
    """

    def __init__(self, overrides: Iterable[MatrixOverride] = ()) -> None:
        by_mode: dict[TravelMode, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
        for override in overrides:
            by_mode[override.mode][override.origin][override.site] = override.minutes
        self._minutes = {mode: dict(by_origin) for mode, by_origin in by_mode.items()}

    def table(
        self, origins: Sequence[TravelOrigin], sites: Sequence[TravelSite], mode: TravelMode
    ) -> TravelTable:
        """Minutes for every origin and site by one mode, and where each figure comes from."""
        minutes = estimate_matrix([origin.point for origin in origins], [site.point for site in sites], mode)
        uploaded = np.zeros(minutes.shape, dtype=np.bool_)
        by_origin = self._minutes.get(mode, {})
        if by_origin:
            columns = _columns_by_key(sites)
            for row, origin in enumerate(origins):
                for key in _origin_keys(origin.postcode):
                    for column, figure in _figures(by_origin.get(key, {}), columns):
                        minutes[row, column] = figure
                        uploaded[row, column] = True
        return TravelTable(mode, minutes, uploaded)


def _origin_keys(postcode: str) -> tuple[str, ...]:
    """What a matrix may call an origin, the widest first, so that the nearest is written last."""
    canonical = normalise_postcode(postcode)
    return (canonical.split(" ")[0], canonical) if canonical else ()


def _columns_by_key(sites: Sequence[TravelSite]) -> dict[str, list[int]]:
    """The columns that a matrix's site, a postcode or a name's key, stands for."""
    columns: dict[str, list[int]] = defaultdict(list)
    for column, site in enumerate(sites):
        columns[site_key(site.name)].append(column)
        canonical = normalise_postcode(site.postcode)
        if canonical:
            columns[canonical].append(column)
    return columns


def _figures(by_site: dict[str, int], columns: dict[str, list[int]]) -> Iterable[tuple[int, int]]:
    """Column and minutes, postcodes first, so that a site's name is written last."""
    for site, figure in sorted(by_site.items(), key=lambda item: normalise_postcode(item[0]) is None):
        for column in columns.get(site, ()):
            yield column, figure
