"""Whether a place had to go because what is recorded of its learner changed from one run to another."""

from __future__ import annotations

from collections.abc import Iterable

import matching
from matching.reach import reach
from placements.scenarios.supervising import Stay

# The rules that look at a learner, beside the sites and what they offer.
OF_THE_LEARNER = frozenset({"exclusion", "access", "employer", "travel_limit"})


def out_of_reach(
    before: matching.Problem, now: matching.Problem, policy: matching.Policy, left: Iterable[Stay]
) -> dict[int, str]:
    """Of the places `left` those, by requirement's id, whose site one of the rules about the learner refuses
    by today's data and did not by the data before, with the name of that rule."""
    places = [
        stay
        for stay in left
        if _key(stay) in before.requirement_index and _key(stay) in now.requirement_index
    ]
    if not places:
        return {}
    refused_before, refused = (_refused(problem, policy, places) for problem in (before, now))
    site_of = {row.key: row.site for row in now.departments}
    found = {}
    for stay in places:
        site = site_of.get(f"d{stay.department_id}", "")
        rule = refused[_key(stay)].get(site)
        if rule in OF_THE_LEARNER and site not in refused_before[_key(stay)]:
            found[stay.requirement_id] = rule
    return found


def _refused(
    problem: matching.Problem, policy: matching.Policy, places: Iterable[Stay]
) -> dict[str, dict[str, str]]:
    told = reach(problem, policy, [_key(stay) for stay in places])
    return {row.requirement: dict(row.refused) for row in told.requirements}


def _key(stay: Stay) -> str:
    return f"r{stay.requirement_id}"
