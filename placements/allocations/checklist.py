"""What is looked at before a round is published: each part registers what it knows.

An item blocks (the service refuses to publish), warns, or is in order; the page shows all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.rounds.models import Round
from placements.scenarios.models import Run

Effect = Literal["blocks", "warns", "in order"]


@dataclass(frozen=True)
class Item:
    """One thing looked at, in a whole sentence. `endpoint` and `values` are the page where it is put right,
    `link` what the link to it says; no link where there is nothing to do. `examples` are some of what
    `words` count, and how many more there are."""

    words: str
    effect: Effect
    endpoint: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""
    examples: Sequence[str] = ()


# From session, viewer, round and the run that would be published to what was found; [] where it has nothing
# to say of this round.
Check = Callable[[Session, Viewer, Round, Run], Sequence[Item]]

_checks: dict[str, tuple[int, Check]] = {}


def register(name: str, check: Check, *, order: int = 50) -> None:
    """Add something to look at, told in order; the same name again replaces it."""
    _checks[name] = (order, check)


def items_before_publication(session: Session, viewer: Viewer, round_: Round, run: Run) -> list[Item]:
    """All that was looked at before this run is published, in order; the caller has been let publish."""
    checks = sorted(_checks.items(), key=lambda row: (row[1][0], row[0]))
    return [item for _, (_, check) in checks for item in check(session, viewer, round_, run)]


def blocking(items: Sequence[Item]) -> list[Item]:
    """Those that must be put right first."""
    return [item for item in items if item.effect == "blocks"]
