"""What trusts offer, as the engine takes it: departments with their time, offers, educators who are shared.

A department is `d` and its id, an offer `o` and the id of its declaration (with its line, where that is for
some learners only), an educator `e` and the id. Educators of one department who may supervise anybody are
that department's own time; where one is shared or limited, all of that department's are educators of their
own. A supervision model's factor divides the department's own time; a shared educator's time is divided by
the largest factor of the departments served, so that none is ever overrated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

import matching
from placements.capacity import queries as capacity
from placements.capacity.content import ANYONE
from placements.educators.queries import Supervisor
from placements.organisations.models import Department
from placements.rounds.models import Round

NO_LIMIT = 999


@dataclass(frozen=True)
class Supply:
    """The engine's departments, offers and educators, and the most of sites and trusts by id."""

    departments: tuple[matching.Department, ...]
    offers: tuple[matching.Offer, ...]
    educators: tuple[matching.Educator, ...]
    site_caps: Mapping[int, int]
    trust_caps: Mapping[int, int]


def supply_of(session: Session, round_: Round, offered: Sequence[capacity.Offered]) -> Supply:
    """The supply of a round's approved declarations."""
    departments = list(
        session.scalars(
            select(Department)
            .where(Department.id.in_([offer.department_id for offer in offered]))
            .options(joinedload(Department.site), joinedload(Department.modality))
        )
    )
    limits = capacity.limits_of(session, round_, departments)
    by_department = {offer.department_id: offer for offer in offered}
    factors = {
        offer.department_id: limits.factors.get(offer.content.model or "", Decimal(1)) for offer in offered
    }
    pooled = _pooled(limits.supervisors)
    made = []
    for department_id, offer in by_department.items():
        serving = limits.supervisors.get(department_id, ())
        made.append(
            _department(offer, limits.weeks, factors[department_id], serving, department_id in pooled)
        )
    return Supply(
        departments=tuple(made),
        offers=tuple(
            made_offer
            for offer in offered
            for made_offer in _offers(offer, limits, uses_surge=round_.uses_surge)
        ),
        educators=tuple(_educator(supervisor, factors) for supervisor in _each(limits.supervisors, pooled)),
        site_caps=limits.site_caps,
        trust_caps=limits.trust_caps,
    )


def _pooled(serving: Mapping[int, Sequence[Supervisor]]) -> set[int]:
    """Departments whose educators the match has to tell apart: one is shared or may not supervise all."""
    return {
        department_id
        for department_id, supervisors in serving.items()
        if any(supervisor.is_shared or supervisor.supervises for supervisor in supervisors)
    }


def _each(serving: Mapping[int, Sequence[Supervisor]], pooled: set[int]) -> list[Supervisor]:
    found = {
        supervisor.id: supervisor
        for department_id, supervisors in serving.items()
        if department_id in pooled
        for supervisor in supervisors
    }
    return [found[key] for key in sorted(found)]


def _department(
    offer: capacity.Offered,
    weeks: Sequence[date],
    factor: Decimal,
    serving: Sequence[Supervisor],
    is_pooled: bool,
) -> matching.Department:
    places = None
    if is_pooled:
        wte = [Decimal(0)] * len(weeks)
    elif serving:
        wte = [sum((s.wte[i] for s in serving), Decimal(0)) for i in range(len(weeks))]
        places = tuple(_most_at_once(serving, i) for i in range(len(weeks)))
    else:
        wte = [offer.content.wte.get(week, Decimal(0)) for week in weeks]
    return matching.Department(
        key=f"d{offer.department_id}",
        site=f"s{offer.site_id}",
        modality=offer.modality,
        places=places,
        wte=tuple(float(value / factor) for value in wte),
    )


def _most_at_once(serving: Sequence[Supervisor], index: int) -> int:
    """Learners whom those who are there in a week take at once; no limit where one of them has none."""
    present = [supervisor for supervisor in serving if supervisor.wte[index] > 0]
    if any(supervisor.most is None for supervisor in present):
        return NO_LIMIT
    return sum(supervisor.most or 0 for supervisor in present)


def _offers(offer: capacity.Offered, limits: capacity.Limits, *, uses_surge: bool) -> list[matching.Offer]:
    rates = limits.rates[offer.department_id]
    made = []
    for line in offer.content.lines:
        places = [offer.content.places(line, week) for week in limits.weeks]
        group, _, stage = line.partition("/")
        made.append(
            matching.Offer(
                key=f"o{offer.declaration_id}" + ("" if line == ANYONE else f".{line}"),
                department=f"d{offer.department_id}",
                groups=() if line == ANYONE else (group,),
                stages=(stage,) if stage else (),
                preferred=tuple(rates.places(line, week.preferred) for week in places),
                maximum=tuple(
                    rates.places(line, week.maximum + (week.surge if uses_surge else 0)) for week in places
                ),
            )
        )
    # The line for anyone is always there; an empty one beside others offers nothing.
    return [row for row in made if any(row.maximum)] or made[:1]


def _educator(supervisor: Supervisor, factors: Mapping[int, Decimal]) -> matching.Educator:
    here = [department_id for department_id in supervisor.departments if department_id in factors]
    factor = max(factors[department_id] for department_id in here)
    return matching.Educator(
        key=f"e{supervisor.id}",
        departments=tuple(f"d{department_id}" for department_id in here),
        wte=tuple(float(wte / factor) for wte in supervisor.wte),
        supervises=supervisor.supervises,
        most=None if supervisor.most is None else (supervisor.most,) * len(supervisor.wte),
    )
