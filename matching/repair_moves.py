"""What a repair says: who moves, from where to where and because of which event; who is left over and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matching.columns import Model
from matching.events import Event, LateLearner, MustMove, PlacesCut, SiteClosed, Withdrawal, WteCut
from matching.explain import Shortage, blocked, reason, refused_sites
from matching.local_limits import Limits
from matching.problem import Placing, Problem
from matching.result import Reason
from matching.tables import Bools, Ints


@dataclass(frozen=True)
class Moved:
    """One placing that is not as it stood. `kind`: "displaced" (a rule refuses where it stood), "moved" (it
    makes room, or its limit no longer holds for all), "late" (a late learner's) or "waiting" (had no place
    before). `before` and `after` are None for no place. `event` is the position of the event that it follows
    from, None where none did (it stood against a rule already)."""

    requirement: str
    kind: str
    before: Placing | None
    after: Placing | None
    event: int | None


def moves(
    before: Problem,
    limits: Limits,
    displaced: Bools,
    late: Bools,
    stands: Ints,
    taken: Ints,
    events: Sequence[Event],
) -> tuple[Moved, ...]:
    """Every change, in order of the requirements' keys. Whoever an event concerns follows from it; a move
    that makes room follows from the event of those who come to where it stood, step by step."""
    problem = limits.tables.problem
    published = {p.requirement: p for p in before.published}
    found: dict[int, tuple[str, Placing | None, Placing | None]] = {}
    for r, requirement in enumerate(problem.requirements):
        was, now = published.get(requirement.key), placing_of(limits, r, int(taken[r]))
        if displaced[r] or (stands[r] >= 0 and taken[r] != stands[r]):
            found[r] = ("displaced" if displaced[r] else "moved", was, now)
        elif was is None and now is not None:
            found[r] = ("late" if late[r] else "waiting", None, now)
    causes = _causes(before, limits, found, taken, events)
    return tuple(
        Moved(problem.requirements[r].key, *found[r], causes.get(r))
        for r in sorted(found, key=lambda r: problem.requirements[r].key)
    )


def placing_of(limits: Limits, r: int, pair: int) -> Placing | None:
    """A pair in words; None for -1."""
    if pair < 0:
        return None
    problem, eligible = limits.tables.problem, limits.eligible
    requirement = problem.requirements[r]
    rotation = problem.rotation_of(requirement)
    block = limits.tables.variants.block[eligible.variant[pair]]
    return Placing(
        requirement.key,
        problem.offers[eligible.offer[pair]].key,
        None if rotation is None else rotation.blocks[block],
    )


def _causes(
    before: Problem,
    limits: Limits,
    found: dict[int, tuple[str, Placing | None, Placing | None]],
    taken: Ints,
    events: Sequence[Event],
) -> dict[int, int]:
    """The event that each change follows from: its own, or that of whoever comes to a department it leaves
    (or, for one who was waiting, left) in a week they share; with one event, that one."""
    problem = limits.tables.problem
    concerns = [_Concerned(before, event) for event in events]
    out: dict[int, int] = {}
    for r, (kind, was, _) in found.items():
        mine = [i for i, c in enumerate(concerns) if c(problem.requirements[r].key, kind, was)]
        if mine:
            out[r] = mine[0]
        elif len(events) == 1 and kind != "displaced":
            out[r] = 0
    left = {r: _where(before, was) for r, (_, was, _) in found.items() if was is not None}
    came = {r: _where(problem, now) for r, (_, _, now) in found.items() if now is not None}
    front = sorted(out)
    while front:
        following = []
        for r in front:
            for other in sorted(found):
                if other in out:
                    continue
                kind = found[other][0]
                comes, leaves = (r, other) if kind == "moved" else (other, r)
                if kind != "displaced" and _meet(came.get(comes), left.get(leaves)):
                    out[other] = out[r]
                    following.append(other)
        front = following
    return out


def _where(problem: Problem, placing: Placing) -> tuple[str, frozenset[int]]:
    """Department and weeks of a placing."""
    requirement = problem.requirements[problem.requirement_index[placing.requirement]]
    rotation = problem.rotation_of(requirement)
    weeks = requirement.weeks
    if rotation is not None and placing.block is not None:
        weeks = rotation.weeks[rotation.blocks.index(placing.block)]
    return problem.offers[problem.offer_index[placing.offer]].department, frozenset(weeks)


def _meet(one: tuple[str, frozenset[int]] | None, two: tuple[str, frozenset[int]] | None) -> bool:
    return one is not None and two is not None and one[0] == two[0] and bool(one[1] & two[1])


class _Concerned:
    """Whether an event is about a placing as it stood."""

    def __init__(self, problem: Problem, event: Event) -> None:
        self.problem, self.event = problem, event
        self.departments: frozenset[str] = frozenset()
        self.weeks: frozenset[int] = frozenset()
        if isinstance(event, Withdrawal | LateLearner | MustMove):
            return
        self.weeks = frozenset(event.weeks)
        site_trust = {s.key: s.trust for s in problem.sites}
        if isinstance(event, WteCut):
            self.departments = frozenset([event.department])
        elif isinstance(event, PlacesCut | SiteClosed):
            level = "site" if isinstance(event, SiteClosed) else event.level
            key = event.site if isinstance(event, SiteClosed) else event.key
            self.departments = frozenset(
                d.key
                for d in problem.departments
                if key
                in {"department": (d.key,), "site": (d.site,), "trust": (site_trust[d.site],)}.get(level, ())
            )
            if level == "offer":
                self.departments = frozenset([problem.offers[problem.offer_index[key]].department])
        else:
            educator = problem.educators[problem.educator_index[event.educator]]
            self.departments = frozenset(educator.departments)

    def __call__(self, requirement: str, kind: str, was: Placing | None) -> bool:
        if isinstance(self.event, LateLearner):
            return kind == "late" and any(r.key == requirement for r in self.event.requirements)
        if was is None or kind not in ("displaced", "moved"):
            return False
        if isinstance(self.event, MustMove):
            return self.event.requirement == requirement
        department, weeks = _where(self.problem, was)
        return department in self.departments and bool(weeks & self.weeks)


def left_over(
    limits: Limits, requirements: Ints, model: Model | None, taken: Bools | None
) -> dict[str, Reason]:
    """Why each of some requirements (positions) has no place: the rules that refuse every site, or the limits
    that are full in this answer."""
    tables, policy = limits.tables, limits.policy
    rules = refused_sites(tables, policy, requirements)
    with_pairs = requirements[np.isin(requirements, limits.eligible.requirement)]
    full = {r: Shortage((), (), (), False) for r in with_pairs.tolist()}
    if model is not None and taken is not None and len(with_pairs):
        full = blocked(tables, policy, model, taken, with_pairs)
    return {
        tables.problem.requirements[r].key: reason(rules[i], full.get(r))
        for i, r in enumerate(requirements.tolist())
    }
