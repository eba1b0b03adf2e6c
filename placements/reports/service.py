"""What can be done with the figures that reports rest on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer
from placements.clock import today
from placements.errors import Refused, Stale
from placements.organisations.models import Department, Trust, Workforce
from placements.reports import queries
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates

MOST_WTE = Decimal(999)
EARLIEST = date(2000, 1, 1)
FURTHEST_AHEAD = timedelta(days=366)
# A department's id and a profession's.
Cell = tuple[int, int]


@dataclass(frozen=True)
class WorkforceReturn:
    """WTE of a trust's departments by profession, as on a day, people in preceptorship left out. `version`
    is what the page was read at (`queries.version_of`); cells that are left out stay as they are."""

    as_of: date
    version: str
    wte: Mapping[Cell, Decimal]


def save_workforce(viewer: Viewer, trust_id: int, told: WorkforceReturn) -> int:
    """Record a trust's workforce; returns how many figures changed.

    A figure is written for its day where it differs from what was in force on that day, so that a return
    repeated changes nothing and earlier returns stay. Raises Refused naming each wrong figure as
    `department-profession`, and Stale where somebody else saved since the page was read.
    """
    try:
        with transaction(viewer, Action.SAVE_WORKFORCE) as tx:
            trust = queries.trust_by_id(tx.session, viewer, trust_id)
            # Two people at the same moment take turns, so that the second sees what the first has saved: a
            # write that changes nothing locks the row on PostgreSQL, and on SQLite keeps other writers out.
            tx.session.execute(update(Trust).where(Trust.id == trust_id).values(ods=Trust.ods))
            returns = queries.workforce_of_trust(tx.session, viewer, trust_id)
            if told.version != queries.version_of(returns):
                raise Stale(CHANGED_MEANWHILE)
            _refuse_wrong(tx, viewer, trust_id, told)
            changed = _write(tx, returns, told)
            tx.note(trust, as_of=told.as_of.isoformat(), figures=changed)
    except IntegrityError as error:
        columns = "workforce.department_id, workforce.profession_id, workforce.as_of"
        if violates(error, "uq_workforce_department_id_profession_id_as_of", columns):
            raise Stale(CHANGED_MEANWHILE) from None
        raise
    return changed


def _refuse_wrong(tx: Transaction, viewer: Viewer, trust_id: int, told: WorkforceReturn) -> None:
    wrong: dict[str, str] = {}
    if not EARLIEST <= told.as_of <= today() + FURTHEST_AHEAD:
        wrong["as_of"] = "The day must lie between the year 2000 and a year from now"
    departments = set(
        tx.session.scalars(
            queries.departments_of_trusts(viewer, trust_id).with_only_columns(Department.id).order_by(None)
        )
    )
    professions = {row.id for row in queries.professions(tx.session)}
    for (department_id, profession_id), wte in told.wte.items():
        name = f"{department_id}-{profession_id}"
        if department_id not in departments or profession_id not in professions:
            wrong[name] = "this is no department of the trust, or no profession"
        elif not wte.is_finite() or not 0 <= wte <= MOST_WTE:
            wrong[name] = f"{wte} cannot be right: use a number from 0 to {MOST_WTE}"
        elif round(wte, 2) != wte:
            wrong[name] = f"{wte} is too fine: use at most two decimals"
    if wrong:
        raise Refused("The workforce could not be saved: some figures cannot be right.", wrong)


def _write(tx: Transaction, returns: list[Workforce], told: WorkforceReturn) -> int:
    by_day = {(row.department_id, row.profession_id, row.as_of): row for row in returns}
    in_force: dict[Cell, Decimal] = {}
    # The newest come first, so the first on or before the day is the one that counts.
    for row in returns:
        if row.as_of <= told.as_of:
            in_force.setdefault((row.department_id, row.profession_id), row.wte)
    changed = 0
    for cell, wte in told.wte.items():
        if in_force.get(cell, Decimal(0)) == wte:
            continue
        changed += 1
        there = by_day.get((*cell, told.as_of))
        if there is None:
            tx.session.add(Workforce(department_id=cell[0], profession_id=cell[1], as_of=told.as_of, wte=wte))
        else:
            there.wte = wte
    return changed
