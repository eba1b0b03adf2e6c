"""Reads about rounds."""

from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session, selectinload

from placements.access import Role, Viewer
from placements.errors import NotFound
from placements.organisations.models import Hei, Icb, Trust
from placements.rounds.models import Block, PlanLine, Round


def visible_rounds(viewer: Viewer) -> Select[Round]:
    """A network's own people see all its rounds; trusts and HEIs of the network those that are not drafts."""
    rounds = select(Round).order_by(Round.first_week.desc(), Round.id.desc())
    if viewer.role in (Role.ACADEMY_LEAD, Role.ADMINISTRATOR):
        return rounds.where(Round.network_id == viewer.network_id)
    rounds = rounds.where(Round.state != "draft")
    if viewer.role is Role.INVITED_SITE:
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


def plan(session: Session, round_id: int) -> list[PlanLine]:
    """Who needs what in each block of a round that the caller has already been let see."""
    return list(
        session.scalars(
            select(PlanLine)
            .join(PlanLine.block)
            .where(Block.round_id == round_id)
            .options(
                selectinload(PlanLine.programme),
                selectinload(PlanLine.stage),
                selectinload(PlanLine.modalities),
                selectinload(PlanLine.block),
            )
            .order_by(Block.first_week, PlanLine.programme_id, PlanLine.stage_id)
        )
    )
