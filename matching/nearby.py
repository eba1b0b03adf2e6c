"""Whom a move concerns: the requirements to set free before a local re-solve.

A move needs room; the learners in its way can make some by the cheapest ways out, which may need room
themselves, and so on (as in a shortest augmenting path, with the prices of single placings for lengths); what
the move vacates is open to whoever gains most by it. The choice of whom to free never makes an answer wrong,
only less than the best.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matching.standing import Standing
from matching.tables import Bools, Ints
from matching.tiers import greedy_cost

# Points (in thousandths) that losing a place counts for in looking for ways out; the tiers decide later.
LOSING = 2_000_000
CROWDED = 3_000
WAYS = 4
GAINERS = 6


@dataclass(frozen=True, eq=False)
class Nearby:
    """Looks round one standing answer."""

    standing: Standing

    @classmethod
    def of(cls, standing: Standing) -> Nearby:
        """The one of a standing answer, made once."""
        found: Nearby = standing.__dict__.setdefault("nearby", cls(standing))
        return found

    @cached_property
    def cost(self) -> Ints:
        """[choices] what each costs by itself, thousandths of a point."""
        return greedy_cost(self.standing.tiers, len(self.standing.choices))

    @cached_property
    def _marginal(self) -> tuple[Ints, Ints]:
        """[choices] what taking each would add now, and what giving it up would save: its own cost and the
        next, or last, step of the prices that rise with use."""
        standing, n = self.standing, len(self.cost)
        tier = next(t for t in standing.tiers if np.array_equal(t.cost[:n], self.cost))
        steps = standing.rows[:, n:].tocsr().sorted_indices()
        up, down = np.zeros(steps.shape[0]), np.zeros(steps.shape[0])
        need = standing.used - standing.most
        price = tier.cost[n:]
        for i in np.flatnonzero(np.diff(steps.indptr)).tolist():
            top = 0.0
            for j in steps.indices[steps.indptr[i] : steps.indptr[i + 1]].tolist():
                extra = standing.model.extras[j]
                if extra.family not in ("step", "load"):
                    continue
                begin, top = top, top + extra.most
                if begin < need[i] <= top:
                    down[i] = price[j]
                if begin <= need[i] < top:
                    up[i] = price[j]
        of = standing.rows[:, :n].T
        return self.cost + np.rint(of @ up).astype(np.int64), self.cost + np.rint(of @ down).astype(np.int64)

    def about(self, choice: int, most: int) -> Ints:
        """At most `most` requirements to set free for one of them to take a choice, its own among them."""
        standing = self.standing
        mover = int(standing.choices.requirement[choice])
        free = {mover: 0}
        queue: list[tuple[int, int]] = [(0, r) for r in self._tied(mover)]
        seen: set[int] = set()
        self._in_the_way(choice, 0, queue, seen)
        self._vacated(int(standing.held[mover]), 0, queue)
        while queue and len(free) < most:
            far, r = heapq.heappop(queue)
            if r in free:
                continue
            free[r] = far
            self._vacated(int(standing.held[r]), far, queue)
            for length, k in self._ways_out(r):
                self._in_the_way(k, far + length, queue, seen)
        return np.array(sorted(free), np.int64)

    def _vacated(self, choice: int, far: int, queue: list[tuple[int, int]]) -> None:
        """Queues those who would gain most by a place that is vacated."""
        for gain, r in self.gainers(choice)[:GAINERS] if choice >= 0 else ():
            heapq.heappush(queue, (far + max(0, CROWDED - gain), r))

    def wider(self, choice: int, known: Ints, most: int) -> Ints:
        """Those known and at most `most` more: the learner's other requirements and those whom the same
        department, or one that shares its educators, supervises in some of the same weeks."""
        standing, chosen = self.standing, self.standing.choices
        r, group = int(chosen.requirement[choice]), standing.load_group
        covers = standing.tables.week_set_weeks
        near = standing.taken & (group[chosen.department] == group[chosen.department[choice]])
        near &= (covers[chosen.week_set] & covers[chosen.week_set[choice]]).any(axis=1)
        ways = [
            (way[0][0] if (way := self._ways_out(q)) else LOSING, q)
            for q in chosen.requirement[near].tolist()
        ]
        own = np.flatnonzero(standing.tables.requirement_learner == standing.tables.requirement_learner[r])
        more = [q for _, q in sorted(ways) if q not in set(known.tolist())][:most]
        return np.unique(np.concatenate([known, own, np.array(more, np.int64)]))

    def crowding(self, choice: int) -> int:
        """A guess at what it costs the others, in thousandths of a point, that a choice is taken."""
        rows = self._short_rows(choice)
        worst = 0
        for row in rows:
            out = [self._ways_out(int(self.standing.choices.requirement[k]))[:1] for k in self._holders(row)]
            worst = max(worst, min((way[0][0] for way in out if way), default=LOSING))
        return worst

    def _tied(self, r: int) -> list[int]:
        """The other requirements of a learner who must see different sites."""
        tables = self.standing.tables
        learner = int(tables.requirement_learner[r])
        different = self.standing.problem.learners[learner].different_sites
        if not self.standing.policy.different_sites or different is None:
            return []
        own: list[int] = np.flatnonzero(tables.requirement_learner == learner).tolist()
        return [q for q in own if q != r]

    def _in_the_way(self, choice: int, far: int, queue: list[tuple[int, int]], seen: set[int]) -> None:
        """Queues those who fill the rows that keep a choice out."""
        for row in self._short_rows(choice):
            if row in seen:
                continue
            seen.add(row)
            for k in self._holders(row):
                r = int(self.standing.choices.requirement[k])
                ways = self._ways_out(r)
                heapq.heappush(queue, (far + (ways[0][0] if ways else LOSING), r))

    def _short_rows(self, choice: int) -> list[int]:
        short = self.standing.short
        found: list[int] = short.indices[short.indptr[choice] : short.indptr[choice + 1]].tolist()
        return found

    def _holders(self, row: int) -> list[int]:
        known = self._held_in
        if row not in known:
            known[row] = self.standing.holders(row).tolist()
        return known[row]

    @cached_property
    def _held_in(self) -> dict[int, list[int]]:
        return {}

    @cached_property
    def _crowded(self) -> Bools:
        """[choices] those that have no room."""
        crowded: Bools = np.diff(self.standing.short.indptr) > 0
        return crowded

    @cached_property
    def _ways(self) -> dict[int, list[tuple[int, int]]]:
        return {}

    def _ways_out(self, r: int) -> list[tuple[int, int]]:
        """The cheapest other choices of a requirement: what each costs more, with something added where it
        has no room."""
        if r not in self._ways:
            standing, now = self.standing, int(self.standing.held[r])
            mine = np.arange(standing.start[r], standing.start[r + 1])
            mine = mine[mine != now]
            up, down = self._marginal
            more = up[mine] - (down[now] if now >= 0 else 0)
            length = np.maximum(0, more) + CROWDED * self._crowded[mine]
            best = np.argsort(length, kind="stable")[:WAYS]
            self._ways[r] = [(int(length[i]), int(mine[i])) for i in best]
        return self._ways[r]

    def gainers(self, vacated: int) -> list[tuple[int, int]]:
        """Requirements that would gain by a place that is vacated, most first: those left over, then by what
        their own place costs more."""
        standing, chosen = self.standing, self.standing.choices
        shared = standing.tables.week_set_weeks
        weeks = shared[chosen.week_set[vacated]]
        there = np.flatnonzero(chosen.offer == chosen.offer[vacated])
        there = there[(shared[chosen.week_set[there]] & weeks).any(axis=1)]
        now = standing.held[chosen.requirement[there]]
        there, now = there[now != there], now[now != there]
        up, down = self._marginal
        own = down[vacated] - self.cost[vacated] + self.cost[there]  # the step that is freed
        gain = np.where(now >= 0, down[now], LOSING) - np.minimum(up[there], own)
        better = gain > 0
        there, gain = there[better], gain[better]
        order = np.argsort(-gain, kind="stable")
        return [(int(gain[i]), int(chosen.requirement[there[i]])) for i in order.tolist()]
