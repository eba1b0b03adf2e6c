"""Why published learners moved, as far as locks, declarations, the runs' data and the places tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from placements.allocations import late_changes, why_moved
from placements.allocations.models import PublicationLine
from placements.allocations.why_moved import Moved, NextVersion, Why
from placements.organisations.models import Department
from placements.scenarios.frozen import key_of_lock, keys_of_run
from placements.scenarios.models import Lock, Run
from placements.scenarios.queries import frozen_utc
from placements.scenarios.ruled_out import ruled_out
from placements.scenarios.supervising import Stay

DECLINED = "The trust could not take this placement after all."
APPEALED = "The appeal against the place before was upheld."
BY_HAND = "The academy moved this placement."
PLACES_CHANGED = "The department changed how many places it offers."
# By the rule that refuses the place before. What an access need or a site to avoid is stays where it is
# recorded, and whoever is away, and why, is the trust's own.
RULED_OUT = {
    "exclusion": "The learner is now to avoid the site of the place before.",
    "access": "The site of the place before does not meet what the learner now needs.",
    "employer": "The learner is now to stay with the employing trust.",
    "travel_limit": "The place before is now beyond the learner's travel limit.",
    "supervision": "The department has less time for supervision in these weeks than it had.",
}
MADE_ROOM = "Another learner had to be placed there, and this placement could be moved."
MATCHED_AGAIN = "Places were matched again with newer figures."


def _by_lock(session: Session, version: NextVersion) -> Mapping[int, Why]:
    """Those whom a lock that the run was asked for with kept from where they were, or held where they are
    now; of several the one made last."""
    asked = keys_of_run(version.run)
    rows: dict[int, list[Lock]] = defaultdict(list)
    for lock in session.scalars(
        select(Lock)
        .where(
            Lock.round_id == version.round.id,
            Lock.made_utc <= version.run.requested_utc,
            or_(Lock.lifted_utc.is_(None), Lock.lifted_utc > version.run.requested_utc),
            or_(Lock.scenario_id.is_(None), Lock.scenario_id == version.run.scenario_id),
        )
        .order_by(Lock.id.desc())
    ):
        if key_of_lock(lock) in asked:
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
        return Why(APPEALED)
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
    """Those in whose weeks their department offers fewer places than when the version before was matched."""
    frozen = frozen_utc(session, version.run)
    cut: set[int] = set()
    for change in late_changes.since_run(session, version.viewer, version.earlier_run):
        if change.approved_utc <= frozen:
            cut |= change.cut
    return {row.requirement_id: Why(PLACES_CHANGED) for row in version.moved if row.requirement_id in cut}


def _by_figures(session: Session, version: NextVersion) -> Mapping[int, Why]:
    """Those for whom, by what the runs went by, the place before is not possible any more: for the learner's
    own reasons, or as supervision no longer suffices there, as when an educator is away."""
    left = [_stay(row.before) for row in version.moved if row.before.department_id is not None]
    there = [_stay(line) for line in version.lines if line.department_id is not None]
    rules = ruled_out(version.earlier_run, version.run, left, there)
    return {requirement_id: Why(RULED_OUT[rule]) for requirement_id, rule in rules.items()}


def _stay(line: PublicationLine) -> Stay:
    return Stay(line.requirement_id, line.department_id or 0, line.mondays)


def _by_others(session: Session, version: NextVersion) -> Mapping[int, Why]:
    """Those where somebody else is now in some of the same weeks, and those whom a move by hand took along;
    everybody else was matched again."""
    by_hand = _moved_by_hand(session, version.run)
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
        otherwise = BY_HAND if moved.requirement_id in by_hand else MATCHED_AGAIN
        found[moved.requirement_id] = Why(MADE_ROOM if made_room else otherwise)
    return found


def _moved_by_hand(session: Session, run: Run) -> set[int]:
    """The requirements that were moved by hand since a run's data were frozen."""
    found = set()
    while run.parent_id is not None:
        found |= {move[0] for move in run.settings.get("hand", {}).get("moves", ())}
        run = session.get_one(Run, run.parent_id)
    return found


why_moved.register("locks", _by_lock, order=60)
why_moved.register("places", _by_places, order=70)
why_moved.register("figures", _by_figures, order=80)
why_moved.register("others", _by_others, order=90)
