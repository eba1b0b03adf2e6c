"""One way into every change of a learner: people of an HEI take turns, and what is changed is noted."""

from sqlalchemy import select, update
from sqlalchemy.orm.attributes import flag_modified

from placements.access import Viewer
from placements.clock import now_utc
from placements.cohorts.changing import note_change, require_changeable
from placements.cohorts.models import Cohort, Learner
from placements.errors import Refused, Stale
from placements.learners import queries
from placements.organisations.models import Hei, Programme
from placements.transaction import CHANGED_MEANWHILE, Transaction


def take_turn(tx: Transaction, hei_id: int) -> None:
    """Keep others from this HEI's learners until the commit: a write that changes nothing, since SQLite has
    no other lock."""
    tx.session.execute(
        update(Hei)
        .where(Hei.id == hei_id)
        .values(version=Hei.version)
        .execution_options(synchronize_session=False)
    )


def learner_to_change(tx: Transaction, viewer: Viewer, learner_id: int) -> Learner:
    """A learner whom the person sees, as nobody else changes them meanwhile. Raises NotFound, and Refused
    before the round opens or where nothing is held of the learner any more."""
    hei_id = tx.session.scalar(
        queries.visible_learners(viewer).where(Learner.id == learner_id).with_only_columns(Learner.hei_id)
    )
    if hei_id is not None:
        take_turn(tx, hei_id)
    learner = queries.learner_by_id(tx.session, viewer, learner_id)
    if learner.record.erased_utc is not None:
        raise Refused("What was held of this learner is erased, so nothing can be changed any more.")
    require_changeable(learner.cohort.round)
    return learner


def cohort_in_turn(tx: Transaction, cohort: Cohort) -> None:
    """Keep others from a cohort's learners until the commit, and read it as they left it."""
    hei = select(Programme.hei_id).where(Programme.id == cohort.programme_id)
    take_turn(tx, tx.session.scalars(hei).one())
    tx.session.refresh(cohort)


def require_current(learner: Learner, version: int) -> None:
    """Raise Stale where somebody else changed the learner since this version was read."""
    if learner.version != version:
        raise Stale(CHANGED_MEANWHILE)


def note_learner_change(learner: Learner) -> None:
    """What the match goes by was changed: the learner gets a new version, and so does the cohort, which is a
    draft again before publication."""
    learner.changed_utc = now_utc()
    flag_modified(learner, "changed_utc")
    note_change(learner.cohort)
