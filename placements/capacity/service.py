"""What can be done with capacity declarations."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy.exc import IntegrityError

from placements.access import Action, Viewer
from placements.capacity import queries
from placements.capacity.models import MOST_PLACES, MOST_WTE, Declaration, DeclaredWeek
from placements.clock import now_utc
from placements.errors import Refused, Stale
from placements.rounds.queries import round_by_id
from placements.states import DECLARATION
from placements.transaction import CHANGED_MEANWHILE, Transaction, transaction, violates

COLUMNS = {"preferred": "preferred places", "maximum": "most places", "wte": "educator WTE"}


@dataclass(frozen=True)
class WeekFigures:
    """One week of a declaration: learners at once, preferred and at most, and WTE of educators."""

    week: date
    preferred: int
    maximum: int
    wte: Decimal


def save_declaration(
    viewer: Viewer, round_id: int, department_id: int, *, version: int, weeks: Sequence[WeekFigures]
) -> Declaration:
    """Save a department's declaration as a draft; a block's week that is left out counts as nothing.

    `version` is what was read, 0 where there was no declaration yet. Raises Refused naming each wrong value
    as `week.column`, and Stale where somebody else saved meanwhile.
    """
    try:
        with transaction(viewer, Action.SAVE_DECLARATION) as tx:
            declaration = _save(tx, viewer, round_id, department_id, version, weeks)
    except IntegrityError as error:
        raise _in_words(error) from None
    return declaration


def submit_declaration(
    viewer: Viewer,
    round_id: int,
    department_id: int,
    *,
    version: int,
    weeks: Sequence[WeekFigures] | None = None,
) -> Declaration:
    """Submit a department's declaration, so that the match may use it; with `weeks`, save those first."""
    try:
        with transaction(viewer, Action.SUBMIT_DECLARATION) as tx:
            if weeks is not None:
                declaration = _save(tx, viewer, round_id, department_id, version, weeks)
            else:
                declaration = _read(tx, viewer, round_id, department_id, version)
            if not declaration.weeks:
                raise Refused("There is nothing to submit yet: fill in the weeks first.")
            declaration.state = DECLARATION.move(declaration.state, "submit")
            declaration.submitted_utc = now_utc()
            tx.note(declaration, state=declaration.state)
    except IntegrityError as error:
        raise _in_words(error) from None
    return declaration


def wrong_figures(block_weeks: Collection[date], weeks: Sequence[WeekFigures]) -> dict[str, str]:
    """What is wrong with a declaration's figures, by `week.column`; empty where nothing is."""
    wrong: dict[str, str] = {}
    seen: set[date] = set()
    for line in weeks:
        if line.week not in block_weeks:
            wrong[f"{line.week.isoformat()}.week"] = "this week is in no block of the round"
        if line.week in seen:
            wrong[f"{line.week.isoformat()}.week"] = "this week is there twice"
        seen.add(line.week)
        for column in ("preferred", "maximum"):
            value = getattr(line, column)
            if not 0 <= value <= MOST_PLACES:
                wrong[f"{line.week.isoformat()}.{column}"] = (
                    f"{value} cannot be right: use a whole number from 0 to {MOST_PLACES}"
                )
        if not line.wte.is_finite() or not 0 <= line.wte <= MOST_WTE:
            wrong[f"{line.week.isoformat()}.wte"] = (
                f"{line.wte} cannot be right: use a number from 0 to {MOST_WTE}"
            )
        elif round(line.wte, 2) != line.wte:
            wrong[f"{line.week.isoformat()}.wte"] = f"{line.wte} is too fine: use at most two decimals"
        if line.preferred > line.maximum and f"{line.week.isoformat()}.preferred" not in wrong:
            wrong[f"{line.week.isoformat()}.preferred"] = (
                f"{line.preferred} preferred is more than the most, {line.maximum}: lower it or raise that"
            )
    return wrong


def _save(
    tx: Transaction,
    viewer: Viewer,
    round_id: int,
    department_id: int,
    version: int,
    weeks: Sequence[WeekFigures],
) -> Declaration:
    round_ = round_by_id(tx.session, viewer, round_id)
    if round_.state == "draft":
        raise Refused("This round is not open yet, so nothing can be declared in it.")
    department = queries.department_by_id(tx.session, viewer, department_id)
    block_weeks = round_.block_weeks()
    if wrong := wrong_figures(block_weeks, weeks):
        raise Refused("Some figures cannot be right, so nothing was saved.", wrong)
    figures = {line.week: line for line in weeks}
    declaration = _read(tx, viewer, round_id, department_id, version, or_new=True)
    declaration.round, declaration.department = round_, department
    declaration.state = DECLARATION.move(declaration.state, "save")
    declaration.changed_utc, declaration.changed_by_id = now_utc(), viewer.person_id
    # Counted, so that the version moves on even where nothing but the weeks changes.
    declaration.saves += 1
    lines = {line.week: line for line in declaration.weeks}
    for week in [*lines]:
        if week not in block_weeks:
            declaration.weeks.remove(lines.pop(week))
    for week in block_weeks:
        line = lines.get(week)
        if line is None:
            line = DeclaredWeek(week=week)
            declaration.weeks.append(line)
        told = figures.get(week, WeekFigures(week, 0, 0, Decimal(0)))
        line.preferred, line.maximum, line.wte = told.preferred, told.maximum, told.wte
    tx.session.add(declaration)
    tx.note(declaration, department=department_id, round=round_id)
    return declaration


def _read(
    tx: Transaction,
    viewer: Viewer,
    round_id: int,
    department_id: int,
    version: int,
    *,
    or_new: bool = False,
) -> Declaration:
    queries.department_by_id(tx.session, viewer, department_id)
    declaration = queries.declaration_of(tx.session, viewer, round_id, department_id)
    if declaration is None and version == 0:
        if or_new:
            return Declaration(state="draft", saves=0)
        raise Refused("There is nothing to submit yet: fill in the weeks first.")
    if declaration is None or declaration.version != version:
        raise Stale(CHANGED_MEANWHILE)
    return declaration


def _in_words(error: IntegrityError) -> Exception:
    """Two people made the department's first declaration at the same moment."""
    unique = "declaration.round_id, declaration.department_id"
    if violates(error, "uq_declaration_round_id_department_id", unique):
        return Stale(CHANGED_MEANWHILE)
    return error
