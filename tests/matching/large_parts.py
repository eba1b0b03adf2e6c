"""Problems set up as one large part each, and exact answers to its programs by another way into HiGHS."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import vstack

from matching import Policy, Problem
from matching.classes import Alone
from matching.columns import Choices, choices
from matching.eligibility import eligible_pairs
from matching.generate_year import generate_year
from matching.greedy import place_greedily
from matching.guide import Ceiling, Guide, Relaxation, relaxed_guide
from matching.large import Large
from matching.model import Builder
from matching.portion import Whole
from matching.program import Floats, Program
from matching.stop import Never
from matching.tables import Bools, Ints, Tables
from matching.tier_search import Search
from matching.tiers import greedy_cost, tier_costs
from matching.turns import Turns
from matching.windows import Windows, window_of
from tests.matching.matching_problems import mixed_policies, mixed_problems

SECONDS = 60.0


@dataclass(frozen=True, eq=False, repr=False)
class Setup:
    """All pairs of a problem as one part; `cost` [columns] is that of all tiers together."""

    tables: Tables
    found: Search
    large: Large

    @property
    def whole(self) -> Whole:
        return self.large.whole

    @property
    def chosen(self) -> Choices:
        return self.found.model.choices

    @property
    def cost(self) -> Floats:
        return self.large.cost

    @property
    def priority(self) -> Ints:
        """[choices]"""
        requirements = self.tables.problem.requirements
        return np.array([requirements[r].priority for r in self.chosen.requirement], np.int64)

    def windows(self) -> Windows:
        """Its windows, explored."""
        out = Windows(self.whole, self.chosen, window_of(self.tables, self.chosen), self.cost, Never())
        assert out.explore(SECONDS)
        return out

    def guide(
        self,
        windows: Windows,
        held: list[int],
        ceilings: Sequence[Ceiling] = (),
        kept: Bools | None = None,
        gap: float | None = None,
    ) -> Guide:
        """The relaxation with the earlier tiers' costs held at most there, over the choices `kept` or those
        that the windows think worth having; to a corner or up to a relative gap."""
        costs = [t.cost for t in self.large.earlier]
        kept = windows.worth | self.found.taken if kept is None else kept
        relaxation = Relaxation(self.whole, self.chosen, self.large.soft, costs, held, list(ceilings), kept)
        out = relaxed_guide(relaxation, self.large.begin(windows), Never(), SECONDS, gap=gap)
        assert out is not None
        return out

    def turns(self, windows: Windows) -> Turns:
        """Its turns, with the earlier tiers held as the first answer reaches them."""
        guide = self.guide(windows, self.reached(self.found.taken))
        return Turns(guide, self.chosen, self.priority, self.cost, Never())

    def ceilings(self) -> list[Ceiling]:
        """What every class alone must leave over."""
        out = []
        for k, tier in enumerate(self.large.earlier):
            for mine in self.large.members if tier.placing else []:
                alone = Alone(self.whole, tier.cost, mine[tier.cost[mine] != 0], self.chosen)
                if len(alone.free):
                    alone.search(Never(), SECONDS)
                    out.append(Ceiling(alone.free, len(alone.requirements) - alone.low, k))
        return out

    def reached(self, taken: Bools) -> list[int]:
        """The earlier tiers' costs of an answer: the fewest that its further columns allow."""
        return [round(least(self.whole, t.cost, taken)) for t in self.large.earlier]


def set_up(problem: Problem, policy: Policy) -> Setup | None:
    """None where nobody can be placed anywhere."""
    tables = Tables(problem)
    eligible = eligible_pairs(tables, policy)
    if not len(eligible.requirement):
        return None
    pairs = np.arange(len(eligible.requirement))
    model = Builder(tables, policy, choices(tables, policy, eligible, pairs)).build()
    pinned = np.zeros(len(problem.requirements), np.int64)
    tiers = tier_costs(tables, policy, model, pinned)
    taken = place_greedily(tables, policy, model, pinned, greedy_cost(tiers, len(model.choices)))
    found = Search(tables, policy, model, tiers, taken, Never(), time.monotonic() + SECONDS)
    return Setup(tables, found, Large(found, pinned, lambda stage: None))


def exact(program: Program) -> tuple[Floats, float]:
    """The best solution of a mixed-integer program, and its cost. (No presolve: see `program.search`.)"""
    if not len(program.cost):
        return np.zeros(0), 0.0
    rows = [] if not len(program.most) else [LinearConstraint(program.rows, -np.inf, program.most)]
    found = milp(
        program.cost,
        integrality=program.whole.astype(np.int64),
        bounds=Bounds(0, program.upper),
        constraints=rows,
        options={"presolve": False, "mip_rel_gap": 0.0},
    )
    assert found.status == 0, found.message
    return np.asarray(found.x), float(found.fun)


def as_program(whole: Whole, cost: Floats, upper: Floats | None = None) -> Program:
    """The whole as a program, as it stands."""
    kinds = np.arange(len(whole.upper)) < whole.n
    return Program(np.asarray(cost, np.float64), whole.rows, whole.most, _or(upper, whole.upper), kinds)


def held_at(program: Program, costs: list[Ints], held: list[int]) -> Program:
    """The program with some costs at most so much."""
    if not costs:
        return program
    rows = vstack([program.rows, np.array(costs, np.float64)]).tocsr()
    most = np.concatenate([program.most, np.array(held, np.float64)])
    return Program(program.cost, rows, most, program.upper, program.whole)


def relaxed(program: Program) -> tuple[float, Floats]:
    """The linear relaxation's value and the price of each row."""
    found = linprog(
        program.cost,
        A_ub=program.rows,
        b_ub=program.most,
        bounds=np.stack([np.zeros(len(program.upper)), program.upper], axis=1),
    )
    assert found.status == 0, found.message
    return float(found.fun), np.maximum(0.0, -np.asarray(found.ineqlin.marginals))


def least(whole: Whole, cost: Floats | Ints, taken: Bools) -> float:
    """The least cost of an answer [choices] over its further columns; inf where it breaks a row."""
    load = taken.astype(np.float64)
    left = whole.most - whole.used(load)
    own = float(np.asarray(cost[: whole.n], np.float64) @ load)
    further = whole.rows[:, whole.n :]
    if not further.shape[1]:
        return own if (left >= -1e-6).all() else math.inf
    upper = whole.upper[whole.n :]
    bounds = np.stack([np.zeros(len(upper)), upper], axis=1)
    found = linprog(np.asarray(cost[whole.n :], np.float64), A_ub=further, b_ub=left, bounds=bounds)
    assert found.status in (0, 2), found.message
    return own + float(found.fun) if found.status == 0 else math.inf


def obeyed(whole: Whole, taken: Bools) -> bool:
    """Whether an answer [choices] obeys every row, whatever its further columns must be."""
    return math.isfinite(least(whole, np.zeros(len(whole.upper)), taken))


def _or(upper: Floats | None, default: Floats) -> Floats:
    return default if upper is None else upper


# Every aim that a price can be put on, so that every kind of further column is there.
EVERYTHING = Policy(
    tiers=(
        {"travel": 1, "preferences": 1, "above_preferred": 1, "supervisor_load": 1, "variety": 2},
        {"hei_fairness": 1},
    )
)


@cache
def year(seed: int) -> Setup:
    """A tiny year with every price."""
    out = set_up(generate_year("tiny", seed), EVERYTHING)
    assert out is not None
    return out


@st.composite
def setups(draw: Callable) -> Setup:
    """Problems with every rule mixed."""
    out = set_up(draw(mixed_problems()), draw(mixed_policies()))
    assume(out is not None)
    assert out is not None
    return out


def near(value: float, other: float) -> bool:
    return abs(value - other) <= 1e-6 * max(1.0, abs(other))


def no_more(value: float, other: float) -> bool:
    return value <= other + 1e-6 * max(1.0, abs(other))
