"""Weeks that are alike for everything that pools tie together.

Where the same learners may be there, and everyone has the same time, the best split of one week is one of the
other weeks too: the average of all their splits is within the limits and, prices being convex, no dearer. So
they are one row, at the price of all of them.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from matching.connected import labels
from matching.gathered import Gathered
from matching.tables import Ints
from matching.teams import Teams


class Alike:
    """The weeks of one measure's cells and pools."""

    def __init__(self, teams: Teams, counted: Gathered) -> None:
        """`counted` are the periods of the cells: in one, the same choices count."""
        self.teams, self.counted, self.weeks = teams, counted, teams.pool.shape[1]

    def of_cell(self, c: int, weeks: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
        """Some weeks of a cell that draws on pools, by those alike: the first, and all."""
        out: dict[int, list[int]] = {}
        for w in weeks:
            out.setdefault(int(self.first[c, w]), []).append(w)
        return [(w, tuple(those)) for w, those in out.items()]

    def of_pool(self, p: int, w: int) -> tuple[int, ...]:
        """The weeks of a pool that are alike to `w`, the first of them."""
        return tuple(np.flatnonzero(self.first[len(self.teams.own) + p] == w).tolist())

    @cached_property
    def first(self) -> Ints:
        """[cells and pools, weeks] the first week that each is alike to, for all that are tied to one
        another. O(cells and pools x weeks)."""
        teams, weeks = self.teams, self.weeks
        cells, total = len(teams.own), len(teams.own) + len(teams.pool)
        period = np.full((total, weeks), -1, np.int64)
        for i, (c, those) in enumerate(self.counted.about):
            period[c, list(those)] = i
        none = np.zeros(weeks, np.int64)
        held = np.array([*(none if own is None else own for own in teams.own), *teams.pool], np.int64)
        ties = [(c, cells + p) for c, pools in enumerate(teams.pools_of) for p in pools]
        of, to = np.array(ties, np.int64).reshape(-1, 2).T
        label = labels(of, to, total)
        out = np.tile(np.arange(weeks), (total, 1))
        for tied in np.unique(label[of]).tolist():
            mine = label == tied
            told = np.concatenate([period[mine], held[mine]])
            _, first, which = np.unique(told, axis=1, return_index=True, return_inverse=True)
            out[mine] = first[which.reshape(-1)]
        return out


class Apart(Alike):
    """Every week by itself."""

    @cached_property
    def first(self) -> Ints:
        return np.tile(np.arange(self.weeks), (len(self.teams.own) + len(self.teams.pool), 1))
