"""What an absence would change in parts that come after educators: each registers how to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.educators.models import Absence, Educator


@dataclass(frozen=True)
class Change:
    """What a department can take in a week (a Monday), in learners, as things are and with the absence."""

    department: str
    week: date
    before: int
    after: int


Effect = Callable[[Session, Viewer, Educator, Absence], list[Change]]

_effects: dict[str, Effect] = {}


def register(name: str, effect: Effect) -> None:
    """Add a part's way to tell; the same name again replaces it."""
    _effects[name] = effect


def changes(session: Session, viewer: Viewer, educator: Educator, absence: Absence) -> list[Change]:
    """What an absence that is not recorded yet would change, by department and week."""
    found = [change for effect in _effects.values() for change in effect(session, viewer, educator, absence)]
    return sorted(found, key=lambda change: (change.department, change.week))
