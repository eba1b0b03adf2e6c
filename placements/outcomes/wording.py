"""How outcomes and their reasons are said, and to whom. A trust is told that a reason is the learner's own,
not which."""

from __future__ import annotations

from placements.access import Viewer
from placements.outcomes.models import PlacementOutcome

OUTCOME_WORDS = {"completed": "Completed", "ended_early": "Ended early", "not_attended": "Not attended"}
REASON_WORDS = {
    "health": "Health",
    "personal": "Personal",
    "left_programme": "Left the programme",
    "placement_changed": "Placement changed",
    "placement_closed": "Placement closed",
    "other": "Other",
}
# What a trust need not know apart; it records them as "personal".
LEARNERS_OWN = frozenset({"health", "personal", "left_programme"})
OWN_WORDS = "The learner’s own reasons"


def reasons_for(viewer: Viewer) -> dict[str, str]:
    """The reasons that this person may give, and their words."""
    if viewer.trust_id is None:
        return REASON_WORDS
    told = {key: words for key, words in REASON_WORDS.items() if key not in LEARNERS_OWN}
    return {"personal": OWN_WORDS} | told


def reason_shown(viewer: Viewer, reason: str | None) -> str | None:
    """The reason as this person may know it."""
    return "personal" if viewer.trust_id is not None and reason in LEARNERS_OWN else reason


def reason_words(viewer: Viewer, outcome: PlacementOutcome) -> str:
    """Why it was not completed, in words; "" where it was."""
    shown = reason_shown(viewer, outcome.reason)
    return reasons_for(viewer)[shown] if shown else ""


def recorded_by(outcome: PlacementOutcome) -> str:
    """Who recorded it, and from which side."""
    person = outcome.recorded_by
    if person is None:
        return "the system"
    sides = {"placement_officer": "the HEI", "academy_lead": "the academy"}
    return f"{person.name}, {sides.get(person.role, 'the trust')}"
