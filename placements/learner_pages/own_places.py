"""What a learner's own page shows: their places as published last, what changed, and what they need before
that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from placements.access import Viewer
from placements.allocations.changes import Change, changes_of, earlier_publication
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.published import LineFilter, PublishedLearner, filtered_lines, former_places
from placements.allocations.queries import newest_publication
from placements.appeals.models import Appeal
from placements.appeals.queries import appeals_of_requirements, first_published_utc
from placements.appeals.service import why_not_this
from placements.appeals.window import window
from placements.cohorts.models import Learner, Requirement
from placements.outcomes.days import feedback_until, takes_feedback
from placements.outcomes.models import PlacementFeedback
from placements.outcomes.queries import feedback_of
from placements.repairs.freezing import returned_of_requirements
from placements.repairs.models import ReturnedPlace


@dataclass(frozen=True)
class OwnPlace:
    """A published line of the learner's, what changed of it, and whether they can say how it is."""

    line: PublicationLine
    change: Change | None
    takes_feedback: bool
    feedback_until: date
    feedback: PlacementFeedback | None
    # The appeals about it, the newest first, and whether one can be lodged now.
    appeals: tuple[Appeal, ...] = ()
    may_appeal: bool = False
    # Given back at the freeze by the learner, who is not clear yet.
    returned: ReturnedPlace | None = None


@dataclass(frozen=True)
class OwnPlaces:
    """`gone` are places of earlier versions that are no longer there. Without a publication there is
    nothing."""

    publication: Publication | None = None
    earlier: Publication | None = None
    places: tuple[OwnPlace, ...] = ()
    gone: tuple[PublicationLine, ...] = ()

    @property
    def lines(self) -> list[PublicationLine]:
        """The lines that still stand: those given back at the freeze are left out."""
        return [place.line for place in self.places if place.returned is None]

    @property
    def learner(self) -> PublishedLearner | None:
        """The lines as letters take them; None where there is no place among them."""
        found = PublishedLearner(self.lines)
        return found if found.placed else None


def own_places(session: Session, viewer: Viewer, day: date) -> OwnPlaces:
    """The places in the newest publication of the round of the learner whose private link this is."""
    publication = newest_publication(session, viewer, viewer.round_id or 0)
    if publication is None:
        return OwnPlaces()
    lines = list(session.scalars(filtered_lines(viewer, publication)))
    requirements = [line.requirement_id for line in lines]
    earlier = earlier_publication(session, viewer, publication)
    changes = changes_of(session, viewer, earlier, publication, requirements) if earlier else {}
    feedback = feedback_of(session, viewer, requirements)
    appeals = appeals_of_requirements(session, viewer, requirements)
    returned = returned_of_requirements(session, viewer, requirements)
    is_open = window(publication.round, first_published_utc(session, publication.round_id), day).is_open
    return OwnPlaces(
        publication,
        earlier,
        tuple(
            OwnPlace(
                line,
                changes.get(line.requirement_id),
                line.state == "placed" and takes_feedback(line, day),
                feedback_until(line),
                feedback.get(line.requirement_id),
                tuple(appeals.get(line.requirement_id, ())),
                is_open
                and line.state == "placed"
                and not why_not_this(line)
                and not any(row.state == "lodged" for row in appeals.get(line.requirement_id, ())),
                returned.get(line.requirement_id),
            )
            for line in sorted(lines, key=lambda line: (line.first_week, line.requirement_id))
        ),
        tuple(former_places(session, viewer, publication, LineFilter())),
    )


def needs_of(learner: Learner) -> list[Requirement]:
    """What the learner needs a place in, in order of time."""
    needed = [row for row in learner.requirements if row.state == "needed"]
    return sorted(needed, key=lambda row: (row.possible_blocks[0].first_week, row.id))


def interruption_words(learner: Learner, day: date) -> str:
    """ "withdrawn" or "suspended" where the learner is so today or from a later day on; "" otherwise."""
    standing = [row for row in learner.interruptions if row.last_day is None or row.last_day >= day]
    return standing[0].kind if standing else ""
