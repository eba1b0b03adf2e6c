"""What a learner may ask for: everything that is held of them, and that it be erased."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.audit.describing import done
from placements.audit.queries import entries_about
from placements.clock import now_utc, today
from placements.cohorts.history import histories
from placements.cohorts.models import Interruption, Learner, LearnerRecord, Requirement, Upload
from placements.cohorts.uploads import ParsedUpload, to_json
from placements.errors import Refused
from placements.learners.changing import learner_to_change, note_learner_change
from placements.learners.details import refuse
from placements.learners.holdings import erased_reference, holdings
from placements.learners.queries import learner_by_id
from placements.mail.models import Message
from placements.transaction import Transaction, transaction


def export_learner(viewer: Viewer, learner_id: int) -> dict[str, Any]:
    """Everything that is held of a learner through all rounds, as plain values for JSON; that it was given
    out is audited. Other learners are counted, never named."""
    with transaction(viewer, Action.EXPORT_LEARNER) as tx:
        learner = learner_by_id(tx.session, viewer, learner_id)
        record = learner.record
        contact = record.contact
        rounds = _learners_of(tx.session, record)
        found: dict[str, Any] = {
            "given_out_utc": now_utc().isoformat(),
            "university": learner.hei.name,
            "reference": learner.reference,
            "contact": {"name": contact.name, "email": contact.email} if contact else None,
            "earlier_sites": [
                {"site": row.site.name, "placements": row.placements} for row in record.earlier_sites
            ],
            "rounds": [_round(row) for row in rounds],
            "earlier_rounds": [
                asdict(placement) | {"first_week": placement.first_week.isoformat()}
                for history in histories(tx.session, learner.cohort.round, {record.id}).values()
                for placement in history.placements
            ],
            "changes": [
                {"at_utc": entry.at_utc.isoformat(), "by": entry.person_name, "what": done(entry.action)}
                for row in rounds
                for entry in entries_about(tx.session, row.__tablename__, row.id)
            ],
        }
        for holding in holdings():
            found[holding.name] = holding.export(tx.session, record)
        tx.note(learner)
    return found


def erase_learner(viewer: Viewer, learner_id: int, *, typed: str) -> None:
    """Erase what says who a learner is, and what was said of them, in all rounds; what only counts stays. In
    rounds that have not ended they are withdrawn from today. Once more changes nothing.

    Raises Refused naming `typed` where it is not the learner's reference, and where a file that names the
    learner still waits for a yes.
    """
    with transaction(viewer, Action.ERASE_LEARNER) as tx:
        learner = learner_by_id(tx.session, viewer, learner_id)
        if learner.record.erased_utc is not None:
            tx.note(learner, repeated=True)
            return
        learner = learner_to_change(tx, viewer, learner_id)
        if typed.strip().casefold() != learner.reference.casefold():
            refuse({"typed": f"Type {learner.reference} as it stands here, to show that it is the right one"})
        record = learner.record
        _erase_uploads(tx, record, learner.reference)
        _erase_mail(tx.session, record)
        for holding in holdings():
            holding.erase(tx.session, record)
        rounds = _learners_of(tx.session, record)
        for row in rounds:
            _erase_in_round(tx.session, row, erased_reference(record))
        record.contact = None
        record.earlier_sites.clear()
        record.reference_key = erased_reference(record)
        record.erased_utc = now_utc()
        tx.note(learner, rounds=len(rounds))


def _learners_of(session: Session, record: LearnerRecord) -> list[Learner]:
    """The learner in each round, the first round first."""
    return list(session.scalars(select(Learner).where(Learner.record_id == record.id).order_by(Learner.id)))


def _round(learner: Learner) -> dict[str, Any]:
    return {
        "round": learner.cohort.round.name,
        "cohort": learner.cohort.name,
        "postcode": learner.postcode,
        "term_time_postcode": learner.term_postcode,
        "travel_mode": learner.travel_mode,
        "travel_limit_minutes": learner.travel_limit_minutes,
        "employer": learner.employer.name if learner.employer else None,
        "released_by_employer": learner.released,
        "hub": learner.hub.name if learner.hub else None,
        "available_from": _day(learner.available_from),
        "available_until": _day(learner.available_until),
        "weekdays": learner.weekdays,
        "would_take_accommodation": learner.accommodation,
        "priority": learner.priority,
        "priority_reason": learner.priority_reason,
        "access_needs": [need.name for need in learner.access_needs],
        "sites_to_avoid": [row.site.name for row in learner.exclusions],
        "preferred_sites": [row.site.name for row in learner.preferences],
        "preferred_sites_ranked_by": learner.preferences_by,
        "withdrawals_and_suspensions": [
            {
                "kind": row.kind,
                "first_day": _day(row.first_day),
                "last_day": _day(row.last_day),
                "recorded_utc": row.recorded_utc.isoformat(),
            }
            for row in learner.interruptions
        ],
        "groups_with_other_learners": [
            {"kind": row.kind, "learners": len(row.learners)} for row in learner.companions
        ],
        "requirements": [_requirement(row) for row in learner.requirements],
        "private_links": [
            {
                "made_utc": row.created_utc.isoformat(),
                "expires_utc": row.expires_utc.isoformat(),
                "last_used_utc": row.last_used_utc.isoformat() if row.last_used_utc else None,
            }
            for row in learner.links
        ],
        "joined_utc": learner.joined_utc.isoformat(),
        "changed_utc": learner.changed_utc.isoformat(),
    }


def _requirement(row: Requirement) -> dict[str, Any]:
    return {
        "when": row.when,
        "any_of": [modality.name for modality in row.modalities],
        "weekdays": row.weekdays_of_learner,
        "state": row.state,
        "reason": row.reason,
    }


def _day(value: Any) -> str | None:
    return value.isoformat() if value is not None else None


def _erase_uploads(tx: Transaction, record: LearnerRecord, reference: str) -> None:
    """The files in which the HEI named the learner: of those that were accepted nothing is kept."""
    named = tx.session.scalars(
        select(Upload).where(
            Upload.hei_id == record.hei_id,
            Upload.state != "discarded",
            Upload.parsed.contains(reference, autoescape=True),
        )
    ).all()
    for upload in named:
        if upload.state != "accepted":
            raise Refused(
                f"The file {upload.filename} in {upload.round.name} names this learner and still waits:"
                " accept or discard it first."
            )
        upload.parsed = to_json(ParsedUpload())


def _erase_mail(session: Session, record: LearnerRecord) -> None:
    """E-mails to the learner: that one was sent stays, to whom and what it said goes; none goes out any
    more."""
    if record.contact is not None and record.contact.email:
        session.execute(
            update(Message)
            .where(func.lower(Message.to) == record.contact.email.lower())
            .values(to="", body="", error="", due_utc=None)
            .execution_options(synchronize_session=False)
        )


def _erase_in_round(session: Session, learner: Learner, reference: str) -> None:
    if learner.cohort.round.last_week >= today() and not any(
        row.last_day is None and row.first_day <= today() for row in learner.interruptions
    ):
        for row in list(learner.interruptions):
            if row.last_day is None or row.last_day >= today():
                learner.interruptions.remove(row)
        learner.interruptions.append(
            Interruption(kind="withdrawn", first_day=today(), recorded_utc=now_utc())
        )
    learner.reference = reference
    # No postcode at all: a match leaves out learners of whom nothing is held.
    learner.postcode, learner.term_postcode = "", None
    learner.travel_limit_minutes = learner.employer_trust_id = learner.hub_trust_id = learner.priority = None
    learner.priority_reason = ""
    learner.available_from = learner.available_until = learner.weekdays = None
    learner.released = learner.accommodation = False
    learner.access_needs.clear()
    learner.preferences.clear()
    learner.exclusions.clear()
    learner.links.clear()
    for requirement in learner.requirements:
        requirement.reason = ""
    for group in list(learner.companions):
        others = [row for row in group.learners if row is not learner]
        if len(others) < 2:
            session.delete(group)
        else:
            group.learners.remove(learner)
    note_learner_change(learner)
