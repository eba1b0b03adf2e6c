"""Everything that is held of a learner through all rounds, wherever: each part that holds something registers
how it is given out, to who asks for all that is held of them, and how it is erased."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from placements.cohorts.models import LearnerRecord


@dataclass(frozen=True)
class Holding:
    """What a part holds of a learner. `export` gives it as plain values that JSON can hold; `erase` takes out
    what says who the learner is and what they said, and leaves what only counts. Both run inside the caller's
    transaction, before the record itself changes."""

    name: str
    export: Callable[[Session, LearnerRecord], Any]
    erase: Callable[[Session, LearnerRecord], None]


_holdings: dict[str, Holding] = {}


def register(holding: Holding) -> None:
    """Add what a part holds; the same name again replaces it."""
    _holdings[holding.name] = holding


def holdings() -> list[Holding]:
    """What all parts hold, by name."""
    return [_holdings[name] for name in sorted(_holdings)]


def erased_reference(record: LearnerRecord) -> str:
    """What stands instead of an erased learner's reference."""
    return f"erased-{record.id}"
