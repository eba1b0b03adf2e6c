"""What allocations look at before a round is published: that the result is sound, that it is not older than
what has been recorded since, and whom checks hold back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations import checklist, clearances, late_changes, late_learners
from placements.allocations.checklist import Item
from placements.rounds.models import Round
from placements.scenarios.models import Run
from placements.scenarios.verified import what_is_wrong
from placements.web.formats import count


def _verified(session: Session, viewer: Viewer, round_: Round, run: Run) -> Sequence[Item]:
    wrong = what_is_wrong(session, run)
    run_page = ("scenarios.see_run", {"run_id": run.id}, f"See run {run.id}")
    if not wrong:
        return [Item(f"The result of run {run.id} was checked again just now and is sound.", "in order")]
    return [
        Item(
            f"The result of run {run.id} does not pass the check. {wrong}. Run the match again and adopt that"
            " run.",
            "blocks",
            *run_page,
        )
    ]


def _recent(session: Session, viewer: Viewer, round_: Round, run: Run) -> Sequence[Item]:
    items = []
    if places := late_changes.since_run(session, viewer, run):
        learners = sum(change.learners for change in places)
        placed = f", where {count(learners, 'learner is', 'learners are')} placed" if learners else ""
        items.append(
            Item(
                f"{count(len(places), 'department has', 'departments have')} changed approved places since"
                f" the run was started{placed}.",
                "warns",
                "capacity.see_declarations",
                {"round_id": round_.id, "show": "late"},
                "See what changed",
            )
        )
    if learners_since := late_learners.since_run(session, viewer, run):
        told = " ".join(change.sentence + "." for change in learners_since[:3])
        more = len(learners_since) - 3
        items.append(
            Item(
                f"{count(len(learners_since), 'change')} to learners since the run was started: {told}"
                + (f" And {more:,} more." if more > 0 else ""),
                "warns",
                "allocations.see_publications",
                {"round_id": round_.id},
                "Publication",
            )
        )
    if not items:
        items.append(
            Item("No approved places and no learners have changed since the run was started.", "in order")
        )
    return items


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
