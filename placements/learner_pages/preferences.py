"""Which sites a learner would like: those within reach, and the ranks that the learner gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from placements.access import Action, Viewer
from placements.clock import now_utc, today
from placements.cohorts.models import Learner, LearnerExclusion, LearnerPreference, Requirement
from placements.errors import NotFound, Refused, Stale
from placements.geography.matrix import TravelOrigin
from placements.geography.postcodes import locate
from placements.geography.travel import TravelMode
from placements.organisations.models import Department, Site
from placements.organisations.queries import sites_of_network, travel_site, travel_times
from placements.rounds.models import PlanLine, Rotation, Round
from placements.transaction import CHANGED_MEANWHILE, transaction

MOST_RANKED = 20
FEWEST_RANKS_SHOWN = 5
# What a round asks where nobody has set another limit (minutes one way).
USUAL_LIMIT_MINUTES = 90


@dataclass(frozen=True)
class SiteInReach:
    """A site that has what the learner needs, and the way there (one way)."""

    site: Site
    minutes: int
    is_estimated: bool
    is_within_limit: bool


def may_rank(round_: Round, day: date) -> bool:
    """Learners rank sites while the round is open, to the day by which cohorts are submitted."""
    return round_.state == "open" and day <= round_.submit_by


def own_learner(session: Session, viewer: Viewer) -> Learner:
    """The learner whose private link this is; raises NotFound for anybody else."""
    found = session.scalar(
        select(Learner)
        .where(Learner.id == viewer.learner_id)
        .options(
            selectinload(Learner.preferences).joinedload(LearnerPreference.site),
            selectinload(Learner.interruptions),
            selectinload(Learner.requirements).options(
                selectinload(Requirement.block),
                selectinload(Requirement.own_modalities),
                selectinload(Requirement.plan_line).options(
                    selectinload(PlanLine.modalities),
                    selectinload(PlanLine.block),
                    selectinload(PlanLine.rotation).selectinload(Rotation.blocks),
                ),
            ),
        )
    )
    if found is None:
        raise NotFound("There is no such learner.")
    return found


def sites_in_reach(session: Session, learner: Learner) -> list[SiteInReach]:
    """The sites that the learner may be placed at, the nearest first: with a modality that they need, of the
    employer where they are tied to one, not to be avoided, and within the travel limit. Sites already ranked
    stay on the list however far they are."""
    origin = locate(learner.travels_from)
    if origin is None:
        return []
    wanted = {
        modality.id
        for requirement in learner.requirements
        if requirement.state == "needed"
        for modality in requirement.modalities
    }
    having = set(
        session.scalars(select(Department.site_id).where(Department.modality_id.in_(wanted)).distinct())
    )
    avoided = set(
        session.scalars(select(LearnerExclusion.site_id).where(LearnerExclusion.learner_id == learner.id))
    )
    ranked = {row.site_id for row in learner.preferences}
    tied_to = None if learner.released else learner.employer_trust_id
    round_ = learner.cohort.round
    sites = [
        site
        for site in sites_of_network(session, round_.network_id)
        if site.id in ranked
        or (site.id in having - avoided and (tied_to is None or site.trust_id == tied_to))
    ]
    limit = learner.travel_limit_minutes or USUAL_LIMIT_MINUTES
    table = travel_times(session, round_.network_id).table(
        [TravelOrigin(learner.travels_from, origin)],
        [travel_site(site) for site in sites],
        cast(TravelMode, learner.travel_mode),
    )
    found = [
        SiteInReach(
            site,
            int(table.minutes[0, column]),
            not table.uploaded[0, column],
            table.minutes[0, column] <= limit,
        )
        for column, site in enumerate(sites)
    ]
    return sorted(
        (row for row in found if row.is_within_limit or row.site.id in ranked),
        key=lambda row: (row.minutes, row.site.name),
    )


def save_preferences(viewer: Viewer, site_ids: Sequence[int | None], *, version: int) -> Learner:
    """Let the learner's ranks stand instead of those before, the most wanted first; None is a rank left out,
    and the later ones move up. `version` is the learner's as read.

    The cohort stays submitted: the match asks what the learner says last. Raises Refused, naming each rank
    (`rank_1`), for a site named twice or out of reach, and where the time for it is over; Stale where the
    learner's data were changed meanwhile.
    """
    with transaction(viewer, Action.SAVE_PREFERENCES) as tx:
        learner = own_learner(tx.session, viewer)
        if not may_rank(learner.cohort.round, today()):
            raise Refused("The time for ranking sites is over. Ask your university if something must change.")
        wanted = _checked(
            site_ids, {row.site.id: row.site.name for row in sites_in_reach(tx.session, learner)}
        )
        if wanted == [row.site_id for row in learner.preferences] and learner.preferences_by == "learner":
            return learner
        if learner.version != version:
            raise Stale(CHANGED_MEANWHILE)
        learner.preferences.clear()
        tx.session.flush()
        learner.preferences = [
            LearnerPreference(rank=rank, site_id=site_id) for rank, site_id in enumerate(wanted, start=1)
        ]
        learner.preferences_by = "learner"
        learner.changed_utc = now_utc()
        tx.note(learner, sites=len(wanted))
    return learner


def _checked(site_ids: Sequence[int | None], in_reach: dict[int, str]) -> list[int]:
    wanted: list[int] = []
    wrong: dict[str, str] = {}
    for rank, site_id in enumerate(site_ids[:MOST_RANKED], start=1):
        if site_id is None:
            continue
        if site_id not in in_reach:
            wrong[f"rank_{rank}"] = "Choose a site from the list"
        elif site_id in wanted:
            wrong[f"rank_{rank}"] = f"{in_reach[site_id]} is already ranked above: choose another site"
        wanted.append(site_id)
    if wrong:
        raise Refused("Your choices were not saved.", wrong)
    return wanted
