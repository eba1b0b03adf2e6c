"""Repair: after something has happened to a published allocation, the fewest moves that mend it, proven.

In order: those already on site keep their place; whoever has lost theirs (or joins late) is placed, by
priority; as few others as possible lose or change theirs; whoever was waiting is placed in what is free; and
of all that do as well, the best by the policy's own aims. The first tiers are a re-solve of the
neighbourhood (`local.py`), the last ones the policy's (`repair_quality.py`).
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from matching.eligibility import Eligible, eligible_pairs
from matching.events import Event, apply, check_obeyed
from matching.integer import Tell
from matching.local import Aim, Better, Local
from matching.local_limits import Limits
from matching.policy import Policy
from matching.problem import Placing, Problem
from matching.progress import Listener, Progress
from matching.questioned import in_question
from matching.repair_moves import Moved, left_over, moves, placing_of
from matching.repair_quality import improve
from matching.result import Reason, Share, Tier
from matching.stop import Never, Stop
from matching.tables import Bools, Ints, Tables
from matching.tiers import members
from matching.validation import EngineError
from matching.verify import broken_rules


@dataclass(frozen=True)
class Repair:
    """A repaired allocation of `problem` (as the events leave it), within every rule.

    `assignment`, `blocks` and `shares` as in a `Result`; `moves` are all placings that are not as they stood;
    `left` are those who lost their place (or joined late) and have none, with the reason. `tiers` in order:

    - "on_site_moved", only where a limit that no longer holds has people on site in it: how many of them lose
      or change their place;
    - "unplaced_pinned", "unplaced_priority_N": of those in need (displaced, in a limit that no longer holds,
      or late), how many have no place;
    - "moved": standing placings that no rule refuses by themselves and that are not kept;
    - "waiting_priority_N", if asked for: of those who had no place before, how many still have none;
    - "agreement_shortfall" and the policy's tiers, as in a `Result`.

    Each has the value reached and the bound proven, with the tiers before it held at their values. `costs`
    are the policy's aims, unweighted. Status: "optimal", "gap" or "cancelled".
    """

    problem: Problem
    status: str
    assignment: dict[str, str]
    blocks: dict[str, str] = field(default_factory=dict)
    shares: tuple[Share, ...] = ()
    moves: tuple[Moved, ...] = ()
    left: dict[str, Reason] = field(default_factory=dict)
    tiers: tuple[Tier, ...] = ()
    costs: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def proven(self) -> bool:
        """Whether nobody in need could be placed beyond those who are, nor with fewer moves."""
        names = [tier.name for tier in self.tiers]
        upto = names.index("moved") + 1
        return all(tier.bound == tier.value for tier in self.tiers[:upto])

    @property
    def placings(self) -> tuple[Placing, ...]:
        """The allocation as placings, to publish or to repair again."""
        return tuple(Placing(r, o, self.blocks.get(r)) for r, o in self.assignment.items())


@dataclass(frozen=True, eq=False)
class Case:
    """[requirements] what the events leave of the standing allocation: `stands` the pair where each still
    stands (-1: nowhere), `displaced`, in `question` (a limit no longer holds), `late`, `waiting`, `held`
    (on site, and not to be moved)."""

    stands: Ints
    displaced: Bools
    question: Bools
    late: Bools
    waiting: Bools
    held: Bools

    @property
    def need(self) -> Bools:
        """Who is in need of a place."""
        return self.displaced | self.question | self.late


def repair(
    problem: Problem,
    policy: Policy | None,
    standing: Sequence[Placing] | None,
    events: Sequence[Event],
    *,
    now_week: int = 0,
    may_move: Collection[str] = (),
    in_need: Collection[str] = (),
    waiting: bool = True,
    quality: bool = True,
    seconds: float = 60.0,
    stop: Stop | None = None,
    progress: Listener | None = None,
) -> Repair:
    """The repair of a standing allocation (`problem.published` where `standing` is None) after some events.

    A placing with a week before `now_week` is on site: it does not move unless its requirement is in
    `may_move` (and then counts as a move) or its place is no longer there. A placing moves whole, in all its
    weeks. `in_need`: requirements of the problem that do not stand and count as late all the same, as where
    the problem has them already. `waiting`: whether those without a place before are placed in what is free;
    `quality`: whether the policy's aims choose among answers as good so far (otherwise any is given, without
    those tiers and without the limits in the reasons). `progress` is told each tier; `stop` ends the repair
    early with the best answer so far and what is proven of it.

    Raises `EventError`, `ProblemError` or `PolicyError` for input that does not fit, AssertionError should
    the independent check refuse the answer. The same input gives the same repair unless time cuts it short.
    """
    begin = time.perf_counter()
    policy, stop = policy or Policy(), stop or Never()
    ends = time.monotonic() + seconds
    if standing is not None:
        problem = dataclasses.replace(problem, published=tuple(standing))
    _check(problem, now_week, {"may_move": may_move, "in_need": in_need})
    check_obeyed(policy, events)
    changed = apply(problem, events)
    tables = Tables(changed)
    limits = Limits(tables, policy, eligible_pairs(tables, policy))
    case = _case(problem, limits, now_week, frozenset(may_move), frozenset(in_need))
    pinned = tables.pinned(policy)

    def tell(name: str, value: int | None, bound: int | None) -> None:
        if progress is not None:
            progress(Progress(name, value, bound, time.perf_counter() - begin))

    tell("case", int(case.need.sum()), None)
    found = _Search(limits, case, stop, ends, tell)
    found.place_in_need(pinned)
    found.fewest_moves()
    if waiting:
        found.place_waiting(pinned)
    best = improve(found.local, found.closed, quality, stop, ends)
    for tier in best.tiers:
        tell(tier.name, tier.value, tier.bound)
    taken = best.taken
    tiers = (*found.reached(taken), *best.tiers)
    shares = tuple(
        Share(changed.educators[e].key, changed.departments[d].key, changed.weeks[w], y / 1000)
        for (e, d, w), y in sorted(best.shares.items())
    )
    stay = [placing_of(limits, r, int(pair)) for r, pair in enumerate(taken)]
    assignment = {p.requirement: p.offer for p in stay if p is not None}
    blocks = {p.requirement: p.block for p in stay if p is not None and p.block is not None}
    wrong = broken_rules(changed, policy, assignment, blocks, shares)
    if wrong:
        raise AssertionError(f"the repair fails its check: {wrong[0]}")
    gap = any(tier.gap for tier in tiers)
    return Repair(
        problem=changed,
        status="cancelled" if gap and stop() else "gap" if gap else "optimal",
        assignment=assignment,
        blocks=blocks,
        shares=shares,
        moves=moves(problem, limits, case.displaced, case.late, case.stands, taken, events),
        left=left_over(limits, np.flatnonzero(case.need & (taken < 0)), best.model, best.chosen),
        tiers=tiers,
        costs=best.costs,
        seconds=round(time.perf_counter() - begin, 4),
    )


def _check(problem: Problem, now_week: int, named: Mapping[str, Collection[str]]) -> None:
    if isinstance(now_week, bool) or not isinstance(now_week, int) or not 0 <= now_week <= len(problem.weeks):
        wanted = f"a whole number from 0 to {len(problem.weeks)}"
        raise EngineError("repair", "now_week", now_week, wanted)
    for name, keys in named.items():
        for key in keys:
            if key not in problem.requirement_index:
                wanted = "the key of a requirement in this problem"
                raise EngineError("repair", name, key, wanted)
    for placing in problem.published:
        if placing.requirement in named["in_need"]:
            wanted = "the key of a requirement that does not stand"
            raise EngineError("repair", "in_need", placing.requirement, wanted)


def _case(
    before: Problem, limits: Limits, now_week: int, may_move: frozenset[str], in_need: frozenset[str]
) -> Case:
    problem, eligible = limits.tables.problem, limits.eligible
    n = len(problem.requirements)
    stands = standing_pairs(limits.tables, eligible)
    published = np.zeros(n, np.bool_)
    published[[problem.requirement_index[p.requirement] for p in problem.published]] = True
    known = before.requirement_index
    late = np.array([r.key not in known or r.key in in_need for r in problem.requirements], np.bool_)
    question = np.zeros(n, np.bool_)
    who = np.flatnonzero(stands >= 0)
    question[who] = in_question(limits, stands[who])
    first = limits.tables.week_set_weeks.argmax(axis=1)
    on_site = np.zeros(n, np.bool_)
    on_site[who] = first[eligible.week_set[stands[who]]] < now_week
    may = np.array([r.key in may_move for r in problem.requirements], np.bool_)
    return Case(
        stands=stands,
        displaced=published & (stands < 0),
        question=question,
        late=late,
        waiting=~published & ~late,
        held=on_site & ~may,
    )


def standing_pairs(tables: Tables, eligible: Eligible) -> Ints:
    """[requirements] the eligible pair where each is published; -1 where it is not, or a rule refuses it."""
    problem = tables.problem
    n = len(problem.requirements)
    offer, block = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    for placing in problem.published:
        r = problem.requirement_index[placing.requirement]
        offer[r] = problem.offer_index[placing.offer]
        rotation = problem.rotation_of(problem.requirements[r])
        if rotation is not None and placing.block is not None:
            block[r] = rotation.blocks.index(placing.block)
    of = eligible.requirement
    same = (eligible.offer == offer[of]) & (tables.variants.block[eligible.variant] == block[of])
    out = np.full(n, -1, np.int64)
    out[of[same]] = np.flatnonzero(same)
    return out


class _Search:
    """The tiers of a repair that are not about quality, one after another."""

    def __init__(self, limits: Limits, case: Case, stop: Stop, ends: float, tell: Tell) -> None:
        self.limits, self.case, self.tell = limits, case, tell
        self.of = limits.eligible.requirement
        need = case.need
        free = ((case.stands >= 0) & ~case.held) | need
        self.local = Local(
            limits=limits,
            stands=case.stands,
            free=free,
            left=need | case.waiting,
            taken=np.where(need, -1, case.stands),
            stop=stop,
            ends=ends,
        )
        self.ends = ends
        self.tiers: list[Tier] = []
        self.aims: list[Aim] = []
        self.closed = True
        if self.local.small:
            self.local.join_all(np.flatnonzero(free))
        self.local.join_all(np.flatnonzero(need))
        standing = np.flatnonzero(case.stands >= 0)
        cost = np.zeros(len(self.of), np.int64)
        cost[case.stands[standing]] = -1
        self.kept = Aim(cost, len(standing))
        self.floor = 0

    def placing(self, requirements: Ints) -> Aim:
        """How many of some requirements have no place."""
        return Aim(-np.isin(self.of, requirements).astype(np.int64), len(requirements))

    def place_in_need(self, pinned: Ints) -> None:
        """People on site in a broken limit keep their place if they can; then those in need are placed. Each
        tier is solved with the moves as the tie-breaker, which keeps it near."""
        case = self.case
        held = np.flatnonzero(case.held & case.question)
        aims = []
        if len(held):
            cost = np.zeros(len(self.of), np.int64)
            cost[case.stands[held]] = -1
            aims.append(("on_site_moved", Aim(cost, len(held))))
        need = members(self.limits.tables, np.flatnonzero(case.need), pinned)
        aims += [(name, self.placing(those)) for name, those in need]
        for name, aim in aims:
            self._with_moves(name, aim, last=name == aims[-1][0])

    def _with_moves(self, name: str, aim: Aim, last: bool) -> None:
        """Many times the aim, and the moves: no number of moves counts as much as one of the aim. The moves
        need to be as few as can be in the last of these only."""
        most = self.kept.constant
        many = 2 * most + 2
        both = Aim(many * aim.cost + self.kept.cost, many * aim.constant + most)

        def better(value: int) -> float:
            return value - 1 if last else many * (aim.of(self.local.taken) - 1) + most

        proven = self._solve(both, 0.6, better)
        value = aim.of(self.local.taken)
        bound = min(value, max(0, _whole((proven - most) / many)))
        self._hold(name, aim, value, bound)
        self.floor = _whole(proven - many * value)

    def fewest_moves(self) -> None:
        """Then as few standing placings as may be are not kept; what cannot be part of so few is out."""
        value = self.kept.of(self.local.taken)
        bound = min(value, max(0, self.floor))
        if bound < value:
            bound = max(bound, _whole(self._solve(self.kept, 0.7, lambda value: value - 1)))
            value = self.kept.of(self.local.taken)
        self._hold("moved", self.kept, value, min(value, bound))
        self.closed = self.local.settle(self.kept, value)

    def place_waiting(self, pinned: Ints) -> None:
        """Whoever was waiting takes what is free."""
        case = self.case
        those = np.flatnonzero(case.waiting)
        if not len(those):
            return
        self.local.free |= case.waiting
        room = self.local.with_room(those)
        self.local.join(room)
        for name, some in members(self.limits.tables, those, pinned):
            aim = self.placing(some)
            bound = len(np.setdiff1d(some, self.of[room]))
            if bound < len(some):
                bound = max(bound, _whole(self.local.search(aim)))
            value = aim.of(self.local.taken)
            bound = min(value, bound) if self.closed else 0
            self._hold(name.replace("unplaced", "waiting"), aim, value, bound)

    def _solve(self, aim: Aim, share: float, better: Better) -> float:
        left = self.ends - time.monotonic()
        self.local.ends = time.monotonic() + share * max(0.0, left)
        proven = self.local.solve(aim, better)
        self.local.ends = self.ends
        return proven

    def reached(self, taken: Ints) -> list[Tier]:
        """The tiers as the last answer has them: a search cut short may have been bettered since."""
        out = []
        for tier, aim in zip(self.tiers, self.aims, strict=True):
            value = aim.of(taken)
            bound = min(tier.bound, value)
            out.append(Tier(tier.name, value, bound, (value - bound) / value if value else 0.0))
        return out

    def _hold(self, name: str, aim: Aim, value: int, bound: int) -> None:
        self.aims.append(aim)
        self.local.held.append((aim, value))
        self.tiers.append(Tier(name, value, bound, (value - bound) / value if value else 0.0))
        self.tell(name, value, bound)


def _whole(bound: float) -> int:
    """A bound on a whole number as one; 0 for none."""
    return math.ceil(bound - 1e-6) if math.isfinite(bound) else 0
