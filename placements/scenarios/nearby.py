"""Nearby demand for the declaration grid: learners of submitted cohorts who could reach a site, against the
places declared within a drive of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import Integer, Select, func, select, type_coerce
from sqlalchemy.orm import Session, joinedload

from placements.capacity import nearby
from placements.capacity.content import ANYONE
from placements.capacity.models import Declaration, DeclaredLine, DeclaredWeek
from placements.capacity.nearby import NEAR_MINUTES, Nearby
from placements.capacity.queries import rates_of
from placements.cohorts.models import Cohort, Learner, Requirement
from placements.geography.matrix import TravelOrigin, TravelTimes
from placements.geography.postcodes import Point, locate_many
from placements.geography.travel import TRAVEL_MODES, TravelMode
from placements.organisations.models import (
    Department,
    Icb,
    LearnerGroup,
    Site,
    Stage,
    Trust,
)
from placements.organisations.queries import travel_site, travel_times
from placements.rounds.models import Round, plan_line_modality

DECLARED = ("submitted", "approved")
Demand = Mapping[tuple[int, int, str, str], int]


def find_nearby(session: Session, round_: Round, departments: Sequence[Department]) -> nearby.Found:
    """By department and block, or None where no cohort has been submitted. A fixed number of statements; the
    travel of each home and mode to the sites is worked out once."""
    demand = _demand(session, round_, {department.modality_id for department in departments})
    if not demand and not _has_cohort(session, round_):
        return None
    sites = list({department.site_id: department.site for department in departments}.values())
    times = travel_times(session, round_.network_id, sites)
    near = _learners_near(demand, _modalities(session, demand), sites, times)
    places = _places_near(session, round_, departments, sites, times)
    return {
        department.id: {
            block.id: Nearby(
                near.get((department.site_id, department.modality_id, block.id), 0),
                places.get((department.site_id, department.modality_id, block.id), 0),
            )
            for block in round_.blocks
        }
        for department in departments
    }


def _has_cohort(session: Session, round_: Round) -> bool:
    submitted = select(Cohort.id).where(Cohort.round_id == round_.id, Cohort.state == "submitted").limit(1)
    return session.scalar(submitted) is not None


def _demand(session: Session, round_: Round, modality_ids: Collection[int]) -> Demand:
    """Learners by plan line, block, postcode and mode, of the lines that send to these modalities. What
    floats in a rotation has no block yet and is not counted."""
    home = func.coalesce(Learner.term_postcode, Learner.postcode)
    lines = select(plan_line_modality.c.plan_line_id).where(
        plan_line_modality.c.modality_id.in_(modality_ids)
    )
    rows = session.execute(
        select(Requirement.plan_line_id, Requirement.block_id, home, Learner.travel_mode, func.count())
        .select_from(Requirement)
        .join(Requirement.learner)
        .join(Learner.cohort)
        .where(
            Cohort.round_id == round_.id,
            Cohort.state == "submitted",
            Requirement.plan_line_id.in_(lines),
            Requirement.state == "needed",
        )
        .group_by(Requirement.plan_line_id, Requirement.block_id, home, Learner.travel_mode)
    )
    return {
        (line, block, postcode, mode): number
        for line, block, postcode, mode, number in rows
        if line is not None and block is not None
    }


def _modalities(session: Session, demand: Demand) -> dict[int, list[int]]:
    """The modalities that each plan line sends to."""
    found: dict[int, list[int]] = {}
    for line_id, modality_id in session.execute(
        select(plan_line_modality.c.plan_line_id, plan_line_modality.c.modality_id).where(
            plan_line_modality.c.plan_line_id.in_({line_id for line_id, _, _, _ in demand})
        )
    ):
        found.setdefault(line_id, []).append(modality_id)
    return found


def _learners_near(
    demand: Demand, modalities: Mapping[int, Sequence[int]], sites: Sequence[Site], times: TravelTimes
) -> dict[tuple[int, int, int], int]:
    """Learners near enough, by site, modality and block. A home that is in no directory is near nothing."""
    points = locate_many({home for _, _, home, _ in demand})
    sites_near: dict[tuple[str, str], list[int]] = {}
    for mode in TRAVEL_MODES:
        homes = sorted({home for _, _, home, its_mode in demand if its_mode == mode and home in points})
        if homes:
            reach = _reached(times, [TravelOrigin(home, points[home]) for home in homes], sites, mode)
            for row, column in np.argwhere(reach).tolist():
                sites_near.setdefault((homes[row], mode), []).append(sites[column].id)
    by_line: dict[tuple[int, int, int], int] = {}
    for (line_id, block_id, home, its_mode), number in demand.items():
        for site_id in sites_near.get((home, its_mode), ()):
            key = (site_id, line_id, block_id)
            by_line[key] = by_line.get(key, 0) + number
    found: dict[tuple[int, int, int], int] = {}
    for (site_id, line_id, block_id), number in by_line.items():
        for modality_id in modalities[line_id]:
            key = (site_id, modality_id, block_id)
            found[key] = found.get(key, 0) + number
    return found


def _reached(
    times: TravelTimes, origins: Sequence[TravelOrigin], sites: Sequence[Site], mode: TravelMode
) -> npt.NDArray[np.bool_]:
    table = times.table(origins, [travel_site(site) for site in sites], mode)
    near: npt.NDArray[np.bool_] = table.minutes <= NEAR_MINUTES
    return near


def _places_near(
    session: Session,
    round_: Round,
    departments: Sequence[Department],
    sites: Sequence[Site],
    times: TravelTimes,
) -> dict[tuple[int, int, int], int]:
    """Places declared within a drive, by site, modality and block: of each department its fewest in a week of
    the block, since whoever comes stays for all of it."""
    modalities = {department.modality_id for department in departments}
    declaring = list(session.scalars(_declaring(round_, modalities)))
    others = list({department.site_id: department.site for department in declaring}.values())
    if not others:
        return {}
    homes = [TravelOrigin(site.postcode, Point(site.latitude, site.longitude)) for site in others]
    reach = _reached(times, homes, sites, "car")
    row_of = {site.id: row for row, site in enumerate(others)}
    rates = rates_of(session, round_, declaring)
    by_id = {department.id: department for department in declaring}
    found: dict[tuple[int, int, int], int] = {}
    for (department_id, line, block_id), fewest in _fewest(session, round_, modalities).items():
        department = by_id[department_id]
        places = rates[department_id].places(line, fewest)
        for column in map(int, np.flatnonzero(reach[row_of[department.site_id]])):
            key = (sites[column].id, department.modality_id, block_id)
            found[key] = found.get(key, 0) + places
    return found


def _declaring(round_: Round, modality_ids: Collection[int]) -> Select[Department]:
    return (
        select(Department)
        .join(Declaration, Declaration.department_id == Department.id)
        .join(Department.site)
        .join(Site.trust)
        .join(Trust.icb)
        .where(
            Declaration.round_id == round_.id,
            Declaration.state.in_(DECLARED),
            Department.modality_id.in_(modality_ids),
            Icb.network_id == round_.network_id,
        )
        .options(joinedload(Department.site), joinedload(Department.modality))
    )


def _fewest(
    session: Session, round_: Round, modality_ids: Collection[int]
) -> dict[tuple[int, str, int], int]:
    """The fewest in a week of a block, in the department's measure, by department, line and block."""
    found: dict[tuple[int, str, int], int] = {}
    fewest = type_coerce(func.min(DeclaredWeek.maximum), Integer)
    for block in round_.blocks:
        rows = session.execute(
            select(Declaration.department_id, LearnerGroup.key, Stage.key, fewest)
            .join(Declaration.department)
            .join(DeclaredLine, DeclaredLine.declaration_id == Declaration.id)
            .outerjoin(DeclaredLine.learner_group)
            .outerjoin(DeclaredLine.stage)
            .join(DeclaredWeek, DeclaredWeek.line_id == DeclaredLine.id)
            .where(
                Declaration.round_id == round_.id,
                Declaration.state.in_(DECLARED),
                Department.modality_id.in_(modality_ids),
                DeclaredWeek.week.between(block.first_week, block.mondays()[-1]),
            )
            .group_by(Declaration.department_id, DeclaredLine.id, LearnerGroup.key, Stage.key)
        )
        for department_id, group, stage, number in rows:
            line = f"{group}/{stage}" if stage else group or ANYONE
            found[department_id, line, block.id] = number
    return found


nearby.register(find_nearby)
