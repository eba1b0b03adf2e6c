"""Reads about allocations and publications: what is published is all that trusts and HEIs see of a match."""

from sqlalchemy import Select, false, func, select, true
from sqlalchemy.orm import Session, joinedload

from placements.access import Role, Viewer
from placements.allocations.models import Allocation, Publication, PublicationLine
from placements.errors import NotFound
from placements.rounds.models import Round
from placements.rounds.queries import visible_rounds
from placements.scenarios.models import Run
from placements.scenarios.queries import visible_runs


def visible_publications(viewer: Viewer) -> Select[Publication]:
    """The publications of the rounds that the person may see, the newest first."""
    rounds = visible_rounds(viewer).with_only_columns(Round.id).order_by(None)
    return (
        select(Publication)
        .where(Publication.round_id.in_(rounds))
        .options(joinedload(Publication.round))
        .order_by(Publication.round_id, Publication.number.desc())
    )


def visible_lines(viewer: Viewer) -> Select[PublicationLine]:
    """An HEI sees its own learners, a trust those placed with it, an academy lead all of the network's."""
    publications = visible_publications(viewer).with_only_columns(Publication.id).order_by(None)
    whose = {
        Role.PLACEMENT_OFFICER: PublicationLine.hei_id == viewer.hei_id,
        Role.PRACTICE_EDUCATOR: PublicationLine.trust_id == viewer.trust_id,
        Role.ACADEMY_LEAD: true(),
    }.get(viewer.role, false())
    return select(PublicationLine).where(PublicationLine.publication_id.in_(publications), whose)


def publications_of_round(session: Session, viewer: Viewer, round_id: int) -> list[Publication]:
    """A round's publications, the newest first."""
    return list(session.scalars(visible_publications(viewer).where(Publication.round_id == round_id)))


def publication_by_id(session: Session, viewer: Viewer, publication_id: int) -> Publication:
    """One publication; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_publications(viewer).where(Publication.id == publication_id))
    if found is None:
        raise NotFound("There is no such publication.")
    return found


def lines_of_publication(
    viewer: Viewer,
    publication_id: int,
    *,
    state: str | None = None,
    block: str | None = None,
    reference: str = "",
) -> Select[PublicationLine]:
    """The lines of a publication that this person may see, filtered, by block, HEI and learner."""
    found = visible_lines(viewer).where(PublicationLine.publication_id == publication_id)
    if state is not None:
        found = found.where(PublicationLine.state == state)
    if block:
        found = found.where(PublicationLine.block == block)
    if reference:
        found = found.where(
            func.lower(PublicationLine.learner_reference).contains(reference.lower(), autoescape=True)
        )
    return found.order_by(
        PublicationLine.first_week,
        PublicationLine.block,
        PublicationLine.hei,
        PublicationLine.learner_reference,
    )


def counts(session: Session, viewer: Viewer, publication_id: int) -> dict[str, int]:
    """How many of the lines that this person may see are placed and unplaced."""
    lines = visible_lines(viewer).where(PublicationLine.publication_id == publication_id).subquery()
    found: dict[str, int] = dict(
        session.execute(select(lines.c.state, func.count()).group_by(lines.c.state)).tuples().all()
    )
    return {"placed": found.get("placed", 0), "unplaced": found.get("unplaced", 0)}


def blocks_of_publication(session: Session, viewer: Viewer, publication_id: int) -> list[str]:
    """The names of the blocks in the lines that this person may see, in order of their first week."""
    lines = visible_lines(viewer).where(PublicationLine.publication_id == publication_id).subquery()
    rows = session.execute(
        select(lines.c.block, func.min(lines.c.first_week))
        .group_by(lines.c.block)
        .order_by(func.min(lines.c.first_week))
    )
    return [block for block, _ in rows]


def adopted_run(session: Session, viewer: Viewer, round_id: int) -> Run | None:
    """The run whose placings stand as the round's allocations, where this person may see runs."""
    stands = select(Allocation.run_id).join(Allocation.run).where(Run.round_id == round_id).limit(1)
    return session.scalar(visible_runs(viewer).where(Run.id == stands.scalar_subquery()))
