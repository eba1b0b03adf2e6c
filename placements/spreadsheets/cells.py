"""The text of one cell: tidied, or refused for what no column may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from placements.csv_files import starts_like_formula
from placements.spreadsheets.remarks import visible

LONGEST_CELL = 200

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"))
_BLANKS = frozenset({"-", "–", "—", "n/a", "na", "none", "nil", "null", "tbc", "not applicable"})
_SPREADSHEET_ERROR = re.compile(
    r"#(n/a|ref!|value!|name\?|div/0!|num!|null!|spill!|calc!)|#{3,}", re.IGNORECASE
)
_SIGNED_NUMBER = re.compile(r"[+-]\s?\d[\d.,]*", re.ASCII)

Value = TypeVar("Value")


class Unusable(Exception):
    """A cell that cannot be taken: why, what would be right, and values that may have been meant."""

    def __init__(self, reason: str, remedy: str, suggestions: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.suggestions = tuple(suggestions)


@dataclass(frozen=True)
class Reading(Generic[Value]):
    """A cell's value; `became` says it in words where it was not written as we keep it."""

    value: Value
    became: str | None = None


def clean(raw: str, longest: int = LONGEST_CELL, *, numeric: bool = False) -> str:
    """A cell's text with its spaces tidied; raises `Unusable` for what no text column may hold.

    Refused: text a spreadsheet might run as a formula, a spreadsheet's own error, characters that cannot be
    seen or were damaged, and text longer than `longest`. In a numeric column a signed number is let through.
    """
    seen = raw.translate(_INVISIBLE)
    if seen.strip().casefold() in _BLANKS:
        return seen.strip()
    # A leading apostrophe is how a spreadsheet marks text; what follows it is judged like any other text.
    seen = seen.lstrip(" ").removeprefix("'")
    is_number = numeric and _SIGNED_NUMBER.fullmatch(seen.strip()) is not None
    if seen.strip() and starts_like_formula(seen) and not is_number:
        sign = {"\t": "a tab", "\r": "a line break"}.get(seen[0], f"“{seen.strip()[:1]}”")
        raise Unusable(
            f"It begins with {sign}, which a spreadsheet could run as a formula.",
            "Write the plain value, beginning with a letter or a figure.",
        )
    text = " ".join(unicodedata.normalize("NFC", seen).split())
    if _SPREADSHEET_ERROR.fullmatch(text):
        raise Unusable(
            "It is a spreadsheet's error, not a value.", "Put the formula right or type the value."
        )
    if len(text) > longest:
        raise Unusable(
            f"It is too long: {len(text):,} characters.",
            f"Use at most {longest:,} characters in this column.",
        )
    if text.isascii() and raw.isprintable():
        return text
    for character in seen.strip():
        if character == "\ufffd":
            raise Unusable("Part of it was damaged when the file was saved.", "Type the value again.")
        if unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}:
            raise Unusable(
                f"It holds a character that cannot be seen ({visible(character)}).",
                "Delete what is in the cell and type the value again on one line.",
            )
    return text


def is_blank_word(text: str) -> bool:
    """Whether a cell holds a word by which people say that there is nothing to say ("n/a", "-", "none")."""
    return text.casefold() in _BLANKS
