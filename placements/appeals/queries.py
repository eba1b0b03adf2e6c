"""Reads about appeals: an HEI sees its learners' own, the academy all, a learner theirs, and a trust none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, false, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from placements.access import Action, Role, Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import newest_publication, visible_lines
from placements.appeals.models import Appeal, AppealEvidence
from placements.cohorts.models import Cohort, Learner, Requirement
from placements.errors import NotFound
from placements.organisations.models import Hei
from placements.rounds.models import PlanLine, Rotation, Round
from placements.web.filters import AddressFilter

STATES = ("lodged", "upheld", "declined", "withdrawn")


def visible_appeals(viewer: Viewer) -> Select[Appeal]:
    """The appeals that a person may see, each with its learner; nobody of a trust sees any."""
    appeals = (
        select(Appeal)
        .join(Appeal.round)
        .join(Appeal.requirement)
        .join(Requirement.learner)
        .options(
            contains_eager(Appeal.round),
            contains_eager(Appeal.requirement).contains_eager(Requirement.learner).joinedload(Learner.hei),
            joinedload(Appeal.wanted_site),
            selectinload(Appeal.evidence),
        )
    )
    if viewer.role is Role.ACADEMY_LEAD:
        return appeals.where(Round.network_id == viewer.network_id)
    if viewer.role is Role.PLACEMENT_OFFICER:
        return appeals.where(Learner.hei_id == viewer.hei_id)
    if viewer.role is Role.INVITED_LEARNER:
        return appeals.where(Requirement.learner_id == viewer.learner_id)
    return appeals.where(false())


def appeal_by_id(session: Session, viewer: Viewer, appeal_id: int) -> Appeal:
    """One appeal; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_appeals(viewer).where(Appeal.id == appeal_id))
    if found is None:
        raise NotFound("There is no such appeal.")
    return found


def evidence_by_id(session: Session, viewer: Viewer, evidence_id: int) -> AppealEvidence:
    """A file of an appeal that this person may see; raises NotFound where there is none."""
    appeals = visible_appeals(viewer).with_only_columns(Appeal.id).order_by(None)
    found = session.scalar(
        select(AppealEvidence).where(AppealEvidence.id == evidence_id, AppealEvidence.appeal_id.in_(appeals))
    )
    if found is None:
        raise NotFound("There is no such file.")
    return found


@dataclass(frozen=True)
class AppealFilter(AddressFilter):
    """Which appeals are wanted; an empty field lets all through. `reference` is a part of the learner's."""

    state: str = ""
    grounds: str = ""
    hei: str = ""
    reference: str = ""


def appeals_of_round(viewer: Viewer, round_id: int, only: AppealFilter) -> Select[Appeal]:
    """A round's appeals, filtered: those that wait for a decision first, the oldest of each first."""
    found = visible_appeals(viewer).where(Appeal.round_id == round_id)
    if only.state:
        found = found.where(Appeal.state == only.state)
    if only.grounds:
        found = found.where(Appeal.grounds == only.grounds)
    if only.hei:
        found = found.where(Learner.hei.has(name=only.hei))
    if only.reference:
        found = found.where(func.lower(Learner.reference).contains(only.reference.lower(), autoescape=True))
    return found.order_by(Appeal.state != "lodged", Appeal.lodged_utc, Appeal.id)


def counts_of_round(session: Session, viewer: Viewer, round_id: int) -> Counter[str]:
    """How many of a round's appeals, as far as this person sees them, are in each state."""
    rows = session.execute(
        visible_appeals(viewer)
        .where(Appeal.round_id == round_id)
        .with_only_columns(Appeal.state, func.count())
        .group_by(Appeal.state)
    )
    return Counter({state: number for state, number in rows})  # noqa: C416 - rows are no pairs to mypy


def heis_of_round(session: Session, viewer: Viewer, round_id: int) -> list[str]:
    """The HEIs of the round's appeals that this person sees, by name."""
    appeals = visible_appeals(viewer).where(Appeal.round_id == round_id).with_only_columns(Learner.hei_id)
    return list(session.scalars(select(Hei.name).where(Hei.id.in_(appeals)).order_by(Hei.name)))


def places_of(session: Session, viewer: Viewer, appeals: Collection[Appeal]) -> dict[int, PublicationLine]:
    """The place that each appeal is against, as published then, by the appeal's id."""
    rows = session.execute(
        visible_lines(viewer)
        .join(PublicationLine.publication)
        .where(
            PublicationLine.requirement_id.in_({row.requirement_id for row in appeals}),
            Publication.round_id.in_({row.round_id for row in appeals}),
        )
        .with_only_columns(PublicationLine, Publication.number)
    )
    lines = {(line.requirement_id, number): line for line, number in rows}
    found = {}
    for row in appeals:
        line = lines.get((row.requirement_id, row.publication_number))
        if line is not None:
            found[row.id] = line
    return found


def appeals_of_requirements(
    session: Session, viewer: Viewer, requirement_ids: Collection[int]
) -> dict[int, list[Appeal]]:
    """The appeals that this person sees about some requirements, the newest first, by requirement's id."""
    found: dict[int, list[Appeal]] = {}
    for row in session.scalars(
        visible_appeals(viewer)
        .where(Appeal.requirement_id.in_(list(requirement_ids)))
        .order_by(Appeal.id.desc())
    ):
        found.setdefault(row.requirement_id, []).append(row)
    return found


def first_published_utc(session: Session, round_id: int) -> datetime | None:
    """When the first version of a round was published; None before."""
    return session.scalar(select(func.min(Publication.published_utc)).where(Publication.round_id == round_id))


def place_to_appeal(
    session: Session, viewer: Viewer, round_id: int, requirement_id: int
) -> tuple[Publication, PublicationLine, Requirement]:
    """A requirement as the round's newest version has it, with what is held of it; raises NotFound where this
    person may not see it."""
    publication = newest_publication(session, viewer, round_id)
    line = None
    if publication is not None:
        line = session.scalar(
            visible_lines(viewer).where(
                PublicationLine.publication_id == publication.id,
                PublicationLine.requirement_id == requirement_id,
            )
        )
    requirement = session.scalar(
        select(Requirement)
        .where(Requirement.id == requirement_id)
        .options(
            joinedload(Requirement.learner).joinedload(Learner.cohort).joinedload(Cohort.round),
            selectinload(Requirement.own_modalities),
            joinedload(Requirement.plan_line).options(
                selectinload(PlanLine.modalities),
                joinedload(PlanLine.rotation).selectinload(Rotation.blocks),
            ),
        )
    )
    if publication is None or line is None or requirement is None:
        raise NotFound("There is no such place.")
    return publication, line, requirement


def undecided(session: Session, viewer: Viewer, round_id: int) -> int:
    """How many appeals of a round wait for a decision, of those that this person sees."""
    if not viewer.may(Action.SEE_APPEALS):
        return 0
    return counts_of_round(session, viewer, round_id)["lodged"]
