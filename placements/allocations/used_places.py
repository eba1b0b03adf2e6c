"""What is used of agreements: placements asked for and published, counted over the rounds of a year."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.agreements import used
from placements.agreements.used import Counted
from placements.allocations.models import Publication, PublicationLine
from placements.clock import academic_year
from placements.cohorts.models import Cohort, Learner, Requirement
from placements.organisations.models import Programme, Stage
from placements.rounds.models import Round


def count_used(
    session: Session, hei_ids: Collection[int], years: Collection[int], besides_round: int | None
) -> list[Counted]:
    """Placements in each round's newest publication, held ones too, and those that submitted cohorts need."""
    rounds = {
        id_: academic_year(first_week)
        for id_, first_week in session.execute(select(Round.id, Round.first_week))
        if id_ != besides_round and academic_year(first_week) in years
    }
    return [*_published(session, hei_ids, rounds), *_asked(session, hei_ids, rounds)]


def _published(session: Session, hei_ids: Collection[int], rounds: dict[int, int]) -> list[Counted]:
    """A line tells its learner's group and stage by the cohort; where the learner was erased since, by the
    names that it keeps."""
    newest = (
        select(func.max(Publication.id))
        .where(Publication.round_id.in_(rounds))
        .group_by(Publication.round_id)
    )
    rows = session.execute(
        select(
            Publication.round_id,
            PublicationLine.hei_id,
            PublicationLine.trust_id,
            Programme.learner_group_id,
            Cohort.stage_id,
            PublicationLine.programme,
            PublicationLine.stage,
            func.count(),
        )
        .join(PublicationLine.publication)
        .join(Requirement, Requirement.id == PublicationLine.requirement_id, isouter=True)
        .join(Learner, Learner.id == Requirement.learner_id, isouter=True)
        .join(Cohort, Cohort.id == Learner.cohort_id, isouter=True)
        .join(Programme, Programme.id == Cohort.programme_id, isouter=True)
        .where(
            Publication.id.in_(newest),
            PublicationLine.hei_id.in_(hei_ids),
            PublicationLine.trust_id.is_not(None),
        )
        .group_by(
            Publication.round_id,
            PublicationLine.hei_id,
            PublicationLine.trust_id,
            Programme.learner_group_id,
            Cohort.stage_id,
            PublicationLine.programme,
            PublicationLine.stage,
        )
    ).all()
    groups = {
        (hei_id, name): group_id
        for hei_id, name, group_id in session.execute(
            select(Programme.hei_id, Programme.name, Programme.learner_group_id)
        )
    }
    stages: dict[tuple[int | None, str], int] = {
        (group_id, name): id_
        for group_id, name, id_ in session.execute(select(Stage.learner_group_id, Stage.name, Stage.id))
    }
    found = []
    for round_id, hei_id, trust_id, group_id, stage_id, programme, stage, number in rows:
        group = group_id or groups.get((hei_id, programme))
        of_stage = stage_id or stages.get((group, stage))
        found.append(Counted(rounds[round_id], hei_id, trust_id, group, of_stage, number))
    return found


def _asked(session: Session, hei_ids: Collection[int], rounds: dict[int, int]) -> list[Counted]:
    rows = session.execute(
        select(Cohort.round_id, Programme.hei_id, Programme.learner_group_id, Cohort.stage_id, func.count())
        .select_from(Requirement)
        .join(Learner, Learner.id == Requirement.learner_id)
        .join(Cohort, Cohort.id == Learner.cohort_id)
        .join(Programme, Programme.id == Cohort.programme_id)
        .where(
            Cohort.state == "submitted",
            Cohort.round_id.in_(rounds),
            Programme.hei_id.in_(hei_ids),
            Requirement.state == "needed",
        )
        .group_by(Cohort.round_id, Programme.hei_id, Programme.learner_group_id, Cohort.stage_id)
    )
    return [
        Counted(rounds[round_id], hei_id, None, group_id, stage_id, number)
        for round_id, hei_id, group_id, stage_id, number in rows
    ]


used.register(count_used)
