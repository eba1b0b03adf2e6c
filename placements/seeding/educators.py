"""The demo's practice educators: some by name in each trust, shared, away and lapsing as in life."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from placements.access import Role, Viewer
from placements.accounts.models import Person
from placements.accounts.service import viewer_of
from placements.educators.service import (
    EducatorDetails,
    NewAbsence,
    Served,
    agree_sharing,
    create_educator,
    record_absence,
)
from placements.extensions import db
from placements.organisations.models import Department, Site, Trust

ALL_WEEK = [0, 1, 2, 3, 4]
# Of the educators who are only drawn, this share has a week's leave while learners are there.
ON_LEAVE = 0.5


def name_educators(settings: dict[str, Any], today: date, first_week: date) -> None:
    """Add those whom the settings name, and in every other trust some of one department. `first_week` is the
    Monday from which weeks away are counted."""
    random = Random(settings["seed"] + 3)  # noqa: S311 - a demo, not a secret
    departments = {
        f"{row.site.name}: {row.modality.key}": row
        for row in db.session.scalars(
            select(Department)
            .options(joinedload(Department.site).joinedload(Site.trust), joinedload(Department.modality))
            .order_by(Department.id)
        )
    }
    trusts = {row.ods: row.id for row in db.session.scalars(select(Trust).order_by(Trust.id))}
    for row in settings["educators"]:
        _add(row, trusts, departments, today, first_week)
    named = {row["trust"] for row in settings["educators"]}
    for row in _drawn(settings["drawn_educators"], departments, named, random):
        _add(row, trusts, departments, today, first_week)


def _add(
    row: dict[str, Any],
    trusts: dict[str, int],
    departments: dict[str, Department],
    today: date,
    first_week: date,
) -> None:
    """One educator, entered by their keeper, with the answers of those who were asked and their leave."""
    keeper = _viewer(row["trust"], trusts, Role.PRACTICE_EDUCATOR)
    remote = set(row.get("from_afar", ()))
    served = [*row["departments"], *(name for name in row.get("from_afar", ()))]
    ends = row.get("accredited_for_days")
    made = create_educator(
        keeper,
        EducatorDetails(
            name=row["name"],
            wte=Decimal(str(row["wte"])),
            departments=tuple(Served(departments[name].id, name in remote) for name in served),
            days=tuple(row.get("days", ALL_WEEK)),
            most_at_once=row.get("most"),
            accreditation="PEAS" if ends is not None else "",
            accredited_until=None if ends is None else today + timedelta(days=ends),
            supervises=tuple((group, None) for group in row.get("learners", ())),
        ),
    )
    educator_id = made.id
    asked = {name: (departments[name].id, departments[name].site) for name in row.get("agreed", ())}
    for department_id, site in asked.values():
        where = "academy" if site.kind == "academy" else site.trust.ods
        agree_sharing(
            _viewer(where, trusts, Role.TRUST_EDUCATION_LEAD), educator_id, department_id, answer="agree"
        )
    for week, days, kind in row.get("away", ()):
        first = first_week + timedelta(weeks=week)
        record_absence(keeper, educator_id, NewAbsence(first, first + timedelta(days=days - 1), kind))


def _drawn(
    wanted: dict[str, Any], departments: dict[str, Department], named: set[str], random: Random
) -> list[dict[str, Any]]:
    """The educators of one department of every trust that the settings do not name."""
    names = list(wanted["names"])
    random.shuffle(names)
    found = []
    done = set(named)
    for name, department in departments.items():
        ods, kind = department.site.trust.ods, department.site.kind
        if ods in done or department.modality.key != wanted["modality"] or kind not in wanted["wte"]:
            continue
        done.add(ods)
        for wte in wanted["wte"][kind]:
            is_away = random.random() < ON_LEAVE
            week = random.randrange(wanted["weeks"])
            found.append(
                {
                    "trust": ods,
                    "name": names.pop(),
                    "wte": wte,
                    "departments": [name],
                    "accredited_for_days": 365 * random.randint(1, 3),
                    "away": [(week, 5, "leave")] if is_away else [],
                }
            )
    return found


def _viewer(where: str, trusts: dict[str, int], role: Role) -> Viewer:
    people = select(Person).order_by(Person.id).limit(1)
    if where == "academy":
        return viewer_of(db.session.scalars(people.filter_by(role=Role.ACADEMY_LEAD.value)).one())
    return viewer_of(db.session.scalars(people.filter_by(role=role.value, trust_id=trusts[where])).one())
