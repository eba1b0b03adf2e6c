"""A linear or mixed-integer program on HiGHS: minimise cost . x, rows values . x <= most, 0 <= x <= upper.

One object a solve; a stop is asked while HiGHS works. One thread, so that the same program gives the same
answer on any machine.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from matching.stop import Stop
from matching.tables import Bools, Ints

Floats = NDArray[np.float64]

# Of a basis: a column that is not taken, and what is between its limits.
AT_ZERO, BASIC = int(highspy.HighsBasisStatus.kLower), int(highspy.HighsBasisStatus.kBasic)
# HiGHS's number of the primal simplex method.
PRIMAL = 4

# Columns to which a mixed-integer program is searched as it stands, without a presolve.
AS_IT_STANDS = 2_500
SOLVED = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kModelEmpty)
# Every column is bounded, so that "unbounded or infeasible" is infeasible.
NO_SOLUTION = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)


@dataclass(frozen=True, eq=False)
class Program:
    """Cost [columns], rows [rows, columns] with their most, upper bounds, which columns are whole."""

    cost: Floats
    rows: csr_matrix
    most: Floats
    upper: Floats
    whole: Bools


@dataclass(frozen=True, eq=False)
class Basis:
    """Where a corner is: the statuses that HiGHS gives [columns] and [rows]."""

    columns: Ints
    rows: Ints


@dataclass(frozen=True, eq=False)
class Relaxed:
    """`x` [columns] and `price` [rows], never negative, of a linear relaxation; `basis` where it is a
    corner."""

    x: Floats
    price: Floats
    basis: Basis | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """`x` [columns] or None; `bound`, which no solution undercuts (-inf: unknown, inf: there is no
    solution)."""

    x: Floats | None
    bound: float


class _Quiet(highspy.Highs):
    """HiGHS that never writes: it would say its name on standard output as its callbacks are enabled, which
    is while it is made, and so before any option could be set from outside."""

    def enableCallbacks(self) -> None:
        self.silent()
        untyped: Any = super()
        untyped.enableCallbacks()


def _load(program: Program, whole: bool) -> Any:
    untyped: Any = _Quiet
    solver = untyped()
    solver.setOptionValue("threads", 1)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = program.rows.shape
    lp.col_cost_ = program.cost
    lp.col_lower_ = np.zeros(lp.num_col_)
    lp.col_upper_ = program.upper
    lp.row_lower_ = np.full(lp.num_row_, -highspy.kHighsInf)
    lp.row_upper_ = program.most
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = program.rows.indptr.astype(np.int32)
    lp.a_matrix_.index_ = program.rows.indices.astype(np.int32)
    lp.a_matrix_.value_ = program.rows.data
    if whole:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(w)] for w in program.whole]
    solver.passModel(lp)
    return solver


def _watch(solver: Any, stop: Stop) -> None:
    def ask(event: Any) -> None:
        if stop():
            event.interrupt()

    for callback in (solver.cbMipInterrupt, solver.cbSimplexInterrupt, solver.cbIpmInterrupt):
        callback.subscribe(ask)


def relax(
    program: Program, stop: Stop, seconds: float, *, crossover: bool = False, gap: float | None = None
) -> Relaxed | None:
    """The linear relaxation by interior points: the middle of the best face, where the simplex method gives a
    corner but takes several times as long with tens of thousands of rows. With `crossover` it ends at a
    corner near that middle, where few learners are shared out, at a tenth more. With a relative `gap` it ends
    so far from the optimum. None where nothing was found."""
    if not program.rows.shape[1]:
        return Relaxed(np.zeros(0), np.zeros(program.rows.shape[0]))
    solver = _load(program, whole=False)
    solver.setOptionValue("solver", "ipm")
    solver.setOptionValue("run_crossover", "on" if crossover else "off")
    solver.setOptionValue("time_limit", max(0.1, seconds))
    if gap is not None:
        solver.setOptionValue("ipm_optimality_tolerance", gap)
    _watch(solver, stop)
    solver.run()
    found = solver.getSolution()
    if solver.getModelStatus() in NO_SOLUTION or not found.value_valid or not found.dual_valid:
        return None
    return Relaxed(np.array(found.col_value), np.maximum(0.0, -np.array(found.row_dual)), _basis(solver))


def _basis(solver: Any) -> Basis | None:
    """Where a solver stands; None where it is at no corner."""
    at = solver.getBasis()
    if not at.valid:
        return None
    return Basis(np.array(at.col_status, np.int64), np.array(at.row_status, np.int64))


def corner_beside(program: Program, x: Floats, price: Floats, stop: Stop, seconds: float) -> Basis | None:
    """A corner next to a point of a relaxation with what is at its limit there already, and prices [rows], 0
    where a row is not: by crossover (Megiddo 1991). Nearly the optimum where they nearly were; None where
    there was no time."""
    _ready()
    solver = _load(program, whole=False)
    solver.setOptionValue("time_limit", max(0.1, seconds))
    _watch(solver, stop)
    point = highspy.HighsSolution()
    point.col_value, point.row_value = x, program.rows @ x
    point.row_dual, point.col_dual = -price, program.cost + program.rows.T @ price
    point.value_valid = point.dual_valid = True
    solver.crossover(point)
    return _basis(solver)


def _ready() -> None:
    """HiGHS prepares a thread as it first solves something there. Crossover by itself takes that for granted,
    and falls over where it was not (1.16)."""
    one = np.ones(1)
    solver = _load(Program(one, csr_matrix(np.ones((1, 1))), one, one, np.zeros(1, np.bool_)), whole=False)
    solver.run()


class Corner:
    """A relaxation solved by the simplex method, dual or `primal`, and again from where it stood once its
    limits have changed; the first time from a basis, where one is given."""

    def __init__(
        self,
        program: Program,
        stop: Stop,
        basis: Basis | None = None,
        *,
        primal: bool = False,
        perturbed: bool = True,
    ) -> None:
        """`perturbed`: HiGHS moves costs and limits a little, so that ties do not hold it up; from next to an
        optimum that only leads astray."""
        self.solver = _load(program, whole=False)
        self.solver.setOptionValue("solver", "simplex")
        if primal:
            self.solver.setOptionValue("simplex_strategy", PRIMAL)
        if not perturbed:
            for name in ("primal_simplex_bound", "dual_simplex_cost"):
                self.solver.setOptionValue(f"{name}_perturbation_multiplier", 0.0)
        if basis is not None:
            begin = highspy.HighsBasis()
            begin.col_status = [highspy.HighsBasisStatus(k) for k in basis.columns.tolist()]
            begin.row_status = [highspy.HighsBasisStatus(k) for k in basis.rows.tolist()]
            self.solver.setBasis(begin)
        _watch(self.solver, stop)
        self.value = -math.inf
        self.x = np.zeros(len(program.cost))
        self.price = np.zeros(len(program.most))

    def between(self, columns: Ints, low: float, high: float) -> None:
        """New bounds of some columns, the same for all."""
        n = len(columns)
        self.solver.changeColsBounds(n, columns.astype(np.int32), np.full(n, low), np.full(n, high))

    def solve(self, seconds: float) -> bool:
        """Whether it was solved in its time: then `value`, `x` [columns] and `price` [rows] are its
        own."""
        # HiGHS counts the time of all runs of a solver together.
        self.solver.setOptionValue("time_limit", self.solver.getRunTime() + max(0.1, seconds))
        self.solver.run()
        if self.solver.getModelStatus() not in SOLVED:
            return False
        found = self.solver.getSolution()
        self.value = float(self.solver.getInfo().objective_function_value)
        self.x = np.array(found.col_value)
        self.price = np.maximum(0.0, -np.array(found.row_dual))
        return True

    def found(self) -> Relaxed:
        """What the last solve found."""
        return Relaxed(self.x, self.price, _basis(self.solver))


def search(
    program: Program,
    start: Ints | None,
    stop: Stop,
    seconds: float,
    gap: float = 0.0,
    nodes: int | None = None,
) -> Found:
    """The mixed-integer program, from a known solution where there is one: the whole columns that are 1.
    `gap` (relative) and `nodes` of the search tree end it early, on every machine at the same point.

    HiGHS's presolve now and then hands back a solution dearer than the optimum that it states (1.16, most
    often with a start). So small programs are searched as they stand, and a larger one is searched again as
    it stands where its solution does not bear out its bound.
    """
    columns = program.rows.shape[1]
    if not columns:
        return Found(np.zeros(0), 0.0)
    ends = time.monotonic() + seconds
    found, ended = _branch(program, start, stop, seconds, gap, nodes, presolve=columns > AS_IT_STANDS)
    if not ended or columns <= AS_IT_STANDS or _borne_out(program, found, gap):
        return found
    return _branch(program, start, stop, ends - time.monotonic(), gap, nodes, presolve=False)[0]


def _borne_out(program: Program, found: Found, gap: float) -> bool:
    """Whether a search that ran to its end has the solution that it says it has."""
    if found.x is None:
        return found.bound == math.inf
    cost = float(program.cost @ found.x)
    return cost - found.bound <= 1e-6 + (gap + 1e-9) * abs(cost)


def _branch(
    program: Program,
    start: Ints | None,
    stop: Stop,
    seconds: float,
    gap: float,
    nodes: int | None,
    *,
    presolve: bool,
) -> tuple[Found, bool]:
    """One run of branch and bound, and whether it says that it ran to its end."""
    solver = _load(program, whole=True)
    solver.setOptionValue("presolve", "on" if presolve else "off")
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("mip_abs_gap", 1e-7)
    solver.setOptionValue("time_limit", max(0.1, seconds))
    if nodes is not None:
        solver.setOptionValue("mip_max_nodes", nodes)
    if start is not None or not presolve:
        # It looks for a first solution, for ten times as long as most small programs take in all.
        solver.setOptionValue("mip_heuristic_run_feasibility_jump", False)
    if start is not None:
        chosen = np.zeros(program.rows.shape[1])
        chosen[start] = 1.0
        columns = np.flatnonzero(program.whole).astype(np.int32)
        solver.setSolution(len(columns), columns, chosen[columns])
    _watch(solver, stop)
    solver.run()
    status = solver.getModelStatus()
    if status in NO_SOLUTION:
        return Found(None, math.inf), True
    info = solver.getInfo()
    x = None
    if info.primal_solution_status == highspy.kSolutionStatusFeasible:
        x = np.array(solver.getSolution().col_value)
    bound = float(info.mip_dual_bound)
    ended = status == highspy.HighsModelStatus.kOptimal
    return Found(x, bound if math.isfinite(bound) else -math.inf), ended


def lagrangian(program: Program, price: Floats) -> float:
    """What no solution can undercut, recomputed from the prices of the rows alone, so that no tolerance of
    the solver is in it: -price . most + the least of each column's reduced cost. Any prices of at least 0
    will do (weak duality)."""
    reduced = program.cost + program.rows.T @ price
    return float((np.minimum(0.0, reduced) * program.upper).sum() - price @ program.most)
