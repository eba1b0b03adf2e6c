"""Supervisor load: the weight that is supervised over the WTE there is, by department, educator and week.

Pure: figures in, figures out; weights and WTE are whole-time equivalents. An educator of one department is
that department's. The time of a shared one goes, a tenth of a WTE at a time, to whichever of the departments
served has the highest load, so that nobody's time counts twice and no department seems overloaded that the
others' spare time would relieve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from placements.educators.queries import Supervisor
from placements.scenarios.results import HEAVY_PERCENT

STEP = Decimal("0.1")
NOTHING = Decimal(0)
# The band of a load up to and including so many per cent, the lightest first; above the last is `over`.
BANDS = ((0, "none"), (50, "light"), (75, "fair"), (HEAVY_PERCENT - 1, "good"), (100, "heavy"))
TURNS = 2


@dataclass(frozen=True)
class Load:
    """What is supervised and who there is for it, in WTE."""

    weight: Decimal = NOTHING
    wte: Decimal = NOTHING

    @property
    def percent(self) -> int | None:
        """Rounded half up; None where learners are there and no educator is."""
        if not self.wte:
            return None if self.weight else 0
        return int(100 * self.weight / self.wte + Decimal("0.5"))

    @property
    def is_over(self) -> bool:
        return self.weight > self.wte

    @property
    def is_near(self) -> bool:
        """Heavy, yet within the limit."""
        return not self.is_over and (self.percent or 0) >= HEAVY_PERCENT

    @property
    def band(self) -> str:
        """Its colour's name on a heat map."""
        if self.is_over:
            return "over"
        return next((name for most, name in BANDS if (self.percent or 0) <= most), "heavy")

    @property
    def words(self) -> str:
        """`75%`, or that nobody is there."""
        return "no educator" if self.percent is None else f"{self.percent}%"

    @property
    def order(self) -> tuple[bool, Decimal]:
        """The higher, the heavier."""
        return (not self.wte and bool(self.weight), self.weight / self.wte if self.wte else NOTHING)


@dataclass(frozen=True)
class Loads:
    """Loads of one week: by department's id and by educator's id. `learners`: how many each educator has at
    once, as a share of the departments' (a third of three is one). One who is away still carries what is
    supervised where nobody is there instead."""

    departments: Mapping[int, Load]
    educators: Mapping[int, Load]
    learners: Mapping[int, Decimal]


def loads(
    index: int,
    weights: Mapping[int, Decimal],
    learners: Mapping[int, int],
    supervisors: Sequence[Supervisor],
    typed: Mapping[int, Decimal],
) -> Loads:
    """The loads of the week that stands at `index` in the supervisors' weeks.

    `weights` and `learners` by department; `typed` is the WTE of departments that name no educator.
    """
    shares = _shares(index, weights, supervisors, typed)
    wte = {department_id: typed.get(department_id, NOTHING) for department_id in {*weights, *typed}}
    for (_, department_id), share in shares.items():
        wte[department_id] = wte.get(department_id, NOTHING) + share
    departments = {
        department_id: Load(weights.get(department_id, NOTHING), there)
        for department_id, there in wte.items()
    }
    carried: dict[int, Decimal] = {}
    taught: dict[int, Decimal] = {}
    for (educator_id, department_id), share in shares.items():
        if not share:
            continue
        part = share / wte[department_id]
        carried[educator_id] = carried.get(educator_id, NOTHING) + part * weights.get(department_id, NOTHING)
        taught[educator_id] = taught.get(educator_id, NOTHING) + part * learners.get(department_id, 0)
    for supervisor in supervisors:
        if not supervisor.wte[index]:
            carried[supervisor.id] = sum(
                (weights.get(one, NOTHING) for one in supervisor.departments if not wte.get(one)), NOTHING
            )
    return Loads(
        departments,
        {s.id: Load(carried.get(s.id, NOTHING), s.wte[index]) for s in supervisors},
        taught,
    )


def _shares(
    index: int,
    weights: Mapping[int, Decimal],
    supervisors: Sequence[Supervisor],
    typed: Mapping[int, Decimal],
) -> dict[tuple[int, int], Decimal]:
    """WTE by educator and department."""
    shares: dict[tuple[int, int], Decimal] = {}
    there: dict[int, Decimal] = dict(typed)
    for supervisor in supervisors:
        if not supervisor.is_shared:
            (department_id,) = supervisor.departments
            shares[supervisor.id, department_id] = supervisor.wte[index]
            there[department_id] = there.get(department_id, NOTHING) + supervisor.wte[index]
    shared = [supervisor for supervisor in supervisors if supervisor.is_shared]
    for turn in range(TURNS):
        for supervisor in shared:
            if turn:
                for department_id in supervisor.departments:
                    there[department_id] -= shares[supervisor.id, department_id]
            given = _given(supervisor, index, weights, there)
            for department_id, share in given.items():
                shares[supervisor.id, department_id] = share
                there[department_id] = there.get(department_id, NOTHING) + share
    return shares


def _given(
    supervisor: Supervisor, index: int, weights: Mapping[int, Decimal], there: Mapping[int, Decimal]
) -> dict[int, Decimal]:
    """One shared educator's time, step by step to the department that needs it most."""
    given = dict.fromkeys(supervisor.departments, NOTHING)
    left = supervisor.wte[index]
    while left > 0:
        step = min(STEP, left)
        neediest = max(
            supervisor.departments,
            key=lambda one: (
                Load(weights.get(one, NOTHING), there.get(one, NOTHING) + given[one]).order,
                -there.get(one, NOTHING) - given[one],
                -one,
            ),
        )
        given[neediest] += step
        left -= step
    return given
