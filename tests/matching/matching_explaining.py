"""What explanations are tested against: the best answer by trying, with a requirement held to a placing."""

from __future__ import annotations

from matching import Policy, Problem, Result
from matching.recount import Recount, Stay
from matching.recount_aims import aims, tiers
from matching.recount_rules import broken_together
from tests.matching.matching_oracle import Trying


class Held(Trying):
    """Tries everything with one requirement at one offer (and block)."""

    def __init__(self, problem: Problem, policy: Policy, key: str, offer: str, block: str | None) -> None:
        super().__init__(problem, policy)
        requirement = self.count.requirements[key]
        self.count.reach[key] = [
            stay
            for stay in self.count.open_to(requirement)
            if stay.offer.key == offer and stay.block == block
        ]
        self.key = key

    def _try(self, depth: int, stays: list[Stay]) -> None:
        done = [r.key for r in self.count.problem.requirements[:depth]]
        if self.key in done and all(stay.requirement.key != self.key for stay in stays):
            return
        super()._try(depth, stays)


def best_with(problem: Problem, policy: Policy, key: str, offer: str, block: str | None) -> dict[str, int]:
    """The best tiers with the requirement there; empty where it cannot be."""
    return Held(problem, policy, key, offer, block).best()


def stays_of(problem: Problem, policy: Policy, result: Result) -> list[Stay]:
    """The placings of a result, each and all together within the rules."""
    count = Recount(problem, policy, result)
    stays = count.stays()
    assert list(count.pairs(stays)) == []
    assert list(broken_together(count, stays)) == []
    return stays


def tiers_of(problem: Problem, policy: Policy, result: Result) -> dict[str, int]:
    """Every tier of a result's placings, counted afresh, the educators' time split as is best."""
    stays = stays_of(problem, policy, result)
    trying = Trying(problem, policy)
    shares = trying.shares(stays)
    assert shares is not None
    return tiers(trying.count, stays, aims(trying.count, stays, shares))
