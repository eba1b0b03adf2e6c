"""How some runs differ, learner by learner: a page of it, or all as a file."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from placements.cohorts.models import Learner, Requirement
from placements.database import page_of
from placements.organisations.models import Department, Hei
from placements.rounds.models import Block
from placements.scenarios import queries
from placements.scenarios.comparing import columns
from placements.scenarios.models import Placing, Run

# What the list of differences may show: all, those placed in some runs only, those placed in each.
SHOWN = ("all", "some", "moved")
NOT_HERE, NOT_PLACED, FLOATING = "Not in this run", "Not placed", "Any block of a rotation"


@dataclass(frozen=True)
class Difference:
    """A requirement that the runs do not treat alike, with its placing in each; None where a run has none."""

    requirement: Requirement
    placings: list[Placing | None]


def differences(
    session: Session,
    runs: Sequence[Run],
    *,
    show: str = "all",
    hei_id: int | None = None,
    reference: str = "",
    page: int = 1,
    size: int = 50,
) -> tuple[list[Difference], int]:
    """One page of the requirements that the runs do not treat alike, by HEI and learner, and how many."""
    rows = _filtered([run.id for run in runs], show, hei_id, reference).options(
        joinedload(Requirement.block), joinedload(Requirement.learner).joinedload(Learner.hei)
    )
    found, total = page_of(session, rows, page=page, size=size)
    placings: dict[tuple[int, int], Placing] = {
        (row.run_id, row.requirement_id): row
        for row in session.scalars(
            select(Placing)
            .where(
                Placing.run_id.in_([run.id for run in runs]),
                Placing.requirement_id.in_([row.id for row in found]),
            )
            .options(
                joinedload(Placing.block),
                joinedload(Placing.department).options(
                    joinedload(Department.site), joinedload(Department.modality)
                ),
            )
        )
    }
    return [Difference(row, [placings.get((run.id, row.id)) for run in runs]) for row in found], total


def differences_csv(
    session: Session,
    runs: Sequence[Run],
    *,
    show: str = "all",
    hei_id: int | None = None,
    reference: str = "",
) -> list[list[object]]:
    """All differences that the filters leave, as rows of a file with their heading."""
    head: list[object] = ["HEI", "Learner", "Block"]
    for column in columns(runs):
        name = f"{column.letter} (run {column.run.id}, {column.run.scenario.name})"
        head += [f"Department in {name}", f"Minutes in {name}"]
    wanted = _filtered([run.id for run in runs], show, hei_id, reference)
    lines = session.execute(
        wanted.outerjoin(Requirement.block).with_only_columns(
            Requirement.id, Hei.name, Learner.reference, Block.name
        )
    ).all()
    placed = {
        (run_id, requirement_id): (department_id, minutes)
        for run_id, requirement_id, department_id, minutes in session.execute(
            select(
                Placing.run_id, Placing.requirement_id, Placing.department_id, Placing.travel_minutes
            ).where(Placing.run_id.in_([run.id for run in runs]))
        )
    }
    ids = {department_id for department_id, _ in placed.values() if department_id is not None}
    names = {key: row.name for key, row in queries.departments_by_id(session, ids).items()}
    found: list[list[object]] = [head]
    for requirement_id, hei, learner, block in lines:
        line: list[object] = [hei, learner, block or FLOATING]
        for run in runs:
            here = placed.get((run.id, requirement_id))
            line += [NOT_HERE, None] if here is None else [names.get(here[0] or 0, NOT_PLACED), here[1]]
        found.append(line)
    return found


def where(placing: Placing | None) -> str:
    """Where a run has a requirement."""
    if placing is None:
        return NOT_HERE
    return placing.department.name if placing.department else NOT_PLACED


def _filtered(run_ids: Sequence[int], show: str, hei_id: int | None, reference: str) -> Select[Requirement]:
    """Requirements whose department or block is not the same in all of the runs, by HEI and learner."""
    placed = func.count(Placing.department_id)
    unlike = [
        func.count(func.coalesce(Placing.department_id, 0).distinct()) > 1,
        func.count(func.coalesce(Placing.block_id, 0).distinct()) > 1,
        func.count() < len(run_ids),
    ]
    grouped = (
        select(Placing.requirement_id)
        .where(Placing.run_id.in_(run_ids))
        .group_by(Placing.requirement_id)
        .having(or_(*unlike))
    )
    if show == "moved":
        grouped = grouped.having(placed == len(run_ids))
    elif show == "some":
        grouped = grouped.having(placed < len(run_ids))
    rows = (
        select(Requirement)
        .join(Requirement.learner)
        .join(Learner.hei)
        .where(Requirement.id.in_(grouped))
        .order_by(Hei.name, Learner.reference, Requirement.id)
    )
    if hei_id is not None:
        rows = rows.where(Learner.hei_id == hei_id)
    if reference:
        rows = rows.where(func.lower(Learner.reference).contains(reference.lower(), autoescape=True))
    return rows
