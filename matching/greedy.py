"""A first allocation, one requirement after another: always within the rules, never claimed to be best.

It stands in where a solve was stopped before its proof, or where the integer search found nothing in its
time.
"""

from __future__ import annotations

import numpy as np

from matching.components import Part
from matching.costs import pair_preferences, pair_travel
from matching.eligibility import Eligible
from matching.policy import Policy
from matching.result import FullCap
from matching.rules import supervision
from matching.tables import NO_CAP, Ints, Tables, thousandths


class Room:
    """What is left of every cap by week, and who is where when."""

    def __init__(self, tables: Tables, policy: Policy) -> None:
        problem = tables.problem
        self.tables = tables
        self.weeks = len(problem.weeks)
        self.one_place = policy.one_place_a_week
        places = policy.places
        self.offer = self._caps([o.maximum for o in problem.offers], places)
        self.department = self._caps([d.places for d in problem.departments], places)
        self.site = self._caps([s.places for s in problem.sites], places)
        self.trust = self._caps([t.places for t in problem.trusts], places)
        load = policy.supervision
        self.supervision = self._caps(
            [
                None
                if d.wte is None or load is None
                else tuple(supervision.limit(thousandths(x), load) for x in d.wte)
                for d in problem.departments
            ],
            True,
        )
        self.busy = np.zeros((len(problem.learners), self.weeks), np.bool_)

    def _caps(self, values: list[tuple[int, ...] | None], counts: bool) -> Ints:
        rows = [v if v is not None and counts else (NO_CAP,) * self.weeks for v in values]
        return np.array(rows, np.int64).reshape(len(rows), self.weeks)

    def full(self, requirement: int, offer: int) -> str:
        """The rule that keeps a requirement from an offer as things stand; empty where it fits."""
        t = self.tables
        weeks = list(t.problem.requirements[requirement].weeks)
        department, site, trust = (
            int(t.offer_department[offer]),
            int(t.offer_site[offer]),
            int(t.offer_trust[offer]),
        )
        if self.one_place and self.busy[t.requirement_learner[requirement], weeks].any():
            return "one_place_a_week"
        caps = ((self.offer, offer), (self.department, department), (self.site, site), (self.trust, trust))
        if any((cap[i, weeks] < 1).any() for cap, i in caps):
            return "places"
        if (self.supervision[department, weeks] < t.weight[requirement]).any():
            return "supervision"
        return ""

    def blocking(
        self, requirement: int, offer: int, held: list[tuple[int, int]]
    ) -> tuple[FullCap, list[int]]:
        """The first limit that keeps a requirement from an offer, and the requirements in `held` that fill
        it. Raises AssertionError where nothing keeps it out."""
        t, problem = self.tables, self.tables.problem
        weeks = list(problem.requirements[requirement].weeks)
        learner, department = int(t.requirement_learner[requirement]), int(t.offer_department[offer])
        site, trust = int(t.offer_site[offer]), int(t.offer_trust[offer])

        def who(of: Ints, position: int, week: int) -> list[int]:
            return [r for r, o in held if of[o] == position and week in problem.requirements[r].weeks]

        def cap(level: str, key: str, week: int, places: int, rule: str) -> FullCap:
            return FullCap(level, key, problem.weeks[week], places, rule)

        for week in weeks:
            if self.one_place and self.busy[learner, week]:
                mine = [
                    r
                    for r, _ in held
                    if t.requirement_learner[r] == learner and week in problem.requirements[r].weeks
                ]
                return cap("learner", problem.learners[learner].key, week, 1, "one_place_a_week"), mine
            for level, left, of, position, key in (
                ("offer", self.offer, np.arange(len(problem.offers)), offer, problem.offers[offer].key),
                (
                    "department",
                    self.department,
                    t.offer_department,
                    department,
                    problem.departments[department].key,
                ),
                ("site", self.site, t.offer_site, site, problem.sites[site].key),
                ("trust", self.trust, t.offer_trust, trust, problem.trusts[trust].key),
            ):
                if left[position, week] < 1:
                    there = who(of, position, week)
                    return cap(level, key, week, len(there), "places"), there
            if self.supervision[department, week] < t.weight[requirement]:
                there = who(t.offer_department, department, week)
                key = problem.departments[department].key
                return cap("department", key, week, len(there), "supervision"), there
        raise AssertionError("a requirement is left over that still fits")

    def take(self, requirement: int, offer: int) -> None:
        """Puts the requirement there."""
        t = self.tables
        weeks = list(t.problem.requirements[requirement].weeks)
        department = int(t.offer_department[offer])
        self.offer[offer, weeks] -= 1
        self.department[department, weeks] -= 1
        self.site[t.offer_site[offer], weeks] -= 1
        self.trust[t.offer_trust[offer], weeks] -= 1
        self.supervision[department, weeks] -= t.weight[requirement]
        self.busy[t.requirement_learner[requirement], weeks] = True


def place_greedily(
    tables: Tables, policy: Policy, eligible: Eligible, part: Part, pinned: Ints, order: Ints
) -> Ints:
    """Positions in `Eligible` of the pairs taken: pinned first, then by priority, then `order`
    [requirements]; each its cheapest place with room."""
    room = Room(tables, policy)
    cost = pair_travel(tables, policy, eligible.requirement[part.pairs], eligible.offer[part.pairs])
    cost += pair_preferences(tables, policy, eligible.requirement[part.pairs], eligible.offer[part.pairs])
    by_requirement: dict[int, list[int]] = {}
    for k in np.argsort(cost, kind="stable").tolist():
        pair = int(part.pairs[k])
        by_requirement.setdefault(int(eligible.requirement[pair]), []).append(pair)
    taken = []
    requirements = tables.problem.requirements
    for r in sorted(by_requirement, key=lambda r: (-pinned[r], requirements[r].priority, order[r])):
        for pair in by_requirement[r]:
            offer = int(eligible.offer[pair])
            if not room.full(r, offer):
                room.take(r, offer)
                taken.append(pair)
                break
    return np.array(taken, np.int64)
