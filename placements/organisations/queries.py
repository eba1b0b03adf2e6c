"""Reads about organisations. Names of trusts, sites and HEIs are public to whoever is signed in."""

from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session, joinedload

from placements.access import Role, Viewer
from placements.organisations.models import Department, Hei, Icb, Programme, Site, Trust


def visible_departments(viewer: Viewer) -> Select[Department]:
    """A practice educator sees the trust's own departments; an academy lead all of the network's."""
    departments = (
        select(Department)
        .join(Department.site)
        .join(Site.trust)
        .options(joinedload(Department.site).joinedload(Site.trust), joinedload(Department.modality))
        .order_by(Trust.name, Site.name, Department.modality_id)
    )
    if viewer.role is Role.PRACTICE_EDUCATOR:
        return departments.where(Site.trust_id == viewer.trust_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return departments.join(Trust.icb).where(Icb.network_id == viewer.network_id)
    return departments.where(false())


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
