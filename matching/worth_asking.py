"""Which limits can be worth raising: those full in the answer, those with a price in the relaxation, and WTE
whose load costs something."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matching.aims import supervised
from matching.program import Program, relax
from matching.standing import Standing
from matching.stop import Stop
from matching.tables import Bools, Ints
from matching.tier_search import scale_of
from matching.tiers import placings_of

# Choices up to which the relaxation is asked, and how far a tier outweighs the next there.
RELAXED = 12_000
OUTWEIGHS = 1_000.0


@dataclass(frozen=True)
class RaisedLimit:
    """A limit that could be raised over some weeks (positions): by one place (`what` "place", of an offer,
    department, site or trust), or by 0.1 WTE ("wte", of a department or an educator)."""

    level: str
    key: str
    weeks: tuple[int, ...]
    what: str


def worth_asking(standing: Standing, stop: Stop, ends: float) -> list[RaisedLimit]:
    """Those limits, each over the weeks of each block that is placed or could be placed under it; first where
    most of those left over could go. In a large problem (over `RELAXED` choices) the relaxation is left
    out."""
    wanted: dict[RaisedLimit, int] = {}
    priced = _priced(standing, ends, stop)
    waiting = standing.held[standing.choices.requirement] < 0
    for limit, mine, tight in _limits(standing):
        weeks = np.array(limit.weeks)
        if tight[weeks].any() or any((limit.what, limit.level, limit.key, w) in priced for w in limit.weeks):
            wanted[limit] = len(np.unique(standing.choices.requirement[mine & waiting]))
    return sorted(wanted, key=lambda x: (-wanted[x], x.what, x.level, x.key, x.weeks))


def every_limit(standing: Standing) -> list[RaisedLimit]:
    """Every limit that could be raised, over the weeks of each block that could be placed under it."""
    return list(dict.fromkeys(limit for limit, _, _ in _limits(standing)))


def _limits(standing: Standing) -> Iterator[tuple[RaisedLimit, Bools, Bools]]:
    """Every limit by block, with the choices [choices] of that block under it and the weeks in which it is
    tight."""
    problem, chosen = standing.problem, standing.choices
    of = {
        "offer": chosen.offer,
        "department": chosen.department,
        "site": chosen.site,
        "trust": chosen.trust,
    }
    used = {level: _used(standing, at) for level, at in of.items()}
    declared: dict[str, list[tuple[int, ...] | None]] = {
        "offer": [x.maximum for x in problem.offers],
        "department": [x.places for x in problem.departments],
        "site": [x.places for x in problem.sites],
        "trust": [x.places for x in problem.trusts],
    }
    for level, by_position in declared.items() if standing.policy.places else ():
        for i, places in enumerate(by_position):
            if places is not None:
                key = getattr(problem, f"{level}s")[i].key
                tight = used[level].get(i, np.zeros(len(problem.weeks), np.int64)) >= np.array(places)
                yield from _by_block(standing, of[level] == i, RaisedLimit(level, key, (), "place"), tight)
    load = _loaded(standing)
    for d, department in enumerate(problem.departments):
        if department.wte is not None or standing.tables.educators_of[d]:
            limit = RaisedLimit("department", department.key, (), "wte")
            yield from _by_block(standing, chosen.department == d, limit, load[d])
    for e, educator in enumerate(problem.educators):
        served = [d for d, those in enumerate(standing.tables.educators_of) if e in those]
        limit = RaisedLimit("educator", educator.key, (), "wte")
        tight = np.any(load[served], axis=0)
        yield from _by_block(standing, np.isin(chosen.department, served), limit, np.asarray(tight, np.bool_))


def _by_block(
    standing: Standing, under: Bools, limit: RaisedLimit, tight: Bools
) -> Iterator[tuple[RaisedLimit, Bools, Bools]]:
    for s in np.unique(standing.choices.week_set[under]).tolist():
        weeks = standing.tables.week_sets[s]
        mine = under & (standing.choices.week_set == s)
        yield RaisedLimit(limit.level, limit.key, weeks, limit.what), mine, tight


def _used(standing: Standing, of: Ints) -> dict[int, Ints]:
    """[weeks] learners there, by position."""
    out: dict[int, Ints] = {}
    for k in np.flatnonzero(standing.taken).tolist():
        weeks = standing.tables.week_set_weeks[standing.choices.week_set[k]]
        i = int(of[k])
        out[i] = out.get(i, 0) + weeks.astype(np.int64)
    return out


def _loaded(standing: Standing) -> Bools:
    """[departments, weeks] where more WTE would make the load cheaper, or the limit leaves less than the
    heaviest learner asks for; the educators' time counted in."""
    tables, policy = standing.tables, standing.policy
    weight = supervised(tables, placings_of(standing.choices, standing.taken))
    heaviest = int(tables.weight.max(initial=0))
    first = min((percent for percent, price in policy.supervisor_load if price), default=None)
    out = np.zeros(weight.shape, np.bool_)
    # Where the educators do not all supervise whom, and as many as, they can, their time says little.
    limited = tables.teams.split | np.isin(np.arange(len(weight)), tables.heads.department)
    cells = [np.flatnonzero(tables.teams.department == d) for d in range(len(weight))]
    most = tables.teams.room(policy.supervision or 0.0)
    for d in range(len(weight)):
        own = tables.wte_by_week[d]
        if own is not None and first is not None:
            out[d] |= 100 * weight[d] > first * own
        if tables.educators_of[d]:
            out[d] |= weight[d] > 0
        if policy.supervision is not None and (own is not None or tables.educators_of[d]):
            room = most[cells[d]].sum(axis=0)
            out[d] |= (weight[d] + heaviest > room) | limited[d]
    return out


def _priced(standing: Standing, ends: float, stop: Stop) -> set[tuple[str, str, str, int]]:
    """(what, level, key, week) of limits with a price in the relaxation of all tiers in one cost."""
    if len(standing.choices) > RELAXED:
        return set()
    cost, weight = np.zeros(standing.model.width), 1.0
    for tier in reversed(standing.tiers):
        if tier.worst is None:
            cost += weight * tier.cost / scale_of(tier)
            weight *= OUTWEIGHS
    model = standing.model
    program = Program(cost, model.rows, model.most, model.upper, np.zeros(0, np.bool_))
    found = relax(program, stop, ends - time.monotonic())
    out: set[tuple[str, str, str, int]] = set()
    for i in np.flatnonzero(found.price > 1e-6).tolist() if found is not None else []:
        name = standing.names[i]
        if name.rule in ("places", "supervision"):
            what = "place" if name.rule == "places" else "wte"
            key = getattr(standing.problem, f"{name.level}s")[name.position].key
            out.update((what, name.level, key, w) for w in name.weeks)
    return out
