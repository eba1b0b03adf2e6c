"""Where learners were in earlier rounds: a later part, which knows what was published, registers who can tell
it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.cohorts.models import EarlierSite
from placements.rounds.models import Round


@dataclass(frozen=True)
class PastPlacement:
    """A placement of an earlier round, as it was published last; minutes are one way."""

    round: str
    site_id: int
    site: str
    modality: str
    first_week: date
    weeks: int
    travel_minutes: int | None


@dataclass(frozen=True)
class History:
    """A learner's earlier placements: those of rounds held here, and sites from before them by how often."""

    placements: tuple[PastPlacement, ...] = ()
    earlier_sites: tuple[tuple[int, int], ...] = ()

    @property
    def attended(self) -> tuple[int, ...]:
        """The site of each earlier placement, by id."""
        before = [site_id for site_id, times in self.earlier_sites for _ in range(times)]
        return (*before, *(placement.site_id for placement in self.placements))

    @property
    def mean_minutes(self) -> int:
        """The mean journey one way over earlier rounds held here; 0 where there was none."""
        minutes = [row.travel_minutes for row in self.placements if row.travel_minutes is not None]
        return round(sum(minutes) / len(minutes)) if minutes else 0


# Of learner records (None: of all), the placements of rounds that began before a day, by record's id.
Source = Callable[[Session, Collection[int] | None, Round], Mapping[int, list[PastPlacement]]]

_sources: list[Source] = []


def register(source: Source) -> None:
    """Say who knows the earlier placements; the last one counts."""
    _sources[:] = [source]


def histories(session: Session, round_: Round, record_ids: Collection[int]) -> dict[int, History]:
    """What learners did before a round, by record; records with no history are left out."""
    wanted = set(record_ids)
    published = _sources[0](session, wanted, round_) if _sources else {}
    earlier: dict[int, list[tuple[int, int]]] = {}
    for record_id, site_id, times in session.execute(
        select(EarlierSite.record_id, EarlierSite.site_id, EarlierSite.placements).order_by(
            EarlierSite.record_id, EarlierSite.site_id
        )
    ):
        if record_id in wanted:
            earlier.setdefault(record_id, []).append((site_id, times))
    return {
        record_id: History(tuple(published.get(record_id, ())), tuple(earlier.get(record_id, ())))
        for record_id in published.keys() | earlier.keys()
    }
