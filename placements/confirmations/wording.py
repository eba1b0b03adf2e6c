"""The words of proposals: why a place is declined, and how a proposal stands."""

from collections.abc import Mapping

OTHER = "other"
REASONS: Mapping[str, str] = {
    "no_supervisor": "Nobody can supervise in these weeks",
    "no_room": "There is no room: fewer places than we declared",
    "equipment": "Equipment or rooms are out of use",
    "already_booked": "Other learners are booked already",
    "does_not_fit": "The department does not suit this group or stage",
    OTHER: "Another reason",
}
# What a proposal's state is called on a page and in a file.
STATES: Mapping[str, str] = {
    "proposed": "Waiting",
    "asked": "Question asked",
    "confirmed": "Confirmed",
    "declined": "Declined",
    "withdrawn": "No longer proposed",
}
DONE: Mapping[str, str] = {"confirm": "confirmed", "decline": "declined", "ask": "asked about"}


def reason_words(reason: str | None) -> str:
    """The reason of a decline, in words; "" where there is none."""
    return REASONS.get(reason or "", reason or "")
