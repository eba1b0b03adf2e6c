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
    """Allowed pairs, sorted by requirement: `requirement[k]` may go to `offer[k]`; those of requirement r are
    `start[r]:start[r + 1]`."""

    requirement: Ints
    offer: Ints
    start: Ints


def _active(policy: Policy, rules: tuple[tuple[str, Forbids], ...]) -> list[tuple[str, Forbids]]:
    return [(name, forbids) for name, forbids in rules if getattr(policy, name) is not False]


def eligible_pairs(tables: Tables, policy: Policy) -> Eligible:
    """All pairs that no rule forbids. O(pairs of the right modality and group x rules)."""
    problem = tables.problem
    classes: dict[tuple[object, ...], list[int]] = {}
    for i, requirement in enumerate(problem.requirements):
        learner = problem.learners[tables.requirement_learner[i]]
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
            rows.append(block.requirements[row])
            columns.append(offers[column])
    who, offer = np.concatenate(rows), np.concatenate(columns)
    order = np.argsort(who, kind="stable")
    who, offer = who[order], offer[order]
    start = np.searchsorted(who, np.arange(len(problem.requirements) + 1)).astype(np.int64)
    return Eligible(who, offer, start)


def refusing_rules(tables: Tables, policy: Policy, requirements: Ints) -> tuple[list[str], NDArray[np.uint8]]:
    """For some requirements against every offer: the names of the rules in order and [rows, offers] one
    more than the position of the first that refuses the pair, 0 where none does."""
    rules = _active(policy, CLASS_RULES) + _active(policy, PAIR_RULES)
    block = Pairs(tables, policy, requirements, np.arange(len(tables.problem.offers), dtype=np.int64))
    first = np.zeros(block.shape, np.uint8)
    for position, (_, forbids) in enumerate(rules, start=1):
        first[(first == 0) & forbids(block)] = position
    return [name for name, _ in rules], first
