"""The demo's workforce: what each trust's education lead returned on 1 April of the last two years."""

from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import select

from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.extensions import db
from placements.organisations.models import Trust
from placements.reports import queries
from placements.reports.service import Cell, WorkforceReturn, save_workforce

# Departments differ by up to this share from the usual of their kind; the year before had a little fewer.
SPREAD = 0.15
YEAR_BEFORE = 0.96


def return_workforce(settings: dict[str, Any], today: date) -> None:
    """Record both returns of every trust, as its education lead would."""
    random = Random(settings["seed"] + 2)  # noqa: S311 - a demo, not a secret
    last = date(today.year - (today < date(today.year, 4, 1)), 4, 1)
    for trust_id in db.session.scalars(select(Trust.id).order_by(Trust.id)).all():
        _return(settings["workforce"], trust_id, last, random)


def _return(usual: dict[str, Any], trust_id: int, last: date, random: Random) -> None:
    person = db.session.scalars(
        select(Person).filter_by(role="trust_education_lead", trust_id=trust_id).order_by(Person.id).limit(1)
    ).one()
    lead = viewer_of(person)
    professions = {row.key: row.id for row in queries.professions(db.session)}
    drawn: dict[Cell, float] = {}
    for department in db.session.scalars(queries.departments_of_trusts(lead, trust_id)).unique():
        for key, profession_id in professions.items():
            wte = usual.get(key, {}).get(department.modality.key, {}).get(department.site.kind, 0)
            drawn[department.id, profession_id] = wte * random.uniform(1 - SPREAD, 1 + SPREAD)
    for as_of, share in ((last.replace(year=last.year - 1), YEAR_BEFORE), (last, 1.0)):
        version = queries.version_of(queries.workforce_of_trust(db.session, lead, trust_id))
        told = {cell: _tenths(wte * share) for cell, wte in drawn.items()}
        save_workforce(lead, trust_id, WorkforceReturn(as_of, version, told))


def _tenths(wte: float) -> Decimal:
    return Decimal(round(wte * 10)) / 10
