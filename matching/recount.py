"""A result read afresh from the data types alone: what it names, and which rules a single placing breaks.

Part of the independent check (`verify`) with `recount_rules`, `recount_supervision` and `recount_aims`;
nothing here is shared with the solver. Supervision is counted in thousandths of a WTE.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from matching.policy import Policy
from matching.problem import (
    UNREACHABLE,
    Agreement,
    Department,
    Educator,
    Learner,
    Offer,
    Problem,
    Requirement,
    Site,
)
from matching.result import Result

Weeks = tuple[int, ...]


@dataclass(frozen=True)
class Violation:
    """One thing wrong: the rule or claim broken, the requirement or place it concerns, and what was found."""

    rule: str
    item: str
    found: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.item}: {self.found}"


class Stay(NamedTuple):
    """One placing: the requirement at the offer, in `block` (None where it does not float) and its weeks."""

    requirement: Requirement
    learner: Learner
    offer: Offer
    department: Department
    site: Site
    block: str | None
    weeks: Weeks


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
        self.educators = {e.key: e for e in problem.educators}
        self.rotations = {r.key: dict(zip(r.blocks, r.weeks, strict=True)) for r in problem.rotations}
        self.agreements = {a.key: a for a in problem.agreements}
        self.week = {monday: w for w, monday in enumerate(problem.weeks)}
        self.row = {x.key: i for i, x in enumerate(problem.learners)}
        self.column = {s.key: i for i, s in enumerate(problem.sites)}
        self.wanted: dict[str, int] = defaultdict(int)
        for requirement in problem.requirements:
            self.wanted[requirement.learner] += 1
        self.pins: dict[str, list[str]] = defaultdict(list)
        self.bans: dict[str, list[str]] = defaultdict(list)
        for lock in problem.locks:
            (self.pins if lock.kind == "pin" else self.bans)[lock.requirement].append(lock.site_or_department)
        self.serving: dict[str, list[str]] = defaultdict(list)
        for educator in problem.educators:
            for key in educator.departments:
                self.serving[key].append(educator.key)
        self.modalities = sorted({d.modality for d in problem.departments})
        self.offers_at: dict[tuple[str, str], list[Offer]] = defaultdict(list)
        for offer in problem.offers:
            department = self.departments[offer.department]
            self.offers_at[department.site, department.modality].append(offer)
        self.near: dict[str, list[Site]] = {}
        self.reach: dict[str, list[Stay]] = {}

    # -- what the result names ------------------------------------------------------------

    def unknown(self) -> Iterator[Violation]:
        """Names that the problem does not have; nothing can be counted while there are any."""
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
        yield from self.unknown_blocks()

    def unknown_blocks(self) -> Iterator[Violation]:
        """Exactly the placed floating requirements have a block, one of their rotation's."""
        for r, requirement in self.requirements.items():
            block = self.result.blocks.get(r)
            if requirement.rotation is None or r not in self.result.assignment:
                if block is not None:
                    kind = "is not placed" if requirement.rotation else "does not float"
                    yield Violation("blocks", r, f"has block {block} but {kind}")
            elif block is None:
                yield Violation("blocks", r, "is placed in no block of its rotation")
            elif block not in self.rotations[requirement.rotation]:
                yield Violation("blocks", r, f"no such block as {block} in rotation {requirement.rotation}")
        for r in self.result.blocks:
            if r not in self.requirements:
                yield Violation("blocks", r, "no such requirement")

    def stays(self) -> list[Stay]:
        """Every placing of the result."""
        blocks = self.result.blocks
        return [
            self.stay(self.requirements[r], self.offers[o], blocks.get(r))
            for r, o in self.result.assignment.items()
        ]

    def stay(self, requirement: Requirement, offer: Offer, block: str | None = None) -> Stay:
        """A requirement placed at an offer."""
        department = self.departments[offer.department]
        weeks = requirement.weeks
        if requirement.rotation is not None and block is not None:
            weeks = self.rotations[requirement.rotation][block]
        learner, site = self.learners[requirement.learner], self.sites[department.site]
        return Stay(requirement, learner, offer, department, site, block, weeks)

    def spans(self, requirement: Requirement) -> list[tuple[str | None, Weeks]]:
        """The blocks that a requirement may take and their weeks: one, unless it floats."""
        if requirement.rotation is None:
            return [(None, requirement.weeks)]
        return list(self.rotations[requirement.rotation].items())

    # -- one placing ------------------------------------------------------------

    def broken(self, stay: Stay) -> Iterator[str]:
        """The rules in force that refuse a single placing, each by its name."""
        policy, learner, site, department = self.policy, stay.learner, stay.site, stay.department
        if policy.modality_fit and department.modality not in stay.requirement.modalities:
            yield "modality_fit"
        if policy.group_fit and not _takes(stay.offer, learner):
            yield "group_fit"
        if policy.exclusion and site.key in learner.excluded_sites:
            yield "exclusion"
        if policy.access and not set(learner.access_needs) <= set(site.access):
            yield "access"
        if policy.employer and learner.employer and not learner.released and site.trust != learner.employer:
            yield "employer"
        if policy.locks and not self.unlocked(stay.requirement.key, site, department):
            yield "locks"
        if self.minutes(stay) > self.limit(learner) and not self.in_bed(stay):
            yield "travel_limit"
        if policy.offer_weeks:
            caps = (stay.offer.maximum, department.places, site.places, self.trusts[site.trust].places)
            if any(places is not None and places[w] < 1 for places in caps for w in stay.weeks):
                yield "offer_weeks"
        if policy.supervision is not None:
            weight = thousandths(stay.requirement.weight)
            mosts = (self.most_supervised(department, w, learner) for w in stay.weeks)
            alone = weight > 0 and any(self.nobody_for(department, w, learner) for w in stay.weeks)
            if alone or any(most is not None and weight > most for most in mosts):
                yield "supervision"

    def barred(self, requirement: Requirement, site: Site) -> Iterator[str]:
        """The rules over a learner's placings or an HEI's by which no placing at a site can ever stand."""
        policy, learner = self.policy, self.learners[requirement.learner]
        attended, most = learner.attended, learner.site_repeats
        if policy.site_repeats and most is not None and attended.count(site.key) >= most:
            yield "site_repeats"
        if policy.different_sites and site.key in attended and self.most_repeats(learner) == 0:
            yield "different_sites"
        if policy.agreements and any(
            a.most == 0 and a.trust == site.trust and covers(a, learner) for a in self.problem.agreements
        ):
            yield "agreements"

    def unlocked(self, requirement: str, site: Site, department: Department) -> bool:
        here = (site.key, department.key)
        return all(pin in here for pin in self.pins[requirement]) and not any(
            ban in here for ban in self.bans[requirement]
        )

    def minutes(self, stay: Stay) -> int:
        """Minutes one way, door to door."""
        return int(self.problem.travel_minutes[self.row[stay.learner.key], self.column[stay.site.key]])

    def limit(self, learner: Learner) -> int:
        most = self.policy.travel_limit[learner.mode]
        own = learner.travel_limit_minutes
        return most if own is None else min(most, own)

    def in_bed(self, stay: Stay) -> bool:
        """True for a placing beyond the travel limit where the learner may take a bed."""
        minutes, beds = self.minutes(stay), stay.site.accommodation
        return (
            self.policy.accommodation
            and stay.learner.accommodation
            and beds is not None
            and all(beds[w] >= 1 for w in stay.weeks)
            and self.limit(stay.learner) < minutes < UNREACHABLE
        )

    def most_repeats(self, learner: Learner) -> int:
        """How many placings may repeat a site and still leave the learner's different sites within reach: all
        of them where enough have been attended, or none are asked for."""
        wanted = self.wanted[learner.key] + len(set(learner.attended))
        return max(0, wanted - (learner.different_sites or 0))

    def most_supervised(
        self, department: Department, week: int, learner: Learner | None = None
    ) -> int | None:
        """What may be supervised in a department and week were all its educators there, of a learner only
        those who may supervise them; None is no limit."""
        serving = self.serving.get(department.key, [])
        if self.policy.supervision is None or (department.wte is None and not serving):
            return None
        there = serving if learner is None else self.who_may(department, learner)
        all_there = sum(self.within(self.educators[e].wte[week]) for e in there)
        return all_there + (0 if department.wte is None else self.within(department.wte[week]))

    def who_may(self, department: Department, learner: Learner) -> list[str]:
        """The educators of a department who may supervise a learner."""
        there = self.serving.get(department.key, [])
        return [e for e in there if may_supervise(self.educators[e], learner.group, learner.stage)]

    def counts_learners(self, department: Department, week: int) -> bool:
        """Whether every learner in a department and week must be on one of its educators: it has no WTE of
        its own, and one of them supervises some learners only, or so many at once."""
        there = [self.educators[e] for e in self.serving.get(department.key, [])]
        if not any(e.supervises or e.most is not None for e in there):
            return False
        return department.wte is None or thousandths(department.wte[week]) == 0

    def nobody_for(self, department: Department, week: int, learner: Learner) -> bool:
        """Whether a learner must be on an educator and no educator can take any."""
        if not self.counts_learners(department, week):
            return False
        mosts = [self.educators[e].most for e in self.who_may(department, learner)]
        return not any(most is None or most[week] for most in mosts)

    def within(self, wte: float) -> int:
        """What may be supervised by so much WTE under the load limit in force."""
        return int(thousandths(wte) * (self.policy.supervision or 0.0) + 1e-6)

    def can_go(self, requirement: Requirement) -> list[Offer]:
        """The offers to which no rule by itself refuses a requirement, in one block at least."""
        return list({x.offer.key: x.offer for x in self.open_to(requirement)}.values())

    def open_to(self, requirement: Requirement) -> list[Stay]:
        """The placings of a requirement that no rule refuses by themselves (`broken`)."""
        if requirement.key not in self.reach:
            kinds = requirement.modalities if self.policy.modality_fit else self.modalities
            found = [
                self.stay(requirement, offer, block)
                for site in self.within_reach(self.learners[requirement.learner])
                for kind in kinds
                for offer in self.offers_at.get((site.key, kind), ())
                for block, _ in self.spans(requirement)
            ]
            self.reach[requirement.key] = [x for x in found if next(self.broken(x), None) is None]
        return self.reach[requirement.key]

    def within_reach(self, learner: Learner) -> list[Site]:
        """The sites within a learner's limit, or that have beds: a first, cheap look."""
        if learner.key not in self.near:
            minutes = self.problem.travel_minutes[self.row[learner.key]]
            beds = self.policy.accommodation and learner.accommodation
            most = UNREACHABLE - 1 if beds else self.limit(learner)
            self.near[learner.key] = [self.problem.sites[s] for s in np.flatnonzero(minutes <= most)]
        return self.near[learner.key]

    def pairs(self, stays: list[Stay]) -> Iterator[Violation]:
        """Each placing that a rule refuses by itself."""
        for stay in stays:
            for rule in self.broken(stay):
                found = f"learner {stay.learner.key} is placed at {stay.offer.key}"
                yield Violation(
                    rule, stay.requirement.key, found + (f" in {stay.block}" if stay.block else "")
                )


def thousandths(wte: float) -> int:
    """WTE in whole thousandths."""
    return round(wte * 1000)


def may_supervise(educator: Educator, group: str, stage: str) -> bool:
    """True where an educator may supervise learners of a group and stage."""
    pairs = educator.supervises
    return not pairs or any(g == group and s in (None, stage) for g, s in pairs)


def covers(agreement: Agreement, learner: Learner) -> bool:
    """True where an agreement speaks of a learner."""
    return (
        agreement.hei == learner.hei
        and (not agreement.groups or learner.group in agreement.groups)
        and (not agreement.stages or learner.stage in agreement.stages)
    )


def _takes(offer: Offer, learner: Learner) -> bool:
    return (not offer.groups or learner.group in offer.groups) and (
        not offer.stages or learner.stage in offer.stages
    )
