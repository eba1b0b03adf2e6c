"""Reads about organisations. Names of trusts, sites and HEIs are public to whoever is signed in."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session, joinedload, selectinload

from placements.access import Role, Viewer
from placements.accounts.models import Person
from placements.errors import NotFound
from placements.geography.matrix import MatrixOverride, TravelSite, TravelTimes
from placements.geography.postcode_text import normalise_postcode
from placements.geography.postcodes import Point
from placements.geography.travel import TravelMode
from placements.geography.uploads import site_key
from placements.organisations.models import (
    AccessNeed,
    Department,
    FairShareRate,
    Hei,
    Icb,
    LearnerGroup,
    Modality,
    PlaceRate,
    Profession,
    Programme,
    Site,
    Stage,
    SupervisionFactor,
    SupervisionModel,
    SupervisionWeight,
    TravelOverride,
    Trust,
    site_access_need,
)


def visible_departments(viewer: Viewer) -> Select[Department]:
    """A trust sees its own departments, an invited site that site's, an academy lead all of the network's."""
    departments = (
        select(Department)
        .join(Department.site)
        .join(Site.trust)
        .options(joinedload(Department.site).joinedload(Site.trust), joinedload(Department.modality))
        .order_by(Trust.name, Site.name, Department.modality_id)
    )
    if viewer.role.is_of_a_trust:
        return departments.where(Site.trust_id == viewer.trust_id)
    if viewer.role is Role.INVITED_SITE:
        return departments.where(Site.id == viewer.site_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return departments.join(Trust.icb).where(Icb.network_id == viewer.network_id)
    return departments.where(false())


def department_by_id(session: Session, viewer: Viewer, department_id: int) -> Department:
    """One department; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_departments(viewer).where(Department.id == department_id))
    if found is None:
        raise NotFound("There is no such department.")
    return found


def sites_of(session: Session, departments: Select[Department]) -> dict[int, Site]:
    """The sites of these departments (of `visible_departments`) by id, in the order of their names."""
    sites = {row.site_id: row.site for row in session.scalars(departments).unique()}
    return dict(sorted(sites.items(), key=lambda item: item[1].name))


def visible_programmes(viewer: Viewer) -> Select[Programme]:
    """A placement officer sees the HEI's own programmes; an academy lead all of the network's."""
    programmes = (
        select(Programme)
        .join(Programme.hei)
        .options(joinedload(Programme.hei), joinedload(Programme.learner_group))
        .order_by(Hei.name, Programme.name)
    )
    if viewer.role is Role.PLACEMENT_OFFICER:
        return programmes.where(Programme.hei_id == viewer.hei_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return programmes.where(Hei.network_id == viewer.network_id)
    return programmes.where(false())


def visible_sites(viewer: Viewer) -> Select[Site]:
    """A trust sees its own sites; an academy lead and an HEI's placement officers all of the network's."""
    sites = (
        select(Site)
        .join(Site.trust)
        .join(Trust.icb)
        .options(joinedload(Site.trust), selectinload(Site.meets))
        .order_by(Trust.name, Site.name)
    )
    if viewer.role.is_of_a_trust:
        return sites.where(Site.trust_id == viewer.trust_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return sites.where(Icb.network_id == viewer.network_id)
    if viewer.role is Role.PLACEMENT_OFFICER:
        return sites.where(Icb.network_id.in_(select(Hei.network_id).where(Hei.id == viewer.hei_id)))
    return sites.where(false())


def site_by_id(session: Session, viewer: Viewer, site_id: int) -> Site:
    """One site; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_sites(viewer).where(Site.id == site_id))
    if found is None:
        raise NotFound("There is no such site.")
    return found


def visible_heis(viewer: Viewer) -> Select[Hei]:
    """The HEI whose own affairs somebody looks after: a placement officer's."""
    return select(Hei).where(Hei.id == viewer.hei_id if viewer.role is Role.PLACEMENT_OFFICER else false())


def placement_officers(session: Session, network_id: int) -> Sequence[Person]:
    """The active placement officers of a network's HEIs."""
    return officers_of_heis(session, select(Hei.id).where(Hei.network_id == network_id))


def officers_of_heis(session: Session, hei_ids: Collection[int] | Select[int]) -> Sequence[Person]:
    """The active placement officers of some HEIs."""
    return session.scalars(
        select(Person)
        .where(Person.hei_id.in_(hei_ids), Person.is_active, Person.role == Role.PLACEMENT_OFFICER.value)
        .order_by(Person.id)
    ).all()


def sites_of_network(session: Session, network_id: int) -> list[Site]:
    """All sites of a network with their trusts, by name."""
    return list(
        session.scalars(
            select(Site)
            .join(Site.trust)
            .join(Trust.icb)
            .where(Icb.network_id == network_id)
            .options(joinedload(Site.trust))
            .order_by(Site.name)
        )
    )


def access_needs_of_sites(session: Session) -> dict[int, tuple[str, ...]]:
    """The keys of the access needs that each site meets, by the site's id."""
    found: dict[int, list[str]] = {}
    for site_id, key in session.execute(
        select(site_access_need.c.site_id, AccessNeed.key)
        .join(AccessNeed, AccessNeed.id == site_access_need.c.access_need_id)
        .order_by(site_access_need.c.site_id, AccessNeed.id)
    ):
        found.setdefault(site_id, []).append(key)
    return {site_id: tuple(keys) for site_id, keys in found.items()}


def access_needs(session: Session) -> list[AccessNeed]:
    """All access needs that a learner may have and a site may meet."""
    return list(session.scalars(select(AccessNeed).order_by(AccessNeed.id)))


def travel_site(site: Site) -> TravelSite:
    """A site as a journey's end."""
    return TravelSite(site.name, site.postcode, Point(site.latitude, site.longitude))


def travel_times(session: Session, network_id: int, sites: Iterable[Site] | None = None) -> TravelTimes:
    """A network's travel times: estimates, and what was uploaded instead (to these sites; None: to all)."""
    uploaded = select(TravelOverride).where(TravelOverride.network_id == network_id)
    if sites is not None:
        keys = {key for site in sites for key in (site_key(site.name), normalise_postcode(site.postcode))}
        uploaded = uploaded.where(TravelOverride.site.in_(keys))
    return TravelTimes(
        MatrixOverride(
            origin=row.origin,
            site=row.site,
            mode=cast(TravelMode, row.mode),
            minutes=row.minutes,
            line=row.id,
        )
        for row in session.scalars(uploaded)
    )


def modalities_of_academy(session: Session, network_id: int) -> set[int]:
    """The modalities (by id) that only the academy's own centres of a network have."""
    sites = (
        select(Department.modality_id)
        .join(Department.site)
        .join(Site.trust)
        .join(Trust.icb)
        .where(Icb.network_id == network_id)
    )
    at_academy = set(session.scalars(sites.where(Site.kind == "academy").distinct()))
    return at_academy - set(session.scalars(sites.where(Site.kind != "academy").distinct()))


def learner_groups(session: Session) -> list[LearnerGroup]:
    """All learner groups with their stages, by name."""
    return list(
        session.scalars(
            select(LearnerGroup).options(selectinload(LearnerGroup.stages)).order_by(LearnerGroup.name)
        )
    )


def supervision_models(session: Session) -> list[SupervisionModel]:
    """The ways in which departments supervise, the heaviest first."""
    return list(
        session.scalars(
            select(SupervisionModel).order_by(SupervisionModel.weight_factor.desc(), SupervisionModel.id)
        )
    )


def supervision_factors_in_force(session: Session, day: date) -> dict[str, Decimal]:
    """What multiplies a learner's weight on a day, by the supervision model's key."""
    found = {model.key: model.weight_factor for model in supervision_models(session)}
    for row in session.scalars(
        select(SupervisionFactor)
        .where(SupervisionFactor.valid_from <= day)
        .options(joinedload(SupervisionFactor.supervision_model))
        .order_by(SupervisionFactor.valid_from)
    ):
        found[row.supervision_model.key] = row.weight_factor
    return found


def weights_in_force(session: Session, day: date) -> dict[tuple[str, str], Decimal]:
    """WTE that a learner takes on a day, by (group, stage) key: the stage's own weight where there is one."""
    by_group: dict[int, Decimal] = {}
    by_stage: dict[int, Decimal] = {}
    for row in session.scalars(
        select(SupervisionWeight)
        .where(SupervisionWeight.valid_from <= day)
        .order_by(SupervisionWeight.valid_from)
    ):
        if row.stage_id is None:
            by_group[row.learner_group_id] = row.weight
        else:
            by_stage[row.stage_id] = row.weight
    found = {}
    for stage in session.scalars(select(Stage).options(joinedload(Stage.learner_group))):
        weight = by_stage.get(stage.id, by_group.get(stage.learner_group_id))
        if weight is not None:
            found[stage.learner_group.key, stage.key] = weight
    return found


def place_rates_in_force(session: Session, day: date) -> dict[tuple[int, str], Decimal]:
    """Scanning lists or sessions a week that make one place on a day, by modality's id and group's key."""
    rows = session.scalars(
        select(PlaceRate)
        .where(PlaceRate.valid_from <= day)
        .options(joinedload(PlaceRate.learner_group))
        .order_by(PlaceRate.valid_from)
    )
    return {(row.modality_id, row.learner_group.key): row.units_per_place for row in rows}


def fair_share_in_force(session: Session, day: date) -> dict[int, Decimal]:
    """Placement days a year that each WTE should offer on a day, by profession's id."""
    rows = session.scalars(
        select(FairShareRate).where(FairShareRate.valid_from <= day).order_by(FairShareRate.valid_from)
    )
    return {row.profession_id: row.days_per_wte for row in rows}


@dataclass(frozen=True)
class RateLine:
    """The history of one figure of the reference data, the newest first. `key` names it in a form:
    identities with a full stop between. `valid_from` None: from the beginning."""

    key: str
    name: str
    history: tuple[tuple[date | None, Decimal], ...]

    def in_force(self, day: date) -> tuple[date | None, Decimal] | None:
        """From when the figure of a day holds, and the figure."""
        return next((row for row in self.history if row[0] is None or row[0] <= day), None)


def rate_lines(session: Session, kind: str) -> list[RateLine]:
    """Every figure of a kind (`weight`, `factor`, `place`, `fair_share`), those without history too."""
    return {
        "weight": _weight_lines,
        "factor": _factor_lines,
        "place": _place_lines,
        "fair_share": _fair_share_lines,
    }[kind](session)


def _weight_lines(session: Session) -> list[RateLine]:
    found = _histories(
        ((row.learner_group_id, row.stage_id), row.valid_from, row.weight)
        for row in session.scalars(select(SupervisionWeight))
    )
    lines = []
    for group in learner_groups(session):
        lines.append(RateLine(f"{group.id}", f"{group.name}, every stage", found.get((group.id, None), ())))
        lines += [
            RateLine(
                f"{group.id}.{stage.id}", f"{group.name}, {stage.name}", found.get((group.id, stage.id), ())
            )
            for stage in group.stages
        ]
    return lines


def _factor_lines(session: Session) -> list[RateLine]:
    found = _histories(
        ((row.supervision_model_id,), row.valid_from, row.weight_factor)
        for row in session.scalars(select(SupervisionFactor))
    )
    return [
        RateLine(f"{model.id}", model.name, (*found.get((model.id,), ()), (None, model.weight_factor)))
        for model in supervision_models(session)
    ]


def _place_lines(session: Session) -> list[RateLine]:
    found = _histories(
        ((row.modality_id, row.learner_group_id), row.valid_from, row.units_per_place)
        for row in session.scalars(select(PlaceRate))
    )
    modalities = session.scalars(select(Modality).where(Modality.measure != "places").order_by(Modality.name))
    groups = learner_groups(session)
    return [
        RateLine(
            f"{modality.id}.{group.id}",
            f"{modality.name}, {group.name} ({modality.measure} a week)",
            found.get((modality.id, group.id), ()),
        )
        for modality in modalities
        for group in groups
    ]


def _fair_share_lines(session: Session) -> list[RateLine]:
    found = _histories(
        ((row.profession_id,), row.valid_from, row.days_per_wte)
        for row in session.scalars(select(FairShareRate))
    )
    professions = session.scalars(select(Profession).order_by(Profession.name))
    return [RateLine(f"{row.id}", row.name, found.get((row.id,), ())) for row in professions]


Ids = tuple[int | None, ...]


def _histories(rows: Iterable[tuple[Ids, date, Decimal]]) -> dict[Ids, tuple[tuple[date, Decimal], ...]]:
    found: dict[Ids, list[tuple[date, Decimal]]] = {}
    for ids, valid_from, value in rows:
        found.setdefault(ids, []).append((valid_from, value))
    return {ids: tuple(sorted(history, reverse=True)) for ids, history in found.items()}
