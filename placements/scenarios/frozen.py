"""A run's frozen data: kept once for all runs over the same, and put together again for the engine."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from placements.clock import now_utc
from placements.scenarios.models import Lock, Run, Snapshot


def keep(session: Session, problem_json: str, uploaded_travel: list[list[int]]) -> Snapshot:
    """The snapshot of these data, a new one where there is none yet; the caller commits."""
    digest = hashlib.sha256(problem_json.encode()).hexdigest()
    found = session.scalar(select(Snapshot).where(Snapshot.digest == digest))
    if found is None:
        found = Snapshot(
            digest=digest, taken_utc=now_utc(), problem=problem_json, uploaded_travel=uploaded_travel
        )
        session.add(found)
        session.flush()
    return found


def problem_of_run(run: Run) -> matching.Problem:
    """The very problem that a run solves or solved: its snapshot with its locks."""
    problem = matching.Problem.from_json(run.snapshot.problem)
    return dataclasses.replace(problem, locks=tuple(matching.Lock(**lock) for lock in run.locks))


def policy_of_run(run: Run) -> matching.Policy:
    """The policy that a run solves or solved by."""
    return matching.Policy.from_json(run.policy)


# A requirement, a site or department, and pin or ban, by the snapshot's keys.
LockKey = tuple[str, str, str]


def key_of_lock(lock: Lock) -> LockKey:
    """A lock as a run keeps it."""
    place = f"s{lock.site_id}" if lock.department_id is None else f"d{lock.department_id}"
    return f"r{lock.requirement_id}", place, lock.kind


def keys_of_run(run: Run) -> set[LockKey]:
    """The locks that a run was asked for with."""
    return {(lock["requirement"], lock["site_or_department"], lock["kind"]) for lock in run.locks}


def locks_by_key(problem: matching.Problem, locks: Iterable[Lock]) -> tuple[list[dict[str, str]], list[Lock]]:
    """Locks by the snapshot's keys, and the pins that cannot be said in it: to a department or site that
    offers nothing. Those of requirements that are not in it bind nobody and are left out, and so are bans of
    places that are not."""
    keys: list[dict[str, str]] = []
    lost: list[Lock] = []
    for lock in locks:
        requirement, place, _ = key_of_lock(lock)
        if requirement not in problem.requirement_index:
            continue
        if place in problem.site_index or place in problem.department_index:
            key = {"requirement": requirement, "site_or_department": place, "kind": lock.kind}
            # The same may be locked in the scenario and in all of the round's.
            if key not in keys:
                keys.append(key)
        elif lock.kind == "pin":
            lost.append(lock)
    return sorted(keys, key=lambda key: tuple(key.values())), lost


def as_json(locks: Sequence[matching.Lock]) -> list[dict[str, str]]:
    """The engine's locks as a run keeps them."""
    return [dataclasses.asdict(lock) for lock in locks]
