"""A first allocation, one requirement after another: always within the rules, never claimed to be best.

It stands in where a solve was stopped before its proof, and is where the integer search begins.
"""

from __future__ import annotations

import numpy as np

from matching.columns import Model, RowName, groups
from matching.policy import Policy
from matching.rules.different_sites import most_repeats
from matching.tables import NO_CAP, Bools, Ints, Tables
from matching.teams import LEARNERS, Teams


class Room:
    """What is left under the rows of a model as choices are taken.

    A priced row holds as much as its steps do. Shared educators' time is given out first come, first served,
    and learners' different sites are counted; both are kept beside the rows.
    """

    def __init__(self, tables: Tables, policy: Policy, model: Model) -> None:
        self.tables, self.policy, self.model = tables, policy, model
        n = len(model.choices)
        counted = [
            most >= 0 and name.rule != "different_sites" and not self.shared(name)
            for name, most in zip(model.names, model.most.tolist(), strict=True)
        ]
        # [rows] what is left of each, and of those that are not counted always enough; `row` and `value` of
        # choice k are those from start[k] to start[k + 1].
        steps = np.append(np.zeros(n), model.upper[n:])
        self.left = np.where(counted, model.most - model.rows @ steps, np.inf)
        by_column = model.rows.tocsc()
        self.start, self.row, self.value = by_column.indptr, by_column.indices, by_column.data
        self.taken = np.zeros(model.width, np.bool_)
        self.stocks = [_Stock(tables, policy, teams, model) for teams in tables.measures(policy)]
        self.sites: dict[int, list[int]] = {}
        self.supervised: dict[tuple[int, int], list[int]] = {}

    def shared(self, name: RowName) -> bool:
        """Whether a row is about a department that educators serve, or about an educator."""
        if name.rule != "supervision":
            return False
        return name.level == "educator" or bool(self.tables.educators_of[name.position])

    def fits(self, k: int) -> bool:
        """Whether every limit lets a choice in as things stand."""
        return self.full_row(k) is None and self.full_beside(k) is None

    def full(self, k: int) -> tuple[RowName, list[int]] | None:
        """The first limit that keeps a choice out as things stand, with the choices that fill it; None where
        it fits."""
        row = self.full_row(k)
        if row is None:
            return self.full_beside(k)
        begin, end = self.model.rows.indptr[row : row + 2]
        inside = self.model.rows.indices[begin:end]
        return self.model.names[row], inside[self.taken[inside]].tolist()

    def full_row(self, k: int) -> int | None:
        """The first row (among those counted) without room for a choice."""
        here = slice(self.start[k], self.start[k + 1])
        short = self.left[self.row[here]] < self.value[here]
        first = int(short.argmax())
        return int(self.row[here][first]) if short[first] else None

    def full_beside(self, k: int) -> tuple[RowName, list[int]] | None:
        """As `full`, of what is kept beside the rows."""
        chosen = self.model.choices
        learner, site, d = int(chosen.learner[k]), int(chosen.site[k]), int(chosen.department[k])
        if self.repeats(learner, site) > self.allowed(learner):
            return RowName("different_sites", "learner", learner), []
        for stock in self.stocks if self.tables.educators_of[d] else ():
            for w in self.tables.week_sets[int(chosen.week_set[k])]:
                if stock.left(k, w) < stock.amount[k]:
                    name = RowName("supervision", "department", d, (w,), stock.named)
                    return name, self.supervised.get((d, w), [])
        return None

    def repeats(self, learner: int, site: int) -> int:
        """The learner's repeats with one more placing at a site."""
        placings, problem = [*self.sites.get(learner, []), site], self.tables.problem
        been = {problem.site_index[s] for s in problem.learners[learner].attended}
        return len(placings) - len(set(placings) - been)

    def allowed(self, learner: int) -> int:
        """The most repeats that leave the learner enough different sites."""
        asked = int(self.tables.asked[learner])
        if not self.policy.different_sites:
            return asked
        return most_repeats(self.tables.problem.learners[learner], asked)

    def take(self, k: int) -> None:
        """Takes a choice that fits."""
        chosen = self.model.choices
        here = slice(self.start[k], self.start[k + 1])
        self.left[self.row[here]] -= self.value[here]
        self.taken[k] = True
        self.sites.setdefault(int(chosen.learner[k]), []).append(int(chosen.site[k]))
        d = int(chosen.department[k])
        for w in self.tables.week_sets[int(chosen.week_set[k])] if self.tables.educators_of[d] else ():
            self.supervised.setdefault((d, w), []).append(k)
            for stock in self.stocks:
                stock.take(k, w)


class _Stock:
    """What is left of one measure of supervision: own of the cells, and of the pools, by week."""

    def __init__(self, tables: Tables, policy: Policy, teams: Teams, model: Model) -> None:
        load = policy.supervision or 0.0
        self.teams = teams
        # [cells][weeks], [pools][weeks] and [choices]: lists, as they are read one number at a time.
        self.own: list[list[int]] = teams.own_limit(load).tolist()
        self.pool: list[list[int]] = teams.pool_limit(load).tolist()
        cell = model.choices.cell if teams is tables.teams else model.choices.head
        self.cell: list[int] = cell.tolist()
        self.amount: list[int] = tables.amount(teams)[model.choices.requirement].tolist()
        self.named = LEARNERS if teams.measure == LEARNERS else ""

    def left(self, k: int, w: int) -> int:
        """What a choice could still take in a week."""
        c = self.cell[k]
        return NO_CAP if c < 0 else self.own[c][w] + sum(self.pool[p][w] for p in self.teams.pools_of[c])

    def take(self, k: int, w: int) -> None:
        """A choice takes its cell's own first, then of the pools that have most."""
        c, needed = self.cell[k], self.amount[k]
        if c < 0:
            return
        own = min(needed, self.own[c][w])
        self.own[c][w] -= own
        needed -= own
        for p in sorted(self.teams.pools_of[c], key=lambda p: -self.pool[p][w]) if needed else ():
            given = min(needed, self.pool[p][w])
            self.pool[p][w] -= given
            needed -= given


def place_greedily(
    tables: Tables, policy: Policy, model: Model, pinned: Ints, cost: Ints, begin: Bools | None = None
) -> Bools:
    """[choices] taken: those of `begin` that fit, then pinned requirements, then by priority and the fewest
    choices; each its cheapest by `cost` [choices] with room."""
    chosen, room = model.choices, Room(tables, policy, model)
    taken = np.zeros(len(chosen), np.bool_)
    placed: set[int] = set()

    def take(k: int) -> None:
        room.take(k)
        taken[k] = True
        placed.add(int(chosen.requirement[k]))

    for k in np.flatnonzero(begin).tolist() if begin is not None else []:
        if int(chosen.requirement[k]) not in placed and room.fits(k):
            take(k)
    cheapest = np.argsort(cost, kind="stable")
    by_requirement = {r: cheapest[those] for r, those in groups(chosen.requirement[cheapest])}
    requirements = tables.problem.requirements

    def rank(r: int) -> tuple[int, int, int, int]:
        return -int(pinned[r]), requirements[r].priority, len(by_requirement[r]), r

    for r in sorted(by_requirement, key=rank):
        if r not in placed:
            fitting = next((k for k in by_requirement[r].tolist() if room.fits(k)), None)
            if fitting is not None:
                take(fitting)
    return taken
