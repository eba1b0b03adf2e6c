"""Where a UK postcode is, offline: one postcode, many at once, or the middle of an outward code.

Source: the ONS Postcode Directory (see `postcode_tables`). The directory as packaged keeps terminated
postcodes beside live ones with nothing to tell them apart: a terminated postcode still answers with the place
it stood for, unless the directory has no grid reference for it.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from placements.geography.postcode_tables import INWARD_CODES, PostcodeTables, postcode_key
from placements.geography.postcode_text import normalise_outward, normalise_postcode, outward_code
from placements.settings import ROOT

__all__ = [
    "Point",
    "locate",
    "locate_many",
    "locate_outward",
    "normalise_outward",
    "normalise_postcode",
    "outward_code",
]

_MICRODEGREES = 1_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the earth: degrees north and degrees east, WGS 84."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        # Written so that NaN is refused too.
        if not -90 <= self.latitude <= 90:
            raise ValueError(f"A latitude lies between -90 and 90 degrees, not {self.latitude}")
        if not -180 <= self.longitude <= 180:
            raise ValueError(f"A longitude lies between -180 and 180 degrees, not {self.longitude}")


def locate(postcode: str, cache_directory: Path | None = None) -> Point | None:
    """Where a full postcode is, in any spelling `normalise_postcode` reads; None where it is not known.

    None is the answer for what is no postcode, for one that is not in the directory, and for one without a
    grid reference there (all of Jersey, Guernsey and the Isle of Man; some PO boxes and large users).
    Accuracy: the address nearest the middle of the postcode, commonly within 100 m of any of its doors,
    up to some kilometres in thinly settled country. The first use of a letter takes some tenths of a second.

    `cache_directory`: where tables are kept; by default geography/ under the folder that the environment
    variable PLACEMENTS_VAR names, or under var/ in the checkout.
    """
    return locate_many([postcode], cache_directory).get(postcode)


def locate_many(postcodes: Iterable[str], cache_directory: Path | None = None) -> dict[str, Point]:
    """Where each full postcode is, keyed by the text as given; those not known are absent."""
    by_letter: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for text in dict.fromkeys(postcodes):
        canonical = normalise_postcode(text)
        if canonical is not None:
            by_letter[canonical[0]].append((text, postcode_key(*canonical.split(" "))))

    found: dict[str, Point] = {}
    tables = directory_tables(cache_directory)
    for letter, asked in by_letter.items():
        keys, latitudes, longitudes, _ = tables.table(letter)
        if not len(keys):
            continue
        wanted = np.array([key for _, key in asked], dtype=np.int32)
        positions = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        known = keys[positions] == wanted
        for (text, _), position, is_known in zip(asked, positions, known, strict=True):
            if is_known:
                found[text] = _point(float(latitudes[position]), float(longitudes[position]))
    return found


def locate_outward(outward: str, cache_directory: Path | None = None) -> Point | None:
    """The middle of an outward code ("B15"): the median of its postcodes, north and east apart; or None.

    For displays that must not give away a home. A median, so that a stray far-off unit does not pull it.
    """
    canonical = normalise_outward(outward)
    if canonical is None:
        return None
    keys, latitudes, longitudes, _ = directory_tables(cache_directory).table(canonical[0])
    first_key = postcode_key(canonical)
    first, end = np.searchsorted(keys, np.array([first_key, first_key + INWARD_CODES], dtype=np.int32))
    if first == end:
        return None
    return _point(float(np.median(latitudes[first:end])), float(np.median(longitudes[first:end])))


def _point(latitude_microdegrees: float, longitude_microdegrees: float) -> Point:
    return Point(latitude_microdegrees / _MICRODEGREES, longitude_microdegrees / _MICRODEGREES)


def directory_tables(cache_directory: Path | None = None) -> PostcodeTables:
    """The directory's tables, kept where `locate` says; shared by all who ask in a process."""
    if cache_directory is None:
        cache_directory = Path(os.environ.get("PLACEMENTS_VAR") or ROOT / "var") / "geography"
    return _tables_at(cache_directory.absolute())


@lru_cache(maxsize=8)
def _tables_at(cache_directory: Path) -> PostcodeTables:
    return PostcodeTables(cache_directory)
