"""Exchanges in an answer of a large part: some requirements are placed again, everyone else stays.

A window of the year is placed again as a whole among the choices nearest to what the relaxation would take.
Few of its choices cost anything by the prices found, so that its program is small for so many learners.

A market is one kind of department in one window of the year, with learners of every class: classes in turn
leave behind what needs two of them to make way for each other. Over a market's one window a learner's year
hardly matters, so its program is small and ends soon.

A chain is for learners who lack a place though they could have it, were they alone: they and those who go
together with them may go anywhere, all year, and whoever stands where they could go may move within that
window. That needs no more than the places within their reach, however many windows and kinds of department it
goes through. Learners whose places are dear by the guide's prices are placed anew in much the same way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from matching.portion import Whole
from matching.program import Floats, search
from matching.tables import Bools, Ints, Tables
from matching.turns import NEAR, WIDE, Turns

# Nodes of the search tree for learners alone, who are so few that it takes no time.
NODES = 60
SECONDS = 10.0
# Points of reduced cost from which a place is dear for whoever has it; from which all of a learner's are.
DEAR, DEARER = 0.5, 3.0


class Exchanges:
    """Markets and chains of a part, along the guide of its turns."""

    def __init__(self, turns: Turns, tables: Tables, window: Ints) -> None:
        """`window` [choices] is the window of the year that each lies in."""
        self.turns, self.chosen, self.window = turns, turns.chosen, window
        self.place = self.chosen.department * (int(window.max(initial=0)) + 1) + window
        self.near = turns.guide.reduced < NEAR
        self.wide = turns.guide.reduced < WIDE
        problem = tables.problem
        kinds = sorted({d.modality for d in problem.departments})
        of = np.array([kinds.index(d.modality) for d in problem.departments], np.int64)
        self.kind: Ints = of[self.chosen.department]
        floating = np.array([r.rotation is not None for r in problem.requirements], np.bool_)
        self.floating: Bools = floating[self.chosen.requirement]
        self.bond = bonds(tables)
        self.learner_of = tables.requirement_learner
        self._most: dict[int, int] = {}

    def within(self, window: int, near: float, taken: Bools) -> Ints:
        """The choices that take part where a whole window is placed again: those within so many points of
        everyone who is placed in it or nowhere; wide ones of whoever has no place, or a dear one."""
        reduced = self.turns.guide.reduced
        lacking = ~self.turns.of_same(taken) | self.turns.of_same(taken & (reduced > DEAR))
        here = self.window == window
        there = self.turns.of_same(taken & here) | ~self.turns.of_same(taken)
        free: Ints = np.flatnonzero(here & there & ((reduced < near) | (lacking & self.wide) | taken))
        return free

    def markets(self) -> Iterator[Bools]:
        """[choices] of each market, in order of window and kind."""
        kinds = int(self.kind.max(initial=-1)) + 1
        market = self.window * kinds + self.kind
        for each in np.unique(market):
            yield market == each

    def market(self, inside: Bools, taken: Bools) -> Ints:
        """The choices that take part in a market: those within its window of everyone who could be in it,
        near ones, and wide ones where a place is lacking, of those as urgent. Floating requirements that
        stand in another window stay out of it."""
        waiting = ~self.turns.of_same(taken)
        window = self.window == self.window[np.argmax(inside)]
        here = inside & (~self.floating | waiting | self.turns.of_same(taken & window))
        mine = self.turns.of_same(here)
        lacking = mine & waiting
        urgent = np.zeros_like(mine)
        if lacking.any():
            priority = self.turns.priority
            urgent = mine & window & (priority == priority[lacking].min())
        free: Ints = np.flatnonzero(
            (mine & window & self.near) | (mine & taken) | ((lacking | urgent) & self.wide)
        )
        return free

    def lacking(self, learners: Ints, taken: Bools) -> Iterator[Ints]:
        """Learners bound together, of some, who could have more places than they have were they alone."""
        chosen = self.chosen
        of = self.bond[chosen.learner]
        for bond in np.unique(self.bond[learners]).tolist():
            ours = of == bond
            if ours.any() and int((taken & ours).sum()) < self._alone(bond, ours):
                yield np.unique(chosen.learner[ours])

    def chain(self, learners: Ints, taken: Bools) -> Ints:
        """The choices that take part in a chain for learners bound together: all of theirs; and of whoever
        stands in a department and window where all of them could be at one site, those near in the window."""
        chosen = self.chosen
        ours = np.isin(chosen.learner, learners)
        sites = [np.unique(chosen.site[chosen.learner == each]) for each in learners]
        shared = np.flatnonzero(np.bincount(np.concatenate(sites)) == len(learners))
        if not len(shared):
            shared = np.unique(np.concatenate(sites))
        moving = self._making_way(ours & np.isin(chosen.site, shared), taken & ~ours)
        return np.flatnonzero(ours | (moving & (self.near | taken)))

    def dear(self, taken: Bools) -> list[Ints]:
        """Learners bound together whose places are dear by the prices of the guide, the dearest first."""
        chosen, reduced = self.chosen, self.turns.guide.reduced
        cost = np.zeros(len(self.bond))
        np.add.at(cost, self.bond[chosen.learner[taken]], np.maximum(0.0, reduced[taken]))
        order = np.argsort(-cost, kind="stable")
        return [np.flatnonzero(self.bond == bond) for bond in order[: int((cost > DEARER).sum())].tolist()]

    def around(self, learners: Ints, taken: Bools) -> Ints:
        """The choices that take part where some learners are placed anew all year among what is near: whoever
        stands where they could go, and whoever stands where those could, may move within the window."""
        near = self.turns.guide.reduced < DEAR
        ours = np.isin(self.chosen.learner, learners)
        moving = self._making_way(ours & self.near, taken & ~ours)
        moving |= self._making_way(moving & near, taken & ~ours)
        free: Ints = np.flatnonzero((ours & (self.near | taken)) | (moving & (near | taken)))
        return free

    def _making_way(self, going: Bools, standing: Bools) -> Bools:
        """[choices] of those who stand in the departments and windows that others are `going` to, within
        their own window."""
        there = np.flatnonzero(standing & np.isin(self.place, np.unique(self.place[going])))
        window = np.full(len(self.learner_of), -1, np.int64)
        window[self.chosen.requirement[there]] = self.window[there]
        out: Bools = window[self.chosen.requirement] == self.window
        return out

    def _alone(self, bond: int, ours: Bools) -> int:
        """The most places that learners bound together could have, were they alone."""
        if bond not in self._most:
            whole: Whole = self.turns.whole
            free = np.flatnonzero(ours)
            cost: Floats = np.where(np.arange(len(whole.upper)) < whole.n, -1.0, 0.0)
            program = whole.portion(free, cost, whole.most, prices=False).program
            found = search(program, None, self.turns.stop, SECONDS, nodes=NODES)
            self._most[bond] = 0 if found.x is None else int((found.x[: len(free)] > 0.5).sum())
        return self._most[bond]


def bonds(tables: Tables) -> Ints:
    """[learners] a label that those who stay together share."""
    problem = tables.problem
    label = np.arange(len(problem.learners))
    for item in problem.companions:
        if item.kind != "together":
            continue
        together = [label[problem.learner_index[key]] for key in item.learners]
        label[np.isin(label, together)] = min(together)
    return label
