"""One rule for everything that changes a cohort or one of its learners: when it may, and what it does to a
cohort that was submitted."""

from sqlalchemy.orm.attributes import flag_modified

from placements.cohorts.models import Cohort
from placements.errors import Refused
from placements.rounds.models import Round
from placements.states import COHORT


def require_changeable(round_: Round) -> None:
    """Cohorts change from a round's opening on, after its publication too; raises Refused before it."""
    if round_.state == "draft":
        raise Refused(f"{round_.name} is not open yet: cohorts can be changed once it is.")


def note_change(cohort: Cohort) -> None:
    """Whatever changes a cohort gives it a new version, so that nobody submits what they have not seen.
    Before publication a submitted cohort is a draft again; after it, it stays in, and the academy is told of
    the change, which a repair takes in."""
    if cohort.round.state == "open":
        cohort.state = COHORT.move(cohort.state, "change")
        cohort.submitted_utc = None
    flag_modified(cohort, "state")
