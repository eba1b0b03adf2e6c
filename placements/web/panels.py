"""What a round's page shows of the parts that come after rounds: each part registers its own line."""

from collections.abc import Callable
from dataclasses import dataclass

from placements.access import Action, Viewer


@dataclass(frozen=True)
class Status:
    """How a part of the round stands: words, and whether somebody should act."""

    words: str
    needs_attention: bool = False
    is_done: bool = False


@dataclass(frozen=True)
class Panel:
    """One line of a round's page; `status` and `address` are asked on each view."""

    title: str
    hint: str
    action: Action
    order: int
    address: Callable[[int], str]
    status: Callable[[Viewer, int], Status]


_panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    """Add a part's line; the same title again replaces it."""
    _panels[panel.title] = panel


def panels_for(viewer: Viewer) -> list[Panel]:
    """The lines that this person may follow, in order."""
    return sorted((p for p in _panels.values() if viewer.may(p.action)), key=lambda panel: panel.order)
