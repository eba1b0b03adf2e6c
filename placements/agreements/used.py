"""How much of an agreement is used: a later part, which knows what was published, registers who can count."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from placements.agreements.models import Agreement


@dataclass(frozen=True)
class Counted:
    """Placements of learners of an HEI, a group and a stage (None: not known any more) in an academic year:
    those published with a trust, or with no trust named those asked for."""

    year: int
    hei_id: int
    trust_id: int | None
    group_id: int | None
    stage_id: int | None
    placements: int


@dataclass(frozen=True)
class Use:
    """Placements in an academic year, all rounds together: those that the HEI's submitted cohorts need,
    wherever they go, and those published with the trust."""

    asked: int = 0
    published: int = 0

    def short_of(self, agreement: Agreement) -> int:
        """Placements published that are missing of the least agreed."""
        return max(0, agreement.least - self.published)


# Of HEIs in academic years; the round named (None: none) is left out.
Source = Callable[[Session, Collection[int], Collection[int], int | None], Sequence[Counted]]

_sources: list[Source] = []


def register(source: Source) -> None:
    """Say who can count; the last one counts."""
    _sources[:] = [source]


def uses(
    session: Session, agreements: Collection[Agreement], *, besides_round: int | None = None
) -> dict[int, Use]:
    """What is used of each agreement, by its id; what is in the round `besides_round` is not counted."""
    heis, years = {row.hei_id for row in agreements}, {row.year for row in agreements}
    counted = _sources[0](session, heis, years, besides_round) if _sources and heis else ()
    by_pair: dict[tuple[int, int], list[Counted]] = {}
    for row in counted:
        by_pair.setdefault((row.hei_id, row.year), []).append(row)
    return {agreement.id: _use(agreement, by_pair) for agreement in agreements}


def _use(agreement: Agreement, counted: dict[tuple[int, int], list[Counted]]) -> Use:
    under = [
        row
        for row in counted.get((agreement.hei_id, agreement.year), ())
        if agreement.covers(row.group_id, row.stage_id)
    ]
    return Use(
        asked=sum(row.placements for row in under if row.trust_id is None),
        published=sum(row.placements for row in under if row.trust_id == agreement.trust_id),
    )
