"""Resilience: each department, site or educator lost in turn, and the allocation repaired.

Every loss is a repair of its own from the same standing allocation, so they are spread over processes and can
be taken up again where they were left; how many processes there are makes no difference to any result.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from matching.events import EducatorAway, Event, PlacesCut, SiteClosed, check_obeyed
from matching.policy import Policy
from matching.problem import Placing, Problem
from matching.reading import read_as
from matching.repair import Repair, repair
from matching.result import Tier
from matching.stop import Never, Stop
from matching.validation import EngineError, ResultError, read_json

KINDS = ("department", "site", "educator")


@dataclass(frozen=True)
class Loss:
    """What follows when a department, site or educator (`kind`, `key`) is no longer there.

    Requirements' keys: `displaced` had a place that is gone; of these `replaced` have another one; `moved`
    had to change theirs too, to make room or because a limit no longer holds for all; `left` have none any
    more. `minutes` is how much further, one way and all together, the replaced and moved travel. `tiers` are
    the repair's; `proven`: nobody more could be placed, nor with fewer moves. `costs`, where asked for: the
    change of the policy's aims, unweighted, over the whole allocation.
    """

    kind: str
    key: str
    displaced: tuple[str, ...]
    replaced: tuple[str, ...]
    moved: tuple[str, ...]
    left: tuple[str, ...]
    minutes: int
    proven: bool
    tiers: tuple[Tier, ...] = ()
    costs: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What is lost, in a word that `done` goes by: "department S1-CT"."""
        return f"{self.kind} {self.key}"

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Loss:
        """Reads what `to_json` writes. Raises `ResultError`."""
        found = read_as(ResultError, "", "loss", cls, read_json(ResultError, "loss", text))
        if not isinstance(found, cls) or found.kind not in KINDS:
            raise ResultError("loss", "kind", found.kind, "one of " + ", ".join(KINDS))
        return found


@dataclass(frozen=True)
class _Given:
    """What every repair starts from."""

    problem: Problem
    policy: Policy
    now_week: int
    waiting: bool
    quality: bool
    seconds: float
    before: Mapping[str, int]

    def lose(self, name: tuple[str, str]) -> Loss:
        """One loss, repaired."""
        kind, key = name
        found = repair(
            self.problem,
            self.policy,
            None,
            [_event(self.problem, kind, key, self.now_week)],
            now_week=self.now_week,
            waiting=self.waiting,
            quality=self.quality,
            seconds=self.seconds,
        )
        gone = [m for m in found.moves if m.kind == "displaced"]
        moved = [m for m in found.moves if m.kind == "moved"]
        return Loss(
            kind,
            key,
            displaced=tuple(m.requirement for m in gone),
            replaced=tuple(m.requirement for m in gone if m.after is not None),
            moved=tuple(m.requirement for m in moved if m.after is not None),
            left=tuple(m.requirement for m in (*gone, *moved) if m.after is None),
            minutes=_further(self.problem, found),
            proven=found.proven,
            tiers=found.tiers,
            costs={name: value - self.before[name] for name, value in found.costs.items()},
        )


def lose_each(
    problem: Problem,
    policy: Policy | None = None,
    standing: Sequence[Placing] | None = None,
    kinds: Sequence[str] = KINDS,
    *,
    now_week: int = 0,
    waiting: bool = False,
    quality: bool = False,
    seconds: float = 30.0,
    processes: int = 1,
    done: Mapping[str, Loss] | None = None,
    on_result: Callable[[Loss], None] | None = None,
    stop: Stop | None = None,
) -> Iterator[Loss]:
    """Each department, site and educator (`kinds`) lost from `now_week` on, one after another and
    independently, in the order of the problem; the standing allocation (`problem.published` where `standing`
    is None) repaired within `seconds` each. Other arguments as for `repair`.

    A loss whose name (`Loss.name`) is in `done` is given back as it is there. `on_result` is told each new
    one as it comes; `stop` is asked between them. With more than one process the work is spread over
    `processes` of them (started afresh, so that a program that calls this at its top level must do so under
    `if __name__ == "__main__"`). Raises EngineError for a kind that there is not, PolicyError where the
    policy ignores places, and what `repair` raises.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise EngineError("lose_each", "kinds", kind, "one of " + ", ".join(KINDS))
    if isinstance(processes, bool) or not isinstance(processes, int) or processes < 1:
        raise EngineError("lose_each", "processes", processes, "a whole number of at least 1")
    policy = policy or Policy()
    if standing is not None:
        problem = dataclasses.replace(problem, published=tuple(standing))
    names = [(kind, item.key) for kind in kinds for item in getattr(problem, f"{kind}s")]
    check_obeyed(policy, [_event(problem, kind, key, now_week) for kind, key in names])
    given = _Given(problem, policy, now_week, waiting, quality, seconds, _costs(problem, policy))
    return _each(given, names, done or {}, on_result, stop or Never(), processes)


def _each(
    given: _Given,
    names: list[tuple[str, str]],
    done: Mapping[str, Loss],
    on_result: Callable[[Loss], None] | None,
    stop: Stop,
    processes: int,
) -> Iterator[Loss]:
    to_do = [name for name in names if " ".join(name) not in done]
    made = _one_by_one(given, to_do) if processes == 1 or len(to_do) < 2 else _spread(given, to_do, processes)
    try:
        for name in names:
            if " ".join(name) in done:
                yield done[" ".join(name)]
                continue
            if stop():
                return
            found = next(made)
            if on_result is not None:
                on_result(found)
            yield found
    finally:
        made.close()


def _one_by_one(given: _Given, names: list[tuple[str, str]]) -> Generator[Loss, None, None]:
    for name in names:
        yield given.lose(name)


# What a worker repairs; set once when it starts.
_worker: list[_Given] = []


def _start(given: _Given) -> None:
    _worker[:] = [given]


def _lose(name: tuple[str, str]) -> Loss:
    return _worker[0].lose(name)


def _spread(given: _Given, names: list[tuple[str, str]], processes: int) -> Generator[Loss, None, None]:
    """In the order of the names, by workers that are given the problem once."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(processes, len(names)), _start, (given,)) as pool:
        yield from pool.imap(_lose, names)


def _event(problem: Problem, kind: str, key: str, now_week: int) -> Event:
    weeks = tuple(range(now_week, len(problem.weeks)))
    if kind == "site":
        return SiteClosed(key, weeks)
    return EducatorAway(key, weeks) if kind == "educator" else PlacesCut("department", key, weeks, 0)


def _further(problem: Problem, found: Repair) -> int:
    """How much further those with another place than before travel."""
    total = 0
    for move in found.moves:
        if move.before is not None and move.after is not None:
            requirement = problem.requirements[problem.requirement_index[move.requirement]]
            row = problem.travel_minutes[problem.learner_index[requirement.learner]]
            total += int(row[_site(problem, move.after)]) - int(row[_site(problem, move.before)])
    return total


def _site(problem: Problem, placing: Placing) -> int:
    department = problem.offers[problem.offer_index[placing.offer]].department
    return problem.site_index[problem.departments[problem.department_index[department]].site]


def _costs(problem: Problem, policy: Policy) -> dict[str, int]:
    """The aims of the standing allocation, with the educators' time split as well as can be."""
    return repair(problem, policy, None, [], waiting=False, quality=False).costs
