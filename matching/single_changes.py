"""What would have to change for no rule to refuse a single placing by itself: the way in, before anybody
else is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matching.changes import Change
from matching.items import UNREACHABLE, Learner, Offer, Requirement, Site
from matching.policy import Policy
from matching.problem import Problem
from matching.rules import supervision
from matching.tables import thousandths

# The longest journey that a limit can allow.
LONGEST = 24 * 60


@dataclass(frozen=True)
class Placement:
    """A requirement at an offer in a block: the items it touches."""

    requirement: Requirement
    offer: Offer
    block: str | None
    weeks: tuple[int, ...]


def ways_in(problem: Problem, policy: Policy, at: Placement) -> list[list[Change]]:
    """The sets of changes after each of which no rule refuses the placing by itself: one, or two where a
    longer journey and a bed both would do; none where nothing would (no way there, or no WTE counts)."""
    department = problem.departments[problem.department_index[at.offer.department]]
    site = problem.sites[problem.site_index[department.site]]
    learner = problem.learners[problem.learner_index[at.requirement.learner]]
    always = [*_about_the_place(problem, policy, at, learner, site), *_about_weeks(problem, policy, at)]
    more = _supervision(problem, policy, at)
    if more is None:
        return []
    minutes = int(problem.travel_minutes[problem.learner_index[learner.key], problem.site_index[site.key]])
    if minutes >= UNREACHABLE:
        return []
    own = learner.travel_limit_minutes
    limit = policy.travel_limit[learner.mode]
    if minutes <= (limit if own is None else min(limit, own)):
        return [always + more]
    ways = [] if minutes > LONGEST else [always + more + list(_journey(policy, learner, minutes))]
    if policy.accommodation:
        ways.append(always + more + list(_bed(problem, at, learner, site)))
    return ways


def _about_the_place(
    problem: Problem, policy: Policy, at: Placement, learner: Learner, site: Site
) -> Iterator[Change]:
    requirement, offer = at.requirement, at.offer
    department = problem.departments[problem.department_index[offer.department]]
    if policy.modality_fit and department.modality not in requirement.modalities:
        yield Change("modality_fit", "requirement", requirement.key, None, department.modality)
    if policy.group_fit and offer.groups and learner.group not in offer.groups:
        yield Change("group_fit", "offer", offer.key, "group", learner.group)
    if policy.group_fit and offer.stages and learner.stage not in offer.stages:
        yield Change("group_fit", "offer", offer.key, "stage", learner.stage)
    if policy.exclusion and site.key in learner.excluded_sites:
        yield Change("exclusion", "learner", learner.key, site.key)
    if policy.access:
        for need in learner.access_needs:
            if need not in site.access:
                yield Change("access", "site", site.key, None, need)
    if policy.employer and learner.employer not in (None, site.trust) and not learner.released:
        yield Change("employer", "learner", learner.key, learner.employer)
    if policy.locks:
        here = (site.key, department.key)
        for lock in dict.fromkeys(problem.locks):
            if lock.requirement == requirement.key and (lock.site_or_department in here) == (
                lock.kind == "ban"
            ):
                yield Change("locks", "requirement", requirement.key, lock.site_or_department, lock=lock)


def _about_weeks(problem: Problem, policy: Policy, at: Placement) -> Iterator[Change]:
    """One place where there is none at all in some week."""
    if not policy.offer_weeks:
        return
    for level, key, places in caps(problem, at.offer):
        closed = tuple(problem.weeks[w] for w in at.weeks if places is not None and places[w] < 1)
        if closed:
            yield Change("places", level, key, 0, 1, closed)


def caps(problem: Problem, offer: Offer) -> list[tuple[str, str, tuple[int, ...] | None]]:
    """The offer, its department, site and trust, with the places of each by week."""
    department = problem.departments[problem.department_index[offer.department]]
    site = problem.sites[problem.site_index[department.site]]
    trust = problem.trusts[problem.trust_index[site.trust]]
    return [
        ("offer", offer.key, offer.maximum),
        ("department", department.key, department.places),
        ("site", site.key, site.places),
        ("trust", trust.key, trust.places),
    ]


def _supervision(problem: Problem, policy: Policy, at: Placement) -> list[Change] | None:
    """WTE where the weight alone is too much, or where the department has none of its own and nobody to take
    on the learner: a thousandth will do then. None where no WTE would help."""
    load = policy.supervision
    department = problem.departments[problem.department_index[at.offer.department]]
    serving = [e for e in problem.educators if department.key in e.departments]
    learner = problem.learners[problem.learner_index[at.requirement.learner]]
    theirs = [e for e in serving if e.may_supervise(learner.group, learner.stage)]
    counted = any(e.limited for e in serving)
    if load is None or (department.wte is None and not serving):
        return []
    weight, short = thousandths(at.requirement.weight), {}
    for w in at.weeks:
        own = 0 if department.wte is None else thousandths(department.wte[w])
        others = sum(supervision.limit(thousandths(e.wte[w]), load) for e in theirs)
        more: int | None = 0
        if weight > supervision.limit(own, load) + others:
            more = wte_for(own, weight - others, load)
        if more is None:
            return None
        if counted and weight and not own and all(e.most is not None and not e.most[w] for e in theirs):
            more = max(1, more)
        if more:
            short[w] = more
    if not short:
        return []
    weeks = tuple(problem.weeks[w] for w in short)
    return [Change("supervision", "department", department.key, None, max(short.values()) / 1000, weeks)]


def wte_for(own: int, supervised: int, load: float) -> int | None:
    """How many thousandths of a WTE more than `own` may supervise so many thousandths; None where none."""
    if load <= 0:
        return None if supervised > 0 else 0
    more = max(0, int(supervised / load) - own)
    while supervision.limit(own + more, load) < supervised:
        more += 1
    while more and supervision.limit(own + more - 1, load) >= supervised:
        more -= 1
    return more


def _journey(policy: Policy, learner: Learner, minutes: int) -> Iterator[Change]:
    limit, own = policy.travel_limit[learner.mode], learner.travel_limit_minutes
    if minutes > limit:
        yield Change("travel_limit", "policy", learner.mode, limit, minutes)
    if own is not None and minutes > own:
        yield Change("travel_limit", "learner", learner.key, own, minutes)


def _bed(problem: Problem, at: Placement, learner: Learner, site: Site) -> Iterator[Change]:
    if not learner.accommodation:
        yield Change("accommodation", "learner", learner.key)
    beds = site.accommodation
    none = tuple(problem.weeks[w] for w in at.weeks if beds is None or beds[w] < 1)
    if none:
        yield Change("accommodation", "site", site.key, 0, 1, none)
