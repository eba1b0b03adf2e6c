"""What later parts say beside a run, such as that it has been adopted: each registers what it knows."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from placements.access import Viewer

# From session, viewer and round to run id -> words.
Marker = Callable[[Session, Viewer, int], Mapping[int, str]]

_markers: dict[str, Marker] = {}


def register(name: str, marker: Marker) -> None:
    """Add a part's words; the same name again replaces them."""
    _markers[name] = marker


def marks_of_round(
    session: Session, viewer: Viewer, round_id: int, *, without: str = ""
) -> dict[int, list[str]]:
    """The words beside each run of a round, in the order in which the parts registered; not those of one
    part, where it asks what the others say."""
    found: dict[int, list[str]] = defaultdict(list)
    for name, marker in _markers.items():
        if name == without:
            continue
        for run_id, words in marker(session, viewer, round_id).items():
            found[run_id].append(words)
    return found
