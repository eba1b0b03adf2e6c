"""How many learners a department can really take in a week, what limits it and what would lift that.

The least of: places declared (scanning lists and sessions turned into places), WTE of educators over the
supervision weight, most learners at once over the educators, and the most of the site and of the trust
(SPEC, "Declare"). Pure: figures in, figures out. WTE and weights are whole-time equivalents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import ceil

from placements.capacity.content import ANYONE, Content
from placements.educators.queries import Supervisor

# What binds, in the order in which equals are named.
LIMITS = {
    "places": "places declared",
    "supervision": "educator WTE",
    "most at once": "most learners at once",
    "site": "the site's most",
    "trust": "the trust's most",
}


@dataclass(frozen=True)
class Effective:
    """Learners whom a department can take in a week; `limit` is a key of LIMITS, `lift` a sentence."""

    places: int
    limit: str
    lift: str = ""

    @property
    def words(self) -> str:
        return LIMITS[self.limit]


@dataclass(frozen=True)
class Rates:
    """What the reference data say of one department on the day that the round begins.

    `weights`: WTE that a learner takes, by (group, stage), of those whom the round's plan may send, times
    the factor of the department's supervision model. `units`: lists or sessions a week that make one place,
    by group (empty where the department counts places).
    """

    measure: str = "places"
    weights: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    units: Mapping[str, Decimal] = field(default_factory=dict)

    def weight(self, line: str = ANYONE) -> Decimal | None:
        """The largest weight of those who may come on this line; None where the plan sends nobody."""
        return max(
            (weight for learner, weight in self.weights.items() if takes(line, *learner)), default=None
        )

    def places(self, line: str, units: int) -> int:
        """Lists or sessions of a line as places: for the learners who need most of them."""
        return int(units / self.units_per_place(line))

    def units_per_place(self, line: str = ANYONE) -> Decimal:
        """Lists or sessions that one place takes on a line; 1 where places are counted."""
        if self.measure == "places":
            return Decimal(1)
        of_line = line.partition("/")[0]
        return max(
            (rate for group, rate in self.units.items() if of_line in (ANYONE, group)), default=Decimal(1)
        )


def takes(line: str, group: str, stage: str) -> bool:
    """Whether a line is for these learners."""
    return line in (ANYONE, group, f"{group}/{stage}")


def may_supervise(supervisor: Supervisor, group: str, stage: str | None) -> bool:
    """Whether an educator may supervise these learners (stage None: all of the group's stages)."""
    if not supervisor.supervises:
        return True
    return any(
        group == its_group and (its_stage is None or its_stage == stage)
        for its_group, its_stage in supervisor.supervises
    )


def effective(
    content: Content,
    week: date,
    index: int,
    rates: Rates,
    supervisors: Sequence[Supervisor] = (),
    *,
    site_cap: int | None = None,
    trust_cap: int | None = None,
) -> Effective:
    """The effective places of one week, `index` being its place in the supervisors' weeks.

    Where educators are named their time counts, a shared one's in full (the match decides who gets it);
    otherwise the WTE that was typed.
    """
    present = [supervisor for supervisor in supervisors if supervisor.wte[index] > 0]
    present = [supervisor for supervisor in present if _is_of_use(supervisor, ANYONE, rates)]
    of_line = {line: rates.places(line, content.places(line, week).maximum) for line in content.lines}
    limits = {"places": sum(of_line.values())}
    if supervisors:
        wte = sum((supervisor.wte[index] for supervisor in present), Decimal(0))
    else:
        wte = content.wte.get(week, Decimal(0))
    weights = [rates.weight(line) for line, n in of_line.items() if n]
    weight = max((found for found in weights if found is not None), default=None)
    if weight is not None:
        limits["supervision"] = int(wte / weight)
        if supervisors:
            suited = sum(_supervised(line, n, index, rates, present) for line, n in of_line.items())
            limits["supervision"] = min(limits["supervision"], suited)
    if supervisors and all(supervisor.most is not None for supervisor in present):
        limits["most at once"] = sum(supervisor.most or 0 for supervisor in present)
    if site_cap is not None:
        limits["site"] = site_cap
    if trust_cap is not None:
        limits["trust"] = trust_cap
    limit = min(limits, key=lambda name: limits[name])
    places = limits[limit]
    missing_units = min(
        (
            ceil((n + 1) * rates.units_per_place(line)) - content.places(line, week).maximum
            for line, n in of_line.items()
        ),
        default=1,
    )
    return Effective(places, limit, _lift(limit, places, wte, weight, rates.measure, missing_units))


def _supervised(line: str, places: int, index: int, rates: Rates, present: Sequence[Supervisor]) -> int:
    """Places of a line that educators who may supervise its learners have time for."""
    weight = rates.weight(line)
    if weight is None:
        return places
    wte = sum((s.wte[index] for s in present if _is_of_use(s, line, rates)), Decimal(0))
    return min(places, int(wte / weight))


def _is_of_use(supervisor: Supervisor, line: str, rates: Rates) -> bool:
    """Whether an educator may supervise any of those whom the plan may send on a line; where it sends nobody,
    everyone is."""
    coming = [learner for learner in rates.weights if takes(line, *learner)]
    return not coming or any(may_supervise(supervisor, *learner) for learner in coming)


def _lift(
    limit: str, places: int, wte: Decimal, weight: Decimal | None, measure: str, missing_units: int
) -> str:
    if limit == "places":
        if measure == "places":
            return "One more place declared gives one more."
        give = "gives" if missing_units == 1 else "give"
        what = measure.removesuffix("s") if missing_units == 1 else measure
        return f"{missing_units} more {what} a week {give} one more place."
    if limit == "supervision" and weight is not None:
        missing = (places + 1) * weight - wte
        if missing <= 0:
            return "An educator who may supervise these learners gives more places."
        return f"{missing.normalize():f} more WTE of educators gives one more place."
    if limit == "most at once":
        return "An educator who takes one more learner at once gives one more place."
    return f"Raising {LIMITS[limit]} ({places}) gives more places."
