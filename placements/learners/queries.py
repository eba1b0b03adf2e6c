"""Reads about learners: who they are to whoever asks, and lists of them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from placements.access import Role, Viewer
from placements.cohorts.models import (
    Cohort,
    Companions,
    EarlierSite,
    Interruption,
    Learner,
    LearnerExclusion,
    LearnerPreference,
    LearnerRecord,
    Requirement,
)
from placements.cohorts.presence import is_away, is_withdrawn, possible_weeks
from placements.errors import NotFound
from placements.organisations.models import Hei, Programme, Stage, Trust
from placements.rounds.models import PlanLine, Rotation, Round, rotation_block
from placements.rounds.queries import visible_rounds
from placements.web.filters import AddressFilter


def visible_learners(viewer: Viewer) -> Select[Learner]:
    """An HEI's placement officers see its own learners, an academy lead all of the network's rounds, a
    learner who comes by a private link themselves."""
    learners = (
        select(Learner)
        .join(Learner.cohort)
        .join(Cohort.programme)
        .join(Cohort.stage)
        .join(Learner.hei)
        .options(
            contains_eager(Learner.cohort).options(
                contains_eager(Cohort.programme),
                contains_eager(Cohort.stage),
                joinedload(Cohort.round),
            ),
            contains_eager(Learner.hei),
        )
    )
    if viewer.role is Role.INVITED_LEARNER:
        return learners.where(Learner.id == viewer.learner_id)
    learners = learners.where(
        Learner.round_id.in_(visible_rounds(viewer).with_only_columns(Round.id).order_by(None))
    )
    if viewer.role is Role.PLACEMENT_OFFICER:
        return learners.where(Learner.hei_id == viewer.hei_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return learners
    return learners.where(false())


def learner_by_id(session: Session, viewer: Viewer, learner_id: int) -> Learner:
    """One learner with all that their page shows; raises NotFound where there is none that this person may
    see."""
    found = session.scalar(
        visible_learners(viewer)
        .where(Learner.id == learner_id)
        .options(
            joinedload(Learner.employer),
            joinedload(Learner.hub),
            joinedload(Learner.record).selectinload(LearnerRecord.earlier_sites).joinedload(EarlierSite.site),
            selectinload(Learner.access_needs),
            selectinload(Learner.interruptions),
            selectinload(Learner.companions).selectinload(Companions.learners),
            selectinload(Learner.preferences).joinedload(LearnerPreference.site),
            selectinload(Learner.exclusions).joinedload(LearnerExclusion.site),
            _requirements(),
        )
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("There is no such learner.")
    return found


def _requirements():  # type: ignore[no-untyped-def]  # a loader's own type is not public
    return selectinload(Learner.requirements).options(
        joinedload(Requirement.block),
        selectinload(Requirement.own_modalities),
        joinedload(Requirement.plan_line).options(
            joinedload(PlanLine.block),
            joinedload(PlanLine.rotation).selectinload(Rotation.blocks),
            selectinload(PlanLine.modalities),
        ),
    )


def in_order(learner: Learner) -> list[Requirement]:
    """A learner's requirements by the first week in which they may be."""
    return sorted(learner.requirements, key=lambda row: (min(possible_weeks(row), default=[]), row.id))


def requirement_by_id(learner: Learner, requirement_id: int) -> Requirement:
    """One of a learner's requirements; raises NotFound where it is not theirs or no longer there."""
    found = next((row for row in learner.requirements if row.id == requirement_id), None)
    if found is None:
        raise NotFound("There is no such requirement. The plan may have changed since.")
    return found


def interruption_by_id(learner: Learner, interruption_id: int) -> Interruption:
    """One of a learner's interruptions; raises NotFound where it is not theirs or no longer there."""
    found = next((row for row in learner.interruptions if row.id == interruption_id), None)
    if found is None:
        raise NotFound("There is no such withdrawal or suspension. It may have been undone.")
    return found


def companions_by_id(learner: Learner, companions_id: int) -> Companions:
    """One of the groups that a learner is in; raises NotFound where it is not theirs or no longer there."""
    found = next((row for row in learner.companions if row.id == companions_id), None)
    if found is None:
        raise NotFound("There is no such group. It may have been removed.")
    return found


STATES = {
    "taking_part": "Taking part",
    "away": "Suspended now",
    "withdrawn": "Withdrawn",
    "late": "Joined after the deadline",
    "not_submitted": "In a cohort not submitted",
}
HAVING = {
    "access": "Access needs",
    "priority": "A priority of their own",
    "preferences": "Preferred sites",
    "own_preferences": "Sites they ranked themselves",
    "companions": "Together or apart",
    "exceptions": "Exceptions from the plan",
}


@dataclass(frozen=True)
class LearnerFilter(AddressFilter):
    """What a list of learners is narrowed to, each as the address says it; "" asks nothing.

    `stage` is programme and stage by id with a hyphen between; `employer` a trust's id, or "any" or "none".
    """

    reference: str = ""
    hei: str = ""
    stage: str = ""
    cohort: str = ""
    block: str = ""
    travel: str = ""
    employer: str = ""
    state: str = ""
    having: str = ""


def filtered_learners(viewer: Viewer, round_: Round, only: LearnerFilter, day: date) -> Select[Learner]:
    """The learners of a round that this person may see and that are like that on a day, by HEI and reference,
    with all that a list shows of each."""
    learners = (
        visible_learners(viewer)
        .where(Learner.round_id == round_.id, *_conditions(round_, only, day))
        .options(
            joinedload(Learner.employer),
            joinedload(Learner.hub),
            selectinload(Learner.interruptions),
            selectinload(Learner.access_needs),
            selectinload(Learner.companions),
            selectinload(Learner.preferences).joinedload(LearnerPreference.site),
            selectinload(Learner.exclusions).joinedload(LearnerExclusion.site),
            _requirements(),
        )
    )
    return learners.order_by(Hei.name, Learner.reference, Learner.id)


def _conditions(round_: Round, only: LearnerFilter, day: date) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if only.reference:
        found.append(func.lower(Learner.reference).contains(only.reference.lower(), autoescape=True))
    if only.hei.isdecimal():
        found.append(Learner.hei_id == _number(only.hei))
    if only.cohort.isdecimal():
        found.append(Learner.cohort_id == _number(only.cohort))
    programme, _, stage = only.stage.partition("-")
    if programme.isdecimal() and stage.isdecimal():
        found.append(and_(Cohort.programme_id == _number(programme), Cohort.stage_id == _number(stage)))
    if only.block.isdecimal():
        found.append(_needs_in_block(_number(only.block)))
    if only.travel in ("car", "public_transport"):
        found.append(Learner.travel_mode == only.travel)
    if only.employer.isdecimal():
        found.append(Learner.employer_trust_id == _number(only.employer))
    elif only.employer:
        has_one = Learner.employer_trust_id.is_not(None)
        found.append(has_one if only.employer == "any" else ~has_one)
    if only.state in STATES:
        found.append(_state(round_, only.state, day))
    if only.having in HAVING:
        found.append(_having(only.having))
    return found


def _number(text: str) -> int:
    """A row's number as the address says it; 0, which no row has, where no row could have it."""
    return int(text) if len(text) < 10 else 0


def _needs_in_block(block_id: int) -> ColumnElement[bool]:
    rotations = select(rotation_block.c.rotation_id).where(rotation_block.c.block_id == block_id)
    lines = select(PlanLine.id).where(PlanLine.rotation_id.in_(rotations))
    return Learner.requirements.any(
        and_(
            Requirement.state == "needed",
            or_(Requirement.block_id == block_id, Requirement.plan_line_id.in_(lines)),
        )
    )


def _state(round_: Round, state: str, day: date) -> ColumnElement[bool]:
    if state == "taking_part":
        return and_(Cohort.state == "submitted", ~is_withdrawn(day), ~is_away(day))
    if state == "away":
        return is_away(day)
    if state == "withdrawn":
        return is_withdrawn(day)
    if state == "late":
        return Learner.joined_utc >= _deadline(round_)
    return Cohort.state != "submitted"


def _having(what: str) -> ColumnElement[bool]:
    return {
        "access": Learner.access_needs.any(),
        "priority": Learner.priority.is_not(None),
        "preferences": Learner.preferences.any(),
        "own_preferences": Learner.preferences_by == "learner",
        "companions": Learner.companions.any(),
        "exceptions": Learner.requirements.any(
            or_(
                Requirement.state == "exempt",
                Requirement.plan_line_id.is_(None),
                Requirement.weekdays.is_not(None),
                Requirement.own_modalities.any(),
            )
        ),
    }[what]


@dataclass(frozen=True)
class Choices:
    """What the learners of a round can be filtered by: ids and names."""

    heis: list[tuple[str, str]]
    stages: list[tuple[str, str]]
    cohorts: list[tuple[str, str]]
    blocks: list[tuple[str, str]]
    employers: list[tuple[str, str]]


def choices_of_round(session: Session, viewer: Viewer, round_: Round) -> Choices:
    """What the learners of a round that this person may see can be filtered by."""
    seen = visible_learners(viewer).where(Learner.round_id == round_.id).with_only_columns(Learner.id)
    cohorts = session.scalars(
        select(Cohort)
        .join(Cohort.programme)
        .join(Programme.hei)
        .join(Cohort.stage)
        .where(
            Cohort.round_id == round_.id,
            exists().where(Learner.cohort_id == Cohort.id, Learner.id.in_(seen)),
        )
        .options(contains_eager(Cohort.programme).contains_eager(Programme.hei), contains_eager(Cohort.stage))
        .order_by(Hei.name, Programme.name, Stage.position, Cohort.intake)
    ).all()
    several = viewer.hei_id is None
    employers = session.execute(
        select(Trust.id, Trust.name)
        .where(exists().where(Learner.employer_trust_id == Trust.id, Learner.id.in_(seen)))
        .order_by(Trust.name)
    )

    def named(cohort: Cohort, name: str) -> str:
        return f"{cohort.programme.hei.name}: {name}" if several else name

    stages = {
        f"{row.programme_id}-{row.stage_id}": named(row, f"{row.programme.name}, {row.stage.name}")
        for row in cohorts
    }
    return Choices(
        heis=list({str(row.programme.hei_id): row.programme.hei.name for row in cohorts}.items()),
        stages=list(stages.items()),
        cohorts=[(str(row.id), named(row, row.name)) for row in cohorts],
        blocks=[(str(block.id), block.name) for block in round_.blocks],
        employers=[(str(trust_id), name) for trust_id, name in employers],
    )


def counts_of_round(session: Session, viewer: Viewer, round_id: int, day: date) -> tuple[int, int]:
    """How many of a round's learners that this person may see have not withdrawn by a day, and how many
    have."""
    seen = visible_learners(viewer).where(Learner.round_id == round_id).with_only_columns(Learner.id)
    there, gone = session.execute(
        select(
            func.count().filter(~is_withdrawn(day)),
            func.count().filter(is_withdrawn(day)),
        ).where(Learner.id.in_(seen))
    ).one()
    return there, gone


def state_of(learner: Learner, round_: Round, day: date) -> str:
    """In a word of STATES how a learner stands on a day: "taking_part" where there is nothing else to say."""
    for row in learner.interruptions:
        if row.last_day is None and row.first_day <= day:
            return "withdrawn"
    if any(row.covers(day, day) for row in learner.interruptions):
        return "away"
    return "late" if learner.joined_utc >= _deadline(round_) else "taking_part"


def _deadline(round_: Round) -> datetime:
    """The end of the last day on which cohorts are expected."""
    return datetime.combine(round_.submit_by + timedelta(days=1), time.min, UTC)


def references_of_cohort(session: Session, learner: Learner, *, most: int) -> list[str]:
    """References of the others in a learner's cohort, at most so many; the caller has been let see the
    learner."""
    return list(
        session.scalars(
            select(Learner.reference)
            .where(Learner.cohort_id == learner.cohort_id, Learner.id != learner.id)
            .order_by(Learner.reference)
            .limit(most)
        )
    )
