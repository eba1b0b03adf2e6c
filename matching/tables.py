"""The problem as arrays of positions, made once a solve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from matching.problem import Problem

Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

NO_CAP = 1 << 40


def thousandths(value: float) -> int:
    """WTE in whole thousandths, the grain in which supervision is counted."""
    return round(value * 1000)


def least_of(values: tuple[int, ...] | None, weeks: tuple[int, ...]) -> int:
    """The least of a by-week tuple over some weeks; NO_CAP where there is none."""
    return NO_CAP if values is None else min(values[w] for w in weeks)


@dataclass(frozen=True, eq=False)
class Tables:
    """Positions and figures of a problem. Memory: linear in its parts, plus week sets x offers."""

    problem: Problem

    @cached_property
    def department_site(self) -> Ints:
        """[departments] position of its site."""
        index = self.problem.site_index
        return np.array([index[d.site] for d in self.problem.departments], np.int64)

    @cached_property
    def site_trust(self) -> Ints:
        """[sites] position of its trust."""
        index = self.problem.trust_index
        return np.array([index[s.trust] for s in self.problem.sites], np.int64)

    @cached_property
    def offer_department(self) -> Ints:
        """[offers] position of its department."""
        index = self.problem.department_index
        return np.array([index[o.department] for o in self.problem.offers], np.int64)

    @cached_property
    def offer_site(self) -> Ints:
        """[offers] position of its site."""
        return self.department_site[self.offer_department]

    @cached_property
    def offer_trust(self) -> Ints:
        """[offers] position of its trust."""
        return self.site_trust[self.offer_site]

    @cached_property
    def requirement_learner(self) -> Ints:
        """[requirements] position of its learner."""
        index = self.problem.learner_index
        return np.array([index[r.learner] for r in self.problem.requirements], np.int64)

    @cached_property
    def weight(self) -> Ints:
        """[requirements] supervision it takes, thousandths of a WTE."""
        return np.array([thousandths(r.weight) for r in self.problem.requirements], np.int64)

    @cached_property
    def week_sets(self) -> list[tuple[int, ...]]:
        """The distinct sets of weeks that requirements ask for, in order of their weeks."""
        return sorted({r.weeks for r in self.problem.requirements})

    @cached_property
    def requirement_week_set(self) -> Ints:
        """[requirements] position of its weeks in `week_sets`."""
        index = {weeks: i for i, weeks in enumerate(self.week_sets)}
        return np.array([index[r.weeks] for r in self.problem.requirements], np.int64)

    @cached_property
    def room(self) -> Ints:
        """[week sets, offers] most learners an offer could hold over all those weeks, by declared places
        alone."""
        p = self.problem
        out = np.zeros((len(self.week_sets), len(p.offers)), np.int64)
        for i, weeks in enumerate(self.week_sets):
            trusts = np.array([least_of(t.places, weeks) for t in p.trusts], np.int64)
            sites = np.array([least_of(s.places, weeks) for s in p.sites], np.int64)
            departments = np.array([least_of(d.places, weeks) for d in p.departments], np.int64)
            offers = np.array([least_of(o.maximum, weeks) for o in p.offers], np.int64)
            if offers.size:
                out[i] = np.minimum.reduce(
                    [
                        offers,
                        departments[self.offer_department],
                        sites[self.offer_site],
                        trusts[self.offer_trust],
                    ]
                )
        return out

    @cached_property
    def wte(self) -> Ints:
        """[week sets, departments] least WTE over the weeks, in thousandths; NO_CAP where WTE does not
        limit."""
        out = np.full((len(self.week_sets), len(self.problem.departments)), NO_CAP, np.int64)
        for j, department in enumerate(self.problem.departments):
            if department.wte is not None:
                for i, weeks in enumerate(self.week_sets):
                    out[i, j] = min(thousandths(department.wte[w]) for w in weeks)
        return out
