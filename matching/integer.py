"""The integer search for parts beyond a pure flow: mixed weights, partly overlapping blocks, a learner with
two requirements at once.

One mixed-integer program on HiGHS (scipy.optimize.milp), solved tier by tier: pinned, each priority, then
cost, each with the tiers before it held at their value. Weeks that the same requirements cover are one row;
WTE limits are first rounded down to the grid of the weights. Where time runs out the best found stands with
the bound proven.

Variables: x[pair] in {0, 1}; y, learners' weight above each load step (department, weeks of one WTE); z,
learners above preferred (offer, weeks of one declaration), a step each; both cost-only and continuous.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

from matching.components import Part
from matching.costs import above_preferred_costs, breakdown, pair_preferences, pair_travel
from matching.eligibility import Eligible
from matching.greedy import Room, place_greedily
from matching.policy import Policy
from matching.rules import supervision
from matching.tables import Bools, Ints, Tables, thousandths


@dataclass
class _Rows:
    """Sparse rows `at most`, and the cost of every variable beyond the pairs."""

    i: list[Ints] = field(default_factory=list)
    j: list[Ints] = field(default_factory=list)
    value: list[Ints] = field(default_factory=list)
    most: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)

    def add(self, columns: Ints, values: Ints, most: float, extra: tuple[int, ...] = ()) -> None:
        """A row: values . x - sum of the extra variables <= most."""
        row = len(self.most)
        j = np.concatenate([columns, np.array(extra, np.int64)])
        self.i.append(np.full(len(j), row, np.int64))
        self.j.append(j)
        self.value.append(np.concatenate([values, np.full(len(extra), -1, np.int64)]))
        self.most.append(most)

    def variable(self, pairs: int, cost: float, upper: float) -> int:
        """A further continuous variable from 0 to `upper`; its column."""
        self.cost.append(cost)
        self.upper.append(upper)
        return pairs + len(self.cost) - 1


@dataclass(frozen=True, eq=False)
class _Model:
    rows: _Rows
    requirement: Ints
    offer: Ints
    cost: Ints

    @property
    def size(self) -> int:
        return len(self.requirement) + len(self.rows.cost)


def solve_integer(
    tables: Tables, policy: Policy, eligible: Eligible, part: Part, pinned: Ints, seconds: float
) -> tuple[Ints, dict[str, int]]:
    """Pairs taken (positions in `Eligible`) and by tier how far its bound lies below its value (0:
    proven)."""
    ends = time.monotonic() + seconds
    model = _model(tables, policy, eligible, part)
    best = _mark(part, place_greedily(tables, policy, eligible, part, pinned, np.arange(len(pinned))))
    held: list[tuple[Ints, float]] = []
    fewest: dict[str, tuple[Bools, int]] = {}
    for name, members in tier_members(tables, model.requirement, pinned):
        among = np.isin(model.requirement, members)
        objective = np.zeros(model.size)
        objective[: len(among)][among] = -1.0
        x, bound = _run(model, objective, held, max(0.5, (ends - time.monotonic()) / 2))
        if x is not None and x[among].sum() >= best[among].sum():
            best = x
        fewest[name] = (among, _ceil(len(members) + bound, len(members) - int(best[among].sum())))
        held.append((np.flatnonzero(among), float(best[among].sum())))
    objective = np.concatenate([model.cost, np.array(model.rows.cost)]).astype(np.float64)
    x, bound = _run(model, objective, held, max(0.5, ends - time.monotonic()))
    if x is not None and _cost(tables, policy, model, x) <= _cost(tables, policy, model, best):
        best = x
    whole = _complete(tables, policy, model, best)
    value = _cost(tables, policy, model, whole)
    # With one more placed than the cost tier was told of, its bound no longer speaks of this answer.
    slack = {"cost": value - (_ceil(bound, value) if whole.sum() == best.sum() else 0)}
    for name, (among, bound_unplaced) in fewest.items():
        wanted = len(np.unique(model.requirement[among]))
        slack[name] = max(0, wanted - int(whole[among].sum()) - bound_unplaced)
    return part.pairs[whole], slack


def tier_members(tables: Tables, requirements: Ints, pinned: Ints) -> list[tuple[str, Ints]]:
    """The tiers of placing, in order: name and the requirements (positions) of each that occurs."""
    every = np.unique(requirements)
    priority = np.array([tables.problem.requirements[r].priority for r in every], np.int64)
    priority[pinned[every] > 0] = 0
    return [
        ("unplaced_pinned" if p == 0 else f"unplaced_priority_{p}", every[priority == p])
        for p in np.unique(priority)
    ]


def _ceil(bound: float, value: int) -> int:
    if not math.isfinite(bound):
        return 0
    return min(value, max(0, math.ceil(bound - 1e-6 * max(1.0, abs(bound) * 1e-3))))


def _mark(part: Part, pairs: Ints) -> Bools:
    return np.isin(part.pairs, pairs)


def _run(
    model: _Model, objective: np.ndarray, held: list[tuple[Ints, float]], seconds: float
) -> tuple[Bools | None, float]:
    rows, n = model.rows, len(model.requirement)
    most = np.array(rows.most, np.float64)
    matrix = csr_matrix(
        (np.concatenate(rows.value), (np.concatenate(rows.i), np.concatenate(rows.j))),
        shape=(len(most), model.size),
    )
    limits = [LinearConstraint(matrix, -np.inf, most)]
    for members, least in held:
        row = csr_matrix(
            (np.ones(len(members)), (np.zeros(len(members), int), members)), shape=(1, model.size)
        )
        limits.append(LinearConstraint(row, least, np.inf))
    kind = np.concatenate([np.ones(n), np.zeros(model.size - n)])
    upper = np.concatenate([np.ones(n), np.array(rows.upper)])
    found = milp(
        objective,
        integrality=kind,
        bounds=Bounds(np.zeros(model.size), upper),
        constraints=limits,
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    bound = float(found.mip_dual_bound) if found.mip_dual_bound is not None else -math.inf
    return (None if found.x is None else found.x[:n] > 0.5), bound


def _model(tables: Tables, policy: Policy, eligible: Eligible, part: Part) -> _Model:
    requirement, offer = eligible.requirement[part.pairs], eligible.offer[part.pairs]
    cost = pair_travel(tables, policy, requirement, offer) + pair_preferences(
        tables, policy, requirement, offer
    )
    rows = _Rows()
    _at_most_one(rows, requirement)
    for weeks, covered in _periods(tables, requirement):
        inside = np.flatnonzero(covered[tables.requirement_week_set[requirement]])
        if policy.one_place_a_week:
            _one_place(rows, tables, requirement, inside)
        _place_rows(rows, tables, policy, offer, inside, weeks)
        _load_rows(rows, tables, policy, requirement, offer, inside, weeks)
        _above_rows(rows, tables, policy, offer, inside, weeks)
    return _Model(rows, requirement, offer, cost)


def _groups(label: Ints, inside: Ints) -> list[tuple[int, Ints]]:
    order = inside[np.argsort(label[inside], kind="stable")]
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    return [(int(label[g[0]]), g) for g in np.split(order, cuts) if len(g)]


def _at_most_one(rows: _Rows, requirement: Ints) -> None:
    for _, members in _groups(requirement, np.arange(len(requirement))):
        rows.add(members, np.ones(len(members), np.int64), 1.0)


def _periods(tables: Tables, requirement: Ints) -> list[tuple[tuple[int, ...], Bools]]:
    """Weeks that the same week sets cover, and [week sets] which cover them."""
    used = np.unique(tables.requirement_week_set[requirement])
    covers: dict[tuple[int, ...], list[int]] = {}
    for week in range(len(tables.problem.weeks)):
        by = tuple(int(s) for s in used if week in tables.week_sets[s])
        if by:
            covers.setdefault(by, []).append(week)
    out = []
    for by, weeks in covers.items():
        mask = np.zeros(len(tables.week_sets), np.bool_)
        mask[list(by)] = True
        out.append((tuple(weeks), mask))
    return out


def _one_place(rows: _Rows, tables: Tables, requirement: Ints, inside: Ints) -> None:
    for _, members in _groups(tables.requirement_learner[requirement], inside):
        if len(np.unique(requirement[members])) > 1:
            rows.add(members, np.ones(len(members), np.int64), 1.0)


def _place_rows(
    rows: _Rows, tables: Tables, policy: Policy, offer: Ints, inside: Ints, weeks: tuple[int, ...]
) -> None:
    if not policy.places:
        return
    problem = tables.problem
    for label, items in (
        (offer, [o.maximum for o in problem.offers]),
        (tables.offer_department[offer], [d.places for d in problem.departments]),
        (tables.offer_site[offer], [s.places for s in problem.sites]),
        (tables.offer_trust[offer], [t.places for t in problem.trusts]),
    ):
        for key, members in _groups(label, inside):
            places = items[key]
            if places is not None:
                most = min(places[w] for w in weeks)
                if most < len(members):
                    rows.add(members, np.ones(len(members), np.int64), float(most))


def _load_rows(
    rows: _Rows,
    tables: Tables,
    policy: Policy,
    requirement: Ints,
    offer: Ints,
    inside: Ints,
    weeks: tuple[int, ...],
) -> None:
    for d, members in _groups(tables.offer_department[offer], inside):
        wte = tables.problem.departments[d].wte
        weight = tables.weight[requirement[members]]
        if wte is None or not weight.any():
            continue
        if policy.supervision is not None:
            least = min(supervision.limit(thousandths(wte[w]), policy.supervision) for w in weeks)
            grid = int(np.gcd.reduce(weight))
            if weight.sum() > least:
                rows.add(members, weight // grid, float(least // grid))
        by_wte: dict[int, int] = {}
        for w in weeks:
            by_wte[thousandths(wte[w])] = by_wte.get(thousandths(wte[w]), 0) + 1
        for available, count in by_wte.items():
            for percent, price in policy.supervisor_load:
                step = available * percent // 100
                if price and step < weight.sum():
                    y = rows.variable(len(requirement), float(price * count), math.inf)
                    rows.add(members, weight, float(step), (y,))


def _above_rows(
    rows: _Rows, tables: Tables, policy: Policy, offer: Ints, inside: Ints, weeks: tuple[int, ...]
) -> None:
    for o, members in _groups(offer, inside):
        item = tables.problem.offers[o]
        kinds: dict[tuple[int, int], int] = {}
        for w in weeks:
            kinds[item.preferred[w], item.maximum[w]] = kinds.get((item.preferred[w], item.maximum[w]), 0) + 1
        for (preferred, maximum), count in kinds.items():
            most = len(members) if not policy.places else min(len(members), maximum)
            if most <= preferred or not policy.above_preferred:
                continue
            costs = above_preferred_costs(policy, preferred, maximum, most)[preferred:]
            extra = tuple(rows.variable(len(offer), float(c * count), 1.0) for c in costs)
            rows.add(members, np.ones(len(members), np.int64), float(preferred), extra)


def _cost(tables: Tables, policy: Policy, model: _Model, x: Bools) -> int:
    return sum(breakdown(tables, policy, model.requirement[x], model.offer[x]).values())


def _complete(tables: Tables, policy: Policy, model: _Model, x: Bools) -> Bools:
    """Places whoever still fits (only where time ran out can anyone)."""
    room = Room(tables, policy)
    for r, o in zip(model.requirement[x].tolist(), model.offer[x].tolist(), strict=True):
        room.take(r, o)
    placed = set(model.requirement[x].tolist())
    x = x.copy()
    for k in np.argsort(model.cost, kind="stable").tolist():
        r, o = int(model.requirement[k]), int(model.offer[k])
        if r not in placed and not room.full(r, o):
            room.take(r, o)
            placed.add(r)
            x[k] = True
    return x
