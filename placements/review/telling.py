"""The engine's effects in words, with names in place of keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

import matching
from placements.access import Viewer
from placements.organisations.models import Department
from placements.review import queries
from placements.review.moves import Plan, offer_department
from placements.scenarios import queries as scenarios
from placements.scenarios.describing import RULES
from placements.scenarios.models import Run
from placements.scenarios.outcome import row_id
from placements.scenarios.published import Standing, published_places
from placements.scenarios.results import TIERS
from placements.web.formats import count, minutes, short_day

# What a move would break of the learner's own, rather than at a place.
OF_LEARNERS = {
    "one_place_a_week": "The learner has another placement in some of the same weeks",
    "rotation": "The learner's rotation has another placement in that block",
    "site_repeats": "The learner would be at the site more often than they may",
    "different_sites": "The learner would see too few different sites",
    "companions": "Learners who are to be together, or apart, would not be",
}
# A sentence names this many learners and counts the rest.
MOST_NAMED = 6


@dataclass(frozen=True)
class MoveWords:
    """One learner's move; `placing_id` is theirs in the run, for a link."""

    learner: str
    placing_id: int | None
    before: str
    after: str
    minutes_before: int | None
    minutes_after: int | None
    is_asked: bool

    @property
    def travel(self) -> str:
        """How the journey changes."""
        if self.minutes_before is None or self.minutes_after is None:
            return "" if self.minutes_after is None else minutes(self.minutes_after)
        more = self.minutes_after - self.minutes_before
        change = "no change" if not more else f"{minutes(abs(more))} {'longer' if more > 0 else 'shorter'}"
        return f"{minutes(self.minutes_after)} ({change})"


@dataclass(frozen=True)
class TierWords:
    """An aim before and after; `change` is "" where it stays."""

    words: str
    before: str
    after: str
    change: str
    is_worse: bool


@dataclass(frozen=True)
class Broken:
    """A rule that a move would break: its name, a sentence, and who fills what is full."""

    rule: str
    words: str
    held_by: str


@dataclass(frozen=True)
class Told:
    """A plan in words."""

    plan: Plan
    moves: list[MoveWords]
    broken: list[Broken]
    tiers: list[TierWords]
    # How many would leave a place that has been published to them.
    leave_published: int

    @property
    def changes(self) -> list[TierWords]:
        """The aims that change."""
        return [tier for tier in self.tiers if tier.change]


class Names:
    """Names of what some keys stand for, each kind read at once."""

    def __init__(
        self, session: Session, viewer: Viewer, problem: matching.Problem, run_id: int, keys: Iterable[str]
    ) -> None:
        known = set(keys)
        self.problem = problem
        requirements = {row_id(key) for key in known if key in problem.requirement_index}
        departments = {row_id(key) for key in known if key in problem.department_index}
        departments |= {row_id(offer_department(problem, key)) for key in known if key in problem.offer_index}
        sites = {row_id(key) for key in known if key in problem.site_index}
        self.learners = scenarios.references_by_requirement(session, viewer, requirements)
        self.placings = queries.placing_ids(session, run_id, requirements)
        self.departments: dict[int, Department] = scenarios.departments_by_id(session, departments)
        self.sites = scenarios.sites_by_id(session, sites)
        trusts = {key for key in known if key in problem.trust_index}
        self.trusts = queries.names_of_trusts(session, trusts) if trusts else {}

    def learner(self, key: str) -> str:
        """The reference of a requirement's learner."""
        found = self.learners.get(row_id(key))
        return found.reference if found else "a learner"

    def place(self, key: str | None) -> str:
        """A department, an offer's department, a site or a trust by name."""
        if key is None:
            return "No place"
        if key in self.problem.offer_index:
            key = offer_department(self.problem, key)
        if key in self.problem.department_index:
            department = self.departments.get(row_id(key))
            return department.name if department else "a department"
        if key in self.problem.site_index:
            site = self.sites.get(row_id(key))
            return site.name if site else "a site"
        return self.trusts.get(key, "The trust")


def keys_of(moves: Iterable[matching.Move], limits: Iterable[matching.FullLimit]) -> set[str]:
    """The keys that a page must name."""
    found: set[str] = set()
    for move in moves:
        found |= {key for key in (move.requirement, move.before, move.after) if key}
    for limit in limits:
        found |= {limit.key, *limit.held_by[:MOST_NAMED]}
    return found


def tell(session: Session, viewer: Viewer, problem: matching.Problem, run: Run, plan: Plan) -> Told:
    """A plan in words."""
    targets = {lock.requirement: lock.site_or_department for lock in plan.locks}
    keys = keys_of(plan.moves, plan.broken) | set(targets.values()) | plan.asked_for
    names = Names(session, viewer, problem, run.id, keys)
    # Not those of the snapshot: before a first publication it may hold places that only trusts were shown.
    published = published_places(session, run.round_id)
    return Told(
        plan,
        [move_words(names, move, is_asked=move.requirement in plan.asked_for) for move in plan.moves],
        [
            broken_words(names, limit, targets.get(limit.key, next(iter(targets.values()), None)))
            for limit in plan.broken
        ],
        [tier_words(tier) for tier in plan.tiers],
        sum(_leaves(problem, move, published.get(row_id(move.requirement))) for move in plan.moves),
    )


def _leaves(problem: matching.Problem, move: matching.Move, stands: Standing | None) -> bool:
    """Whether a move is away from the place that is published."""
    if stands is None or move.before is None:
        return False
    return row_id(offer_department(problem, move.before)) == stands.department_id


def move_words(names: Names, move: matching.Move, *, is_asked: bool) -> MoveWords:
    """One move in words."""
    return MoveWords(
        names.learner(move.requirement),
        names.placings.get(row_id(move.requirement)),
        names.place(move.before),
        names.place(move.after),
        minutes_of(names.problem, move.requirement, move.before),
        minutes_of(names.problem, move.requirement, move.after),
        is_asked,
    )


def minutes_of(problem: matching.Problem, requirement: str, offer: str | None) -> int | None:
    """Minutes one way of a requirement's learner to an offer."""
    if offer is None:
        return None
    return minutes_to(problem, requirement, offer_department(problem, offer))


def minutes_to(problem: matching.Problem, requirement: str, department: str) -> int:
    """Minutes one way of a requirement's learner to a department."""
    learner = problem.requirements[problem.requirement_index[requirement]].learner
    site = problem.departments[problem.department_index[department]].site
    return int(problem.travel_minutes[problem.learner_index[learner], problem.site_index[site]])


def broken_words(names: Names, limit: matching.FullLimit, place: str | None) -> Broken:
    """A broken rule in a sentence; `place` is where the learner was to go."""
    if limit.rule in OF_LEARNERS:
        words = OF_LEARNERS[limit.rule]
    else:
        where = place if limit.level not in ("offer", "department", "site", "trust") else limit.key
        words = f"{names.place(where)} {RULES[limit.rule][0]}"
        if limit.level == "requirement" and limit.key in names.problem.requirement_index:
            words = f"{names.learner(limit.key)} cannot go to {names.place(where)}: it {RULES[limit.rule][0]}"
    if limit.weeks:
        words += f", {weeks_words(limit.weeks)}"
    return Broken(
        limit.rule,
        words,
        joined([names.learner(key) for key in limit.held_by[:MOST_NAMED]], len(limit.held_by)),
    )


def weeks_words(weeks: Sequence[str]) -> str:
    """w/c 7 Sep, or 4 weeks from w/c 7 Sep"""
    first = f"w/c {short_day(date.fromisoformat(min(weeks)))}"
    return first if len(weeks) == 1 else f"in {len(weeks)} weeks from {first}"


def joined(some: Sequence[str], number: int) -> str:
    """a, b and 3 more"""
    if not some:
        return ""
    if number > len(some):
        return f"{', '.join(some)} and {number - len(some)} more"
    return some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}"


def tier_name(name: str) -> str:
    """An aim in words."""
    priority = name.removeprefix("unplaced_priority_")
    if priority != name:
        return f"Priority {priority}, not placed"
    return TIERS.get(name, name.replace("_", " ").capitalize())


def _counts(name: str) -> bool:
    """Whether an aim counts requirements; the others are in thousandths of a point."""
    return name.startswith("unplaced") or name == "agreement_shortfall"


def tier_words(tier: matching.TierChange) -> TierWords:
    """An aim before and after."""
    more = tier.after - tier.before
    if _counts(tier.name):
        before, after, change = f"{tier.before:,}", f"{tier.after:,}", f"{more:+,}" if more else ""
    else:
        before, after = f"{tier.before / 1000:,.0f}", f"{tier.after / 1000:,.0f}"
        change = f"{more / 1000:+,.1f}" if more else ""
    return TierWords(tier_name(tier.name), before, after, change, more > 0)


def price_words(tiers: Iterable[matching.TierChange]) -> str:
    """What a change costs in one line: "1 more not placed of priority 2; 12.5 points more"."""
    return (
        worth_words((tier.name, tier.before - tier.after) for tier in tiers)
        or "Nothing: every aim is as before"
    )


def worth_words(gains: Iterable[tuple[str, int]]) -> str:
    """By aim, how much its value falls (or, below 0, rises), in one line."""
    parts = []
    for name, gain in gains:
        if not gain:
            continue
        way = "fewer" if gain > 0 else "more"
        if name.startswith("unplaced_priority_"):
            parts.append(
                f"{abs(gain):,} {way} not placed of priority {name.removeprefix('unplaced_priority_')}"
            )
        elif name == "unplaced_pinned":
            parts.append(f"{count(abs(gain), 'pinned learner')} {way} not placed")
        elif name == "agreement_shortfall":
            parts.append(f"{abs(gain):,} {way} short of what was agreed")
        elif name == "cost":
            parts.append(f"{abs(gain) / 1000:,.1f} points {way}")
        else:
            parts.append(f"{tier_name(name).lower()}: {abs(gain) / 1000:,.1f} {way}")
    return "; ".join(parts)


def change_words(names: Names, change: matching.Change) -> str:
    """One change that would have to be made."""
    key, now, needed = change.key, change.now, change.needed
    weeks = f", {weeks_words(change.weeks)}" if change.weeks else ""
    place = names.place(key) if change.level in ("offer", "department", "site", "trust") else ""
    if change.rule == "places":
        return f"{count(int(needed or 0), 'more place')} at {place} (now {now}){weeks}"
    if change.rule == "supervision":
        where = place or "a shared educator's time"
        return f"{needed} WTE more supervision at {where} (now {now}){weeks}"
    if change.rule == "travel_limit":
        whose = "The learner's own travel limit"
        if change.level == "policy":
            whose = f"The round's travel limit {'by car' if key == 'car' else 'by public transport'}"
        return f"{whose} would be {needed} minutes instead of {now}"
    if change.rule == "accommodation" and change.level == "site":
        return f"{count(int(needed or 0), 'more bed')} at {place}{weeks}"
    return {
        "modality_fit": f"The placement would also take the modality {needed}",
        "group_fit": f"{place} would also take the group or stage {needed}",
        "exclusion": f"The learner would no longer have to avoid {names.place(str(now))}",
        "access": f"{place} would meet the access need “{needed}”",
        "employer": "The employer would release the learner",
        "locks": f"The {change.lock.kind if change.lock else 'lock'} on this placement would be lifted",
        "accommodation": "The learner would take a bed there",
        "site_repeats": f"The learner might be at one site {needed} times instead of {now}",
        "different_sites": f"The learner would need {needed} different sites instead of {now}",
        "companions": "The learner would no longer be kept together with, or apart from, others",
        "agreements": f"The most agreed between HEI and trust would be {needed} instead of {now}",
    }.get(change.rule, change.rule.replace("_", " "))
