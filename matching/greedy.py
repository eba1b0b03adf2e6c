"""A first allocation, one requirement after another: always within the rules, never claimed to be best.

It stands in where a solve was stopped before its proof, and is where the integer search begins.
"""

from __future__ import annotations

import numpy as np

from matching.columns import Model, RowName
from matching.policy import Policy
from matching.rules import supervision
from matching.rules.different_sites import most_repeats
from matching.tables import Bools, Ints, Tables


class Room:
    """What is left under the rows of a model as choices are taken.

    A priced row holds as much as its steps do. Shared educators' time is given out first come, first served,
    and learners' different sites are counted; both are kept beside the rows.
    """

    def __init__(self, tables: Tables, policy: Policy, model: Model) -> None:
        self.tables, self.policy, self.model = tables, policy, model
        n = len(model.choices)
        steps = np.array([e.most for e in model.extras], np.float64)
        self.names: list[RowName] = []
        left: list[float] = []
        self.rows_of: list[list[tuple[int, int]]] = [[] for _ in range(n)]
        for rows in (model.core, model.pool):
            for name, columns, values, most in zip(
                rows.names, rows.columns, rows.values, rows.most, strict=True
            ):
                if most < 0 or name.rule == "different_sites" or self.shared(name):
                    continue
                further = columns >= n
                held = most + float((steps[columns[further] - n] * -values[further]).sum())
                row = len(self.names)
                for k, value in zip(columns[~further].tolist(), values[~further].tolist(), strict=True):
                    self.rows_of[k].append((row, value))
                self.names.append(name)
                left.append(held)
        self.left = np.array(left, np.float64)
        self.holders: list[list[int]] = [[] for _ in self.names]
        load = policy.supervision
        self.limited = load is not None
        self.own = {
            d: np.zeros(len(tables.problem.weeks), np.int64)
            for d, educators in enumerate(tables.educators_of)
            if educators
        }
        self.pool = np.zeros_like(tables.educator_wte)
        if load is not None:
            for d in self.own:
                by_week = tables.wte_by_week[d]
                if by_week is not None:
                    self.own[d][:] = [supervision.limit(int(wte), load) for wte in by_week]
            for index, wte in np.ndenumerate(tables.educator_wte):
                self.pool[index] = supervision.limit(int(wte), load)
        self.sites: dict[int, list[int]] = {}
        self.supervised: dict[tuple[int, int], list[int]] = {}

    def shared(self, name: RowName) -> bool:
        """Whether a row is about a department that educators serve, or about an educator."""
        if name.rule != "supervision":
            return False
        return name.level == "educator" or bool(self.tables.educators_of[name.position])

    def full(self, k: int) -> tuple[RowName, list[int]] | None:
        """The first limit that keeps a choice out as things stand, with the choices that fill it; None where
        it fits."""
        for row, value in self.rows_of[k]:
            if self.left[row] < value:
                return self.names[row], self.holders[row]
        chosen = self.model.choices
        learner, site, d = int(chosen.learner[k]), int(chosen.site[k]), int(chosen.department[k])
        if self.repeats(learner, site) > self.allowed(learner):
            return RowName("different_sites", "learner", learner), []
        if self.limited and d in self.own:
            for w in self.tables.week_sets[int(chosen.week_set[k])]:
                free = self.own[d][w] + sum(self.pool[e, w] for e in self.tables.educators_of[d])
                if free < chosen.weight[k]:
                    holders = self.supervised.get((d, w), [])
                    return RowName("supervision", "department", d, (w,)), holders
        return None

    def repeats(self, learner: int, site: int) -> int:
        """The learner's repeats with one more placing at a site."""
        been = {self.tables.problem.site_index[s] for s in self.tables.problem.learners[learner].attended}
        out = 0
        for s in [*self.sites.get(learner, []), site]:
            out += s in been
            been.add(s)
        return out

    def allowed(self, learner: int) -> int:
        """The most repeats that leave the learner enough different sites."""
        asked = int(self.tables.asked[learner])
        if not self.policy.different_sites:
            return asked
        return most_repeats(self.tables.problem.learners[learner], asked)

    def take(self, k: int) -> None:
        """Takes a choice that fits."""
        chosen = self.model.choices
        for row, value in self.rows_of[k]:
            self.left[row] -= value
            self.holders[row].append(k)
        self.sites.setdefault(int(chosen.learner[k]), []).append(int(chosen.site[k]))
        d = int(chosen.department[k])
        for w in self.tables.week_sets[int(chosen.week_set[k])]:
            self.supervised.setdefault((d, w), []).append(k)
            if not self.limited or d not in self.own:
                continue
            needed = int(chosen.weight[k])
            own = min(needed, int(self.own[d][w]))
            self.own[d][w] -= own
            needed -= own
            for e in sorted(self.tables.educators_of[d], key=lambda e: -self.pool[e, w]):
                given = min(needed, int(self.pool[e, w]))
                self.pool[e, w] -= given
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
        if int(chosen.requirement[k]) not in placed and room.full(k) is None:
            take(k)
    by_requirement: dict[int, list[int]] = {}
    for k in np.argsort(cost, kind="stable").tolist():
        by_requirement.setdefault(int(chosen.requirement[k]), []).append(k)
    requirements = tables.problem.requirements

    def rank(r: int) -> tuple[int, int, int, int]:
        return -int(pinned[r]), requirements[r].priority, len(by_requirement[r]), r

    for r in sorted(by_requirement, key=rank):
        if r in placed:
            continue
        for k in by_requirement[r]:
            if room.full(k) is None:
                take(k)
                break
    return taken
