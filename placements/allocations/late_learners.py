"""Learners who changed after the data of a run were frozen: who gives a place up, who needs one, and whose
wishes or limits are others now. What was published knows nothing of it until a repair takes it in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from placements.access import Action, Viewer
from placements.allocations.models import Publication, PublicationLine
from placements.allocations.queries import lines_of_publication
from placements.cohorts.models import Cohort, Interruption, Learner, Requirement
from placements.cohorts.presence import is_asked
from placements.cohorts.queries import visible_cohorts
from placements.rounds.models import PlanLine, Rotation
from placements.scenarios.models import Placing, Run
from placements.scenarios.queries import frozen_utc
from placements.web.formats import count, day

# From so many learners of a cohort on, who are all new or all have other limits, one line tells of them.
WHOLE_COHORT = 3
MOST_NAMED = 5
OTHER_LIMITS = "what the match goes by has changed (travel, limits, days, preferences or priority)"


@dataclass(frozen=True)
class LateLearner:
    """`who` is a learner or a whole cohort, `words` what happened, `places` how many places are given
    up; `learner_id` is None for a cohort. `given_up` are those places, `wanted` places that nobody knew
    of, both by requirement's id; `at_utc` is the last that was recorded."""

    who: str
    words: str
    places: int = 0
    learner_id: int | None = None
    cohort_id: int | None = None
    given_up: frozenset[int] = frozenset()
    wanted: frozenset[int] = frozenset()
    at_utc: datetime | None = None

    @property
    def sentence(self) -> str:
        """ "DR-001, City University: withdrawn from 4 January 2027; 2 places are given up"."""
        given_up = f"; {count(self.places, 'place is', 'places are')} given up" if self.places else ""
        return f"{self.who}: {self.words}{given_up}"


def since_publication(session: Session, viewer: Viewer, publication: Publication) -> list[LateLearner]:
    """The learners that the person sees who changed since the run behind a publication, those who give up
    places first, then those who need one; none for those who may see no learners."""
    run = session.get_one(Run, publication.run_id)
    lines = lines_of_publication(viewer, publication.id).with_only_columns(
        PublicationLine.requirement_id, PublicationLine.department_id
    )
    return _changes(session, viewer, run, lines)


def since_run(session: Session, viewer: Viewer, run: Run) -> list[LateLearner]:
    """The same since a finished run's data were frozen; the caller has been let see the run."""
    placings = select(Placing.requirement_id, Placing.department_id).where(Placing.run_id == run.id)
    return _changes(session, viewer, run, placings)


def _changes(
    session: Session, viewer: Viewer, run: Run, places: Select[int, int | None]
) -> list[LateLearner]:
    """`places`: the requirements that the run or its publication is about, each with its department's id;
    asked only where anything was recorded since."""
    if not viewer.may(Action.SEE_LEARNERS):
        return []
    cohorts: dict[int, list[Learner]] = defaultdict(list)
    for learner in _candidates(session, viewer, run.round_id, frozen_utc(session, run)):
        cohorts[learner.cohort_id].append(learner)
    if not cohorts:
        return []
    known = {requirement: place for requirement, place in session.execute(places)}  # noqa: C416 - a type checker takes rows for no pairs
    found: list[LateLearner] = []
    for learners in cohorts.values():
        unknown = [row for row in learners if not any(need.id in known for need in row.requirements)]
        asking = [row for row in unknown if any(map(is_asked, row.requirements))]
        if len(asking) >= WHOLE_COHORT and len(unknown) == len(learners):
            found.append(_submitted_since(asking))
            continue
        told = {row: change for row in learners if (change := _learner(row, known))}
        limits = [row for row, change in told.items() if change.words == OTHER_LIMITS]
        if len(limits) >= WHOLE_COHORT:
            found.append(_other_limits(limits))
            told = {row: change for row, change in told.items() if change.words != OTHER_LIMITS}
        found += told.values()
    return sorted(found, key=lambda row: (-row.places, -len(row.wanted), row.who))


def _candidates(session: Session, viewer: Viewer, round_id: int, frozen_utc: datetime) -> Iterable[Learner]:
    """The learners of submitted cohorts of whom anything was recorded since."""
    cohorts = visible_cohorts(viewer).where(Cohort.round_id == round_id, Cohort.state == "submitted")
    interrupted = exists().where(
        Interruption.learner_id == Learner.id, Interruption.recorded_utc > frozen_utc
    )
    other_needs = exists().where(Requirement.learner_id == Learner.id, Requirement.changed_utc > frozen_utc)
    return session.scalars(
        select(Learner)
        .join(Learner.cohort)
        .where(
            Learner.cohort_id.in_(cohorts.with_only_columns(Cohort.id).order_by(None)),
            or_(
                Learner.changed_utc > frozen_utc,
                Learner.joined_utc > frozen_utc,
                Cohort.submitted_utc > frozen_utc,
                interrupted,
                other_needs,
            ),
        )
        .options(
            joinedload(Learner.hei),
            joinedload(Learner.cohort).options(joinedload(Cohort.programme), joinedload(Cohort.stage)),
            selectinload(Learner.interruptions),
            selectinload(Learner.requirements).options(
                joinedload(Requirement.block),
                joinedload(Requirement.plan_line).joinedload(PlanLine.rotation).selectinload(Rotation.blocks),
            ),
        )
        .order_by(Learner.hei_id, Learner.reference)
    ).unique()


def _submitted_since(learners: Sequence[Learner]) -> LateLearner:
    wanted = frozenset(need.id for learner in learners for need in learner.requirements if is_asked(need))
    places = count(len(wanted), "place")
    return _cohort(
        learners, f"{count(len(learners), 'learner')} submitted since, who need {places}", wanted=wanted
    )


def _other_limits(learners: Sequence[Learner]) -> LateLearner:
    named = ", ".join(row.reference for row in learners[:MOST_NAMED])
    more = f" and {len(learners) - MOST_NAMED} more" if len(learners) > MOST_NAMED else ""
    return _cohort(learners, f"{OTHER_LIMITS} for {count(len(learners), 'learner')}: {named}{more}")


def _cohort(learners: Sequence[Learner], words: str, *, wanted: frozenset[int] = frozenset()) -> LateLearner:
    """One line for several learners of a cohort."""
    cohort = learners[0].cohort
    return LateLearner(
        f"{cohort.name}, {cohort.programme.hei.name}",
        words,
        cohort_id=cohort.id,
        wanted=wanted,
        at_utc=max(filter(None, map(_recorded_utc, learners)), default=None),
    )


def _learner(learner: Learner, known: Mapping[int, int | None]) -> LateLearner | None:
    """What happened to one learner; None where nothing that matters to the match did."""
    lost = [need for need in learner.requirements if need.id in known and not is_asked(need)]
    wanted = [need for need in learner.requirements if need.id not in known and is_asked(need)]
    said = []
    if lost:
        said.append(_why_lost(learner, lost))
    if wanted:
        said.append(_why_wanted(learner, wanted, known))
    if not said:
        if not any(need.id in known for need in learner.requirements):
            return None
        said.append(OTHER_LIMITS)
    given_up = frozenset(need.id for need in lost if known[need.id] is not None)
    return LateLearner(
        f"{learner.reference}, {learner.hei.name}",
        "; ".join(said),
        len(given_up),
        learner.id,
        cohort_id=learner.cohort_id,
        given_up=given_up,
        wanted=frozenset(need.id for need in wanted),
        at_utc=_recorded_utc(learner),
    )


def _recorded_utc(learner: Learner) -> datetime | None:
    """When anything was last recorded that the match goes by."""
    recorded = [learner.changed_utc, learner.joined_utc, learner.cohort.submitted_utc]
    recorded += [row.recorded_utc for row in learner.interruptions]
    recorded += [need.changed_utc for need in learner.requirements]
    return max(filter(None, recorded), default=None)


def _why_lost(learner: Learner, lost: Collection[Requirement]) -> str:
    blocks = ", ".join(need.when for need in lost)
    if all(need.state == "exempt" for need in lost):
        return f"no longer needs a place in {blocks}"
    for row in reversed(learner.interruptions):
        if row.last_day is None:
            return f"withdrawn from {day(row.first_day)}"
        return f"away from {day(row.first_day)} to {day(row.last_day)}, so not there for {blocks}"
    return f"not there for {blocks}"


def _why_wanted(learner: Learner, wanted: Collection[Requirement], known: Mapping[int, int | None]) -> str:
    places = count(len(wanted), "place")
    if any(need.id in known for need in learner.requirements):
        return f"also needs a place in {', '.join(need.when for need in wanted)}"
    back = max((row.last_day for row in learner.interruptions if row.last_day), default=None)
    if back is not None:
        return f"back from {day(back + timedelta(days=1))}, needs {places}"
    return f"joined late, needs {places}"
