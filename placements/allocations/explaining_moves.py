"""Why published learners moved, as far as locks, declarations and the places themselves tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from placements.allocations import late_changes, why_moved
from placements.allocations.models import PublicationLine
from placements.allocations.why_moved import Moved, NextVersion, Why
from placements.organisations.models import Department
from placements.scenarios.models import Lock
from placements.scenarios.queries import frozen_utc

DECLINED = "The trust could not take this placement after all."
APPEALED = "An appeal was upheld."
BY_HAND = "The academy moved this placement."
PLACES_CHANGED = "The department changed how many places it offers."
MADE_ROOM = "Another learner had to be placed there, and this placement could be moved."
MATCHED_AGAIN = "Places were matched again with newer figures."


def _by_lock(session: Session, version: NextVersion) -> Mapping[int, Why]:
    """Those whom a lock of the run kept from where they were, or held where they are now."""
    rows: dict[int, list[Lock]] = defaultdict(list)
    for lock in session.scalars(
        select(Lock)
        .where(
            Lock.round_id == version.round.id,
            Lock.made_utc <= version.run.requested_utc,
            or_(Lock.lifted_utc.is_(None), Lock.lifted_utc > version.run.requested_utc),
            or_(Lock.scenario_id.is_(None), Lock.scenario_id == version.run.scenario_id),
        )
        .order_by(Lock.id)
    ):
        rows[lock.requirement_id].append(lock)
    concerned = [moved for moved in version.moved if moved.requirement_id in rows]
    sites = _sites(session, concerned)
    found = {}
    for moved in concerned:
        for lock in rows[moved.requirement_id]:
            was, now = (_is_at(lock, line.department_id, sites) for line in (moved.before, moved.after))
            if (lock.kind == "ban" and was) or (lock.kind == "pin" and now and not was):
                found[moved.requirement_id] = _of_lock(lock)
                break
    return found


def _of_lock(lock: Lock) -> Why:
    if lock.origin == "decline":
        return Why(DECLINED, lock.reason)
    if lock.origin == "appeal":
        return Why(APPEALED, lock.reason)
    return Why(BY_HAND, lock.reason)


def _is_at(lock: Lock, department_id: int | None, sites: Mapping[int, int]) -> bool:
    if department_id is None:
        return False
    return lock.department_id == department_id or (
        lock.site_id is not None and lock.site_id == sites.get(department_id)
    )


def _sites(session: Session, moved: list[Moved]) -> dict[int, int]:
    """The sites of the departments of these lines, by department's id."""
    ids = {line.department_id for row in moved for line in (row.before, row.after)}
    rows = session.execute(select(Department.id, Department.site_id).where(Department.id.in_(ids - {None})))
    return {department_id: site_id for department_id, site_id in rows}  # noqa: C416 - a type checker takes rows for no pairs


def _by_places(session: Session, version: NextVersion) -> Mapping[int, Why]:
    """Those whose department has other approved places than when the version before was matched."""
    frozen = frozen_utc(session, version.run)
    changed = {
        change.department.id
        for change in late_changes.since_run(session, version.viewer, version.earlier_run)
        if change.approved_utc <= frozen
    }
    return {
        moved.requirement_id: Why(PLACES_CHANGED)
        for moved in version.moved
        if moved.before.department_id in changed
    }


def _by_others(_session: Session, version: NextVersion) -> Mapping[int, Why]:
    """Those where somebody else is now in some of the same weeks; everybody else was matched again."""
    was_there = {(line.requirement_id, line.department_id, line.first_week) for line in version.earlier.lines}
    came: dict[int, list[PublicationLine]] = defaultdict(list)
    for line in version.lines:
        key = (line.requirement_id, line.department_id, line.first_week)
        if line.department_id is not None and key not in was_there:
            came[line.department_id].append(line)
    found = {}
    for moved in version.moved:
        weeks = set(moved.before.mondays)
        others = (
            line
            for line in came[moved.before.department_id or 0]
            if line.requirement_id != moved.requirement_id
        )
        made_room = any(weeks.intersection(line.mondays) for line in others)
        found[moved.requirement_id] = Why(MADE_ROOM if made_room else MATCHED_AGAIN)
    return found


why_moved.register("locks", _by_lock, order=60)
why_moved.register("places", _by_places, order=70)
why_moved.register("others", _by_others, order=90)
