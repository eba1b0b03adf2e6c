"""What is said of an uploaded file: what was corrected, what was refused and why, each told once however
often it occurs; and text from a file made safe to store and show.

Everything here is frozen and holds only text and numbers, so that a preview can be stored as JSON.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

SHOWN_CHARACTERS = 100
KEPT_CHARACTERS = 2_000
ADDED_COLUMN = "What to put right"
LINES_NAMED = 5


@dataclass(frozen=True)
class Correction:
    """A value that was understood but not written as we keep it: `value` as written, and what it `became`."""

    line: int
    column: str
    value: str
    became: str


@dataclass(frozen=True)
class Refusal:
    """A value that could not be taken: where, what, why, and what would be right; `suggestions` are values
    that may have been meant."""

    line: int
    column: str
    value: str
    reason: str
    remedy: str
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True)
class RefusedRow:
    """A refused row's cells under the columns in use, kept so that they can be put right."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class FileProblem:
    """Why a whole file was refused, and what to do."""

    message: str
    remedy: str


def visible(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Text that is safe to store and show: control and invisible characters named, length limited."""
    shown = "".join(_visible_character(character) for character in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def kept_for_repair(cell: str) -> str:
    """A refused row's cell as it is given back: its lines are kept, what cannot be seen is named."""
    lines = re.split(r"\r\n|\r|\n", cell[:KEPT_CHARACTERS])
    return "\n".join(visible(line, KEPT_CHARACTERS) for line in lines)


def _visible_character(character: str) -> str:
    if character in "\n\r\t":
        return {"\n": "␊", "\r": "␍", "\t": "␉"}[character]
    if unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}:
        return f"[U+{ord(character):04X}]"
    return character


Remark = TypeVar("Remark", Correction, Refusal)


@dataclass(frozen=True)
class Told(Generic[Remark]):
    """A remark as it stands on its first line, and every line that it is about, in words."""

    remark: Remark
    lines: str


def told_once(remarks: Sequence[Remark]) -> list[Told[Remark]]:
    """The remarks in the order of their first lines, those that differ only by line put together."""
    lines_of: dict[Remark, list[int]] = {}
    for remark in remarks:
        lines_of.setdefault(replace(remark, line=0), []).append(remark.line)
    return [Told(replace(remark, line=lines[0]), _listed(lines)) for remark, lines in lines_of.items()]


def _listed(lines: Sequence[int]) -> str:
    """2; 2 and 3; 2, 3, 4, 5, 6 and 20 more"""
    named = [str(line) for line in lines[:LINES_NAMED]]
    if len(lines) > LINES_NAMED:
        return f"{', '.join(named)} and {len(lines) - LINES_NAMED:,} more"
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
