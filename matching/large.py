"""Large parts: relaxed as a whole, answered class by class, bounded by prices and by classes alone.

`windows.py` says which choices are worth having; `classes.py` the fewest that each class of learners must
leave over; `guide.py` relaxes the whole over those choices; `turns.py` finds an answer near it. An answer
counts only where it is exactly better, tier by tier.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import vstack

from matching.classes import Alone, classes
from matching.greedy import place_greedily
from matching.guide import Guide, relaxed_guide
from matching.portion import Whole
from matching.program import Floats
from matching.tables import Ints
from matching.tier_search import Search, lift, scale_of
from matching.tiers import greedy_cost
from matching.turns import another_turn, first_turn
from matching.windows import WORKERS, Windows, window_of

# Choices from which a part is large: below it HiGHS ends whole programs in seconds.
LARGE = 12_000
# Points that one placing is worth in a search of many tiers at once (the tiers are kept exactly afterwards).
UNPLACED = 3_000.0
# Points that leaving one over costs while choices are looked for: about what they end up costing.
LEFT_OVER = 700.0
# Rounds of turns after the first.
ROUNDS = 6

Say = Callable[[str], None]


class Large:
    """A large part being solved."""

    def __init__(self, found: Search, pinned: Ints, say: Say) -> None:
        self.found, self.pinned, self.say = found, pinned, say
        model = found.model
        self.n = len(model.choices)
        rows = vstack([found.core, found.pool]).tocsr()
        most = np.concatenate([np.array(model.core.most, np.float64), found.pool_most])
        names = model.core.names + model.pool.names
        self.whole = Whole(rows, most, found.upper.copy(), names, model.extras, self.n)
        self.cost = _together(found)
        soft = [t for t in found.tiers if _soft(t.name) and not t.placing and t.worst is None]
        self.soft = sum((t.cost / scale_of(t) for t in soft), np.zeros(model.width))
        self.first_soft = soft[0].name if len(soft) == 1 else None
        self.earlier = [t for t in found.tiers if t.placing or not _soft(t.name)]
        requirement = model.choices.requirement
        self.groups = classes(found.tables, np.unique(requirement))
        self.members = [np.flatnonzero(np.isin(requirement, those)) for those in self.groups]
        self.least = [0] * len(self.earlier)
        self.guide: Guide | None = None

    def solve(self) -> None:
        """The best answer in the time there is."""
        found, chosen = self.found, self.found.model.choices
        looking = self.soft + sum(
            (LEFT_OVER * t.cost * (1 if t.placing else 25) for t in self.earlier), np.zeros(len(self.soft))
        )
        windows = Windows(self.whole, chosen, window_of(found.tables, chosen), looking, found.stop)
        if not windows.explore(found.left / 4):
            return
        self.say("relaxed window by window")
        with ThreadPoolExecutor(WORKERS) as workers:
            alone = self._alone()
            seconds = found.left / 5
            list(workers.map(lambda item: item[1].relax(found.stop, seconds), alone))
            self._raise(alone)
            self.say("each class alone")
            whole_year = workers.submit(self._relaxed, windows, found.left / 2)
            searched = [
                workers.submit(item.search, found.stop, found.left / 4) for _, item in alone if item.open
            ]
            for task in searched:
                task.result()
            self._raise(alone)
            guide = whole_year.result() or Guide(
                self.whole, windows.taken, windows.reduced, -np.inf, np.zeros(len(self.earlier))
            )
        self.guide = guide
        self.say("relaxed as a whole")
        if found.stop():
            return
        taken = first_turn(guide, chosen.requirement, self.members, self.cost, found.stop, found.left / 2)
        cheap = greedy_cost(found.tiers, self.n)
        completed = place_greedily(found.tables, found.policy, found.model, self.pinned, cheap, taken)
        found.offer(completed.astype(np.float64))
        self.say("every class in turn")
        self._again(guide)

    def bound(self, position: int) -> int | None:
        """What a tier cannot undercut with those before it at their value; None where nothing is known."""
        found, tier = self.found, self.found.tiers[position]
        for k, earlier in enumerate(self.earlier):
            if earlier is tier:
                return min(found.value[position], self.least[k])
        if self.guide is None or tier.name != self.first_soft:
            return None
        held = [found.value[found.tiers.index(t)] - t.constant for t in self.earlier]
        return lift(tier, self.guide.bound(held), found.value[position])

    def _alone(self) -> list[tuple[int, Alone]]:
        """By earlier tier and class, what is left over of the class alone."""
        requirement = self.found.model.choices.requirement
        out = []
        for k, tier in enumerate(self.earlier):
            for mine in self.members if tier.placing else []:
                counted = mine[tier.cost[mine] != 0]
                if len(counted):
                    out.append((k, Alone(self.whole, tier.cost, counted, requirement)))
        return out

    def _raise(self, alone: list[tuple[int, Alone]]) -> None:
        for k in range(len(self.earlier)):
            self.least[k] = sum(item.low for j, item in alone if j == k)

    def _relaxed(self, windows: Windows, seconds: float) -> Guide | None:
        held = [low - t.constant for low, t in zip(self.least, self.earlier, strict=True)]
        costs = [t.cost for t in self.earlier]
        kept = windows.worth | self.found.taken
        return relaxed_guide(windows, self.soft, costs, held, kept, self.found.stop, seconds)

    def _again(self, guide: Guide) -> None:
        """Turns until none helps."""
        found, chosen = self.found, self.found.model.choices
        idle = 0
        for turn in range(ROUNDS * len(self.members)):
            if idle >= len(self.members) or found.stop() or found.left < 1.0:
                return
            mine = self.members[turn % len(self.members)]
            before = found.value
            taken = another_turn(
                guide,
                chosen.requirement,
                chosen.learner,
                mine,
                found.taken,
                self.cost,
                found.stop,
                found.left / 2,
            )
            found.offer(taken.astype(np.float64))
            idle = 0 if found.value < before else idle + 1
            if turn % len(self.members) == len(self.members) - 1:
                self.say("another round of turns")


def _soft(name: str) -> bool:
    return name != "agreement_shortfall"


def _together(found: Search) -> Floats:
    """One cost of all tiers for a search: the soft tiers in one, and placing far above them."""
    width = len(found.tiers[0].cost)
    out = np.zeros(width)
    level = 1.0
    for tier in reversed(found.tiers):
        if tier.placing:
            out += UNPLACED * level * tier.cost
            level *= 5.0
        elif tier.name == "agreement_shortfall":
            out += 25 * UNPLACED * tier.cost
        elif tier.worst is None:
            out += tier.cost / scale_of(tier)
    return out
