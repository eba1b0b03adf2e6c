"""Withdrawals, suspensions and returns, at any state of a round: what each would do, and doing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from placements.access import Action, Viewer
from placements.clock import now_utc
from placements.cohorts.models import Interruption, Learner, Requirement
from placements.cohorts.presence import is_asked
from placements.errors import Refused
from placements.learners import queries
from placements.learners.changing import learner_to_change, note_learner_change, require_current
from placements.learners.details import refuse
from placements.learners.standing import last_published_utc, places_held
from placements.transaction import transaction

KINDS = ("withdrawn", "suspended")
LONGEST_SUSPENSION = timedelta(days=3 * 366)


@dataclass(frozen=True)
class NewInterruption:
    """Days on which a learner takes no part, both ends included; a withdrawal has no last day."""

    kind: str
    first_day: date
    last_day: date | None = None


@dataclass(frozen=True)
class Effect:
    """What a change of a learner's days does: requirements that are asked no longer, and those that are asked
    again; of the former, the places that stand now, in words."""

    lost: tuple[Requirement, ...]
    regained: tuple[Requirement, ...]
    places: tuple[str, ...]


def effect_of(session: Session, learner: Learner, interruptions: Sequence[Interruption]) -> Effect:
    """What these interruptions instead of the learner's own would do; the caller has been let see the
    learner."""
    asked = [row for row in learner.requirements if is_asked(row)]
    then = [row for row in learner.requirements if is_asked(row, interruptions)]
    lost = tuple(row for row in asked if row not in then)
    places = places_held(session, [row.id for row in lost])
    return Effect(
        lost=lost,
        regained=tuple(row for row in then if row not in asked),
        places=tuple(places[row.id] for row in lost if row.id in places),
    )


def effect_of_new(session: Session, learner: Learner, new: NewInterruption) -> Effect:
    """What recording an interruption would do; raises Refused as recording it would."""
    _require_right(learner, new)
    return effect_of(session, learner, [*learner.interruptions, _row(new)])


def effect_of_end(
    session: Session, learner: Learner, interruption: Interruption, last_day: date | None
) -> Effect:
    """What another last day would do, or with None taking the interruption back."""
    rest = [row for row in learner.interruptions if row is not interruption]
    if last_day is not None:
        rest.append(_row(NewInterruption("suspended", interruption.first_day, last_day)))
    return effect_of(session, learner, rest)


def record_interruption(viewer: Viewer, learner_id: int, *, version: int, new: NewInterruption) -> Learner:
    """Record that a learner withdraws or is suspended. The same once more changes nothing.

    Raises Stale where somebody else changed the learner since `version`, and Refused naming each wrong field.
    """
    with transaction(viewer, Action.RECORD_INTERRUPTION) as tx:
        learner = learner_to_change(tx, viewer, learner_id)
        if any(_is(row, new) for row in learner.interruptions):
            tx.note(learner, repeated=True)
            return learner
        require_current(learner, version)
        _require_right(learner, new)
        learner.interruptions.append(_row(new))
        note_learner_change(learner)
        last = str(new.last_day) if new.last_day else None
        tx.note(learner, kind=new.kind, first_day=str(new.first_day), last_day=last)
    return learner


def end_interruption(
    viewer: Viewer, learner_id: int, interruption_id: int, *, version: int, last_day: date | None
) -> Learner:
    """Say that a learner returns after `last_day`; or with None take a wrong interruption back, as long as
    the round has not been published since it was recorded.

    Raises Stale where somebody else changed the learner since `version`, and Refused naming `back_on`.
    """
    with transaction(viewer, Action.RECORD_INTERRUPTION) as tx:
        learner = learner_to_change(tx, viewer, learner_id)
        interruption = queries.interruption_by_id(learner, interruption_id)
        if last_day is not None and interruption.last_day == last_day:
            tx.note(learner, repeated=True)
            return learner
        require_current(learner, version)
        if last_day is None:
            if not may_be_undone(tx.session, interruption):
                raise Refused(
                    "The round has been published since this was recorded, so it cannot be undone: say when"
                    " the learner is back instead."
                )
            learner.interruptions.remove(interruption)
            tx.note(learner, undone=interruption.kind)
        else:
            _require_return(learner, interruption, last_day)
            interruption.last_day = last_day
            tx.note(learner, kind="returned", back_on=str(last_day + timedelta(days=1)))
        note_learner_change(learner)
    return learner


def may_be_undone(session: Session, interruption: Interruption) -> bool:
    """Whether nothing was published since an interruption was recorded; the caller sees its learner."""
    published_utc = last_published_utc(session, interruption.learner.round_id)
    return published_utc is None or published_utc <= interruption.recorded_utc


def _row(new: NewInterruption) -> Interruption:
    return Interruption(kind=new.kind, first_day=new.first_day, last_day=new.last_day, recorded_utc=now_utc())


def _is(row: Interruption, new: NewInterruption) -> bool:
    return (row.kind, row.first_day, row.last_day) == (new.kind, new.first_day, new.last_day)


def _require_right(learner: Learner, new: NewInterruption) -> None:
    wrong: dict[str, str] = {}
    if new.kind not in KINDS:
        wrong["kind"] = "Choose withdrawn or suspended"
    elif new.kind == "suspended" and new.last_day is None:
        wrong["last_day"] = "Enter the last day of the suspension; it can be changed later"
    elif new.kind == "withdrawn" and new.last_day is not None:
        wrong["last_day"] = "A withdrawal has no last day: leave it empty, or choose suspended"
    elif new.last_day is not None and new.last_day < new.first_day:
        wrong["last_day"] = "The last day cannot be before the first"
    elif new.last_day is not None and new.last_day - new.first_day > LONGEST_SUSPENSION:
        wrong["last_day"] = "Record at most three years at a time"
    clash = next(
        (row for row in learner.interruptions if row.covers(new.first_day, _end(new.last_day))), None
    )
    if clash is not None and not wrong:
        wrong["first_day"] = (
            f"{learner.reference} is already {clash.kind} from {_spoken(clash.first_day)}"
            f"{f' to {_spoken(clash.last_day)}' if clash.last_day else ''}: change that instead"
        )
    refuse(wrong)


def _require_return(learner: Learner, interruption: Interruption, last_day: date) -> None:
    if last_day < interruption.first_day:
        refuse({"back_on": "Enter a day after the first day away; to take it back altogether, undo it"})
    if last_day - interruption.first_day > LONGEST_SUSPENSION:
        refuse({"back_on": "Record at most three years at a time"})
    others = [row for row in learner.interruptions if row is not interruption]
    if clash := next((row for row in others if row.covers(interruption.first_day, last_day)), None):
        refuse({"back_on": f"{learner.reference} is {clash.kind} again from {_spoken(clash.first_day)}"})


def _end(last_day: date | None) -> date:
    return last_day or date.max


def _spoken(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
