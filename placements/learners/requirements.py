"""Exceptions from the plan: a learner exempt from a place, one of other modalities or days, a place of their
own."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.clock import now_utc
from placements.cohorts.models import Learner, Requirement
from placements.cohorts.presence import possible_weeks
from placements.learners import queries
from placements.learners.changing import learner_to_change, note_learner_change, require_current
from placements.learners.details import refuse
from placements.organisations.models import Modality
from placements.rounds.models import Block, are_weekdays
from placements.transaction import transaction

LONGEST_REASON = 200


@dataclass(frozen=True)
class RequirementDetails:
    """What stands instead of the plan: no modalities (ids) and no weekdays ("123", 1 is Monday) are as
    planned."""

    is_needed: bool = True
    modalities: frozenset[int] = frozenset()
    weekdays: str | None = None
    reason: str = ""


def details_of(requirement: Requirement) -> RequirementDetails:
    """A requirement as saved."""
    return RequirementDetails(
        is_needed=requirement.state == "needed",
        modalities=frozenset(row.id for row in requirement.own_modalities),
        weekdays=requirement.weekdays,
        reason=requirement.reason,
    )


def modalities(session: Session) -> list[Modality]:
    """All modalities that a place may be of."""
    return list(session.scalars(select(Modality).order_by(Modality.id)))


def save_requirement(
    viewer: Viewer, learner_id: int, requirement_id: int, *, version: int, details: RequirementDetails
) -> Learner:
    """Make an exception from what the plan asks of a learner, or take it back. The same once more changes
    nothing.

    Raises Stale where somebody else changed the learner since `version`, and Refused naming each wrong field.
    """
    with transaction(viewer, Action.SAVE_LEARNER) as tx:
        learner = learner_to_change(tx, viewer, learner_id)
        requirement = queries.requirement_by_id(learner, requirement_id)
        details = _put_right(details)
        if details_of(requirement) == details:
            tx.note(learner, repeated=True)
            return learner
        require_current(learner, version)
        wrong = _wrong(tx.session, details)
        if requirement.plan_line is None and details.is_needed and not details.modalities:
            wrong["modalities"] = "Choose at least one modality: the plan names none for this place"
        if details.is_needed and requirement.block is not None:
            wrong |= _wrong_with_others(learner, requirement.block, besides=requirement)
        refuse(wrong)
        _write(tx.session, requirement, details)
        note_learner_change(learner)
        tx.note(learner, requirement_id=requirement.id, state=requirement.state)
    return learner


def create_requirement(
    viewer: Viewer, learner_id: int, *, version: int, block_id: int, details: RequirementDetails
) -> Learner:
    """Give a learner a place to be found beyond the plan. The same once more changes nothing.

    Raises Stale where somebody else changed the learner since `version`, and Refused naming each wrong field.
    """
    with transaction(viewer, Action.SAVE_LEARNER) as tx:
        learner = learner_to_change(tx, viewer, learner_id)
        details = _put_right(details)
        there = next((row for row in learner.requirements if row.block_id == block_id), None)
        if there is not None and there.plan_line is None and details_of(there) == details:
            tx.note(learner, repeated=True)
            return learner
        require_current(learner, version)
        wrong = _wrong(tx.session, details)
        block = next((row for row in learner.cohort.round.blocks if row.id == block_id), None)
        if block is None:
            wrong["block"] = "Choose a block from the list"
        elif there is not None:
            wrong["block"] = f"There is a requirement in {block.name} already: change that one instead"
        else:
            wrong |= _wrong_with_others(learner, block)
        if not details.modalities:
            wrong["modalities"] = "Choose at least one modality"
        if not details.reason:
            wrong["reason"] = "Say why this learner needs a further place"
        refuse(wrong)
        requirement = Requirement(block=block)
        learner.requirements.append(requirement)
        _write(tx.session, requirement, details)
        note_learner_change(learner)
        tx.note(learner, block_id=block_id)
    return learner


def _write(session: Session, requirement: Requirement, details: RequirementDetails) -> None:
    requirement.state = "needed" if details.is_needed else "exempt"
    requirement.weekdays = details.weekdays
    requirement.reason = details.reason
    requirement.own_modalities = [row for row in modalities(session) if row.id in details.modalities]
    requirement.changed_utc = now_utc()


def _put_right(details: RequirementDetails) -> RequirementDetails:
    return RequirementDetails(
        details.is_needed, details.modalities, details.weekdays, " ".join(details.reason.split())
    )


def _wrong(session: Session, details: RequirementDetails) -> dict[str, str]:
    wrong = {}
    known: Collection[int] = {row.id for row in modalities(session)}
    if not set(known) >= details.modalities:
        wrong["modalities"] = "Choose modalities from the list"
    if details.weekdays is not None and not are_weekdays(details.weekdays):
        wrong["weekdays"] = "Choose days from Monday to Friday"
    if not details.is_needed and not details.reason:
        wrong["reason"] = "Say why no place is needed, such as prior experience; never a diagnosis"
    if len(details.reason) > LONGEST_REASON:
        wrong["reason"] = f"Use at most {LONGEST_REASON} characters"
    return wrong


def _wrong_with_others(learner: Learner, block: Block, besides: Requirement | None = None) -> dict[str, str]:
    """A learner can be at one place in a week: another needed block may share none."""
    weeks = set(block.mondays())
    for row in learner.requirements:
        if row is besides or row.state != "needed" or row.block is None or row.block_id == block.id:
            continue
        if any(weeks.intersection(mondays) for mondays in possible_weeks(row)):
            return {
                "block": f"{block.name} shares weeks with {row.block.name}, in which a place is needed: a"
                " learner can be at one place in a week"
            }
    return {}
