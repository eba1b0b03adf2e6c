"""What appeals hold of a learner: given out on request; erased is what they said and the files they gave,
while what was decided stays. And the officer's section of a learner's page."""

from __future__ import annotations

from typing import Any

from flask import render_template
from markupsafe import Markup
from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from placements.access import Action, Viewer
from placements.allocations.models import PublicationLine
from placements.allocations.queries import lines_of_publication, newest_publication
from placements.appeals.models import Appeal, AppealEvidence
from placements.appeals.queries import appeals_of_requirements, first_published_utc
from placements.appeals.service import why_not_this
from placements.appeals.window import window
from placements.appeals.words import GROUNDS, STATES, wanted
from placements.clock import now_utc, today
from placements.cohorts.models import Learner, LearnerRecord, Requirement
from placements.extensions import db
from placements.learners import holdings, sections


def _appeals(record: LearnerRecord) -> Select[int]:
    return (
        select(Appeal.id)
        .join(Appeal.requirement)
        .join(Requirement.learner)
        .where(Learner.record_id == record.id)
    )


def _export(session: Session, record: LearnerRecord) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(Appeal)
        .where(Appeal.id.in_(_appeals(record)))
        .options(joinedload(Appeal.round), joinedload(Appeal.wanted_site), selectinload(Appeal.evidence))
        .order_by(Appeal.id)
    )
    return [
        {
            "round": row.round.name,
            "placement": row.requirement_id,
            "version": row.publication_number,
            "lodged_utc": row.lodged_utc.isoformat(),
            "lodged_by": "the learner" if row.lodged_by_id is None else "the university",
            "grounds": GROUNDS[row.grounds],
            "statement": row.statement,
            "asked_for": wanted(row),
            "state": row.state,
            "decided_utc": row.decided_utc.isoformat() if row.decided_utc else None,
            "decision": row.decision,
            "evidence": [
                {"file_name": file.file_name, "given_utc": file.given_utc.isoformat()}
                for file in row.evidence
            ],
        }
        for row in rows
    ]


def _erase(session: Session, record: LearnerRecord) -> None:
    """What waits for a decision is withdrawn: nobody is left to be moved."""
    session.execute(
        delete(AppealEvidence)
        .where(AppealEvidence.appeal_id.in_(_appeals(record)))
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Appeal)
        .where(Appeal.id.in_(_appeals(record)))
        .values(statement="", version=Appeal.version + 1)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Appeal)
        .where(Appeal.id.in_(_appeals(record)), Appeal.state == "lodged")
        .values(state="withdrawn", decided_utc=now_utc())
        .execution_options(synchronize_session=False)
    )


def _section(viewer: Viewer, learner: Learner) -> Markup | str:
    """The learner's appeals, and where one may be lodged; for officers, once something is published."""
    newest = newest_publication(db.session, viewer, learner.round_id)
    if newest is None:
        return ""
    lines = list(
        db.session.scalars(
            lines_of_publication(viewer, newest.id)
            .where(PublicationLine.record_id == learner.record_id)
            .order_by(PublicationLine.first_week, PublicationLine.id)
        )
    )
    found = appeals_of_requirements(db.session, viewer, [line.requirement_id for line in lines])
    open_now = window(newest.round, first_published_utc(db.session, learner.round_id), today())
    html = render_template(
        "components/learner_appeals.html",
        learner=learner,
        lines=[
            (line, rows)
            for line in lines
            for rows in (found.get(line.requirement_id, []),)
            if rows or not why_not_this(line)
        ],
        why_not_this=why_not_this,
        window=open_now,
        states=STATES,
    )
    return Markup(html)  # noqa: S704 - a template's own answer


holdings.register(holdings.Holding("appeals", _export, _erase))
sections.register(sections.Section("Appeals", 20, Action.LODGE_APPEAL, _section))
