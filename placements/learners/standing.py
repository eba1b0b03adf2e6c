"""What a learner holds in parts that come after learners, told before a withdrawal: allocations registers how
to tell."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Standing:
    """`places`: of these requirements the places that stand, each in words by requirement's id;
    `published_utc`: when a round was published last, None where it was not yet."""

    places: Callable[[Session, Collection[int]], dict[int, str]]
    published_utc: Callable[[Session, int], datetime | None]


_standing: list[Standing] = []


def register(standing: Standing) -> None:
    """Say who knows what stands; the last one counts."""
    _standing[:] = [standing]


def places_held(session: Session, requirement_ids: Collection[int]) -> dict[int, str]:
    """The places that stand for these requirements, in words, by the requirement's id: "Block 1, X-ray at
    Heartlands Hospital". The caller has been let see their learner."""
    return _standing[0].places(session, requirement_ids) if _standing and requirement_ids else {}


def last_published_utc(session: Session, round_id: int) -> datetime | None:
    """When a round was published last; None where it was not yet."""
    return _standing[0].published_utc(session, round_id) if _standing else None
