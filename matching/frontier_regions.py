"""The independent regions of a problem with additions: what is added to one changes nothing in another.

Parts as in `components.py`, found with everything added, so that no addition can join two of them. The tiers
of independent parts add up, so an addition is tried by solving its own region alone; where an aim looks at
the worst of all, the whole is one region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from matching.additions import Addition, Amount, with_additions
from matching.components import parts
from matching.eligibility import Eligible, eligible_pairs
from matching.policy import ALONE, Policy
from matching.problem import Problem
from matching.rules.agreements import covers
from matching.tables import Bools, Ints, Tables

REST = -1


@dataclass(frozen=True)
class Region:
    """Some requirements of a problem, as a problem, and the additions (positions) that can matter to them."""

    problem: Problem
    additions: tuple[int, ...]


def regions(problem: Problem, policy: Policy, additions: Sequence[Addition]) -> list[Region]:
    """The regions that additions touch, each by itself, and one of all the rest. O(pairs x additions)."""
    if any(name in ALONE for tier in policy.tiers for name in tier):
        return [Region(problem, tuple(range(len(additions))))]
    tables = Tables(with_additions(problem, [a for a in additions for _ in range(a.most)]))
    eligible = eligible_pairs(tables, policy)
    label = np.full(len(problem.requirements), REST, np.int64)
    for i, part in enumerate(parts(tables, policy, eligible)):
        label[part.requirements] = i
    _join_those_without_choice(tables, label)
    touched: dict[int, list[int]] = {REST: []}
    for i, addition in enumerate(additions):
        near = np.zeros(len(eligible.requirement), np.bool_)
        for item in addition.amounts:
            near |= _pairs_at(tables, eligible, item)
        for part_of in np.unique(label[eligible.requirement[near]]).tolist():
            touched.setdefault(part_of, []).append(i)
    label[~np.isin(label, [part for part in touched if part != REST])] = REST
    home = [_home(problem, label, a) for a in range(len(problem.agreements))]
    return [
        Region(_only(problem, label == part, [h in (part, None) for h in home]), tuple(those))
        for part, those in sorted(touched.items())
        if (label == part).any() or part in home
    ]


def _join_those_without_choice(tables: Tables, label: Ints) -> None:
    """A requirement with no pair counts among its learner's (rule different_sites), so it goes with them."""
    of: dict[int, int] = {}
    for who, part in zip(tables.requirement_learner.tolist(), label.tolist(), strict=True):
        if part != REST:
            of.setdefault(who, part)
    for r in np.flatnonzero(label == REST).tolist():
        label[r] = of.get(int(tables.requirement_learner[r]), REST)


def _pairs_at(tables: Tables, eligible: Eligible, item: Amount) -> Bools:
    """[pairs] those at the thing that an amount is added to, in one of its weeks."""
    problem, department = tables.problem, tables.offer_department
    of, where = {
        "offer": (np.arange(len(problem.offers)), problem.offer_index),
        "department": (department, problem.department_index),
        "wte": (department, problem.department_index),
        "educator": (department, problem.department_index),
        "site": (tables.offer_site, problem.site_index),
        "trust": (tables.offer_trust, problem.trust_index),
    }[item.kind]
    keys: tuple[str, ...] = (item.key,)
    if item.kind == "educator":
        keys = problem.educators[problem.educator_index[item.key]].departments
    there = np.asarray(np.isin(of, [where[key] for key in keys]), np.bool_)[eligible.offer]
    weeks = list(item.weeks or range(len(problem.weeks)))
    when = np.asarray(tables.week_set_weeks[:, weeks].any(axis=1), np.bool_)
    both: Bools = there & when[eligible.week_set]
    return both


def _home(problem: Problem, label: Ints, a: int) -> int | None:
    """The region that counts an agreement's shortfall; None for one without a least, which any may see."""
    item = problem.agreements[a]
    if not item.least:
        return None
    index = problem.learner_index
    theirs = [
        part
        for r, part in zip(problem.requirements, label.tolist(), strict=True)
        if part != REST and covers(item, problem.learners[index[r.learner]])
    ]
    return theirs[0] if theirs else REST


def _only(problem: Problem, keep: Bools, agreed: Sequence[bool]) -> Problem:
    """The problem of some requirements [requirements] and agreements."""
    requirements = tuple(r for r, kept in zip(problem.requirements, keep.tolist(), strict=True) if kept)
    keys = {r.key for r in requirements}
    people = {r.learner for r in requirements}
    floating = {r.rotation for r in requirements}
    rows = [i for i, x in enumerate(problem.learners) if x.key in people]
    companions = [
        replace(c, learners=tuple(key for key in c.learners if key in people)) for c in problem.companions
    ]
    return replace(
        problem,
        requirements=requirements,
        learners=tuple(problem.learners[i] for i in rows),
        travel_minutes=np.ascontiguousarray(problem.travel_minutes[rows]),
        rotations=tuple(f for f in problem.rotations if f.key in floating),
        locks=tuple(lock for lock in problem.locks if lock.requirement in keys),
        published=tuple(p for p in problem.published if p.requirement in keys),
        companions=tuple(c for c in companions if len(c.learners) > 1),
        agreements=tuple(a for a, here in zip(problem.agreements, agreed, strict=True) if here),
    )
