"""Reads about cohorts, uploads and learners."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, false, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager, joinedload, selectinload

from placements.access import Role, Viewer
from placements.clock import today
from placements.cohorts.board import Board, CohortLine, PlannedStage, StageLine
from placements.cohorts.models import (
    Cohort,
    ColumnChoice,
    Learner,
    LearnerExclusion,
    LearnerPreference,
    Requirement,
    Upload,
)
from placements.cohorts.presence import is_withdrawn, needed_but_not_asked
from placements.cohorts.uploads import Directory, DirectorySite
from placements.errors import NotFound
from placements.geography.postcodes import locate
from placements.organisations.models import (
    Hei,
    Icb,
    Programme,
    Stage,
    Trust,
)
from placements.organisations.queries import access_needs, sites_of_network, visible_programmes
from placements.rounds.models import PlanLine, Rotation, Round
from placements.rounds.queries import lines_of_round, plan, visible_rounds


def visible_cohorts(viewer: Viewer) -> Select[Cohort]:
    """An HEI's placement officers see its own cohorts, an academy lead all of the network's rounds."""
    cohorts = (
        select(Cohort)
        .join(Cohort.programme)
        .join(Programme.hei)
        .join(Cohort.stage)
        .where(Cohort.round_id.in_(visible_rounds(viewer).with_only_columns(Round.id).order_by(None)))
        .options(
            contains_eager(Cohort.programme).contains_eager(Programme.hei),
            contains_eager(Cohort.stage),
            joinedload(Cohort.round),
        )
        .order_by(Hei.name, Programme.name, Stage.position, Cohort.intake)
    )
    if viewer.role is Role.PLACEMENT_OFFICER:
        return cohorts.where(Programme.hei_id == viewer.hei_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return cohorts
    return cohorts.where(false())


def visible_uploads(viewer: Viewer) -> Select[Upload]:
    """Uploads are the HEI's own; nobody else sees a file before it has been accepted."""
    uploads = (
        select(Upload)
        .where(Upload.round_id.in_(visible_rounds(viewer).with_only_columns(Round.id).order_by(None)))
        .options(joinedload(Upload.round), joinedload(Upload.programme), joinedload(Upload.stage))
        .order_by(Upload.id.desc())
    )
    if viewer.role is Role.PLACEMENT_OFFICER:
        return uploads.where(Upload.hei_id == viewer.hei_id)
    return uploads.where(false())


def cohort_by_id(session: Session, viewer: Viewer, cohort_id: int) -> Cohort:
    """One cohort; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_cohorts(viewer).where(Cohort.id == cohort_id))
    if found is None:
        raise NotFound("There is no such cohort.")
    return found


def upload_by_id(session: Session, viewer: Viewer, upload_id: int) -> Upload:
    """One upload; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_uploads(viewer).where(Upload.id == upload_id))
    if found is None:
        raise NotFound("There is no such upload.")
    return found


def waiting_uploads(session: Session, viewer: Viewer, round_id: int) -> list[Upload]:
    """The uploads of a round that still wait for a yes, the newest first."""
    return list(
        session.scalars(
            visible_uploads(viewer).where(
                Upload.round_id == round_id, Upload.state.in_(("reading", "columns", "received"))
            )
        )
    )


def column_choices(session: Session, hei_id: int) -> dict[str, str]:
    """What an HEI chose that headings of its files hold, by the heading's key; the caller has been let act
    for the HEI."""
    chosen = session.scalars(select(ColumnChoice).where(ColumnChoice.hei_id == hei_id))
    return {choice.heading: choice.field for choice in chosen}


def planned_stages(session: Session, viewer: Viewer, round_id: int) -> list[PlannedStage]:
    """What the round's plan expects of the HEIs whose programmes this person may see."""
    programmes = visible_programmes(viewer).with_only_columns(Programme.id).order_by(None)
    rows = session.execute(
        select(Hei.id, Hei.name, Programme.id, Programme.name, Stage.id, Stage.name, Stage.position)
        .select_from(PlanLine)
        .join(PlanLine.programme)
        .join(Programme.hei)
        .join(PlanLine.stage)
        .where(lines_of_round(round_id), Programme.id.in_(programmes))
        .distinct()
        .order_by(Hei.name, Programme.name, Stage.position)
    )
    return [PlannedStage(*row[:6]) for row in rows]


def board(session: Session, viewer: Viewer, round_id: int) -> Board:
    """The round's expected and present cohorts, of the HEIs whose cohorts this person may see."""
    cohorts = session.scalars(visible_cohorts(viewer).where(Cohort.round_id == round_id)).all()
    theirs = Learner.cohort_id.in_([row.id for row in cohorts])
    absent = Counter(row.learner.cohort_id for row in needed_but_not_asked(session, theirs))
    counts = {
        cohort_id: (learners, needed - absent[cohort_id])
        for cohort_id, learners, needed in session.execute(
            select(
                Learner.cohort_id,
                func.count(Learner.id.distinct()).filter(~is_withdrawn(today())),
                func.count(Requirement.id),
            )
            .join(
                Requirement,
                (Requirement.learner_id == Learner.id) & (Requirement.state == "needed"),
                isouter=True,
            )
            .where(theirs)
            .group_by(Learner.cohort_id)
        )
    }
    by_stage: dict[tuple[int, int], list[CohortLine]] = defaultdict(list)
    for row in cohorts:
        by_stage[row.programme_id, row.stage_id].append(CohortLine(row, *counts.get(row.id, (0, 0))))
    lines = [
        StageLine(planned, tuple(by_stage.pop((planned.programme_id, planned.stage_id), ())))
        for planned in planned_stages(session, viewer, round_id)
    ]
    # A cohort stays on the board even where the plan no longer names its stage.
    lines += [StageLine(_stage_of(found[0].cohort), tuple(found)) for found in by_stage.values()]
    return Board(tuple(sorted(lines, key=lambda line: (line.planned.hei, line.planned.hei_id))))


def _stage_of(cohort: Cohort) -> PlannedStage:
    programme, stage = cohort.programme, cohort.stage
    return PlannedStage(
        programme.hei_id, programme.hei.name, programme.id, programme.name, stage.id, stage.name
    )


def cohort_of_upload(session: Session, upload: Upload) -> Cohort | None:
    """The cohort that accepting an upload would change; the caller has been let see the upload."""
    return session.scalar(
        select(Cohort).where(
            Cohort.round_id == upload.round_id,
            Cohort.programme_id == upload.programme_id,
            Cohort.stage_id == upload.stage_id,
            # The same intake in any capitals: a cohort is not doubled by how it is typed.
            func.lower(Cohort.intake) == upload.intake.lower(),
        )
    )


@dataclass(frozen=True)
class BlockNeed:
    """What a cohort's plan asks for in one block or rotation, and how many of its learners need it."""

    line: PlanLine
    learners: int


def needs_of_cohort(session: Session, cohort: Cohort) -> list[BlockNeed]:
    """The cohort's blocks in order; the caller has been let see the cohort."""
    counted = session.execute(
        select(Requirement.plan_line_id, func.count())
        .join(Requirement.learner)
        .where(Learner.cohort_id == cohort.id, Requirement.state == "needed")
        .group_by(Requirement.plan_line_id)
    )
    counts = Counter({row[0]: row[1] for row in counted})
    counts.subtract(row.plan_line_id for row in needed_but_not_asked(session, Learner.cohort_id == cohort.id))
    lines = plan_of_stage(session, cohort.round_id, cohort.programme_id, cohort.stage_id)
    return [BlockNeed(line, counts[line.id]) for line in lines]


def places_beyond_plan(session: Session, cohort: Cohort) -> int:
    """How many places a cohort's learners need that its plan does not ask for."""
    own = Requirement.plan_line_id.is_(None)
    needed = select(func.count()).where(
        Requirement.learner_id.in_(select(Learner.id).where(Learner.cohort_id == cohort.id)),
        Requirement.state == "needed",
        own,
    )
    absent = needed_but_not_asked(session, Learner.cohort_id == cohort.id)
    return (session.scalar(needed) or 0) - sum(1 for row in absent if row.plan_line_id is None)


def plan_of_stage(session: Session, round_id: int, programme_id: int, stage_id: int) -> list[PlanLine]:
    """What learners of a programme and stage need in a round, in order of the blocks."""
    return plan(session, round_id, programme_id=programme_id, stage_id=stage_id)


def number_of_learners(session: Session, cohort: Cohort) -> int:
    """How many learners a cohort has, those who have withdrawn among them."""
    return session.scalar(select(func.count()).where(Learner.cohort_id == cohort.id)) or 0


def withdrawn_learners(session: Session, cohort: Cohort) -> set[int]:
    """Those of a cohort's learners, by id, who have withdrawn for good."""
    return set(
        session.scalars(select(Learner.id).where(Learner.cohort_id == cohort.id, is_withdrawn(today())))
    )


def learners_page(session: Session, cohort: Cohort, *, page: int, size: int) -> Sequence[Learner]:
    """One page of a cohort's learners by reference (1 is the first), with all that a list shows of each."""
    return session.scalars(
        select(Learner)
        .where(Learner.cohort_id == cohort.id)
        .options(
            joinedload(Learner.employer),
            selectinload(Learner.preferences),
            selectinload(Learner.exclusions),
            selectinload(Learner.requirements).options(
                joinedload(Requirement.block),
                joinedload(Requirement.plan_line).options(
                    joinedload(PlanLine.block), joinedload(PlanLine.rotation).selectinload(Rotation.blocks)
                ),
            ),
        )
        .order_by(Learner.reference, Learner.id)
        .limit(size)
        .offset((page - 1) * size)
    ).all()


def all_learners(session: Session, cohort: Cohort) -> Sequence[Learner]:
    """All learners of a cohort by reference; the caller has been let see the cohort."""
    return session.scalars(
        select(Learner)
        .where(Learner.cohort_id == cohort.id)
        .options(joinedload(Learner.employer))
        .order_by(Learner.reference, Learner.id)
    ).all()


def employed_learners(session: Session, cohort: Cohort) -> list[Learner]:
    """The learners of a cohort who have an employing trust, by trust and reference."""
    found = [row for row in all_learners(session, cohort) if row.employer is not None]
    return sorted(found, key=lambda row: row.employer.name if row.employer else "")


def trusts_of_network(session: Session, network_id: int) -> list[Trust]:
    """All trusts of a network, by name."""
    return list(
        session.scalars(
            select(Trust).join(Trust.icb).where(Icb.network_id == network_id).order_by(Trust.name)
        )
    )


def is_located(postcode: str) -> bool:
    """Whether the postcode directory knows where this postcode is."""
    return locate(postcode) is not None


def directory(session: Session, round_: Round, hei_id: int | None = None) -> Directory:
    """The sites, trusts, postcodes, days and access needs that a cohort file of this round may name, and of
    an HEI the learners who are in it already."""
    mine = select(Learner.reference).where(Learner.round_id == round_.id, Learner.hei_id == hei_id)
    return Directory(
        sites={
            site.name: DirectorySite(site.postcode) for site in sites_of_network(session, round_.network_id)
        },
        trusts={trust.ods: trust.name for trust in trusts_of_network(session, round_.network_id)},
        locates=is_located,
        access_needs={need.key: need.name for need in access_needs(session)},
        references=frozenset(reference.casefold() for reference in session.scalars(mine)),
        earliest=round_.first_week,
        latest=max((block.last_day for block in round_.blocks), default=round_.last_week),
    )


def preferences_by_learner(session: Session, which: ColumnElement[bool]) -> defaultdict[int, list[int]]:
    """The sites that learners would like, by learner and rank; `which` is a condition on learners."""
    return _sites_by_learner(session, LearnerPreference, which, LearnerPreference.rank)


def exclusions_by_learner(session: Session, which: ColumnElement[bool]) -> defaultdict[int, list[int]]:
    """The sites that learners must avoid, by learner and site; `which` is a condition on learners."""
    return _sites_by_learner(session, LearnerExclusion, which, LearnerExclusion.site_id)


def _sites_by_learner(
    session: Session,
    model: type[LearnerPreference] | type[LearnerExclusion],
    which: ColumnElement[bool],
    order: InstrumentedAttribute[int],
) -> defaultdict[int, list[int]]:
    sites: defaultdict[int, list[int]] = defaultdict(list)
    for learner_id, site_id in session.execute(
        select(model.learner_id, model.site_id)
        .join(Learner, Learner.id == model.learner_id)
        .where(which)
        .order_by(model.learner_id, order)
    ):
        sites[learner_id].append(site_id)
    return sites
