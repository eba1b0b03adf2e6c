"""What learners say of their placements: marks from 1 to 5 and a comment. Trusts see averages of enough
answers, never who said what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from placements.access import Action, Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.clock import now_utc, today
from placements.errors import Refused, Stale
from placements.organisations.models import Department, Site
from placements.outcomes.days import feedback_until, has_begun, takes_feedback
from placements.outcomes.models import PlacementFeedback
from placements.outcomes.queries import placement_by_requirement, visible_placements
from placements.transaction import CHANGED_MEANWHILE, transaction
from placements.web.formats import day

LONGEST_COMMENT = 2_000
# Of fewer answers a trust is shown no average: it could be one learner's.
FEWEST_ANSWERS = 3
MARKS = ("overall", "supervision", "learning", "journey")


@dataclass(frozen=True)
class GivenFeedback:
    """Marks from 1 to 5, 5 the best; only the first has to be given."""

    overall: int
    supervision: int | None = None
    learning: int | None = None
    journey: int | None = None
    comment: str = ""


def give_feedback(viewer: Viewer, requirement_id: int, given: GivenFeedback, *, version: int) -> None:
    """Keep what a learner says of their own placement, instead of what they said before.

    `version` is that of the feedback as read, 0 where there was none. Raises NotFound where the placement is
    not theirs, Refused before it begins and once the time for it is over or where a mark or the comment
    cannot be taken, and Stale where it was changed meanwhile. The same again changes nothing.
    """
    with transaction(viewer, Action.GIVE_FEEDBACK) as tx:
        line = placement_by_requirement(tx.session, viewer, requirement_id)
        require_open(line)
        _require_valid(given)
        row = tx.session.get(PlacementFeedback, requirement_id)
        if row is not None and _said(row) == given:
            return
        if (row.version if row is not None else 0) != version:
            raise Stale(CHANGED_MEANWHILE)
        if row is None:
            row = PlacementFeedback(requirement_id=requirement_id, round_id=line.publication.round_id)
            tx.session.add(row)
        for name in MARKS:
            setattr(row, name, getattr(given, name))
        row.comment, row.given_utc = given.comment, now_utc()
        tx.note(requirement=requirement_id)


def require_open(line: PublicationLine) -> None:
    """Raises Refused, saying when, where the placement takes no feedback today."""
    if not has_begun(line, today()):
        raise Refused("This placement has not begun yet. You can say how it is from its first day on.")
    if not takes_feedback(line, today()):
        raise Refused(f"Feedback on this placement could be given until {day(feedback_until(line))}.")


def _require_valid(given: GivenFeedback) -> None:
    wrong = {
        name: "Choose a mark from 1 to 5"
        for name in MARKS
        if (mark := getattr(given, name)) is not None and not 1 <= mark <= 5
    }
    if len(given.comment) > LONGEST_COMMENT:
        wrong["comment"] = f"Use at most {LONGEST_COMMENT:,} characters; these are {len(given.comment):,}"
    if wrong:
        raise Refused("Your feedback was not saved.", wrong)


def _said(row: PlacementFeedback) -> GivenFeedback:
    return GivenFeedback(row.overall, row.supervision, row.learning, row.journey, row.comment)


@dataclass(frozen=True)
class DepartmentFeedback:
    """The answers about a department that somebody may know of, and their average marks (None: not enough of
    them, or nobody gave that mark), by name of the mark."""

    department_id: int
    trust: str
    site: str
    modality: str
    placements: int
    answers: int
    means: dict[str, float | None]
    comments: int

    @property
    def is_withheld(self) -> bool:
        return self.answers > 0 and self.means["overall"] is None


def by_department(session: Session, viewer: Viewer, round_id: int | None = None) -> list[DepartmentFeedback]:
    """Feedback by department over all rounds (or of one), of the placements that this person sees, by trust,
    site and modality. A trust's people get averages of at least FEWEST_ANSWERS."""
    placements = visible_placements(viewer, round_id).where(PublicationLine.first_week <= today()).subquery()
    marks = [
        column
        for name in MARKS
        for column in (
            func.count(getattr(PlacementFeedback, name)),
            func.avg(getattr(PlacementFeedback, name)),
        )
    ]
    rows = session.execute(
        select(
            placements.c.department_id,
            func.count(),
            func.count(PlacementFeedback.requirement_id),
            func.count(func.nullif(PlacementFeedback.comment, "")),
            *marks,
        )
        .select_from(placements)
        .join(
            PlacementFeedback,
            PlacementFeedback.requirement_id == placements.c.requirement_id,
            isouter=True,
        )
        .group_by(placements.c.department_id)
    ).all()
    departments = {
        row.id: row
        for row in session.scalars(
            select(Department)
            .where(Department.id.in_([row[0] for row in rows]))
            .options(joinedload(Department.site).joinedload(Site.trust), joinedload(Department.modality))
        )
    }
    fewest = FEWEST_ANSWERS if viewer.role.is_of_a_trust else 1
    found = [
        DepartmentFeedback(
            department_id,
            departments[department_id].site.trust.name,
            departments[department_id].site.name,
            departments[department_id].modality.name,
            number,
            answers,
            {
                name: round(float(figures[2 * index + 1]), 1) if figures[2 * index] >= fewest else None
                for index, name in enumerate(MARKS)
            },
            0 if viewer.role.is_of_a_trust else comments,
        )
        for department_id, number, answers, comments, *figures in rows
    ]
    return sorted(found, key=lambda row: (row.trust, row.site, row.modality))


@dataclass(frozen=True)
class Comment:
    """What a learner wrote, with the placement it is about; `reference` only for the learner's own HEI."""

    round: str
    block: str
    hei: str
    programme: str
    overall: int
    words: str
    reference: str


def comments_on(session: Session, viewer: Viewer, department_id: int) -> Sequence[Comment]:
    """The comments on a department, the newest first; none for a trust's people."""
    if viewer.role.is_of_a_trust:
        return []
    placements = (
        visible_placements(viewer)
        .join(PlacementFeedback, PlacementFeedback.requirement_id == PublicationLine.requirement_id)
        .where(PublicationLine.department_id == department_id, PlacementFeedback.comment != "")
        .options(joinedload(PublicationLine.publication).joinedload(Publication.round))
        .order_by(PlacementFeedback.given_utc.desc(), PlacementFeedback.requirement_id)
        .add_columns(PlacementFeedback.overall, PlacementFeedback.comment)
    )
    return [
        Comment(
            line.publication.round.name,
            line.block,
            line.hei,
            f"{line.programme}, {line.stage}",
            overall,
            words,
            line.learner_reference if viewer.hei_id == line.hei_id else "",
        )
        for line, overall, words in session.execute(placements)
    ]
