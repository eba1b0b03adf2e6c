"""HiGHS given a statement whole: its first tier of placing, all tiers in one weighted cost, or one by one."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy.sparse import csr_matrix, vstack

from benchmarks.answers import Answer
from benchmarks.options import FREE, Ints
from benchmarks.sheet import Aim
from benchmarks.statement import Statement

POINT = 1000


def solve_placing(statement: Statement, seconds: float, cores: int = 2) -> Answer:
    """The first tier of placing alone (with the shortfall of agreements before it, where there is one)."""
    named = [tier.name for tier in statement.tiers]
    last = next(i for i, name in enumerate(named) if name.startswith("unplaced"))
    found = _run(statement, _weighted(statement, statement.tiers[: last + 1]), [], seconds, cores)
    answer, tier = _answer(statement, found), statement.tiers[last]
    # Where nothing is short, what is proven of the sum is proven of the tier.
    if math.isfinite(found.bound) and not any(answer.claimed.get(name, 0) for name in named[:last]):
        answer.bounds[tier.name] = max(0, tier.constant + math.ceil(found.bound - 1e-6))
    return answer


def solve_weighted(statement: Statement, seconds: float, cores: int = 2, start: Ints | None = None) -> Answer:
    """All tiers in one weighted cost, from the options `start` where some are known. That is how it is
    usually done; it keeps the order of the tiers only mostly, and what it proves is of the sum alone."""
    cost = _weighted(statement, statement.tiers)
    return _answer(statement, _run(statement, cost, [], seconds, cores, start))


def solve_by_tiers(statement: Statement, seconds: float, cores: int = 1) -> Answer:
    """One program a tier, the tiers before it held at their value."""
    held: list[tuple[Aim, int]] = []
    answer, begin = Answer(status="unknown"), time.perf_counter()
    for tier in statement.tiers:
        left = seconds - (time.perf_counter() - begin)
        found = _run(statement, _cost(statement, [(tier, 1.0)]), held, left, cores)
        if found.x is None:
            break
        bounds = answer.bounds
        if math.isfinite(found.bound):
            # A tier is a sum of whole columns, and so a multiple of what its values share.
            grid = int(np.gcd.reduce(tier.values)) or 1
            bounds[tier.name] = tier.constant + grid * math.ceil((found.bound - 1e-4) / grid)
        answer = _answer(statement, found)
        answer.bounds = bounds
        held.append((tier, answer.claimed[tier.name]))
    answer.seconds = time.perf_counter() - begin
    return answer


@dataclass(frozen=True, eq=False)
class _Found:
    x: np.ndarray | None
    bound: float
    first_s: float | None
    seconds: float
    status: str


def _counts(tier: Aim) -> bool:
    """A tier that counts requirements, rather than thousandths of a point."""
    return not tier.columns.size or int(np.abs(tier.values).max()) == 1


def _weighted(statement: Statement, tiers: Sequence[Aim]) -> np.ndarray:
    """A unit of a tier is worth ten times the most that any one column costs in all the tiers after it."""
    parts: list[tuple[Aim, float]] = []
    dearest = 0.0
    for tier in reversed(tiers):
        unit = 1.0 if _counts(tier) else 1.0 / POINT
        parts.append((tier, unit * 10 * dearest if dearest else unit))
        dearest += parts[-1][1] * float(np.abs(tier.values).max(initial=0))
    return _cost(statement, parts)


def _cost(statement: Statement, parts: list[tuple[Aim, float]]) -> np.ndarray:
    cost = np.zeros(len(statement.low))
    for tier, weight in parts:
        cost[tier.columns] += weight * tier.values
    return cost


def _answer(statement: Statement, found: _Found) -> Answer:
    answer = Answer(first_s=found.first_s, seconds=found.seconds, status=found.status)
    if found.x is not None:
        answer.chosen = np.flatnonzero(found.x[: len(statement.options)] > 0.5)
        # What is beside the options need only cover something: of parts of a unit, the next whole one does.
        whole: Ints = np.ceil(found.x - 1e-4).astype(np.int64)
        answer.claimed = {tier.name: tier.at(whole) for tier in statement.tiers}
    return answer


class _Quiet(highspy.Highs):
    """HiGHS that leaves standard output to the figures: it says its name as soon as its callbacks are on."""

    def enableCallbacks(self) -> None:
        """Called while it is made."""
        self.silent()
        untyped: Any = super()
        untyped.enableCallbacks()


def _run(
    statement: Statement,
    cost: np.ndarray,
    held: list[tuple[Aim, int]],
    seconds: float,
    cores: int,
    start: Ints | None = None,
) -> _Found:
    """Minimises cost . x. The options and the sites used are whole; everything else then comes out whole or
    may be taken so."""
    if not len(statement.low):
        return _Found(np.zeros(0), 0.0, 0.0, 0.0, "optimal")
    untyped: Any = _Quiet
    solver = untyped()
    for option, value in (
        ("threads", cores),
        ("parallel", "on" if cores > 1 else "off"),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", 1e-7),
        ("time_limit", max(0.1, seconds)),
    ):
        solver.setOptionValue(option, value)
    solver.passModel(_program(statement, cost, held))
    if start is not None:
        options = np.arange(len(statement.options), dtype=np.int32)
        solver.setSolution(len(options), options, np.isin(options, start).astype(np.float64))
    first: list[float] = []
    begin = time.perf_counter()

    def better(_: Any) -> None:
        if not first:
            first.append(time.perf_counter() - begin)

    solver.cbMipImprovingSolution.subscribe(better)
    if solver.run() == highspy.HighsStatus.kError:
        raise RuntimeError("HiGHS: the program could not be run")
    taken = time.perf_counter() - begin
    info = solver.getInfo()
    x = None
    if info.primal_solution_status == highspy.kSolutionStatusFeasible:
        x = np.array(solver.getSolution().col_value)
        first = first or [taken]
    status = solver.modelStatusToString(solver.getModelStatus()).lower()
    # With nothing whole in it the program is linear, and its optimum is the bound.
    linear = not len(statement.options) and status == "optimal"
    bound = float(info.objective_function_value if linear else info.mip_dual_bound)
    return _Found(x, bound, first[0] if first else None, taken, status)


def _program(statement: Statement, cost: np.ndarray, held: list[tuple[Aim, int]]) -> Any:
    width = len(statement.low)
    rows, least, most = [statement.rows], [statement.least], [statement.most]
    for tier, value in held:
        there = (np.zeros(len(tier.columns), np.int64), tier.columns)
        rows.append(csr_matrix((tier.values, there), shape=(1, width)))
        least.append(np.array([-FREE]))
        most.append(np.array([value - tier.constant]))
    matrix = vstack(rows).tocsr()
    low, high = np.concatenate(least).astype(np.float64), np.concatenate(most).astype(np.float64)
    low[low <= -FREE], high[high >= FREE] = -highspy.kHighsInf, highspy.kHighsInf
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_ = cost
    lp.col_lower_, lp.col_upper_ = statement.low.astype(np.float64), statement.high.astype(np.float64)
    lp.row_lower_, lp.row_upper_ = low, high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data.astype(np.float64)
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    whole = np.arange(width) < len(statement.options)
    lp.integrality_ = [kinds[int(w)] for w in whole]
    return lp
