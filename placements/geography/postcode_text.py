"""How a postcode is written: from what people type to the one canonical spelling.

Pure text work; whether the postcode exists, and where, is `postcodes.locate`'s business.
The shapes are those of the Royal Mail's postcode system (area, district, sector, unit).
"""

import re
import unicodedata

_AREA_NAMES = """
    AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH
    EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK
    ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD
    TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE
"""
POSTCODE_AREAS = frozenset(_AREA_NAMES.split())
"""Every postcode area in use, Crown dependencies, British Forces (BF) and non-geographic BX included."""

# How letters (A) and digits (9) may stand in the outward code, after Royal Mail's shapes.
_OUTWARD_SHAPES = ("A9", "A99", "A9A", "AA9", "AA99", "AA9A")
_LAST_OUTWARD_LETTERS = frozenset("ABCDEFGHJKLMNPQRSTUVWXY")
_INWARD_LETTERS = frozenset("ABDEFGHJLNPQRSTUWXYZ")
_AS_DIGIT = {"O": "0", "I": "1", "L": "1"}
_AS_LETTER = {"0": "O", "1": "I"}
_MOST_CHARACTERS_READ = 64
"""A cell longer than this is no postcode; reading stops here so that a huge cell costs nothing."""


def normalise_postcode(text: str) -> str | None:
    """The canonical spelling ("B15 2GW") of a full postcode as people write it, or None where it is none.

    Forgiven: case, missing or extra spaces of any kind (non-breaking ones too), dashes, quotes and stops
    around it, full-width characters; the letter O for the digit 0, the letters I and L for the digit 1, and
    O and I the other way round, wherever only one reading fits the shape of a postcode ("BI5 2GW" is B15 2GW,
    "S014 3AA" is SO14 3AA). Where two readings fit equally well there is no guess: None.

    Idempotent: a canonical postcode comes back unchanged. Existence is not checked (see `locate`).
    """
    compact = _compact(text)
    if not 5 <= len(compact) <= 7:
        return None
    outward = _read_outward(compact[:-3])
    inward = _read_inward(compact[-3:])
    return f"{outward} {inward}" if outward and inward else None


def normalise_outward(text: str) -> str | None:
    """The canonical spelling ("B15") of an outward code as people write it, or None where it is none."""
    compact = _compact(text)
    return _read_outward(compact) if 2 <= len(compact) <= 4 else None


def outward_code(postcode: str) -> str | None:
    """The outward code ("B15") of a full postcode in any spelling, or None where it is no postcode.

    An outward code covers some thousands of addresses: show it where an exact home must not be seen.
    """
    canonical = normalise_postcode(postcode)
    return canonical.split(" ")[0] if canonical else None


def _compact(text: str) -> str:
    """Upper case ASCII letters and digits only; empty where any other sign is left inside."""
    if len(text) > _MOST_CHARACTERS_READ:
        text = text.strip()
        if len(text) > _MOST_CHARACTERS_READ:
            return ""
    plain = unicodedata.normalize("NFKC", text)
    kept = "".join(sign for sign in plain if not _is_gap(sign)).strip("'\"`.,;:()[]‘’“”").upper()
    return kept if re.fullmatch(r"[A-Z0-9]*", kept) else ""


def _is_gap(sign: str) -> bool:
    """Spaces, line ends, invisible format characters (Cf) and dashes (Pd), which carry no meaning here."""
    return sign.isspace() or unicodedata.category(sign) in {"Cf", "Cc", "Pd"}


def _read_inward(written: str) -> str | None:
    """A digit and two letters; the letters never are C, I, K, M, O or V, so no 0 or 1 stands for a letter."""
    inward = _AS_DIGIT.get(written[0], written[0]) + written[1:]
    return inward if inward[0].isdigit() and set(inward[1:]) <= _INWARD_LETTERS else None


def _read_outward(written: str) -> str | None:
    """The reading of an outward code that changes fewest signs, provided that it is the only such reading."""
    readings: dict[str, int] = {}
    for shape in _OUTWARD_SHAPES:
        reading = _read_as(written, shape)
        if reading is not None:
            readings[reading] = sum(before != after for before, after in zip(written, reading, strict=True))
    if not readings:
        return None
    fewest = min(readings.values())
    best = [reading for reading, changes in readings.items() if changes == fewest]
    return best[0] if len(best) == 1 else None


def _read_as(written: str, shape: str) -> str | None:
    """An outward code read in one shape, with O/0 and I/1 exchanged where the shape asks; None if unfit."""
    if len(written) != len(shape):
        return None
    exchange = {"A": _AS_LETTER, "9": _AS_DIGIT}
    reading = "".join(exchange[kind].get(sign, sign) for sign, kind in zip(written, shape, strict=True))
    if any(sign.isdigit() != (kind == "9") for sign, kind in zip(reading, shape, strict=True)):
        return None
    area = reading[: 2 if shape.startswith("AA") else 1]
    district = reading[len(area) :]
    if area not in POSTCODE_AREAS:
        return None
    # District 0 exists in some two-letter areas (BL0, CR0); no district is written with a leading zero.
    if district.startswith("0") and (len(area) == 1 or len(district) > 1):
        return None
    if shape.endswith("9A") and reading[-1] not in _LAST_OUTWARD_LETTERS:
        return None
    return reading
