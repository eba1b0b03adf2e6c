"""One figure of a declaration as people write it in a spreadsheet."""

from __future__ import annotations

import re
from decimal import Decimal

from placements.capacity.content import shown
from placements.capacity.models import MOST_PLACES, MOST_WTE
from placements.spreadsheets.cells import Reading, Unusable, clean

_PLAIN = re.compile(r"[0-9]{1,2}", re.ASCII)
_WHOLE = re.compile(
    r"\+? ?([0-9]{1,9})(?:[.,]0{1,10})? ?(?:places?|learners?|students?|lists?|sessions?)?",
    re.IGNORECASE | re.ASCII,
)
_DECIMAL = re.compile(r"\+? ?([0-9]{0,9}(?:[.,][0-9]{0,20})?) ?(?:wte|fte)?", re.IGNORECASE | re.ASCII)
_NOTHING = frozenset({"nil", "none", "no", "zero", "nought"})
_UNSAID = frozenset({"-", "–", "—", "n/a", "na", "null", "tbc", "?", "not applicable"})
_WHOLE_REMEDY = f"Write a whole number from 0 to {MOST_PLACES}."
_WTE_REMEDY = f"Write a number from 0 to {MOST_WTE} with at most two decimals, such as 1.5."


def read_figure(raw: str, column: str) -> Reading[str | None]:
    """A cell's figure as a declaration keeps it, "0" for nothing; None where the cell says nothing, which
    leaves what is declared as it is. Raises `Unusable`."""
    if _PLAIN.fullmatch(raw):
        return Reading(raw if len(raw) == 1 else str(int(raw)))
    if not raw.strip():
        return Reading(None)
    text = clean(raw, 60, numeric=True)
    word = text.casefold()
    if not word:
        return Reading(None)
    if word in _UNSAID:
        return Reading(None, "left as it is")
    if word in _NOTHING:
        return Reading("0", "0")
    return _wte(text) if column == "wte" else _places(text)


def _places(text: str) -> Reading[str | None]:
    match = _WHOLE.fullmatch(text)
    if match is None or int(match[1]) > MOST_PLACES:
        number = re.fullmatch(r"[+-]? ?[0-9]+([.,][0-9]+)?", text, re.ASCII)
        raise Unusable(f"{text} cannot be right." if number else "It is not a whole number.", _WHOLE_REMEDY)
    value = str(int(match[1]))
    plainly = re.fullmatch(r"0*[0-9]{1,2}(\.0+)?", text, re.ASCII) is not None
    return Reading(value, None if plainly else value)


def _wte(text: str) -> Reading[str | None]:
    match = _DECIMAL.fullmatch(text)
    if match is None or not any(character.isdigit() for character in match[1]):
        raise Unusable("It is not a number.", _WTE_REMEDY)
    exact = Decimal(match[1].replace(",", "."))
    # What a spreadsheet works out may be off in its tenth decimal.
    wte = round(exact, 2)
    if wte > MOST_WTE:
        raise Unusable(f"{text} cannot be right.", _WTE_REMEDY)
    if abs(exact - wte) > Decimal("1e-9"):
        raise Unusable(f"{text} is too fine.", _WTE_REMEDY)
    value = shown(wte)
    plainly = re.fullmatch(r"[0-9]*\.?[0-9]*", text, re.ASCII) is not None
    return Reading(value, None if plainly else value)
