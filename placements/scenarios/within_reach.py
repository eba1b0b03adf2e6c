"""Where requirements may go at all by a run's data and rules, and what is still free there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.orm import Session

import matching
from placements.scenarios.frozen import locks_by_key, policy_of_run
from placements.scenarios.models import Lock, Run
from placements.scenarios.outcome import row_id
from placements.scenarios.queries import locks_in_force

# The problem read last, by its digest and the locks' ids: reading a regional one takes longer than asking it.
_read: dict[tuple[str, tuple[int, ...]], matching.Problem] = {}


@dataclass(frozen=True)
class SiteWithin:
    """A site that no rule refuses, the minutes one way, and the most places free in one department through
    all weeks (by its declared places; other limits may leave fewer)."""

    site_id: int
    minutes: int
    free: int


# Learners by department and Monday.
Taken = Mapping[tuple[int, date], int]


def sites_within(
    session: Session, run: Run, requirement_ids: Collection[int], taken: Taken
) -> dict[int, list[SiteWithin]]:
    """Of each requirement that is in a run's data the sites within reach, the nearest first, under the locks
    that hold today; nothing is said of requirements that are not in the data. `taken` says who has a place
    now. The caller has been let see what it tells."""
    try:
        problem = _problem_of(run, locks_in_force(session, run.round_id, None))
    except matching.EngineError:
        return {}
    wanted = {f"r{key}" for key in requirement_ids} & problem.requirement_index.keys()
    if not wanted:
        return {}
    free = _Free(problem, taken)
    found = {}
    for item in matching.reach(problem, policy_of_run(run), wanted).requirements:
        requirement = problem.requirements[problem.requirement_index[item.requirement]]
        learner = problem.learner_index[item.learner]
        sites = [
            SiteWithin(
                row_id(key),
                int(problem.travel_minutes[learner, problem.site_index[key]]),
                free.at(key, requirement),
            )
            for key in item.sites
        ]
        found[row_id(item.requirement)] = sorted(sites, key=lambda site: (site.minutes, site.site_id))
    return found


def _problem_of(run: Run, locks: Sequence[Lock]) -> matching.Problem:
    """The run's data under these locks."""
    key = (run.snapshot.digest, tuple(lock.id for lock in locks))
    if key not in _read:
        problem = matching.Problem.from_json(run.snapshot.problem)
        keys, _ = locks_by_key(problem, locks)
        if keys:
            problem = replace(problem, locks=tuple(matching.Lock(**lock) for lock in keys))
        _read.clear()
        _read[key] = problem
    return _read[key]


class _Free:
    """What each department still has, by its offers and its own most."""

    def __init__(self, problem: matching.Problem, taken: Taken) -> None:
        self._problem = problem
        self._weeks = [date.fromisoformat(week) for week in problem.weeks]
        self._taken = taken
        self._offers: dict[str, list[matching.Offer]] = {}
        for offer in problem.offers:
            site = problem.departments[problem.department_index[offer.department]].site
            self._offers.setdefault(site, []).append(offer)

    def at(self, site: str, requirement: matching.Requirement) -> int:
        """The most free places of one department of a site in all weeks of the requirement, or of one of the
        blocks that it may take."""
        problem = self._problem
        learner = problem.learners[problem.learner_index[requirement.learner]]
        by_department: dict[str, list[matching.Offer]] = {}
        for offer in self._offers.get(site, ()):
            department = problem.departments[problem.department_index[offer.department]]
            if (
                department.modality in requirement.modalities
                and (not offer.groups or learner.group in offer.groups)
                and (not offer.stages or learner.stage in offer.stages)
            ):
                by_department.setdefault(offer.department, []).append(offer)
        rotation = problem.rotation_of(requirement)
        spans = [requirement.weeks] if rotation is None else rotation.weeks
        return max(
            (
                min((self._left(key, offers, week) for week in weeks), default=0)
                for key, offers in by_department.items()
                for weeks in spans
            ),
            default=0,
        )

    def _left(self, key: str, offers: list[matching.Offer], week: int) -> int:
        department = self._problem.departments[self._problem.department_index[key]]
        places = sum(offer.maximum[week] for offer in offers)
        if department.places is not None:
            places = min(places, department.places[week])
        return max(0, places - self._taken.get((row_id(key), self._weeks[week]), 0))
