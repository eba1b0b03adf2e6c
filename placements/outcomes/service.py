"""Recording how placements went: by the HEI, the trust or the academy; each sees what another recorded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer
from placements.allocations.models import PublicationLine
from placements.clock import now_utc, today
from placements.errors import NotFound, Refused, Stale
from placements.outcomes.days import days_expected, has_begun, has_ended
from placements.outcomes.models import PlacementOutcome
from placements.outcomes.queries import outcomes_of, placement_by_requirement, visible_placements
from placements.outcomes.wording import reason_shown, reasons_for
from placements.rounds.queries import round_by_id
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates
from placements.web.formats import count, day

MOST_AT_ONCE = 20_000


@dataclass(frozen=True)
class OutcomeDetails:
    """How a placement went. `days_attended` None: all that were expected (to the last day, where it ended
    early)."""

    outcome: str
    last_day: date | None = None
    reason: str | None = None
    days_attended: int | None = None


@dataclass(frozen=True)
class RecordedOutcome:
    """One of several outcomes to be recorded; `version` is 0 where nothing was recorded before."""

    requirement_id: int
    version: int
    details: OutcomeDetails


def record_outcome(
    viewer: Viewer, round_id: int, requirement_id: int, details: OutcomeDetails, *, version: int
) -> None:
    """Record how one placement of a round went, instead of what was recorded before.

    `version` is that of the outcome as read, 0 where there was none. Raises NotFound for a placement that the
    person does not see, Refused before it begins or naming each wrong field, Stale where somebody else
    recorded meanwhile. The same again changes nothing.
    """
    with transaction(viewer, Action.RECORD_OUTCOME) as tx:
        round_by_id(tx.session, viewer, round_id)
        line = placement_by_requirement(tx.session, viewer, requirement_id, round_id)
        row = outcomes_of(tx.session, [requirement_id]).get(requirement_id)
        _write(tx, round_id, line, row, checked(viewer, line, details, today()), version)
        tx.note(requirement=requirement_id, outcome=details.outcome)
        _flush(tx)


def complete_outcomes(viewer: Viewer, round_id: int, requirement_ids: Collection[int]) -> int:
    """Record these placements of a round as completed with every day attended; how many that changed.

    Those of which something is recorded already stay as they are. Raises NotFound where one is not to be
    seen and Refused where one has not ended yet; then nothing is recorded.
    """
    with transaction(viewer, Action.RECORD_OUTCOME) as tx:
        round_by_id(tx.session, viewer, round_id)
        wanted = set(requirement_ids)
        lines = {
            line.requirement_id: line
            for line in tx.session.scalars(visible_placements(viewer, round_id))
            if line.requirement_id in wanted
        }
        if wanted - lines.keys():
            raise NotFound("There is no such placement.")
        early = [line for line in lines.values() if not has_ended(line, today())]
        if early:
            raise Refused(
                f"{count(len(early), 'placement has', 'placements have')} not ended yet, the first of them on"
                f" {day(min(line.last_day for line in early))}. Nothing was recorded."
            )
        recorded = outcomes_of(tx.session, wanted)
        waiting = [line for key, line in lines.items() if key not in recorded]
        for line in waiting:
            _write(tx, round_id, line, None, checked(viewer, line, OutcomeDetails("completed"), today()), 0)
        tx.note(round=round_id, completed=len(waiting))
        _flush(tx)
    return len(waiting)


def record_outcomes(viewer: Viewer, round_id: int, rows: Sequence[RecordedOutcome]) -> int:
    """Record several placements' outcomes at once, all or none; how many that changed. Raises as
    record_outcome does."""
    with transaction(viewer, Action.RECORD_OUTCOME) as tx:
        round_by_id(tx.session, viewer, round_id)
        lines = {
            line.requirement_id: line for line in tx.session.scalars(visible_placements(viewer, round_id))
        }
        recorded = outcomes_of(tx.session, {row.requirement_id for row in rows})
        changed = 0
        for row in rows[:MOST_AT_ONCE]:
            line = lines.get(row.requirement_id)
            if line is None:
                raise NotFound("There is no such placement.")
            details = checked(viewer, line, row.details, today())
            changed += _write(tx, round_id, line, recorded.get(row.requirement_id), details, row.version)
        tx.note(round=round_id, outcomes=changed)
        _flush(tx)
    return changed


def checked(viewer: Viewer, line: PublicationLine, details: OutcomeDetails, on: date) -> OutcomeDetails:
    """The details with the days filled in; raises Refused, naming each field, where they cannot be so."""
    if not has_begun(line, on):
        raise Refused(f"This placement begins on {day(line.first_day)}. It can be recorded from then on.")
    wrong: dict[str, str] = {}
    last = details.last_day
    if details.outcome == "completed":
        details = replace(details, last_day=None, reason=None)
        last = None
        if not has_ended(line, on):
            wrong["outcome"] = (
                f"It runs until {day(line.last_day)}, so it is not completed before. Has it ended early?"
            )
    elif details.outcome in ("ended_early", "not_attended"):
        if details.reason not in reasons_for(viewer):
            wrong["reason"] = "Choose a reason"
    else:
        wrong["outcome"] = "Choose how it went"
    if details.outcome == "not_attended":
        details = replace(details, last_day=None, days_attended=0)
    if details.outcome == "ended_early":
        latest = min(line.last_day, on)
        if last is None or not line.first_day <= last <= latest:
            wrong["last_day"] = f"Enter the last day there, from {day(line.first_day)} to {day(latest)}"
    if not wrong:
        expected = days_expected(line, last)
        if details.days_attended is None:
            details = replace(details, days_attended=expected)
        elif not 0 <= details.days_attended <= expected:
            wrong["days_attended"] = (
                f"Use a whole number from 0 to {expected}: so many days were expected"
                + (" until then" if last else "")
            )
    if wrong:
        raise Refused("Nothing was recorded.", wrong)
    return details


def _write(
    tx: Transaction,
    round_id: int,
    line: PublicationLine,
    row: PlacementOutcome | None,
    details: OutcomeDetails,
    version: int,
) -> bool:
    """Whether that changed anything."""
    if row is not None:
        # What a trust cannot tell apart, it does not change by recording the same again.
        if reason_shown(tx.viewer, row.reason) == details.reason:
            details = replace(details, reason=row.reason)
        if OutcomeDetails(row.outcome, row.last_day, row.reason, row.days_attended) == details:
            return False
    if (row.version if row is not None else 0) != version:
        raise Stale(CHANGED_MEANWHILE)
    if row is None:
        row = PlacementOutcome(requirement_id=line.requirement_id, round_id=round_id)
        tx.session.add(row)
    row.outcome, row.reason = details.outcome, details.reason
    row.last_day, row.days_attended = details.last_day, details.days_attended
    row.recorded_utc, row.recorded_by_id = now_utc(), tx.viewer.person_id
    return True


def _flush(tx: Transaction) -> None:
    """Somebody who recorded the same placement first at this moment is told as any other change."""
    try:
        tx.session.flush()
    except IntegrityError as error:
        if violates(error, "pk_placement_outcome", "placement_outcome.requirement_id"):
            raise Stale(CHANGED_MEANWHILE) from None
        raise
