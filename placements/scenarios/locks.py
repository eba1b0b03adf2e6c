"""Pins and bans: put on, lifted, and refused where they contradict one another.

`add_lock` works inside another part's transaction, as where a trust declines or an appeal is upheld;
`save_lock` and `lift_lock` are whole actions of an academy lead.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from placements.access import Action, Role, Viewer
from placements.accounts.models import Person
from placements.clock import now_utc
from placements.cohorts.models import Cohort, Learner, Requirement
from placements.errors import NotFound, Refused
from placements.organisations.models import Department, Icb, Site, Trust
from placements.rounds import queries as rounds
from placements.rounds.models import Round
from placements.scenarios.models import Lock, Scenario
from placements.transaction import Transaction, transaction

Kind = Literal["pin", "ban"]
Origin = Literal["lead", "decline", "appeal"]
MOST_LETTERS = 1_000


def visible_locks(viewer: Viewer) -> Select[Lock]:
    """An academy lead sees the locks of the network's rounds, lifted ones too; nobody else any."""
    locks = select(Lock).join(Round, Round.id == Lock.round_id)
    if viewer.role is Role.ACADEMY_LEAD:
        return locks.where(Round.network_id == viewer.network_id)
    return locks.where(false())


def lock_by_id(session: Session, viewer: Viewer, lock_id: int) -> Lock:
    """One lock; raises NotFound where there is none that this person may see."""
    found = session.scalar(visible_locks(viewer).where(Lock.id == lock_id))
    if found is None:
        raise NotFound("There is no such lock.")
    return found


@dataclass(frozen=True)
class LockLine:
    """A lock with the names of those who made and lifted it."""

    lock: Lock
    made_by: str
    lifted_by: str


def locks_of_scenario(session: Session, viewer: Viewer, scenario: Scenario) -> list[LockLine]:
    """A scenario's locks and those of all the round's, lifted ones last, each with learner and place."""
    maker, lifter = aliased(Person), aliased(Person)
    rows = session.execute(
        visible_locks(viewer)
        .where(
            Lock.round_id == scenario.round_id,
            or_(Lock.scenario_id.is_(None), Lock.scenario_id == scenario.id),
        )
        .outerjoin(maker, maker.id == Lock.made_by_id)
        .outerjoin(lifter, lifter.id == Lock.lifted_by_id)
        .add_columns(maker.name, lifter.name)
        .options(
            joinedload(Lock.requirement).options(
                joinedload(Requirement.block), joinedload(Requirement.learner).joinedload(Learner.hei)
            ),
            joinedload(Lock.site),
            joinedload(Lock.department).options(joinedload(Department.site), joinedload(Department.modality)),
        )
        .order_by(Lock.lifted_utc.is_not(None), Lock.id)
    )
    return [LockLine(lock, made_by or "the system", lifted_by or "") for lock, made_by, lifted_by in rows]


def locks_in_force_by_scenario(session: Session, viewer: Viewer, round_id: int) -> dict[int | None, int]:
    """How many locks hold in each of a round's scenarios alone, and (None) in all of them."""
    locks = visible_locks(viewer).where(Lock.round_id == round_id, Lock.lifted_utc.is_(None)).subquery()
    rows = session.execute(select(locks.c.scenario_id, func.count()).group_by(locks.c.scenario_id))
    return {scenario_id: number for scenario_id, number in rows}  # noqa: C416 - a type checker takes rows for no pairs


def save_lock(
    viewer: Viewer,
    *,
    round_id: int,
    scenario_id: int | None,
    requirement_id: int,
    kind: Kind,
    department_id: int | None = None,
    site_id: int | None = None,
    reason: str,
    origin: Origin = "lead",
    origin_id: int | None = None,
) -> Lock:
    """Pin a requirement to a department or site, or ban it from there, in one scenario or (None) in all of
    the round's. Raises Refused as `add_lock` does, and NotFound for what is not of the viewer's round."""
    with transaction(viewer, Action.SAVE_LOCK) as tx:
        rounds.round_by_id(tx.session, viewer, round_id)
        lock = add_lock(
            tx,
            round_id=round_id,
            scenario_id=scenario_id,
            requirement_id=requirement_id,
            kind=kind,
            department_id=department_id,
            site_id=site_id,
            reason=reason,
            origin=origin,
            origin_id=origin_id,
        )
        tx.note(lock, **facts(lock))
    return lock


def add_lock(
    tx: Transaction,
    *,
    round_id: int,
    scenario_id: int | None,
    requirement_id: int,
    kind: Kind,
    department_id: int | None = None,
    site_id: int | None = None,
    reason: str,
    origin: Origin = "lead",
    origin_id: int | None = None,
) -> Lock:
    """The same inside the caller's transaction; the caller has been let act on the round.

    Raises Refused where the reason is missing, where the very lock is there, where a pin leads elsewhere than
    another pin of the requirement, and where an academy lead's lock contradicts a ban or a pin of the very
    place. What a trust or a panel decided is kept even so: the next run says what cannot hold together.
    """
    reason = reason.strip()
    if not reason:
        raise _refused("reason", "Give a reason: it stays in the record and is shown beside the lock.")
    if len(reason) > MOST_LETTERS:
        raise _refused("reason", f"Shorten the reason to {MOST_LETTERS:,} letters or fewer.")
    if (department_id is None) == (site_id is None):
        raise _refused("place", "Choose a department or a whole site.")
    session = tx.session
    requirement = _requirement(session, round_id, requirement_id)
    if scenario_id is not None:
        _check_scenario(session, round_id, scenario_id)
    lock = Lock(
        round_id=round_id,
        scenario_id=scenario_id,
        requirement=requirement,
        kind=kind,
        department_id=department_id,
        site_id=site_id,
        reason=reason,
        origin=origin,
        origin_id=origin_id,
        made_utc=now_utc(),
        made_by_id=tx.viewer.person_id,
    )
    # Not yet in the session: what contradicts it is looked for first.
    with session.no_autoflush:
        lock.department, lock.site = _place(session, round_id, department_id, site_id)
        _check_against(lock, _in_force(session, round_id, scenario_id, requirement_id))
    session.add(lock)
    session.flush()
    return lock


def lift_lock(viewer: Viewer, lock_id: int) -> Lock:
    """End a lock; it stays in the record. Raises Refused where it has been lifted already."""
    with transaction(viewer, Action.LIFT_LOCK) as tx:
        lock = lock_by_id(tx.session, viewer, lock_id)
        end_lock(tx, lock)
        tx.note(lock, **facts(lock))
    return lock


def end_lock(tx: Transaction, lock: Lock) -> None:
    """The same inside the caller's transaction."""
    if lock.lifted_utc is not None:
        raise Refused("This lock has been lifted already.")
    lock.lifted_utc, lock.lifted_by_id = now_utc(), tx.viewer.person_id


def place_name(lock: Lock) -> str:
    """Where a lock is about: "Queen's Hospital, CT", or the site alone."""
    if lock.department is not None:
        return lock.department.name
    return "" if lock.site is None else lock.site.name


def facts(lock: Lock) -> dict[str, str]:
    """What the record says of a lock."""
    return {
        "learner": lock.requirement.learner.reference,
        "kind": lock.kind,
        "place": place_name(lock),
        "reason": lock.reason,
    }


def _requirement(session: Session, round_id: int, requirement_id: int) -> Requirement:
    found = session.scalar(
        select(Requirement)
        .join(Requirement.learner)
        .join(Learner.cohort)
        .where(Requirement.id == requirement_id, Cohort.round_id == round_id)
        .options(joinedload(Requirement.learner))
    )
    if found is None:
        raise NotFound("There is no such requirement in this round.")
    return found


def _check_scenario(session: Session, round_id: int, scenario_id: int) -> None:
    if (
        session.scalar(select(Scenario.id).where(Scenario.round_id == round_id, Scenario.id == scenario_id))
        is None
    ):
        raise NotFound("There is no such scenario in this round.")


def _place(
    session: Session, round_id: int, department_id: int | None, site_id: int | None
) -> tuple[Department | None, Site | None]:
    """The department or site, of the round's network."""
    of_network: ColumnElement[bool] = Icb.network_id == (
        select(Round.network_id).where(Round.id == round_id).scalar_subquery()
    )
    if department_id is not None:
        department = session.scalar(
            select(Department)
            .join(Department.site)
            .join(Site.trust)
            .join(Trust.icb)
            .where(Department.id == department_id, of_network)
            .options(joinedload(Department.site), joinedload(Department.modality))
        )
        if department is None:
            raise NotFound("There is no such department.")
        return department, None
    site = session.scalar(select(Site).join(Site.trust).join(Trust.icb).where(Site.id == site_id, of_network))
    if site is None:
        raise NotFound("There is no such site.")
    return None, site


def _in_force(session: Session, round_id: int, scenario_id: int | None, requirement_id: int) -> list[Lock]:
    """The requirement's locks that hold together with one of this scenario; one of all scenarios meets
    those of each."""
    held = select(Lock).where(
        Lock.round_id == round_id, Lock.requirement_id == requirement_id, Lock.lifted_utc.is_(None)
    )
    if scenario_id is not None:
        held = held.where(or_(Lock.scenario_id.is_(None), Lock.scenario_id == scenario_id))
    return list(session.scalars(held.options(joinedload(Lock.department), joinedload(Lock.site))))


def _check_against(lock: Lock, held: Iterable[Lock]) -> None:
    for other in held:
        where = place_name(other)
        same_place = (lock.department_id, lock.site_id) == (other.department_id, other.site_id)
        covers = other.scenario_id is None or other.scenario_id == lock.scenario_id
        if same_place and other.kind == lock.kind and covers:
            done = "pinned to" if lock.kind == "pin" else "banned from"
            raise _refused("place", f"This requirement is {done} {where} already.")
        if lock.kind == other.kind == "pin" and not _can_hold_both(lock, other):
            raise _refused(
                "place", f"This requirement is pinned to {where}. Lift that pin before you pin it elsewhere."
            )
        if lock.kind != other.kind and same_place and lock.origin == "lead":
            done = "pinned to" if other.kind == "pin" else "banned from"
            raise _refused(
                "place", f"This requirement is {done} {where}: lift that {other.kind} before you do this."
            )


def _can_hold_both(one: Lock, other: Lock) -> bool:
    """Whether a placing can be where two pins lead: the same place, or a department of the site."""
    if one.department is not None and other.department is not None:
        return one.department_id == other.department_id
    sites = {_site_id(one), _site_id(other)}
    return len(sites) == 1


def _site_id(lock: Lock) -> int | None:
    return lock.site_id if lock.department is None else lock.department.site_id


def _refused(field: str, message: str) -> Refused:
    return Refused(message, {field: message})
