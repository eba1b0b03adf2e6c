"""The growth frontier: more learners are to come; which places and how much WTE, in which order?

Step by step the addition is taken whose exact re-solve gives the lexicographically best tiers. Beside it
stands what no set of as many additions can beat, from one program over all of them
(`frontier_program.py`) where that is small enough, or else from making them all at once: so each step is
known to be the best there is, or how far it may be from it.

Adding never hurts: whatever was allowed still is, at no higher price. So the tiers with a whole group added
are no worse than with any one of it, and a group that does not beat the best one found so far needs no
closer look. No other estimate is used: gains are neither falling (a place and the WTE for it are worth
something only together) nor read off the limits that are full, which prove nothing where weights differ.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from matching.additions import Addition, GrowthError, MoreLearners, with_additions, with_learners
from matching.frontier_program import best_together
from matching.frontier_tried import Tried, Value
from matching.policy import Policy
from matching.problem import Problem
from matching.progress import Listener, Progress
from matching.result import Tier
from matching.stop import Never, Stop
from matching.validation import Checks

# Additions whose common floor is solved first, and the most that are looked for together where none gains.
GROUP = 8
AT_ONCE = 4
# Up to so many additions are each solved; of more, one program is asked first.
SOLVED_EACH = 16


@dataclass(frozen=True)
class GrowthStep:
    """One more addition.

    `added` is its key: none at the start (more learners, nothing added), several where no single one gains
    anything but these do together. `tiers` are those of the problem with all additions so far, `gain` by tier
    what this step lowered it by. `bound` by tier: no set of as many
    additions can be lower, tier by tier in their order. `together` is the best set of as many that was found
    (not always those taken one by one) and `reached` its tiers. `solved` counts the problems solved.
    """

    added: tuple[str, ...]
    tiers: tuple[Tier, ...]
    gain: dict[str, int]
    bound: dict[str, int]
    together: tuple[str, ...]
    reached: dict[str, int]
    solved: int

    @property
    def exact(self) -> bool:
        """Whether the additions taken one by one are proven to be as good as any set of as many."""
        return [tier.value for tier in self.tiers] == list(self.bound.values())

    @property
    def gap(self) -> dict[str, int]:
        """By tier what a set of as many additions might do better; only the first that is not 0 is sure to
        be a bound, those after it are of sets that reach it."""
        return {tier.name: tier.value - self.bound[tier.name] for tier in self.tiers}


def frontier(
    problem: Problem,
    policy: Policy | None = None,
    *,
    more_learners: Sequence[MoreLearners] = (),
    additions: Sequence[Addition],
    steps: int = 10,
    done: Sequence[str] = (),
    seconds: float = 60.0,
    together: bool = True,
    processes: int = 1,
    progress: Listener | None = None,
    stop: Stop | None = None,
) -> Iterator[GrowthStep]:
    """Yields the start and then up to `steps` steps, each as soon as it is known; ends early at `stop`, and
    where no addition gains anything, nor (as far as one program can tell) any few of them together.

    `additions` are what may be added (`possible_additions` makes the usual ones). `done` names those taken
    already, in their order, to go on from there: the start is not yielded again, and `steps` are further
    ones. `seconds` is the most a single solve may take; a gap left by it is in the tiers. `together` asks for
    the best set of as many additions at each step. `processes` share the solves of a step; the steps are the
    same whatever their number.

    Of up to 16 additions each is solved; of more, where `together` is asked for, one program may prove which
    is best. Else a step costs at most one solve for each addition and one for each eight of them; the latter
    suffice where few are worth anything. Ties go to the addition named first in `additions`, or to the one
    that the program finds. Raises `GrowthError` for what does not fit the problem.
    """
    policy, stop, begin = policy or Policy(), stop or Never(), time.perf_counter()
    base = with_learners(problem, more_learners)
    by_key = _by_key(base, additions)
    taken = _taken(by_key, additions, done)
    with Tried(base, policy, tuple(additions), seconds, processes, stop) as tried:
        before = tried.values([_counts(by_key, taken)])[0]
        if before is None:
            return
        if not taken:
            start = _Best(before.floor, (), before.reached)
            yield _step((), before, before, start, tried.solved)
        for n in range(steps):
            tried.solved = 0
            found = _next(tried, _counts(by_key, taken), before, together)
            if found is None:
                return
            taken += found.added
            best = _best(tried, taken, found, together)
            if progress is not None:
                left = sum(t.value for t in found.value.tiers if t.name.startswith("unplaced"))
                so_far = time.perf_counter() - begin
                progress(Progress(f"addition {n + 1} of {steps}", left, None, so_far))
            yield _step(found.added, before, found.value, best, tried.solved)
            before = found.value


def _by_key(base: Problem, additions: Sequence[Addition]) -> dict[str, int]:
    by_key: dict[str, int] = {}
    for i, addition in enumerate(additions):
        check = Checks(GrowthError, f"addition {addition.key!r}")
        if addition.key in by_key:
            check.refuse("key", addition.key, "that of one addition only")
        check.whole("most", addition.most, 1, 10_000)
        by_key[addition.key] = i
    with_additions(base, additions)
    return by_key


def _taken(by_key: dict[str, int], additions: Sequence[Addition], done: Sequence[str]) -> list[str]:
    check = Checks(GrowthError, "done")
    for i, key in enumerate(done):
        check.known(f"done[{i}]", key, by_key, "the key of an addition")
        most = additions[by_key[key]].most
        if done[: i + 1].count(key) > most:
            check.refuse(f"done[{i}]", key, f"named at most {most} times")
    return list(done)


def _counts(by_key: dict[str, int], keys: Iterable[str]) -> tuple[int, ...]:
    out = [0] * len(by_key)
    for key in keys:
        out[by_key[key]] += 1
    return tuple(out)


@dataclass(frozen=True)
class _Found:
    """The additions of a step, what they reach, and what none tried in their stead is under."""

    added: tuple[str, ...]
    value: Value
    least: tuple[int, ...]


def _next(tried: Tried, now: tuple[int, ...], before: Value, together: bool) -> _Found | None:
    """The addition that does best, the first of equals; where none gains, the fewest that do together; None
    at the end, or at a stop."""
    open_to = [i for i, addition in enumerate(tried.additions) if now[i] < addition.most]
    if together and len(open_to) > SOLVED_EACH:
        proven = _proposed(tried, now, 1)
        if proven is not None and proven.value.reached == proven.least:
            return proven if proven.least < before.reached else _several(tried, now, before)
    groups = tried.groups(open_to, GROUP)
    floors = tried.values([_with(now, group) for group in groups])
    if any(value is None for value in floors):
        return None
    best: tuple[tuple[int, ...], int] = (before.reached, -1)
    found, least = before, before.floor
    ranked = [(v.floor, min(group), group) for v, group in zip(floors, groups, strict=True) if v is not None]
    for floor, first, group in sorted(ranked):
        if (floor, first) >= best:
            least = min(least, floor)
            continue
        for i, value in zip(group, tried.values([_with(now, [i]) for i in group]), strict=True):
            if value is None:
                return None
            least = min(least, value.floor)
            if (value.reached, i) < best:
                best, found = (value.reached, i), value
    if best[1] < 0:
        return _several(tried, now, before)
    return _Found((tried.additions[best[1]].key,), found, least)


def _several(tried: Tried, now: tuple[int, ...], before: Value) -> _Found | None:
    """The fewest additions that gain something together where none does alone."""
    everything = tried.values([_everything(tried)])[0]
    if everything is None or everything.floor >= before.reached:
        return None
    for k in range(2, min(AT_ONCE, sum(_everything(tried)) - sum(now)) + 1):
        found = _proposed(tried, now, k)
        if found is None:
            return None
        if found.value.reached < before.reached:
            return found
    return None


def _proposed(tried: Tried, now: tuple[int, ...], k: int) -> _Found | None:
    """The best set of at most `k` more additions by one program, solved again; None where there is none."""
    made = [a for a, n in zip(tried.additions, now, strict=True) for _ in range(n)]
    left = [(i, a.most - now[i]) for i, a in enumerate(tried.additions) if a.most > now[i]]
    additions = [replace(tried.additions[i], most=n) for i, n in left]
    problem = with_additions(tried.problem, made)
    found = best_together(problem, tried.policy, additions, k, tried.seconds, tried.stop)
    if found is None:
        return None
    more = [0] * len(now)
    for (i, _), n in zip(left, found.counts, strict=True):
        more[i] = n
    value = tried.values([tuple(a + b for a, b in zip(now, more, strict=True))])[0]
    if value is None:
        return None
    keys = tuple(a.key for a, n in zip(tried.additions, more, strict=True) for _ in range(n))
    return _Found(keys, value, tuple(found.bound[name] for name in tried.names))


def _everything(tried: Tried) -> tuple[int, ...]:
    return tuple(addition.most for addition in tried.additions)


def _with(now: tuple[int, ...], more: Sequence[int]) -> tuple[int, ...]:
    return tuple(n + (i in more) for i, n in enumerate(now))


@dataclass(frozen=True)
class _Best:
    """What as many additions could reach: a bound, and the best set found with its tiers."""

    bound: tuple[int, ...]
    together: tuple[str, ...]
    reached: tuple[int, ...]


def _best(tried: Tried, taken: Sequence[str], found: _Found, together: bool) -> _Best:
    """The best that as many additions as are taken could do."""
    reached, names = found.value.reached, tuple(sorted(taken))
    if len(taken) == 1:  # every other was tried, or passed over for its floor
        return _Best(min(found.least, reached), names, reached)
    everything = tried.values([_everything(tried)])[0]
    bound = (0,) * len(reached) if everything is None else everything.floor
    if together:
        other = _proposed(tried, (0,) * len(tried.additions), len(taken))
        if other is not None:
            bound = max(bound, other.least)
            if other.value.reached < reached:
                reached, names = other.value.reached, tuple(sorted(other.added))
    return _Best(min(bound, reached), names, reached)


def _step(added: tuple[str, ...], before: Value, after: Value, best: _Best, solved: int) -> GrowthStep:
    names = [tier.name for tier in after.tiers]
    gain = [b - a for b, a in zip(before.reached, after.reached, strict=True)]
    return GrowthStep(
        added,
        after.tiers,
        dict(zip(names, gain, strict=True)),
        dict(zip(names, best.bound, strict=True)),
        best.together,
        dict(zip(names, best.reached, strict=True)),
        solved,
    )
