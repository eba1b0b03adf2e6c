"""The freeze: whoever is not clear by a check that holds places back gives the place back, appeals close, and
the places that are left stand. A learner who is clear later may be placed again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, false, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, contains_eager, joinedload

from placements.access import Action, Role, Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import lines_of_publication, newest_publication
from placements.clearance.queries import RoundChecks
from placements.clock import now_utc, today
from placements.cohorts import given_back as registry
from placements.cohorts.models import Learner, Requirement
from placements.errors import NotFound, Refused, Stale
from placements.mail.service import queue
from placements.organisations.models import Department
from placements.organisations.queries import officers_of_heis
from placements.repairs.models import ReturnedPlace
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates
from placements.web.formats import LONDON, day

# Of an HEI's learners so many are named in an e-mail.
NAMED = 20


@dataclass(frozen=True)
class NotClear:
    """A published place whose learner is not clear, and the checks that are missing, in words."""

    line: PublicationLine
    missing: str


def places_not_clear(
    session: Session, viewer: Viewer, round_: Round, *, on: date | None = None
) -> list[NotClear]:
    """Which places of the newest version a freeze on a day (None: today) would take back, by HEI, learner and
    date: those that a check holds back by the round's rule. One that has begun by then is left alone."""
    on = on or today()
    publication = newest_publication(session, viewer, round_.id)
    if publication is None:
        return []
    lines = list(
        session.scalars(
            lines_of_publication(viewer, publication.id)
            .where(PublicationLine.department_id.is_not(None))
            .order_by(PublicationLine.hei, PublicationLine.learner_reference, PublicationLine.first_week)
        )
    )
    checks = RoundChecks(session, round_)
    ahead = [line for line in lines if line.first_day > on]
    found = [(line, _missing(checks, line, on)) for line in ahead]
    return [NotClear(line, missing) for line, missing in found if missing]


def _missing(checks: RoundChecks, line: PublicationLine, on: date) -> str:
    """The checks that hold this line's place back on a day, by name."""
    if line.record_id is None:
        return ""
    findings = checks.findings(line.record_id, line.hei_id, line.first_week, line.last_day, on)
    return ", ".join(one.asked.name for one in findings if one.effect == "blocks")


def freeze_round(viewer: Viewer, round_id: int, *, version: int, seen: int) -> int:
    """Freeze a round's places: those of learners who are not clear are given back. How many were.

    `version` is the round's, as read, and `seen` the number of places that the person was shown. Raises Stale
    where either has changed, and Refused before the first publication, where the round is frozen already and
    once its blocks have ended.
    """
    try:
        with transaction(viewer, Action.FREEZE_ROUND) as tx:
            round_ = rounds.round_by_id(tx.session, viewer, round_id)
            if round_.frozen_utc is not None:
                frozen_on = day(round_.frozen_utc.astimezone(LONDON).date())
                raise Refused(
                    f"The places of this round were frozen on {frozen_on}."
                    " That is done once and cannot be undone."
                )
            if newest_publication(tx.session, viewer, round_id) is None:
                raise Refused("Nothing is published in this round yet, so there is nothing to freeze.")
            if round_.has_ended(today()):
                raise Refused("All blocks of this round have ended, so there is nothing to freeze.")
            found = places_not_clear(tx.session, viewer, round_)
            if round_.version != version or len(found) != seen:
                raise Stale(CHANGED_MEANWHILE)
            round_.frozen_utc = now_utc()
            tx.session.add_all(
                ReturnedPlace(
                    round_id=round_id,
                    requirement_id=row.line.requirement_id,
                    department_id=row.line.department_id,
                    first_week=row.line.first_week,
                    missing=row.missing,
                    returned_utc=now_utc(),
                )
                for row in found
            )
            _tell_officers(tx, round_, found)
            tx.note(round_, places_given_back=len(found))
    except IntegrityError as error:
        if violates(error, "uq_returned_place_requirement_id", "returned_place.requirement_id"):
            raise Stale(CHANGED_MEANWHILE) from None
        raise
    return len(found)


def clear_place(viewer: Viewer, returned_id: int) -> ReturnedPlace:
    """Let a learner who gave a place back be placed again: the next run asks for a place for them.

    Raises NotFound, and Refused where that was done already or a check that holds places back is still
    missing.
    """
    with transaction(viewer, Action.FREEZE_ROUND) as tx:
        row = returned_by_id(tx.session, viewer, returned_id)
        if row.cleared_utc is not None:
            raise Refused("This learner may be placed again already.")
        if missing := missing_now(tx.session, viewer, [row]).get(row.id):
            raise Refused(
                f"{row.requirement.learner.reference} is not clear yet: {missing}."
                " Once the HEI has recorded it, do this again."
            )
        row.cleared_utc = now_utc()
        tx.note(row, requirement=row.requirement_id)
    return row


def visible_returned(viewer: Viewer) -> Select[ReturnedPlace]:
    """The places given back: an academy lead sees the network's, an HEI its learners', a learner their own;
    nobody of a trust sees whose they were."""
    found = (
        select(ReturnedPlace)
        .join(ReturnedPlace.requirement)
        .join(Requirement.learner)
        .join(Round, Round.id == ReturnedPlace.round_id)
        .options(
            contains_eager(ReturnedPlace.requirement)
            .contains_eager(Requirement.learner)
            .joinedload(Learner.hei),
            contains_eager(ReturnedPlace.requirement).joinedload(Requirement.block),
            joinedload(ReturnedPlace.department).options(
                joinedload(Department.site), joinedload(Department.modality)
            ),
        )
    )
    if viewer.role is Role.ACADEMY_LEAD:
        return found.where(Round.network_id == viewer.network_id)
    if viewer.role is Role.PLACEMENT_OFFICER:
        return found.where(Learner.hei_id == viewer.hei_id)
    if viewer.role is Role.INVITED_LEARNER:
        return found.where(Requirement.learner_id == viewer.learner_id)
    return found.where(false())


def returned_by_id(session: Session, viewer: Viewer, returned_id: int) -> ReturnedPlace:
    """One place given back; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_returned(viewer).where(ReturnedPlace.id == returned_id))
    if found is None:
        raise NotFound("There is no such place.")
    return found


def number_waiting(session: Session, viewer: Viewer, publication: Publication) -> int:
    """How many lines of a version have no place, those of learners who are not clear left out."""
    given_back = select(ReturnedPlace.requirement_id).where(
        ReturnedPlace.round_id == publication.round_id, ReturnedPlace.cleared_utc.is_(None)
    )
    lines = lines_of_publication(viewer, publication.id).where(
        PublicationLine.state == "unplaced", PublicationLine.requirement_id.not_in(given_back)
    )
    return session.scalar(lines.with_only_columns(func.count()).order_by(None)) or 0


def returned_of_round(session: Session, viewer: Viewer, round_id: int) -> list[ReturnedPlace]:
    """A round's places given back, as far as this person sees them: those not clear yet first, then by HEI
    and learner."""
    rows = session.scalars(visible_returned(viewer).where(ReturnedPlace.round_id == round_id))
    return sorted(
        rows,
        key=lambda row: (
            row.cleared_utc is not None,
            row.requirement.learner.hei.name,
            row.requirement.learner.reference,
            row.first_week,
        ),
    )


def returned_of_requirements(
    session: Session, viewer: Viewer, requirement_ids: Collection[int]
) -> dict[int, ReturnedPlace]:
    """Of these requirements the places given back by learners who are not clear yet, by requirement's id."""
    rows = session.scalars(
        visible_returned(viewer).where(
            ReturnedPlace.requirement_id.in_(list(requirement_ids)), ReturnedPlace.cleared_utc.is_(None)
        )
    )
    return {row.requirement_id: row for row in rows}


def missing_now(session: Session, viewer: Viewer, rows: Sequence[ReturnedPlace]) -> dict[int, str]:
    """What of the checks that hold a place back is missing today, in words, by the place's id; those who are
    clear are left out. The rows are of one round, and the person has been let see them."""
    if not rows:
        return {}
    round_ = rounds.round_by_id(session, viewer, rows[0].round_id)
    publication = newest_publication(session, viewer, round_.id)
    if publication is None:
        return {}
    lines = {
        line.requirement_id: line
        for line in session.scalars(
            lines_of_publication(viewer, publication.id).where(
                PublicationLine.requirement_id.in_([row.requirement_id for row in rows])
            )
        )
    }
    checks = RoundChecks(session, round_)
    found = {}
    for row in rows:
        line = lines.get(row.requirement_id)
        if line is not None and (missing := _missing(checks, line, today())):
            found[row.id] = missing
    return found


def _given_back(session: Session, round_id: int, clear_too: bool) -> Mapping[int, str]:
    rows = select(ReturnedPlace).where(ReturnedPlace.round_id == round_id)
    if not clear_too:
        rows = rows.where(ReturnedPlace.cleared_utc.is_(None))
    return {row.requirement_id: _why_given_back(row) for row in session.scalars(rows)}


def _why_given_back(row: ReturnedPlace) -> str:
    returned_on = day(row.returned_utc.astimezone(LONDON).date())
    # What was missing goes when the learner is erased.
    missing = f": missing was {row.missing}" if row.missing else ""
    words = f"The place was given back at the freeze on {returned_on}{missing}."
    if row.cleared_utc is None:
        return words
    return f"{words} The learner may be placed again since {day(row.cleared_utc.astimezone(LONDON).date())}."


def _tell_officers(tx: Transaction, round_: Round, found: Sequence[NotClear]) -> None:
    """Tell the officers of each HEI whose learners gave a place back, each once."""
    of_hei: dict[int, list[NotClear]] = defaultdict(list)
    for row in found:
        of_hei[row.line.hei_id].append(row)
    for person in officers_of_heis(tx.session, list(of_hei)):
        rows = of_hei[person.hei_id or 0]
        queue(
            tx.session,
            key=f"place_given_back:{round_.id}:{person.id}",
            to=person.email,
            template="place_given_back",
            context={
                "name": person.name,
                "round": round_.name,
                "places": len(rows),
                "rows": [(row.line.learner_reference, row.line.block, row.missing) for row in rows[:NAMED]],
                "more": max(0, len(rows) - NAMED),
                "path": f"/rounds/{round_.id}/checks",
            },
            network_id=round_.network_id,
        )


registry.register(_given_back)
