"""An uploaded CSV of travel times: read forgivingly, every refused line named, nothing saved by halves here.

Columns, in any order and under their usual names (the header is matched without case or punctuation):
    origin    a full postcode, or an outward code such as B15 that stands for all of its postcodes
    site      the site's name, or its full postcode (all sites at that postcode)
    mode      car or public transport
    minutes   whole minutes from door to door, one way, 0 to 600

Pure: bytes in, overrides and refusals out. `matrix.TravelTimes` puts the overrides to use.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from placements.geography.postcode_text import normalise_outward, normalise_postcode
from placements.geography.travel import TravelMode

COLUMNS = ("origin", "site", "mode", "minutes")
MOST_MINUTES = 600
MOST_BYTES = 10_000_000
MOST_REFUSALS = 1_000
"""Reading stops after so many refusals: a file that is wrong throughout needs no longer list."""

_HEADINGS = {
    "origin": {"origin", "from", "postcode", "originpostcode", "homepostcode", "frompostcode", "outwardcode"},
    "site": {"site", "to", "destination", "sitename", "hospital", "sitepostcode", "topostcode"},
    "mode": {"mode", "travelmode", "by", "modeoftravel", "transport", "modeoftransport"},
    "minutes": {"minutes", "mins", "min", "traveltime", "travelminutes", "time", "timeminutes", "duration"},
}
_MODES: dict[str, TravelMode] = {
    **dict.fromkeys(("car", "bycar", "drive", "driving"), "car"),
    **dict.fromkeys(
        ("publictransport", "bypublictransport", "pt", "transit", "bus", "train", "rail", "busortrain"),
        "public_transport",
    ),
}
_MINUTES = re.compile(r"([0-9]{1,9})(?:[.,]0*)?\s*(?:m|min|mins|minute|minutes)?\.?", re.IGNORECASE)
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class MatrixOverride:
    """One line of a matrix, in canonical spelling."""

    origin: str
    """A full postcode ("B15 2GW") or an outward code ("B15")."""
    site: str
    """A full postcode, or `site_key` of a site's name."""
    mode: TravelMode
    minutes: int
    line: int
    """Where it stood in the file; the header is line 1."""


@dataclass(frozen=True, slots=True)
class MatrixRefusal:
    """Why one cell, or a line or the whole file, was not taken."""

    line: int
    """The line of the file, the header being line 1; 0 where the whole file is meant."""
    column: str
    """origin, site, mode or minutes; empty where the whole line or file is meant."""
    value: str
    """What stood there, cut short."""
    why: str
    right: str
    """What would be right."""


@dataclass(frozen=True, slots=True)
class MatrixReading:
    """What a file held. Nothing is refused silently: every line is an override or has a refusal."""

    overrides: tuple[MatrixOverride, ...]
    refusals: tuple[MatrixRefusal, ...]


def site_key(name: str) -> str:
    """A site's name for comparison: without case, punctuation, or extra spaces."""
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", name).casefold()))


def parse_matrix(content: bytes, sites: Mapping[str, str] | None = None) -> MatrixReading:
    """Read a matrix from a CSV as spreadsheets write it.

    Encodings: UTF-8 (with or without a mark), UTF-16 with a mark, Windows-1252. Delimiters: comma, semicolon,
    tab. `sites`: name to postcode of the sites there are; where given, a site that is none of these is
    refused, with the nearest name as a suggestion.

    Two lines about the same origin, site and mode: the later is refused, even if the minutes agree. Where the
    file as a whole cannot be used (no header, an open quotation mark) there are no overrides at all.
    """
    refusal = _refuse_file(content)
    if refusal is not None:
        return MatrixReading((), (refusal,))
    rows = _rows(_decode(content))
    try:
        header_row = next(rows, None)
        if header_row is None:
            return _refused_whole("The file is empty.", _RIGHT_HEADER)
        header_line, header = header_row
        positions, refusals = _find_columns(header_line, header)
        if refusals:
            return MatrixReading((), tuple(refusals))
        reading = _read_lines(rows, positions, len(header), None if sites is None else _KnownSites(sites))
    except _UnreadableLine as error:
        return MatrixReading((), (error.refusal,))
    if reading == MatrixReading((), ()):
        return _refused_whole("The file has a header and no line below it.", "A line for each journey.")
    return reading


_RIGHT_HEADER = "A first line with the columns origin, site, mode, minutes."


class _UnreadableLine(Exception):
    """The CSV breaks off at a line, so that nothing after it can be told apart."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        right = "Close every quotation mark, and write one inside a cell twice."
        self.refusal = MatrixRefusal(
            line, "", "", f"The file cannot be read from this line on ({why}).", right
        )


class _KnownSites:
    """The sites a matrix may speak of."""

    def __init__(self, sites: Mapping[str, str]) -> None:
        self.name_by_key = {site_key(name): name for name in sites}
        self.postcodes = {normalise_postcode(postcode) for postcode in sites.values()}


def _refused_whole(why: str, right: str) -> MatrixReading:
    return MatrixReading((), (MatrixRefusal(0, "", "", why, right),))


def _refuse_file(content: bytes) -> MatrixRefusal | None:
    """What can be told of a file before it is read as text."""
    if len(content) > MOST_BYTES:
        return MatrixRefusal(
            0, "", "", f"The file is {len(content) / 1e6:.0f} MB.", f"At most {MOST_BYTES / 1e6:.0f} MB."
        )
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return MatrixRefusal(
            0, "", "", "The file is a workbook, not a CSV.", "In the spreadsheet: save as, CSV."
        )
    if not content.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\x00" in content:
        return MatrixRefusal(0, "", "", "The file is not text.", "A CSV, saved as UTF-8 or Windows-1252.")
    return None


def _decode(content: bytes) -> str:
    """Text from UTF-16 with its mark, UTF-8 with or without, else Windows-1252 (never fails)."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that hold anything, with their number in the file; the delimiter is the one the header uses.

    Excel's own first line, "sep=;", is obeyed. Raises _UnreadableLine.
    """
    lead = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)
    header = next((line for line in io.StringIO(text[lead.end() :] if lead else text) if line.strip()), "")
    delimiter = lead[1] if lead else max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _UnreadableLine(begins, str(error)) from error
        is_lead = lead is not None and begins == 1
        if not is_lead and any(cell.strip() for cell in cells):
            yield begins, [cell.strip() for cell in cells]
        begins = reader.line_num + 1


def _find_columns(line: int, header: Sequence[str]) -> tuple[dict[str, int], list[MatrixRefusal]]:
    """Where each column stands; refusals for those that are missing or there twice; others are unread."""
    positions: dict[str, int] = {}
    refusals = []
    for position, heading in enumerate(header):
        plain = re.sub(r"[^a-z]", "", heading.lower())
        column = next((name for name, headings in _HEADINGS.items() if plain in headings), None)
        if column is None:
            continue
        if column in positions:
            why = f"“{_shown(header[positions[column]])}” and “{_shown(heading)}” both name the {column}."
            refusals.append(MatrixRefusal(line, column, _shown(heading), why, "One column of each kind."))
        positions.setdefault(column, position)
    for column in COLUMNS:
        if column not in positions:
            why = f"There is no column for the {column}."
            refusals.append(MatrixRefusal(line, column, _shown(", ".join(header)), why, _RIGHT_HEADER))
    return positions, refusals


def _read_lines(
    rows: Iterator[tuple[int, list[str]]],
    positions: dict[str, int],
    width: int,
    known_sites: _KnownSites | None,
) -> MatrixReading:
    """All lines below the header, each an override or refusals."""
    overrides: dict[tuple[str, str, TravelMode], MatrixOverride] = {}
    refusals: list[MatrixRefusal] = []
    for line, cells in rows:
        if len(refusals) >= MOST_REFUSALS:
            why = f"Reading stopped before this line, after {MOST_REFUSALS} refusals."
            refusals.append(MatrixRefusal(line, "", "", why, "Correct the lines named, then upload again."))
            break
        read = _read_line(line, cells, positions, width, known_sites)
        if isinstance(read, MatrixOverride):
            earlier = overrides.setdefault((read.origin, read.site, read.mode), read)
            if earlier is not read:
                refusals.append(_refuse_duplicate(read, earlier))
        else:
            refusals.extend(read)
    return MatrixReading(tuple(overrides.values()), tuple(refusals))


def _read_line(
    line: int, cells: Sequence[str], positions: dict[str, int], width: int, known_sites: _KnownSites | None
) -> MatrixOverride | list[MatrixRefusal]:
    """One line as an override, or a refusal for each cell that is wrong."""
    if len(cells) > width and any(cells[width:]):
        why = f"The line has {len(cells)} cells, the header {width}."
        right = "Put quotation marks around a name that holds a comma or semicolon."
        return [MatrixRefusal(line, "", _shown(", ".join(cells)), why, right)]
    cell = {name: cells[place] if place < len(cells) else "" for name, place in positions.items()}
    origin = normalise_postcode(cell["origin"]) or normalise_outward(cell["origin"])
    site = _read_site(cell["site"], known_sites)
    mode = _MODES.get(re.sub(r"[^a-z]", "", cell["mode"].lower()))
    minutes = _read_minutes(cell["minutes"])
    if origin is not None and site is not None and mode is not None and minutes is not None:
        return MatrixOverride(origin, site, mode, minutes, line)
    return [
        MatrixRefusal(
            line, column, _shown(cell[column]), "This cell is empty." if not cell[column] else why, right
        )
        for column, value, why, right in (
            ("origin", origin, "This is no postcode.", "A postcode (B15 2GW), or its first half (B15)."),
            ("site", site, *_wrong_site(cell["site"], known_sites)),
            ("mode", mode, "This is no way of travelling known here.", "car, or public transport."),
            ("minutes", minutes, *_wrong_minutes(cell["minutes"])),
        )
        if value is None
    ]


def _read_site(written: str, known_sites: _KnownSites | None) -> str | None:
    postcode = normalise_postcode(written)
    if postcode is not None:
        return postcode if known_sites is None or postcode in known_sites.postcodes else None
    key = site_key(written)
    return key if key and (known_sites is None or key in known_sites.name_by_key) else None


def _wrong_site(written: str, known_sites: _KnownSites | None) -> tuple[str, str]:
    """Why a cell names no site, and what would be right."""
    right = "A site's name as it stands in Placements, or its postcode."
    if normalise_postcode(written) is not None:
        return "No site has this postcode.", right
    names = known_sites.name_by_key if known_sites is not None else {}
    nearest = get_close_matches(site_key(written)[:200], names, n=1)
    return "No site has this name.", f"Perhaps “{names[nearest[0]]}”; or its postcode." if nearest else right


def _read_minutes(written: str) -> int | None:
    match = _MINUTES.fullmatch(unicodedata.normalize("NFKC", written[:_MOST_SHOWN]).strip())
    return int(match[1]) if match and int(match[1]) <= MOST_MINUTES else None


def _wrong_minutes(written: str) -> tuple[str, str]:
    """Why a cell holds no minutes, and what would be right."""
    right = f"A whole number of minutes from 0 to {MOST_MINUTES}, such as 35."
    plain = unicodedata.normalize("NFKC", written[:_MOST_SHOWN]).strip()
    if re.fullmatch(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", plain):
        return "A time of day could mean hours or minutes.", right
    if re.fullmatch(r"-\s*[0-9]+([.,][0-9]+)?", plain):
        return "A journey cannot take less than no time.", right
    if re.fullmatch(r"[0-9]+[.,][0-9]+", plain):
        return "This is not a whole number.", right
    if _MINUTES.fullmatch(plain) or re.fullmatch(r"[0-9]+", plain):
        return f"This is more than {MOST_MINUTES} minutes.", right
    return "This is no number.", right


def _refuse_duplicate(later: MatrixOverride, earlier: MatrixOverride) -> MatrixRefusal:
    return MatrixRefusal(
        later.line,
        "",
        f"{later.origin}, {later.site}, {later.mode.replace('_', ' ')}, {later.minutes}",
        f"Line {earlier.line} already gives this journey ({earlier.minutes} minutes).",
        "One line for each origin, site and mode.",
    )


def _shown(value: str) -> str:
    """A cell's text for a message: on one line, unprintable signs left out, cut short."""
    plain = "".join(sign if sign.isprintable() else " " for sign in value[: _MOST_SHOWN + 1])
    return plain if len(plain) <= _MOST_SHOWN else plain[:_MOST_SHOWN] + "…"
