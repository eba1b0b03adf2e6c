"""What appeals say where a version is published: undecided ones warn, and so do those upheld since a run."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations import checklist
from placements.allocations.checklist import Item
from placements.appeals.models import Appeal
from placements.appeals.queries import counts_of_round
from placements.rounds.models import Round
from placements.scenarios.models import Run
from placements.scenarios.queries import frozen_utc
from placements.web.formats import count


def _items(session: Session, viewer: Viewer, round_: Round, run: Run) -> Sequence[Item]:
    """Nothing where nobody appealed."""
    counts = counts_of_round(session, viewer, round_.id)
    if not sum(counts.values()):
        return []
    here = {"endpoint": "appeals.see_appeals", "link": "See the appeals"}
    found = []
    if waiting := counts["lodged"]:
        found.append(
            Item(
                f"{count(waiting, 'appeal waits', 'appeals wait')} for a decision.",
                "warns",
                values={"round_id": round_.id, "state": "lodged"},
                **here,
            )
        )
    if late := _upheld_since(session, run):
        found.append(
            Item(
                f"{count(late, 'appeal was', 'appeals were')} upheld since this run began:"
                " a repair takes them in.",
                "warns",
                "repairs.see_worklist",
                {"round_id": round_.id},
                "Repair from the worklist",
            )
        )
    return found or [
        Item("Every appeal is decided and taken in.", "in order", values={"round_id": round_.id}, **here)
    ]


def _upheld_since(session: Session, run: Run) -> int:
    """How many appeals of a run's round were upheld after its data were frozen."""
    return (
        session.scalar(
            select(func.count()).where(
                Appeal.round_id == run.round_id,
                Appeal.state == "upheld",
                Appeal.decided_utc > frozen_utc(session, run),
            )
        )
        or 0
    )


checklist.register("appeals", _items, order=60)
