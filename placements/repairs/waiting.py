"""The waiting list: requirements that the newest version leaves without a place, ranked, and what is free.

The order is by priority, then by how long each has waited, then by a draw that is made once for the round:
each requirement's number comes from the seed and the number of the first published run, so that it is the
same in every version and whoever computes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from placements.access import Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.occupied import occupied
from placements.allocations.queries import lines_of_publication, newest_publication, publications_of_round
from placements.cohorts.models import Cohort, Learner, Requirement
from placements.csv_files import csv_bytes
from placements.organisations.models import Site, Stage
from placements.repairs.freezing import returned_of_round
from placements.repairs.models import ReturnedPlace
from placements.repairs.worklist import Item, register
from placements.scenarios.models import Run
from placements.scenarios.queries import frozen_utc
from placements.scenarios.within_reach import sites_within
from placements.web.formats import LONDON, count, day, minutes

HIGHEST_NUMBER = 1_000_000
MOST_SITES_NAMED = 3


@dataclass(frozen=True)
class FreeSite:
    """A site in reach with a free place, and minutes one way."""

    name: str
    minutes: int
    free: int


@dataclass(frozen=True)
class Waits:
    """Somebody who waits for a place. `since` is the version from which on there was none, `number` what was
    drawn; `free` are the sites in reach with a free place (None: not known)."""

    rank: int
    line: PublicationLine
    priority: int
    since: int
    number: int
    free: Sequence[FreeSite] | None

    @property
    def why(self) -> str:
        """How the rank came about: "priority 1; waiting since version 2; drew 34,812"."""
        return f"priority {self.priority}; waiting since version {self.since}; drew {self.number:,}"

    @property
    def reach_words(self) -> str:
        """ "Free: Queen's Hospital (25 min), 1 place"."""
        if self.free is None:
            return "Not known: the published run says nothing of it"
        if not self.free:
            return "No free place in reach"
        named = ", ".join(
            f"{site.name} ({minutes(site.minutes)}), {count(site.free, 'place')}"
            for site in self.free[:MOST_SITES_NAMED]
        )
        more = len(self.free) - MOST_SITES_NAMED
        return named + (f" and {count(more, 'other site')}" if more > 0 else "")


@dataclass(frozen=True)
class WaitingList:
    """Who waits in a round, in order; `not_clear` gave their place back and are not clear yet, so they are
    not ranked. `seed` and `run_id` are what the draw was made with."""

    publication: Publication | None
    rows: Sequence[Waits]
    not_clear: Sequence[ReturnedPlace]
    seed: int
    run_id: int


def waiting_list(session: Session, viewer: Viewer, round_id: int) -> WaitingList:
    """The waiting list of a round; only an academy lead's covers all who wait."""
    not_clear = [row for row in returned_of_round(session, viewer, round_id) if row.cleared_utc is None]
    publication = newest_publication(session, viewer, round_id)
    if publication is None:
        return WaitingList(None, (), not_clear, 0, 0)
    versions = publications_of_round(session, viewer, round_id)
    first_run = session.get_one(Run, versions[-1].run_id)
    seed = int(first_run.summary.get("seed", 0))
    lines = list(
        session.scalars(
            lines_of_publication(viewer, publication.id).where(
                PublicationLine.state == "unplaced",
                PublicationLine.requirement_id.not_in([row.requirement_id for row in not_clear]),
            )
        )
    )
    requirements = [line.requirement_id for line in lines]
    priorities = _priorities(session, requirements)
    since = _since(session, viewer, round_id, requirements)
    free = _free(session, publication, requirements, not_clear)
    ordered = sorted(
        (
            (
                priorities[line.requirement_id],
                since[line.requirement_id],
                drawn(seed, first_run.id, line.requirement_id),
                line.requirement_id,
                line,
            )
            for line in lines
            # A line outlives what it is about: whoever is no longer held waits for nothing.
            if line.requirement_id in priorities
        ),
        key=lambda row: row[:4],
    )
    rows = [
        Waits(rank, line, priority, version, number, free.get(requirement_id))
        for rank, (priority, version, number, requirement_id, line) in enumerate(ordered, start=1)
    ]
    return WaitingList(publication, rows, not_clear, seed, first_run.id)


def drawn(seed: int, run_id: int, requirement_id: int) -> int:
    """What a requirement drew, from 1 to HIGHEST_NUMBER; the lower comes first."""
    digest = sha256(f"{seed}:{run_id}:{requirement_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % HIGHEST_NUMBER + 1


def _priorities(session: Session, requirement_ids: Collection[int]) -> dict[int, int]:
    rows = session.execute(
        select(Requirement.id, func.coalesce(Learner.priority, Stage.priority))
        .join(Requirement.learner)
        .join(Learner.cohort)
        .join(Cohort.stage)
        .where(Requirement.id.in_(list(requirement_ids)), Requirement.state == "needed")
    )
    return {requirement_id: priority for requirement_id, priority in rows}  # noqa: C416 - rows are no pairs to mypy


def _since(
    session: Session, viewer: Viewer, round_id: int, requirement_ids: Collection[int]
) -> dict[int, int]:
    """The version from which on each has had no place without a break."""
    rows = session.execute(
        select(PublicationLine.requirement_id, Publication.number, PublicationLine.state)
        .join(PublicationLine.publication)
        .where(Publication.round_id == round_id, PublicationLine.requirement_id.in_(list(requirement_ids)))
        .order_by(Publication.number.desc())
    )
    found: dict[int, int] = {}
    had_place: set[int] = set()
    for requirement_id, number, state in rows:
        if state != "unplaced":
            had_place.add(requirement_id)
        elif requirement_id not in had_place:
            found[requirement_id] = number
    return found


def _free(
    session: Session,
    publication: Publication,
    requirement_ids: Collection[int],
    not_clear: Collection[ReturnedPlace],
) -> dict[int, list[FreeSite]]:
    """Sites with a free place in reach of each, the nearest first, by the data of the published run; places
    given back are free."""
    if not requirement_ids:
        return {}
    run = session.scalars(
        select(Run).where(Run.id == publication.run_id).options(joinedload(Run.snapshot))
    ).one()
    taken = occupied(session, publication, without=[row.requirement_id for row in not_clear])
    within = sites_within(session, run, requirement_ids, taken)
    names = {
        site.id: site.name
        for site in session.scalars(
            select(Site).where(Site.id.in_({site.site_id for sites in within.values() for site in sites}))
        )
    }
    return {
        requirement_id: [
            FreeSite(names[site.site_id], site.minutes, site.free) for site in sites if site.free
        ]
        for requirement_id, sites in within.items()
    }


def waiting_csv(found: WaitingList) -> bytes:
    """The waiting list, a row each in order."""
    headings = [
        "Rank",
        "HEI",
        "Programme",
        "Stage",
        "Learner reference",
        "Block",
        "Week commencing",
        "Modality",
        "Priority",
        "Waiting since version",
        "Drew",
        "Free in reach",
        "Reason for no place",
    ]
    return csv_bytes(
        [
            headings,
            *(
                [
                    row.rank,
                    row.line.hei,
                    row.line.programme,
                    row.line.stage,
                    row.line.learner_reference,
                    row.line.block,
                    row.line.first_week,
                    row.line.modality,
                    row.priority,
                    row.since,
                    row.number,
                    row.reach_words,
                    row.line.reason,
                ]
                for row in found.rows
            ),
        ]
    )


def clear_again(
    session: Session, viewer: Viewer, publication: Publication, run: Run, on: date
) -> Iterator[Item]:
    """Learners who gave a place back at the freeze and have been let be placed again since: they want one
    only where the publication has none for them."""
    frozen = frozen_utc(session, run)
    rows = [
        row
        for row in returned_of_round(session, viewer, publication.round_id)
        if row.cleared_utc is not None and row.cleared_utc > frozen
    ]
    stands = set(
        session.scalars(
            select(PublicationLine.requirement_id).where(
                PublicationLine.publication_id == publication.id,
                PublicationLine.department_id.is_not(None),
                PublicationLine.requirement_id.in_([row.requirement_id for row in rows]),
            )
        )
    )
    for row in rows:
        learner = row.requirement.learner
        returned_on = day(row.returned_utc.astimezone(LONDON).date())
        yield Item(
            key=f"clear:{row.id}",
            kind="Clear again",
            who=f"{learner.reference}, {learner.hei.name}",
            words=f"gave a place back on {returned_on}, may be placed again",
            by="",
            at_utc=row.cleared_utc or frozen,
            touched=frozenset({row.requirement_id} & stands),
            wanted=frozenset({row.requirement_id} - stands),
        )


register("clear again", clear_again)
