"""The problem as arrays of positions, made once a solve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from matching.policy import Policy
from matching.problem import UNREACHABLE, Problem
from matching.teams import NO_CAP, Bools, Ints, Teams, by_learners, by_wte, classes

__all__ = ["NO_CAP", "Bools", "Ints", "Tables", "Variants", "least_of", "thousandths"]


def thousandths(value: float) -> int:
    """WTE in whole thousandths, the grain in which supervision is counted."""
    return round(value * 1000)


def least_of(values: tuple[int, ...] | None, weeks: tuple[int, ...]) -> int:
    """The least of a by-week tuple over some weeks; NO_CAP where there is none."""
    return NO_CAP if values is None else min(values[w] for w in weeks)


@dataclass(frozen=True, eq=False)
class Variants:
    """[variants] position of the requirement and of its weeks, and the block of its rotation (-1: not
    floating)."""

    requirement: Ints
    week_set: Ints
    block: Ints


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
    def asked(self) -> Ints:
        """[learners] number of requirements."""
        return np.bincount(self.requirement_learner, minlength=len(self.problem.learners)).astype(np.int64)

    @cached_property
    def weight(self) -> Ints:
        """[requirements] supervision it takes, thousandths of a WTE."""
        return np.array([thousandths(r.weight) for r in self.problem.requirements], np.int64)

    @cached_property
    def week_sets(self) -> list[tuple[int, ...]]:
        """The distinct sets of weeks that a requirement may take, in order of their weeks."""
        fixed = {r.weeks for r in self.problem.requirements if r.rotation is None}
        return sorted(fixed | {weeks for rotation in self.problem.rotations for weeks in rotation.weeks})

    @cached_property
    def variants(self) -> Variants:
        """Each requirement with each of the weeks it may take: one variant where it has weeks of its own, one
        a block of its rotation where it floats."""
        index = {weeks: i for i, weeks in enumerate(self.week_sets)}
        rows = []
        for r, requirement in enumerate(self.problem.requirements):
            rotation = self.problem.rotation_of(requirement)
            if rotation is None:
                rows.append((r, index[requirement.weeks], -1))
                continue
            rows += [(r, index[weeks], block) for block, weeks in enumerate(rotation.weeks)]
        table = np.array(rows, np.int64).reshape(len(rows), 3)
        return Variants(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())

    @cached_property
    def week_set_weeks(self) -> Bools:
        """[week sets, weeks] which weeks each has."""
        out = np.zeros((len(self.week_sets), len(self.problem.weeks)), np.bool_)
        for i, weeks in enumerate(self.week_sets):
            out[i, list(weeks)] = True
        return out

    def pinned(self, policy: Policy) -> Ints:
        """[requirements] 1 for those that a pin in force holds."""
        out = np.zeros(len(self.problem.requirements), np.int64)
        for lock in self.problem.locks:
            if policy.locks and lock.kind == "pin":
                out[self.problem.requirement_index[lock.requirement]] = 1
        return out

    def travel_limits(self, policy: Policy) -> Ints:
        """[learners] most minutes one way: of the policy by mode, or the learner's own shorter limit."""
        out = np.array([policy.travel_limit[x.mode] for x in self.problem.learners], np.int64)
        own = [x.travel_limit_minutes for x in self.problem.learners]
        return np.minimum(out, np.array([UNREACHABLE - 1 if m is None else m for m in own], np.int64))

    @cached_property
    def beds(self) -> Ints:
        """[week sets, sites] least beds over the weeks for learners beyond their travel limit."""
        out = np.zeros((len(self.week_sets), len(self.problem.sites)), np.int64)
        for j, site in enumerate(self.problem.sites):
            if site.accommodation is not None:
                for i, weeks in enumerate(self.week_sets):
                    out[i, j] = min(site.accommodation[w] for w in weeks)
        return out

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
    def wte_by_week(self) -> list[Ints | None]:
        """[departments] own WTE by week in thousandths; None where none was declared."""
        return [
            None if d.wte is None else np.array([thousandths(x) for x in d.wte], np.int64)
            for d in self.problem.departments
        ]

    @cached_property
    def educator_wte(self) -> Ints:
        """[educators, weeks] WTE in thousandths."""
        rows = [[thousandths(x) for x in e.wte] for e in self.problem.educators]
        return np.array(rows, np.int64).reshape(len(rows), len(self.problem.weeks))

    @cached_property
    def educators_of(self) -> list[list[int]]:
        """[departments] positions of the educators who share their time with it."""
        out: list[list[int]] = [[] for _ in self.problem.departments]
        for e, educator in enumerate(self.problem.educators):
            for key in educator.departments:
                out[self.problem.department_index[key]].append(e)
        return out

    @cached_property
    def class_of(self) -> Ints:
        """[requirements] position of its learner's group and stage among those of the problem."""
        out: Ints = classes(self.problem)[1][self.requirement_learner]
        return out

    @cached_property
    def teams(self) -> Teams:
        """Who may supervise whom, in thousandths of a WTE."""
        return by_wte(self.problem, self.wte_by_week, self.educator_wte, self.educators_of)

    @cached_property
    def heads(self) -> Teams:
        """Who may supervise whom, in learners at once."""
        return by_learners(self.problem, self.wte_by_week, self.educators_of)

    def measures(self, policy: Policy) -> tuple[Teams, ...]:
        """The flows of supervision that a policy limits, learners at once only where any are counted."""
        if policy.supervision is None:
            return ()
        return (self.teams, self.heads) if len(self.heads.department) else (self.teams,)

    def amount(self, teams: Teams) -> Ints:
        """[requirements] what each takes of a measure; those of no weight need no supervision."""
        return self.weight if teams is self.teams else np.minimum(self.weight, 1)

    def cell(self, teams: Teams, requirement: Ints, offer: Ints) -> Ints:
        """The cell of each of some requirements at some offers; -1 where nothing counts."""
        out: Ints = teams.cell[self.offer_department[offer], self.class_of[requirement]]
        return out
