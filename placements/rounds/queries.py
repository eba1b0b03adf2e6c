"""Reads about rounds."""

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import Session, selectinload

from placements.access import Role, Viewer
from placements.errors import NotFound
from placements.organisations.models import Hei, Icb, Trust
from placements.rounds.models import Block, PlanLine, Rotation, Round, StagePlan


def visible_rounds(viewer: Viewer) -> Select[Round]:
    """A network's own people see all its rounds; trusts and HEIs of the network those that are not drafts."""
    rounds = select(Round).order_by(Round.first_week.desc(), Round.id.desc())
    if viewer.role in (Role.ACADEMY_LEAD, Role.ADMINISTRATOR):
        return rounds.where(Round.network_id == viewer.network_id)
    rounds = rounds.where(Round.state != "draft")
    if viewer.role in (Role.INVITED_SITE, Role.INVITED_LEARNER):
        return rounds.where(Round.id == viewer.round_id)
    if viewer.role.is_of_a_trust:
        network = (
            select(Icb.network_id).join(Trust, Trust.icb_id == Icb.id).where(Trust.id == viewer.trust_id)
        )
        return rounds.where(Round.network_id.in_(network))
    if viewer.role is Role.PLACEMENT_OFFICER:
        return rounds.where(Round.network_id.in_(select(Hei.network_id).where(Hei.id == viewer.hei_id)))
    return rounds.where(false())


def rounds(session: Session, viewer: Viewer) -> list[Round]:
    """The rounds that this person may see, the newest first."""
    return list(session.scalars(visible_rounds(viewer)))


def round_by_id(session: Session, viewer: Viewer, round_id: int) -> Round:
    """One round; raises NotFound where there is none that this person may see."""
    found = session.scalar(
        visible_rounds(viewer).where(Round.id == round_id).options(selectinload(Round.blocks))
    )
    if found is None:
        raise NotFound("There is no such round.")
    return found


def lines_of_round(round_id: int) -> ColumnElement[bool]:
    """The condition on plan lines that they are of a round, whether of a block or of a rotation."""
    return or_(
        PlanLine.block_id.in_(select(Block.id).where(Block.round_id == round_id)),
        PlanLine.rotation_id.in_(select(Rotation.id).where(Rotation.round_id == round_id)),
    )


def plan(
    session: Session, round_id: int, *, programme_id: int | None = None, stage_id: int | None = None
) -> list[PlanLine]:
    """Who needs what in each block of a round that the caller has already been let see, of all programmes and
    stages or of one: by block, then what floats in rotations."""
    lines = (
        select(PlanLine)
        .join(PlanLine.block, isouter=True)
        .where(lines_of_round(round_id))
        .options(
            selectinload(PlanLine.programme),
            selectinload(PlanLine.stage),
            selectinload(PlanLine.modalities),
            selectinload(PlanLine.block),
            selectinload(PlanLine.rotation).selectinload(Rotation.blocks),
        )
        .order_by(
            PlanLine.block_id.is_(None),
            Block.first_week,
            Block.id,
            PlanLine.programme_id,
            PlanLine.stage_id,
            PlanLine.id,
        )
    )
    if programme_id is not None:
        lines = lines.where(PlanLine.programme_id == programme_id)
    if stage_id is not None:
        lines = lines.where(PlanLine.stage_id == stage_id)
    return list(session.scalars(lines))


def stage_plans(session: Session, round_id: int) -> list[StagePlan]:
    """How varied the places of each programme and stage are to be, where one says so."""
    return list(session.scalars(select(StagePlan).where(StagePlan.round_id == round_id)))


def rotations(session: Session, round_id: int) -> list[Rotation]:
    """A round's rotations with their blocks; the caller has been let see the round."""
    return list(
        session.scalars(
            select(Rotation)
            .where(Rotation.round_id == round_id)
            .options(selectinload(Rotation.blocks))
            .order_by(Rotation.programme_id, Rotation.stage_id, Rotation.id)
        )
    )
