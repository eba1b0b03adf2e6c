"""The demo's private links: one cohort's learners have them, some have opened theirs and ranked sites."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from sqlalchemy import select

from placements.access import Viewer
from placements.cohorts.models import Cohort
from placements.extensions import db
from placements.learner_pages.links import invite_cohort, invited_by, viewer_of
from placements.learner_pages.preferences import may_rank, own_learner, save_preferences, sites_in_reach
from placements.organisations.models import Hei, Programme


def open_own_pages(
    settings: dict[str, Any], round_id: int, officer_of: Callable[[int], Viewer], random: Random
) -> None:
    """Make the links of the first cohort of the HEI that `settings["own_pages"]` names, and let `visits` of
    its learners open theirs and rank `ranked` sites near them."""
    wanted = settings["own_pages"]
    cohort = db.session.scalars(
        select(Cohort)
        .join(Cohort.programme)
        .join(Programme.hei)
        .where(Cohort.round_id == round_id, Hei.name == wanted["hei"])
        .order_by(Cohort.id)
    ).first()
    if cohort is None:
        return
    made = invite_cohort(officer_of(cohort.programme.hei_id), cohort.id)
    for one in random.sample(made, min(wanted["visits"], len(made))):
        link = invited_by(db.session, one.secret)
        if link is None:
            continue
        guest = viewer_of(link)
        learner = own_learner(db.session, guest)
        near = sites_in_reach(db.session, learner)[: 2 * wanted["ranked"]]
        if near and may_rank(learner.cohort.round, link.created_utc.date()):
            ranked = random.sample(near, min(wanted["ranked"], len(near)))
            save_preferences(guest, [row.site.id for row in ranked], version=learner.version)
