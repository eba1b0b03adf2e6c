"""Changes of a problem and a policy in the words of those who could make them, and how each is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from matching.items import Lock
from matching.policy import Policy
from matching.problem import Problem

Figure: TypeAlias = int | float | str | None
PARTS = {
    "requirement": "requirements",
    "offer": "offers",
    "department": "departments",
    "site": "sites",
    "trust": "trusts",
    "learner": "learners",
    "educator": "educators",
    "agreement": "agreements",
}


@dataclass(frozen=True)
class Change:
    """One thing that would have to be otherwise. `rule` stands in the way; `level` and `key` say what is
    changed, `now` and `needed` the figure or name, `weeks` (ISO Mondays) when.

    | rule | level | change |
    |---|---|---|
    | modality_fit | requirement | it would also take the modality `needed` |
    | group_fit | offer | it is also made to the group, or stage, `needed` |
    | exclusion | learner | the site `now` is no longer excluded |
    | access | site | it meets the need `needed` |
    | employer | learner | the trust `now` releases the learner |
    | locks | requirement | `lock` is lifted |
    | travel_limit | policy, learner | from `now` to `needed` minutes (of the mode `key`; the learner's own) |
    | accommodation | learner | would take a bed |
    | accommodation | site | `needed` more beds in `weeks` |
    | places | offer, department, site, trust | `needed` more places in `weeks` |
    | supervision | department, educator | `needed` more WTE in `weeks` |
    | site_repeats, different_sites | learner | from `now` to `needed` |
    | companions | companions | the learner `now` leaves them |
    | agreements | agreement | the most agreed, from `now` to `needed` |
    """

    rule: str
    level: str
    key: str
    now: Figure = None
    needed: Figure = None
    weeks: tuple[str, ...] = ()
    lock: Lock | None = None


def changed(problem: Problem, policy: Policy, changes: Iterable[Change]) -> tuple[Problem, Policy]:
    """The problem and policy with changes made. An offer raised keeps what it prefers. Raises `ProblemError`
    where that leads out of what a problem may hold."""
    for change in changes:
        if change.rule == "travel_limit" and change.level == "policy":
            policy = policy.replace(travel_limit={**policy.travel_limit, change.key: change.needed})
        else:
            problem = _changed(problem, change)
    return problem, policy


def _changed(problem: Problem, change: Change) -> Problem:
    if change.rule == "locks":
        return dataclasses.replace(problem, locks=tuple(x for x in problem.locks if x != change.lock))
    if change.rule == "companions":
        return _without_companion(problem, change)
    part = PARTS[change.level]
    items = list(getattr(problem, part))
    at = next(i for i, item in enumerate(items) if item.key == change.key)
    items[at] = dataclasses.replace(items[at], **_fields(problem, items[at], change))
    made: dict[str, Any] = {part: tuple(items)}
    return dataclasses.replace(problem, **made)


def _fields(problem: Problem, item: Any, change: Change) -> dict[str, Any]:
    """The fields of an item that a change gives anew."""
    rule, needed = change.rule, change.needed
    if rule == "modality_fit":
        return {"modalities": (*item.modalities, needed)}
    if rule == "group_fit":
        name = "stages" if change.now == "stage" else "groups"
        return {name: (*getattr(item, name), needed)}
    if rule == "exclusion":
        return {"excluded_sites": tuple(key for key in item.excluded_sites if key != change.now)}
    if rule == "access":
        return {"access": (*item.access, needed)}
    if rule == "employer":
        return {"released": True}
    if rule == "travel_limit":
        return {"travel_limit_minutes": needed}
    if rule == "accommodation":
        return {
            "accommodation": True
            if change.level == "learner"
            else _raised(problem, item.accommodation, change)
        }
    if rule == "places":
        name = "maximum" if change.level == "offer" else "places"
        return {name: _raised(problem, getattr(item, name), change)}
    if rule == "supervision":
        return {"wte": _raised(problem, item.wte, change)}
    if rule == "agreements":
        return {"most": needed, "least": min(item.least, needed)}
    return {rule: needed}  # site_repeats and different_sites


def _raised(problem: Problem, by_week: tuple[Any, ...] | None, change: Change) -> tuple[Any, ...]:
    """So much more in some weeks; what is not declared (own WTE, beds) counts as none."""
    weeks, more = set(change.weeks), change.needed
    declared = by_week or (0,) * len(problem.weeks)
    return tuple(
        round(x + more, 3) if monday in weeks else x
        for monday, x in zip(problem.weeks, declared, strict=True)
    )


def _without_companion(problem: Problem, change: Change) -> Problem:
    out = []
    for item in problem.companions:
        if item.key == change.key:
            left = tuple(key for key in item.learners if key != change.now)
            if len(left) < 2:
                continue
            item = dataclasses.replace(item, learners=left)
        out.append(item)
    return dataclasses.replace(problem, companions=tuple(out))
