"""Reads about moves by hand: the chain of runs from the one that the match found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, defer

from placements.access import Viewer
from placements.cohorts.models import Learner
from placements.errors import NotFound
from placements.organisations.models import Trust
from placements.scenarios import queries as scenarios
from placements.scenarios.models import Placing, Run


@dataclass(frozen=True)
class HandMove:
    """One commit by hand, as its run keeps it. `moves` are (requirement, department before, after), by id."""

    run_id: int
    kind: str
    requirement_id: int
    department_id: int | None
    other_id: int | None
    reason: str
    by: str
    at_utc: datetime | None
    moves: tuple[tuple[int, int | None, int | None], ...]
    undone_by: str

    @property
    def is_undone(self) -> bool:
        return bool(self.undone_by)


def hand_move(run: Run) -> HandMove | None:
    """What a run by hand did; None for any other run."""
    said: dict[str, Any] | None = run.settings.get("hand")
    if run.kind != "hand" or said is None:
        return None
    undone: dict[str, Any] = run.settings.get("undone") or {}
    return HandMove(
        run_id=run.id,
        kind=said["kind"],
        requirement_id=said["requirement"],
        department_id=said["department"],
        other_id=said["other"],
        reason=said["reason"],
        by=said["by"],
        at_utc=run.finished_utc,
        moves=tuple((row[0], row[1], row[2]) for row in said["moves"]),
        undone_by=undone.get("by", ""),
    )


def goes_on_in(session: Session, run: Run) -> Run | None:
    """The run by hand that goes on from this one and has not been undone."""
    found = session.scalars(
        select(Run).where(Run.parent_id == run.id, Run.kind == "hand").order_by(Run.id.desc())
    )
    return next((child for child in found if not child.settings.get("undone")), None)


def chain_of(session: Session, run: Run) -> list[Run]:
    """The run and those before it, back to the one that the match found."""
    of_round = {
        row.id: row
        for row in session.scalars(
            select(Run)
            .where(Run.round_id == run.round_id, or_(Run.kind == "hand", Run.id == run.id))
            .options(defer(Run.policy))
        )
    }
    out, at = [run], run
    while at.kind == "hand" and at.parent_id is not None:
        parent = of_round.get(at.parent_id)
        if parent is None:
            found = session.scalar(select(Run).where(Run.id == at.parent_id))
            return [*out, found] if found is not None else out
        out.append(parent)
        at = parent
    return out


def placing_of(session: Session, viewer: Viewer, run_id: int, requirement_id: int) -> Placing:
    """A requirement's placing in a run; raises NotFound where there is none that this person may see."""
    found = session.scalar(
        scenarios.visible_placings(viewer).where(
            Placing.run_id == run_id, Placing.requirement_id == requirement_id
        )
    )
    if found is None:
        raise NotFound("This run has no such placement.")
    return found


def placing_ids(session: Session, run_id: int, requirement_ids: Iterable[int]) -> dict[int, int]:
    """The placings of some requirements in a run, for linking to them."""
    rows = session.execute(
        select(Placing.requirement_id, Placing.id).where(
            Placing.run_id == run_id, Placing.requirement_id.in_(list(requirement_ids))
        )
    )
    return {requirement_id: placing_id for requirement_id, placing_id in rows}  # noqa: C416 - a type checker takes rows for no pairs


def placings_by_reference(session: Session, viewer: Viewer, run_id: int, reference: str) -> list[Placing]:
    """The placings of the learners who have a reference, in a run."""
    return list(
        session.scalars(
            scenarios.visible_placings(viewer).where(
                Placing.run_id == run_id, Learner.reference == reference.strip()
            )
        ).unique()
    )


def placings_in(session: Session, viewer: Viewer, run_id: int, department_id: int) -> list[Placing]:
    """Who is in a department in a run, by block."""
    return list(
        session.scalars(
            scenarios.visible_placings(viewer)
            .where(Placing.run_id == run_id, Placing.department_id == department_id)
            .order_by(Placing.block_id, Learner.hei_id, Learner.reference)
        ).unique()
    )


def names_of_trusts(session: Session, ods: Iterable[str]) -> dict[str, str]:
    """Trusts' names by code."""
    rows = session.execute(select(Trust.ods, Trust.name).where(Trust.ods.in_(list(ods))))
    return {code: name for code, name in rows}  # noqa: C416 - a type checker takes rows for no pairs
