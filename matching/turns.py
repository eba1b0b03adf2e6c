"""The answer of a large part in turns: some learners are placed by a search of their own, the rest of the
network is in place.

First those whose block may be in any window of the year, then window by window: whoever has had their turn
stands where they are, whoever has not takes up what the relaxation gives them. Each turn dives (`dive.py`),
and ends with a search among the few who are still shared out. Then some again with everyone else where they
are (`exchanges.py` says who), so that the answer only gets better.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from matching.columns import Choices
from matching.dive import NONE, Dive
from matching.guide import Guide
from matching.program import Floats, search
from matching.stop import Stop
from matching.tables import Bools, Ints

# Points of reduced cost up to which a choice takes part: of everyone, and of learners whom the relaxation
# does not place whole.
NEAR, WIDE = 6.0, 40.0
# Nodes and relative gap at which a search ends, on any machine.
NODES = 60
GAP = 2e-5


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

    def first(
        self, turns: list[Ints], cost: Floats, left: Callable[[], float], begin: Bools | None = None
    ) -> Bools:
        """[choices] taken, turn by turn (the choices of each), at a cost [columns] that sets placing against
        journeys; each in at most half the seconds then `left`. Whoever `begin` places has had their turn."""
        whole, guide = self.whole, self.guide
        taken = np.zeros(whole.n, np.bool_) if begin is None else begin.copy()
        waiting = np.where(self.of_same(taken), 0.0, guide.taken)
        for turn in turns:
            mine = turn[~self.of_same(taken)[turn]]
            waiting[mine] = 0.0
            if self.stop():
                break
            near = np.where(self.unsure[mine], WIDE, NEAR)
            free = mine[(guide.reduced[mine] < near) | (guide.taken[mine] > NONE)]
            part = whole.portion(free, cost, self._room(taken, waiting))
            placed = Dive(part.program, self.chosen.requirement[free], self.stop).run(left() / 2)
            if placed is None:
                continue
            taken[free[placed]] = True
            rest = free[~self.of_same(taken)[free]]
            room = np.minimum(whole.most - whole.used(taken.astype(np.float64)), self._room(taken, waiting))
            taken = self._searched(rest, cost, taken, room, left() / 2)
        return taken

    def rest(self, taken: Bools, cost: Floats, seconds: float) -> Bools:
        """[choices] taken once whoever has no place yet is searched, all at once."""
        open_to = ~self.of_same(taken)
        free = np.flatnonzero(open_to & (self.guide.reduced < np.where(self.unsure, WIDE, NEAR)))
        room = self.whole.most - self.whole.used(taken.astype(np.float64))
        return self._searched(free, cost, taken, room, seconds)

    def _searched(self, free: Ints, cost: Floats, taken: Bools, room: Floats, seconds: float) -> Bools:
        """[choices] taken with those that a search among the choices `free` adds, in the `room` [rows]."""
        part = self.whole.portion(free, cost, room)
        answer = search(part.program, None, self.stop, seconds, GAP, NODES)
        out = taken.copy()
        if answer.x is not None:
            out[free[answer.x[: len(free)] > 0.5]] = True
        return out

    def _room(self, taken: Bools, waiting: Floats) -> Floats:
        """[rows] what is left by those placed and those who wait. Half a place left by the shares of those
        who wait is a place: they have other choices."""
        whole = self.whole
        settled = whole.most - whole.used(taken.astype(np.float64))
        room = np.ceil((settled - whole.used(waiting)) / whole.grid - 1e-3) * whole.grid
        out: Floats = np.minimum(settled, room)
        return out

    def of_same(self, some: Bools) -> Bools:
        """[choices] of the requirements that some choices are of."""
        has = np.zeros(self.requirements, np.bool_)
        has[self.chosen.requirement[some]] = True
        out: Bools = has[self.chosen.requirement]
        return out

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
