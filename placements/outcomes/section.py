"""How a learner's placements of a round went, on the learner's page."""

from __future__ import annotations

from flask import render_template
from markupsafe import Markup

from placements.access import Action, Viewer
from placements.allocations.models import PublicationLine
from placements.clock import today
from placements.cohorts.models import Learner
from placements.extensions import db
from placements.learners import sections
from placements.outcomes.days import days_expected
from placements.outcomes.lists import begun_placements
from placements.outcomes.queries import feedback_of, outcomes_of
from placements.outcomes.wording import OUTCOME_WORDS, reason_words, recorded_by


def _section(viewer: Viewer, learner: Learner) -> Markup | str:
    found = begun_placements(viewer, learner.round_id, today())
    lines = list(db.session.scalars(found.where(PublicationLine.record_id == learner.record_id)))
    if not lines:
        return ""
    requirements = [line.requirement_id for line in lines]
    recorded = outcomes_of(db.session, requirements)
    html = render_template(
        "components/learner_outcomes.html",
        learner=learner,
        lines=lines,
        recorded=recorded,
        feedback=feedback_of(db.session, viewer, requirements),
        outcome_words=OUTCOME_WORDS,
        days_expected=days_expected,
        why={key: reason_words(viewer, row) for key, row in recorded.items()},
        by={key: recorded_by(row) for key, row in recorded.items()},
    )
    return Markup(html)  # noqa: S704 - a template's own answer


sections.register(sections.Section("How placements went", 30, Action.SEE_OUTCOMES, _section))
