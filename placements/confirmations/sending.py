"""What of the places that stand has been sent to trusts, and what keeps a round from being published: told to
the check-list of publication."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations import checklist
from placements.allocations.checklist import Effect, Item
from placements.allocations.standing import standing_places
from placements.confirmations import queries
from placements.confirmations.models import Proposal
from placements.rounds.models import Round
from placements.scenarios.models import Run
from placements.web.formats import count


@dataclass(frozen=True)
class Unsent:
    """Of the places that stand: how many are to be proposed, how many stand as proposed, by state; and how
    many open proposals stand no more."""

    new: int
    sent: Counter[str]
    over: int

    @property
    def standing(self) -> int:
        return self.new + self.sent.total()


def unsent(session: Session, viewer: Viewer, run: Run) -> Unsent:
    """How what stands compares with what has been proposed; the caller has been let see the adopted run."""
    standing = {
        row.requirement_id: (row.department_id, row.first_week)
        for row in standing_places(session, viewer, run)
    }
    rows = session.execute(
        select(Proposal.requirement_id, Proposal.department_id, Proposal.first_week, Proposal.state).where(
            Proposal.round_id == run.round_id, Proposal.state.in_(queries.OPEN)
        )
    )
    sent: Counter[str] = Counter()
    over = 0
    for requirement_id, department_id, first_week, state in rows:
        if standing.get(requirement_id) == (department_id, first_week):
            sent[state] += 1
        else:
            over += 1
    return Unsent(len(standing) - sent.total(), sent, over)


def _items(session: Session, viewer: Viewer, round_: Round, run: Run) -> Sequence[Item]:
    found = unsent(session, viewer, run)
    if not found.standing:
        return []
    list_page, board = "confirmations.see_proposals", "confirmations.see_confirmations"
    items = []
    if declined := found.sent["declined"]:
        items.append(
            Item(
                f"{count(declined, 'place stands', 'places stand')} that the trust declined: let a run find"
                f" {'another' if declined == 1 else 'others'}, then adopt it.",
                "blocks",
                board,
                {"round_id": round_.id},
                "Find other places",
            )
        )
    effect: Effect = "blocks" if round_.needs_confirmation else "warns"
    if waiting := found.sent["proposed"] + found.sent["asked"]:
        items.append(
            Item(
                f"{count(waiting, 'place waits', 'places wait')} for the trust's answer.",
                effect,
                list_page,
                {"round_id": round_.id, "show": "waiting"},
                "See what waits",
            )
        )
    if found.new:
        never = "was" if found.new == 1 else "were"
        items.append(
            Item(
                f"{count(found.new, 'place')} {never} never sent to the trust, so its educators have not seen"
                f" {'it' if found.new == 1 else 'them'}.",
                effect,
                board,
                {"round_id": round_.id},
                "Send places to trusts",
            )
        )
    if asked := found.sent["asked"]:
        items.append(
            Item(
                f"{count(asked, 'question')} of trusts {'has' if asked == 1 else 'have'} no reply yet.",
                "warns",
                list_page,
                {"round_id": round_.id, "show": "asked"},
                "See what was asked",
            )
        )
    if found.sent["confirmed"] == found.standing:
        items.append(Item(f"All {count(found.standing, 'place')} are confirmed by their trusts.", "in order"))
    return items


checklist.register("confirmations", _items, order=40)
