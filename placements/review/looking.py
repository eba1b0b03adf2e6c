"""Questions about one requirement of a run: why here, what else and at what price, why not, what must change.

Each runs away from the page, on a run made ready (`desk.py`), and knows no database.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import matching
from placements.review.desk import Hand

# Places told with their price, and nearer departments told with what keeps the learner out.
MOST_PLACES = 5
MOST_NEARER = 5


@dataclass(frozen=True)
class Nearer:
    """A department nearer than the learner's own, and what keeps them out with everyone else in place; none
    where they could go but another aim is better served as it is."""

    department: str
    minutes: int
    broken: tuple[matching.FullLimit, ...]
    price: tuple[matching.TierChange, ...]


@dataclass(frozen=True)
class Looked:
    """What there is to say of a requirement. `without`: every aim, had it no place; `nearer` of `open_to`
    departments that no rule refuses; `certificate` where it is left over."""

    places: tuple[matching.Alternative, ...]
    without: tuple[matching.TierChange, ...]
    nearer: tuple[Nearer, ...]
    number_nearer: int
    open_to: int
    certificate: matching.Certificate | None


def look(hand: Hand, key: str) -> Looked:
    """Everything that a requirement's page says."""
    problem, standing = hand.problem, hand.standing
    places = matching.alternatives(
        problem, hand.policy, hand.result, key, most=MOST_PLACES, seconds=20.0, standing=standing
    )
    offer = hand.result.assignment.get(key)
    certificate = None
    without: tuple[matching.TierChange, ...] = ()
    if offer is None:
        certificate = matching.certificate(problem, hand.policy, hand.result, key, standing=standing)
    else:
        without = matching.effect(standing, [matching.Wish(key, None)]).tiers
    minutes = minutes_by_department(hand, key)
    here = None if offer is None else problem.offers[problem.offer_index[offer]].department
    near = sorted(
        (time, department)
        for department, time in minutes.items()
        if here is not None and department != here and time < minutes[here]
    )
    told = []
    for time, department in near[:MOST_NEARER]:
        found = matching.effect(standing, [matching.Wish(key, department)])
        told.append(Nearer(department, time, found.broken, found.tiers))
    return Looked(tuple(places), without, tuple(told), len(near), len(minutes), certificate)


def minutes_by_department(hand: Hand, key: str) -> dict[str, int]:
    """The departments that no rule refuses to a requirement, with minutes one way."""
    problem, standing = hand.problem, hand.standing
    r = problem.requirement_index[key]
    mine = slice(standing.start[r], standing.start[r + 1])
    learner = problem.learner_index[problem.requirements[r].learner]
    found = {}
    for d in np.unique(standing.choices.department[mine]).tolist():
        department = problem.departments[d]
        found[department.key] = int(problem.travel_minutes[learner, problem.site_index[department.site]])
    return found


def way_there(hand: Hand, key: str, department: str) -> matching.WayThere | None:
    """The fewest changes for a requirement to go to a department: at the offer that asks for fewest."""
    best: matching.WayThere | None = None
    for offer in hand.problem.offers:
        if offer.department != department:
            continue
        found = matching.what_must_change(hand.problem, hand.policy, hand.result, key, offer.key)
        if found is not None and (best is None or found.number < best.number):
            best = found
    return best


def worth(hand: Hand, department: str) -> list[matching.Value]:
    """What one more place, and 0.1 WTE more, at a department is worth over the weeks of each block in which
    it takes learners."""
    problem = hand.problem
    offers = [offer for offer in problem.offers if offer.department == department]
    chosen = hand.standing.choices
    d = problem.department_index[department]
    week_sets = np.unique(chosen.week_set[chosen.department == d]).tolist()
    has_places = problem.departments[d].places is not None
    asked = []
    for s in week_sets:
        weeks = hand.standing.tables.week_sets[s]
        if has_places:
            asked.append(matching.RaisedLimit("department", department, weeks, "place"))
        asked += [matching.RaisedLimit("offer", offer.key, weeks, "place") for offer in offers]
        if problem.departments[d].wte is not None:
            asked.append(matching.RaisedLimit("department", department, weeks, "wte"))
    return list(
        matching.prices(
            problem,
            hand.policy,
            hand.result,
            candidates=asked,
            seconds=60.0,
            standing=hand.standing,
        )
    )
