"""What can be done with a learner: add one by hand, change what is kept of them, rank sites for them."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.clock import today
from placements.cohorts.changing import note_change, require_changeable
from placements.cohorts.models import Cohort, Learner, LearnerPreference, LearnerRecord, Requirement
from placements.cohorts.queries import cohort_by_id, is_located, plan_of_stage
from placements.cohorts.saving import records_of
from placements.cohorts.uploads_cells import CellReader
from placements.cohorts.uploads_directory import Directory
from placements.errors import NotFound
from placements.learners.changing import (
    cohort_in_turn,
    learner_to_change,
    note_learner_change,
    require_current,
)
from placements.learners.details import (
    KnownPlaces,
    LearnerDetails,
    details_of,
    put_right,
    refuse,
    wrong_with_preferences,
)
from placements.organisations.queries import sites_of_network
from placements.rounds.models import PlanLine
from placements.spreadsheets.cells import Unusable
from placements.transaction import transaction

LONGEST_REFERENCE = 60


def save_learner(viewer: Viewer, learner_id: int, *, version: int, details: LearnerDetails) -> Learner:
    """Change what the match goes by. The same once more changes nothing.

    Raises Stale where somebody else changed the learner since `version`, and Refused naming each wrong field.
    """
    with transaction(viewer, Action.SAVE_LEARNER) as tx:
        learner = learner_to_change(tx, viewer, learner_id)
        before = details_of(learner)
        after = put_right(details)
        if before == after:
            tx.note(learner, repeated=True)
            return learner
        require_current(learner, version)
        known = KnownPlaces(tx.session, learner.cohort.round)
        refuse(known.wrong(after) | wrong_with_preferences(learner, after))
        known.write(learner, after)
        note_learner_change(learner)
        tx.note(learner, changed=[name for name in vars(after) if vars(after)[name] != vars(before)[name]])
    return learner


def create_learner(viewer: Viewer, cohort_id: int, *, reference: str, details: LearnerDetails) -> Learner:
    """Add a learner to a cohort by hand, at any time from the round's opening on. They need what the plan
    asks in blocks that have not begun, and begin once they are there.

    Raises Refused naming each wrong field. The same learner once more changes nothing.
    """
    with transaction(viewer, Action.SAVE_LEARNER) as tx:
        cohort = cohort_by_id(tx.session, viewer, cohort_id)
        cohort_in_turn(tx, cohort)
        require_changeable(cohort.round)
        details = put_right(details)
        known = KnownPlaces(tx.session, cohort.round)
        reference, wrong = _read_reference(reference)
        hei_id = cohort.programme.hei_id
        found = _namesake(tx.session, cohort.round_id, hei_id, reference)
        if found is not None and found.cohort_id == cohort.id and details_of(found) == details:
            tx.note(found, repeated=True)
            return found
        if found is not None:
            wrong["reference"] = f"{found.reference} is already in this round, in {found.cohort.name}"
        refuse(wrong | known.wrong(details))
        record_id = records_of(tx.session, hei_id, [reference])[reference.casefold()]
        learner = Learner(
            cohort=cohort,
            round_id=cohort.round_id,
            hei_id=hei_id,
            record=tx.session.get_one(LearnerRecord, record_id),
            reference=reference,
        )
        with tx.session.no_autoflush:
            known.write(learner, details)
        tx.session.add(learner)
        for line in lines_to_come(tx.session, cohort, details.available_from):
            learner.requirements.append(Requirement(plan_line=line, block_id=line.block_id))
        note_change(cohort)
        tx.note(learner, cohort_id=cohort.id, requirements=len(learner.requirements))
    return learner


def lines_to_come(session: Session, cohort: Cohort, available_from: date | None = None) -> list[PlanLine]:
    """What the plan asks of a cohort's learners in blocks that begin today or later, and once they are
    there."""
    start = max(today(), available_from or today())
    plan = plan_of_stage(session, cohort.round_id, cohort.programme_id, cohort.stage_id)
    return [
        line
        for line in plan
        if any(monday >= start for block in line.possible_blocks for monday in line.mondays_of(block)[:1])
    ]


def _namesake(session: Session, round_id: int, hei_id: int, reference: str) -> Learner | None:
    record = select(LearnerRecord.id).where(
        LearnerRecord.hei_id == hei_id, LearnerRecord.reference_key == reference.casefold()
    )
    return session.scalar(select(Learner).where(Learner.round_id == round_id, Learner.record_id.in_(record)))


def _read_reference(text: str) -> tuple[str, dict[str, str]]:
    """A reference as a cohort's file would have it, and what is wrong with it."""
    reference = " ".join(text.split())
    if not reference:
        return "", {"reference": "Enter the learner's reference, such as the student number"}
    if len(reference) > LONGEST_REFERENCE:
        return reference, {"reference": f"Use at most {LONGEST_REFERENCE} characters"}
    try:
        return CellReader(Directory({}, {}, is_located), today()).reference(reference).value, {}
    except Unusable as unusable:
        return reference, {"reference": f"{unusable.reason} {unusable.remedy}"}


def save_preferences(viewer: Viewer, learner_id: int, *, version: int, site_ids: Sequence[int]) -> Learner:
    """Rank the sites that a learner would like, the first the most, in the HEI's name. The same once more
    changes nothing.

    Raises Stale where somebody else changed the learner since `version`, and Refused naming `sites` where a
    site is named twice, is to be avoided or is not in the network.
    """
    with transaction(viewer, Action.SAVE_PREFERENCES) as tx:
        learner = learner_to_change(tx, viewer, learner_id)
        wanted = list(site_ids)
        if [row.site_id for row in learner.preferences] == wanted and learner.preferences_by == "hei":
            tx.note(learner, repeated=True)
            return learner
        require_current(learner, version)
        known = {row.id: row for row in sites_of_network(tx.session, learner.cohort.round.network_id)}
        avoided = {row.site_id for row in learner.exclusions}
        if not set(wanted) <= set(known):
            raise NotFound("There is no such site.")
        if len(set(wanted)) < len(wanted):
            twice = next(site for site in wanted if wanted.count(site) > 1)
            refuse({"sites": f"{known[twice].name} is ranked twice: choose each site once"})
        if both := [known[site].name for site in wanted if site in avoided]:
            refuse({"sites": f"{both[0]} is a site that this learner must avoid: choose another"})
        learner.preferences.clear()
        tx.session.flush()
        learner.preferences.extend(
            LearnerPreference(rank=rank, site_id=site_id) for rank, site_id in enumerate(wanted, start=1)
        )
        learner.preferences_by = "hei"
        note_learner_change(learner)
        tx.note(learner, sites=len(wanted))
    return learner
