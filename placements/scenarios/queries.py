"""Reads about runs and what they propose. Runs are the academy's alone until something is published."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, false, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from placements.access import Role, Viewer
from placements.capacity.models import Declaration
from placements.capacity.queries import offers
from placements.cohorts.models import Cohort, Learner, Requirement
from placements.errors import NotFound
from placements.organisations.models import Department, Programme, Site
from placements.rounds.models import Block, PlanLine, Rotation, Round
from placements.scenarios.models import Lock, Placing, Run, Scenario


def visible_runs(viewer: Viewer) -> Select[Run]:
    """An academy lead sees the runs of the network's rounds, the newest first; nobody else sees any."""
    runs = select(Run).join(Run.round).order_by(Run.id.desc())
    if viewer.role is Role.ACADEMY_LEAD:
        return runs.where(Round.network_id == viewer.network_id)
    return runs.where(false())


def runs_of_round(session: Session, viewer: Viewer, round_id: int) -> list[Run]:
    """The runs of a round with their scenarios, the newest first."""
    return list(
        session.scalars(
            visible_runs(viewer).where(Run.round_id == round_id).options(joinedload(Run.scenario))
        )
    )


def run_by_id(session: Session, viewer: Viewer, run_id: int) -> Run:
    """One run with its round; raises NotFound where there is none that this person may see."""
    found = session.scalar(
        visible_runs(viewer).where(Run.id == run_id).options(joinedload(Run.round), joinedload(Run.scenario))
    )
    if found is None:
        raise NotFound("There is no such run.")
    return found


def run_under_way(session: Session, scenario_id: int) -> Run | None:
    """The scenario's queued or running run, of which the database allows one."""
    return session.scalar(
        select(Run).where(Run.scenario_id == scenario_id, Run.state.in_(("queued", "running")))
    )


def scenario_of_round(session: Session, viewer: Viewer, round_id: int, scenario_id: int) -> Scenario:
    """One of a round's scenarios; raises NotFound where there is none that this person may see."""
    found = session.scalar(
        visible_scenarios(viewer).where(Scenario.round_id == round_id, Scenario.id == scenario_id)
    )
    if found is None:
        raise NotFound("There is no such scenario.")
    return found


def scenario_by_id(session: Session, viewer: Viewer, scenario_id: int) -> Scenario:
    """One scenario with its round; raises NotFound where there is none that this person may see."""
    found = session.scalar(
        visible_scenarios(viewer).where(Scenario.id == scenario_id).options(joinedload(Scenario.round))
    )
    if found is None:
        raise NotFound("There is no such scenario.")
    return found


def scenarios_of_round(session: Session, viewer: Viewer, round_id: int) -> list[Scenario]:
    """A round's scenarios, its own first."""
    return list(session.scalars(visible_scenarios(viewer).where(Scenario.round_id == round_id)))


def own_scenario(session: Session, round_id: int) -> Scenario | None:
    """A round's own scenario, whoever asks; None until somebody has set it or run the match."""
    return session.scalar(select(Scenario).where(Scenario.round_id == round_id, Scenario.is_default))


def visible_scenarios(viewer: Viewer) -> Select[Scenario]:
    """An academy lead sees the scenarios of the network's rounds, the round's own first; nobody else any."""
    scenarios = select(Scenario).join(Scenario.round).order_by(Scenario.is_default.desc(), Scenario.id)
    if viewer.role is Role.ACADEMY_LEAD:
        return scenarios.where(Round.network_id == viewer.network_id)
    return scenarios.where(false())


def locks_in_force(session: Session, round_id: int, scenario_id: int | None) -> list[Lock]:
    """The locks that hold in a scenario: its own and the round's, none of them lifted."""
    return list(
        session.scalars(
            select(Lock)
            .where(
                Lock.round_id == round_id,
                Lock.lifted_utc.is_(None),
                or_(Lock.scenario_id.is_(None), Lock.scenario_id == scenario_id),
            )
            .order_by(Lock.id)
        )
    )


def frozen_utc(session: Session, run: Run) -> datetime:
    """When the data of a run were frozen: one that goes on from another run has that one's."""
    while run.parent_id is not None:
        run = session.get_one(Run, run.parent_id)
    return run.requested_utc


def latest_finished_run(session: Session, round_id: int) -> Run | None:
    """The newest run that ended with a verified result."""
    return session.scalar(
        select(Run).where(Run.round_id == round_id, Run.state == "finished").order_by(Run.id.desc()).limit(1)
    )


@dataclass(frozen=True)
class Inputs:
    """What a run that began now would use, and what is still a draft and would be left out."""

    cohorts: int
    draft_cohorts: int
    learners: int
    departments: int
    waiting_departments: int


def inputs_of_round(session: Session, round_id: int) -> Inputs:
    """Counts of what has been submitted to a round; the caller has been let see it."""
    cohorts = _by_state(
        session,
        select(Cohort.state, func.count()).where(Cohort.round_id == round_id).group_by(Cohort.state),
    )
    declarations = _by_state(
        session,
        select(Declaration.state, func.count())
        .where(Declaration.round_id == round_id)
        .group_by(Declaration.state),
    )
    learners = session.scalar(
        select(func.count(Learner.id))
        .join(Learner.cohort)
        .where(Cohort.round_id == round_id, Cohort.state == "submitted")
    )
    return Inputs(
        cohorts=cohorts.get("submitted", 0),
        draft_cohorts=cohorts.get("draft", 0),
        learners=learners or 0,
        departments=len(offers(session, round_id)),
        waiting_departments=sum(declarations.get(state, 0) for state in ("draft", "submitted", "returned")),
    )


def _by_state(session: Session, rows: Select[str, int]) -> dict[str, int]:
    return {state: number for state, number in session.execute(rows)}  # noqa: C416 - a type checker takes rows for no pairs


def blocks_of_round(session: Session, round_id: int) -> list[Block]:
    """A round's blocks in order; the caller has been let see it."""
    return list(
        session.scalars(
            select(Block).where(Block.round_id == round_id).order_by(Block.first_week, Block.name)
        )
    )


def visible_placings(viewer: Viewer) -> Select[Placing]:
    """The placings of the runs that this person sees, with all that a page says of each."""
    return (
        select(Placing)
        .join(Placing.requirement)
        .join(Requirement.learner)
        .join(Learner.cohort)
        .where(Placing.run_id.in_(visible_runs(viewer).with_only_columns(Run.id).order_by(None)))
        .options(
            joinedload(Placing.run),
            joinedload(Placing.block),
            joinedload(Placing.requirement).options(
                joinedload(Requirement.block),
                joinedload(Requirement.plan_line).options(
                    selectinload(PlanLine.modalities),
                    joinedload(PlanLine.rotation).selectinload(Rotation.blocks),
                ),
                selectinload(Requirement.own_modalities),
                joinedload(Requirement.learner).options(
                    joinedload(Learner.hei),
                    joinedload(Learner.cohort).options(
                        joinedload(Cohort.stage), joinedload(Cohort.programme).joinedload(Programme.hei)
                    ),
                ),
            ),
            joinedload(Placing.department).options(
                joinedload(Department.modality), joinedload(Department.site).joinedload(Site.trust)
            ),
        )
    )


def placing_by_id(session: Session, viewer: Viewer, placing_id: int) -> Placing:
    """One placing; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_placings(viewer).where(Placing.id == placing_id))
    if found is None:
        raise NotFound("There is no such placing.")
    return found


def departments_by_id(session: Session, ids: Iterable[int]) -> dict[int, Department]:
    """Departments with site and modality, for naming them; the caller has been let see their ids."""
    rows = session.scalars(
        select(Department)
        .where(Department.id.in_(list(ids)))
        .options(joinedload(Department.site), joinedload(Department.modality))
    )
    return {row.id: row for row in rows}


def sites_by_id(session: Session, ids: Iterable[int]) -> dict[int, Site]:
    """Sites, for naming them."""
    return {row.id: row for row in session.scalars(select(Site).where(Site.id.in_(list(ids))))}


def references_by_requirement(session: Session, viewer: Viewer, ids: Iterable[int]) -> dict[int, Learner]:
    """The learners behind requirements, for naming who competes; only for those who see runs."""
    if viewer.role is not Role.ACADEMY_LEAD:
        return {}
    rows = session.execute(
        select(Requirement.id, Learner)
        .join(Requirement.learner)
        .join(Learner.cohort)
        .join(Cohort.round)
        .where(Requirement.id.in_(list(ids)), Round.network_id == viewer.network_id)
        .options(joinedload(Learner.hei))
    )
    return {requirement_id: learner for requirement_id, learner in rows}  # noqa: C416 - a type checker takes rows for no pairs
