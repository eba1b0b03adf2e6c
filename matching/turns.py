"""The answer of a large part in turns: some learners are placed by a search of their own, the rest of the
network is in place.

First class by class in order of priority: whoever has had their turn stands where they are, whoever has not
takes up what the relaxation gives them, those of a lower priority only for as long as nobody needs it. Then
some again with everyone else where they are (`exchanges.py` says who), so that the answer only gets better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix, hstack

from matching.columns import Choices
from matching.guide import Guide
from matching.portion import Portion
from matching.program import Floats, Program, search
from matching.stop import Stop
from matching.tables import Bools, Ints

# Points of reduced cost up to which a choice takes part: of everyone, and of learners whom the relaxation
# does not place whole.
NEAR, WIDE = 6.0, 60.0
# Points that the place of someone of a lower priority, who has other choices, costs.
MOVED_ON = 100.0
# Relative gap and nodes at which a search ends, on any machine.
GAP = 2e-5
SLACK = 1e-6
NODES = 60


class Turns:
    """Searches of some learners of a part at a cost [columns], along a guide."""

    def __init__(self, guide: Guide, chosen: Choices, priority: Ints, cost: Floats, stop: Stop) -> None:
        """`priority` [choices] is that of each one's requirement."""
        self.guide, self.whole, self.chosen = guide, guide.whole, chosen
        self.priority, self.cost, self.stop = priority, cost, stop
        requirement = chosen.requirement
        self.requirements = int(requirement.max()) + 1
        placed = np.bincount(requirement, guide.taken, minlength=self.requirements)
        self.unsure = np.isin(chosen.learner, np.unique(chosen.learner[placed[requirement] < 0.999]))

    def first(self, members: list[Ints], left: Callable[[], float]) -> Bools:
        """[choices] taken, class by class (`members`: their choices), each in at most half the seconds then
        `left`."""
        whole, guide = self.whole, self.guide
        taken = np.zeros(whole.n, np.bool_)
        waiting = guide.taken.copy()
        for mine in members:
            waiting[mine] = 0.0
            if self.stop():
                break
            settled = whole.most - whole.used(taken.astype(np.float64))
            # Half a place left by the shares of those who wait is a place: they have other choices.
            room = np.ceil((settled - whole.used(waiting)) / whole.grid - 1e-3) * whole.grid
            room = np.minimum(settled, room)
            near = np.where(self.unsure[mine], WIDE, NEAR)
            free = mine[guide.reduced[mine] < near]
            part = whole.portion(free, self.cost, room)
            below = whole.used(np.where(self.priority > self.priority[mine[0]], waiting, 0.0))
            program = self._displacing(part, self._room(part, settled, below))
            answer = search(program, None, self.stop, left() / 2, GAP, NODES)
            if answer.x is not None:
                taken[free[answer.x[: len(free)] > 0.5]] = True
        return taken

    def again(self, free: Ints, taken: Bools, points: float, seconds: float) -> Bools:
        """[choices] taken after the choices `free` have been searched again beside everyone else in place,
        from where they are, to within some points of the best: with a choice of a requirement, `free` has the
        one it takes."""
        whole = self.whole
        others = taken.copy()
        others[free] = False
        part = whole.portion(free, self.cost, whole.most - whole.used(others.astype(np.float64)))
        start = np.flatnonzero(taken[free])
        known = abs(float(self.cost[free[start]].sum()))
        answer = search(part.program, start, self.stop, seconds, points / max(points, known), NODES)
        if answer.x is None:
            return taken
        others[free[answer.x[: len(free)] > 0.5]] = True
        return others

    @staticmethod
    def _room(part: Portion, settled: Floats, below: Floats) -> Floats:
        """[rows of the part] what can be had from those of a lower priority, who use `below`, where `settled`
        is left by everyone else."""
        out: Floats = np.clip(settled[part.rows] - part.program.most, 0.0, below[part.rows])
        return out

    def _displacing(self, part: Portion, more: Floats) -> Program:
        """A program whose rows may take `more` [rows of the part] at a price."""
        rows = np.flatnonzero(more > SLACK)
        if not len(rows):
            return part.program
        used = self.whole.of_choices[part.rows[rows]]
        count = np.maximum(1, np.diff(used.indptr))
        mean = np.maximum(1.0, np.asarray(abs(used).sum(axis=1)).ravel() / count)
        entries = (np.full(len(rows), -1.0), (rows, np.arange(len(rows))))
        columns = csr_matrix(entries, shape=(len(part.rows), len(rows)))
        program = part.program
        return replace(
            program,
            cost=np.concatenate([program.cost, MOVED_ON / mean]),
            rows=hstack([program.rows, columns]).tocsr(),
            upper=np.concatenate([program.upper, more[rows]]),
            whole=np.concatenate([program.whole, np.zeros(len(rows), np.bool_)]),
        )
