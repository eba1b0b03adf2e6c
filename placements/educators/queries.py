"""Reads about practice educators: who supervises where, with how much time in each week."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Select, false, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from placements.access import Role, Viewer
from placements.clock import mondays
from placements.educators.models import Absence, Educator, EducatorDepartment, EducatorGroup
from placements.errors import NotFound
from placements.organisations.models import Department, Icb, Site, Trust
from placements.rounds.models import Block, Round
from placements.rounds.queries import visible_rounds

LAPSES_SOON = timedelta(days=60)
# How many weeks an educator's calendar shows where no round reaches further.
WEEKS_AHEAD = 12


def visible_educators(viewer: Viewer) -> Select[Educator]:
    """A trust sees its own educators and those who serve, or ask to serve, its departments; an academy lead
    all of the network's."""
    educators = select(Educator).order_by(Educator.name, Educator.id)
    if viewer.role.is_of_a_trust:
        serves = (
            select(EducatorDepartment.educator_id)
            .join(EducatorDepartment.department)
            .join(Department.site)
            .where(Site.trust_id == viewer.trust_id, EducatorDepartment.declined_utc.is_(None))
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


def may_change(viewer: Viewer, educator: Educator) -> bool:
    """Whether the person keeps this educator, whom they may see: a trust its own, an academy lead those of
    the academy and the network."""
    if viewer.role is Role.ACADEMY_LEAD:
        return educator.network_id == viewer.network_id
    return viewer.role.is_of_a_trust and educator.trust_id == viewer.trust_id


def departments_of_network(session: Session, viewer: Viewer) -> list[Department]:
    """Every department of the person's network, by site's name: where an educator may be shared to. What
    departments there are is public to whoever is signed in."""
    network_id = viewer.network_id
    if viewer.trust_id is not None:
        trust = select(Trust).where(Trust.id == viewer.trust_id).options(joinedload(Trust.icb))
        network_id = session.scalars(trust).one().icb.network_id
    return list(
        session.scalars(
            select(Department)
            .join(Department.site)
            .join(Site.trust)
            .join(Trust.icb)
            .where(Icb.network_id == network_id)
            .options(joinedload(Department.site).joinedload(Site.trust), joinedload(Department.modality))
            .order_by(Site.name, Department.modality_id)
        )
    )


def answers_for(viewer: Viewer, department: Department) -> bool:
    """Whether the person's organisation has the say over a department: a trust over its own, an academy lead
    over the academy's centres, whichever trust houses them."""
    if viewer.role is Role.ACADEMY_LEAD:
        return department.site.kind == "academy"
    return department.site.trust_id == viewer.trust_id and department.site.kind != "academy"


def visible_sharing(viewer: Viewer) -> Select[EducatorDepartment]:
    """Educators of elsewhere who serve, or ask to serve, departments over which the person has the say."""
    rows = (
        select(EducatorDepartment)
        .join(EducatorDepartment.educator)
        .join(EducatorDepartment.department)
        .join(Department.site)
        .join(Site.trust)
        .join(Trust.icb)
        .order_by(Educator.name, Educator.id, EducatorDepartment.department_id)
    )
    if viewer.role.is_of_a_trust:
        return rows.where(
            Site.trust_id == viewer.trust_id,
            Site.kind != "academy",
            or_(Educator.trust_id.is_(None), Educator.trust_id != viewer.trust_id),
        )
    if viewer.role is Role.ACADEMY_LEAD:
        return rows.where(
            Icb.network_id == viewer.network_id, Site.kind == "academy", Educator.network_id.is_(None)
        )
    return rows.where(false())


def sharing(session: Session, viewer: Viewer) -> list[EducatorDepartment]:
    """Every request to the person's organisation to share an educator, answered or not, by educator."""
    return list(
        session.scalars(
            visible_sharing(viewer).options(
                joinedload(EducatorDepartment.educator).joinedload(Educator.trust),
                joinedload(EducatorDepartment.department).joinedload(Department.site),
                joinedload(EducatorDepartment.department).joinedload(Department.modality),
                joinedload(EducatorDepartment.answered_by),
            )
        )
    )


def unanswered(session: Session, viewer: Viewer) -> int:
    """How many requests wait for the person's organisation."""
    waiting = visible_sharing(viewer).where(
        EducatorDepartment.agreed_utc.is_(None),
        EducatorDepartment.declined_utc.is_(None),
        Educator.is_active,
    )
    return session.scalar(select(func.count()).select_from(waiting.order_by(None).subquery())) or 0


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
        if serves and (department_ids is None or set(serves) & set(department_ids)):
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


def is_own(educator: Educator, department: Department) -> bool:
    """A trust's own departments are those of its sites, without the academy's centres that it houses; the
    academy's educators' own are those centres."""
    is_academys = department.site.kind == "academy"
    if educator.trust_id is None:
        return is_academys
    return department.site.trust_id == educator.trust_id and not is_academys


def is_agreed(educator: Educator, place: EducatorDepartment) -> bool:
    """Own departments need nobody's word; others count once whoever keeps them has agreed."""
    return is_own(educator, place.department) or place.agreed_utc is not None


def sharing_state(educator: Educator, place: EducatorDepartment) -> str:
    """`own`, `agreed`, `declined` or `asked`."""
    if is_own(educator, place.department):
        return "own"
    if place.agreed_utc is not None:
        return "agreed"
    return "declined" if place.declined_utc is not None else "asked"


def wte_in(educator: Educator, week: date, besides: Absence | None = None) -> Decimal:
    """WTE available for supervision in a week (a Monday): less the share of the worked days that fall in an
    absence or after the accreditation's end, to two decimals, rounded down. Nothing of one who has left.

    `besides`: an absence that is only thought of, counted with the others.
    """
    if not educator.is_active or not educator.days:
        return Decimal(0)
    until, sunday = educator.accredited_until, week + timedelta(days=6)
    absences = [row for row in educator.absences if row.first_day <= sunday and row.last_day >= week]
    if besides is not None:
        absences.append(besides)
    if not absences and (until is None or until >= sunday):
        return educator.wte
    worked = [week + timedelta(days=day) for day in set(educator.days)]
    present = [
        day
        for day in worked
        if (until is None or day <= until)
        and not any(absence.first_day <= day <= absence.last_day for absence in absences)
    ]
    hundredths = int(educator.wte * 100) * len(present) // len(worked)
    return Decimal(hundredths) / 100


def absences_in(educator: Educator, week: date) -> list[Absence]:
    """Absences that fall on some day of a week (a Monday)."""
    last = week + timedelta(days=6)
    return [row for row in educator.absences if row.first_day <= last and row.last_day >= week]


def next_absence(educator: Educator, today: date) -> Absence | None:
    """The absence that lasts today or comes next."""
    return next((row for row in educator.absences if row.last_day >= today), None)


@dataclass(frozen=True)
class EducatorLine:
    """An educator on the list. `wte` is by week from this one; `places` are the departments that the person
    sees, and `elsewhere` how many others are served."""

    educator: Educator
    wte: tuple[Decimal, ...]
    places: tuple[EducatorDepartment, ...]
    elsewhere: int
    accreditation: str
    absence: Absence | None
    is_kept: bool

    def is_away_by(self, day: date) -> bool:
        return self.absence is not None and self.absence.first_day <= day


def board(session: Session, viewer: Viewer, today: date) -> list[EducatorLine]:
    """Everybody whom the person sees, by name, with their WTE of the coming weeks."""
    first = today - timedelta(days=today.weekday())
    weeks = mondays(first, WEEKS_AHEAD)
    return [
        EducatorLine(
            educator=educator,
            wte=tuple(wte_in(educator, week) for week in weeks),
            places=(places := places_shown(viewer, educator)),
            elsewhere=len(educator.departments) - len(places),
            accreditation=accreditation_state(educator, today),
            absence=next_absence(educator, today),
            is_kept=may_change(viewer, educator),
        )
        for educator in educators(session, viewer)
    ]


def places_shown(viewer: Viewer, educator: Educator) -> tuple[EducatorDepartment, ...]:
    """The departments served as far as they are the person's to know: all of an educator whom they keep or,
    for an academy lead, of anybody; otherwise those of the own trust."""
    sees_all = viewer.role is Role.ACADEMY_LEAD or may_change(viewer, educator)
    return tuple(
        place
        for place in educator.departments
        if sees_all or place.department.site.trust_id == viewer.trust_id
    )


@dataclass(frozen=True)
class Week:
    """A week of the calendar: its Monday and the blocks of open rounds that run in it, by name."""

    monday: date
    blocks: tuple[str, ...]


def calendar(session: Session, viewer: Viewer, today: date) -> list[Week]:
    """The weeks from this one to the end of the last round that the person sees, and at least
    `WEEKS_AHEAD`."""
    first = today - timedelta(days=today.weekday())
    blocks = list(
        session.scalars(
            select(Block)
            .where(Block.round_id.in_(visible_rounds(viewer).with_only_columns(Round.id).order_by(None)))
            .order_by(Block.first_week, Block.id)
        )
    )
    running: dict[date, list[str]] = {}
    for block in blocks:
        for monday in block.mondays():
            running.setdefault(monday, []).append(block.name)
    last = max([*running, first + timedelta(weeks=WEEKS_AHEAD - 1)])
    weeks = mondays(first, (last - first).days // 7 + 1)
    return [Week(week, tuple(dict.fromkeys(running.get(week, ())))) for week in weeks]


def accreditation_state(educator: Educator, today: date) -> str:
    """`lapsed`, `lapses soon` (within 60 days) or `` (holds, or none is recorded)."""
    if educator.accredited_until is None or educator.accredited_until > today + LAPSES_SOON:
        return ""
    return "lapsed" if educator.accredited_until < today else "lapses soon"


def _whole() -> list[ExecutableOption]:
    return [
        joinedload(Educator.trust),
        joinedload(Educator.changed_by),
        selectinload(Educator.departments)
        .joinedload(EducatorDepartment.department)
        .joinedload(Department.site),
        selectinload(Educator.departments)
        .joinedload(EducatorDepartment.department)
        .joinedload(Department.modality),
        selectinload(Educator.groups).joinedload(EducatorGroup.learner_group),
        selectinload(Educator.groups).joinedload(EducatorGroup.stage),
        selectinload(Educator.absences),
    ]
