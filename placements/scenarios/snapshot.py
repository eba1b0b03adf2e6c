"""From tables to the engine's `Problem`: a run's frozen data, with keys that lead back to the rows.

A requirement is `r` and its id, a learner `l`, a site `s`; a trust goes by its ODS code, a block by its id;
what trusts offer is in supply.py. Travel minutes enter here by value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy.orm import Session

import matching
from placements.capacity import queries as capacity
from placements.cohorts.demand import DemandLearner, DemandRequirement, companions, demand
from placements.errors import Refused
from placements.geography.matrix import TravelOrigin
from placements.geography.postcodes import locate_many
from placements.geography.travel import TRAVEL_MODES
from placements.organisations import queries as organisations
from placements.organisations.models import Site as SiteRow
from placements.rounds.models import EVERY_WEEKDAY, Round
from placements.scenarios.agreed import agreements_of
from placements.scenarios.published import Standing, proposed_places, published_places
from placements.scenarios.supply import supply_of


@dataclass(frozen=True)
class Frozen:
    """A round's data as the engine takes it, and what the run keeps beside it.

    `uploaded_travel`: [learner, site] positions whose minutes come from an uploaded matrix.
    """

    problem: matching.Problem
    uploaded_travel: list[list[int]]


def default_policy() -> str:
    """The policy of a round whose lead has set nothing."""
    return matching.Policy().to_json()


def freeze(session: Session, round_: Round, *, keeps_proposed: bool = False) -> Frozen:
    """The round's approved offers, submitted cohorts and published places, frozen for a run; with
    `keeps_proposed`, where nothing is published yet the places that trusts have been shown instead.

    Raises Refused where there is no learner or no place at all, or where a learner's postcode is unknown.
    """
    standing = published_places(session, round_.id)
    if keeps_proposed and not standing:
        standing = proposed_places(session, round_.id)
    problem, uploaded = problem_of(session, round_, standing=standing)
    return Frozen(problem, uploaded)


def problem_of(
    session: Session,
    round_: Round,
    *,
    cohort_ids: Collection[int] = (),
    standing: Mapping[int, Standing] | None = None,
) -> tuple[matching.Problem, list[list[int]]]:
    """The round's approved offers and submitted cohorts as a `Problem`, with the drafts of `cohort_ids`
    counted in, and the [learner, site] positions whose minutes an uploaded matrix gave. Raises as `freeze`.
    """
    offers = capacity.offers(session, round_.id)
    learners = demand(session, round_, cohort_ids)
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
    index = {monday: number for number, monday in enumerate(weeks)}
    needs_met = organisations.access_needs_of_sites(session)
    here = {learner.id for learner in learners}
    caps = {site.trust.ods: supply.trust_caps.get(site.trust.id) for site in sites}
    # Learners may name a trust that has no site.
    for learner in learners:
        caps |= {ods: None for ods in (learner.employer, learner.hub) if ods and ods not in caps}
    problem = matching.Problem(
        weeks=tuple(week.isoformat() for week in weeks),
        trusts=tuple(matching.Trust(ods, _every_week(most, weeks)) for ods, most in sorted(caps.items())),
        sites=tuple(
            matching.Site(
                f"s{site.id}",
                site.trust.ods,
                _every_week(supply.site_caps.get(site.id), weeks),
                access=needs_met.get(site.id, ()),
                accommodation=_every_week(site.beds or None, weeks),
            )
            for site in sites
        ),
        departments=supply.departments,
        offers=supply.offers,
        educators=supply.educators,
        learners=tuple(_learner(learner) for learner in learners),
        requirements=tuple(
            _requirement(learner, requirement, index, float(weights.get((learner.group, learner.stage), 1)))
            for learner in learners
            for requirement in learner.requirements
        ),
        rotations=tuple(
            matching.Rotation(
                key=_rotation_key(learner.id, rotation.id),
                learner=f"l{learner.id}",
                blocks=tuple(str(block_id) for block_id, _ in rotation.blocks),
                weeks=tuple(tuple(index[monday] for monday in mondays) for _, mondays in rotation.blocks),
            )
            for learner in learners
            for rotation in learner.rotations
        ),
        companions=tuple(
            matching.Companions(f"c{row.id}", row.kind, tuple(f"l{learner}" for learner in row.learners))
            for row in companions(session, round_.id, here)
        ),
        agreements=agreements_of(session, round_, {learner.hei_id for learner in learners}),
        travel_minutes=minutes,
        published=_published(learners, supply.offers, standing or {}),
    )
    return problem, uploaded


def _rotation_key(learner_id: int, rotation_id: int) -> str:
    return f"l{learner_id}.t{rotation_id}"


def _requirement(
    learner: DemandLearner, requirement: DemandRequirement, index: Mapping[date, int], weight: float
) -> matching.Requirement:
    """A part-time learner takes a share of the supervision: as many fifths as days a week."""
    floats = requirement.rotation_id
    return matching.Requirement(
        key=f"r{requirement.id}",
        learner=f"l{learner.id}",
        block=str(requirement.block_id) if floats is None else "",
        modalities=requirement.modalities,
        weeks=tuple(index[monday] for monday in requirement.mondays),
        weight=weight * len(requirement.weekdays) / len(EVERY_WEEKDAY),
        priority=requirement.priority,
        rotation=None if floats is None else _rotation_key(learner.id, floats),
    )


def _published(
    learners: Sequence[DemandLearner],
    offers: Sequence[matching.Offer],
    standing: Mapping[int, Standing],
) -> tuple[matching.Placing, ...]:
    """The offers that published learners hold: of those of the department, the first that is for them. One
    that floats keeps its place where its block is still one that it may take."""
    of_department: dict[str, list[matching.Offer]] = {}
    for offer in offers:
        of_department.setdefault(offer.department, []).append(offer)
    found = []
    for learner in learners:
        for requirement in learner.requirements:
            stands = standing.get(requirement.id)
            if stands is None:
                continue
            block = None
            if requirement.rotation_id is not None:
                block = next(
                    (
                        str(block_id)
                        for rotation in learner.rotations
                        if rotation.id == requirement.rotation_id
                        for block_id, mondays in rotation.blocks
                        if mondays[0] == stands.first_week
                    ),
                    None,
                )
                if block is None:
                    continue
            for offer in of_department.get(f"d{stands.department_id}", ()):
                for_group = not offer.groups or learner.group in offer.groups
                if for_group and (not offer.stages or learner.stage in offer.stages):
                    found.append(matching.Placing(f"r{requirement.id}", offer.key, block))
                    break
    return tuple(found)


def _every_week(places: int | None, weeks: Sequence[date]) -> tuple[int, ...] | None:
    return None if places is None else (places,) * len(weeks)


def _learner(learner: DemandLearner) -> matching.Learner:
    return matching.Learner(
        key=f"l{learner.id}",
        group=learner.group,
        stage=learner.stage,
        hei=str(learner.hei_id),
        mode=learner.travel_mode,
        employer=learner.employer,
        released=learner.released,
        hub=learner.hub,
        excluded_sites=tuple(f"s{site}" for site in learner.exclusions),
        preferences=tuple(f"s{site}" for site in learner.preferences),
        travel_limit_minutes=learner.travel_limit_minutes,
        access_needs=learner.access_needs,
        accommodation=learner.accommodation,
        attended=tuple(f"s{site}" for site in learner.history.attended),
        past_minutes=learner.history.mean_minutes,
        site_repeats=learner.site_repeats,
        different_sites=learner.different_sites,
    )


def _travel(
    session: Session,
    round_: Round,
    learners: Sequence[DemandLearner],
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
