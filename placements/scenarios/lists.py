"""A round's scenarios as their pages say them: last runs, what differs from the round's own, the steps."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

import matching
from placements.access import Viewer
from placements.errors import Refused
from placements.scenarios import policies, policy_words, queries
from placements.scenarios.locks import locks_in_force_by_scenario
from placements.scenarios.models import Run, Scenario


@dataclass(frozen=True)
class ScenarioLine:
    """A scenario in its round's list: how it differs from the round's own, its locks, its runs."""

    scenario: Scenario
    changes: list[str]
    locks: int
    last: Run | None
    under_way: Run | None


def scenario_lines(session: Session, viewer: Viewer, round_id: int) -> list[ScenarioLine]:
    """A round's scenarios, its own first, each with its last finished run and the one under way."""
    found = queries.scenarios_of_round(session, viewer, round_id)
    own = own_policy(found)
    newest = select(func.max(Run.id)).where(Run.round_id == round_id, Run.state == "finished")
    last = _by_scenario(session, viewer, Run.id.in_(newest.group_by(Run.scenario_id)))
    busy = Run.state.in_(("queued", "running"))
    under_way = _by_scenario(session, viewer, (Run.round_id == round_id) & busy)
    locks = locks_in_force_by_scenario(session, viewer, round_id)
    return [
        ScenarioLine(
            row,
            [] if row.is_default else policy_words.changes_of_json(row.policy, own),
            locks.get(row.id, 0) + locks.get(None, 0),
            last.get(row.id),
            under_way.get(row.id),
        )
        for row in found
    ]


def own_policy(found: list[Scenario]) -> str:
    """The policy of the round's own scenario, which is the usual one until somebody sets it."""
    return next((row.policy for row in found if row.is_default), policy_words.usual_json())


def changes_of(session: Session, viewer: Viewer, scenario: Scenario) -> list[str]:
    """How a scenario's policy differs from its round's own, in sentences; the round's own from the usual."""
    if scenario.is_default:
        return policy_words.changes_of_json(scenario.policy, policy_words.usual_json())
    own = own_policy(queries.scenarios_of_round(session, viewer, scenario.round_id))
    return policy_words.changes_of_json(scenario.policy, own)


def changes_of_run(session: Session, viewer: Viewer, run: Run) -> list[str]:
    """How the policy that a run kept differs from the round's own as it is now, in sentences."""
    own = own_policy(queries.scenarios_of_round(session, viewer, run.round_id))
    return policy_words.changes_of_json(run.policy, own)


def steps_of(policy_json: str) -> list[str]:
    """What a policy aims for, a line a step."""
    return policy_words.steps(matching.Policy.from_json(policy_json))


def effects_of(draft: policies.Draft) -> Mapping[str, str]:
    """What each weight of a draft amounts to; nothing while it cannot be read."""
    try:
        return policy_words.effects(matching.Policy.from_json(policies.policy_of(draft)))
    except Refused:
        return {}


def changes_from_typed(draft: policies.Draft, policy_json: str) -> list[str]:
    """How a kept policy differs from what is typed; nothing while that cannot be read."""
    try:
        return policy_words.changes_of_json(policy_json, policies.policy_of(draft))
    except Refused:
        return []


def _by_scenario(session: Session, viewer: Viewer, which: ColumnElement[bool]) -> dict[int, Run]:
    runs = session.scalars(queries.visible_runs(viewer).where(which))
    return {run.scenario_id: run for run in runs}
