"""Locks that could not hold together in a run, in words: a smallest set, and what stands in the way."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.scenarios import queries
from placements.scenarios.models import Lock, Run
from placements.scenarios.policy_words import RULES, joined

DONE = {"pin": "pinned to", "ban": "banned from"}


@dataclass(frozen=True)
class ConflictLock:
    """One lock of a conflict: who is pinned or banned where, and the lock itself while it still holds."""

    words: str
    lock: Lock | None


@dataclass(frozen=True)
class ConflictWords:
    """Locks of which at least one must go: with any one of them lifted, the others can hold."""

    locks: list[ConflictLock]
    rules: str
    left_out: str


def conflicts_of_run(session: Session, viewer: Viewer, run: Run) -> list[ConflictWords]:
    """What could not hold together in a run; nothing where everything could."""
    found = run.summary.get("conflicts", [])
    rows = [row for conflict in found for row in conflict["locks"]]
    learners = queries.references_by_requirement(
        session, viewer, {row["requirement"] for row in rows} | {key for c in found for key in c["pinned"]}
    )
    departments = queries.departments_by_id(
        session, {row["place"] for row in rows if row["level"] == "department"}
    )
    sites = queries.sites_by_id(session, {row["place"] for row in rows if row["level"] == "site"})
    names = {("department", key): row.name for key, row in departments.items()}
    names |= {("site", key): row.name for key, row in sites.items()}
    in_force = queries.locks_in_force(session, run.round_id, run.scenario_id) if found else []
    held = {
        (lock.requirement_id, lock.kind, "site" if lock.site_id else "department", _place_id(lock)): lock
        for lock in in_force
    }

    def reference(key: int) -> str:
        return learners[key].reference if key in learners else "A learner who is no longer here"

    return [
        ConflictWords(
            locks=[
                ConflictLock(
                    f"{reference(row['requirement'])} is {DONE[row['kind']]}"
                    f" {names.get((row['level'], row['place']), 'a place that is no longer here')}",
                    held.get((row["requirement"], row["kind"], row["level"], row["place"])),
                )
                for row in conflict["locks"]
            ],
            rules=joined([RULES[rule][0].lower() for rule in conflict["rules"] if rule in RULES]),
            left_out=joined(sorted({reference(key) for key in conflict["pinned"]})),
        )
        for conflict in found
    ]


def _place_id(lock: Lock) -> int | None:
    return lock.site_id or lock.department_id
