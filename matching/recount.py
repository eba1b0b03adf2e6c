"""A result counted afresh from the data types alone: which rules a pair breaks, which limits are passed,
what it costs. Half of the independent check (`verify`); nothing here is shared with the solver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from matching.policy import Policy
from matching.problem import UNREACHABLE, Department, Learner, Offer, Problem, Requirement, Site
from matching.result import Result

PRICES = ("travel", "preferences", "above_preferred", "supervisor_load")


@dataclass(frozen=True)
class Violation:
    """One thing wrong: the rule or claim broken, the requirement or place it concerns, and what was found."""

    rule: str
    item: str
    found: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.item}: {self.found}"


class Recount:
    """One problem, policy and result, looked up by key."""

    def __init__(self, problem: Problem, policy: Policy, result: Result) -> None:
        self.problem, self.policy, self.result = problem, policy, result
        self.sites = {s.key: s for s in problem.sites}
        self.departments = {d.key: d for d in problem.departments}
        self.offers = {o.key: o for o in problem.offers}
        self.learners = {x.key: x for x in problem.learners}
        self.requirements = {r.key: r for r in problem.requirements}
        self.trusts = {t.key: t for t in problem.trusts}
        self.row = {x.key: i for i, x in enumerate(problem.learners)}
        self.column = {s.key: i for i, s in enumerate(problem.sites)}
        self.pins: dict[str, list[str]] = defaultdict(list)
        self.bans: dict[str, list[str]] = defaultdict(list)
        for lock in problem.locks:
            (self.pins if lock.kind == "pin" else self.bans)[lock.requirement].append(lock.site_or_department)
        self.offers_by_modality: dict[str, list[Offer]] = defaultdict(list)
        for offer in problem.offers:
            self.offers_by_modality[self.departments[offer.department].modality].append(offer)
        self.reach: dict[str, list[Offer]] = {}

    def unknown(self) -> Iterator[Violation]:
        for r, o in self.result.assignment.items():
            if r not in self.requirements:
                yield Violation("assignment", r, "no such requirement")
            if o not in self.offers:
                yield Violation("assignment", r, f"no such offer as {o}")
        for r in self.requirements:
            if (r in self.result.assignment) == (r in self.result.unplaced):
                yield Violation("assignment", r, "must be either placed or unplaced with a reason")
        for r in self.result.unplaced:
            if r not in self.requirements:
                yield Violation("assignment", r, "no such requirement")

    # -- one placing ------------------------------------------------------------

    def broken(self, requirement: Requirement, offer: Offer) -> Iterator[str]:
        """The rules in force that refuse a pair, each by its name."""
        policy, department = self.policy, self.departments[offer.department]
        learner, site = self.learners[requirement.learner], self.sites[department.site]
        if policy.modality_fit and department.modality not in requirement.modalities:
            yield "modality_fit"
        if policy.group_fit and not _takes(offer, learner):
            yield "group_fit"
        if policy.exclusion and site.key in learner.excluded_sites:
            yield "exclusion"
        if policy.employer and learner.employer and not learner.released and site.trust != learner.employer:
            yield "employer"
        if policy.locks and not self.unlocked(requirement.key, site, department):
            yield "locks"
        if self.minutes(learner, site) > self.limit(learner):
            yield "travel_limit"
        if policy.offer_weeks:
            caps = (offer.maximum, department.places, site.places, self.trusts[site.trust].places)
            if any(places is not None and places[w] < 1 for places in caps for w in requirement.weeks):
                yield "offer_weeks"
        if policy.supervision is not None and department.wte is not None:
            weight = round(requirement.weight * 1000)
            if any(
                weight > policy.supervision * round(department.wte[w] * 1000) + 1e-6
                for w in requirement.weeks
            ):
                yield "supervision"

    def unlocked(self, requirement: str, site: Site, department: Department) -> bool:
        here = (site.key, department.key)
        return all(pin in here for pin in self.pins[requirement]) and not any(
            ban in here for ban in self.bans[requirement]
        )

    def minutes(self, learner: Learner, site: Site) -> int:
        return int(self.problem.travel_minutes[self.row[learner.key], self.column[site.key]])

    def limit(self, learner: Learner) -> int:
        most = self.policy.travel_limit[learner.mode]
        own = learner.travel_limit_minutes
        return min(most if own is None else min(most, own), UNREACHABLE - 1)

    def can_go(self, requirement: Requirement) -> list[Offer]:
        """The offers that no rule refuses it."""
        if requirement.key not in self.reach:
            kinds = requirement.modalities if self.policy.modality_fit else self.offers_by_modality
            offers = [o for m in kinds for o in self.offers_by_modality.get(m, ())]
            self.reach[requirement.key] = [
                o for o in offers if next(self.broken(requirement, o), None) is None
            ]
        return self.reach[requirement.key]

    def pairs(self) -> Iterator[Violation]:
        for r, o in self.result.assignment.items():
            requirement, offer = self.requirements[r], self.offers[o]
            for rule in self.broken(requirement, offer):
                yield Violation(rule, r, f"learner {requirement.learner} is placed at {o}")

    # -- many placings ------------------------------------------------------------

    def placed(self) -> Iterator[tuple[Requirement, Offer, Department, Site]]:
        for r, o in self.result.assignment.items():
            department = self.departments[self.offers[o].department]
            yield self.requirements[r], self.offers[o], department, self.sites[department.site]

    def places(self) -> Iterator[Violation]:
        if not self.policy.places:
            return
        used: dict[tuple[str, str, int], int] = defaultdict(int)
        for requirement, offer, department, site in self.placed():
            for w in requirement.weeks:
                for level, key in (
                    ("offer", offer.key),
                    ("department", department.key),
                    ("site", site.key),
                    ("trust", site.trust),
                ):
                    used[level, key, w] += 1
        for (level, key, w), count in used.items():
            most = self.places_of(level, key)
            if most is not None and count > most[w]:
                week = self.problem.weeks[w]
                yield Violation("places", f"{level} {key}", f"{count} learners in {week}, {most[w]} places")

    def places_of(self, level: str, key: str) -> tuple[int, ...] | None:
        if level == "offer":
            return self.offers[key].maximum
        if level == "department":
            return self.departments[key].places
        return self.sites[key].places if level == "site" else self.trusts[key].places

    def supervised(self) -> dict[tuple[str, int], int]:
        total: dict[tuple[str, int], int] = defaultdict(int)
        for requirement, _, department, _ in self.placed():
            for w in requirement.weeks:
                total[department.key, w] += round(requirement.weight * 1000)
        return total

    def supervision(self) -> Iterator[Violation]:
        if self.policy.supervision is None:
            return
        for (key, w), weight in self.supervised().items():
            wte = self.departments[key].wte
            if wte is not None and weight > self.policy.supervision * round(wte[w] * 1000) + 1e-6:
                found = f"{weight / 1000:g} WTE supervised in {self.problem.weeks[w]}, {wte[w]:g} available"
                yield Violation("supervision", f"department {key}", found)

    def one_place(self) -> Iterator[Violation]:
        if not self.policy.one_place_a_week:
            return
        busy: dict[tuple[str, int], str] = {}
        for requirement, *_ in self.placed():
            for w in requirement.weeks:
                other = busy.setdefault((requirement.learner, w), requirement.key)
                if other != requirement.key:
                    week = self.problem.weeks[w]
                    found = f"learner {requirement.learner} is placed twice in {week} (with {other})"
                    yield Violation("one_place_a_week", requirement.key, found)

    # -- objective and claims ------------------------------------------------------------

    def costs(self) -> dict[str, int]:
        """Thousandths of a point by price setting."""
        policy = self.policy
        out = dict.fromkeys(PRICES, 0)
        used: dict[tuple[str, int], int] = defaultdict(int)
        for requirement, offer, _, site in self.placed():
            learner = self.learners[requirement.learner]
            minutes = self.minutes(learner, site)
            steps = [*policy.travel, (minutes, 0)]
            for (start, price), (end, _) in pairwise(steps):
                out["travel"] += 1000 * price * max(0, min(end, minutes) - start)
            if learner.preferences:
                points = policy.preference_unranked
                if site.key in learner.preferences:
                    points = min(points, policy.preference_step * learner.preferences.index(site.key))
                out["preferences"] += 1000 * points
            for w in requirement.weeks:
                used[offer.key, w] += 1
        for (key, w), count in used.items():
            low, high = self.offers[key].preferred[w], self.offers[key].maximum[w]
            for k in range(1, count - low + 1):
                out["above_preferred"] += (
                    1000 * policy.above_preferred * min(k, max(1, high - low)) // max(1, high - low)
                )
        for (key, w), weight in self.supervised().items():
            wte = self.departments[key].wte
            if wte is not None:
                for percent, price in policy.supervisor_load:
                    out["supervisor_load"] += price * max(0, weight - round(wte[w] * 1000) * percent // 100)
        return out


def _takes(offer: Offer, learner: Learner) -> bool:
    return (not offer.groups or learner.group in offer.groups) and (
        not offer.stages or learner.stage in offer.stages
    )
