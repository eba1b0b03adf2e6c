"""The story of a solve on one page: eligibility -> parts -> flow or integer search -> explain -> check ->
Result."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from matching.components import Part, parts
from matching.conflicts import find_conflicts
from matching.counted import counted
from matching.eligibility import Eligible, eligible_pairs
from matching.explain import Shortage, blocked, cap_prices, reason, refused_sites, shortages
from matching.flow import Stopped, solve_flow
from matching.integer import Answer, first_answer, solve_integer
from matching.network import build
from matching.policy import Policy
from matching.problem import Problem
from matching.progress import Listener, Progress
from matching.result import Conflict, Price, Reason, Result, Stage
from matching.start import starting_prices
from matching.stop import Never, Stop
from matching.tables import Ints, Tables
from matching.verify import verify

# Seconds for the conflicts among locks, though the time of the search is up.
LEAST_SECONDS = 2.0


@dataclass
class _Answer:
    """What has been found so far: pairs taken, what is short of proof by tier, shortages, prices, paths;
    requirements left over, and of those the fewest that must be, where the parts to come leave none."""

    unplaced: int
    fewest: int
    pairs: list[Ints] = field(default_factory=list)
    slack: dict[str, int] = field(default_factory=dict)
    shortages: dict[int, Shortage] = field(default_factory=dict)
    prices: list[Price] = field(default_factory=list)
    paths: dict[str, int] = field(default_factory=lambda: {"flow": 0, "integer": 0, "greedy": 0})
    unproven: list[tuple[Part, Answer]] = field(default_factory=list)

    def add(self, part: Part, pairs: Ints, path: str, slack: dict[str, int]) -> None:
        self.pairs.append(pairs)
        self.paths[path] += 1
        open_to = sum(value for name, value in slack.items() if name.startswith("unplaced_"))
        self.unplaced -= len(pairs)
        self.fewest += len(part.requirements) - len(pairs) - open_to
        for name, value in slack.items():
            self.slack[name] = self.slack.get(name, 0) + value


class _Heard:
    """A stop that stands once it has come, and is remembered. It is asked on the thread that solves alone;
    the others hear what was said there. What it raises ends the solve, and is raised by `check`: on its way
    through the integer search it would be lost."""

    def __init__(self, stop: Stop) -> None:
        self._stop, self.came = stop, False
        self._thread = threading.get_ident()
        self._fault: BaseException | None = None

    def __call__(self) -> bool:
        if not self.came and threading.get_ident() == self._thread:
            try:
                self.came = self._stop()
            except BaseException as fault:
                self._fault, self.came = fault, True
        return self.came

    def check(self) -> None:
        """Raise what the stop raised."""
        if self._fault is not None:
            raise self._fault

    def remaining(self) -> float:
        """Seconds until it comes, where it knows."""
        known = getattr(self._stop, "remaining", None)
        return math.inf if known is None else float(known())


class _Clock:
    def __init__(self, progress: Listener | None) -> None:
        self.begin = self.last = time.perf_counter()
        self.progress, self.stages = progress, list[Stage]()

    def done(self, name: str, incumbent: int | None = None, bound: int | None = None) -> None:
        now = time.perf_counter()
        self.stages.append(Stage(name, round(now - self.last, 4)))
        self.last = now
        self.tell(name, incumbent, bound)

    def tell(self, name: str, incumbent: int | None, bound: int | None) -> None:
        if self.progress is not None:
            self.progress(Progress(name, incumbent, bound, time.perf_counter() - self.begin))


def solve(
    problem: Problem,
    policy: Policy | None = None,
    *,
    progress: Listener | None = None,
    stop: Stop | None = None,
    seconds: float = 120.0,
) -> Result:
    """The best allocation of a round, tier by tier, with its proof and a reason for everyone left over.

    Tiers: pinned requirements unplaced, then those of priority 1, 2 ..., then total cost (travel,
    preferences, above preferred, supervisor load), then the seeded draw. Pure-flow parts are solved
    exactly; others by an integer search of at most `seconds` in all, to a stated gap.

    `progress` is told each stage, each tier of an integer part and each part, with the requirements left
    over so far. `stop` is asked between steps, on the calling thread; once it says so the solve ends with the
    best answer so far, and what it raises is raised.
    Status: "optimal" (every tier is proven, were it stopped or not); "cancelled" (a stop came before that);
    "gap" (time ran out before that); "infeasible_locks" (a pinned requirement is not placed as pinned: its
    reason says why, `conflicts` which locks cannot hold together; the rest is matched without it).

    The same problem, policy and seed give the same result, whatever the order of the problem's parts and the
    number of cores, as long as no time limit cut the integer search short. Equal answers are drawn for by the
    seed, but in integer parts that are large or unproven (integer.py), where the order of keys decides.

    Raises AssertionError should the independent check refuse the answer.
    """
    policy, heard = policy or Policy(), _Heard(stop or Never())
    clock, ends = _Clock(progress), time.monotonic() + seconds
    problem = _in_order(problem)
    tables = Tables(problem)
    pinned = tables.pinned(policy)
    eligible = eligible_pairs(tables, policy)
    clock.done("eligibility")
    found = sorted(parts(tables, policy, eligible), key=lambda part: bool(part.beyond_flow))
    clock.done("parts")
    asked = len(problem.requirements)
    answer = _Answer(asked, asked - sum(len(part.requirements) for part in found))
    for i, part in enumerate(found):
        _solve_part(tables, policy, eligible, part, pinned, answer, heard, ends, clock)
        clock.tell(f"part {i + 1} of {len(found)}", answer.unplaced, answer.fewest)
    heard.check()
    clock.done("match", answer.unplaced, answer.fewest)
    pairs = np.concatenate([np.zeros(0, np.int64), *answer.pairs])
    reasons = _reasons(tables, policy, eligible, answer, pairs)
    conflicts: tuple[Conflict, ...] = ()
    if any(pinned[problem.requirement_index[key]] for key in reasons):
        seconds = max(LEAST_SECONDS, ends - time.monotonic())
        conflicts = find_conflicts(tables, policy, reasons, heard, seconds)
    heard.check()
    clock.done("explain")
    result = dataclasses.replace(
        counted(tables, policy, eligible, pairs, pinned, answer.slack, cancelled=heard.came),
        unplaced=reasons,
        conflicts=conflicts,
        duals=tuple(sorted(answer.prices, key=lambda price: (price.level, price.key, price.week))),
        paths=answer.paths,
    )
    wrong = verify(problem, policy, result)
    if wrong:
        raise AssertionError(f"the answer fails its check: {wrong[0]}")
    clock.done("check", answer.unplaced, answer.fewest)
    taken = round(time.perf_counter() - clock.begin, 4)
    return dataclasses.replace(result, seconds=taken, stages=tuple(clock.stages))


def _in_order(problem: Problem) -> Problem:
    """The same problem with every part in order of its key, so that no order of upload can matter."""
    learners = sorted(range(len(problem.learners)), key=lambda i: problem.learners[i].key)
    sites = sorted(range(len(problem.sites)), key=lambda i: problem.sites[i].key)
    return Problem(
        weeks=problem.weeks,
        trusts=tuple(sorted(problem.trusts, key=lambda item: item.key)),
        sites=tuple(problem.sites[i] for i in sites),
        departments=tuple(sorted(problem.departments, key=lambda item: item.key)),
        offers=tuple(sorted(problem.offers, key=lambda item: item.key)),
        learners=tuple(problem.learners[i] for i in learners),
        requirements=tuple(sorted(problem.requirements, key=lambda item: item.key)),
        locks=problem.locks,
        travel_minutes=np.ascontiguousarray(problem.travel_minutes[np.ix_(learners, sites)]),
        educators=tuple(sorted(problem.educators, key=lambda item: item.key)),
        rotations=tuple(sorted(problem.rotations, key=lambda item: item.key)),
        companions=tuple(sorted(problem.companions, key=lambda item: item.key)),
        agreements=tuple(sorted(problem.agreements, key=lambda item: item.key)),
        published=tuple(sorted(problem.published, key=lambda item: item.requirement)),
    )


def _solve_part(
    tables: Tables,
    policy: Policy,
    eligible: Eligible,
    part: Part,
    pinned: Ints,
    answer: _Answer,
    stop: _Heard,
    ends: float,
    clock: _Clock,
) -> None:
    def tell(stage: str, unplaced: int, fewest: int) -> None:
        elsewhere = answer.unplaced - len(part.requirements)
        clock.tell(stage, elsewhere + unplaced, answer.fewest + fewest)

    try:
        if stop():
            raise Stopped
        flow_of = None if part.beyond_flow else build(tables, policy, eligible, part, pinned)
        if flow_of is not None:
            network, layout = flow_of
            flow = solve_flow(network, starting_prices(network), stop)
            pairs = layout.pair[flow.pair]
            answer.add(part, pairs[pairs >= 0], "flow", {})
            answer.shortages.update(shortages(tables, network, layout, flow))
            answer.prices.extend(cap_prices(tables, network, layout, flow))
            return
        left = min(ends - time.monotonic(), stop.remaining())
        found = solve_integer(tables, policy, eligible, part, pinned, stop, max(1.0, left), tell)
        answer.add(part, part.pairs[found.taken], "integer", found.slack)
    except Stopped:
        found = first_answer(tables, policy, eligible, part, pinned)
        answer.add(part, part.pairs[found.taken], "greedy", found.slack)
    answer.unproven.append((part, found))


def _reasons(
    tables: Tables, policy: Policy, eligible: Eligible, answer: _Answer, pairs: Ints
) -> dict[str, Reason]:
    placed = np.zeros(len(tables.problem.requirements), np.bool_)
    placed[eligible.requirement[pairs]] = True
    left = np.flatnonzero(~placed)
    for part, found in answer.unproven:
        waiting = part.requirements[~placed[part.requirements]]
        answer.shortages.update(blocked(tables, policy, found.model, found.taken, waiting))
    rules = refused_sites(tables, policy, left)
    return {
        tables.problem.requirements[r].key: reason(rules[i], answer.shortages.get(r))
        for i, r in enumerate(left.tolist())
    }
