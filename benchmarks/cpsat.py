"""OR-Tools CP-SAT on a statement: tier by tier, from nothing, within the same seconds in all."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from benchmarks.answers import Answer
from benchmarks.options import FREE, Ints
from benchmarks.sheet import Aim
from benchmarks.statement import Statement


def solve_by_tiers(
    statement: Statement, seconds: float, cores: int = 2, seed: int = 1, start: Ints | None = None
) -> Answer:
    """Each tier has its part of the time left: all of it over the tiers still to come, so that a tier which
    is proven early leaves more to the others, and all of it while there is no answer. A tier is then held at
    its value and its answer is the hint for the next; `start` (options taken) is the hint for the first."""
    model, columns = _model(statement)
    answer, first = Answer(status="unknown"), _First()
    begin = time.perf_counter()
    x: Ints | None = None
    hint = None if start is None else np.isin(np.arange(len(statement.options)), start).astype(np.int64)
    for position, tier in enumerate(statement.tiers):
        if not len(tier.columns):
            answer.bounds[tier.name] = answer.claimed[tier.name] = tier.constant
            continue
        later = sum(len(other.columns) > 0 for other in statement.tiers[position:])
        left = seconds - (time.perf_counter() - begin)
        if left <= 0:
            break
        total = _sum(tier, columns)
        model.minimize(total)
        if hint is not None:
            model.clear_hints()
            for column, value in zip(columns, hint.tolist(), strict=False):
                model.add_hint(column, value)
        solver, status = _solved(model, first, left / later, cores, seed)
        left = seconds - (time.perf_counter() - begin)
        if status == cp_model.UNKNOWN and x is None and left > 0:
            solver, status = _solved(model, first, left, cores, seed)
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            hint = x = np.array([solver.value(column) for column in columns], np.int64)
            answer.status = solver.status_name(status).lower()
        elif status != cp_model.UNKNOWN:
            raise RuntimeError(f"CP-SAT: {tier.name}: {solver.status_name(status)}")
        if x is None:
            break
        answer.claimed[tier.name] = tier.at(x)
        model.add(total <= tier.at(x) - tier.constant)
        if math.isfinite(solver.best_objective_bound):
            answer.bounds[tier.name] = tier.constant + math.ceil(solver.best_objective_bound - 1e-6)
    answer.seconds = time.perf_counter() - begin
    if first.at is not None:
        answer.first_s = first.at - begin
    if x is not None:
        answer.chosen = np.flatnonzero(x[: len(statement.options)])
    elif not any(len(tier.columns) for tier in statement.tiers):
        # Nothing can be told apart: to place nobody is as good as any answer.
        answer.chosen = np.zeros(0, np.int64)
    return answer


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
