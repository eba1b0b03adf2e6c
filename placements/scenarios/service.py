"""What can be done with runs."""

import hashlib
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer
from placements.clock import now_utc
from placements.errors import Refused
from placements.rounds import queries as rounds
from placements.scenarios import queries
from placements.scenarios.models import Run, Scenario
from placements.scenarios.snapshot import Standing, default_policy, freeze, repair_policy
from placements.states import RUN
from placements.tasks import queue
from placements.transaction import transaction, violates

FIRST_SCENARIO = "Round's policy"
REPAIR = "Fewest moves since the last version"
UNDER_WAY = "A run of this round is already under way. Wait for it to end, or cancel it, then start again."


def start_run(viewer: Viewer, round_id: int, *, standing: Mapping[int, Standing] | None = None) -> Run:
    """Freeze the round's data and queue a run of it; one a round at a time. With `standing` (where each
    published requirement is, by its id) it is a repair: fewest moves from there.

    Raises Refused where a run is under way, where no cohort has been submitted, or where no department has
    submitted any place.
    """
    try:
        with transaction(viewer, Action.START_RUN) as tx:
            round_ = rounds.round_by_id(tx.session, viewer, round_id)
            if round_.state == "draft":
                raise Refused("Open the round before you run the match.")
            if queries.run_under_way(tx.session, round_id) is not None:
                raise Refused(UNDER_WAY)
            name = FIRST_SCENARIO if standing is None else REPAIR
            scenario = tx.session.scalar(
                select(Scenario).where(Scenario.round_id == round_id, Scenario.name == name)
            )
            if scenario is None:
                policy = default_policy() if standing is None else repair_policy()
                scenario = Scenario(round=round_, name=name, policy=policy)
                tx.session.add(scenario)
            frozen = freeze(tx.session, round_, standing)
            run = Run(
                scenario=scenario,
                round=round_,
                requested_utc=now_utc(),
                requested_by_id=viewer.person_id,
                snapshot=frozen.problem_json,
                snapshot_hash=hashlib.sha256(frozen.problem_json.encode()).hexdigest(),
                uploaded_travel=frozen.uploaded_travel,
                policy=scenario.policy,
            )
            tx.session.add(run)
            tx.note(run, requirements=frozen.requirements, offers=frozen.offers)
            run_id = run.id
            tx.afterwards(lambda: queue("perform_run", run_id=run_id))
    except IntegrityError as error:
        if violates(error, "uq_run_one_under_way", "run.round_id"):
            raise Refused(UNDER_WAY) from None
        raise
    return run


def cancel_run(viewer: Viewer, run_id: int) -> Run:
    """Ask a run to stop: at once where it has not begun, else at the solver's next step."""
    with transaction(viewer, Action.CANCEL_RUN) as tx:
        run = queries.run_by_id(tx.session, viewer, run_id)
        RUN.move(run.state, "cancel")
        run.cancel_requested = True
        if run.state == "queued":
            run.state = RUN.move(run.state, "cancel")
            run.finished_utc = now_utc()
        tx.note(run)
    return run
