"""Where the demo's learners live: real postcodes, drawn near an HEI and over the region. Nobody's address."""

import os
from pathlib import Path
from random import Random

import numpy as np

from placements.geography.postcode_tables import INWARD_CODES, PostcodeTables
from placements.geography.postcodes import Point
from placements.settings import ROOT

# First letters of the postcode areas in and around the West Midlands: B, CV, DE, DY, HR, LE, ST and so on.
LETTERS = "BCDHLSTW"
SIGNS = " 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Three learners in five live near where they study; the others at home, somewhere in the region.
NEAR_SHARE, NEAR_KM, FAR_KM, MOST_KM = 0.6, 6.0, 20.0, 55.0


class Homes:
    """Draws postcodes by their distance from a point; the same seed draws the same homes."""

    def __init__(self, random: Random) -> None:
        self._random = random
        tables = PostcodeTables(Path(os.environ.get("PLACEMENTS_VAR") or ROOT / "var") / "geography")
        parts = [tables.table(letter) for letter in LETTERS]
        self._letters = np.concatenate([np.full(part.shape[1], index) for index, part in enumerate(parts)])
        self._keys = np.concatenate([part[0] for part in parts])
        self._degrees = np.concatenate([part[1:] for part in parts], axis=1) / 1_000_000
        self._sums: dict[tuple[Point, float], np.ndarray] = {}

    def near(self, point: Point) -> str:
        """A postcode: most often close to the point, sometimes farther off."""
        spread = NEAR_KM if self._random.random() < NEAR_SHARE else FAR_KM
        if (point, spread) not in self._sums:
            self._sums[point, spread] = np.cumsum(self._chances(point, spread))
        sums = self._sums[point, spread]
        row = int(np.searchsorted(sums, self._random.random() * sums[-1]))
        return _spelled(LETTERS[self._letters[row]], int(self._keys[row]))

    def _chances(self, point: Point, spread_km: float) -> np.ndarray:
        north = (self._degrees[0] - point.latitude) * 111.2
        east = (self._degrees[1] - point.longitude) * 111.2 * np.cos(np.radians(point.latitude))
        distance_km = np.hypot(north, east)
        return np.where(distance_km <= MOST_KM, np.exp(-distance_km / spread_km), 0.0)


def _spelled(letter: str, key: int) -> str:
    """A postcode from its first letter and its number in the tables (see `postcode_key`)."""
    outward, inward = divmod(key, INWARD_CODES)
    signs = ""
    for _ in range(3):
        outward, sign = divmod(outward, len(SIGNS))
        signs = SIGNS[sign] + signs
    digit, unit = divmod(inward, 676)
    return f"{letter}{signs.strip()} {digit}{chr(65 + unit // 26)}{chr(65 + unit % 26)}"
