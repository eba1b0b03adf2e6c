"""What can be done with scenarios: make one after another, set its policy, name it, remove it."""

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.audit import queries as audit
from placements.errors import Refused, Stale
from placements.rounds import queries as rounds
from placements.scenarios import marks, queries
from placements.scenarios.models import Lock, Placing, Run, Scenario, Snapshot
from placements.scenarios.policy_words import changes_of_json
from placements.scenarios.service import default_scenario
from placements.transaction import transaction, violates
from placements.web.formats import moment

LONGEST_NAME = 100
LONGEST_NOTE = 1_000
NAME_TAKEN = "Another scenario of this round has this name. Give this one a name of its own."


def begin_own_scenario(viewer: Viewer, round_id: int) -> Scenario:
    """The round's own scenario, kept with the usual policy where nobody has touched it yet."""
    with transaction(viewer, Action.SAVE_SCENARIO) as tx:
        scenario = default_scenario(tx.session, rounds.round_by_id(tx.session, viewer, round_id))
        tx.note(scenario, name=scenario.name)
    return scenario


def create_scenario(
    viewer: Viewer, round_id: int, *, name: str, note: str = "", copy_of: int | None = None
) -> Scenario:
    """A new scenario with the policy and the locks of another, or of the round's own where none is named.

    Raises Refused naming `name` or `note` where they are wrong, NotFound where there is none to copy.
    """
    name, note = _named(name, note)
    try:
        with transaction(viewer, Action.SAVE_SCENARIO) as tx:
            session = tx.session
            round_ = rounds.round_by_id(session, viewer, round_id)
            own = default_scenario(session, round_)
            source = own
            if copy_of is not None:
                source = queries.scenario_of_round(session, viewer, round_id, copy_of)
            made = Scenario(round=round_, name=name, note=note, policy=source.policy)
            session.add(made)
            session.flush()
            copied = _copy_locks(session, source, made)
            tx.note(made, name=name, copy_of=source.name, locks=copied)
    except IntegrityError as error:
        raise _refused_name(error) from None
    return made


def save_policy(viewer: Viewer, scenario_id: int, *, version: int, policy: str) -> Scenario:
    """Set a scenario's policy, the engine's own JSON as `policies.policy_of` gives it. Runs keep theirs.

    Raises Stale, saying who and when, where it was changed since `version`.
    """
    with transaction(viewer, Action.SAVE_SCENARIO) as tx:
        scenario = queries.scenario_by_id(tx.session, viewer, scenario_id)
        _check_version(tx.session, scenario, version)
        changed = changes_of_json(policy, scenario.policy)
        scenario.policy = policy
        tx.note(scenario, name=scenario.name, changed=changed)
    return scenario


def rename_scenario(viewer: Viewer, scenario_id: int, *, version: int, name: str, note: str) -> Scenario:
    """Give a scenario another name and note. Raises as `create_scenario` and `save_policy` do."""
    name, note = _named(name, note)
    try:
        with transaction(viewer, Action.SAVE_SCENARIO) as tx:
            scenario = queries.scenario_by_id(tx.session, viewer, scenario_id)
            _check_version(tx.session, scenario, version)
            before, scenario.name, scenario.note = scenario.name, name, note
            tx.note(scenario, name=name, before=before)
    except IntegrityError as error:
        raise _refused_name(error) from None
    return scenario


def remove_scenario(viewer: Viewer, scenario_id: int) -> str:
    """Remove a scenario with its locks and its runs; gives its name. Raises Refused for the round's own, and
    where a run of it is under way or is used, such as adopted or published."""
    try:
        with transaction(viewer, Action.REMOVE_SCENARIO) as tx:
            session = tx.session
            scenario = queries.scenario_by_id(session, viewer, scenario_id)
            name = scenario.name
            if reason := why_kept(session, viewer, scenario):
                raise Refused(reason)
            runs = list(session.scalars(select(Run).where(Run.scenario_id == scenario_id)))
            tx.note(scenario, name=name, runs=len(runs))
            ids, snapshots = [run.id for run in runs], {run.snapshot_id for run in runs}
            session.execute(delete(Placing).where(Placing.run_id.in_(ids)))
            session.execute(delete(Run).where(Run.id.in_(ids)))
            session.execute(delete(Lock).where(Lock.scenario_id == scenario_id))
            session.delete(scenario)
            session.flush()
            still_used = exists().where(Run.snapshot_id == Snapshot.id)
            session.execute(delete(Snapshot).where(Snapshot.id.in_(snapshots), ~still_used))
    except IntegrityError:
        raise Refused(
            "This scenario cannot be removed: something that stays in the record came of one of its runs."
        ) from None
    return name


def why_kept(session: Session, viewer: Viewer, scenario: Scenario) -> str:
    """Why a scenario cannot be removed, in words; "" where it can."""
    if scenario.is_default:
        return "This is the round’s own scenario: others are compared with it, so it stays."
    used = marks.marks_of_round(session, viewer, scenario.round_id)
    runs = session.execute(select(Run.id, Run.state).where(Run.scenario_id == scenario.id).order_by(Run.id))
    for run_id, state in runs:
        if state in ("queued", "running"):
            return f"Run {run_id} of it is under way. Wait for it to end, or cancel it first."
        if run_id in used:
            words = "; ".join(used[run_id])
            return f"Run {run_id} of it is in use ({words[0].lower()}{words[1:]}), so the scenario stays."
    return ""


def _named(name: str, note: str) -> tuple[str, str]:
    name, note, fields = " ".join(name.split()), note.strip(), {}
    if not name:
        fields["name"] = "Enter a name, such as “Shorter journeys”"
    elif len(name) > LONGEST_NAME:
        fields["name"] = f"Use at most {LONGEST_NAME} characters"
    if len(note) > LONGEST_NOTE:
        fields["note"] = f"Use at most {LONGEST_NOTE:,} characters"
    if fields:
        raise Refused("The scenario was not saved. Put right what is marked.", fields)
    return name, note


def _refused_name(error: IntegrityError) -> Exception:
    if violates(error, "uq_scenario_round_id", "scenario.round_id, scenario.name"):
        return Refused(NAME_TAKEN, {"name": NAME_TAKEN})
    return error


def _check_version(session: Session, scenario: Scenario, version: int) -> None:
    if scenario.version == version:
        return
    entry = next(iter(audit.entries_about(session, "scenario", scenario.id)), None)
    who = f"{entry.person_name} changed it on {moment(entry.at_utc)}" if entry else "Somebody changed it"
    raise Stale(f"{who}, while you were working on it. Nothing of yours was saved yet.")


def _copy_locks(session: Session, source: Scenario, made: Scenario) -> int:
    """The source's own locks, with who made them and why; those of all scenarios hold in the new one too."""
    locks = session.scalars(
        select(Lock).where(Lock.scenario_id == source.id, Lock.lifted_utc.is_(None)).order_by(Lock.id)
    ).all()
    kept = "round_id requirement_id kind department_id site_id reason origin origin_id made_utc made_by_id"
    session.add_all(
        Lock(scenario_id=made.id, **{name: getattr(lock, name) for name in kept.split()}) for lock in locks
    )
    return len(locks)
