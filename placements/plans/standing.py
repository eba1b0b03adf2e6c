"""Published places by a plan's lines: a later part, which knows them, registers who can tell."""

from collections.abc import Callable, Collection, Mapping

from sqlalchemy.orm import Session

# From a round's id and plan lines' ids to learners with a published place, by plan line.
Counter = Callable[[Session, int, Collection[int]], Mapping[int, int]]

_counters: list[Counter] = []


def register(counter: Counter) -> None:
    """Say who knows; the last one counts."""
    _counters[:] = [counter]


def published_places(session: Session, round_id: int, line_ids: Collection[int]) -> Mapping[int, int]:
    """Learners who have a published place by these plan lines, by line; lines without any are left out."""
    return _counters[0](session, round_id, line_ids) if _counters and line_ids else {}
