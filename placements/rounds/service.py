"""What can be done with rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Action, Viewer, require
from placements.clock import is_monday
from placements.errors import NotFound, Refused, Stale
from placements.extensions import db
from placements.organisations.models import Hei, Modality, Programme, Stage
from placements.rounds.later_dates import LATER_DATES, NONE_LATER, LaterDates, wrong_order
from placements.rounds.models import EVERY_WEEKDAY, Block, PlanLine, Rotation, Round, StagePlan
from placements.rounds.queries import plan, rotations, round_by_id, stage_plans, visible_rounds
from placements.states import ROUND
from placements.transaction import CHANGED_MEANWHILE, transaction, violates

MOST_WEEKS = 60


@dataclass(frozen=True)
class NewPlanLine:
    """Learners of this programme and stage need a place of any of these modalities (by key), from so many
    whole weeks into the block for so many (None: to its end), on these weekdays (1 is Monday)."""

    programme_id: int
    stage_id: int
    modalities: tuple[str, ...]
    weeks_in: int = 0
    weeks: int | None = None
    weekdays: str = EVERY_WEEKDAY


@dataclass(frozen=True)
class NewBlock:
    """`first_week` is a Monday; `weeks` whole weeks."""

    name: str
    first_week: date
    weeks: int
    plan: tuple[NewPlanLine, ...] = ()


@dataclass(frozen=True)
class NewRotation:
    """Blocks (by name) that the lines take in any order, each block once."""

    name: str
    programme_id: int
    stage_id: int
    blocks: tuple[str, ...]
    plan: tuple[NewPlanLine, ...]


@dataclass(frozen=True)
class NewVariety:
    """Least different sites by the end of the round, and most placements at one (None: any)."""

    programme_id: int
    stage_id: int
    different_sites: int | None
    site_repeats: int | None


@dataclass(frozen=True)
class NewRound:
    """A round to be made, as a draft."""

    name: str
    first_week: date
    last_week: date
    declare_by: date
    submit_by: date
    blocks: tuple[NewBlock, ...]
    rotations: tuple[NewRotation, ...] = ()
    variety: tuple[NewVariety, ...] = ()
    needs_confirmation: bool = False
    later: LaterDates = NONE_LATER


def create_round(viewer: Viewer, new: NewRound) -> Round:
    """Make a draft round with its blocks and plan; raises Refused naming each wrong value."""
    return _make(viewer, Action.CREATE_ROUND, new)


@dataclass(frozen=True)
class RoundCopy:
    """What a copy has of its own; its blocks and the days after the match move with `first_week`, its plan
    stays."""

    name: str
    first_week: date
    declare_by: date
    submit_by: date


def copy_round(viewer: Viewer, round_id: int, copy: RoundCopy) -> Round:
    """Make a draft round like another one, as many weeks later as `first_week` says.

    Declarations and cohorts are not copied: they are asked for anew. Raises Refused naming each wrong value.
    """
    require(viewer, Action.COPY_ROUND)
    source = round_by_id(db.session, viewer, round_id)
    if not is_monday(copy.first_week):
        words = f"{copy.first_week.isoformat()} is not a Monday"
        raise Refused(f"The round could not be made: {words}.", {"first_week": words})
    later = copy.first_week - source.first_week
    lines = plan(db.session, round_id)
    moved = {block.id: block.name for block in source.blocks}
    new = NewRound(
        name=copy.name,
        first_week=copy.first_week,
        last_week=source.last_week + later,
        declare_by=copy.declare_by,
        submit_by=copy.submit_by,
        blocks=tuple(
            NewBlock(
                block.name,
                block.first_week + later,
                block.weeks,
                tuple(_like(line) for line in lines if line.block_id == block.id),
            )
            for block in source.blocks
        ),
        rotations=tuple(
            NewRotation(
                rotation.name,
                rotation.programme_id,
                rotation.stage_id,
                tuple(moved[block.id] for block in rotation.blocks),
                tuple(_like(line) for line in lines if line.rotation_id == rotation.id),
            )
            for rotation in rotations(db.session, round_id)
        ),
        variety=tuple(
            NewVariety(row.programme_id, row.stage_id, row.different_sites, row.site_repeats)
            for row in stage_plans(db.session, round_id)
        ),
        needs_confirmation=source.needs_confirmation,
        later=LaterDates.of(source).shifted(later, after=max(copy.declare_by, copy.submit_by)),
    )
    return _make(viewer, Action.COPY_ROUND, new)


def _like(line: PlanLine) -> NewPlanLine:
    return NewPlanLine(
        line.programme_id,
        line.stage_id,
        tuple(modality.key for modality in line.modalities),
        line.weeks_in,
        line.weeks,
        line.weekdays,
    )


def open_round(viewer: Viewer, round_id: int) -> Round:
    """Let trusts declare and HEIs submit."""
    with transaction(viewer, Action.OPEN_ROUND) as tx:
        round_ = tx.session.scalar(visible_rounds(viewer).where(Round.id == round_id))
        if round_ is None:
            raise NotFound("There is no such round.")
        round_.state = ROUND.move(round_.state, "open")
        tx.note(round_)
    return round_


MOST_REMINDERS = 10
FURTHEST_REMINDER_DAYS = 90
MOST_WEEKS_STUCK = 52


@dataclass(frozen=True)
class RoundSettings:
    """What of a round may change while trusts declare. `reminder_days`: days before the declaration deadline
    (after it, where negative) on which reminders go out; `weeks_stuck`: how long until nothing having moved
    counts as stuck."""

    declare_by: date
    submit_by: date
    needs_approval: bool
    uses_surge: bool
    reminder_days: tuple[int, ...]
    weeks_stuck: int
    needs_confirmation: bool = False
    later: LaterDates = NONE_LATER


def change_round(viewer: Viewer, round_id: int, settings: RoundSettings, *, version: int) -> Round:
    """Change a round's deadlines and how trusts declare in it.

    Raises Refused naming each wrong value, and Stale where `version`, as read, is no longer the newest. What
    waits for approval already is still decided by the trust, even where approval is no longer asked for.
    """
    with transaction(viewer, Action.CHANGE_ROUND) as tx:
        round_ = round_by_id(tx.session, viewer, round_id)
        if wrong := _wrong_settings(round_, settings):
            raise Refused("The round was not changed: " + "; ".join(wrong.values()) + ".", wrong)
        if round_.version != version:
            raise Stale(CHANGED_MEANWHILE)
        round_.declare_by, round_.submit_by = settings.declare_by, settings.submit_by
        round_.needs_approval, round_.uses_surge = settings.needs_approval, settings.uses_surge
        round_.reminder_days = sorted(set(settings.reminder_days), reverse=True)
        round_.weeks_stuck = settings.weeks_stuck
        round_.needs_confirmation = settings.needs_confirmation
        later = {name: getattr(settings.later, name) for name in LATER_DATES}
        for name, day in later.items():
            setattr(round_, name, day)
        tx.note(
            round_,
            declare_by=settings.declare_by.isoformat(),
            submit_by=settings.submit_by.isoformat(),
            needs_approval=settings.needs_approval,
            uses_surge=settings.uses_surge,
            reminder_days=round_.reminder_days,
            weeks_stuck=settings.weeks_stuck,
            needs_confirmation=settings.needs_confirmation,
            **{name: day.isoformat() for name, day in later.items() if day is not None},
        )
    return round_


def _wrong_settings(round_: Round, settings: RoundSettings) -> dict[str, str]:
    wrong: dict[str, str] = {}
    first = round_.first_week
    if settings.declare_by > first:
        wrong["declare_by"] = "trusts declare before the first week"
    if settings.submit_by > first:
        wrong["submit_by"] = "HEIs submit before the first week"
    days = set(settings.reminder_days)
    if len(days) > MOST_REMINDERS:
        wrong["reminder_days"] = f"use at most {MOST_REMINDERS} reminders"
    elif any(abs(day) > FURTHEST_REMINDER_DAYS for day in days):
        wrong["reminder_days"] = f"a reminder is at most {FURTHEST_REMINDER_DAYS} days from the deadline"
    if not 1 <= settings.weeks_stuck <= MOST_WEEKS_STUCK:
        wrong["weeks_stuck"] = f"use a whole number of weeks from 1 to {MOST_WEEKS_STUCK}"
    return wrong | wrong_order(
        settings.later, after=max(settings.declare_by, settings.submit_by), before=round_.first_week
    )


def _make(viewer: Viewer, action: Action, new: NewRound) -> Round:
    if wrong := _wrong_values(new):
        raise Refused("The round could not be made: " + "; ".join(wrong.values()) + ".", wrong)
    with transaction(viewer, action) as tx:
        modalities = {row.key: row for row in tx.session.scalars(select(Modality))}
        round_ = Round(
            network_id=viewer.network_id,
            name=new.name.strip(),
            first_week=new.first_week,
            last_week=new.last_week,
            declare_by=new.declare_by,
            submit_by=new.submit_by,
            needs_confirmation=new.needs_confirmation,
            **{name: getattr(new.later, name) for name in LATER_DATES},
        )
        for block in new.blocks:
            row = Block(name=block.name, first_week=block.first_week, weeks=block.weeks)
            row.plan_lines = [
                _plan_line(tx.session, viewer, line, modalities, block.name) for line in block.plan
            ]
            round_.blocks.append(row)
        tx.session.add(round_)
        by_name = {block.name: block for block in round_.blocks}
        for rotation in new.rotations:
            unknown = [name for name in rotation.blocks if name not in by_name]
            if unknown or len(rotation.blocks) < len(rotation.plan):
                raise Refused(
                    f"{rotation.name}: a rotation has at least as many blocks of the round as placements."
                )
            tx.session.add(
                Rotation(
                    round=round_,
                    programme_id=rotation.programme_id,
                    stage_id=rotation.stage_id,
                    name=rotation.name,
                    blocks=[by_name[name] for name in rotation.blocks],
                    lines=[
                        _plan_line(tx.session, viewer, line, modalities, rotation.name)
                        for line in rotation.plan
                    ],
                )
            )
        try:
            tx.session.flush()
        except IntegrityError as error:
            if violates(error, "uq_round_network_id_name", "round.network_id, round.name"):
                raise Refused("A round of this name exists.", {"name": "Use a name of its own"}) from None
            raise
        for variety in new.variety:
            tx.session.add(
                StagePlan(
                    round_id=round_.id,
                    programme_id=variety.programme_id,
                    stage_id=variety.stage_id,
                    different_sites=variety.different_sites,
                    site_repeats=variety.site_repeats,
                )
            )
        tx.note(round_, blocks=len(new.blocks))
    return round_


def _plan_line(
    session: Session, viewer: Viewer, line: NewPlanLine, modalities: Mapping[str, Modality], where: str
) -> PlanLine:
    programme = session.get(Programme, line.programme_id)
    stage = session.get(Stage, line.stage_id)
    if programme is None or stage is None or stage.learner_group_id != programme.learner_group_id:
        raise Refused(f"{where}: the plan names a programme or stage that does not exist.")
    hei = session.get(Hei, programme.hei_id)
    if hei is None or hei.network_id != viewer.network_id:
        raise Refused(f"{where}: {programme.name} belongs to another network.")
    unknown = [key for key in line.modalities if key not in modalities]
    if unknown or not line.modalities:
        raise Refused(f"{where}: no modality is called {', '.join(unknown) or '(none given)'}.")
    return PlanLine(
        programme_id=line.programme_id,
        stage_id=line.stage_id,
        modalities=[modalities[key] for key in line.modalities],
        weeks_in=line.weeks_in,
        weeks=line.weeks,
        weekdays=line.weekdays,
    )


def _wrong_values(new: NewRound) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not 1 <= len(new.name.strip()) <= 200:
        wrong["name"] = "give the round a name of at most 200 characters"
    for field in ("first_week", "last_week"):
        if not is_monday(getattr(new, field)):
            wrong[field] = f"{getattr(new, field).isoformat()} is not a Monday"
    if new.submit_by > new.first_week:
        wrong["submit_by"] = "HEIs submit before the first week"
    if new.declare_by > new.first_week:
        wrong["declare_by"] = "trusts declare before the first week"
    if new.last_week < new.first_week:
        wrong["last_week"] = "the last week is before the first"
    elif (new.last_week - new.first_week).days // 7 >= MOST_WEEKS:
        wrong["last_week"] = f"a round has at most {MOST_WEEKS} weeks"
    if not new.blocks:
        wrong["blocks"] = "a round has at least one block"
    for index, block in enumerate(new.blocks):
        field = f"blocks.{index}"
        if words := wrong_weeks(new.first_week, new.last_week, block):
            wrong[field] = words
    names = [block.name for block in new.blocks]
    for name in {name for name in names if names.count(name) > 1}:
        wrong[f"blocks.{name}"] = f"two blocks are called {name}"
    return wrong


def wrong_weeks(first_week: date, last_week: date, block: NewBlock) -> str | None:
    """What is wrong with a block's weeks in a round from one Monday to another, in words; None: nothing."""
    if not is_monday(block.first_week):
        return f"{block.name} begins on {block.first_week.isoformat()}, which is not a Monday"
    if not 1 <= block.weeks <= MOST_WEEKS:
        return f"{block.name} has {block.weeks} weeks: use 1 to {MOST_WEEKS}"
    ends = (block.first_week - first_week).days // 7 + block.weeks
    if block.first_week < first_week or ends > (last_week - first_week).days // 7 + 1:
        return f"{block.name} is not within the weeks of the round"
    return None
