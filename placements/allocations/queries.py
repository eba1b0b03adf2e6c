"""Reads about allocations and publications: what is published is all that trusts and HEIs see of a match."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import ScalarSelect, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import Session, joinedload

from placements.access import Role, Viewer
from placements.allocations.models import Allocation, Publication, PublicationLine
from placements.clock import today
from placements.cohorts.models import Learner
from placements.errors import NotFound
from placements.organisations.models import Hei
from placements.rounds.models import Round
from placements.rounds.queries import visible_rounds
from placements.scenarios import published
from placements.scenarios.models import Run
from placements.scenarios.published import Standing
from placements.scenarios.queries import visible_runs


def visible_publications(viewer: Viewer) -> Select[Publication]:
    """The publications of the rounds that the person may see, the newest first. A learner by private link
    sees them from the day on which places are released to learners."""
    rounds = visible_rounds(viewer).with_only_columns(Round.id).order_by(None)
    if viewer.role is Role.INVITED_LEARNER:
        rounds = rounds.where(or_(Round.release_on.is_(None), Round.release_on <= today()))
    return (
        select(Publication)
        .where(Publication.round_id.in_(rounds))
        .options(joinedload(Publication.round))
        .order_by(Publication.round_id, Publication.number.desc())
    )


def visible_lines(viewer: Viewer) -> Select[PublicationLine]:
    """An HEI sees its own learners, a trust those placed with it (none who are held back), an academy lead
    all of the network's, and a learner by private link their own."""
    of_trust = and_(PublicationLine.trust_id == viewer.trust_id, PublicationLine.state == "placed")
    publications = visible_publications(viewer).with_only_columns(Publication.id).order_by(None)
    whose = {
        Role.PLACEMENT_OFFICER: PublicationLine.hei_id == viewer.hei_id,
        Role.PRACTICE_EDUCATOR: of_trust,
        Role.TRUST_EDUCATION_LEAD: of_trust,
        Role.ACADEMY_LEAD: true(),
        Role.INVITED_LEARNER: PublicationLine.record_id
        == select(Learner.record_id).where(Learner.id == viewer.learner_id).scalar_subquery(),
    }.get(viewer.role, false())
    return select(PublicationLine).where(PublicationLine.publication_id.in_(publications), whose)


def publications_of_round(session: Session, viewer: Viewer, round_id: int) -> list[Publication]:
    """A round's publications, the newest first."""
    return list(session.scalars(visible_publications(viewer).where(Publication.round_id == round_id)))


def newest_publication(session: Session, viewer: Viewer, round_id: int) -> Publication | None:
    """What stands published in a round, or None where nothing is yet."""
    return session.scalars(visible_publications(viewer).where(Publication.round_id == round_id)).first()


def publication_by_id(session: Session, viewer: Viewer, publication_id: int) -> Publication:
    """One publication; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_publications(viewer).where(Publication.id == publication_id))
    if found is None:
        raise NotFound("There is no such publication.")
    return found


def narrowed(
    lines: Select[PublicationLine], *, block: str, site: str, hei: str, programme: str, reference: str
) -> Select[PublicationLine]:
    """The lines of a block, a site, an HEI and a programme, by name, whose learner's reference has a part; ""
    lets all through."""
    for column, value in (
        (PublicationLine.block, block),
        (PublicationLine.site, site),
        (PublicationLine.hei, hei),
        (PublicationLine.programme, programme),
    ):
        if value:
            lines = lines.where(column == value)
    if reference:
        lines = lines.where(
            func.lower(PublicationLine.learner_reference).contains(reference.lower(), autoescape=True)
        )
    return lines


def lines_of_publication(viewer: Viewer, publication_id: int) -> Select[PublicationLine]:
    """The lines of a publication that this person may see, in no order."""
    return visible_lines(viewer).where(PublicationLine.publication_id == publication_id)


@dataclass(frozen=True)
class Counts:
    """How many of a publication's lines that somebody may see are placed and unplaced."""

    placed: int = 0
    held: int = 0
    unplaced: int = 0


def counts_of_round(session: Session, viewer: Viewer, round_id: int) -> dict[int, Counts]:
    """By publication of a round: how many of the lines that this person may see are placed and unplaced."""
    lines = (
        visible_lines(viewer)
        .join(PublicationLine.publication)
        .where(Publication.round_id == round_id)
        .with_only_columns(PublicationLine.publication_id, PublicationLine.state, func.count())
        .group_by(PublicationLine.publication_id, PublicationLine.state)
    )
    found: dict[int, Counts] = {}
    for publication_id, state, number in session.execute(lines):
        found[publication_id] = replace(found.get(publication_id, Counts()), **{state: number})
    return found


@dataclass(frozen=True)
class Choices:
    """What the lines that somebody may see can be filtered by; blocks in order of their first week."""

    blocks: list[str]
    sites: list[str]
    heis: list[str]
    programmes: list[str]


def choices_of_publication(session: Session, viewer: Viewer, publication_id: int) -> Choices:
    """The blocks, sites, HEIs and programmes in the lines of a publication that this person may see."""
    lines = lines_of_publication(viewer, publication_id)
    blocks = session.execute(
        lines.with_only_columns(PublicationLine.block, func.min(PublicationLine.first_week))
        .group_by(PublicationLine.block)
        .order_by(func.min(PublicationLine.first_week), PublicationLine.block)
    )
    sites = session.scalars(
        lines.where(PublicationLine.site.is_not(None)).with_only_columns(PublicationLine.site).distinct()
    )
    heis = session.scalars(lines.with_only_columns(PublicationLine.hei).distinct())
    programmes = session.scalars(lines.with_only_columns(PublicationLine.programme).distinct())
    return Choices(
        blocks=[block for block, _ in blocks],
        sites=sorted(filter(None, sites)),
        heis=sorted(heis),
        programmes=sorted(programmes),
    )


def adopted_run(session: Session, viewer: Viewer, round_id: int) -> Run | None:
    """The run whose placings stand as the round's allocations, where this person may see runs."""
    return session.scalar(visible_runs(viewer).where(Run.id == _adopted_id(round_id)))


def _adopted_id(round_id: int) -> ScalarSelect[int]:
    stands = select(Allocation.run_id).join(Allocation.run).where(Run.round_id == round_id).limit(1)
    return stands.scalar_subquery()


def _adopted_run(session: Session, round_id: int) -> Run | None:
    return session.scalar(select(Run).where(Run.id == _adopted_id(round_id)))


def published_places(session: Session, round_id: int) -> dict[int, Standing]:
    """Where the learners of a round's newest publication are, by requirement's id, for the round's next
    snapshot; the caller has been let start it."""
    newest = select(func.max(Publication.number)).where(Publication.round_id == round_id).scalar_subquery()
    lines = session.execute(
        select(PublicationLine.requirement_id, PublicationLine.department_id, PublicationLine.first_week)
        .join(PublicationLine.publication)
        .where(
            Publication.round_id == round_id,
            Publication.number == newest,
        )
    )
    return {
        requirement: Standing(department, first_week)
        for requirement, department, first_week in lines
        if department is not None
    }


def published_without_place(session: Session, round_id: int) -> set[int]:
    """The requirements that a round's newest publication names without a place; the caller has been let
    start its next run."""
    newest = select(func.max(Publication.number)).where(Publication.round_id == round_id).scalar_subquery()
    return set(
        session.scalars(
            select(PublicationLine.requirement_id)
            .join(PublicationLine.publication)
            .where(
                Publication.round_id == round_id,
                Publication.number == newest,
                PublicationLine.department_id.is_(None),
            )
        )
    )


def letter_texts(session: Session, hei_ids: Collection[int]) -> dict[int, str]:
    """What these HEIs' letters say besides the places, by HEI's id; the caller sees learners of theirs."""
    rows = session.execute(select(Hei.id, Hei.letter_text).where(Hei.id.in_(hei_ids)))
    return {hei_id: text for hei_id, text in rows if text}


published.register(published_places, published_without_place, _adopted_run)
