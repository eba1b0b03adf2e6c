"""What allocations look at before a round is published: that the result is sound, that it is not older than
what has been recorded since, and whom checks hold back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations import checklist, clearances, late_changes, late_learners
from placements.allocations.checklist import Item
from placements.allocations.queries import newest_publication
from placements.rounds.models import Round
from placements.scenarios.models import Run
from placements.scenarios.verified import what_is_wrong
from placements.web.formats import count

# Of what changed since a run so much is told in full.
MOST_TOLD = 3


def _verified(session: Session, viewer: Viewer, round_: Round, run: Run) -> Sequence[Item]:
    wrong = what_is_wrong(session, run)
    if not wrong:
        return [Item(f"The result of run {run.id} was checked again just now and is sound.", "in order")]
    return [
        Item(
            f"The result of run {run.id} does not pass the check. {wrong}. Run the match again and adopt that"
            " run.",
            "blocks",
            "scenarios.see_runs",
            {"round_id": round_.id},
            "Run the match",
        )
    ]


def _recent(session: Session, viewer: Viewer, round_: Round, run: Run) -> Sequence[Item]:
    items = []
    if newest_publication(session, viewer, round_.id) is not None:
        mended = ("repairs.see_worklist", {"round_id": round_.id}, "Repair from the worklist")
    else:
        mended = ("scenarios.see_runs", {"round_id": round_.id}, "Run the match")
    if places := late_changes.since_run(session, viewer, run):
        learners = sum(change.learners for change in places)
        placed = f", where {count(learners, 'learner is', 'learners are')} placed" if learners else ""
        items.append(
            Item(
                f"{count(len(places), 'department has', 'departments have')} changed approved places since"
                f" the run was started{placed}.",
                "warns",
                *mended,
                examples=_told([f"{change.department.name}: {change.sentence}" for change in places]),
            )
        )
    if learners_since := late_learners.since_run(session, viewer, run):
        items.append(
            Item(
                f"{count(len(learners_since), 'change')} to learners since the run was started.",
                "warns",
                *mended,
                examples=_told([change.sentence for change in learners_since]),
            )
        )
    if not items:
        items.append(
            Item("No approved places and no learners have changed since the run was started.", "in order")
        )
    return items


def _told(changes: Sequence[str]) -> list[str]:
    more = len(changes) - MOST_TOLD
    return [*changes[:MOST_TOLD], *([f"and {more:,} more"] if more > 0 else [])]


def _ready(session: Session, viewer: Viewer, round_: Round, run: Run) -> Sequence[Item]:
    waits = clearances.before_publication(session, viewer, run)
    page = ("clearance.see_clearance", {"round_id": round_.id}, "Who is not clear")
    items = []
    if waits.held:
        them = "it" if waits.held == 1 else "them"
        items.append(
            Item(
                f"{count(waits.held, 'place')} would be held back, because the learner is not ready: the HEI"
                f" sees {them}, the trust does not, and a later version releases {them}.",
                "warns",
                *page,
            )
        )
    if waits.warned:
        items.append(
            Item(
                f"{count(waits.warned, 'place')} would be published with a check still to be made.",
                "warns",
                *page,
            )
        )
    return items or [Item("No check holds a place back.", "in order")]


checklist.register("verified", _verified, order=10)
checklist.register("recent", _recent, order=20)
checklist.register("ready", _ready, order=30)
