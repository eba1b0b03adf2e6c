"""How a preview tells a long list briefly: the same fault or correction on many lines is said once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from placements.cohorts.uploads import Correction, Refusal

LINES_NAMED = 5

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
