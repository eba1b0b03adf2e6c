"""The problems that a frontier solves, in this process or shared over several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from matching.additions import Addition, with_additions
from matching.frontier_regions import Region, regions
from matching.policy import Policy
from matching.problem import Problem
from matching.result import Tier
from matching.solve import solve
from matching.stop import Never, Stop


@dataclass(frozen=True)
class Value:
    """The tiers of a problem with some additions. `floor`: what no answer is lexicographically under."""

    tiers: tuple[Tier, ...]
    floor: tuple[int, ...]

    @property
    def reached(self) -> tuple[int, ...]:
        """What the answer reaches, to be compared tier by tier."""
        return tuple(tier.value for tier in self.tiers)


Counts = tuple[int, ...]
Task = tuple[int, Counts]  # a region, and how often each addition that touches it is made


class Tried:
    """Solves a problem with additions, region by region, each set of a region's additions once. `solved`
    counts the solves."""

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
        self.regions = regions(problem, policy, additions)
        self.names = _tier_names(problem, policy)
        self._known: dict[Task, Value] = {}
        self._pool: ProcessPoolExecutor | None = None
        if processes > 1:
            shared = [(region.problem.to_json(), region.additions) for region in self.regions]
            self._pool = ProcessPoolExecutor(
                processes,
                multiprocessing.get_context("spawn"),
                _begin,
                (shared, policy.to_json(), additions, seconds),
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
        tasks = [self._tasks(counts) for counts in sets]
        self._solve(
            [task for task in dict.fromkeys(t for of in tasks for t in of) if task not in self._known]
        )
        return [self._sum(of) if all(task in self._known for task in of) else None for of in tasks]

    def groups(self, additions: Sequence[int], size: int) -> list[list[int]]:
        """Additions (positions) in groups of at most so many that matter to the same regions, so that one
        solve a region serves for all."""
        where: dict[tuple[int, ...], list[int]] = {}
        for a in additions:
            here = tuple(i for i, region in enumerate(self.regions) if a in region.additions)
            where.setdefault(here, []).append(a)
        return [of[i : i + size] for of in where.values() for i in range(0, len(of), size)]

    def _tasks(self, counts: Counts) -> list[Task]:
        return [(i, tuple(counts[a] for a in region.additions)) for i, region in enumerate(self.regions)]

    def _solve(self, tasks: Sequence[Task]) -> None:
        if self._pool is not None and len(tasks) > 1:
            running = [self._pool.submit(_value, task) for task in tasks]
            for task, future in zip(tasks, running, strict=True):
                if self.stop():
                    for waiting in running:
                        waiting.cancel()
                    return
                self._known[task] = future.result()
                self.solved += 1
            return
        for i, counts in tasks:
            if self.stop():
                return
            value = value_of(self.regions[i], self.policy, self.additions, counts, self.seconds, self.stop)
            if self.stop():  # it may have been cut short
                return
            self._known[i, counts] = value
            self.solved += 1

    def _sum(self, tasks: Sequence[Task]) -> Value:
        """The tiers of all regions; those of independent regions add up, and so do their floors."""
        value, bound = dict.fromkeys(self.names, 0), dict.fromkeys(self.names, 0)
        floor = dict.fromkeys(self.names, 0)
        for task in tasks:
            for tier, least in zip(self._known[task].tiers, self._known[task].floor, strict=True):
                value[tier.name] += tier.value
                bound[tier.name] += tier.bound
                floor[tier.name] += least
        tiers = tuple(
            Tier(name, v, bound[name], (v - bound[name]) / v if v else 0.0) for name, v in value.items()
        )
        return Value(tiers, tuple(floor.values()))


def _tier_names(problem: Problem, policy: Policy) -> list[str]:
    """The tiers of a problem in order."""
    pinned = {lock.requirement for lock in problem.locks if policy.locks and lock.kind == "pin"}
    priorities = sorted({r.priority for r in problem.requirements if r.key not in pinned})
    return [
        *(["unplaced_pinned"] if pinned else []),
        *(["agreement_shortfall"] if policy.agreements and any(a.least for a in problem.agreements) else []),
        *(f"unplaced_priority_{p}" for p in priorities),
        *policy.tier_names,
    ]


def value_of(
    region: Region,
    policy: Policy,
    additions: Sequence[Addition],
    counts: Counts,
    seconds: float,
    stop: Stop | None = None,
) -> Value:
    """The tiers of a region with each of its additions made so often. The floor takes the bounds up to the
    first that is not reached; those after it are of answers as good as this one, so 0 stands for them."""
    made = [additions[a] for a, n in zip(region.additions, counts, strict=True) for _ in range(n)]
    found = solve(with_additions(region.problem, made), policy, seconds=seconds, stop=stop or Never()).tiers
    floor, proven = [], True
    for tier in found:
        floor.append(tier.bound if proven else 0)
        proven = proven and tier.bound == tier.value
    return Value(found, tuple(floor))


_shared: tuple[list[Region], Policy, tuple[Addition, ...], float]


def _begin(
    shared: list[tuple[str, tuple[int, ...]]], policy: str, additions: tuple[Addition, ...], seconds: float
) -> None:
    """What each process of the pool is told once."""
    global _shared
    found = [Region(Problem.from_json(text), those) for text, those in shared]
    _shared = (found, Policy.from_json(policy), additions, seconds)


def _value(task: Task) -> Value:
    found, policy, additions, seconds = _shared
    return value_of(found[task[0]], policy, additions, task[1], seconds)
