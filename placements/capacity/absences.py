"""What an educator's absence does to effective places, told on the educators' pages before it is recorded."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.capacity import queries, storing
from placements.educators.effects import Change, register
from placements.educators.models import Absence, Educator
from placements.educators.queries import is_agreed, wte_in
from placements.organisations.models import Department
from placements.organisations.queries import visible_departments
from placements.rounds.queries import rounds


def places_lost(session: Session, viewer: Viewer, educator: Educator, absence: Absence) -> list[Change]:
    """The departments that the person sees and weeks of rounds in which the absence changes the effective
    places of what is declared (drafts as they stand)."""
    ids = [place.department_id for place in educator.departments if is_agreed(educator, place)]
    departments = list(session.scalars(visible_departments(viewer).where(Department.id.in_(ids))).unique())
    found = []
    for round_ in rounds(session, viewer):
        last_day = round_.last_week + timedelta(days=6)
        if not departments or absence.first_day > last_day or absence.last_day < round_.first_week:
            continue
        limits = queries.limits_of(session, round_, departments)
        wte = tuple(wte_in(educator, week, absence) for week in limits.weeks)
        without = replace(
            limits,
            supervisors={
                department_id: [
                    replace(supervisor, wte=wte) if supervisor.id == educator.id else supervisor
                    for supervisor in supervisors
                ]
                for department_id, supervisors in limits.supervisors.items()
            },
        )
        declared = queries.declarations_of(session, viewer, round_.id, ids)
        contents = storing.contents(session, [row.id for row in declared.values()])
        for department in departments:
            if department.id in declared:
                content = contents[declared[department.id].id]
                before = limits.effective(department, content)
                after = without.effective(department, content)
                found += [
                    Change(department.name, week, before[week].places, after[week].places)
                    for week in limits.weeks
                    if before[week].places != after[week].places
                ]
    return found


register("effective places", places_lost)
