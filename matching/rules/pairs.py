"""A block of requirements against offers, which each rule looks at whole."""

from __future__ import annotations

from dataclasses import dataclass

from matching.policy import Policy
from matching.problem import Problem
from matching.tables import Bools, Ints, Tables

__all__ = ["Bools", "Ints", "Pairs"]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Some requirements (rows) against some offers (columns), by position in the problem."""

    tables: Tables
    policy: Policy
    requirements: Ints
    offers: Ints

    @property
    def problem(self) -> Problem:
        """The problem they belong to."""
        return self.tables.problem

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the block."""
        return len(self.requirements), len(self.offers)

    @property
    def learners(self) -> Ints:
        """[rows] position of each requirement's learner."""
        return self.tables.requirement_learner[self.requirements]

    @property
    def sites(self) -> Ints:
        """[columns] position of each offer's site."""
        return self.tables.offer_site[self.offers]
