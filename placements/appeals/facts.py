"""What the panel sees beside an appeal: the place, the learner's other places and journeys, and which sites
would be left were it upheld."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from placements.access import Action, Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.occupied import occupied
from placements.allocations.queries import lines_of_publication, newest_publication
from placements.appeals.constraints import constraints_of
from placements.appeals.models import Appeal
from placements.appeals.queries import places_of
from placements.cohorts.history import histories
from placements.organisations.models import Site
from placements.scenarios.models import Placing, Run
from placements.scenarios.within_reach import sites_within


@dataclass(frozen=True)
class SiteLeft:
    """A site where the learner could go were the appeal upheld, minutes one way, and places free there."""

    name: str
    minutes: int
    free: int


@dataclass(frozen=True)
class Journeys:
    """Minutes one way: the learner's in this round (mean and longest), in earlier rounds, and the middle of
    all learners' of the same HEI and of the round. None where nothing is known."""

    mean: int | None
    longest: int | None
    earlier_mean: int | None
    earlier_places: int
    middle_of_hei: int | None
    middle_of_round: int | None


@dataclass(frozen=True)
class AppealFacts:
    """`place` as it was appealed against; `now` where the newest version has it somewhere else; `left` only
    for who decides, None where it is not known; `placing_id` leads to why and to the alternatives."""

    place: PublicationLine | None
    now: PublicationLine | None
    others: Sequence[PublicationLine]
    journeys: Journeys
    left: Sequence[SiteLeft] | None
    placing_id: int | None


def facts_of(session: Session, viewer: Viewer, appeal: Appeal) -> AppealFacts:
    """The facts beside an appeal that this person has been let see."""
    place = places_of(session, viewer, [appeal]).get(appeal.id)
    publication = newest_publication(session, viewer, appeal.round_id)
    learner = appeal.requirement.learner
    lines: list[PublicationLine] = []
    now = placing_id = None
    decides = viewer.may(Action.DECIDE_APPEAL)
    if publication is not None:
        lines = list(
            session.scalars(
                lines_of_publication(viewer, publication.id)
                .where(PublicationLine.record_id == learner.record_id)
                .order_by(PublicationLine.first_week, PublicationLine.id)
            )
        )
        now = next((line for line in lines if line.requirement_id == appeal.requirement_id), None)
        if decides:
            placing_id = session.scalar(
                select(Placing.id).where(
                    Placing.run_id == publication.run_id, Placing.requirement_id == appeal.requirement_id
                )
            )
    has_moved = now is not None and place is not None and now.department_id != place.department_id
    return AppealFacts(
        place,
        now if has_moved else None,
        [line for line in lines if line.requirement_id != appeal.requirement_id],
        _journeys(session, viewer, appeal, publication, lines),
        _left(session, appeal, place, publication) if decides else None,
        placing_id,
    )


def _journeys(
    session: Session,
    viewer: Viewer,
    appeal: Appeal,
    publication: Publication | None,
    lines: Sequence[PublicationLine],
) -> Journeys:
    learner = appeal.requirement.learner
    own = [line.travel_minutes for line in lines if line.travel_minutes is not None]
    history = histories(session, appeal.round, {learner.record_id}).get(learner.record_id)
    earlier = [row for row in history.placements if row.travel_minutes is not None] if history else []
    of_hei: list[int] = []
    of_all: list[int] = []
    if publication is not None:
        for hei_id, travel_minutes in session.execute(
            lines_of_publication(viewer, publication.id)
            .where(PublicationLine.travel_minutes.is_not(None))
            .with_only_columns(PublicationLine.hei_id, PublicationLine.travel_minutes)
        ):
            of_all.append(travel_minutes or 0)
            if hei_id == learner.hei_id:
                of_hei.append(travel_minutes or 0)
    return Journeys(
        mean=round(mean(own)) if own else None,
        longest=max(own, default=None),
        earlier_mean=history.mean_minutes if history and earlier else None,
        earlier_places=len(earlier),
        middle_of_hei=round(median(of_hei)) if of_hei else None,
        middle_of_round=round(median(of_all)) if of_all and viewer.may(Action.DECIDE_APPEAL) else None,
    )


def _left(
    session: Session, appeal: Appeal, place: PublicationLine | None, publication: Publication | None
) -> list[SiteLeft] | None:
    """The sites that upholding would leave, by the data of the run that was published; None where that says
    nothing of the requirement."""
    if publication is None or place is None or place.department_id is None:
        return None
    run = session.scalars(
        select(Run).where(Run.id == publication.run_id).options(joinedload(Run.snapshot))
    ).one()
    # The appeal's own place counts as free: it would be given up.
    taken = occupied(session, publication, without=[appeal.requirement_id])
    within = sites_within(session, run, [appeal.requirement_id], taken)
    if appeal.requirement_id not in within:
        return None
    constraints = constraints_of(session, appeal, place)
    banned = {row.site_id for row in constraints if row.kind == "ban"}
    pinned = {row.site_id for row in constraints if row.kind == "pin"}
    left = [
        row
        for row in within[appeal.requirement_id]
        if row.site_id not in banned and (not pinned or row.site_id in pinned)
    ]
    sites = session.scalars(select(Site).where(Site.id.in_([row.site_id for row in left])))
    names = {site.id: site.name for site in sites}
    return [SiteLeft(names[row.site_id], row.minutes, row.free) for row in left]
