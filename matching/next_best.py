"""The next best places of a requirement, each with what it does to everyone else and to every tier.

Nothing is estimated: for each place the requirement is put there and the answer in hand is solved again
(`resolve.py`). A small independent part is solved again whole, so that the effect is the least there is; in a
large one those whom the move concerns are set free (`nearby.py`) and the effect is exact but perhaps not the
least: `least` says what is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.nearby import Nearby
from matching.policy import Policy
from matching.problem import Problem
from matching.resolve import Infeasible, OutOfTime, Resolved, resolve, soon
from matching.result import Result
from matching.standing import NOWHERE, Standing
from matching.stop import Never, Stop
from matching.tables import Bools, Ints
from matching.validation import ProblemError

# Choices up to which a part is solved again whole.
WHOLE = 1_000
# Requirements set free in a larger one.
FREE = 32
# How many more places than asked for are tried in a larger part, the most promising first.
MORE = 3


@dataclass(frozen=True)
class Move:
    """Where a requirement stood and would stand: keys of offers and blocks; None is nowhere (or no block)."""

    requirement: str
    before: str | None
    after: str | None
    block_before: str | None = None
    block_after: str | None = None


@dataclass(frozen=True)
class TierChange:
    """A tier's value in the answer in hand and after the moves; `least` is the least that it could be then,
    of answers as good as this one in the tiers before."""

    name: str
    before: int
    after: int
    least: int


@dataclass(frozen=True)
class Alternative:
    """A place for a requirement and all that follows from it. `moves` begins with the requirement itself.
    `proven`: no answer with the requirement there is better, the other independent parts as they are."""

    requirement: str
    offer: str
    block: str | None
    moves: tuple[Move, ...]
    tiers: tuple[TierChange, ...]
    proven: bool

    @property
    def lose(self) -> tuple[str, ...]:
        """Requirements that would lose their place."""
        return tuple(m.requirement for m in self.moves if m.before is not None and m.after is None)

    @property
    def gain(self) -> tuple[str, ...]:
        """Requirements now left over that would be placed."""
        return tuple(m.requirement for m in self.moves if m.before is None)


def alternatives(
    problem: Problem,
    policy: Policy,
    result: Result,
    requirement: str,
    *,
    most: int = 5,
    at: str | None = None,
    away_from: str | None = None,
    seconds: float = 10.0,
    stop: Stop | None = None,
    standing: Standing | None = None,
) -> list[Alternative]:
    """The `most` next best places of a requirement (placed or left over), best first by the tiers in order.

    In a part of up to `WHOLE` choices every place is tried and each effect is the best there is; in a larger
    one the most promising places are tried, each solved again exactly round the requirement with everyone
    else in place. `at` is a department (or a site) whose places alone are looked at, `away_from` one whose
    places are not. Stops after `seconds`, with what was found. `standing`, made once by `Standing(problem,
    policy, result)`, saves the seconds of preparing a large problem between calls.

    Raises `ProblemError` for an unknown requirement or place and `ResultError` for a result that breaks a
    rule on a single placing.
    """
    hand = standing or Standing(problem, policy, result)
    r = hand.problem.requirement_index.get(requirement)
    if r is None:
        raise ProblemError("alternatives", "requirement", requirement, "the key of a requirement")
    places = np.arange(hand.start[r], hand.start[r + 1])
    places = places[places != hand.held[r]]
    if at is not None:
        places = places[_within(hand, places, at)]
    if away_from is not None:
        places = places[~_within(hand, places, away_from)]
    return _Tried(hand, r, stop or Never(), soon(seconds)).best(most, places)


def _within(standing: Standing, places: Ints, where: str) -> Bools:
    """Which of some choices are at a department or site."""
    problem, chosen = standing.problem, standing.choices
    if where in problem.department_index:
        return np.equal(chosen.department[places], problem.department_index[where])
    if where in problem.site_index:
        return np.equal(chosen.site[places], problem.site_index[where])
    raise ProblemError("alternatives", "place", where, "the key of a department or site")


class _Tried:
    """The places of one requirement; see `alternatives`."""

    def __init__(self, standing: Standing, r: int, stop: Stop, ends: float) -> None:
        self.standing, self.r, self.stop, self.ends = standing, r, stop, ends
        self.near = Nearby.of(standing)
        mine = (
            np.flatnonzero(standing.part == standing.part[r])
            if standing.part[r] >= 0
            else np.zeros(0, np.int64)
        )
        choices = int((standing.start[mine + 1] - standing.start[mine]).sum())
        self.whole: Ints | None = mine if choices <= WHOLE else None

    def best(self, most: int, every: Ints) -> list[Alternative]:
        if self.whole is None and len(every) > most + MORE:
            likely = [int(self.near.cost[k]) + self.near.crowding(int(k)) for k in every.tolist()]
            every = every[np.argsort(np.array(likely, np.int64), kind="stable")][: most + MORE]
        found = []
        for k in every.tolist():
            answer = self._solved(k)
            if answer is not None:
                found.append((answer.change, k, answer))
        found.sort(key=lambda item: item[:2])
        return [self._told(k, answer) for _, k, answer in found[:most]]

    def _solved(self, k: int) -> Resolved | None:
        try:
            if self.whole is not None:
                return resolve(self.standing, self.whole, self.stop, self.ends, k)
            free = self.near.about(k, FREE)
            try:
                return resolve(self.standing, free, self.stop, self.ends, k)
            except Infeasible:
                return resolve(self.standing, self.near.wider(k, free, FREE), self.stop, self.ends, k)
        except (Infeasible, OutOfTime):
            return None

    def _told(self, k: int, answer: Resolved) -> Alternative:
        standing = self.standing
        moved = [r for r, now in answer.after.items() if now != standing.held[r] and r != self.r]
        moves = tuple(self._move(r, answer.after[r]) for r in [self.r, *sorted(moved)])
        tiers = tier_changes(standing, answer, self.whole is not None)
        proven = all(tier.after == tier.least for tier in tiers)
        problem = standing.problem
        key = problem.requirements[self.r].key
        return Alternative(
            key,
            problem.offers[int(standing.choices.offer[k])].key,
            block_of(standing, k),
            moves,
            tiers,
            proven,
        )

    def _move(self, r: int, after: int) -> Move:
        return move(self.standing, r, after)


def move(standing: Standing, r: int, after: int) -> Move:
    """A requirement's change of choice, in keys."""
    problem, before = standing.problem, int(standing.held[r])
    return Move(
        problem.requirements[r].key,
        *(
            None if k == NOWHERE else problem.offers[int(standing.choices.offer[k])].key
            for k in (before, after)
        ),
        *(None if k == NOWHERE else block_of(standing, k) for k in (before, after)),
    )


def block_of(standing: Standing, k: int) -> str | None:
    """The block of a choice of a floating requirement."""
    problem = standing.problem
    rotation = problem.rotation_of(problem.requirements[int(standing.choices.requirement[k])])
    if rotation is None:
        return None
    return rotation.blocks[int(standing.tables.variants.block[standing.choices.variant[k]])]


def tier_changes(standing: Standing, answer: Resolved, whole: bool) -> tuple[TierChange, ...]:
    """Every tier of the result before and after. Where not the whole part was free only the bounds of the
    result hold, as far as the tiers before are what they were."""
    at = {tier.name: i for i, tier in enumerate(standing.tiers)}
    out, same = [], True
    for tier in standing.result.tiers:
        i = at.get(tier.name)
        change, least = (0, 0) if i is None else (answer.change[i], answer.least[i])
        if not whole:
            least = tier.bound - tier.value if same else -tier.value
        after = tier.value + change
        out.append(TierChange(tier.name, tier.value, after, min(after, tier.value + least)))
        same = same and change == 0
    return tuple(out)
