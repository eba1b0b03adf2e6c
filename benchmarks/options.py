"""The placings that no rule refuses by itself, written from the problem alone: nothing of the engine but its
data types is used, so that the peers' statement of a match is an independent one.

Weights and WTE are in whole thousandths of a WTE, minutes one way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matching import UNREACHABLE, Learner, Offer, Policy, Problem, Requirement

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Weeks = tuple[int, ...]

# No limit.
FREE = 2**40


def thousandths(wte: float) -> int:
    """WTE in whole thousandths."""
    return round(wte * 1000)


def within(policy: Policy, wte: int) -> int:
    """What so many thousandths of a WTE may supervise."""
    return FREE if policy.supervision is None else int(wte * policy.supervision + 1e-6)


def limit_minutes(policy: Policy, learner: Learner) -> int:
    """The longest journey of a learner who takes no bed."""
    most, own = policy.travel_limit[learner.mode], learner.travel_limit_minutes
    return most if own is None else min(most, own)


@dataclass(frozen=True, eq=False)
class Options:
    """[options] each a requirement (position) at an offer, in a block of its rotation (-1: none) and in the
    weeks `week_set`; `minutes` are those that count (never above the limit), `bed` marks those beyond it.

    `covers` is [week sets, weeks].
    """

    requirement: Ints
    offer: Ints
    block: Ints
    week_set: Ints
    learner: Ints
    department: Ints
    site: Ints
    trust: Ints
    weight: Ints
    minutes: Ints
    bed: Bools
    covers: Bools

    def __len__(self) -> int:
        return len(self.requirement)


def options(problem: Problem, policy: Policy) -> Options:
    """Every placing that may be. O(requirements x offers), a vector of offers at a time."""
    doors = _Doors(problem, policy)
    sets: dict[Weeks, int] = {}
    found: list[tuple[int, int, int, Ints]] = []
    for r, requirement in enumerate(problem.requirements):
        for block, weeks in _spans(problem, requirement):
            offers = np.flatnonzero(doors.open(requirement, weeks))
            if len(offers):
                found.append((r, block, sets.setdefault(tuple(weeks), len(sets)), offers))
    counts = np.array([len(offers) for *_, offers in found], np.int64)
    requirement_of, blocks, week_set = (
        np.repeat(np.array([row[i] for row in found], np.int64), counts) for i in range(3)
    )
    offer = np.concatenate([np.zeros(0, np.int64), *(offers for *_, offers in found)])
    covers = np.zeros((len(sets), len(problem.weeks)), np.bool_)
    for weeks, i in sets.items():
        covers[i, list(weeks)] = True
    learner = np.array([problem.learner_index[r.learner] for r in problem.requirements], np.int64)
    weight = np.array([thousandths(r.weight) for r in problem.requirements], np.int64)
    most = np.array([limit_minutes(policy, x) for x in problem.learners], np.int64)
    who, site = learner[requirement_of], doors.site[offer]
    minutes = problem.travel_minutes[who, site].astype(np.int64)
    return Options(
        requirement_of,
        offer,
        blocks,
        week_set,
        who,
        doors.department[offer],
        site,
        doors.trust[offer],
        weight[requirement_of],
        np.minimum(minutes, most[who]),
        minutes > most[who],
        covers,
    )


def _spans(problem: Problem, requirement: Requirement) -> Iterator[tuple[int, Weeks]]:
    """The blocks that a requirement may take, by position, and their weeks."""
    rotation = problem.rotation_of(requirement)
    if rotation is None:
        yield -1, requirement.weeks
    else:
        yield from enumerate(rotation.weeks)


class _Doors:
    """Which offers are open to a requirement, as vectors of offers; each part is worked out once."""

    def __init__(self, problem: Problem, policy: Policy) -> None:
        self.problem, self.policy = problem, policy
        departments = [problem.department_index[o.department] for o in problem.offers]
        self.department = np.array(departments, np.int64)
        sites = np.array([problem.site_index[d.site] for d in problem.departments], np.int64)
        trusts = np.array([problem.trust_index[s.trust] for s in problem.sites], np.int64)
        self.site = sites[self.department]
        self.trust = trusts[self.site]
        self.modality = [problem.departments[d].modality for d in departments]
        self.fits: dict[tuple[object, ...], Bools] = {}
        self.times: dict[tuple[Weeks, int], Bools] = {}
        self.beds: dict[Weeks, Bools] = {}
        self.sites: dict[str, tuple[Bools, Bools]] = {}
        self.locks: dict[str, list[tuple[str, str]]] = {}
        for lock in problem.locks if policy.locks else ():
            self.locks.setdefault(lock.requirement, []).append((lock.kind, lock.site_or_department))

    def open(self, requirement: Requirement, weeks: Weeks) -> Bools:
        """[offers] whether each is open."""
        learner = self.problem.learners[self.problem.learner_index[requirement.learner]]
        near, far = self._sites(learner)
        here = near | (far & self._bedded(weeks)) if far.any() else near
        allowed: Bools = self._fits(requirement, learner) & here[self.site] & self._times(requirement, weeks)
        for kind, place in self.locks.get(requirement.key, ()):
            allowed = allowed & (self._at(place) == (kind == "pin"))
        return allowed

    def _fits(self, requirement: Requirement, learner: Learner) -> Bools:
        key = (requirement.modalities, learner.group, learner.stage)
        if key not in self.fits:
            self.fits[key] = np.array(
                [
                    (not self.policy.modality_fit or modality in requirement.modalities)
                    and (not self.policy.group_fit or _made_to(offer, learner))
                    for offer, modality in zip(self.problem.offers, self.modality, strict=True)
                ],
                np.bool_,
            )
        return self.fits[key]

    def _sites(self, learner: Learner) -> tuple[Bools, Bools]:
        """[sites] those within the limit, and those beyond it where a bed would do."""
        if learner.key not in self.sites:
            policy = self.policy
            fit = np.array(
                [
                    not (policy.exclusion and site.key in learner.excluded_sites)
                    and not (policy.access and set(learner.access_needs) - set(site.access))
                    and not (
                        policy.employer
                        and learner.employer is not None
                        and not learner.released
                        and site.trust != learner.employer
                    )
                    for site in self.problem.sites
                ],
                np.bool_,
            )
            minutes = self.problem.travel_minutes[self.problem.learner_index[learner.key]]
            near = minutes <= limit_minutes(policy, learner)
            beds = policy.accommodation and learner.accommodation
            self.sites[learner.key] = (fit & near, fit & ~near & (minutes < UNREACHABLE) & beds)
        return self.sites[learner.key]

    def _bedded(self, weeks: Weeks) -> Bools:
        """[sites] those with a bed in every week."""
        if weeks not in self.beds:
            declared = [site.accommodation for site in self.problem.sites]
            self.beds[weeks] = np.array(
                [beds is not None and all(beds[w] > 0 for w in weeks) for beds in declared], np.bool_
            )
        return self.beds[weeks]

    def _times(self, requirement: Requirement, weeks: Weeks) -> Bools:
        """[offers] those with a place, and the WTE for the requirement alone, in every week."""
        weight = thousandths(requirement.weight)
        if (weeks, weight) not in self.times:
            at = list(weeks)
            enough = self.carried[self.department][:, at] >= weight
            open_to: Bools = np.logical_and.reduce(enough, axis=1)
            if self.policy.offer_weeks:
                open_to &= (self.places[:, at] > 0).all(axis=1)
            self.times[weeks, weight] = open_to
        return self.times[weeks, weight]

    def _at(self, place: str) -> Bools:
        """[offers] those at a site or in a department."""
        problem = self.problem
        if place in problem.site_index:
            return np.asarray(self.site == problem.site_index[place], np.bool_)
        return np.asarray(self.department == problem.department_index[place], np.bool_)

    @cached_property
    def places(self) -> Ints:
        """[offers, weeks] the fewest places of the offer, its department, site and trust."""
        problem, n = self.problem, len(self.problem.weeks)

        def table(declared: list[Weeks | None]) -> Ints:
            rows = [[FREE] * n if row is None else list(row) for row in declared]
            return np.array(rows, np.int64).reshape(len(rows), n)

        return np.minimum.reduce(
            [
                table([o.maximum for o in problem.offers]),
                table([d.places for d in problem.departments])[self.department],
                table([s.places for s in problem.sites])[self.site],
                table([t.places for t in problem.trusts])[self.trust],
            ]
        )

    @cached_property
    def carried(self) -> Ints:
        """[departments, weeks] the most that could be supervised were all its educators there."""
        problem, policy = self.problem, self.policy
        out = np.full((len(problem.departments), len(problem.weeks)), FREE, np.int64)
        served = {d for e in problem.educators for d in e.departments}
        for d, department in enumerate(problem.departments):
            if department.wte is not None:
                out[d] = [within(policy, thousandths(wte)) for wte in department.wte]
            elif department.key in served and policy.supervision is not None:
                out[d] = 0
        for educator in problem.educators:
            for key in educator.departments:
                out[problem.department_index[key]] += [
                    within(policy, thousandths(wte)) for wte in educator.wte
                ]
        return out


def _made_to(offer: Offer, learner: Learner) -> bool:
    return (not offer.groups or learner.group in offer.groups) and (
        not offer.stages or learner.stage in offer.stages
    )
