"""A repair stated whole: the changed match, those on site fixed, those in need placed, the fewest moves."""

from __future__ import annotations

import dataclasses

import numpy as np

from benchmarks.answers import standing_options
from benchmarks.options import Bools, Ints
from benchmarks.sheet import Aim
from benchmarks.statement import Statement, state
from matching import Policy, Problem
from matching.eligibility import eligible_pairs
from matching.local_limits import Limits
from matching.questioned import in_question
from matching.repair import standing_pairs
from matching.tables import Tables


def repair_statement(
    before: Problem, changed: Problem, policy: Policy, now_week: int
) -> tuple[Statement, Ints]:
    """The program, and the options that stand and may be kept, as a start. Who is in a limit that no longer
    holds is as the engine says; all else is stated from the problem."""
    whole = state(changed, policy)
    options, n = whole.options, len(changed.requirements)
    assignment = {p.requirement: p.offer for p in changed.published}
    blocks = {p.requirement: p.block for p in changed.published if p.block is not None}
    stands = standing_options(whole, assignment, blocks)
    standing = _marked(n, options.requirement[stands])
    known = before.requirement_index
    late = np.array([r.key not in known for r in changed.requirements], np.bool_)
    lost = np.array([r.key in assignment for r in changed.requirements], np.bool_) & ~standing
    question = _in_question(changed, policy)
    need = lost | question | late
    first = options.covers.argmax(axis=1)
    here = stands[first[options.week_set[stands]] < now_week]
    fixed = here[~question[options.requirement[here]]]
    low = whole.low.copy()
    low[fixed] = 1
    stay = here[question[options.requirement[here]]]
    tiers = [Aim("on_site_moved", stay, np.full(len(stay), -1), len(stay))] if len(stay) else []
    tiers += _unplaced(whole, changed, policy, need)
    tiers.append(Aim("moved", stands, np.full(len(stands), -1), len(stands)))
    start = stands[~need[options.requirement[stands]]]
    # Those who wait are placed afterwards, in what is free.
    high = whole.high.copy()
    high[: len(options)][~(standing | need)[options.requirement]] = 0
    # The first rows are the requirements'. Who stands and is not in need may move, but not lose the place.
    least = whole.least.copy()
    asked = np.unique(options.requirement)
    least[: len(asked)][(standing & ~need)[asked]] = 1
    return dataclasses.replace(whole, low=low, high=high, least=least, tiers=tuple(tiers)), start


def _unplaced(whole: Statement, problem: Problem, policy: Policy, need: Bools) -> list[Aim]:
    pinned = {lock.requirement for lock in problem.locks if lock.kind == "pin" and policy.locks}
    rank = np.array([0 if r.key in pinned else r.priority for r in problem.requirements], np.int64)
    out = []
    for p in np.unique(rank[need]).tolist():
        those = need & (rank == p)
        mine = np.flatnonzero(those[whole.options.requirement])
        name = f"unplaced_priority_{p}" if p else "unplaced_pinned"
        out.append(Aim(name, mine, np.full(len(mine), -1), int(those.sum())))
    return out


def _in_question(problem: Problem, policy: Policy) -> Bools:
    tables = Tables(problem)
    eligible = eligible_pairs(tables, policy)
    pairs = standing_pairs(tables, eligible)
    who = np.flatnonzero(pairs >= 0)
    out = np.zeros(len(problem.requirements), np.bool_)
    out[who] = in_question(Limits(tables, policy, eligible), pairs[who])
    return out


def _marked(n: int, positions: Ints) -> Bools:
    out = np.zeros(n, np.bool_)
    out[positions] = True
    return out
