"""Whether a department's supervision shrank between the data of two runs so far that a place had to go."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import matching

# A thousandth of a WTE is none.
NOTHING = 0.001


@dataclass(frozen=True)
class Stay:
    """A requirement's place in a department; `mondays` are its weeks."""

    requirement_id: int
    department_id: int
    mondays: Collection[date]

    @property
    def requirement(self) -> str:
        """The requirement's key in a problem."""
        return f"r{self.requirement_id}"

    @property
    def department(self) -> str:
        """The department's key in a problem."""
        return f"d{self.department_id}"


def crowded_out(
    before: matching.Problem,
    now: matching.Problem,
    policy: matching.Policy,
    left: Iterable[Stay],
    there: Iterable[Stay],
) -> set[int]:
    """Of the places `left` between two runs those, by requirement's id, for which there is no longer the
    supervision: in some week the department, or those that share its educators, have less of it than in the
    earlier run's data, and beside those who are `there` now too little. A run's rule may ask for none."""
    if policy.supervision is None:
        return set()
    load = policy.supervision
    had, has = _Supervision(before), _Supervision(now)
    taken: dict[tuple[str, str], list[float]] = {}
    for stay in there:
        for week in _weeks(stay):
            taken.setdefault((stay.department, week), []).append(has.weight(stay.requirement))
    found = set()
    for stay in left:
        for departments in ({stay.department}, has.sharing(stay.department)):
            for week in _weeks(stay):
                learners = [weight for key in departments for weight in taken.get((key, week), ())]
                learners.append(has.weight(stay.requirement))
                was, left_over = had.wte(departments, week), has.wte(departments, week)
                fewer = has.most(departments, week)
                if (left_over < was - NOTHING and sum(learners) > left_over * load + NOTHING) or (
                    fewer < had.most(departments, week) and len(learners) > fewer
                ):
                    found.add(stay.requirement_id)
    return found


def _weeks(stay: Stay) -> list[str]:
    return [monday.isoformat() for monday in stay.mondays]


class _Supervision:
    """What a problem says of supervision, by department's key and week."""

    def __init__(self, problem: matching.Problem) -> None:
        self._week = {week: index for index, week in enumerate(problem.weeks)}
        self._departments = {row.key: row for row in problem.departments}
        self._weights = {row.key: row.weight for row in problem.requirements}
        self._serving: Mapping[str, list[matching.Educator]] = {key: [] for key in self._departments}
        for educator in problem.educators:
            for key in educator.departments:
                self._serving[key].append(educator)

    def weight(self, requirement: str) -> float:
        """The supervising WTE that a requirement takes; none where nobody is asked for it any more."""
        return self._weights.get(requirement, 0.0)

    def sharing(self, department: str) -> set[str]:
        """The department and all that share an educator with it, directly or through others."""
        found, waiting = {department}, [department]
        while waiting:
            for educator in self._serving.get(waiting.pop(), ()):
                waiting += set(educator.departments) - found
                found |= set(educator.departments)
        return found

    def wte(self, departments: Collection[str], week: str) -> float:
        """The supervising WTE of departments together, each educator once; infinite where it is no limit."""
        return self._sum(departments, week, lambda row: row.wte, lambda educator, at: educator.wte[at])

    def most(self, departments: Collection[str], week: str) -> float:
        """The same in learners at once, of the educators who are there in a week."""
        return self._sum(departments, week, lambda row: row.places, _learners_at_once)

    def _sum(
        self,
        departments: Collection[str],
        week: str,
        own: Callable[[matching.Department], Sequence[float] | None],
        of: Callable[[matching.Educator, int], float],
    ) -> float:
        """What departments have of their `own` by week and `of` their educators; none in other weeks."""
        at = self._week.get(week)
        if at is None:
            return 0.0
        found = 0.0
        for row in (self._departments[key] for key in departments if key in self._departments):
            had = own(row)
            if had is not None:
                found += had[at]
            elif not self._serving[row.key]:
                return math.inf
        return found + sum(of(educator, at) for educator in self._educators(departments))

    def _educators(self, departments: Collection[str]) -> list[matching.Educator]:
        found = {row.key: row for key in departments for row in self._serving.get(key, ())}
        return list(found.values())


def _learners_at_once(educator: matching.Educator, at: int) -> float:
    """What an educator supervises at once in a week by position."""
    if educator.wte[at] <= 0:
        return 0.0
    return math.inf if educator.most is None else educator.most[at]
