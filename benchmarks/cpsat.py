"""OR-Tools CP-SAT on a statement: tier by tier, from nothing, within the same seconds in all."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from benchmarks.answers import Answer
from benchmarks.options import FREE, Ints
from benchmarks.sheet import Aim
from benchmarks.statement import Statement

# What a joined objective may come to: far from where CP-SAT's sums would overflow.
MOST = 2**45


def solve_by_tiers(
    statement: Statement, seconds: float, cores: int = 2, seed: int = 1, start: Ints | None = None
) -> Answer:
    """Stage by stage: the tiers that count requirements are joined in one, with weights that keep their order
    exactly, which spares the model being prepared anew for each; every other tier is a stage of its own.

    Each stage has its part of the time left (all of it over the stages still to come), so that one proven
    early leaves more to the others, and all of it while there is no answer. Its tiers are then held at their
    values and its answer is the hint for the next; `start` (options taken) is the hint for the first.
    """
    model, columns = _model(statement)
    answer, first = Answer(status="unknown"), _First()
    begin = time.perf_counter()
    x: Ints | None = None
    hint = None if start is None else np.isin(np.arange(len(statement.options)), start).astype(np.int64)
    stages = list(_stages(statement))
    for position, stage in enumerate(stages):
        left = seconds - (time.perf_counter() - begin)
        if left <= 0:
            break
        weights = _weights(statement, stage)
        model.minimize(sum(w * _sum(tier, columns) for w, tier in zip(weights, stage, strict=True)))
        if hint is not None:
            model.clear_hints()
            for column, value in zip(columns, hint.tolist(), strict=False):
                model.add_hint(column, value)
        solver, status = _solved(model, first, left / (len(stages) - position), cores, seed)
        left = seconds - (time.perf_counter() - begin)
        if status == cp_model.UNKNOWN and x is None and left > 0:
            solver, status = _solved(model, first, left, cores, seed)
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            hint = x = np.array([solver.value(column) for column in columns], np.int64)
            answer.status = solver.status_name(status).lower()
        elif status != cp_model.UNKNOWN:
            raise RuntimeError(f"CP-SAT: {stage[0].name}: {solver.status_name(status)}")
        if x is None:
            break
        for tier in stage:
            answer.claimed[tier.name] = tier.at(x)
            model.add(_sum(tier, columns) <= tier.at(x) - tier.constant)
        if math.isfinite(solver.best_objective_bound):
            proven = math.ceil(solver.best_objective_bound - 1e-6)
            answer.bounds.update(_bounds(statement, stage, weights, proven, x))
        for tier in stage:
            if answer.bounds.get(tier.name) == answer.claimed[tier.name]:
                answer.proved_s[tier.name] = time.perf_counter() - begin
    for tier in statement.tiers:
        if not len(tier.columns):
            answer.bounds[tier.name] = answer.claimed[tier.name] = tier.constant
            answer.proved_s[tier.name] = 0.0
    answer.seconds = time.perf_counter() - begin
    if first.at is not None:
        answer.first_s = first.at - begin
    if x is not None:
        answer.chosen = np.flatnonzero(x[: len(statement.options)])
    elif not stages:
        # Nothing can be told apart: to place nobody is as good as any answer.
        answer.chosen = np.zeros(0, np.int64)
    return answer


def _stages(statement: Statement) -> Iterator[list[Aim]]:
    """The tiers that can be told apart, those that count joined while their weights stay small."""
    joined: list[Aim] = []
    for tier in statement.tiers:
        if not len(tier.columns):
            continue
        counts = np.abs(tier.values).max() == 1
        if joined and (not counts or _weights(statement, [*joined, tier])[0] > MOST):
            yield joined
            joined = []
        if counts:
            joined = [*joined, tier]
        else:
            yield [tier]
    if joined:
        yield joined


def _weights(statement: Statement, stage: list[Aim]) -> list[int]:
    """Of each tier of a stage: no later ones together can come to one unit of it."""
    weights = [1]
    for tier in reversed(stage[1:]):
        least, most = _range(statement, tier)
        weights.append(weights[-1] * (most - least + 1))
    return weights[::-1]


def _range(statement: Statement, tier: Aim) -> tuple[int, int]:
    """What values . x of a tier lies between."""
    high = statement.high[tier.columns]
    return int(np.minimum(0, tier.values) @ high), int(np.maximum(0, tier.values) @ high)


def _bounds(
    statement: Statement, stage: list[Aim], weights: list[int], proven: int, x: Ints
) -> dict[str, int]:
    """What a bound on the joined objective proves of each tier, of answers as good in the tiers before it."""
    out = {}
    for position, tier in enumerate(stage):
        before = zip(weights[:position], stage[:position], strict=True)
        after = zip(weights[position + 1 :], stage[position + 1 :], strict=True)
        rest = sum(w * (other.at(x) - other.constant) for w, other in before)
        rest += sum(w * _range(statement, other)[1] for w, other in after)
        least = tier.constant - (rest - proven) // weights[position]
        out[tier.name] = max(least, tier.constant + _range(statement, tier)[0])
    return out


def _solved(model: cp_model.CpModel, first: _First, seconds: float, cores: int, seed: int) -> tuple[Any, Any]:
    solver: Any = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = cores
    solver.parameters.random_seed = seed
    return solver, solver.solve(model, first)


class _First(cp_model.CpSolverSolutionCallback):
    """Notes when the first answer came."""

    def __init__(self) -> None:
        super().__init__()
        self.at: float | None = None

    def on_solution_callback(self) -> None:
        """Called at each answer."""
        if self.at is None:
            self.at = time.perf_counter()


def _model(statement: Statement) -> tuple[cp_model.CpModel, list[Any]]:
    model = cp_model.CpModel()
    bounds = zip(statement.low.tolist(), statement.high.tolist(), strict=True)
    columns = [
        model.new_bool_var("") if (low, high) == (0, 1) else model.new_int_var(low, high, "")
        for low, high in bounds
    ]
    simple = (statement.low == 0) & (statement.high == 1)
    start, index, value = statement.rows.indptr, statement.rows.indices, statement.rows.data
    for i, (least, most) in enumerate(zip(statement.least.tolist(), statement.most.tolist(), strict=True)):
        at, values = index[start[i] : start[i + 1]], value[start[i] : start[i + 1]]
        here = [columns[k] for k in at.tolist()]
        if most == 1 and least == -FREE and (values == 1).all() and simple[at].all():
            model.add_at_most_one(here)
        else:
            model.add_linear_constraint(cp_model.LinearExpr.weighted_sum(here, values.tolist()), least, most)
    return model, columns


def _sum(tier: Aim, columns: list[Any]) -> Any:
    return cp_model.LinearExpr.weighted_sum([columns[k] for k in tier.columns.tolist()], tier.values.tolist())
