"""Why a learner is not where the version before had them: parts that know a reason register an explainer.

Explainers are asked once, when a version is published; what they say is kept with the published line.

The words are read by the HEI and by the learner: they name no other learner. What only the academy should
read, such as a lead's own reason, goes into `note`. Trusts are told neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.rounds.models import Round
from placements.scenarios.models import Run


@dataclass(frozen=True)
class Moved:
    """A requirement whose place differs: its line as published before and as it is about to be."""

    before: PublicationLine
    after: PublicationLine

    @property
    def requirement_id(self) -> int:
        return self.before.requirement_id


@dataclass(frozen=True)
class NextVersion:
    """A version that is about to be published over an earlier one: the run behind each, who moved, all of its
    lines, and who publishes it."""

    round: Round
    earlier: Publication
    earlier_run: Run
    run: Run
    moved: Sequence[Moved]
    lines: Sequence[PublicationLine]
    viewer: Viewer


@dataclass(frozen=True)
class Why:
    """A whole sentence for everybody, and a note for the academy alone."""

    words: str
    note: str = ""

    @property
    def text(self) -> str:
        """Both as a line keeps them: the sentence, and on a line of its own the note."""
        return "\n".join(filter(None, (" ".join(self.words.split()), " ".join(self.note.split()))))


# From session and version to the reasons that the part knows, by requirement's id.
Explainer = Callable[[Session, NextVersion], Mapping[int, Why]]

_explainers: dict[str, tuple[int, Explainer]] = {}


def register(name: str, explainer: Explainer, *, order: int = 50) -> None:
    """Add an explainer; of several that know a reason the one of the lowest order is believed. The same name
    again replaces it."""
    _explainers[name] = (order, explainer)


def reasons(session: Session, version: NextVersion) -> dict[int, Why]:
    """Why each of those who moved did so, by requirement's id, as far as anybody knows."""
    if not version.moved:
        return {}
    found: dict[int, Why] = {}
    for _, (_, explainer) in sorted(_explainers.items(), key=lambda row: (row[1][0], row[0])):
        for requirement_id, why in explainer(session, version).items():
            found.setdefault(requirement_id, why)
    return found
