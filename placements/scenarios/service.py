"""What can be done with runs."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.clock import now_utc, today
from placements.errors import Refused
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.scenarios import queries
from placements.scenarios.frozen import keep, locks_by_key
from placements.scenarios.models import Lock, Run, Scenario
from placements.scenarios.published import published_without_place
from placements.scenarios.repairing import Wishes, settings_of
from placements.scenarios.snapshot import default_policy, freeze
from placements.states import RUN
from placements.tasks import queue
from placements.transaction import transaction, violates

FIRST_SCENARIO = "Round's policy"
UNDER_WAY = "A run of this scenario is already under way. Wait for it to end, or cancel it, then start again."

HAS_ENDED = "All blocks of this round have ended. What was published stays as it is."


def default_scenario(session: Session, round_: Round) -> Scenario:
    """The round's own scenario, made with the usual policy where there is none yet; the caller commits."""
    found = queries.own_scenario(session, round_.id)
    if found is None:
        found = Scenario(round=round_, name=FIRST_SCENARIO, policy=default_policy(), is_default=True)
        session.add(found)
        session.flush()
    return found


def start_run(
    viewer: Viewer, round_id: int, *, scenario_id: int | None = None, repair: Wishes | None = None
) -> Run:
    """Freeze the round's data and queue a run of a scenario (the round's own where none is named), one of
    each at a time. A `repair` goes from where the published learners are: fewest moves from there.

    Raises Refused where the round is published and over, where a run is under way, where no cohort has been
    submitted, where no department has submitted any place, or where a pin leads to a department that offers
    nothing.
    """
    try:
        with transaction(viewer, Action.START_RUN) as tx:
            round_ = rounds.round_by_id(tx.session, viewer, round_id)
            if round_.state == "draft":
                raise Refused("Open the round before you run the match.")
            if round_.is_finished(today()):
                raise Refused(HAS_ENDED)
            if scenario_id is None:
                scenario = default_scenario(tx.session, round_)
            else:
                scenario = queries.scenario_of_round(tx.session, viewer, round_id, scenario_id)
            if queries.run_under_way(tx.session, scenario.id) is not None:
                raise Refused(UNDER_WAY)
            frozen = freeze(tx.session, round_, keeps_proposed=repair is not None)
            without = set(repair.without_locks) if repair is not None else set[int]()
            in_force = queries.locks_in_force(tx.session, round_id, scenario.id)
            locks, lost = locks_by_key(frozen.problem, [row for row in in_force if row.id not in without])
            if lost:
                raise Refused(_lost_pin(lost[0]))
            run = Run(
                scenario=scenario,
                round=round_,
                kind="match" if repair is None else "repair",
                requested_utc=now_utc(),
                requested_by_id=viewer.person_id,
                snapshot=keep(tx.session, frozen.problem.to_json(), frozen.uploaded_travel),
                locks=locks,
                policy=scenario.policy,
            )
            if repair is not None:
                waiting = published_without_place(tx.session, round_id)
                run.settings = settings_of(frozen.problem, waiting, repair, today())
            tx.session.add(run)
            tx.note(
                run,
                requirements=len(frozen.problem.requirements),
                offers=len(frozen.problem.departments),
                locks=len(locks),
            )
            run_id = run.id
            tx.afterwards(lambda: queue("perform_run", run_id=run_id))
    except IntegrityError as error:
        if violates(error, "uq_run_one_under_way", "run.scenario_id"):
            raise Refused(UNDER_WAY) from None
        raise
    return run


def _lost_pin(lock: Lock) -> str:
    learner = lock.requirement.learner
    place = lock.department.name if lock.department else lock.site.name if lock.site else ""
    return (
        f"{learner.reference} of {learner.hei.name} is pinned to {place}, which has no approved place in this"
        " round. Lift the pin, or ask the trust to declare."
    )


def cancel_run(viewer: Viewer, run_id: int) -> Run:
    """Ask a run to stop: at once where it has not begun, else at its next step, with the best answer so
    far."""
    with transaction(viewer, Action.CANCEL_RUN) as tx:
        run = queries.run_by_id(tx.session, viewer, run_id)
        RUN.move(run.state, "cancel")
        run.cancel_requested = True
        if run.state == "queued":
            run.state = RUN.move(run.state, "cancel")
            run.finished_utc = now_utc()
        tx.note(run)
    return run
