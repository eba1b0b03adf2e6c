"""What can be done with appeals: lodge one, withdraw it, decide it, open its evidence."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from placements.access import Action, Role, Viewer
from placements.allocations.models import PublicationLine
from placements.appeals import notices
from placements.appeals.constraints import constraints_of, reason_of
from placements.appeals.evidence import GivenFile, media_type_of, problem_with, shown_name
from placements.appeals.models import Appeal, AppealEvidence
from placements.appeals.nearness import sites_to_ask_for
from placements.appeals.queries import (
    appeal_by_id,
    evidence_by_id,
    first_published_utc,
    place_to_appeal,
    places_of,
)
from placements.appeals.window import window
from placements.appeals.words import GROUNDS, WANTS
from placements.clock import now_utc, today
from placements.cohorts.models import Requirement
from placements.errors import Refused, Stale
from placements.organisations.models import Department
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.scenarios.locks import add_lock
from placements.scenarios.queries import locks_in_force
from placements.states import APPEAL
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates
from placements.web.formats import minutes

LONGEST_STATEMENT = 4_000
LONGEST_DECISION = 4_000
MOST_MINUTES = 600
ONE_AT_A_TIME = (
    "An appeal about this place already waits for a decision. Wait for it, or withdraw it to lodge another."
)


@dataclass(frozen=True)
class Lodging:
    """An appeal as it is lodged: the grounds, what is said, and what would put it right."""

    grounds: str
    statement: str
    wants: str
    wanted_minutes: int | None = None
    wanted_site_id: int | None = None
    files: tuple[GivenFile, ...] = ()


def lodge_appeal(viewer: Viewer, round_id: int, requirement_id: int, given: Lodging) -> Appeal:
    """Lodge an appeal against a published place, for the learner or by them.

    Raises NotFound where the place is not to be seen, Refused before appeals open, once they are closed,
    where there is no place, where one is undecided already, and naming each field that is wrong.
    """
    try:
        with transaction(viewer, Action.LODGE_APPEAL) as tx:
            round_ = rounds.round_by_id(tx.session, viewer, round_id)
            publication, line, requirement = place_to_appeal(tx.session, viewer, round_id, requirement_id)
            require_open(round_, tx, line)
            _require_valid(tx, given, line, requirement)
            appeal = Appeal(
                round_id=round_id,
                requirement_id=requirement_id,
                publication_number=publication.number,
                lodged_utc=now_utc(),
                lodged_by_id=viewer.person_id,
                grounds=given.grounds,
                statement=given.statement,
                wants=given.wants,
                wanted_minutes=given.wanted_minutes if given.wants == "nearer" else None,
                wanted_site_id=given.wanted_site_id if given.wants == "site" else None,
                evidence=[
                    AppealEvidence(
                        file_name=shown_name(file.name),
                        media_type=media_type_of(file.data) or "",
                        data=file.data,
                        given_utc=now_utc(),
                    )
                    for file in given.files
                ],
            )
            tx.session.add(appeal)
            tx.note(appeal, requirement=requirement_id, files=len(given.files))
            if viewer.role is Role.INVITED_LEARNER:
                notices.tell_lodged(tx, requirement.learner, round_, appeal, line)
    except IntegrityError as error:
        if violates(error, "uq_appeal_one_undecided", "appeal.requirement_id"):
            raise Refused(ONE_AT_A_TIME) from None
        raise
    return appeal


def require_open(round_: Round, tx: Transaction, line: PublicationLine) -> None:
    """Raises Refused, in words, where this place cannot be appealed against today."""
    why_not = why_not_now(round_, tx, line)
    if why_not:
        raise Refused(why_not)


def why_not_now(round_: Round, tx: Transaction, line: PublicationLine) -> str:
    """Why a place cannot be appealed against today; "" where it can."""
    found = window(round_, first_published_utc(tx.session, round_.id), today())
    return found.why_not or why_not_this(line)


def why_not_this(line: PublicationLine) -> str:
    """Why this line is no place to appeal against, whatever the dates are; "" where it is one."""
    if line.department_id is None:
        return (
            "There is no place here to appeal against. Whoever has none is on the waiting list by themselves."
        )
    if line.first_day <= today():
        return "This placement has begun, so it is too late to appeal. Talk to the university about it."
    return ""


def _require_valid(tx: Transaction, given: Lodging, line: PublicationLine, requirement: Requirement) -> None:
    wrong: dict[str, str] = {}
    if given.grounds not in GROUNDS:
        wrong["grounds"] = "Choose what the appeal is about"
    if not given.statement:
        wrong["statement"] = "Say what is wrong with this place"
    elif len(given.statement) > LONGEST_STATEMENT:
        wrong["statement"] = (
            f"Use at most {LONGEST_STATEMENT:,} characters; these are {len(given.statement):,}"
        )
    if given.wants not in WANTS:
        wrong["wants"] = "Choose what would put it right"
    elif given.wants == "nearer":
        problem = _problem_with_minutes(given.wanted_minutes, line)
        if problem:
            wrong["wanted_minutes"] = problem
    elif given.wants == "site":
        here = tx.session.scalar(select(Department.site_id).where(Department.id == line.department_id))
        possible = {row.site.id for row in sites_to_ask_for(tx.session, requirement, here)}
        if given.wanted_site_id not in possible:
            wrong["wanted_site_id"] = "Choose a site from the list"
    if problem := problem_with(given.files):
        wrong["files"] = problem
    if wrong:
        raise Refused("The appeal was not lodged.", wrong)


def _problem_with_minutes(wanted: int | None, line: PublicationLine) -> str:
    if wanted is None or not 1 <= wanted <= MOST_MINUTES:
        return f"Say how many minutes one way at most, from 1 to {MOST_MINUTES}"
    if line.travel_minutes is not None and wanted >= line.travel_minutes:
        return f"The journey to this place is {minutes(line.travel_minutes)}: ask for fewer minutes"
    return ""


def withdraw_appeal(viewer: Viewer, appeal_id: int, *, version: int) -> Appeal:
    """Take back an appeal that waits for its decision. Raises NotFound, Refused where it was decided, and
    Stale where it was changed meanwhile."""
    with transaction(viewer, Action.WITHDRAW_APPEAL) as tx:
        appeal = appeal_by_id(tx.session, viewer, appeal_id)
        state = APPEAL.move(appeal.state, "withdraw")
        if appeal.version != version:
            raise Stale(CHANGED_MEANWHILE)
        appeal.state, appeal.decided_utc = state, now_utc()
        tx.note(appeal, requirement=appeal.requirement_id)
    return appeal


def decide_appeal(viewer: Viewer, appeal_id: int, *, verdict: str, decision: str, version: int) -> Appeal:
    """Uphold or decline an appeal, with the reasons. Upheld, its constraints hold in every match from now on,
    and the HEI's officers are told either way.

    Raises Stale where somebody decided or withdrew it meanwhile, and Refused where it has been decided, where
    the reasons are missing, or where a pin that holds already says otherwise.
    """
    with transaction(viewer, Action.DECIDE_APPEAL) as tx:
        appeal = appeal_by_id(tx.session, viewer, appeal_id)
        if appeal.version != version:
            raise Stale(CHANGED_MEANWHILE)
        wrong = {}
        if verdict not in ("uphold", "decline"):
            wrong["verdict"] = "Choose whether the appeal is upheld"
        if not decision:
            wrong["decision"] = "Give the reasons: the learner and the HEI read them"
        elif len(decision) > LONGEST_DECISION:
            wrong["decision"] = f"Use at most {LONGEST_DECISION:,} characters; these are {len(decision):,}"
        if wrong:
            raise Refused("The appeal was not decided.", wrong)
        appeal.state = APPEAL.move(appeal.state, verdict)
        appeal.decided_utc, appeal.decided_by_id = now_utc(), viewer.person_id
        appeal.decision = decision
        place = places_of(tx.session, viewer, [appeal]).get(appeal.id)
        made = 0
        if appeal.state == "upheld" and place is not None:
            made = _constrain(tx, appeal, place)
        notices.tell_decided(tx, appeal, place)
        tx.note(appeal, requirement=appeal.requirement_id, state=appeal.state, locks=made)
    return appeal


def _constrain(tx: Transaction, appeal: Appeal, place: PublicationLine) -> int:
    """Make the round's locks that the appeal asks for, those left out that hold already; how many."""
    there = {
        (lock.kind, lock.site_id)
        for lock in locks_in_force(tx.session, appeal.round_id, None)
        if lock.requirement_id == appeal.requirement_id and lock.site_id is not None
    }
    asked = constraints_of(tx.session, appeal, place)
    wanted = [row for row in asked if (row.kind, row.site_id) not in there]
    for row in wanted:
        add_lock(
            tx,
            round_id=appeal.round_id,
            scenario_id=None,
            requirement_id=appeal.requirement_id,
            kind=row.kind,
            site_id=row.site_id,
            reason=reason_of(appeal),
            origin="appeal",
            origin_id=appeal.id,
        )
    return len(wanted)


def open_evidence(viewer: Viewer, evidence_id: int) -> AppealEvidence:
    """A file of an appeal, with what is in it; that it was opened, and by whom, is audited."""
    with transaction(viewer, Action.OPEN_EVIDENCE) as tx:
        evidence = evidence_by_id(tx.session, viewer, evidence_id)
        _ = evidence.data
        tx.note(evidence, appeal=evidence.appeal_id)
    return evidence
