"""From tables to the engine's `Problem`: a run's frozen data, with keys that lead back to the rows.

A requirement is `r` and its id, a learner `l`, a site `s`; a trust goes by its ODS code, a block by its id;
what trusts offer is in supply.py. Travel minutes enter here by value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from placements.capacity import queries as capacity
from placements.cohorts import queries as cohorts
from placements.errors import Refused
from placements.geography.matrix import TravelOrigin
from placements.geography.postcodes import locate_many
from placements.geography.travel import TRAVEL_MODES
from placements.organisations import queries as organisations
from placements.organisations.models import Site as SiteRow
from placements.rounds.models import Block, Round
from placements.scenarios.supply import supply_of


@dataclass(frozen=True)
class Frozen:
    """A round's data as the engine takes it, and what the run keeps beside it.

    `uploaded_travel`: [learner, site] positions whose minutes come from an uploaded matrix.
    """

    problem_json: str
    uploaded_travel: list[list[int]]
    requirements: int
    offers: int


def default_policy() -> str:
    """The policy of a round whose lead has set nothing."""
    return matching.Policy().to_json()


def repair_policy() -> str:
    """The same, but that whoever has a place keeps it where possible: placing everyone comes first, then the
    fewest moves, then the rest."""
    usual = matching.Policy()
    return dataclasses.replace(usual, tiers=({"changes": 1}, *usual.tiers)).to_json()


def freeze(session: Session, round_: Round, standing: Mapping[int, int] | None = None) -> Frozen:
    """The round's approved offers and submitted cohorts as a `Problem`; `standing` is where published
    learners are, a department's id by the requirement's.

    Raises Refused where there is no learner or no place at all, or where a learner's postcode is unknown.
    """
    offers = capacity.offers(session, round_.id)
    learners = cohorts.demand(session, round_.id)
    if not any(learner.requirements for learner in learners):
        raise Refused(
            "There is nobody to place: no cohort with learners has been submitted to this round."
            " Ask the HEIs to submit their cohorts first."
        )
    supply = supply_of(session, round_, offers)
    if not any(places for offer in supply.offers for places in offer.maximum):
        raise Refused(
            "There is nowhere to place anybody: no department has an approved declaration with places."
            " Ask the trusts to declare and to approve first."
        )
    sites = organisations.sites_of_network(session, round_.network_id)
    weeks = round_.block_weeks()
    minutes, uploaded = _travel(session, round_, learners, sites)
    weights = organisations.weights_in_force(session, round_.first_week)
    block_weeks = {
        block.id: tuple(weeks.index(monday) for monday in block.mondays())
        for block in session.scalars(select(Block).where(Block.round_id == round_.id))
    }
    problem = matching.Problem(
        weeks=tuple(week.isoformat() for week in weeks),
        trusts=tuple(
            matching.Trust(trust.ods, _every_week(supply.trust_caps.get(trust.id), weeks))
            for trust in sorted({site.trust for site in sites}, key=lambda trust: trust.ods)
        ),
        sites=tuple(
            matching.Site(f"s{site.id}", site.trust.ods, _every_week(supply.site_caps.get(site.id), weeks))
            for site in sites
        ),
        departments=supply.departments,
        offers=supply.offers,
        educators=supply.educators,
        learners=tuple(_learner(learner) for learner in learners),
        requirements=tuple(
            matching.Requirement(
                key=f"r{requirement.id}",
                learner=f"l{learner.id}",
                block=str(requirement.block_id),
                modalities=requirement.modalities,
                weeks=block_weeks[requirement.block_id],
                weight=float(weights.get((learner.group, learner.stage), 1)),
                priority=requirement.priority,
            )
            for learner in learners
            for requirement in learner.requirements
        ),
        travel_minutes=minutes,
        published=_published(learners, supply.offers, standing or {}),
    )
    return Frozen(problem.to_json(), uploaded, len(problem.requirements), len(offers))


def _published(
    learners: Sequence[cohorts.DemandLearner],
    offers: Sequence[matching.Offer],
    standing: Mapping[int, int],
) -> tuple[matching.Placing, ...]:
    """The offers that published learners hold: of those of the department, the first that is for them."""
    of_department: dict[str, list[matching.Offer]] = {}
    for offer in offers:
        of_department.setdefault(offer.department, []).append(offer)
    found = []
    for learner in learners:
        for requirement in learner.requirements:
            for offer in of_department.get(f"d{standing.get(requirement.id)}", ()):
                for_group = not offer.groups or learner.group in offer.groups
                if for_group and (not offer.stages or learner.stage in offer.stages):
                    found.append(matching.Placing(f"r{requirement.id}", offer.key))
                    break
    return tuple(found)


def _every_week(places: int | None, weeks: Sequence[date]) -> tuple[int, ...] | None:
    return None if places is None else (places,) * len(weeks)


def _learner(learner: cohorts.DemandLearner) -> matching.Learner:
    return matching.Learner(
        key=f"l{learner.id}",
        group=learner.group,
        stage=learner.stage,
        hei=str(learner.hei_id),
        mode=learner.travel_mode,
        employer=learner.employer,
        excluded_sites=tuple(f"s{site}" for site in learner.exclusions),
        preferences=tuple(f"s{site}" for site in learner.preferences),
        travel_limit_minutes=learner.travel_limit_minutes,
    )


def _travel(
    session: Session,
    round_: Round,
    learners: Sequence[cohorts.DemandLearner],
    sites: Sequence[SiteRow],
) -> tuple[np.ndarray, list[list[int]]]:
    """Minutes [learner, site] in each learner's own mode, and the positions that an uploaded matrix gave."""
    points = locate_many({learner.travels_from for learner in learners})
    for learner in learners:
        if learner.travels_from not in points:
            raise Refused(
                f"The postcode {learner.travels_from} of learner {learner.reference} ({learner.hei}) is"
                " not in the postcode directory. Ask the HEI to correct it."
            )
    times = organisations.travel_times(session, round_.network_id)
    destinations = [organisations.travel_site(site) for site in sites]
    minutes = np.zeros((len(learners), len(sites)), dtype=np.uint16)
    uploaded: list[list[int]] = []
    for mode in TRAVEL_MODES:
        rows = [index for index, learner in enumerate(learners) if learner.travel_mode == mode]
        origins = [
            TravelOrigin(learners[row].travels_from, points[learners[row].travels_from]) for row in rows
        ]
        if not rows:
            continue
        table = times.table(origins, destinations, mode)
        minutes[rows] = table.minutes
        uploaded += [[rows[row], int(site)] for row, site in np.argwhere(table.uploaded)]
    return minutes, sorted(uploaded)
