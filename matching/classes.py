"""Classes of requirements that are solved in turn: learners of one group and stage.

Learners of a class compete for the same places with the same supervision weight, so a class alone is a small
program that ends soon. The fewest left over of each class with the whole network to itself, added up, bound a
tier of placing: the rest of the learners can only take places away.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from matching.columns import Choices
from matching.portion import Whole
from matching.program import lagrangian, relax, search
from matching.stop import Stop
from matching.tables import Ints, Tables

# Requirements from which a class is split, by HEI and then in order of learners.
MOST = 3_000
# Nodes of the search tree for a class alone.
NODES = 200


def classes(tables: Tables, requirements: Ints) -> list[Ints]:
    """Requirements (positions) by the group, stage and priority of their learners, most urgent first; within
    a priority the heaviest first."""
    problem = tables.problem
    found: dict[tuple[int, int, str, str], list[int]] = {}
    for r in requirements.tolist():
        learner = problem.learners[tables.requirement_learner[r]]
        item = problem.requirements[r]
        key = (item.priority, -int(tables.weight[r]), learner.group, learner.stage)
        found.setdefault(key, []).append(r)
    out = []
    for key in sorted(found):
        members = sorted(found[key], key=lambda r: _place(tables, r))
        pieces = math.ceil(len(members) / MOST)
        who = tables.requirement_learner[np.array(members, np.int64)]
        cuts = [_between_learners(who, i * len(members) // pieces) for i in range(pieces + 1)]
        out += [np.sort(np.array(members[a:b], np.int64)) for a, b in pairwise(cuts) if b > a]
    return out


def _place(tables: Tables, requirement: int) -> tuple[str, int, int]:
    learner = int(tables.requirement_learner[requirement])
    return tables.problem.learners[learner].hei, learner, requirement


def _between_learners(who: Ints, at: int) -> int:
    while 0 < at < len(who) and who[at] == who[at - 1]:
        at += 1
    return at


class Alone:
    """The fewest requirements of some choices left over, were they alone: first by a relaxation, then by a
    search."""

    def __init__(self, whole: Whole, cost: Ints, free: Ints, chosen: Choices) -> None:
        """`cost` [columns] is -1 at the choices `free`, which are counted."""
        self.free = free
        self.requirements = np.unique(chosen.requirement[free])
        aside = whole.rule("agreements", "hei_fairness")
        self.portion = whole.portion(free, cost.astype(np.float64), whole.most, without=aside, prices=False)
        self.low = 0
        self.open = True

    def relax(self, stop: Stop, seconds: float) -> None:
        """Bounds by prices."""
        program = self.portion.program
        found = relax(program, stop, seconds)
        if found is None:
            return
        bound = lagrangian(program, found.price)
        self._raise(bound)
        self.open = abs(bound - round(bound)) > 1e-3

    def search(self, stop: Stop, seconds: float) -> None:
        """Bounds by branching."""
        found = search(self.portion.program, None, stop, seconds, nodes=NODES)
        if math.isfinite(found.bound):
            self._raise(found.bound)

    def _raise(self, bound: float) -> None:
        self.low = max(self.low, math.ceil(len(self.requirements) + bound - 1e-5), 0)
