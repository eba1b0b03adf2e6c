"""The answer of a large part class by class: each a search of its own with the rest of the network in place.

First in order of priority: whoever has had their turn stands where they are, whoever has not takes up what
the relaxation gives them. Then again and again with everyone where they are, so that the answer only gets
better, tier by tier.
"""

from __future__ import annotations

import numpy as np

from matching.guide import Guide
from matching.program import Floats, search
from matching.stop import Stop
from matching.tables import Bools, Ints

# Points of reduced cost up to which a choice takes part: in the first turn, and in those after it.
NEAR, WIDER = 6.0, 12.0
# Relative gap and nodes at which a search of a class ends, on any machine.
GAP = 2e-5
NODES = 60


def first_turn(
    guide: Guide, requirement: Ints, members: list[Ints], cost: Floats, stop: Stop, seconds: float
) -> Bools:
    """[choices] taken, class by class (`members`: their choices) at `cost` [columns]."""
    whole = guide.whole
    taken = np.zeros(whole.n, np.bool_)
    waiting = guide.taken.copy()
    for i, mine in enumerate(members):
        waiting[mine] = 0.0
        if stop():
            break
        settled = whole.most - whole.used(taken.astype(np.float64))
        left = settled - whole.used(waiting)
        # Half a place left by the shares of those who wait is a place: they have other choices.
        left = np.minimum(settled, np.ceil(left / whole.grid - 1e-3) * whole.grid)
        free = mine[guide.reduced[mine] < NEAR]
        part = whole.portion(free, cost, left)
        answer = search(part.program, None, stop, seconds / (len(members) - i), GAP, NODES)
        if answer.x is not None:
            taken[free[answer.x[: len(free)] > 0.5]] = True
    return taken


def another_turn(
    guide: Guide,
    requirement: Ints,
    learner: Ints,
    mine: Ints,
    taken: Bools,
    cost: Floats,
    stop: Stop,
    seconds: float,
) -> Bools:
    """[choices] taken after one class has been placed again with everyone else in place. Learners of the
    class who lack a place may go anywhere."""
    whole = guide.whole
    placed = np.zeros(int(requirement.max()) + 1, np.bool_)
    placed[requirement[taken]] = True
    lacking = np.isin(learner[mine], np.unique(learner[mine][~placed[requirement[mine]]]))
    free = mine[(guide.reduced[mine] < WIDER) | taken[mine] | lacking]
    others = taken.copy()
    others[free] = False
    part = whole.portion(free, cost, whole.most - whole.used(others.astype(np.float64)))
    answer = search(part.program, np.flatnonzero(taken[free]), stop, seconds, GAP, NODES)
    if answer.x is None:
        return taken
    others[free[answer.x[: len(free)] > 0.5]] = True
    return others
