"""What the map of a run shows, and the tables beneath it: sites with their load, and who travels whence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import median
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.cohorts.models import Cohort, Learner, Requirement
from placements.csv_files import csv_bytes
from placements.geography.postcodes import Point, locate_outward, outward_code
from placements.organisations.models import Department, Modality, Programme, Site
from placements.rounds.models import Block
from placements.scenarios.heat import Heat, Week
from placements.scenarios.models import Placing, Run


@dataclass(frozen=True)
class MapFilters:
    """Whose journeys, in which block; None and "" let all through. Places and load are everybody's."""

    group_id: int | None = None
    hei_id: int | None = None
    block: Block | None = None
    modality: str = ""


@dataclass(frozen=True)
class MapSite:
    """A site: everybody's places and load over the weeks that are shown, and those asked for who go there.

    `places` and `placed` are of the week in which it offers, or has, the most.
    """

    site: Site
    places: int
    placed: int
    used_percent: int | None
    load_percent: int | None
    most_load_percent: int | None
    learners: int
    placings: int
    minutes: int | None
    departments: Sequence[tuple[Department, Week]]

    @property
    def point(self) -> Point:
        return Point(self.site.latitude, self.site.longitude)

    @property
    def words(self) -> str:
        """Its facts in a sentence, for those who cannot see the picture."""
        load = "load not known" if self.load_percent is None else f"{self.load_percent}% load"
        who = f"{self.learners} {'learner' if self.learners == 1 else 'learners'}"
        return f"{self.site.name}: {who} placed; at most {self.placed} of {self.places} places; {load}"


@dataclass(frozen=True)
class Flow:
    """Learners who travel from an outward code to a site, and their placings."""

    outward: str
    site: Site
    learners: int
    placings: int
    minutes: int


@dataclass(frozen=True)
class Origin:
    """An outward code from which learners travel, and what came of what they need."""

    outward: str
    point: Point | None
    learners: int
    placed: int
    unplaced: int


@dataclass(frozen=True)
class RunMap:
    """Sites by name; flows with the most learners first; origins by code."""

    sites: Sequence[MapSite]
    flows: Sequence[Flow]
    origins: Sequence[Origin]

    def site(self, site_id: int | None) -> MapSite | None:
        return next((row for row in self.sites if row.site.id == site_id), None)


# How the sites' table can be ordered, and by what; what is not known comes last.
ORDERS: dict[str, tuple[str, Callable[[MapSite], Any]]] = {
    "site": ("Site", lambda row: row.site.name),
    "trust": ("Trust", lambda row: row.site.trust.name),
    "places": ("Places", lambda row: row.places),
    "used": ("Taken", lambda row: row.used_percent),
    "load": ("Load", lambda row: row.load_percent),
    "most": ("Heaviest week", lambda row: row.most_load_percent),
    "learners": ("Learners", lambda row: row.learners),
    "minutes": ("Median travel", lambda row: row.minutes),
}


def in_order(sites: Sequence[MapSite], sort: str) -> list[MapSite]:
    """The sites by one of ORDERS, with a minus before it from the highest down."""
    value = ORDERS[sort.removeprefix("-")][1]
    known = [row for row in sites if value(row) is not None]
    known.sort(key=lambda row: row.site.name)
    known.sort(key=value, reverse=sort.startswith("-"))
    return known + [row for row in sites if value(row) is None]


@dataclass
class _Journeys:
    learners: set[int] = field(default_factory=set)
    minutes: list[int] = field(default_factory=list)
    unplaced: int = 0

    def add(self, learner: int, minutes: int | None) -> None:
        self.learners.add(learner)
        if minutes is None:
            self.unplaced += 1
        else:
            self.minutes.append(minutes)


def map_of_run(session: Session, run: Run, heat: Heat, filters: MapFilters) -> RunMap:
    """The map of a finished run; the caller has been let see it, and read its weeks."""
    to_site: dict[int, _Journeys] = defaultdict(_Journeys)
    on_the_way: dict[tuple[str, int], _Journeys] = defaultdict(_Journeys)
    from_code: dict[str, _Journeys] = defaultdict(_Journeys)
    for site_id, postcode, learner, minutes in _placings(session, run, filters):
        outward = outward_code(postcode) or "?"
        from_code[outward].add(learner, minutes)
        if site_id is not None:
            to_site[site_id].add(learner, minutes)
            on_the_way[outward, site_id].add(learner, minutes)
    sites = _sites(heat, filters, to_site)
    by_id = {row.site.id: row.site for row in sites}
    return RunMap(
        sites,
        sorted(
            (
                Flow(
                    outward,
                    by_id[site_id],
                    len(found.learners),
                    len(found.minutes),
                    round(median(found.minutes)),
                )
                for (outward, site_id), found in on_the_way.items()
                if site_id in by_id
            ),
            key=lambda flow: (-flow.learners, -flow.placings, flow.outward, flow.site.name),
        ),
        [
            Origin(code, _middle(code), len(found.learners), len(found.minutes), found.unplaced)
            for code, found in sorted(from_code.items())
        ],
    )


def sites_csv(sites: Iterable[MapSite]) -> bytes:
    """The sites' table as a CSV."""
    return csv_bytes(
        [
            [
                "Site",
                "Trust",
                "Postcode",
                "Most places in a week",
                "Most placed in a week",
                "Taken %",
                "Load %",
                "Load of heaviest week %",
                "Learners",
                "Placings",
                "Median minutes one way",
            ],
            *(
                [
                    row.site.name,
                    row.site.trust.name,
                    row.site.postcode,
                    row.places,
                    row.placed,
                    row.used_percent,
                    row.load_percent,
                    row.most_load_percent,
                    row.learners,
                    row.placings,
                    row.minutes,
                ]
                for row in sites
            ),
        ]
    )


def flows_csv(flows: Iterable[Flow]) -> bytes:
    """The journeys, every one of them, as a CSV."""
    return csv_bytes(
        [
            ["From", "To", "Trust", "Learners", "Placings", "Median minutes one way"],
            *(
                [
                    flow.outward,
                    flow.site.name,
                    flow.site.trust.name,
                    flow.learners,
                    flow.placings,
                    flow.minutes,
                ]
                for flow in flows
            ),
        ]
    )


def _placings(
    session: Session, run: Run, filters: MapFilters
) -> Iterable[tuple[int | None, str, int, int | None]]:
    """Site, postcode, learner and minutes of each placing; without a place no site and no minutes."""
    rows = (
        select(
            Department.site_id,
            func.coalesce(Learner.term_postcode, Learner.postcode),
            Learner.id,
            Placing.travel_minutes,
        )
        .select_from(Placing)
        .join(Placing.requirement)
        .join(Requirement.learner)
        .outerjoin(Placing.department)
        .where(Placing.run_id == run.id)
    )
    if filters.hei_id is not None:
        rows = rows.where(Learner.hei_id == filters.hei_id)
    if filters.group_id is not None:
        rows = (
            rows.join(Learner.cohort)
            .join(Cohort.programme)
            .where(Programme.learner_group_id == filters.group_id)
        )
    if filters.block is not None:
        rows = rows.where(Placing.block_id == filters.block.id)
    if filters.modality:
        rows = rows.join(Department.modality).where(Modality.name == filters.modality)
    return [(site, postcode, learner, minutes) for site, postcode, learner, minutes in session.execute(rows)]


def _sites(heat: Heat, filters: MapFilters, to_site: dict[int, _Journeys]) -> list[MapSite]:
    mondays = set(filters.block.mondays()) if filters.block is not None else set(heat.mondays)
    shown = [index for index, monday in enumerate(heat.mondays) if monday in mondays]
    found = []
    for site, rows in heat.narrowed(trust_id=None, modality=filters.modality, show="").by_site:
        weeks = [sum((row.weeks[index] for row in rows), start=Week()) for index in shown]
        whole = sum(weeks, start=Week())
        journeys = to_site.get(site.id, _Journeys())
        found.append(
            MapSite(
                site=site,
                places=max((week.places for week in weeks), default=0),
                placed=max((week.placed for week in weeks), default=0),
                used_percent=whole.used_percent,
                load_percent=whole.load_percent,
                most_load_percent=max(
                    (week.load_percent for week in weeks if week.load_percent is not None), default=None
                ),
                learners=len(journeys.learners),
                placings=len(journeys.minutes),
                minutes=round(median(journeys.minutes)) if journeys.minutes else None,
                departments=[
                    (row.department, sum((row.weeks[index] for index in shown), start=Week())) for row in rows
                ],
            )
        )
    return found


@lru_cache(maxsize=8192)
def _middle(outward: str) -> Point | None:
    return locate_outward(outward)
