"""The demo's learners who are not as the plan has them: one of each kind, in a cohort that is then submitted
again."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from placements.access import Viewer
from placements.cohorts.models import Cohort, Learner
from placements.cohorts.service import submit_cohort
from placements.extensions import db
from placements.learners.companions import save_companions
from placements.learners.contacts import save_contact
from placements.learners.details import LearnerDetails, details_of
from placements.learners.interruptions import NewInterruption, record_interruption
from placements.learners.queries import in_order
from placements.learners.requirements import RequirementDetails, save_requirement
from placements.learners.service import create_learner, save_learner, save_preferences
from placements.organisations.models import AccessNeed, Hei, Site


def vary_learners(settings: dict[str, Any], officer: Viewer, round_id: int) -> None:
    """Give the learners of one cohort, by their place in it, what `[learners]` of the settings says."""
    said = settings["learners"]
    cohort = db.session.scalars(
        select(Cohort)
        .join(Cohort.programme)
        .join(Cohort.stage)
        .where(Cohort.round_id == round_id, Cohort.programme.has(name=said["programme"]))
        .where(Cohort.programme.has(hei_id=officer.hei_id), Cohort.stage.has(key=said["stage"]))
    ).one()
    cohort_id, first_week = cohort.id, cohort.round.first_week
    for row in said["changes"]:
        details = dict(row)
        learner = _learner(cohort_id, details.pop("number"))
        save_learner(
            officer,
            learner.id,
            version=learner.version,
            details=LearnerDetails(**vars(details_of(learner)) | _details(details)),
        )
    for row in said["preferences"]:
        learner = _learner(cohort_id, row["number"])
        sites = [_site(name).id for name in row["sites"]]
        save_preferences(officer, learner.id, version=learner.version, site_ids=sites)
    for row in said["companions"]:
        learner, *others = [_learner(cohort_id, number) for number in row["numbers"]]
        save_companions(
            officer,
            learner.id,
            version=learner.version,
            kind=row["kind"],
            references=[other.reference for other in others],
        )
    for row in said["exempt"]:
        learner = _learner(cohort_id, row["number"])
        save_requirement(
            officer,
            learner.id,
            in_order(learner)[-1].id,
            version=learner.version,
            details=RequirementDetails(is_needed=False, reason=row["reason"]),
        )
    for row in said["contacts"]:
        learner = _learner(cohort_id, row["number"])
        save_contact(officer, learner.id, version=0, name=row["name"], email=row["email"])
    for row in said["interruptions"]:
        learner = _learner(cohort_id, row["number"])
        record_interruption(officer, learner.id, version=learner.version, new=_interruption(row, first_week))
    late = said["late_joiner"]
    create_learner(
        officer,
        cohort_id,
        reference=late["reference"],
        details=LearnerDetails(postcode=late["postcode"], travel_mode=late["travel_mode"]),
    )
    db.session.expire_all()
    submit_cohort(officer, cohort_id, version=db.session.get_one(Cohort, cohort_id).version)


def _learner(cohort_id: int, number: int) -> Learner:
    """A cohort's learner by their place in the order of references, 1 the first, as saved now."""
    db.session.expire_all()
    return db.session.scalars(
        select(Learner)
        .where(Learner.cohort_id == cohort_id)
        .order_by(Learner.reference)
        .offset(number - 1)
        .limit(1)
    ).one()


def _details(said: dict[str, Any]) -> dict[str, Any]:
    """What the settings say, with sites and access needs by id."""
    found = dict(said)
    if "access_needs" in found:
        keys = found["access_needs"]
        found["access_needs"] = frozenset(
            db.session.scalars(select(AccessNeed.id).where(AccessNeed.key.in_(keys)))
        )
    if "exclusions" in found:
        found["exclusions"] = frozenset(_site(name).id for name in found["exclusions"])
    if "earlier_sites" in found:
        found["earlier_sites"] = frozenset((_site(name).id, 1) for name in found["earlier_sites"])
    return found


def _interruption(row: dict[str, Any], first_week: date) -> NewInterruption:
    first_day = first_week + timedelta(weeks=row["from_week"])
    weeks = row.get("weeks")
    last_day = first_day + timedelta(weeks=weeks, days=-3) if weeks else None
    return NewInterruption(row["kind"], first_day, last_day)


def _site(name: str) -> Site:
    return db.session.scalars(select(Site).where(Site.name == name)).one()


def hei_of(settings: dict[str, Any]) -> int:
    """The HEI whose learners are varied, by id."""
    return db.session.scalars(select(Hei.id).where(Hei.name == settings["learners"]["hei"])).one()
