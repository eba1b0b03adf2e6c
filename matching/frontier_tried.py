"""The problems that a frontier solves, in this process or shared over several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from matching.additions import Addition, with_additions
from matching.policy import Policy
from matching.problem import Problem
from matching.result import Tier
from matching.solve import solve
from matching.stop import Stop


@dataclass(frozen=True)
class Value:
    """The tiers of a problem with some additions."""

    tiers: tuple[Tier, ...]

    @property
    def reached(self) -> tuple[int, ...]:
        """What the answer reaches, to be compared tier by tier."""
        return tuple(tier.value for tier in self.tiers)

    @property
    def floor(self) -> tuple[int, ...]:
        """What no answer is lexicographically under: the bounds up to the first that is not reached; those
        after it are of answers as good as this one, so 0 stands for them."""
        out, proven = [], True
        for tier in self.tiers:
            out.append(tier.bound if proven else 0)
            proven = proven and tier.bound == tier.value
        return tuple(out)


Counts = tuple[int, ...]


class Tried:
    """Solves a problem with additions, each set once. `solved` counts the solves."""

    def __init__(
        self,
        problem: Problem,
        policy: Policy,
        additions: tuple[Addition, ...],
        seconds: float,
        processes: int,
        stop: Stop,
    ) -> None:
        self.problem, self.policy, self.additions = problem, policy, additions
        self.seconds, self.stop, self.solved = seconds, stop, 0
        self._known: dict[Counts, Value] = {}
        self._pool: ProcessPoolExecutor | None = None
        if processes > 1:
            self._pool = ProcessPoolExecutor(
                processes,
                multiprocessing.get_context("spawn"),
                _begin,
                (problem.to_json(), policy.to_json(), additions, seconds),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def values(self, sets: Sequence[Counts]) -> list[Value | None]:
        """The value of each set of additions (how often each is made); None from a stop on."""
        new = [counts for counts in dict.fromkeys(sets) if counts not in self._known]
        if self._pool is not None and len(new) > 1:
            running = [self._pool.submit(_value, counts) for counts in new]
            for counts, future in zip(new, running, strict=True):
                if self.stop():
                    for waiting in running:
                        waiting.cancel()
                    break
                self._known[counts] = future.result()
                self.solved += 1
        else:
            for counts in new:
                if self.stop():
                    break
                value = value_of(self.problem, self.policy, self.additions, counts, self.seconds, self.stop)
                if self.stop():  # it may have been cut short
                    break
                self._known[counts] = value
                self.solved += 1
        return [self._known.get(counts) for counts in sets]


def value_of(
    problem: Problem,
    policy: Policy,
    additions: Sequence[Addition],
    counts: Counts,
    seconds: float,
    stop: Stop | None = None,
) -> Value:
    """The tiers of the problem with each addition made so often."""
    made = [a for a, n in zip(additions, counts, strict=True) for _ in range(n)]
    return Value(solve(with_additions(problem, made), policy, seconds=seconds, stop=stop).tiers)


_shared: tuple[Problem, Policy, tuple[Addition, ...], float]


def _begin(problem: str, policy: str, additions: tuple[Addition, ...], seconds: float) -> None:
    """What each process of the pool is told once."""
    global _shared
    _shared = (Problem.from_json(problem), Policy.from_json(policy), additions, seconds)


def _value(counts: Counts) -> Value:
    problem, policy, additions, seconds = _shared
    return value_of(problem, policy, additions, counts, seconds)
