"""What can be done with the plan of a programme and stage."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from placements.access import Action, Viewer, require
from placements.clock import today
from placements.cohorts.changing import note_change
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.organisations.models import Hei, Modality, Programme
from placements.plans import queries
from placements.plans.aligning import (
    PlanChanges,
    compare,
    give_requirements,
    take_requirements,
    touch,
)
from placements.plans.content import PlanContent, PlannedPlace, wrong_content
from placements.plans.queries import Standing
from placements.plans.standing import published_places
from placements.rounds.models import Block, PlanLine, Rotation, Round, StagePlan
from placements.rounds.queries import round_by_id
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates


def foresee_plan(
    viewer: Viewer, round_id: int, programme_id: int, stage_id: int, content: PlanContent, *, version: int
) -> PlanChanges:
    """What saving a plan would change, without changing it; raises whatever saving it would."""
    require(viewer, Action.SAVE_PLAN)
    round_ = round_by_id(db.session, viewer, round_id)
    queries.programme_and_stage(db.session, viewer, programme_id, stage_id)
    standing = queries.standing_plan(db.session, round_id, programme_id, stage_id)
    if standing.content != content and standing.version != version:
        raise Stale(CHANGED_MEANWHILE)
    return _changes(db.session, round_, programme_id, stage_id, standing, content)


def save_plan(
    viewer: Viewer,
    round_id: int,
    programme_id: int,
    stage_id: int,
    content: PlanContent,
    *,
    version: int,
    seen: str | None = None,
) -> PlanChanges:
    """Make this the plan of a programme and stage, and bring what its learners need into line with it.

    `version` is the plan's as it was read (0 where it had never been edited), `seen` the digest of the
    changes that the person was shown (None: none were). Saving what stands already changes nothing. Submitted
    cohorts go back to draft before publication. Raises Refused naming each wrong field, and where a published
    plan would do more than gain places; Stale where the plan, or what saving it does, has changed since.
    """
    try:
        with transaction(viewer, Action.SAVE_PLAN) as tx:
            round_ = round_by_id(tx.session, viewer, round_id)
            programme, _ = queries.programme_and_stage(tx.session, viewer, programme_id, stage_id)
            standing = queries.standing_plan(tx.session, round_id, programme_id, stage_id)
            if standing.content == content:
                tx.note(standing.row or round_, repeated=True)
                return _changes(tx.session, round_, programme_id, stage_id, standing, content)
            if standing.version != version:
                raise Stale(CHANGED_MEANWHILE)
            row = _take_turn(tx, round_, programme, stage_id, standing.row)
            standing = queries.standing_plan(tx.session, round_id, programme_id, stage_id)
            changes = _changes(tx.session, round_, programme_id, stage_id, standing, content)
            if seen is not None and seen != changes.digest:
                raise Stale(
                    "What saving this plan does has changed since you were shown it, so nothing was saved."
                    " Look at it again, then save."
                )
            drafts = [cohort.id for cohort in changes.to_draft]
            _write(tx.session, row, content, changes)
            for cohort in changes.cohorts:
                note_change(cohort)
            tx.note(
                row,
                round_id=round_id,
                programme_id=programme_id,
                stage_id=stage_id,
                places=content.places,
                came=sum(change.line is None for change in changes.lines),
                went=sum(change.place is None for change in changes.lines),
                changed=sum(bool(change.line and change.place) for change in changes.lines),
                learners=len(changes.learners),
                back_to_draft=drafts,
            )
    except IntegrityError as error:
        if violates(error, "uq_stage_plan_", "stage_plan.round_id, stage_plan.programme_id"):
            raise Stale(CHANGED_MEANWHILE) from None
        if violates(error, "uq_rotation_", "rotation.round_id, rotation.programme_id"):
            words = "Two rotations cannot exchange their names at once: give one of them a new name first"
            raise Refused(f"{words}.", {"rotation-0-name": words}) from None
        raise
    return changes


def _take_turn(
    tx: Transaction, round_: Round, programme: Programme, stage_id: int, row: StagePlan | None
) -> StagePlan:
    """A new version of the plan, written first, so that of two people at once the second stops here; and the
    HEI's turn, as accepting a file takes it, so that no learner comes in between with the plan of before."""
    if row is None:
        row = StagePlan(round_id=round_.id, programme_id=programme.id, stage_id=stage_id)
        tx.session.add(row)
    else:
        flag_modified(row, "different_sites")
    tx.session.flush()
    tx.session.execute(select(Hei.id).where(Hei.id == programme.hei_id).with_for_update(key_share=True))
    tx.session.expire_all()
    return row


def _changes(
    session: Session,
    round_: Round,
    programme_id: int,
    stage_id: int,
    standing: Standing,
    content: PlanContent,
) -> PlanChanges:
    keys = {row.key for row in queries.modalities(session)}
    if wrong := wrong_content(content, round_.blocks, keys):
        raise Refused("The plan was not saved: " + "; ".join(dict.fromkeys(wrong.values())) + ".", wrong)
    changes = compare(session, round_, programme_id, stage_id, standing, content)
    if round_.state == "published":
        _require_additions(session, round_, content, changes)
    return changes


def _require_additions(session: Session, round_: Round, content: PlanContent, changes: PlanChanges) -> None:
    """After publication a plan gains places in blocks that have not begun, and nothing else."""
    wrong: dict[str, str] = {}
    after = "after publication a plan can only gain places"
    stands = [change.line.id for change in changes.lines if change.line is not None]
    published = published_places(session, round_.id, stands)
    blocks = {block.id: block for block in round_.blocks}
    for change in changes.lines:
        if change.line is not None:
            places = published.get(change.line.id, 0)
            who = f"{places:,} {'learner has' if places == 1 else 'learners have'} a published place in it"
            done = "taken out" if change.place is None else "changed"
            wrong[change.field] = (
                f"{change.when} cannot be {done}"
                f"{f', because {who}' if places else ''}: {after}. Exempt single learners on their own pages"
            )
            continue
        over = (
            [change.block]
            if change.block is not None
            else [blocks[key] for key in content.rotations[change.rotation or 0].blocks]
        )
        if all(block.first_week <= today() for block in over):
            wrong[change.field] = f"{change.when} has begun already: choose a block that is still to come"
    if changes.changes_variety:
        wrong["different_sites"] = f"How varied the places are stays as it was published: {after}"
    if not wrong and not changes.adds_only:
        wrong["rotation-0-name"] = f"The rotations stay as they were published: {after}"
    if wrong:
        raise Refused("The plan was not saved: " + "; ".join(wrong.values()) + ".", wrong)


def _write(session: Session, row: StagePlan, content: PlanContent, changes: PlanChanges) -> None:
    learners = changes.learners
    rotations = _write_rotations(session, row, content, changes)
    modalities = {modality.key: modality for modality in queries.modalities(session)}
    for change in changes.lines:
        line, place = change.line, change.place
        if line is not None and place is None:
            take_requirements(session, line.id)
            session.delete(line)
        elif place is not None:
            if line is None:
                line = PlanLine(programme_id=row.programme_id, stage_id=row.stage_id)
                line.block = change.block
                line.rotation = rotations[change.rotation] if change.rotation is not None else None
                session.add(line)
            _put(line, place, change.block, modalities)
            session.flush()
            take_requirements(session, line.id, change.losing)
            give_requirements(session, line, change.gaining)
    session.flush()
    for dropped in changes.dropped:
        session.refresh(dropped, ["lines"])
        session.delete(dropped)
    row.different_sites, row.site_repeats = content.different_sites, content.site_repeats
    session.flush()
    if learners:
        touch(session, learners)
    # Requirements were written in bulk: what the session remembers of them is of before.
    session.expire_all()


def _write_rotations(
    session: Session, row: StagePlan, content: PlanContent, changes: PlanChanges
) -> list[Rotation]:
    blocks = {
        block.id: block for block in session.scalars(select(Block).where(Block.round_id == row.round_id))
    }
    found = []
    for rotation, planned in zip(changes.matched, content.rotations, strict=True):
        if rotation is None:
            rotation = Rotation(round_id=row.round_id, programme_id=row.programme_id, stage_id=row.stage_id)
            session.add(rotation)
        rotation.name = planned.name
        rotation.blocks = [blocks[block_id] for block_id in planned.blocks]
        found.append(rotation)
    return found


def _put(line: PlanLine, place: PlannedPlace, block: Block | None, modalities: dict[str, Modality]) -> None:
    line.modalities = [modalities[key] for key in place.modalities]
    line.weekdays = place.weekdays
    line.weeks_in = place.weeks_in if block is not None else 0
    line.weeks = place.weeks if block is not None else None
