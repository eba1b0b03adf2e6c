"""One learner's checks: a section of the learner's page, what is given out on request, and their erasure."""

from __future__ import annotations

from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from placements.access import Action, Viewer
from placements.clearance import queries
from placements.clearance.models import LearnerCheck
from placements.clock import today
from placements.cohorts.models import Learner, LearnerRecord
from placements.extensions import db
from placements.learners import holdings, sections


def checks_section(viewer: Viewer, learner: Learner) -> Markup:
    """When the learner, whom the person has been let see, had each check, and what they are not clear by."""
    kinds = queries.kinds_of_hei(db.session, viewer, learner.hei_id)
    findings = [
        row
        for row in queries.not_clear(
            db.session, viewer, learner.cohort.round, today(), cohort_id=learner.cohort_id
        )
        if row.wanted.learner_id == learner.id
    ]
    html = render_template(
        "components/learner_checks.html",
        learner=learner,
        kinds=kinds,
        history=queries.history_of(db.session, learner.record_id),
        findings=findings,
        today=today(),
    )
    return Markup(html)  # noqa: S704 - a template's own answer


def export_checks(session: Session, record: LearnerRecord) -> list[dict[str, Any]]:
    """Every check held of a learner, as plain values."""
    rows = session.scalars(
        select(LearnerCheck)
        .where(LearnerCheck.record_id == record.id)
        .options(joinedload(LearnerCheck.kind))
        .order_by(LearnerCheck.kind_id, LearnerCheck.done_on)
    )
    return [
        {
            "check": row.kind.name,
            "done_on": row.done_on.isoformat(),
            "expires_on": row.expires_on.isoformat() if row.expires_on else None,
            "recorded_utc": row.recorded_utc.isoformat(),
        }
        for row in rows
    ]


def erase_checks(session: Session, record: LearnerRecord) -> None:
    """Take out every check held of a learner."""
    session.execute(delete(LearnerCheck).where(LearnerCheck.record_id == record.id))


sections.register(sections.Section("Checks", 20, Action.SEE_CHECKS, checks_section))
holdings.register(holdings.Holding("checks", export_checks, erase_checks))
