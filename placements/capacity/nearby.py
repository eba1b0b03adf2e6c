"""Learners who could come to a department beside the places that there are near it: a later part, which knows
the cohorts, registers who can tell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from placements.organisations.models import Department
from placements.rounds.models import Round

NEAR_MINUTES = 45


@dataclass(frozen=True)
class Nearby:
    """In one block: learners who need the modality within 45 minutes of the site by their own mode, and
    places declared for it within 45 minutes by car."""

    learners: int
    places: int


# By department's id and block's id; None where no cohort has been submitted yet.
Found = Mapping[int, Mapping[int, Nearby]] | None
Provider = Callable[[Session, Round, Sequence[Department]], Found]

_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """Say who knows; the last one counts."""
    _providers[:] = [provider]


def nearby(session: Session, round_: Round, departments: Sequence[Department]) -> Found:
    """What is near these departments, which the caller has been let see."""
    return _providers[0](session, round_, departments) if _providers else None
