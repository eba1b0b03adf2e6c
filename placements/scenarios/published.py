"""Where the learners of a round's newest publication are, which snapshots hold, who of them has no place, and
the run that was adopted; allocations registers them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from placements.scenarios.models import Run


@dataclass(frozen=True)
class Standing:
    """Where a published requirement is: the department's id, and the Monday on which it begins."""

    department_id: int
    first_week: date


# From session and round to requirement id -> where it is.
Places = Callable[[Session, int], Mapping[int, Standing]]

# From session and round to the requirements that are published without a place.
Unplaced = Callable[[Session, int], Collection[int]]

# From session and round to the run whose placings stand.
Adopted = Callable[[Session, int], Run | None]

_places: list[Places] = []
_unplaced: list[Unplaced] = []
_proposed: list[Places] = []
_adopted: list[Adopted] = []


def register(places: Places, unplaced: Unplaced, adopted: Adopted) -> None:
    """Say how published places, those without one, and the adopted run are found; the last ones registered
    are asked."""
    _places[:] = [places]
    _unplaced[:] = [unplaced]
    _adopted[:] = [adopted]


def adopted_run(session: Session, round_id: int) -> Run | None:
    """The run whose placings stand as a round's allocations, whoever asks."""
    return _adopted[0](session, round_id) if _adopted else None


def published_places(session: Session, round_id: int) -> Mapping[int, Standing]:
    """The newest publication's places by requirement's id; none before the first."""
    return _places[0](session, round_id) if _places else {}


def published_without_place(session: Session, round_id: int) -> Collection[int]:
    """The requirements that the newest publication names without a place, by id."""
    return _unplaced[0](session, round_id) if _unplaced else ()


def register_proposed(places: Places) -> None:
    """Say how the places that trusts have been shown and have not declined are found."""
    _proposed[:] = [places]


def proposed_places(session: Session, round_id: int) -> Mapping[int, Standing]:
    """What a round that is not published yet keeps when a declined place is found another: the places that
    trusts have been shown and have not declined, by requirement's id."""
    return _proposed[0](session, round_id) if _proposed else {}
