"""Evidence is kept no longer than it is needed: its files go some time after the appeal was decided."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from placements.access import SYSTEM, Action
from placements.appeals.models import Appeal, AppealEvidence
from placements.clock import now_utc
from placements.extensions import db
from placements.tasks import chore
from placements.transaction import transaction

# After the decision, or after it was withdrawn: long enough for a complaint about it.
DAYS_KEPT = 90


@chore
def forget_evidence() -> None:
    """Delete the files of appeals that were decided or withdrawn so many days ago."""
    old = select(AppealEvidence.id).where(
        AppealEvidence.appeal_id.in_(
            select(Appeal.id).where(Appeal.decided_utc < now_utc() - timedelta(days=DAYS_KEPT))
        )
    )
    due = list(db.session.scalars(old))
    db.session.rollback()
    if not due:
        return
    with transaction(SYSTEM, Action.FORGET_EVIDENCE) as tx:
        tx.session.execute(
            delete(AppealEvidence)
            .where(AppealEvidence.id.in_(due))
            .execution_options(synchronize_session=False)
        )
        tx.note(files=len(due))
