"""Which offers each requirement may go to, and for a refused one the rule that refused it.

Requirements of the same group, stage and modalities share the first two rules, so the full table of
requirements by offers is never made: time and memory follow the pairs that fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.policy import Policy
from matching.rules import CLASS_RULES, PAIR_RULES, Forbids
from matching.rules.pairs import Pairs
from matching.tables import Ints, Tables

CHUNK_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class Eligible:
    """Allowed pairs, sorted by requirement: `requirement[k]` may go to `offer[k]` in the weeks
    `week_set[k]` (as `variant[k]`); those of requirement r are `start[r]:start[r + 1]`."""

    requirement: Ints
    offer: Ints
    start: Ints
    week_set: Ints
    variant: Ints


def _active(policy: Policy, rules: tuple[tuple[str, Forbids], ...]) -> list[tuple[str, Forbids]]:
    return [(name, forbids) for name, forbids in rules if getattr(policy, name) is not False]


def eligible_pairs(tables: Tables, policy: Policy) -> Eligible:
    """All pairs that no rule forbids. O(pairs of the right modality and group x rules)."""
    problem = tables.problem
    classes: dict[tuple[object, ...], list[int]] = {}
    for i, r in enumerate(tables.variants.requirement.tolist()):
        requirement, learner = problem.requirements[r], problem.learners[tables.requirement_learner[r]]
        classes.setdefault((requirement.modalities, learner.group, learner.stage), []).append(i)
    every_offer = np.arange(len(problem.offers), dtype=np.int64)
    rows: list[Ints] = [np.zeros(0, np.int64)]
    columns: list[Ints] = [np.zeros(0, np.int64)]
    for members in classes.values():
        one = Pairs(tables, policy, np.array(members[:1], np.int64), every_offer)
        fits = np.ones(len(every_offer), np.bool_)
        for _, forbids in _active(policy, CLASS_RULES):
            fits &= ~forbids(one)[0]
        offers = every_offer[fits]
        step = max(1, CHUNK_CELLS // max(1, len(offers)))
        for begin in range(0, len(members), step):
            block = Pairs(tables, policy, np.array(members[begin : begin + step], np.int64), offers)
            allowed = np.ones(block.shape, np.bool_)
            for _, forbids in _active(policy, PAIR_RULES):
                allowed &= ~forbids(block)
            row, column = np.nonzero(allowed)
            rows.append(block.variants[row])
            columns.append(offers[column])
    variant, offer = np.concatenate(rows), np.concatenate(columns)
    order = np.lexsort((offer, variant))
    variant, offer = variant[order], offer[order]
    who = tables.variants.requirement[variant]
    start = np.searchsorted(who, np.arange(len(problem.requirements) + 1)).astype(np.int64)
    return Eligible(who, offer, start, tables.variants.week_set[variant], variant)


def refusing_rules(tables: Tables, policy: Policy, requirements: Ints) -> tuple[list[str], NDArray[np.uint8]]:
    """For some requirements against every offer: the names of the rules in order and [rows, offers] one
    more than the position of the first that refuses the pair, 0 where none does. A floating requirement is
    judged by the block that comes closest."""
    rules = _active(policy, CLASS_RULES) + _active(policy, PAIR_RULES)
    offers = np.arange(len(tables.problem.offers), dtype=np.int64)
    variants = np.flatnonzero(np.isin(tables.variants.requirement, requirements))
    block = Pairs(tables, policy, variants, offers)
    first = np.zeros(block.shape, np.uint8)
    for position, (_, forbids) in enumerate(rules, start=1):
        first[(first == 0) & forbids(block)] = position
    names = [name for name, _ in rules]
    closest = np.full((len(requirements), len(offers)), 1, np.uint8)
    row_of = {int(r): row for row, r in enumerate(requirements)}
    for code, r in zip(first, block.requirements.tolist(), strict=True):
        known = closest[row_of[r]]
        closest[row_of[r]] = np.where((code == 0) | (known == 0), 0, np.maximum(code, known))
    return names, closest


NO_DEPARTMENT = -1


def refused_by_site(tables: Tables, policy: Policy, requirements: Ints) -> tuple[list[str], Ints]:
    """For some requirements against every site: the names of the rules and, by the offer of a right modality
    that came closest, [rows, sites] 0 where none refuses it, else one more than the position of the rule;
    `NO_DEPARTMENT` where the site has no department of a right modality. A department with no offer has no
    place in any week."""
    problem = tables.problem
    names, first = refusing_rules(tables, policy, requirements)
    names = names if "offer_weeks" in names else [*names, "offer_weeks"]
    unoffered = names.index("offer_weeks") + 1
    out = np.full((len(requirements), len(problem.sites)), NO_DEPARTMENT, np.int64)
    order = np.argsort(tables.offer_site, kind="stable")
    offered = np.isin(np.arange(len(problem.departments)), tables.offer_department)
    found: dict[tuple[str, ...], list[int]] = {}
    for row, r in enumerate(requirements.tolist()):
        found.setdefault(problem.requirements[r].modalities, []).append(row)
    for wanted, members in found.items():
        rows = np.array(members, np.int64)
        fits = np.array([not policy.modality_fit or d.modality in wanted for d in problem.departments], bool)
        empty = np.unique(tables.department_site[fits & ~offered])
        out[np.ix_(rows, empty)] = unoffered
        offers = order[fits[tables.offer_department[order]]]
        if not len(offers):
            continue
        sites, start = np.unique(tables.offer_site[offers], return_index=True)
        codes = first[np.ix_(rows, offers)].astype(np.int64)
        least = np.minimum.reduceat(codes, start, axis=1)
        out[np.ix_(rows, sites)] = np.where(least == 0, 0, np.maximum.reduceat(codes, start, axis=1))
    return names, out
