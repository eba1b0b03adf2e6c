"""What can be done to several learners of a cohort at once."""

from collections.abc import Callable, Collection

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from placements.access import Action, Viewer
from placements.clock import now_utc
from placements.cohorts import queries
from placements.cohorts.changing import note_change, require_changeable
from placements.cohorts.models import Learner
from placements.errors import Refused, Stale
from placements.rounds.models import are_weekdays
from placements.transaction import CHANGED_MEANWHILE, transaction

_NAMED = 5


def release_learners(
    viewer: Viewer, cohort_id: int, learner_ids: Collection[int], *, released: bool, version: int
) -> list[Learner]:
    """Say that learners' employers release them, so that they may be placed elsewhere too, or that they do
    not; returns those for whom that is new.

    `version` is the cohort's as it was read. Before publication a submitted cohort whose learners change goes
    back to draft. Raises Refused where a learner has no employing trust, and Stale where the cohort has
    changed since.
    """

    def put(learner: Learner) -> bool:
        changes = learner.released != released
        learner.released = released
        return changes

    def check(learners: list[Learner]) -> None:
        if free := [row.reference for row in learners if row.employer_trust_id is None]:
            raise Refused(
                f"{_named(free)} {'has' if len(free) == 1 else 'have'} no employing trust that could release"
                " them: choose learners with an employer."
            )

    return _change(
        viewer, Action.RELEASE_LEARNERS, cohort_id, learner_ids, version, check, put, released=released
    )


def set_weekdays(
    viewer: Viewer, cohort_id: int, learner_ids: Collection[int], *, weekdays: str | None, version: int
) -> list[Learner]:
    """Give learners a part-time pattern (1 is Monday; None: the days of the plan); returns those for whom
    that is new. A requirement's own days still come first.

    `version` is the cohort's as it was read. Raises Refused naming the field, and Stale where the cohort has
    changed since.
    """

    def put(learner: Learner) -> bool:
        changes = learner.weekdays != weekdays
        learner.weekdays = weekdays
        return changes

    def check(learners: list[Learner]) -> None:
        if weekdays is not None and not are_weekdays(weekdays):
            words = "Choose at least one day from Monday to Friday"
            raise Refused(f"{words}.", {"weekdays": words})

    if weekdays is not None:
        weekdays = "".join(sorted(set(weekdays)))
    return _change(
        viewer, Action.SET_WEEKDAYS, cohort_id, learner_ids, version, check, put, weekdays=weekdays
    )


def _change(
    viewer: Viewer,
    action: Action,
    cohort_id: int,
    learner_ids: Collection[int],
    version: int,
    check: Callable[[list[Learner]], None],
    put: Callable[[Learner], bool],
    **facts: object,
) -> list[Learner]:
    with transaction(viewer, action) as tx:
        cohort = queries.cohort_by_id(tx.session, viewer, cohort_id)
        require_changeable(cohort.round)
        learners = list(
            tx.session.scalars(
                select(Learner)
                .where(Learner.cohort_id == cohort.id, Learner.id.in_(learner_ids))
                .options(joinedload(Learner.employer))
                .order_by(Learner.reference)
            )
        )
        if not learners:
            words = "Choose at least one learner"
            raise Refused(f"{words}.", {"learners": words})
        if len(learners) < len(set(learner_ids)):
            words = "Some of these learners are no longer in this cohort: reload the page and choose again"
            raise Refused(f"{words}.", {"learners": words})
        check(learners)
        changed = [learner for learner in learners if put(learner)]
        if not changed:
            tx.note(cohort, repeated=True)
            return []
        if cohort.version != version:
            raise Stale(CHANGED_MEANWHILE)
        for learner in changed:
            learner.changed_utc = now_utc()
        note_change(cohort)
        tx.note(cohort, learners=[row.reference for row in changed], **facts)
    return changed


def _named(references: list[str]) -> str:
    more = len(references) - _NAMED
    return ", ".join(references[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
