"""The answer of a large part in turns: some learners are placed by a search of their own, the rest of the
network is in place.

First class by class in order of priority: whoever has had their turn stands where they are, whoever has not
takes up what the relaxation gives them, those of a lower priority only for as long as nobody needs it. Then
class by class again with everyone where they are, so that the answer only gets better, tier by tier.
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
# Those of learners who lack a place that their class alone could give them, and of the rest of the class.
REACH, WIDER = 200.0, 12.0
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

    def again(self, mine: Ints, lacking: Ints, taken: Bools, seconds: float) -> Bools:
        """[choices] taken after a class has been placed again with everyone else in place.

        Where it has learners who are `lacking` a place, they may go almost anywhere, and those of a lower
        priority may be moved on, who are then placed again themselves, or lose their place.
        """
        free = mine[(self.guide.reduced[mine] < (WIDER if len(lacking) else NEAR)) | taken[mine]]
        if len(lacking):
            theirs = mine[np.isin(self.chosen.learner[mine], lacking)]
            free = np.union1d(free, theirs[self.guide.reduced[theirs] < REACH])
        others = taken.copy()
        others[free] = False
        lower = others & (self.priority > self.priority[mine[0]]) & (len(lacking) > 0)
        after, over = self._placed(free, taken, others, lower, seconds)
        if not len(over):
            return after
        standing = np.flatnonzero(lower)
        there = np.unique(self.whole.rows[over][:, standing].nonzero()[1])
        moved = np.isin(self.chosen.learner, self.chosen.learner[standing[there]])
        moved &= self.priority > self.priority[mine[0]]
        again = np.flatnonzero(moved & ((self.guide.reduced < NEAR) | after))
        rest = after.copy()
        rest[again] = False
        return self._placed(again, None, rest, np.zeros_like(rest), seconds)[0]

    def _placed(
        self, free: Ints, known: Bools | None, others: Bools, lower: Bools, seconds: float
    ) -> tuple[Bools, Ints]:
        """[choices] taken after a search of the choices `free` beside `others`, from an answer `known`; and
        the rows in which someone `lower` has to make way."""
        whole = self.whole
        left = whole.most - whole.used(others.astype(np.float64))
        below = whole.used(lower.astype(np.float64))
        part = whole.portion(free, self.cost, left)
        room = self._room(part, left + below, below)
        program = self._displacing(part, room)
        start = None if known is None else np.flatnonzero(known[free])
        answer = search(program, start, self.stop, seconds, GAP, NODES)
        out = others.copy()
        if answer.x is None:
            return (out if known is None else known), np.zeros(0, np.int64)
        out[free[answer.x[: len(free)] > 0.5]] = True
        made = answer.x[len(part.columns) :] > 1e-6
        return out, part.rows[np.flatnonzero(room > SLACK)[made]]

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
