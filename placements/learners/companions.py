"""Learners of an HEI who go together, or are kept apart."""

from collections.abc import Collection, Sequence
from itertools import combinations

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from placements.access import Action, Viewer
from placements.cohorts.models import Cohort, Companions, Learner
from placements.errors import Stale
from placements.learners import queries
from placements.learners.changing import learner_to_change, note_learner_change, require_current
from placements.learners.details import refuse
from placements.transaction import CHANGED_MEANWHILE, transaction

KINDS = ("together", "apart")
MOST_LEARNERS = 6


def save_companions(
    viewer: Viewer, learner_id: int, *, version: int, kind: str, references: Sequence[str]
) -> Learner:
    """Say with whom a learner goes to the same site, or with whom never, by references of the same HEI and
    round. The same once more changes nothing.

    Raises Stale where somebody else changed the learner since `version`, and Refused naming each wrong field.
    """
    with transaction(viewer, Action.SAVE_COMPANIONS) as tx:
        learner = learner_to_change(tx, viewer, learner_id)
        others, wrong = _others(tx.session, learner, references)
        together = {learner.id, *(row.id for row in others)}
        if any(
            row.kind == kind and {one.id for one in row.learners} == together for row in learner.companions
        ):
            tx.note(learner, repeated=True)
            return learner
        require_current(learner, version)
        if kind not in KINDS:
            wrong["kind"] = "Choose together or apart"
        elif not wrong:
            wrong |= _contradictions(tx.session, kind, [learner, *others])
        refuse(wrong)
        group = Companions(round_id=learner.round_id, hei_id=learner.hei_id, kind=kind)
        group.learners = [learner, *others]
        tx.session.add(group)
        _note_all(group.learners)
        tx.note(learner, kind=kind, learners=len(group.learners))
    return learner


def end_companions(viewer: Viewer, learner_id: int, companions_id: int, *, version: int) -> Learner:
    """Take a learner out of a group; a group of which one learner is left is gone. Raises Stale where
    somebody else changed the group since `version`."""
    with transaction(viewer, Action.SAVE_COMPANIONS) as tx:
        learner = learner_to_change(tx, viewer, learner_id)
        group = queries.companions_by_id(learner, companions_id)
        if group.version != version:
            raise Stale(CHANGED_MEANWHILE)
        everybody = list(group.learners)
        if len(everybody) <= 2:
            tx.session.delete(group)
        else:
            group.learners.remove(learner)
        _note_all(everybody)
        tx.note(learner, ended=group.kind)
    return learner


def _note_all(learners: Collection[Learner]) -> None:
    for learner in learners:
        note_learner_change(learner)


def _others(
    session: Session, learner: Learner, references: Sequence[str]
) -> tuple[list[Learner], dict[str, str]]:
    """The learners of the same HEI and round who have these references, and what is wrong with them."""
    wanted = list(dict.fromkeys(text.strip().casefold() for text in references if text.strip()))
    if not wanted:
        return [], {"references": "Enter at least one other learner's reference"}
    if learner.reference.casefold() in wanted:
        return [], {"references": f"{learner.reference} is this learner: enter the others only"}
    if len(wanted) >= MOST_LEARNERS:
        return [], {"references": f"A group holds at most {MOST_LEARNERS} learners"}
    rows = session.scalars(
        select(Learner)
        .where(
            Learner.round_id == learner.round_id,
            Learner.hei_id == learner.hei_id,
            func.lower(Learner.reference).in_(wanted),
        )
        .options(joinedload(Learner.cohort).joinedload(Cohort.round))
        .order_by(Learner.reference)
    ).all()
    missing = set(wanted) - {row.reference.casefold() for row in rows}
    if missing:
        named = next(text.strip() for text in references if text.strip().casefold() in missing)
        return list(rows), {
            "references": f"{named} is not a learner of yours in this round: check the reference"
        }
    return list(rows), {}


def _contradictions(session: Session, kind: str, learners: Sequence[Learner]) -> dict[str, str]:
    """Nobody goes with somebody from whom they are kept apart."""
    ids = {row.id for row in learners}
    named = {row.id: row.reference for row in learners}
    groups = session.scalars(
        select(Companions).where(
            Companions.round_id == learners[0].round_id,
            Companions.kind != kind,
            Companions.learners.any(Learner.id.in_(ids)),
        )
    ).unique()
    pairs = {pair for row in groups for pair in combinations(sorted(one.id for one in row.learners), 2)}
    for one, other in combinations(sorted(ids), 2):
        if (one, other) in pairs:
            opposite = "kept apart" if kind == "together" else "to go together"
            return {"references": f"{named[one]} and {named[other]} are {opposite} already: end that first"}
    return {}
