"""Reads about agreements: an HEI and a trust each see their own, an academy lead all of the network's."""

from dataclasses import dataclass

from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session, joinedload

from placements.access import Action, Role, Viewer
from placements.agreements.models import Agreement
from placements.errors import NotFound
from placements.organisations.models import Hei, Icb, LearnerGroup, Stage, Trust
from placements.organisations.queries import learner_groups

# What the list shows, by what its address says; the first is what it shows unasked.
SHOWN = {
    "current": ("proposed", "agreed"),
    "proposed": ("proposed",),
    "agreed": ("agreed",),
    "declined": ("declined",),
    "ended": ("ended",),
    "all": ("proposed", "agreed", "declined", "ended"),
}


def visible_agreements(viewer: Viewer) -> Select[Agreement]:
    """The agreements of the person's HEI or trust, or of the network: the newest year first."""
    agreements = (
        select(Agreement)
        .join(Agreement.hei)
        .join(Agreement.trust)
        .join(Agreement.learner_group, isouter=True)
        .join(Agreement.stage, isouter=True)
        .options(
            joinedload(Agreement.hei),
            joinedload(Agreement.trust),
            joinedload(Agreement.learner_group),
            joinedload(Agreement.stage),
        )
        .order_by(
            Agreement.year.desc(),
            Hei.name,
            Trust.name,
            LearnerGroup.name.nulls_first(),
            Stage.position.nulls_first(),
            Agreement.id.desc(),
        )
    )
    if viewer.role is Role.PLACEMENT_OFFICER:
        return agreements.where(Agreement.hei_id == viewer.hei_id)
    if viewer.role.is_of_a_trust:
        return agreements.where(Agreement.trust_id == viewer.trust_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return agreements.where(Hei.network_id == viewer.network_id)
    return agreements.where(false())


def agreement_by_id(session: Session, viewer: Viewer, agreement_id: int) -> Agreement:
    """One agreement; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_agreements(viewer).where(Agreement.id == agreement_id))
    if found is None:
        raise NotFound("There is no such agreement.")
    return found


@dataclass(frozen=True)
class Filter:
    """What a list shows: `show` is a key of SHOWN; None is every year, HEI and trust."""

    show: str = "current"
    year: int | None = None
    hei_id: int | None = None
    trust_id: int | None = None


def agreements(session: Session, viewer: Viewer, wanted: Filter) -> list[Agreement]:
    """The agreements that the person may see and the filter lets through."""
    rows = visible_agreements(viewer).where(Agreement.state.in_(SHOWN[wanted.show]))
    if wanted.year is not None:
        rows = rows.where(Agreement.year == wanted.year)
    if wanted.hei_id is not None:
        rows = rows.where(Agreement.hei_id == wanted.hei_id)
    if wanted.trust_id is not None:
        rows = rows.where(Agreement.trust_id == wanted.trust_id)
    return list(session.scalars(rows))


def years(session: Session, viewer: Viewer) -> list[int]:
    """The academic years of the agreements that the person may see, the newest first."""
    found = visible_agreements(viewer).with_only_columns(Agreement.year).order_by(None).distinct()
    return sorted(session.scalars(found), reverse=True)


def waiting(session: Session, viewer: Viewer) -> list[Agreement]:
    """The proposals that wait for the person's own answer."""
    proposed = session.scalars(visible_agreements(viewer).where(Agreement.state == "proposed"))
    return [row for row in proposed if may_decide(viewer, row)]


def history(session: Session, viewer: Viewer, agreement: Agreement) -> list[Agreement]:
    """All that was ever proposed for the same learners of the HEI at the trust, the newest first."""
    return list(
        session.scalars(
            visible_agreements(viewer)
            .where(
                Agreement.hei_id == agreement.hei_id,
                Agreement.trust_id == agreement.trust_id,
                Agreement.learner_group_id.is_not_distinct_from(agreement.learner_group_id),
                Agreement.stage_id.is_not_distinct_from(agreement.stage_id),
            )
            .order_by(None)
            .order_by(Agreement.year.desc(), Agreement.id.desc())
        )
    )


def in_force_beside(session: Session, viewer: Viewer, agreement: Agreement) -> list[Agreement]:
    """Those agreed between the two for the year that count some of the same learners."""
    agreed = session.scalars(
        visible_agreements(viewer).where(
            Agreement.state == "agreed",
            Agreement.hei_id == agreement.hei_id,
            Agreement.trust_id == agreement.trust_id,
            Agreement.year == agreement.year,
        )
    )
    same = (agreement.learner_group_id, agreement.stage_id)
    return [
        row
        for row in agreed
        if (row.learner_group_id, row.stage_id) != same
        and (agreement.covers(row.learner_group_id, row.stage_id) or row.covers(*same))
    ]


def side_of(viewer: Viewer) -> str:
    """For whom a person speaks: hei, trust or academy."""
    return "hei" if viewer.hei_id is not None else "trust" if viewer.trust_id is not None else "academy"


def may_decide(viewer: Viewer, agreement: Agreement) -> bool:
    """Whether the person's side has still to answer this proposal."""
    side = side_of(viewer)
    return (
        viewer.may(Action.DECIDE_AGREEMENT)
        and agreement.state == "proposed"
        and side != "academy"
        and not agreement.agreed_for(side)
    )


def may_end(viewer: Viewer, agreement: Agreement) -> bool:
    """Whether the person may end what is agreed, or take back what their own side stands for."""
    side = side_of(viewer)
    if not viewer.may(Action.END_AGREEMENT):
        return False
    if agreement.state == "agreed":
        return side != "academy"
    return agreement.state == "proposed" and (side == agreement.proposed_side or agreement.agreed_for(side))


def heis_of_network(session: Session, viewer: Viewer) -> list[Hei]:
    """The HEIs whose agreements a person could make: an officer's own, else the network's, by name."""
    heis = select(Hei).order_by(Hei.name)
    if viewer.hei_id is not None:
        return list(session.scalars(heis.where(Hei.id == viewer.hei_id)))
    return list(session.scalars(heis.where(Hei.network_id.in_(_network(viewer)))))


def trusts_of_network(session: Session, viewer: Viewer) -> list[Trust]:
    """The trusts whose agreements a person could make: their own, else the network's, by name."""
    trusts = select(Trust).order_by(Trust.name)
    if viewer.trust_id is not None:
        return list(session.scalars(trusts.where(Trust.id == viewer.trust_id)))
    return list(session.scalars(trusts.join(Trust.icb).where(Icb.network_id.in_(_network(viewer)))))


def _network(viewer: Viewer) -> Select[int]:
    if viewer.hei_id is not None:
        return select(Hei.network_id).where(Hei.id == viewer.hei_id)
    if viewer.trust_id is not None:
        return select(Icb.network_id).join(Trust, Trust.icb_id == Icb.id).where(Trust.id == viewer.trust_id)
    return select(Icb.network_id).where(Icb.network_id == viewer.network_id).distinct()


def choices_of_learners(session: Session) -> dict[str, str]:
    """Whom an agreement can be about: key (empty: all; a group's key; group/stage) and words."""
    found = {"": "All learners"}
    for group in learner_groups(session):
        found[group.key] = f"{group.name}, all years"
        found |= {f"{group.key}/{stage.key}": f"{group.name}, {stage.name}" for stage in group.stages}
    return found
