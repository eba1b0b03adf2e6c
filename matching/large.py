"""Large parts: relaxed as a whole, answered by a dive through the year, bounded by prices and classes alone.

`windows.py` says roughly which choices are worth having; `classes.py` the fewest that each class of learners
must leave over; `guide.py` relaxes the whole over those choices, and placing alone; `whole_year.py` finds an
answer near it (`turns.py` where there is no time for that), and `exchanges.py` a better one. An answer counts
only where it is exactly better, tier by tier.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from matching.classes import Alone, classes
from matching.exchanges import Exchanges, bonds
from matching.greedy import place_greedily
from matching.guide import Begin, Ceiling, Guide, Relaxation, fewest_left, relaxed_guide
from matching.lean import lean
from matching.program import Floats
from matching.tables import Bools, Ints
from matching.threads import results
from matching.tier_search import Search, lift, scale_of
from matching.tiers import greedy_cost
from matching.turns import NEAR, Turns
from matching.whole_year import PACE, dive_through
from matching.windows import WORKERS, Windows, window_of

# Choices from which a part is large: below it HiGHS ends whole programs in seconds.
LARGE = 12_000
# Points that one placing is worth in a search of many tiers at once (the tiers are kept exactly afterwards).
UNPLACED = 3_000.0
# Points that leaving one over costs while choices are looked for: about what they end up costing.
LEFT_OVER = 700.0
# How many left over one short of what was agreed counts as there.
SHORTFALL = 25
# Requirements to which a class alone is bounded whole.
SMALL = 1_200
# Points of reduced cost up to which choices take part in the exchanges of a window, one after another.
REACHES = (0.5, 2.0)
# Rounds of exchanges after the first turns.
ROUNDS = 8
# Points of reduced cost up to which a choice of whoever floats is looked at from the beginning.
FAR = 30.0
# Relative gap of the relaxation that looks for choices worth having.
LOOSE = 0.05
# Where the loose relaxation begins: what products of amounts and prices are, how far it is off its borders,
# and how much of each choice is an even share.
MEAN, OFF, EVEN = 1.0, 0.05, 0.2
# The part of the time left for relaxing the whole once windows are.
RELAXING = 0.7
# Points to which an exchange is searched.
FINE = 2.0

Say = Callable[[str], None]


class Large:
    """A large part being solved."""

    def __init__(self, found: Search, pinned: Ints, say: Say) -> None:
        self.found, self.pinned, self.say = found, pinned, say
        model = found.model
        self.n = len(model.choices)
        self.whole = lean(found.tables, found.policy, model)
        self.cost = _together(found)
        soft = [t for t in found.tiers if t.soft and t.worst is None]
        self.soft = sum((t.cost / scale_of(t) for t in soft), np.zeros(model.width))
        self.first_soft = soft[0].name if len(soft) == 1 else None
        self.earlier = [t for t in found.tiers if not t.soft]
        self.window = window_of(found.tables, model.choices)
        requirement = model.choices.requirement
        requirements = found.tables.problem.requirements
        self.priority = np.array([requirements[r].priority for r in requirement], np.int64)
        self.floating = np.array([r.rotation is not None for r in requirements], np.bool_)
        those = classes(found.tables, np.unique(requirement))
        self.members = [np.flatnonzero(np.isin(requirement, each)) for each in those]
        self.least = [0] * len(self.earlier)
        self.guides: list[Guide] = []
        # What all tiers of placing cannot undercut together, as far as is known.
        self.together = -math.inf

    def solve(self) -> None:
        """The best answer in the time there is. On one core a matrix, so that it is the same with any number
        of cores: how many work at one decides how it is rounded."""
        with threadpool_limits(1, "blas"):
            self._solve()

    def _solve(self) -> None:
        found, chosen = self.found, self.found.model.choices
        looking = self.soft.copy()
        for tier in self.earlier:
            looking += LEFT_OVER * (1 if tier.placing else SHORTFALL) * tier.cost
        windows = Windows(self.whole, chosen, self.window, looking, found.stop)
        if not windows.explore(0.8 * found.left):
            return
        self.say("relaxed window by window")
        with ThreadPoolExecutor(WORKERS) as workers:
            worth = windows.worth | found.taken | self._bound_together(windows)
            begin = self.begin(windows)
            begun = time.monotonic()
            ends = begun + RELAXING * found.left
            loosely = workers.submit(self._relaxed, [], worth, begin, ends, gap=LOOSE)
            alone = self._alone(windows.margin)
            seconds = found.left / 5
            results([workers.submit(each.relax, found.stop, seconds) for _, each in alone], found.stop)
            open_ones = [each for _, each in alone if each.open]
            results([workers.submit(each.search, found.stop, seconds) for each in open_ones], found.stop)
            self._raise(alone)
            self.say("each class alone")
            closely = workers.submit(self._closely, loosely, alone, begin, begun, ends)
            # Something to show for the time until the whole is relaxed, or runs out.
            none = np.zeros(self.n, np.bool_)
            rough = Guide(
                self.whole, windows.taken, windows.reduced, -np.inf, np.zeros(len(self.least)), none
            )
            turns = Turns(rough, chosen, self.priority, self.cost, found.stop)
            self._first(turns, looking)
            self.say("every window in turn")
            (guide,) = results([closely], found.stop)
            if guide is None:
                self._exchanges(turns, alone)
                return
            self.guides.append(guide)
            self.say("relaxed as a whole")
            if guide.corner is None:
                self._exchanges(Turns(guide, chosen, self.priority, self.cost, found.stop), alone)
                return
            bounded = workers.submit(self._bounded, guide, alone)
            turns = self._all_year(guide, looking)
            self.say("the whole year at once")
            self._again(turns, self._windows(Exchanges(turns, found.tables, self.window)))
            self.say("every window again")
            self._exchanges(turns, alone)
            results([bounded], found.stop)

    def begin(self, windows: Windows) -> Begin:
        """Where windows say that the whole is to be relaxed from."""
        return Begin(windows.inside(MEAN), np.full(len(self.earlier), LEFT_OVER), OFF, EVEN)

    def _bound_together(self, windows: Windows) -> Bools:
        """[choices] what windows alone tell little of: of those who stay together, everything; of those whose
        block floats, what is not far off."""
        chosen, bond = self.found.model.choices, bonds(self.found.tables)
        together = np.bincount(bond)[bond] > 1
        floating = self.floating[chosen.requirement] & (windows.reduced < FAR)
        out: Bools = floating | together[chosen.learner]
        return out

    def bound(self, position: int) -> int | None:
        """What a tier cannot undercut with those before it at their value; None where nothing is known."""
        found, tier = self.found, self.found.tiers[position]
        for k, earlier in enumerate(self.earlier):
            if earlier is tier:
                return min(found.value[position], max(self.least[k], self._left_by_all(position)))
        if not self.guides or tier.name != self.first_soft:
            return None
        held = self._reached()
        return lift(tier, max(guide.bound(held) for guide in self.guides), found.value[position])

    def _left_by_all(self, position: int) -> int:
        """What the last tier of placing must leave over, as all of them together must, where those before it
        stay at their value."""
        tiers, values = self.found.tiers, self.found.value
        placing = [i for i, t in enumerate(tiers) if t.placing]
        if position != placing[-1] or not math.isfinite(self.together):
            return 0
        every = sum(tiers[i].constant for i in placing) + self.together
        return math.ceil(every - 1e-5) - sum(values[i] for i in placing[:-1])

    def _reached(self) -> list[int]:
        """[earlier tiers] the cost of the answer."""
        found = self.found
        return [found.value[found.tiers.index(t)] - t.constant for t in self.earlier]

    def _alone(self, margin: Floats) -> list[tuple[int, Alone]]:
        """By earlier tier and class, what is left over of the class alone: a small one whole, of others the
        learners whom it gains little to place (fewer learners only leave fewer over, so the bound holds)."""
        chosen, out = self.found.model.choices, []
        for k, tier in enumerate(self.earlier):
            for mine in self.members if tier.placing else []:
                counted = mine[tier.cost[mine] != 0]
                if len(np.unique(chosen.requirement[counted])) > SMALL:
                    tight = margin[chosen.requirement[counted]] < LEFT_OVER / 2
                    counted = counted[np.isin(chosen.learner[counted], chosen.learner[counted[tight]])]
                if len(counted):
                    out.append((k, Alone(self.whole, tier.cost, counted, chosen)))
        return out

    def _raise(self, alone: list[tuple[int, Alone]]) -> None:
        for k in range(len(self.earlier)):
            self.least[k] = sum(item.low for j, item in alone if j == k)

    def _held(self) -> list[int]:
        """[earlier tiers] the least cost that each may have, as far as is proven."""
        return [low - t.constant for low, t in zip(self.least, self.earlier, strict=True)]

    def _closely(
        self,
        loosely: Future[Guide | None],
        alone: list[tuple[int, Alone]],
        rough: Begin,
        begun: float,
        ends: float,
    ) -> Guide | None:
        """The whole over the choices that were worth having as it was relaxed loosely, from there or from
        where that began; as it was relaxed loosely where there is not as much time again, None where there
        was none for that."""
        first, now = loosely.result(), time.monotonic()
        if first is None or 2 * now - begun > ends:
            return first
        self.guides.append(first)
        return self._relaxed(alone, first.worth, first.begin or rough, ends) or first

    def _relaxed(
        self,
        alone: list[tuple[int, Alone]],
        kept: Bools,
        begin: Begin,
        ends: float,
        *,
        gap: float | None = None,
    ) -> Guide | None:
        """The whole over the choices `kept`, to a corner or up to a relative `gap`."""
        found, costs, held = self.found, [t.cost for t in self.earlier], self._held()
        chosen, ceilings = found.model.choices, _ceilings(alone)
        relaxation = Relaxation(self.whole, chosen, self.soft, costs, held, ceilings, kept)
        return relaxed_guide(relaxation, begin, found.stop, ends - time.monotonic(), gap=gap)

    def _bounded(self, guide: Guide, alone: list[tuple[int, Alone]]) -> None:
        """What no answer undercuts where the relaxation stands, and with one more left over: there, or
        nearly, an answer ends. And what all tiers of placing cost together."""
        found, reached = self.found, self._held()
        for k, tier in enumerate(self.earlier):
            if tier.placing:
                reached[k] = math.ceil(float(tier.cost[: self.n] @ guide.taken) - 1e-5)
        corner, further = guide.corner, []
        for held in (reached, [*reached[:-1], reached[-1] + 1]):
            further.append(None if corner is None else corner.reaching(held, found.stop, found.left / 2))
        self.guides += [each for each in further if each is not None]
        self.together = self._fewest_left(alone, guide.worth, found.left)

    def _fewest_left(self, alone: list[tuple[int, Alone]], kept: Bools, seconds: float) -> float:
        """What all tiers of placing must cost together."""
        found, costs = self.found, [t.cost for t in self.earlier if t.placing]
        return fewest_left(
            self.whole, found.model.choices, costs, _ceilings(alone), kept, found.stop, seconds
        )

    def turns(self) -> list[Ints]:
        """The choices of those whose block floats, and of all others window by window."""
        floating = self.floating[self.found.model.choices.requirement]
        windows = [np.flatnonzero(~floating & (self.window == w)) for w in np.unique(self.window)]
        return [np.flatnonzero(floating), *windows]

    def _all_year(self, guide: Guide, looking: Floats) -> Turns:
        """Everyone at once along a guide; where that leaves more than a few, those in turn."""
        found = self.found
        turns = Turns(guide, found.model.choices, self.priority, self.cost, found.stop)
        begin = dive_through(guide, found.model.choices, turns.unsure, found.stop, 0.6 * found.left)
        if begin is None or guide.taken.sum() - begin.sum() > 2 * PACE.few:
            self._first(turns, looking, begin)
        else:
            self._filled(turns.rest(begin, looking, found.left / 3))
        return turns

    def _first(self, turns: Turns, looking: Floats, begin: Bools | None = None) -> None:
        """Everyone in turn along a guide, but those whom `begin` places."""
        found = self.found
        self._filled(turns.first(self.turns(), looking, lambda: found.left, begin))

    def _filled(self, taken: Bools) -> None:
        """Offers an answer, with whoever still fits."""
        found = self.found
        cheap = greedy_cost(found.tiers, self.n)
        self._offer(place_greedily(found.tables, found.policy, found.model, self.pinned, cheap, taken))

    def _exchanges(self, turns: Turns, alone: list[tuple[int, Alone]]) -> None:
        """Chains, windows, markets and classes again until nothing helps."""
        found = self.found
        exchanges = Exchanges(turns, found.tables, self.window)
        for _ in range(ROUNDS):
            before = found.value
            for stage, each in (
                ("those who lack a place", self._chains(exchanges, alone)),
                ("those whose places are dear", self._dear(exchanges)),
                ("every window again", self._windows(exchanges)),
                ("every market again", self._markets(exchanges)),
                ("every class again", self._classes(turns.guide)),
            ):
                if not self._again(turns, each):
                    return
                self.say(stage)
            if found.value == before:
                return

    def _again(self, turns: Turns, each: Iterator[Ints]) -> bool:
        """Some exchanges; False where time ended first."""
        found = self.found
        for free in each:
            if found.stop() or found.left < 1.0:
                return False
            self._offer(turns.again(free, found.taken, FINE, found.left / 3))
        return True

    def _windows(self, exchanges: Exchanges) -> Iterator[Ints]:
        for near in REACHES:
            for w in np.unique(self.window).tolist():
                yield exchanges.within(w, near, self.found.taken)

    def _markets(self, exchanges: Exchanges) -> Iterator[Ints]:
        for inside in exchanges.markets():
            yield exchanges.market(inside, self.found.taken)

    def _chains(self, exchanges: Exchanges, alone: list[tuple[int, Alone]]) -> Iterator[Ints]:
        for learners in exchanges.lacking(self._waiting(alone), self.found.taken):
            yield exchanges.chain(learners, self.found.taken)

    def _dear(self, exchanges: Exchanges) -> Iterator[Ints]:
        for learners in exchanges.dear(self.found.taken):
            yield exchanges.around(learners, self.found.taken)

    def _classes(self, guide: Guide) -> Iterator[Ints]:
        for mine in self.members:
            yield mine[(guide.reduced[mine] < NEAR) | self.found.taken[mine]]

    def _waiting(self, alone: list[tuple[int, Alone]]) -> Ints:
        """Learners with a requirement left over, but in classes that leave over as few as they must."""
        requirements, tables = self.found.model.choices.requirement, self.found.tables
        over = np.ones(len(tables.problem.requirements), np.bool_)
        over[requirements[self.found.taken]] = False
        for _, item in alone:
            if over[item.requirements].sum() <= item.low:
                over[item.requirements] = False
        waiting = np.unique(requirements)
        return np.unique(tables.requirement_learner[waiting[over[waiting]]])

    def _offer(self, taken: Bools) -> None:
        self.found.offer(taken.astype(np.float64))


def _ceilings(alone: list[tuple[int, Alone]]) -> list[Ceiling]:
    """What each class can at most have."""
    return [Ceiling(item.free, len(item.requirements) - item.low, k) for k, item in alone]


def _together(found: Search) -> Floats:
    """One cost of all tiers for a search: the soft tiers in one, and placing far above them."""
    width = len(found.tiers[0].cost)
    out = np.zeros(width)
    level = 1.0
    for tier in reversed(found.tiers):
        if tier.placing:
            out += UNPLACED * level * tier.cost
            level *= 5.0
        elif not tier.soft:
            out += SHORTFALL * UNPLACED * tier.cost
        elif tier.worst is None:
            out += tier.cost / scale_of(tier)
    return out
