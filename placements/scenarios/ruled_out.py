"""Which places had to go from one run to another because a rule refuses by the later run's data what it let
be by the earlier's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import matching
from placements.scenarios.frozen import policy_of_run
from placements.scenarios.models import Run
from placements.scenarios.supervising import Stay, crowded_out

# The rules that look at a learner, beside the sites and what they offer.
OF_THE_LEARNER = frozenset({"exclusion", "access", "employer", "travel_limit"})


def ruled_out(earlier: Run, run: Run, left: Sequence[Stay], there: Iterable[Stay]) -> dict[int, str]:
    """Of the places `left` between two runs those, by requirement's id, that a rule refuses now, with its
    name: one about the learner, or "supervision" beside those who are `there` now."""
    if not left or run.snapshot_id == earlier.snapshot_id:
        return {}
    before, now = (matching.Problem.from_json(row.snapshot.problem) for row in (earlier, run))
    policy = policy_of_run(run)
    crowded = crowded_out(before, now, policy, left, there)
    return dict.fromkeys(crowded, "supervision") | _out_of_reach(before, now, policy, left)


def _out_of_reach(
    before: matching.Problem, now: matching.Problem, policy: matching.Policy, left: Iterable[Stay]
) -> dict[int, str]:
    """Those whose site one of the rules about the learner refuses now and did not before."""
    places = [
        stay
        for stay in left
        if stay.requirement in before.requirement_index and stay.requirement in now.requirement_index
    ]
    if not places:
        return {}
    refused_before, refused = (_refused(problem, policy, places) for problem in (before, now))
    site_of = {row.key: row.site for row in now.departments}
    found = {}
    for stay in places:
        site = site_of.get(stay.department, "")
        rule = refused[stay.requirement].get(site)
        if rule in OF_THE_LEARNER and site not in refused_before[stay.requirement]:
            found[stay.requirement_id] = rule
    return found


def _refused(
    problem: matching.Problem, policy: matching.Policy, places: Iterable[Stay]
) -> dict[str, Mapping[str, str]]:
    """By requirement's key, each site that a rule refuses it, with the name of the rule."""
    told = matching.reach(problem, policy, [stay.requirement for stay in places])
    return {row.requirement: row.refused for row in told.requirements}
