"""Block by block, what some requirements ask for and what there is: for them alone, and for everyone."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from matching.eligibility import Eligible, eligible_pairs
from matching.most_placed import MostPlaced, most_placed
from matching.policy import Policy
from matching.problem import Problem
from matching.reach import positions
from matching.tables import Bools, Ints, Tables

# Seconds at least for each count, though the time of all is up.
LEAST_SECONDS = 0.2


@dataclass(frozen=True)
class BlockNeed:
    """Requirements of one block and set of modalities (of the blocks of a rotation, where they float).

    `own` counts them as if they alone came. `everyone` counts them with all other requirements that could go,
    in a week that they need, to a department that one of them could go to.
    """

    blocks: tuple[str, ...]
    modalities: tuple[str, ...]
    requirements: tuple[str, ...]
    own: MostPlaced
    everyone: MostPlaced


def block_needs(
    problem: Problem,
    policy: Policy,
    requirements: Collection[str] | None = None,
    *,
    seconds: float = 10.0,
) -> tuple[BlockNeed, ...]:
    """What some requirements, by key, or all of them need and can have, in the order of their weeks.

    How many can be placed follows from the limits of places, supervising time, beds, rotations and one place
    a week; each bound is proven, and `MostPlaced.exact` says whether it was reached. Within about `seconds`:
    what is not proven by then is not said to be short. Raises `ProblemError` for a key not in the problem.
    """
    asked = positions(problem, requirements)
    tables = Tables(problem)
    eligible = eligible_pairs(tables, policy)
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for r in asked.tolist():
        item = problem.requirements[r]
        rotation = problem.rotation_of(item)
        blocks = (item.block,) if rotation is None else rotation.blocks
        groups.setdefault((blocks, tuple(sorted(item.modalities))), []).append(r)
    ends, known, out = time.monotonic() + seconds, dict[bytes, MostPlaced](), []

    def count(members: Ints) -> MostPlaced:
        key = members.tobytes()
        if key not in known:
            left = max(LEAST_SECONDS, ends - time.monotonic())
            known[key] = most_placed(tables, policy, eligible, members, left)
        return known[key]

    weeks = {r: tables.week_set_weeks[_week_sets(tables, r)].any(axis=0) for r in asked.tolist()}
    for (blocks, modalities), members in sorted(
        groups.items(), key=lambda item: (np.flatnonzero(weeks[item[1][0]]).tolist(), item[0])
    ):
        mine = np.array(members, np.int64)
        keys = tuple(problem.requirements[r].key for r in members)
        everyone = count(rivals(tables, eligible, mine))
        out.append(BlockNeed(blocks, modalities, keys, count(mine), everyone))
    return tuple(out)


def _week_sets(tables: Tables, requirement: int) -> Ints:
    out: Ints = tables.variants.week_set[tables.variants.requirement == requirement]
    return out


def rivals(tables: Tables, eligible: Eligible, mine: Ints) -> Ints:
    """Some requirements, and those who may go to a department of theirs in a week of theirs."""
    own = np.isin(eligible.requirement, mine)
    covers, department = tables.week_set_weeks, tables.offer_department[eligible.offer]
    weeks = covers[np.unique(eligible.week_set[own])].any(axis=0)
    near = np.isin(department, np.unique(department[own]))
    meets: Bools = np.asarray((covers & weeks).any(axis=1), np.bool_)
    near &= meets[eligible.week_set]
    out: Ints = np.union1d(mine, eligible.requirement[near])
    return out
