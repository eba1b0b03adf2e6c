"""A state machine is one table of moves, which services obey and pages read."""

from collections.abc import Mapping
from dataclasses import dataclass

from placements.errors import Refused


@dataclass(frozen=True)
class StateMachine:
    """`moves`: verb -> (states from which it may be done, state it leads to)."""

    what: str
    moves: Mapping[str, tuple[frozenset[str], str]]

    def allows(self, state: str, verb: str) -> bool:
        return state in self.moves[verb][0]

    def move(self, state: str, verb: str) -> str:
        """The state after `verb`; raises Refused, in words, where it may not be done now."""
        sources, target = self.moves[verb]
        if state not in sources:
            wanted = " or ".join(sorted(sources))
            raise Refused(
                f"This {self.what} is {state}, so you cannot {verb} it: it would have to be {wanted}."
            )
        return target


ROUND = StateMachine(
    "round",
    {
        "open": (frozenset({"draft"}), "open"),
        "publish": (frozenset({"open", "published"}), "published"),
    },
)
DECLARATION = StateMachine(
    "declaration",
    {
        "save": (frozenset({"draft", "submitted", "returned", "approved"}), "draft"),
        "submit": (frozenset({"draft", "returned"}), "submitted"),
        "approve": (frozenset({"submitted"}), "approved"),
        "return": (frozenset({"submitted"}), "returned"),
    },
)
UPLOAD = StateMachine(
    "upload",
    {
        "choose columns": (frozenset({"columns", "received"}), "received"),
        "read": (frozenset({"reading"}), "received"),
        "mend": (frozenset({"received"}), "received"),
        "accept": (frozenset({"received"}), "accepted"),
        "discard": (frozenset({"reading", "columns", "received"}), "discarded"),
    },
)
COHORT = StateMachine(
    "cohort",
    {
        "change": (frozenset({"draft", "submitted"}), "draft"),
        "submit": (frozenset({"draft"}), "submitted"),
    },
)
RUN = StateMachine(
    "run",
    {
        "claim": (frozenset({"queued"}), "running"),
        "finish": (frozenset({"running"}), "finished"),
        "fail": (frozenset({"queued", "running"}), "failed"),
        "cancel": (frozenset({"queued", "running"}), "cancelled"),
        "requeue": (frozenset({"running", "queued"}), "queued"),
    },
)
TRADE_OFF = StateMachine(
    "trade-off",
    {
        "ask again": (frozenset({"failed"}), "queued"),
        "claim": (frozenset({"queued"}), "running"),
        "finish": (frozenset({"running"}), "finished"),
        "fail": (frozenset({"queued", "running"}), "failed"),
        "requeue": (frozenset({"running", "queued"}), "queued"),
    },
)
PROPOSAL = StateMachine(
    "proposal",
    {
        "ask": (frozenset({"proposed"}), "asked"),
        "reply": (frozenset({"asked"}), "proposed"),
        "confirm": (frozenset({"proposed", "asked", "declined"}), "confirmed"),
        "decline": (frozenset({"proposed", "asked", "confirmed"}), "declined"),
        "withdraw": (frozenset({"proposed", "asked", "confirmed", "declined"}), "withdrawn"),
    },
)
APPEAL = StateMachine(
    "appeal",
    {
        "uphold": (frozenset({"lodged"}), "upheld"),
        "decline": (frozenset({"lodged"}), "declined"),
        "withdraw": (frozenset({"lodged"}), "withdrawn"),
    },
)
AGREEMENT = StateMachine(
    "agreement",
    {
        "agree": (frozenset({"proposed"}), "agreed"),
        "decline": (frozenset({"proposed"}), "declined"),
        "end": (frozenset({"proposed", "agreed"}), "ended"),
    },
)
