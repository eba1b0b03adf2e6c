"""How appeals are spoken of."""

from __future__ import annotations

from placements.appeals.models import Appeal
from placements.web.formats import minutes

GROUNDS = {
    "travel": "The journey",
    "caring": "Caring for somebody",
    "access": "Access needs",
    "employment": "Work",
    "safety": "Safety",
    "other": "Something else",
}
WANTS = {
    "elsewhere": "A place somewhere else, at any other site",
    "nearer": "A nearer place",
    "site": "A place at a certain site",
}
STATES = {
    "lodged": "Waiting for a decision",
    "upheld": "Upheld",
    "declined": "Not upheld",
    "withdrawn": "Withdrawn",
}


def wanted(appeal: Appeal) -> str:
    """What would put it right: "at most 40 min one way"."""
    if appeal.wants == "nearer":
        return f"a place at most {minutes(appeal.wanted_minutes)} away"
    if appeal.wants == "site" and appeal.wanted_site is not None:
        return f"a place at {appeal.wanted_site.name}"
    return "a place at any other site"
