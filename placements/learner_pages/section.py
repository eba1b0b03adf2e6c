"""A learner's private link, on the learner's page as the officer sees it."""

from __future__ import annotations

from flask import render_template
from markupsafe import Markup

from placements.access import Action, Viewer
from placements.clock import now_utc
from placements.cohorts.models import Learner
from placements.learner_pages.links import works
from placements.learners import sections


def _section(viewer: Viewer, learner: Learner) -> Markup | str:
    working = [link for link in learner.links if works(link, now_utc())]
    html = render_template("components/learner_link.html", learner=learner, link=next(iter(working), None))
    return Markup(html)  # noqa: S704 - a template's own answer


sections.register(sections.Section("Private link", 40, Action.INVITE_LEARNER, _section))
