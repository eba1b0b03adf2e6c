"""Classes of requirements that are solved in turn: learners of one group and stage.

Learners of a class compete for the same places with the same supervision weight, so a class alone is a small
program that ends soon. The fewest left over of each class with the whole network to itself, added up, bound a
tier of placing: the rest of the learners can only take places away.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from matching.portion import Portion, Whole
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
        members = sorted(found[key], key=lambda r: (problem.learners[tables.requirement_learner[r]].hei, r))
        pieces = math.ceil(len(members) / MOST)
        who = tables.requirement_learner[np.array(members, np.int64)]
        # Learners stay whole.
        cuts = [0]
        for i in range(1, pieces):
            at = i * len(members) // pieces
            while at < len(members) and who[at] == who[at - 1]:
                at += 1
            cuts.append(at)
        cuts.append(len(members))
        out += [np.sort(np.array(members[a:b], np.int64)) for a, b in pairwise(cuts) if b > a]
    return out


class Alone:
    """The fewest requirements of some choices left over, were they alone: first by a relaxation, then by a
    search."""

    def __init__(self, whole: Whole, cost: Ints, free: Ints, requirement: Ints) -> None:
        """`cost` [columns] is -1 at the choices counted; `requirement` [choices] whose each is."""
        self.count = len(np.unique(requirement[free]))
        floor = whole.rule("agreements", "hei_fairness")
        self.portion: Portion = whole.portion(
            free, cost.astype(np.float64), whole.most, without=floor, prices=False
        )
        self.low = 0
        self.broken = True

    @property
    def open(self) -> bool:
        """Whether the relaxation came out broken, so that a search may raise the bound."""
        return self.broken

    def relax(self, stop: Stop, seconds: float) -> int:
        """A bound by prices."""
        program = self.portion.program
        found = relax(program, stop, seconds)
        if found is not None:
            bound = lagrangian(program, found.price, np.zeros(0, np.int64))
            self._raise(bound)
            self.broken = abs(bound - round(bound)) > 1e-3
        return self.low

    def search(self, stop: Stop, seconds: float) -> int:
        """A bound by branching, no lower than what is known."""
        found = search(self.portion.program, None, stop, seconds, nodes=NODES)
        if math.isfinite(found.bound):
            self._raise(found.bound)
        return self.low

    def _raise(self, bound: float) -> None:
        self.low = max(self.low, math.ceil(self.count + bound - 1e-5), 0)
