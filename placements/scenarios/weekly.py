"""A verified result week by week: learners placed, places offered, supervision taken and time for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

import matching

# WTE are kept in thousandths.
PARTS_OF_WTE = 1000


class Weekly:
    """What a result does to each department in each week, as arrays [department, week] in the problem's
    order."""

    def __init__(self, problem: matching.Problem, result: matching.Result) -> None:
        self.problem, self.result = problem, result
        shape = (len(problem.departments), len(problem.weeks))
        self.placed = np.zeros(shape, dtype=np.int64)
        self.weight = np.zeros(shape)
        self.places = np.zeros(shape, dtype=np.int64)
        offers, departments = problem.offer_index, problem.department_index
        for offer in problem.offers:
            self.places[departments[offer.department]] += np.array(offer.maximum, dtype=np.int64)
        for requirement in problem.requirements:
            offer_key = result.assignment.get(requirement.key)
            if offer_key is None:
                continue
            row = departments[problem.offers[offers[offer_key]].department]
            weeks = list(self.weeks_of(requirement))
            self.placed[row, weeks] += 1
            self.weight[row, weeks] += requirement.weight

    def weeks_of(self, requirement: matching.Requirement) -> Sequence[int]:
        """The weeks that a requirement takes, by number: those of the block that a floating one took."""
        rotation = self.problem.rotation_of(requirement)
        block = self.result.blocks.get(requirement.key) or requirement.block
        if rotation is None or not block:
            return requirement.weeks
        return rotation.weeks[rotation.blocks.index(block)]

    @cached_property
    def wte(self) -> npt.NDArray[np.float64]:
        """Time to supervise: a department's own, and of each educator who supervises there the part of their
        time that what they supervise there is of all that they supervise."""
        problem = self.problem
        weeks = {week: index for index, week in enumerate(problem.weeks)}
        found = np.zeros(self.placed.shape)
        for row, department in enumerate(problem.departments):
            if department.wte is not None:
                found[row] += np.array(department.wte)
        supervised: dict[tuple[str, int], float] = defaultdict(float)
        for share in self.result.shares:
            supervised[share.educator, weeks[share.week]] += share.wte
        for share in self.result.shares:
            week = weeks[share.week]
            wte = problem.educators[problem.educator_index[share.educator]].wte[week]
            row = problem.department_index[share.department]
            found[row, week] += wte * share.wte / supervised[share.educator, week]
        return found

    @cached_property
    def offering(self) -> list[int]:
        """The departments that offer anything, by their number in the problem."""
        offered = {offer.department for offer in self.problem.offers}
        return [row for row, each in enumerate(self.problem.departments) if each.key in offered]

    def as_kept(self) -> dict[str, Any]:
        """What a run keeps of it, with database ids: whole numbers, WTE in thousandths."""
        return {
            "weeks": list(self.problem.weeks),
            "departments": [
                {
                    "department": int(self.problem.departments[row].key[1:]),
                    "placed": self.placed[row].tolist(),
                    "places": self.places[row].tolist(),
                    "weight": np.rint(self.weight[row] * PARTS_OF_WTE).astype(int).tolist(),
                    "wte": np.rint(self.wte[row] * PARTS_OF_WTE).astype(int).tolist(),
                }
                for row in self.offering
            ],
        }
