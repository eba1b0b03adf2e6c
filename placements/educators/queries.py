"""Reads about practice educators: who supervises where, with how much time in each week."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Select, false, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from placements.access import Role, Viewer
from placements.educators.models import Educator, EducatorDepartment, EducatorGroup
from placements.errors import NotFound
from placements.organisations.models import Department, Icb, Site, Trust

LAPSES_SOON = timedelta(days=60)


def visible_educators(viewer: Viewer) -> Select[Educator]:
    """A trust sees its own educators and those who serve its departments; an academy lead all."""
    educators = select(Educator).order_by(Educator.name, Educator.id)
    if viewer.role.is_of_a_trust:
        serves = (
            select(EducatorDepartment.educator_id)
            .join(EducatorDepartment.department)
            .join(Department.site)
            .where(Site.trust_id == viewer.trust_id)
        )
        return educators.where(or_(Educator.trust_id == viewer.trust_id, Educator.id.in_(serves)))
    if viewer.role is Role.ACADEMY_LEAD:
        trusts = select(Trust.id).join(Trust.icb).where(Icb.network_id == viewer.network_id)
        return educators.where(or_(Educator.network_id == viewer.network_id, Educator.trust_id.in_(trusts)))
    return educators.where(false())


def educators(session: Session, viewer: Viewer) -> list[Educator]:
    """Everybody whom the person sees, by name, with departments, groups and absences."""
    return list(session.scalars(visible_educators(viewer).options(*_whole())))


def educator_by_id(session: Session, viewer: Viewer, educator_id: int) -> Educator:
    """One educator; raises NotFound where there is none that this person may see."""
    found = session.scalar(
        visible_educators(viewer)
        .where(Educator.id == educator_id)
        .options(*_whole())
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such practice educator.")
    return found


@dataclass(frozen=True)
class Supervisor:
    """An educator as a department may count on them, week by week.

    `wte` in the order of the weeks asked for, after absence and accreditation; `most` learners at once over
    all departments (None: no limit). `departments` are all that they serve with agreement: more than one
    makes the time a pool. `supervises`: (group, stage or None) pairs by key; empty is everybody.
    """

    id: int
    name: str
    wte: tuple[Decimal, ...]
    most: int | None
    departments: tuple[int, ...]
    supervises: tuple[tuple[str, str | None], ...]

    @property
    def is_shared(self) -> bool:
        return len(self.departments) > 1


def supervisors(
    session: Session, weeks: Sequence[date], department_ids: Collection[int] | None = None
) -> list[Supervisor]:
    """Active educators who serve any of these departments (None: all departments), by id; the caller has
    been let see the departments."""
    wanted = select(Educator).where(Educator.is_active).order_by(Educator.id).options(*_whole())
    if department_ids is not None:
        serving = select(EducatorDepartment.educator_id).where(
            EducatorDepartment.department_id.in_(department_ids)
        )
        wanted = wanted.where(Educator.id.in_(serving))
    found = []
    for educator in session.scalars(wanted):
        serves = tuple(place.department_id for place in educator.departments if is_agreed(educator, place))
        if serves:
            found.append(
                Supervisor(
                    id=educator.id,
                    name=educator.name,
                    wte=tuple(wte_in(educator, week) for week in weeks),
                    most=educator.most_at_once,
                    departments=serves,
                    supervises=tuple(
                        (row.learner_group.key, row.stage.key if row.stage else None)
                        for row in educator.groups
                    ),
                )
            )
    return found


def is_agreed(educator: Educator, place: EducatorDepartment) -> bool:
    """Own departments need nobody's word; those of another trust count once it has agreed."""
    return place.department.site.trust_id == educator.trust_id or place.agreed_utc is not None


def wte_in(educator: Educator, week: date) -> Decimal:
    """WTE available for supervision in a week (a Monday): less the share of the worked days that fall in an
    absence or after the accreditation's end, to two decimals, rounded down."""
    worked = [week + timedelta(days=day) for day in educator.days]
    if not worked:
        return Decimal(0)
    present = [
        day
        for day in worked
        if (educator.accredited_until is None or day <= educator.accredited_until)
        and not any(absence.first_day <= day <= absence.last_day for absence in educator.absences)
    ]
    hundredths = int(educator.wte * 100) * len(present) // len(worked)
    return Decimal(hundredths) / 100


def accreditation_state(educator: Educator, today: date) -> str:
    """`lapsed`, `lapses soon` (within 60 days) or `` (holds, or none is recorded)."""
    if educator.accredited_until is None or educator.accredited_until > today + LAPSES_SOON:
        return ""
    return "lapsed" if educator.accredited_until < today else "lapses soon"


def _whole() -> list[ExecutableOption]:
    return [
        joinedload(Educator.trust),
        selectinload(Educator.departments)
        .joinedload(EducatorDepartment.department)
        .joinedload(Department.site),
        selectinload(Educator.groups).joinedload(EducatorGroup.learner_group),
        selectinload(Educator.groups).joinedload(EducatorGroup.stage),
        selectinload(Educator.absences),
    ]
