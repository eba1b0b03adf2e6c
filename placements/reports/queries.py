"""Reads for reports. What is published is read from its lines alone, so that later changes alter nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Select, false, func, select
from sqlalchemy.orm import Session, joinedload

from placements.access import Role, Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import visible_lines
from placements.errors import NotFound
from placements.organisations.models import (
    Department,
    Hei,
    Icb,
    Profession,
    Programme,
    Site,
    Stage,
    Trust,
    Workforce,
)
from placements.organisations.queries import visible_departments
from placements.rounds.models import Round


def visible_trusts(viewer: Viewer) -> Select[Trust]:
    """A trust's people see their own trust, an academy lead all of the network's."""
    trusts = select(Trust).order_by(Trust.name)
    if viewer.role.is_of_a_trust:
        return trusts.where(Trust.id == viewer.trust_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return trusts.join(Trust.icb).where(Icb.network_id == viewer.network_id)
    return trusts.where(false())


def trusts(session: Session, viewer: Viewer) -> list[Trust]:
    """The trusts that this person may see, by name."""
    return list(session.scalars(visible_trusts(viewer)))


def trust_by_id(session: Session, viewer: Viewer, trust_id: int) -> Trust:
    """One trust; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_trusts(viewer).where(Trust.id == trust_id))
    if found is None:
        raise NotFound("There is no such trust.")
    return found


def site_by_id(session: Session, viewer: Viewer, site_id: int) -> Site:
    """One site; raises NotFound where there is none that this person may see."""
    trusts_seen = visible_trusts(viewer).with_only_columns(Trust.id).order_by(None)
    found = session.scalar(
        select(Site).where(Site.id == site_id, Site.trust_id.in_(trusts_seen)).options(joinedload(Site.trust))
    )
    if found is None:
        raise NotFound("There is no such site.")
    return found


def departments_of_trusts(viewer: Viewer, trust_id: int | None = None) -> Select[Department]:
    """Departments of a trust, or of all trusts that the person sees: the academy's centres, which a trust
    only houses, are not among them."""
    found = visible_departments(viewer).where(Site.kind != "academy")
    return found if trust_id is None else found.where(Site.trust_id == trust_id)


def departments_of_academy(viewer: Viewer) -> Select[Department]:
    """Departments of the academy's own centres."""
    return visible_departments(viewer).where(Site.kind == "academy")


def departments_of_site(viewer: Viewer, site_id: int) -> Select[Department]:
    return visible_departments(viewer).where(Site.id == site_id)


@dataclass(frozen=True)
class Learners:
    """Who the published lines speak of: they name a programme and a stage, these turn the names into a
    learner group's key, a stage's key and the profession whose workforce supervises the group."""

    groups: dict[tuple[int, str], tuple[str, int | None]]
    stages: dict[tuple[str, str], str]

    def group(self, hei_id: int, programme: str) -> str:
        return self.groups.get((hei_id, programme), ("", None))[0]

    def profession(self, hei_id: int, programme: str) -> int | None:
        """The profession's id; None where the programme is no longer known or its group has none."""
        return self.groups.get((hei_id, programme), ("", None))[1]

    def stage(self, group: str, stage: str) -> str:
        return self.stages.get((group, stage), "")


def learners_of_network(session: Session, network_id: int) -> Learners:
    """The network's programmes and all stages, by the names under which they are published."""
    programmes = session.scalars(
        select(Programme)
        .join(Programme.hei)
        .where(Hei.network_id == network_id)
        .options(joinedload(Programme.learner_group))
    )
    stages = session.scalars(select(Stage).options(joinedload(Stage.learner_group)))
    return Learners(
        {
            (row.hei_id, row.name): (row.learner_group.key, row.learner_group.profession_id)
            for row in programmes
        },
        {(row.learner_group.key, row.name): row.key for row in stages},
    )


class Numbers(NamedTuple):
    """How many learners of a programme and stage a department expects from one Monday on, for how long."""

    department_id: int
    hei_id: int
    programme: str
    stage: str
    first_week: date
    weeks: int
    learners: int


def published_numbers(
    session: Session, publication: Publication | None, department_ids: Collection[int]
) -> list[Numbers]:
    """What a publication sends to departments, as numbers alone. The caller has been let see the
    departments, or divides by them the time of an educator who is shared with them."""
    if publication is None:
        return []
    kinds = (
        PublicationLine.department_id,
        PublicationLine.hei_id,
        PublicationLine.programme,
        PublicationLine.stage,
        PublicationLine.first_week,
        PublicationLine.weeks,
    )
    rows = session.execute(
        select(*kinds, func.count())
        .where(
            PublicationLine.publication_id == publication.id,
            PublicationLine.department_id.in_(department_ids),
        )
        .group_by(*kinds)
    )
    return [Numbers._make(row) for row in rows]


def published_places(
    session: Session, viewer: Viewer, publication: Publication | None, department_ids: Collection[int]
) -> list[PublicationLine]:
    """The published places of departments that this person may see, by week, HEI and learner."""
    if publication is None:
        return []
    return list(
        session.scalars(
            visible_lines(viewer)
            .where(
                PublicationLine.publication_id == publication.id,
                PublicationLine.department_id.in_(department_ids),
            )
            .order_by(
                PublicationLine.first_week,
                PublicationLine.hei,
                PublicationLine.stage,
                PublicationLine.learner_reference,
            )
        )
    )


@dataclass(frozen=True)
class Arrivals:
    """Learners who begin on the same Monday; `week` is None where nobody is still to come."""

    next_monday: date
    week: date | None
    lines: Sequence[PublicationLine]


def next_monday(today: date) -> date:
    """The Monday after today."""
    return today + timedelta(days=7 - today.weekday())


def arrivals(
    session: Session,
    viewer: Viewer,
    publication: Publication | None,
    departments: Select[Department],
    today: date,
) -> Arrivals:
    """Who begins next Monday or, where nobody does, on the first Monday after it."""
    if publication is None:
        return Arrivals(next_monday(today), None, ())
    week, _ = next_arrivals(session, viewer, publication, departments, today)
    lines = session.scalars(
        _coming(viewer, publication, departments)
        .where(PublicationLine.first_week == week)
        .order_by(
            PublicationLine.site,
            PublicationLine.modality,
            PublicationLine.hei,
            PublicationLine.learner_reference,
        )
    )
    return Arrivals(next_monday(today), week, list(lines))


def next_arrivals(
    session: Session,
    viewer: Viewer,
    publication: Publication,
    departments: Select[Department],
    today: date,
) -> tuple[date | None, int]:
    """The first Monday after today on which learners begin (None: nobody is still to come), and how many."""
    row = session.execute(
        _coming(viewer, publication, departments)
        .where(PublicationLine.first_week >= next_monday(today))
        .with_only_columns(PublicationLine.first_week, func.count())
        .group_by(PublicationLine.first_week)
        .order_by(PublicationLine.first_week)
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else (None, 0)


def _coming(
    viewer: Viewer, publication: Publication, departments: Select[Department]
) -> Select[PublicationLine]:
    ids = departments.with_only_columns(Department.id).order_by(None)
    return visible_lines(viewer).where(
        PublicationLine.publication_id == publication.id, PublicationLine.department_id.in_(ids)
    )


def professions(session: Session) -> list[Profession]:
    """All professions, in the order in which the reference data name them."""
    return list(session.scalars(select(Profession).order_by(Profession.id)))


def workforce_in_force(
    session: Session, departments: Select[Department], day: date
) -> dict[tuple[int, int], Workforce]:
    """The latest return on or before a day, by department's and profession's id."""
    ids = departments.with_only_columns(Department.id).order_by(None)
    rows = session.scalars(
        select(Workforce)
        .where(Workforce.department_id.in_(ids), Workforce.as_of <= day)
        .order_by(Workforce.as_of)
    )
    return {(row.department_id, row.profession_id): row for row in rows}


def workforce_of_trust(session: Session, viewer: Viewer, trust_id: int) -> list[Workforce]:
    """Every return of a trust's departments that the person sees, the newest first."""
    ids = departments_of_trusts(viewer, trust_id).with_only_columns(Department.id).order_by(None)
    return list(
        session.scalars(
            select(Workforce)
            .where(Workforce.department_id.in_(ids))
            .order_by(Workforce.as_of.desc(), Workforce.department_id, Workforce.profession_id)
        )
    )


def version_of(returns: Sequence[Workforce]) -> str:
    """A word that changes with any figure of these returns: what a page was read at."""
    said = "|".join(
        sorted(f"{row.department_id}:{row.profession_id}:{row.as_of}:{row.wte:.2f}" for row in returns)
    )
    return sha256(said.encode()).hexdigest()[:16]


def departments_with_workforce(session: Session, viewer: Viewer, round_: Round) -> tuple[int, int]:
    """How many of the trusts' departments that the person sees have a return that counts in the round, and
    how many there are."""
    departments = departments_of_trusts(viewer)
    ids = departments.with_only_columns(Department.id).order_by(None)
    found = session.scalar(
        select(func.count(Workforce.department_id.distinct())).where(
            Workforce.department_id.in_(ids), Workforce.as_of <= round_.first_week
        )
    )
    everybody = session.scalar(select(func.count()).select_from(ids.subquery()))
    return found or 0, everybody or 0
