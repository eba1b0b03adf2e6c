"""What can be done with allocations: adopt a run, publish what stands."""

from collections.abc import Iterator, Mapping

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import flag_modified

from placements.access import Action, Viewer
from placements.allocations import (
    before_publishing,  # noqa: F401 - tells the check-list
    checklist,
    explaining_moves,  # noqa: F401 - tells why learners moved
    why_moved,
)
from placements.allocations.announcing import announce
from placements.allocations.clearances import checks_of
from placements.allocations.models import Allocation, Publication, PublicationLine
from placements.allocations.queries import adopted_run, newest_publication
from placements.allocations.returned import returned_lines
from placements.clearance.queries import RoundChecks
from placements.clock import now_utc, today
from placements.cohorts.given_back import given_back
from placements.cohorts.models import Learner, Requirement
from placements.cohorts.presence import is_there
from placements.errors import Refused, Stale
from placements.extensions import db
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.scenarios import describing
from placements.scenarios import queries as scenarios
from placements.scenarios.models import Placing, Run
from placements.scenarios.repairing import Wishes
from placements.scenarios.service import HAS_ENDED, start_run
from placements.states import ROUND
from placements.transaction import CHANGED_MEANWHILE, transaction, violates


def start_repair(viewer: Viewer, round_id: int, wishes: Wishes | None = None) -> Run:
    """Queue a run that keeps every published place it can: whoever has lost theirs is placed, and then as few
    others move as possible. Raises Refused before the first publication, and as `start_run` does."""
    if newest_publication(db.session, viewer, round_id) is None:
        raise Refused("Nothing is published in this round yet, so there is nothing to repair: run the match.")
    return start_run(viewer, round_id, repair=wishes or Wishes())


def adopt_run(viewer: Viewer, run_id: int) -> Run:
    """Let a finished run's placings stand as the round's allocations, instead of any that stood before."""
    with transaction(viewer, Action.ADOPT_RUN) as tx:
        run = scenarios.run_by_id(tx.session, viewer, run_id)
        if run.state != "finished":
            raise Refused(
                f"This run is {run.state}. Only a finished run, whose result was checked, can be adopted."
            )
        if run.round.is_finished(today()):
            raise Refused(HAS_ENDED)
        # Another lead who adopts at the same moment waits here, so that two runs never stand mixed.
        tx.session.execute(select(Round.id).where(Round.id == run.round_id).with_for_update())
        tx.session.execute(
            delete(Allocation).where(
                Allocation.run_id.in_(select(Run.id).where(Run.round_id == run.round_id))
            )
        )
        placings = tx.session.execute(
            select(Placing.requirement_id, Placing.department_id, Placing.block_id).where(
                Placing.run_id == run.id
            )
        ).all()
        tx.session.execute(
            insert(Allocation),
            [
                {
                    "requirement_id": requirement_id,
                    "run_id": run.id,
                    "department_id": department_id,
                    "block_id": block_id,
                }
                for requirement_id, department_id, block_id in placings
            ],
        )
        tx.note(run, allocations=len(placings))
    return run


def publish_round(viewer: Viewer, round_id: int, *, version: int) -> Publication:
    """Publish the allocations that stand, as the round's next publication.

    `version` is the round's, as read: a second press of the button, or another lead's, raises Stale. Raises
    Refused where something of the check-list blocks.
    """
    try:
        with transaction(viewer, Action.PUBLISH_ROUND) as tx:
            round_ = rounds.round_by_id(tx.session, viewer, round_id)
            if round_.version != version:
                raise Stale(CHANGED_MEANWHILE)
            run = adopted_run(tx.session, viewer, round_id)
            if run is None:
                raise Refused("There is nothing to publish yet: adopt a finished run first.")
            items = checklist.items_before_publication(tx.session, viewer, round_, run)
            if stops := checklist.blocking(items):
                raise Refused("Put this right first. " + " ".join(item.words for item in stops))
            earlier = newest_publication(tx.session, viewer, round_id)
            if round_.is_finished(today()):
                raise Refused(HAS_ENDED)
            round_.state = ROUND.move(round_.state, "publish")
            # Even where the state stays published, this publication moves the round's version on.
            flag_modified(round_, "state")
            number = tx.session.scalar(
                select(func.coalesce(func.max(Publication.number), 0) + 1).where(
                    Publication.round_id == round_id
                )
            )
            publication = Publication(
                round=round_,
                number=number,
                run_id=run.id,
                published_utc=now_utc(),
                published_by_id=viewer.person_id,
            )
            returned = given_back(tx.session, round_id)
            publication.lines = list(
                _lines(tx.session, viewer, run.id, RoundChecks(tx.session, round_), returned)
            )
            if earlier is not None:
                ever = given_back(tx.session, round_id, clear_too=True)
                publication.lines += returned_lines(tx.session, earlier, publication.lines, ever)
                _say_why(tx.session, viewer, round_, earlier, run, publication.lines)
            tx.session.add(publication)
            held = sum(line.state == "held" for line in publication.lines)
            # Gives the publication its id, which the e-mails' links and keys have in them.
            tx.session.flush()
            told = announce(tx, publication, earlier)
            tx.note(publication, number=number, lines=len(publication.lines), held=held, people_told=told)
    except IntegrityError as error:
        if violates(error, "uq_publication_round_id_number", "publication.round_id, publication.number"):
            raise Stale(CHANGED_MEANWHILE) from None
        raise
    return publication


def _say_why(
    session: Session,
    viewer: Viewer,
    round_: Round,
    earlier: Publication,
    run: Run,
    lines: list[PublicationLine],
) -> None:
    """Write into each line that is not where the version before had it why, as far as anybody knows."""
    before = {line.requirement_id: line for line in earlier.lines}
    moved = [
        why_moved.Moved(before[line.requirement_id], line)
        for line in lines
        if line.requirement_id in before and _differs(before[line.requirement_id], line)
    ]
    version = why_moved.NextVersion(
        round=round_,
        earlier=earlier,
        earlier_run=session.get_one(Run, earlier.run_id),
        run=run,
        moved=moved,
        lines=lines,
        viewer=viewer,
    )
    reasons = why_moved.reasons(session, version)
    for row in moved:
        if row.requirement_id in reasons:
            row.after.why_moved = reasons[row.requirement_id].text


def _differs(before: PublicationLine, after: PublicationLine) -> bool:
    """Whether a place that was published is another one now, or none."""
    if before.department_id is None:
        return False
    return (before.department_id, before.first_week) != (after.department_id, after.first_week)


def _lines(
    session: Session, viewer: Viewer, run_id: int, checks: RoundChecks, returned: Mapping[int, str]
) -> Iterator[PublicationLine]:
    """One line a standing allocation, every word of it by value; a place whose learner is not clear by a
    check that blocks is held back. What was given back (`returned`, with why) has no place, whatever a run
    from before says."""
    placings = list(
        session.scalars(
            scenarios.visible_placings(viewer)
            .join(Allocation, Allocation.requirement_id == Placing.requirement_id)
            .where(Placing.run_id == run_id)
            .options(
                joinedload(Placing.requirement)
                .joinedload(Requirement.learner)
                .selectinload(Learner.interruptions)
            )
        ).unique()
    )
    sentences = describing.sentences(session, placings)
    for placing in placings:
        requirement = placing.requirement
        why = returned.get(requirement.id)
        department = placing.department if why is None else None
        learner = requirement.learner
        cohort = learner.cohort
        planned = requirement.plan_line
        block = placing.block or requirement.possible_blocks[0]
        mondays = planned.mondays_of(block) if planned is not None else block.mondays()
        # Whoever has withdrawn or is away since the run gives the place up at once.
        if requirement.state == "exempt" or not is_there(
            mondays, learner.available_from, learner.available_until, learner.interruptions
        ):
            continue
        line = PublicationLine(
            requirement_id=requirement.id,
            state="placed" if department else "unplaced",
            hei_id=learner.hei_id,
            hei=learner.hei.name,
            programme=cohort.programme.name,
            stage=cohort.stage.name,
            learner_reference=learner.reference,
            record_id=learner.record_id,
            block=block.name if placing.block is not None else requirement.when,
            first_week=mondays[0],
            weeks=len(mondays),
            weekdays=requirement.weekdays_of_learner,
            modality=" or ".join(modality.name for modality in requirement.modalities),
            travel_mode=learner.travel_mode,
            travel_minutes=placing.travel_minutes if department else None,
            travel_is_estimated=placing.travel_is_estimated,
            reason=why or sentences.get(placing.id),
        )
        if department is not None:
            site = department.site
            line.department_id = department.id
            line.modality = department.modality.name
            line.trust_id, line.trust = site.trust_id, site.trust.name
            line.site, line.site_postcode = site.name, site.postcode
            is_held, line.not_ready = checks_of(
                checks.findings(learner.record_id, learner.hei_id, mondays[0], line.last_day, today())
            )
            line.state = "held" if is_held else "placed"
        yield line
