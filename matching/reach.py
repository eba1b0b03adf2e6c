"""Where each requirement may go at all, before anybody competes: the engine's own reduction, told by site.

A site is within reach of a requirement where one of its offers is refused by no rule. Any other site is put
down to the rule that its closest offer fell to, as in the reasons of a result.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from matching.eligibility import NO_DEPARTMENT, refused_by_site
from matching.policy import Policy
from matching.problem import Problem, Requirement
from matching.tables import Ints, Tables
from matching.validation import ProblemError


@dataclass(frozen=True)
class Reached:
    """A requirement: the keys of the `sites` that no rule refuses it, and for each other site of the problem
    the name of the rule that does (`modality_fit` where it has no department of a modality asked for)."""

    requirement: str
    learner: str
    sites: tuple[str, ...]
    refused: Mapping[str, str]


@dataclass(frozen=True)
class LearnerReach:
    """A learner: the sites that any of their requirements may go to, and the fewest that one of them has."""

    learner: str
    sites: tuple[str, ...]
    fewest: int


@dataclass(frozen=True)
class Reach:
    """Of the requirements asked about, in the problem's order, and of their learners."""

    requirements: tuple[Reached, ...]
    learners: tuple[LearnerReach, ...]


def reach(problem: Problem, policy: Policy, requirements: Collection[str] | None = None) -> Reach:
    """Where some requirements, by key, or all of them may go by the rules over pairs alone.

    O(requirements x offers x rules). Raises `ProblemError` for a key that is not in the problem.
    """
    asked = positions(problem, requirements)
    names, closest = refused_by_site(Tables(problem), policy, asked)
    found = tuple(
        _reached(problem, problem.requirements[r], names, codes)
        for r, codes in zip(asked.tolist(), closest, strict=True)
    )
    mine: dict[str, list[Reached]] = {}
    for item in found:
        mine.setdefault(item.learner, []).append(item)
    learners = []
    for learner, items in mine.items():
        sites = {site for item in items for site in item.sites}
        inside = tuple(site.key for site in problem.sites if site.key in sites)
        learners.append(LearnerReach(learner, inside, min(len(item.sites) for item in items)))
    return Reach(found, tuple(learners))


def positions(problem: Problem, requirements: Collection[str] | None) -> Ints:
    """The positions of some requirements, in the problem's order; of all where none are named."""
    if requirements is None:
        return np.arange(len(problem.requirements), dtype=np.int64)
    index = problem.requirement_index
    for key in requirements:
        if key not in index:
            raise ProblemError("requirements", "key", key, "the key of a requirement in this problem")
    return np.array(sorted({index[key] for key in requirements}), np.int64)


def _reached(problem: Problem, item: Requirement, names: list[str], codes: Ints) -> Reached:
    inside = tuple(problem.sites[s].key for s in np.flatnonzero(codes == 0).tolist())
    refused = {
        problem.sites[s].key: "modality_fit" if codes[s] == NO_DEPARTMENT else names[codes[s] - 1]
        for s in np.flatnonzero(codes).tolist()
    }
    return Reached(item.key, item.learner, inside, refused)
