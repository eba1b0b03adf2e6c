"""A run's kept result, checked again: has anybody changed it since it was recorded?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from placements.scenarios.frozen import policy_of_run, problem_of_run
from placements.scenarios.models import Placing, Run
from placements.scenarios.outcome import row_id

NOT_KEPT = "No result is kept of it that could be checked"
MOST_REMEMBERED = 32


@dataclass(frozen=True)
class _Checked:
    """What is wrong with a result, in words ("" where nothing is), and the department of each requirement."""

    wrong: str
    places: Mapping[int, int] = field(default_factory=dict)


# What the checker said of a snapshot, its locks, a policy and a result, by the digest of all four: a regional
# round takes seconds to check, and the same words have the same answer.
_said: dict[str, _Checked] = {}


def what_is_wrong(session: Session, run: Run) -> str:
    """What is wrong with a run's kept result, in words; "" where it passes the checker over the data it was
    matched on and the run's placings are the result's."""
    if run.result is None:
        return NOT_KEPT
    digest = hashlib.sha256(run.snapshot.problem.encode()).hexdigest()
    if digest != run.snapshot.digest:
        return "The frozen data that it was matched on were changed afterwards"
    words = "\n".join((digest, json.dumps(run.locks, sort_keys=True), run.policy, run.result))
    key = hashlib.sha256(words.encode()).hexdigest()
    if key not in _said:
        if len(_said) >= MOST_REMEMBERED:
            _said.clear()
        _said[key] = _check(run, run.result)
    checked = _said[key]
    if checked.wrong:
        return checked.wrong
    placings = session.execute(
        select(Placing.requirement_id, Placing.department_id).where(Placing.run_id == run.id)
    )
    if any(checked.places.get(requirement) != department for requirement, department in placings):
        return "The places shown are not those of its result"
    return ""


def _check(run: Run, text: str) -> _Checked:
    try:
        problem, policy = problem_of_run(run), policy_of_run(run)
        result = matching.Result.from_json(text)
        violations = matching.verify(problem, policy, result)
    except matching.EngineError as error:
        return _Checked(f"Its result cannot be read: {error}")
    if violations:
        return _Checked(f"The checker found {violations[0]}")
    return _Checked(
        "",
        {
            row_id(key): row_id(problem.offers[problem.offer_index[offer]].department)
            for key, offer in result.assignment.items()
        },
    )
