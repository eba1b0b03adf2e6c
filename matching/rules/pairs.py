"""A block of requirements against offers, which each rule looks at whole."""

from __future__ import annotations

from dataclasses import dataclass

from matching.policy import Policy
from matching.problem import Problem
from matching.tables import Bools, Ints, Tables

__all__ = ["Bools", "Ints", "Pairs"]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Some variants of requirements (rows) against some offers (columns), by position."""

    tables: Tables
    policy: Policy
    variants: Ints
    offers: Ints

    @property
    def problem(self) -> Problem:
        """The problem they belong to."""
        return self.tables.problem

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the block."""
        return len(self.variants), len(self.offers)

    @property
    def requirements(self) -> Ints:
        """[rows] position of each row's requirement."""
        return self.tables.variants.requirement[self.variants]

    @property
    def week_sets(self) -> Ints:
        """[rows] position of each row's weeks in `Tables.week_sets`."""
        return self.tables.variants.week_set[self.variants]

    @property
    def learners(self) -> Ints:
        """[rows] position of each requirement's learner."""
        return self.tables.requirement_learner[self.requirements]

    @property
    def sites(self) -> Ints:
        """[columns] position of each offer's site."""
        return self.tables.offer_site[self.offers]
