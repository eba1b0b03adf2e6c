"""How far the sites are that have what a requirement asks for, by its learner's own way of travelling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.cohorts.models import LearnerExclusion, Requirement
from placements.geography.matrix import TravelOrigin
from placements.geography.postcodes import locate
from placements.geography.travel import TravelMode
from placements.organisations.models import Department, Site
from placements.organisations.queries import sites_of_network, travel_site, travel_times


@dataclass(frozen=True)
class NearSite:
    """A site with a department of a modality that is asked for, and the minutes one way (None: the postcode
    from which the learner travels is not known)."""

    site: Site
    minutes: int | None


def sites_with_modality(session: Session, requirement: Requirement) -> list[NearSite]:
    """All such sites of the network, the nearest first."""
    learner = requirement.learner
    network_id = learner.cohort.round.network_id
    wanted = [modality.id for modality in requirement.modalities]
    having = set(
        session.scalars(select(Department.site_id).where(Department.modality_id.in_(wanted)).distinct())
    )
    sites = [site for site in sites_of_network(session, network_id) if site.id in having]
    origin = locate(learner.travels_from)
    if origin is None:
        return [NearSite(site, None) for site in sites]
    table = travel_times(session, network_id, sites).table(
        [TravelOrigin(learner.travels_from, origin)],
        [travel_site(site) for site in sites],
        cast(TravelMode, learner.travel_mode),
    )
    found = [NearSite(site, int(table.minutes[0, column])) for column, site in enumerate(sites)]
    return sorted(found, key=lambda row: (row.minutes or 0, row.site.name))


def sites_to_ask_for(session: Session, requirement: Requirement, not_at: int | None) -> list[NearSite]:
    """The sites that an appeal may ask for: those with the modality, of the employer where the learner is
    tied to one, without those to be avoided and the one where the place is (`not_at`)."""
    learner = requirement.learner
    avoided = set(
        session.scalars(select(LearnerExclusion.site_id).where(LearnerExclusion.learner_id == learner.id))
    )
    tied_to = None if learner.released else learner.employer_trust_id
    return [
        row
        for row in sites_with_modality(session, requirement)
        if row.site.id not in avoided
        and row.site.id != not_at
        and (tied_to is None or row.site.trust_id == tied_to)
    ]
