"""What a region may grow by: more learners like those it has, places and WTE that could be added.

Pure changes of a `Problem`: each returns a new one, checked as it is made. Names of what is copied end in
"+1", "+2" ...
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matching.problem import Learner, Problem
from matching.tables import thousandths
from matching.validation import MOST_PLACES, MOST_WTE, Checks, EngineError

# What may be added to: the part of the problem and the field that holds so much a week.
PARTS: Mapping[str, tuple[str, str]] = {
    "offer": ("offers", "maximum"),
    "department": ("departments", "places"),
    "site": ("sites", "places"),
    "trust": ("trusts", "places"),
    "wte": ("departments", "wte"),
    "educator": ("educators", "wte"),
}
WTE = ("wte", "educator")


class GrowthError(EngineError):
    """A recipe or an addition that does not fit the problem."""


@dataclass(frozen=True)
class MoreLearners:
    """`count` more learners: copies, in turn, of `learners` (keys), or where that is empty of all who match
    `hei`, `group` and `stage` (None: any), in order of key.

    A copy has the requirements, rotation, journeys, history and preferences of its original, no locks, no
    published placing and no companions.
    """

    count: int
    learners: tuple[str, ...] = ()
    hei: str | None = None
    group: str | None = None
    stage: str | None = None


@dataclass(frozen=True)
class Amount:
    """So much more of one thing in some weeks (positions; empty: the whole round). `kind`: places of an
    "offer" (preferred and maximum alike), or of the cap of a "department", "site" or "trust"; or WTE: "wte"
    of a department's own, "educator" of a shared one. `key` names the thing."""

    kind: str
    key: str
    amount: float
    weeks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Addition:
    """One thing that can be decided: `amounts` added together, at most `most` times over."""

    key: str
    amounts: tuple[Amount, ...]
    most: int = 1


def possible_additions(problem: Problem, *, places: int = 1, wte: float = 0.0) -> tuple[Addition, ...]:
    """An addition of `places` for each offer over each block's weeks that someone asks of its modality, and
    one of `wte` over the round for each department with a WTE of its own (0: none of that kind)."""
    out = []
    modality = {d.key: d.modality for d in problem.departments}
    spans: dict[str, set[tuple[int, ...]]] = {}
    for requirement in problem.requirements:
        rotation = problem.rotation_of(requirement)
        asked = (requirement.weeks,) if rotation is None else rotation.weeks
        for wanted in requirement.modalities:
            spans.setdefault(wanted, set()).update(asked)
    for offer in sorted(problem.offers, key=lambda item: item.key):
        for weeks in sorted(spans.get(modality[offer.department], ())) if places else ():
            name = f"{offer.key}: {places} more in weeks {weeks[0] + 1} to {weeks[-1] + 1}"
            name += "" if len(weeks) == weeks[-1] - weeks[0] + 1 else f" ({len(weeks)} of them)"
            out.append(Addition(name, (Amount("offer", offer.key, places, weeks),)))
    for department in sorted(problem.departments, key=lambda item: item.key):
        if wte and department.wte is not None:
            out.append(Addition(f"{department.key}: {wte:g} WTE", (Amount("wte", department.key, wte),)))
    names = [addition.key for addition in out]
    return tuple(
        addition if names.count(addition.key) == 1 else replace(addition, key=f"{addition.key} #{i}")
        for i, addition in enumerate(out)
    )


def with_learners(problem: Problem, more: Sequence[MoreLearners]) -> Problem:
    """The problem with more learners. Raises `GrowthError` where nobody matches. O(problem)."""
    learners, requirements, rotations = [*problem.learners], [*problem.requirements], [*problem.rotations]
    rows = list(range(len(learners)))
    copies: dict[str, int] = {}
    for recipe in more:
        like = _copied(problem, recipe)
        for i in range(recipe.count):
            learner = like[i % len(like)]
            copies[learner.key] = n = copies.get(learner.key, 0) + 1
            rows.append(problem.learner_index[learner.key])
            learners.append(replace(learner, key=f"{learner.key}+{n}"))
            rotations += [
                replace(f, key=f"{f.key}+{n}", learner=f"{learner.key}+{n}")
                for f in problem.rotations
                if f.learner == learner.key
            ]
            requirements += [
                replace(
                    r,
                    key=f"{r.key}+{n}",
                    learner=f"{learner.key}+{n}",
                    rotation=None if r.rotation is None else f"{r.rotation}+{n}",
                )
                for r in problem.requirements
                if r.learner == learner.key
            ]
    return replace(
        problem,
        learners=tuple(learners),
        requirements=tuple(requirements),
        rotations=tuple(rotations),
        travel_minutes=np.ascontiguousarray(problem.travel_minutes[rows]),
    )


def _copied(problem: Problem, recipe: MoreLearners) -> list[Learner]:
    check = Checks(GrowthError, "more learners")
    check.whole("count", recipe.count, 0, 1_000_000)
    for i, key in enumerate(recipe.learners):
        check.known(f"learners[{i}]", key, problem.learner_index, "the key of a learner in this problem")
    if recipe.learners:
        return [problem.learners[problem.learner_index[key]] for key in recipe.learners]
    wanted = {name: getattr(recipe, name) for name in ("hei", "group", "stage")}
    found = [
        x for x in problem.learners if all(v is None or getattr(x, name) == v for name, v in wanted.items())
    ]
    if recipe.count and not found:
        check.refuse("hei, group and stage", wanted, "those of at least one learner in this problem")
    return sorted(found, key=lambda x: x.key)


def with_additions(problem: Problem, additions: Iterable[Addition]) -> Problem:
    """The problem with some additions made (one named twice is made twice). A cap that is not declared stays
    so. Raises `GrowthError` naming the addition, the field and what would be right. O(amounts x weeks + the
    parts changed)."""
    changed: dict[str, list[Any]] = {}
    index = {
        "offers": problem.offer_index,
        "departments": problem.department_index,
        "sites": problem.site_index,
        "trusts": problem.trust_index,
        "educators": problem.educator_index,
    }
    for addition in additions:
        for i, item in enumerate(addition.amounts):
            check = Checks(GrowthError, f"addition {addition.key!r}, amounts[{i}]")
            _checked(check, problem, item)
            part, name = PARTS[item.kind]
            check.known("key", item.key, index[part], f"the key of one of the problem's {part}")
            items = changed.setdefault(part, list(getattr(problem, part)))
            at = index[part][item.key]
            items[at] = _raised(check, problem, items[at], name, item)
    parts: dict[str, Any] = {part: tuple(items) for part, items in changed.items()}
    return replace(problem, **parts) if parts else problem


def _checked(check: Checks, problem: Problem, item: Amount) -> None:
    if item.kind not in PARTS:
        check.refuse("kind", item.kind, "one of " + ", ".join(PARTS))
    if item.kind in WTE:
        check.number("amount", item.amount, 0.0, MOST_WTE)
    else:
        check.whole("amount", item.amount, 0, MOST_PLACES)
    if item.weeks:
        check.weeks_of("weeks", item.weeks, len(problem.weeks))


def _raised(check: Checks, problem: Problem, thing: Any, name: str, item: Amount) -> Any:
    held = getattr(thing, name)
    if held is None:
        if name == "wte":
            check.refuse("key", item.key, "a department with a WTE of its own, or it is not limited by it")
        return thing
    weeks = set(item.weeks or range(len(problem.weeks)))
    if name == "wte":
        grain = thousandths(item.amount)
        raised = tuple((thousandths(v) + grain * (w in weeks)) / 1000 for w, v in enumerate(held))
        return replace(thing, wte=raised)
    out = {name: tuple(v + int(item.amount) * (w in weeks) for w, v in enumerate(held))}
    if name == "maximum":
        out["preferred"] = tuple(v + int(item.amount) * (w in weeks) for w, v in enumerate(thing.preferred))
    return replace(thing, **out)
